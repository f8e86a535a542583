//! The process: arguments, files, terminal, exit codes. One of the places that do I/O.
//!
//! Never: computes a fact about a cache.

mod accepted;
mod analyze;
mod args;
mod baseline;
mod builds;
mod calibrate;
mod comment;
mod compare;
mod config;
mod demo;
mod error;
mod explain;
mod graph;
mod hint;
mod layout;
mod limits;
mod load;
mod output;
mod prices;
mod progress;
mod pull_request;
mod renewed;
mod replay;
mod run;
mod settings;
mod suggest;
mod surroundings;
mod texts;
mod verify;
mod worktree;

pub use run::main;
