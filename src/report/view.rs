//! An analysis as names and numbers ready to print: what every rendering for people shares.
//!
//! Never: computes a fact; it words what the analysis holds.

use super::format::{clip, count, date, days, duration, grouped, one_line, share};
use super::table::{Column, Table};
use crate::analyze::{Analysis, StepFacts};
use crate::builder::Builder;
use crate::cost::TotalCost;
use crate::graph::is_native;
use crate::replay::{CacheExport, Runner};
use crate::restructure::finding::Finding;
use crate::score::{Blame, Cause, Millis};
use std::collections::BTreeMap;

/// So many steps are listed; the cheapest beyond them are summed up in a line.
const MAX_STEPS: usize = 11;
/// So many stages get a line of their own.
const MAX_STAGES: usize = 3;
/// So many causes are listed.
const MAX_CAUSES: usize = 4;
/// Shorter histories are not projected to a month.
const MIN_DAYS: u64 = 14;
/// Seconds of a month, on average.
const MONTH: f64 = 30.44 * 86_400.0;

/// A report for people.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was analysed, in a line.
    pub title: String,
    /// What was replayed, a sentence each.
    pub replayed: Vec<String>,
    /// The main figures.
    pub figures: Vec<Figure>,
    /// The steps.
    pub steps: Table,
    /// What the table of steps leaves out.
    pub steps_note: Option<String>,
    /// What costs most.
    pub causes: Table,
    /// What could be better, most important first.
    pub findings: Vec<Remark>,
    /// What was assumed, most general first.
    pub caveats: Vec<String>,
}

/// One figure with its name and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// `cache hits`, `rebuild`, …
    pub name: &'static str,
    /// `61%`, `2 min 10 s`.
    pub value: String,
    /// The rest of the sentence.
    pub note: String,
}

/// A finding in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// `line 8`, or empty.
    pub place: String,
    /// What it is.
    pub text: String,
    /// What it costs or what would help; may be empty.
    pub detail: String,
}

/// Words an analysis. `name` is the repository's.
pub fn report(analysis: &Analysis, name: &str) -> Report {
    let (steps, steps_note) = steps(analysis);
    Report {
        title: format!("{name}, {}", dockerfile_name(analysis)),
        replayed: replayed(analysis),
        figures: figures(analysis),
        steps,
        steps_note,
        causes: causes(analysis),
        findings: findings(analysis),
        caveats: caveats(analysis),
    }
}

fn dockerfile_name(analysis: &Analysis) -> String {
    match (&analysis.settings.pin, analysis.settings.target.as_deref()) {
        (None, None) => analysis.settings.dockerfile.clone(),
        (None, Some(target)) => format!("{}, target {target}", analysis.settings.dockerfile),
        (Some(_), None) => "one given Dockerfile".to_owned(),
        (Some(_), Some(target)) => format!("one given Dockerfile, target {target}"),
    }
}

fn replayed(analysis: &Analysis) -> Vec<String> {
    let totals = &analysis.totals;
    let Some((from, to)) = totals.span else {
        return vec!["Nothing to replay: no commit was selected.".to_owned()];
    };
    let span = if date(from) == date(to) {
        date(from)
    } else {
        format!("{} to {}", date(from), date(to))
    };
    let mut first = format!(
        "Replayed {}, {span}, with {}.",
        count(totals.n_builds, "commit", "commits"),
        cache_words(analysis)
    );
    if analysis.settings.pin.is_none() {
        first.push_str(&format_versions(analysis.n_dockerfiles));
    }
    let mut lines = vec![first];
    if totals.n_unbuildable > 0 {
        lines.push(unbuildable(analysis));
    }
    lines
}

fn format_versions(n: usize) -> String {
    match n {
        0 => String::new(),
        1 => " The Dockerfile never changed.".to_owned(),
        n => format!(" The Dockerfile came in {} versions.", grouped(n as u64)),
    }
}

fn unbuildable(analysis: &Analysis) -> String {
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for error in analysis
        .builds
        .iter()
        .filter_map(|b| b.result.as_ref().err())
    {
        *reasons.entry(error.message.as_str()).or_default() += 1;
    }
    let most = reasons
        .iter()
        .max_by_key(|(_, n)| **n)
        .map(|(reason, _)| clip(reason, 100))
        .unwrap_or_default();
    let n = analysis.totals.n_unbuildable;
    format!(
        "{} could not be built and {} left out: {most}.",
        count(n, "commit", "commits"),
        if n == 1 { "is" } else { "are" }
    )
}

/// The builder and what becomes of its cache.
fn cache_words(analysis: &Analysis) -> String {
    let settings = &analysis.settings;
    let builder = match settings.builder {
        Builder::BuildKit => "BuildKit",
        Builder::Classic => "the classic builder",
        Builder::Buildah => "Buildah",
        Builder::Kaniko => "kaniko",
    };
    let builder = match &settings.platform {
        Some(platform) if is_native(platform) => format!("{builder} for {platform}"),
        Some(platform) => format!("{builder} for {platform}, emulated,"),
        None => builder.to_owned(),
    };
    match (settings.runner, settings.cache_export) {
        (Runner::Persistent, _) => format!("{builder} and a cache that stays"),
        (Runner::Ephemeral, CacheExport::None) => {
            format!("{builder} on fresh runners without a cache")
        }
        (Runner::Ephemeral, CacheExport::Inline) => {
            format!("{builder} on fresh runners and an inline cache")
        }
        (Runner::Ephemeral, CacheExport::Min) => {
            format!("{builder} on fresh runners and a mode=min cache")
        }
        (Runner::Ephemeral, CacheExport::Max) => {
            format!("{builder} on fresh runners and a mode=max cache")
        }
    }
}

