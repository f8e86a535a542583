//! Predicted against actual, for people and for programs.

use super::terminal::Look;
use crate::cost::log::Format;
use crate::cost::log::Outcome;
use crate::tree::ObjectId;
use crate::verify::Prediction;
use crate::verify::Row;
use crate::verify::Verdict;
use crate::verify::Verified;
use serde_json::Value;
use serde_json::json;
use std::io;
use std::io::Write;

/// One log, held against the replay of its commit.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The log's name.
    pub log: String,
    /// The commit.
    pub commit: ObjectId,
    /// The kind of log.
    pub format: Format,
    /// Step by step.
    pub verified: Verified,
}

/// Steps that agree, and steps that could be compared.
pub fn counts(checked: &[Checked]) -> (usize, usize) {
    let n = |verdict| checked.iter().map(|c| c.verified.n(verdict)).sum::<usize>();
    let agree = n(Verdict::Agree);
    (agree, agree + n(Verdict::Differ))
}

/// The terminal's form.
pub fn terminal(checked: &[Checked], look: Look, sink: &mut dyn Write) -> io::Result<()> {
    for one in checked {
        let (agree, compared) = counts(std::slice::from_ref(one));
        let commit = one.commit.to_string();
        writeln!(
            sink,
            "{} at {} ({}): {agree} of {compared} steps agree",
            one.log,
            &commit[..commit.len().min(10)],
            one.format
        )?;
        for row in &one.verified.rows {
            let text = super::format::clip(&shown(row), look.width.saturating_sub(30).max(20));
            writeln!(
                sink,
                "  {:<7} {:<8} {:<9} {text}",
                verdict(row),
                predicted(row),
                actual(row)
            )?;
        }
        for sentence in causes(one) {
            writeln!(sink, "  {sentence}")?;
        }
        writeln!(sink)?;
    }
    let (agree, compared) = counts(checked);
    writeln!(sink, "{agree} of {compared} steps agree")
}

/// The Markdown form.
pub fn markdown(checked: &[Checked], sink: &mut dyn Write) -> io::Result<()> {
    let (agree, compared) = counts(checked);
    writeln!(sink, "**{agree} of {compared} steps agree.**")?;
    for one in checked {
        let commit = one.commit.to_string();
        writeln!(
            sink,
            "\n`{}` at `{}` ({})\n",
            one.log,
            &commit[..commit.len().min(10)],
            one.format
        )?;
        writeln!(
            sink,
            "| | predicted | actual | step |\n| --- | --- | --- | --- |"
        )?;
        for row in &one.verified.rows {
            let text = shown(row).replace('`', "'").replace('|', "\\|");
            writeln!(
                sink,
                "| {} | {} | {} | `{text}` |",
                verdict(row),
                predicted(row),
                actual(row)
            )?;
        }
        for sentence in causes(one) {
            writeln!(sink, "\n{sentence}")?;
        }
    }
    Ok(())
}

/// The JSON form.
pub fn json(checked: &[Checked], sink: &mut dyn Write) -> io::Result<()> {
    let (agree, compared) = counts(checked);
    let logs: Vec<Value> = checked.iter().map(as_json).collect();
    let all = json!({
        "schema": "stratigraph.verify/1",
        "agree": agree,
        "compared": compared,
        "agreement": (compared > 0).then(|| agree as f64 / compared as f64),
        "logs": logs,
    });
    serde_json::to_writer_pretty(&mut *sink, &all)?;
    writeln!(sink)
}

fn as_json(one: &Checked) -> Value {
    let step = |row: &Row| {
        json!({
            "stage": row.stage, "index": row.index, "text": row.text, "predicted": row.predicted.map(|_| predicted(row)),
            "actual": row.actual.map(|_| actual(row)), "verdict": verdict(row).to_lowercase(), "cause": row.cause.map(|c| c.sentence()),
        })
    };
    let (agree, compared) = counts(std::slice::from_ref(one));
    json!({
        "log": one.log, "commit": one.commit.to_string(), "format": one.format.to_string(), "agree": agree, "compared": compared,
        "steps": one.verified.rows.iter().map(step).collect::<Vec<Value>>(),
    })
}

/// Each cause once, with the steps it explains.
fn causes(one: &Checked) -> Vec<String> {
    let mut lines: Vec<(&str, Vec<String>)> = Vec::new();
    for row in &one.verified.rows {
        let Some(cause) = row.cause else { continue };
        let place = match &row.stage {
            Some(stage) => format!("{stage} {}", row.index),
            None => row.index.to_string(),
        };
        match lines
            .iter_mut()
            .find(|(sentence, _)| *sentence == cause.sentence())
        {
            Some((_, places)) => places.push(place),
            None => lines.push((cause.sentence(), vec![place])),
        }
    }
    lines
        .into_iter()
        .map(|(sentence, places)| format!("[{}] {sentence}", places.join(", ")))
        .collect()
}

fn shown(row: &Row) -> String {
    let text: Vec<&str> = row.text.split_whitespace().collect();
    match &row.stage {
        Some(stage) => format!("[{stage} {}] {}", row.index, text.join(" ")),
        None => format!("[{}] {}", row.index, text.join(" ")),
    }
}

fn verdict(row: &Row) -> &'static str {
    match row.verdict {
        Verdict::Agree => "agree",
        Verdict::Differ => "DIFFER",
        Verdict::Open => "open",
    }
}

fn predicted(row: &Row) -> &'static str {
    match row.predicted {
        Some(Prediction::Hit) => "hit",
        Some(Prediction::Miss) => "miss",
        Some(Prediction::Unknown) => "unknown",
        None => "absent",
    }
}

fn actual(row: &Row) -> &'static str {
    match row.actual {
        Some(Outcome::Ran) => "ran",
        Some(Outcome::Cached) => "cached",
        Some(Outcome::Failed) => "failed",
        Some(Outcome::Canceled) => "canceled",
        Some(Outcome::Unfinished) => "not shown",
        None => "absent",
    }
}
