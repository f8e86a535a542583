//! What stays of a chain changes what goes: the image then holds it as it was and as it is.

use super::super::layout::{BASE, absolute, expand, is_within, mentioned, overlap};
use super::settle::{all_of, places, shown};
use super::slice::Slice;
use super::state::Kind;
use crate::restructure::effect::Files;
use crate::restructure::system_places::{OF_MANAGERS, SYSTEM_PLACES};
use crate::shell::Seen;
use std::collections::BTreeSet;

impl Slice<'_, '_> {
    /// Says what of the parts that go is changed as a whole, or taken away, by one that stays.
    pub(super) fn doubt_changes(&mut self) {
        let chain = self.chain;
        let taken: Vec<_> = self.taken.iter().map(|&n| &chain.units[n]).collect();
        let made: BTreeSet<String> = taken.iter().flat_map(|u| places(&u.effect)).collect();
        let has_system = taken.iter().any(|u| u.installs_system());
        let mut changing = Vec::new();
        for &n in &self.below {
            let reworks = chain.units[n].seen.iter().filter(|s| reworks(s));
            let mut named = reworks.flat_map(|s| self.operands(s));
            let is_of_system = |p: &String| {
                let is_kept = OF_MANAGERS.iter().any(|m| is_within(p, m));
                !is_kept && (SYSTEM_PLACES.iter().any(|s| is_within(s, p)) || is_shared(p))
            };
            let is_it =
                |p: &String| (has_system && is_of_system(p)) || made.iter().any(|m| overlap(m, p));
            if named.any(|place| place.as_ref().is_some_and(is_it)) {
                changing.push(shown(chain.text_of(n)));
            }
        }
        if let Some((what, are_several)) = all_of(&changing) {
            let change = if are_several { "change" } else { "changes" };
            self.grows = true;
            self.doubts.push(format!(
                "what {what} {change} of what is made above is then in the image twice: check that it may be so much larger"
            ));
        }
    }

    /// Whether each place that parts that stay change as a whole, or take away, is their own: it has one of `names` in its
    /// path, which the parts that go do not know, or an earlier one of theirs alone speaks of it.
    pub(super) fn changes_its_own(&self, names: &BTreeSet<String>) -> bool {
        let chain = self.chain;
        let above = self.said();
        let mut before = String::new();
        self.below.iter().all(|&n| {
            let seen = chain.units[n].seen.iter();
            let mut words = seen
                .filter(|s| reworks(s) || s.name() == "rm")
                .flat_map(operands);
            let is_own = |word: &&String| {
                let by_name = mentioned(word).iter().any(|m| names.contains(m));
                let bare = word.trim_end_matches(['/', '*']);
                by_name || bare.len() > 1 && before.contains(bare) && !above.contains(bare)
            };
            let all_own = words.all(|w| is_own(&w));
            before.push_str(chain.text_of(n));
            before.push('\n');
            all_own
        })
    }

    /// The places that a command is told, absolute as far as they are known.
    fn operands<'s>(&self, seen: &'s Seen) -> impl Iterator<Item = Option<String>> + use<'s, '_> {
        let place = self.chain.place;
        let start = place.cwd.as_deref().unwrap_or(BASE);
        let here = seen
            .directory
            .as_deref()
            .and_then(|d| absolute(Some(start), d));
        operands(seen).map(move |word| {
            let path = expand(word, &place.variables)?;
            let bare = path.trim_end_matches(['/', '*']);
            let is_root = bare.is_empty() && path.starts_with('/');
            absolute(here.as_deref(), if is_root { "/" } else { bare })
        })
    }

    /// Whether a part goes of which it is not known what it touches.
    pub(super) fn goes_unknown(&self) -> Option<usize> {
        let units = &self.chain.units;
        let is_unknown = |n: &&usize| {
            !matches!(units[**n].effect.files, Files::Commands(_))
                || units[**n].kind == Kind::Closed
        };
        self.taken.iter().find(is_unknown).copied()
    }
}

/// Whether much of what packages bring lies at a place or below it.
fn is_shared(path: &str) -> bool {
    let much = ["/usr/lib", "/usr/local", "/var/lib"];
    much.contains(&path) || is_within(path, "/usr/share")
}

/// Whether a command changes, or takes away, all that lies below a place.
fn reworks(seen: &Seen) -> bool {
    let args = seen.args();
    let says = |short: char, long: &str| {
        args.iter().any(|a| {
            a == long || a.starts_with('-') && !a.starts_with("--") && a[1..].contains(short)
        })
    };
    match seen.name() {
        "chgrp" | "chmod" | "chown" => says('R', "--recursive"),
        "find" => args
            .iter()
            .any(|a| matches!(a.as_str(), "-delete" | "-exec" | "-execdir" | "-ok")),
        "rm" => says('r', "--recursive") || says('R', "--recursive"),
        "fdupes" | "hardlink" | "mv" | "rdfind" | "strip" | "upx" => true,
        _ => false,
    }
}

/// The words of a command that may be places.
fn operands(seen: &Seen) -> impl Iterator<Item = &String> {
    let is_search = seen.name() == "find";
    let words = seen.args().iter();
    let words = words.take_while(move |w| !is_search || !w.starts_with(['-', '(', '!']));
    let mut words = words.filter(|w| !w.starts_with('-'));
    // Whose, and which mode.
    if matches!(seen.name(), "chgrp" | "chmod" | "chown") {
        words.next();
    }
    words
}
