//! What kinds of command take where nothing was measured: durations and layer sizes with their bands and sources.
//!
//! The rows are in `priors.txt`. Most durations were read from BuildKit logs in public repositories; the band is meant to
//! hold eight of ten projects. Where no figure was found the row says "assumption", and its band is wide.

use super::estimate::Estimate;
use super::kind::kind_of;
use super::scale::Family;
use super::scale::Scale;
use crate::shell;
use crate::shell::Seen;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// One row: a kind of command, or an instruction other than RUN.
#[derive(Debug, PartialEq, Eq)]
pub struct Prior {
    /// Its name: `npm ci`, `apt-get install`, `COPY`.
    pub kind: &'static str,
    /// Whose lockfile's number of entries scales it.
    pub family: Option<Family>,
    /// Milliseconds: one in ten is shorter, median, one in ten is longer.
    pub ms: (u64, u64, u64),
    /// Where the duration comes from.
    pub source: &'static str,
    /// Kilobytes it leaves in the layer, unpacked: low, median, high.
    pub layer_kb: (u64, u64, u64),
    /// Where the size comes from.
    pub layer_source: &'static str,
}

/// Sorted by kind.
static PRIORS: LazyLock<Vec<Prior>> = LazyLock::new(|| {
    let is_row = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let lines: Vec<&str> = include_str!("priors.txt").lines().filter(is_row).collect();
    lines
        .chunks(2)
        .map(|pair| row(pair).expect("a test reads every row of the table"))
        .collect()
});

/// A row out of its two lines.
fn row(lines: &[&'static str]) -> Option<Prior> {
    let [time, size] = lines else { return None };
    let [kind, family, ms, source] = columns(time)?;
    let [_, layer_kb, layer_source] = columns(size)?;
    Some(Prior {
        kind,
        family: if family == "-" {
            None
        } else {
            Some(Family::by_name(family)?)
        },
        ms: band(ms)?,
        source,
        layer_kb: band(layer_kb)?,
        layer_source,
    })
}

fn columns<const N: usize>(line: &'static str) -> Option<[&'static str; N]> {
    let columns: Vec<&str> = line.split('|').map(str::trim).collect();
    columns.try_into().ok()
}

fn band(text: &str) -> Option<(u64, u64, u64)> {
    let mut numbers = text.split(' ').map(|n| n.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// The row of a kind by its name.
pub fn by_kind(kind: &str) -> Option<&'static Prior> {
    PRIORS
        .binary_search_by(|p| p.kind.cmp(kind))
        .ok()
        .map(|n| &PRIORS[n])
}

/// The row of commands of no known kind.
fn unknown() -> &'static Prior {
    by_kind("unknown").expect("the table has a row for what it does not know")
}

/// The row of an instruction; of a RUN without a command that could be read, the one of commands of no known kind.
pub fn instruction(keyword: &str) -> &'static Prior {
    if keyword == "RUN" {
        return unknown();
    }
    let own = by_kind(keyword).filter(|p| p.kind.bytes().all(|b| b.is_ascii_uppercase()));
    own.or_else(|| by_kind("other"))
        .expect("the table has a row for other instructions")
}

/// What kind of command this is. `npm ci` is not `npm run build`.
pub fn classify(command: &Seen) -> &'static Prior {
    by_kind(kind_of(command)).unwrap_or_else(unknown)
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
    /// Bytes it leaves in the layer, unpacked: low, median, high.
    pub layer: (u64, u64, u64),
    /// Where that comes from.
    pub layer_source: &'static str,
}

/// The commands of a shell text and of the scripts that it runs, one after the other; of the branches of an `if` the
/// longest. What is trivial is one part of its own.
pub fn parts(command: &str, scale: &Scale) -> Vec<Part> {
    parts_of(shell::parse(command).seen(), scale)
}

/// As [`parts`], of a text that runs where variables have these values: without the branches that are then not taken.
pub(super) fn parts_with(
    command: &str,
    known: &BTreeMap<String, String>,
    scale: &Scale,
) -> Vec<Part> {
    if known.is_empty() {
        return parts(command, scale);
    }
    let script = shell::decided(command, known);
    if !script.is_complete {
        return parts(command, scale);
    }
    let is_idle = script.commands.is_empty() && !shell::parse(command).commands.is_empty();
    match by_kind("trivial").filter(|_| is_idle) {
        Some(trivial) => vec![part(trivial, scale)],
        None => parts_of(script.seen(), scale),
    }
}

fn parts_of(seen: Vec<Seen>, scale: &Scale) -> Vec<Part> {
    let seen = scale.followed(seen);
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
            Some(trivial) => {
                let (sum, more) = (&mut trivial.layer, part.layer);
                *sum = (sum.0 + more.0, sum.1 + more.1, sum.2 + more.2);
            }
            None => parts.push(part),
        }
    }
    if parts.is_empty() {
        parts.push(part(unknown(), scale));
    }
    parts
}

