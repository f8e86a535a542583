//! BuildKit: which instruction is a vertex, and what enters its key.
//!
//! | instruction | vertex | enters the key | invalidated by | source (moby/buildkit 73ed682) | shown by |
//! |---|---|---|---|---|---|
//! | FROM image | yes | the image's layers (here: its reference) | another image | source/containerimage/pull.go | `base-tag-changes`, `base-same-image-other-spelling` |
//! | FROM stage | no | – | – | dockerfile2llb/convert.go `dispatchStages` | `stages-from-stage`, `stage-split-off` |
//! | RUN | yes | base's key, arguments, ordered environment, cwd, user, network, security, mounts, platform | any of them | solver/llbsolver/ops/exec.go `CacheMap` | `run-continuation`, `env-order`, `env-reassigned`, `build-arg-unused`, `run-network` |
//! | RUN `<<EOF` | one, with `#!` two | the body; with `#!` the delimiter too | the body | dockerfile2llb/convert.go `dispatchRun` | `run-heredoc`, `run-heredoc-name`, `run-heredoc-script` |
//! | RUN --mount=type=bind | – | target, `rw`; the content, not the path, of the source | content | ops/exec.go `getMountDeps` | `mount-bind-file`, `mount-bind-spellings`, `false-hit-binds-crossed` |
//! | RUN --mount=type=cache, tmpfs, secret, ssh | – | target and options; an id or sharing mode of its own is blanked | the text, never what is in them | ops/exec.go `checkShouldClearCacheOpts` | `mount-cache-changes`, `mount-cache-id`, `mount-secret-spellings` |
//! | COPY, ADD | yes | base's key; per source: base name, flags; destination, owner, mode | base missed; content of the sources, their digests sorted by path | ops/file.go `CacheMap`, `dedupeSelectors` | `copy-after-missed-run`, `copied-directory-moves`, `false-hit-sources-exchanged`, `copy-owner-spellings` |
//! | COPY --from | yes | the same over a stage's or image's files | other files | ops/file.go | `stages-source-stable-output`, `stages-copy-of-context-file` |
//! | COPY --link | two | the copy half has no base; with `--chmod` it is a plain COPY | its content alone | dockerfile2llb/convert_copy.go `dispatchCopy` | `copy-link`, `copy-link-base`, `link-with-chmod` |
//! | COPY `<<EOF` | two | the delimiter as name, the body expanded | the body | convert_copy.go | `copy-heredoc` |
//! | WORKDIR | yes, but not `/` | base's key, path, owner from USER, SOURCE_DATE_EPOCH | base missed; path | convert.go `dispatchWorkdir` | `workdir-after-missed-run`, `user-before-workdir`, `source-date-epoch` |
//! | ENV, ARG with a value | no | the environment of later RUNs, in order | – | convert.go `dispatchEnv`, `dispatchArg` | `before-run-env`, `arg-without-value`, `arg-from-parent-stage` |
//! | SHELL, USER | no | arguments and user of later RUNs; owner of a later WORKDIR | – | convert.go `dispatchShell`, `dispatchUser` | `before-run-shell`, `user-before-copy` |
//! | ONBUILD | no | its trigger is a step of the stages built on this one | – | convert.go `dispatchOnBuildTriggers` | `onbuild-in-stage`, `before-run-onbuild` |
//! | LABEL, CMD, ENTRYPOINT, EXPOSE, VOLUME, STOPSIGNAL, HEALTHCHECK, MAINTAINER | no | nothing | – | convert.go | `before-run-label` and its like |

use super::key::{Key, digest};
use super::vertex::{CopyEffect, Effect, Plan, Vertex, VertexInput, VertexSource};
use crate::context::ContentId;
use crate::context::CopyOptions;
use crate::context::Reading;
use crate::context::Selector;
use crate::dockerfile::ast::Kind;
use crate::dockerfile::mount::{Mount, MountKind, Sharing};
use crate::graph::{
    Action, Base, CopyAction, CopySource, Definition, Input, Lowered, LoweredStage, Lowering,
    MountFrom, Origin, Parts, RunAction, RunDefinition, RunMount,
};
use crate::graph::{State, Step, StepId, join_clean};
use crate::replay::Steps;
use rustc_hash::FxBuildHasher;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

const PLATFORM: &str = "linux/amd64";
const SSH_SOCKET: &str = "SSH_AUTH_SOCK";

/// The vertices of a lowered Dockerfile.
pub fn plan(lowering: &Lowering) -> Plan {
    let mut planner = Planner {
        lowering,
        vertices: Vec::new(),
        fulls: Vec::new(),
        known: FxHashMap::default(),
        env: None,
        ends: BTreeMap::new(),
        objects: Vec::new(),
        end_objects: BTreeMap::new(),
    };
    for stage in &lowering.stages {
        planner.stage(stage);
    }
    planner.finish()
}

