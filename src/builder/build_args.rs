//! Build arguments as the classic builder keeps them, and kaniko with its code (moby v20.10.24
//! builder/dockerfile/buildargs.go).

use crate::dockerfile::ast::{ArgItem, Instruction, Kind};
use crate::dockerfile::expand::Lexer;
use crate::graph::Env;
use std::collections::BTreeMap;

/// Proxy arguments need no ARG (`builtinAllowedBuildArgs`).
pub(super) const PROXIES: [&str; 8] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// What ARG lines and `--build-arg` say so far in one stage.
pub(super) struct BuildArgs<'a> {
    given: &'a BTreeMap<String, String>,
    meta: BTreeMap<String, Option<String>>,
    allowed: BTreeMap<String, Option<String>>,
    lexer: Lexer,
}

impl<'a> BuildArgs<'a> {
    /// With the ARGs before FROM.
    pub(super) fn new(
        given: &'a BTreeMap<String, String>,
        globals: &[Instruction],
        escape: char,
    ) -> Self {
        let mut this = Self {
            given,
            meta: BTreeMap::new(),
            allowed: BTreeMap::new(),
            lexer: Lexer::new(escape),
        };
        for item in globals.iter().flat_map(items) {
            let value = item
                .default
                .as_deref()
                .map(|text| this.expand(text, &|name| this.value(name, &this.meta)));
            this.meta.insert(item.name.clone(), value);
        }
        this
    }

    /// A stage declares nothing of an earlier one's.
    pub(super) fn start_stage(&mut self) {
        self.allowed.clear();
    }

    /// ARG: returns its arguments with their defaults expanded, as the image's history has them.
    pub(super) fn declare(&mut self, instruction: &Instruction, env: &Env) -> String {
        let mut words = Vec::new();
        for item in items(instruction) {
            let lookup = |name: &str| {
                env.get(name)
                    .map(str::to_owned)
                    .or_else(|| self.value(name, &self.allowed))
            };
            let default = item
                .default
                .as_deref()
                .map(|text| self.expand(text, &lookup));
            words.push(
                default
                    .as_ref()
                    .map_or(item.name.clone(), |value| format!("{}={value}", item.name)),
            );
            self.allowed.insert(item.name.clone(), default);
        }
        words.join(" ")
    }

    /// What a RUN gets besides ENV, sorted, and how many build arguments there are in all: proxies count, but only
    /// declared ones are spelled out (`FilterAllowed`, `prependEnvOnCmd`).
    pub(super) fn for_run(&self, env: &BTreeMap<String, String>) -> (Vec<(String, String)>, usize) {
        let names = self.allowed.keys().map(String::as_str).chain(
            PROXIES
                .into_iter()
                .filter(|p| !self.allowed.contains_key(*p)),
        );
        let all: Vec<(String, String)> = names
            .filter(|name| !env.contains_key(*name))
            .filter_map(|name| Some((name.to_owned(), self.value(name, &self.allowed)?)))
            .collect();
        let n = all.len();
        let mut spelled: Vec<_> = all
            .into_iter()
            .filter(|(name, _)| self.allowed.contains_key(name))
            .collect();
        spelled.sort();
        (spelled, n)
    }

    fn value(&self, name: &str, scope: &BTreeMap<String, Option<String>>) -> Option<String> {
        let default = || {
            scope
                .get(name)
                .cloned()
                .flatten()
                .or_else(|| self.meta.get(name).cloned().flatten())
        };
        self.given.get(name).cloned().or_else(default)
    }

    fn expand(&self, text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
        // The lowering has refused what cannot be expanded.
        self.lexer
            .word(text, lookup)
            .unwrap_or_else(|_| text.to_owned())
    }
}

/// The names of an ARG instruction.
pub(super) fn items(instruction: &Instruction) -> &[ArgItem] {
    match &instruction.kind {
        Kind::Arg(items) => items,
        _ => &[],
    }
}
