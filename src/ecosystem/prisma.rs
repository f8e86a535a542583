//! Prisma: what its client is generated from.

use super::files::Files;
use super::needs::{Needs, within};
use crate::tree::RepoPath;
use serde_json::Value;

/// `@prisma/client` generates itself at install from the schema if it finds one.
pub(super) fn client(files: &Files<'_>, dir: &RepoPath, manifest: &Value, needs: &mut Needs) {
    let uses = ["dependencies", "devDependencies"].iter().any(|k| {
        manifest
            .get(*k)
            .is_some_and(|d| d.get("@prisma/client").is_some())
    });
    if uses {
        schema(files, dir, manifest, needs);
    }
}

/// Adds the schema that Prisma finds by itself; says whether there is one.
pub(super) fn schema(
    files: &Files<'_>,
    dir: &RepoPath,
    manifest: &Value,
    needs: &mut Needs,
) -> bool {
    let named = manifest
        .pointer("/prisma/schema")
        .and_then(Value::as_str)
        .and_then(|p| within(dir, p));
    let mut found = named.is_some_and(|p| needs.path(files, &p));
    for path in ["prisma/schema.prisma", "schema.prisma"] {
        found |= needs.file(files, &dir.join(path.as_bytes()));
    }
    let schemas: Vec<RepoPath> = files
        .below(&dir.join(b"prisma/schema"))
        .filter(|p| p.as_bytes().ends_with(b".prisma"))
        .cloned()
        .collect();
    found |= !schemas.is_empty();
    needs.files.extend(schemas);
    needs.names(
        files,
        dir,
        &["prisma.config.ts", "prisma.config.js", "prisma.config.mjs"],
    );
    if found {
        needs.shown(
            "the Prisma schema, which the client is generated from, is copied with it".to_owned(),
        );
    }
    found
}