struct Planner<'a> {
    lowering: &'a Lowering<'a>,
    vertices: Vec<Vertex>,
    /// What tells each vertex apart beside what is in it: what is not in the key (the directory of a COPY source).
    fulls: Vec<String>,
    /// Vertices by a hash of everything in the operation, the names of its inputs included: equal ones are one.
    known: FxHashMap<u64, Vec<usize>>,
    /// Last vertex of each stage, by position in the file; `None` for the empty file system.
    ends: BTreeMap<usize, Option<usize>>,
    /// The environment met last, and what stands for it.
    env: Option<(Arc<State>, ContentId)>,
    /// Every instruction's own vertex before equal ones became one: what decides under which name it is shown.
    objects: Vec<Object>,
    /// Last object of each stage.
    end_objects: BTreeMap<usize, Option<usize>>,
}

/// One instruction's vertex before equal ones became one.
struct Object {
    vertex: usize,
    /// Taken by the vertex that is shown under it.
    step: Option<Step>,
    /// What it is built on and what it reads, as objects, in the order of its inputs.
    inputs: Vec<usize>,
}

/// A stage being planned.
struct Stage<'a> {
    lowered: &'a LoweredStage<'a>,
    printed: Option<String>,
    platform: String,
    total: usize,
    index: usize,
    /// The vertex that the next one is built on; `None` for the empty file system.
    current: Option<usize>,
    /// The same as an object.
    object: Option<usize>,
    /// Set where the base cannot be known.
    unknown: Option<String>,
}

/// What a new vertex is shown as.
struct Shown {
    index: usize,
    instruction: String,
    text: String,
    command: String,
    lines: crate::dockerfile::Lines,
    definition: Definition,
}

impl<'a> Planner<'a> {
    fn stage(&mut self, lowered: &'a LoweredStage<'a>) {
        let mut stage = Stage {
            lowered,
            printed: self.lowering.named.then(|| {
                lowered
                    .name
                    .clone()
                    .unwrap_or_else(|| format!("stage-{}", lowered.index))
            }),
            platform: lowered
                .platform
                .clone()
                .unwrap_or_else(|| PLATFORM.to_owned()),
            total: count(lowered),
            index: 0,
            current: None,
            object: None,
            unknown: None,
        };
        match &lowered.base {
            Base::Scratch => {}
            Base::Stage(parent) => {
                stage.current = self.ends.get(parent).copied().flatten();
                stage.object = self.end_objects.get(parent).copied().flatten();
            }
            Base::Image(image) => self.image_stage(&mut stage, image),
            Base::Unknown(why) => {
                stage.unknown = Some(why.clone());
                self.image_stage(&mut stage, &lowered.from.original);
            }
        }
        for instruction in &lowered.instructions {
            match &instruction.action {
                Action::Run(run) => self.run(&mut stage, instruction, run),
                Action::Copy(copy) => self.copy(&mut stage, instruction, copy),
                Action::Workdir(path) => self.workdir(&mut stage, instruction, path),
                Action::Meta(_) => {}
            }
        }
        self.ends.insert(lowered.index, stage.current);
        self.end_objects.insert(lowered.index, stage.object);
    }

    fn image_stage(&mut self, stage: &mut Stage<'_>, image: &str) {
        stage.index = 1;
        let from = &stage.lowered.from;
        let shown = Shown {
            index: 1,
            instruction: "FROM".to_owned(),
            text: format!("FROM {image}"),
            command: String::new(),
            lines: from.lines,
            definition: Definition::Parts(vec![
                ("image".to_owned(), image.to_owned()),
                ("platform".to_owned(), stage.platform.clone()),
            ]),
        };
        let unknown = stage.unknown.clone();
        let vertex = Vertex {
            key: image_key(image, &stage.platform),
            inputs: Vec::new(),
            effect: Effect::Image(image.to_owned()),
            unknown,
        };
        self.advance(stage, shown, vertex, "", &[]);
    }

    /// Adds a vertex, or finds the equal one. `full` is what tells operations apart that have one cache key (the
    /// directory of a COPY source); `inputs` are the objects it is built on and reads.
    fn add(
        &mut self,
        stage: &Stage<'_>,
        shown: Shown,
        vertex: Vertex,
        full: &str,
        inputs: Vec<usize>,
    ) -> usize {
        let step = Step {
            stage: stage.printed.clone(),
            stage_index: stage.lowered.index,
            index: shown.index,
            total: stage.total,
            lines: shown.lines,
            instruction: shown.instruction,
            text: shown.text,
            command: shown.command,
            inputs: vertex.inputs.iter().map(|i| self.step_input(i)).collect(),
            definition: shown.definition,
        };
        let vertex = self.place(vertex, full);
        self.objects.push(Object {
            vertex,
            step: Some(step),
            inputs,
        });
        vertex
    }

