//! What a front-end's build reads of the project, as its scripts, settings and imports name it.
//!
//! [`reads`] takes one command and answers with directories and files: what `package.json` runs is followed command by
//! command; what the settings of the tools name is read with its directory; relative imports that lead out of those are
//! followed. A tool that is not known, or a name that may be anything, is an error with its reason.
//!
//! What a program computes is not seen: an answer holds as far as names go, and says by which files it was found
//! ([`super::Reads::named_by`]).
//!
//! Never: reads a file other than through [`super::Files`], runs anything.

mod command;
mod names;
mod tools;
mod walk;

pub(super) use command::reads;
