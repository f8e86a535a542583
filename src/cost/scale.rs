//! What is in the repository that makes a step longer or shorter: the number of lockfile entries, and the scripts that
//! it runs.

use super::kind::kind_of;
use crate::ecosystem::{of_prerequisites, of_targets};
use crate::shell::{self, Called, Seen};
use std::collections::BTreeMap;

/// Package managers that share a kind of lockfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// npm, yarn, pnpm, bun
    Node,
    /// pip, poetry, pipenv, uv
    Python,
    /// bundler
    Ruby,
    /// composer
    Php,
    /// go modules
    Go,
    /// cargo
    Rust,
    /// NuGet
    DotNet,
    /// mix
    Elixir,
}

impl Family {
    /// By its name in `priors.txt`.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "node" => Self::Node,
            "python" => Self::Python,
            "ruby" => Self::Ruby,
            "php" => Self::Php,
            "go" => Self::Go,
            "rust" => Self::Rust,
            "dotnet" => Self::DotNet,
            "elixir" => Self::Elixir,
            _ => return None,
        })
    }
}

/// Number of lockfile entries by family, as far as known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scale {
    /// Entries; families that are absent are taken as typical.
    pub entries: BTreeMap<Family, u64>,
    /// Shell scripts by their paths.
    pub scripts: BTreeMap<String, String>,
    /// The text of the Makefile at the top.
    pub makefile: Option<String>,
    /// Whether Go's modules are in the tree: a build then fetches none (go.dev/ref/mod, "Vendoring").
    pub is_go_vendored: bool,
}

/// How deep scripts that run others are followed.
const DEEPEST: usize = 3;
/// Commands that those of one text may come to.
const MOST_COMMANDS: usize = 400;

/// Kinds of tools that fetch or build by themselves: behind a `make` they take what they take elsewhere.
const TOOLS: [&str; 21] = [
    "bun install",
    "bundle install",
    "cargo build",
    "cargo install",
    "composer install",
    "dotnet build",
    "dotnet publish",
    "go build",
    "go mod download",
    "gradle build",
    "mix compile",
    "mvn package",
    "npm ci",
    "npm install",
    "npm run build",
    "pip install -r",
    "pnpm install",
    "poetry install",
    "sbt",
    "uv sync",
    "yarn install",
];

/// Texts longer than this are not counted beyond it.
const MAX_BYTES: usize = 64 << 20;

impl Scale {
    /// How much longer than the priors' project takes: a fifth is fixed, the rest goes with the entries; between 0.2 and 5.
    /// 1 when nothing is known. How it goes with the entries is an assumption.
    pub fn factor(&self, family: Family) -> f64 {
        let Some(&entries) = self.entries.get(&family) else {
            return 1.0;
        };
        (0.2 + 0.8 * entries as f64 / typical(family) as f64).min(5.0)
    }

    /// Commands with those of the scripts that they run in their place.
    pub(super) fn followed(&self, seen: Vec<Seen>) -> Vec<Seen> {
        let mut n_branches = branches(&seen);
        self.followed_at(seen, &mut n_branches, 0)
    }

    fn followed_at(&self, seen: Vec<Seen>, n_branches: &mut usize, depth: usize) -> Vec<Seen> {
        let mut all = Vec::new();
        for one in seen {
            match self.behind(&one).filter(|_| depth < DEEPEST) {
                Some(mut within) => {
                    // Its branches are others than those around it.
                    let more = branches(&within);
                    for inner in &mut within {
                        let own = inner.branch.map(|(id, n)| (id + *n_branches, n));
                        inner.branch = own.or(one.branch);
                    }
                    *n_branches += more;
                    all.extend(self.followed_at(within, n_branches, depth + 1));
                }
                None => all.push(one),
            }
            if all.len() > MOST_COMMANDS {
                break;
            }
        }
        all
    }

    /// The commands of the script that one runs; `None` where it is none, or more than one may be meant.
    fn behind(&self, seen: &Seen) -> Option<Vec<Seen>> {
        if seen.name() == "make" {
            return self.prerequisites(seen).or_else(|| self.recipe(seen));
        }
        if kind_of(seen) != "unknown" {
            return None;
        }
        let is_shell = matches!(seen.name(), "sh" | "bash" | "ash" | "dash");
        let options = seen.args().iter().take_while(|w| w.starts_with('-'));
        let at = if is_shell { options.count() + 1 } else { 0 };
        let word = seen.words.get(at)?;
        let name = word.rsplit('/').next().filter(|n| !n.is_empty())?;
        let is_it = |path: &&String| path.rsplit('/').next() == Some(name);
        let mut named = self.scripts.keys().filter(is_it);
        let (path, None) = (named.next()?, named.next()) else {
            return None;
        };
        let script = shell::called(&Called {
            text: &self.scripts[path],
            zero: &format!("/{path}"),
            args: seen.words.get(at + 1..)?,
            here: "/",
            read: &|place| self.scripts.get(place.trim_start_matches('/')).cloned(),
        });
        script.is_complete.then(|| script.seen())
    }

