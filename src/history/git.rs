//! Repositories: opening them, choosing commits, and the errors of `git2`.
//!
//! Object ids are not checked against their bytes while reading (a fifth of the time); `git fsck` is the tool for that.

pub use super::error::Error;
pub use super::error::ErrorKind;
pub use super::walk::Walk;

use super::commit::Commit;
use super::input::Request;
use super::objects::{Found, Reader};
use crate::caveat::Caveat;
use crate::tree::FileKind;
use crate::tree::FileStamp;
use crate::tree::ObjectId;
use crate::tree::RepoPath;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// Which builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// The last so many commits along HEAD's first parents.
    Last(usize),
    /// HEAD's first parents from this date on: `2024-05-01`, with a time (`2024-05-01T12:00:00Z`), or seconds since 1970.
    Since(String),
    /// `A..B`: along B's first parents, without what A can reach; either side may be left out (HEAD). A lone revision
    /// stands for all of its first parents.
    Between(String),
}

/// The commits chosen, oldest first, and what to know about the choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Oldest first.
    pub commits: Vec<ObjectId>,
    /// Where a shallow clone ends, and the like.
    pub caveats: Vec<Caveat>,
}

/// A repository: worktree, linked worktree, `.git` directory or bare.
pub struct Repository {
    pub(super) inner: git2::Repository,
    /// Commits met while choosing, so that the walk need not read them again.
    pub(super) met: RefCell<FxHashMap<ObjectId, Met>>,
}

/// A commit and its tree.
pub(super) type Met = Arc<(Commit, ObjectId)>;

/// No more commits than this are kept.
pub(super) const MAX_MET: usize = 200_000;

