//! Proposals with what they are worth: each replayed over the history, priced, and put in the best order.
//!
//! The baseline is the newest Dockerfile and ignore file at every commit, so that what is compared is two texts and not
//! two histories of texts; only the versions that it names (tags of images, values of ARG and ENV) are each commit's own.
//!
//! Never: prints, reads the disk, decides what is legal (that is `restructure::legality`'s).

use crate::cache::{Lookup, MissReason};
use crate::caveat::Caveat;
use crate::cost::{Band, BuildCost, CostModel};
use crate::dockerfile;
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::Kind;
use crate::history::BuildInput;
use crate::replay::{Built, Filters, Replay, Runner, Settings, Steps};
use crate::restructure::Accepted;
use crate::restructure::Candidate;
use crate::restructure::View;
use crate::restructure::absent::{Missing, Sources};
use crate::restructure::filter::Filtered;
use crate::restructure::finding::{Finding, findings};
use crate::restructure::passed::passed_by;
use crate::restructure::past::{Name, Slots, Versions, changed};
use crate::restructure::rules::reads_git;
use crate::restructure::search::{
    Draft, Dropped, Found, Gain, Proposal, Unwanted, search, worth_its_risk,
};
use crate::score::{Ask, Certainty, Reads, needed, reads};
use crate::tree::{FileStamp, ObjectId, RepoPath};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is asked.
pub struct Question<'a> {
    /// Settings of the replay; `pin` and `pin_ignore` are set here.
    pub settings: &'a Settings,
    /// The Dockerfile to improve.
    pub dockerfile: String,
    /// The ignore file in effect, by its path in the repository.
    pub ignore: Option<(RepoPath, String)>,
    /// The builds, oldest first.
    pub inputs: &'a [BuildInput],
    /// Bytes of a file of the newest tree, by its path below the context.
    pub read: &'a dyn Fn(&RepoPath) -> Option<Vec<u8>>,
    /// Bytes of a blob of the history; `None` where it is not at hand (a partial clone).
    pub blob: &'a dyn Fn(&ObjectId) -> Option<Vec<u8>>,
    /// Rules and findings that are accepted as they are.
    pub accepted: &'a [Accepted],
    /// Prices.
    pub cost: &'a CostModel,
    /// Replays at once, at least 1.
    pub threads: usize,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Suggestions {
    /// The Dockerfile's path in the repository.
    pub dockerfile: RepoPath,
    /// The ignore file's path in the repository: the one in effect, or the one to make.
    pub ignore: RepoPath,
    /// The texts as they are.
    pub now: Draft,
    /// The texts with the recommended set applied.
    pub then: Draft,
    /// Builds replayed, those that could be built, and the times of the first and last.
    pub builds: (usize, usize, i64, i64),
    /// Milliseconds a build takes on average: as it is, with the recommended set, and at best, each step running only for
    /// what it reads, in doubt for what it may read.
    pub mean: (Band, Band, Band),
    /// The best again, in doubt only for what steps of its kind do read: never more than the other.
    pub best_bold: Band,
    /// What the recommended set saves per build.
    pub saving: Saving,
    /// The recommended set, in the best order.
    pub order: Vec<Suggestion>,
    /// Proposals that pay alone and no longer do on top of the recommended set.
    pub instead: Vec<Suggestion>,
    /// Proposals that save a little on top of the recommended set, or would if build arguments were passed that the
    /// repository's own files pass.
    pub small: Vec<Suggestion>,
    /// Proposals that do not pay on this history.
    pub idle: Vec<Suggestion>,
    /// What was proposed and dropped by the check.
    pub dropped: Vec<Dropped>,
    /// What was proposed and somebody does not want.
    pub unwanted: Vec<Unwanted>,
    /// What is wrong, in words.
    pub findings: Vec<Finding>,
    /// What was assumed.
    pub caveats: Vec<Caveat>,
}

/// One proposal with what it is worth.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// The proposal, on the text as it is; for one that only became possible later, on the text before it.
    pub proposal: Proposal,
    /// What it saves alone; `None` when it was only possible on top of others.
    pub alone: Option<Saving>,
    /// What it saves on top of those before it in the best order.
    pub on_top: Option<Saving>,
    /// Why it is not in the recommended set; empty when it is.
    pub why_not: String,
    /// What it would save if a build argument that it is about differed at every build, where no build says so.
    pub if_passed: Option<IfPassed>,
}

/// A saving under the condition that arguments differ at every build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfPassed {
    /// The arguments' names.
    pub names: Vec<String>,
    /// A file of the tree that passes one of them with a value of its own each time.
    pub by: Option<RepoPath>,
    /// What such a build takes before the change, in milliseconds, in the world of medians.
    pub rebuild: i64,
    /// What the change saves of it.
    pub per_build: i64,
}

