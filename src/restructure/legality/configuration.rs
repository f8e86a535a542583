//! The image's configuration ends as it ended: CMD, ENTRYPOINT, USER, EXPOSE, VOLUME, LABEL, ENV, WORKDIR, …

use super::super::view::View;
use super::differing::differing;
use super::image::chain;
use crate::dockerfile::ast::{Command, Healthcheck, Instruction, Kind};
use std::collections::BTreeMap;

/// What the image's configuration ends as: name of the part to its value.
fn final_configuration(view: &View<'_>) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    let mut shell = String::new();
    let of_command = |command: &Command, shell: &str| match command {
        Command::Exec(words) => format!("{words:?}"),
        Command::Shell(text) => format!("{shell} {text}"),
    };
    for instruction in chain(view).into_iter().flat_map(|s| &s.instructions) {
        match &instruction.kind {
            Kind::Cmd(command) => {
                parts.insert("CMD".to_owned(), of_command(command, &shell));
            }
            Kind::Entrypoint(command) => {
                parts.insert("ENTRYPOINT".to_owned(), of_command(command, &shell));
            }
            Kind::Healthcheck(check) => {
                let command = match check {
                    Healthcheck::None => "NONE".to_owned(),
                    Healthcheck::Cmd(command) => of_command(command, &shell),
                };
                parts.insert(
                    "HEALTHCHECK".to_owned(),
                    format!("{:?} {command}", names_and_values(instruction)),
                );
            }
            Kind::User(user) => {
                parts.insert("USER".to_owned(), user.clone());
            }
            Kind::StopSignal(signal) => {
                parts.insert("STOPSIGNAL".to_owned(), signal.clone());
            }
            Kind::Shell(words) => {
                shell = format!("{words:?}");
                parts.insert("SHELL".to_owned(), shell.clone());
            }
            Kind::Expose(ports) => {
                parts.extend(ports.iter().map(|p| (format!("EXPOSE {p}"), String::new())))
            }
            Kind::Volume(paths) => {
                parts.extend(paths.iter().map(|p| (format!("VOLUME {p}"), String::new())))
            }
            Kind::Label(pairs) => parts.extend(
                pairs
                    .iter()
                    .map(|p| (format!("LABEL {}", p.name), p.value.clone())),
            ),
            Kind::Env(pairs) => parts.extend(
                pairs
                    .iter()
                    .map(|p| (format!("ENV {}", p.name), p.value.clone())),
            ),
            Kind::Onbuild(trigger) => {
                parts.insert(format!("ONBUILD {}", trigger.text), String::new());
            }
            Kind::Workdir(path) => {
                parts.insert("WORKDIR".to_owned(), path.clone());
            }
            Kind::Maintainer(_)
            | Kind::Add(_)
            | Kind::Arg(_)
            | Kind::Copy(_)
            | Kind::From(_)
            | Kind::Run(_) => {}
        }
    }
    parts
}

fn names_and_values(instruction: &Instruction) -> Vec<(&str, Option<&str>)> {
    instruction
        .flags
        .iter()
        .map(|f| (f.name.as_str(), f.value.as_deref()))
        .collect()
}

/// As [`configuration`] for a candidate that changes what the image holds: a user may be named where none was, and
/// variables may be added; with `restarts`, the program may be started another way.
pub(super) fn kept_configuration(
    before: &View<'_>,
    after: &View<'_>,
    restarts: bool,
) -> Result<(), String> {
    let (mut old, mut new) = (final_configuration(before), final_configuration(after));
    new.retain(|part, _| old.contains_key(part) || !(part == "USER" || part.starts_with("ENV ")));
    if restarts {
        for part in ["ENTRYPOINT", "CMD"] {
            if old.contains_key(part) == new.contains_key(part) {
                old.remove(part);
                new.remove(part);
            }
        }
    }
    same(&old, &new)
}

/// The image's configuration ends as it ended.
pub(super) fn configuration(before: &View<'_>, after: &View<'_>) -> Result<(), String> {
    same(&final_configuration(before), &final_configuration(after))
}

fn same(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Result<(), String> {
    match differing(old, new) {
        Some(part) => Err(format!("the image's {part} changes")),
        None => Ok(()),
    }
}
