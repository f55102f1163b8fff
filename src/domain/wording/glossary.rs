//! What the short words of the screen mean, for its help and for the README.

/// A word as it is shown, and what it says.
pub const GLOSSARY: [(&str, &str); 9] = [
    ("settled", "everything wanted is in service, nothing rolls out, and health was asked for since"),
    ("settled?", "that cannot be known now; Why says what is missing"),
    ("k8s live", "changes of the cluster arrive as they happen"),
    ("aws 4s", "how old the oldest health on show is"),
    ("18/min", "our calls to AWS in the last minute, which others share the budget of"),
    ("every 15 s, 5/2", "time between two checks; passes to become healthy, failures to become unhealthy"),
    ("idle 9m", "the controller has nothing to do since then: its checkpoint is of these endpoints"),
    ("behind", "the controller's checkpoint is of other endpoints: it has not acted yet"),
    ("word?", "its pod changed after the health was asked for: how it stood before"),
];
