//! `stratigraph suggest`: proposals, and writing them into the worktree.

use super::accepted::{drop_accepted, listed};
use super::args::{SuggestArgs, SuggestFormat};
use super::config_file;
use super::error::{CliError, Kind};
use super::load::Project;
use super::output::{Output, look, note};
use super::prices::cost_model;
use super::progress::Progress;
use super::settings;
use crate::builder::Builder;
use crate::context::{ignore_files, ignore_files_of_buildah, ignore_files_of_classic};
use crate::cost::CostModel;
use crate::history::BuildInput;
use crate::report::suggest as report;
use crate::restructure::Accepted;
use crate::restructure::search::Draft;
use crate::suggest::{Question, Suggestions, suggest};
use crate::tree::{ObjectId, RepoPath};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Carries the command out.
pub(super) fn run(args: &SuggestArgs) -> Result<(), CliError> {
    let mut project = Project::load(&settings::job(&args.replay)?)?;
    let Some(newest) = project.builds.last().map(|(id, _)| *id) else {
        return Err(CliError::repository("no builds to learn from"));
    };
    let mut texts = Texts::of_commit(&project, &newest)?;
    if args.apply.is_some() {
        texts = in_worktree(&project, texts, args.force)?;
    }
    // The same text at every commit, whatever is asked about it.
    project.settings.pin = Some(texts.now.dockerfile.clone());
    project.settings.pin_ignore = Some(texts.now.ignore.clone().unwrap_or_default());
    let inputs = read(&project)?;
    let model = cost_model(&project, &args.cost)?;
    let config = config_file::load(&args.replay)?;
    let accepted = listed(config.as_ref(), &project.settings.dockerfile);
    let mut suggestions = answer(&project, &newest, &texts, &inputs, &model, &accepted)?;
    drop_accepted(
        &mut suggestions.findings,
        &mut suggestions.caveats,
        config.as_ref(),
        &project.settings.dockerfile,
        &texts.now.dockerfile,
    );
    if let Some(id) = &args.apply {
        return apply(&project, &suggestions, id);
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

/// The texts to improve.
pub(super) struct Texts {
    pub(super) now: Draft,
    /// The ignore file's path in the repository.
    pub(super) ignore_path: Option<RepoPath>,
}

impl Texts {
    pub(super) fn of_commit(project: &Project, commit: &ObjectId) -> Result<Self, CliError> {
        let settings = &project.settings;
        let path = RepoPath::new(&settings.dockerfile);
        let dockerfile = match &settings.pin {
            Some(text) => text.clone(),
            None => project.text_at(commit, &path)?.ok_or_else(|| {
                CliError::new(
                    Kind::Dockerfile,
                    format!("there is no {path} at the newest build's commit"),
                )
                .with_help(project.other_dockerfiles())
            })?,
        };
        for candidate in ignore_paths(settings.builder, &path, &RepoPath::new(&settings.context)) {
            if let Some(text) = project.text_at(commit, &candidate)? {
                return Ok(Self {
                    now: Draft {
                        dockerfile,
                        ignore: Some(text),
                    },
                    ignore_path: Some(candidate),
                });
            }
        }
        Ok(Self {
            now: Draft {
                dockerfile,
                ignore: None,
            },
            ignore_path: None,
        })
    }
}

fn ignore_paths(builder: Builder, dockerfile: &RepoPath, context: &RepoPath) -> Vec<RepoPath> {
    match builder {
        Builder::BuildKit | Builder::Kaniko => ignore_files(dockerfile, context),
        Builder::Buildah => ignore_files_of_buildah(dockerfile, context),
        Builder::Classic => ignore_files_of_classic(context),
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
    let question = Question {
        accepted,
        settings: &project.settings,
        dockerfile: texts.now.dockerfile.clone(),
        ignore: texts.ignore_path.clone().zip(texts.now.ignore.clone()),
        inputs,
        read: &read,
        blob: &|id| project.blob(id),
        cost: model,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let mut suggestions =
        suggest(&question).map_err(|error| CliError::dockerfile(&error, error.to_string()))?;
    suggestions
        .caveats
        .splice(0..0, project.caveats.iter().cloned());
    Ok(suggestions)
}

/// Checks that the files may be written; with `force`, changes that are not committed are part of the texts.
fn in_worktree(project: &Project, texts: Texts, force: bool) -> Result<Texts, CliError> {
    if project.settings.pin.is_some() {
        return Err(CliError::usage(
            "--apply writes the repository's Dockerfile, and --pin names another text",
        ));
    }
    let worktree = worktree(project)?;
    let dockerfile = RepoPath::new(&project.settings.dockerfile);
    let on_disk = |path: &RepoPath| fs::read_to_string(worktree.join(path.to_string())).ok();
    let now = Draft {
        dockerfile: on_disk(&dockerfile).unwrap_or_default(),
        ignore: texts.ignore_path.as_ref().and_then(on_disk),
    };
    if now == texts.now {
        return Ok(texts);
    }
    if !force {
        let which = if now.dockerfile == texts.now.dockerfile {
            texts.ignore_path.unwrap_or(dockerfile)
        } else {
            dockerfile
        };
        return Err(CliError::new(
            Kind::Write,
            format!("{which} in the worktree is not what the newest replayed commit holds"),
        )
        .with_help(
            "commit the change first, or give --force to improve the file as it is in the worktree",
        ));
    }
    if now.dockerfile.is_empty() {
        return Err(CliError::new(
            Kind::Write,
            format!("there is no {dockerfile} in the worktree"),
        ));
    }
    Ok(Texts { now, ..texts })
}

fn worktree(project: &Project) -> Result<PathBuf, CliError> {
    project.worktree().ok_or_else(|| {
        CliError::repository("a bare repository has no worktree to write to")
            .with_help("use --format patch")
    })
}

/// Writes the recommended set (`id` empty) or one proposal.
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
            .filter(|s| s.alone.is_some())
    };
    let names: Vec<&str> = all().map(|s| s.proposal.id.as_str()).collect();
    let help = if names.is_empty() {
        "there is no proposal for this file".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    };
    let found = all().find(|s| s.proposal.id == id);
    found
        .map(|s| &s.proposal.draft)
        .ok_or_else(|| CliError::usage(format!("no proposal is called {id}")).with_help(help))
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

fn apply(project: &Project, suggestions: &Suggestions, id: &str) -> Result<(), CliError> {
    let draft = chosen(suggestions, id)?;
    if *draft == suggestions.now {
        note("nothing to do: no proposal pays on this history");
        return Ok(());
    }
    let root = worktree(project)?;
    let mut files: Vec<(&RepoPath, &str)> = Vec::new();
    if draft.dockerfile != suggestions.now.dockerfile {
        files.push((&suggestions.dockerfile, &draft.dockerfile));
    }
    if let Some(text) = draft
        .ignore
        .as_deref()
        .filter(|t| Some(*t) != suggestions.now.ignore.as_deref())
    {
        files.push((&suggestions.ignore, text));
    }
    // All are written beside their places before the first one is put there.
    let ready: Result<Vec<_>, CliError> = files
        .iter()
        .map(|(path, text)| beside(&root.join(path.to_string()), text))
        .collect();
    for (temporary, path) in ready? {
        let failed = |e: tempfile::PersistError| {
            CliError::new(Kind::Write, format!("could not write {}", path.display()))
                .with_source(e.error)
        };
        temporary.persist(&path).map_err(failed)?;
        note(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// A finished file in the same directory, with the permissions of the one it will replace.
fn beside(path: &Path, text: &str) -> Result<(NamedTempFile, PathBuf), CliError> {
    // A symlink stays one: what it points at is written.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let failed = |e: std::io::Error| {
        CliError::new(Kind::Write, format!("could not write {}", path.display())).with_source(e)
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new()
        .prefix(".stratigraph-")
        .tempfile_in(folder)
        .map_err(failed)?;
    temporary.write_all(text.as_bytes()).map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    let permissions = fs::metadata(&path).map(|m| m.permissions());
    match permissions {
        Ok(permissions) => fs::set_permissions(temporary.path(), permissions).map_err(failed)?,
        Err(_) => super::output::readable_by_all(temporary.path()).map_err(failed)?,
    }
    Ok((temporary, path))
}
