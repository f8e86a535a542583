//! Proposals with what they are worth: each replayed over the history, priced, and put in the best order.
//!
//! The baseline is the newest Dockerfile and ignore file at every commit, so that what is compared is two texts and not
//! two histories of texts; only the versions that it names (tags of images, values of ARG and ENV, versions in commands) are each commit's own.
//!
//! Never: prints, reads the disk, decides what is legal (that is `restructure::legality`'s).

mod answer;
mod apart;
mod assemble;
mod bench;
mod bringing;
mod conditional;
mod door;
mod elsewhere;
mod emulating;
mod generated;
mod idle;
mod left;
mod passing;
mod past;
mod question;
mod renewing;
mod run;
mod saving;
mod slower;
mod texts;
mod trees;

pub use answer::Condition;
pub use answer::Conditional;
pub use answer::Saving;
pub use answer::Slower;
pub use answer::SlowerBy;
pub use answer::Suggestion;
pub use answer::Suggestions;
pub use door::suggest;
pub use question::Question;
