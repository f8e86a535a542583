//! Objects of one repository: commits, trees, texts, and what is at a path.

use super::commit::Commit;
use super::error::{Error, ErrorKind};
use super::git::{MAX_MET, Met, Repository, object_id, oid, other};
use super::raw;
use crate::caveat::Caveat;
use crate::tree::FileKind;
use crate::tree::FileStamp;
use crate::tree::ObjectId;
use crate::tree::RepoPath;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

/// Larger files are not read as text: no Dockerfile or ignore file comes near.
const MAX_TEXT: usize = 16 * 1024 * 1024;

/// More symlinks than this on one path are taken for a loop.
const MAX_LINKS: usize = 40;

/// More names than this on one path, symlinks written out, lead nowhere.
const MAX_NAMES: usize = 4096;

/// What is at a path of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Dir(ObjectId),
    File(FileStamp),
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
    pub(super) fn follow(
        &self,
        root: &ObjectId,
        path: &RepoPath,
    ) -> Result<(Lookup, Vec<Vec<u8>>), Error> {
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
    pub(super) fn first_parents(
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
