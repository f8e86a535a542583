//! Make: the commands of a target's recipe and of its prerequisites', as far as the Makefile says them.
//!
//! This is no make. Files it includes, most functions and patterns are not followed. Conditions are decided only where that
//! is asked for ([`as_called`]); what stands behind one counts as not said plainly in any case. The recipes themselves are
//! read by [`crate::shell`].
//!
//! Never: reads other files than the Makefile, runs anything.

mod conditions;
mod goal;
mod makefile;
mod values;
mod visit;

pub(super) use goal::as_called;
pub(super) use goal::commands;
pub(super) use goal::goal;
pub use goal::of_prerequisites;
pub use goal::of_targets;
pub(super) use values::SOME;
pub(super) use values::UNKNOWN;
pub(super) use values::bracketed;
