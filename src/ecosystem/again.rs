//! Commands that may fetch what an install has fetched before, though they are none: `yarn remove`, `npm prune`.
//!
//! Sources: the tools' manuals. (Yarn's `remove` and `add` end in an install: every package is looked for among the
//! downloads again.)

use super::node;

/// Of a tool the verbs by which it may fetch.
struct Row {
    ecosystem: &'static str,
    programs: &'static [&'static str],
    verbs: &'static [&'static str],
}

const fn row(
    ecosystem: &'static str,
    programs: &'static [&'static str],
    verbs: &'static [&'static str],
) -> Row {
    Row {
        ecosystem,
        programs,
        verbs,
    }
}

const ROWS: &[Row] = &[
    row("bun", &["bun"], &["add", "remove", "rm", "update"]),
    row("bundler", &["bundle"], &["add", "lock", "remove", "update"]),
    row(
        "composer",
        &["composer", "composer.phar"],
        &["create-project", "remove", "require", "update", "upgrade"],
    ),
    row(
        "npm",
        &["npm"],
        &[
            "add",
            "ddp",
            "dedupe",
            "prune",
            "remove",
            "rm",
            "un",
            "uninstall",
            "unlink",
            "up",
            "update",
            "upgrade",
        ],
    ),
    row(
        "pipenv",
        &["pipenv"],
        &["lock", "uninstall", "update", "upgrade"],
    ),
    row(
        "pnpm",
        &["pnpm"],
        &[
            "add",
            "dedupe",
            "deploy",
            "fetch",
            "prune",
            "remove",
            "rm",
            "un",
            "uninstall",
            "up",
            "update",
            "upgrade",
        ],
    ),
    row("poetry", &["poetry"], &["add", "lock", "remove", "update"]),
    row("uv", &["uv"], &["add", "lock", "remove"]),
    row(
        "yarn",
        &["yarn", "yarnpkg"],
        &["add", "dedupe", "rebuild", "remove", "up", "upgrade"],
    ),
];

/// Words before the verb: `pnpm --filter web deploy`, `yarn workspace web add`.
const MOST_BEFORE: usize = 2;

/// The ecosystem whose downloads the command may fetch or look for, besides the installs that [`super::cache_dir`] knows.
pub fn fetches_again(words: &[String]) -> Option<&'static str> {
    let (first, args) = words.split_first()?;
    let name = first.rsplit('/').next().unwrap_or(first);
    let row = ROWS.iter().find(|row| row.programs.contains(&name))?;
    let mut plain = args.iter().filter(|w| !w.starts_with('-'));
    let first = plain.clone().next()?;
    // What a script of the project is called says nothing.
    let is_script = ["cache", "config", "exec", "run", "run-script"].contains(&first.as_str());
    let fetches = plain
        .by_ref()
        .take(MOST_BEFORE + 1)
        .any(|w| row.verbs.contains(&w.as_str()));
    (fetches && !is_script && !node::is_global(args)).then_some(row.ecosystem)
}

#[cfg(test)]
mod tests {
    use super::fetches_again;

    #[test]
    fn what_fetches_without_installing() {
        let check = |line: &str, want: Option<&str>| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(fetches_again(&words), want, "{line}");
        };
        check("yarn remove left-pad", Some("yarn"));
        check("yarn workspace web add left-pad", Some("yarn"));
        check("npm prune --omit=dev", Some("npm"));
        check("pnpm --filter web deploy /out", Some("pnpm"));
        check("poetry remove x", Some("poetry"));
        check("composer dump-autoload", None);
        check("yarn run remove", None);
        check("npm run build", None);
        check("npm ci", None);
        check("npm uninstall -g yarn", None);
    }
}
