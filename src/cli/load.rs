//! Reads what a job names: lists, Dockerfile texts, and the repository's builds.
//!
//! Never: decides what a builder would do.

use super::builds::{self, Asked};
use super::error::{CliError, Kind};
use super::output::note;
use super::settings::{Job, Source, Spec, Which};
use crate::caveat::Caveat;
use crate::history::git::{self, ErrorKind, Range, Repository, Uncommitted, Walk};
use crate::history::{BuildInput, Request};
use crate::replay::{Planned, Replay, Settings, plan_ahead};
use crate::report::format::{DateOrSpan, list as list_words};
use crate::tree::{ObjectId, RepoPath};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A Dockerfile longer than this is not one; BuildKit refuses earlier (its limit is 64 kB a line, 16 MB a message).
const MAX_TEXT: u64 = 16 << 20;
/// A list of builds longer than this is a mistake.
const MAX_LIST: u64 = 1 << 30;

/// A Dockerfile given by value, with the name that messages use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    /// As the user named it.
    pub(super) name: String,
    /// The text; bytes that are not UTF-8 became U+FFFD.
    pub(super) text: String,
}

/// Commits and what each build asks for, in order.
type Builds = Vec<(ObjectId, Request)>;

/// A job with everything read but the builds' trees.
pub(super) struct Project {
    repository: Repository,
    /// Complete settings.
    pub(super) settings: Settings,
    /// The builds in order.
    pub(super) builds: Vec<(ObjectId, Request)>,
    /// What reading had to assume.
    pub(super) caveats: Vec<Caveat>,
}

impl Project {
    /// Reads what the job names.
    pub(super) fn load(job: &Job) -> Result<Self, CliError> {
        let repository = open(&job.repo)?;
        let (builds, caveats) = select(&repository, &job.which)?;
        let mut settings = job.settings.clone();
        if let Some(spec) = &job.pin {
            settings.pin = Some(text(spec, &job.repo)?.text);
        }
        settings.dockerfile = match (&job.file, builds.last()) {
            (Some(file), _) => file.clone(),
            (None, Some((newest, _))) => find_dockerfile(&repository, *newest, &settings)?,
            (None, None) => settings.dockerfile,
        };
        Ok(Self {
            repository,
            settings,
            builds,
            caveats,
        })
    }

    /// The builds' inputs, in order, read as they are asked for.
    pub(super) fn inputs(&self) -> impl Iterator<Item = Result<BuildInput, CliError>> + use<> {
        self.walk()
            .map(|input| input.map_err(|error| repository_error(&error)))
    }

    /// The same, with the whole repository as their context.
    pub(super) fn wide_inputs(&self) -> impl Iterator<Item = Result<BuildInput, CliError>> + use<> {
        let watched = Replay::watched(&self.settings);
        let walk = self
            .repository
            .walk(self.builds.clone(), &RepoPath::root(), &watched);
        walk.map(|input| input.map_err(|error| repository_error(&error)))
    }

    /// Two commits' whole trees: the first as additions, the second as what differs from the first.
    pub(super) fn trees(
        &self,
        base: &ObjectId,
        head: &ObjectId,
    ) -> Result<(BuildInput, BuildInput), CliError> {
        let builds = [base, head].map(|id| (*id, Request::default())).to_vec();
        let mut walk = self.repository.walk(builds, &RepoPath::root(), &[]);
        let mut next = || {
            let input = walk.next().expect("a walk gives each build or an error");
            input.map_err(|error| repository_error(&error))
        };
        Ok((next()?, next()?))
    }

    /// The same with each build's plan, made ahead by a thread of its own.
    pub(super) fn planned(&self) -> impl Iterator<Item = Result<Planned, CliError>> + use<> {
        let planned = plan_ahead(&self.settings, self.walk());
        planned.map(|planned| planned.map_err(|error| repository_error(&error)))
    }

    fn walk(&self) -> Walk {
        let watched = Replay::watched(&self.settings);
        let context = RepoPath::new(&self.settings.context);
        self.repository
            .walk(self.builds.clone(), &context, &watched)
    }

    /// The bytes of a file of the newest build's context; `None` where there is none or it cannot be read.
    pub(super) fn read_newest(&self, path: &RepoPath) -> Option<Vec<u8>> {
        let (newest, _) = self.builds.last()?;
        let path = RepoPath::new(&self.settings.context).join(path.as_bytes());
        self.repository.read(newest, &path).ok().flatten()
    }

