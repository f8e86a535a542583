//! The system packages that a chain takes out again at its end, by name.

use super::super::command::removes;
use super::unit::{Chain, Unit};
use crate::shell::{Command, Seen};
use std::collections::BTreeSet;

/// What the parts of a chain take out again.
pub(super) struct Removed<'c, 'a> {
    chain: &'c Chain<'a>,
    /// `None` where it may be any package.
    names: Option<BTreeSet<String>>,
}

impl<'c, 'a> Removed<'c, 'a> {
    /// What `units` of `chain` take out.
    pub(super) fn by(chain: &'c Chain<'a>, units: &[&Unit]) -> Self {
        let seen = || units.iter().flat_map(|u| u.seen.iter());
        // Which packages were asked for by name is then said anew.
        let marks = |s: &Seen| matches!(s.name(), "apt-mark" | "deborphan");
        let removers = seen().filter(|s| removes(s) || marks(s));
        let names: Option<Vec<BTreeSet<String>>> = removers.map(|s| names(chain, s)).collect();
        Self {
            chain,
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
                let words = self.chain.words_of(word);
                words.into_iter().any(|w| !is_known(&w) || is_removed(w))
            })
    }
}

impl Chain<'_> {
    /// The words that `word` comes to where it is a variable which the chain sets once, to words as they are; else itself.
    fn words_of<'w>(&'w self, word: &'w str) -> Vec<&'w str> {
        let name = word.strip_prefix('$').unwrap_or_default();
        let name = name
            .strip_prefix('{')
            .and_then(|n| n.strip_suffix('}'))
            .unwrap_or(name);
        // `export NAME=…`, `read NAME`, `for NAME in …`.
        let is_told = |c: &Command| {
            let mut words = c.words.iter().chain(&c.over);
            words.any(|w| w.text.split('=').next() == Some(name))
        };
        let all = || self.script.commands.iter();
        let sets = |c: &&Command| {
            c.assignments
                .iter()
                .any(|a| a.name.trim_end_matches('+') == name)
        };
        let set: Vec<&Command> = all().filter(sets).collect();
        let value = match set.as_slice() {
            [one] if one.words.is_empty() && one.nesting.is_empty() && !all().any(is_told) => {
                one.assignments.iter().find(|a| a.name == name)
            }
            _ => None,
        };
        match value.filter(|a| !a.value.contains(['$', '`', '*'])) {
            Some(value) => value.value.split_whitespace().collect(),
            None => vec![word],
        }
    }
}

/// The packages that a command takes out, as it names them; `None` where others may go too that were asked for by name.
fn names(chain: &Chain<'_>, seen: &Seen) -> Option<BTreeSet<String>> {
    let known = matches!(
        seen.name(),
        "apk" | "apt" | "apt-get" | "dnf" | "microdnf" | "tdnf" | "yum"
    );
    // What nothing asked for by name needs any more is no package of another part.
    let named = seen
        .args()
        .iter()
        .filter(|w| !w.starts_with('-') && *w != seen.subcommand())
        .flat_map(|w| chain.words_of(w));
    let named: BTreeSet<&str> = named.collect();
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