fn figures(analysis: &Analysis) -> Vec<Figure> {
    let totals = &analysis.totals;
    if totals.n_counted == 0 {
        return Vec::new();
    }
    let tally = totals.tally;
    let known = tally.hits + tally.misses();
    let unknown = if tally.unknown > 0 {
        format!("; {} not to be known from git", grouped(tally.unknown))
    } else {
        String::new()
    };
    let mean = |total: &TotalCost| Millis::from(total.wall).share(1, totals.n_counted);
    let (rebuild, cold, best) = (mean(&totals.cost), mean(&totals.cold), mean(&totals.best));
    let bold = mean(&totals.best_bold);
    let mut figures = vec![
        Figure {
            name: "cache hits",
            value: share(tally.hits, known),
            note: format!(
                "{} of {} steps did not have to run again{unknown}",
                grouped(tally.hits),
                grouped(known)
            ),
        },
        Figure {
            name: "rebuild",
            value: duration(rebuild.median),
            note: format!(
                "a build on average, {}; likely {}{}",
                if totals.cost.measured_permille() >= Some(900) {
                    "measured"
                } else {
                    "estimated"
                },
                band(rebuild),
                per_month(analysis)
            ),
        },
        Figure {
            name: "cold build",
            value: duration(cold.median),
            note: format!(
                "with nothing cached; the cache saves {} of it",
                share(cold.median.saturating_sub(rebuild.median), cold.median)
            ),
        },
        Figure {
            name: "best possible",
            value: duration(best.median),
            note: match (duration(bold.median), duration(best.median)) {
                (low, high) if low == high => {
                    "if each step ran again only when something that it reads changed".to_owned()
                }
                (low, _) => format!(
                    "if each step ran again only when something that it may read changed; {low} by what such steps mostly read"
                ),
            },
        },
    ];
    if let Some(money) = &totals.cost.money {
        let per_build = money.share(totals.n_counted);
        figures.push(Figure {
            name: "runner",
            value: per_build.to_string(),
            note: format!("a build on average, {money} for all, at {}", money.price),
        });
    }
    figures
}

/// `40 s to 9 min`.
pub fn band(time: Millis) -> String {
    format!("{} to {}", duration(time.low), duration(time.high))
}

fn per_month(analysis: &Analysis) -> String {
    match monthly(analysis) {
        Some((n, ms)) => format!(
            "; {} a month make {}",
            count(n, "build", "builds"),
            duration(ms)
        ),
        None => String::new(),
    }
}

/// Builds a month and what they take, if every commit is built; `None` for a history too short to tell.
pub fn monthly(analysis: &Analysis) -> Option<(u64, u64)> {
    let totals = &analysis.totals;
    let (from, to) = totals.span?;
    if days(from, to) < MIN_DAYS || totals.n_counted == 0 {
        return None;
    }
    let months = to.saturating_sub(from) as f64 / MONTH;
    let builds = (totals.n_counted as f64 / months).round() as u64;
    Some((
        builds,
        (totals.cost.wall.median as f64 / months).round() as u64,
    ))
}

/// Dearest first would hide the order that matters; the table keeps the file's order and leaves out the cheapest.
fn steps(analysis: &Analysis) -> (Table, Option<String>) {
    let columns = vec![
        Column::number("line"),
        Column::code("step", 30),
        Column::number("ran in"),
        Column::number("itself"),
        Column::number("follows"),
        Column::number("a build"),
        Column::text("mostly because of (builds)", 26),
    ];
    let mut by_weight: Vec<&StepFacts> = analysis.steps.iter().collect();
    by_weight.sort_by_key(|s| (std::cmp::Reverse((s.cost.median, s.tally.misses())), s.id));
    let mut listed: Vec<&StepFacts> = by_weight.iter().copied().take(MAX_STEPS).collect();
    listed.sort_by_key(|s| (s.step.stage_index, s.step.lines.first, s.id));
    // A line for each stage, unless there are so many that the table would consist of them.
    let changes = listed
        .windows(2)
        .filter(|w| w[0].step.stage != w[1].step.stage)
        .count();
    let mut rows = Vec::new();
    let mut stage = None;
    for facts in &listed {
        let mut row = step_row(facts, analysis.totals.n_counted);
        match &facts.step.stage {
            Some(name) if changes >= MAX_STAGES => row[1] = format!("[{name}] {}", row[1]),
            name if *name != stage => {
                stage.clone_from(name);
                rows.push(stage_row(stage.as_deref().unwrap_or_default()));
            }
            _ => {}
        }
        rows.push(row);
    }
    let rest = &by_weight[listed.len()..];
    let note = (!rest.is_empty()).then(|| {
        let cost: Millis = rest.iter().map(|s| s.cost).sum();
        let mean = duration(cost.share(1, analysis.totals.n_counted.max(1)).median);
        format!(
            "{}, together {mean} a build",
            count(rest.len() as u64, "step more", "steps more")
        )
    });
    (Table { columns, rows }, note)
}

