//! An analysis as JSON: `stratigraph.analysis/1`, documented in docs/schema/analysis.md.
//!
//! Never: words; facts and numbers only. The structs here are the wire format and nothing else. Times are whole
//! milliseconds, times of commits seconds since 1970.

use super::trace::{Reason, reason};
use super::view::monthly;
use crate::analyze::{Analysis, Build, StepFacts};
use crate::builder::Builder;
use crate::cache::Lookup;
use crate::caveat::Caveat;
use crate::cost::{Origin, SpeedFact, TotalCost};
use crate::dockerfile;
use crate::graph::BUILD_PLATFORM;
use crate::replay::{Built, CacheExport, RunOutputs, Runner, Settings};
use crate::restructure::finding::Finding;
use crate::score::{Blame, Cause, Millis, Tally, counted};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;

const SCHEMA: &str = "stratigraph.analysis/1";

#[derive(Serialize)]
struct WireAnalysis<'a> {
    schema: &'static str,
    repository: &'a str,
    settings: WireSettings<'a>,
    replayed: Replayed,
    cache: WireTally,
    time: Time,
    steps: Vec<WireStep<'a>>,
    causes: Vec<WireBlame<'a>>,
    findings: Vec<WireFinding<'a>>,
    churn: Vec<Churn>,
    caveats: Vec<WireCaveat<'a>>,
    builds: Vec<WireBuild<'a>>,
}

/// What was asked for; the same words as on the command line.
#[derive(Serialize)]
pub(super) struct WireSettings<'a> {
    file: &'a str,
    pinned: bool,
    context: &'a str,
    target: Option<&'a str>,
    platform: &'a str,
    build_args: &'a BTreeMap<String, Option<String>>,
    builder: &'static str,
    git_dir: &'static str,
    run_outputs: &'static str,
    runner: &'static str,
    cache_export: &'static str,
}

#[derive(Serialize)]
struct Replayed {
    builds: u64,
    counted: u64,
    unbuildable: u64,
    from: Option<i64>,
    to: Option<i64>,
    dockerfile_versions: usize,
}

/// Answers of the cache.
#[derive(Serialize)]
pub(super) struct WireTally {
    hits: u64,
    misses: u64,
    roots: u64,
    cascades: u64,
    unknown: u64,
    hit_ratio: Option<f64>,
}

fn speed(fact: &SpeedFact) -> WireSpeed {
    WireSpeed {
        name: fact.speed.name(),
        bytes_per_second: fact.bytes_per_second,
        measured: matches!(fact.origin, Origin::Measured { .. }),
        source: fact.origin.to_string(),
    }
}

/// What all counted builds' runner time costs.
#[derive(Serialize)]
struct WireMoney {
    amount: f64,
    currency: String,
    price: String,
}

/// How fast bytes move, and where that comes from.
#[derive(Serialize)]
struct WireSpeed {
    name: &'static str,
    bytes_per_second: u64,
    measured: bool,
    source: String,
}

#[derive(Serialize)]
struct Time {
    rebuild_ms: Option<WireBand>,
    cold_ms: Option<WireBand>,
    best_ms: Option<WireBand>,
    best_bold_ms: Option<WireBand>,
    measured_ratio: Option<f64>,
    basis: String,
    speeds: Vec<WireSpeed>,
    money: Option<WireMoney>,
    builds_per_month: Option<u64>,
    rebuild_ms_per_month: Option<u64>,
}

/// A figure with its band.
#[derive(Serialize)]
pub(super) struct WireBand {
    median: u64,
    low: u64,
    high: u64,
}

#[derive(Serialize)]
struct WireStep<'a> {
    stage: Option<&'a str>,
    index: usize,
    total: usize,
    line: usize,
    last_line: usize,
    instruction: &'a str,
    text: &'a str,
    cache: WireTally,
    duration_ms: WireBand,
    duration_source: String,
    duration_assumed_ms: u64,
    layer_bytes: WireBand,
    layer_source: &'a str,
    spent_ms: WireBand,
    causes: Vec<WireBlame<'a>>,
}

#[derive(Serialize)]
struct WireBlame<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'a str>,
    builds: u64,
    alone: u64,
    cost_ms: WireBand,
}

#[derive(Serialize)]
struct WireFinding<'a> {
    kind: &'a str,
    line: Option<usize>,
    text: &'a str,
    rule: Option<&'a str>,
    builds: Option<usize>,
}

#[derive(Serialize)]
struct Churn {
    path: String,
    builds: u64,
}

