//! `stratigraph suggest`: proposals, and writing them into the worktree.

use super::accepted::{drop_accepted, listed};
use super::args::{SuggestArgs, SuggestFormat};
use super::config;
use super::error::CliError;
use super::graph::refused;
use super::load::{Project, Text};
use super::output::{Output, look, note};
use super::prices::cost_model;
use super::progress::Progress;
use super::settings;
use super::texts::Texts;
use super::worktree::Worktree;
use crate::cost::CostModel;
use crate::history::BuildInput;
use crate::history::git::Uncommitted;
use crate::report::suggest as report;
use crate::restructure::Accepted;
use crate::restructure::passed::may_build;
use crate::restructure::search::Draft;
use crate::suggest::{Question, Suggestions, suggest};
use crate::tree::{ObjectId, RepoPath};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Carries the command out.
pub(super) fn run(args: &SuggestArgs) -> Result<(), CliError> {
    let mut project = Project::load(&settings::job(&args.replay)?)?;
    let Some(newest) = project.builds.last().map(|(id, _)| *id) else {
        return Err(CliError::repository("no builds to learn from"));
    };
    let committed = Texts::of_commit(&project, &newest)?;
    let (worktree, texts) = match &args.apply {
        Some(id) => {
            check_name(id)?;
            let (worktree, texts) = Worktree::read(&project, committed, args.force)?;
            (Some(worktree), texts)
        }
        None => {
            if project.settings.pin.is_none() {
                hint_uncommitted(&project);
            }
            (None, committed)
        }
    };
    // The same text at every commit, whatever is asked about it.
    project.settings.pin = Some(texts.now.dockerfile.clone());
    project.settings.pin_ignore = Some(texts.now.ignore.clone().unwrap_or_default());
    let inputs = read(&project)?;
    let model = cost_model(&project, &args.cost)?;
    let config = config::load(&args.replay)?;
    let accepted = listed(config.as_ref(), &project.settings.dockerfile);
    let mut suggestions = answer(&project, &newest, &texts, &inputs, &model, &accepted)?;
    drop_accepted(
        &mut suggestions.findings,
        &mut suggestions.caveats,
        config.as_ref(),
        &project.settings.dockerfile,
        &texts.now.dockerfile,
    );
    if let Some((id, worktree)) = args.apply.as_ref().zip(worktree) {
        apply(&worktree, &suggestions, id)?;
        // What was done is on standard error; a rendering comes only where one is asked for.
        if args.format == SuggestFormat::Terminal && args.output.is_none() {
            return Ok(());
        }
    }
    let path = args.output.as_deref();
    let mut output = Output::open(path)?;
    match args.format {
        SuggestFormat::Terminal => {
            report::write_terminal(&suggestions, args.all, look(path), &mut output)?
        }
        SuggestFormat::Markdown => report::write_markdown(&suggestions, args.all, &mut output)?,
        SuggestFormat::Json => report::write_json(&suggestions, args.all, &mut output)?,
        SuggestFormat::Patch => report::write_patch(&suggestions, &mut output)?,
    }
    output.finish()
}

/// Says that it is about the committed text where the worktree has another one.
fn hint_uncommitted(project: &Project) {
    let path = &project.settings.dockerfile;
    let is_there = |root: std::path::PathBuf| root.join(path).is_file();
    if !project.worktree().is_some_and(is_there) {
        return;
    }
    let state = project.uncommitted(&RepoPath::new(path));
    if matches!(state, Some(Uncommitted::Changed | Uncommitted::Staged)) {
        note(&format!(
            "{path} has changes that are not committed; this is about the committed text (--pin {path} for the other)"
        ));
    }
}

pub(super) fn read(project: &Project) -> Result<Vec<BuildInput>, CliError> {
    let mut progress = Progress::new("reading", project.builds.len());
    let mut inputs = Vec::with_capacity(project.builds.len());
    for input in project.inputs() {
        inputs.push(input?);
        progress.step();
    }
    Ok(inputs)
}

/// What may build images, where the context is only a part of the repository: workflows, Makefiles, scripts.
fn outside(project: &Project, newest: &ObjectId, context: &RepoPath) -> Vec<(RepoPath, Vec<u8>)> {
    if context.is_root() {
        return Vec::new();
    }
    let mut files = project.files_below(&RepoPath::root());
    files.retain(|path| may_build(path) && path.strip_prefix(context).is_none());
    files.truncate(MAX_OUTSIDE);
    let read = |path: RepoPath| {
        let bytes = project.bytes_at(newest, &path).ok().flatten()?;
        Some((path, bytes))
    };
    files.into_iter().filter_map(read).collect()
}

/// So many of them are read.
const MAX_OUTSIDE: usize = 400;

