//! Keys of dialogs as the bytes a terminal sends: type-ahead, pastes, and keys that are another key in disguise.

use std::process::Command;

use portable_pty::CommandBuilder;

use super::Terminal;

/// A text as a terminal sends it when it is pasted.
fn paste(text: &str) -> String {
    format!("\x1b[200~{text}\x1b[201~")
}

impl Terminal {
    /// A board at rest, with its first row selected.
    fn at_rest() -> Self {
        let mut it = Self::demo(&["drift"]);
        it.until(&["SERVING  3 of 3", "settled"]);
        it.press("j");
        it
    }

    fn until_not(&self, text: &str) {
        self.until_so(&format!("no {text:?}"), |shown| !shown.contains(text));
    }

    /// The terminal is in the hands of the program: its own screen, and pastes told from keys.
    fn until_taken(&self, taken: bool) {
        self.until_so(&format!("taken: {taken}"), |_| {
            let parser = self.screen.lock().unwrap();
            let screen = parser.screen();
            screen.alternate_screen() == taken && screen.bracketed_paste() == taken
        });
    }
}

#[test]
fn what_was_typed_before_the_plan_was_on_the_screen_does_not_accept_it() {
    let mut it = Terminal::at_rest();
    it.press("Dy");
    it.until(&["Plan · drain", "Read it first, then press y"]);
    it.until(&["Plan · drain", "y accept"]);
    assert!(!it.text().contains("under way"), "{}", it.text());
    it.press("y");
    it.until(&["drain · under way"]);
}

#[test]
fn a_held_key_never_accepts_a_plan() {
    let mut it = Terminal::at_rest();
    it.press("X");
    it.press(&"y".repeat(200));
    it.until(&["Plan · deregister", "Read it first, then press y"]);
    it.until(&["y accept"]);
    assert!(!it.text().contains("under way"), "{}", it.text());
}

#[test]
fn a_paste_is_text_and_no_key() {
    let mut it = Terminal::at_rest();
    it.until_taken(true);
    // On the board.
    it.press(&paste("Dy\r"));
    it.until(&["Paste ignored"]);
    it.press("D");
    it.until(&["Plan · drain", "y accept"]);
    // In front of a plan that could be accepted.
    it.press(&paste("y\ry\n"));
    it.until(&["Plan · drain", "Paste ignored"]);
    it.press("\x1b");
    it.until_not("Plan · drain");
    // Where text is typed it is text: its line break keeps no filter and accepts no name.
    it.press("/");
    it.press(&paste("10.0.\r\x03"));
    it.until(&["/ 10.0.▏", "Enter keep"]);
    it.press("\x1b");
    it.until_not("Enter keep");
    it.press("B");
    it.until(&["type testapptgb", "Enter accept"]);
    it.press(&paste("testapptgb\r"));
    it.until(&["type testapptgb: testapptgb▏"]);
    it.press("\r");
    it.until(&["unbind · under way"]);
}

#[test]
fn each_byte_is_the_key_that_the_dialog_shows() {
    let mut it = Terminal::at_rest();
    it.press("D");
    it.until(&["Plan · drain", "y accept", "t put it back"]);
    // Enter, as ctrl-m sends it too, accepts no plan; nor does a line feed.
    it.press("\r");
    it.press("\n");
    // Tab is another choice: another plan, to be read anew.
    it.press("\t");
    it.until(&["add label app=testapp", "t leave it detached", "y accept"]);
    assert!(!it.text().contains("under way"), "{}", it.text());
    // Esc and a letter in one write are Esc and then that letter, which finds no plan any more.
    it.press("\x1by");
    it.until_not("Plan · drain");
    assert!(!it.text().contains("under way"), "{}", it.text());
    it.press("D");
    it.until(&["Plan · drain", "y accept"]);
    it.press("\x1b[B\x1b[A");
    it.press("n");
    it.until_not("Plan · drain");
    // Either byte of Backspace deletes one character; ctrl-u deletes all of them.
    it.press("/web");
    it.until(&["/ web▏"]);
    it.press("\x7f");
    it.until(&["/ we▏"]);
    it.press("\x08");
    it.until(&["/ w▏"]);
    it.press("\x15");
    it.until(&["/ ▏"]);
    it.press("\x1b");
    it.until_not("Enter keep");
    // A name is typed with letters that are keys elsewhere; a wrong one is said.
    it.press("B");
    it.until(&["type testapptgb", "Enter accept"]);
    it.press("yn\r");
    it.until(&["that is not testapptgb"]);
    it.press("\x1b");
    it.until_not("Plan · unbind");
}

/// A key that stays in the terminal until the next one would be read for a screen it was not pressed on.
#[test]
fn a_key_pressed_while_the_window_changes_does_not_wait_for_the_next_one() {
    let mut it = Terminal::at_rest();
    for n in 0..40 {
        it.resize(130 + n % 20, 40);
        it.press("d");
        it.resize(150 + n % 20, 45);
        it.until(&["┌ Details"]);
        it.resize(130 + n % 20, 40);
        it.press("\x1b");
        it.resize(150 + n % 20, 45);
        it.until_not("┌ Details");
    }
}

#[test]
fn the_terminal_is_given_back_without_the_mode_for_pastes() {
    let mut it = Terminal::at_rest();
    it.until_taken(true);
    it.press("q");
    assert_eq!(it.ended(), 0);
    it.until_taken(false);
}

/// A demo as a job of a shell, which says when it has the terminal again.
fn job() -> Terminal {
    let mut command = CommandBuilder::new("/bin/sh");
    let script = format!(
        "set -m; sh -c 'echo $$ > pid; exec {} demo drift'; echo STOPPED; read line; fg; echo ENDED",
        env!("CARGO_BIN_EXE_tgscope")
    );
    command.args(["-c", &script]);
    command.env_clear();
    command.env("PATH", "/usr/bin:/bin");
    let it = Terminal::at_home(command);
    it.until(&["SERVING  3 of 3", "settled"]);
    it
}

fn is_suspended_and_goes_on(stop: impl FnOnce(&mut Terminal)) {
    let mut it = job();
    stop(&mut it);
    it.until(&["STOPPED"]);
    it.until_taken(false);
    it.press("\n");
    it.until_taken(true);
    it.until(&["SERVING"]);
    // Keys are keys again, one by one.
    it.press("/x");
    it.until(&["/ x▏"]);
    it.press("\x1b");
    it.until_not("Enter keep");
    it.press("q");
    it.until(&["ENDED"]);
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_takes_it_again() {
    is_suspended_and_goes_on(|it| it.press("\x1a"));
}

#[test]
fn a_stop_from_outside_gives_the_terminal_to_the_shell_too() {
    is_suspended_and_goes_on(|it| {
        let file = it.home.as_ref().unwrap().path().join("pid");
        let pid = std::fs::read_to_string(file).unwrap();
        assert!(Command::new("kill").args(["-TSTP", pid.trim()]).status().unwrap().success());
    });
}

#[test]
fn without_a_shell_to_go_back_to_nothing_is_suspended() {
    let mut it = Terminal::at_rest();
    it.press("\x1a");
    it.until(&["no shell with job control to suspend to"]);
    it.press("q");
    assert_eq!(it.ended(), 0);
}
