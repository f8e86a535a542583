//! What was typed, checked and made into settings.
//!
//! Never: reads a file or the repository; that is `load`'s.

use super::args::{BuilderName, ExportName, GitDir, Outputs, ReplayOptions, RunnerName};
use super::error::CliError;
use crate::builder::Builder;
use crate::graph;
use crate::replay::{CacheExport, RunOutputs, Runner, Settings};
use crate::report::format::{DateOrSpan, parse_date_or_span, parse_duration};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many builds when nothing else is said.
const DEFAULT_LAST: usize = 500;

/// A Dockerfile given by value: a file, `REV:PATH`, or standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spec {
    /// Standard input.
    Stdin,
    /// A file, or `REV:PATH` where there is no such file.
    Named(String),
}

impl Spec {
    /// Reads an argument.
    pub(super) fn new(text: &str) -> Self {
        if text == "-" {
            Self::Stdin
        } else {
            Self::Named(text.to_owned())
        }
    }
}

/// A list given by file name or `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// Reads an argument.
    pub(super) fn new(path: &Path) -> Self {
        if path == Path::new("-") {
            Self::Stdin
        } else {
            Self::File(path.to_owned())
        }
    }
}

/// Which builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Along first parents.
    Mainline {
        /// `A..B`, or a revision for all of its first parents. `None`: HEAD's.
        range: Option<String>,
        /// Not before.
        since: Option<DateOrSpan>,
        /// At most this many, the newest.
        last: Option<usize>,
    },
    /// `--commits`.
    Commits(Source),
    /// `--builds`.
    Builds(Source),
}

/// One replay as asked for; what must still be read is named, not read.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Where the repository is.
    pub(super) repo: PathBuf,
    /// `--file`, if given.
    pub(super) file: Option<String>,
    /// `--pin`.
    pub(super) pin: Option<Spec>,
    /// Which builds.
    pub(super) which: Which,
    /// Everything else; `dockerfile` and `pin` are filled in when loaded.
    pub(super) settings: Settings,
}

/// Checks the options and makes them into a job.
pub(super) fn job(options: &ReplayOptions) -> Result<Job, CliError> {
    let job = Job {
        repo: options.repo.clone(),
        file: options
            .file
            .as_deref()
            .map(|f| repository_path("--file", f))
            .transpose()?,
        pin: options.pin.as_deref().map(Spec::new),
        which: which(options)?,
        settings: Settings {
            context: options
                .context
                .as_deref()
                .map_or(Ok(String::new()), |c| repository_path("--context", c))?,
            target: options.target.clone().filter(|t| !t.is_empty()),
            platform: options.platform.as_deref().map(platform).transpose()?,
            build_args: build_args(&options.build_arg)?,
            builder: builder(options.builder.unwrap_or(BuilderName::Buildkit)),
            git_dir: options.git_dir != Some(GitDir::Excluded),
            run_outputs: run_outputs(options.run_outputs.unwrap_or(Outputs::Changing)),
            run_output: options
                .run_output
                .iter()
                .map(|o| run_output(o))
                .collect::<Result<_, _>>()?,
            runner: runner(options.runner.unwrap_or(RunnerName::Persistent)),
            cache_export: cache_export(options.cache_export.unwrap_or(ExportName::Max)),
            ..Settings::default()
        },
    };
    if job.file.as_deref() == Some("") {
        return Err(CliError::usage(
            "--file names the repository's root, not a Dockerfile",
        ));
    }
    let pin_reads = matches!(job.pin, Some(Spec::Stdin));
    if pin_reads
        && matches!(
            job.which,
            Which::Commits(Source::Stdin) | Which::Builds(Source::Stdin)
        )
    {
        return Err(CliError::usage(
            "standard input can be read only once: --pin - and the list of builds both ask for it",
        ));
    }
    Ok(job)
}

