//! The RUNs of a stage that a mount over what Cargo compiles concerns: the one that builds the project, those that compile
//! its dependencies ahead, and those right below that work on what it made, which become one with it.

use super::super::effect::{Files, effect};
use super::super::installs::StageView;
use super::super::layout::{absolute, expand, is_within, overlap, unquote};
use super::super::run_text::{RunText, run_text};
use super::cargo_ahead::may_share;
use crate::dockerfile::ast::Kind;
use crate::shell::{Connector, Seen};

/// Commands that change the shell for what follows; one without a name sets a variable.
const SHELL: &[&str] = &[
    "", ".", "alias", "cd", "declare", "eval", "exec", "exit", "export", "local", "popd", "pushd",
    "readonly", "set", "shopt", "source", "trap", "typeset", "ulimit", "umask", "unset",
];

/// What is mounted together.
pub(super) struct Work {
    /// The RUN that builds the project.
    pub(super) run: usize,
    /// Where it compiles, absolute.
    pub(super) at: String,
    /// RUNs above that compile the dependencies.
    pub(super) ahead: Vec<usize>,
    /// RUNs right below that become one with it.
    pub(super) joined: Vec<usize>,
}

impl Work {
    /// The work of a stage; `None` where Cargo compiles in several places, or two builds cannot be one.
    pub(super) fn of(of: &StageView<'_>) -> Option<Self> {
        let steps = 0..of.stage.instructions.len();
        let built: Vec<(usize, Vec<(String, bool)>)> = steps
            .map(|n| (n, of.cargo_targets(n)))
            .filter(|(_, targets)| !targets.is_empty())
            .collect();
        let (last, targets) = built.last()?;
        let at = targets.first()?.0.clone();
        let mut all = built.iter().flat_map(|(_, targets)| targets);
        if all.any(|(there, _)| *there != at) {
            return None;
        }
        let (mut ahead, mut own) = (Vec::new(), Vec::new());
        for (n, _) in &built {
            if own.is_empty() && n != last && may_share(of, *n, *last, &at) {
                ahead.push(*n);
            } else {
                own.push(*n);
            }
        }
        let run = *own.first()?;
        let cooks = |n: &usize| of.cargo_targets(*n).iter().any(|(_, is_cooked)| *is_cooked);
        let joined = joined(of, run, &at)?;
        let are_joined = own.iter().skip(1).all(|n| joined.contains(n));
        (are_joined && !own.iter().any(cooks)).then_some(Self {
            run,
            at,
            ahead,
            joined,
        })
    }

    /// The RUN that builds, and those that become one with it.
    pub(super) fn runs(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.run).chain(self.joined.iter().copied())
    }

    /// Whether instruction `n` is among all of them.
    pub(super) fn has(&self, n: usize) -> bool {
        n == self.run || self.ahead.contains(&n) || self.joined.contains(&n)
    }

    /// The directory of the project.
    pub(super) fn here(&self) -> &str {
        match self.at.strip_suffix("/target") {
            None | Some("") => "/",
            Some(here) => here,
        }
    }
}

/// The RUNs right below `run`, down to the last that works on what is at `at`; `None` where they cannot be one with it.
fn joined(of: &StageView<'_>, run: usize, at: &str) -> Option<Vec<usize>> {
    let steps = &of.stage.instructions;
    let below = run + 1..steps.len();
    let below = below.take_while(|&n| matches!(steps[n].kind, Kind::Run(_)));
    let works = |n: &usize| {
        let touched = effect(of.view, &steps[*n], &of.places[*n]).files;
        let meets = matches!(touched, Files::Commands(t) if t.meets(at));
        meets || !of.cargo_targets(*n).is_empty()
    };
    let Some(last) = below.filter(works).last() else {
        return Some(Vec::new());
    };
    let plain = |n: usize| run_text(of.view, &steps[n]).filter(|_| steps[n].heredocs.is_empty());
    let stays = |text: &RunText<'_>| {
        let seen = text.script.seen();
        let is_cut = text.text.contains('#');
        !is_cut
            && seen
                .iter()
                .all(|s| !SHELL.contains(&s.name()) || is_strict(s))
    };
    plain(run).filter(stays)?;
    let all: Vec<usize> = (run + 1..=last).collect();
    let is_one = |&n: &usize| {
        let has = |of: usize, mount: &str| steps[of].flag_values("mount").any(|m| m == mount);
        let has_same = || {
            let only_caches = |m: &str| m.contains("type=cache") || has(n, m);
            steps[n].flag_values("mount").all(|m| has(run, m))
                && steps[run].flag_values("mount").all(only_caches)
                && steps[n].flags.iter().all(|f| f.name == "mount")
        };
        let is_known = |text: &RunText<'_>| {
            let touched = effect(of.view, &steps[n], &of.places[n]).files;
            matches!(touched, Files::Commands(_)) || text.script.seen().iter().all(compiles)
        };
        plain(n).is_some_and(|text| {
            stays(&text) && text.script.and_chain().is_some() && is_known(&text) && has_same()
        })
    };
    all.iter().all(is_one).then_some(all)
}

/// Whether it only stops the shell at what fails, as `&&` does, or has it show what it runs.
fn is_strict(seen: &Seen) -> bool {
    seen.name() == "set"
        && matches!(seen.args(), [flags] if ["-e", "-ex", "-x", "-xe"].contains(&flags.as_str()))
}

/// Whether a command is a build with Cargo.
fn compiles(seen: &Seen) -> bool {
    let verbs = ["auditable", "b", "build", "rustc", "zigbuild"];
    seen.name() == "cargo" && verbs.contains(&seen.subcommand())
}

/// Whether a word of a command may be a place at, above or below `at`.
pub(super) fn meets(of: &StageView<'_>, run: usize, seen: &Seen, word: &str, at: &str) -> bool {
    let path = place_of(of, run, seen, word.trim_end_matches(['*', '/']));
    path.map_or_else(|| word.contains("target"), |p| overlap(&p, at))
}

/// Whether a word of a command is a place below `at`, and not all of it.
pub(super) fn is_below(of: &StageView<'_>, run: usize, seen: &Seen, word: &str, at: &str) -> bool {
    let word = word.trim_end_matches('/');
    let is_all = word.ends_with("target/*");
    let path = place_of(of, run, seen, word);
    !is_all && path.is_some_and(|p| p != at && is_within(&p, at))
}

/// The place that a word of a command names, absolute.
pub(super) fn place_of(of: &StageView<'_>, run: usize, seen: &Seen, word: &str) -> Option<String> {
    let place = &of.places[run];
    let here = absolute(place.cwd.as_deref(), seen.directory.as_deref()?)?;
    absolute(Some(&here), &expand(&unquote(word), &place.variables)?)
}

/// Whether the pieces of a RUN run one after the other, whatever stands before them.
pub(super) fn is_a_row(text: &RunText<'_>) -> bool {
    let is_joined = |c| matches!(c, Connector::Start | Connector::And | Connector::Then);
    let pieces = &text.script.pieces;
    // Nothing may follow them: a `;` or a `&` of its own.
    let rest = pieces.last().and_then(|p| text.text.get(p.span.end..));
    pieces.iter().all(|p| is_joined(p.connector)) && rest.is_some_and(|r| r.trim().is_empty())
}
