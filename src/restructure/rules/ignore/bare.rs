//! Directories that a build names by their bare name: `cp -r docs dist`, `add_subdirectory(tests)`, `include ':examples'`.

use crate::dockerfile::ast::Kind;
use crate::ecosystem::PROJECT_SCRIPTS;
use crate::restructure::git::asked::run_texts;
use crate::restructure::installs::StageView;
use crate::restructure::layout::{places, reachable};
use crate::restructure::mentions::holds;
use crate::restructure::view::View;
use crate::shell;
use crate::tree::RepoPath;
use serde_json::Value;
use std::collections::BTreeSet;

/// Files at the root of a project of which the whole is read wherever they are, and in which a bare name is a directory.
const READ_WHOLE: [&str; 11] = [
    "CMakeLists.txt",
    "MANIFEST.in",
    "Makefile.am",
    "build.gradle",
    "build.gradle.kts",
    "configure.ac",
    "lerna.json",
    "meson.build",
    "pnpm-workspace.yaml",
    "settings.gradle",
    "settings.gradle.kts",
];

/// Files of which a part is read, whichever is asked for.
const READ_IN_PARTS: [&str; 6] = [
    "GNUmakefile",
    "Justfile",
    "Makefile",
    "Taskfile.yml",
    "justfile",
    "makefile",
];

/// Programs whose first words say what they are to do: a bare name there is no directory.
const BY_VERBS: [&str; 22] = [
    "bun", "bundle", "cargo", "composer", "deno", "dotnet", "go", "gradle", "gradlew", "just",
    "make", "mix", "mvn", "mvnw", "npm", "npx", "pip", "pnpm", "rake", "task", "uv", "yarn",
];

/// What a build says of directories by their bare names.
pub(super) struct Bare {
    /// The words of commands that RUNs run, themselves or behind a `make` or a script of a manifest.
    words: Vec<String>,
    /// The texts of the files of [`READ_WHOLE`], without their comments.
    whole: Vec<String>,
    /// The same of [`READ_IN_PARTS`], with their paths.
    parts: Vec<(RepoPath, String)>,
    /// pom.xml, in which a directory stands between tags.
    poms: Vec<String>,
}

/// Who names a directory.
pub(super) enum Named {
    No,
    /// A command or a file that is read whole.
    Surely,
    /// A file of which it is not known whether that part is read.
    Perhaps(RepoPath),
}

impl Bare {
    pub(super) fn of(view: &View<'_>) -> Self {
        let all = places(view.dockerfile);
        let mut words = Vec::new();
        for stage in reachable(view.dockerfile, view.target) {
            let of = StageView::new(view, &all, stage);
            for (run, instruction) in of.stage.instructions.iter().enumerate() {
                if matches!(instruction.kind, Kind::Run(_)) {
                    let commands = of.commands_behind(run).into_iter();
                    words.extend(commands.flat_map(places_in));
                }
            }
        }
        words.extend(of_scripts(view));
        let at_root = |name: &str| {
            let path = RepoPath::new(name);
            view.read_text(&path).map(|text| (path, said(&text)))
        };
        let whole = READ_WHOLE.iter().filter_map(|name| at_root(name));
        let mut whole: Vec<String> = whole.map(|(_, text)| text).collect();
        whole.extend(at_root("setup.cfg").map(|(_, text)| of_setuptools(&text)));
        Self {
            words,
            whole,
            parts: READ_IN_PARTS
                .iter()
                .filter_map(|name| at_root(name))
                .collect(),
            poms: at_root("pom.xml")
                .into_iter()
                .map(|(_, text)| text)
                .collect(),
        }
    }

