//! A comparison of two Dockerfiles, for terminals, as Markdown, and as JSON (`stratigraph.compare/1`).
//!
//! Never: decides whether a change is good enough.

use super::direction::Direction;
use super::format::{bytes, count, date, duration, duration_change, grouped, one_line, share};
use super::json;
use super::markdown;
use super::table::{Column, Table, escape_cell};
use super::terminal::{Look, Page};
use crate::caveat::Caveat;
use crate::cost::World;
use crate::replay::Settings;
use crate::score::{Change, Comparison, EQUAL_MS, Pair, Passed, Side, StepChange, StepSide};
use serde::Serialize;
use std::io;

/// What is compared and what came of it.
pub struct Compared<'a> {
    /// The sides' names.
    pub names: (&'a str, &'a str),
    /// The repository's name.
    pub repository: &'a str,
    /// Settings that both sides share.
    pub settings: &'a Settings,
    /// The result.
    pub comparison: &'a Comparison,
    /// What was assumed.
    pub caveats: &'a [Caveat],
    /// Limits of the user's that are not met, in words.
    pub broken: &'a [String],
    /// Limits of which git cannot tell, in words.
    pub undecided: &'a [String],
}

/// So many steps are listed for people.
const MAX_STEPS: usize = 10;
/// So many commits are listed for people.
const MAX_COMMITS: usize = 5;

/// Writes it for a terminal.
pub fn terminal(compared: &Compared<'_>, look: Look, sink: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page { look, sink };
    page.title(&headline(compared))?;
    for sentence in sentences(compared) {
        page.paragraph("", &sentence)?;
    }
    if compared.comparison.pairs.is_empty() {
        return notes(&mut page, compared);
    }
    if nothing_differs(compared.comparison) {
        page.paragraph("", NOTHING_DIFFERS)?;
        return notes(&mut page, compared);
    }
    page.blank()?;
    page.table(&figures(compared.comparison))?;
    let steps = steps(compared.comparison);
    if !steps.rows.is_empty() {
        page.heading("The steps responsible")?;
        page.table(&steps)?;
    }
    let commits = commits(compared.comparison);
    if !commits.rows.is_empty() {
        page.heading("Where they differ most")?;
        page.table(&commits)?;
    }
    notes(&mut page, compared)
}

fn notes(page: &mut Page<'_>, compared: &Compared<'_>) -> io::Result<()> {
    page.heading("Note")?;
    for caveat in caveats(compared) {
        page.paragraph("  ", &caveat)?;
    }
    Ok(())
}

/// Writes it as Markdown.
pub fn markdown(compared: &Compared<'_>, sink: &mut dyn io::Write) -> io::Result<()> {
    writeln!(sink, "# {}\n", escape_cell(&headline(compared)))?;
    for sentence in sentences(compared) {
        writeln!(sink, "{}\n", escape_cell(&sentence))?;
    }
    let is_empty = compared.comparison.pairs.is_empty();
    if !is_empty && nothing_differs(compared.comparison) {
        writeln!(sink, "{NOTHING_DIFFERS}\n")?;
    } else if !is_empty {
        markdown::table(&figures(compared.comparison), sink)?;
        for (title, table) in [
            ("The steps responsible", steps(compared.comparison)),
            ("Where they differ most", commits(compared.comparison)),
        ] {
            if !table.rows.is_empty() {
                markdown::heading(sink, title)?;
                markdown::table(&table, sink)?;
            }
        }
    }
    markdown::notes(&caveats(compared), sink)
}

/// Said in place of tables that would hold nothing but zeros.
const NOTHING_DIFFERS: &str = "No figure differs: times, cache hits, bytes moved and the image's size are those of before, build by build.";

/// Whether no figure of the two sides differs.
fn nothing_differs(comparison: &Comparison) -> bool {
    let (old, new) = (&comparison.old, &comparison.new);
    let changes = [
        comparison.mean,
        comparison.mean_if_cached,
        comparison.median,
        comparison.p95,
        comparison.cold,
    ];
    let counts = |side: &Side| (side.tally.hits, side.tally.misses(), side.moved_bytes);
    changes.iter().all(|c| *c == Change::default())
        && comparison
            .pairs
            .iter()
            .all(|pair| pair.old_ms == pair.new_ms)
        && comparison.steps.iter().all(|step| step.change == 0)
        && counts(old) == counts(new)
        && old.image.unpacked == new.image.unpacked
        && comparison.passed.is_none()
}

