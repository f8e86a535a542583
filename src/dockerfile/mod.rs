//! Text to typed instructions, and edits back to text.
//!
//! Never: I/O, knowledge of a builder's cache.

pub mod ast;
mod error;
mod span;

pub use ast::Dockerfile;
pub use error::Error;
pub use span::Lines;
pub use span::Span;
