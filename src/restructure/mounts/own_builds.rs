//! What install scripts made of packages: pnpm's store keeps it beside the downloads and then does not run them again
//! (pnpm.io/settings, `sideEffectsCache`), so that what a script puts outside of its package is missing.

use super::super::command;
use super::super::installs::StageView;
use super::super::view::View;
use crate::dockerfile::ast::Instruction;
use crate::shell::Seen;
use crate::tree::RepoPath;

/// Packages whose script puts a browser into the user's home, with the variables by which it does not
/// (docs.cypress.io, "Install Cypress"; pptr.dev, "Configuration").
const OUTSIDE: [(&str, &[&str]); 2] = [
    ("cypress", &["CYPRESS_INSTALL_BINARY"]),
    (
        "puppeteer",
        &[
            "PUPPETEER_SKIP_CHROMIUM_DOWNLOAD",
            "PUPPETEER_SKIP_DOWNLOAD",
        ],
    ),
];

/// What is to be checked where pnpm installs such packages in the RUN at `run` out of a store that lasts; `None` where
/// one of `steps` runs what is then missing.
pub(in crate::restructure) fn doubts<'i>(
    of: &StageView<'_>,
    run: usize,
    steps: impl Iterator<Item = &'i Instruction>,
) -> Option<Vec<String>> {
    let commands: Vec<Seen> = steps.filter_map(command::seen).flatten().collect();
    let variables = of.places.get(run).map(|p| &p.variables);
    let is_told = |names: &[&str]| {
        variables.is_some_and(|set| names.iter().any(|name| set.contains_key(*name)))
    };
    let files = of.view.files.iter().map(|(path, _)| path);
    let locks = files.filter(|path| path.file_name() == Some(b"pnpm-lock.yaml"));
    let texts: Vec<String> = locks
        .filter(|lock| !is_off(of.view, lock))
        .filter_map(|lock| of.view.read_text(lock))
        .collect();
    let is_there = |name: &str| texts.iter().any(|text| names(text, name));
    let mut found = Vec::new();
    for (name, set) in OUTSIDE {
        let mut calls = commands.iter().filter(|seen| calls(seen, name)).peekable();
        let is_called = calls.peek().is_some();
        if is_told(set) || !is_there(name) || calls.any(fetches) {
            continue;
        }
        if is_called {
            return None;
        }
        found.push(format!(
            "pnpm does not run {name}'s install script again where the mount has the package: check that nothing needs the browser that it fetches, or set sideEffectsCache to false"
        ));
    }
    Some(found)
}

/// Whether a command runs the program of the package, by whatever launcher.
fn calls(seen: &Seen, name: &str) -> bool {
    let mut words = seen.words.iter();
    words.any(|w| w.rsplit('/').next() == Some(name))
}

/// Whether it fetches the browser itself: `cypress install`, `puppeteer browsers install`.
fn fetches(seen: &Seen) -> bool {
    seen.words.iter().any(|w| w == "install")
}

/// Whether the project of a lock file tells pnpm to keep nothing of what scripts make.
fn is_off(view: &View<'_>, lock: &RepoPath) -> bool {
    let dir = lock.parent().unwrap_or_else(RepoPath::root);
    let off = [
        (".npmrc", "side-effects-cache=false"),
        ("pnpm-workspace.yaml", "sideEffectsCache:false"),
    ];
    off.iter().any(|(name, line)| {
        let text = view.read_text(&dir.join(name.as_bytes()));
        text.is_some_and(|t| t.lines().any(|l| l.replace(' ', "") == *line))
    })
}

/// Whether a lock file has a package of this name: `cypress@14.0.0:`, formerly `/cypress/13.0.0:`.
fn names(lock: &str, name: &str) -> bool {
    lock.lines().any(|line| {
        let entry = line.trim_start().trim_start_matches(['\'', '/']);
        let version = entry.strip_prefix(name);
        version.is_some_and(|v| v.starts_with(['@', '/']))
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn packages_of_a_lock_file() {
        let check = |line: &str, want: bool| assert_eq!(names(line, "cypress"), want, "{line}");
        check("  cypress@14.0.0:", true);
        check("  /cypress@13.0.0:", true);
        check("  /cypress/12.0.0:", true);
        check("  cypress-axe@1.5.0(cypress@14.0.0):", false);
        check("  '@cypress/request@3.0.0':", false);
        check("      cypress:", false);
    }
}
