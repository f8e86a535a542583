//! What an ecosystem says of a command: how its dependencies can be resolved, from what, and where downloads are kept.

use super::call::Call;
use super::needs::Needs;

/// How dependencies can be resolved before the source is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The command does nothing else: it can stand above the source itself.
    Install,
    /// The command needs the source; this one, put above it, resolves the dependencies, and the command itself stays.
    Prefetch(String),
    /// As [`Self::Prefetch`], where the command itself looks elsewhere for what is there and would do it all again: it
    /// is given the option that keeps it from that.
    PrefetchThen {
        /// What goes above the source.
        line: String,
        /// What the command that stays is given after its verb.
        option: &'static str,
    },
}

/// What is known of one command that resolves dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The ecosystem's name.
    pub ecosystem: &'static str,
    /// Whether the command itself can be moved or another goes before it.
    pub role: Role,
    /// What the dependency-only command reads.
    pub needs: Needs,
}

/// The answer about one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It resolves dependencies, and this is how they can be resolved without the source.
    Plan(Plan),
    /// It resolves dependencies, but not without the source (or there is nothing to gain); the reason is a sentence's
    /// fragment.
    Whole {
        /// The ecosystem's name.
        ecosystem: &'static str,
        /// Why.
        reason: String,
    },
}

/// What an ecosystem says of a call: `None` when it is not its command.
pub(super) type Verdict = Option<Result<(Role, Needs), String>>;

/// One package manager.
#[derive(Clone, Copy)]
pub struct Ecosystem {
    /// Its name in reports.
    pub name: &'static str,
    /// Says what a command is.
    pub(super) plan: fn(&Call<'_>) -> Verdict,
    /// Where a command of this ecosystem keeps downloads that may be thrown away, if it is one.
    pub(super) cache: fn(&Call<'_>) -> Option<CacheDir>,
}

/// A directory of downloads, or of compiled code, that a cache mount can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheDir {
    /// Path in the image; `~` stands for the home directory.
    pub path: &'static str,
    /// True when later steps read it in place (a module cache), so that every step that may read it needs the mount.
    pub is_read_later: bool,
    /// True when two builds at a time must not share it.
    pub is_exclusive: bool,
    /// True when it holds what a compiler made of earlier sources, not downloads.
    pub is_compiled: bool,
    /// The directory that the command is told to keep them in, absolute, in place of [`Self::path`].
    pub told: Option<String>,
}

impl CacheDir {
    /// A cache that only the command itself reads.
    pub(super) const fn of(path: &'static str) -> Option<Self> {
        Some(Self {
            path,
            is_read_later: false,
            is_exclusive: false,
            is_compiled: false,
            told: None,
        })
    }

    /// What a compiler keeps for the next time, and only itself reads.
    pub(super) const fn compiled(path: &'static str) -> Option<Self> {
        Some(Self {
            path,
            is_read_later: false,
            is_exclusive: false,
            is_compiled: true,
            told: None,
        })
    }

    /// A cache that is at once the place where the build looks for its dependencies.
    pub(super) const fn store(path: &'static str) -> Option<Self> {
        Some(Self {
            path,
            is_read_later: true,
            is_exclusive: false,
            is_compiled: false,
            told: None,
        })
    }

    /// As [`Self::store`], where two builds at a time would write over one another.
    pub(super) const fn locked_store(path: &'static str) -> Option<Self> {
        Some(Self {
            path,
            is_read_later: true,
            is_exclusive: true,
            is_compiled: false,
            told: None,
        })
    }
}
