//! Installs that find no manifest where they run, though a whole context stands there: it may be another one that is built
//! from.

use super::command::seen;
use super::effect::destination;
use super::layout::{Place, places, reachable};
use super::view::View;
use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::shell::Seen;
use crate::tree::RepoPath;

/// Commands that cannot go on without a file where they run: the program, its first words, the file. Of several files
/// one will do.
const NEEDED: [(&str, &[&str], &str); 18] = [
    ("bun", &["install", "i"], "package.json"),
    ("bundle", &["install"], "Gemfile"),
    ("cargo", &["build"], "Cargo.toml"),
    ("composer", &["install"], "composer.json"),
    ("go", &["mod"], "go.mod"),
    ("mix", &["deps.get"], "mix.exs"),
    ("mvn", &["package", "install", "verify"], "pom.xml"),
    ("npm", &["ci", "install", "i"], "package.json"),
    ("pip", &["install"], "pyproject.toml"),
    ("pip", &["install"], "setup.py"),
    ("pip3", &["install"], "pyproject.toml"),
    ("pip3", &["install"], "setup.py"),
    ("pipenv", &["install", "sync"], "Pipfile"),
    ("pnpm", &["install", "i"], "package.json"),
    ("poetry", &["install"], "pyproject.toml"),
    ("uv", &["sync"], "pyproject.toml"),
    ("yarn", &["install", ""], "package.json"),
    ("yarn", &["build"], "package.json"),
];

/// The first line of a RUN whose file the context lacks at its root, where all of it is copied to where the RUN stands, and
/// `folder` (of the context) holds; with what it runs, and the file.
pub fn install_without_manifest(
    view: &View<'_>,
    folder: &RepoPath,
) -> Option<(usize, String, &'static str)> {
    let all = places(view.dockerfile);
    let stages = reachable(view.dockerfile, view.target).into_iter();
    stages.into_iter().find_map(|stage| {
        let steps = &view.dockerfile.stages[stage].instructions;
        let whole = (0..steps.len()).find(|&i| takes_all(&steps[i]))?;
        let to = copied_to(&steps[whole], &all[stage][whole])?;
        let is_from_elsewhere = |s: &&Instruction| s.flag("from").is_some();
        let later = steps.iter().zip(&all[stage]).skip(whole + 1);
        // What another stage has made may be what is missing.
        let later = later.take_while(|(s, _)| !is_from_elsewhere(s));
        let here = later.filter(|(_, place)| place.cwd.as_deref() == Some(to.as_str()));
        here.into_iter().find_map(|(step, _)| {
            let file = lacking(view, folder, step)?;
            Some((step.lines.first, file.0, file.1))
        })
    })
}

fn takes_all(step: &Instruction) -> bool {
    let is_root = |s: &Source| matches!(s, Source::Path(p) if RepoPath::new(p).is_root());
    match &step.kind {
        Kind::Copy(t) | Kind::Add(t) => {
            step.flag("from").is_none() && t.sources.iter().all(is_root)
        }
        _ => false,
    }
}

fn copied_to(step: &Instruction, place: &Place) -> Option<String> {
    match &step.kind {
        Kind::Copy(t) | Kind::Add(t) => destination(t, place),
        _ => None,
    }
}

fn lacking(
    view: &View<'_>,
    folder: &RepoPath,
    step: &Instruction,
) -> Option<(String, &'static str)> {
    if !matches!(step.kind, Kind::Run(_)) {
        return None;
    }
    let commands = seen(step)?;
    let first = commands.first()?;
    // What runs before it may make the file.
    let is_needed = |s: &Seen| {
        let is_here = s.directory.as_deref() == Some("") && !s.conditional;
        NEEDED.iter().find(|(program, verbs, _)| {
            is_here && s.name() == *program && verbs.contains(&s.subcommand())
        })
    };
    let (program, verbs, _) = is_needed(first)?;
    let plain: Vec<&String> = first
        .args()
        .iter()
        .filter(|a| !a.starts_with('-'))
        .collect();
    // `npm install name` and `go mod init` ask for none.
    let is_bare = match *program {
        "go" => plain.get(1).is_some_and(|w| *w == "download"),
        "mvn" | "cargo" => true,
        "pip" | "pip3" => plain.iter().skip(1).map(|w| w.as_str()).eq(["."]),
        _ => plain.len() < 2,
    };
    is_bare.then_some(())?;
    let has_options = first.args().iter().any(|a| {
        a.starts_with("--cwd")
            || a.starts_with("--prefix")
            || a.starts_with("--dir")
            || matches!(
                a.as_str(),
                "-C" | "-g" | "-f" | "-r" | "--global" | "--manifest-path"
            )
    });
    let alike = NEEDED.iter().filter(|n| (n.0, n.1) == (*program, *verbs));
    let mut files = alike.map(|(.., file)| *file);
    if has_options || files.clone().any(|f| view.has_file(&RepoPath::new(f))) {
        return None;
    }
    let file = files.find(|f| view.has_file(&folder.join(f.as_bytes())))?;
    let command = format!("{program} {}", first.subcommand());
    Some((command.trim().to_owned(), file))
}
