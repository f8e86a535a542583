//! From rules to an order: every legal candidate, what each saves alone, and the best order of them.
//!
//! What a text is worth is asked of the caller; here is only who is asked about, and when to stop.

use super::accepted::Acceptance;
use super::candidate::Candidate;
use super::layout::reachable;
use super::legality::{check, visible_after};
use super::mounted::is_parted;
use super::rules::{ALL, CACHES, Rule};
use super::shells::lacks_shell;
use super::view::View;
use crate::dockerfile::Dockerfile;
use std::collections::{BTreeMap, BTreeSet};

/// How many candidates are looked at in one round; rules propose few.
const MAX_CANDIDATES: usize = 40;
/// How many changes are put on top of each other.
const MAX_ROUNDS: usize = 10;

/// A Dockerfile and an ignore file as they could be.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Draft {
    /// The Dockerfile's text.
    pub dockerfile: String,
    /// The ignore file's text; `None` when there is none.
    pub ignore: Option<String>,
}

/// A legal candidate with its name.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// `rule-1`, `rule-2`, … in the order in which the rule proposed them: the same for the same input.
    pub id: String,
    /// What was proposed.
    pub candidate: Candidate,
    /// The text with it alone.
    pub draft: Draft,
}

/// A candidate that the check dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The rule's id.
    pub rule: &'static str,
    /// What it proposed.
    pub title: String,
    /// Why it is not legal, a sentence.
    pub why: String,
}

/// A candidate that somebody does not want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwanted {
    /// The rule's id.
    pub rule: &'static str,
    /// What it proposed.
    pub title: String,
    /// The reason given.
    pub reason: String,
}

/// What a draft saves against what there is, per build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gain {
    /// Milliseconds per build, median; negative when it costs.
    pub median: i64,
}

/// One step of the best order.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The proposal's id.
    pub id: String,
    /// The candidate as it was proposed on the text before it.
    pub candidate: Candidate,
    /// The text with it and all before it.
    pub draft: Draft,
    /// What all of them save together.
    pub gain: Gain,
}

/// Every candidate, and the best order of those that pay.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The legal candidates on the text as it is, each with what it saves alone (`None`: could not be replayed).
    pub alone: Vec<(Proposal, Option<Gain>)>,
    /// The best order, each on top of those before.
    pub order: Vec<Placed>,
    /// What is possible on top of that order, each with what it adds.
    pub rest: Vec<(Proposal, Option<Gain>)>,
    /// What the check dropped on the text as it is.
    pub dropped: Vec<Dropped>,
    /// What somebody does not want on the text as it is.
    pub unwanted: Vec<Unwanted>,
}

/// What there is to propose for one text.
#[derive(Clone, Debug, Default)]
pub struct Proposals {
    /// What may be done.
    pub kept: Vec<Proposal>,
    /// What the check dropped.
    pub dropped: Vec<Dropped>,
    /// What somebody does not want.
    pub unwanted: Vec<Unwanted>,
}

/// All legal candidates of `rules` on `view`, in their order, at most one for each resulting text.
pub fn proposals(view: &View<'_>, rules: &[Rule]) -> Proposals {
    let Proposals {
        mut kept,
        mut dropped,
        mut unwanted,
    } = Proposals::default();
    let acceptance = Acceptance::of(view);
    let mut seen: BTreeSet<Draft> = BTreeSet::from([draft_of(view)]);
    for rule in rules {
        let mut n = 0;
        for mut candidate in (rule.propose)(view) {
            if let Some(reason) = acceptance.reason(&candidate) {
                unwanted.push(Unwanted {
                    rule: rule.id,
                    reason: reason.to_owned(),
                    title: candidate.title,
                });
                continue;
            }
            let checked = check(view, &candidate);
            match checked {
                // As with a split whose results a mount would hold: there is nothing to say of it.
                Ok(after)
                    if is_parted(view, &after)
                        || lacks_shell(view.dockerfile, &after, &candidate) => {}
                Ok(after) => {
                    let draft = Draft {
                        dockerfile: after.text,
                        ignore: candidate
                            .ignore
                            .as_ref()
                            .map(|i| i.text.clone())
                            .or(draft_of(view).ignore),
                    };
                    if kept.len() < MAX_CANDIDATES && seen.insert(draft.clone()) {
                        n += 1;
                        candidate.rule = rule.id;
                        kept.push(Proposal {
                            id: format!("{}-{n}", rule.id),
                            candidate,
                            draft,
                        });
                    }
                }
                Err(why) => dropped.push(Dropped {
                    rule: rule.id,
                    title: candidate.title,
                    why,
                }),
            }
        }
    }
    Proposals {
        kept,
        dropped,
        unwanted,
    }
}

