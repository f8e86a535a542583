//! `stratigraph analyze`: the main job.

use super::accepted::drop_accepted;
use super::args::{AnalyzeArgs, Format};
use super::config;
use super::error::{CliError, Kind};
use super::load::Project;
use super::output::{Output, look};
use super::prices::cost_model;
use super::progress::Progress;
use super::renewed::renewed;
use super::settings;
use crate::analyze::{Analysis, Analyzer};
use crate::cost::CostModel;
use crate::report::{heat, html, json, markdown, terminal, view};
use crate::restructure::renewed::not_given;
use crate::tree::{ObjectId, RepoPath};

/// Carries the command out.
pub(super) fn run(args: &AnalyzeArgs) -> Result<(), CliError> {
    let project = Project::load(&settings::job(&args.replay)?)?;
    let mut analysis = analyse(&project, cost_model(&project, &args.cost)?)?;
    refuse_absent(&project, &analysis)?;
    let path = RepoPath::new(&project.settings.dockerfile);
    let newest = project.newest_dockerfile();
    let renewed = renewed(&project, &project.settings, &[path], &[&newest]);
    analysis.caveats.extend(not_given(&renewed));
    let config = config::load(&args.replay)?;
    let path = &project.settings.dockerfile;
    drop_accepted(
        &mut analysis.findings,
        &mut analysis.caveats,
        config.as_ref(),
        path,
        &newest,
    );
    let path = args.output.output.as_deref();
    let mut output = Output::open(path)?;
    let report = view::report(&analysis, &project.name());
    match args.output.format {
        Format::Terminal => terminal::write(&report, look(path), &mut output)?,
        Format::Json => json::write(&analysis, &project.name(), &mut output)?,
        Format::Markdown => markdown::write(&report, &mut output)?,
        Format::Html => html::write(&report, heat::heat(&analysis).as_ref(), &mut output)?,
    }
    output.finish()
}

/// A file that no commit has gives no figures: most likely another one is meant.
fn refuse_absent(project: &Project, analysis: &Analysis) -> Result<(), CliError> {
    let (all, path) = (project.builds.len(), &project.settings.dockerfile);
    if project.settings.pin.is_some() || analysis.n_dockerfiles > 0 || all == 0 {
        return Ok(());
    }
    let message = format!("there is no {path} at any of the {all} commits");
    Err(CliError::new(Kind::Dockerfile, message).with_help(project.other_dockerfiles()))
}

/// Replays the project's builds.
pub(super) fn analyse(project: &Project, model: CostModel) -> Result<Analysis, CliError> {
    let blob = |id: &ObjectId| project.blob(id);
    let mut analyzer = Analyzer::reading(project.settings.clone(), model, &blob);
    let mut progress = Progress::new("replaying", project.builds.len());
    for planned in project.planned() {
        let (input, plan) = planned?;
        analyzer.add_planned(&input, plan);
        progress.step();
    }
    Ok(analyzer.finish(project.caveats.clone(), &|path| project.read_newest(path)))
}
