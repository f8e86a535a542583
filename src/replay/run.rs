//! The replay itself: builds in, outcomes out, one after the other.

use super::ahead::Made;
use super::evaluate::{Fates, evaluate, image_chain};
use super::filters::Filters;
use super::outcome::{BuildOutcome, Built, Outcome};
use super::plan_key::{MAX_PLANS, PlanKey, target};
use super::prepared::Prepared;
use super::reason::{Evidence, Hidden, Reference, explain};
use super::settings::{CacheExport, NotHeld, RunOutputs, Runner, Settings};
use crate::builder;
use crate::builder::{Builder, Carried, Effect, Plan};
use crate::cache::Store;
use crate::caveat::Caveat;
use crate::context::{ContentId, ContextTree, IgnoreRules};
use crate::dockerfile::Error;
use crate::history::BuildInput;
use crate::tree::{FileKind, ObjectId, RepoPath};
use rustc_hash::FxHashMap;
use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A builder with its cache, given one build after the other.
pub struct Replay {
    settings: Settings,
    store: Store,
    context: ContextTree,
    /// The ignore file in force, as read.
    ignore: Option<Arc<[u8]>>,
    plans: FxHashMap<PlanKey, Result<Arc<Prepared>, Error>>,
    /// The plan of the build before, with what it was made from, so that nothing is hashed while nothing changes.
    last_plan: Option<(PlanKey, Arc<Prepared>)>,
    /// The last build of each target, by which misses are explained; of an ephemeral runner the last build alone.
    references: BTreeMap<Option<String>, Reference>,
    /// Which of the references is the newest.
    newest: Option<String>,
    /// How often another commit was checked out: what stands for the bytes of `.git`.
    checkouts: u64,
    last_commit: Option<ObjectId>,
    n_builds: usize,
    caveats: Vec<Caveat>,
    filters: Filters,
}

impl Replay {
    /// A builder with an empty cache.
    pub fn new(settings: Settings) -> Self {
        let mut caveats = Vec::new();
        if settings.builder == Builder::Kaniko {
            caveats.push(Caveat::general(
                "kaniko's rules are read from its source and were not checked against a run; that its layers live two weeks is not modelled.",
            ));
        }
        if settings.runner == Runner::Ephemeral {
            caveats.extend(fresh_runner(&settings));
        }
        Self {
            settings,
            store: Store::default(),
            context: ContextTree::new(IgnoreRules::default()),
            ignore: None,
            plans: FxHashMap::default(),
            last_plan: None,
            references: BTreeMap::new(),
            newest: None,
            checkouts: 0,
            last_commit: None,
            n_builds: 0,
            caveats,
            filters: Filters::default(),
        }
    }

    /// The same builder, which knows what these commands leave.
    #[must_use]
    pub fn with_filters(mut self, filters: Filters) -> Self {
        self.filters = filters;
        self
    }

    /// What it knows of commands, to be added to before the build that it is for.
    pub fn filters_mut(&mut self) -> &mut Filters {
        &mut self.filters
    }

    /// The paths (from the repository's root) whose bytes each [`BuildInput::watched`] must hold, in this order: the
    /// Dockerfile, then the ignore files that the builder looks for, the one that goes first first.
    pub fn watched(settings: &Settings) -> Vec<RepoPath> {
        let dockerfile = RepoPath::new(&settings.dockerfile);
        let context = RepoPath::new(&settings.context);
        let ignore = builder::ignore_files(settings.builder, &dockerfile, &context);
        std::iter::once(dockerfile).chain(ignore).collect()
    }

    /// Builds the next one. The tree's changes must be relative to the input given before.
    pub fn build(&mut self, input: &BuildInput) -> BuildOutcome {
        self.build_planned(input, None)
    }

    /// The same with the plan that was made ahead (see [`plan_ahead`](super::plan_ahead)).
    pub fn build_planned(&mut self, input: &BuildInput, made: Option<Made>) -> BuildOutcome {
        let build = self.n_builds;
        self.n_builds += 1;
        let result = self.update_context(input).and_then(|filtered| {
            let prepared = self.plan(input, made)?;
            self.filter_caveat(&prepared);
            Ok(self.run(input, build, &prepared, filtered))
        });
        if result.is_err() {
            let paths: Vec<RepoPath> = input.changes.iter().map(|c| c.path.clone()).collect();
            self.references
                .values_mut()
                .for_each(|r| r.add_changed(&paths));
        }
        BuildOutcome {
            commit: input.commit.id,
            time: input.time(),
            result,
        }
    }

    /// What was assumed so far, in order of first appearance.
    pub fn caveats(&self) -> &[Caveat] {
        &self.caveats
    }

