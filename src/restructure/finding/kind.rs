//! What a finding is, and every kind of it.

/// One thing that costs rebuilds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The line in the Dockerfile it concerns; 0 for the file as a whole.
    pub line: usize,
    /// Its name, for suppressions (`# stratigraph: ignore=KIND reason`) and machines.
    pub kind: &'static str,
    /// One or two whole sentences for a person.
    pub text: String,
    /// The rule whose proposals answer it, where there is one.
    pub rule: Option<&'static str>,
    /// In how many builds of the history it showed; `None` where a history cannot tell.
    pub builds: Option<usize>,
}

/// Every kind of finding with what it means.
pub const KINDS: &[(&str, &str)] = &[
    (
        "copy-before-install",
        "everything is copied before dependencies are installed",
    ),
    (
        "dead-split",
        "manifests are copied first, but nothing is installed before the full copy",
    ),
    (
        "early-value",
        "a value that changes from build to build is set above steps that do not need it",
    ),
    ("floating-image", "an image is named without a version"),
    (
        "git-in-context",
        "the checkout's .git is part of the context",
    ),
    (
        "intruder",
        "a file above an install that the install does not read",
    ),
    (
        "no-ignore-file",
        "there is no ignore file though the whole context is copied",
    ),
    (
        "system-below-copy",
        "system packages or tools are installed below a COPY",
    ),
];
