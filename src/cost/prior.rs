//! What kinds of command take where nothing was measured: durations and layer sizes with their bands and sources.
//!
//! Most durations were read from BuildKit logs in public repositories (the log of one small project each, on laptops and
//! shared runners); the band is meant to hold eight of ten projects. Where no public figure was found the row says so,
//! and its band is wide.

use super::estimate::Estimate;
use super::kind::kind_of;
use super::scale::Family;
use super::scale::Scale;
use crate::shell;
use crate::shell::Seen;

/// One row: a kind of command.
#[derive(Debug, PartialEq, Eq)]
pub struct Prior {
    /// Its name: `npm ci`, `apt-get install`, `go build`.
    pub kind: &'static str,
    /// Milliseconds: one in ten is shorter, median, one in ten is longer.
    pub ms: (u64, u64, u64),
    /// Kilobytes it leaves in the layer, unpacked: low, median, high.
    pub layer_kb: (u64, u64, u64),
    /// Whose lockfile's number of entries scales it.
    pub family: Option<Family>,
    /// Where the duration comes from.
    pub source: &'static str,
}

const LOGS: &str = "BuildKit logs in public repositories";
const NO_FIGURE: &str = "no public series found; wide by intent";

const fn row(
    kind: &'static str,
    ms: (u64, u64, u64),
    layer_kb: (u64, u64, u64),
    source: &'static str,
) -> Prior {
    Prior {
        kind,
        ms,
        layer_kb,
        family: None,
        source,
    }
}

const fn scaled(
    kind: &'static str,
    ms: (u64, u64, u64),
    layer_kb: (u64, u64, u64),
    family: Family,
    source: &'static str,
) -> Prior {
    Prior {
        kind,
        ms,
        layer_kb,
        family: Some(family),
        source,
    }
}

/// A command of no known kind.
pub static UNKNOWN: Prior = row(
    "unknown",
    (200, 5_000, 90_000),
    (1, 1_000, 100_000),
    "command of no known kind; very wide by intent",
);

