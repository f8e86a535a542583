//! A comparison of two Dockerfiles, for terminals, as Markdown, and as JSON (`stratigraph.compare/1`).
//!
//! Never: decides whether a change is good enough.

mod json;
mod page;
mod tables;
mod words;

pub use json::json;
pub use page::markdown;
pub use page::terminal;
pub use words::Compared;
