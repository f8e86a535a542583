//! Text to typed instructions, and edits back to text.
//!
//! Never: I/O, knowledge of a builder's cache.

pub mod ast;
mod error;
pub mod expand;
mod shell_pattern;
mod span;

pub use ast::Dockerfile;
pub use error::Error;
pub use error::Refusal;
pub use span::Lines;
pub use span::Span;