/// What a text saves against another over the same builds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saving {
    /// Milliseconds per build, with the band of the draws: low, median, high.
    pub per_build: (i64, i64, i64),
    /// The same per month at this history's pace; `None` for a history of less than a day.
    pub per_month: Option<(i64, i64, i64)>,
    /// Builds that get faster, get slower, and were compared.
    pub builds: (usize, usize, usize),
    /// Builds that only the old text can build, for instance for want of a file that it does not name.
    pub lost: usize,
    /// Compressed bytes per build moved less (pulled, pushed, cached); negative for more.
    pub bytes_per_build: i64,
    /// Milliseconds that the first build takes less, from an empty cache, in the world of medians; negative for more.
    pub cold: i64,
}

/// Answers. Errors: the Dockerfile's refusal.
pub fn suggest(question: &Question<'_>) -> Result<Suggestions, dockerfile::Error> {
    let parsed = dockerfile::parse(&question.dockerfile)?;
    let cost = question.cost.clone().under(question.settings);
    let question = &Question {
        cost: &cost,
        dockerfile: question.dockerfile.clone(),
        ignore: question.ignore.clone(),
        ..*question
    };
    let trees = Trees::of(question);
    let context = RepoPath::new(&question.settings.context);
    let path = RepoPath::new(&question.settings.dockerfile);
    let ignore_path = question
        .ignore
        .as_ref()
        .map_or_else(|| context.join(b".dockerignore"), |(path, _)| path.clone());
    let build_args = build_args(question);
    let past = Past::of(question);
    let bumps = past.bumps();
    let filtered =
        Filtered::new(question.inputs, question.blob).beginning_with(&question.dockerfile);
    let view = View {
        dockerfile: &parsed.dockerfile,
        path: &path,
        context: &context,
        ignore: question
            .ignore
            .as_ref()
            .map(|(path, text)| (path, text.as_str())),
        files: &trees.files,
        ignored: &trees.ignored,
        read: question.read,
        filtered: &|path, filter| filtered.builds(path, filter),
        changes: &trees.changes,
        builder: question.settings.builder,
        git_dir: question.settings.git_dir,
        persistent: question.settings.runner == Runner::Persistent,
        target: target(&parsed.dockerfile, question.settings.target.as_deref()),
        build_args: &build_args,
        bumps: &bumps,
        accepted: question.accepted,
    };
    let now = Draft {
        dockerfile: question.dockerfile.clone(),
        ignore: question.ignore.as_ref().map(|(_, text)| text.clone()),
    };
    let past = Past {
        git: reads_git(&view),
        ..past
    };
    let mut bench = Bench::new(question, &past, &filtered, &now);
    let least = (bench.mean(&now) / 100).max(50);
    let found = search(&view, least, &mut |drafts| bench.worth(drafts));
    let mut answer = assemble(question, &view, &mut bench, now, found, least);
    answer.findings = findings(&view);
    (answer.dockerfile, answer.ignore) = (path, ignore_path);
    answer.caveats.extend(parsed.caveats);
    Ok(answer)
}

/// The target stage's index: by name, else by number, else the last.
fn target(dockerfile: &Dockerfile, wanted: Option<&str>) -> usize {
    let last = dockerfile.stages.len() - 1;
    let Some(wanted) = wanted else { return last };
    let lower = wanted.to_ascii_lowercase();
    let by_name = dockerfile
        .stages
        .iter()
        .rposition(|s| s.name.as_deref() == Some(lower.as_str()));
    by_name
        .or_else(|| wanted.parse().ok().filter(|n| *n <= last))
        .unwrap_or(last)
}

/// The newest tree, and what changed from build to build.
struct Trees {
    files: Vec<(RepoPath, FileStamp)>,
    ignored: Vec<(RepoPath, FileStamp)>,
    changes: Vec<Vec<RepoPath>>,
}

impl Trees {
    fn of(question: &Question<'_>) -> Self {
        let mut tree: BTreeMap<RepoPath, FileStamp> = BTreeMap::new();
        let mut changes = Vec::new();
        for (n, input) in question.inputs.iter().enumerate() {
            for change in &input.changes {
                match change.new {
                    Some(stamp) => tree.insert(change.path.clone(), stamp),
                    None => tree.remove(&change.path),
                };
            }
            if n > 0 {
                changes.push(input.changes.iter().map(|c| c.path.clone()).collect());
            }
        }
        let text = question
            .ignore
            .as_ref()
            .map_or("", |(_, text)| text.as_str());
        let rules = crate::context::IgnoreRules::parse(text.as_bytes()).unwrap_or_default();
        let (ignored, files) = tree
            .into_iter()
            .partition(|(path, _)| rules.is_ignored(path));
        Self {
            files,
            ignored,
            changes,
        }
    }
}

