//! The process: arguments, files, terminal, exit codes. One of the places that do I/O.
//!
//! Never: computes a fact about a cache.

mod analyze;
mod args;
mod builds;
mod compare;
mod config;
mod config_file;
mod error;
mod graph;
mod hint;
mod load;
mod output;
mod prices;
mod progress;
mod replay;
mod run;
mod settings;
mod suggest;

pub use run::main;
