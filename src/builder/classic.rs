//! The builder before BuildKit: every instruction is a step and an image of its own.
//!
//! A step is found if some image has the image so far as its parent and the same configuration, in which every
//! instruction leaves a line of text. The first step that is not found ends the search for its stage; since each step
//! is keyed by the one before, that follows by itself.
//!
//! | instruction | enters the key | invalidated by | source (moby v20.10.24) | shown by |
//! |---|---|---|---|---|
//! | ARG before FROM | – (a step that is never looked up) | always runs | builder/dockerfile/builder.go `processMetaArg` | `global-arg-unused` |
//! | FROM image | the image's id (here: its reference) | another image | dispatchers.go `initializeStage` | `base-tag-changes` |
//! | FROM stage | the stage's last image; its ONBUILD triggers run here, not shown | that stage | dispatchers.go `dispatchTriggeredOnBuild` | `stages-from-stage`, `onbuild-in-stage` |
//! | RUN | command with its shell, sorted `NAME=value` of the stage's ARGs that have a value and are not in ENV; `\|0` where there are proxies alone | any of them | dispatchers.go `dispatchRun`, `prependEnvOnCmd` | `build-arg-unused`, `proxy-arg`, `run-exec-form` |
//! | COPY, ADD | instruction, `--chown` and destination as written; per source: every file's full path, mode, bytes, symlinks followed | content; a moved or renamed source; another spelling of the destination | copy.go, internals.go `performCopy` | `copied-directory-moves`, `symlink-source`, `copy-destination-spellings` |
//! | COPY --from | the same over the stage's files | other files | copy.go | `stages-source-stable-output` |
//! | WORKDIR | the path, an absolute one as written | another path or spelling | dispatchers.go `dispatchWorkdir` | `workdir-spellings` |
//! | ARG | names with their defaults, as written; not the value given | another default | dispatchers.go `dispatchArg` | `build-arg-value`, `build-arg-default-edited` |
//! | ENV, LABEL, USER, EXPOSE, VOLUME, STOPSIGNAL, MAINTAINER | expanded values | another value; another order; not quoting | dispatchers.go | `label-spellings`, `build-arg-in-metadata` |
//! | CMD, ENTRYPOINT | the arguments with their shell | another one | dispatchers.go `dispatchCmd` | `expose-and-env-spellings` |
//! | SHELL, HEALTHCHECK, ONBUILD | the arguments | another one | dispatchers.go | `before-run-shell`, `before-run-onbuild` |
//! | any | all lines before it in the stage | an earlier miss | imageprobe.go `Probe` | `before-run-label` |
//!
//! Stages up to the target are built whether they are needed or not (`stages-unused`). What it refuses: flags of RUN,
//! heredocs, `--chmod`, `--link`, `--parents`, `--exclude`.

use super::build_args::BuildArgs;
use super::buildkit::copy_definition;
use super::sequential::{Place, Sequence};
use super::vertex::{Effect, Plan, Vertex};
use crate::context::Reading;
use crate::dockerfile::Error;
use crate::dockerfile::ast::Dockerfile;
use crate::dockerfile::ast::{Healthcheck, Instruction, Kind};
use crate::dockerfile::nanoseconds;
use crate::graph::{
    Action, Base, CopyAction, Env, Lowered, LoweredStage, Lowering, Parts, RunAction,
};
use std::collections::BTreeMap;

/// The steps of a lowered Dockerfile.
///
/// # Errors
/// What needs BuildKit.
pub fn plan(
    dockerfile: &Dockerfile,
    build_args: &BTreeMap<String, String>,
    lowering: &Lowering,
) -> Result<Plan, Error> {
    let own = |stage: &LoweredStage| stage.instructions.iter().filter(|i| !i.trigger).count();
    let total = lowering.globals.len() + lowering.stages.iter().map(|s| 1 + own(s)).sum::<usize>();
    let mut sequence = Sequence::new(lowering);
    let mut args = BuildArgs::new(build_args, lowering.globals, dockerfile.escape);
    let mut index = 0;
    let mut place = |stage_index: usize, is_shown: bool| {
        index += usize::from(is_shown);
        Place {
            stage: None,
            stage_index,
            index: if is_shown { index } else { 0 },
            total,
        }
    };
    for global in lowering.globals {
        let step = Sequence::step(place(0, true), global);
        sequence.add(step, Vertex::on(None, "arg", Effect::Setting));
    }
    let mut envs = BTreeMap::new();
    for stage in &lowering.stages {
        args.start_stage();
        let mut env = inherited_env(stage, &envs);
        let mut current = sequence.from(place(stage.index, true), stage);
        for lowered in &stage.instructions {
            refuse(dockerfile, lowered)?;
            let mut step =
                Sequence::step(place(stage.index, !lowered.trigger), lowered.instruction);
            let vertex = match &lowered.action {
                Action::Run(run) => {
                    let key = run_key(run, &args, &env);
                    step.command = run.command_text();
                    step.definition = run_definition(run, &args, &env).into();
                    Vertex::on(current, &key, Effect::Run)
                }
                Action::Copy(copy) => {
                    step.definition = copy_definition(copy, &copy.destination).into();
                    let key = format!(
                        "{} {:?} in {}",
                        lowered.instruction.keyword, copy.chown, copy.destination
                    );
                    sequence.copy(current, lowered, copy, key, Reading::Paths)
                }
                Action::Workdir(path) => {
                    let key = workdir_key(lowered, path);
                    step.definition = vec![("path".to_owned(), key.clone())].into();
                    Vertex::on(current, &key, Effect::Mkdir(path.clone()))
                }
                Action::Meta(values) => {
                    remember_env(lowered.instruction, values, &mut env);
                    let key = meta_key(lowered.instruction, values, &mut args, &lowered.before.env);
                    step.definition = vec![("text".to_owned(), key.clone())].into();
                    Vertex::on(current, &key, Effect::Nothing)
                }
            };
            current = Some(sequence.add(step, vertex));
        }
        sequence.end(stage, current);
        envs.insert(stage.index, env);
    }
    Ok(sequence.finish())
}