    /// The commands of what a target needs that has no recipe of its own (`make install`, and no file is only copied).
    fn prerequisites(&self, seen: &Seen) -> Option<Vec<Seen>> {
        let [goal] = seen.args() else { return None };
        // Elsewhere it is another Makefile.
        let is_here = seen.directory.as_deref() == Some("");
        let text = self.makefile.as_deref().filter(|_| is_here)?;
        let mut all = of_prerequisites(text, goal)?;
        all.iter_mut().for_each(|inner| inner.branch = None);
        Some(all)
    }

    /// The commands of targets with recipes, where one of them is of a tool that fetches or builds by itself, and none
    /// is unknown.
    fn recipe(&self, seen: &Seen) -> Option<Vec<Seen>> {
        let is_here = seen.directory.as_deref() == Some("");
        let text = self.makefile.as_deref().filter(|_| is_here)?;
        let mut all = of_targets(text, seen.args())?;
        all.iter_mut().for_each(|inner| inner.branch = None);
        let is_known = |s: &Seen| !matches!(kind_of(s), "make" | "unknown");
        let is_tool = |s: &Seen| TOOLS.contains(&kind_of(s));
        (all.iter().all(is_known) && all.iter().any(is_tool)).then_some(all)
    }

    /// Counts the entries of a lockfile known by its name; other files are ignored. The largest of a family counts.
    pub fn add_lockfile(&mut self, path: &str, text: &str) {
        let text = text.get(..MAX_BYTES).unwrap_or(text);
        let name = path.rsplit('/').next().unwrap_or(path);
        let lines = |test: &dyn Fn(&str) -> bool| text.lines().filter(|l| test(l)).count() as u64;
        let (family, n) = match name {
            // One `"node_modules/…": {` per package (version 2 and 3), else one "resolved" each.
            "package-lock.json" | "npm-shrinkwrap.json" => (
                Family::Node,
                lines(&|l| l.trim_start().starts_with("\"resolved\":")),
            ),
            "yarn.lock" => (
                Family::Node,
                lines(&|l| {
                    l.trim_start().starts_with("resolved ")
                        || l.trim_start().starts_with("resolution:")
                }),
            ),
            "pnpm-lock.yaml" => (
                Family::Node,
                lines(&|l| l.trim_start().starts_with("resolution:")),
            ),
            "bun.lock" => (
                Family::Node,
                lines(&|l| l.trim_start().starts_with('"') && l.contains("\": [\"")),
            ),
            "poetry.lock" | "uv.lock" | "pdm.lock" => {
                (Family::Python, lines(&|l| l.trim() == "[[package]]"))
            }
            "Pipfile.lock" => (
                Family::Python,
                lines(&|l| l.trim_start().starts_with("\"version\":")),
            ),
            "Cargo.lock" => (Family::Rust, lines(&|l| l.trim() == "[[package]]")),
            "Gemfile.lock" => (
                Family::Ruby,
                lines(&|l| l.starts_with("    ") && !l.starts_with("     ") && l.contains('(')),
            ),
            "composer.lock" => (
                Family::Php,
                lines(&|l| l.trim_start().starts_with("\"dist\":")),
            ),
            "go.sum" => (
                Family::Go,
                lines(&|l| !l.trim().is_empty() && !l.contains("/go.mod ")),
            ),
            "packages.lock.json" => (
                Family::DotNet,
                lines(&|l| l.trim_start().starts_with("\"resolved\":")),
            ),
            "mix.lock" => (Family::Elixir, lines(&|l| l.trim_start().starts_with('"'))),
            n if n.starts_with("requirements") && n.ends_with(".txt") => (
                Family::Python,
                lines(&|l| {
                    l.trim_start()
                        .starts_with(|c: char| c.is_ascii_alphanumeric())
                }),
            ),
            _ => return,
        };
        let known = self.entries.entry(family).or_default();
        *known = n.max(*known);
    }
}

/// The highest number of an `if` or `case`.
fn branches(seen: &[Seen]) -> usize {
    let ids = seen.iter().filter_map(|s| s.branch);
    ids.map(|(id, _)| id).max().unwrap_or(0)
}

