//! Real repositories in temporary folders: fixed author and time, no configuration but their own.

use std::cell::Cell;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A repository that is made with `git` and gone when dropped.
pub struct Repo {
    folder: TempDir,
    /// Where `git` runs, below the folder.
    place: PathBuf,
    time: Cell<i64>,
}

impl Repo {
    /// A new repository with branch `main`.
    pub fn new() -> Self {
        Self::with(&["init", "--quiet", "--initial-branch=main", "."])
    }

    /// What this `git` command makes in an empty folder.
    pub fn with(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_path_buf();
        let repo = Self {
            folder,
            place,
            time: Cell::new(1_700_000_000),
        };
        repo.git(args);
        repo
    }

    /// A clone of this one, through `file://` so that depth and filters count, with these options.
    pub fn cloned(&self, options: &[&str]) -> Self {
        self.git(&["config", "uploadpack.allowFilter", "true"]);
        self.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
        let folder = tempfile::tempdir().unwrap();
        let clone = Self {
            place: folder.path().to_path_buf(),
            folder,
            time: self.time.clone(),
        };
        let url = format!("file://{}", self.path().display());
        clone.git(&[&["clone", "--quiet"], options, &[&url, "."]].concat());
        clone
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.place
    }

    /// The temporary folder around it, for what lies beside the repository.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `git` here, and gives what it prints, trimmed. Panics where it fails.
    pub fn git(&self, args: &[&str]) -> String {
        let output = hermetic(&self.place).args(args).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {error}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.place.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    /// Removes a file or a folder.
    pub fn remove(&self, path: &str) -> &Self {
        let path = self.place.join(path);
        match path.is_dir() {
            true => std::fs::remove_dir_all(path).unwrap(),
            false => std::fs::remove_file(path).unwrap(),
        }
        self
    }

    /// Makes a symlink.
    #[cfg(unix)]
    pub fn link(&self, path: &str, target: &str) -> &Self {
        let path = self.place.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    /// Commits all that is there, a minute after the last one, and gives the commit's id.
    pub fn commit(&self, message: &str) -> String {
        self.time.set(self.time.get() + 60);
        self.commit_at(message, self.time.get())
    }

    /// The same at a given time.
    pub fn commit_at(&self, message: &str, time: i64) -> String {
        self.git(&["add", "--all"]);
        let date = format!("@{time} +0000");
        let status = hermetic(&self.place)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .args(["commit", "--quiet", "--allow-empty", "--message", message])
            .status()
            .unwrap();
        assert!(status.success());
        self.git(&["rev-parse", "HEAD"])
    }
}

/// `git` with nothing of the user's or the machine's.
pub fn hermetic(place: &Path) -> Command {
    let mut git = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            git.env_remove(name);
        }
    }
    git.current_dir(place)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "A U Thor")
        .env("GIT_AUTHOR_EMAIL", "author@example.com")
        .env("GIT_COMMITTER_NAME", "C O Mitter")
        .env("GIT_COMMITTER_EMAIL", "committer@example.com")
        .env("GIT_AUTHOR_DATE", "@1700000000 +0000")
        .env("GIT_COMMITTER_DATE", "@1700000000 +0000")
        .env("LC_ALL", "C");
    git
}