    /// The position of this vertex or of the equal one.
    fn place(&mut self, vertex: Vertex, full: &str) -> usize {
        let sources = |vertex: &Vertex| -> Vec<VertexSource> {
            vertex.inputs.iter().map(|input| input.source).collect()
        };
        let hash = FxBuildHasher.hash_one((vertex.key, sources(&vertex), full));
        let alike = self.known.entry(hash).or_default();
        let is_equal = |&&v: &&usize| {
            let other = &self.vertices[v];
            other.key == vertex.key
                && other.unknown == vertex.unknown
                && self.fulls[v] == full
                && sources(other) == sources(&vertex)
        };
        if let Some(&known) = alike.iter().find(is_equal) {
            return known;
        }
        alike.push(self.vertices.len());
        self.vertices.push(vertex);
        self.fulls.push(full.to_owned());
        self.vertices.len() - 1
    }

    /// Adds the stage's next vertex.
    fn advance(
        &mut self,
        stage: &mut Stage<'_>,
        shown: Shown,
        vertex: Vertex,
        full: &str,
        reads: &[usize],
    ) {
        let read = reads
            .iter()
            .filter_map(|s| self.end_objects.get(s).copied().flatten());
        let inputs = stage.object.into_iter().chain(read).collect();
        stage.current = Some(self.add(stage, shown, vertex, full, inputs));
        stage.object = Some(self.objects.len() - 1);
    }

    /// The step of each vertex. Equal vertices are shown once, under the name that is marshalled last: inputs before
    /// what reads them, from the target (client/llb/state.go `marshal`, `mergeMetadata`).
    fn name_steps(&mut self) -> Vec<Step> {
        let mut named: Vec<Option<usize>> = vec![None; self.vertices.len()];
        let is_shown = |object: &Object| object.step.as_ref().is_some_and(|s| s.index > 0);
        for (n, object) in self.objects.iter().enumerate() {
            named[object.vertex].get_or_insert(n);
        }
        let target = self
            .end_objects
            .get(&self.lowering.target)
            .copied()
            .flatten();
        let mut seen = vec![false; self.objects.len()];
        let mut stack: Vec<(usize, usize)> = target.map(|t| (t, 0)).into_iter().collect();
        while let Some((object, next)) = stack.pop() {
            match self.objects[object].inputs.get(next).copied() {
                Some(input) => {
                    stack.push((object, next + 1));
                    if !std::mem::replace(&mut seen[input], true) {
                        stack.push((input, 0));
                    }
                }
                None if is_shown(&self.objects[object]) => {
                    named[self.objects[object].vertex] = Some(object)
                }
                None => {}
            }
        }
        let objects = named
            .into_iter()
            .map(|n| n.expect("every vertex was made for an object"));
        objects
            .map(|n| {
                self.objects[n]
                    .step
                    .take()
                    .expect("an object belongs to one vertex")
            })
            .collect()
    }

    fn step_input(&self, input: &VertexInput) -> Input {
        let origin = match input.source {
            VertexSource::Context => Origin::Context,
            VertexSource::Vertex(v) => Origin::Step(StepId(v)),
        };
        Input {
            origin,
            selectors: input.read.clone(),
        }
    }

    /// A vertex that is not shown: an image that is copied from, a heredoc, a download.
    fn hidden(
        &mut self,
        stage: &Stage<'_>,
        instruction: &Lowered,
        text: &str,
        vertex: Vertex,
    ) -> usize {
        self.add(stage, hidden(instruction, text), vertex, "", Vec::new())
    }

    fn shown(
        &self,
        stage: &mut Stage<'_>,
        instruction: &Lowered,
        definition: impl Into<Definition>,
    ) -> Shown {
        stage.index += 1;
        let own = &instruction.instruction;
        Shown {
            index: stage.index,
            instruction: own.keyword.to_owned(),
            text: if instruction.trigger {
                format!("ONBUILD {}", instruction.text)
            } else {
                instruction.text.clone()
            },
            command: match &instruction.action {
                Action::Run(run) => run.command_text(),
                _ => String::new(),
            },
            // A trigger is shown at the FROM that sets it off.
            lines: if instruction.trigger {
                stage.lowered.from.lines
            } else {
                own.lines
            },
            definition: definition.into(),
        }
    }

