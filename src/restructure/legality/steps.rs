//! Every comment stands, and every FROM and RUN, but for what the candidate declares.

use super::super::candidate::Candidate;
use super::differing::differing;
use crate::dockerfile::Dockerfile;
use std::collections::BTreeMap;

pub(super) fn comments(before: &str, after: &str) -> Result<(), String> {
    let count = |text: &str| {
        let mut lines: BTreeMap<String, usize> = BTreeMap::new();
        for line in text.lines().map(str::trim).filter(|l| l.starts_with('#')) {
            *lines.entry(line.to_owned()).or_default() += 1;
        }
        lines
    };
    let after = count(after);
    match count(before)
        .into_iter()
        .find(|(line, n)| after.get(line).copied().unwrap_or(0) < *n)
    {
        Some((line, _)) => Err(format!("the comment `{line}` is lost")),
        None => Ok(()),
    }
}

/// FROM and RUN texts as often as before, but for what is declared.
pub(super) fn promised(
    before: &Dockerfile,
    after: &Dockerfile,
    candidate: &Candidate,
) -> Result<(), String> {
    let mut wanted = steps(before);
    for text in candidate.replaced.iter().flat_map(|r| &r.before) {
        let n = wanted.get_mut(text).filter(|n| **n > 0);
        *n.ok_or_else(|| format!("`{text}` is declared replaced and is not there"))? -= 1;
    }
    for text in candidate.replaced.iter().flat_map(|r| &r.after) {
        *wanted.entry(text.clone()).or_default() += 1;
    }
    wanted.retain(|_, n| *n > 0);
    let found = steps(after);
    match differing(&wanted, &found) {
        Some(step) => Err(format!(
            "the step `{step}` is dropped or added without being declared"
        )),
        None => Ok(()),
    }
}

fn steps(dockerfile: &Dockerfile) -> BTreeMap<String, usize> {
    let mut texts: BTreeMap<String, usize> = BTreeMap::new();
    for instruction in dockerfile.instructions() {
        if matches!(instruction.keyword, "FROM" | "RUN" | "ONBUILD") {
            *texts.entry(instruction.original.clone()).or_default() += 1;
        }
    }
    texts
}
