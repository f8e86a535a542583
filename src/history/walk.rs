//! The walk: builds in order, each with what changed since the one before, read ahead by two threads.

use super::commit::Commit;
use super::error::Error;
use super::error::ErrorKind;
use super::git::Met;
use super::git::Repository;
use super::input::BuildInput;
use super::input::Request;
use super::objects::Found;
use super::objects::Lookup;
use super::objects::Reader;
use super::raw;
use crate::tree::FileKind;
use crate::tree::ObjectId;
use crate::tree::RepoPath;
use rustc_hash::FxHashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::vec::IntoIter;

/// Builds that one thread takes at a time.
const CHUNK: usize = 512;

/// Readers. They share one pack and read some trees twice, so that a second one pays only where a core has nothing
/// else to do: the replay and the planning of Dockerfiles take one each.
fn readers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores > 3 { 2 } else { 1 }
}

/// A batch is handed over once it holds so many builds or changes, which bounds what waits in memory.
const BATCH_BUILDS: usize = 64;
/// Batches that may wait.
const BATCHES: usize = 16;
const BATCH_CHANGES: usize = 8_000;

/// Trees may be deep, and are gone through by recursion.
const STACK: usize = 8 * 1024 * 1024;

/// Remembered symlink targets; forgotten all at once when there are more.
const MAX_TARGETS: usize = 4096;

/// Builds in order. The first error ends it.
pub struct Walk {
    /// One channel per thread; thread `i` of `n` reads chunks `i`, `i + n`, ….
    channels: Vec<Receiver<Batch>>,
    turn: usize,
    ready: IntoIter<Result<BuildInput, Error>>,
    left: usize,
}

/// Some builds of a chunk.
struct Batch {
    builds: Vec<Result<BuildInput, Error>>,
    ends_chunk: bool,
}

/// What to read.
struct Job {
    git_dir: PathBuf,
    builds: Vec<(ObjectId, Request, Option<Met>)>,
    context: RepoPath,
    watched: Vec<RepoPath>,
}

impl Walk {
    pub(super) fn start(
        git_dir: PathBuf,
        builds: Vec<(ObjectId, Request, Option<Met>)>,
        context: RepoPath,
        watched: Vec<RepoPath>,
    ) -> Self {
        let left = builds.len();
        let n_threads = readers().min(left.div_ceil(CHUNK));
        let job = Arc::new(Job {
            git_dir,
            builds,
            context,
            watched,
        });
        let mut channels = Vec::new();
        for thread in 0..n_threads {
            let (sender, receiver) = sync_channel(BATCHES);
            let job = Arc::clone(&job);
            let started = std::thread::Builder::new()
                .name(format!("walk-{thread}"))
                .stack_size(STACK)
                .spawn(move || read_chunks(&job, thread, n_threads, &sender));
            // Where no thread is to be had, its receiver's end says so.
            drop(started);
            channels.push(receiver);
        }
        Self {
            channels,
            turn: 0,
            ready: Vec::new().into_iter(),
            left,
        }
    }
}

impl Iterator for Walk {
    type Item = Result<BuildInput, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            if let Some(build) = self.ready.next() {
                self.left = if build.is_ok() { self.left - 1 } else { 0 };
                return Some(build);
            }
            let Ok(batch) = self.channels[self.turn].recv() else {
                self.left = 0;
                return Some(Err(Error::new(
                    ErrorKind::Other,
                    "reading the history ended early",
                )));
            };
            self.ready = batch.builds.into_iter();
            if batch.ends_chunk {
                self.turn = (self.turn + 1) % self.channels.len();
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

/// One thread's work; ends early when nobody listens any more.
fn read_chunks(job: &Job, thread: usize, n_threads: usize, sender: &SyncSender<Batch>) {
    let failed = |err| Batch {
        builds: vec![Err(err)],
        ends_chunk: true,
    };
    let repository = match Repository::reopen(&job.git_dir) {
        Ok(repository) => repository,
        Err(err) => return drop(sender.send(failed(err))),
    };
    let mut builder = match Reader::new(&repository) {
        Ok(reader) => Builder::new(job, reader),
        Err(err) => return drop(sender.send(failed(err))),
    };
    for start in (0..job.builds.len())
        .step_by(CHUNK)
        .skip(thread)
        .step_by(n_threads)
    {
        let end = job.builds.len().min(start + CHUNK);
        if read_chunk(&mut builder, start, end, sender).is_none() {
            return;
        }
    }
}

/// `None`: an error was sent, or nobody listens.
fn read_chunk(
    builder: &mut Builder<'_>,
    start: usize,
    end: usize,
    sender: &SyncSender<Batch>,
) -> Option<()> {
    let mut builds = Vec::new();
    let mut n_changes = 0;
    let mut before = start
        .checked_sub(1)
        .map_or(Ok(None), |at| builder.context_of(at));
    for at in start..end {
        let built = before.and_then(|before| builder.build(at, before.as_ref()));
        let failed = built.is_err();
        before = Ok(built.as_ref().map_or(None, |(_, tree)| *tree));
        n_changes += built.as_ref().map_or(0, |(input, _)| input.changes.len());
        builds.push(built.map(|(input, _)| input));
        let ends_chunk = at + 1 == end;
        if failed || ends_chunk || builds.len() >= BATCH_BUILDS || n_changes >= BATCH_CHANGES {
            let builds = std::mem::take(&mut builds);
            n_changes = 0;
            sender.send(Batch { builds, ends_chunk }).ok()?;
        }
        if failed {
            return None;
        }
    }
    Some(())
}

/// Reads builds one after the other.
struct Builder<'a> {
    job: &'a Job,
    reader: Reader<'a>,
    watched: Vec<Watched>,
    targets: FxHashMap<ObjectId, Option<Arc<[u8]>>>,
}

/// A watched file's bytes, as [`BuildInput::watched`] holds them.
type Text = Result<Option<Arc<[u8]>>, String>;

/// The last answer for a watched path.
#[derive(Default)]
struct Watched {
    /// Identity of the first name's entry in the root tree, while the answer depends on nothing else.
    entry: Option<Option<(Option<FileKind>, ObjectId)>>,
    found: Option<ObjectId>,
    bytes: Option<Text>,
}

impl<'a> Builder<'a> {
    fn new(job: &'a Job, reader: Reader<'a>) -> Self {
        let watched = job.watched.iter().map(|_| Watched::default()).collect();
        Self {
            job,
            reader,
            watched,
            targets: FxHashMap::default(),
        }
    }

