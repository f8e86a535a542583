//! Values that change from build to build are set as late as possible.
//!
//! Before:
//! ```dockerfile
//! ARG GIT_COMMIT
//! ENV GIT_COMMIT=$GIT_COMMIT
//! RUN apt-get update && apt-get install -y curl
//! ```
//! After:
//! ```dockerfile
//! RUN apt-get update && apt-get install -y curl
//! ARG GIT_COMMIT
//! ENV GIT_COMMIT=$GIT_COMMIT
//! ```
//! Applies to arguments that are passed with changing values, to those whose name says that they will be (a commit,
//! a date, a build number, a version), to those that the repository's own files pass, and to what the Dockerfile itself
//! gave other values over this history. They move down past everything that does not read them: a RUN whose programs are
//! known not to ([`reading`]), and, for review, one of which nothing shows that it does. A RUN that only writes one
//! somewhere goes with it. One that is there to make steps run again (`CACHEBUST`) stays where it is.

use super::super::candidate::{Candidate, Safety};
use super::super::command::seen;
use super::super::effect::{Effect, Files, conflict};
use super::super::environment::{Doubt, Reading, reading};
use super::super::layout::{Place, mentioned, places, reachable};
use super::super::moving::{block_of, effects};
use super::super::named::named;
use super::super::passed::passed_by;
use super::super::past::Name;
use super::super::system_places::is_read_by_name;
use super::super::view::View;
use super::Rule;
use super::changing::{argument_changes, changes, is_cache_bust, is_passed};
use super::sink_stages::{Sinking, at_once};
use crate::dockerfile::ast::{ArgItem, Instruction, Kind, Stage};
use crate::shell::Seen;
use std::collections::{BTreeMap, BTreeSet};

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "sink-values",
    summary: "ARG, ENV and LABEL that change go below what does not read them",
    propose,
};

/// A stage, and what is known of its instructions before one is moved.
struct Ground<'a> {
    view: &'a View<'a>,
    /// Of all stages.
    places: &'a [Vec<Place>],
    stage: &'a Stage,
    /// What each instruction reads and writes.
    effects: &'a [Effect],
}

impl Ground<'_> {
    /// The line of the first instruction that goes down.
    fn first_line(&self, sunk: &Sunk) -> usize {
        let first = sunk.moved.first().map(|&i| &self.stage.instructions[i]);
        first.map_or(0, |i| i.lines.first)
    }

    /// Whether the RUN at `index` only makes or changes files that its words name, in no time (`echo $VERSION > /version`):
    /// one that fetches would do so again with each file copied above it.
    fn goes_along(&self, index: usize) -> bool {
        // What fetches anew is worth more than the value's place.
        let seen = seen(&self.stage.instructions[index]).unwrap_or_default();
        let fetches = |s: &Seen| matches!(s.name(), "curl" | "git" | "tar" | "unzip" | "wget");
        if seen.iter().any(fetches) {
            return false;
        }
        match &self.effects[index].files {
            Files::Commands(touched) => {
                self.effects[index].groups.is_some()
                    && !touched.system
                    && !touched.global
                    && !touched.needs_system
            }
            _ => false,
        }
    }

    /// Whether the RUN at `index` reads one of `names`, or likely does; what is not shown goes to `doubts`.
    fn is_read(&self, index: usize, names: &BTreeSet<String>, doubts: &mut Doubts) -> bool {
        let line = self.stage.instructions[index].lines.first;
        let doubt = match reading(self.view, self.places, (self.stage.index, index), names) {
            Reading::None => return false,
            Reading::Some => return true,
            Reading::InDoubt(doubt) => doubt,
        };
        let other = match doubt {
            Doubt::Command(command) => {
                doubts.unknown.push((line, command));
                return false;
            }
            Doubt::File(path, word) => format!(
                "{path} mentions {word}; check that the RUN in line {line} does not read it"
            ),
            Doubt::Unseen => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                format!(
                    "not every file could be read; check that the RUN in line {line} does not read {}",
                    names.join(" or ")
                )
            }
        };
        if doubts.others.len() > 2 {
            return true;
        }
        if !doubts.others.contains(&other) {
            doubts.others.push(other);
        }
        false
    }

    /// Whether the RUN at `index`, of which it is not known what it reads, names nothing that the RUNs `above` touch.
    fn leaves_alone(
        &self,
        index: usize,
        above: &BTreeSet<usize>,
        doubts: &mut Vec<String>,
    ) -> bool {
        let instruction = &self.stage.instructions[index];
        let is_unknown =
            matches!(instruction.kind, Kind::Run(_)) && self.effects[index].groups.is_none();
        let touched = above.iter().filter_map(|&m| match &self.effects[m].files {
            Files::Commands(touched) => Some(&touched.places),
            _ => None,
        });
        let paths: BTreeSet<&str> = touched.flatten().map(String::as_str).collect();
        let at = (self.stage.index, index);
        let names_none = || {
            named(self.view, self.places, at, &paths, &BTreeSet::new())
                .is_some_and(|named| named.is_empty())
        };
        if !is_unknown || !paths.iter().all(|p| is_read_by_name(p)) || !names_none() {
            return false;
        }
        let list: Vec<&str> = paths.into_iter().collect();
        doubts.push(format!(
            "check that the RUN in line {} does not read {}",
            instruction.lines.first,
            list.join(" or ")
        ));
        true
    }
}

