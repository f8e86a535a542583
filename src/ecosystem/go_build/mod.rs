//! What a build with Go reads of the project, followed from the built package's imports.
//!
//! [`reads`] takes one command and answers with directories and files: packages of the project that are reached, what they
//! embed, what cgo includes, the modules' own files. Files of every build constraint count, so that what is left out is
//! read on no platform and with no tag.
//!
//! Never: reads a file other than through [`super::Files`], guesses: what cannot be followed is an error with its reason.

mod command;
mod modules;
mod packages;
mod reads;
mod source;

pub use command::reads;
pub use reads::Reads;
