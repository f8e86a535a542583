//! Tools of front-ends: which of the project's files they look for by themselves.

/// Programs that go by their words and settings alone, each with the files and directories that they take unasked.
/// Sources: the programs' pages on configuration ("public", "root", "entry").
const BUILDERS: &[(&str, &[&str])] = &[
    ("babel", &[]),
    ("browserify", &[]),
    ("craco", &["public", "src"]),
    ("encore", &["assets"]),
    ("esbuild", &[]),
    ("grunt", &[]),
    ("gulp", &[]),
    ("mix", &["resources"]),
    ("ng", &["projects", "src"]),
    ("parcel", &["src"]),
    ("postcss", &[]),
    ("react-app-rewired", &["public", "src"]),
    ("react-scripts", &["public", "src"]),
    ("rollup", &["src"]),
    ("tailwindcss", &[]),
    ("tsc", &[]),
    ("vite", &["index.html", "public", "src", "static"]),
    ("vue-cli-service", &["public", "src"]),
    ("vue-tsc", &[]),
    ("webpack", &["src"]),
];

/// Programs that read and write what their words name.
const ON_FILES: &[&str] = &[
    "cleancss",
    "copyfiles",
    "cpx",
    "cpy",
    "del",
    "del-cli",
    "html-minifier",
    "less",
    "lessc",
    "make-dir",
    "mkdirp",
    "ncp",
    "node-sass",
    "replace",
    "rimraf",
    "sass",
    "shx",
    "stylus",
    "svgo",
    "terser",
    "uglifyjs",
];

/// Commands of a shell that read and write what their words name.
const OF_SHELL: &[&str] = &[
    ":", "[", "cat", "chmod", "chown", "cp", "echo", "exit", "export", "false", "ls", "mkdir",
    "mv", "printf", "pwd", "rm", "rmdir", "set", "test", "touch", "true",
];

/// Whether a command of a shell deals with files alone.
pub(super) fn is_of_files(program: &str) -> bool {
    OF_SHELL.contains(&program)
}

/// What a program takes unasked; `None` for one that is not known.
pub(super) fn taken_by(program: &str) -> Option<&'static [&'static str]> {
    if ON_FILES.contains(&program) || OF_SHELL.contains(&program) {
        return Some(&[]);
    }
    let known = BUILDERS.iter().find(|(name, _)| *name == program);
    known.map(|(_, taken)| *taken)
}

/// Settings of what builds no front-end: tests, messages of commits, other languages.
const OF_OTHERS: &[&str] = &[
    ".coveragerc",
    ".huskyrc",
    ".lintstagedrc",
    ".pylintrc",
    "commitlint.",
    "cypress.",
    "jest.",
    "karma.",
    "lint-staged.",
    "playwright.",
    "release.config",
    "renovate",
    "vitest.",
];

/// Settings of what checks sources, which a build may have to find: they name no files that it reads.
const OF_CHECKS: &[&str] = &[
    ".eslint",
    ".prettier",
    ".stylelint",
    "eslint.",
    "prettier.",
    "stylelint.",
];

/// Directories of what a build consists of: the strings of the scripts there are names as well.
pub(super) const OF_TASKS: &[&str] = &[
    "build",
    "config",
    "grunt",
    "gulp",
    "gulp-tasks",
    "gulpfile.js",
    "scripts",
    "tasks",
    "tools",
    "vite",
    "webpack",
];

/// Words of scripts and settings that ask git about the checkout, packages that do among them.
pub(super) const ASKS_GIT: &[&str] = &[
    ".git/",
    "git describe",
    "git log",
    "git rev-",
    "git show",
    "git-describe",
    "git-last-commit",
    "git-repo-info",
    "git-rev",
    "gitlog",
    "isomorphic-git",
    "nodegit",
    "simple-git",
];

/// Directories that package managers take from where they run: Yarn's own (yarnpkg.com, "releases", "patches"), and those of
/// patch-package.
pub(super) const OF_MANAGERS: &[&str] = &[".yarn", "patches"];

/// Whether tools find a file of this name where they run: a manifest, a lockfile, settings, the first page.
pub(super) fn is_found(name: &str) -> bool {
    let ends = [
        ".babelrc", ".cjs", ".cts", ".html", ".js", ".json", ".json5", ".mjs", ".mts", ".ts",
    ];
    let is_of_tool = name.starts_with('.')
        && (name.ends_with("rc") || name.contains("rc.") || name.starts_with(".env"));
    let whole = [
        "browserslist",
        "bun.lock",
        "bun.lockb",
        "pnpm-lock.yaml",
        "yarn.lock",
    ];
    let is_lock = whole.contains(&name);
    let begins = |list: &[&str]| list.iter().any(|o| name.starts_with(o));
    let is_checked = begins(OF_CHECKS) && name.starts_with('.');
    !begins(OF_OTHERS)
        && (is_of_tool || is_checked || is_lock || ends.iter().any(|e| name.ends_with(e)))
}

/// Directories whose bare names are names of tasks as well, and that no build takes.
pub(super) const BESIDE: &[&str] = &[
    "__tests__",
    "bin",
    "ci",
    "deploy",
    "doc",
    "docker",
    "docs",
    "e2e",
    "spec",
    "test",
    "tests",
];

/// Whether such a file names what a build reads.
pub(super) fn is_settings(name: &str) -> bool {
    let is_locked = name.ends_with("-lock.json") || name == "npm-shrinkwrap.json";
    let is_check = OF_CHECKS.iter().any(|o| name.starts_with(o));
    is_found(name) && !is_locked && !is_check && !name.contains("lock") && name != "package.json"
}

/// Whether a file may import others by relative paths.
pub(super) fn is_source(name: &str) -> bool {
    let ends = [
        ".astro", ".cjs", ".css", ".cts", ".ejs", ".hbs", ".html", ".js", ".jsx", ".less", ".mjs",
        ".mts", ".njk", ".pug", ".sass", ".scss", ".styl", ".svelte", ".ts", ".tsx", ".twig",
        ".vue",
    ];
    ends.iter().any(|e| name.ends_with(e))
}
