//! The versions that each build's own Dockerfile names: tags of images, values of ARG and ENV.

use super::question::Question;
use crate::replay::Settings;
use crate::restructure::past::{Name, Slots, Versions, changed};
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// The versions that each build's own Dockerfile names, where they are not today's.
pub(super) struct Past {
    pub(super) now: Versions,
    /// Each set of versions that was in use at some time; the first is today's.
    pub(super) eras: Vec<Versions>,
    /// For each build its era.
    pub(super) of_build: Vec<usize>,
    /// Whether something in the build reads `.git`, where that is known.
    pub(super) git: Option<bool>,
    /// Words of the installs that read the source.
    pub(super) from_source: BTreeSet<Vec<String>>,
}

/// Whether builds see the checkout's `.git`, another one at each of them.
pub(super) fn has_git_dir(settings: &Settings) -> bool {
    settings.git_dir && RepoPath::new(&settings.context).is_root()
}

impl Past {
    pub(super) fn of(question: &Question<'_>) -> Self {
        let now = Slots::of(&question.dockerfile).versions();
        let mut past = Self {
            now,
            eras: vec![Versions::new()],
            of_build: Vec::new(),
            git: None,
            from_source: BTreeSet::new(),
        };
        let mut known: BTreeMap<&[u8], usize> = BTreeMap::new();
        for input in question.inputs {
            let text = match input.watched.first() {
                Some(Ok(Some(text))) => text.as_ref(),
                _ => b"",
            };
            let era = *known.entry(text).or_insert_with(|| {
                let text = std::str::from_utf8(text).unwrap_or_default();
                let own = changed(&past.now, &Slots::of(text).versions());
                let old = past.eras.iter().position(|e| *e == own);
                old.unwrap_or_else(|| {
                    past.eras.push(own);
                    past.eras.len() - 1
                })
            });
            past.of_build.push(era);
        }
        past
    }

    /// For each version that changed, in how many builds it did.
    pub(super) fn bumps(&self) -> BTreeMap<Name, usize> {
        let mut bumps = BTreeMap::new();
        for pair in self.of_build.windows(2).filter(|pair| pair[0] != pair[1]) {
            let (old, new) = (&self.eras[pair[0]], &self.eras[pair[1]]);
            let names: BTreeSet<&Name> = old.keys().chain(new.keys()).collect();
            for name in names {
                if old.get(name) != new.get(name) {
                    *bumps.entry(name.clone()).or_default() += 1;
                }
            }
        }
        bumps
    }
}
