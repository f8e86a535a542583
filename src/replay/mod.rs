//! The model run over the history.
//!
//! Never: prints, reads the disk, knows a cost.

mod ahead;
mod align;
mod evaluate;
mod filters;
mod marks;
mod outcome;
mod plan_key;
mod prepared;
mod reason;
mod run;
mod settings;
mod trees;

pub use ahead::Ahead;
pub use ahead::Made;
pub use ahead::Planned;
pub use ahead::plan_ahead;
pub use align::align;
pub use filters::FileWork;
pub use filters::Filters;
pub use filters::Holds;
pub use filters::Part;
pub use filters::Table;
pub use outcome::BuildOutcome;
pub use outcome::Built;
pub use outcome::Outcome;
pub use outcome::Steps;
pub use run::Replay;
pub use run::replay;
pub use settings::CacheExport;
pub use settings::NotHeld;
pub use settings::RunOutputs;
pub use settings::Runner;
pub use settings::Settings;
