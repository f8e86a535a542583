//! A Dockerfile as stages, instructions and steps for one target.
//!
//! Never: knows a cache or a history.

pub mod dag;
mod definition;
mod dispatch;
mod env;
mod lower;
mod lowered;
mod platform;
mod source;
mod stages;
mod step;

pub use definition::Definition;
pub use definition::Parts;
pub use definition::RunDefinition;
pub use env::Env;
pub use lower::Options;
pub use lower::join_clean;
pub use lower::lower;
pub use lowered::Action;
pub use lowered::Base;
pub use lowered::CopyAction;
pub use lowered::CopySource;
pub use lowered::Lowered;
pub use lowered::LoweredStage;
pub use lowered::Lowering;
pub use lowered::MountFrom;
pub use lowered::RunAction;
pub use lowered::RunMount;
pub use lowered::State;
pub use platform::BUILD_PLATFORM;
pub use platform::is_native;
pub use platform::platform;
pub use step::Input;
pub use step::Origin;
pub use step::Step;
pub use step::StepId;
