//! System packages and tools that are installed below a COPY whose files they do not need.

use super::super::command::{installs, is_system_install};
use super::super::conflict::conflict;
use super::super::effect::effect;
use super::super::installs::StageView;
use super::super::layout::Place;
use super::super::view::View;
use super::copied::Copied;
use super::kind::Finding;
use super::resolving::commands;
use crate::dockerfile::ast::{Command, Kind, Stage};
use crate::shell;

/// Package managers of distributions.
const MANAGERS: &[&str] = &["apk", "apt", "apt-get", "dnf", "microdnf", "yum", "zypper"];

pub(super) fn system_below(
    view: &View<'_>,
    stage: &Stage,
    places: &[Place],
    copies: &[Copied<'_>],
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, instruction) in stage.instructions.iter().enumerate() {
        let seen = commands(instruction);
        let Some(manager) = seen
            .iter()
            .find(|s| MANAGERS.contains(&s.name()) && installs(s))
        else {
            continue;
        };
        let Some(copy) = copies
            .iter()
            .filter(|c| c.index < index)
            .max_by_key(|c| c.heat)
        else {
            continue;
        };
        let Kind::Run(run) = &instruction.kind else {
            continue;
        };
        let is_pure =
            matches!(&run.command, Command::Shell(text) if is_system_install(&shell::parse(text)));
        let needs = |c: &Copied<'_>| {
            conflict(
                &effect(view, c.instruction, &places[c.index]),
                &effect(view, instruction, &places[index]),
            )
            .is_some()
        };
        if copy.heat == 0 || (is_pure && needs(copy)) {
            continue;
        }
        let (line, above) = (instruction.lines.first, copy.instruction.lines.first);
        found.push(Finding {
            line,
            kind: "system-below-copy",
            text: format!("`{} {}` stands below the COPY in line {above}: system packages are installed again whenever a copied file changes ({} of {} builds).", manager.name(), manager.subcommand(), copy.heat, view.n_builds()),
            rule: Some("system-first"),
            builds: Some(copy.heat),
        });
    }
    found
}

/// Tools installed by name below a COPY whose files they do not read.
pub(super) fn tools_below(
    view: &View<'_>,
    read: &StageView<'_>,
    copies: &[Copied<'_>],
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, instruction) in read.stage.instructions.iter().enumerate() {
        let line = instruction.lines.first;
        let above = copies.iter().filter(|c| c.index < index);
        let Some(copy) = above.max_by_key(|c| c.heat).filter(|c| c.heat > 0) else {
            continue;
        };
        // Those with packages of the distribution are told of there.
        if commands(instruction)
            .iter()
            .any(|s| MANAGERS.contains(&s.name()))
        {
            continue;
        }
        let Some(tools) = read.tools(index) else {
            continue;
        };
        let at = copy.instruction.lines.first;
        found.push(Finding {
            line,
            kind: "system-below-copy",
            text: format!(
                "`{tools}` reads nothing of the project but stands below the COPY in line {at}: it runs again whenever a copied file changes ({} of {} builds).",
                copy.heat,
                view.n_builds()
            ),
            rule: Some("system-first"),
            builds: Some(copy.heat),
        });
    }
    found
}