/// The result in one line.
pub fn headline(compared: &Compared<'_>) -> String {
    let comparison = compared.comparison;
    let (old, new) = (comparison.old.mean.median, comparison.new.mean.median);
    if comparison.pairs.is_empty() {
        return "No build can be compared".to_owned();
    }
    let (by, if_cached) = (comparison.mean.median, comparison.mean_if_cached.median);
    let range = || {
        format!(
            "{} to {} a build on average, by what changes outside of git",
            duration_change(if_cached.min(by)),
            duration_change(if_cached.max(by)),
        )
    };
    match Direction::of(by, if_cached) {
        Direction::Same => same(comparison),
        Direction::Faster => told("Faster", "Slightly faster", old, new, by),
        Direction::Slower => told("Slower", "Slightly slower", old, new, by),
        Direction::FasterOrSame => format!("Faster or the same: {}", range()),
        Direction::SlowerOrSame => format!("Slower or the same: {}", range()),
        Direction::Unclear => format!("Git cannot tell which is faster: {}", range()),
    }
}

/// `Faster: 20 s a build on average instead of 30 s (−10 s, −33%)`.
fn told(word: &str, slight: &str, old: u64, new: u64, by: i64) -> String {
    let (after, before) = (duration(new), duration(old));
    // Less than one in a hundred would read as the same twice.
    if by.unsigned_abs() < old / 100 {
        return format!(
            "{slight}: {after} a build on average ({})",
            duration_change(by)
        );
    }
    format!(
        "{word}: {after} a build on average instead of {before} ({}, {})",
        duration_change(by),
        percent(old, new)
    )
}

/// Where the mean says nothing: what a pipeline's arguments or an empty cache would make of it.
fn same(comparison: &Comparison) -> String {
    let plain = format!(
        "{} a build on average",
        duration(comparison.new.mean.median)
    );
    if let Some(passed) = &comparison.passed {
        let direction = Direction::of(passed.mean.median, passed.mean_if_cached.median);
        if direction != Direction::Same {
            let mut word = direction.word().to_owned();
            word[..1].make_ascii_uppercase();
            return format!(
                "{word} where {}: {} a build on average instead of {} ({}); the same where not",
                is_new(&passed.names),
                duration(passed.new),
                duration(passed.old),
                duration_change(passed.mean.median),
            );
        }
    }
    if let Some(passed) = &comparison.passed {
        let (old, new) = passed.again;
        let by = difference(old, new);
        return format!(
            "The same: {plain}; {} where nothing but {} changes: {} instead of {} ({})",
            Direction::of(by, by).word(),
            super::format::list(&passed.names, passed.names.len(), 3),
            duration(new),
            duration(old),
            duration_change(by)
        );
    }
    let (old, new) = (comparison.old.cold, comparison.new.cold);
    let by = comparison.cold.median;
    // The figures of two different files differ by a little in any case.
    if by.unsigned_abs() <= EQUAL_MS.max(old / 100) {
        return format!("The same: {plain}");
    }
    format!(
        "The same: {plain}; from an empty cache {}: {} instead of {} ({})",
        Direction::of(by, by).word(),
        duration(new),
        duration(old),
        duration_change(by)
    )
}

fn difference(old: u64, new: u64) -> i64 {
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    signed(new).saturating_sub(signed(old))
}

/// `GIT_COMMIT has another value at each build`.
fn is_new(names: &[String]) -> String {
    let list = super::format::list(names, names.len(), 3);
    match names {
        [_] => format!("{list} has another value at each build"),
        _ => format!("{list} have other values at each build"),
    }
}

/// `−35%`, `+120%`.
fn percent(old: u64, new: u64) -> String {
    let sign = if new < old { "−" } else { "+" };
    match old {
        0 => "from nothing".to_owned(),
        _ => format!("{sign}{}", share(new.abs_diff(old), old)),
    }
}

