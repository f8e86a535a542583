//! The model run over the history.
//!
//! Never: prints, reads the disk, knows a cost.

mod outcome;

pub use outcome::BuildOutcome;
pub use outcome::Built;
pub use outcome::Steps;
