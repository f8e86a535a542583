//! Recorded cases: small histories with what real builders did at each build, and their way into the replay.
//!
//! The format is described in `fixtures/recorded/README.md`. No git is needed: a file's identity is a number for its bytes.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stratigraph::builder::Builder;
use stratigraph::history::{BuildInput, Change, Commit, Request};
use stratigraph::replay::{CacheExport, Replay, RunOutputs, Runner, Settings};
use stratigraph::tree::{FileKind, FileStamp, ObjectId, RepoPath};

/// A history and what builders did with it.
#[derive(Deserialize)]
pub struct Case {
    pub name: String,
    pub dockerfile: String,
    pub context: String,
    pub runner: String,
    pub cache: Option<Cache>,
    pub outputs: String,
    pub git_dir_in_context: bool,
    pub builds: Vec<Commitish>,
    /// By builder: what the program itself printed.
    #[serde(default)]
    pub recorded: BTreeMap<String, Recording>,
    /// By builder: what follows from the rules where no program at hand could be asked.
    #[serde(default)]
    pub derived: BTreeMap<String, Derivation>,
}

#[derive(Deserialize)]
pub struct Cache {
    pub mode: String,
}

/// What one commit does to the tree, and what its build is asked for.
#[derive(Deserialize)]
pub struct Commitish {
    #[serde(default)]
    pub write: BTreeMap<String, String>,
    #[serde(default)]
    pub delete: Vec<String>,
    #[serde(default)]
    pub symlink: BTreeMap<String, String>,
    #[serde(default)]
    pub chmod: BTreeMap<String, String>,
    #[serde(default)]
    pub gitlink: BTreeMap<String, String>,
    #[serde(default)]
    pub build_args: BTreeMap<String, String>,
    pub target: Option<String>,
    pub time: Option<i64>,
}

/// What one program printed, build by build.
#[derive(Deserialize)]
pub struct Recording {
    pub builds: Vec<RealBuild>,
}

/// An expectation written by hand, with the rules it follows from.
#[derive(Deserialize)]
pub struct Derivation {
    pub rules: Vec<String>,
    pub builds: Vec<RealBuild>,
}

#[derive(Deserialize, Clone)]
pub struct RealBuild {
    pub ok: bool,
    #[serde(default)]
    pub steps: Vec<RealStep>,
}

#[derive(Deserialize, Clone)]
pub struct RealStep {
    pub stage: Option<String>,
    pub index: usize,
    pub text: String,
    pub cached: bool,
}

/// The cases of a folder, by name; empty where there is no such folder.
pub fn cases(folder: &Path) -> Vec<Case> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "json"));
    paths.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read(path).unwrap();
        serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    paths.iter().map(read).collect()
}

/// A folder of the repository's own fixtures.
pub fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(folder)
}

/// A folder of the cases that lie outside the repository; `None`, said on standard error, where they are absent.
pub fn outside(folder: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = here
        .ancestors()
        .skip(1)
        .take(2)
        .map(|d| d.join("shared/conformance").join(folder))
        .find(|d| d.is_dir());
    if found.is_none() {
        eprintln!("NOT RUN: ../shared/conformance/{folder} is not here");
    }
    found
}

impl Case {
    /// The case's settings for one builder.
    pub fn settings(&self, builder: Builder) -> Settings {
        Settings {
            dockerfile: self.dockerfile.clone(),
            context: if self.context == "." {
                String::new()
            } else {
                self.context.clone()
            },
            builder,
            git_dir: self.git_dir_in_context,
            run_outputs: match self.outputs.as_str() {
                "nonce" => RunOutputs::Changing,
                "stable" => RunOutputs::Stable,
                other => panic!("{}: outputs {other}", self.name),
            },
            runner: match self.runner.as_str() {
                "persistent" => Runner::Persistent,
                "ephemeral" => Runner::Ephemeral,
                other => panic!("{}: runner {other}", self.name),
            },
            cache_export: match self.cache.as_ref().map(|c| c.mode.as_str()) {
                None => CacheExport::None,
                Some("inline") => CacheExport::Inline,
                Some("min") => CacheExport::Min,
                Some("max") => CacheExport::Max,
                Some(other) => panic!("{}: cache mode {other}", self.name),
            },
            ..Settings::default()
        }
    }

    /// The builds as the replay takes them.
    pub fn inputs(&self, settings: &Settings) -> Vec<BuildInput> {
        let watched = Replay::watched(settings);
        let context = RepoPath::new(&settings.context);
        let mut tree = Tree::default();
        let input = |(i, build): (usize, &Commitish)| {
            let before = tree.files.clone();
            tree.apply(build);
            tree.input(i, build, &before, &watched, &context)
        };
        self.builds.iter().enumerate().map(input).collect()
    }
}