    /// Who names the top-level directory `name`; what stands in a folder, and files, are named whole.
    pub(super) fn names(&self, view: &View<'_>, name: &str) -> Named {
        if name.contains('/') || view.has_file(&RepoPath::new(name)) {
            return Named::No;
        }
        let is_it = |word: &String| {
            let word = word.strip_prefix("./").unwrap_or(word);
            let word = word.trim_end_matches(['/', '*']);
            word == name || word.ends_with(&format!("/{name}"))
        };
        // `<directory>docs</directory>`, `${project.basedir}/docs`; not the end of an address.
        let is_in_pom = |text: &String| {
            let starts = [">", ">./", "}/"];
            let mut ways = starts
                .iter()
                .flat_map(|s| [format!("{s}{name}<"), format!("{s}{name}/")]);
            ways.any(|way| text.contains(&way))
        };
        if self.words.iter().any(is_it)
            || self
                .whole
                .iter()
                .any(|t| holds(t.as_bytes(), name.as_bytes()))
            || self.poms.iter().any(is_in_pom)
        {
            return Named::Surely;
        }
        let part = self.parts.iter().find(|(_, text)| {
            // The name of a target is none of a directory.
            let is_target = |line: &str| {
                let is_of_make = !line.starts_with([' ', '\t']);
                is_of_make && line.contains(':') && !line.contains('=')
            };
            let mut lines = text.lines().filter(|line| !is_target(line));
            lines.any(|line| holds(line.as_bytes(), name.as_bytes()))
        });
        match part {
            Some((path, _)) => Named::Perhaps(path.clone()),
            None => Named::No,
        }
    }
}

/// The words of a command that may be places.
fn places_in(words: Vec<String>) -> Vec<String> {
    let program = words.first().map_or("", String::as_str);
    let program = program.rsplit('/').next().unwrap_or_default();
    let has_verbs = BY_VERBS.contains(&program);
    let is_place = |(n, word): &(usize, String)| {
        let is_value = *n > 0 && words[*n - 1].starts_with('-');
        *n > 0 && (!has_verbs || is_value || word.contains('/'))
    };
    let all = words.iter().cloned().enumerate().filter(is_place);
    all.map(|(_, word)| word).collect()
}

/// The words of the scripts of package.json that RUNs name, or that scripts which run name, that may be places.
fn of_scripts(view: &View<'_>) -> Vec<String> {
    let text = view.read_text(&RepoPath::new("package.json"));
    let manifest = text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let scripts = manifest
        .as_ref()
        .and_then(|m| m.get("scripts")?.as_object());
    let scripts = scripts.into_iter().flatten();
    let scripts: Vec<(&str, &str)> = scripts
        .filter_map(|(name, script)| Some((name.as_str(), script.as_str()?)))
        .collect();
    let mut open: Vec<String> = run_texts(view).collect();
    let mut closed: BTreeSet<&str> = BTreeSet::new();
    let mut words = Vec::new();
    while let Some(text) = open.pop() {
        for (name, script) in &scripts {
            // What runs before and after it has its name.
            let bare = name.strip_prefix("pre").or(name.strip_prefix("post"));
            let is_called = [Some(*name), bare].into_iter().flatten().any(|name| {
                PROJECT_SCRIPTS.contains(&name) || holds(text.as_bytes(), name.as_bytes())
            });
            if is_called && closed.insert(name) {
                let commands = shell::parse(script).seen().into_iter();
                words.extend(commands.flat_map(|seen| places_in(seen.words)));
                open.push((*script).to_owned());
            }
        }
    }
    words
}

/// What setup.cfg says to setuptools: the rest is for linters and tests.
fn of_setuptools(text: &str) -> String {
    let mut is_own = false;
    let mut kept = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            let own = ["[options", "[files", "[metadata"];
            is_own = own.iter().any(|o| line.starts_with(o));
        } else if is_own && !line.trim_start().starts_with("exclude") {
            kept.push(line);
        }
    }
    kept.join("\n")
}

/// A text without the lines that are comments.
fn said(text: &str) -> String {
    let is_comment = |line: &&str| {
        let line = line.trim_start();
        ["#", "//", ";", "dnl "].iter().any(|c| line.starts_with(c))
    };
    let lines: Vec<&str> = text.lines().filter(|l| !is_comment(l)).collect();
    lines.join("\n")
}
