//! The commands of a front-end's build, and what package.json makes of them.

use super::super::lifecycle::{HARMLESS, PROJECT_SCRIPTS};
use super::super::make;
use super::super::{Call, Reads, behind, is_global};
use super::tools::{is_of_files, taken_by};
use super::walk::Walk;
use crate::ecosystem::needs::within;
use crate::shell::{self, Command};
use crate::tree::RepoPath;
use serde_json::Value;
use std::collections::BTreeSet;

/// How deep scripts that run scripts are followed.
const DEEPEST: usize = 8;
/// Commands that are followed for one.
const MOST: usize = 200;
/// Words that stand before the program that they run.
const LEADS: &[&str] = &[
    "bunx",
    "cross-env",
    "cross-env-shell",
    "dotenv",
    "env-cmd",
    "exec",
    "npx",
    "pnpx",
    "time",
];
/// Options of Node.js that name no file (nodejs.org, "Command-line API").
const NODE_OPTIONS: &[&str] = &[
    "--max-old-space-size",
    "--max_old_space_size",
    "--max-http-header-size",
    "--no-warnings",
    "--openssl-legacy-provider",
    "--stack-size",
    "--trace-deprecation",
    "--trace-warnings",
];
/// Compilers that take every source below the directory of settings that name none.
const TAKE_ALL: &[&str] = &[
    "\"@rollup/plugin-typescript\"",
    "\"awesome-typescript-loader\"",
    "\"fork-ts-checker-webpack-plugin\"",
    "\"gulp-typescript\"",
    "\"rollup-plugin-typescript2\"",
    "\"ts-loader\"",
    "tsc",
];

/// What a command reads of the project if it is a part of building a front-end; `None` where it is another one. `git` says
/// whether the checkout's `.git` is there to be asked.
pub(in crate::ecosystem) fn reads(call: &Call<'_>, git: bool) -> Option<Result<Reads, String>> {
    let is_script = call.program() == "make" && runs_packages(call);
    let is_manager = matches!(call.program(), "bun" | "npm" | "pnpm" | "yarn");
    let is_tool = matches!(call.program(), "bunx" | "gulp" | "npx" | "pnpx" | "webpack");
    if is_manager && is_global(call.args()) {
        return Some(Ok(Reads::default()));
    }
    (is_script || is_manager || is_tool).then(|| of_project(call, git))
}

/// Whether a call of make runs a package manager of a front-end.
fn runs_packages(call: &Call<'_>) -> bool {
    let is_one = |words: &Vec<String>| {
        let program = words.first().map(String::as_str);
        matches!(program, Some("npm" | "pnpm" | "yarn"))
    };
    behind(call).iter().any(is_one)
}

fn of_project(call: &Call<'_>, git: bool) -> Result<Reads, String> {
    let path = call.dir.join(b"package.json");
    let manifest = call.files.json(&path);
    let manifest = manifest.ok_or_else(|| format!("{path} is not there to be read"))?;
    let above = [
        "lerna.json",
        "nx.json",
        "pnpm-workspace.yaml",
        "rush.json",
        "turbo.json",
    ];
    let is_workspace = manifest.get("workspaces").is_some()
        || above
            .iter()
            .any(|name| call.files.has(&call.dir.join(name.as_bytes())));
    if is_workspace {
        return Err("a workspace may read all of its members".to_owned());
    }
    let mut build = Build {
        walk: Walk::new(call.files, call.dir.clone(), git),
        manifest: &manifest,
        call,
        git,
        n_commands: 0,
        run: BTreeSet::new(),
        builds: false,
        compiles: false,
    };
    build.command(call.words, call.dir, 0)?;
    build.settings_of_manifest()?;
    if build.builds {
        build.walk.follow()?;
        build.named_sources()?;
    }
    let mut reads = build.walk.reads;
    reads.named_by.insert(path);
    Ok(reads)
}

/// A build that is followed.
struct Build<'a> {
    walk: Walk<'a>,
    manifest: &'a Value,
    call: &'a Call<'a>,
    git: bool,
    n_commands: usize,
    /// Scripts of package.json that were followed.
    run: BTreeSet<String>,
    /// Whether a tool is run that goes by settings.
    builds: bool,
    /// Whether TypeScript's own compiler is run.
    compiles: bool,
}

