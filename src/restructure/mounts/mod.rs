//! Cache mounts: where each tool keeps what it fetches, which RUNs share it, and what a mount would hide.
//!
//! The rule is `rules::mounts`; distributions' own packages are in `archives`.
//!
//! Never: proposes anything, takes a directory that it does not know for one that a mount may lie over.

mod cargo_ahead;
mod cargo_ground;
mod cargo_out;
mod cargo_results;
pub(super) mod cargo_target;
mod cargo_work;
pub(super) mod compiler_caches;
pub(super) mod downloads;
pub(super) mod given;
pub(super) mod go_anew;
pub(super) mod go_compiler;
pub(super) mod hidden;
pub(super) mod hidden_cooks;
pub(super) mod kept;
pub(super) mod kin;
mod lookers;
pub(super) mod offline;
pub(super) mod own_builds;
pub(super) mod own_wheels;
pub(super) mod settings;
pub(super) mod told;
pub(super) mod virtualenvs;
pub(super) mod worked_on;
