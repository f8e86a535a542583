//! Names of BuildKit's vertices: which are steps, and what the others are for.

use super::build::Role;

/// A vertex's name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Step {
        stage: Option<String>,
        index: usize,
        total: usize,
        text: String,
    },
    Internal(Role),
}

/// `[build 4/6] RUN npm ci`, `[internal] load .dockerignore`, `exporting to image`.
pub(super) fn parse_name(name: &str) -> Name {
    step(name).unwrap_or_else(|| Name::Internal(role(name)))
}

fn step(name: &str) -> Option<Name> {
    let (label, text) = name.strip_prefix('[')?.split_once("] ")?;
    let (stage, counter) = match label.rsplit_once(' ') {
        Some((stage, counter)) => (Some(stage.to_owned()), counter),
        None => (None, label),
    };
    let (index, total) = counter.split_once('/')?;
    let (index, total) = (index.parse().ok()?, total.parse().ok()?);
    Some(Name::Step {
        stage,
        index,
        total,
        text: text.to_owned(),
    })
}

fn role(name: &str) -> Role {
    if name.contains("load build context") {
        Role::Context
    } else if name.starts_with("exporting cache") || name.starts_with("preparing build cache") {
        Role::CacheExport
    } else if name.starts_with("exporting")
        || name.starts_with("importing to docker")
        || name.starts_with("pushing")
        || name.starts_with("sending tarball")
    {
        Role::Export
    } else if name.starts_with("[internal] load ")
        || name.starts_with("[internal] booting")
        || name.starts_with("[auth]")
        || name.starts_with("resolve image config")
        || name.starts_with("resolving provenance")
        || name.starts_with("importing cache")
        || name.starts_with("inferred cache")
        || name.starts_with("docker-image://")
        || name.starts_with("starting ")
    {
        Role::Setup
    } else {
        Role::Other
    }
}

/// Whether a line of plain progress may be a vertex's name, when the vertex has none yet.
pub(super) fn is_name(text: &str) -> bool {
    let starts = [
        "[",
        "exporting",
        "importing",
        "resolve image config",
        "resolving provenance",
        "inferred cache",
        "docker-image://",
        "preparing build cache",
    ];
    starts.iter().any(|s| text.starts_with(s))
        || text.starts_with("FROM ")
        || text.starts_with("COPY ")
        || text.starts_with("RUN ")
        || text.starts_with("pushing ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |name: &str, stage: Option<&str>, index, total, text: &str| {
            assert_eq!(
                parse_name(name),
                Name::Step {
                    stage: stage.map(str::to_owned),
                    index,
                    total,
                    text: text.to_owned()
                }
            );
        };
        check("[build 4/6] RUN npm ci", Some("build"), 4, 6, "RUN npm ci");
        check(
            "[2/6] COPY [\"a\", \"b\"] /",
            None,
            2,
            6,
            "COPY [\"a\", \"b\"] /",
        );
        check(
            "[linux/amd64 build 2/4] RUN x",
            Some("linux/amd64 build"),
            2,
            4,
            "RUN x",
        );
        let role = |name: &str, role| assert_eq!(parse_name(name), Name::Internal(role), "{name}");
        role("[internal] load .dockerignore", Role::Setup);
        role("[internal] load build context", Role::Context);
        role("exporting to oci image format", Role::Export);
        role("exporting cache to client directory", Role::CacheExport);
        role("[a/b] x", Role::Other);
        role("", Role::Other);
    }
}
