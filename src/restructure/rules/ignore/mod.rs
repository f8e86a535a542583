//! Files that no step reads stay out of the context.
//!
//! Before, `.dockerignore`:
//! ```text
//! node_modules
//! ```
//! After:
//! ```text
//! node_modules
//! .git
//! docs
//! ```
//! One candidate for each class of files: the checkout's `.git`, documentation, CI and editor files, tests, the
//! Dockerfile itself; and one for whatever is shown to be read by no step of any Dockerfile. Only what is there, what a
//! COPY takes along, and what changes is named. A build that asks git for its version keeps `.git`.
//!
//! Never: names a file that a COPY, a mount or a RUN names.

mod bare;
mod broad;
mod embedded;
mod folders;
mod git;
mod referred;
mod rule;
mod seldom_read;
mod testing;
mod unread;
mod wanted;

pub(super) use rule::RULE;