/// The files of one commit, by path from the repository's root.
#[derive(Default)]
struct Tree {
    files: BTreeMap<RepoPath, File>,
    ids: BTreeMap<Vec<u8>, ObjectId>,
}

#[derive(Clone, PartialEq)]
struct File {
    stamp: FileStamp,
    bytes: Arc<[u8]>,
}

impl Tree {
    /// One commit's changes, in the order in which `check.py` lays them down.
    fn apply(&mut self, build: &Commitish) {
        for path in &build.delete {
            self.files.remove(&RepoPath::new(path));
        }
        for (path, text) in &build.write {
            let kind = self
                .files
                .get(&RepoPath::new(path))
                .map_or(FileKind::Regular, |f| f.stamp.kind);
            self.put(path, kind, text.as_bytes());
        }
        for (path, target) in &build.symlink {
            self.put(path, FileKind::Symlink, target.as_bytes());
        }
        for (path, mode) in &build.chmod {
            let kind = match mode.as_str() {
                "755" => FileKind::Executable,
                "644" => FileKind::Regular,
                other => panic!("mode {other}"),
            };
            let bytes = self.files[&RepoPath::new(path)].bytes.clone();
            self.put(path, kind, &bytes);
        }
        for (path, id) in &build.gitlink {
            let raw: Vec<u8> = (0..id.len() / 2)
                .map(|i| u8::from_str_radix(&id[2 * i..2 * i + 2], 16).unwrap())
                .collect();
            let stamp = FileStamp {
                kind: FileKind::Submodule,
                id: ObjectId::from_bytes(&raw).unwrap(),
            };
            self.files.insert(
                RepoPath::new(path),
                File {
                    stamp,
                    bytes: Arc::from(&b""[..]),
                },
            );
        }
    }

    fn put(&mut self, path: &str, kind: FileKind, bytes: &[u8]) {
        let fresh = number(1 + self.ids.len());
        let id = *self.ids.entry(bytes.to_vec()).or_insert(fresh);
        self.files.insert(
            RepoPath::new(path),
            File {
                stamp: FileStamp { kind, id },
                bytes: bytes.into(),
            },
        );
    }

    fn input(
        &self,
        i: usize,
        build: &Commitish,
        before: &BTreeMap<RepoPath, File>,
        watched: &[RepoPath],
        context: &RepoPath,
    ) -> BuildInput {
        let paths: std::collections::BTreeSet<&RepoPath> =
            before.keys().chain(self.files.keys()).collect();
        let mut changes = Vec::new();
        let mut link_targets = Vec::new();
        for path in paths {
            let Some(below) = path.strip_prefix(context) else {
                continue;
            };
            let (old, new) = (before.get(path), self.files.get(path));
            if old.map(|f| f.stamp) == new.map(|f| f.stamp) {
                continue;
            }
            if let Some(link) = new.filter(|f| f.stamp.kind == FileKind::Symlink) {
                link_targets.push((changes.len(), link.bytes.clone()));
            }
            changes.push(Change {
                path: below,
                old: old.map(|f| f.stamp),
                new: new.map(|f| f.stamp),
            });
        }
        BuildInput {
            commit: Commit {
                id: number(i + 1),
                parent: (i > 0).then(|| number(i)),
                time: build.time.unwrap_or(1_700_000_000 + 3600 * i as i64),
                subject: "build".to_owned(),
                author: "Test".to_owned(),
            },
            request: Request {
                build_args: build
                    .build_args
                    .iter()
                    .map(|(k, v)| (k.clone(), Some(v.clone())))
                    .collect(),
                target: build.target.clone(),
                ..Request::default()
            },
            watched: watched.iter().map(|p| Ok(self.text(p))).collect(),
            changes,
            link_targets,
        }
    }

    /// A file's bytes, symlinks followed.
    fn text(&self, path: &RepoPath) -> Option<Arc<[u8]>> {
        let mut path = path.clone();
        for _ in 0..40 {
            let file = self.files.get(&path)?;
            if file.stamp.kind != FileKind::Symlink {
                return Some(file.bytes.clone());
            }
            path = path.parent().unwrap_or(RepoPath::root()).join(&file.bytes);
        }
        None
    }
}

/// An object id that stands for a number.
fn number(n: usize) -> ObjectId {
    let mut raw = [0; 20];
    raw[12..].copy_from_slice(&(n as u64).to_be_bytes());
    ObjectId::from_bytes(&raw).unwrap()
}