fn sentences(compared: &Compared<'_>) -> Vec<String> {
    let comparison = compared.comparison;
    let times = || comparison.pairs.iter().map(|p| p.time);
    let span = match times().min().zip(times().max()) {
        Some((from, to)) => format!(", {} to {}", date(from), date(to)),
        None => String::new(),
    };
    let n = comparison.pairs.len() as u64;
    let mut lines = vec![format!(
        "{} (before) and {} (after), over {} of {}{span}.",
        short(compared.names.0),
        short(compared.names.1),
        count(n, "build", "builds"),
        compared.repository
    )];
    if n > 0 {
        let equal = n - comparison.n_faster - comparison.n_slower;
        lines.push(format!(
            "{} ({}) get faster, {} stay the same, {} ({}) get slower.",
            grouped(comparison.n_faster),
            share(comparison.n_faster, n),
            grouped(equal),
            grouped(comparison.n_slower),
            share(comparison.n_slower, n)
        ));
    }
    let unknown = (comparison.old.tally.unknown, comparison.new.tally.unknown);
    if unknown != (0, 0) {
        lines.push(format!(
            "Git cannot tell what became of {} (before) and {} (after): they are taken to run. Were all that git does not hold as it was, the mean would change by {}.",
            count(unknown.0, "step", "steps"),
            count(unknown.1, "step", "steps"),
            duration_change(comparison.mean_if_cached.median)
        ));
    }
    if comparison.n_lost > 0 {
        lines.push(format!(
            "{} can be built before and not after.",
            count(comparison.n_lost, "commit", "commits")
        ));
    }
    if comparison.n_gained > 0 {
        lines.push(format!(
            "{} can be built after and not before.",
            count(comparison.n_gained, "commit", "commits")
        ));
    }
    if let Some(passed) = &comparison.passed {
        lines.push(format!(
            "Git does not say what builds are passed: where {}, a build takes {} instead of {} ({}); one in which nothing else changes, {} instead of {}.",
            is_new(&passed.names),
            duration(passed.new),
            duration(passed.old),
            duration_change(passed.mean.median),
            duration(passed.again.1),
            duration(passed.again.0)
        ));
    }
    lines.extend(compared.broken.iter().chain(compared.undecided).cloned());
    lines
}

/// A name with whole commit ids cut to ten figures.
fn short(name: &str) -> String {
    let is_id = |word: &str| word.len() >= 40 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let mut out = String::new();
    for word in name.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let (id, rest) = word.split_at(
            word.find(|c: char| !c.is_ascii_alphanumeric())
                .unwrap_or(word.len()),
        );
        out.push_str(if is_id(id) { &id[..10] } else { id });
        out.push_str(rest);
    }
    out
}

fn figures(comparison: &Comparison) -> Table {
    let columns = vec![
        Column::text("", 16),
        Column::number("before"),
        Column::number("after"),
        Column::number("change"),
        Column::text("likely", 20),
    ];
    let (old, new) = (&comparison.old, &comparison.new);
    let time = |name: &str, old: u64, new: u64, change: Change| {
        let band = format!(
            "{} to {}",
            duration_change(change.low),
            duration_change(change.high)
        );
        vec![
            name.to_owned(),
            duration(old),
            duration(new),
            duration_change(change.median),
            band,
        ]
    };
    let ratio = |side: &Side| share(side.tally.hits, side.tally.hits + side.tally.misses());
    let plain = |name: &str, old: String, new: String, change: String| {
        vec![name.to_owned(), old, new, change, String::new()]
    };
    let rows = vec![
        time(
            "mean build",
            old.mean.median,
            new.mean.median,
            comparison.mean,
        ),
        time("median build", old.median, new.median, comparison.median),
        time("slowest 5% from", old.p95, new.p95, comparison.p95),
        time("empty cache", old.cold, new.cold, comparison.cold),
        plain("cache hits", ratio(old), ratio(new), String::new()),
        plain(
            "bytes moved",
            bytes(old.moved_bytes),
            bytes(new.moved_bytes),
            byte_change(old.moved_bytes, new.moved_bytes),
        ),
        plain(
            if new.image.n_estimated > 0 {
                "image, estimated"
            } else {
                "image"
            },
            bytes(old.image.unpacked),
            bytes(new.image.unpacked),
            byte_change(old.image.unpacked, new.image.unpacked),
        ),
    ];
    Table { columns, rows }
}

fn byte_change(old: u64, new: u64) -> String {
    match new.cmp(&old) {
        std::cmp::Ordering::Less => format!("−{}", bytes(old - new)),
        std::cmp::Ordering::Equal => "±0 B".to_owned(),
        std::cmp::Ordering::Greater => format!("+{}", bytes(new - old)),
    }
}

