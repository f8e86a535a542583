//! Commits as plain data, and the walk that reads them.
//!
//! Never: decides what a builder would do.

mod commit;

pub use commit::Change;
pub use commit::Commit;
