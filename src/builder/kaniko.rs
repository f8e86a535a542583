//! kaniko with `--cache=true`: one key for all lines so far. Read from its source, not checked against a run.
//!
//! Shown are the steps whose layers are cached, RUN alone by default; COPY always executes and prints no flag.
//!
//! | instruction | enters the key of every later RUN | source (kaniko 236ba56) | derived case |
//! |---|---|---|---|
//! | FROM image | the image's digest (here: its reference) | pkg/executor/build.go `build` | – |
//! | FROM stage | that stage's last key | build.go `digestToCacheKey` | `kaniko-stages` |
//! | RUN | its text; sorted environment: ENV, and ARGs that have a value | build.go `populateCompositeKey`, commands/run.go | `kaniko-edited-line`, `kaniko-build-argument` |
//! | COPY, ADD | its text; bytes and modes of the files, not the names inside a directory; of URLs and archives the text alone | composite_cache.go `AddPath`, commands/add.go | `kaniko-copied-files` |
//! | COPY --from | its text; the stage's files | commands/copy.go | `kaniko-equal-output`, `kaniko-other-output` |
//! | all others | their text as written | `populateCompositeKey` | `kaniko-edited-line` |
//! | any | the first RUN whose layer is absent ends the search for its stage; later keys hold it in any case | build.go `optimize` | `kaniko-edited-line` |
//!
//! Stages up to the target are built whether they are needed or not. Layers older than two weeks are not used; that is
//! not modelled.

use super::build_args::BuildArgs;
use super::buildkit::copy_definition;
use super::classic::{has_paths, inherited_env, remember_env};
use super::sequential::{Place, Sequence};
use super::vertex::{Effect, Plan, Vertex};
use crate::context::Reading;
use crate::dockerfile::ast::Dockerfile;
use crate::graph::{Action, CopySource, Lowering, Parts};
use std::collections::BTreeMap;
use std::iter;

/// Names of files that ADD unpacks and kaniko therefore does not hash.
const ARCHIVES: [&str; 6] = [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".txz"];

/// The steps of a lowered Dockerfile.
pub fn plan(
    dockerfile: &Dockerfile,
    build_args: &BTreeMap<String, String>,
    lowering: &Lowering,
) -> Plan {
    let mut sequence = Sequence::new(lowering);
    let mut args = BuildArgs::new(build_args, lowering.globals, dockerfile.escape);
    let mut envs = BTreeMap::new();
    for stage in &lowering.stages {
        args.start_stage();
        let is_run = |action: &Action| matches!(action, Action::Run(_));
        let total = stage
            .instructions
            .iter()
            .filter(|i| is_run(&i.action))
            .count();
        let mut index = 0;
        let mut place = |is_shown: bool| {
            index += usize::from(is_shown);
            let name = stage
                .name
                .clone()
                .unwrap_or_else(|| stage.index.to_string());
            Place {
                stage: Some(name),
                stage_index: stage.index,
                index: if is_shown { index } else { 0 },
                total,
            }
        };
        let mut env = inherited_env(stage, &envs);
        let mut current = sequence.from(place(false), stage);
        for lowered in &stage.instructions {
            let instruction = &lowered.instruction;
            let mut step = Sequence::step(place(is_run(&lowered.action)), instruction);
            let text = instruction.original.clone();
            let vertex = match &lowered.action {
                Action::Run(run) => {
                    let (spelled, _) = args.for_run(&env);
                    step.command = run.command_text();
                    let command = ("command".to_owned(), text.clone());
                    let variables = env
                        .iter()
                        .map(|(name, value)| (format!("variable {name}"), value.clone()));
                    let arguments = spelled
                        .iter()
                        .map(|(name, value)| (format!("argument {name}"), value.clone()));
                    let parts = iter::once(command).chain(variables).chain(arguments);
                    step.definition = Parts::from_iter(parts).into();
                    let mut all: Vec<(&String, &String)> = env
                        .iter()
                        .chain(spelled.iter().map(|(n, v)| (n, v)))
                        .collect();
                    all.sort();
                    Vertex::on(current, &format!("{text} {all:?}"), Effect::Run)
                }
                Action::Copy(copy) => {
                    step.definition = copy_definition(copy, &copy.destination).into();
                    let mut copy = copy.clone();
                    let is_hashed = |source: &CopySource| match source {
                        CopySource::Path(path) => {
                            !(copy_is_add(instruction.keyword)
                                && ARCHIVES.iter().any(|end| path.ends_with(end)))
                        }
                        CopySource::Inline(..) => true,
                        CopySource::Http(_) | CopySource::Git(_) => false,
                    };
                    let hashed: Vec<CopySource> = copy
                        .sources
                        .iter()
                        .filter(|s| is_hashed(s))
                        .cloned()
                        .collect();
                    copy.sources = hashed;
                    let vertex = sequence.copy(current, lowered, &copy, text, Reading::Bytes);
                    let effect = if has_paths(&copy) {
                        vertex.effect
                    } else {
                        Effect::Nothing
                    };
                    Vertex { effect, ..vertex }
                }
                action => {
                    if let Action::Meta(values) = action {
                        remember_env(instruction, values, &mut env);
                        args.declare(instruction, &lowered.before.env);
                    }
                    step.definition = vec![("text".to_owned(), text.clone())].into();
                    let effect = match action {
                        Action::Workdir(path) => Effect::Mkdir(path.clone()),
                        _ => Effect::Nothing,
                    };
                    Vertex::on(current, &text, effect)
                }
            };
            current = Some(sequence.add(step, vertex));
        }
        sequence.end(stage, current);
        envs.insert(stage.index, env);
    }
    sequence.finish()
}

fn copy_is_add(keyword: &str) -> bool {
    keyword == "ADD"
}