/// The versions that each build's own Dockerfile names, where they are not today's.
struct Past {
    now: Versions,
    /// Each set of versions that was in use at some time; the first is today's.
    eras: Vec<Versions>,
    /// For each build its era.
    of_build: Vec<usize>,
    /// Whether something in the build reads `.git`, where that is known.
    git: Option<bool>,
}

impl Past {
    fn of(question: &Question<'_>) -> Self {
        let now = Slots::of(&question.dockerfile).versions();
        let mut past = Self {
            now,
            eras: vec![Versions::new()],
            of_build: Vec::new(),
            git: None,
        };
        let mut known: BTreeMap<&[u8], usize> = BTreeMap::new();
        for input in question.inputs {
            let text = match input.watched.first() {
                Some(Ok(Some(text))) => text.as_ref(),
                _ => b"",
            };
            let era = *known.entry(text).or_insert_with(|| {
                let text = std::str::from_utf8(text).unwrap_or_default();
                let own = changed(&past.now, &Slots::of(text).versions());
                let old = past.eras.iter().position(|e| *e == own);
                old.unwrap_or_else(|| {
                    past.eras.push(own);
                    past.eras.len() - 1
                })
            });
            past.of_build.push(era);
        }
        past
    }

    /// For each version that changed, in how many builds it did.
    fn bumps(&self) -> BTreeMap<Name, usize> {
        let mut bumps = BTreeMap::new();
        for pair in self.of_build.windows(2).filter(|pair| pair[0] != pair[1]) {
            let (old, new) = (&self.eras[pair[0]], &self.eras[pair[1]]);
            let names: BTreeSet<&Name> = old.keys().chain(new.keys()).collect();
            for name in names {
                if old.get(name) != new.get(name) {
                    *bumps.entry(name.clone()).or_default() += 1;
                }
            }
        }
        bumps
    }
}

/// The arguments that are passed, and whether they differ from build to build.
fn build_args(question: &Question<'_>) -> Vec<(String, bool)> {
    let mut values: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
    for (name, value) in &question.settings.build_args {
        values
            .entry(name.clone())
            .or_default()
            .insert(value.clone());
    }
    for input in question.inputs {
        for (name, value) in &input.request.build_args {
            values
                .entry(name.clone())
                .or_default()
                .insert(value.clone());
        }
    }
    values
        .into_iter()
        .map(|(name, seen)| (name, seen.len() > 1))
        .collect()
}

/// Replays of drafts, each done once.
struct Bench<'q> {
    question: &'q Question<'q>,
    past: &'q Past,
    filtered: &'q Filtered<'q>,
    now: Draft,
    runs: BTreeMap<Draft, Run>,
    /// Prices of runs, worked out where bands are asked for.
    walls: BTreeMap<Draft, Vec<Vec<u64>>>,
    caveats: Vec<Caveat>,
}

/// One draft over the history: builds gathered by what ran in them.
#[derive(Clone, Debug, Default)]
struct Run {
    /// For each build its pattern; `None` when it cannot be built.
    patterns: Vec<Option<usize>>,
    /// One build of each pattern, and its cost in the world of medians.
    kinds: Vec<(Built, BuildCost)>,
    /// The same builds if each step ran only when something that it really reads changed.
    best: Vec<Option<usize>>,
    /// The same for what steps of its kind do read.
    best_bold: Vec<Option<usize>>,
    /// What the first build takes, from an empty cache, in the world of medians.
    cold: Option<u64>,
    /// Builds at which the text named files that the commit does not have.
    n_shorter: usize,
    /// What replaying assumed.
    caveats: Vec<Caveat>,
}

