//! What a mount would lie over: what steps above have put where it stands, and the steps with the mount would miss.

use super::super::archives::has_mount;
use super::super::command;
use super::super::effect::destination;
use super::super::installs::StageView;
use super::super::layout::{
    At, Place, built_on, expand, image, is_within, selected, stage_named, unquote,
};
use super::super::view::View;
use super::offline::fills;
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Command, Instruction, Kind, Source, Transfer};
use crate::ecosystem::CacheDir;
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Whether a mount of `dir` at `target` in the RUNs `mounted` hides from them what a step above, in the stage or those it
/// is built on, has put there. What other RUNs with the same downloads leave is needed only where it is read in place, or was fetched to be installed from.
pub(in crate::restructure) fn hides(
    of: &StageView<'_>,
    all: &[Vec<Place>],
    (ecosystem, dir): (&str, &CacheDir),
    mounted: &BTreeSet<At>,
    target: &str,
) -> bool {
    let own = of.stage.index;
    let Some(last) = mounted.iter().rfind(|at| at.stage == own) else {
        return false;
    };
    built_on(of.view.dockerfile, own).any(|index| {
        let above;
        let (stage, end) = match index == own {
            true => (of, last.index),
            false => {
                above = StageView::new(of.view, all, index);
                (&above, usize::MAX)
            }
        };
        let steps = stage.stage.instructions.iter().enumerate().take(end);
        let is_mounted = |n: usize| {
            mounted.contains(&At {
                stage: index,
                index: n,
            })
        };
        let others = steps.filter(|(n, _)| !is_mounted(*n));
        others.into_iter().any(|(n, step)| {
            let place = &stage.places[n];
            let downloads = || {
                let kept = stage.cache_dirs(n);
                dir.is_read_later
                    && index != own
                    && !has_mount(step, &[target])
                    && kept.iter().any(|(e, d)| *e == ecosystem && d.is_read_later)
            };
            match &step.kind {
                Kind::Copy(_) if is_of_xx(of.view.dockerfile, index, step) => false,
                Kind::Copy(transfer) | Kind::Add(transfer) => {
                    brings(step, transfer, place, stage.brings[n].as_ref(), target)
                        || brings_unlisted(of.view, (step, transfer), place, target)
                }
                Kind::Run(_) => {
                    let fills = fills(step, ecosystem) || puts_its_own(step, ecosystem);
                    let is_filled = fills && !has_mount(step, &[target]);
                    writes(step, place, target) || downloads() || is_filled
                }
                _ => false,
            }
        })
    })
}

/// Whether a RUN puts what it made beside the downloads, where other RUNs find it: in a mount it would be gone where the
/// RUN is cached and the mount is empty (maven.apache.org/plugins/maven-install-plugin, docs.gradle.org, Maven Publish).
pub(in crate::restructure) fn puts_its_own(step: &Instruction, ecosystem: &str) -> bool {
    let puts = |seen: &Seen| {
        let mut args = seen.args().iter();
        match seen.name() {
            "mvn" | "mvnd" | "mvnw" => args
                .any(|w| w == "install" || w.ends_with(":install") || w.ends_with(":install-file")),
            "gradle" | "gradlew" => args.any(|w| w.ends_with("publishToMavenLocal")),
            _ => false,
        }
    };
    matches!(ecosystem, "gradle" | "maven")
        && command::seen(step).is_some_and(|all| all.iter().any(puts))
}

/// Whether a copy takes from the helpers for building on one machine for another, which are `/usr/bin/xx-*` and no more
/// (github.com/tonistiigi/xx, Dockerfile).
fn is_of_xx(dockerfile: &Dockerfile, stage: usize, step: &Instruction) -> bool {
    let Some(from) = step.flag("from") else {
        return false;
    };
    let image = match stage_named(dockerfile, stage, from) {
        Some(n) if !dockerfile.stages[n].instructions.is_empty() => return false,
        Some(n) => image(dockerfile, n),
        None => Cow::Borrowed(from),
    };
    let name = image.split(['@', ':']).next().unwrap_or_default();
    name.strip_prefix("docker.io/").unwrap_or(name) == "tonistiigi/xx"
}

/// Whether a copy may bring something to `target` or below. `known` are its files where they are known.
fn brings(
    step: &Instruction,
    transfer: &Transfer,
    place: &Place,
    known: Option<&BTreeMap<String, RepoPath>>,
    target: &str,
) -> bool {
    // What git does not hold may be brought all the same.
    let to = destination(transfer, place);
    if to.as_ref().is_some_and(|to| is_within(to, target)) {
        return true;
    }
    if let Some(files) = known {
        return files.keys().any(|to| is_within(to, target));
    }
    let Some(to) = to else {
        return false;
    };
    if !is_within(target, &to) {
        return false;
    }
    // A directory from elsewhere may hold anything; what is copied to the root is so only where it is a root.
    let is_whole = |path: &str| matches!(path.trim_end_matches(['/', '.']), "");
    step.flag("from").is_some()
        && transfer.sources.iter().any(|source| match source {
            Source::Path(path) if to == "/" => is_whole(path),
            Source::Path(path) => !has_ending(path),
            Source::Heredoc(_) => false,
        })
}

