//! Which stages there are, what each is built on and reads, and which the target needs.
//!
//! Read in moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go: `buildDispatchStates`, `resolveTarget`,
//! `buildStageDependencyGraph`, `validateCircularDependency`, `allReachableStages`.

use super::dag;
use super::lowered::{Base, MountFrom};
use super::source;
use crate::dockerfile::ast::{Dockerfile, Instruction, Kind, Stage};
use crate::dockerfile::mount::Mount;

use crate::dockerfile::{Error, Span};
use std::collections::BTreeMap;

/// A stage or one of the pseudo-stages that BuildKit adds for images named by `--from`.
struct Entry {
    /// Position in the file; `None` for a pseudo-stage.
    stage: Option<usize>,
    /// The reference of a pseudo-stage.
    image: String,
}

/// The stages of a Dockerfile, resolved.
pub(super) struct Stages {
    /// Base of each stage, by position.
    pub(super) bases: Vec<Base>,
    /// Stages that each stage reads, by position.
    reads: Vec<Vec<usize>>,
    /// Where each instruction of each stage reads from, by (stage, instruction, use within the instruction).
    pub(super) from: BTreeMap<(usize, usize, usize), MountFrom>,
    /// Whether stage names are printed.
    pub(super) named: bool,
}

impl Stages {
    /// Resolves bases (already expanded) and every `--from`.
    pub(super) fn resolve(
        dockerfile: &Dockerfile,
        bases: Vec<(String, Option<String>)>,
    ) -> Result<Self, Error> {
        let text = &dockerfile.text;
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let mut resolved = Vec::new();
        for (stage, (image, unknown)) in dockerfile.stages.iter().zip(bases) {
            let base = match unknown {
                Some(why) => Base::Unknown(why),
                // A stage name is looked up as written: names are stored in lower case, `FROM Build` finds none.
                None => match names.get(&image) {
                    Some(&index) => Base::Stage(index),
                    None if image == "scratch" => Base::Scratch,
                    None => Base::Image(image),
                },
            };
            resolved.push(base);
            if let Some(name) = &stage.name {
                names.insert(name.to_lowercase(), stage.index);
            }
        }
        let mut this = Self {
            bases: resolved,
            reads: vec![Vec::new(); dockerfile.stages.len()],
            from: BTreeMap::new(),
            named: false,
        };
        let mut entries: Vec<Entry> = (0..dockerfile.stages.len())
            .map(|i| Entry {
                stage: Some(i),
                image: String::new(),
            })
            .collect();
        for stage in &dockerfile.stages {
            for (position, instruction) in stage.instructions.iter().enumerate() {
                this.resolve_instruction(
                    text,
                    stage.index,
                    position,
                    instruction,
                    &names,
                    &mut entries,
                )?;
            }
        }
        this.named = entries.len() > 1;
        this.refuse_circles(dockerfile)?;
        this.inherit_triggers(dockerfile, &names, &mut entries)?;
        for (stage, base) in dockerfile.stages.iter().zip(&mut this.bases) {
            if let Base::Image(image) = base {
                let full = source::full_image(image).map_err(|why| {
                    Error::at(
                        text,
                        image_span(stage),
                        format!("failed to parse stage name {image:?}: {why}"),
                    )
                });
                // Images of stages that are not needed are never resolved; they are checked all the same, as
                // BuildKit does (`resolveBaseImage` runs for every stage).
                *base = Base::Image(full?);
            }
        }
        Ok(this)
    }

