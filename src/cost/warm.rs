//! What a RUN with a cache mount has left to do once the mount holds what earlier builds put there.
//!
//! On a builder that lasts, the mount is filled by the first build; a fresh one starts with an empty mount (no cache
//! export holds it: BuildKit, docs/buildkit caching of `RUN --mount=type=cache`).

use super::estimate::Source;
use super::prior;
use super::scale::Scale;
use super::step::Work;
use super::told::Told;
use super::told::commands;
use crate::graph::{Definition, Step};
use crate::shell::Seen;

/// What a mount does for a kind of command.
struct Row {
    kinds: &'static [&'static str],
    /// Parts of the mount's path, any of which makes it the right one.
    paths: &'static [&'static str],
    /// Per cent of the time left.
    percent: u64,
    /// Where the figure comes from.
    source: &'static str,
}

const fn row(
    kinds: &'static [&'static str],
    paths: &'static [&'static str],
    percent: u64,
    source: &'static str,
) -> Row {
    Row {
        kinds,
        paths,
        percent,
        source,
    }
}

const BY_THUMB: &str = "no public series found; wide by intent";

/// By rule of thumb where downloads are saved and the unpacking stays, about half is left; where the work itself is in
/// the mount (compilers' caches), a fifth to a third.
const WARM: &[Row] = &[
    row(&["apk add"], &["apk"], 60, BY_THUMB),
    row(&["apt-get install"], &["/var/cache/apt"], 70, BY_THUMB),
    row(&["apt-get update"], &["/var/lib/apt"], 60, BY_THUMB),
    row(
        &["bun install"],
        &[".bun", "/bun", "bun/install"],
        50,
        BY_THUMB,
    ),
    row(
        &["bundle install"],
        &["bundle", "/gems", "/ruby"],
        30,
        BY_THUMB,
    ),
    row(
        &["cargo build", "cargo chef cook", "cargo install"],
        &["/target"],
        20,
        "as with cargo-chef: 77 s to 5 s on a change of source (its README and its users' logs)",
    ),
    row(
        &["cargo build", "cargo chef cook", "cargo install"],
        &["registry", "/.cargo", "/cargo"],
        90,
        BY_THUMB,
    ),
    row(
        &["cargo build", "cargo chef cook"],
        &["sccache"],
        30,
        BY_THUMB,
    ),
    row(
        &["cargo fetch"],
        &["registry", "/.cargo", "/cargo"],
        10,
        BY_THUMB,
    ),
    row(&["cmake build", "make"], &["ccache"], 30, BY_THUMB),
    row(
        &["composer install"],
        &["composer", "/tmp/cache"],
        50,
        BY_THUMB,
    ),
    row(&["conda install"], &["conda", "mamba"], 60, BY_THUMB),
    row(&["dnf install"], &["/var/cache"], 60, BY_THUMB),
    row(&["dotnet restore"], &["dotnet", "nuget"], 20, BY_THUMB),
    row(&["go build"], &["go-build", ".cache"], 30, BY_THUMB),
    row(&["go mod download"], &["go/pkg", "gomod"], 10, BY_THUMB),
    row(
        &["gradle build", "gradle dependencies"],
        &["gradle"],
        50,
        BY_THUMB,
    ),
    row(&["make"], &["go-build"], 30, BY_THUMB),
    row(
        &["mvn dependency"],
        &[".m2", "/m2", "maven", "mvn"],
        15,
        BY_THUMB,
    ),
    row(&["npm ci"], &[".npm", "npm"], 50, BY_THUMB),
    row(
        &["npm run build"],
        &[".next/cache", "node_modules/.cache", ".turbo"],
        60,
        BY_THUMB,
    ),
    // The compiler proper starts anew; code generation finds the modules that stayed the same.
    row(&["package build"], &["/crystal"], 60, BY_THUMB),
    row(
        &["pip install", "pip install -r", "pip install project"],
        &[".cache", "/pip", "pip-cache"],
        30,
        "revsys.com, Faster Python Docker builds: 50 s to 6 s with the downloads at hand and uv; wide",
    ),
    // Its pip keeps nothing in a place of pip's (pipenv.pypa.io, PIPENV_CACHE_DIR).
    row(&["pipenv install"], &[".cache", "/pipenv"], 30, BY_THUMB),
    row(&["pnpm install"], &["pnpm", "/store"], 40, BY_THUMB),
    row(
        &["poetry install"],
        &[".cache", "pypoetry", "poetry"],
        30,
        BY_THUMB,
    ),
    row(&["sbt"], &["ivy2", "coursier", ".sbt"], 60, BY_THUMB),
    row(&["uv sync"], &[".cache", "/uv"], 30, BY_THUMB),
    row(&["yarn install"], &["yarn", ".cache"], 50, BY_THUMB),
];

