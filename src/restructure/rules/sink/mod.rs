//! Values that change from build to build are set as late as possible.
//!
//! Before:
//! ```dockerfile
//! ARG GIT_COMMIT
//! ENV GIT_COMMIT=$GIT_COMMIT
//! RUN apt-get update && apt-get install -y curl
//! ```
//! After:
//! ```dockerfile
//! RUN apt-get update && apt-get install -y curl
//! ARG GIT_COMMIT
//! ENV GIT_COMMIT=$GIT_COMMIT
//! ```
//! Applies to arguments that are passed with changing values, to those whose name says that they will be (a commit,
//! a date, a build number, a version), to those that the repository's own files pass, and to what the Dockerfile itself
//! gave other values over this history. They move down past everything that does not read them: a RUN whose programs are
//! known not to (`environment::reading`), and, for review, one of which nothing shows that it does. A RUN that only writes one
//! somewhere goes with it. One that is there to make steps run again (`CACHEBUST`) stays where it is,
//! unless it says which (`GEOIP_CACHE_BUSTER`). What a stage sets for those built on it alone is set there.
//!
//! Never: holds logic of its own; it only says where the parts are.

mod busters;
mod children;
mod cut;
mod doubts;
mod ground;
mod groups;
mod pairs;
mod place;
mod proposal;
mod rule;
mod stages;

pub use groups::OF_TARGET;
pub(super) use rule::RULE;
