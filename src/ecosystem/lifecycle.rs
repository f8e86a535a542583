//! The lifecycle scripts of a package: what they read, as far as their words show it.

use super::files::Files;
use super::needs::{Needs, within};
use super::prisma;
use super::text;
use crate::shell::{self, Command};
use crate::tree::RepoPath;
use serde_json::Value;
use std::collections::BTreeSet;

/// Scripts of package.json that an install of packages runs, Yarn's from 2 on among them.
pub const INSTALL_SCRIPTS: &[&str] = &["preinstall", "install", "postinstall"];

/// Scripts that an install in the project itself runs (docs.npmjs.com/cli/using-npm/scripts).
pub const PROJECT_SCRIPTS: &[&str] = &[
    "preinstall",
    "install",
    "postinstall",
    "prepublish",
    "preprepare",
    "prepare",
    "postprepare",
];

/// Which lifecycle scripts an install in the project itself runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scripts {
    /// npm, pnpm, Bun and classic Yarn (docs.npmjs.com/cli/using-npm/scripts, "npm ci" and "npm install").
    All,
    /// Yarn 2 on: `prepare` is for packing alone (yarnpkg.com/advanced/lifecycle-scripts).
    OfInstall,
    /// It is told to run none.
    Off,
}

impl Scripts {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::All => PROJECT_SCRIPTS,
            Self::OfInstall => INSTALL_SCRIPTS,
            Self::Off => &[],
        }
    }
}

/// Programs of scripts that read nothing of the project (or nothing that changes an install's result).
pub const HARMLESS: &[&str] = &[
    "husky",
    "is-ci",
    "only-allow",
    "ngcc",
    "true",
    "echo",
    "exit",
    "simple-git-hooks",
    "opencollective",
    "opencollective-postinstall",
    "check-node-version",
    "npm-force-resolutions",
    "corepack",
    "skip-ci",
    "in-ci",
    "rimraf",
    "check-engine",
    "pnpm-deduplicate",
    "yarn-deduplicate",
    "playwright",
    "puppeteer",
    "cypress",
    "electron-builder",
    "node-gyp-build",
    "husky-init",
    // They look at the manifests of a workspace alone, which are all there.
    "sherif",
    "syncpack",
];

/// Programs of scripts that set hooks up and fail where there is no repository.
const OF_GIT: &[&str] = &["git", "lefthook"];

/// Words that stand before the command they run.
const LEADS: &[&str] = &[
    "npx",
    "cross-env",
    "env",
    "dotenv",
    "-y",
    "--yes",
    "--no",
    "--no-install",
    "exec",
    "dlx",
    "--",
];

/// Programs of scripts that read the source.
const BUILDERS: &[&str] = &[
    "tsc",
    "vite",
    "webpack",
    "rollup",
    "esbuild",
    "tsup",
    "nuxt",
    "nuxi",
    "next",
    "ng",
    "vue-cli-service",
    "react-scripts",
    "svelte-kit",
    "astro",
    "gatsby",
    "babel",
    "gulp",
    "grunt",
    "turbo",
    "nx",
    "lerna",
    "tsdown",
    "unbuild",
    "microbundle",
    "bob",
    "make",
    "cmake",
    "node-gyp",
    "cmake-js",
    "preconstruct",
    "parcel",
    "swc",
    "wxt",
    "quasar",
    "fumadocs-mdx",
];

/// What the lifecycle scripts read; `Err` when one needs the source.
pub(super) fn read(
    files: &Files<'_>,
    dir: &RepoPath,
    manifest: &Value,
    run: Scripts,
    needs: &mut Needs,
) -> Result<(), String> {
    let scripts = manifest.get("scripts").and_then(Value::as_object);
    let package = Package {
        files,
        dir,
        manifest,
    };
    // Each once, whoever calls it.
    let mut wanted: Vec<&str> = run.names().iter().rev().copied().collect();
    let mut known = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if let Some(text) = scripts.and_then(|s| s.get(name)?.as_str())
            && known.insert(name)
        {
            wanted.extend(package.script(name, text, needs)?);
        }
    }
    // node-gyp builds a package with binding.gyp at install.
    if run != Scripts::Off && files.has(&dir.join(b"binding.gyp")) {
        return Err("the install compiles the project's own addon (binding.gyp)".to_owned());
    }
    Ok(())
}

/// A package whose scripts run.
struct Package<'a> {
    files: &'a Files<'a>,
    dir: &'a RepoPath,
    manifest: &'a Value,
}

