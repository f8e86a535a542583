//! A stage whose result is the same for every platform, or is cross-compiled, runs on the builder's own platform.
//!
//! Before:
//! ```dockerfile
//! FROM golang:1.22 AS build
//! COPY . .
//! RUN CGO_ENABLED=0 go build -o /app .
//! FROM alpine:3.20
//! COPY --from=build /app /app
//! ```
//! After:
//! ```dockerfile
//! FROM --platform=$BUILDPLATFORM golang:1.22 AS build
//! COPY . .
//! ARG TARGETOS
//! ARG TARGETARCH
//! RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /app .
//! ```
//! For another platform than its own, the builder's machine emulates every RUN. A build for its own platform does not
//! change, so this pays only where `--platform` says another one, or something in the tree does
//! ([`super::super::platforms`]). Source: docs.docker.com/build/building/multi-platform (cross-compilation).

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command::{Group, group, seen};
use super::super::installs::StageView;
use super::super::layout::{is_within, mount_field, parent, places, reachable, stage_named};
use super::super::lift::declare;
use super::super::view::View;
use super::Rule;
use super::native_go::{CrossCompiled, is_compiler, names_a_machine};
use crate::builder::Builder;
use crate::dockerfile::ast::{Instruction, Kind, Source, Stage};
use crate::shell::Seen;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "native-stage",
    summary: "stages whose result no platform changes, or that cross-compile, on the builder's own platform",
    propose,
};

/// Programs that make scripts, styles and pages: the same for every platform.
const FRONT_END: &[&str] = &["bun", "bunx", "corepack", "npm", "npx", "pnpm", "yarn"];
/// Programs that make archives of bytecode.
const BYTECODE: &[&str] = &["gradle", "gradlew", "mvn", "mvnw"];
/// Words of what makes programs for one machine, or packs those of this one.
const OF_ONE_MACHINE: &[&str] = &[
    "jlink",
    "jpackage",
    "native",
    "nexe",
    "node_modules",
    "pkg",
    "standalone",
];
/// Directories into which front ends are built.
const BUILT: &[&str] = &[
    "assets", "build", "dist", "html", "out", "public", "static", "www",
];
/// What a distribution holds the same for every platform.
const OF_EVERY_PLATFORM: &[&str] = &["/etc", "/usr/share/ca-certificates", "/usr/share/zoneinfo"];

fn propose(view: &View<'_>) -> Vec<Candidate> {
    if view.builder != Builder::BuildKit {
        return Vec::new();
    }
    let used = reachable(view.dockerfile, view.target);
    let stages = view.dockerfile.stages.iter();
    let stages = stages.filter(|s| used.contains(&s.index) && s.index != view.target);
    stages.filter_map(|s| candidate(view, s)).collect()
}

