//! Proposals to change a Dockerfile and its ignore file, with what makes them safe.
//!
//! A [`View`] holds what may be known; each [`Rule`] of [`rules::ALL`] turns it into [`Candidate`]s. What they are
//! worth is found by replaying them, which happens elsewhere.
//!
//! Never: scores itself, sees a replay, reads a file.

pub mod absent;
mod accepted;
mod accounts;
mod archives;
mod base;
mod beside;
mod build_commands;
mod candidate;
mod chain;
pub mod command;
mod conflict;
pub mod effect;
mod environment;
mod file_work;
pub mod filter;
pub mod filtered;
pub mod finding;
mod git;
mod ignore_file;
pub mod informed;
mod installs;
pub mod layout;
pub mod legality;
mod lift;
mod manifests;
pub mod mentions;
pub mod misplaced;
mod mounted;
mod mounts;
pub mod moving;
mod named;
mod notes;
mod other_dockerfiles;
pub mod passed;
pub mod past;
pub mod platforms;
mod present;
mod recipe;
pub mod renewed;
mod rewritten;
pub mod rules;
mod run_text;
mod runtime;
pub mod search;
mod sentence;
mod shells;
mod source_asked;
mod system_places;
mod taken;
mod targets;
mod through;
mod tool_variables;
mod tools;
pub mod touched;
mod view;
mod written;

pub use candidate::Candidate;
pub use candidate::IgnoreText;
pub use candidate::Replaced;
pub use candidate::Safety;
pub use candidate::TextEdit;
pub use git::asks_git;
pub use git::names_git_dir;
pub use git::reads_git;
pub use rules::Rule;
pub use source_asked::installs_from_source;
pub use view::Accepted;
pub use view::Feature;
pub use view::View;
