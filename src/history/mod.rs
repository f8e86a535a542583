//! Commits as plain data, and the walk that reads them.
//!
//! Never: decides what a builder would do.

mod commit;
mod input;
mod layout;
mod moves;

#[cfg(feature = "git")]
mod error;
#[cfg(feature = "git")]
pub mod git;
#[cfg(feature = "git")]
mod objects;
#[cfg(feature = "git")]
mod raw;
#[cfg(feature = "git")]
mod walk;
#[cfg(feature = "git")]
pub mod write;

pub use crate::tree::Change;
pub use commit::Commit;
pub use input::BuildInput;
pub use input::Request;
pub use layout::Layout;
pub use layout::Relay;
pub use layout::below;
pub use moves::alike;
