//! Where each instruction of a stage stands: directory, user, variables, and the files COPY brings.
//!
//! A file system position is known or it is `None`.
//!
//! Never: guesses where something lies, looks into a base image.

mod delivered;
mod paths;
mod pattern;
mod stages;
mod words;

pub use delivered::delivered;
pub(super) use delivered::{is_made, laid};
pub use paths::{absolute, before_pattern, is_anchored, is_within, last_name, overlap};
pub use pattern::selected;
pub(super) use stages::brings_files;
pub use stages::{
    built_on, globals, goes_by_numbers, image, is_taken, mount_field, parent, reachable,
    stage_named,
};
pub use words::{expand, mentioned, unquote};

use super::accounts;
use super::accounts::Account;
use super::base;
use super::touched::touched;
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Command, Instruction, Kind, Run};
use crate::shell;
use std::collections::{BTreeMap, BTreeSet};

/// Stands for the working directory that an image decides which is not known.
pub const BASE: &str = "/(base)";

/// Which instruction: stage and position after FROM, both from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// Stage.
    pub stage: usize,
    /// Position in [`crate::dockerfile::ast::Stage::instructions`].
    pub index: usize,
}

/// The state an instruction starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Working directory, absolute; `None` when a base image decides that is not known, or a variable does.
    pub cwd: Option<String>,
    /// The USER in effect as written; `None` when the base image decides.
    pub user: Option<String>,
    /// Variables set so far by ARG and ENV; `None` for a value that is not known (a build argument without default).
    pub variables: BTreeMap<String, Option<String>>,
    /// Directories known to exist: those of WORKDIR.
    pub directories: BTreeSet<String>,
    /// Directories that are there, whoever made them and whoever's they are; what lies above them is too.
    pub there: BTreeSet<String>,
    /// Users of whom number and home are known, by their names.
    pub accounts: BTreeMap<String, Account>,
}

impl Place {
    /// The account of the USER in effect, where it is known.
    pub(super) fn account(&self) -> Option<&Account> {
        let user = expand(&unquote(self.user.as_deref()?), &self.variables)?;
        let user = user.split(':').next()?;
        let of_number = |uid: u32| {
            let mut all = self.accounts.values();
            all.find(|a| a.uid == Some(uid))
        };
        match user.parse() {
            Ok(uid) => of_number(uid),
            Err(_) => self.accounts.get(user),
        }
    }

    /// What `~` stands for; root's home where the user is not known.
    pub(super) fn home(&self) -> &str {
        match self.variables.get("HOME") {
            Some(Some(home)) => home,
            _ => self.account().map_or("/root", |a| &a.home),
        }
    }
}

/// Whether a USER as written names root and root's group.
pub(super) fn names_root(user: &str) -> bool {
    matches!(user, "root" | "0" | "root:root" | "0:0")
}

/// The place of every instruction, stage by stage; a stage built on another one starts where that ended.
pub fn places(dockerfile: &Dockerfile) -> Vec<Vec<Place>> {
    let mut globals = Place::default();
    for instruction in &dockerfile.globals {
        advance(&mut globals, instruction, &BTreeMap::new());
    }
    let mut ends: Vec<Place> = Vec::new();
    let mut all = Vec::new();
    for stage in &dockerfile.stages {
        let mut place = match parent(dockerfile, stage.index).and_then(|p| ends.get(p)) {
            Some(end) => end.clone(),
            None => Place {
                cwd: base::directory(&image(dockerfile, stage.index)).map(str::to_owned),
                there: base::directory(&image(dockerfile, stage.index))
                    .map(str::to_owned)
                    .into_iter()
                    .collect(),
                variables: base::variables(&image(dockerfile, stage.index))
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
                    .collect(),
                accounts: accounts::of_image(&image(dockerfile, stage.index)),
                ..Place::default()
            },
        };
        let mut of_stage = Vec::new();
        for instruction in &stage.instructions {
            of_stage.push(place.clone());
            advance(&mut place, instruction, &globals.variables);
        }
        ends.push(place);
        all.push(of_stage);
    }
    all
}

fn advance(
    place: &mut Place,
    instruction: &Instruction,
    globals: &BTreeMap<String, Option<String>>,
) {
    accounts::note(place, instruction);
    match &instruction.kind {
        Kind::Arg(items) => {
            for item in items {
                let value = match &item.default {
                    Some(default) => expand(&unquote(default), &place.variables),
                    None => globals.get(&item.name).cloned().flatten(),
                };
                place.variables.insert(item.name.clone(), value);
            }
        }
        Kind::Env(pairs) => {
            for pair in pairs {
                let value = expand(&unquote(&pair.value), &place.variables);
                place.variables.insert(pair.name.clone(), value);
            }
        }
        Kind::User(user) => place.user = Some(user.clone()),
        Kind::Workdir(path) => {
            place.cwd = expand(&unquote(path), &place.variables)
                .and_then(|p| absolute(place.cwd.as_deref(), &p));
            place.directories.extend(place.cwd.clone());
            place.there.extend(place.cwd.clone());
        }
        Kind::Copy(transfer) | Kind::Add(transfer) => {
            let to = expand(&unquote(&transfer.destination), &place.variables);
            place.there.extend(to.and_then(|to| {
                let is_directory = to.ends_with('/') || to.ends_with('.');
                let kept = match to.rsplit_once('/') {
                    _ if is_directory => to.as_str(),
                    Some((above, _)) if !above.is_empty() => above,
                    _ => return None,
                };
                absolute(place.cwd.as_deref(), kept)
            }));
        }
        Kind::Run(run) => place.there.extend(made_by(run, place)),
        _ => {}
    }
}

/// The directories that a RUN makes for certain.
fn made_by(run: &Run, place: &Place) -> BTreeSet<String> {
    match &run.command {
        Command::Shell(text) if text.contains("mkdir") || text.contains("install") => {
            let touched = touched(&shell::parse(text), place.cwd.as_deref(), &place.variables);
            touched.map(|t| t.makes).unwrap_or_default()
        }
        _ => BTreeSet::new(),
    }
}
