//! Stages: what each is built on, by which name others call it, and which of them a target needs.

use super::words::{expand, unquote};
use super::{Place, advance};
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::Instruction;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Variables that stand above the first FROM, for FROM to use; `None` for a value that is not known.
pub fn globals(dockerfile: &Dockerfile) -> BTreeMap<String, Option<String>> {
    let mut place = Place::default();
    for instruction in &dockerfile.globals {
        advance(&mut place, instruction, &BTreeMap::new());
    }
    place.variables
}

/// What the builder says of the platform, where none is asked for.
const PLATFORM: [(&str, &str); 6] = [
    ("BUILDARCH", "amd64"),
    ("BUILDOS", "linux"),
    ("BUILDPLATFORM", "linux/amd64"),
    ("TARGETARCH", "amd64"),
    ("TARGETOS", "linux"),
    ("TARGETPLATFORM", "linux/amd64"),
];

/// What the FROM of `stage` names, with the variables above the first FROM put in; as written where one has no value.
/// Empty for a stage that is not there.
pub fn image(dockerfile: &Dockerfile, stage: usize) -> Cow<'_, str> {
    let Some(stage) = dockerfile.stages.get(stage) else {
        return Cow::Borrowed("");
    };
    let written = stage.base().image.as_str();
    if !written.contains('$') {
        return Cow::Borrowed(written);
    }
    let mut variables = globals(dockerfile);
    for (name, value) in PLATFORM {
        let own = variables.entry(name.to_owned()).or_default();
        own.get_or_insert_with(|| value.to_owned());
    }
    // What is declared without a value is empty where nothing is passed.
    variables.retain(|_, value| value.is_some());
    let known = expand(&unquote(written), &variables).filter(|image| !image.is_empty());
    known.map_or(Cow::Borrowed(written), Cow::Owned)
}

/// The earlier stage that `stage` is built on, if its FROM names one.
pub fn parent(dockerfile: &Dockerfile, stage: usize) -> Option<usize> {
    let image = image(dockerfile, stage).to_ascii_lowercase();
    dockerfile
        .stages
        .get(..stage)?
        .iter()
        .rposition(|s| s.name.as_deref() == Some(image.as_str()))
}

/// The stage that `--from=NAME` means for an instruction of stage `of`: by name, or by number.
pub fn stage_named(dockerfile: &Dockerfile, of: usize, name: &str) -> Option<usize> {
    let lower = name.to_ascii_lowercase();
    let earlier = dockerfile.stages.get(..of)?;
    let by_name = earlier
        .iter()
        .rposition(|s| s.name.as_deref() == Some(lower.as_str()));
    by_name.or_else(|| name.parse::<usize>().ok().filter(|&n| n < of))
}

/// Whether a stage has this name, or an image is taken by it: another stage of that name would stand in its place.
pub fn is_taken(dockerfile: &Dockerfile, name: &str) -> bool {
    let mut stages = dockerfile.stages.iter();
    stages.any(|s| s.name.as_deref() == Some(name) || s.base().image == name)
        || givers(dockerfile).any(|from| from == name)
}

/// Whether a stage is named by its number (`--from=0`): one more stage before it would move it.
pub fn goes_by_numbers(dockerfile: &Dockerfile) -> bool {
    givers(dockerfile).any(|from| from.bytes().all(|b| b.is_ascii_digit()))
}

/// What files are taken from, as written: `--from`, and `from=` of mounts.
fn givers(dockerfile: &Dockerfile) -> impl Iterator<Item = &str> {
    dockerfile.instructions().flat_map(|instruction| {
        let mounts = instruction.flag_values("mount");
        let mounts = mounts.filter_map(|mount| mount_field(mount, "from"));
        instruction.flag("from").into_iter().chain(mounts)
    })
}

/// The stage and those that it is built on, itself first.
pub fn built_on(dockerfile: &Dockerfile, stage: usize) -> impl Iterator<Item = usize> + '_ {
    std::iter::successors(Some(stage), |s| parent(dockerfile, *s))
}

/// Stages the target needs, itself included, by FROM, `--from` and mounts.
pub fn reachable(dockerfile: &Dockerfile, target: usize) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::new(), vec![target]);
    while let Some(stage) = open.pop() {
        if stage >= dockerfile.stages.len() || !found.insert(stage) {
            continue;
        }
        open.extend(parent(dockerfile, stage));
        for instruction in &dockerfile.stages[stage].instructions {
            let mounts = instruction
                .flag_values("mount")
                .filter_map(|m| mount_field(m, "from"));
            let named = instruction.flag("from").into_iter().chain(mounts);
            open.extend(named.filter_map(|name| stage_named(dockerfile, stage, name)));
        }
    }
    found
}

/// Whether a mount of a RUN brings files that its words do not show; a cache or a secret does not.
pub(in crate::restructure) fn brings_files(run: &Instruction) -> bool {
    let others = ["type=cache", "type=secret", "type=ssh", "type=tmpfs"];
    let mut mounts = run.flag_values("mount");
    mounts.any(|mount| !others.iter().any(|other| mount.contains(other)))
}

/// One field of a `--mount` value: `from` of `type=bind,from=build`.
pub fn mount_field<'m>(mount: &'m str, name: &str) -> Option<&'m str> {
    mount
        .split(',')
        .filter_map(|part| part.split_once('='))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, v)| v.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_named_by_variables_too() {
        let check = |from: &str, expected: Option<usize>| {
            let text = format!(
                "ARG OS=debian\nARG KIND=${{OS}}-slim\nARG EMPTY\nFROM debian:12 AS debian\n\
                 FROM debian AS debian-slim\nFROM a:1 AS base-amd64\nFROM {from}\n"
            );
            let parsed = crate::dockerfile::parse(&text).unwrap().dockerfile;
            assert_eq!(parent(&parsed, 3), expected, "{from}");
        };
        check("$OS", Some(0));
        check("${OS}-slim", Some(1));
        check("\"${KIND}\"", Some(1));
        check("${EMPTY:-debian}", Some(0));
        check("base-${TARGETARCH}", Some(2));
        check("${EMPTY}", None);
        check("${NONE}", None);
        check("${OS}:12", None);
        check("Debian", Some(0));
    }
}
