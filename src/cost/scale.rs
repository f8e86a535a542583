//! What is in the repository that makes an install longer or shorter: the number of lockfile entries.

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
}

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
