//! The demo: an application's Dockerfile variants side by side, for terminals and Markdown.
//!
//! Never: computes a fact.

use super::format;
use super::table::{Column, Table};
use crate::analyze::Analysis;
use serde::Serialize;
use std::io;

/// What the demo found of one application.
pub struct DemoApp {
    /// Name and what it is.
    pub title: String,
    /// What was replayed, a sentence.
    pub replayed: String,
    /// Its variants, in order.
    pub variants: Vec<DemoVariant>,
}

/// One variant.
pub struct DemoVariant {
    /// `B2`.
    pub id: String,
    /// What it is.
    pub name: String,
    /// The diagnosis of a malformed file as written, and what mends it.
    pub diagnosis: Option<(String, Vec<String>)>,
    /// The analysis of the file (mended where it was malformed); `None` where nothing could be mended.
    pub analysis: Option<Analysis>,
}

/// Writes one application's part.
///
/// # Errors
/// What the sink says.
pub fn write(app: &DemoApp, width: usize, sink: &mut dyn io::Write) -> io::Result<()> {
    writeln!(sink, "{}\n{}\n", app.title, app.replayed)?;
    for variant in &app.variants {
        if let Some((diagnosis, mends)) = &variant.diagnosis {
            writeln!(sink, "{} as written is refused:\n", variant.id)?;
            for line in diagnosis.lines() {
                writeln!(sink, "  {line}")?;
            }
            for mend in mends {
                writeln!(sink, "  mended here: {mend}")?;
            }
            writeln!(sink)?;
        }
    }
    for line in table(app).plain(width) {
        writeln!(sink, "{line}")?;
    }
    for variant in &app.variants {
        if let Some(finding) = variant.analysis.as_ref().and_then(|a| a.findings.first()) {
            writeln!(sink, "{}: {}", variant.id, finding.text)?;
        }
    }
    writeln!(sink)
}

/// The variants as rows.
pub fn table(app: &DemoApp) -> Table {
    let rows = app
        .variants
        .iter()
        .filter_map(|v| Some(row(v, v.analysis.as_ref()?)))
        .collect();
    Table {
        columns: vec![
            Column::text("Dockerfile", 18),
            Column::number("hits"),
            Column::number("a build, est."),
            Column::number("range (8 in 10)"),
            Column::number("cold"),
            Column::code("most time goes into", 30),
        ],
        rows,
    }
}

fn row(variant: &DemoVariant, analysis: &Analysis) -> Vec<String> {
    let totals = &analysis.totals;
    let n = totals.n_counted.max(1);
    let each = |ms: u64| format::duration(ms / n);
    let dearest = analysis
        .steps
        .iter()
        .max_by_key(|s| (s.cost.median, std::cmp::Reverse(s.id)));
    let mended = if variant.diagnosis.is_some() {
        ", mended"
    } else {
        ""
    };
    vec![
        format!("{} {}{mended}", variant.id, variant.name),
        format::share(totals.tally.hits, totals.tally.all()),
        each(totals.cost.billed.median),
        format!(
            "{}–{}",
            each(totals.cost.billed.low),
            each(totals.cost.billed.high)
        ),
        each(totals.cold.billed.median),
        dearest.map_or(String::new(), |s| {
            let ran = s.tally.misses();
            format!(
                "{} (ran in {} of {})",
                format::one_line(&s.step.text),
                ran,
                s.tally.all()
            )
        }),
    ]
}

#[derive(Serialize)]
struct JsonDemo<'a> {
    schema: &'static str,
    applications: Vec<JsonApp<'a>>,
}

#[derive(Serialize)]
struct JsonApp<'a> {
    title: &'a str,
    variants: Vec<JsonVariant<'a>>,
}

#[derive(Serialize)]
struct JsonVariant<'a> {
    id: &'a str,
    name: &'a str,
    /// The diagnosis of a malformed file.
    refused: Option<&'a str>,
    builds: u64,
    hits: u64,
    lookups: u64,
    /// Billed milliseconds of all builds: median, and the band that is meant to hold eight of ten projects.
    billed_ms: Option<[u64; 3]>,
    findings: Vec<&'a str>,
}

/// Writes all applications as one JSON object (`stratigraph.demo/1`).
///
/// # Errors
/// What the sink says.
pub fn write_json(apps: &[DemoApp], sink: &mut dyn io::Write) -> io::Result<()> {
    let applications = apps
        .iter()
        .map(|app| JsonApp {
            title: &app.title,
            variants: app.variants.iter().map(json_variant).collect(),
        })
        .collect();
    serde_json::to_writer_pretty(
        &mut *sink,
        &JsonDemo {
            schema: "stratigraph.demo/1",
            applications,
        },
    )?;
    writeln!(sink)
}

fn json_variant(variant: &DemoVariant) -> JsonVariant<'_> {
    let analysis = variant.analysis.as_ref();
    let totals = analysis.map(|a| &a.totals);
    JsonVariant {
        id: &variant.id,
        name: &variant.name,
        refused: variant.diagnosis.as_ref().map(|(text, _)| text.as_str()),
        builds: totals.map_or(0, |t| t.n_counted),
        hits: totals.map_or(0, |t| t.tally.hits),
        lookups: totals.map_or(0, |t| t.tally.all()),
        billed_ms: totals.map(|t| [t.cost.billed.low, t.cost.billed.median, t.cost.billed.high]),
        findings: analysis
            .into_iter()
            .flat_map(|a| &a.findings)
            .map(|f| f.text.as_str())
            .collect(),
    }
}