/// What a build fetches first where no mount and no earlier step has it: (kind, what fetches, a command line of it).
const FETCHED: &[(&str, &str, &str)] = &[
    ("dotnet build", "dotnet restore", "dotnet restore"),
    ("dotnet publish", "dotnet restore", "dotnet restore"),
    ("go build", "go mod download", "go mod download"),
    ("mvn package", "mvn dependency", "mvn dependency:go-offline"),
];

/// The pieces of work of a step on a builder whose mounts are filled. Measured ones stay: they were measured so.
pub(super) fn with_mounts(work: Vec<Work>, step: &Step, told: Told, scale: &Scale) -> Vec<Work> {
    let mounts = cache_mounts(step, told);
    if mounts.is_empty() {
        return work;
    }
    let mut pieces = Vec::with_capacity(work.len());
    for piece in work {
        let fetched = FETCHED.iter().find(|(kind, ..)| *kind == piece.key);
        if let Some((_, kind, line)) = fetched
            && left(kind, &mounts).is_some()
            && is_estimate(&piece)
        {
            let parts = prior::parts(line, scale).into_iter();
            pieces.extend(parts.map(|part| {
                let fetch = Work {
                    key: part.kind.to_owned(),
                    estimate: part.estimate,
                };
                warm(fetch, &mounts)
            }));
        }
        pieces.push(warm(piece, &mounts));
    }
    pieces
}

fn is_estimate(piece: &Work) -> bool {
    matches!(piece.estimate.source, Source::Estimated { .. })
}

fn warm(mut piece: Work, mounts: &[String]) -> Work {
    let Some(row) = left(&piece.key, mounts).filter(|_| is_estimate(&piece)) else {
        return piece;
    };
    let part = |ms: u64, percent: u64| ms.saturating_mul(percent.min(100)) / 100;
    let estimate = &mut piece.estimate;
    estimate.low_ms = part(estimate.low_ms, row.percent / 2);
    estimate.median_ms = part(estimate.median_ms, row.percent);
    estimate.high_ms = part(estimate.high_ms, row.percent.saturating_mul(3) / 2);
    if let Source::Estimated { from } = &mut estimate.source {
        *from = format!(
            "{from}; {} % left with its cache mount filled: {}",
            row.percent, row.source
        );
    }
    piece
}

/// Of the rows that apply the one that leaves least.
fn left(kind: &str, mounts: &[String]) -> Option<&'static Row> {
    let applies = |row: &&Row| {
        row.kinds.contains(&kind)
            && mounts
                .iter()
                .any(|at| row.paths.iter().any(|p| is_at(at, p)))
    };
    WARM.iter().filter(applies).min_by_key(|row| row.percent)
}

/// Whether the path of a mount has this in it: whole names behind a `/`; `.cache` is the directory of all caches itself.
fn is_at(path: &str, part: &str) -> bool {
    let path = format!("{}/", path.trim_end_matches('/'));
    match part {
        ".cache" => path.ends_with("/.cache/"),
        _ if part.starts_with('/') => path.contains(&format!("{part}/")),
        _ => path.contains(part),
    }
}

