//! `stratigraph.toml`: what it may say, where it is found, and how it fills in what the command line left open.
//!
//! Never: overrides the command line, lets an unknown key pass.

mod file;
mod fill;
mod schema;
mod table;

pub(super) use file::load;
pub(super) use fill::{fill, unknown};
#[cfg(test)]
pub(super) use schema::FILE_NAME;
pub(super) use schema::{Config, Ignored, Image};