fn draft_of(view: &View<'_>) -> Draft {
    Draft {
        dockerfile: view.text().to_owned(),
        ignore: view.ignore.map(|(_, text)| text.to_owned()),
    }
}

/// Looks for the best order. `worth` is given drafts and answers for each what it saves against the text as it is
/// (`None` where that could not be replayed). `least` is the gain from which a change pays.
pub fn search(
    view: &View<'_>,
    least: i64,
    worth: &mut dyn FnMut(&[Draft]) -> Vec<Option<Gain>>,
) -> Found {
    let Proposals {
        kept: first,
        dropped,
        unwanted,
    } = proposals(view, ALL);
    let gains = worth(&first.iter().map(|p| p.draft.clone()).collect::<Vec<_>>());
    let mut names = Names::of(view, &first);
    let mut found = Found {
        alone: first.into_iter().zip(gains).collect(),
        order: Vec::new(),
        rest: Vec::new(),
        dropped,
        unwanted,
    };
    let mut open: Vec<(Proposal, Option<Gain>)> = found.alone.clone();
    let mut reached = 0;
    while found.order.len() < MAX_ROUNDS {
        let Some((best, gain)) = best_of(view, &open, reached, least) else {
            break;
        };
        reached = gain.median;
        let placed = Placed {
            id: best.id.clone(),
            candidate: best.candidate.clone(),
            draft: best.draft.clone(),
            gain,
        };
        let mut taken: BTreeSet<String> = found.order.iter().map(|p| p.id.clone()).collect();
        taken.insert(placed.id.clone());
        open = next(view, &placed.draft, &mut names, taken, worth);
        found.order.push(placed);
        if open.is_empty() {
            break;
        }
    }
    let on_top = |gain: Gain| Gain {
        median: gain.median - reached,
    };
    found.rest = open
        .into_iter()
        .map(|(proposal, gain)| (proposal, gain.map(on_top)))
        .collect();
    found
}

/// The proposals on top of `draft`, under the names that they had before, with what they save together with it.
fn next(
    view: &View<'_>,
    draft: &Draft,
    names: &mut Names,
    mut taken: BTreeSet<String>,
    worth: &mut dyn FnMut(&[Draft]) -> Vec<Option<Gain>>,
) -> Vec<(Proposal, Option<Gain>)> {
    let proposed = on_draft(view, draft, |view| {
        let mut proposed = proposals(view, ALL).kept;
        for proposal in &mut proposed {
            proposal.id = names.name(view, &proposal.candidate, &taken);
            taken.insert(proposal.id.clone());
        }
        proposed
    });
    let proposed = proposed.unwrap_or_default();
    let gains = worth(&proposed.iter().map(|p| p.draft.clone()).collect::<Vec<_>>());
    proposed.into_iter().zip(gains).collect()
}

/// Calls `with` on the view as it would be with `draft` in place; `None` when the draft does not parse.
pub fn on_draft<T>(view: &View<'_>, draft: &Draft, with: impl FnOnce(&View<'_>) -> T) -> Option<T> {
    let dockerfile: Dockerfile = crate::dockerfile::parse(&draft.dockerfile).ok()?.dockerfile;
    let changed = draft.ignore.as_deref() != view.ignore.map(|(_, text)| text);
    let path = view.ignore.map_or_else(
        || view.context.join(b".dockerignore"),
        |(path, _)| path.clone(),
    );
    let ignore = draft.ignore.as_deref().map(|text| (&path, text));
    let (mut files, mut ignored) = (view.files.to_vec(), view.ignored.to_vec());
    if changed && let Some((_, text)) = ignore {
        let mut probe = Candidate::new("", "");
        probe.ignore = Some(super::IgnoreText {
            path: path.clone(),
            text: text.to_owned(),
        });
        let all: Vec<_> = view.files.iter().chain(view.ignored).cloned().collect();
        files = visible_after(view, &probe);
        let visible: BTreeSet<_> = files.iter().map(|(p, _)| p.clone()).collect();
        ignored = all
            .into_iter()
            .filter(|(p, _)| !visible.contains(p))
            .collect();
        ignored.sort();
    }
    let last =
        (view.target + 1 == view.dockerfile.stages.len()).then(|| dockerfile.stages.len() - 1);
    let target = last.unwrap_or_else(|| view.target.min(dockerfile.stages.len() - 1));
    Some(with(&View {
        dockerfile: &dockerfile,
        ignore,
        files: &files,
        ignored: &ignored,
        target,
        ..*view
    }))
}

/// From this gain on, in milliseconds per build, a change is worth somebody's looking it over.
const WORTH_A_REVIEW: i64 = 250;