/// Values that are moved together.
#[derive(Clone)]
struct Group {
    /// Whether those are among them whose names, or how they are passed, say that they change.
    changing: bool,
    /// Arguments and variables by name.
    names: BTreeSet<String>,
    /// How they come to differ.
    how: &'static str,
}

impl Group {
    fn of(name: &str, how: &'static str) -> Self {
        Self {
            changing: false,
            names: BTreeSet::from([name.to_owned()]),
            how,
        }
    }

    fn with(mut self, other: &Self) -> Self {
        self.changing |= other.changing;
        self.names.extend(other.names.iter().cloned());
        self
    }

    fn has(&self, view: &View<'_>, item: &ArgItem) -> bool {
        self.names.contains(&item.name) || (self.changing && argument_changes(view, item))
    }
}

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for index in reachable(view.dockerfile, view.target) {
        let stage = &view.dockerfile.stages[index];
        let effects = effects(view, stage, &all[index]);
        let ground = Ground {
            view,
            places: &all,
            stage,
            effects: &effects,
        };
        for group in together(&ground, groups(view, stage)) {
            let (safe, far) = of_stage(&ground, &group);
            let how = (!matches!(group.how, BUMPED | BY_PLATFORM)).then_some(group.how);
            found.extend(safe.into_iter().chain(far).map(|sunk| Sinking {
                stage: index,
                how,
                line: ground.first_line(&sunk),
                candidate: candidate(&ground, &sunk, group.how),
                names: sunk.names,
            }));
        }
    }
    at_once(found)
}

/// What of a stage is asked about.
fn groups(view: &View<'_>, stage: &Stage) -> Vec<Group> {
    let mut groups = vec![Group {
        changing: true,
        names: BTreeSet::new(),
        how: DIFFERS,
    }];
    // What the builder itself gives another value for each platform, where the steps are the same for all.
    if runs_here_for_all(stage) {
        groups.push(Group {
            changing: false,
            names: OF_TARGET.iter().map(|n| (*n).to_owned()).collect(),
            how: BY_PLATFORM,
        });
    }
    // What the repository's own files pass, whatever it is called.
    let arguments = stage.instructions.iter().filter_map(|i| match &i.kind {
        Kind::Arg(items) => items.first().filter(|_| items.len() == 1),
        _ => None,
    });
    for item in arguments {
        let is_other = !argument_changes(view, item)
            && !is_passed(view, &item.name)
            && !is_cache_bust(&item.name)
            && !of_platform(&item.name)
            && bumps(view, &item.name) == 0;
        if !is_other {
            continue;
        }
        if passed_by(view, &item.name).is_some() {
            groups.push(Group::of(&item.name, DIFFERS));
        } else if is_asked_for(view, item) {
            groups.push(Group::of(&item.name, ASKED_FOR));
        }
    }
    // What the Dockerfile itself gave another value in the course of time, one by one: their readers differ.
    let mut seen = BTreeSet::new();
    for (name, _) in stage.instructions.iter().flat_map(literals) {
        if seen.insert(name) && bumps(view, name) > 0 && !is_cache_bust(name) {
            groups.push(Group::of(name, BUMPED));
        }
    }
    groups
}

