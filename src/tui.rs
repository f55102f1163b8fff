//! The terminal: keys in, frames out, effects handed to the backend.

mod keys;
mod perform;
pub mod run;
mod screen;
mod terminal;
mod theme;
pub mod view;

pub use self::screen::Screen;
pub use self::screen::terminated;
pub use self::terminal::job_control;
pub use self::theme::Theme;