/// The steps below it belong to this stage.
fn stage_row(stage: &str) -> Vec<String> {
    let mut row = vec![String::new(); 7];
    row[1] = format!("stage {stage}");
    row
}

fn step_row(facts: &StepFacts, n_counted: u64) -> Vec<String> {
    let all = facts.tally.all();
    let dash = |n: u64, text: String| if n == 0 { "–".to_owned() } else { text };
    let ran = facts.tally.misses() + facts.tally.unknown;
    vec![
        facts.step.lines.first.to_string(),
        one_line(&facts.step.text),
        dash(ran, share(ran, all)),
        dash(facts.tally.roots, share(facts.tally.roots, all)),
        dash(facts.tally.cascades, share(facts.tally.cascades, all)),
        dash(ran, duration(facts.cost.share(1, n_counted.max(1)).median)),
        because(&facts.causes),
    ]
}

/// The two dearest causes with their builds.
fn because(causes: &[Blame]) -> String {
    let word = |b: &Blame| format!("{} ({})", cause(&b.cause), grouped(b.builds));
    causes
        .iter()
        .take(2)
        .map(word)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A cause in words.
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Path(path) => path.to_string(),
        Cause::Folder(path) => format!("{path}/…"),
        Cause::MoreFiles => "many other files".to_owned(),
        Cause::Definition(what) => format!("a changed {what}"),
        Cause::Base(image) => format!("base image {image}"),
        Cause::NotExported => "not in the exported cache".to_owned(),
        Cause::Evicted => "removed from the cache".to_owned(),
        Cause::Cold => "never built before".to_owned(),
        Cause::Unknown(why) => format!("not known: {why}"),
    }
}

fn causes(analysis: &Analysis) -> Table {
    let columns = vec![
        Column::text("what changed", 24),
        Column::number("builds"),
        Column::number("alone"),
        Column::number("time lost"),
        Column::number("share"),
    ];
    let whole: u64 = analysis.league.iter().map(|b| b.cost.median).sum();
    let row = |b: &Blame| {
        vec![
            cause(&b.cause),
            grouped(b.builds),
            grouped(b.alone),
            duration(b.cost.median),
            share(b.cost.median, whole),
        ]
    };
    Table {
        columns,
        rows: analysis.league.iter().take(MAX_CAUSES).map(row).collect(),
    }
}

fn findings(analysis: &Analysis) -> Vec<Remark> {
    // Most texts name their line themselves.
    let names_line = |f: &Finding| f.text.to_lowercase().contains(&format!("line {}", f.line));
    let remark = |f: &Finding| Remark {
        place: if f.line == 0 || names_line(f) {
            String::new()
        } else {
            format!("line {}", f.line)
        },
        text: f.text.clone(),
        detail: String::new(),
    };
    let mut sorted: Vec<&Finding> = analysis.findings.iter().collect();
    // Those that the history shows often go first; the sort keeps lines in order otherwise.
    sorted.sort_by_key(|f| std::cmp::Reverse(f.builds.unwrap_or_default()));
    sorted.into_iter().map(remark).collect()
}

/// How much of the steps' time nobody has measured or published, where it is worth a line.
fn assumed(analysis: &Analysis) -> Option<String> {
    let spent = |s: &StepFacts| s.cost.median;
    let guessed = |s: &StepFacts| {
        let assumed = u128::from(s.cost.median) * u128::from(s.assumed_ms);
        u64::try_from(assumed / u128::from(s.price.median.max(1))).unwrap_or(u64::MAX)
    };
    let (all, assumed): (u64, u64) = (
        analysis.steps.iter().map(spent).sum(),
        analysis.steps.iter().map(guessed).sum(),
    );
    let percent = assumed.saturating_mul(100).checked_div(all)?;
    (percent >= 5).then(|| {
        format!(
            "About {}% of the current steps' time is assumption: for their commands no public figures were found, so the bands are wide.",
            percent.min(100)
        )
    })
}

fn caveats(analysis: &Analysis) -> Vec<String> {
    let mut lines = vec![analysis.totals.cost.basis.clone()];
    lines.retain(|line| !line.is_empty());
    lines.extend(assumed(analysis));
    if analysis.totals.n_counted > 0 {
        lines.push("The first build fills the empty cache; shares, times and causes are of the builds after it.".to_owned());
    }
    let tally = analysis.totals.tally;
    if tally.unknown > 0 {
        lines.push(format!(
            "Of {}, {} cannot be known from git; their time is counted as if they ran, so the true times may be shorter.",
            count(tally.all(), "step", "steps"),
            share(tally.unknown, tally.all())
        ));
    }
    lines.extend(analysis.caveats.iter().map(ToString::to_string));
    lines
}