    /// The files of the newest build's context; none where they cannot be read.
    pub(super) fn newest_files(&self) -> Vec<RepoPath> {
        self.files_below(&RepoPath::new(&self.settings.context))
    }

    /// The files below a folder of the newest build's tree; none where they cannot be read.
    pub(super) fn files_below(&self, folder: &RepoPath) -> Vec<RepoPath> {
        let newest = self.builds.last().map(|(id, _)| *id);
        let files = newest.and_then(|id| self.repository.list(&id, folder).ok());
        files
            .unwrap_or_default()
            .into_iter()
            .map(|(path, _)| path)
            .collect()
    }

    /// What to do where the Dockerfile is absent: those that the newest commit has.
    pub(super) fn other_dockerfiles(&self) -> String {
        let newest = self.builds.last();
        let found = newest.map(|(id, _)| dockerfiles_at(&self.repository, id));
        let found = found.unwrap_or_default();
        match found.len() {
            0 => "name it with --file; the newest commit has no file that is named as Dockerfiles are".to_owned(),
            n => format!(
                "name it with --file; the newest commit has {}",
                list_words(&found, n, 6)
            ),
        }
    }

    /// The commit that a revision means.
    pub(super) fn resolve(&self, rev: &str) -> Result<ObjectId, CliError> {
        self.repository
            .resolve(rev)
            .map_err(|error| repository_error(&error))
    }

    /// The Dockerfile's text at the newest build, or the pinned one; empty where there is none.
    pub(super) fn newest_dockerfile(&self) -> String {
        let committed = || {
            let (newest, _) = self.builds.last()?;
            self.text_at(newest, &RepoPath::new(&self.settings.dockerfile))
                .ok()?
        };
        self.settings
            .pin
            .clone()
            .or_else(committed)
            .unwrap_or_default()
    }

    /// A file's bytes at a commit, by its path in the repository.
    pub(super) fn bytes_at(
        &self,
        commit: &ObjectId,
        path: &RepoPath,
    ) -> Result<Option<Vec<u8>>, CliError> {
        self.repository
            .read(commit, path)
            .map_err(|error| repository_error(&error))
    }

    /// A blob's bytes; `None` where it is not here.
    pub(super) fn blob(&self, id: &ObjectId) -> Option<Vec<u8>> {
        self.repository.blob(id)
    }

    /// The same as text; bytes that are not UTF-8 become U+FFFD.
    pub(super) fn text_at(
        &self,
        commit: &ObjectId,
        path: &RepoPath,
    ) -> Result<Option<String>, CliError> {
        Ok(self.bytes_at(commit, path)?.map(|bytes| lossy(&bytes)))
    }

    /// Where a file is at a commit once symlinks are followed; where it is asked for if it cannot be told.
    pub(super) fn real_path(&self, commit: &ObjectId, path: &RepoPath) -> RepoPath {
        let real = self.repository.real_path(commit, path).ok().flatten();
        real.unwrap_or_else(|| path.clone())
    }

    /// The repository's own directory.
    pub(super) fn git_dir(&self) -> PathBuf {
        self.repository.git_dir().to_owned()
    }

    /// How a file of the worktree differs from HEAD.
    pub(super) fn uncommitted(&self, path: &RepoPath) -> Option<Uncommitted> {
        self.repository.uncommitted(path)
    }

    /// The worktree's directory; `None` for a bare repository.
    pub(super) fn worktree(&self) -> Option<PathBuf> {
        self.repository.worktree()
    }

    /// The repository's name for people: its directory's, without `.git`.
    pub(super) fn name(&self) -> String {
        let git_dir = self.repository.git_dir().to_owned();
        let folder = self.repository.worktree().unwrap_or(git_dir);
        let folder = folder.canonicalize().unwrap_or(folder);
        let name = folder
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        name.strip_suffix(".git").unwrap_or(&name).to_owned()
    }
}

/// A repository's error with its remedy. Words that mean nothing here are wrong usage only where the user typed them as
/// options; the contract counts all of them to the repository.
pub(super) fn repository_error(error: &git::Error) -> CliError {
    let wrapped = CliError::repository(error.message());
    match error.help() {
        Some(help) => wrapped.with_help(help),
        None => wrapped,
    }
}

/// Opens the repository at or above a folder.
pub(super) fn open(path: &Path) -> Result<Repository, CliError> {
    Repository::open(path).map_err(|e| repository_error(&e))
}

