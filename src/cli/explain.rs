//! `stratigraph explain`: why each step of one build hit or missed.

use super::args::{ExplainArgs, Format};
use super::error::{CliError, Kind};
use super::graph::refused;
use super::hint::nearest;
use super::load::{self, Project, Text};
use super::output::{Output, look};
use super::progress::Progress;
use super::settings;
use crate::graph::{Step, StepId};
use crate::history::Commit;
use crate::replay::{BuildOutcome, Built};
use crate::report::explain as report;
use crate::report::explain::Explained;
use crate::restructure::informed::Informed;
use crate::tree::{ObjectId, RepoPath};

/// So many builds up to the commit when nothing else is said.
const DEFAULT_LAST: usize = 500;

/// Carries the command out.
pub(super) fn run(args: &ExplainArgs) -> Result<(), CliError> {
    let project = project(args)?;
    let blob = |id: &ObjectId| project.blob(id);
    let mut replay = Informed::new(project.settings.clone(), &blob);
    let mut progress = Progress::new("replaying", project.builds.len());
    let (mut commits, mut last): (Vec<Commit>, Option<BuildOutcome>) = (Vec::new(), None);
    for input in project.inputs() {
        let input = input?;
        last = Some(replay.build(&input));
        commits.push(input.commit);
        progress.step();
    }
    drop(progress);
    let built = match last.map(|b| b.result) {
        Some(Ok(built)) => built,
        Some(Err(error)) => return Err(refused(&error, &text(&project)?)),
        None => return Err(CliError::repository("there is no build to explain")),
    };
    let steps = match &args.step {
        Some(step) => chosen(&built, step)?,
        None => built.steps.shown.clone(),
    };
    let mut caveats = project.caveats.clone();
    caveats.extend_from_slice(replay.caveats());
    let explained = Explained {
        repository: &project.name(),
        settings: &project.settings,
        commits: &commits,
        built: &built,
        steps: &steps,
        caveats: &caveats,
    };
    let path = args.output.output.as_deref();
    let mut output = Output::open(path)?;
    match args.output.format {
        Format::Terminal => report::terminal(&explained, look(path), &mut output)?,
        Format::Json => report::json(&explained, &mut output)?,
        Format::Markdown => report::markdown(&explained, &mut output)?,
        Format::Html => {
            return Err(
                CliError::usage("explain has no HTML form").with_help("try --format markdown")
            );
        }
    }
    output.finish()
}

/// The builds up to the commit: its first parents, or a given list up to where the commit stands in it.
fn project(args: &ExplainArgs) -> Result<Project, CliError> {
    let mut options = args.replay.clone();
    let is_listed =
        options.commits.is_some() || options.builds.is_some() || options.range.is_some();
    if !is_listed {
        let commit = load::open(&options.repo)?
            .resolve(&args.commit)
            .map_err(|e| load::repository_error(&e))?;
        options.range = Some(commit.to_string());
        if options.since.is_none() {
            options.last.get_or_insert(DEFAULT_LAST);
        }
    }
    let mut project = Project::load(&settings::job(&options)?)?;
    let commit = project.resolve(&args.commit)?;
    match project.builds.iter().rposition(|(id, _)| *id == commit) {
        Some(at) => project.builds.truncate(at + 1),
        None => {
            return Err(CliError::usage(format!("{} is not among the builds that the options select", args.commit))
                .with_help("leave out --range, --since, --commits and --builds to replay the commits before it"));
        }
    }
    Ok(project)
}

/// The Dockerfile that the last build could not read.
fn text(project: &Project) -> Result<Text, CliError> {
    let name = project.settings.dockerfile.clone();
    let committed = || {
        let (commit, _) = project.builds.last()?;
        project
            .text_at(commit, &RepoPath::new(&name))
            .ok()
            .flatten()
    };
    match project.settings.pin.clone().or_else(committed) {
        Some(text) => Ok(Text { name, text }),
        None => Err(
            CliError::new(Kind::Dockerfile, format!("this commit has no {name}"))
                .with_help("name another with --file"),
        ),
    }
}

/// The steps that STEP names: a line, `STAGE:N/M` as the builder shows it, or part of the text.
fn chosen(built: &Built, wanted: &str) -> Result<Vec<StepId>, CliError> {
    let shown = &built.steps.shown;
    let step = |id: &StepId| &built.steps.steps[id.0];
    let matching = |test: &dyn Fn(&Step) -> bool| {
        shown
            .iter()
            .copied()
            .filter(|id| test(step(id)))
            .collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    if let Ok(line) = wanted.parse::<usize>() {
        found = matching(&|s| (s.lines.first..=s.lines.last).contains(&line));
    }
    if found.is_empty() {
        let place = wanted.trim_matches(['[', ']']).replace(' ', ":");
        found = matching(&|s| place == place_of(s));
    }
    if found.is_empty() {
        let part = wanted.to_lowercase();
        found = matching(&|s| !part.is_empty() && s.text.to_lowercase().contains(&part));
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let error = CliError::usage(format!("no step of this build is {wanted:?}"));
    let places: Vec<String> = shown.iter().map(|id| place_of(step(id))).collect();
    Err(match nearest(wanted, places.iter().map(String::as_str)) {
        Some(place) => error.with_help(format!("did you mean {place}?")),
        None => error.with_help(
            "give a line of the Dockerfile, a place as in build:3/7, or part of the instruction",
        ),
    })
}

/// `build:3/7`, `2/6`.
fn place_of(step: &Step) -> String {
    match &step.stage {
        Some(stage) => format!("{}:{}/{}", stage.replace(' ', ":"), step.index, step.total),
        None => format!("{}/{}", step.index, step.total),
    }
}
