//! Generated repositories and Dockerfiles for the demo: four applications, a year of plausible history each.
//!
//! The Dockerfiles follow the structure of two articles on multi-stage builds (one on a Spring Boot application with a
//! Node front end, one on React, Java and Go), written anew; the two that were malformed are kept so.
//!
//! Never: reads the clock, a random device or the disk: the same bytes every time.

mod apps;
mod history;
mod random;

pub use apps::App;
pub use apps::Variant;
pub use apps::apps;
pub use history::DemoCommit;
pub use history::commits;