/// What the image's configuration says of an instruction that runs nothing.
fn meta_key(
    instruction: &Instruction,
    values: &[String],
    args: &mut BuildArgs<'_>,
    env: &Env,
) -> String {
    match &instruction.kind {
        Kind::Arg(_) => format!("ARG {}", args.declare(instruction, env)),
        Kind::Healthcheck(check) => healthcheck_key(instruction, check),
        // The parser sorts them (`parseExpose`).
        Kind::Expose(_) => {
            let mut ports = values.to_vec();
            ports.sort_unstable();
            format!("EXPOSE {ports:?}")
        }
        _ => format!("{} {values:?}", instruction.keyword),
    }
}

fn run_key(run: &RunAction, args: &BuildArgs<'_>, env: &BTreeMap<String, String>) -> String {
    let (spelled, n) = args.for_run(env);
    if n == 0 {
        format!("RUN {:?}", run.args)
    } else {
        format!("RUN |{} {spelled:?} {:?}", spelled.len(), run.args)
    }
}

fn run_definition(run: &RunAction, args: &BuildArgs<'_>, env: &BTreeMap<String, String>) -> Parts {
    let (spelled, n) = args.for_run(env);
    let mut parts = vec![("command".to_owned(), run.args.join(" "))];
    parts.extend(
        spelled
            .into_iter()
            .map(|(name, value)| (format!("argument {name}"), value)),
    );
    parts.push((
        "build arguments".to_owned(),
        if n == 0 { "none" } else { "some" }.to_owned(),
    ));
    parts
}

/// The folder as the image's configuration has it: an absolute path as written, a relative one joined and cleaned
/// (dispatchers_unix.go `normalizeWorkdir`).
fn workdir_key(lowered: &Lowered, path: &str) -> String {
    let written = lowered.text.strip_prefix("WORKDIR ").unwrap_or(path);
    format!(
        "WORKDIR {}",
        if written.starts_with('/') {
            written
        } else {
            path
        }
    )
}

/// The check as the image's configuration has it: durations by their length, the order of the flags does not matter.
fn healthcheck_key(instruction: &Instruction, check: &Healthcheck) -> String {
    let duration = |name: &str| {
        let text = instruction.flag(name).unwrap_or("0");
        nanoseconds(text).map_or_else(|| text.to_owned(), |n| n.to_string())
    };
    let flags = ["interval", "timeout", "start-period", "start-interval"].map(duration);
    format!(
        "HEALTHCHECK {:?}",
        (check, flags, instruction.flag("retries").unwrap_or("0"))
    )
}

/// The environment that a stage begins with: its parent's, or PATH, which every image has.
pub(super) fn inherited_env(
    stage: &LoweredStage,
    envs: &BTreeMap<usize, BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    match stage.base {
        Base::Stage(parent) => envs.get(&parent).cloned().unwrap_or_default(),
        Base::Scratch => BTreeMap::new(),
        Base::Image(_) | Base::Unknown(_) => BTreeMap::from([("PATH".to_owned(), String::new())]),
    }
}

/// ENV as the image has it: `NAME=value`, expanded.
pub(super) fn remember_env(
    instruction: &Instruction,
    values: &[String],
    env: &mut BTreeMap<String, String>,
) {
    if instruction.keyword == "ENV" {
        let pairs = values.iter().filter_map(|pair| pair.split_once('='));
        env.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

fn refuse(dockerfile: &Dockerfile, lowered: &Lowered) -> Result<(), Error> {
    let instruction = &lowered.instruction;
    let allowed: &[&str] = match instruction.keyword {
        "COPY" => &["from", "chown"],
        "ADD" => &["chown"],
        "HEALTHCHECK" => return Ok(()),
        _ => &[],
    };
    let message = match instruction
        .flags
        .iter()
        .find(|f| !allowed.contains(&f.name.as_str()))
    {
        Some(flag) => format!("the --{} option requires BuildKit", flag.name),
        None if !instruction.heredocs.is_empty() => "heredocs require BuildKit".to_owned(),
        None => return Ok(()),
    };
    Err(Error::at(&dockerfile.text, instruction.span, message)
        .with_help("use --builder buildkit, or write it without"))
}

/// For [`super::kaniko`]: whether a COPY reads the context or a stage by content at all.
pub(super) fn has_paths(copy: &CopyAction) -> bool {
    copy.sources
        .iter()
        .any(|s| matches!(s, crate::graph::CopySource::Path(_)))
}
