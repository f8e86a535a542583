//! What a build reads of the project where names are all that can be known.

use super::cargo_build;
use super::front_end;
use super::{Call, Reads};

/// What a command reads of the project, as the files of a front-end or of Cargo's packages name it; `None` where it is
/// another one, an error where it may read anything. `git` says whether the checkout's `.git` is there to be asked.
pub fn reads_by_names(call: &Call<'_>, git: bool) -> Option<Result<Reads, String>> {
    front_end::reads(call, git).or_else(|| cargo_build::reads(call, git))
}