impl Build<'_> {
    fn command(&mut self, words: &[String], dir: &RepoPath, depth: usize) -> Result<(), String> {
        self.n_commands += 1;
        if depth > DEEPEST || self.n_commands > MOST {
            return Err("its scripts lead too far".to_owned());
        }
        let words = without_leads(words);
        let Some((first, args)) = words.split_first() else {
            return Ok(());
        };
        let program = first.rsplit('/').next().unwrap_or(first);
        match program {
            "cd" => Ok(()),
            "npm" | "pnpm" | "yarn" | "bun" => self.manager(program, args, dir, depth),
            "npm-run-all" | "run-p" | "run-s" => {
                let names = args.iter().filter(|a| !a.starts_with('-'));
                names.clone().try_for_each(|name| self.scripts(name, depth))
            }
            "concurrently" => {
                let texts = args.iter().filter(|a| !a.starts_with('-'));
                texts
                    .clone()
                    .try_for_each(|text| match text.strip_prefix("npm:") {
                        Some(name) => self.scripts(name, depth),
                        None => self.text(text, dir, depth),
                    })
            }
            "make" => self.make(words, dir, depth),
            "git" if !self.git => Ok(()),
            "node" | "nodejs" => self.node(words, dir),
            _ => self.tool(program, args, dir),
        }
    }

    /// A script that Node.js runs, or a program of a package.
    fn node(&mut self, words: &[String], dir: &RepoPath) -> Result<(), String> {
        let known = |a: &&String| NODE_OPTIONS.iter().any(|o| a.starts_with(o));
        let n = words.iter().skip(1).take_while(known).count();
        let rest = &words[n + 1..];
        let of_package = rest
            .first()
            .and_then(|w| w.split_once("node_modules/.bin/"));
        if let Some((before, program)) = of_package {
            return match before {
                "" | "./" => self.tool(program, &rest[1..], dir),
                _ => Err(format!("`{}` is a program of elsewhere", words.join(" "))),
            };
        }
        let script = rest.first().filter(|a| !a.starts_with('-'));
        let script = script.and_then(|s| within(dir, s));
        let script = script.filter(|p| self.walk.files.has(p));
        let script = script.ok_or_else(|| format!("`{}` may read any file", words.join(" ")))?;
        self.builds = true;
        self.walk.script(&script);
        rest.iter().try_for_each(|word| self.walk.word(word, dir))
    }

    fn make(&mut self, words: &[String], dir: &RepoPath, depth: usize) -> Result<(), String> {
        let call = Call {
            words,
            dir,
            ..*self.call
        };
        let goal = make::goal(&call).ok_or("what make runs is not known")?;
        if goal.has_includes || goal.commands.is_empty() {
            return Err("what make runs is not known".to_owned());
        }
        // What git says of the checkout may be put into the commands.
        if !goal.asking.is_empty() && goal.commands.iter().any(|made| !made.is_plain) {
            return Err("the Makefile asks the shell for what it runs".to_owned());
        }
        self.walk.reads.files.insert(goal.makefile);
        for path in &goal.prerequisites {
            self.walk.take(path);
        }
        let all = goal.commands.iter().map(|made| &made.seen);
        all.clone().try_for_each(|seen| {
            let here = seen.directory.as_deref().and_then(|d| within(&goal.dir, d));
            let here = here.ok_or("make works elsewhere")?;
            self.command(&seen.words, &here, depth + 1)
        })
    }

    fn tool(&mut self, program: &str, args: &[String], dir: &RepoPath) -> Result<(), String> {
        if HARMLESS.contains(&program) {
            return Ok(());
        }
        let taken = taken_by(program).ok_or_else(|| format!("`{program}` may read any file"))?;
        self.builds |= !is_of_files(program);
        self.compiles |= matches!(program, "tsc" | "vue-tsc");
        for name in taken {
            self.walk.word(name, &self.call.dir.clone())?;
        }
        let is_plain = |word: &&String| !matches!(program, "echo" | "printf") && !word.is_empty();
        args.iter()
            .filter(is_plain)
            .try_for_each(|word| self.walk.word(word, dir))?;
        args.iter()
            .enumerate()
            .filter_map(|(n, word)| given_settings(word, args.get(n + 1)))
            .try_for_each(|name| self.walk.given_settings(name, dir))
    }

    fn manager(
        &mut self,
        program: &str,
        args: &[String],
        dir: &RepoPath,
        depth: usize,
    ) -> Result<(), String> {
        if is_global(args) {
            return Ok(());
        }
        let elsewhere = [
            "--prefix",
            "-C",
            "--cwd",
            "--dir",
            "--workspace",
            "-w",
            "--filter",
            "-r",
        ];
        if args.iter().any(|a| elsewhere.iter().any(|e| a == e)) || dir != self.call.dir {
            return Err(format!("{program} works elsewhere"));
        }
        let mut words = args.iter().filter(|a| !a.starts_with('-'));
        let verb = words.next().map_or("install", String::as_str);
        match verb {
            "audit" | "cache" | "config" | "dedupe" | "fetch" | "prune" | "set" | "version" => {
                Ok(())
            }
            "add" | "ci" | "clean-install" | "i" | "install" | "rebuild" => PROJECT_SCRIPTS
                .iter()
                .try_for_each(|name| self.script(name, depth)),
            "run" | "run-script" => match words.next() {
                Some(name) => self.script_of_all(name, depth),
                None => Ok(()),
            },
            "exec" | "dlx" => {
                let rest: Vec<String> = words.cloned().collect();
                self.command(&rest, dir, depth + 1)
            }
            name if self.has_script(name) => self.script_of_all(name, depth),
            _ if program != "npm" => {
                let rest: Vec<String> = args.to_vec();
                self.command(&rest, dir, depth + 1)
            }
            _ => Err(format!("`{program} {verb}` may read any file")),
        }
    }

    fn has_script(&self, name: &str) -> bool {
        self.manifest["scripts"][name].is_string()
    }

    /// A script with those that are run before and after it; one that is not there fails.
    fn script_of_all(&mut self, name: &str, depth: usize) -> Result<(), String> {
        if !self.has_script(name) {
            return Err(format!("package.json has no script {name}"));
        }
        let all = [format!("pre{name}"), name.to_owned(), format!("post{name}")];
        all.iter().try_for_each(|name| self.script(name, depth))
    }

    /// The scripts that a pattern stands for.
    fn scripts(&mut self, pattern: &str, depth: usize) -> Result<(), String> {
        let Some((start, _)) = pattern.split_once('*') else {
            return self.script_of_all(pattern, depth);
        };
        let names: Vec<String> = match &self.manifest["scripts"] {
            Value::Object(all) => all
                .keys()
                .filter(|k| k.starts_with(start))
                .cloned()
                .collect(),
            _ => Vec::new(),
        };
        names
            .iter()
            .try_for_each(|name| self.script_of_all(name, depth))
    }

    fn script(&mut self, name: &str, depth: usize) -> Result<(), String> {
        match self.manifest["scripts"][name].as_str() {
            Some(text) if self.run.insert(name.to_owned()) => {
                self.text(text, &self.call.dir.clone(), depth)
            }
            Some(_) => Ok(()),
            None => Ok(()),
        }
    }

    fn text(&mut self, text: &str, dir: &RepoPath, depth: usize) -> Result<(), String> {
        let script = shell::parse(text);
        if !script.is_complete {
            return Err(format!("`{text}` cannot be read"));
        }
        let mut inner: Vec<&Command> = script
            .commands
            .iter()
            .flat_map(|c| &c.substitutions)
            .collect();
        while let Some(command) = inner.pop() {
            let words: Vec<String> = command.words.iter().map(|w| w.text.clone()).collect();
            self.command(&words, dir, depth + 1)?;
            inner.extend(&command.substitutions);
        }
        for seen in script.seen() {
            let here = seen.directory.as_deref().and_then(|d| within(dir, d));
            let here = here.ok_or_else(|| format!("`{text}` works elsewhere"))?;
            self.command(&seen.words, &here, depth + 1)?;
        }
        for command in &script.commands {
            for redirection in &command.redirections {
                self.walk.word(&redirection.target, dir)?;
            }
        }
        Ok(())
    }

    /// What package.json holds for the tools, and packages that lie in the project.
    fn settings_of_manifest(&mut self) -> Result<(), String> {
        let of_tools = [
            "babel",
            "browser",
            "browserify",
            "entry",
            "main",
            "module",
            "postcss",
            "source",
            "targets",
            "vite",
        ];
        let mut open: Vec<&Value> = of_tools
            .iter()
            .filter_map(|k| self.manifest.get(k))
            .collect();
        for kind in ["dependencies", "devDependencies", "optionalDependencies"] {
            open.extend(self.manifest.get(kind));
        }
        while let Some(value) = open.pop() {
            match value {
                Value::Array(items) => open.extend(items),
                Value::Object(items) => open.extend(items.values()),
                Value::String(text) => {
                    let lies_here = ["file:", "link:", "portal:"];
                    let path = lies_here.iter().find_map(|l| text.strip_prefix(l));
                    let name = path.unwrap_or(text);
                    if path.is_some() || name.contains('/') {
                        self.walk.word(name, self.call.dir)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether what compiles TypeScript is told which sources to take.
    fn named_sources(&self) -> Result<(), String> {
        let files = self.walk.files;
        let package = files
            .text(&self.call.dir.join(b"package.json"))
            .unwrap_or_default();
        if package.contains("\"@tailwindcss/") {
            return Err("Tailwind CSS looks through all of the project".to_owned());
        }
        let takes = self.compiles || TAKE_ALL.iter().any(|t| *t != "tsc" && package.contains(t));
        let settings = files.text(&self.call.dir.join(b"tsconfig.json"));
        let names = |text: &String| text.contains("\"include\"") || text.contains("\"files\"");
        match takes && settings.is_none_or(|text| !names(&text)) {
            true => Err("tsconfig.json names no sources".to_owned()),
            false => Ok(()),
        }
    }
}

/// The settings that a word of a command names, or the word behind it.
fn given_settings<'w>(word: &'w str, next: Option<&'w String>) -> Option<&'w str> {
    const OPTIONS: [&str; 6] = [
        "--config",
        "-c",
        "--project",
        "-p",
        "--gulpfile",
        "--gruntfile",
    ];
    let given = match word.split_once('=') {
        Some((option, value)) => OPTIONS.contains(&option).then_some(value),
        None => next.filter(|_| OPTIONS.contains(&word)).map(String::as_str),
    };
    given.filter(|name| !name.is_empty() && !name.starts_with('-'))
}

/// The words from the program on.
fn without_leads(words: &[String]) -> &[String] {
    let is_lead = |w: &&String| {
        LEADS.contains(&w.as_str())
            || (w.contains('=') && !w.starts_with('-'))
            || matches!(w.as_str(), "--" | "-y" | "--yes" | "--no-install")
    };
    let n = words.iter().take_while(is_lead).count();
    &words[n..]
}