/// Entries of the projects that the priors come from, an assumption: nobody counted theirs. For comparison, the largest
/// lockfile of public repositories with a Dockerfile has in the median (number of repositories) Node 1039 (40), Go 245
/// (18), Rust 616 (11), Ruby 245 (5), Elixir 69 (4), Python 18 (23; direct requirements only in half of them): larger
/// projects than those of the logs, except for Node.
fn typical(family: Family) -> u64 {
    match family {
        Family::Node => 1000,
        Family::Rust => 250,
        Family::Ruby => 150,
        Family::Go => 120,
        Family::Php | Family::DotNet => 80,
        Family::Python => 50,
        Family::Elixir => 60,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_count_as_what_they_run() {
        let text = "set -e\nif curl x; then echo; else export G=1; fi\ncase $1 in web) npm ci;; *) ./b.sh;; esac";
        let scripts = [
            ("a.sh", text),
            ("hack/b.sh", "go build .; ./a.sh"),
            ("c/d.sh", ""),
            ("d.sh", ""),
        ];
        let scripts = scripts.map(|(path, text)| (path.to_owned(), text.to_owned()));
        let scale = Scale {
            scripts: scripts.into(),
            ..Scale::default()
        };
        let check = |text: &str, want: &[&str]| {
            let seen = scale.followed(shell::parse(text).seen());
            let names: Vec<&str> = seen
                .iter()
                .map(Seen::name)
                .filter(|n| *n != "set")
                .collect();
            assert_eq!(names, want, "{text}");
        };
        check("./a.sh web && ls", &["curl", "echo", "export", "npm", "ls"]);
        check(
            "bash -x hack/b.sh",
            &["go", "curl", "echo", "export", "go", "a.sh"],
        );
        check("./d.sh", &["d.sh"]);
        check("other.sh", &["other.sh"]);
    }

    #[test]
    fn a_target_without_a_recipe_counts_as_what_it_needs() {
        let text = "install: a b\na:\n\tcargo install --path a\nb: a\n\t$(MAKE) c\nc:\n\tcp a b\nd:\n\tcp a b\ne: a\n\tcp a b\n";
        let scale = Scale {
            makefile: Some(text.to_owned()),
            ..Scale::default()
        };
        let check = |text: &str, want: &[&str]| {
            let seen = scale.followed(shell::parse(text).seen());
            let names: Vec<&str> = seen.iter().map(Seen::name).collect();
            assert_eq!(names, want, "{text}");
        };
        check("make install", &["cargo", "cp"]);
        check("make d", &["make"]);
        check("make e", &["cargo", "cp"]);
        check("make -j4 install", &["cargo", "cp"]);
        check("cd /tmp/x && make install", &["cd", "make"]);
    }

    #[test]
    fn a_target_with_a_recipe_counts_as_what_it_runs() {
        let text = "M := mvn -B\nall: deps\n\tgo build .\ndeps:\n\tgo mod download\nj: clean\n\t$(M) package\nclean:\n\trm -rf a\nc:\n\tgcc a.c\n\tnpm ci\n\t$(X) b\nd:\n\tnpm $(Y) ci\n";
        let scale = Scale {
            makefile: Some(text.to_owned()),
            ..Scale::default()
        };
        let check = |text: &str, want: &[&str]| {
            let seen = scale.followed(shell::parse(text).seen());
            let words: Vec<String> = seen.iter().map(|s| s.words.join(" ")).collect();
            assert_eq!(words, want, "{text}");
        };
        check("make", &["go mod download", "go build ."]);
        check("make -j4 j", &["rm -rf a", "mvn -B package"]);
        check("make V=1 deps", &["go mod download"]);
        check("make c", &["make c"]);
        check("make clean", &["make clean"]);
        check("make -C sub all", &["make -C sub all"]);
        check("make nothing", &["make nothing"]);
    }

    #[test]
    fn lockfiles_are_counted_and_scale() {
        let mut scale = Scale::default();
        assert_eq!(scale.factor(Family::Rust).to_bits(), 1f64.to_bits());
        scale.add_lockfile("a/Cargo.lock", &"[[package]]\nname = \"x\"\n".repeat(500));
        scale.add_lockfile("b/Cargo.lock", "[[package]]\n");
        scale.add_lockfile("README.md", "[[package]]\n");
        assert_eq!(scale.entries[&Family::Rust], 500);
        assert!(scale.factor(Family::Rust) > 1.7);
        scale.add_lockfile("go.sum", "a v1 h1:x\na v1/go.mod h1:y\n");
        assert_eq!(scale.entries[&Family::Go], 1);
        scale.add_lockfile("requirements-dev.txt", "# x\ndjango==5\n-r y\n");
        assert_eq!(scale.entries[&Family::Python], 1);
    }
}