/// The steps whose share of a build changes, and those that one side alone has.
fn steps(comparison: &Comparison) -> Table {
    let columns = vec![
        Column::number("line before"),
        Column::number("after"),
        Column::code("step", 30),
        Column::number("ran before"),
        Column::number("after"),
        Column::number("a build"),
    ];
    let n = comparison.pairs.len() as u64;
    let matters = |s: &&StepChange| {
        s.change != 0 || s.old.is_none() != s.new.is_none() || runs(&s.old) != runs(&s.new)
    };
    let line =
        |side: &Option<StepSide>| side.as_ref().map_or("–".to_owned(), |s| s.line.to_string());
    let ran =
        |side: &Option<StepSide>| side.as_ref().map_or("–".to_owned(), |s| share(s.runs, n));
    let row = |s: &StepChange| {
        vec![
            line(&s.old),
            line(&s.new),
            step_text(s),
            ran(&s.old),
            ran(&s.new),
            duration_change(s.change),
        ]
    };
    Table {
        columns,
        rows: comparison
            .steps
            .iter()
            .filter(matters)
            .take(MAX_STEPS)
            .map(row)
            .collect(),
    }
}

fn runs(side: &Option<StepSide>) -> Option<u64> {
    side.as_ref().map(|s| s.runs)
}

/// As it is now, or as it was where it is gone.
fn step_text(step: &StepChange) -> String {
    let side = step.new.as_ref().or(step.old.as_ref());
    side.map_or(String::new(), |s| match &s.stage {
        Some(stage) => format!("[{stage}] {}", one_line(&s.text)),
        None => one_line(&s.text),
    })
}

fn commits(comparison: &Comparison) -> Table {
    let columns = vec![
        Column::text("commit", 10),
        Column::text("day", 10),
        Column::number("before"),
        Column::number("after"),
        Column::number("change"),
        Column::text("run on one side only", 24),
    ];
    let mut pairs: Vec<&Pair> = comparison
        .pairs
        .iter()
        .filter(|p| p.change().unsigned_abs() > EQUAL_MS)
        .collect();
    pairs.sort_by_key(|p| std::cmp::Reverse(p.change().unsigned_abs()));
    let row = |p: &Pair| {
        let names: Vec<String> = p
            .differ
            .iter()
            .map(|&i| short_step(&comparison.steps[i]))
            .collect();
        vec![
            p.commit.to_string().chars().take(10).collect(),
            date(p.time),
            duration(p.old_ms),
            duration(p.new_ms),
            duration_change(p.change()),
            super::format::list(&names, names.len(), 2),
        ]
    };
    Table {
        columns,
        rows: pairs.into_iter().take(MAX_COMMITS).map(row).collect(),
    }
}

/// `RUN npm ci (line 12)`, cut.
fn short_step(step: &StepChange) -> String {
    let side = step.new.as_ref().or(step.old.as_ref());
    side.map_or(String::new(), |s| {
        format!(
            "{} (line {})",
            super::format::clip(&one_line(&s.text), 24),
            s.line
        )
    })
}

/// In how many of the drawn worlds the mean's change points the same way.
fn held(comparison: &Comparison) -> String {
    let Some(permille) = comparison.mean.held_permille else {
        return String::new();
    };
    let share = match permille {
        1000 => "all".to_owned(),
        995.. => "more than 99% of".to_owned(),
        _ => format!("{}% of", (permille + 5) / 10),
    };
    let n_draws = World::all().count();
    format!(": in {share} {n_draws} draws from the bands the mean changes in the same direction")
}

fn caveats(compared: &Compared<'_>) -> Vec<String> {
    let mut lines = vec![
        compared.comparison.basis.clone(),
        format!(
            "Both sides are taken under the same conditions, so their difference is surer than either{}.",
            held(compared.comparison)
        ),
    ];
    lines.extend(compared.caveats.iter().map(ToString::to_string));
    lines
}

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
    old_mean_ms: u64,
    new_mean_ms: u64,
    mean_change_ms: WireChange,
    mean_change_if_cached_ms: WireChange,
    old_again_ms: u64,
    new_again_ms: u64,
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
        old_mean_ms: passed.old,
        new_mean_ms: passed.new,
        mean_change_ms: wire_change(passed.mean),
        mean_change_if_cached_ms: wire_change(passed.mean_if_cached),
        old_again_ms: passed.again.0,
        new_again_ms: passed.again.1,
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