/// The gain from which a candidate pays, `least` being that of a small change: what changes the image itself must save
/// five times as much to be worth the looking after.
pub fn worth_its_risk(candidate: &Candidate, least: i64) -> i64 {
    if candidate.changes_image {
        least * 5
    } else if candidate.safety.is_safe() {
        least
    } else {
        least.max(WORTH_A_REVIEW)
    }
}

/// What a gain counts for in the order: a layer's holds wherever the cache is, a mount's only where the builder's own
/// state survives, so a mount goes first only where it saves more than eight times as much.
fn counted(candidate: &Candidate, gain: i64) -> i64 {
    if candidate.rule == CACHES.id {
        gain / 8
    } else {
        gain
    }
}

/// The one to take next on top of what saves `reached`: the best, or a smaller or safer one that gets nearly all of it.
/// `None` where none pays.
fn best_of<'p>(
    view: &View<'_>,
    open: &'p [(Proposal, Option<Gain>)],
    reached: i64,
    least: i64,
) -> Option<(&'p Proposal, Gain)> {
    let paying = || {
        open.iter().filter_map(|(p, g)| {
            let needed = reached + worth_its_risk(&p.candidate, least);
            let gain = g.filter(|g| g.median >= needed)?;
            Some((p, gain, counted(&p.candidate, gain.median - reached)))
        })
    };
    let best = paying().map(|(_, _, adds)| adds).max()?;
    let near = paying().filter(|(_, _, adds)| adds * 100 >= best * 97);
    let near = near.map(|(p, g, _)| (p, g));
    near.min_by_key(|(p, g)| {
        (
            !p.candidate.safety.is_safe(),
            size(view, p),
            std::cmp::Reverse(g.median),
            p.id.clone(),
        )
    })
}

/// Lines that a patch touches.
fn size(view: &View<'_>, proposal: &Proposal) -> usize {
    let edits = &proposal.candidate.edits;
    let in_text: usize = edits
        .iter()
        .map(|e| {
            e.replacement.lines().count()
                + view
                    .text()
                    .get(e.span.range())
                    .map_or(0, |t| t.lines().count())
        })
        .sum();
    let stages = reachable(view.dockerfile, view.target).len();
    in_text
        + proposal
            .candidate
            .ignore
            .as_ref()
            .map_or(0, |_| 1)
            .min(stages)
}

/// Names that stay with a proposal when the text around it changes.
#[derive(Default)]
struct Names {
    /// Those of one substance in the order of their places: two stages may have the same words.
    known: BTreeMap<(&'static str, Vec<String>), Vec<String>>,
    counts: BTreeMap<&'static str, usize>,
}

impl Names {
    fn of(view: &View<'_>, proposals: &[Proposal]) -> Self {
        let mut names = Self::default();
        for Proposal { id, candidate, .. } in proposals {
            let key = (candidate.rule, substance(view, candidate));
            names.known.entry(key).or_default().push(id.clone());
            *names.counts.entry(candidate.rule).or_default() += 1;
        }
        names
    }

    /// The name it had, or a new one.
    fn name(&mut self, view: &View<'_>, candidate: &Candidate, taken: &BTreeSet<String>) -> String {
        let key = (candidate.rule, substance(view, candidate));
        let known = self.known.entry(key).or_default();
        if let Some(name) = known.iter().find(|n| !taken.contains(*n)) {
            return name.clone();
        }
        let n = self.counts.entry(candidate.rule).or_default();
        *n += 1;
        let name = format!("{}-{n}", candidate.rule);
        known.push(name.clone());
        name
    }
}

/// What a candidate takes out and puts in, and of which instructions, wherever they stand and whatever mounts they have.
fn substance(view: &View<'_>, candidate: &Candidate) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for edit in &candidate.edits {
        let out = view.text().get(edit.span.range()).unwrap_or_default();
        let at = edit.span.start;
        let mut around = view.dockerfile.instructions();
        if let Some(inside) = around.find(|i| i.span.start < at && at < i.span.end) {
            let words = inside.original.split_whitespace();
            let words = words.filter(|w| *w != "\\" && !w.starts_with("--mount="));
            lines.push(words.collect::<Vec<_>>().join(" "));
        }
        lines.extend(
            out.lines()
                .chain(edit.replacement.lines())
                .map(|l| l.trim().to_owned())
                .filter(|l| !l.is_empty()),
        );
    }
    if let Some(new) = &candidate.ignore {
        let old: BTreeSet<&str> = view.ignore.map_or("", |(_, text)| text).lines().collect();
        lines.extend(
            new.text
                .lines()
                .filter(|l| !old.contains(l))
                .map(str::to_owned),
        );
    }
    lines.sort();
    lines
}
