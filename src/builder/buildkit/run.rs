//! RUN: what enters its key.

use super::inputs::Inputs;
use super::mount::{Mounted, secret_key, ssh_key, ssh_target};
use super::planner::{Planner, Stage};
use super::source::stage_of;
use crate::builder::key::Key;
use crate::builder::vertex::{Effect, Vertex};
use crate::context::ContentId;
use crate::dockerfile::mount::MountKind;
use crate::graph::{Definition, Lowered, RunAction, RunDefinition, RunMount, State, is_native};
use std::sync::Arc;

const SSH_SOCKET: &str = "SSH_AUTH_SOCK";

impl Planner<'_> {
    pub(super) fn run(
        &mut self,
        stage: &mut Stage<'_>,
        instruction: &Lowered,
        run: &Arc<RunAction>,
    ) {
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
            emulated: !is_native(&stage.platform),
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
}