    fn workdir(&mut self, stage: &mut Stage<'_>, instruction: &Lowered, path: &str) {
        if path == "/" {
            return;
        }
        let state = &instruction.before;
        let definition = vec![
            ("path".to_owned(), path.to_owned()),
            ("user".to_owned(), state.user.clone()),
            (
                "argument SOURCE_DATE_EPOCH".to_owned(),
                state.epoch.clone().unwrap_or_default(),
            ),
        ];
        let key = digest(&format!(
            "mkdir {:?}",
            (path, owner(&state.user), &state.epoch)
        ));
        let shown = self.shown(stage, instruction, definition);
        let vertex = Vertex {
            key,
            inputs: based_on(stage.current),
            effect: Effect::Mkdir(path.to_owned()),
            unknown: stage.unknown.clone(),
        };
        self.advance(stage, shown, vertex, "", &[]);
    }

    /// The vertex that files are taken from.
    fn source(
        &mut self,
        stage: &Stage<'_>,
        instruction: &Lowered,
        from: &MountFrom,
    ) -> Option<VertexSource> {
        match from {
            MountFrom::Context => Some(VertexSource::Context),
            MountFrom::Scratch => None,
            MountFrom::Stage(index) => self
                .ends
                .get(index)
                .copied()
                .flatten()
                .map(VertexSource::Vertex),
            MountFrom::Image(image) => {
                let vertex = Vertex {
                    key: image_key(image, PLATFORM),
                    inputs: Vec::new(),
                    effect: Effect::Image(image.clone()),
                    unknown: None,
                };
                Some(VertexSource::Vertex(self.hidden(
                    stage,
                    instruction,
                    &format!("FROM {image}"),
                    vertex,
                )))
            }
        }
    }

    fn inline(
        &mut self,
        stage: &Stage<'_>,
        instruction: &Lowered,
        name: &str,
        bytes: &str,
        mode: &str,
    ) -> VertexSource {
        let vertex = Vertex {
            key: digest(&format!("mkfile {:?}", (name, bytes, mode))),
            inputs: Vec::new(),
            effect: Effect::File(name.to_owned(), bytes.to_owned()),
            unknown: None,
        };
        VertexSource::Vertex(self.hidden(
            stage,
            instruction,
            "[internal] preparing inline document",
            vertex,
        ))
    }

    fn remote(
        &mut self,
        stage: &Stage<'_>,
        instruction: &Lowered,
        url: &str,
        name: &str,
        checksum: &str,
    ) -> VertexSource {
        let unknown = checksum
            .is_empty()
            .then(|| format!("git does not hold what {url} answers; add --checksum to pin it"));
        let vertex = Vertex {
            key: digest(&format!("remote {:?}", (url, checksum))),
            inputs: Vec::new(),
            effect: Effect::File(name.to_owned(), checksum.to_owned()),
            unknown,
        };
        VertexSource::Vertex(self.hidden(stage, instruction, url, vertex))
    }

    fn copy(&mut self, stage: &mut Stage<'_>, instruction: &Lowered, copy: &CopyAction) {
        let link = copy.link && copy.chmod.is_empty();
        let base = if link { None } else { stage.current };
        let mut inputs = Inputs::new(base);
        let mut actions = Vec::new();
        let mut sources = Vec::new();
        let mut full = Vec::new();
        let destination = destination(&instruction.before.cwd, &copy.destination);
        for source in &copy.sources {
            let (from, selector) = match source {
                CopySource::Path(path) => (
                    self.source(stage, instruction, &copy.from),
                    selector(path, copy),
                ),
                CopySource::Inline(name, body) => (
                    Some(self.inline(stage, instruction, name, body, "0644")),
                    plain(name),
                ),
                CopySource::Http(url) => {
                    let name = url_name(url);
                    let from = self.remote(stage, instruction, url, &name, &copy.checksum);
                    (Some(from), plain(&name))
                }
                CopySource::Git(url) => (
                    Some(self.remote(stage, instruction, url, "", &copy.checksum)),
                    plain(""),
                ),
            };
            let slot = from.map(|from| inputs.read(from, selector.clone()));
            let flags = match source {
                CopySource::Path(_) => (true, copy.unpack.unwrap_or(copy.add)),
                CopySource::Http(_) => (false, copy.unpack.unwrap_or(false)),
                _ => (false, false),
            };
            actions.push((
                base_name(&selector, copy),
                slot,
                flags,
                parents_pattern(source, copy),
            ));
            full.push(selector.path.clone());
            sources.extend(slot.map(|s| (s, selector)));
        }
        let attributes = (owner(&copy.chown), mode(&copy.chmod));
        let mut key = Key::new(if base.is_some() { "copy" } else { "copy alone" })
            .text(&destination)
            .text(&attributes.0)
            .text(&attributes.1)
            .texts(copy.exclude.iter().map(String::as_str));
        for (name, slot, flags, pattern) in &actions {
            key = key.text(name).number(*slot).maybe(pattern.as_deref());
            key = key.number(Some(usize::from(flags.0) + 2 * usize::from(flags.1)));
        }
        let key = key.digest();
        let shown = self.shown(stage, instruction, copy_definition(copy, &destination));
        let effect = Effect::Copy(CopyEffect {
            sources,
            destination,
            options: CopyOptions {
                chmod: Some(attributes.1.clone()).filter(|v| !v.is_empty()),
                chown: Some(attributes.0.clone()).filter(|v| !v.is_empty()),
                unpack: copy.unpack.unwrap_or(copy.add),
            },
            based: base.is_some(),
        });
        let unknown = stage.unknown.clone().filter(|_| !link);
        let vertex = Vertex {
            key,
            inputs: inputs.finish(),
            effect,
            unknown,
        };
        let reads: Vec<usize> = stage_of(&copy.from).into_iter().collect();
        let full = full.join("\n");
        if link {
            let below = (stage.current, stage.object.take());
            self.advance(stage, shown, vertex, &full, &reads);
            self.merge(stage, instruction, below);
        } else {
            self.advance(stage, shown, vertex, &full, &reads);
        }
    }

