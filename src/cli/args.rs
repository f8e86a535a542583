//! What was typed: every command and option with its help. The only file that knows clap.
//!
//! Never: interprets a value; that is `settings`'s.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Tells what every commit does to a Docker build cache, without building anything.
///
/// Replays a git history against a Dockerfile under a model of the builder's layer cache, and says which steps
/// miss, why, and what that costs.
#[derive(Parser, Debug)]
#[command(name = "stratigraph", version, about, long_about, max_term_width = 100)]
#[command(
    after_help = "Start with:\n  stratigraph analyze            this repository, its last 500 commits\n  \
                        stratigraph explain HEAD       why each step of the newest build hit or missed"
)]
pub(super) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant)] // There is one of it, made once.
pub(super) enum Command {
    /// Replay a history: what misses, why, what it costs, what would help most
    #[command(after_help = examples::ANALYZE)]
    Analyze(AnalyzeArgs),
    /// Two Dockerfile versions over the same history, paired build by build
    #[command(after_help = examples::COMPARE)]
    Compare(CompareArgs),
    /// Restructurings of the Dockerfile, each scored by replay
    #[command(after_help = examples::SUGGEST)]
    Suggest(SuggestArgs),
    /// Why each step hit or missed at one commit
    #[command(after_help = examples::EXPLAIN)]
    Explain(ExplainArgs),
    /// The pull request comment: render it, create or update it
    #[command(after_help = examples::COMMENT)]
    Comment(CommentArgs),
    /// Measured durations and sizes out of build logs
    #[command(after_help = examples::CALIBRATE)]
    Calibrate(CalibrateArgs),
    /// Predicted against actual: holds build logs against the replay of their commits
    #[command(after_help = examples::VERIFY)]
    Verify(VerifyArgs),
    /// The build graph of one Dockerfile; needs no repository
    #[command(after_help = examples::GRAPH)]
    Graph(GraphArgs),
    /// The trace: one JSON line per build
    #[command(after_help = examples::REPLAY)]
    Replay(ReplayArgs),
    /// Generated repositories and Dockerfile variants, analysed side by side
    #[command(after_help = examples::DEMO)]
    Demo(DemoArgs),
    /// Completion script for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// The manual page, in roff
    #[command(after_help = examples::MAN)]
    Man,
}

