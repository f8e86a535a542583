//! Why each step of the recorded scenarios misses, held against an expectation written by hand.
//!
//! `fixtures/recorded/reasons.txt`, one line for each build but the first:
//! `scenario build: step kind detail | step kind detail …`, in the order of the steps. A step is `stage:index`, or the
//! index alone where the builder prints no stage. In a first build every miss must be `cold`.

use crate::support::case::{Case, cases, fixtures};
use std::collections::BTreeMap;
use stratigraph::builder::Builder;
use stratigraph::cache::{Lookup, MissReason};
use stratigraph::graph::{Step, StepId};
use stratigraph::replay::{Built, Replay};

#[test]
fn every_miss_of_every_scenario_has_the_reason_that_was_written_down() {
    let path = fixtures("recorded/reasons.txt");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty());
    let mut expected: BTreeMap<&str, &str> = lines.map(|l| l.split_once(": ").unwrap()).collect();
    let mut wrong = Vec::new();
    let all = ["recorded/rules", "recorded/corners"]
        .into_iter()
        .flat_map(|folder| cases(&fixtures(folder)));
    for case in
        all.filter(|c| c.recorded.contains_key("buildkit") || c.recorded.contains_key("dockerd"))
    {
        for (place, reasons) in reasons(&case) {
            let wanted = expected.remove(place.as_str()).unwrap_or("");
            if wanted != reasons {
                wrong.push(format!("{place}: {reasons}\n    expected: {wanted}"));
            }
        }
    }
    wrong.extend(
        expected
            .iter()
            .map(|(place, reasons)| format!("{place}: nothing missed\n    expected: {reasons}")),
    );
    assert!(
        wrong.is_empty(),
        "{} builds\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// For each build with a miss: its place and its reasons. A first build is left out where all is cold.
fn reasons(case: &Case) -> Vec<(String, String)> {
    let settings = case.settings(Builder::BuildKit);
    let inputs = case.inputs(&settings);
    let mut replay = Replay::new(settings);
    let mut found = Vec::new();
    for (i, input) in inputs.iter().enumerate() {
        let outcome = replay.build(input);
        let Ok(built) = &outcome.result else { continue };
        let misses: Vec<(StepId, &MissReason)> = built
            .steps
            .shown
            .iter()
            .filter_map(|id| miss(built, *id))
            .collect();
        if misses.is_empty()
            || (i == 0
                && misses
                    .iter()
                    .all(|(_, reason)| **reason == MissReason::Cold))
        {
            continue;
        }
        let parts: Vec<String> = misses
            .iter()
            .map(|(id, reason)| format!("{} {}", place(built, *id), words(built, reason)))
            .collect();
        found.push((format!("{} {i}", case.name), parts.join(" | ")));
    }
    found
}

fn miss(built: &Built, id: StepId) -> Option<(StepId, &MissReason)> {
    let step = &built.steps.steps[id.0];
    match &built.lookups[id.0] {
        Lookup::Miss(reason) if step.instruction != "FROM" => Some((id, reason)),
        _ => None,
    }
}

fn place(built: &Built, id: StepId) -> String {
    let step: &Step = &built.steps.steps[id.0];
    let index = if step.index == 0 {
        step.text.clone()
    } else {
        step.index.to_string()
    };
    step.stage
        .as_ref()
        .map_or(index.clone(), |stage| format!("{stage}:{index}"))
}

fn words(built: &Built, reason: &MissReason) -> String {
    match reason {
        MissReason::Cold => "cold".to_owned(),
        MissReason::Definition { what, old, new } => {
            format!("definition {what} {} -> {}", short(old), short(new))
        }
        MissReason::Content { paths, n_paths } => {
            let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
            assert!(
                paths.len() == *n_paths || *n_paths > 20,
                "all paths are named where they are few"
            );
            format!("content {}", paths.join(" "))
        }
        MissReason::Base { old, new } => format!("base {old} -> {new}"),
        MissReason::Input { step } => format!("input {}", place(built, *step)),
        MissReason::NotExported => "not-exported".to_owned(),
        MissReason::Evicted => "evicted".to_owned(),
    }
}

fn short(value: &str) -> String {
    if value.is_empty() {
        "nothing".to_owned()
    } else {
        format!("{value:?}")
    }
}
