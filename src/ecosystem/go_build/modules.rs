//! Which directory an import path of the project means: by go.mod, `replace`, go.work, or below GOPATH.

use super::super::go::{ancestors, directives, module_above, work_above};
use super::super::needs::within;
use super::super::{Call, Files};
use super::reads::Reads;
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// So many modules are looked at.
const MOST_MODULES: usize = 200;

/// Where the packages of the project are.
pub(super) struct Modules {
    /// Directories by import path: of modules in the project, or the one that stands below GOPATH.
    roots: BTreeMap<String, RepoPath>,
    /// The modules' own files, and what is vendored.
    pub(super) reads: Reads,
    is_gopath: bool,
}

/// Where an import leads.
pub(super) enum Lead {
    /// To a package of the project.
    Here(RepoPath),
    /// To the standard library or a dependency.
    Elsewhere,
    /// To a package of the project that is not in the tree.
    Missing,
}

impl Modules {
    /// Those that a command in `dir` builds in. `flags` are the command's own and those of GOFLAGS.
    pub(super) fn of(call: &Call<'_>, dir: &RepoPath, flags: &[String]) -> Result<Self, String> {
        let files = &call.files;
        let work = work_above(call, dir);
        let main = module_above(files, dir);
        if call.env.get("GO111MODULE").is_some_and(|v| v == "off")
            || main.is_none() && work.is_none()
        {
            return Self::below_gopath(call, dir);
        }
        let mut modules = Self {
            roots: BTreeMap::new(),
            reads: Reads::default(),
            is_gopath: false,
        };
        let mut mains: Vec<RepoPath> = Vec::new();
        if let Some(work) = &work {
            let base = work.parent().unwrap_or_else(RepoPath::root);
            let text = files.text(work).ok_or("go.work cannot be read")?;
            modules.reads.files.insert(work.clone());
            modules.reads.files.insert(base.join(b"go.work.sum"));
            for used in directives(&text, "use") {
                let used = used.split_whitespace().next().unwrap_or_default();
                let at = within(&base, unquoted(used));
                mains.push(at.ok_or("go.work uses a module outside of the context")?);
            }
            modules.replaced(files, &base, &text)?;
            modules.vendored(files, &base, flags)?;
        }
        // Outside of the workspace's own modules a module is built by itself, if at all.
        let main = main.filter(|m| !mains.contains(m));
        mains.extend(main);
        for dir in mains {
            modules.main(files, &dir, flags)?;
        }
        if modules.roots.len() > MOST_MODULES {
            return Err("there are too many modules".to_owned());
        }
        Ok(modules)
    }

    /// A module that is built itself.
    fn main(&mut self, files: &Files<'_>, dir: &RepoPath, flags: &[String]) -> Result<(), String> {
        let text = self.add(files, dir, None)?;
        self.replaced(files, dir, &text)?;
        self.vendored(files, dir, flags)
    }

    /// Takes a module in under its own path, or under the one that it stands for; the text of its go.mod.
    fn add(
        &mut self,
        files: &Files<'_>,
        dir: &RepoPath,
        stands_for: Option<&str>,
    ) -> Result<String, String> {
        let path = dir.join(b"go.mod");
        let text = files
            .text(&path)
            .ok_or(format!("{path} is not in the context, or cannot be read"))?;
        let own = directives(&text, "module");
        let own = own.first().map(|path| unquoted(path).to_owned());
        let name = stands_for.map(str::to_owned).or(own);
        let name = name.ok_or(format!("{path} names no module"))?;
        self.roots.insert(name, dir.clone());
        self.reads.files.insert(path);
        self.reads.files.insert(dir.join(b"go.sum"));
        Ok(text)
    }

    /// Directories that `replace` puts in place of modules.
    fn replaced(&mut self, files: &Files<'_>, base: &RepoPath, text: &str) -> Result<(), String> {
        for line in directives(text, "replace") {
            let Some((old, new)) = line.split_once("=>") else {
                continue;
            };
            let word = |text: &str| text.split_whitespace().next().map(unquoted_owned);
            let (Some(old), Some(new)) = (word(old), word(new)) else {
                continue;
            };
            if new.starts_with('.') || new.starts_with('/') {
                let dir = within(base, &new);
                let dir = dir.ok_or(format!(
                    "a module is replaced by {new}, outside the context"
                ))?;
                self.add(files, &dir, Some(&old))?;
            }
        }
        Ok(())
    }

