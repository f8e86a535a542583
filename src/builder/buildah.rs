//! Buildah `bud --layers`: every instruction is a step; a step is found if some image continues the history so far
//! with the same line of text.
//!
//! | instruction | enters the key | invalidated by | source (containers/buildah v1.28.2) | shown by |
//! |---|---|---|---|---|
//! | FROM image | the image's layers (here: its reference) | another image | imagebuildah/stage_executor.go `intermediateImageExists` | `base-tag-changes` |
//! | FROM stage | the stage's last image; ONBUILD triggers are lost in OCI images | that stage | `prepare` | `stages-from-stage`, `onbuild-in-stage` |
//! | RUN | the line as written behind the keyword, blanks at its end included; `NAME=value` of declared ARGs, ENV's value where there is one | any edit but splitting and comments; a value | `getCreatedBy`, `getBuildArgsResolvedForRun` | `run-joining`, `run-whitespace`, `build-arg-value` |
//! | RUN --mount=type=bind | the flag's text, not the files (since 1.39 the files too) | – | `getCreatedBy` | – (from source; `--mount` was not recorded) |
//! | COPY, ADD | the destination as written, unexpanded; what arrives there: names, modes, owners, bytes | content; other spelling of the destination; not the source's name | `getContentSummaryAfterAddingContent`, add.go, digester.go | `copied-directory-moves`, `copied-file-moves`, `arg-in-copy-paths` |
//! | COPY --from | the same over the stage's files | other files | add.go | `stages-source-stable-output` |
//! | ARG | the sorted names that have a value so far | a name that gains or loses its value | `getBuildArgsKey` | `arg-without-value`, `build-arg-default-edited` |
//! | all others | the line as written, keyword included, unexpanded | any edit; a variable's value never | `getCreatedBy` | `label-spellings`, `build-arg-in-metadata` |
//! | any | all lines before it in the stage | an earlier miss | `Execute` (`checkForLayers`) | `before-run-label` |
//!
//! Stages that the target does not need are not built (`stages-unused`).

use super::build_args::{PROXIES, items};
use super::buildkit::{copy_definition, destination};
use super::classic::remember_env;
use super::sequential::{Place, Sequence};
use super::vertex::{Effect, Plan, Vertex};
use crate::context::Reading;
use crate::dockerfile::ast::{Dockerfile, Instruction, Kind};
use crate::dockerfile::expand::Lexer;
use crate::dockerfile::reference::Reference;
use crate::dockerfile::{Error, Span};
use crate::graph::{
    Action, Base, CopyAction, Lowered, LoweredStage, Lowering, MountFrom, Parts, RunMount,
};
use std::collections::{BTreeMap, BTreeSet};
use std::iter;

/// Directories that a base image is taken to have.
const IMAGE_DIRECTORIES: [&str; 20] = [
    "/",
    "/bin",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local/bin",
    "/var",
];

/// Platform arguments that Buildah does not know.
const UNKNOWN_ARGS: [&str; 3] = ["BUILDOSVERSION", "TARGETOSVERSION", "TARGETSTAGE"];

