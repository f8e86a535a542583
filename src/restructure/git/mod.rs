//! Whether a build asks git about the checkout: its commands, what they hand on to, and what the project's own files say.
//!
//! Never: says what an answer of git is worth to a proposal, takes a file that it cannot read for one without git.

pub(super) mod asked;
mod programs;
mod scripts;
mod words;

pub use asked::names_git_dir;
pub use asked::reads_git;
pub use words::asks_git;