/// The builds that are asked for, oldest first, and what selecting them had to assume.
fn select(repository: &Repository, which: &Which) -> Result<(Builds, Vec<Caveat>), CliError> {
    let asked = match which {
        Which::Commits(source) => builds::commits(&list("--commits", source)?)?,
        Which::Builds(source) => builds::builds(&list("--builds", source)?)?,
        Which::Mainline { range, since, last } => {
            return mainline(repository, range.as_deref(), since.as_ref(), *last);
        }
    };
    let option = if matches!(which, Which::Commits(_)) {
        "--commits"
    } else {
        "--builds"
    };
    let resolved: Result<Vec<_>, _> = asked
        .into_iter()
        .map(|a| resolve_asked(repository, option, a))
        .collect();
    Ok((resolved?, Vec::new()))
}

fn resolve_asked(
    repository: &Repository,
    option: &str,
    asked: Asked,
) -> Result<(ObjectId, Request), CliError> {
    match repository.resolve(&asked.rev) {
        Ok(id) => Ok((id, asked.request)),
        Err(error) => {
            let wrapped = CliError::repository(format!(
                "{option}, line {}: {}",
                asked.line,
                error.message()
            ));
            Err(match error.help() {
                Some(help) => wrapped.with_help(help),
                None => wrapped,
            })
        }
    }
}

/// Commits along first parents. A date narrows a range; a number keeps the newest of what is left.
fn mainline(
    repository: &Repository,
    range: Option<&str>,
    since: Option<&DateOrSpan>,
    last: Option<usize>,
) -> Result<(Builds, Vec<Caveat>), CliError> {
    let asked = match (range, since) {
        (Some(range), _) => Range::Between(range.to_owned()),
        (None, Some(since)) => Range::Since(earliest(repository, since)?.to_string()),
        (None, None) => Range::Last(last.unwrap_or(usize::MAX)),
    };
    let selection = repository
        .select(&asked)
        .map_err(|e| repository_error(&e))?;
    let mut commits = selection.commits;
    if let (Some(_), Some(since)) = (range, since) {
        let since = earliest(repository, since)?;
        let time = |id: &ObjectId| {
            repository
                .commit(id)
                .map(|c| c.time)
                .map_err(|e| repository_error(&e))
        };
        let times: Vec<i64> = commits.iter().map(time).collect::<Result<_, _>>()?;
        commits = commits
            .into_iter()
            .zip(times)
            .filter(|(_, t)| *t >= since)
            .map(|(id, _)| id)
            .collect();
    }
    let cut = commits.len().saturating_sub(last.unwrap_or(usize::MAX));
    Ok((
        commits
            .split_off(cut)
            .into_iter()
            .map(|id| (id, Request::default()))
            .collect(),
        selection.caveats,
    ))
}

/// A span counts back from the newest commit, not from today: the same command gives the same answer tomorrow.
fn earliest(repository: &Repository, since: &DateOrSpan) -> Result<i64, CliError> {
    let newest = || {
        repository
            .head()
            .and_then(|head| repository.commit(&head))
            .map_err(|e| repository_error(&e))
    };
    Ok(match since {
        DateOrSpan::Date(seconds) => *seconds,
        DateOrSpan::Span(seconds) => newest()?.time.saturating_sub(*seconds),
    })
}

/// The default Dockerfile: `Dockerfile`; if absent from the newest build's commit and exactly one is found there, that.
fn find_dockerfile(
    repository: &Repository,
    commit: ObjectId,
    settings: &Settings,
) -> Result<String, CliError> {
    let default = settings.dockerfile.clone();
    if settings.pin.is_some() {
        return Ok(default);
    }
    if repository
        .read(&commit, &RepoPath::new(&default))
        .is_ok_and(|text| text.is_some())
    {
        return Ok(default);
    }
    let files = repository
        .list(&commit, &RepoPath::root())
        .map_err(|e| repository_error(&e))?;
    let found = dockerfiles(files.iter().map(|(path, _)| path));
    match found.as_slice() {
        [] => Ok(default),
        [only] => {
            note(&format!(
                "no Dockerfile at the root; using the only one, {only}"
            ));
            Ok(only.clone())
        }
        [first, ..] => {
            let names = list_words(&found, found.len(), 6);
            Err(CliError::usage(format!(
                "no Dockerfile at the root, and there are {}: {names}",
                found.len()
            ))
            .with_help(format!("choose one, for instance --file {first}")))
        }
    }
}