/// A text of more commands than this is cut; its duration is a guess anyway.
const MAX_PARTS: usize = 400;

fn part(prior: &'static Prior, scale: &Scale) -> Part {
    let factor = prior.family.map_or(1.0, |f| scale.factor(f));
    Part {
        kind: prior.kind,
        estimate: prior.estimate().scaled(factor),
        layer: prior.layer(factor),
        layer_source: prior.layer_source,
    }
}

impl Prior {
    /// Bytes it leaves in the layer, unpacked: low, median, high.
    pub fn layer(&self, factor: f64) -> (u64, u64, u64) {
        let bytes = |kb: u64| (kb as f64 * factor) as u64 * 1000;
        let (low, median, high) = self.layer_kb;
        (bytes(low), bytes(median), bytes(high))
    }

    /// How long it takes, and who says so.
    pub fn estimate(&self) -> Estimate {
        let (low, median, high) = self.ms;
        Estimate::estimated(median, low, high, format!("{}: {}", self.kind, self.source))
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
        assert!(PRIORS.len() > 60);
        let rises = |band: (u64, u64, u64)| band.0 < band.1 && band.1 < band.2;
        for p in PRIORS.iter() {
            assert!(0 < p.ms.0 && rises(p.ms), "{}", p.kind);
            // What leaves no layer has no band.
            assert!(p.layer_kb.1 == 0 || rises(p.layer_kb), "{}", p.kind);
            assert!(!p.source.is_empty() && !p.layer_source.is_empty());
        }
    }

    #[test]
    fn guesses_say_so_and_are_wide() {
        for p in PRIORS.iter() {
            let is_guess = |source: &str| source.starts_with("assumption");
            assert!(!is_guess(p.source) || p.ms.2 >= p.ms.0 * 5, "{}", p.kind);
            let (low, _, high) = p.layer_kb;
            assert!(!is_guess(p.layer_source) || high >= low * 6, "{}", p.kind);
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
        check("pip install -r requirements.txt", "pip install -r");
        check("pip install flask", "pip install");
        check("python -m pip install .", "pip install project");
        check("pip install --prefix=/x --no-deps /src", "pip upgrade");
        check("./mvnw -B dependency:go-offline", "mvn dependency");
        check(
            "./mvnw -DskipTests package -B && cp target/*.jar app.jar",
            "mvn package + copy files",
        );
        check(
            "mvn org.apache.maven.plugins:maven-dependency-plugin:3.6.1:get -Dartifact=a:b:1",
            "mvn dependency",
        );
        let built = "cmake configure + make + copy files";
        check("cmake .. && make -j2 && make install", built);
        check("cmake -G Ninja .. && ninja && ninja install", built);
        check(
            "cmake -B b && cmake --build b && cmake --install b",
            "cmake configure + cmake build + copy files",
        );
        check(
            "go mod tidy && go build -o myapp .",
            "go mod download + go build",
        );
        check("CGO_ENABLED=0 go build ./...", "go build");
        check("cargo chef cook --release", "cargo chef cook");
        check("cargo build --release", "cargo build");
        check("cargo +nightly chef cook --release", "cargo chef cook");
        check("cargo -V", "trivial");
        check("bundle -v && composer --version", "trivial");
        check("cargo install --locked --path node", "cargo build");
        check("bundle exec rake assets:precompile", "rake assets");
        check("mkdir -p /app && chmod 755 /app", "trivial");
        check("chown app /app && chown -R app /srv", "chown -R");
        check("chown app /app", "trivial");
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
    fn what_a_value_passes_over_takes_no_time() {
        let known = BTreeMap::from([("P".to_owned(), String::new())]);
        let check = |text: &str, want: &[&str]| {
            let parts = parts_with(text, &known, &Scale::default());
            let kinds: Vec<&str> = parts.iter().map(|p| p.kind).collect();
            assert_eq!(kinds, want, "{text}");
        };
        check("if [ ! -z \"$P\" ]; then npm i $P; fi", &["trivial"]);
        check("[ -n \"$P\" ] && npm ci; true", &["trivial"]);
        check("if [ -z \"$P\" ]; then npm ci; fi", &["npm ci"]);
        check("if [ -z \"$Q\" ]; then npm ci; fi", &["npm ci"]);
    }

    #[test]
    fn an_unknown_command_has_a_wide_band() {
        let e = duration("frobnicate", &Scale::default());
        assert!(e.high_ms / e.low_ms >= 100);
        assert_eq!(duration("", &Scale::default()).median_ms, unknown().ms.1);
    }
}
