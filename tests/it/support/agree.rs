//! Predicted steps against real ones, as `check.py` of the recorded cases compares them.

use super::case::RealBuild;
use std::collections::{BTreeMap, BTreeSet};
use stratigraph::cache::Lookup;
use stratigraph::replay::BuildOutcome;

/// What a comparison found.
#[derive(Default)]
pub struct Agreement {
    pub cases: usize,
    pub steps: usize,
    pub agree: usize,
    pub unknown: usize,
    /// What differs or is unknown, one line each.
    pub differ: Vec<String>,
}

impl Agreement {
    /// Adds another one's counts.
    pub fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.steps += other.steps;
        self.agree += other.agree;
        self.unknown += other.unknown;
        self.differ.extend(other.differ);
    }
}

type Key = (Option<String>, usize);

/// Compares every step but FROM. Failed builds have no meaningful flags and are left out.
pub fn compare(name: &str, real: &[RealBuild], predicted: &[BuildOutcome]) -> Agreement {
    let mut sum = Agreement {
        cases: 1,
        ..Agreement::default()
    };
    if real.len() != predicted.len() {
        sum.differ.push(format!(
            "{name}: {} builds recorded, {} replayed",
            real.len(),
            predicted.len()
        ));
        return sum;
    }
    for (i, (real, predicted)) in real.iter().zip(predicted).enumerate() {
        if !real.ok {
            continue;
        }
        let (want, got) = (recorded(real), shown(predicted));
        for key in want.keys().chain(got.keys()).collect::<BTreeSet<&Key>>() {
            sum.steps += 1;
            let (w, text) = want.get(key).map_or(("absent", ""), |(cached, text)| {
                (if *cached { "hit" } else { "miss" }, text.as_str())
            });
            let (g, own) = got
                .get(key)
                .map_or(("absent", ""), |(outcome, text)| (*outcome, text.as_str()));
            match g {
                "unknown" => {
                    sum.unknown += 1;
                    sum.differ
                        .push(format!("{name} build {i}: {key:?} {own}: unknown"));
                }
                _ if g == w => sum.agree += 1,
                _ => sum.differ.push(format!(
                    "{name} build {i}: {key:?} {}: real {w}, predicted {g}",
                    if text.is_empty() { own } else { text }
                )),
            }
        }
    }
    sum
}

/// One entry a displayed step: the merge half of COPY --link is left out, and the two vertices of ADD <url> count as one.
fn recorded(build: &RealBuild) -> BTreeMap<Key, (bool, String)> {
    let mut steps: BTreeMap<Key, (bool, String)> = BTreeMap::new();
    for step in &build.steps {
        if step.text.to_lowercase().starts_with("from")
            || step.text.split_whitespace().next() == Some("LINK")
        {
            continue;
        }
        let entry = steps.entry((step.stage.clone(), step.index)).or_default();
        entry.0 |= step.cached;
        entry.1.clone_from(&step.text);
    }
    steps
}

fn shown(build: &BuildOutcome) -> BTreeMap<Key, (&'static str, String)> {
    let Ok(built) = &build.result else {
        return BTreeMap::new();
    };
    let mut steps = BTreeMap::new();
    for id in &built.steps.shown {
        let step = &built.steps.steps[id.0];
        if step.instruction == "FROM" {
            continue;
        }
        let outcome = match &built.lookups[id.0] {
            Lookup::Hit { .. } => "hit",
            Lookup::Miss(_) => "miss",
            Lookup::Unknown { .. } => "unknown",
        };
        steps.insert(
            (step.stage.clone(), step.index),
            (outcome, step.text.clone()),
        );
    }
    steps
}
