//! Results to text, one file per format; all write to a sink.
//!
//! Never: computes a fact, reads a file, knows the terminal beyond what it is told.

pub mod annotations;
pub mod code_quality;
pub mod comment_view;
pub mod compare;
pub mod demo;
pub mod direction;
pub mod explain;
mod fingerprint;
pub mod format;
pub mod graph;
pub mod heat;
pub mod html;
pub mod json;
pub mod markdown;
mod markup;
pub mod notice;
pub mod pr_comment;
pub mod sarif;
pub mod suggest;
pub mod table;
pub mod terminal;
pub mod trace;
pub mod verify;
pub mod view;