impl Run {
    fn of(question: &Question<'_>, past: &Past, filters: Filters, draft: &Draft) -> Self {
        // The text is given as each commit's own, so that it can leave out what a commit does not have.
        let settings = Settings {
            pin: None,
            pin_ignore: Some(draft.ignore.clone().unwrap_or_default()),
            ..question.settings.clone()
        };
        let slots = Slots::of(&draft.dockerfile);
        let mut sources: BTreeMap<usize, Sources> = BTreeMap::new();
        let mut texts: BTreeMap<(usize, Missing), Arc<[u8]>> = BTreeMap::new();
        let mut tree: BTreeSet<RepoPath> = BTreeSet::new();
        let mut told: Option<(Arc<Steps>, Vec<Reads>)> = None;
        let mut replay = Replay::new(settings).with_filters(filters);
        let mut run = Self::default();
        let mut known: BTreeMap<(usize, Vec<u8>), usize> = BTreeMap::new();
        for (n, input) in question.inputs.iter().enumerate() {
            for change in &input.changes {
                match change.new {
                    Some(_) => tree.insert(change.path.clone()),
                    None => tree.remove(&change.path),
                };
            }
            let era = past.of_build[n];
            let sources = sources
                .entry(era)
                .or_insert_with(|| Sources::of(&slots.with(&past.now, &past.eras[era])));
            let missing = sources.missing(&tree);
            run.n_shorter += usize::from(!missing.is_empty());
            let text = texts
                .entry((era, missing))
                .or_insert_with_key(|(_, missing)| sources.without(missing).into_bytes().into());
            let mut input = input.clone();
            match input.watched.first_mut() {
                Some(dockerfile) => *dockerfile = Ok(Some(text.clone())),
                None => input.watched.push(Ok(Some(text.clone()))),
            }
            // The first build fills the empty cache, whatever the text: it does not count.
            let built = replay.build(&input).result.ok();
            if n == 0 {
                let cost = question.cost.before_first_build();
                run.cold = built.as_ref().map(|b| cost.build(b).wall_ms);
            }
            let Some(built) = built.filter(|_| n > 0) else {
                run.patterns.push(None);
                run.best.push(None);
                run.best_bold.push(None);
                continue;
            };
            // Steps are shared by nearly all builds; what they read is told once.
            if !told
                .as_ref()
                .is_some_and(|(of, _)| Arc::ptr_eq(of, &built.steps))
            {
                let reads = built.steps.steps.iter().map(reads).collect();
                told = Some((built.steps.clone(), reads));
            }
            let reads = told.as_ref().map_or(&[][..], |(_, reads)| reads.as_slice());
            let at_best = |certainty| {
                let mut ideal = built.clone();
                let needed = needed(
                    &built,
                    reads,
                    Ask {
                        certainty,
                        git: past.git,
                    },
                );
                for (lookup, needed) in ideal.lookups.iter_mut().zip(needed) {
                    if !needed {
                        *lookup = Lookup::Hit { build: None };
                    }
                }
                ideal
            };
            let ideals = [at_best(Certainty::Cautious), at_best(Certainty::Bold)];
            let [best, best_bold] = ideals.map(|ideal| run.kind(question, &mut known, ideal));
            let pattern = run.kind(question, &mut known, built);
            run.patterns.push(Some(pattern));
            run.best.push(Some(best));
            run.best_bold.push(Some(best_bold));
        }
        run.caveats = replay.caveats().to_vec();
        run
    }

    fn kind(
        &mut self,
        question: &Question<'_>,
        known: &mut BTreeMap<(usize, Vec<u8>), usize>,
        built: Built,
    ) -> usize {
        // Equal steps are shared; what differs by address only costs a second entry.
        let steps = Arc::as_ptr(&built.steps) as usize;
        let ran = built.lookups.iter().map(weight).collect();
        *known.entry((steps, ran)).or_insert_with(|| {
            let cost = question.cost.build(&built);
            self.kinds.push((built, cost));
            self.kinds.len() - 1
        })
    }

    fn wall(&self, build: usize) -> Option<u64> {
        self.patterns
            .get(build)
            .copied()
            .flatten()
            .map(|p| self.kinds[p].1.wall_ms)
    }

    /// What each kind takes: in the world of medians, then draw by draw.
    fn walls(&self, question: &Question<'_>) -> Vec<Vec<u64>> {
        // Steps are shared by nearly all builds; each set of them is priced once.
        let mut of_steps: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (n, (built, _)) in self.kinds.iter().enumerate() {
            of_steps
                .entry(Arc::as_ptr(&built.steps) as usize)
                .or_default()
                .push(n);
        }
        let mut walls: Vec<Vec<u64>> = Vec::new();
        for kinds in of_steps.values() {
            let lookups: Vec<&[Lookup]> = kinds
                .iter()
                .map(|&n| self.kinds[n].0.lookups.as_slice())
                .collect();
            for (world, row) in question
                .cost
                .walls(&self.kinds[kinds[0]].0.steps, &lookups)
                .into_iter()
                .enumerate()
            {
                if walls.len() <= world {
                    walls.push(vec![0; self.kinds.len()]);
                }
                for (&n, wall) in kinds.iter().zip(row) {
                    walls[world][n] = wall;
                }
            }
        }
        walls
    }
}

/// The mean over the builds that `patterns` gives, with its band.
fn mean(walls: &[Vec<u64>], patterns: &[Option<usize>]) -> Band {
    let of = |walls: &Vec<u64>| {
        let all: Vec<u64> = patterns.iter().flatten().map(|&p| walls[p]).collect();
        all.iter().sum::<u64>() / (all.len() as u64).max(1)
    };
    let mut all = walls.iter().map(of);
    let median = all.next().unwrap_or(0);
    Band::of(median, all.collect())
}