/// A script that runs.
struct Running<'a> {
    name: &'a str,
    text: &'a str,
    /// Whether it asks for `.git` before it does something.
    asks_for_git: bool,
}

impl<'a> Package<'a> {
    /// One script's text; gives the scripts it calls. What a chain or a branch does not run cannot read less.
    fn script(&self, name: &str, text: &str, needs: &mut Needs) -> Result<Vec<&'a str>, String> {
        let script = shell::parse(text);
        if !script.is_complete {
            needs.doubt(format!("the script {name} could not be read to its end"));
        }
        let mut words = script.commands.iter().flat_map(|c| &c.words);
        let running = Running {
            name,
            text,
            asks_for_git: words.any(|w| w.text == ".git"),
        };
        let mut called = Vec::new();
        let mut commands: Vec<&Command> = script.commands.iter().rev().collect();
        while let Some(command) = commands.pop() {
            commands.extend(command.substitutions.iter().rev());
            called.extend(self.command(&running, command, needs)?);
        }
        Ok(called)
    }

    fn command(
        &self,
        running: &Running<'_>,
        command: &Command,
        needs: &mut Needs,
    ) -> Result<Option<&'a str>, String> {
        let Running { name, text, .. } = running;
        let part = text.get(command.span.range()).unwrap_or_default();
        let words = command.words.iter().map(|w| w.text.as_str());
        let words: Vec<&str> = words
            .skip_while(|w| LEADS.contains(w) || w.contains('='))
            .collect();
        let words = match &words[..] {
            [
                "npm" | "pnpm" | "yarn" | "bun",
                "dlx" | "exec" | "x",
                rest @ ..,
            ] => rest.to_vec(),
            _ => words,
        };
        let Some(first) = words.first() else {
            return Ok(None);
        };
        let program = first.rsplit('/').next().unwrap_or(first);
        // `sherif@latest`
        let program = program.split('@').next().unwrap_or(program);
        // `|| true` behind it, or a condition before it.
        let may_fail = text.contains("||") || (command.conditional && running.asks_for_git);
        match program {
            _ if HARMLESS.contains(&program) => {}
            _ if OF_GIT.contains(&program) && may_fail => {}
            _ if OF_GIT.contains(&program) => needs.doubt(format!(
                "the install runs the script {name}, and `{part}` fails where there is no .git yet"
            )),
            "[" | "[[" | "test" if self.is_known_test(&words) => {}
            "patch-package" => self.patch_package(&words, needs),
            "prisma" if words.get(1) == Some(&"generate") => {
                self.prisma_generate(name, &words, needs)
            }
            // A line of JavaScript without modules reads no file.
            "node" | "bun"
                if matches!(words.get(1), Some(&("-e" | "--eval" | "-p" | "--print")))
                    && !["require", "import", "Bun."]
                        .iter()
                        .any(|w| part.contains(w)) => {}
            "node" | "sh" | "bash" | "tsx" | "ts-node" | "zx" => {
                local_script(self.files, self.dir, name, &words, needs)
            }
            "npm" | "yarn" | "pnpm" | "bun" if is_of_members(&words) => {
                return Err(format!(
                    "the install runs the script {name}, and `{part}` builds a member of the workspace"
                ));
            }
            "npm" | "yarn" | "pnpm" | "bun" | "run-s" | "run-p" => {
                return Ok(self.called(name, part, &words, needs));
            }
            _ if BUILDERS.contains(&program) => {
                return Err(format!(
                    "the install runs the script {name}, and `{part}` reads the source"
                ));
            }
            _ if within(self.dir, first).is_some_and(|p| self.files.has(&p)) => {
                let words = [&["sh"], &words[..]].concat();
                local_script(self.files, self.dir, name, &words, needs)
            }
            _ => needs.doubt(format!(
                "the install runs the script {name}, and what `{part}` reads is not known"
            )),
        }
        Ok(None)
    }

    /// Whether a test asks for nothing that the repository holds: a variable, or `.git`.
    fn is_known_test(&self, words: &[&str]) -> bool {
        let asks_files = words
            .iter()
            .any(|w| matches!(*w, "-d" | "-e" | "-f" | "-L" | "-r" | "-s" | "-w" | "-x"));
        !asks_files
            || words.iter().skip(1).all(|word| {
                within(self.dir, word)
                    .is_some_and(|path| !self.files.has(&path) && !self.files.has_dir(&path))
            })
    }

    fn patch_package(&self, words: &[&str], needs: &mut Needs) {
        let (files, dir) = (self.files, self.dir);
        needs.dir(files, &dir.join(b"patches"));
        if let Some(path) = value_of(words, "--patch-dir").and_then(|p| within(dir, p)) {
            needs.dir(files, &path);
        }
        needs.shown("patch-package applies patches/, which is copied with it".to_owned());
    }

    fn prisma_generate(&self, name: &str, words: &[&str], needs: &mut Needs) {
        let (files, dir) = (self.files, self.dir);
        let named = words.iter().find_map(|w| w.strip_prefix("--schema="));
        let given = named.or(value_of(words, "--schema"));
        let given = given.and_then(|p| within(dir, p));
        if !given.is_some_and(|p| needs.path(files, &p))
            && !prisma::schema(files, dir, self.manifest, needs)
        {
            needs.absent(format!(
                "the script {name} runs prisma generate, whose schema was not found"
            ));
        }
    }

    /// `npm run build` and the like: another script of the package.
    fn called(&self, name: &str, part: &str, words: &[&str], needs: &mut Needs) -> Option<&'a str> {
        let mut args = words[1..].iter().filter(|w| !w.starts_with('-'));
        let called = args.find(|w| **w != "run" && **w != "run-script").copied();
        let scripts = self.manifest.get("scripts").and_then(Value::as_object);
        let found = called.and_then(|c| scripts?.get_key_value(c));
        if found.is_none() && !matches!(called, Some("dedupe" | "config" | "rebuild")) {
            needs.doubt(format!(
                "the script {name} runs `{part}`, whose reads are not known"
            ));
        }
        found.map(|(name, _)| name.as_str())
    }
}