    /// Brings the context up to date. Returns the paths that other ignore rules let appear or vanish.
    fn update_context(&mut self, input: &BuildInput) -> Result<Vec<RepoPath>, Error> {
        self.context.apply(&input.changes, &input.link_targets);
        if input
            .changes
            .iter()
            .any(|c| c.new.is_some_and(|s| s.kind == FileKind::Submodule))
        {
            self.caveat(Caveat::general("A submodule counts by the commit it points at; what a checkout has of it is not known."));
        }
        if self.last_commit != Some(input.commit.id) || self.settings.runner == Runner::Ephemeral {
            self.last_commit = Some(input.commit.id);
            self.checkouts += 1;
        }
        if self.settings.git_dir && RepoPath::new(&self.settings.context).is_root() {
            self.context
                .set_git_dir(Some(ContentId::of_bytes(&self.checkouts.to_le_bytes())));
        }
        let ignore = self.ignore_file(input)?;
        let same = match (&ignore, &self.ignore) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
            (a, b) => a.is_none() && b.is_none(),
        };
        if same {
            return Ok(Vec::new());
        }
        let rules = ignore
            .as_ref()
            .map_or_else(
                || Ok(IgnoreRules::default()),
                |bytes| IgnoreRules::parse(bytes),
            )
            .map_err(|e| {
                Error::whole(format!(
                    "the ignore file, line {}: the pattern {:?} cannot be read",
                    e.line(),
                    e.pattern()
                ))
            })?;
        let before = self.context.root().clone();
        self.context.set_rules(rules);
        self.ignore = ignore;
        Ok(if !self.references.is_empty() {
            before.differences(self.context.root())
        } else {
            Vec::new()
        })
    }

    fn ignore_file(&self, input: &BuildInput) -> Result<Option<Arc<[u8]>>, Error> {
        if let Some(pinned) = &self.settings.pin_ignore {
            return Ok(match &self.ignore {
                Some(old) if **old == *pinned.as_bytes() => Some(old.clone()),
                _ => Some(pinned.as_bytes().into()),
            });
        }
        for file in input.watched.iter().skip(1) {
            match file {
                Ok(None) => {}
                Ok(Some(bytes)) => return Ok(Some(bytes.clone())),
                Err(why) => return Err(Error::whole(why.clone())),
            }
        }
        Ok(None)
    }

    fn plan(&mut self, input: &BuildInput, made: Option<Made>) -> Result<Arc<Prepared>, Error> {
        let last = self.last_plan.as_ref().map(|(key, _)| key);
        let key = PlanKey::new(&self.settings, input, last)?;
        if let Some((last, prepared)) = &self.last_plan
            && last.is(&key)
        {
            return Ok(prepared.clone());
        }
        let prepared = match self.plans.get(&key) {
            Some(known) => known.clone(),
            None => {
                let plan = match made.filter(|made| made.key.is(&key)) {
                    Some(made) => made.plan,
                    None => key.plan(&self.settings),
                };
                let made = plan.map(|plan| self.prepare(plan));
                // A text comes back soon or not at all; long histories have thousands.
                if self.plans.len() >= MAX_PLANS {
                    self.plans.clear();
                }
                self.plans.insert(key.clone(), made.clone());
                made
            }
        }?;
        self.last_plan = Some((key, prepared.clone()));
        Ok(prepared)
    }

    fn prepare(&mut self, mut plan: Plan) -> Arc<Prepared> {
        self.plan_caveats(&plan);
        if self.settings.not_held == NotHeld::Unchanged {
            plan.vertices.iter_mut().for_each(|v| v.unknown = None);
        }
        let outputs = (0..plan.vertices.len())
            .map(|v| self.outputs(&plan, v))
            .collect();
        let told = (0..plan.vertices.len())
            .map(|v| self.told(&plan, v).is_some())
            .collect();
        let not_held = self.settings.not_held;
        let store = &mut self.store;
        Arc::new(Prepared::new(plan, store, outputs, told, not_held))
    }

    /// What a RUN leaves when it runs again: the override for its stage and line, else the setting.
    fn outputs(&self, plan: &Plan, v: usize) -> RunOutputs {
        self.told(plan, v).unwrap_or(self.settings.run_outputs)
    }

    /// The override for a step's stage and line.
    fn told(&self, plan: &Plan, v: usize) -> Option<RunOutputs> {
        let step = plan.step(v);
        let is_stage = |name: &str| match &step.stage {
            Some(printed) if printed == name => true,
            _ => name.parse() == Ok(step.stage_index),
        };
        let given = self
            .settings
            .run_output
            .iter()
            .rev()
            .find(|(stage, line, _)| {
                is_stage(stage) && (step.lines.first..=step.lines.last).contains(line)
            });
        given.map(|(_, _, outputs)| *outputs)
    }

    fn plan_caveats(&mut self, plan: &Plan) {
        let reads_image = plan.vertices.iter().flat_map(|v| &v.inputs).any(|input| {
            input.read.is_some()
                && input
                    .vertex()
                    .is_some_and(|s| matches!(plan.vertices[s].effect, Effect::Image(_)))
        });
        if reads_image {
            self.caveat(Caveat::general(
                "Files copied out of an image (COPY --from=image) are taken to be the same in every tag of it: git does not hold them, and builders match them by content.",
            ));
        }
    }

    fn filter_caveat(&mut self, prepared: &Prepared) {
        let is_filter = |v| prepared.needed[v] && prepared.filter(v, &self.filters).is_some();
        if !self.filters.is_empty() && (0..prepared.needed.len()).any(is_filter) {
            self.caveat(Caveat::general(
                "Steps whose text is exactly a version filter (sed) or cargo-chef's recipe leave what follows from the files that they read, not fresh bytes at each run; a file whose bytes are not at hand counts as changed.",
            ));
        }
        let works = |v| prepared.needed[v] && prepared.work(v, &self.filters).is_some();
        if (0..prepared.needed.len()).any(works) {
            self.caveat(Caveat::general(
                "RUNs that only remove, move or mark files (rm, find, chmod, sed -i and the like) leave what follows from the files that they find, not fresh bytes at each run.",
            ));
        }
    }

    fn caveat(&mut self, caveat: Caveat) {
        if !self.caveats.contains(&caveat) {
            self.caveats.push(caveat);
        }
    }

    fn run(
        &mut self,
        input: &BuildInput,
        build: usize,
        prepared: &Arc<Prepared>,
        filtered: Vec<RepoPath>,
    ) -> Built {
        let is_persistent = self.settings.runner == Runner::Persistent;
        let target = if is_persistent {
            target(&self.settings, input)
        } else {
            None
        };
        let reference = self
            .references
            .get(&target)
            .or_else(|| self.references.get(&self.newest));
        let last = reference.filter(|r| is_persistent && Arc::ptr_eq(&r.prepared, prepared));
        let fates = evaluate(
            prepared,
            &mut self.store,
            &self.context,
            &self.filters,
            build,
            last.map(|r| &r.fates),
        );
        let git_dir = self.settings.git_dir;
        let now = LazyCell::new(|| changed_paths(input, &filtered, git_dir));
        // What the ignore rules hide is no cause, unless they are what changed.
        let context = &self.context;
        let is_visible = |path: &RepoPath| !context.hides(path) || filtered.contains(path);
        let changed = |hidden: Hidden| {
            let mut paths = reference.map_or_else(Vec::new, |r| r.changed_with(&now));
            paths.retain(|path| hidden == Hidden::Included || is_visible(path));
            paths
        };
        let lookups = explain(&Evidence {
            prepared,
            fates: &fates,
            reference,
            is_same_target: self.references.contains_key(&target),
            context: &self.context,
            changed: &changed,
            exported: !is_persistent,
        });
        if !is_persistent {
            self.export(prepared, &fates);
        }
        let others = self
            .references
            .iter_mut()
            .filter(|(other, _)| **other != target);
        others.for_each(|(_, r)| r.add_changed(&now));
        self.newest.clone_from(&target);
        self.references.insert(
            target,
            Reference::new(prepared.clone(), fates.without_trees()),
        );
        Built {
            steps: prepared.plan.steps.clone(),
            lookups,
        }
    }

    /// What a fresh runner finds at the next build: the cache exported by this one.
    fn export(&mut self, prepared: &Prepared, fates: &Fates) {
        let all: Vec<_> = fates.list.iter().filter_map(|f| f.key).collect();
        match (
            builder::carried(self.settings.builder),
            self.settings.cache_export,
        ) {
            (Carried::Nothing, _) | (_, CacheExport::None) => self.store.export(&[], |_| false),
            (Carried::AllBuilds, CacheExport::Inline | CacheExport::Min | CacheExport::Max) => {}
            (Carried::LastBuild, CacheExport::Max) => self.store.export(&all, |_| true),
            (Carried::LastBuild, CacheExport::Inline | CacheExport::Min) => {
                let chain = image_chain(prepared, fates);
                self.store.export(&all, |id| chain.contains(&id));
            }
        }
    }
}