/// What of a lookup matters to a build's cost.
fn weight(lookup: &Lookup) -> u8 {
    match lookup {
        Lookup::Hit { .. } => 0,
        Lookup::Unknown { .. } => 1,
        Lookup::Miss(MissReason::Cold) => 2,
        Lookup::Miss(MissReason::Base { .. }) => 3,
        Lookup::Miss(_) => 4,
    }
}

impl<'q> Bench<'q> {
    fn new(
        question: &'q Question<'q>,
        past: &'q Past,
        filtered: &'q Filtered<'q>,
        now: &Draft,
    ) -> Self {
        let base = Run::of(question, past, filtered.filters(&now.dockerfile), now);
        let caveats = base.caveats.clone();
        Self {
            question,
            past,
            filtered,
            now: now.clone(),
            runs: BTreeMap::from([(now.clone(), base)]),
            walls: BTreeMap::new(),
            caveats,
        }
    }

    /// The mean wall time in the world of medians, milliseconds.
    fn mean(&self, draft: &Draft) -> i64 {
        let Some(run) = self.runs.get(draft) else {
            return 0;
        };
        let walls: Vec<u64> = (0..run.patterns.len())
            .filter_map(|b| run.wall(b))
            .collect();
        signed(walls.iter().sum::<u64>() / (walls.len() as u64).max(1))
    }

