//! Proposals as JSON: `stratigraph.suggest/1`, documented in docs/schema/suggest.md.

use super::patch::patch;
use super::words::why_slower;
use crate::cost::Band;
use crate::suggest::{Condition, Saving, Suggestion, Suggestions};
use serde_json::{Value, json};
use std::io;

/// Writes `stratigraph.suggest/1`: one object. Times in milliseconds, bytes in bytes; `low` and `high` are the 10 and
/// 90 % ends of the estimate's band.
pub fn write_json(
    suggestions: &Suggestions,
    all: bool,
    sink: &mut dyn io::Write,
) -> io::Result<()> {
    let (n, counted, first, last) = suggestions.builds;
    let of = |b: &Band| json!({"median_ms": b.median, "low_ms": b.low, "high_ms": b.high});
    let mut value = json!({
        "schema": "stratigraph.suggest/1",
        "dockerfile": suggestions.dockerfile.to_string(),
        "ignore_file": suggestions.ignore.to_string(),
        "builds": {"replayed": n, "counted": counted, "first_time": first, "last_time": last},
        "mean_build": {"now": of(&suggestions.mean.0), "with_changes": of(&suggestions.mean.1), "best": of(&suggestions.mean.2), "best_bold": of(&suggestions.best_bold)},
        "saving": saving(&suggestions.saving),
        "recommended": suggestions.order.iter().map(|s| suggestion(suggestions, s)).collect::<Vec<_>>(),
        "instead": suggestions.instead.iter().map(|s| suggestion(suggestions, s)).collect::<Vec<_>>(),
        "small": suggestions.small.iter().map(|s| suggestion(suggestions, s)).collect::<Vec<_>>(),
        "n_idle": suggestions.idle.len(),
        "ignored": suggestions.unwanted.iter().map(|u| json!({"rule": u.rule, "title": u.title, "reason": u.reason})).collect::<Vec<_>>(),
        "patch": patch(suggestions, &suggestions.now, &suggestions.then),
        "caveats": suggestions.caveats.iter().map(|c| json!({"text": c.text, "place": c.place})).collect::<Vec<_>>(),
    });
    if all && let Value::Object(map) = &mut value {
        map.insert(
            "idle".to_owned(),
            suggestions
                .idle
                .iter()
                .map(|s| suggestion(suggestions, s))
                .collect(),
        );
        let dropped = suggestions
            .dropped
            .iter()
            .map(|d| json!({"rule": d.rule, "title": d.title, "why": d.why}));
        map.insert("dropped".to_owned(), dropped.collect());
    }
    serde_json::to_writer_pretty(&mut *sink, &value)?;
    writeln!(sink)
}

fn saving(saving: &Saving) -> Value {
    let of = |(low, median, high): (i64, i64, i64)| json!({"median_ms": median, "low_ms": low, "high_ms": high});
    let (faster, slower, compared) = saving.builds;
    json!({
        "per_build": of(saving.per_build),
        "per_month": saving.per_month.map(of),
        "builds_faster": faster, "builds_slower": slower, "builds_compared": compared, "builds_lost": saving.lost,
        "bytes_per_build": saving.bytes_per_build, "from_empty_cache_ms": saving.cold,
    })
}

fn if_passed(of: &Suggestion) -> Option<Value> {
    let conditional = of.conditional.as_ref()?;
    let (names, by, values) = match &conditional.condition {
        Condition::Passed { names, by } => (names.clone(), by.as_ref(), None),
        Condition::InTurn { name, values, by } => (vec![name.clone()], Some(by), Some(values)),
        Condition::Brought { .. } | Condition::Emulated { .. } => return None,
    };
    let by = by.map(ToString::to_string);
    Some(
        json!({"names": names, "values": values, "by": by, "rebuild_ms": conditional.rebuild, "per_build_ms": conditional.per_build}),
    )
}

fn if_brought(of: &Suggestion) -> Option<Value> {
    let conditional = of.conditional.as_ref()?;
    let Condition::Brought { paths } = &conditional.condition else {
        return None;
    };
    Some(
        json!({"paths": paths, "rebuild_ms": conditional.rebuild, "per_build_ms": conditional.per_build}),
    )
}

fn if_emulated(of: &Suggestion) -> Option<Value> {
    let conditional = of.conditional.as_ref()?;
    let Condition::Emulated { platform, by } = &conditional.condition else {
        return None;
    };
    let by = by.as_ref().map(ToString::to_string);
    Some(
        json!({"platform": platform, "by": by, "rebuild_ms": conditional.rebuild, "per_build_ms": conditional.per_build}),
    )
}

fn suggestion(suggestions: &Suggestions, of: &Suggestion) -> Value {
    let candidate = &of.proposal.candidate;
    json!({
        "id": of.proposal.id,
        "rule": candidate.rule,
        "title": candidate.title,
        "rationale": candidate.rationale,
        "lines": candidate.lines.iter().map(|l| [l.first, l.last]).collect::<Vec<_>>(),
        "safety": if candidate.safety.is_safe() { "safe" } else { "review" },
        "reasons": candidate.safety.reasons(),
        "doubt": candidate.safety.doubt(),
        "alone": of.alone.as_ref().map(saving),
        "on_top": of.on_top.as_ref().map(saving),
        "slower": of.slower.as_ref().map(|s| json!({"builds": s.builds, "by_ms": s.by, "why": why_slower(of)})),
        "if_passed": if_passed(of),
        "if_brought": if_brought(of),
        "if_emulated": if_emulated(of),
        "why_not": (!of.why_not.is_empty()).then_some(&of.why_not),
        "patch_on_top": of.placed.as_ref().map(|(before, with)| patch(suggestions, before, with)),
        "patch": of.alone.is_some().then(|| patch(suggestions, &suggestions.now, &of.proposal.draft)),
    })
}
