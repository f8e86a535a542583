//! `stratigraph replay`: the trace, one JSON line per build.

use super::args::ReplayArgs;
use super::error::CliError;
use super::load::Project;
use super::output::Output;
use super::progress::Progress;
use super::settings;
use crate::replay::BuildOutcome;
use crate::replay::Replay;
use crate::report::trace::Trace;
use std::io::Write;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;

/// Builds that are handed to the writer at a time, and how many such lots may wait.
const LOT: usize = 16;
const LOTS: usize = 8;

/// As the main thread has it: directories may nest.
const STACK: usize = 8 * 1024 * 1024;

/// One build's outcome, or why the history cannot be read further.
type Outcome = Result<BuildOutcome, CliError>;

/// Carries the command out. The replay has a thread of its own: writing is a quarter of the work.
pub(super) fn run(args: &ReplayArgs) -> Result<(), CliError> {
    let project = Project::load(&settings::job(&args.replay)?)?;
    let mut output = Output::open_raw(args.output.as_deref())?;
    let mut progress = Progress::new("replaying", project.builds.len());
    let (sender, outcomes) = sync_channel(LOTS);
    let replaying = std::thread::Builder::new()
        .name("replay".to_owned())
        .stack_size(STACK)
        .spawn(move || replay(project, &sender))
        .expect("the system has a thread left");
    let mut trace = Trace::default();
    for outcome in outcomes.into_iter().flatten() {
        trace.write(&outcome?, &mut output)?;
        // Each line as soon as it is known.
        output.flush()?;
        progress.step();
    }
    // A panic over there must not look like the end of the history.
    if let Err(panic) = replaying.join() {
        std::panic::resume_unwind(panic);
    }
    output.finish()
}

/// Sends the outcomes in order, as they become known; ends early when nobody listens any more.
fn replay(project: Project, sender: &SyncSender<Vec<Outcome>>) {
    let mut replay = Replay::new(project.settings.clone());
    let mut lot = Vec::with_capacity(LOT);
    for planned in project.planned() {
        lot.push(planned.map(|(input, plan)| replay.build_planned(&input, plan)));
        if lot.len() == LOT {
            let full = std::mem::replace(&mut lot, Vec::with_capacity(LOT));
            if sender.send(full).is_err() {
                break;
            }
        }
    }
    // Nobody listens: nothing is lost.
    let _ = sender.send(lot);
    // The process ends: to take a large cache apart, and the repository, would only keep the reader waiting.
    std::mem::forget((replay, project));
}