    /// Replays what was not replayed yet, side by side; results in the order asked for.
    fn replay(&mut self, drafts: &[Draft]) {
        let new: Vec<&Draft> = drafts
            .iter()
            .filter(|d| !self.runs.contains_key(d))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let question = Shared {
            settings: self.question.settings,
            inputs: self.question.inputs,
            cost: self.question.cost,
            past: self.past,
        };
        // Blobs are read here: a repository is not for several threads.
        let new: Vec<(&Draft, Filters)> = new
            .into_iter()
            .map(|draft| (draft, self.filtered.filters(&draft.dockerfile)))
            .collect();
        let share = new.len().div_ceil(self.question.threads.max(1)).max(1);
        let done: Vec<Vec<Run>> = std::thread::scope(|scope| {
            let handles: Vec<_> = new
                .chunks(share)
                .map(|part| {
                    scope.spawn(move || {
                        part.iter()
                            .map(|(d, f)| question.run(d, f.clone()))
                            .collect()
                    })
                })
                .collect();
            handles
                .into_iter()
                .map(|h| {
                    h.join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        });
        let runs = done.into_iter().flatten();
        self.runs
            .extend(new.into_iter().map(|(d, _)| d.clone()).zip(runs));
    }

    fn worth(&mut self, drafts: &[Draft]) -> Vec<Option<Gain>> {
        self.replay(drafts);
        drafts.iter().map(|draft| self.gain(draft)).collect()
    }

    fn gain(&self, draft: &Draft) -> Option<Gain> {
        let (old, new) = (self.runs.get(&self.now)?, self.runs.get(draft)?);
        let pairs: Vec<(u64, u64)> = (0..old.patterns.len())
            .filter_map(|b| old.wall(b).zip(new.wall(b)))
            .collect();
        // A text that cannot be built at half of the commits is not comparable over this history.
        let buildable = old.patterns.iter().flatten().count();
        if pairs.is_empty() || pairs.len() * 2 < buildable {
            return None;
        }
        let total: i64 = pairs.iter().map(|(a, b)| signed(*a) - signed(*b)).sum();
        Some(Gain {
            median: total / signed(pairs.len() as u64),
        })
    }

    /// Prices the draft's kinds of builds, once.
    fn price(&mut self, draft: &Draft) -> Vec<Vec<u64>> {
        if let Some(walls) = self.walls.get(draft) {
            return walls.clone();
        }
        let walls = self
            .runs
            .get(draft)
            .map(|run| run.walls(self.question))
            .unwrap_or_default();
        self.walls.insert(draft.clone(), walls.clone());
        walls
    }

    /// The lowest bounds, cautious and bold, of all texts that can be built where today's can: smaller contexts and split
    /// steps can do better than the steps as they are.
    fn bounds(&mut self) -> (Band, Band) {
        let buildable = |run: &Run| run.patterns.iter().map(Option::is_some).collect::<Vec<_>>();
        let wanted = self.runs.get(&self.now).map(buildable);
        let lowest = |of: fn(&Run) -> &[Option<usize>]| {
            let median = |run: &Run| -> u64 {
                of(run)
                    .iter()
                    .flatten()
                    .map(|&p| run.kinds[p].1.wall_ms)
                    .sum()
            };
            let all = self
                .runs
                .iter()
                .filter(|(_, run)| Some(buildable(run)) == wanted);
            all.min_by_key(|(_, run)| median(run))
                .map(|(draft, run)| (draft.clone(), of(run).to_vec()))
                .unwrap_or_default()
        };
        let both = [lowest(|run| &run.best), lowest(|run| &run.best_bold)];
        let [best, bold] = both.map(|(draft, patterns)| mean(&self.price(&draft), &patterns));
        (best, bold)
    }

    /// What `new` saves against `old`, with the band of the draws.
    fn saving(&mut self, old: &Draft, new: &Draft) -> Option<Saving> {
        let (old_walls, new_walls) = (self.price(old), self.price(new));
        self.saving_in(old, new, &old_walls, &new_walls)
    }

    /// What `new` saves in the world of medians alone.
    fn rough_saving(&self, old: &Draft, new: &Draft) -> Option<Saving> {
        let medians = |draft: &Draft| {
            Some(vec![
                self.runs
                    .get(draft)?
                    .kinds
                    .iter()
                    .map(|(_, c)| c.wall_ms)
                    .collect(),
            ])
        };
        self.saving_in(old, new, &medians(old)?, &medians(new)?)
    }

    fn saving_in(
        &self,
        old: &Draft,
        new: &Draft,
        old_draws: &[Vec<u64>],
        new_draws: &[Vec<u64>],
    ) -> Option<Saving> {
        let (old, new) = (self.runs.get(old)?, self.runs.get(new)?);
        let paired: Vec<(usize, usize)> = old
            .patterns
            .iter()
            .zip(&new.patterns)
            .filter_map(|(a, b)| (*a).zip(*b))
            .collect();
        let n = signed(paired.len() as u64).max(1);
        let of = |(a, b): (&Vec<u64>, &Vec<u64>)| {
            paired
                .iter()
                .map(|&(x, y)| signed(a[x]) - signed(b[y]))
                .sum::<i64>()
                / n
        };
        let (old_walls, new_walls) = (old_draws.first()?, new_draws.first()?);
        let median = of((old_walls, new_walls));
        let mut draws: Vec<i64> = old_draws.iter().zip(new_draws).skip(1).map(of).collect();
        draws.sort_unstable();
        let at = |percent: usize| {
            draws
                .get(draws.len().saturating_sub(1) * percent / 100)
                .copied()
                .unwrap_or(median)
        };
        let per_build = (at(10).min(median), median, at(90).max(median));
        let compare = |faster: bool| {
            paired
                .iter()
                .filter(|&&(x, y)| {
                    if faster {
                        new_walls[y] < old_walls[x]
                    } else {
                        new_walls[y] > old_walls[x]
                    }
                })
                .count()
        };
        let bytes = |run: &Run, p: usize| {
            let cost = &run.kinds[p].1;
            signed(cost.pulled_bytes) + signed(cost.pushed_bytes) + signed(cost.cached_bytes)
        };
        let moved: i64 = paired
            .iter()
            .map(|&(x, y)| bytes(old, x) - bytes(new, y))
            .sum();
        Some(Saving {
            per_build,
            per_month: self.per_month(per_build),
            builds: (compare(true), compare(false), paired.len()),
            lost: old.patterns.iter().flatten().count() - paired.len(),
            bytes_per_build: moved / n,
            cold: old
                .cold
                .zip(new.cold)
                .map_or(0, |(old, new)| signed(old) - signed(new)),
        })
    }

    /// Per build to per month (30.44 days), at the pace of the replayed builds.
    fn per_month(&self, per_build: (i64, i64, i64)) -> Option<(i64, i64, i64)> {
        let (first, last) = span(self.question.inputs);
        let seconds = last - first;
        let builds = signed(self.question.inputs.len() as u64);
        if seconds < 86_400 || builds < 2 {
            return None;
        }
        let month = |ms: i64| {
            i64::try_from(i128::from(ms) * i128::from(builds) * 2_629_744 / i128::from(seconds))
                .unwrap_or(i64::MAX)
        };
        Some((month(per_build.0), month(per_build.1), month(per_build.2)))
    }
}

/// The parts of a question that threads share.
#[derive(Clone, Copy)]
struct Shared<'q> {
    settings: &'q Settings,
    inputs: &'q [BuildInput],
    cost: &'q CostModel,
    past: &'q Past,
}

impl Shared<'_> {
    fn run(self, draft: &Draft, filters: Filters) -> Run {
        let question = Question {
            accepted: &[],
            settings: self.settings,
            dockerfile: String::new(),
            ignore: None,
            inputs: self.inputs,
            read: &|_| None,
            blob: &|_| None,
            cost: self.cost,
            threads: 1,
        };
        Run::of(&question, self.past, filters, draft)
    }
}

