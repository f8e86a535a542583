//! What of the context a copy of all of it takes along: no ignore file, the checkout's `.git`.

use super::super::git::asked::has_git;
use super::super::layout::reachable;
use super::super::view::View;
use super::copied::takes_root;
use super::kind::Finding;
use crate::dockerfile::ast::Kind;

pub(super) fn context_findings(view: &View<'_>) -> Vec<Finding> {
    let stages = reachable(view.dockerfile, view.target);
    let broad = stages
        .iter()
        .flat_map(|&s| &view.dockerfile.stages[s].instructions)
        .find(|i| match &i.kind {
            Kind::Copy(t) | Kind::Add(t) => i.flag("from").is_none() && takes_root(t),
            _ => false,
        });
    let Some(broad) = broad else {
        return Vec::new();
    };
    let line = broad.lines.first;
    let mut found = Vec::new();
    if view.ignore.is_none() {
        found.push(Finding { line, kind: "no-ignore-file", text: format!("There is no .dockerignore, and line {line} copies the whole context: every file of the repository counts."), rule: Some("ignore"), builds: None });
    }
    if has_git(view) {
        found.push(Finding {
            line,
            kind: "git-in-context",
            text: format!("`.git` is part of the context, and line {line} copies it: it differs at every commit, so nothing below is ever cached."),
            rule: Some("ignore"),
            builds: Some(view.n_builds()),
        });
    }
    found
}