    /// The merge half of `--link`: built on both, shown as `LINK COPY …` under the same number, so not listed.
    fn merge(
        &mut self,
        stage: &mut Stage<'_>,
        instruction: &Lowered,
        below: (Option<usize>, Option<usize>),
    ) {
        let (Some(base), Some(copied)) = (below.0, stage.current) else {
            return;
        };
        let inputs = based_on(Some(base))
            .into_iter()
            .chain(based_on(Some(copied)))
            .collect();
        let vertex = Vertex {
            key: digest("merge"),
            inputs,
            effect: Effect::Merge,
            unknown: stage.unknown.clone(),
        };
        let objects = below.1.into_iter().chain(stage.object).collect();
        let shown = hidden(instruction, &format!("LINK {}", instruction.text));
        stage.current = Some(self.add(stage, shown, vertex, "", objects));
        stage.object = Some(self.objects.len() - 1);
    }

    fn run(&mut self, stage: &mut Stage<'_>, instruction: &Lowered, run: &Arc<RunAction>) {
        let state = &instruction.before;
        let mut mounts = Vec::new();
        let mut secrets = Vec::new();
        let mut added = None;
        if let Some((name, body)) = &run.script {
            let source = self.inline(stage, instruction, name, body, "0755");
            mounts.push(Mounted {
                target: "/dev/pipes/".to_owned(),
                source: Some(source),
                path: String::new(),
                key: "ro".to_owned(),
                full: String::new(),
            });
        }
        for RunMount { mount, from, .. } in &run.mounts {
            match mount.kind {
                MountKind::Secret => secrets.push(secret_key(mount)),
                MountKind::Ssh => {
                    secrets.push(ssh_key(mount, secrets.len()));
                    if state.env.get(SSH_SOCKET).is_none() && added.is_none() {
                        added = Some((SSH_SOCKET, ssh_target(mount, 0)));
                    }
                }
                _ => mounts.push(self.mount(stage, instruction, mount, from)),
            }
        }
        mounts.sort_by(|a, b| a.target.cmp(&b.target));
        let mut inputs = Inputs::new(stage.current);
        let list = |key: Key, texts: &[String]| key.texts(texts.iter().map(String::as_str));
        let mut key = list(Key::new("exec"), &run.args)
            .text(&self.env_key(state).to_string())
            .maybe(added.as_ref().map(|(_, socket)| socket.as_str()))
            .text(&state.cwd)
            .text(&state.user)
            .maybe(state.hostname.as_deref())
            .maybe(run.network.as_deref())
            .maybe(run.security.as_deref())
            .text(&stage.platform);
        key = list(list(key, &secrets), &run.devices);
        let mut full = Key::new("mounts");
        for mount in &mounts {
            let slot = mount.source.map(|source| inputs.mount(source, &mount.path));
            key = key.text(&mount.target).number(slot).text(&mount.key);
            full = full.text(&mount.path).text(&mount.full);
        }
        let (key, full) = (key.digest(), full.into_text());
        let definition = Definition::Run(RunDefinition {
            run: Arc::clone(run),
            before: Arc::clone(state),
            added,
        });
        let shown = self.shown(stage, instruction, definition);
        let vertex = Vertex {
            key,
            inputs: inputs.finish(),
            effect: Effect::Run,
            unknown: stage.unknown.clone(),
        };
        let reads: Vec<usize> = run
            .mounts
            .iter()
            .filter_map(|m| stage_of(&m.from))
            .collect();
        self.advance(stage, shown, vertex, &full, &reads);
    }