pub(super) fn answer(
    project: &Project,
    newest: &ObjectId,
    texts: &Texts,
    inputs: &[BuildInput],
    model: &CostModel,
    accepted: &[Accepted],
) -> Result<Suggestions, CliError> {
    let context = RepoPath::new(&project.settings.context);
    // Rules ask for the same files again and again.
    let known: RefCell<BTreeMap<RepoPath, Option<Vec<u8>>>> = RefCell::new(BTreeMap::new());
    let read = |path: &RepoPath| {
        let fetch = || {
            project
                .bytes_at(newest, &context.join(path.as_bytes()))
                .ok()
                .flatten()
        };
        known
            .borrow_mut()
            .entry(path.clone())
            .or_insert_with(fetch)
            .clone()
    };
    let outside = outside(project, newest, &context);
    let progress = Mutex::new(Progress::new("replaying proposals", 0));
    let question = Question {
        accepted,
        settings: &project.settings,
        dockerfile: texts.now.dockerfile.clone(),
        ignore: texts.ignore_path.clone().zip(texts.now.ignore.clone()),
        inputs,
        read: &read,
        outside: &outside,
        blob: &|id| project.blob(id),
        cost: model,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        replayed: &|| {
            if let Ok(mut progress) = progress.lock() {
                progress.step();
            }
        },
    };
    let mut suggestions = suggest(&question).map_err(|error| {
        let (name, text) = (&project.settings.dockerfile, &question.dockerfile);
        let (name, text) = (name.clone(), text.clone());
        refused(&error, &Text { name, text })
    })?;
    // A patch is about files, not about symlinks to them.
    for path in [&mut suggestions.dockerfile, &mut suggestions.ignore] {
        *path = project.real_path(newest, path);
    }
    suggestions
        .caveats
        .splice(0..0, project.caveats.iter().cloned());
    Ok(suggestions)
}

/// The texts that a proposal leaves; the recommended set's for an empty id.
fn chosen<'a>(suggestions: &'a Suggestions, id: &str) -> Result<&'a Draft, CliError> {
    if id.is_empty() {
        return Ok(&suggestions.then);
    }
    let all = || {
        suggestions
            .order
            .iter()
            .chain(&suggestions.instead)
            .chain(&suggestions.small)
            .chain(&suggestions.idle)
    };
    match all().find(|s| s.proposal.id == id) {
        Some(found) if found.alone.is_some() => Ok(&found.proposal.draft),
        Some(_) => Err(
            CliError::usage(format!("{id} is only possible on top of those before it"))
                .with_help("--apply without an id writes all that are recommended"),
        ),
        None => {
            let alone = all().filter(|s| s.alone.is_some());
            let names: Vec<&str> = alone.map(|s| s.proposal.id.as_str()).collect();
            let help = match names.len() {
                0 => "there is no proposal for this file".to_owned(),
                _ => format!("there are {}", names.join(", ")),
            };
            Err(CliError::usage(format!("no proposal is called {id}")).with_help(help))
        }
    }
}

/// Refuses what no proposal can be called, before the long search for proposals.
fn check_name(id: &str) -> Result<(), CliError> {
    if id.is_empty() || is_proposal(id) {
        return Ok(());
    }
    Err(CliError::usage(format!("no proposal is called {id}")).with_help(
        "an id is a rule's name and a number, such as deps-first-1; `stratigraph suggest --all` lists them",
    ))
}

/// Whether a word can only be a proposal's id: a rule's name and a number.
pub(super) fn is_proposal(word: &str) -> bool {
    let is_rule = |name: &str| {
        crate::restructure::rules::ALL
            .iter()
            .any(|rule| rule.id == name)
    };
    word.rsplit_once('-')
        .is_some_and(|(rule, n)| is_rule(rule) && n.parse::<u32>().is_ok())
}

/// The texts that a proposal for the project's newest Dockerfile leaves.
pub(super) fn proposed(project: &Project, id: &str, model: &CostModel) -> Result<Draft, CliError> {
    let Some(newest) = project.builds.last().map(|(id, _)| *id) else {
        return Err(CliError::repository("no builds to learn from"));
    };
    let texts = Texts::of_commit(project, &newest)?;
    let suggestions = answer(project, &newest, &texts, &read(project)?, model, &[])?;
    chosen(&suggestions, id).cloned()
}

/// Writes the recommended set (`id` empty) or one proposal.
fn apply(worktree: &Worktree, suggestions: &Suggestions, id: &str) -> Result<(), CliError> {
    let draft = chosen(suggestions, id)?;
    if worktree.write(draft)?.is_empty() {
        note("nothing to do: no proposal pays on this history");
    }
    Ok(())
}