/// Puts those groups together that go to the same place and differ in the same way: moving one alone saves nothing where
/// the others stay above the same steps.
fn together(ground: &Ground<'_>, groups: Vec<Group>) -> Vec<Group> {
    let place = |group: &Group| {
        let (safe, far) = of_stage(ground, group);
        (!matches!(group.how, BUMPED | BY_PLATFORM)).then_some(())?;
        Some((group.how, safe.map(|s| s.to), far.map(|s| s.to)))
    };
    let mut joined: Vec<Group> = Vec::new();
    let mut at: BTreeMap<(&str, Option<usize>, Option<usize>), usize> = BTreeMap::new();
    for group in groups {
        let place = place(&group).filter(|(_, safe, far)| safe.is_some() || far.is_some());
        match place.and_then(|p| at.get(&p).copied()) {
            Some(n) => joined[n] = joined[n].clone().with(&group),
            None => {
                if let Some(place) = place {
                    at.insert(place, joined.len());
                }
                joined.push(group);
            }
        }
    }
    joined
}

/// What BuildKit sets to the platform that the image is made for.
pub const OF_TARGET: &[&str] = &["TARGETARCH", "TARGETOS", "TARGETPLATFORM", "TARGETVARIANT"];

/// How values come to differ, after their names and before "and a RUN below …".
const DIFFERS: &str = "differs from build to build";
/// As the Dockerfile's own commits did it.
const BUMPED: &str = "was given other values";
const ASKED_FOR: &str = "has no value of its own, so that each build passes the one it wants,";
const BY_PLATFORM: &str = "differs from platform to platform of one build";

/// Whether the steps of a stage run on the builder's platform, whichever the image is made for.
fn runs_here_for_all(stage: &Stage) -> bool {
    let platform = stage.from.flag("platform");
    platform.is_some_and(|p| p.trim_matches(['$', '{', '}']) == "BUILDPLATFORM")
}

/// Whether an argument has no default, here or above all stages, and something goes by its value.
fn is_asked_for(view: &View<'_>, item: &ArgItem) -> bool {
    let globals = view
        .dockerfile
        .globals
        .iter()
        .filter_map(|i| match &i.kind {
            Kind::Arg(items) => Some(items),
            _ => None,
        });
    let has_default = globals
        .flatten()
        .any(|g| g.name == item.name && g.default.is_some());
    let reads = |i: &Instruction| {
        !matches!(i.kind, Kind::Arg(_)) && mentioned(&i.original).contains(&item.name)
    };
    item.default.is_none() && !has_default && view.dockerfile.instructions().any(reads)
}

