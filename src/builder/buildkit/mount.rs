//! RUN --mount: what of a mount is in the key.

use super::planner::{Planner, Stage};
use crate::builder::vertex::{Effect, Vertex, VertexSource};
use crate::dockerfile::mount::{Mount, MountKind, Sharing};
use crate::graph::join_clean;
use crate::graph::{Lowered, MountFrom};

/// A mount on its way to the key.
pub(super) struct Mounted {
    pub(super) target: String,
    pub(super) source: Option<VertexSource>,
    /// Path within the source; not in the key, only its content is.
    pub(super) path: String,
    pub(super) key: String,
    /// What tells vertices apart without being in the key.
    pub(super) full: String,
}

impl Planner<'_> {
    pub(super) fn mount(
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
            let settings = (mount.uid, mount.gid, mount.mode, source);
            let key = format!("cache permissions {settings:?}");
            let effect = Effect::File("cache".to_owned(), String::new());
            let vertex = Vertex::on(None, &key, effect);
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

pub(super) fn secret_key(mount: &Mount) -> String {
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

pub(super) fn ssh_target(mount: &Mount, n: usize) -> String {
    if mount.target.is_empty() {
        format!("/run/buildkit/ssh_agent.{n}")
    } else {
        mount.target.clone()
    }
}

pub(super) fn ssh_key(mount: &Mount, n: usize) -> String {
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
