//! Ordered environment lists. Their order is in the key of every RUN.
//!
//! BuildKit keeps two of them for a stage (moby/buildkit client/llb/meta.go `EnvList`,
//! frontend/dockerfile/dockerfile2llb/convert.go `addEnv`): the state's, where an assignment moves the name to the
//! end, and the image's, where it is replaced in place.

use std::sync::Arc;

/// An ordered list of distinct names with values, which are shared: every assignment leaves a list of its own behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env(Vec<(Arc<str>, Arc<str>)>);

impl Env {
    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| **n == *name).map(|(_, v)| &**v)
    }

    /// Removes `name` and appends it with its new value (`EnvList.AddOrReplace`).
    pub fn assign(&mut self, name: &str, value: &str) {
        self.0.retain(|(n, _)| **n != *name);
        self.0.push((name.into(), value.into()));
    }

    /// Replaces `name` where it stands, or appends it (`addEnv`).
    pub fn replace(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(n, _)| **n == *name) {
            Some(entry) => entry.1 = value.into(),
            None => self.0.push((name.into(), value.into())),
        }
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (&**n, &**v))
    }
}
