//! Repositories: opening them, choosing commits, reading objects. The only file that knows `git2`.
//!
//! Object ids are not checked against their bytes while reading (a fifth of the time); `git fsck` is the tool for that.

pub use super::error::Error;
pub use super::error::ErrorKind;
pub use super::walk::Walk;

use super::commit::Commit;
use super::input::Request;
use super::raw;
use crate::caveat::Caveat;
use crate::tree::FileKind;
use crate::tree::FileStamp;
use crate::tree::ObjectId;
use crate::tree::RepoPath;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::path::Path;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// Larger files are not read as text: no Dockerfile or ignore file comes near.
const MAX_TEXT: usize = 16 * 1024 * 1024;

/// More symlinks than this on one path are taken for a loop.
const MAX_LINKS: usize = 40;

/// More names than this on one path, symlinks written out, lead nowhere.
const MAX_NAMES: usize = 4096;

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
    inner: git2::Repository,
    /// Commits met while choosing, so that the walk need not read them again.
    met: RefCell<FxHashMap<ObjectId, Met>>,
}

/// A commit and its tree.
pub(super) type Met = Arc<(Commit, ObjectId)>;

/// No more commits than this are kept.
const MAX_MET: usize = 200_000;

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

    fn is_partial(&self) -> bool {
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

    fn missing_or_other(&self, err: &git2::Error, what: &str) -> Error {
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

/// What is at a path of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Dir(ObjectId),
    File(FileStamp),
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

/// The answer of a lookup.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lookup {
    pub(super) found: Option<Found>,
    /// No symlink was met, so that the answer depends on the first name's entry alone.
    pub(super) direct: bool,
}

/// Reads objects of one repository.
pub(super) struct Reader<'r> {
    repository: &'r Repository,
    odb: git2::Odb<'r>,
    is_shallow: bool,
    trees: RefCell<Trees>,
}

/// Trees read lately: each is read as a build's new tree first and as the next change's old one later.
#[derive(Default)]
struct Trees {
    young: FxHashMap<ObjectId, raw::Bytes>,
    old: FxHashMap<ObjectId, raw::Bytes>,
    n_young: usize,
}

/// Bytes of trees in one generation; two are kept.
const TREES: usize = 4 * 1024 * 1024;

impl Trees {
    fn get(&mut self, id: &ObjectId) -> Option<raw::Bytes> {
        if let Some(bytes) = self.young.get(id) {
            return Some(Rc::clone(bytes));
        }
        let bytes = self.old.remove(id)?;
        self.put(id, Rc::clone(&bytes));
        Some(bytes)
    }

    fn put(&mut self, id: &ObjectId, bytes: raw::Bytes) {
        self.n_young += bytes.len();
        self.young.insert(*id, bytes);
        if self.n_young > TREES {
            std::mem::swap(&mut self.old, &mut self.young);
            self.young.clear();
            self.n_young = 0;
        }
    }
}

impl<'r> Reader<'r> {
    pub(super) fn new(repository: &'r Repository) -> Result<Self, Error> {
        let odb = repository.inner.odb().map_err(|err| other(&err))?;
        Ok(Self {
            repository,
            odb,
            is_shallow: repository.inner.is_shallow(),
            trees: RefCell::default(),
        })
    }