/// Something assumed.
#[derive(Serialize)]
pub(super) struct WireCaveat<'a> {
    text: &'a str,
    place: Option<&'a str>,
}

#[derive(Serialize)]
struct WireBuild<'a> {
    commit: String,
    time: i64,
    subject: &'a str,
    buildable: bool,
    error: Option<WireError<'a>>,
    #[serde(flatten)]
    facts: Option<WireFacts<'a>>,
}

#[derive(Serialize)]
struct WireError<'a> {
    message: &'a str,
    line: Option<usize>,
    column: Option<usize>,
}

#[derive(Serialize)]
struct WireFacts<'a> {
    version: usize,
    cache: WireTally,
    wall_ms: u64,
    billed_ms: u64,
    pushed_bytes: u64,
    pulled_bytes: u64,
    roots: Vec<WireRoot<'a>>,
}

/// A step that missed by itself.
#[derive(Serialize)]
struct WireRoot<'a> {
    stage: Option<&'a str>,
    index: usize,
    line: usize,
    instruction: &'a str,
    reason: Option<Reason<'a>>,
}

/// Writes an analysis. `name` is the repository's.
pub fn write(analysis: &Analysis, name: &str, sink: &mut dyn io::Write) -> io::Result<()> {
    let totals = &analysis.totals;
    let month = monthly(analysis);
    let mean = |total: &TotalCost| {
        (totals.n_counted > 0).then(|| band(Millis::from(total.wall).share(1, totals.n_counted)))
    };
    let wire = WireAnalysis {
        schema: SCHEMA,
        repository: name,
        settings: settings(&analysis.settings),
        replayed: Replayed {
            builds: totals.n_builds,
            counted: totals.n_counted,
            unbuildable: totals.n_unbuildable,
            from: totals.span.map(|s| s.0),
            to: totals.span.map(|s| s.1),
            dockerfile_versions: analysis.n_dockerfiles,
        },
        cache: tally(&totals.tally),
        time: Time {
            rebuild_ms: mean(&totals.cost),
            cold_ms: mean(&totals.cold),
            best_ms: mean(&totals.best),
            best_bold_ms: mean(&totals.best_bold),
            measured_ratio: totals.cost.measured_permille().map(|p| p as f64 / 1000.0),
            basis: totals.cost.basis.clone(),
            speeds: totals.cost.speeds.iter().map(speed).collect(),
            money: totals.cost.money.as_ref().map(|m| WireMoney {
                amount: m.micros as f64 / 1e6,
                currency: m.currency.clone(),
                price: m.price.clone(),
            }),
            builds_per_month: month.map(|m| m.0),
            rebuild_ms_per_month: month.map(|m| m.1),
        },
        steps: analysis.steps.iter().map(step).collect(),
        causes: analysis.league.iter().map(blame).collect(),
        findings: analysis.findings.iter().map(finding).collect(),
        churn: analysis
            .churn
            .iter()
            .map(|(path, builds)| Churn {
                path: path.to_string(),
                builds: *builds,
            })
            .collect(),
        caveats: caveats(&analysis.caveats),
        builds: analysis.builds.iter().map(build).collect(),
    };
    pretty(&wire, sink)
}

/// Writes a value as indented JSON with a line break at its end.
pub(super) fn pretty(value: &impl Serialize, sink: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *sink, value).map_err(io::Error::from)?;
    sink.write_all(b"\n")
}

/// Settings in the words of the command line.
pub(super) fn settings(settings: &Settings) -> WireSettings<'_> {
    WireSettings {
        file: &settings.dockerfile,
        pinned: settings.pin.is_some(),
        context: &settings.context,
        target: settings.target.as_deref(),
        platform: settings.platform.as_deref().unwrap_or(BUILD_PLATFORM),
        build_args: &settings.build_args,
        builder: match settings.builder {
            Builder::BuildKit => "buildkit",
            Builder::Classic => "classic",
            Builder::Buildah => "buildah",
            Builder::Kaniko => "kaniko",
        },
        git_dir: if settings.git_dir {
            "included"
        } else {
            "excluded"
        },
        run_outputs: match settings.run_outputs {
            RunOutputs::Changing => "changing",
            RunOutputs::Stable => "stable",
        },
        runner: match settings.runner {
            Runner::Persistent => "persistent",
            Runner::Ephemeral => "ephemeral",
        },
        cache_export: match settings.cache_export {
            CacheExport::None => "none",
            CacheExport::Inline => "inline",
            CacheExport::Min => "min",
            CacheExport::Max => "max",
        },
    }
}

