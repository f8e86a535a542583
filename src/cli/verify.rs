//! `stratigraph verify`: real logs against the replay of their commits.

use super::args::{Format, VerifyArgs};
use super::calibrate::{read_log, tell};
use super::error::{CliError, Kind};
use super::load::Project;
use super::output::{Output, look};
use super::progress::Progress;
use super::settings;
use crate::cost::log::{LogBuild, Reading};
use crate::history::Request;
use crate::replay::{Built, Replay};
use crate::report::verify as report;
use crate::report::verify::Checked;
use crate::tree::ObjectId;
use crate::verify::{Verified, verify};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Carries the command out.
pub(super) fn run(args: &VerifyArgs) -> Result<(), CliError> {
    let least = args.min_agreement.as_deref().map(percent).transpose()?;
    let logs = args
        .logs
        .iter()
        .map(|path| read_log(path))
        .collect::<Result<Vec<_>, _>>()?;
    let mut project = Project::load(&settings::job(&args.replay)?)?;
    let commits = commits(args, &project)?;
    let asked = &args.replay;
    let names_builds = asked.range.is_some()
        || asked.since.is_some()
        || asked.last.is_some()
        || asked.commits.is_some()
        || asked.builds.is_some();
    if !names_builds {
        project.builds = commits.iter().map(|id| (*id, Request::default())).collect();
    }
    let built = replayed(&project, &commits)?;
    let mut checked = Vec::new();
    for ((name, reading), commit) in logs.iter().zip(&commits) {
        let Some(built) = built.get(commit) else {
            let message = format!(
                "{name}: {commit} is not among the replayed builds, or its Dockerfile is refused"
            );
            return Err(CliError::usage(message)
                .with_help("name its build with --range, --commits or --builds"));
        };
        tell(
            &reading
                .problems
                .iter()
                .map(|p| format!("{name}: {p}"))
                .collect::<Vec<_>>(),
        );
        let Some((log, verified)) = best(built, reading) else {
            continue;
        };
        tell(
            &log.problems
                .iter()
                .map(|p| format!("{name}: {p}"))
                .collect::<Vec<_>>(),
        );
        checked.push(Checked {
            log: name.clone(),
            commit: *commit,
            format: log.format,
            verified,
        });
    }
    if checked.is_empty() {
        return Err(CliError::usage("none of the logs tells of a build"));
    }
    write(args, &checked)?;
    met(&checked, least)
}

fn write(args: &VerifyArgs, checked: &[Checked]) -> Result<(), CliError> {
    let path = args.output.output.as_deref();
    let mut output = Output::open(path)?;
    match args.output.format {
        Format::Terminal => report::terminal(checked, look(path), &mut output)?,
        Format::Json => report::json(checked, &mut output)?,
        Format::Markdown => report::markdown(checked, &mut output)?,
        Format::Html => {
            return Err(
                CliError::usage("verify has no HTML form").with_help("try --format markdown")
            );
        }
    }
    output.finish()
}

/// Of the builds in one log the one that is most like the replay's: a CI's job may build several images.
fn best<'a>(built: &Built, reading: &'a Reading) -> Option<(&'a LogBuild, Verified)> {
    let held = reading.builds.iter().map(|log| (log, verify(built, log)));
    let likeness = |v: &Verified| {
        v.rows
            .iter()
            .filter(|r| r.predicted.is_some() && r.actual.is_some())
            .count()
    };
    held.max_by_key(|(_, verified)| likeness(verified))
}

/// Replays the project's builds and keeps those of the commits asked for; of one built twice the first.
fn replayed(
    project: &Project,
    commits: &[ObjectId],
) -> Result<BTreeMap<ObjectId, Built>, CliError> {
    let mut kept = BTreeMap::new();
    let mut replay = Replay::new(project.settings.clone());
    let mut progress = Progress::new("replaying", project.builds.len());
    for input in project.inputs() {
        let outcome = replay.build(&input?);
        progress.step();
        if let Some(built) = outcome
            .result
            .ok()
            .filter(|_| commits.contains(&outcome.commit))
        {
            kept.entry(outcome.commit).or_insert(built);
        }
    }
    Ok(kept)
}

/// The commit of each log: those of `--commit` in order, else the id in the log's name.
fn commits(args: &VerifyArgs, project: &Project) -> Result<Vec<ObjectId>, CliError> {
    if !args.commit.is_empty() && args.commit.len() != args.logs.len() {
        let message = format!(
            "{} logs and {} commits: --commit is given once for each log",
            args.logs.len(),
            args.commit.len()
        );
        return Err(CliError::usage(message));
    }
    let named = |n: usize, path: &PathBuf| match args.commit.get(n) {
        Some(rev) => project.resolve(rev),
        None => {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let id = hexadecimal(&name).ok_or_else(|| {
                CliError::usage(format!("which commit does {name} tell of?"))
                    .with_help("name it with --commit, or put its id into the file's name")
            })?;
            project.resolve(id)
        }
    };
    args.logs
        .iter()
        .enumerate()
        .map(|(n, path)| named(n, path))
        .collect()
}

/// The longest run of 7 to 64 hexadecimal digits, one of them at least a number.
fn hexadecimal(name: &str) -> Option<&str> {
    let runs = name.split(|c: char| !c.is_ascii_hexdigit());
    runs.filter(|r| (7..=64).contains(&r.len()) && r.contains(|c: char| c.is_ascii_digit()))
        .max_by_key(|r| r.len())
}

fn percent(text: &str) -> Result<f64, CliError> {
    let number = text
        .trim()
        .strip_suffix('%')
        .unwrap_or(text)
        .trim()
        .parse()
        .ok();
    number
        .filter(|n| (0.0..=100.0).contains(n))
        .ok_or_else(|| CliError::usage(format!("--min-agreement: \"{text}\" is no percentage")))
}

fn met(checked: &[Checked], least: Option<f64>) -> Result<(), CliError> {
    let Some(least) = least else { return Ok(()) };
    let (agree, compared) = report::counts(checked);
    let share = if compared == 0 {
        0.0
    } else {
        agree as f64 * 100.0 / compared as f64
    };
    if share < least {
        let message = format!("{agree} of {compared} steps agree, which is less than {least} %");
        return Err(CliError::new(Kind::Threshold, message));
    }
    Ok(())
}
