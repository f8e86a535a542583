//! Proposals to change a Dockerfile and its ignore file, with what makes them safe.
//!
//! A [`View`] holds what may be known; each [`Rule`] of [`rules::ALL`] turns it into [`Candidate`]s. What they are
//! worth is found by replaying them, which happens elsewhere.
//!
//! Never: scores itself, sees a replay, reads a file.

pub mod absent;
mod accepted;
mod archives;
mod base;
mod build_commands;
mod candidate;
mod chain;
pub mod command;
mod compiler_caches;
mod conflict;
mod directories;
mod downloads;
pub mod effect;
mod environment;
mod file_words;
pub mod filter;
pub mod filtered;
pub mod finding;
mod git_asked;
mod git_programs;
mod git_scripts;
mod git_words;
mod given_mounts;
mod go_compiler;
mod hidden;
mod hidden_cooks;
mod ignore_file;
pub mod informed;
mod installs;
mod kept;
mod kin;
pub mod layout;
pub mod legality;
mod lift;
mod lookers;
mod manifests;
pub mod misplaced;
mod mounted;
mod offline;
mod other_dockerfiles;
mod own_wheels;
pub mod passed;
pub mod past;
pub mod platforms;
mod present;
mod recipe;
mod rewritten;
mod run_text;
mod source_asked;
mod view;

pub mod mentions;
pub mod moving;
mod named;
mod named_files;
pub mod rules;
mod runtime;
pub mod search;
mod system_places;
mod taken;
mod targets;
mod tools;
pub mod touched;
mod worked_on;
mod written;

pub use candidate::Candidate;
pub use candidate::IgnoreText;
pub use candidate::Replaced;
pub use candidate::Safety;
pub use candidate::TextEdit;
pub use git_asked::names_git_dir;
pub use git_asked::reads_git;
pub use git_words::asks_git;
pub use rules::Rule;
pub use source_asked::installs_from_source;
pub use view::Accepted;
pub use view::Feature;
pub use view::View;
