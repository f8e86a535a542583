//! What an instruction contributes to its cache key, in words for people.

use super::lowered::RunAction;
use super::lowered::State;
use std::borrow::Cow;
use std::sync::Arc;

/// Part by part in a fixed order: (`what`, value), for instance (`argument BAR`, `1`).
pub type Parts = Vec<(String, String)>;

/// What an instruction contributes to its cache key. Equal parts are equal definitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// As it is.
    Parts(Parts),
    /// A RUN's under BuildKit, put into words where somebody asks: its environment has dozens of variables, in each of
    /// thousands of steps of which few are looked at.
    Run(RunDefinition),
}

/// A RUN and what it finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDefinition {
    /// The instruction.
    pub run: Arc<RunAction>,
    /// Its environment, working directory and user.
    pub before: Arc<State>,
    /// A variable that one of its mounts adds.
    pub added: Option<(&'static str, String)>,
    /// Whether its programs are of another platform than the builder's machine, which emulates theirs.
    pub emulated: bool,
}

/// More variables than this of one step are not told apart for people; they all count in the key.
const MAX_SHOWN_ENV: usize = 200;

impl Default for Definition {
    fn default() -> Self {
        Self::Parts(Parts::new())
    }
}

impl From<Parts> for Definition {
    fn from(parts: Parts) -> Self {
        Self::Parts(parts)
    }
}

impl Definition {
    /// All parts.
    pub fn parts(&self) -> Cow<'_, [(String, String)]> {
        match self {
            Self::Parts(parts) => Cow::Borrowed(parts),
            Self::Run(run) => Cow::Owned(run.parts()),
        }
    }
}

impl RunDefinition {
    fn parts(&self) -> Parts {
        let Self {
            run,
            before,
            added,
            emulated: _,
        } = self;
        let mut parts = vec![("command".to_owned(), run.command_text())];
        if run.shell_form {
            let shell = &run.args[..run.args.len().saturating_sub(1)];
            parts.push(("shell".to_owned(), shell.join(" ")));
        }
        let added = added.iter().map(|(name, value)| (*name, value.as_str()));
        let env: Vec<(&str, &str)> = before.env.iter().chain(added).collect();
        // Of a list that nobody reads, its end: where the latest assignments are.
        for (name, value) in &env[env.len().saturating_sub(MAX_SHOWN_ENV)..] {
            let is_argument = before.args.iter().any(|(n, _)| n == name);
            let kind = if is_argument { "argument" } else { "variable" };
            parts.push((format!("{kind} {name}"), (*value).to_owned()));
        }
        parts.push(("working directory".to_owned(), before.cwd.clone()));
        parts.push(("user".to_owned(), before.user.clone()));
        for (n, mount) in run.mounts.iter().enumerate() {
            parts.push((format!("mount {}", n + 1), mount.written.clone()));
        }
        let flags = [("network", &run.network), ("security", &run.security)];
        let given = flags
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        parts.extend(given);
        parts
    }
}