    /// What stands for the environment in a key. Neighbours have the same one.
    fn env_key(&mut self, state: &Arc<State>) -> ContentId {
        match &self.env {
            Some((known, key)) if Arc::ptr_eq(known, state) => *key,
            _ => {
                let pairs = state.env.iter();
                let key = pairs.fold(Key::new("env"), |key, (name, value)| {
                    key.text(name).text(value)
                });
                let key = key.digest();
                self.env = Some((Arc::clone(state), key));
                key
            }
        }
    }

    fn mount(
        &mut self,
        stage: &Stage<'_>,
        instruction: &Lowered,
        mount: &Mount,
        from: &MountFrom,
    ) -> Mounted {
        let target = join_clean(&instruction.before.cwd, &mount.target);
        let mut source = match mount.kind {
            MountKind::Tmpfs => None,
            MountKind::Cache if mount.from.is_empty() => None,
            _ => self.source(stage, instruction, from),
        };
        let mut path = join_clean("/", &mount.source)
            .trim_start_matches('/')
            .to_owned();
        if path.is_empty() && (mount.uid.is_some() || mount.gid.is_some() || mount.mode.is_some()) {
            let vertex = Vertex {
                key: digest(&format!(
                    "cache permissions {:?}",
                    (mount.uid, mount.gid, mount.mode, source)
                )),
                inputs: Vec::new(),
                effect: Effect::File("cache".to_owned(), String::new()),
                unknown: None,
            };
            let permissions = self.hidden(
                stage,
                instruction,
                "[internal] setting cache mount permissions",
                vertex,
            );
            source = Some(VertexSource::Vertex(permissions));
            path = "cache".to_owned();
        }
        let (key, full) = match mount.kind {
            MountKind::Cache => cache_mount_key(mount, &target, instruction),
            MountKind::Tmpfs => (format!("tmpfs {:?}", mount.size), String::new()),
            _ => (
                (if mount.read_only { "ro" } else { "rw" }).to_owned(),
                String::new(),
            ),
        };
        Mounted {
            target,
            source,
            path,
            key,
            full,
        }
    }

    fn finish(mut self) -> Plan {
        let steps = self.name_steps();
        let target = self.ends.get(&self.lowering.target).copied().flatten();
        let edges: Vec<Vec<usize>> = self
            .vertices
            .iter()
            .map(|v| v.inputs.iter().filter_map(VertexInput::vertex).collect())
            .collect();
        let needed = target.map_or_else(
            || vec![false; edges.len()],
            |t| crate::graph::dag::reachable(&edges, t),
        );
        let shown = (0..steps.len())
            .filter(|&i| needed[i] && steps[i].index > 0)
            .map(StepId)
            .collect();
        Plan {
            steps: Arc::new(Steps { steps, shown }),
            vertices: self.vertices,
            target,
            in_order: false,
        }
    }
}

/// A mount on its way to the key.
struct Mounted {
    target: String,
    source: Option<VertexSource>,
    /// Path within the source; not in the key, only its content is.
    path: String,
    key: String,
    /// What tells vertices apart without being in the key.
    full: String,
}

/// Inputs in the order in which the operation names them, equal ones once.
struct Inputs {
    list: Vec<VertexInput>,
    /// What is read of each.
    reads: Vec<Option<Vec<Selector>>>,
    based: bool,
}

impl Inputs {
    fn new(base: Option<usize>) -> Self {
        Self {
            list: based_on(base),
            reads: base.map(|_| None).into_iter().collect(),
            based: base.is_some(),
        }
    }

    fn slot(&mut self, source: VertexSource) -> usize {
        if let Some(slot) = self.list.iter().position(|i| i.source == source) {
            return slot;
        }
        self.list.push(VertexInput {
            source,
            read: None,
            paths: digest(""),
            reading: Reading::Content,
        });
        self.reads.push(Some(Vec::new()));
        self.list.len() - 1
    }

    /// A COPY source. One that is the base as well is matched by key alone (`invalidSelectors` of ops/file.go).
    fn read(&mut self, source: VertexSource, selector: Selector) -> usize {
        let slot = self.slot(source);
        if let Some(read) = &mut self.reads[slot] {
            read.push(selector);
        }
        slot
    }

    /// A mount. One of the base itself makes the base matched by content, as a whole (`getMountDeps` of
    /// ops/exec.go: the last mount of an input decides, and the root's path swallows the others).
    fn mount(&mut self, source: VertexSource, path: &str) -> usize {
        let slot = self.slot(source);
        let based = self.based && slot == 0;
        let read = self.reads[slot].get_or_insert_default();
        read.push(if based { plain("") } else { plain(path) });
        slot
    }

    fn finish(mut self) -> Vec<VertexInput> {
        for (input, read) in self.list.iter_mut().zip(self.reads) {
            let Some(read) = read else { continue };
            let mut paths: Vec<&str> = read.iter().map(|s| s.path.as_str()).collect();
            paths.sort_unstable();
            input.paths = digest(&paths.join("\n"));
            input.read = Some(read.into());
        }
        self.list
    }
}

