//! The commands, and what each takes beside the options it shares with others.

use super::examples;
use super::options::CostOptions;
use super::options::OutputOptions;
use super::options::ReplayOptions;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
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
pub(in crate::cli) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(in crate::cli) command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant)] // There is one of it, made once.
pub(in crate::cli) enum Command {
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

/// `analyze`.
#[derive(ClapArgs, Debug)]
pub(in crate::cli) struct AnalyzeArgs {
    /// The repository, in place of --repo
    #[arg(value_name = "REPO", conflicts_with = "repo")]
    pub(in crate::cli) path: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) replay: ReplayOptions,
    #[command(flatten)]
    pub(in crate::cli) cost: CostOptions,
    #[command(flatten)]
    pub(in crate::cli) output: OutputOptions,
}

/// `compare`.
#[derive(ClapArgs, Debug)]
pub(in crate::cli) struct CompareArgs {
    /// The old Dockerfile: a file, REV:PATH, - for standard input, or the id of a proposal of `suggest` (deps-first-1)
    #[arg(required_unless_present_any = ["base", "head"], conflicts_with_all = ["base", "head"])]
    pub(in crate::cli) old: Option<String>,
    /// The new Dockerfile, likewise
    #[arg(required_unless_present_any = ["base", "head"], conflicts_with_all = ["base", "head"])]
    pub(in crate::cli) new: Option<String>,
    /// Compare Dockerfile, ignore file and context layout as they are at this revision …
    #[arg(long, value_name = "REV", requires = "head")]
    pub(in crate::cli) base: Option<String>,
    /// … with those at this one
    #[arg(long, value_name = "REV", requires = "base")]
    pub(in crate::cli) head: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) replay: ReplayOptions,
    /// Exit with 1 if the mean rebuild gets slower by more than this: `5%` or `30s`
    #[arg(long, value_name = "LIMIT")]
    pub(in crate::cli) fail_if_slower: Option<String>,
    /// Exit with 1 if the new mean rebuild takes longer than this: `4m`
    #[arg(long, value_name = "DURATION")]
    pub(in crate::cli) max_rebuild: Option<String>,
    /// Exit with 1 also where a limit's verdict rests on steps of which git cannot tell whether they were cached
    #[arg(long)]
    pub(in crate::cli) fail_if_unknown: bool,
    #[command(flatten)]
    pub(in crate::cli) cost: CostOptions,
    #[command(flatten)]
    pub(in crate::cli) output: OutputOptions,
}

/// `suggest`.
#[derive(ClapArgs, Debug)]
pub(in crate::cli) struct SuggestArgs {
    #[command(flatten)]
    pub(in crate::cli) replay: ReplayOptions,
    /// Write into the worktree: this proposal, or without ID the recommended ones
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "", help_heading = "Applying")]
    pub(in crate::cli) apply: Option<String>,
    /// With --apply: improve the files as they are in the worktree, uncommitted changes and all
    #[arg(long, requires = "apply", help_heading = "Applying")]
    pub(in crate::cli) force: bool,
    /// Show what does not pay on this history as well, and why
    #[arg(long, help_heading = "Output")]
    pub(in crate::cli) all: bool,
    #[command(flatten)]
    pub(in crate::cli) cost: CostOptions,
    /// Rendering
    #[arg(long, value_enum, default_value_t = SuggestFormat::Terminal, help_heading = "Output")]
    pub(in crate::cli) format: SuggestFormat,
    /// Write to this file instead of standard output; the file appears whole or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(in crate::cli) output: Option<PathBuf>,
}

/// `explain`.
#[derive(ClapArgs, Debug)]
pub(in crate::cli) struct ExplainArgs {
    /// The commit that is built
    pub(in crate::cli) commit: String,
    /// One step: a line number, `STAGE:N/M` as the builder shows it, or part of the instruction's text
    pub(in crate::cli) step: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) replay: ReplayOptions,
    #[command(flatten)]
    pub(in crate::cli) output: OutputOptions,
}