/// The variables that an ARG or ENV gives a value that stands there.
fn literals(instruction: &Instruction) -> Vec<(&str, &str)> {
    match &instruction.kind {
        Kind::Arg(items) => items
            .iter()
            .filter_map(|i| Some((i.name.as_str(), i.default.as_deref()?)))
            .collect(),
        Kind::Env(pairs) => pairs
            .iter()
            .map(|p| (p.name.as_str(), p.value.as_str()))
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether the builder itself gives the argument its value.
fn of_platform(name: &str) -> bool {
    [
        "TARGET",
        "BUILDPLATFORM",
        "BUILDOS",
        "BUILDARCH",
        "BUILDVARIANT",
        "BUILDKIT_",
    ]
    .iter()
    .any(|start| name.starts_with(start))
}

/// In how many builds the Dockerfile itself gave `name` another value.
fn bumps(view: &View<'_>, name: &str) -> usize {
    let name = Name::Variable(name.to_owned());
    view.bumps.get(&name).copied().unwrap_or_default()
}

/// What is moved, and where to.
struct Sunk {
    /// The instructions.
    moved: BTreeSet<usize>,
    /// Below this one.
    to: usize,
    /// The variables that they set.
    names: BTreeSet<String>,
    /// What could not be shown.
    doubts: Doubts,
}

/// What could not be shown of the RUNs that are passed.
#[derive(Clone, Default)]
struct Doubts {
    /// Lines of RUNs that may read a value, each with the command.
    unknown: Vec<(usize, String)>,
    /// Others, after "check that ".
    others: Vec<String>,
}

/// Sinks the values of a stage that are in `group`, together, as far as all of them go: without a doubt, and, where that
/// is farther, with one.
fn of_stage(ground: &Ground<'_>, group: &Group) -> (Option<Sunk>, Option<Sunk>) {
    let (moved, names) = values(ground, group);
    let Some(&first) = moved.first().filter(|_| !names.is_empty()) else {
        return (None, None);
    };
    let stage = ground.stage;
    let mut doubts = Doubts::default();
    // The lowest place: before the first instruction that reads one of the values.
    let mut to = first;
    // RUNs that read one and go down with it.
    let mut readers = BTreeSet::new();
    let mut safe = None;
    for index in first..stage.instructions.len() {
        if moved.contains(&index) {
            continue;
        }
        let reached = (to, readers.clone());
        let n_doubts = doubts.len();
        let meets = |which: &BTreeSet<usize>| {
            let mut above = which.iter().filter(|m| **m < index);
            above.any(|&m| conflict(&ground.effects[m], &ground.effects[index]).is_some())
        };
        let above = |m: &&usize| **m < index;
        let set: BTreeSet<String> = moved
            .iter()
            .filter(above)
            .flat_map(|&m| ground.effects[m].sets.iter().cloned())
            .collect();
        let is_read = match stage.instructions[index].kind {
            Kind::Run(_) => ground.is_read(index, &set, &mut doubts),
            _ => meets(&moved),
        };
        if is_read {
            if !ground.goes_along(index) {
                break;
            }
            readers.insert(index);
            continue;
        }
        if meets(&readers) && !ground.leaves_alone(index, &readers, &mut doubts.others) {
            break;
        }
        if doubts.len() > n_doubts && safe.is_none() {
            safe = Some(reached);
        }
        to = index;
    }
    let ends = |(to, readers): (usize, BTreeSet<usize>), doubts: Doubts| {
        let to = above_stale_clone(stage, ground.effects, &names, (first, to));
        let mut moved: BTreeSet<usize> = moved.iter().copied().filter(|m| *m <= to).collect();
        moved.extend(readers.into_iter().filter(|m| *m < to));
        let is_step = |i: usize| matches!(stage.instructions[i].kind, Kind::Run(_));
        let passes_run = (first..=to).any(|i| !moved.contains(&i) && is_step(i));
        let names: BTreeSet<String> = moved
            .iter()
            .flat_map(|&m| ground.effects[m].sets.iter().cloned())
            .collect();
        passes_run.then_some(Sunk {
            moved,
            to,
            names,
            doubts: doubts.above(stage.instructions[to].lines.last),
        })
    };
    let far = ends((to, readers), doubts);
    let Some(safe) = safe.and_then(|reached| ends(reached, Doubts::default())) else {
        return match far {
            Some(far) if far.doubts.len() == 0 => (Some(far), None),
            far => (None, far),
        };
    };
    let far = far.filter(|far| far.to > safe.to);
    (Some(safe), far)
}

/// The instructions of a stage that set what is in `group`, or what is computed from that; and the variables.
fn values(ground: &Ground<'_>, group: &Group) -> (BTreeSet<usize>, BTreeSet<String>) {
    let (view, effects) = (ground.view, ground.effects);
    let mut moved: BTreeSet<usize> = BTreeSet::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (index, instruction) in ground.stage.instructions.iter().enumerate() {
        let changing = match &instruction.kind {
            // An argument with a literal default that is not passed does not change.
            Kind::Arg(items) => items.len() == 1 && items.iter().any(|item| group.has(view, item)),
            Kind::Env(pairs) => pairs.iter().any(|p| {
                let as_argument = ArgItem {
                    name: p.name.clone(),
                    default: Some(p.value.clone()),
                };
                let is_called = group.changing && p.value.contains('$') && changes(view, &p.name);
                effects[index].mentions.iter().any(|m| names.contains(m))
                    || is_called
                    || (bumps(view, &p.name) > 0 && group.has(view, &as_argument))
            }),
            Kind::Label(_) => effects[index].mentions.iter().any(|m| names.contains(m)),
            _ => false,
        };
        if changing {
            moved.insert(index);
            names.extend(effects[index].sets.iter().cloned());
        }
    }
    (moved, names)
}

impl Doubts {
    fn len(&self) -> usize {
        self.unknown.len() + self.others.len()
    }

    /// Those that are left where no RUN below `line` is passed.
    fn above(mut self, line: usize) -> Self {
        self.unknown.retain(|(n, _)| *n <= line);
        self
    }

    /// As one sentence each.
    fn sentences(&self, names: &str) -> Vec<String> {
        let shown: Vec<String> = self
            .unknown
            .iter()
            .take(MOST_SHOWN)
            .map(|(line, command)| format!("{line} (`{command}`)"))
            .collect();
        let more = self.unknown.len() - shown.len();
        let lines = match (shown.as_slice(), more) {
            ([], _) => return self.others.clone(),
            ([one], 0) => format!("line {one} does"),
            ([all @ .., last], 0) => format!("lines {} and {last} do", all.join(", ")),
            (all, more) => format!("lines {} and {more} more do", all.join(", ")),
        };
        let mut sentences = vec![format!(
            "check that {lines} not read {names} from the environment"
        )];
        sentences.extend(self.others.iter().cloned());
        sentences
    }
}

/// So many RUNs are named in a doubt.
const MOST_SHOWN: usize = 3;

/// The place above the first RUN that clones a repository as it is now, where git later goes to what one of `names` says:
/// the clone has to be as new as that.
fn above_stale_clone(
    stage: &Stage,
    effects: &[Effect],
    names: &BTreeSet<String>,
    (first, to): (usize, usize),
) -> usize {
    let git = |index: usize, verbs: &[&str]| {
        let seen = seen(&stage.instructions[index]).unwrap_or_default();
        let mut all = seen.iter();
        all.any(|s| s.name() == "git" && verbs.contains(&s.subcommand()))
    };
    let goes_there = |index: &usize| {
        let mut said = effects[*index].mentions.iter();
        said.any(|m| names.contains(m)) && git(*index, &["checkout", "reset", "switch"])
    };
    if !(first..stage.instructions.len()).any(|i| goes_there(&i)) {
        return to;
    }
    let clone = (first..=to).find(|&i| git(i, &["clone", "fetch", "pull"]));
    clone.map_or(to, |clone| clone.saturating_sub(1))
}

fn candidate(ground: &Ground<'_>, sunk: &Sunk, how: &str) -> Candidate {
    let (view, stage) = (ground.view, ground.stage);
    let Sunk {
        moved,
        to,
        names,
        doubts,
    } = sunk;
    let (to, line) = (*to, |i: usize| stage.instructions[i].lines.first);
    let first = moved.first().copied().unwrap_or_default();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let list = match all.as_slice() {
        [one, two, three, rest @ ..] if rest.len() > 1 => {
            format!("{one}, {two}, {three} and {} more", rest.len())
        }
        all => all.join(", "),
    };
    let them = if names.len() > 1 { "them" } else { "it" };
    let of_kind = |is: fn(&Kind) -> bool, what: &str| {
        let lines = moved.iter().filter(|i| is(&stage.instructions[**i].kind));
        let lines: Vec<String> = lines.map(|&i| line(i).to_string()).collect();
        match lines.as_slice() {
            [] => String::new(),
            [one] => format!(" and the {what} in line {one} that reads {them}"),
            all => format!(
                " and the {what}s in lines {} that read {them}",
                all.join(", ")
            ),
        }
    };
    let with = of_kind(|k| matches!(k, Kind::Label(_)), "LABEL")
        + &of_kind(|k| matches!(k, Kind::Run(_)), "RUN");
    let other = if with.is_empty() { "" } else { "other " };
    let mut candidate = Candidate::new(
        "sink-values",
        format!(
            "set {list} (line {}){with} after line {}",
            line(first),
            stage.instructions[to].lines.last
        ),
    );
    let text = view.text();
    let at = block_of(text, stage, to).end;
    let mut carried = String::new();
    if !text[..at].ends_with('\n') {
        carried.push('\n');
    }
    for &index in moved {
        let span = block_of(text, stage, index);
        carried.push_str(&text[span.range()]);
        candidate
            .edits
            .push(super::super::candidate::TextEdit::delete(
                super::super::moving::without_blank_twin(text, span),
            ));
    }
    candidate
        .edits
        .push(super::super::candidate::TextEdit::insert(at, carried));
    candidate.unread = names.iter().cloned().collect();
    let mut reasons = vec![format!(
        "no {other}instruction between line {} and line {} mentions {list}",
        line(first),
        line(to)
    )];
    if doubts.len() == 0 {
        reasons.push("the programs that run there are known to go by other variables".to_owned());
    }
    candidate.safety = Safety::of(reasons, doubts.sentences(&all.join(" or ")));
    let bumped: usize = names
        .iter()
        .map(|n| bumps(view, n))
        .max()
        .unwrap_or_default();
    let how = if bumped > 0 {
        format!("changed in {bumped} of {} builds", view.n_builds())
    } else {
        how.to_owned()
    };
    candidate.rationale = format!(
        "{list} {how}, and a RUN below its declaration runs again with each new value whether it reads it or not."
    );
    candidate.lines = moved.iter().map(|&i| stage.instructions[i].lines).collect();
    candidate
}
