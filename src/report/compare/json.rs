//! A comparison as JSON (`stratigraph.compare/1`).

use super::words::Compared;
use crate::report::direction::Direction;
use crate::report::json;
use crate::score::{Change, Emulated, Means, Pair, Passed, Side, StepChange, StepSide};
use serde::Serialize;
use std::io;

#[derive(Serialize)]
struct Wire<'a> {
    schema: &'static str,
    repository: &'a str,
    settings: json::WireSettings<'a>,
    old: WireSide<'a>,
    new: WireSide<'a>,
    builds: u64,
    faster: u64,
    equal: u64,
    slower: u64,
    only_old_builds: u64,
    only_new_builds: u64,
    mean_change_ms: WireChange,
    mean_change_if_cached_ms: WireChange,
    median_change_ms: WireChange,
    p95_change_ms: WireChange,
    cold_change_ms: WireChange,
    direction: &'static str,
    if_passed: Option<WirePassed<'a>>,
    if_emulated: Option<WireEmulated<'a>>,
    steps: Vec<WireStep<'a>>,
    pairs: Vec<WirePair>,
    thresholds_not_met: &'a [String],
    thresholds_undecided: &'a [String],
    caveats: Vec<json::WireCaveat<'a>>,
}

#[derive(Serialize)]
struct WireSide<'a> {
    name: &'a str,
    mean_ms: json::WireBand,
    mean_if_cached_ms: u64,
    cold_ms: u64,
    median_ms: u64,
    p95_ms: u64,
    cache: json::WireTally,
    moved_bytes: u64,
    image_bytes: u64,
    image_estimated_layers: usize,
    image_base_source: &'a str,
}

#[derive(Serialize)]
struct WireChange {
    median: i64,
    low: i64,
    high: i64,
    held_ratio: Option<f64>,
}

#[derive(Serialize)]
struct WirePassed<'a> {
    arguments: &'a [String],
    #[serde(flatten)]
    means: WireMeans,
    old_again_ms: u64,
    new_again_ms: u64,
}

#[derive(Serialize)]
struct WireEmulated<'a> {
    platform: &'a str,
    #[serde(flatten)]
    means: WireMeans,
}

#[derive(Serialize)]
struct WireMeans {
    old_mean_ms: u64,
    new_mean_ms: u64,
    mean_change_ms: WireChange,
    mean_change_if_cached_ms: WireChange,
}

#[derive(Serialize)]
struct WireStep<'a> {
    old: Option<WireStepSide<'a>>,
    new: Option<WireStepSide<'a>>,
    change_ms: i64,
}

#[derive(Serialize)]
struct WireStepSide<'a> {
    stage: Option<&'a str>,
    line: usize,
    text: &'a str,
    runs: u64,
    spent_ms: u64,
}

#[derive(Serialize)]
struct WirePair {
    commit: String,
    time: i64,
    old_ms: u64,
    new_ms: u64,
    /// Positions in `steps` of those that ran on one side only.
    differ: Vec<usize>,
}

/// Writes it as JSON.
pub fn json(compared: &Compared<'_>, sink: &mut dyn io::Write) -> io::Result<()> {
    let c = compared.comparison;
    let n = c.pairs.len() as u64;
    let pair = |p: &Pair| WirePair {
        commit: p.commit.to_string(),
        time: p.time,
        old_ms: p.old_ms,
        new_ms: p.new_ms,
        differ: p.differ.clone(),
    };
    let wire = Wire {
        schema: "stratigraph.compare/1",
        repository: compared.repository,
        settings: json::settings(compared.settings),
        old: wire_side(compared.names.0, &c.old),
        new: wire_side(compared.names.1, &c.new),
        builds: n,
        faster: c.n_faster,
        equal: n - c.n_faster - c.n_slower,
        slower: c.n_slower,
        only_old_builds: c.n_lost,
        only_new_builds: c.n_gained,
        mean_change_ms: wire_change(c.mean),
        mean_change_if_cached_ms: wire_change(c.mean_if_cached),
        median_change_ms: wire_change(c.median),
        p95_change_ms: wire_change(c.p95),
        cold_change_ms: wire_change(c.cold),
        direction: Direction::of(c.mean.median, c.mean_if_cached.median).name(),
        if_passed: c.passed.as_ref().map(wire_passed),
        if_emulated: c.emulated.as_ref().map(wire_emulated),
        steps: c.steps.iter().map(wire_step).collect(),
        pairs: c.pairs.iter().map(pair).collect(),
        thresholds_not_met: compared.broken,
        thresholds_undecided: compared.undecided,
        caveats: json::caveats(compared.caveats),
    };
    json::pretty(&wire, sink)
}

fn wire_side<'a>(name: &'a str, side: &'a Side) -> WireSide<'a> {
    WireSide {
        name,
        mean_ms: json::band(side.mean),
        mean_if_cached_ms: side.mean_if_cached,
        cold_ms: side.cold,
        median_ms: side.median,
        p95_ms: side.p95,
        cache: json::tally(&side.tally),
        moved_bytes: side.moved_bytes,
        image_bytes: side.image.unpacked,
        image_estimated_layers: side.image.n_estimated,
        image_base_source: &side.image.base_source,
    }
}

fn wire_change(change: Change) -> WireChange {
    WireChange {
        median: change.median,
        low: change.low,
        high: change.high,
        held_ratio: change.held_permille.map(|p| p as f64 / 1000.0),
    }
}

fn wire_passed(passed: &Passed) -> WirePassed<'_> {
    WirePassed {
        arguments: &passed.names,
        means: wire_means(&passed.means),
        old_again_ms: passed.again.0,
        new_again_ms: passed.again.1,
    }
}

fn wire_emulated(emulated: &Emulated) -> WireEmulated<'_> {
    WireEmulated {
        platform: &emulated.platform,
        means: wire_means(&emulated.means),
    }
}

fn wire_means(means: &Means) -> WireMeans {
    WireMeans {
        old_mean_ms: means.old,
        new_mean_ms: means.new,
        mean_change_ms: wire_change(means.change),
        mean_change_if_cached_ms: wire_change(means.if_cached),
    }
}

fn wire_step(step: &StepChange) -> WireStep<'_> {
    WireStep {
        old: step.old.as_ref().map(wire_step_side),
        new: step.new.as_ref().map(wire_step_side),
        change_ms: step.change,
    }
}

fn wire_step_side(side: &StepSide) -> WireStepSide<'_> {
    WireStepSide {
        stage: side.stage.as_deref(),
        line: side.line,
        text: &side.text,
        runs: side.runs,
        spent_ms: side.spent,
    }
}