/// `comment`.
#[derive(ClapArgs, Debug)]
pub(in crate::cli) struct CommentArgs {
    /// The branch or commit that is merged into [default: the CI job's, else origin/HEAD]
    #[arg(long, value_name = "REV", help_heading = "What is compared")]
    pub(in crate::cli) base: Option<String>,
    /// The pull request's newest commit [default: the CI job's, else HEAD]
    #[arg(long, value_name = "REV", help_heading = "What is compared")]
    pub(in crate::cli) head: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) cost: CostOptions,
    #[command(flatten)]
    pub(in crate::cli) replay: ReplayOptions,

    /// Whether to say something when nothing changed [default: changed]
    #[arg(long, value_name = "WHEN", value_parser = ["changed", "always"], help_heading = "The comment")]
    pub(in crate::cli) when: Option<String>,
    /// How many builds a month the per-month figure is for [default: what the history shows]
    #[arg(long, value_name = "N", help_heading = "The comment")]
    pub(in crate::cli) builds_per_month: Option<u64>,
    /// Show no suggestion, which saves the time of searching one
    #[arg(long, help_heading = "The comment")]
    pub(in crate::cli) no_suggestion: bool,

    /// Create or update the comment on this forge; gitea serves Forgejo too
    #[arg(long, value_name = "FORGE", value_parser = ["github", "gitlab", "gitea"], help_heading = "Posting")]
    pub(in crate::cli) post: Option<String>,
    /// What happens to the comment of the last push [default: update]
    #[arg(long, value_name = "MODE", value_parser = ["update", "new", "hide-and-new", "delete-and-new"], help_heading = "Posting")]
    pub(in crate::cli) mode: Option<String>,
    /// Tells several comments on one pull request apart [default: default]
    #[arg(long, value_name = "TAG", help_heading = "Posting")]
    pub(in crate::cli) tag: Option<String>,
    /// owner/name; for GitLab the project's path or number [default: the CI job's]
    #[arg(long, value_name = "REPOSITORY", help_heading = "Posting")]
    pub(in crate::cli) repository: Option<String>,
    /// The pull or merge request's number [default: the CI job's]
    #[arg(long, value_name = "NUMBER", help_heading = "Posting")]
    pub(in crate::cli) pull_request: Option<u64>,
    /// The interface's address, such as https://host/api/v3 [default: the CI job's]
    #[arg(long, value_name = "URL", help_heading = "Posting")]
    pub(in crate::cli) api_url: Option<String>,
    /// The environment variable that holds the token [default: STRATIGRAPH_TOKEN, then the forge's own]
    #[arg(long, value_name = "NAME", help_heading = "Posting")]
    pub(in crate::cli) token_env: Option<String>,
    /// PEM file of authorities to trust [default: SSL_CERT_FILE, else the built-in ones]
    #[arg(long, value_name = "FILE", help_heading = "Posting")]
    pub(in crate::cli) ca_file: Option<PathBuf>,

    /// Write what the comment says to this file, for the trusted job that posts it
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(in crate::cli) save: Option<PathBuf>,
    /// Take what the comment says from a file written by --save, and trust nothing in it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["base", "head", "save", "baseline"], help_heading = "Files")]
    pub(in crate::cli) from: Option<PathBuf>,
    /// Append the comment to this file [default: GITHUB_STEP_SUMMARY]
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(in crate::cli) summary: Option<PathBuf>,
    /// Append delta, verdict and comment-id to this file, as an action's outputs
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(in crate::cli) outputs: Option<PathBuf>,
    /// Write remarks as SARIF, for code scanning
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(in crate::cli) sarif: Option<PathBuf>,
    /// Write remarks as GitLab's code quality report
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(in crate::cli) code_quality: Option<PathBuf>,
    /// Write the comment to this file instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Files")]
    pub(in crate::cli) output: Option<PathBuf>,

    /// Exit with 1 if the mean rebuild gets slower by more than this: `5%` or `30s`
    #[arg(long, value_name = "LIMIT", help_heading = "Limits")]
    pub(in crate::cli) fail_if_slower: Option<String>,
    /// Exit with 1 if the head's mean rebuild takes longer than this: `4m`
    #[arg(long, value_name = "DURATION", help_heading = "Limits")]
    pub(in crate::cli) max_rebuild: Option<String>,
    /// Exit with 1 also where a limit's verdict rests on steps of which git cannot tell whether they were cached
    #[arg(long, help_heading = "Limits")]
    pub(in crate::cli) fail_if_unknown: bool,
    /// Ratchet: exit with 1 if the head's mean rebuild is above the one kept in this file; the first run writes it
    #[arg(long, value_name = "FILE", help_heading = "Limits")]
    pub(in crate::cli) baseline: Option<PathBuf>,
    /// Write the baseline anew where the mean rebuild is below it
    #[arg(long, requires = "baseline", help_heading = "Limits")]
    pub(in crate::cli) tighten: bool,
}

