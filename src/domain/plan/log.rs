//! The lines of the audit log as values, and what they tell of plans that were begun: which are unfinished, which pods
//! are out of rotation, what can be undone.

mod backlog;
mod entry;
mod last;
mod past;

pub(crate) use self::backlog::Backlog;
pub use self::backlog::detached;
pub use self::backlog::unfinished;
pub use self::entry::Entry;
pub(crate) use self::entry::Excerpt;
pub use self::entry::LogStage;
pub(crate) use self::entry::context_of;
pub(crate) use self::entry::place_of;
pub use self::last::LastWritten;
pub use self::past::Detached;
pub(crate) use self::past::Past;
pub(crate) use self::past::Unfinished;
pub(crate) use self::past::places;
