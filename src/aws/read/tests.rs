//! Answers as AWS gives them.
