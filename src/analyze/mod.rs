//! The facade: settings and builds in, analysis out. The only module that sees every other.
//!
//! Pure: the caller reads the builds and hands them over one by one.
//!
//! Never: reads a file, prints, looks at the clock.

mod analyzer;
mod arguments;
mod facts;
mod ground;

pub use analyzer::Analyzer;
pub use analyzer::counted_builds;
pub use arguments::NewArguments;
pub use facts::Analysis;
pub use facts::Build;
pub use facts::BuiltFacts;
pub use facts::MAX_CHURN;
pub use facts::StepFacts;
pub use facts::Totals;
pub use facts::Version;
pub use ground::Ground;
