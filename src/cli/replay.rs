//! `stratigraph replay`: the trace, one JSON line per build.

use super::args::ReplayArgs;
use super::error::CliError;
use super::load::Project;
use super::output::Output;
use super::progress::Progress;
use super::settings;
use crate::replay::Replay;
use crate::report::trace::Trace;
use std::io::Write;

/// Carries the command out.
pub(super) fn run(args: &ReplayArgs) -> Result<(), CliError> {
    let project = Project::load(&settings::job(&args.replay)?)?;
    let mut output = Output::open_raw(args.output.as_deref())?;
    let mut replay = Replay::new(project.settings.clone());
    let mut trace = Trace::default();
    let mut progress = Progress::new("replaying", project.builds.len());
    for planned in project.planned() {
        let (input, plan) = planned?;
        trace.write(&replay.build_planned(&input, plan), &mut output)?;
        // Each line as soon as it is known.
        output.flush()?;
        progress.step();
    }
    // The process ends: to take a large cache apart, and the repository, would only keep the reader waiting.
    std::mem::forget((replay, project));
    output.finish()
}
