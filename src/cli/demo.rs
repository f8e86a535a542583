//! `stratigraph demo`: generated applications, their Dockerfile variants side by side; needs nothing but the binary.

use super::args::{DemoArgs, Format};
use super::error::{CliError, Kind};
use super::load::repository_error;
use super::output::{Output, look};
use super::progress::Progress;
use crate::analyze::{Analysis, Analyzer};
use crate::cost::CostModel;
use crate::demo::{App, Variant, apps, commits};
use crate::dockerfile;
use crate::history::git::{Range, Repository};
use crate::history::write::{NewCommit, lay_down};
use crate::history::{BuildInput, Request};
use crate::replay::{Replay, Settings};
use crate::report::demo::{DemoApp, DemoVariant};
use crate::report::{demo, format};
use crate::tree::RepoPath;
use std::io::Write;
use std::path::Path;

/// Carries the command out.
pub(super) fn run(args: &DemoArgs) -> Result<(), CliError> {
    let temporary = tempfile::tempdir().map_err(|e| cannot_lay("a temporary folder", e))?;
    let folder = args.keep.as_deref().unwrap_or_else(|| temporary.path());
    let mut output = Output::open(args.output.output.as_deref())?;
    let width = look(args.output.output.as_deref()).width;
    let apps = apps();
    let mut progress = Progress::new("replaying", apps.iter().map(|a| a.variants.len()).sum());
    let mut done = Vec::new();
    for app in &apps {
        done.push(show(app, folder, &mut progress)?);
    }
    match args.output.format {
        Format::Json => demo::write_json(&done, &mut output)?,
        Format::Html => {
            return Err(CliError::usage(
                "demo has no HTML; use terminal, markdown or json",
            ));
        }
        Format::Terminal => write_all(&done, width, &mut output)?,
        Format::Markdown => {
            for app in &done {
                writeln!(output, "## {}\n\n{}\n", app.title, app.replayed)?;
                for line in demo::table(app).markdown() {
                    writeln!(output, "{line}")?;
                }
                writeln!(output)?;
            }
        }
    }
    if let Some(kept) = &args.keep {
        writeln!(
            output,
            "The repositories are in {}; try `stratigraph analyze` there.",
            kept.display()
        )?;
    }
    output.finish()
}

fn write_all(apps: &[DemoApp], width: usize, output: &mut Output) -> Result<(), CliError> {
    for app in apps {
        demo::write(app, width, output)?;
    }
    writeln!(
        output,
        "Durations are estimates by kind of command; the histories are generated, the same every time."
    )?;
    Ok(())
}

fn show(app: &App, folder: &Path, progress: &mut Progress) -> Result<DemoApp, CliError> {
    let place = folder.join(format!("{}.git", app.name));
    let list = commits(app);
    let new: Vec<NewCommit<'_>> = list
        .iter()
        .map(|c| NewCommit {
            time: c.time,
            subject: &c.subject,
            writes: &c.writes,
        })
        .collect();
    let repository = |e| repository_error(&e);
    lay_down(&place, &new).map_err(repository)?;
    let git = Repository::open(&place).map_err(repository)?;
    let builds: Vec<_> = git
        .select(&Range::Last(usize::MAX))
        .map_err(repository)?
        .commits
        .into_iter()
        .map(|id| (id, Request::default()))
        .collect();
    let settings = Settings {
        git_dir: false,
        ..Settings::default()
    };
    let inputs: Vec<BuildInput> = git
        .walk(builds, &RepoPath::root(), &Replay::watched(&settings))
        .collect::<Result<_, _>>()
        .map_err(repository)?;
    let mut variants = Vec::new();
    for variant in app.variants {
        variants.push(analyse(variant, &settings, &inputs));
        progress.step();
    }
    let (first, last) = (
        list.first().map_or(0, |c| c.time),
        list.last().map_or(0, |c| c.time),
    );
    Ok(DemoApp {
        title: format!("{}: {}", app.name, app.about),
        replayed: format!(
            "{} replayed from {} to {} with each Dockerfile, on a builder that keeps its cache; `.git` is not in the context.",
            format::count(list.len() as u64, "commit", "commits"),
            format::date(first),
            format::date(last)
        ),
        variants,
    })
}

fn analyse(variant: &Variant, settings: &Settings, inputs: &[BuildInput]) -> DemoVariant {
    let recovery = dockerfile::parse_lenient(variant.dockerfile);
    let diagnosis = recovery.errors.first().map(|error| {
        let shown = dockerfile::diagnostic::render(
            error,
            variant.dockerfile,
            &format!("{}.Dockerfile", variant.id),
            dockerfile::diagnostic::Colour::Plain,
        );
        (
            shown,
            recovery.mends.iter().map(|m| m.reason.clone()).collect(),
        )
    });
    let analysis = recovery
        .is_whole
        .then(|| replay(&recovery.text, settings, inputs));
    DemoVariant {
        id: variant.id.to_owned(),
        name: variant.name.to_owned(),
        diagnosis,
        analysis,
    }
}

fn replay(text: &str, settings: &Settings, inputs: &[BuildInput]) -> Analysis {
    let settings = Settings {
        pin: Some(text.to_owned()),
        ..settings.clone()
    };
    let mut analyzer = Analyzer::new(settings, CostModel::default());
    inputs.iter().for_each(|input| analyzer.add(input));
    analyzer.finish(Vec::new(), &|_| None)
}

fn cannot_lay(what: &str, error: std::io::Error) -> CliError {
    CliError::new(Kind::Write, format!("could not make {what}")).with_source(error)
}