/// The steps of a lowered Dockerfile.
///
/// # Errors
/// What Buildah 1.28 refuses.
pub fn plan(
    dockerfile: &Dockerfile,
    build_args: &BTreeMap<String, String>,
    lowering: &Lowering,
) -> Result<Plan, Error> {
    let mut sequence = Sequence::new(lowering);
    let names = Names::new(lowering, build_args, dockerfile.escape);
    let needed = names.needed(lowering);
    for stage in &lowering.stages {
        if !needed.contains(&stage.index) {
            continue;
        }
        let stage = &names.as_seen(stage, &needed);
        let own: Vec<&Lowered> = stage.instructions.iter().filter(|i| !i.trigger).collect();
        let place = |index| Place {
            stage: (lowering.target > 0).then(|| (stage.index + 1).to_string()),
            stage_index: stage.index,
            index,
            total: 1 + own.len(),
        };
        let mut args = Args::new(build_args);
        let mut current = sequence.from(place(1), stage);
        for (n, lowered) in own.iter().enumerate() {
            refuse(dockerfile, lowered)?;
            let instruction = &lowered.instruction;
            let line = raw_line(&dockerfile.text, instruction.span, dockerfile.escape);
            let mut step = Sequence::step(place(n + 2), instruction);
            let vertex = match &lowered.action {
                Action::Run(run) => {
                    let (arguments, key) = args.for_run(&line);
                    step.command = run.command_text();
                    let command = ("command".to_owned(), after_keyword(&line).to_owned());
                    let arguments = arguments
                        .into_iter()
                        .map(|(name, value)| (format!("argument {name}"), value));
                    step.definition = Parts::from_iter(iter::once(command).chain(arguments)).into();
                    Vertex::on(current, &key, Effect::Run)
                }
                Action::Copy(copy) => {
                    step.definition = copy_definition(copy, &copy.destination).into();
                    let key = copy_key(instruction, copy);
                    let reading = arrival(lowered, copy);
                    sequence.copy(current, lowered, copy, key, reading)
                }
                action => {
                    let effect = match action {
                        Action::Workdir(path) => Effect::Mkdir(path.clone()),
                        _ => Effect::Nothing,
                    };
                    if let Action::Meta(values) = action {
                        remember_env(instruction, values, &mut args.env);
                        args.declare(instruction, values, &line);
                    }
                    let key = if instruction.keyword == "ARG" {
                        args.names()
                    } else {
                        line.clone()
                    };
                    let what = if instruction.keyword == "ARG" {
                        "arguments with a value"
                    } else {
                        "text"
                    };
                    step.definition = vec![(what.to_owned(), key.clone())].into();
                    Vertex::on(current, &key, effect)
                }
            };
            current = Some(sequence.add(step, vertex));
        }
        sequence.end(stage, current);
    }
    Ok(sequence.finish())
}

/// Which names mean stages. Buildah compares them with case, and counts a stage as needed by a FROM only if its name is
/// there once build arguments are filled in – ARGs before FROM are not known yet (imagebuildah/executor.go `Build`).
struct Names<'a> {
    /// Names as written after AS, by position in the file.
    names: BTreeMap<usize, &'a str>,
    build_args: &'a BTreeMap<String, String>,
    lexer: Lexer,
}

impl<'a> Names<'a> {
    fn new(lowering: &'a Lowering, build_args: &'a BTreeMap<String, String>, escape: char) -> Self {
        let names = lowering
            .stages
            .iter()
            .filter_map(|s| Some((s.index, written_name(s.from)?)))
            .collect();
        Self {
            names,
            build_args,
            lexer: Lexer::new(escape),
        }
    }

    fn needed(&self, lowering: &Lowering) -> BTreeSet<usize> {
        let mut needed = BTreeSet::from([lowering.target]);
        // Stages only read earlier ones.
        for stage in lowering
            .stages
            .iter()
            .rev()
            .filter(|s| s.index <= lowering.target)
        {
            if needed.contains(&stage.index) {
                needed.extend(self.base(stage));
                let own = stage.instructions.iter().filter(|i| !i.trigger);
                needed.extend(own.flat_map(|lowered| self.sources(lowered)));
            }
        }
        needed
    }

    /// The stage that FROM names.
    fn base(&self, stage: &LoweredStage) -> Option<usize> {
        let Base::Stage(parent) = stage.base else {
            return None;
        };
        let Kind::From(from) = &stage.from.kind else {
            return None;
        };
        let lookup = |name: &str| self.build_args.get(name).cloned();
        let image = self.lexer.word(&from.image, &lookup).ok()?;
        self.is_named(parent, &image).then_some(parent)
    }

    /// The stages that `--from` names.
    fn sources(&self, lowered: &Lowered) -> Vec<usize> {
        match &lowered.action {
            Action::Copy(copy) => self.copied(lowered, copy).into_iter().collect(),
            Action::Run(run) => {
                let stage = |mount: &RunMount| match mount.from {
                    MountFrom::Stage(parent) => {
                        self.is_named(parent, &mount.mount.from).then_some(parent)
                    }
                    _ => None,
                };
                run.mounts.iter().filter_map(stage).collect()
            }
            Action::Workdir(_) | Action::Meta(_) => Vec::new(),
        }
    }

    fn copied(&self, lowered: &Lowered, copy: &CopyAction) -> Option<usize> {
        let MountFrom::Stage(parent) = copy.from else {
            return None;
        };
        self.is_named(parent, lowered.instruction.flag("from").unwrap_or(""))
            .then_some(parent)
    }

