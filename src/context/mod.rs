//! What the builder can see of the repository.
//!
//! Never: reads git or the disk.

mod selector;

pub use selector::Selector;