    /// The dependencies beside go.mod or go.work, where the build takes them from there.
    fn vendored(
        &mut self,
        files: &Files<'_>,
        dir: &RepoPath,
        flags: &[String],
    ) -> Result<(), String> {
        let is_passed_over = flags
            .iter()
            .any(|f| f == "-mod=mod" || f == "-mod=readonly");
        let vendor = dir.join(b"vendor");
        let is_there = files.has(&vendor.join(b"modules.txt"));
        if is_there && !is_passed_over {
            self.reads.trees.insert(vendor);
        } else if !is_there && flags.iter().any(|f| f == "-mod=vendor") {
            // Made outside of git, before the build.
            return Err(format!("it builds with {vendor}, which is not in git"));
        }
        Ok(())
    }

    /// Without modules: what stands below `src` of a GOPATH has its path from there.
    fn below_gopath(call: &Call<'_>, dir: &RepoPath) -> Result<Self, String> {
        let no = || "there is no go.mod where it runs, nor a GOPATH".to_owned();
        let root = call.root.trim_end_matches('/');
        let here = format!("{root}/{dir}");
        let (above, below) = here.split_once("/src/").ok_or_else(no)?;
        if call.env.get("GO111MODULE").is_some_and(|v| v == "on") {
            return Err("there is no go.mod where it runs".to_owned());
        }
        let own_root = format!("{root}/");
        let mut reads = Reads::default();
        // The root of the project, or the directory itself where the tree begins above `src`.
        let (name, at) = match own_root.strip_prefix(&format!("{above}/src/")) {
            Some(path) => (path.trim_end_matches('/').to_owned(), RepoPath::root()),
            None => (below.trim_end_matches('/').to_owned(), dir.clone()),
        };
        if name.is_empty() {
            return Err(no());
        }
        for above in ancestors(dir) {
            let vendor = above.join(b"vendor");
            if call.files.has_dir(&vendor) {
                reads.trees.insert(vendor);
            }
        }
        Ok(Self {
            roots: BTreeMap::from([(name, at)]),
            reads,
            is_gopath: true,
        })
    }

    /// Where `import` in a file of the package in `dir` leads.
    pub(super) fn lead(&self, files: &Files<'_>, dir: &RepoPath, import: &str) -> Lead {
        if import.starts_with("./") || import.starts_with("../") {
            return match within(dir, import) {
                Some(at) if self.is_gopath => Lead::Here(at),
                _ => Lead::Missing,
            };
        }
        let below = |name: &str| {
            let rest = import.strip_prefix(name)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/'))
        };
        let found = self.roots.iter().filter_map(|(name, at)| {
            let rest = below(name)?;
            Some((name.len(), at, at.join(rest.as_bytes())))
        });
        let Some((_, root, at)) = found.max_by_key(|(len, ..)| *len) else {
            return Lead::Elsewhere;
        };
        if self.is_other_module(files, root, &at) {
            return Lead::Elsewhere;
        }
        match files.has_dir(&at) || at.is_root() {
            true => Lead::Here(at),
            false => Lead::Missing,
        }
    }

    /// Whether a go.mod between a module's root and `at` makes it part of a module that is not built here.
    pub(super) fn is_other_module(
        &self,
        files: &Files<'_>,
        root: &RepoPath,
        at: &RepoPath,
    ) -> bool {
        !self.is_gopath
            && ancestors(at)
                .into_iter()
                .take_while(|d| d != root)
                .any(|d| !self.is_root(&d) && files.has(&d.join(b"go.mod")))
    }

    /// Whether a module that is built here begins at `dir`.
    pub(super) fn is_root(&self, dir: &RepoPath) -> bool {
        self.roots.values().any(|d| d == dir)
    }
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '`'])
}

fn unquoted_owned(text: &str) -> String {
    unquoted(text).to_owned()
}
