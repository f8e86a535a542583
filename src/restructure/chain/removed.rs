//! The system packages that a chain takes out again at its end, by name.

use super::super::command::removes;
use super::unit::Unit;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// What the parts of a chain take out again.
pub(super) struct Removed {
    /// `None` where it may be any package.
    names: Option<BTreeSet<String>>,
}

impl Removed {
    /// What `units` take out.
    pub(super) fn by(units: &[&Unit]) -> Self {
        let seen = || units.iter().flat_map(|u| u.seen.iter());
        // Which packages were asked for by name is then said anew.
        let marks = |s: &Seen| matches!(s.name(), "apt-mark" | "deborphan");
        let removers = seen().filter(|s| removes(s) || marks(s));
        let names: Option<Vec<BTreeSet<String>>> = removers.map(names).collect();
        Self {
            names: names.map(|names| names.into_iter().flatten().collect()),
        }
    }

    /// Whether a part puts in some of it: what stays in its layer would be more than in the one layer of before.
    pub(super) fn holds(&self, unit: &Unit) -> bool {
        let Some(removed) = &self.names else {
            return unit.installs_system();
        };
        let is_known = |word: &&str| !word.contains(['$', '`', '*', '/']);
        let is_removed = |word: &str| removed.contains(bare(word));
        unit.installs_system()
            && unit.seen.iter().flat_map(Seen::args).any(|word| {
                let word = word
                    .split_once('=')
                    .filter(|_| word.starts_with('-'))
                    .map_or(word.as_str(), |(_, value)| value);
                !is_known(&word) || is_removed(word)
            })
    }
}

/// The packages that a command takes out, as it names them; `None` where others may go too that were asked for by name.
fn names(seen: &Seen) -> Option<BTreeSet<String>> {
    let known = matches!(
        seen.name(),
        "apk" | "apt" | "apt-get" | "dnf" | "microdnf" | "tdnf" | "yum"
    );
    // What nothing asked for by name needs any more is no package of another part.
    let named = seen
        .args()
        .iter()
        .filter(|w| !w.starts_with('-') && *w != seen.subcommand());
    let named: BTreeSet<String> = named.cloned().collect();
    let is_plain = named
        .iter()
        .all(|n| !n.contains(['$', '`', '*', '?', '[', '^']));
    (known && is_plain).then(|| named.iter().map(|n| bare(n).to_owned()).collect())
}

/// A package's name without its version.
fn bare(word: &str) -> &str {
    let end = word.find(['=', '<', '>', '~', ':', '@']);
    end.map_or(word, |end| &word[..end])
}
