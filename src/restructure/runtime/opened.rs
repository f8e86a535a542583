//! What of the source is named by something that is still there when the program runs: settings that tools go by, and
//! sources that open a path from the working directory.

use super::super::layout::{is_within, last_name};
use super::single::Single;
use std::collections::{BTreeMap, BTreeSet};

/// What stands in front of the path of a file that is opened, and goes from the working directory unless told otherwise.
const OPENERS: &[&str] = &[
    "File::open(",
    "ParseFiles(",
    "ParseGlob(",
    "createReadStream(",
    "http.Dir(",
    "os.Open(",
    "os.ReadDir(",
    "os.ReadFile(",
    "path.join(",
    "path.resolve(",
    "process.cwd()",
    "readFile(",
    "readFileSync(",
    "read_dir(",
    "read_to_string(",
    "readdir(",
    "readdirSync(",
    "sendFile(",
];

/// How much of what follows is looked at.
const REACH: usize = 200;

impl Single<'_> {
    /// Of the names in the working directory, those that a settings file there at absolute `path` names.
    pub(super) fn named_by(&self, path: &str, names: &BTreeSet<String>) -> Vec<String> {
        let Some(text) = self.text_at(path) else {
            return Vec::new();
        };
        let paths = strings(&text).filter(|s| s.trim_start_matches("./").contains('/'));
        let all = paths.chain(opened_in(&text));
        let own = all.map(first_name).filter(|n| names.contains(*n));
        own.map(str::to_owned).collect()
    }

    /// Of the names in the working directory, those that sources open, each with the first source that does.
    pub(super) fn opened(&self, names: &BTreeSet<String>) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let image = self.of.image_at(self.stage.instructions.len());
        for to in image.keys() {
            let below = to.strip_prefix(&self.cwd).and_then(|r| r.strip_prefix('/'));
            let Some(below) = below.filter(|b| is_source(b)) else {
                continue;
            };
            let Some(text) = self.text_at(to) else {
                continue;
            };
            for name in opened_in(&text).map(first_name) {
                if names.contains(name) && !found.contains_key(name) {
                    found.insert(name.to_owned(), below.to_owned());
                }
            }
        }
        found
    }

    /// Whether a RUN takes away what is at absolute `path`.
    pub(super) fn is_removed(&self, path: &str) -> bool {
        self.commands().any(|(run, seen)| {
            let words = seen.args().iter().filter(|w| !w.starts_with('-'));
            let mut words: Vec<&String> = words.collect();
            if seen.name() == "mv" {
                words.pop();
            }
            let is_it = |w: &&String| self.at(run, seen, w).is_some_and(|at| is_within(path, &at));
            matches!(seen.name(), "mv" | "rm") && words.iter().any(is_it)
        })
    }
}

/// Whether a file is one of the program's own sources: none of its tests, and nothing that only its build reads.
fn is_source(path: &str) -> bool {
    let name = last_name(path);
    let is_code = name.rsplit_once('.').is_some_and(|(_, ending)| {
        matches!(
            ending,
            "cjs" | "go" | "js" | "jsx" | "mjs" | "rs" | "ts" | "tsx"
        )
    });
    let mut folders = path.split('/').rev().skip(1);
    let is_apart = folders.any(|f| {
        f.starts_with('.') || matches!(f, "__tests__" | "node_modules" | "test" | "tests")
    });
    let of_build = [
        ".config.",
        ".spec.",
        ".test.",
        "_test.go",
        "Gruntfile",
        "gulpfile",
    ];
    is_code && !is_apart && !of_build.iter().any(|w| name.contains(w))
}

/// The strings of `text` that say what it opens.
fn opened_in(text: &str) -> impl Iterator<Item = &str> {
    let starts = OPENERS.iter().flat_map(|o| text.match_indices(o));
    let calls = starts.map(|(at, opener)| {
        let rest = &text[at + opener.len()..];
        let end = (REACH..rest.len()).find(|&n| rest.is_char_boundary(n));
        let rest = &rest[..end.unwrap_or(rest.len())];
        rest.split(';').next().unwrap_or(rest)
    });
    // From where the source stands, which is known once it is compiled.
    let calls = calls.filter(|call| {
        !["__dirname", "import.meta"]
            .iter()
            .any(|w| call.contains(w))
    });
    calls.flat_map(strings)
}

/// The strings in quotes, those of one line.
fn strings(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| {
        let mut rest = line;
        std::iter::from_fn(move || {
            let at = rest.find(['"', '\'', '`'])?;
            let quote = rest[at..].chars().next()?;
            let (inside, after) = rest[at + 1..].split_once(quote)?;
            rest = after;
            Some(inside)
        })
    })
}

/// The first name of a path.
fn first_name(path: &str) -> &str {
    let path = path.trim_start_matches("./");
    path.split('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opened_is_found() {
        let check = |text: &str, expected: &[&str]| {
            let found: BTreeSet<&str> = opened_in(text).map(first_name).collect();
            assert_eq!(found, expected.iter().copied().collect(), "{text}");
        };
        check(
            "path.resolve('server/config', 'a.json')",
            &["server", "a.json"],
        );
        check(
            "readFile(\n  path.join(process.cwd(), \"server\", `a.md`),\n);\nuse('x/y')",
            &["server", "a.md"],
        );
        check("path.join(__dirname, 'server')", &[]);
        check("import a from 'server/a'", &[]);
        check("os.ReadFile(\"./sql/a.sql\")", &["sql"]);
    }

    #[test]
    fn sources_are_told_from_the_rest() {
        let check = |path: &str, expected: bool| assert_eq!(is_source(path), expected, "{path}");
        check("server/models/team.js", true);
        check("main.go", true);
        check("main_test.go", false);
        check("webpack.config.js", false);
        check("server/test/helper.js", false);
        check("server/onboarding/a.md", false);
    }
}