impl Repository {
    /// Opens the repository that `path` is or is in.
    ///
    /// # Errors
    /// None there, not ours to read, a format that is not read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        git2::opts::strict_hash_verification(false);
        // The library keeps up to 256 MB of objects for each thread; a walk comes back to few of them ([`Trees`]).
        git2::opts::enable_caching(false);
        if !path.exists() {
            let message = format!("no such directory: {}", path.display());
            return Err(Error::new(ErrorKind::NotARepository, message));
        }
        let none: [&str; 0] = [];
        let inner = git2::Repository::open_ext(path, git2::RepositoryOpenFlags::empty(), none)
            .map_err(|err| open_error(&err, path))?;
        Ok(Self {
            inner,
            met: RefCell::default(),
        })
    }

    /// The same repository for another thread.
    pub(super) fn reopen(git_dir: &Path) -> Result<Self, Error> {
        let inner = git2::Repository::open(git_dir).map_err(|err| open_error(&err, git_dir))?;
        Ok(Self {
            inner,
            met: RefCell::default(),
        })
    }

    /// The `.git` directory (of a linked worktree its own).
    pub fn git_dir(&self) -> &Path {
        self.inner.path()
    }

    /// The worktree's directory; `None` if bare.
    pub fn worktree(&self) -> Option<PathBuf> {
        self.inner.workdir().map(Path::to_path_buf)
    }

    /// What holds for this repository whatever is read of it.
    pub fn caveats(&self) -> Vec<Caveat> {
        let mut caveats = Vec::new();
        if self.has_replacements() {
            caveats.push(Caveat::general(
                "The repository has replacement refs (refs/replace); git honours them, they are not looked at here.",
            ));
        }
        if self.is_partial() {
            caveats.push(Caveat::general(
                "The repository is a partial clone; symlinks whose target was not fetched count as opaque files.",
            ));
        }
        caveats
    }

    /// Whether git would read other objects in place of some. (The library would read and sort all references.)
    fn has_replacements(&self) -> bool {
        let dir = self.inner.commondir();
        let is_packed = std::fs::read(dir.join("packed-refs"))
            .is_ok_and(|refs| memchr::memmem::find(&refs, b" refs/replace/").is_some());
        is_packed
            || std::fs::read_dir(dir.join("refs/replace"))
                .is_ok_and(|mut entries| entries.next().is_some())
    }

    /// HEAD's commit.
    ///
    /// # Errors
    /// [`ErrorKind::Empty`] where there is no commit yet.
    pub fn head(&self) -> Result<ObjectId, Error> {
        let head = self.inner.head().map_err(|err| match err.code() {
            git2::ErrorCode::UnbornBranch | git2::ErrorCode::NotFound => Error::new(
                ErrorKind::Empty,
                "the repository has no commit yet (HEAD points at nothing)",
            )
            .with_help("commit something, or name a revision with --range"),
            _ => other(&err),
        })?;
        let commit = head
            .peel_to_commit()
            .map_err(|err| self.missing_or_other(&err, "HEAD's commit"))?;
        object_id(commit.id())
    }

    /// The commit that a revision means: a branch, a tag, an id or its beginning, `HEAD~3`, ….
    ///
    /// # Errors
    /// [`ErrorKind::Revision`] where it means none.
    pub fn resolve(&self, rev: &str) -> Result<ObjectId, Error> {
        if rev == "HEAD" {
            return self.head();
        }
        let object = self.inner.revparse_single(rev).map_err(|err| {
            let reason = match err.code() {
                git2::ErrorCode::Ambiguous => "is ambiguous",
                _ => "names no commit here",
            };
            let error = Error::new(ErrorKind::Revision, format!("revision `{rev}` {reason}"));
            match self.inner.is_shallow() {
                true => {
                    error.with_help("the clone is shallow: `git fetch --unshallow` gets the rest")
                }
                false => error,
            }
        })?;
        let commit = object.peel_to_commit().map_err(|_| {
            Error::new(
                ErrorKind::Revision,
                format!("revision `{rev}` is no commit"),
            )
        })?;
        object_id(commit.id())
    }

    /// The newest commit that both can reach; `None` where they have nothing in common.
    ///
    /// # Errors
    /// History that cannot be read.
    pub fn merge_base(&self, one: &ObjectId, other: &ObjectId) -> Result<Option<ObjectId>, Error> {
        let found = || self.inner.merge_base(oid(one)?, oid(other)?);
        match found() {
            Ok(found) => object_id(found).map(Some),
            Err(err) if err.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(err) => Err(self.missing_or_other(&err, "the history of the two commits")),
        }
    }

    /// Chooses commits along first parents.
    ///
    /// # Errors
    /// A revision or date that means nothing, no commit at all, history that cannot be read.
    pub fn select(&self, range: &Range) -> Result<Selection, Error> {
        let reader = Reader::new(self)?;
        let mut commits = Vec::new();
        let mut caveats = self.caveats();
        match range {
            Range::Last(n) => reader.first_parents(
                self.head()?,
                |_, taken| taken < *n,
                &mut caveats,
                |commit| {
                    commits.push(commit.id);
                },
            ),
            Range::Since(date) => {
                let since = parse_date(date)?;
                // Times may run backwards: all commits are looked at.
                reader.first_parents(
                    self.head()?,
                    |_, _| true,
                    &mut caveats,
                    |commit| {
                        if commit.time >= since {
                            commits.push(commit.id);
                        }
                    },
                )
            }
            Range::Between(text) => {
                let (tip, hidden) = self.ends(text)?;
                let beyond = match hidden {
                    Some(hidden) => Some(self.only_in(tip, hidden)?),
                    None => None,
                };
                let is_in =
                    |id: &ObjectId, _| beyond.as_ref().is_none_or(|beyond| beyond.contains(id));
                reader.first_parents(tip, is_in, &mut caveats, |commit| commits.push(commit.id))
            }
        }?;
        commits.reverse();
        Ok(Selection { commits, caveats })
    }

    fn ends(&self, text: &str) -> Result<(ObjectId, Option<ObjectId>), Error> {
        if text.contains("...") {
            return Err(Error::new(
                ErrorKind::Revision,
                format!("`{text}`: a range has two dots"),
            )
            .with_help("A..B is what B has and A has not"));
        }
        let side = |rev: &str| self.resolve(if rev.is_empty() { "HEAD" } else { rev });
        match text.split_once("..") {
            Some((from, to)) => Ok((side(to)?, Some(side(from)?))),
            None => Ok((side(text)?, None)),
        }
    }

    /// What `tip` can reach and `hidden` cannot.
    fn only_in(&self, tip: ObjectId, hidden: ObjectId) -> Result<BTreeSet<ObjectId>, Error> {
        let walk = || {
            let mut walk = self.inner.revwalk()?;
            walk.push(oid(&tip)?)?;
            walk.hide(oid(&hidden)?)?;
            walk.collect::<Result<Vec<_>, _>>()
        };
        let ids = walk().map_err(|err| self.missing_or_other(&err, "a commit of the range"))?;
        ids.into_iter().map(object_id).collect()
    }

    /// Reads the builds' commits and how each one's tree differs from that of the build before, in order.
    /// `context`: the context's directory, to which changes are relative; `watched`: files whose bytes each input
    /// holds (symlinks followed).
    pub fn walk(
        &self,
        builds: Vec<(ObjectId, Request)>,
        context: &RepoPath,
        watched: &[RepoPath],
    ) -> Walk {
        let met = std::mem::take(&mut *self.met.borrow_mut());
        let builds = builds
            .into_iter()
            .map(|(id, request)| (id, request, met.get(&id).cloned()))
            .collect();
        Walk::start(
            self.git_dir().to_path_buf(),
            builds,
            context.clone(),
            watched.to_vec(),
        )
    }

    /// A commit's own data.
    ///
    /// # Errors
    /// No such commit here.
    pub fn commit(&self, id: &ObjectId) -> Result<Commit, Error> {
        Ok(Reader::new(self)?.commit(id)?.0)
    }

    /// A file's bytes at a commit, symlinks followed; `None` if there is no such file.
    ///
    /// # Errors
    /// No such commit, an object that is absent, a file of more than 16 MiB.
    pub fn read(&self, commit: &ObjectId, path: &RepoPath) -> Result<Option<Vec<u8>>, Error> {
        let reader = Reader::new(self)?;
        let (_, tree) = reader.commit(commit)?;
        match reader.lookup(&tree, path)?.found {
            Some(Found::File(stamp)) if stamp.kind != FileKind::Submodule => {
                reader.text(&stamp.id, path).map(Some)
            }
            Some(Found::File(_) | Found::Dir(_)) | None => Ok(None),
        }
    }

    /// Where a file is at a commit once symlinks are followed; `None` if there is no such file.
    ///
    /// # Errors
    /// No such commit, an object that is absent.
    pub fn real_path(&self, commit: &ObjectId, path: &RepoPath) -> Result<Option<RepoPath>, Error> {
        let reader = Reader::new(self)?;
        let (_, tree) = reader.commit(commit)?;
        let (lookup, names) = reader.follow(&tree, path)?;
        Ok(lookup.found.map(|_| {
            let at_root = RepoPath::root();
            names.iter().fold(at_root, |path, name| path.join(name))
        }))
    }

    /// All files below a directory at a commit, in git's order, paths relative to it; none if it is absent.
    ///
    /// # Errors
    /// No such commit, an object that is absent.
    pub fn list(
        &self,
        commit: &ObjectId,
        dir: &RepoPath,
    ) -> Result<Vec<(RepoPath, FileStamp)>, Error> {
        let reader = Reader::new(self)?;
        let (_, tree) = reader.commit(commit)?;
        let changes = reader.changes(None, reader.dir(&tree, dir)?.as_ref())?;
        Ok(changes
            .into_iter()
            .filter_map(|change| Some((change.path, change.new?)))
            .collect())
    }

    /// A blob's bytes; `None` if it is not here (a partial clone) or too large to be read as text.
    pub fn blob(&self, id: &ObjectId) -> Option<Vec<u8>> {
        Reader::new(self).ok()?.text(id, &RepoPath::root()).ok()
    }

    /// A blob's size in bytes; `None` if it is not here (a partial clone).
    pub fn blob_size(&self, id: &ObjectId) -> Option<u64> {
        let header = self.inner.odb().ok()?.read_header(oid(id).ok()?).ok()?;
        u64::try_from(header.0).ok()
    }

    /// How a file of the worktree differs from HEAD; `None` where it does not, where neither has it, and in a bare
    /// repository.
    pub fn uncommitted(&self, path: &RepoPath) -> Option<Uncommitted> {
        self.inner.workdir()?;
        let status = match self.inner.status_file(Path::new(&path.to_string())) {
            Ok(status) => status,
            Err(err) if err.code() == git2::ErrorCode::NotFound => return None,
            Err(_) => return Some(Uncommitted::Changed),
        };
        let staged = git2::Status::INDEX_NEW
            | git2::Status::INDEX_MODIFIED
            | git2::Status::INDEX_DELETED
            | git2::Status::INDEX_RENAMED
            | git2::Status::INDEX_TYPECHANGE;
        match status {
            s if s.is_empty() => None,
            s if s.is_conflicted() => Some(Uncommitted::Conflicted),
            s if s.is_wt_new() || s.is_ignored() => Some(Uncommitted::Untracked),
            s if s.is_wt_deleted() => Some(Uncommitted::Gone),
            s if s.intersects(staged) => Some(Uncommitted::Staged),
            _ => Some(Uncommitted::Changed),
        }
    }

    /// The URL of `origin`, else of the first remote.
    pub fn remote_url(&self) -> Option<String> {
        let names = self.inner.remotes().ok()?;
        let names: Vec<&str> = names
            .iter()
            .filter_map(|name| name.ok().flatten())
            .collect();
        let name = names
            .iter()
            .find(|name| **name == "origin")
            .or(names.first())?;
        self.inner
            .find_remote(name)
            .ok()?
            .url()
            .ok()
            .map(str::to_owned)
    }

    /// The branch that HEAD is on; `None` if detached.
    pub fn branch(&self) -> Option<String> {
        let head = self.inner.find_reference("HEAD").ok()?;
        let target = head.symbolic_target().ok().flatten()?;
        target.strip_prefix("refs/heads/").map(str::to_owned)
    }

    pub(super) fn is_partial(&self) -> bool {
        let Ok(config) = self.inner.config() else {
            return false;
        };
        if config.get_string("extensions.partialclone").is_ok() {
            return true;
        }
        let Ok(mut entries) = config.entries(Some("^remote\\..*\\.promisor$")) else {
            return false;
        };
        entries.next().is_some()
    }

    pub(super) fn missing_or_other(&self, err: &git2::Error, what: &str) -> Error {
        if err.code() != git2::ErrorCode::NotFound {
            return other(err);
        }
        let error = Error::new(
            ErrorKind::Missing,
            format!("{what} is absent from this clone"),
        );
        if self.inner.is_shallow() {
            error.with_help("the clone is shallow: `git fetch --unshallow` gets the rest")
        } else if self.is_partial() {
            error.with_help(
                "the clone left it out: `git fetch --refetch --filter=blob:none` gets all trees",
            )
        } else {
            error.with_help("the repository is damaged: `git fsck` says more")
        }
    }
}