/// Times of the earliest and the latest build.
fn span(inputs: &[BuildInput]) -> (i64, i64) {
    let times = || inputs.iter().map(BuildInput::time);
    (times().min().unwrap_or(0), times().max().unwrap_or(0))
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn assemble(
    question: &Question<'_>,
    view: &View<'_>,
    bench: &mut Bench<'_>,
    now: Draft,
    found: Found,
    least: i64,
) -> Suggestions {
    let mut before = now.clone();
    let mut order = Vec::new();
    for placed in &found.order {
        let first = found
            .alone
            .iter()
            .find(|(p, _)| p.id == placed.id)
            .map(|(p, _)| p.clone());
        let alone = first.as_ref().and_then(|p| bench.saving(&now, &p.draft));
        let proposal = first.unwrap_or_else(|| Proposal {
            id: placed.id.clone(),
            candidate: placed.candidate.clone(),
            draft: placed.draft.clone(),
        });
        order.push(Suggestion {
            proposal,
            alone,
            on_top: bench.saving(&before, &placed.draft),
            why_not: String::new(),
            if_passed: None,
        });
        before = placed.draft.clone();
    }
    let then = before;
    let small = small(question, view, bench, (&now, &then), &found, least);
    let (mut instead, mut idle) = (Vec::new(), Vec::new());
    for (proposal, gain) in &found.alone {
        let is_told = |id: &String| *id == proposal.id;
        if found.order.iter().any(|p| is_told(&p.id))
            || small.iter().any(|s| is_told(&s.proposal.id))
        {
            continue;
        }
        let needed = worth_its_risk(&proposal.candidate, least);
        let pays = gain.is_some_and(|g| g.median >= needed);
        let alone = if pays {
            bench.saving(&now, &proposal.draft)
        } else {
            bench.rough_saving(&now, &proposal.draft)
        };
        let why_not = if pays {
            "others of the recommended set save the same".to_owned()
        } else {
            why_idle(*gain, alone.as_ref(), &proposal.candidate)
        };
        let suggestion = Suggestion {
            proposal: proposal.clone(),
            alone,
            on_top: None,
            why_not,
            if_passed: if pays {
                None
            } else {
                if_passed(question, view, bench, &now, proposal)
            },
        };
        if pays {
            instead.push(suggestion)
        } else {
            idle.push(suggestion)
        }
    }
    instead.sort_by_key(|s| std::cmp::Reverse(s.alone.as_ref().map_or(0, |a| a.per_build.1)));
    let (first, last) = span(question.inputs);
    let (old, new) = (bench.price(&now), bench.price(&then));
    let saving = bench.saving(&now, &then).unwrap_or_default();
    let mut caveats = bench.caveats.clone();
    let n_bumps = bench
        .past
        .of_build
        .windows(2)
        .filter(|pair| pair[0] != pair[1])
        .count();
    if n_bumps > 0 {
        caveats.push(Caveat::general(format!("Each build has the image tags and the versions in ARG and ENV of its own commit's Dockerfile; they changed in {n_bumps} of these builds.")));
    }
    let n_shorter = bench.runs.get(&then).map_or(0, |run| run.n_shorter);
    if n_shorter > 0 {
        caveats.push(Caveat::general(format!("{n_shorter} of these commits lack files that COPY names today; there they are left out of the COPY.")));
    }
    let base = bench.runs.get(&now).cloned().unwrap_or_default();
    let done = bench.runs.get(&then).cloned().unwrap_or_default();
    let (best, best_bold) = bench.bounds();
    Suggestions {
        dockerfile: RepoPath::root(),
        ignore: RepoPath::root(),
        builds: (
            base.patterns.len(),
            base.patterns.iter().flatten().count(),
            first,
            last,
        ),
        mean: (mean(&old, &base.patterns), mean(&new, &done.patterns), best),
        best_bold,
        saving,
        now,
        then,
        order,
        instead,
        small,
        idle,
        dropped: found.dropped,
        unwanted: found.unwanted,
        findings: Vec::new(),
        caveats,
    }
}

/// How many small proposals are told of.
const MAX_SMALL: usize = 5;

/// What adds a little to the recommended set: a tenth of what pays; and what would pay if an argument that the
/// repository's files pass differed at every build.
fn small(
    question: &Question<'_>,
    view: &View<'_>,
    bench: &mut Bench<'_>,
    (now, then): (&Draft, &Draft),
    found: &Found,
    least: i64,
) -> Vec<Suggestion> {
    let mut small: Vec<Suggestion> = Vec::new();
    let least_small = (least / 10).max(10);
    for (proposal, gain) in &found.rest {
        // What is possible only later is told when it is.
        let Some((own, alone)) = found.alone.iter().find(|(p, _)| p.id == proposal.id) else {
            continue;
        };
        let is_told = found.order.iter().any(|p| p.id == proposal.id)
            || small.iter().any(|s| s.proposal.id == proposal.id)
            || alone.is_some_and(|g| g.median >= worth_its_risk(&own.candidate, least));
        let Some(gain) = gain.filter(|_| !is_told && !proposal.candidate.changes_image) else {
            continue;
        };
        let on_top = bench
            .rough_saving(then, &proposal.draft)
            .filter(|s| s.builds.0 > 1 && gain.median >= least_small);
        let if_passed = match on_top {
            Some(_) => None,
            None => if_passed(question, view, bench, then, proposal)
                .filter(|i| i.by.is_some() && i.per_build >= least_small),
        };
        if on_top.is_none() && if_passed.is_none() {
            continue;
        }
        small.push(Suggestion {
            proposal: own.clone(),
            alone: bench.rough_saving(now, &own.draft),
            on_top,
            why_not: String::new(),
            if_passed,
        });
    }
    let worth = |s: &Suggestion| {
        let on_top = s.on_top.as_ref().map(|s| s.per_build.1);
        on_top.or(s.if_passed.as_ref().map(|i| i.per_build))
    };
    small.sort_by_key(|s| std::cmp::Reverse(worth(s)));
    small.truncate(MAX_SMALL);
    small
}

/// How many builds are replayed with arguments that they do not pass: the graph is another one in each.
const MAX_PASSING: usize = 60;

/// What a proposal to set arguments later saves on top of `before` if each build passed its own value; `None` for
/// other proposals, and for arguments whose values are known.
fn if_passed(
    question: &Question<'_>,
    view: &View<'_>,
    bench: &Bench<'_>,
    before: &Draft,
    proposal: &Proposal,
) -> Option<IfPassed> {
    let arguments: BTreeSet<&str> = view
        .dockerfile
        .instructions()
        .filter_map(|i| match &i.kind {
            Kind::Arg(items) => Some(items),
            _ => None,
        })
        .flatten()
        .map(|item| item.name.as_str())
        .collect();
    let is_open = |name: &&String| {
        arguments.contains(name.as_str()) && view.build_args.iter().all(|(n, _)| n != *name)
    };
    let names: Vec<String> = proposal
        .candidate
        .unread
        .iter()
        .filter(is_open)
        .cloned()
        .collect();
    if names.is_empty() {
        return None;
    }
    let mut inputs: Vec<BuildInput> = question.inputs.iter().take(MAX_PASSING).cloned().collect();
    for input in &mut inputs {
        let value = input.commit.id.to_string();
        for name in &names {
            let own = input.request.build_args.entry(name.clone());
            own.or_insert_with(|| Some(value.clone()));
        }
    }
    let passing = Shared {
        settings: question.settings,
        inputs: &inputs,
        cost: question.cost,
        past: bench.past,
    };
    let run = |draft: &Draft| passing.run(draft, bench.filtered.filters(&draft.dockerfile));
    let (old, new) = (run(before), run(&proposal.draft));
    let pairs: Vec<(i64, i64)> = (0..old.patterns.len())
        .filter_map(|b| Some((signed(old.wall(b)?), signed(new.wall(b)?))))
        .collect();
    let mean = |of: fn(&(i64, i64)) -> i64| {
        pairs.iter().map(of).sum::<i64>() / signed(pairs.len() as u64).max(1)
    };
    Some(IfPassed {
        by: names.iter().find_map(|name| passed_by(view, name)),
        names,
        rebuild: mean(|(old, _)| *old),
        per_build: mean(|(old, new)| old - new),
    })
}

fn why_idle(gain: Option<Gain>, saving: Option<&Saving>, candidate: &Candidate) -> String {
    match (gain, saving) {
        _ if candidate.restarts => "no replay shows it, since what is built outside git is not known: with each change of the application, the bytes of the libraries need not be written, pushed and pulled again".to_owned(),
        (None, _) => "it cannot be built at half of these commits, so this history cannot judge it"
            .to_owned(),
        (Some(gain), _) if gain.median < 0 => {
            "on this history it costs more than it saves".to_owned()
        }
        _ if candidate.changes_image => {
            "it makes the image smaller, and saves too little time for a change of what the image holds".to_owned()
        }
        (Some(_), Some(saving)) if saving.builds.0 == 0 => {
            "no build of this history gets faster".to_owned()
        }
        (Some(_), _) => "what it saves on this history is too little to recommend it".to_owned(),
    }
}
