//! The first parts of a chain in a RUN of their own, right above the rest.

use super::super::installs::mounts;
use super::removed::Removed;
use super::settle::shown;
use super::slice::Slice;
use super::state::{Kind, names_left};
use super::unit::{Chain, Unit};
use crate::restructure::layout::mentioned;
use crate::shell::Seen;
use std::collections::BTreeSet;

impl<'a> Chain<'a> {
    /// How many parts stand before the first that names one of `names`, at most all but the last.
    pub(in crate::restructure) fn n_before(&self, names: &BTreeSet<String>) -> usize {
        let says = |n: &usize| {
            mentioned(self.text_of(*n))
                .iter()
                .any(|m| names.contains(m))
        };
        let last = self.units.len().saturating_sub(1);
        (0..last).find(says).unwrap_or(last)
    }

    /// The first `n` parts, where they install, fetch or build something, leave nothing in the shell that the rest goes by
    /// and is not said again, nothing running, and nothing behind that the rest takes away or changes. `names` are
    /// variables that they do not know.
    pub(in crate::restructure) fn head(
        &self,
        n: usize,
        names: &BTreeSet<String>,
    ) -> Option<Slice<'_, 'a>> {
        let head = &self.units[..n.min(self.units.len())];
        let rest = &self.units[head.len()..];
        let works = |unit: &Unit| matches!(unit.kind, Kind::Work | Kind::Closed);
        let is_worth = |unit: &Unit| unit.is_gain() || unit.effect.groups.is_none();
        if !head.iter().any(|u| works(u) && is_worth(u)) || head.iter().any(starts_service) {
            return None;
        }
        let named: BTreeSet<String> = (head.len()..self.units.len())
            .flat_map(|n| mentioned(self.text_of(n)))
            .collect();
        let is_kept = |n: usize| {
            self.units[n].kind != Kind::Closed
                || names_left(self.commands(self.units[n].pieces))
                    .is_some_and(|left| left.is_disjoint(&named))
        };
        if !(0..head.len()).all(is_kept) || goes_to_another(head, rest) {
            return None;
        }
        let removers: Vec<&Unit> = rest.iter().collect();
        if rest.iter().any(Unit::removes_packages) {
            let removed = Removed::by(self, &removers);
            if head.iter().any(|unit| removed.holds(unit)) {
                return None;
            }
        }
        let taken = (0..head.len()).filter(|n| works(&self.units[*n])).collect();
        let mut slice = self.settled(taken, (0..head.len()).collect(), false)?;
        let unknown = slice.goes_unknown();
        let has_mounts = !mounts(self.instruction, self.place).is_empty();
        let is_own = unknown.is_none() || slice.changes_its_own(names);
        if slice.grows || !is_own || unknown.is_some() && has_mounts {
            return None;
        }
        if let Some(unknown) = unknown {
            slice.doubts.push(format!(
                "check that `{}` leaves nothing running, and nothing behind that the rest of line {} takes away",
                shown(self.text_of(unknown)),
                self.instruction.lines.first
            ));
        }
        Some(slice)
    }
}

/// Whether a part starts what the rest may ask: it ends with its RUN.
fn starts_service(unit: &Unit) -> bool {
    let starters = [
        "Xvfb",
        "containerd",
        "dbus-daemon",
        "dockerd",
        "gpg-agent",
        "httpd",
        "initctl",
        "mongod",
        "mysqld",
        "mysqld_safe",
        "nginx",
        "pg_ctl",
        "pg_ctlcluster",
        "rc-service",
        "redis-server",
        "service",
        "ssh-agent",
        "start-stop-daemon",
        "supervisord",
        "systemctl",
    ];
    let is_one = |s: &Seen| {
        let word = s.words.first().map_or("", String::as_str);
        starters.contains(&s.name())
            || word.contains("/init.d/")
            || s.args()
                .iter()
                .any(|a| a.starts_with("--daemon") || a == "start" || a == "--fork")
    };
    unit.seen.iter().any(is_one)
}

/// Whether the rest goes to a version of what the first parts clone as it is now: the clone has to be as new as that.
fn goes_to_another(head: &[Unit], rest: &[Unit]) -> bool {
    let git = |units: &[Unit], verbs: &[&str]| {
        let mut seen = units.iter().flat_map(|u| &u.seen);
        seen.any(|s| s.name() == "git" && verbs.contains(&s.subcommand()))
    };
    git(head, &["clone", "fetch", "init", "pull"])
        && git(
            rest,
            &[
                "checkout",
                "describe",
                "reset",
                "rev-parse",
                "submodule",
                "switch",
                "worktree",
            ],
        )
}
