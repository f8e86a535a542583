//! Text to typed instructions, and edits back to text.
//!
//! Never: I/O, knowledge of a builder's cache.

pub mod ast;
mod diagnose;
pub mod diagnostic;
mod directive;
mod distance;
pub mod edit;
mod error;
pub mod expand;
mod flags;
mod heredoc;
mod instruction;
mod json;
mod likely_base;
mod lines;
pub mod mount;
mod node;
mod parse;
mod read;
mod recover;
pub mod reference;
mod shell_pattern;
mod span;
pub mod suppress;
mod unset;
mod words;

pub use ast::Dockerfile;
pub use error::Error;
pub use error::Refusal;
pub(crate) use flags::nanoseconds;
pub use parse::Parsed;
pub use parse::instruction_lines;
pub use parse::parse;
pub use parse::parse_bytes;
pub use recover::Mend;
pub use recover::Recovery;
pub use recover::parse_lenient;
pub use span::Lines;
pub use span::Span;