/// The paths that are named as Dockerfiles are, the likeliest first: by name, then by depth.
fn dockerfiles<'a>(files: impl Iterator<Item = &'a RepoPath>) -> Vec<String> {
    let mut found: Vec<(bool, usize, String)> = files
        .filter(|path| path.file_name().is_some_and(is_dockerfile_name))
        .map(|path| {
            (
                path.file_name() != Some(b"Dockerfile"),
                path.names().count(),
                path.to_string(),
            )
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, _, path)| path).collect()
}

/// `Dockerfile`, `Dockerfile.dev`, `web.Dockerfile`, `Containerfile`, in any case; not `Dockerfile.dockerignore`.
fn is_dockerfile_name(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let known = [&b"dockerfile"[..], b"containerfile"];
    !name.ends_with(b".dockerignore")
        && known.iter().any(|k| {
            name == *k
                || name
                    .strip_prefix(*k)
                    .is_some_and(|rest| rest.starts_with(b"."))
                || name
                    .strip_suffix(*k)
                    .is_some_and(|rest| rest.ends_with(b"."))
        })
}

/// A Dockerfile given by value.
pub(super) fn text(spec: &Spec, repo: &Path) -> Result<Text, CliError> {
    let Spec::Named(name) = spec else {
        let bytes = read_all(&mut std::io::stdin().lock(), MAX_TEXT)
            .map_err(|e| CliError::usage("standard input cannot be read").with_source(e))?;
        return Ok(Text {
            name: "standard input".to_owned(),
            text: lossy(&bytes),
        });
    };
    match std::fs::File::open(name).and_then(|mut file| read_all(&mut file, MAX_TEXT)) {
        Ok(bytes) => Ok(Text {
            name: name.clone(),
            text: lossy(&bytes),
        }),
        Err(error) => match name.split_once(':') {
            Some((rev, path)) if error.kind() == std::io::ErrorKind::NotFound => {
                committed(name, rev, path, repo)
            }
            _ => Err(
                CliError::new(Kind::Dockerfile, format!("cannot read {name}")).with_source(error),
            ),
        },
    }
}

fn committed(name: &str, rev: &str, path: &str, repo: &Path) -> Result<Text, CliError> {
    let repository = open(repo)?;
    let commit = repository
        .resolve(if rev.is_empty() { "HEAD" } else { rev })
        .map_err(|e| match e.kind() {
            ErrorKind::Revision => CliError::new(
                Kind::Dockerfile,
                format!("no file {name}, and {}", e.message()),
            ),
            _ => repository_error(&e),
        })?;
    match repository
        .read(&commit, &RepoPath::new(path))
        .map_err(|e| repository_error(&e))?
    {
        Some(bytes) => Ok(Text {
            name: name.to_owned(),
            text: lossy(&bytes),
        }),
        None => {
            let rev = if rev.is_empty() { "HEAD" } else { rev };
            let help = match dockerfiles_at(&repository, &commit).as_slice() {
                [] => "that commit has no file that is named as Dockerfiles are".to_owned(),
                found => format!("that commit has {}", list_words(found, found.len(), 6)),
            };
            let message = format!("{rev} has no file {path}");
            Err(CliError::new(Kind::Dockerfile, message).with_help(help))
        }
    }
}

/// The Dockerfiles of a commit, as far as names tell; none where its files cannot be read.
fn dockerfiles_at(repository: &Repository, commit: &ObjectId) -> Vec<String> {
    let files = repository.list(commit, &RepoPath::root());
    let files = files.unwrap_or_default();
    dockerfiles(files.iter().map(|(path, _)| path))
}

fn list(option: &str, source: &Source) -> Result<String, CliError> {
    let read = match source {
        Source::Stdin => read_all(&mut std::io::stdin().lock(), MAX_LIST),
        Source::File(path) => {
            std::fs::File::open(path).and_then(|mut file| read_all(&mut file, MAX_LIST))
        }
    };
    let name = match source {
        Source::Stdin => "standard input".to_owned(),
        Source::File(path) => path.display().to_string(),
    };
    let bytes =
        read.map_err(|e| CliError::usage(format!("{option}: cannot read {name}")).with_source(e))?;
    String::from_utf8(bytes).map_err(|_| CliError::usage(format!("{option}: {name} is not UTF-8")))
}

fn read_all(source: &mut dyn Read, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(std::io::Error::other(format!("longer than {limit} bytes")));
    }
    Ok(bytes)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