fn candidate(view: &View<'_>, stage: &Stage) -> Option<Candidate> {
    if !stands_alone(view, stage) || names_a_machine(stage) {
        return None;
    }
    let of = StageView::new(view, &places(view.dockerfile), stage.index);
    let commands = commands(&of)?;
    let mut compiled = CrossCompiled::of(&of);
    let mut doubts = Vec::new();
    let taken = taken_out(view, stage)?;
    for path in &taken {
        if !compiled.takes(&commands, path) {
            doubts.extend(same_everywhere(&of, &commands, path)?);
        }
    }
    if taken.is_empty() || !commands.iter().any(|(_, s)| makes(s)) {
        return None;
    }
    let line = stage.from.lines.first;
    let title = match &stage.name {
        Some(name) => format!("run stage {name} on the builder's own platform (line {line})"),
        None => format!("run the stage of line {line} on the builder's own platform"),
    };
    let mut candidate = Candidate::new(RULE.id, title);
    let after = stage.from.span.start + "FROM".len();
    candidate.edits = vec![TextEdit::insert(after, " --platform=$BUILDPLATFORM")];
    candidate.lines = vec![stage.from.lines];
    let (reasons, more) = compiled.write(&mut candidate)?;
    doubts.extend(more);
    candidate.safety = Safety::of(reasons, doubts);
    candidate.rationale = format!(
        "Built for another platform than the builder's own, each RUN of this stage is emulated; what is taken out of it {}.",
        match compiled.is_empty() {
            true => "is the same for every platform",
            false => "can be compiled without",
        }
    );
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// Whether nothing else runs on what the stage is made of.
fn stands_alone(view: &View<'_>, stage: &Stage) -> bool {
    let stages = &view.dockerfile.stages;
    let is_built_on = |s: &Stage| parent(view.dockerfile, s.index) == Some(stage.index);
    parent(view.dockerfile, stage.index).is_none()
        && stage.base().image != "scratch"
        && stage.from.flag("platform").is_none()
        && !stages.iter().any(is_built_on)
}

/// The commands of the stage's RUNs, each with its RUN; `None` where one is not known: it may run what was built.
fn commands(of: &StageView<'_>) -> Option<Vec<(usize, Seen)>> {
    let mut all = Vec::new();
    for (n, instruction) in of.stage.instructions.iter().enumerate() {
        match &instruction.kind {
            Kind::Run(_) => {
                for command in seen(instruction)? {
                    is_known(&command).then_some(())?;
                    all.push((n, command));
                }
            }
            Kind::Onbuild(_) | Kind::Shell(_) => return None,
            _ => {}
        }
    }
    Some(all)
}

fn is_known(command: &Seen) -> bool {
    let is_go = command.name() == "go"
        && matches!(
            command.subcommand(),
            "build" | "env" | "get" | "install" | "mod" | "test" | "version" | "vet"
        );
    let by_group = matches!(
        group(command),
        Some(Group::Words | Group::System | Group::Global)
    );
    command.name().is_empty() || is_go || makes(command) || by_group
}

/// Whether a command makes what stages like these are for.
fn makes(command: &Seen) -> bool {
    FRONT_END.contains(&command.name())
        || BYTECODE.contains(&command.name())
        || is_compiler(command)
}

/// The paths that are taken out of a stage, absolute; `None` where they are not known.
fn taken_out(view: &View<'_>, stage: &Stage) -> Option<Vec<String>> {
    let mut taken = Vec::new();
    for later in &view.dockerfile.stages {
        let named = |name: &str| stage_named(view.dockerfile, later.index, name);
        let is_it = |name: &str| named(name) == Some(stage.index);
        for instruction in &later.instructions {
            let mut mounts = instruction.flag_values("mount");
            if mounts.any(|m| mount_field(m, "from").is_some_and(is_it)) {
                return None;
            }
            let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
                continue;
            };
            if !instruction.flag("from").is_some_and(is_it) {
                continue;
            }
            for source in &transfer.sources {
                match source {
                    Source::Path(path) if !path.contains(['$', '[', '?']) => {
                        taken.push(format!("/{}", path.trim_matches('/')));
                    }
                    _ => return None,
                }
            }
        }
    }
    Some(taken)
}

/// What to check where a path that is taken out of the stage is to be the same for every platform, as far as what made it
/// tells; `None` where it is not.
fn same_everywhere(
    of: &StageView<'_>,
    commands: &[(usize, Seen)],
    path: &str,
) -> Option<Option<String>> {
    if OF_EVERY_PLATFORM.iter().any(|p| is_within(path, p)) {
        return Some(None);
    }
    let names: Vec<&str> = path.split('/').filter(|n| !n.is_empty()).collect();
    let is_of_one = |word: &&str| names.iter().any(|n| n.contains(*word)) || says(of.stage, word);
    if OF_ONE_MACHINE.iter().any(is_of_one) {
        return None;
    }
    let runs = |tools: &[&str]| commands.iter().any(|(_, s)| tools.contains(&s.name()));
    if runs(FRONT_END) && names.iter().any(|n| BUILT.contains(n)) {
        return Some(Some(format!(
            "check that {path} holds scripts, styles and pages alone, nothing that was compiled for one platform"
        )));
    }
    let is_archive = [".jar", ".war"].iter().any(|end| path.ends_with(end));
    if runs(BYTECODE) && is_archive {
        return Some(Some(format!(
            "check that {path} packs no library that was compiled for the machine it is built on"
        )));
    }
    let image = of.image_at(of.stage.instructions.len());
    image.contains_key(path).then_some(None)
}

/// Whether a RUN of the stage has a word.
fn says(stage: &Stage, word: &str) -> bool {
    let is_word = |i: &Instruction| {
        let mut words = i
            .original
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.any(|w| w == word)
    };
    stage
        .instructions
        .iter()
        .any(|i| i.keyword == "RUN" && is_word(i))
}