/// `calibrate`.
#[derive(ClapArgs, Debug)]
pub(in crate::cli) struct CalibrateArgs {
    /// Build logs, build records (`docker buildx history export`), `docker history --format json`, OCI layouts, manifests
    /// and configurations; - for standard input
    #[arg(value_name = "LOG", required = true)]
    pub(in crate::cli) logs: Vec<PathBuf>,
    /// Add to this profile; it is read, and written only where -o says
    #[arg(long, value_name = "PROFILE")]
    pub(in crate::cli) merge: Vec<PathBuf>,
    /// The profile's form
    #[arg(long, value_enum, default_value_t = ProfileFormat::Toml, help_heading = "Output")]
    pub(in crate::cli) format: ProfileFormat,
    /// Write to this file instead of standard output; the file appears whole or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(in crate::cli) output: Option<PathBuf>,
}

/// `--format` of `calibrate`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(in crate::cli) enum ProfileFormat {
    Toml,
    Json,
}

/// `verify`.
#[derive(ClapArgs, Debug)]
pub(in crate::cli) struct VerifyArgs {
    /// Build logs, one per commit
    #[arg(value_name = "LOG", required = true)]
    pub(in crate::cli) logs: Vec<PathBuf>,
    /// The commit of each log, in order; without it, a commit id in the log's name
    #[arg(long, value_name = "REV")]
    pub(in crate::cli) commit: Vec<String>,
    /// Exit with 1 below this share of agreeing steps
    #[arg(long, value_name = "PERCENT")]
    pub(in crate::cli) min_agreement: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) replay: ReplayOptions,
    #[command(flatten)]
    pub(in crate::cli) output: OutputOptions,
}

/// `graph`.
#[derive(ClapArgs, Debug)]
pub(in crate::cli) struct GraphArgs {
    /// The Dockerfile: a file, REV:PATH, or - for standard input
    #[arg(default_value = "Dockerfile")]
    pub(in crate::cli) spec: String,
    /// Print only what was parsed, as JSON: keyword, first and last line of each instruction
    #[arg(long)]
    pub(in crate::cli) instructions: bool,
    /// The repository of REV:PATH
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(in crate::cli) repo: PathBuf,
    /// Stage to build; the last one if not given
    #[arg(long, value_name = "STAGE")]
    pub(in crate::cli) target: Option<String>,
    /// Value of an ARG, repeatable
    #[arg(long, value_name = "K[=V]")]
    pub(in crate::cli) build_arg: Vec<String>,
    /// Rendering
    #[arg(long, value_enum, default_value_t = GraphFormat::Terminal)]
    pub(in crate::cli) format: GraphFormat,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
}

/// `replay`.
#[derive(ClapArgs, Debug)]
pub(in crate::cli) struct ReplayArgs {
    #[command(flatten)]
    pub(in crate::cli) replay: ReplayOptions,
    /// The trace is always JSON lines; accepted so that errors come as JSON too
    #[arg(long, value_name = "FORMAT", value_parser = ["json"], hide = true)]
    pub(in crate::cli) format: Option<String>,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
}

/// `demo`.
#[derive(ClapArgs, Debug)]
pub(in crate::cli) struct DemoArgs {
    /// Lay the repositories down here and leave them
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) keep: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) output: OutputOptions,
}

/// `--format` of `suggest`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(in crate::cli) enum SuggestFormat {
    Terminal,
    Json,
    Markdown,
    Patch,
}

/// `--format` of `graph`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(in crate::cli) enum GraphFormat {
    Terminal,
    Mermaid,
    Dot,
    Json,
}