impl VertexInput {
    /// The vertex it comes from, if it is one.
    pub fn vertex(&self) -> Option<usize> {
        match self.source {
            VertexSource::Vertex(v) => Some(v),
            VertexSource::Context => None,
        }
    }
}

fn hidden(instruction: &Lowered, text: &str) -> Shown {
    Shown {
        index: 0,
        instruction: instruction.instruction.keyword.to_owned(),
        text: text.to_owned(),
        command: String::new(),
        lines: instruction.instruction.lines,
        definition: Definition::Parts(vec![("source".to_owned(), text.to_owned())]),
    }
}

fn stage_of(from: &MountFrom) -> Option<usize> {
    match from {
        MountFrom::Stage(index) => Some(*index),
        MountFrom::Context | MountFrom::Image(_) | MountFrom::Scratch => None,
    }
}

fn based_on(base: Option<usize>) -> Vec<VertexInput> {
    base.map(|v| VertexInput {
        source: VertexSource::Vertex(v),
        read: None,
        paths: digest(""),
        reading: Reading::Content,
    })
    .into_iter()
    .collect()
}

/// An image is known by its layers; without a registry its reference stands for them, a digest if it has one.
pub(super) fn image_key(image: &str, platform: &str) -> ContentId {
    let identity = image.rsplit_once('@').map_or(image, |(_, digest)| digest);
    digest(&format!("image {:?}", (identity, platform)))
}

/// `N` of `[i/N]`: FROM an image, RUN, COPY, ADD, WORKDIR (`/` too), and every ONBUILD trigger.
fn count(stage: &LoweredStage) -> usize {
    let counted = |i: &&Lowered| {
        i.trigger
            || matches!(
                i.instruction.kind,
                Kind::Run(_) | Kind::Copy(_) | Kind::Add(_) | Kind::Workdir(_)
            )
    };
    let from = usize::from(matches!(stage.base, Base::Image(_) | Base::Unknown(_)));
    from + stage.instructions.iter().filter(counted).count()
}

fn plain(path: &str) -> Selector {
    Selector {
        path: path.to_owned(),
        ..Selector::default()
    }
}

pub(super) fn selector(path: &str, copy: &CopyAction) -> Selector {
    let clean = |p: &str| join_clean("/", p).trim_start_matches('/').to_owned();
    if copy.parents {
        // The pivot must survive cleaning.
        let path = match path.split_once("/./") {
            Some((base, rest)) => format!("{}/./{}", clean(base), clean(rest)),
            None => clean(path),
        };
        return Selector {
            path,
            wildcard: true,
            exclude: copy.exclude.clone(),
            parents: true,
        };
    }
    let path = clean(path);
    Selector {
        wildcard: has_wildcard(&path),
        path,
        exclude: copy.exclude.clone(),
        parents: false,
    }
}

/// `containsWildcards` of ops/file.go: an escaped character is none.
fn has_wildcard(path: &str) -> bool {
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' | '?' | '[' => return true,
            '\\' => {
                chars.next();
            }
            _ => {}
        }
    }
    false
}

/// What of the source path is in the key: its base name alone (`path.Base` in ops/file.go).
fn base_name(selector: &Selector, copy: &CopyAction) -> String {
    let path = if copy.parents {
        selector.path.split_once("/./").map_or("", |(base, _)| base)
    } else {
        &selector.path
    };
    path.rsplit('/')
        .next()
        .filter(|n| !n.is_empty())
        .unwrap_or("/")
        .to_owned()
}

/// `--parents`: the pattern is an include pattern, whole in the key.
fn parents_pattern(source: &CopySource, copy: &CopyAction) -> Option<String> {
    match source {
        CopySource::Path(path) if copy.parents => {
            let rest = path
                .split_once("/./")
                .map_or(path.as_str(), |(_, rest)| rest);
            Some(join_clean("/", rest))
        }
        _ => None,
    }
}

/// `pathRelativeToWorkingDir`: absolute, a trailing slash or `/.` kept.
pub(super) fn destination(cwd: &str, written: &str) -> String {
    let written = if written.is_empty() || written == "." {
        "./"
    } else {
        written
    };
    let mut path = join_clean(cwd, written);
    if written.ends_with('/') && !path.ends_with('/') {
        path.push('/');
    } else if written.ends_with("/.") {
        if path != "/" {
            path.push('/');
        }
        path.push('.');
    }
    path
}

/// `--chown` as the operation holds it: `root` is 0, numbers are numbers.
fn owner(chown: &str) -> String {
    let part = |p: &str| match (p, p.parse::<u32>()) {
        ("root", _) => "0".to_owned(),
        (_, Ok(id)) => id.to_string(),
        _ => p.to_owned(),
    };
    match chown.split_once(':') {
        Some((user, group)) => format!("{}:{}", part(user), part(group)),
        None => part(chown),
    }
}