/// Sorted by kind. Layer sizes: no public series; orders of magnitude, with bands to match.
static PRIORS: [Prior; 65] = [
    row(
        "apk add",
        (3_000, 8_000, 20_000),
        (2_000, 30_000, 200_000),
        "BuildKit logs in public repositories: 11.5 s",
    ),
    row(
        "apk update",
        (500, 1_500, 6_000),
        (1_000, 2_000, 4_000),
        NO_FIGURE,
    ),
    row(
        "apt-get install",
        (8_000, 25_000, 110_000),
        (20_000, 120_000, 600_000),
        "BuildKit logs in public repositories: 17 to 133 s with its update",
    ),
    row(
        "apt-get remove",
        (800, 3_000, 12_000),
        (10, 100, 2_000),
        NO_FIGURE,
    ),
    row(
        "apt-get update",
        (2_000, 5_000, 20_000),
        (15_000, 20_000, 50_000),
        "share of the logged update and install, 17 to 133 s together",
    ),
    row(
        "apt-get upgrade",
        (5_000, 20_000, 90_000),
        (5_000, 50_000, 300_000),
        NO_FIGURE,
    ),
    scaled(
        "bun install",
        (1_000, 8_000, 40_000),
        (40_000, 250_000, 900_000),
        Family::Node,
        NO_FIGURE,
    ),
    scaled(
        "bundle install",
        (15_000, 40_000, 180_000),
        (40_000, 150_000, 500_000),
        Family::Ruby,
        "BuildKit logs in public repositories: 18 to 41 s",
    ),
    scaled(
        "cargo build",
        (15_000, 120_000, 900_000),
        (200_000, 800_000, 3_000_000),
        Family::Rust,
        "BuildKit logs in public repositories: 8 to 984 s",
    ),
    scaled(
        "cargo chef cook",
        (30_000, 150_000, 600_000),
        (200_000, 700_000, 2_500_000),
        Family::Rust,
        "BuildKit logs in public repositories: 121 to 400 s",
    ),
    row(
        "cargo chef prepare",
        (200, 1_000, 5_000),
        (10, 50, 300),
        NO_FIGURE,
    ),
    scaled(
        "cargo fetch",
        (3_000, 15_000, 60_000),
        (50_000, 300_000, 1_000_000),
        Family::Rust,
        NO_FIGURE,
    ),
    row(
        "cargo install",
        (20_000, 90_000, 400_000),
        (20_000, 150_000, 600_000),
        NO_FIGURE,
    ),
    row(
        "clean up",
        (20, 200, 2_000),
        (1, 10, 200),
        "file operations of a shell: well under a second",
    ),
    row(
        "cmake build",
        (10_000, 90_000, 900_000),
        (5_000, 50_000, 500_000),
        NO_FIGURE,
    ),
    row(
        "cmake configure",
        (2_000, 8_000, 30_000),
        (500, 2_000, 10_000),
        NO_FIGURE,
    ),
    scaled(
        "composer install",
        (5_000, 12_000, 60_000),
        (20_000, 60_000, 200_000),
        Family::Php,
        "BuildKit logs in public repositories: 8.9 s",
    ),
    row(
        "conda install",
        (40_000, 120_000, 600_000),
        (300_000, 1_500_000, 5_000_000),
        NO_FIGURE,
    ),
    row(
        "configure",
        (4_000, 15_000, 60_000),
        (200, 1_000, 5_000),
        NO_FIGURE,
    ),
    row(
        "copy files",
        (50, 300, 5_000),
        (10, 5_000, 100_000),
        "file operations of a shell, by size",
    ),
    row(
        "dnf install",
        (15_000, 40_000, 150_000),
        (30_000, 150_000, 600_000),
        NO_FIGURE,
    ),
    row(
        "docker-php-ext",
        (30_000, 90_000, 180_000),
        (1_000, 5_000, 50_000),
        "BuildKit logs in public repositories: 124 s",
    ),
    row(
        "dotnet build",
        (5_000, 15_000, 60_000),
        (5_000, 40_000, 200_000),
        NO_FIGURE,
    ),
    row(
        "dotnet publish",
        (6_000, 20_000, 90_000),
        (5_000, 50_000, 200_000),
        NO_FIGURE,
    ),
    scaled(
        "dotnet restore",
        (3_000, 15_000, 60_000),
        (50_000, 200_000, 600_000),
        Family::DotNet,
        "BuildKit logs in public repositories: 2.1 s; large solutions take longer",
    ),
    row(
        "download",
        (500, 3_000, 20_000),
        (500, 30_000, 200_000),
        NO_FIGURE,
    ),
    row(
        "gem install",
        (4_000, 15_000, 60_000),
        (5_000, 30_000, 150_000),
        NO_FIGURE,
    ),
    row(
        "git clone",
        (1_000, 4_000, 30_000),
        (1_000, 30_000, 300_000),
        NO_FIGURE,
    ),
    scaled(
        "go build",
        (4_000, 20_000, 120_000),
        (5_000, 100_000, 600_000),
        Family::Go,
        "BuildKit logs in public repositories: 1.8 to 30 s",
    ),
    row(
        "go generate",
        (500, 5_000, 40_000),
        (10, 500, 5_000),
        NO_FIGURE,
    ),
    scaled(
        "go mod download",
        (500, 8_000, 40_000),
        (10_000, 150_000, 600_000),
        Family::Go,
        "BuildKit logs in public repositories: 0.1 to 11 s",
    ),
    row(
        "gradle build",
        (20_000, 60_000, 300_000),
        (20_000, 150_000, 600_000),
        NO_FIGURE,
    ),
    row(
        "gradle dependencies",
        (20_000, 60_000, 240_000),
        (80_000, 300_000, 800_000),
        NO_FIGURE,
    ),
    row(
        "make",
        (5_000, 60_000, 600_000),
        (1_000, 30_000, 300_000),
        NO_FIGURE,
    ),
    row(
        "mix assets",
        (3_000, 10_000, 45_000),
        (500, 5_000, 30_000),
        NO_FIGURE,
    ),
    row(
        "mix compile",
        (5_000, 20_000, 90_000),
        (2_000, 10_000, 60_000),
        NO_FIGURE,
    ),
    scaled(
        "mix deps.compile",
        (15_000, 60_000, 240_000),
        (10_000, 40_000, 150_000),
        Family::Elixir,
        NO_FIGURE,
    ),
    scaled(
        "mix deps.get",
        (3_000, 10_000, 45_000),
        (5_000, 30_000, 120_000),
        Family::Elixir,
        NO_FIGURE,
    ),
    row(
        "mix release",
        (2_000, 6_000, 20_000),
        (20_000, 50_000, 120_000),
        NO_FIGURE,
    ),
    row(
        "mvn dependency",
        (25_000, 60_000, 240_000),
        (80_000, 300_000, 600_000),
        "BuildKit logs in public repositories: 26 and 45 s",
    ),
    row(
        "mvn package",
        (15_000, 40_000, 180_000),
        (10_000, 80_000, 300_000),
        "BuildKit logs in public repositories: 25 s",
    ),
    row(
        "node script",
        (300, 3_000, 30_000),
        (10, 1_000, 30_000),
        NO_FIGURE,
    ),
    scaled(
        "npm ci",
        (5_000, 30_000, 180_000),
        (40_000, 250_000, 900_000),
        Family::Node,
        "BuildKit logs in public repositories: 1.7 to 188 s",
    ),
    row(
        "npm install -g",
        (4_000, 15_000, 45_000),
        (5_000, 40_000, 200_000),
        "BuildKit logs in public repositories: 38 s",
    ),
    row(
        "npm run",
        (1_000, 10_000, 90_000),
        (100, 5_000, 100_000),
        NO_FIGURE,
    ),
    row(
        "npm run build",
        (4_000, 20_000, 90_000),
        (1_000, 20_000, 150_000),
        "BuildKit logs in public repositories: 3.3 to 49 s",
    ),
    scaled(
        "pip install",
        (3_000, 15_000, 100_000),
        (20_000, 150_000, 1_500_000),
        Family::Python,
        "BuildKit logs in public repositories: 2.4 to 96 s",
    ),
    row(
        "pip upgrade",
        (1_500, 4_000, 10_000),
        (5_000, 15_000, 30_000),
        NO_FIGURE,
    ),
    scaled(
        "pipenv install",
        (10_000, 40_000, 180_000),
        (20_000, 150_000, 1_500_000),
        Family::Python,
        NO_FIGURE,
    ),
    scaled(
        "pnpm install",
        (4_000, 20_000, 90_000),
        (40_000, 250_000, 900_000),
        Family::Node,
        NO_FIGURE,
    ),
    scaled(
        "poetry install",
        (6_000, 30_000, 150_000),
        (20_000, 150_000, 1_500_000),
        Family::Python,
        NO_FIGURE,
    ),
    row(
        "prune packages",
        (1_000, 4_000, 15_000),
        (10, 500, 5_000),
        NO_FIGURE,
    ),
    row(
        "python script",
        (300, 4_000, 60_000),
        (10, 1_000, 50_000),
        NO_FIGURE,
    ),
    row(
        "rake assets",
        (15_000, 40_000, 180_000),
        (5_000, 40_000, 200_000),
        NO_FIGURE,
    ),
    row(
        "rustup",
        (5_000, 20_000, 60_000),
        (100_000, 500_000, 1_200_000),
        NO_FIGURE,
    ),
    row(
        "sbt",
        (40_000, 120_000, 500_000),
        (50_000, 300_000, 900_000),
        NO_FIGURE,
    ),
    row(
        "stack build",
        (60_000, 300_000, 1_800_000),
        (200_000, 1_000_000, 4_000_000),
        NO_FIGURE,
    ),
    row(
        "swift build",
        (40_000, 150_000, 600_000),
        (50_000, 300_000, 1_000_000),
        NO_FIGURE,
    ),
    row(
        "test",
        (3_000, 20_000, 180_000),
        (10, 500, 10_000),
        NO_FIGURE,
    ),
    row(
        "trivial",
        (20, 100, 600),
        (1, 4, 100),
        "a shell's own work: well under a second",
    ),
    row(
        "unpack",
        (200, 2_000, 15_000),
        (1_000, 50_000, 400_000),
        NO_FIGURE,
    ),
    scaled(
        "uv sync",
        (2_000, 10_000, 360_000),
        (20_000, 150_000, 1_500_000),
        Family::Python,
        "one public report: 369 s for a heavy set, whole image",
    ),
    row(
        "venv",
        (800, 3_000, 8_000),
        (5_000, 15_000, 30_000),
        NO_FIGURE,
    ),
    row(
        "webpack",
        (4_000, 20_000, 90_000),
        (1_000, 20_000, 150_000),
        LOGS,
    ),
    scaled(
        "yarn install",
        (8_000, 30_000, 120_000),
        (40_000, 250_000, 900_000),
        Family::Node,
        "BuildKit logs in public repositories: 10 to 87 s",
    ),
];