/// How a file of the worktree differs from HEAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncommitted {
    /// Changed, and not staged.
    Changed,
    /// Staged, whatever else.
    Staged,
    /// git knows nothing of it.
    Untracked,
    /// HEAD has it, and the worktree does not.
    Gone,
    /// A merge stopped at it.
    Conflicted,
}

pub(super) fn oid(id: &ObjectId) -> Result<git2::Oid, git2::Error> {
    git2::Oid::from_bytes(id.as_bytes())
}

pub(super) fn object_id(oid: git2::Oid) -> Result<ObjectId, Error> {
    ObjectId::from_bytes(oid.as_bytes())
        .ok_or_else(|| Error::new(ErrorKind::Other, "an object id of unknown length"))
}

pub(super) fn other(err: &git2::Error) -> Error {
    Error::new(ErrorKind::Other, err.message().to_owned())
}

fn open_error(err: &git2::Error, path: &Path) -> Error {
    let place = path.display();
    let message = err.message();
    match err.code() {
        git2::ErrorCode::NotFound => {
            Error::new(ErrorKind::NotARepository, format!("no git repository at {place} or above it"))
                .with_help("give one with --repo")
        }
        git2::ErrorCode::Owner => Error::new(ErrorKind::Refused, format!("the repository at {place} belongs to someone else"))
            .with_help(format!("`git config --global --add safe.directory {place}` says that you trust it")),
        _ if message.contains("refstorage") => {
            Error::new(ErrorKind::Unsupported, format!("the repository at {place} keeps its refs as reftable, which is not read"))
                .with_help("`git refs migrate --ref-format=files` changes that, or make a clone with `git clone --ref-format=files`")
        }
        _ if message.contains("sha256") || message.contains("object format") => {
            Error::new(ErrorKind::Unsupported, format!("the repository at {place} uses SHA-256 object ids, which are not read"))
                .with_help("use a repository with SHA-1 object ids")
        }
        _ => Error::new(ErrorKind::Other, format!("the repository at {place} cannot be opened: {message}")),
    }
}

/// Seconds since 1970 of `2024-05-01`, of that with a time, or of seconds written out.
fn parse_date(text: &str) -> Result<i64, Error> {
    let text = text.trim();
    if let Ok(seconds) = text.trim_start_matches('@').parse() {
        return Ok(seconds);
    }
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Ok(timestamp.as_second());
    }
    text.parse::<jiff::civil::DateTime>()
        .or_else(|_| {
            text.parse::<jiff::civil::Date>()
                .map(|date| date.at(0, 0, 0, 0))
        })
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC))
        .map(|time| time.timestamp().as_second())
        .map_err(|_| {
            Error::new(ErrorKind::Revision, format!("`{text}` is no date"))
                .with_help("write it as 2024-05-01 or 2024-05-01T12:00:00Z")
        })
}
