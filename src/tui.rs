//! The terminal: keys in, frames out, effects handed to the backend.

mod keys;
mod perform;
pub(crate) mod run;
mod screen;
mod terminal;
mod theme;
pub mod view;

pub use self::screen::Screen;
pub(crate) use self::screen::terminated;
pub(crate) use self::terminal::job_control;
pub use self::theme::Theme;