/// The row of a kind by its name.
pub fn by_kind(kind: &str) -> Option<&'static Prior> {
    PRIORS
        .binary_search_by(|p| p.kind.cmp(kind))
        .ok()
        .map(|n| &PRIORS[n])
}

/// What kind of command this is. `npm ci` is not `npm run build`.
pub fn classify(command: &Seen) -> &'static Prior {
    by_kind(kind_of(command)).unwrap_or(&UNKNOWN)
}

/// The kinds a shell text runs, in order, trivial ones left out, equal neighbours once: `apt-get update + apt-get install`.
/// `trivial` when there is nothing else.
pub fn signature(command: &str) -> String {
    let mut kinds: Vec<&str> = Vec::new();
    for seen in shell::parse(command).seen() {
        let kind = classify(&seen).kind;
        if !matches!(kind, "trivial" | "clean up") && kinds.last() != Some(&kind) {
            kinds.push(kind);
        }
    }
    kinds.truncate(24);
    if kinds.is_empty() {
        "trivial".to_owned()
    } else {
        kinds.join(" + ")
    }
}

/// One command of a shell text: its kind and how long it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The kind, a row of the table.
    pub kind: &'static str,
    /// How long it takes.
    pub estimate: Estimate,
    /// Bytes it leaves in the layer, unpacked.
    pub layer_bytes: u64,
}

