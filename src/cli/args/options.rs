//! Options that several commands share, with the names that their values take.

use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// What all replaying commands share. What is left open is filled in from `stratigraph.toml`, then by default.
#[derive(ClapArgs, Debug, Clone)]
pub(in crate::cli) struct ReplayOptions {
    /// The configuration [default: stratigraph.toml at the repository's root, if there is one]
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Read no configuration file
    #[arg(long, conflicts_with = "config", help_heading = "Configuration")]
    pub(in crate::cli) no_config: bool,
    /// One of the configuration's images, by name
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "no_config",
        help_heading = "Configuration"
    )]
    pub(in crate::cli) image: Option<String>,
    /// Worktree, .git directory or bare repository; found upwards, as git does
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".",
        help_heading = "What is built"
    )]
    pub(in crate::cli) repo: PathBuf,
    /// The Dockerfile's path in the repository, taken at each commit [default: Dockerfile; if absent, the only one]
    #[arg(short, long, value_name = "PATH", help_heading = "What is built")]
    pub(in crate::cli) file: Option<String>,
    /// This one Dockerfile at every commit instead: a file, REV:PATH, or - for standard input
    #[arg(long, value_name = "SPEC", help_heading = "What is built")]
    pub(in crate::cli) pin: Option<String>,
    /// The build context, a directory of the repository [default: the repository's root]
    #[arg(long, value_name = "DIR", help_heading = "What is built")]
    pub(in crate::cli) context: Option<String>,
    /// Stage to build [default: the last]
    #[arg(long, value_name = "STAGE", help_heading = "What is built")]
    pub(in crate::cli) target: Option<String>,
    /// Platform that is built for: linux/arm64 [default: the builder's own, linux/amd64]
    #[arg(long, value_name = "OS/ARCH", help_heading = "What is built")]
    pub(in crate::cli) platform: Option<String>,
    /// Value of an ARG, repeatable
    #[arg(long, value_name = "K[=V]", help_heading = "What is built")]
    pub(in crate::cli) build_arg: Vec<String>,

    /// Whose cache is modelled [default: buildkit]
    #[arg(long, value_enum, value_name = "NAME", help_heading = "The builder")]
    pub(in crate::cli) builder: Option<BuilderName>,
    /// Whether the context holds the checkout's .git: a local `docker build .` does, a git-URL context does not [default: included]
    #[arg(long, value_enum, value_name = "WHICH", help_heading = "The builder")]
    pub(in crate::cli) git_dir: Option<GitDir>,
    /// Whether a RUN that runs again leaves different bytes behind for COPY --from and bind mounts [default: changing]
    #[arg(long, value_enum, value_name = "WHICH", help_heading = "The builder")]
    pub(in crate::cli) run_outputs: Option<Outputs>,
    /// The same for one step: `STAGE:LINE=stable`, repeatable
    #[arg(long, value_name = "STAGE:LINE=WHICH", help_heading = "The builder")]
    pub(in crate::cli) run_output: Vec<String>,
    /// Whether the builder's own cache survives between builds [default: persistent]
    #[arg(long, value_enum, value_name = "WHICH", help_heading = "The builder")]
    pub(in crate::cli) runner: Option<RunnerName>,
    /// What an ephemeral runner leaves for the next build [default: max]
    #[arg(long, value_enum, value_name = "MODE", help_heading = "The builder")]
    pub(in crate::cli) cache_export: Option<ExportName>,

    /// The newest N builds along first parents [default: 500]
    #[arg(long, value_name = "N", help_heading = "Which builds")]
    pub(in crate::cli) last: Option<usize>,
    /// Builds since a date (2025-01-31), or a span before the newest commit (90d, 6 months)
    #[arg(long, value_name = "DATE", help_heading = "Which builds")]
    pub(in crate::cli) since: Option<String>,
    /// Builds of B that A does not have, along B's first parents
    #[arg(long, value_name = "A..B", help_heading = "Which builds")]
    pub(in crate::cli) range: Option<String>,
    /// Exactly these commits, one a line, in this order; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["last", "since", "range"], help_heading = "Which builds")]
    pub(in crate::cli) commits: Option<PathBuf>,
    /// Exactly these builds, one JSON object a line; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["last", "since", "range", "commits"], help_heading = "Which builds")]
    pub(in crate::cli) builds: Option<PathBuf>,
}

/// Where a result goes and how it looks.
#[derive(ClapArgs, Debug, Clone)]
pub(in crate::cli) struct OutputOptions {
    /// Rendering
    #[arg(long, value_enum, default_value_t = Format::Terminal, help_heading = "Output")]
    pub(in crate::cli) format: Format,
    /// Write to this file instead of standard output; the file appears whole or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(in crate::cli) output: Option<PathBuf>,
}

/// `--builder`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(in crate::cli) enum BuilderName {
    Buildkit,
    Classic,
    Buildah,
    Kaniko,
}

/// `--git-dir`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(in crate::cli) enum GitDir {
    Included,
    Excluded,
}

/// `--run-outputs`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(in crate::cli) enum Outputs {
    Changing,
    Stable,
}

/// `--runner`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(in crate::cli) enum RunnerName {
    Persistent,
    Ephemeral,
}

/// `--cache-export`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(in crate::cli) enum ExportName {
    None,
    Inline,
    Min,
    Max,
}

/// `--format` of reports.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(in crate::cli) enum Format {
    Terminal,
    Json,
    Markdown,
    Html,
}

/// What costs depend on beside the builds.
#[derive(ClapArgs, Debug, Clone, Default)]
pub(in crate::cli) struct CostOptions {
    /// Measured durations and sizes, written by `calibrate`
    #[arg(long, value_name = "FILE", help_heading = "Costs")]
    pub(in crate::cli) profile: Option<PathBuf>,
    /// Steps that may run at once; 0 for any number, as BuildKit does
    #[arg(long, value_name = "N", help_heading = "Costs")]
    pub(in crate::cli) parallelism: Option<usize>,
    /// Bytes a second from registry and cache: `156MB`
    #[arg(long, value_name = "RATE", help_heading = "Costs")]
    pub(in crate::cli) download: Option<String>,
    /// Bytes a second to registry and cache: `78MB`
    #[arg(long, value_name = "RATE", help_heading = "Costs")]
    pub(in crate::cli) upload: Option<String>,
    /// What a minute of the runner costs: `0.006`, or with a currency `0.01EUR`
    #[arg(long, value_name = "PRICE", help_heading = "Costs")]
    pub(in crate::cli) price: Option<String>,
    /// Speed and price of a usual runner
    #[arg(long, value_name = "NAME", help_heading = "Costs")]
    pub(in crate::cli) runner_preset: Option<String>,
}

/// An option's value that is one of several names.
pub(in crate::cli) trait Choice: ValueEnum {}

impl<T: ValueEnum> Choice for T {}

/// The names that an option of this type takes, with their values.
pub(in crate::cli) fn choices<T: Choice>() -> Vec<(String, T)> {
    let named = |value: &T| {
        Some((
            value.to_possible_value()?.get_name().to_owned(),
            value.clone(),
        ))
    };
    T::value_variants().iter().filter_map(named).collect()
}
