//! The lines of the audit log as values, and what they tell of plans that were begun: which are unfinished, which pods
//! are out of rotation, what can be undone.

mod backlog;
mod entry;
mod last;
mod past;

pub use self::backlog::Backlog;
pub use self::backlog::detached;
pub use self::backlog::unfinished;
pub use self::entry::Entry;
pub use self::entry::Excerpt;
pub use self::entry::LogStage;
pub use self::entry::context_of;
pub use self::entry::place_of;
pub use self::last::LastWritten;
pub use self::past::Detached;
pub use self::past::Past;
pub use self::past::Unfinished;
pub use self::past::places;
