//! What a replay is told: builder, runner, target, arguments.

use crate::builder::Builder;
use std::collections::BTreeMap;

/// Settings of one replay; the command line's options of the same names, with their defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The Dockerfile's path in the repository, as given (for its per-Dockerfile ignore file and messages).
    pub dockerfile: String,
    /// The context directory in the repository; empty for the root.
    pub context: String,
    /// `--target`.
    pub target: Option<String>,
    /// `--platform`, as OS/ARCH or OS/ARCH/VARIANT; `None` for the builder's own.
    pub platform: Option<String>,
    /// `--build-arg`; `None`: named without a value.
    pub build_args: BTreeMap<String, Option<String>>,
    /// `--builder`.
    pub builder: Builder,
    /// `--git-dir included`.
    pub git_dir: bool,
    /// `--run-outputs`.
    pub run_outputs: RunOutputs,
    /// What is taken of what git does not hold.
    pub not_held: NotHeld,
    /// `--run-output STAGE:LINE=…`: overrides per step, by stage name (or index) and line.
    pub run_output: Vec<(String, usize, RunOutputs)>,
    /// `--runner`.
    pub runner: Runner,
    /// `--cache-export`; counts for an ephemeral runner only.
    pub cache_export: CacheExport,
    /// `--pin`: this text at every commit instead of the committed Dockerfile.
    pub pin: Option<String>,
    /// This ignore file at every commit instead of the committed one (for scoring changes to it).
    pub pin_ignore: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dockerfile: "Dockerfile".to_owned(),
            context: String::new(),
            target: None,
            platform: None,
            build_args: BTreeMap::new(),
            builder: Builder::BuildKit,
            git_dir: true,
            run_outputs: RunOutputs::Changing,
            not_held: NotHeld::Unknown,
            run_output: Vec::new(),
            runner: Runner::Persistent,
            cache_export: CacheExport::Max,
            pin: None,
            pin_ignore: None,
        }
    }
}

/// What a build reads that git does not hold: answers of the network, files made outside of git.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NotHeld {
    /// It may have changed: what reads it is unknown.
    Unknown,
    /// It is as it was at every build: one of the two readings of a comparison.
    Unchanged,
}

/// Whether a RUN that runs again leaves different bytes behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunOutputs {
    /// Fresh bytes in whatever later steps read from its stage.
    Changing,
    /// The same bytes as before.
    Stable,
}

/// Whether the builder's own cache survives between builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Runner {
    /// One builder for all builds.
    Persistent,
    /// A new, empty builder for each build.
    Ephemeral,
}

/// What an ephemeral runner leaves for the next build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CacheExport {
    /// Nothing.
    None,
    /// Keys, and the final image's layers, in the image itself.
    Inline,
    /// Keys, and the final image's layers (`mode=min`).
    Min,
    /// Keys and all layers (`mode=max`).
    Max,
}
