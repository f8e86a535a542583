//! The worktree's side of `suggest --apply`: what may be written there, and writing it whole or not at all.
//!
//! Never: decides what is proposed.

use super::error::{CliError, Kind};
use super::load::Project;
use super::output::{note, readable_by_all};
use super::texts::Texts;
use crate::builder::ignore_files;
use crate::history::git::Uncommitted;
use crate::restructure::search::Draft;
use crate::tree::RepoPath;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Larger files are no Dockerfiles and no ignore files.
const MAX_TEXT: u64 = 16 << 20;

/// A worktree whose Dockerfile and ignore file were read.
pub(super) struct Worktree {
    root: PathBuf,
    /// Where files are finished: what a killed process leaves there is in nobody's build context.
    workshop: PathBuf,
    dockerfile: OnDisk,
    ignore: OnDisk,
}

/// A file of the worktree as it was read.
struct OnDisk {
    path: RepoPath,
    /// Where it is once symlinks are followed.
    place: PathBuf,
    /// `None` where there is none.
    text: Option<String>,
    /// git gives the file Windows' line ends on its way out.
    crlf: bool,
}

impl Worktree {
    /// Reads the two files, and gives the texts to improve: the newest build's, or, with `force`, those of the worktree
    /// where these differ.
    pub(super) fn read(
        project: &Project,
        committed: Texts,
        force: bool,
    ) -> Result<(Self, Texts), CliError> {
        if project.settings.pin.is_some() {
            return Err(CliError::usage(
                "--apply writes the repository's Dockerfile, and --pin names another text",
            ));
        }
        let root = project.worktree().ok_or_else(|| {
            CliError::repository("a bare repository has no worktree to write to")
                .with_help("use --format patch")
        })?;
        let root = root.canonicalize().unwrap_or(root);
        let asked = RepoPath::new(&project.settings.dockerfile);
        let dockerfile = OnDisk::read(&root, &asked, Some(&committed.now.dockerfile))?;
        let ignore = ignore_on_disk(project, &root, &asked, &committed)?;
        if !force {
            dockerfile.check(project, &root, Some(&committed.now.dockerfile))?;
            ignore.check(project, &root, committed.now.ignore.as_deref())?;
        }
        let now = Draft {
            dockerfile: dockerfile.text.clone().ok_or_else(|| {
                CliError::new(
                    Kind::Write,
                    format!("there is no {} in the worktree", dockerfile.path),
                )
            })?,
            ignore: ignore.text.clone(),
        };
        let texts = Texts {
            ignore_path: now.ignore.as_ref().map(|_| ignore.path.clone()),
            now,
        };
        let worktree = Self {
            root,
            workshop: project.git_dir(),
            dockerfile,
            ignore,
        };
        Ok((worktree, texts))
    }

    /// Writes what of `draft` is not in the worktree yet: both files or none. Gives their paths.
    pub(super) fn write(&self, draft: &Draft) -> Result<Vec<RepoPath>, CliError> {
        let mut new: Vec<(&OnDisk, &str)> = Vec::new();
        if Some(&draft.dockerfile) != self.dockerfile.text.as_ref() {
            new.push((&self.dockerfile, &draft.dockerfile));
        }
        if let Some(text) = &draft.ignore
            && Some(text) != self.ignore.text.as_ref()
        {
            new.push((&self.ignore, text));
        }
        // All are finished before the first one is put in its place.
        let ready: Vec<_> = new
            .iter()
            .map(|(file, text)| Ok((*file, file.finished(&self.workshop, text)?)))
            .collect::<Result<_, CliError>>()?;
        for (file, _) in &ready {
            file.check_unchanged(&self.root)?;
        }
        let mut written: Vec<&OnDisk> = Vec::new();
        for (file, temporary) in ready {
            if let Err(error) = file.put(temporary) {
                for file in written {
                    file.put_back(&self.workshop);
                }
                return Err(error);
            }
            written.push(file);
        }
        for file in &written {
            note(&format!("wrote {}", file.place.display()));
        }
        Ok(written.into_iter().map(|file| file.path.clone()).collect())
    }
}