mod examples {
    //! What `--help` shows below the options.
    pub(super) const ANALYZE: &str = "Examples:
  stratigraph analyze
  stratigraph analyze ../service -f docker/Dockerfile --since 2025-01-01
  stratigraph analyze --last 2000 --format html -o cache.html
  stratigraph analyze --pin Dockerfile.new --runner ephemeral --cache-export min";
    pub(super) const COMPARE: &str = "Examples:
  stratigraph compare HEAD~1:Dockerfile Dockerfile
  stratigraph compare Dockerfile - < Dockerfile.new
  stratigraph compare --base origin/main --head HEAD --fail-if-slower 5%
  stratigraph compare old.Dockerfile new.Dockerfile --max-rebuild 4m --format markdown";
    pub(super) const SUGGEST: &str = "Examples:
  stratigraph suggest
  stratigraph suggest --all --format markdown -o suggestions.md
  stratigraph suggest --format patch | git apply
  stratigraph suggest --apply                 the recommended changes
  stratigraph suggest --apply deps-first-1    one of them";
    pub(super) const EXPLAIN: &str = "Examples:
  stratigraph explain HEAD
  stratigraph explain v1.2.0 'npm ci'
  stratigraph explain 4f2a91c 12          the step of line 12
  stratigraph explain HEAD build:3/7      the step that the builder shows as [build 3/7]";
    pub(super) const COMMENT: &str = "Examples:
  stratigraph comment --base origin/main --head HEAD
  stratigraph comment --base origin/main --head HEAD --post github
  stratigraph comment --base origin/main --head HEAD --save cache-comment.json
  stratigraph comment --post github --from cache-comment.json";
    pub(super) const CALIBRATE: &str = "Examples:
  stratigraph calibrate build.log -o stratigraph-profile.toml
  docker buildx history export -o build.dockerbuild && stratigraph calibrate build.dockerbuild
  docker build --progress rawjson . 2> build.json; stratigraph calibrate build.json";
    pub(super) const VERIFY: &str = "Examples:
  stratigraph verify --commit HEAD build.log
  stratigraph verify logs/*.log --min-agreement 95%";
    pub(super) const GRAPH: &str = "Examples:
  stratigraph graph
  stratigraph graph docker/Dockerfile --target build --format mermaid
  stratigraph graph HEAD~3:Dockerfile --format dot | dot -Tsvg > graph.svg
  stratigraph graph --instructions - < Dockerfile";
    pub(super) const REPLAY: &str = "Examples:
  stratigraph replay --last 50
  stratigraph replay --range v1.0..v2.0 | jq -c '[.commit, (.steps[] | select(.outcome == \"miss\") | .line)]'
  git log --format=%H --reverse origin/main | stratigraph replay --commits -
  echo '{\"commit\": \"HEAD\", \"build_args\": {\"V\": \"2\"}}' | stratigraph replay --builds -";
    pub(super) const DEMO: &str = "Examples:
  stratigraph demo
  stratigraph demo --keep /tmp/stratigraph-demo";
    pub(super) const COMPLETIONS: &str = "Examples:
  stratigraph completions bash > /etc/bash_completion.d/stratigraph
  stratigraph completions zsh > \"${fpath[1]}/_stratigraph\"
  stratigraph completions fish > ~/.config/fish/completions/stratigraph.fish";
    pub(super) const MAN: &str = "Examples:
  stratigraph man > stratigraph.1 && man ./stratigraph.1";
}

/// `analyze`.
#[derive(ClapArgs, Debug)]
pub(super) struct AnalyzeArgs {
    /// The repository, in place of --repo
    #[arg(value_name = "REPO", conflicts_with = "repo")]
    pub(super) path: Option<PathBuf>,
    #[command(flatten)]
    pub(super) replay: ReplayOptions,
    #[command(flatten)]
    pub(super) cost: CostOptions,
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

/// `compare`.
#[derive(ClapArgs, Debug)]
pub(super) struct CompareArgs {
    /// The old Dockerfile: a file, REV:PATH, - for standard input, or the id of a proposal of `suggest` (deps-first-1)
    #[arg(required_unless_present_any = ["base", "head"], conflicts_with_all = ["base", "head"])]
    pub(super) old: Option<String>,
    /// The new Dockerfile, likewise
    #[arg(required_unless_present_any = ["base", "head"], conflicts_with_all = ["base", "head"])]
    pub(super) new: Option<String>,
    /// Compare Dockerfile, ignore file and context layout as they are at this revision …
    #[arg(long, value_name = "REV", requires = "head")]
    pub(super) base: Option<String>,
    /// … with those at this one
    #[arg(long, value_name = "REV", requires = "base")]
    pub(super) head: Option<String>,
    #[command(flatten)]
    pub(super) replay: ReplayOptions,
    /// Exit with 1 if the mean rebuild gets slower by more than this: `5%` or `30s`
    #[arg(long, value_name = "LIMIT")]
    pub(super) fail_if_slower: Option<String>,
    /// Exit with 1 if the new mean rebuild takes longer than this: `4m`
    #[arg(long, value_name = "DURATION")]
    pub(super) max_rebuild: Option<String>,
    /// Exit with 1 also where a limit's verdict rests on steps of which git cannot tell whether they were cached
    #[arg(long)]
    pub(super) fail_if_unknown: bool,
    #[command(flatten)]
    pub(super) cost: CostOptions,
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

/// `suggest`.
#[derive(ClapArgs, Debug)]
pub(super) struct SuggestArgs {
    #[command(flatten)]
    pub(super) replay: ReplayOptions,
    /// Write into the worktree: this proposal, or without ID the recommended ones
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "", help_heading = "Applying")]
    pub(super) apply: Option<String>,
    /// With --apply: improve the files as they are in the worktree, uncommitted changes and all
    #[arg(long, requires = "apply", help_heading = "Applying")]
    pub(super) force: bool,
    /// Show what does not pay on this history as well, and why
    #[arg(long, help_heading = "Output")]
    pub(super) all: bool,
    #[command(flatten)]
    pub(super) cost: CostOptions,
    /// Rendering
    #[arg(long, value_enum, default_value_t = SuggestFormat::Terminal, help_heading = "Output")]
    pub(super) format: SuggestFormat,
    /// Write to this file instead of standard output; the file appears whole or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) output: Option<PathBuf>,
}

/// `explain`.
#[derive(ClapArgs, Debug)]
pub(super) struct ExplainArgs {
    /// The commit that is built
    pub(super) commit: String,
    /// One step: a line number, `STAGE:N/M` as the builder shows it, or part of the instruction's text
    pub(super) step: Option<String>,
    #[command(flatten)]
    pub(super) replay: ReplayOptions,
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

/// `comment`.
#[derive(ClapArgs, Debug)]
pub(super) struct CommentArgs {
    /// The branch or commit that is merged into [default: the CI job's, else origin/HEAD]
    #[arg(long, value_name = "REV", help_heading = "What is compared")]
    pub(super) base: Option<String>,
    /// The pull request's newest commit [default: the CI job's, else HEAD]
    #[arg(long, value_name = "REV", help_heading = "What is compared")]
    pub(super) head: Option<String>,
    #[command(flatten)]
    pub(super) cost: CostOptions,
    #[command(flatten)]
    pub(super) replay: ReplayOptions,

    /// Whether to say something when nothing changed [default: changed]
    #[arg(long, value_name = "WHEN", value_parser = ["changed", "always"], help_heading = "The comment")]
    pub(super) when: Option<String>,
    /// How many builds a month the per-month figure is for [default: what the history shows]
    #[arg(long, value_name = "N", help_heading = "The comment")]
    pub(super) builds_per_month: Option<u64>,
    /// Show no suggestion, which saves the time of searching one
    #[arg(long, help_heading = "The comment")]
    pub(super) no_suggestion: bool,

    /// Create or update the comment on this forge; gitea serves Forgejo too
    #[arg(long, value_name = "FORGE", value_parser = ["github", "gitlab", "gitea"], help_heading = "Posting")]
    pub(super) post: Option<String>,
    /// What happens to the comment of the last push [default: update]
    #[arg(long, value_name = "MODE", value_parser = ["update", "new", "hide-and-new", "delete-and-new"], help_heading = "Posting")]
    pub(super) mode: Option<String>,
    /// Tells several comments on one pull request apart [default: default]
    #[arg(long, value_name = "TAG", help_heading = "Posting")]
    pub(super) tag: Option<String>,
    /// owner/name; for GitLab the project's path or number [default: the CI job's]
    #[arg(long, value_name = "REPOSITORY", help_heading = "Posting")]
    pub(super) repository: Option<String>,
    /// The pull or merge request's number [default: the CI job's]
    #[arg(long, value_name = "NUMBER", help_heading = "Posting")]
    pub(super) pull_request: Option<u64>,
    /// The interface's address, such as https://host/api/v3 [default: the CI job's]
    #[arg(long, value_name = "URL", help_heading = "Posting")]
    pub(super) api_url: Option<String>,
    /// The environment variable that holds the token [default: STRATIGRAPH_TOKEN, then the forge's own]
    #[arg(long, value_name = "NAME", help_heading = "Posting")]
    pub(super) token_env: Option<String>,
    /// PEM file of authorities to trust [default: SSL_CERT_FILE, else the built-in ones]
    #[arg(long, value_name = "FILE", help_heading = "Posting")]
    pub(super) ca_file: Option<PathBuf>,

    /// Write what the comment says to this file, for the trusted job that posts it
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(super) save: Option<PathBuf>,
    /// Take what the comment says from a file written by --save, and trust nothing in it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["base", "head", "save", "baseline"], help_heading = "Files")]
    pub(super) from: Option<PathBuf>,
    /// Append the comment to this file [default: GITHUB_STEP_SUMMARY]
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(super) summary: Option<PathBuf>,
    /// Append delta, verdict and comment-id to this file, as an action's outputs
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(super) outputs: Option<PathBuf>,
    /// Write remarks as SARIF, for code scanning
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(super) sarif: Option<PathBuf>,
    /// Write remarks as GitLab's code quality report
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(super) code_quality: Option<PathBuf>,
    /// Write the comment to this file instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Files")]
    pub(super) output: Option<PathBuf>,

    /// Exit with 1 if the mean rebuild gets slower by more than this: `5%` or `30s`
    #[arg(long, value_name = "LIMIT", help_heading = "Limits")]
    pub(super) fail_if_slower: Option<String>,
    /// Exit with 1 if the head's mean rebuild takes longer than this: `4m`
    #[arg(long, value_name = "DURATION", help_heading = "Limits")]
    pub(super) max_rebuild: Option<String>,
    /// Exit with 1 also where a limit's verdict rests on steps of which git cannot tell whether they were cached
    #[arg(long, help_heading = "Limits")]
    pub(super) fail_if_unknown: bool,
    /// Ratchet: exit with 1 if the head's mean rebuild is above the one kept in this file; the first run writes it
    #[arg(long, value_name = "FILE", help_heading = "Limits")]
    pub(super) baseline: Option<PathBuf>,
    /// Write the baseline anew where the mean rebuild is below it
    #[arg(long, requires = "baseline", help_heading = "Limits")]
    pub(super) tighten: bool,
}

/// `calibrate`.
#[derive(ClapArgs, Debug)]
pub(super) struct CalibrateArgs {
    /// Build logs, build records (`docker buildx history export`), `docker history --format json`, OCI layouts, manifests
    /// and configurations; - for standard input
    #[arg(value_name = "LOG", required = true)]
    pub(super) logs: Vec<PathBuf>,
    /// Add to this profile; it is read, and written only where -o says
    #[arg(long, value_name = "PROFILE")]
    pub(super) merge: Vec<PathBuf>,
    /// The profile's form
    #[arg(long, value_enum, default_value_t = ProfileFormat::Toml, help_heading = "Output")]
    pub(super) format: ProfileFormat,
    /// Write to this file instead of standard output; the file appears whole or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) output: Option<PathBuf>,
}

/// `--format` of `calibrate`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum ProfileFormat {
    Toml,
    Json,
}

/// What costs depend on beside the builds.
#[derive(ClapArgs, Debug, Clone, Default)]
pub(super) struct CostOptions {
    /// Measured durations and sizes, written by `calibrate`
    #[arg(long, value_name = "FILE", help_heading = "Costs")]
    pub(super) profile: Option<PathBuf>,
    /// Steps that may run at once; 0 for any number, as BuildKit does
    #[arg(long, value_name = "N", help_heading = "Costs")]
    pub(super) parallelism: Option<usize>,
    /// Bytes a second from registry and cache: `156MB`
    #[arg(long, value_name = "RATE", help_heading = "Costs")]
    pub(super) download: Option<String>,
    /// Bytes a second to registry and cache: `78MB`
    #[arg(long, value_name = "RATE", help_heading = "Costs")]
    pub(super) upload: Option<String>,
    /// What a minute of the runner costs: `0.006`, or with a currency `0.01EUR`
    #[arg(long, value_name = "PRICE", help_heading = "Costs")]
    pub(super) price: Option<String>,
    /// Speed and price of a usual runner
    #[arg(long, value_name = "NAME", help_heading = "Costs")]
    pub(super) runner_preset: Option<String>,
}

/// `verify`.
#[derive(ClapArgs, Debug)]
pub(super) struct VerifyArgs {
    /// Build logs, one per commit
    #[arg(value_name = "LOG", required = true)]
    pub(super) logs: Vec<PathBuf>,
    /// The commit of each log, in order; without it, a commit id in the log's name
    #[arg(long, value_name = "REV")]
    pub(super) commit: Vec<String>,
    /// Exit with 1 below this share of agreeing steps
    #[arg(long, value_name = "PERCENT")]
    pub(super) min_agreement: Option<String>,
    #[command(flatten)]
    pub(super) replay: ReplayOptions,
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

/// `graph`.
#[derive(ClapArgs, Debug)]
pub(super) struct GraphArgs {
    /// The Dockerfile: a file, REV:PATH, or - for standard input
    #[arg(default_value = "Dockerfile")]
    pub(super) spec: String,
    /// Print only what was parsed, as JSON: keyword, first and last line of each instruction
    #[arg(long)]
    pub(super) instructions: bool,
    /// The repository of REV:PATH
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) repo: PathBuf,
    /// Stage to build; the last one if not given
    #[arg(long, value_name = "STAGE")]
    pub(super) target: Option<String>,
    /// Value of an ARG, repeatable
    #[arg(long, value_name = "K[=V]")]
    pub(super) build_arg: Vec<String>,
    /// Rendering
    #[arg(long, value_enum, default_value_t = GraphFormat::Terminal)]
    pub(super) format: GraphFormat,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// `replay`.
#[derive(ClapArgs, Debug)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    pub(super) replay: ReplayOptions,
    /// The trace is always JSON lines; accepted so that errors come as JSON too
    #[arg(long, value_name = "FORMAT", value_parser = ["json"], hide = true)]
    pub(super) format: Option<String>,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// `demo`.
#[derive(ClapArgs, Debug)]
pub(super) struct DemoArgs {
    /// Lay the repositories down here and leave them
    #[arg(long, value_name = "DIR")]
    pub(super) keep: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: OutputOptions,
}

/// What all replaying commands share. What is left open is filled in from `stratigraph.toml`, then by default.
#[derive(ClapArgs, Debug, Clone)]
pub(super) struct ReplayOptions {
    /// The configuration [default: stratigraph.toml at the repository's root, if there is one]
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub(super) config: Option<PathBuf>,
    /// Read no configuration file
    #[arg(long, conflicts_with = "config", help_heading = "Configuration")]
    pub(super) no_config: bool,
    /// One of the configuration's images, by name
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "no_config",
        help_heading = "Configuration"
    )]
    pub(super) image: Option<String>,
    /// Worktree, .git directory or bare repository; found upwards, as git does
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".",
        help_heading = "What is built"
    )]
    pub(super) repo: PathBuf,
    /// The Dockerfile's path in the repository, taken at each commit [default: Dockerfile; if absent, the only one]
    #[arg(short, long, value_name = "PATH", help_heading = "What is built")]
    pub(super) file: Option<String>,
    /// This one Dockerfile at every commit instead: a file, REV:PATH, or - for standard input
    #[arg(long, value_name = "SPEC", help_heading = "What is built")]
    pub(super) pin: Option<String>,
    /// The build context, a directory of the repository [default: the repository's root]
    #[arg(long, value_name = "DIR", help_heading = "What is built")]
    pub(super) context: Option<String>,
    /// Stage to build [default: the last]
    #[arg(long, value_name = "STAGE", help_heading = "What is built")]
    pub(super) target: Option<String>,
    /// Value of an ARG, repeatable
    #[arg(long, value_name = "K[=V]", help_heading = "What is built")]
    pub(super) build_arg: Vec<String>,

    /// Whose cache is modelled [default: buildkit]
    #[arg(long, value_enum, value_name = "NAME", help_heading = "The builder")]
    pub(super) builder: Option<BuilderName>,
    /// Whether the context holds the checkout's .git: a local `docker build .` does, a git-URL context does not [default: included]
    #[arg(long, value_enum, value_name = "WHICH", help_heading = "The builder")]
    pub(super) git_dir: Option<GitDir>,
    /// Whether a RUN that runs again leaves different bytes behind for COPY --from and bind mounts [default: changing]
    #[arg(long, value_enum, value_name = "WHICH", help_heading = "The builder")]
    pub(super) run_outputs: Option<Outputs>,
    /// The same for one step: `STAGE:LINE=stable`, repeatable
    #[arg(long, value_name = "STAGE:LINE=WHICH", help_heading = "The builder")]
    pub(super) run_output: Vec<String>,
    /// Whether the builder's own cache survives between builds [default: persistent]
    #[arg(long, value_enum, value_name = "WHICH", help_heading = "The builder")]
    pub(super) runner: Option<RunnerName>,
    /// What an ephemeral runner leaves for the next build [default: max]
    #[arg(long, value_enum, value_name = "MODE", help_heading = "The builder")]
    pub(super) cache_export: Option<ExportName>,

    /// The newest N builds along first parents [default: 500]
    #[arg(long, value_name = "N", help_heading = "Which builds")]
    pub(super) last: Option<usize>,
    /// Builds since a date (2025-01-31), or a span before the newest commit (90d, 6 months)
    #[arg(long, value_name = "DATE", help_heading = "Which builds")]
    pub(super) since: Option<String>,
    /// Builds of B that A does not have, along B's first parents
    #[arg(long, value_name = "A..B", help_heading = "Which builds")]
    pub(super) range: Option<String>,
    /// Exactly these commits, one a line, in this order; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["last", "since", "range"], help_heading = "Which builds")]
    pub(super) commits: Option<PathBuf>,
    /// Exactly these builds, one JSON object a line; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["last", "since", "range", "commits"], help_heading = "Which builds")]
    pub(super) builds: Option<PathBuf>,
}

/// Where a result goes and how it looks.
#[derive(ClapArgs, Debug, Clone)]
pub(super) struct OutputOptions {
    /// Rendering
    #[arg(long, value_enum, default_value_t = Format::Terminal, help_heading = "Output")]
    pub(super) format: Format,
    /// Write to this file instead of standard output; the file appears whole or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) output: Option<PathBuf>,
}

/// `--builder`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum BuilderName {
    Buildkit,
    Classic,
    Buildah,
    Kaniko,
}

/// `--git-dir`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum GitDir {
    Included,
    Excluded,
}

/// `--run-outputs`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum Outputs {
    Changing,
    Stable,
}

/// `--runner`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum RunnerName {
    Persistent,
    Ephemeral,
}

/// `--cache-export`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum ExportName {
    None,
    Inline,
    Min,
    Max,
}

/// `--format` of reports.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum Format {
    Terminal,
    Json,
    Markdown,
    Html,
}

/// `--format` of `suggest`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum SuggestFormat {
    Terminal,
    Json,
    Markdown,
    Patch,
}

/// `--format` of `graph`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum GraphFormat {
    Terminal,
    Mermaid,
    Dot,
    Json,
}

/// An option's value that is one of several names.
pub(super) trait Choice: ValueEnum {}

impl<T: ValueEnum> Choice for T {}

/// The names that an option of this type takes, with their values.
pub(super) fn choices<T: Choice>() -> Vec<(String, T)> {
    let named = |value: &T| {
        Some((
            value.to_possible_value()?.get_name().to_owned(),
            value.clone(),
        ))
    };
    T::value_variants().iter().filter_map(named).collect()
}

/// The shared options as typed, for tests.
#[cfg(test)]
pub(super) fn replay_options(words: &[&str]) -> ReplayOptions {
    let words = ["stratigraph", "replay"].iter().chain(words);
    match Args::try_parse_from(words).map(|args| args.command) {
        Ok(Command::Replay(args)) => args.replay,
        other => panic!("{other:?}"),
    }
}

/// What came of reading the command line.
pub(super) enum Typed {
    /// A command to carry out.
    Command(Box<Args>),
    /// Help or version text for standard output.
    Help(String),
    /// A usage error, worded for standard error.
    Wrong(String),
}

/// Reads the command line.
pub(super) fn parse(argv: &[OsString]) -> Typed {
    match Args::try_parse_from(argv) {
        Ok(args) => Typed::Command(Box::new(args)),
        Err(error) if error.use_stderr() => {
            Typed::Wrong(meant(error, argv).render().ansi().to_string())
        }
        Err(error) => Typed::Help(error.render().ansi().to_string()),
    }
}

/// Adds what was probably meant: `analyze` takes the repository as a word, and nearly all others by an option.
fn meant(mut error: clap::Error, argv: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg).cloned() else {
        return error;
    };
    let mut commands = Args::command();
    let takes_repo = argv
        .get(1)
        .and_then(|name| commands.find_subcommand_mut(name))
        .is_some_and(|c| c.get_arguments().any(|a| a.get_long() == Some("repo")));
    if error.kind() == ErrorKind::UnknownArgument && takes_repo && !word.starts_with('-') {
        let hint = format!("to name the repository, use '--repo {word}'");
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![hint.into()]),
        );
    }
    error
}

/// Writes the completion script of a shell.
pub(super) fn completions(shell: clap_complete::Shell, sink: &mut dyn io::Write) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "stratigraph", &mut script);
    sink.write_all(&script)?;
    sink.flush()
}

/// Writes the manual page: the program's own, then one section per command.
pub(super) fn man(sink: &mut dyn io::Write) -> io::Result<()> {
    let mut program = Args::command();
    program.build();
    clap_mangen::Man::new(program.clone()).render(sink)?;
    for command in program.get_subcommands().filter(|c| c.get_name() != "help") {
        writeln!(
            sink,
            ".SH \"STRATIGRAPH {}\"",
            command.get_name().to_uppercase()
        )?;
        let page = clap_mangen::Man::new(command.clone());
        page.render_synopsis_section(sink)?;
        page.render_description_section(sink)?;
        page.render_options_section(sink)?;
        page.render_extra_section(sink)?;
    }
    Ok(())
}
