//! Commits as plain data, and the walk that reads them.
//!
//! Never: decides what a builder would do.

mod commit;
mod input;

pub use crate::tree::Change;
pub use commit::Commit;
pub use input::BuildInput;
pub use input::Request;
