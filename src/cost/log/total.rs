//! How long a build took that tells only how long its steps did.

use super::build::LogBuild;
use super::build::LogStep;
use super::build::Role;
use crate::cost::schedule::Job;
use crate::cost::schedule::makespan;
use std::collections::BTreeMap;

/// Set-up, then steps side by side as far as none waits for another, then exports. `None` when nothing has a duration.
pub(super) fn from_durations(build: &LogBuild) -> Option<u64> {
    let any = build.steps.iter().any(|s| s.duration_ms.is_some())
        || build.internal.iter().any(|i| i.duration_ms.is_some());
    any.then(|| {
        let exports = [Role::Export, Role::CacheExport]
            .map(|r| of_role(build, r))
            .into_iter()
            .fold(0, u64::saturating_add);
        setup(build)
            .saturating_add(steps(build))
            .saturating_add(exports)
    })
}

/// The work before the first step: of what is asked at the same time (each image's metadata) the longest.
pub(crate) fn setup(build: &LogBuild) -> u64 {
    let setup = build.internal.iter().filter(|i| i.role == Role::Setup);
    let (mut sum, mut longest) = (0u64, 0u64);
    for work in setup {
        let ms = work.duration_ms.unwrap_or(0);
        if work.name.contains("load metadata")
            || work.name.starts_with("[auth]")
            || work.name.starts_with("importing cache")
        {
            longest = longest.max(ms);
        } else {
            sum = sum.saturating_add(ms);
        }
    }
    sum.saturating_add(longest)
}

/// All work of one role, one after the other.
pub(crate) fn of_role(build: &LogBuild, role: Role) -> u64 {
    build
        .internal
        .iter()
        .filter(|i| i.role == role)
        .filter_map(|i| i.duration_ms)
        .fold(0, u64::saturating_add)
}

/// The steps side by side, those that copy from the context after its transfer.
pub(crate) fn steps(build: &LogBuild) -> u64 {
    let mut work = vec![(of_role(build, Role::Context), Vec::new())];
    let order = in_order(&build.steps);
    let mut place = vec![0; build.steps.len()];
    for at in order {
        let step = &build.steps[at];
        place[at] = work.len();
        let mut after: Vec<usize> = step
            .inputs
            .iter()
            .map(|&i| place[i])
            .filter(|&p| p > 0)
            .collect();
        let reads_context = ["COPY", "ADD"].iter().any(|k| step.text.starts_with(k))
            && !step.text.contains("--from=");
        after.extend(reads_context.then_some(0));
        work.push((step.duration_ms.unwrap_or(0), after));
    }
    let jobs: Vec<Job<'_>> = work
        .iter()
        .map(|(ms, after)| Job { ms: *ms, after })
        .collect();
    makespan(&jobs, 0)
}

/// Positions so that inputs come first; what waits for itself in a circle comes last as it stands.
fn in_order(steps: &[LogStep]) -> Vec<usize> {
    let mut waits: Vec<usize> = steps
        .iter()
        .map(|s| s.inputs.iter().filter(|&&i| i < steps.len()).count())
        .collect();
    let mut readers = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate() {
        step.inputs
            .iter()
            .filter(|&&i| i < steps.len())
            .for_each(|&i| readers[i].push(at));
    }
    let mut order: Vec<usize> = (0..steps.len()).filter(|&n| waits[n] == 0).collect();
    let mut next = 0;
    while next < order.len() {
        for &reader in &readers[order[next]] {
            waits[reader] -= 1;
            if waits[reader] == 0 {
                order.push(reader);
            }
        }
        next += 1;
    }
    let missing: Vec<usize> = (0..steps.len()).filter(|&n| waits[n] > 0).collect();
    order.extend(missing);
    order
}

/// A step waits for the one before it in its stage, and for the last of a stage that its text names.
pub(super) fn connect_by_text(steps: &mut [LogStep]) {
    let mut last = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        last.insert(step.stage.clone().unwrap_or_default(), at);
    }
    for at in 1..steps.len() {
        if steps[at].stage == steps[at - 1].stage {
            steps[at].inputs.push(at - 1);
        }
    }
    for at in 0..steps.len() {
        let text = steps[at].text.clone();
        let named = text.split_whitespace().filter_map(|w| {
            let value = w.strip_prefix("--from=").or_else(|| {
                w.strip_prefix("--mount=")?
                    .split(',')
                    .find_map(|p| p.strip_prefix("from="))
            })?;
            let numbered = format!("stage-{value}");
            last.get(value).or_else(|| last.get(&numbered)).copied()
        });
        for from in named.collect::<Vec<usize>>() {
            if from != at
                && steps[from].stage != steps[at].stage
                && !steps[at].inputs.contains(&from)
            {
                steps[at].inputs.push(from);
            }
        }
    }
}
