//! What is wrong with a Dockerfile's order, in plain words with the line: what a report says before any proposal.
//!
//! Never: a guess about time; how much a finding costs is for whoever has the replay.

mod context;
mod copied;
mod dependencies;
mod findings;
mod images;
mod kind;
mod resolving;
mod system;
mod values;

pub use findings::findings;
pub use kind::Finding;
pub use kind::KINDS;