    /// The context's tree at a build.
    fn context_of(&self, at: usize) -> Result<Option<ObjectId>, Error> {
        let (_, root) = self.commit(at)?;
        self.reader.dir(&root, &self.job.context)
    }

    fn commit(&self, at: usize) -> Result<(Commit, ObjectId), Error> {
        match &self.job.builds[at] {
            (_, _, Some(met)) => Ok(Met::as_ref(met).clone()),
            (id, _, None) => self.reader.commit(id),
        }
    }

    /// A build and its context's tree; `before` is the tree of the build before.
    fn build(
        &mut self,
        at: usize,
        before: Option<&ObjectId>,
    ) -> Result<(BuildInput, Option<ObjectId>), Error> {
        let (commit, root) = self.commit(at)?;
        let tree = self.reader.dir(&root, &self.job.context)?;
        let changes = self.reader.changes(before, tree.as_ref())?;
        let mut link_targets = Vec::new();
        for (position, change) in changes.iter().enumerate() {
            if let Some(new) = change.new.filter(|new| new.kind == FileKind::Symlink)
                && let Some(target) = self.target(&new.id)
            {
                link_targets.push((position, target));
            }
        }
        let watched = self.watched(&root)?;
        let request = self.job.builds[at].1.clone();
        Ok((
            BuildInput {
                commit,
                request,
                watched,
                changes,
                link_targets,
            },
            tree,
        ))
    }

    fn target(&mut self, id: &ObjectId) -> Option<Arc<[u8]>> {
        if self.targets.len() > MAX_TARGETS {
            self.targets.clear();
        }
        self.targets
            .entry(*id)
            .or_insert_with(|| self.reader.link_target(id))
            .clone()
    }

    fn watched(&mut self, root: &ObjectId) -> Result<Vec<Text>, Error> {
        let bytes = if self.watched.is_empty() {
            Rc::default()
        } else {
            self.reader.tree(root)?
        };
        let mut answers = Vec::with_capacity(self.watched.len());
        for (path, last) in self.job.watched.iter().zip(&mut self.watched) {
            let first = path.names().next().unwrap_or_default();
            let entry = match raw::find(&bytes, root.as_bytes().len(), first)? {
                Some(entry) => Some((entry.kind, entry.id()?)),
                None => None,
            };
            if last.entry != Some(entry) || last.bytes.is_none() {
                last.look(&self.reader, root, path, entry);
            }
            answers.push(last.bytes.clone().unwrap_or(Ok(None)));
        }
        Ok(answers)
    }
}

impl Watched {
    fn look(
        &mut self,
        reader: &Reader<'_>,
        root: &ObjectId,
        path: &RepoPath,
        entry: Option<(Option<FileKind>, ObjectId)>,
    ) {
        let (found, direct) = match reader.lookup(root, path) {
            Ok(Lookup { found, direct }) => (found, direct),
            Err(err) => {
                *self = Self {
                    entry: None,
                    found: None,
                    bytes: Some(Err(err.to_string())),
                };
                return;
            }
        };
        self.entry = direct.then_some(entry);
        let id = match found {
            Some(Found::File(stamp)) if stamp.kind != FileKind::Submodule => Some(stamp.id),
            Some(Found::File(_) | Found::Dir(_)) | None => None,
        };
        if self.bytes.is_some() && self.found == id && id.is_some() {
            return;
        }
        self.found = id;
        self.bytes = Some(match id {
            Some(id) => reader
                .text(&id, path)
                .map(|bytes| Some(Arc::from(bytes)))
                .map_err(|err| err.to_string()),
            None => Ok(None),
        });
    }
}
