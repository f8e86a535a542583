//! The COPYs of what an install reads.

use super::super::installs::relative;
use super::super::layout::is_within;
use super::super::view::Feature;
use super::Lift;
use super::proposal::is_lock;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

impl Lift<'_, '_> {
    /// The COPYs of what is missing, one for each directory.
    pub(in crate::restructure) fn copy_lines(&self) -> Option<Vec<String>> {
        let mut lines = Vec::new();
        let mut done: BTreeSet<&String> = BTreeSet::new();
        for dir in &self.install.dirs {
            let inside: Vec<&(String, RepoPath, usize)> = self
                .missing
                .iter()
                .filter(|(to, ..)| is_within(to, dir))
                .collect();
            let Some((to, from, by)) = inside.first() else {
                continue;
            };
            let Some(source) = context_dir(to, from, dir) else {
                continue;
            };
            let whole = self
                .of
                .view
                .files
                .iter()
                .filter(|(p, _)| p.strip_prefix(&source).is_some())
                .count();
            if source.is_root()
                || whole != inside.len()
                || inside.iter().any(|(_, _, b)| b != by)
                || inside.iter().any(|(to, ..)| done.contains(to))
            {
                continue;
            }
            done.extend(inside.iter().map(|(to, ..)| to));
            let to = format!("{}/", self.destination(dir).trim_end_matches('/'));
            lines.push(self.line(&[source.to_string()], &to, *by, "")?);
        }
        let mut groups: BTreeMap<(String, usize), Vec<String>> = BTreeMap::new();
        for (to, from, by) in self.missing.iter().filter(|(to, ..)| !done.contains(to)) {
            let (dir, name) = to.rsplit_once('/')?;
            if from.file_name() == Some(name.as_bytes()) {
                groups
                    .entry((dir.to_owned(), *by))
                    .or_default()
                    .push(from.to_string());
            } else {
                lines.push(self.line(&[from.to_string()], &self.destination(to), *by, "")?);
            }
        }
        let mut ordered = Vec::new();
        for ((dir, by), mut sources) in groups {
            sources.sort_by_key(|s| is_lock(s));
            let dir = if dir.is_empty() { "/".to_owned() } else { dir };
            let to = self.destination(&dir);
            ordered.push(self.line(&sources, &format!("{}/", to.trim_end_matches('/')), by, "")?);
        }
        ordered.extend(lines);
        Some(ordered)
    }

    /// One `COPY --parents` of everything that is missing, members by pattern; `None` where the syntax has it not, or
    /// the files do not keep their directories.
    pub(in crate::restructure) fn parents_line(&self) -> Option<String> {
        if !self.of.view.has(Feature::Parents) {
            return None;
        }
        let (to, from, by) = self.missing.first()?;
        let base = to
            .strip_suffix(&from.to_string())?
            .trim_end_matches('/')
            .to_owned();
        let keeps =
            |(to, from, b): &(String, RepoPath, usize)| b == by && *to == format!("{base}/{from}");
        if !self.missing.iter().all(keeps) {
            return None;
        }
        let wanted: BTreeSet<&RepoPath> = self.missing.iter().map(|(_, from, _)| from).collect();
        let mut sources: BTreeSet<String> = BTreeSet::new();
        let mut covered: BTreeSet<&RepoPath> = BTreeSet::new();
        for (_, from, _) in &self.missing {
            if covered.contains(from) {
                continue;
            }
            let pattern = sibling_pattern(from);
            let matched = pattern
                .as_ref()
                .map(|p| {
                    super::super::layout::selected(self.of.view.files.iter().map(|(f, _)| f), p)
                })
                .unwrap_or_default();
            // A pattern must not bring what nobody reads.
            if matched.len() > 1 && matched.iter().all(|m| wanted.contains(m)) {
                covered.extend(matched);
                sources.extend(pattern);
            } else {
                sources.insert(from.to_string());
            }
        }
        let to = self.destination(if base.is_empty() { "/" } else { &base });
        let sources: Vec<String> = sources.into_iter().collect();
        self.line(
            &sources,
            &format!("{}/", to.trim_end_matches('/')),
            *by,
            " --parents",
        )
    }

    /// Bind mounts of what is missing, for the RUN itself; `None` where it writes beside them.
    pub(in crate::restructure) fn destination(&self, to: &str) -> String {
        match relative(to, &self.cwd) {
            Some(rest) if rest.is_empty() => ".".to_owned(),
            // From the root, the plain path is the same and clearer; so it is where no WORKDIR says where that is.
            Some(_) if !self.of.is_set(self.install.run, &self.cwd) => to.to_owned(),
            Some(rest) => format!("./{rest}"),
            None => to.to_owned(),
        }
    }

    /// `COPY flags sources to`, in the JSON form where a path needs it.
    pub(super) fn line(
        &self,
        sources: &[String],
        to: &str,
        by: usize,
        more: &str,
    ) -> Option<String> {
        let original = &self.of.stage.instructions[by];
        let mut flags = String::from(more);
        for flag in original
            .flags
            .iter()
            .filter(|f| matches!(f.name.as_str(), "chown" | "chmod" | "link"))
        {
            flags.push(' ');
            flags.push_str(self.of.view.text().get(flag.span.range())?);
        }
        let is_pattern = more.contains("parents");
        let odd = |s: &String| {
            s.contains(['$', '\\', '"', '[', '`'])
                || s.starts_with("--")
                || (!is_pattern && s.contains(['*', '?']))
        };
        if sources.iter().any(odd) || to.contains(['$', '\\', '"', '[', '`']) {
            return None;
        }
        if sources.iter().any(|s| s.contains(' ')) || to.contains(' ') {
            let all: Vec<String> = sources
                .iter()
                .map(String::as_str)
                .chain([to])
                .map(|s| format!("\"{s}\""))
                .collect();
            return Some(format!("COPY{flags} [{}]", all.join(", ")));
        }
        Some(format!("COPY{flags} {} {to}", sources.join(" ")))
    }
}

/// The context's directory that stands at image directory `dir`, given one file below it.
pub(super) fn context_dir(to: &str, from: &RepoPath, dir: &str) -> Option<RepoPath> {
    let rest = to.strip_prefix(dir)?.trim_start_matches('/');
    let from = from.to_string();
    let up = from.strip_suffix(rest)?;
    Some(RepoPath::new(up))
}

/// `packages/*/package.json` for `packages/a/package.json`.
pub(super) fn sibling_pattern(path: &RepoPath) -> Option<String> {
    let names: Vec<String> = path
        .names()
        .map(|n| String::from_utf8_lossy(n).into_owned())
        .collect();
    let [up @ .., _, file] = names.as_slice() else {
        return None;
    };
    (!up.is_empty()).then(|| format!("{}/*/{file}", up.join("/")))
}