/// Whether a copy brings to a directory above `target` one of the context of which git holds nothing: it is made before
/// the build, with anything in it.
fn brings_unlisted(
    view: &View<'_>,
    (step, transfer): (&Instruction, &Transfer),
    place: &Place,
    target: &str,
) -> bool {
    let is_above = |to: &String| to != "/" && is_within(target, to);
    if step.flag("from").is_some() || !destination(transfer, place).as_ref().is_some_and(is_above) {
        return false;
    }
    let is_unlisted = |path: &str| {
        let listed = selected(view.files.iter().map(|(p, _)| p), path);
        listed.is_empty() && !path.contains("://")
    };
    transfer.sources.iter().any(|source| match source {
        Source::Path(word) => expand(&unquote(word), &place.variables)
            .is_some_and(|path| !has_ending(&path) && is_unlisted(&path)),
        Source::Heredoc(_) => false,
    })
}

/// Whether the last name of a path ends as a file's does.
fn has_ending(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.trim_start_matches('.').contains('.')
}

/// Commands that leave nothing behind where they are told to work.
const TAKERS: [&str; 9] = [
    "chmod", "chown", "du", "find", "ls", "mkdir", "rm", "rmdir", "stat",
];

/// Whether a RUN names a place at or below `target` to put something there.
fn writes(step: &Instruction, place: &Place, target: &str) -> bool {
    if has_mount(step, &[target]) {
        return false;
    }
    let text = match &step.kind {
        Kind::Run(run) => match &run.command {
            Command::Shell(text) => text.clone(),
            Command::Exec(words) => words.join(" "),
        },
        _ => return false,
    };
    let text = format!(
        "{text}{}",
        step.heredocs
            .iter()
            .map(|h| h.content.as_str())
            .collect::<String>()
    );
    let named = |text: &str| -> usize {
        text.split(|c: char| c.is_whitespace() || "\"';|&()<>=".contains(c))
            .filter(|word| is_there(word, place, target))
            .count()
    };
    let all = named(&text);
    let takes = |seen: &&Seen| TAKERS.contains(&seen.name());
    let taken: usize = command::seen(step)
        .unwrap_or_default()
        .iter()
        .filter(takes)
        .map(|seen| seen.args().iter().map(|w| named(w)).sum::<usize>())
        .sum();
    all > taken
}

/// Whether a word, with what it says of the home directory and variables put in, is a place at or below `target`.
fn is_there(word: &str, place: &Place, target: &str) -> bool {
    let home = place.home();
    let mut word = unquote(word)
        .replace("${HOME}", home)
        .replace("$HOME", home);
    if let Some(rest) = word.strip_prefix("~/") {
        word = format!("{home}/{rest}");
    }
    if !word.starts_with(['/', '$']) {
        return false;
    }
    let word = expand(&word, &place.variables).unwrap_or(word);
    is_within(word.trim_end_matches(['/', '*']), target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile;
    use crate::restructure::layout::places;

    #[test]
    fn what_is_put_below_a_mount_is_seen() {
        let check = |step: &str, expected: bool| {
            let text = format!("FROM rust:1 AS a\n{step}\n");
            let parsed = dockerfile::parse(&text).unwrap().dockerfile;
            let place = &places(&parsed)[0][0];
            let step = &parsed.stages[0].instructions[0];
            let target = "/root/.m2";
            let is = match &step.kind {
                Kind::Copy(transfer) => brings(step, transfer, place, None, target),
                _ => writes(step, place, target),
            };
            assert_eq!(is, expected, "{text}");
        };
        check("COPY --from=x /root/.m2 /root/.m2", true);
        check("COPY settings.xml /root/.m2/settings.xml", true);
        check("COPY --from=x /root /root", true);
        check("COPY --from=x / /", true);
        check("COPY --from=x /tini /", false);
        check("COPY --from=x /a.txt /root/", false);
        check("COPY --from=x /app /app", false);
        check("RUN echo '<settings/>' > ~/.m2/settings.xml", true);
        check("RUN mkdir -p \"$HOME/.m2\" && cp a /root/.m2/", true);
        check("RUN rm -rf /root/.m2/repository ~/.m2/*", false);
        check("RUN --mount=type=cache,target=/root/.m2 cp a ~/.m2/", false);
        check("RUN ls /root", false);
    }
}