/// Counts and their ratio, to three places.
pub(super) fn tally(tally: &Tally) -> WireTally {
    let known = tally.hits + tally.misses();
    WireTally {
        hits: tally.hits,
        misses: tally.misses(),
        roots: tally.roots,
        cascades: tally.cascades,
        unknown: tally.unknown,
        hit_ratio: (tally.hits * 1000)
            .checked_div(known)
            .map(|p| p as f64 / 1000.0),
    }
}

/// A figure with its band.
pub(super) fn band(time: Millis) -> WireBand {
    WireBand {
        median: time.median,
        low: time.low,
        high: time.high,
    }
}

/// What was assumed.
pub(super) fn caveats(caveats: &[Caveat]) -> Vec<WireCaveat<'_>> {
    let place = |c: &'_ Caveat| !c.place.is_empty();
    caveats
        .iter()
        .map(|c| WireCaveat {
            text: &c.text,
            place: place(c).then_some(c.place.as_str()),
        })
        .collect()
}

fn step(facts: &StepFacts) -> WireStep<'_> {
    let step = &facts.step;
    WireStep {
        stage: step.stage.as_deref(),
        index: step.index,
        total: step.total,
        line: step.lines.first,
        last_line: step.lines.last,
        instruction: &step.instruction,
        text: &step.text,
        cache: tally(&facts.tally),
        duration_ms: band(facts.price),
        duration_source: facts.source.to_string(),
        duration_assumed_ms: facts.assumed_ms,
        layer_bytes: WireBand {
            median: facts.layer.size.unpacked,
            low: facts.layer.low,
            high: facts.layer.high,
        },
        layer_source: &facts.layer.source,
        spent_ms: band(facts.cost),
        causes: facts.causes.iter().map(blame).collect(),
    }
}

fn blame(blame: &Blame) -> WireBlame<'_> {
    let (kind, path, what) = match &blame.cause {
        Cause::Path(path) => ("file", Some(path.to_string()), None),
        Cause::Folder(path) => ("directory", Some(path.to_string()), None),
        Cause::MoreFiles => ("more-files", None, None),
        Cause::Definition(what) => ("definition", None, Some(what.as_str())),
        Cause::Base(image) => ("base", None, Some(image.as_str())),
        Cause::NotExported => ("not-exported", None, None),
        Cause::Evicted => ("evicted", None, None),
        Cause::Cold => ("cold", None, None),
        Cause::Unknown(why) => ("unknown", None, Some(why.as_str())),
    };
    WireBlame {
        kind,
        path,
        what,
        builds: blame.builds,
        alone: blame.alone,
        cost_ms: band(blame.cost),
    }
}

fn finding(finding: &Finding) -> WireFinding<'_> {
    WireFinding {
        kind: finding.kind,
        line: (finding.line > 0).then_some(finding.line),
        text: &finding.text,
        rule: finding.rule,
        builds: finding.builds,
    }
}

fn build(build: &Build) -> WireBuild<'_> {
    let facts = build.result.as_ref().ok().map(|facts| WireFacts {
        version: facts.version,
        cache: tally(&facts.tally),
        wall_ms: facts.cost.wall_ms,
        billed_ms: facts.cost.billed_ms,
        pushed_bytes: facts.cost.pushed_bytes,
        pulled_bytes: facts.cost.pulled_bytes,
        roots: roots(&facts.built),
    });
    WireBuild {
        commit: build.commit.id.to_string(),
        time: build.time,
        subject: &build.commit.subject,
        buildable: build.result.is_ok(),
        error: build.result.as_ref().err().map(error),
        facts,
    }
}

fn error(error: &dockerfile::Error) -> WireError<'_> {
    let known = error.line > 0;
    WireError {
        message: &error.message,
        line: known.then_some(error.line),
        column: known.then_some(error.column),
    }
}

fn roots(built: &Built) -> Vec<WireRoot<'_>> {
    let is_root = |lookup: &Lookup| match lookup {
        Lookup::Hit { .. } => false,
        Lookup::Miss(reason) => reason.is_root(),
        Lookup::Unknown { .. } => true,
    };
    let root = |id: crate::graph::StepId| {
        let step = &built.steps.steps[id.0];
        WireRoot {
            stage: step.stage.as_deref(),
            index: step.index,
            line: step.lines.first,
            instruction: &step.instruction,
            reason: reason(built, id),
        }
    };
    counted(&built.steps)
        .filter(|id| is_root(&built.lookups[id.0]))
        .map(root)
        .collect()
}