fn which(options: &ReplayOptions) -> Result<Which, CliError> {
    if let Some(path) = &options.commits {
        return Ok(Which::Commits(Source::new(path)));
    }
    if let Some(path) = &options.builds {
        return Ok(Which::Builds(Source::new(path)));
    }
    let since = options.since.as_deref().map(since).transpose()?;
    let range = options.range.as_deref().map(range).transpose()?;
    let unlimited = since.is_some() || range.is_some();
    let last = options.last.or((!unlimited).then_some(DEFAULT_LAST));
    Ok(Which::Mainline { range, since, last })
}

fn since(text: &str) -> Result<DateOrSpan, CliError> {
    parse_date_or_span(text).ok_or_else(|| {
        CliError::usage(format!("--since {text}: neither a date nor a span of time"))
            .with_help("write 2025-01-31, 2025-01-31T12:00:00Z, 90d, or '6 months'")
    })
}

/// `A..B`; either side may be missing, as in git. A single revision means all of it.
fn range(text: &str) -> Result<String, CliError> {
    let wrong = |what: &str| {
        CliError::usage(format!("--range {text}: {what}"))
            .with_help("write A..B: builds of B that A does not have")
    };
    match text {
        "" => Err(wrong("nothing is named")),
        text if text.contains("...") => Err(wrong("three dots name no line of builds")),
        text => Ok(text.to_owned()),
    }
}

/// A path inside the repository: relative, cleaned, not above the root.
fn repository_path(option: &str, text: &str) -> Result<String, CliError> {
    if text.starts_with('/') {
        return Err(
            CliError::usage(format!("{option} {text}: an absolute path"))
                .with_help(format!("{option} is relative to the repository's root")),
        );
    }
    let mut names: Vec<&str> = Vec::new();
    for name in text.split('/').filter(|n| !n.is_empty() && *n != ".") {
        match name {
            ".." if names.pop().is_none() => {
                return Err(CliError::usage(format!(
                    "{option} {text}: outside the repository"
                )));
            }
            ".." => {}
            _ => names.push(name),
        }
    }
    Ok(names.join("/"))
}

/// `--platform OS/ARCH[/VARIANT]`.
fn platform(text: &str) -> Result<String, CliError> {
    graph::platform(text).ok_or_else(|| {
        CliError::usage(format!("--platform {text}: not a platform"))
            .with_help("one at a time, as in linux/arm64 or linux/arm/v7")
    })
}

/// `--build-arg K[=V]`, the last one of a name wins.
pub(super) fn build_args(given: &[String]) -> Result<BTreeMap<String, Option<String>>, CliError> {
    given
        .iter()
        .map(|arg| match arg.split_once('=') {
            Some(("", _)) => Err(CliError::usage(format!(
                "--build-arg {arg}: the name is missing"
            ))),
            Some((name, value)) => Ok((name.to_owned(), Some(value.to_owned()))),
            None if arg.is_empty() => Err(CliError::usage("--build-arg: the name is missing")),
            None => Ok((arg.clone(), None)),
        })
        .collect()
}

/// `STAGE:LINE=changing|stable`; the stage may be empty.
fn run_output(text: &str) -> Result<(String, usize, RunOutputs), CliError> {
    let wrong = || {
        CliError::usage(format!(
            "--run-output {text}: not of the form STAGE:LINE=changing or STAGE:LINE=stable"
        ))
        .with_help("for instance --run-output build:12=stable")
    };
    let (place, value) = text.rsplit_once('=').ok_or_else(wrong)?;
    let (stage, line) = place.rsplit_once(':').ok_or_else(wrong)?;
    let line = line.parse().map_err(|_| wrong())?;
    let outputs = match value {
        "changing" => RunOutputs::Changing,
        "stable" => RunOutputs::Stable,
        _ => return Err(wrong()),
    };
    Ok((stage.to_lowercase(), line, outputs))
}