/// The commands of a shell text, one after the other; of the branches of an `if` the longest.
/// What is trivial is one part of its own.
pub fn parts(command: &str, scale: &Scale) -> Vec<Part> {
    let seen = shell::parse(command).seen();
    let chosen = longest_branches(&seen);
    let mut parts: Vec<Part> = Vec::new();
    for s in seen
        .iter()
        .filter(|s| s.branch.is_none_or(|b| chosen.contains(&b)))
        .take(MAX_PARTS)
    {
        let part = part(classify(s), scale);
        match parts
            .iter_mut()
            .find(|p| p.kind == part.kind && part.kind == "trivial")
        {
            // What takes the time is the container's start and the layer's commit: once, however many there are.
            Some(trivial) => trivial.layer_bytes += part.layer_bytes,
            None => parts.push(part),
        }
    }
    if parts.is_empty() {
        parts.push(part(&UNKNOWN, scale));
    }
    parts
}

/// A text of more commands than this is cut; its duration is a guess anyway.
const MAX_PARTS: usize = 400;

fn part(prior: &'static Prior, scale: &Scale) -> Part {
    let factor = prior.family.map_or(1.0, |f| scale.factor(f));
    let (low, median, high) = prior.ms;
    let estimate = Estimate::estimated(
        median,
        low,
        high,
        format!("{}: {}", prior.kind, prior.source),
    )
    .scaled(factor);
    Part {
        kind: prior.kind,
        estimate,
        layer_bytes: (prior.layer_kb.1 as f64 * factor) as u64 * 1000,
    }
}

/// How long a shell text takes.
pub fn duration(command: &str, scale: &Scale) -> Estimate {
    let estimates: Vec<Estimate> = parts(command, scale)
        .into_iter()
        .map(|p| p.estimate)
        .collect();
    Estimate::chain(&estimates).expect("there is at least one part")
}