/// What `--cache-export` means for a builder that has no such thing.
fn fresh_runner(settings: &Settings) -> Option<Caveat> {
    let text = match (builder::carried(settings.builder), settings.cache_export) {
        (Carried::LastBuild, _) | (_, CacheExport::None) => return None,
        (Carried::Nothing, _) => {
            "The classic builder exports no cache: each fresh runner starts with nothing."
        }
        (Carried::AllBuilds, _) => {
            "This builder's remote cache holds one image for each step ever built and forgets none: all modes of the cache export are one."
        }
    };
    Some(Caveat::general(text))
}

/// Context paths that may look different since the build before.
fn changed_paths(input: &BuildInput, filtered: &[RepoPath], git_dir: bool) -> Vec<RepoPath> {
    let mut paths: Vec<RepoPath> = input.changes.iter().map(|c| c.path.clone()).collect();
    paths.extend(filtered.iter().cloned());
    if git_dir {
        paths.push(RepoPath::new(".git"));
    }
    paths
}

/// All builds in order.
pub fn replay(settings: &Settings, inputs: &[BuildInput]) -> Outcome {
    let mut replay = Replay::new(settings.clone());
    let builds = inputs.iter().map(|input| replay.build(input)).collect();
    Outcome {
        builds,
        caveats: replay.caveats().to_vec(),
    }
}