fn builder(name: BuilderName) -> Builder {
    match name {
        BuilderName::Buildkit => Builder::BuildKit,
        BuilderName::Classic => Builder::Classic,
        BuilderName::Buildah => Builder::Buildah,
        BuilderName::Kaniko => Builder::Kaniko,
    }
}

fn run_outputs(name: Outputs) -> RunOutputs {
    match name {
        Outputs::Changing => RunOutputs::Changing,
        Outputs::Stable => RunOutputs::Stable,
    }
}

fn runner(name: RunnerName) -> Runner {
    match name {
        RunnerName::Persistent => Runner::Persistent,
        RunnerName::Ephemeral => Runner::Ephemeral,
    }
}

fn cache_export(name: ExportName) -> CacheExport {
    match name {
        ExportName::None => CacheExport::None,
        ExportName::Inline => CacheExport::Inline,
        ExportName::Min => CacheExport::Min,
        ExportName::Max => CacheExport::Max,
    }
}

/// A limit on getting slower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum SlowerLimit {
    /// In percent of the old mean.
    Percent(f64),
    /// In milliseconds.
    Milliseconds(u64),
}

/// `--fail-if-slower`.
pub(super) fn slower_limit(text: &str) -> Result<SlowerLimit, CliError> {
    let percent = text
        .strip_suffix('%')
        .and_then(|p| p.trim().parse::<f64>().ok());
    match percent.filter(|p| p.is_finite() && *p >= 0.0) {
        Some(percent) => Ok(SlowerLimit::Percent(percent)),
        None => duration("--fail-if-slower", text).map(SlowerLimit::Milliseconds),
    }
}

/// A duration option, in milliseconds.
pub(super) fn duration(option: &str, text: &str) -> Result<u64, CliError> {
    parse_duration(text).ok_or_else(|| {
        CliError::usage(format!("{option} {text}: not a duration"))
            .with_help("write 30s, 4m, 1m30s or 250ms (and for --fail-if-slower also 5%)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_the_repository_are_cleaned_and_stay_inside() {
        for (typed, want) in [
            (".", Some("")),
            ("", Some("")),
            ("./a//b/", Some("a/b")),
            ("a/../b", Some("b")),
            ("..", None),
            ("a/../../b", None),
            ("/abs", None),
        ] {
            assert_eq!(
                repository_path("--context", typed).ok().as_deref(),
                want,
                "{typed}"
            );
        }
    }

    #[test]
    fn ranges_have_two_dots_or_none() {
        for (typed, ok) in [
            ("a..b", true),
            ("a..", true),
            ("..b", true),
            ("main", true),
            ("a...b", false),
            ("", false),
        ] {
            assert_eq!(range(typed).is_ok(), ok, "{typed}");
        }
    }

    #[test]
    fn build_arguments_keep_what_follows_the_first_equals_sign() {
        let args = build_args(&["A=1=2".into(), "B".into(), "C=".into()]).unwrap();
        assert_eq!(args["A"].as_deref(), Some("1=2"));
        assert_eq!(args["B"], None);
        assert_eq!(args["C"].as_deref(), Some(""));
        assert!(build_args(&["=x".into()]).is_err());
    }

    #[test]
    fn run_outputs_per_step() {
        assert_eq!(
            run_output("build:12=stable").unwrap(),
            ("build".to_owned(), 12, RunOutputs::Stable)
        );
        assert_eq!(
            run_output(":3=changing").unwrap(),
            (String::new(), 3, RunOutputs::Changing)
        );
        for wrong in ["build=stable", "build:x=stable", "build:3", "build:3=often"] {
            assert!(run_output(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits() {
        assert_eq!(slower_limit("5%").unwrap(), SlowerLimit::Percent(5.0));
        assert_eq!(
            slower_limit("30s").unwrap(),
            SlowerLimit::Milliseconds(30_000)
        );
        for wrong in ["", "%", "-1%", "5", "nan%", "inf%"] {
            assert!(slower_limit(wrong).is_err(), "{wrong}");
        }
    }
}
