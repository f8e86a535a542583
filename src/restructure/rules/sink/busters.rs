//! Arguments that are there to make one RUN run again, and say which: `ARG GEOIP_CACHE_BUSTER` above the RUN that fetches
//! what is called GeoIP.

use super::groups::{DIFFERS, Group};
use crate::dockerfile::ast::{Kind, Stage};
use crate::restructure::rules::changing::is_cache_bust;
use std::collections::BTreeSet;

/// Words of such names that do not say what runs again.
const PLAIN: [&str; 26] = [
    "arg",
    "avoid",
    "break",
    "breaker",
    "build",
    "bust",
    "bustcache",
    "buster",
    "cache",
    "cachebust",
    "cachebuster",
    "date",
    "docker",
    "epoch",
    "force",
    "image",
    "invalidate",
    "invalidation",
    "key",
    "layer",
    "nocache",
    "rebuild",
    "refresh",
    "time",
    "timestamp",
    "version",
];

/// The RUN that an argument is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busted {
    /// Its position in the stage.
    pub(super) run: usize,
    /// Its line.
    pub(super) line: usize,
}

/// The arguments of a stage that name the one RUN they are there for.
pub(super) fn busters(stage: &Stage) -> Vec<Group> {
    let arguments = stage.instructions.iter().enumerate();
    let arguments = arguments.filter_map(|(n, i)| match &i.kind {
        Kind::Arg(items) => items.first().filter(|_| items.len() == 1).map(|a| (n, a)),
        _ => None,
    });
    let named = arguments.filter(|(_, item)| is_cache_bust(&item.name));
    named
        .filter_map(|(at, item)| {
            Some(Group {
                changing: false,
                names: BTreeSet::from([item.name.clone()]),
                how: DIFFERS,
                busts: Some(busted(stage, at, &item.name)?),
            })
        })
        .collect()
}

/// The only RUN below instruction `at` that names what `name` does; `None` where it names nothing, or a RUN reads it.
fn busted(stage: &Stage, at: usize, name: &str) -> Option<Busted> {
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split('_')
        .filter(|word| word.len() > 2 && !PLAIN.contains(word))
        .collect();
    let mut found = None;
    for (run, instruction) in stage.instructions.iter().enumerate().skip(at + 1) {
        if !matches!(instruction.kind, Kind::Run(_)) {
            continue;
        }
        let text = instruction.with_bodies().to_ascii_lowercase();
        if text.contains(&lower) {
            return None;
        }
        if words.iter().any(|word| text.contains(word)) {
            let line = instruction.lines.first;
            let is_first = found.replace(Busted { run, line }).is_none();
            is_first.then_some(())?;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile;

    #[test]
    fn an_argument_says_what_is_to_run_again() {
        let check = |name: &str, runs: &str, expected: Option<usize>| {
            let text = format!("FROM debian:12\nARG {name}\n{runs}\n");
            let parsed = dockerfile::parse(&text).unwrap().dockerfile;
            let found = busters(&parsed.stages[0]);
            let line = found.first().and_then(|g| g.busts).map(|b| b.line);
            assert_eq!(line, expected, "{text}");
        };
        let runs = "RUN apt-get update\nRUN curl -O https://a.example/GeoIP.tar.gz";
        check("GEOIP_CACHE_BUSTER", runs, Some(4));
        check("CACHEBUST", runs, None);
        check("CACHE_DATE", runs, None);
        check("MODEL_CACHE_BUST", runs, None);
        check("GEOIP_VERSION", runs, None);
        let twice = format!("{runs}\nRUN tar -xf GeoIP.tar.gz");
        check("GEOIP_CACHE_BUSTER", &twice, None);
        let read = format!("RUN echo $GEOIP_CACHE_BUSTER\n{runs}");
        check("GEOIP_CACHE_BUSTER", &read, None);
    }
}