    fn object(
        &self,
        id: &ObjectId,
        kind: git2::ObjectType,
        what: &str,
    ) -> Result<git2::OdbObject<'_>, Error> {
        let object = self
            .odb
            .read(oid(id).map_err(|err| other(&err))?)
            .map_err(|err| {
                self.repository
                    .missing_or_other(&err, &format!("{what} {id}"))
            })?;
        if object.kind() != kind {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!("object {id} is no {what}"),
            ));
        }
        Ok(object)
    }

    /// A commit and its tree. In a shallow clone the parents that were cut are none.
    pub(super) fn commit(&self, id: &ObjectId) -> Result<(Commit, ObjectId), Error> {
        let object = self.object(id, git2::ObjectType::Commit, "commit")?;
        let (mut commit, tree) = raw::commit(*id, object.data())?;
        if self.is_shallow {
            let known = oid(id)
                .and_then(|oid| self.repository.inner.find_commit(oid))
                .map_err(|err| other(&err))?;
            commit.parent = known.parent_id(0).ok().map(object_id).transpose()?;
        }
        Ok((commit, tree))
    }

    pub(super) fn tree(&self, id: &ObjectId) -> Result<raw::Bytes, Error> {
        if let Some(known) = self.trees.borrow_mut().get(id) {
            return Ok(known);
        }
        let bytes: raw::Bytes = Rc::from(self.object(id, git2::ObjectType::Tree, "tree")?.data());
        self.trees.borrow_mut().put(id, Rc::clone(&bytes));
        Ok(bytes)
    }

    /// A blob as text to be looked at; `path` is for the message.
    pub(super) fn text(&self, id: &ObjectId, path: &RepoPath) -> Result<Vec<u8>, Error> {
        let too_large = |size: usize| {
            Error::new(
                ErrorKind::Other,
                format!("`{path}` has {size} bytes, more than the {MAX_TEXT} that are read"),
            )
        };
        let raw_id = oid(id).map_err(|err| other(&err))?;
        let read = || {
            let (size, _) = self.odb.read_header(raw_id)?;
            if size > MAX_TEXT {
                return Ok(Err(size));
            }
            Ok(Ok(self.odb.read(raw_id)?.data().to_vec()))
        };
        match read() {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(size)) => Err(too_large(size)),
            Err(err) if git2::Error::code(&err) == git2::ErrorCode::NotFound => {
                let error = Error::new(
                    ErrorKind::Missing,
                    format!("blob {id} of `{path}` is absent from this clone"),
                );
                Err(match self.repository.is_partial() {
                    true => error.with_help(format!("`git cat-file -e {id}` fetches it")),
                    false => error.with_help("the repository is damaged: `git fsck` says more"),
                })
            }
            Err(err) => Err(other(&err)),
        }
    }

    /// A symlink's target; `None` where it is not here.
    pub(super) fn link_target(&self, id: &ObjectId) -> Option<Arc<[u8]>> {
        self.text(id, &RepoPath::root()).ok().map(Arc::from)
    }

    /// How two trees differ.
    pub(super) fn changes(
        &self,
        old: Option<&ObjectId>,
        new: Option<&ObjectId>,
    ) -> Result<Vec<crate::tree::Change>, Error> {
        let mut out = Vec::new();
        raw::compare(&|id| self.tree(id), old, new, &mut out)?;
        Ok(out)
    }

    /// The tree of a directory; `None` if it is absent or no directory.
    pub(super) fn dir(&self, root: &ObjectId, path: &RepoPath) -> Result<Option<ObjectId>, Error> {
        Ok(match self.lookup(root, path)?.found {
            Some(Found::Dir(id)) => Some(id),
            Some(Found::File(_)) | None => None,
        })
    }

    /// What is at `path`, symlinks followed; one that leads out of the repository leads nowhere.
    pub(super) fn lookup(&self, root: &ObjectId, path: &RepoPath) -> Result<Lookup, Error> {
        Ok(self.follow(root, path)?.0)
    }

    /// The same, with the names that lead there without a symlink.
    fn follow(&self, root: &ObjectId, path: &RepoPath) -> Result<(Lookup, Vec<Vec<u8>>), Error> {
        let mut names: VecDeque<Vec<u8>> = path.names().map(<[u8]>::to_vec).collect();
        let mut way: Vec<Found> = vec![Found::Dir(*root)];
        let mut met: Vec<Vec<u8>> = Vec::new();
        let mut n_links = 0;
        let absent = |direct| {
            let found = None;
            Ok((Lookup { found, direct }, Vec::new()))
        };
        while let Some(name) = names.pop_front() {
            let direct = n_links == 0;
            match name.as_slice() {
                b"" | b"." => continue,
                b".." if way.len() == 1 => return absent(direct),
                b".." => {
                    way.pop();
                    met.pop();
                    continue;
                }
                _ => {}
            }
            let Some(Found::Dir(dir)) = way.last() else {
                return absent(direct);
            };
            let bytes = self.tree(dir)?;
            let Some(entry) = raw::find(&bytes, dir.as_bytes().len(), &name)? else {
                return absent(direct);
            };
            let id = entry.id()?;
            match entry.kind {
                None => {
                    way.push(Found::Dir(id));
                    met.push(name);
                }
                Some(FileKind::Symlink) => {
                    n_links += 1;
                    let target = self.text(&id, path)?;
                    if n_links > MAX_LINKS || target.starts_with(b"/") {
                        return absent(false);
                    }
                    for part in target.rsplit(|&b| b == b'/') {
                        names.push_front(part.to_vec());
                    }
                    if names.len() > MAX_NAMES {
                        return absent(false);
                    }
                }
                Some(kind) => {
                    way.push(Found::File(FileStamp { kind, id }));
                    met.push(name);
                }
            }
        }
        let lookup = Lookup {
            found: way.pop(),
            direct: n_links == 0,
        };
        Ok((lookup, met))
    }

    /// Goes along first parents from `tip` while `goes_on` (given an id and how many went before), giving each commit to `take`.
    fn first_parents(
        &self,
        tip: ObjectId,
        goes_on: impl Fn(&ObjectId, usize) -> bool,
        caveats: &mut Vec<Caveat>,
        mut take: impl FnMut(&Commit),
    ) -> Result<(), Error> {
        let mut next = Some(tip);
        let mut last = None;
        let mut taken = 0;
        while let Some(id) = next.filter(|id| goes_on(id, taken)) {
            taken += 1;
            let met: Met = Arc::new(self.commit(&id)?);
            next = met.0.parent;
            last = Some(id);
            take(&met.0);
            let mut known = self.repository.met.borrow_mut();
            if known.len() < MAX_MET {
                known.insert(id, met);
            }
        }
        if self.is_shallow
            && next.is_none()
            && let Some(last) = last
        {
            let short: String = last.to_string().chars().take(12).collect();
            caveats.push(Caveat::at(
                short,
                "The clone is shallow: its history ends here. `git fetch --unshallow` gets the rest.",
            ));
        }
        Ok(())
    }
}

fn oid(id: &ObjectId) -> Result<git2::Oid, git2::Error> {
    git2::Oid::from_bytes(id.as_bytes())
}

fn object_id(oid: git2::Oid) -> Result<ObjectId, Error> {
    ObjectId::from_bytes(oid.as_bytes())
        .ok_or_else(|| Error::new(ErrorKind::Other, "an object id of unknown length"))
}

fn other(err: &git2::Error) -> Error {
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
