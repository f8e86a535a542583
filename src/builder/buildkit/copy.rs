//! COPY and ADD: what they read, what enters their key, where they put it.

use super::inputs::{Inputs, plain};
use super::names::hidden;
use super::planner::{Planner, Stage};
use super::source::stage_of;
use crate::builder::key::{Key, digest};
use crate::builder::vertex::{CopyEffect, Effect, Vertex, VertexInput};
use crate::context::CopyOptions;
use crate::context::Selector;
use crate::context::has_wildcards;
use crate::graph::join_clean;
use crate::graph::{CopyAction, CopySource, Lowered, MountFrom, Parts};

impl Planner<'_> {
    pub(super) fn copy(&mut self, stage: &mut Stage<'_>, instruction: &Lowered, copy: &CopyAction) {
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
    pub(super) fn merge(
        &mut self,
        stage: &mut Stage<'_>,
        instruction: &Lowered,
        below: (Option<usize>, Option<usize>),
    ) {
        let (Some(base), Some(copied)) = (below.0, stage.current) else {
            return;
        };
        let vertex = Vertex {
            key: digest("merge"),
            inputs: [base, copied].map(VertexInput::base).into(),
            effect: Effect::Merge,
            unknown: stage.unknown.clone(),
        };
        let objects = below.1.into_iter().chain(stage.object).collect();
        let shown = hidden(instruction, &format!("LINK {}", instruction.text));
        stage.current = Some(self.add(stage, shown, vertex, "", objects));
        stage.object = Some(self.objects.len() - 1);
    }
}

pub(in crate::builder) fn selector(path: &str, copy: &CopyAction) -> Selector {
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
        wildcard: has_wildcards(&path),
        path,
        exclude: copy.exclude.clone(),
        parents: false,
    }
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
pub(in crate::builder) fn destination(cwd: &str, written: &str) -> String {
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
pub(super) fn owner(chown: &str) -> String {
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

/// What a reader is told of a COPY's definition, part by part.
pub(in crate::builder) fn copy_definition(copy: &CopyAction, destination: &str) -> Parts {
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
