//! Results to text, one file per format; all write to a sink.
//!
//! Never: computes a fact, reads a file, knows the terminal beyond what it is told.

pub mod comment_view;
pub mod format;
pub mod graph;
mod markup;
pub mod pr_comment;
pub mod suggest;
pub mod table;
pub mod terminal;
pub mod trace;
pub mod view;