/// Whether a package manager is to run something in members of the workspace.
fn is_of_members(words: &[&str]) -> bool {
    let ways = [
        "--filter",
        "--recursive",
        "--workspace",
        "--workspaces",
        "-F",
        "-r",
        "-w",
        "-ws",
        "workspace",
        "workspaces",
    ];
    let is_way = |w: &&str| ways.contains(&w.split('=').next().unwrap_or(w));
    words[1..].iter().any(is_way)
}

/// The word after `option`.
fn value_of<'a>(words: &[&'a str], option: &str) -> Option<&'a str> {
    let at = words.iter().position(|w| *w == option)?;
    words.get(at + 1).copied()
}

/// A script file that an install runs, and what it loads by a relative path.
fn local_script(files: &Files<'_>, dir: &RepoPath, name: &str, words: &[&str], needs: &mut Needs) {
    let mut args = words[1..].iter().skip_while(|w| w.starts_with('-'));
    if words[1..]
        .iter()
        .any(|w| matches!(*w, "-e" | "-p" | "--eval" | "-c"))
    {
        // An inline program: harmless when it names no path.
        if words
            .iter()
            .any(|w| w.contains("require") || w.contains("./") || w.contains("readFile"))
        {
            needs.doubt(format!(
                "the script {name} runs an inline program that may read files"
            ));
        }
        return;
    }
    let Some(path) = args.next().and_then(|w| within(dir, w)) else {
        needs.doubt(format!("what the script {name} runs is not known"));
        return;
    };
    let mut wanted = vec![path];
    let mut n_seen = 0;
    while let Some(path) = wanted.pop() {
        n_seen += 1;
        let found = ["", ".js", ".mjs", ".cjs", ".ts", "/index.js"]
            .iter()
            .map(|e| RepoPath::new([path.as_bytes(), e.as_bytes()].concat()))
            .find(|p| files.has(p));
        let Some(found) = found else {
            needs.absent(format!(
                "the script {name} reads {path}, which was not found"
            ));
            continue;
        };
        if n_seen > 32 || !needs.files.insert(found.clone()) {
            continue;
        }
        needs.shown(format!(
            "{found}, which the script {name} runs, is copied with it"
        ));
        let Some(source) = files.text(&found) else {
            continue;
        };
        let base = found.parent().unwrap_or_else(RepoPath::root);
        for lead in ["require", "from", "import"] {
            let loaded = text::literals_after(&source, lead, &["//", "*"]);
            wanted.extend(
                loaded
                    .iter()
                    .filter(|l| l.starts_with('.'))
                    .filter_map(|l| within(&base, l)),
            );
        }
        let reads = [
            "readFile",
            "readdir",
            "copyFile",
            "cpSync",
            "createReadStream",
            "glob(",
            "exec(",
            "execSync",
            "spawn",
        ];
        if reads.iter().any(|r| source.contains(r)) {
            needs.doubt(format!(
                "{found}, which the script {name} runs, opens files or starts programs of its own"
            ));
        }
    }
}
