//! Where the parts of a chain that go find themselves, without the parts between that stay.

use super::super::command::EVERYWHERE;
use super::super::layout::{BASE, absolute, is_within};
use super::settle::places;
use super::slice::Slice;
use super::state::Kind;
use super::unit::Unit;

/// Directories that are in every image.
const ALWAYS: [&str; 5] = ["/", "/opt", "/root", "/tmp", "/usr/local"];

impl Slice<'_, '_> {
    /// Has the RUN above go back where the whole chain does: `cd /a && … && cd / && rm -r /a && …`. `None` where something
    /// would run in a directory that is gone by then.
    pub(super) fn keep_directories(&mut self) -> Option<()> {
        let chain = self.chain;
        let is_cd = |n: &usize| matches!(chain.units[*n].kind, Kind::Cd { .. });
        let Some(first) = self.above.iter().copied().find(is_cd) else {
            return Some(());
        };
        let last = self.taken.last().copied().unwrap_or_default();
        let leads = |n: &usize| {
            let to = self.target(*n);
            is_cd(n) && to.is_some_and(|to| ALWAYS.contains(&to.as_str()))
        };
        let back: Vec<usize> = (first..last).filter(leads).collect();
        self.above.extend(back);
        let (mut came, mut is_gone) = (first, false);
        for &n in &self.above {
            let unit = &chain.units[n];
            match unit.kind {
                Kind::Cd { .. } => (came, is_gone) = (n, false),
                Kind::Work | Kind::Closed => {
                    let has_left = (came + 1..n).any(|m| is_cd(&m));
                    let is_plain = |u: &Unit| u.seen.iter().all(|s| EVERYWHERE.contains(&s.name()));
                    if is_gone && has_left && !is_plain(unit) {
                        return None;
                    }
                    let to = self.target(came);
                    is_gone |= to.is_none_or(|to| takes_away(unit, &to));
                }
                _ => {}
            }
        }
        Some(())
    }

    /// Where the `cd` that is part `n` leads.
    pub(super) fn target(&self, n: usize) -> Option<String> {
        let start = self.chain.place.cwd.as_deref().unwrap_or(BASE);
        let seen = self.chain.units[n].seen.first()?;
        let from = absolute(Some(start), seen.directory.as_deref()?)?;
        absolute(Some(&from), seen.args().first()?)
    }
}

/// Whether a part takes a directory away, or one above it.
pub(super) fn takes_away(unit: &Unit, directory: &str) -> bool {
    let takes = |name: &str| matches!(name, "mv" | "rm" | "rmdir");
    unit.seen.iter().any(|s| takes(s.name()))
        && places(&unit.effect).iter().any(|p| is_within(directory, p))
}