    fn is_named(&self, stage: usize, name: &str) -> bool {
        name.parse() == Ok(stage) || self.names.get(&stage).is_some_and(|own| *own == name)
    }

    /// The stage with everything that is no stage to Buildah as an image of that name.
    fn as_seen<'d>(&self, stage: &LoweredStage<'d>, needed: &BTreeSet<usize>) -> LoweredStage<'d> {
        let mut stage = stage.clone();
        if let Base::Stage(parent) = stage.base
            && !(needed.contains(&parent) && self.base(&stage).is_some())
        {
            let name = self.names.get(&parent).copied().unwrap_or_default();
            stage.base = Base::Image(image_name(name));
        }
        for lowered in &mut stage.instructions {
            if let Action::Copy(copy) = &lowered.action
                && matches!(copy.from, MountFrom::Stage(_))
                && self.copied(lowered, copy).is_none()
            {
                let mut copy = copy.clone();
                copy.from =
                    MountFrom::Image(image_name(lowered.instruction.flag("from").unwrap_or("")));
                lowered.action = Action::Copy(copy);
            }
        }
        stage
    }
}

fn image_name(name: &str) -> String {
    Reference::parse(name).map_or_else(|_| name.to_owned(), |r| r.to_string())
}

/// The name after AS as written.
fn written_name(from: &Instruction) -> Option<&str> {
    let words: Vec<&str> = from.original.split_whitespace().collect();
    match words.as_slice() {
        [.., keyword, name] if keyword.eq_ignore_ascii_case("as") => Some(name),
        _ => None,
    }
}

/// `ARG` and `--build-arg` in one stage (openshift/imagebuilder `Builder`: `Args`, `AllowedArgs`).
struct Args {
    values: BTreeMap<String, String>,
    allowed: BTreeSet<String>,
    /// The words of ARG lines, by which a proxy argument counts as declared.
    words: BTreeSet<String>,
    env: BTreeMap<String, String>,
}

impl Args {
    fn new(build_args: &BTreeMap<String, String>) -> Self {
        Self {
            values: build_args.clone(),
            allowed: PROXIES.iter().map(|p| (*p).to_owned()).collect(),
            words: BTreeSet::new(),
            env: BTreeMap::new(),
        }
    }

    /// `shown`: `NAME=value` where there is a value.
    fn declare(&mut self, instruction: &Instruction, shown: &[String], line: &str) {
        for (item, shown) in items(instruction).iter().zip(shown) {
            self.allowed.insert(item.name.clone());
            let value = shown.split_once('=').map(|(_, value)| value.to_owned());
            let is_known = item.default.is_some() || !UNKNOWN_ARGS.contains(&item.name.as_str());
            if let Some(value) = value.filter(|_| is_known) {
                self.values.insert(item.name.clone(), value);
            }
        }
        if instruction.keyword == "ARG" {
            self.words.extend(
                line.split_whitespace()
                    .filter(|w| *w != "ARG")
                    .map(str::to_owned),
            );
        }
    }

    /// The text of an ARG step.
    fn names(&self) -> String {
        let names: Vec<&str> = self
            .values
            .keys()
            .filter(|name| self.allowed.contains(*name))
            .map(String::as_str)
            .collect();
        format!("ARG {}", names.join(" "))
    }

    /// The arguments that are spelled out for a RUN, and its text.
    fn for_run(&self, line: &str) -> (Vec<(String, String)>, String) {
        let allowed = self
            .values
            .iter()
            .filter(|(name, _)| self.allowed.contains(*name));
        let spelled = allowed.filter_map(|(name, value)| match self.env.get(name) {
            Some(env) => Some((name.clone(), env.clone())),
            None if PROXIES.contains(&name.as_str()) && !self.words.contains(name) => None,
            None => Some((name.clone(), value.clone())),
        });
        let spelled: Vec<(String, String)> = spelled.collect();
        let mut words: Vec<String> = spelled
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        words.sort();
        let command = after_keyword(line);
        let key = if words.is_empty() {
            format!("RUN {command}")
        } else {
            format!("RUN | {} {command}", words.join(" "))
        };
        (spelled, key)
    }
}

