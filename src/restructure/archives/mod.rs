//! The downloads of system packages, kept in cache mounts: apt, apk, dnf.
//!
//! Images of distributions are made to keep no downloads, so a mount alone does nothing: what empties it has to go from
//! the RUN, and what tells the package manager to keep nothing.
//!
//! Never: judges whether it pays, mounts anything over a RUN whose commands are not all plain.

mod apk;
mod apt;
mod dnf;
mod edit;
mod family;
mod found;
mod proposal;

pub(super) use found::{has_mount, is_ours};
pub(super) use proposal::candidates;
