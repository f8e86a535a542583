//! Posting a comment to the pull request: GitHub, GitLab and Gitea (Forgejo serves Gitea's interface).
//!
//! [`destination`] says where to, from options and a CI job's environment; [`post`] lists the comments there, finds
//! ours by a hidden marker and does what the mode asks, with no writing request when nothing changed.
//!
//! Never: reads the process's environment or files (they come in as values), prints, shows a token.

mod secret;
mod thread;

mod error;

mod network;

mod reply;

mod http;

mod environment;

mod comment;

mod github;

mod gitlab;

mod gitea;

pub use comment::Action;
pub use comment::Mode;
pub use comment::Posted;
pub use comment::Say;
pub use comment::Tag;
pub use comment::post;
pub use environment::Destination;
pub use environment::Environment;
pub use environment::Forge;
pub use environment::Overrides;
pub use environment::Surroundings;
pub use environment::destination;
pub use error::Error;
pub use error::Kind;
pub use network::Limits;
pub use network::Network;
pub use network::Proxies;
pub use secret::Secret;