/// `--chmod` as the operation holds it: `644` is `0644`, a symbolic mode stays as written.
fn mode(chmod: &str) -> String {
    u32::from_str_radix(chmod, 8).map_or_else(|_| chmod.to_owned(), |bits| format!("{bits:o}"))
}

/// The file name that ADD gives a download (`__unnamed__` without one).
fn url_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let name = path
        .split_once('/')
        .map_or("", |(_, p)| p)
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or("");
    if name.is_empty() {
        "__unnamed__".to_owned()
    } else {
        name.to_owned()
    }
}

/// What of a cache mount is in the key, and what only tells vertices apart: an id or sharing mode of its own is
/// blanked (`checkShouldClearCacheOpts` of ops/exec.go, since v0.13).
fn cache_mount_key(mount: &Mount, target: &str, instruction: &Lowered) -> (String, String) {
    let namespace = instruction.before.cache_namespace.as_deref().unwrap_or("");
    let own = if mount.id.is_empty() {
        clean_relative(&mount.target)
    } else {
        mount.id.clone()
    };
    let id = format!("{namespace}/{own}");
    let is_default = mount.sharing.is_none_or(|s| s == Sharing::Shared)
        && (id == target || id.split_once('/').is_some_and(|(_, rest)| rest == target));
    let kept = if is_default { id.as_str() } else { "" };
    (
        format!("cache {kept:?} {}", mount.read_only),
        format!("{id} {:?}", mount.sharing),
    )
}

/// Go's `path.Clean`: a leading slash is kept, a relative path stays relative.
fn clean_relative(path: &str) -> String {
    let clean = join_clean("/", path);
    if path.starts_with('/') {
        clean
    } else {
        clean.trim_start_matches('/').to_owned()
    }
}

fn secret_key(mount: &Mount) -> String {
    let given = if mount.source.is_empty() {
        &mount.id
    } else {
        &mount.source
    };
    let base = |path: &str| path.rsplit('/').next().unwrap_or("").to_owned();
    let id = if given.is_empty() {
        base(&mount.target)
    } else {
        given.clone()
    };
    let target = match (mount.target.is_empty(), &mount.env) {
        (false, _) => mount.target.clone(),
        (true, None) => format!("/run/secrets/{}", base(&id)),
        (true, Some(_)) => String::new(),
    };
    format!(
        "secret {:?}",
        (
            id,
            target,
            &mount.env,
            mount.required,
            mount.uid,
            mount.gid,
            mount.mode
        )
    )
}

fn ssh_target(mount: &Mount, n: usize) -> String {
    if mount.target.is_empty() {
        format!("/run/buildkit/ssh_agent.{n}")
    } else {
        mount.target.clone()
    }
}

fn ssh_key(mount: &Mount, n: usize) -> String {
    let id = if mount.id.is_empty() {
        "default"
    } else {
        &mount.id
    };
    format!(
        "ssh {:?}",
        (
            id,
            ssh_target(mount, n),
            mount.required,
            mount.uid,
            mount.gid,
            mount.mode
        )
    )
}

/// What a reader is told of a COPY's definition, part by part.
pub(super) fn copy_definition(copy: &CopyAction, destination: &str) -> Parts {
    let sources: Vec<&str> = copy
        .sources
        .iter()
        .map(|s| match s {
            CopySource::Path(p) | CopySource::Http(p) | CopySource::Git(p) => p.as_str(),
            CopySource::Inline(_, body) => body.as_str(),
        })
        .collect();
    let mut parts = vec![
        (
            "instruction".to_owned(),
            if copy.add { "ADD" } else { "COPY" }.to_owned(),
        ),
        ("source".to_owned(), sources.join(" ")),
        ("destination".to_owned(), destination.to_owned()),
    ];
    if let MountFrom::Image(image) = &copy.from {
        parts.push(("--from".to_owned(), image.clone()));
    }
    let flags = [
        ("--chown", &copy.chown),
        ("--chmod", &copy.chmod),
        ("--checksum", &copy.checksum),
    ];
    parts.extend(
        flags
            .into_iter()
            .filter(|(_, v)| !v.is_empty())
            .map(|(n, v)| (n.to_owned(), v.clone())),
    );
    parts.extend(
        copy.exclude
            .iter()
            .map(|v| ("--exclude".to_owned(), v.clone())),
    );
    parts.extend(
        [("--link", copy.link), ("--parents", copy.parents)]
            .into_iter()
            .filter(|(_, on)| *on)
            .map(|(n, _)| (n.to_owned(), "true".to_owned())),
    );
    parts
}
