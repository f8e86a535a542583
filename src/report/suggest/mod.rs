//! Proposals as text: for a terminal, as Markdown, as JSON (`stratigraph.suggest/1`), and as a patch.
//!
//! Never: decides what is proposed.

mod json;
mod markdown;
mod patch;
mod terminal;
mod words;

pub use json::write_json;
pub use markdown::write_markdown;
pub use patch::patch;
pub use patch::write_patch;
pub use terminal::write_terminal;
