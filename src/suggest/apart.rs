//! A text with each RUN cut wherever its commands read other files: how little would have to run, for the bound alone.
//!
//! Nobody is proposed it, and it need not build: a `cd` or a variable is lost to the parts below.

use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Command, Instruction, Kind};
use crate::score::{Reads, reads_of};
use crate::shell::{self, Connector, Script};
use std::collections::BTreeSet;

/// More parts than any chain that a person reads.
const MOST_PARTS: usize = 100;

/// The text; `None` where no RUN has two parts that read other files. Installs with the words in `from_source` are known to
/// read the source too.
pub(super) fn apart(
    dockerfile: &Dockerfile,
    from_source: &BTreeSet<Vec<String>>,
) -> Option<String> {
    let mut text = dockerfile.text.clone();
    let all: Vec<&Instruction> = dockerfile.instructions().collect();
    for run in all.into_iter().rev() {
        let parts = parts(dockerfile, run, from_source).unwrap_or_default();
        if parts.len() < 2 {
            continue;
        }
        let flags: String = run
            .flags
            .iter()
            .filter_map(|f| Some(format!(" {}", dockerfile.text.get(f.span.range())?)))
            .collect();
        let lines: Vec<String> = parts.iter().map(|p| format!("RUN{flags} {p}")).collect();
        text.replace_range(run.span.start..run.span.end, &lines.join("\n"));
    }
    (text != dockerfile.text).then_some(text)
}

/// The parts of a RUN of which each reads other files than the one before.
fn parts<'t>(
    dockerfile: &'t Dockerfile,
    run: &Instruction,
    from_source: &BTreeSet<Vec<String>>,
) -> Option<Vec<&'t str>> {
    let (Kind::Run(of), []) = (&run.kind, run.heredocs.as_slice()) else {
        return None;
    };
    let Command::Shell(_) = of.command else {
        return None;
    };
    let start = match run.flags.last() {
        Some(flag) => flag.span.end,
        None => run.span.start + "RUN".len(),
    };
    let text = dockerfile.text.get(start..run.span.end)?;
    let script = shell::parse_instruction(text, dockerfile.escape);
    if !script.is_complete || script.pieces.len() > MOST_PARTS {
        return None;
    }
    let mut parts: Vec<((usize, usize), Reads)> = Vec::new();
    for (from, to) in units(&script)? {
        let own = reads_of(text.get(from..to)?, from_source);
        if let Some((last, reads)) = parts.last_mut() {
            let both = reads_of(text.get(last.0..to)?, from_source);
            let is_wider = |old: &Reads| *old != Reads::WhatIsThere && !is_same(old, &both);
            if !is_wider(reads) && !is_wider(&own) {
                (last.1, *reads) = (to, both);
                continue;
            }
        }
        parts.push(((from, to), own));
    }
    let texts = parts.iter().map(|((from, to), _)| text.get(*from..*to));
    texts.collect()
}

/// The bytes of the parts that stand behind one another: what is joined by `||` is one; `None` where something runs in the
/// background.
fn units(script: &Script) -> Option<Vec<(usize, usize)>> {
    let mut units: Vec<(usize, usize)> = Vec::new();
    let mut list = 0;
    for piece in &script.pieces {
        match piece.connector {
            Connector::Start | Connector::And => {}
            Connector::Then => list = units.len(),
            Connector::Or => {
                let whole = (units.get(list)?.0, piece.span.end);
                units.truncate(list);
                units.push(whole);
                continue;
            }
            _ => return None,
        }
        units.push((piece.span.start, piece.span.end));
    }
    Some(units)
}

/// Whether a change to a file concerns both or neither, as far as that is known without the file.
fn is_same(a: &Reads, b: &Reads) -> bool {
    match (a, b) {
        (Reads::Sources(a), Reads::Sources(b)) => a == b,
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

#[cfg(test)]
mod tests {
    use super::apart;
    use crate::dockerfile::parse;
    use std::collections::BTreeSet;

    fn check(run: &str, expected: &[&str]) {
        let of = |runs: &[&str]| {
            let lines = runs.iter().map(|r| format!("RUN {r}\n"));
            format!("FROM a\nCOPY . .\n{}CMD b\n", lines.collect::<String>())
        };
        let parsed = parse(&of(&[run])).unwrap().dockerfile;
        let cut = apart(&parsed, &BTreeSet::new());
        let expected = (expected.len() > 1).then(|| of(expected));
        assert_eq!(cut, expected, "{run}");
    }

    #[test]
    fn commands_that_read_other_files_stand_apart() {
        check(
            "apk add git && npm ci && npm run build",
            &["apk add git", "npm ci", "npm run build"],
        );
        check(
            "--mount=type=cache,target=/c npm ci; npm run build",
            &[
                "--mount=type=cache,target=/c npm ci",
                "--mount=type=cache,target=/c npm run build",
            ],
        );
        check(
            "cd web \\\n && npm ci \\\n # all of it\n && npm run build && mv a b",
            &["cd web \\\n && npm ci", "npm run build && mv a b"],
        );
    }

    #[test]
    fn what_reads_the_same_stays_together() {
        check("apk add git && apk add curl", &[]);
        check("npm ci || npm install", &[]);
        check("npm ci && pip install -r r.txt", &[]);
        check("echo 'a", &[]);
        check("apk add git && a || b", &[]);
    }
}
