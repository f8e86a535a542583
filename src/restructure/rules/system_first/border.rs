//! The border between a stage and the stage that it is built on: what may cross it.

use super::super::super::layout::{Place, mount_field, parent, stage_named};
use super::super::super::targets::built_alone;
use super::super::super::view::View;
use super::builds::{builds, runs_scripts};
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Instruction, Stage};
use std::collections::BTreeSet;

/// Whether a stage is there for those built on it and for nothing else: no image of its own, no files that others copy.
pub(in crate::restructure::rules) fn is_only_a_base(view: &View<'_>, stage: usize) -> bool {
    let dockerfile = view.dockerfile;
    let Some(name) = &dockerfile.stages[stage].name else {
        return false;
    };
    // Triggers run where the next stage begins; the others say what an image is for.
    let is_of_an_image = |i: &Instruction| {
        matches!(
            i.keyword,
            "CMD" | "ENTRYPOINT" | "EXPOSE" | "HEALTHCHECK" | "ONBUILD" | "VOLUME"
        )
    };
    let own = &dockerfile.stages[stage];
    stage != view.target
        && !own.instructions.iter().any(is_of_an_image)
        && !is_taken_from(dockerfile, stage, name)
        && built_alone(view, name).is_none()
}

/// Whether a stage's files may be copied or mounted elsewhere, or a FROM with a variable may mean it.
fn is_taken_from(dockerfile: &Dockerfile, stage: usize, name: &str) -> bool {
    dockerfile.stages[stage + 1..].iter().any(|later| {
        let is_it = |from: &str| {
            from.contains('$') || stage_named(dockerfile, later.index, from) == Some(stage)
        };
        let takes = |i: &Instruction| {
            let mounts = i.flag_values("mount");
            let mounts = mounts.filter_map(|m| mount_field(m, "from"));
            i.flag("from").into_iter().chain(mounts).any(is_it)
        };
        may_mean(&later.base().image, name) || later.instructions.iter().any(takes)
    })
}

/// Whether an image word with a variable may become `name`.
fn may_mean(image: &str, name: &str) -> bool {
    let mut parts = Vec::new();
    let mut rest = image;
    while let Some(at) = rest.find('$') {
        parts.push(&rest[..at]);
        let after = &rest[at + 1..];
        rest = match after.strip_prefix('{') {
            Some(inner) => inner.find('}').map_or("", |end| &inner[end + 1..]),
            None => after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'),
        };
    }
    let Some(first) = parts.first() else {
        return false;
    };
    let is_image = |part: &&str| part.contains([':', '/', '@']);
    let fits = name.starts_with(first) && name.ends_with(rest);
    fits && !is_image(&rest) && !parts.iter().any(is_image)
}

/// The stages that are built on `stage`, in order.
pub(in crate::restructure::rules) fn children(dockerfile: &Dockerfile, stage: usize) -> Vec<usize> {
    let later = stage + 1..dockerfile.stages.len();
    later
        .filter(|&s| parent(dockerfile, s) == Some(stage))
        .collect()
}

/// Whether `stage` is built for the platform of the stage that it is built on.
pub(in crate::restructure::rules) fn keeps_platform(
    dockerfile: &Dockerfile,
    stage: usize,
    above: usize,
) -> bool {
    let of = |s: usize| dockerfile.stages[s].base().platform.as_deref();
    of(stage).is_none_or(|own| of(above) == Some(own))
}

/// A stage and stages that it is built on, as one: their instructions one after the other.
pub(super) struct Joined {
    pub(super) stage: Stage,
    pub(super) places: Vec<Place>,
    /// As [`builds`], and the RUNs that run scripts of the project.
    pub(super) builds: BTreeSet<usize>,
    /// Where each stage begins, and its index in the Dockerfile; the first is 0.
    parts: Vec<(usize, usize)>,
}

impl Joined {
    /// Of these stages, each built on the one before.
    pub(super) fn new(view: &View<'_>, all: &[Vec<Place>], stages: &[usize]) -> Option<Self> {
        let (first, last) = (*stages.first()?, *stages.last()?);
        let mut joined = Self {
            stage: Stage {
                index: last,
                from: view.dockerfile.stages[first].from.clone(),
                name: view.dockerfile.stages[last].name.clone(),
                instructions: Vec::new(),
            },
            places: Vec::new(),
            builds: BTreeSet::new(),
            parts: Vec::new(),
        };
        for &index in stages {
            let own = &view.dockerfile.stages[index];
            let start = joined.stage.instructions.len();
            joined.parts.push((start, index));
            let mut found = builds(view, own);
            found.extend(runs_scripts(view, own));
            joined
                .builds
                .extend(found.into_iter().map(|run| start + run));
            joined
                .stage
                .instructions
                .extend_from_slice(&own.instructions);
            joined.places.extend_from_slice(&all[index]);
        }
        Some(joined)
    }

    /// Where the last stage begins.
    pub(super) fn last_start(&self) -> usize {
        self.parts.last().map_or(0, |(start, _)| *start)
    }

    /// Where the stage of instruction `index` begins, and which it is.
    pub(super) fn part_of(&self, index: usize) -> (usize, usize) {
        let mut parts = self.parts.iter().rev();
        let found = parts.find(|(start, _)| *start <= index);
        found.copied().unwrap_or_default()
    }

    /// The names that the ARGs among `range` declare, each with the whole instruction.
    pub(super) fn arguments(
        &self,
        range: std::ops::Range<usize>,
    ) -> impl Iterator<Item = (&str, &Instruction)> {
        let all = self.stage.instructions[range].iter();
        all.flat_map(|instruction| {
            let items = instruction.arguments().iter();
            items.map(move |item| (item.name.as_str(), instruction))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_may_mean_a_stage() {
        let check = |image: &str, expected: bool| {
            assert_eq!(may_mean(image, "base"), expected, "{image}");
        };
        check("$X", true);
        check("${X}", true);
        check("${X:-base}", true);
        check("base", false);
        check("base-${X}", false);
        check("node:${X}", false);
        check("${X}:22", false);
        check("${X}/y", false);
        check("${X}-${Y}", true);
        check("${X}/${Y}", false);
    }
}