/// Where a RUN has cache mounts that hold something once it has run; none where its installer is told to use no cache.
fn cache_mounts(step: &Step, told: Told) -> Vec<String> {
    let words = step.text.split_whitespace().skip(1);
    let flags = words.take_while(|w| w.starts_with("--"));
    let mounts = flags.filter_map(|w| w.strip_prefix("--mount="));
    let is_off = |text: &str| text.contains("no-cache-dir") || text.contains("PIP_NO_CACHE_DIR");
    if is_off(&step.command) || step.definition.parts().iter().any(|(what, _)| is_off(what)) {
        return Vec::new();
    }
    let seen = commands(step);
    mounts
        .filter(|options| options.split(',').any(|o| o == "type=cache"))
        .filter_map(|options| {
            let names = ["target=", "dst=", "destination="];
            let mut values = options.split(',');
            values.find_map(|o| names.iter().find_map(|n| o.strip_prefix(n)))
        })
        .map(|path| path.trim_matches('"').to_owned())
        .filter(|path| told.holds(path, &seen))
        .map(|path| path.clone() + &tellers(step, &seen, &path))
        .collect()
}

/// Who is told that a mount's directory is theirs, as names behind it: the first word of a variable (`UV_CACHE_DIR`), the
/// program of a command.
fn tellers(step: &Step, seen: &[Seen], path: &str) -> String {
    let path = path.trim_end_matches('/');
    let is_within = |value: &str| {
        let rest = path.strip_prefix(value.trim_end_matches('/'));
        value.len() > 1 && rest.is_some_and(|r| r.is_empty() || r.starts_with('/'))
    };
    let names_it = |text: &str| {
        let mut words = text.split(|c: char| c.is_whitespace() || c == '=');
        words.any(is_within)
    };
    let variables: Vec<(&str, &str)> = match &step.definition {
        Definition::Run(run) => run.before.env.iter().collect(),
        Definition::Parts(_) => Vec::new(),
    };
    let set = seen.iter().flat_map(|s| &s.assignments);
    let set = set.map(|(name, value)| (name.as_str(), value.as_str()));
    let set = variables.into_iter().chain(set);
    let set = set.filter(|(_, value)| names_it(value));
    let by_variables = set.map(|(name, _)| name.split('_').next().unwrap_or(name));
    let is_it = |word: &String| {
        let mut parts = word.split('=');
        parts.any(|part| part.trim_end_matches('/') == path)
    };
    let told = seen.iter().filter(|s| s.args().iter().any(is_it));
    let names = by_variables.chain(told.map(Seen::name));
    names
        .map(|name| format!("/{}", name.to_lowercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::CostModel;
    use crate::replay::Runner;
    use crate::score::fixture::steps;

    fn ms(runner: Runner, text: &str) -> u64 {
        let steps = steps(&["FROM a", text]);
        let model = CostModel {
            runner,
            ..CostModel::default()
        };
        model.steps(&steps)[1].median_ms
    }

    #[test]
    fn rows_are_sorted_and_name_kinds_that_exist() {
        assert!(WARM.windows(2).all(|w| w[0].kinds[0] <= w[1].kinds[0]));
        for row in WARM {
            assert!(
                row.kinds.iter().all(|kind| prior::by_kind(kind).is_some()),
                "{:?}",
                row.kinds
            );
            assert!(0 < row.percent && row.percent < 100 && !row.source.is_empty());
        }
    }

    #[test]
    fn a_filled_mount_leaves_less_to_do() {
        let check = |mount: &str, command: &str, is_less: bool| {
            let plain = ms(Runner::Persistent, &format!("RUN {command}"));
            let text = format!("RUN --mount=type=cache,{mount} {command}");
            let warm = ms(Runner::Persistent, &text);
            assert_eq!(
                (warm < plain, warm > plain),
                (is_less, false),
                "{text}: {warm} of {plain}"
            );
            // A fresh runner has an empty mount.
            assert_eq!(ms(Runner::Ephemeral, &text), plain, "{text}");
        };
        check("target=/root/.npm", "npm ci", true);
        check(
            "id=x,sharing=locked,dst=/pnpm/store",
            "pnpm install --frozen-lockfile",
            true,
        );
        check(
            "target=/root/.cache/pip",
            "pip install -r requirements.txt",
            true,
        );
        check(
            "target=/root/.cache/pip",
            "pip install --no-cache-dir -r requirements.txt",
            false,
        );
        check("target=/root/.cache/pip", "pip install --no-cache a", false);
        check("target=/root/.cache/uv", "uv sync --no-cache", false);
        check("target=/root/.cache/uv", "uv sync", true);
        check(
            "target=/root/.cache/uv",
            "uv pip install -r requirements.txt",
            true,
        );
        check("target=/root/.cache/go-build", "go build .", true);
        check("target=/go/pkg/mod", "go build .", true);
        check("target=/root/.cache/go-build", "make server", true);
        check("target=/root/.cache/pip", "make server", false);
        check("target=/root/.m2", "mvn package", true);
        check("target=/app/target", "cargo build --release", true);
        check("target=/root/.npm", "npm run build", false);
        check("target=/root/.cache/go-build", "go build -a .", false);
        check("target=/root/.cache/go-build", "go install -a ./...", false);
        check("target=/root/.cache/crystal", "crystal build a.cr", true);
        check(
            "target=/root/.cache/crystal",
            "crystal build --release a.cr",
            false,
        );
        let install = "apt-get update && apt-get install -y git";
        let kept = format!("rm -f /etc/apt/apt.conf.d/docker-clean && {install}");
        check("target=/var/cache/apt", &kept, true);
        check("target=/var/cache/apt", install, false);
        check(
            "target=/var/cache/apt",
            &format!("{kept} && apt-get clean"),
            false,
        );
        check("target=/var/lib/apt", install, true);
        let emptied = format!("{install} && rm -rf /var/lib/apt/lists/*");
        check("target=/var/lib/apt", &emptied, false);
        check("target=/var/lib/apt/lists", &emptied, false);
        check("target=/etc/apk/cache", "apk add -U git", true);
        check("target=/etc/apk/cache", "apk add --no-cache git", false);
        check("target=/var/cache/apk", "apk add git", false);
        check(
            "target=/var/cache/apk",
            "ln -s /var/cache/apk /etc/apk/cache && apk add git",
            true,
        );
        check("target=/var/cache/dnf", "dnf install -y git", false);
        let kept = "dnf install -y --setopt=keepcache=1 git";
        check("target=/var/cache/dnf", kept, true);
        check(
            "target=/var/cache/dnf",
            &format!("{kept} && dnf clean all"),
            false,
        );
        check("target=/srv", "npm ci", false);
        check("target=/srv", "npm ci --cache /srv", true);
        check(
            "target=/srv/m",
            "mvn -Dmaven.repo.local=/srv/m package",
            true,
        );
        check("target=/srv", "UV_CACHE_DIR=/srv uv sync", true);
        check("target=/srv", "UV_CACHE_DIR=/srv npm ci", false);
    }

    #[test]
    fn what_an_earlier_step_says_of_downloads_counts() {
        let install = "RUN --mount=type=cache,target=/var/cache/apt apt-get install -y git";
        let ms = |first: &str| {
            let steps = steps(&["FROM a", first, install]);
            CostModel::default().steps(&steps)[2].median_ms
        };
        assert!(ms("RUN rm -f /etc/apt/apt.conf.d/docker-clean") < ms("RUN true"));
    }

    #[test]
    fn other_mounts_hold_nothing() {
        let plain = ms(Runner::Persistent, "RUN npm ci");
        let bound = "RUN --mount=type=bind,target=/root/.npm npm ci";
        assert_eq!(ms(Runner::Persistent, bound), plain);
    }
}
