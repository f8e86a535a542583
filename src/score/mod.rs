//! Outcomes to numbers: hit ratio, cost, attribution, bound.
//!
//! Never: prints, reads a file, proposes a change.

mod align;
mod attribution;
mod bound;
mod cold;
mod compare;
mod conditions;
mod file_names;
#[cfg(test)]
pub(crate) mod fixture;
mod metric;
mod reads;
mod step_changes;

pub use align::align;
pub use attribution::Blame;
pub use attribution::Cause;
pub use attribution::Ledger;
pub use attribution::causes;
pub use attribution::root_of;
pub use bound::needed;
pub use compare::Change;
pub use compare::Comparison;
pub use compare::EQUAL_MS;
pub use compare::Pair;
pub use compare::Side;
pub use compare::compare;
pub use compare::has_unknown;
pub use conditions::Emulated;
pub use conditions::Means;
pub use conditions::Passed;
pub use file_names::is_manifest;
pub use metric::Millis;
pub use metric::Tally;
pub use metric::counted;
pub use metric::ran;
pub use metric::tally;
pub use reads::Ask;
pub use reads::Certainty;
pub use reads::Reads;
pub use reads::reads;
pub use reads::reads_beside;
pub use reads::reads_of;
pub use step_changes::StepChange;
pub use step_changes::StepSide;
