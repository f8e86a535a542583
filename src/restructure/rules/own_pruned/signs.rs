//! Signs that a build works on the packages, by the words of its commands.

use super::super::super::layout::last_name;

/// Programs that write among the packages.
const WRITERS: &[&str] = &["ngcc", "patch-package", "prisma", "zenstack"];

/// Whether a command calls the script `name` of the manifest, or may: by itself, or with what goes before and behind.
pub(super) fn calls(words: &[String], name: &str) -> bool {
    let Some((program, args)) = words.split_first() else {
        return false;
    };
    let is_runner = [
        "bun",
        "concurrently",
        "npm",
        "npm-run-all",
        "pnpm",
        "run-p",
        "run-s",
        "yarn",
    ];
    let is_it = |word: &String| {
        let word = word.strip_prefix("npm:").unwrap_or(word);
        let own = ["pre", "post"]
            .iter()
            .find_map(|lead| name.strip_prefix(lead));
        match word.strip_suffix('*') {
            Some(lead) => name.starts_with(lead),
            None => word == name || own == Some(word),
        }
    };
    is_runner.contains(&program.as_str())
        && args
            .iter()
            .flat_map(|a| a.split(' ').map(str::to_owned))
            .any(|w| is_it(&w))
}

/// Whether a command changes which packages there are.
pub(super) fn installs_more(words: &[String]) -> bool {
    let first = words.first().map(String::as_str).unwrap_or_default();
    let verb = words.iter().skip(1).find(|w| !w.starts_with('-'));
    let changes = |v: &String| {
        matches!(
            v.as_str(),
            "add" | "ci" | "dedupe" | "i" | "install" | "link" | "rebuild" | "remove" | "update"
        )
    };
    let is_of_node = matches!(first, "npm" | "yarn" | "pnpm" | "bun");
    is_of_node && (first == "yarn" && verb.is_none() || verb.is_some_and(changes))
}

/// Whether the words of a command show that it works on the packages, and not only starts a program of them.
pub(super) fn works_on_packages(words: &[String]) -> bool {
    const PLACE: &str = "node_modules";
    let names = |word: &String| {
        let mut found = word.match_indices(PLACE);
        found.any(|(at, _)| !word[at + PLACE.len()..].starts_with("/.bin"))
    };
    let is_writer = |word: &String| {
        let name = last_name(word);
        WRITERS.contains(&name.split('@').next().unwrap_or(name))
    };
    words.iter().any(|w| names(w) || is_writer(w))
}

/// Whether a command gives files to others, perhaps the packages among them.
pub(super) fn gives_away(words: &[String]) -> bool {
    let first = words.first().map(String::as_str);
    matches!(first, Some("chgrp" | "chmod" | "chown"))
}

#[cfg(test)]
mod tests {
    use super::calls;
    use crate::shell;

    #[test]
    fn scripts_are_called_by_runners_alone() {
        let check = |line: &str, name: &str, want: bool| {
            let words = shell::parse(line).seen()[0].words.clone();
            assert_eq!(calls(&words, name), want, "{line}");
        };
        check("npm run build", "build", true);
        check("yarn build", "prebuild", true);
        check("run-p lint build:*", "build:css", true);
        check("concurrently 'npm run build' 'npm:css'", "build", true);
        check("concurrently 'npm run build' 'npm:css'", "css", true);
        check("tsc build", "build", false);
        check("npm run build", "test", false);
    }
}