    fn resolve_instruction(
        &mut self,
        text: &str,
        stage: usize,
        position: usize,
        instruction: &Instruction,
        names: &BTreeMap<String, usize>,
        entries: &mut Vec<Entry>,
    ) -> Result<(), Error> {
        let mut uses = Vec::new();
        match &instruction.kind {
            Kind::Copy(_) => {
                let from = instruction.flag("from").unwrap_or("");
                if from.is_empty() {
                    return Ok(());
                }
                if from.contains('$') {
                    return Err(Error::at(text, instruction.span, "variable expansion is not supported for --from")
                        .with_help("define a stage with `FROM $ARG AS name` from a global ARG and copy from that"));
                }
                match from.parse::<i64>() {
                    Ok(index) => {
                        let entry = usize::try_from(index).ok().and_then(|i| entries.get(i));
                        let Some(entry) = entry else {
                            return Err(Error::at(
                                text,
                                instruction.span,
                                format!("invalid stage index {index}"),
                            )
                            .with_help(format!(
                                "stages are counted from 0; this file has {}",
                                entries.len()
                            )));
                        };
                        uses.push(match entry.stage {
                            Some(i) => MountFrom::Stage(i),
                            None => MountFrom::Image(entry.image.clone()),
                        });
                    }
                    Err(_) => uses.push(named_source(from, names, entries)),
                }
            }
            Kind::Run(_) => {
                for value in instruction.flag_values("mount") {
                    let from = Mount::from(value)
                        .map_err(|why| Error::at(text, instruction.span, why.to_string()))?;
                    if from.is_empty() {
                        // No `from` is looked up as `scratch`, which no stage can be called: a pseudo-stage.
                        entries.push(Entry {
                            stage: None,
                            image: "scratch".to_owned(),
                        });
                        uses.push(MountFrom::Context);
                    } else {
                        uses.push(named_source(&from, names, entries));
                    }
                }
            }
            _ => {}
        }
        for (n, from) in uses.into_iter().enumerate() {
            if let MountFrom::Stage(read) = from {
                self.reads[stage].push(read);
            }
            let from = match from {
                MountFrom::Image(image) if image == "scratch" => MountFrom::Scratch,
                MountFrom::Image(image) => {
                    MountFrom::Image(source::full_image(&image).map_err(|why| {
                        Error::at(
                            text,
                            instruction.span,
                            format!("failed to parse stage name {image:?}: {why}"),
                        )
                    })?)
                }
                other => other,
            };
            self.from.insert((stage, position, n), from);
        }
        Ok(())
    }

    /// ONBUILD triggers run in the stages built on the one that has them; they may read further stages.
    /// Triggers are keyed behind the stage's own instructions: position = number of own instructions + trigger.
    fn inherit_triggers(
        &mut self,
        dockerfile: &Dockerfile,
        names: &BTreeMap<String, usize>,
        entries: &mut Vec<Entry>,
    ) -> Result<(), Error> {
        for stage in &dockerfile.stages {
            let Base::Stage(base) = self.bases[stage.index] else {
                continue;
            };
            for (n, trigger) in triggers(&dockerfile.stages[base])?.into_iter().enumerate() {
                self.resolve_instruction(
                    &dockerfile.text,
                    stage.index,
                    stage.instructions.len() + n,
                    trigger,
                    names,
                    entries,
                )?;
            }
        }
        Ok(())
    }

    fn refuse_circles(&self, dockerfile: &Dockerfile) -> Result<(), Error> {
        let Some(index) = dag::find_circle(&self.edges()) else {
            return Ok(());
        };
        let stage = &dockerfile.stages[index];
        let name = stage
            .name
            .clone()
            .unwrap_or_else(|| format!("stage-{index}"));
        Err(Error::at(
            &dockerfile.text,
            stage.from.span,
            format!("circular dependency detected on stage: {name}"),
        )
        .with_help(
            "a stage can only read stages that do not depend on it; reorder or split the stages",
        ))
    }

    /// For each stage, the stages it needs.
    fn edges(&self) -> Vec<Vec<usize>> {
        let mut edges = self.reads.clone();
        for (stage, base) in self.bases.iter().enumerate() {
            if let Base::Stage(index) = base {
                edges[stage].push(*index);
            }
        }
        edges
    }

    /// Stages that `target` needs, itself included, by position.
    pub(super) fn reachable(&self, target: usize) -> Vec<bool> {
        dag::reachable(&self.edges(), target)
    }
}

/// The instructions of a stage's ONBUILD triggers, in order; one that cannot be fired is a refusal.
pub(super) fn triggers(stage: &Stage) -> Result<Vec<&Instruction>, Error> {
    let written = stage.instructions.iter().filter_map(|i| match &i.kind {
        Kind::Onbuild(trigger) => Some(trigger),
        _ => None,
    });
    written
        .map(|t| t.parsed.as_deref().map_err(Error::clone))
        .collect()
}

/// A stage by name (case does not matter), else a pseudo-stage for the image.
fn named_source(
    from: &str,
    names: &BTreeMap<String, usize>,
    entries: &mut Vec<Entry>,
) -> MountFrom {
    match names.get(&from.to_lowercase()) {
        Some(&index) => MountFrom::Stage(index),
        None => {
            entries.push(Entry {
                stage: None,
                image: from.to_owned(),
            });
            MountFrom::Image(from.to_owned())
        }
    }
}

fn image_span(stage: &Stage) -> Span {
    stage.base().image_span
}