/// The text of COPY and ADD, but for the files: the destination stays unexpanded.
fn copy_key(instruction: &Instruction, copy: &CopyAction) -> String {
    let written = match &instruction.kind {
        Kind::Copy(transfer) | Kind::Add(transfer) => transfer.destination.as_str(),
        _ => copy.destination.as_str(),
    };
    format!(
        "{} {:?} in {written}",
        instruction.keyword,
        owner(&copy.chown)
    )
}

/// The owner that copied files get; it is in the digest of what arrives, not in the text. A group that is not named is
/// the user's own.
fn owner(chown: &str) -> (String, String) {
    let id = |name: &str| {
        if name.is_empty() || name == "root" {
            "0".to_owned()
        } else {
            name.to_owned()
        }
    };
    let (user, group) = chown.split_once(':').unwrap_or((chown, chown));
    (id(user), id(group))
}

/// `--chmod`; Buildah 1.28 knows octal numbers alone.
fn mode(copy: &CopyAction) -> Option<u32> {
    u32::from_str_radix(&copy.chmod, 8).ok()
}

/// What is digested. A lone file keeps its name where the destination is a directory; whether it is one in the files of
/// the stage is seen when they are there.
fn arrival(lowered: &Lowered, copy: &CopyAction) -> Reading {
    let cwd = &lowered.before.cwd;
    let destination = destination(cwd, &copy.destination);
    let keeps_names = copy.sources.len() > 1
        || destination.ends_with('/')
        || destination == *cwd
        || IMAGE_DIRECTORIES.contains(&destination.as_str());
    Reading::Arrival {
        keeps_names,
        mode: mode(copy),
    }
}

/// The instruction as Buildah's parser joins it: nothing is trimmed but the front of the first line; comments and empty
/// lines inside vanish (imagebuilder dockerfile/parser/parser.go `Parse`).
fn raw_line(text: &str, span: Span, escape: char) -> String {
    let end = text[span.end.min(text.len())..]
        .find('\n')
        .map_or(text.len(), |n| span.end + n);
    let mut joined = String::new();
    for (n, line) in text[span.start..end].split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let front = line.trim_start();
        if n > 0 && (front.is_empty() || front.starts_with('#')) {
            continue;
        }
        match line.trim_end_matches([' ', '\t']).strip_suffix(escape) {
            Some(more) => joined.push_str(more),
            None => {
                joined.push_str(line);
                break;
            }
        }
    }
    joined
}

/// `Original[4:]`: what stands behind `RUN` and one blank.
fn after_keyword(line: &str) -> &str {
    line.get(4..).unwrap_or("")
}

fn refuse(dockerfile: &Dockerfile, lowered: &Lowered) -> Result<(), Error> {
    let instruction = &lowered.instruction;
    let allowed: &[&str] = match instruction.keyword {
        "COPY" => &["from", "chown", "chmod"],
        "ADD" => &["chown", "chmod"],
        _ => {
            return if instruction.heredocs.is_empty() {
                Ok(())
            } else {
                Err(heredoc(dockerfile, instruction))
            };
        }
    };
    match instruction
        .flags
        .iter()
        .find(|f| !allowed.contains(&f.name.as_str()))
    {
        Some(flag) => {
            let message = format!(
                "{} does not support --{} in Buildah 1.28",
                instruction.keyword, flag.name
            );
            Err(Error::at(&dockerfile.text, instruction.span, message))
        }
        None if !instruction.heredocs.is_empty() => Err(heredoc(dockerfile, instruction)),
        None => Ok(()),
    }
}

fn heredoc(dockerfile: &Dockerfile, instruction: &Instruction) -> Error {
    Error::at(
        &dockerfile.text,
        instruction.span,
        "heredocs are not supported by Buildah 1.28",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_as_written() {
        let check = |text: &str, expected: &str| {
            assert_eq!(
                raw_line(text, Span::new(0, text.trim_end().len()), '\\'),
                expected,
                "{text:?}"
            )
        };
        check("RUN a && b  \nRUN c\n", "RUN a && b  ");
        check("RUN a && \\\n  b\n", "RUN a &&   b");
        check("RUN a && \\  \nb\r\n", "RUN a && b");
        check("RUN a && \\\n # why\n\nb\n", "RUN a && b");
    }
}
