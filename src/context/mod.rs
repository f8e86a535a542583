//! What the builder can see of the repository.
//!
//! A [`ContextTree`] holds the context's files and shows what the ignore rules leave of them; [`digest`] says what a
//! step that reads a part of it contributes to its cache key; [`copy_into`] says what COPY leaves in a stage.
//!
//! Never: reads git or the disk.

mod copy;
mod differences;
mod digest;
mod go_regex;
mod ignore;
mod lookup;
mod name;
mod pattern;
mod reading;
mod rework;
mod select;
mod selector;
mod snapshot;
mod tree;

pub use copy::CopyOptions;
pub use copy::copy_into;
pub use digest::ContentId;
pub use ignore::IgnoreRules;
pub use ignore::PatternError;
pub use ignore::ignore_files;
pub use ignore::ignore_files_of_buildah;
pub use ignore::ignore_files_of_classic;
pub(crate) use pattern::has_wildcards;
pub use reading::Reading;
pub use reading::digest_as;
pub use rework::Change;
pub use rework::Reworked;
pub use select::NotFound;
pub use select::covered;
pub use select::covers;
pub use select::digest;
pub use select::matches;
pub use selector::Selector;
pub use snapshot::ContextTree;
pub use snapshot::GIT_DIR_CHANGING;
pub use tree::Dir;
pub use tree::File;
pub use tree::Link;
pub use tree::Node;

#[cfg(test)]
mod tests;
