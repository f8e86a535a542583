//! A Dockerfile as a graph of steps for one target.
//!
//! Never: knows a cache or a history.

mod step;

pub use step::Input;
pub use step::Origin;
pub use step::Step;
pub use step::StepId;