/// The ignore file that a build of the worktree would use; the one to make where there is none.
fn ignore_on_disk(
    project: &Project,
    root: &Path,
    dockerfile: &RepoPath,
    committed: &Texts,
) -> Result<OnDisk, CliError> {
    let context = RepoPath::new(&project.settings.context);
    let old = |path: &RepoPath| {
        let is_committed = committed.ignore_path.as_ref() == Some(path);
        committed.now.ignore.as_deref().filter(|_| is_committed)
    };
    for path in ignore_files(project.settings.builder, dockerfile, &context) {
        let file = OnDisk::read(root, &path, old(&path))?;
        if file.text.is_some() {
            return Ok(file);
        }
    }
    let path = committed.ignore_path.clone();
    let path = path.unwrap_or_else(|| context.join(b".dockerignore"));
    OnDisk::read(root, &path, old(&path))
}

impl OnDisk {
    /// Reads a file; `old` is its text as committed.
    fn read(root: &Path, path: &RepoPath, old: Option<&str>) -> Result<Self, CliError> {
        let written = root.join(path.to_string());
        let refused = |why: &str| Err(CliError::new(Kind::Write, format!("{path} {why}")));
        let mut file = Self {
            path: path.clone(),
            place: written.clone(),
            text: None,
            crlf: false,
        };
        match fs::symlink_metadata(&written) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Where a new one would be.
                let folder = written.parent().and_then(|p| p.canonicalize().ok());
                return match folder {
                    Some(folder) if !folder.starts_with(root) => refused(OUTSIDE),
                    _ => Ok(file),
                };
            }
            Err(error) => return Err(cannot_read(path, error)),
        }
        // A symlink stays one: what it points at is written.
        file.place = match written.canonicalize() {
            Ok(place) if place.starts_with(root) => place,
            Ok(_) => return refused(OUTSIDE),
            Err(error) => return Err(cannot_read(path, error)),
        };
        if !file.place.is_file() {
            return refused("in the worktree is not a file");
        }
        let bytes = file.bytes().map_err(|error| cannot_read(path, error))?;
        let Ok(text) = String::from_utf8(bytes) else {
            return refused("in the worktree is not UTF-8; it is not written to");
        };
        file.crlf = old.is_some_and(|old| {
            !old.contains('\r') && text != old && text == old.replace('\n', "\r\n")
        });
        let text = if file.crlf {
            text.replace("\r\n", "\n")
        } else {
            text
        };
        file.text = Some(text);
        Ok(file)
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = fs::File::open(&self.place)?.take(MAX_TEXT + 1);
        file.read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_TEXT {
            return Err(io::Error::other("longer than 16 MiB"));
        }
        Ok(bytes)
    }

    /// The bytes that stand for `text` in the worktree.
    fn encoded(&self, text: &str) -> Vec<u8> {
        if self.crlf {
            return text.replace('\n', "\r\n").into_bytes();
        }
        text.as_bytes().to_vec()
    }

    /// Refuses a file with changes that are not committed, and one that is not as it was analysed.
    fn check(&self, project: &Project, root: &Path, old: Option<&str>) -> Result<(), CliError> {
        let path = &self.path;
        let refused = |why: &str, help: &str| {
            Err(CliError::new(Kind::Write, format!("{path} {why}")).with_help(help))
        };
        const COMMIT: &str =
            "commit it first, or give --force to improve the files as they are in the worktree";
        let real = self.place.strip_prefix(root).unwrap_or(&self.place);
        let real = RepoPath::new(real.to_string_lossy().as_bytes());
        match project.uncommitted(&real) {
            Some(Uncommitted::Changed) => refused("has changes that are not committed", COMMIT),
            Some(Uncommitted::Staged) => {
                refused("has changes that are staged and not committed", COMMIT)
            }
            Some(Uncommitted::Untracked) => refused("in the worktree is not committed", COMMIT),
            Some(Uncommitted::Conflicted) => refused(
                "has conflicts of a merge",
                "resolve them and commit it first",
            ),
            Some(Uncommitted::Gone) => refused(
                "was removed from the worktree",
                "bring it back first (`git restore`), or commit its removal",
            ),
            None if self.text.as_deref() != old => refused(
                "in the worktree is not what the newest replayed commit holds",
                "replay builds that end at the commit that is checked out, or give --force to improve the files as they are in the worktree",
            ),
            None => Ok(()),
        }
    }

    /// Refuses where somebody else wrote to the file since it was read.
    fn check_unchanged(&self, root: &Path) -> Result<(), CliError> {
        let committed = self.text.as_deref().filter(|_| self.crlf);
        let now = Self::read(root, &self.path, committed)?;
        if now.text == self.text && now.place == self.place {
            return Ok(());
        }
        let message = format!(
            "{} was changed while the proposals were worked out",
            self.path
        );
        Err(CliError::new(Kind::Write, message).with_help("run it again"))
    }

    /// A finished file in `folder`, with the permissions and the owner of the one that it will replace.
    fn finished(&self, folder: &Path, text: &str) -> Result<NamedTempFile, CliError> {
        self.made(folder, &self.encoded(text))
            .map_err(|error| self.cannot_write(error))
    }

    fn made(&self, folder: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
        let mut temporary = tempfile::Builder::new()
            .prefix(".stratigraph-")
            .tempfile_in(folder)?;
        temporary.write_all(bytes)?;
        match &self.text {
            Some(_) => like(temporary.path(), &fs::metadata(&self.place)?)?,
            None => readable_by_all(temporary.path())?,
        }
        temporary.as_file().sync_all()?;
        Ok(temporary)
    }

    /// Puts a finished file in its place; where that is on another disk, by way of the folder that it is for.
    fn put(&self, temporary: NamedTempFile) -> Result<(), CliError> {
        let folder = self.place.parent().unwrap_or(Path::new("."));
        match temporary.persist(&self.place) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::CrossesDevices => {
                fs::read(error.file.path())
                    .and_then(|bytes| self.made(folder, &bytes))
                    .and_then(|beside| beside.persist(&self.place).map_err(|e| e.error))
                    .map_err(|error| self.cannot_write(error))?;
            }
            Err(error) => return Err(self.cannot_write(error.error)),
        }
        synced(folder);
        Ok(())
    }

    /// Undoes a `put`, since another file could not be written.
    fn put_back(&self, workshop: &Path) {
        let undone = match &self.text {
            Some(text) => self.finished(workshop, text).and_then(|old| self.put(old)),
            None => fs::remove_file(&self.place).map_err(|error| self.cannot_write(error)),
        };
        if undone.is_err() {
            note(&format!(
                "{} is written all the same, since what it was could not be put back",
                self.place.display()
            ));
        }
    }

    fn cannot_write(&self, error: io::Error) -> CliError {
        let message = format!("could not write {}", self.place.display());
        CliError::new(Kind::Write, message).with_source(error)
    }
}

const OUTSIDE: &str = "leads out of the worktree; nothing is written there";

fn cannot_read(path: &RepoPath, error: io::Error) -> CliError {
    let message = format!("could not read {path} in the worktree");
    CliError::new(Kind::Write, message).with_source(error)
}

/// A rename lasts once its directory is written; a file system that cannot do that has done what it can.
fn synced(folder: &Path) {
    let _ = fs::File::open(folder).map(|folder| folder.sync_all());
}

/// Gives a new file the owner and the permissions of an old one.
#[cfg(unix)]
fn like(new: &Path, old: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let own = fs::metadata(new)?;
    if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
        std::os::unix::fs::chown(new, Some(old.uid()), Some(old.gid()))
            .map_err(|error| io::Error::new(error.kind(), format!("keeping its owner: {error}")))?;
    }
    fs::set_permissions(new, old.permissions())
}

#[cfg(not(unix))]
fn like(new: &Path, old: &fs::Metadata) -> io::Result<()> {
    fs::set_permissions(new, old.permissions())
}