/// Of each `if` and `case` the branch with the longest median, and its conditions.
fn longest_branches(seen: &[Seen]) -> std::collections::BTreeSet<(usize, usize)> {
    let mut sums = std::collections::BTreeMap::<(usize, usize), u64>::new();
    for s in seen {
        if let Some(branch) = s.branch {
            *sums.entry(branch).or_default() += classify(s).ms.1;
        }
    }
    let mut best = std::collections::BTreeMap::<usize, (u64, usize)>::new();
    for ((id, branch), sum) in sums {
        let longest = best.entry(id).or_insert((sum, branch));
        if sum > longest.0 {
            *longest = (sum, branch);
        }
    }
    best.into_iter()
        .map(|(id, (_, branch))| (id, branch))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, expected: &str) {
        assert_eq!(signature(command), expected, "{command}");
    }

    #[test]
    fn rows_are_sorted_with_bands_around_the_median() {
        assert!(PRIORS.windows(2).all(|w| w[0].kind < w[1].kind));
        for p in PRIORS.iter().chain([&UNKNOWN]) {
            assert!(
                0 < p.ms.0 && p.ms.0 < p.ms.1 && p.ms.1 < p.ms.2,
                "{}",
                p.kind
            );
            assert!(
                p.layer_kb.0 < p.layer_kb.1 && p.layer_kb.1 < p.layer_kb.2,
                "{}",
                p.kind
            );
            assert!(!p.source.is_empty());
        }
    }

    #[test]
    fn commands_are_told_apart() {
        check("npm ci", "npm ci");
        check("npm ci --omit=dev", "npm ci");
        check("npm run build", "npm run build");
        check("npm --prefix web run build:prod", "npm run build");
        check("npm install -g pnpm@9", "npm install -g");
        check("npm test", "test");
        check("yarn", "yarn install");
        check("yarn --frozen-lockfile", "yarn install");
        check("yarn build", "npm run build");
        check("pnpm -r --filter web build", "npm run build");
        check(
            "corepack enable && pnpm install --frozen-lockfile",
            "pnpm install",
        );
        check("npx ng build", "webpack");
        check(
            "apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
            "apt-get update + apt-get install",
        );
        check("apk add --no-cache git", "apk add");
        check("pip install --upgrade pip setuptools", "pip upgrade");
        check("pip install -r requirements.txt", "pip install");
        check("python -m pip install .", "pip install");
        check("./mvnw -B dependency:go-offline", "mvn dependency");
        check(
            "./mvnw -DskipTests package -B && cp target/*.jar app.jar",
            "mvn package + copy files",
        );
        check(
            "go mod tidy && go build -o myapp .",
            "go mod download + go build",
        );
        check("CGO_ENABLED=0 go build ./...", "go build");
        check("cargo chef cook --release", "cargo chef cook");
        check("cargo build --release", "cargo build");
        check("bundle exec rake assets:precompile", "rake assets");
        check("mkdir -p /app && chmod 755 /app", "trivial");
        check("frobnicate --all", "unknown");
        check("bash -c 'curl -sSL x | tar xz'", "download + unpack");
    }

    #[test]
    fn chains_add_up() {
        let scale = Scale::default();
        let chain = duration("apt-get update && apt-get install -y curl", &scale);
        assert_eq!(chain.median_ms, 30_000);
        assert!(chain.low_ms < 20_000 && chain.high_ms > 100_000);
        let build = duration("npm run build", &scale);
        assert_eq!(
            duration("npm ci && npm run build", &scale).median_ms,
            duration("npm ci", &scale).median_ms + build.median_ms
        );
    }

    #[test]
    fn of_the_branches_of_an_if_the_longest_counts() {
        let scale = Scale::default();
        let text = "if [ -f yarn.lock ]; then yarn; elif [ -f package-lock.json ]; then npm ci; else pnpm i; fi";
        assert_eq!(duration(text, &scale).median_ms, 30_000);
    }

    #[test]
    fn an_unknown_command_has_a_wide_band() {
        let e = duration("frobnicate", &Scale::default());
        assert!(e.high_ms / e.low_ms >= 100);
        assert_eq!(duration("", &Scale::default()).median_ms, UNKNOWN.ms.1);
    }
}
