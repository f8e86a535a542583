//! What a chain still says when parts of it are taken out, and what those say above it.

use super::super::command::cleans_up;
use super::super::effect::{Effect, Files};
use super::super::layout::{BASE, absolute, is_within, mentioned, overlap};
use super::super::mentions::holds;
use super::super::sentence;
use super::super::system_places::OF_MANAGERS;
use super::directories::takes_away;
use super::mounts::of_mounts;
use super::slice::Slice;
use super::state::Kind;
use super::unit::{Chain, Unit};
use crate::shell;
use crate::shell::Seen;
use std::collections::BTreeSet;

impl<'a> Chain<'a> {
    /// The chain in two, of which the RUN above says the parts `said` too; `None` where nothing goes or stays, and where the
    /// two cannot be parted.
    pub(super) fn settled(
        &self,
        taken: BTreeSet<usize>,
        said: BTreeSet<usize>,
        passes_build: bool,
    ) -> Option<Slice<'_, 'a>> {
        let works = |n: &usize| matches!(self.units[*n].kind, Kind::Work | Kind::Closed);
        let all = 0..self.units.len();
        let kept: BTreeSet<usize> = all.filter(|n| works(n) && !taken.contains(n)).collect();
        let mut slice = Slice {
            chain: self,
            taken,
            above: BTreeSet::new(),
            below: kept,
            tail: Vec::new(),
            doubts: Vec::new(),
            grows: false,
            passes_build,
        };
        if slice.taken.is_empty() || slice.below.is_empty() || slice.parts_lists() {
            return None;
        }
        slice.clean_up();
        if slice.below.is_empty() {
            return None;
        }
        slice.doubt_changes();
        slice.doubts.extend(of_mounts(&slice)?);
        slice.above = slice.taken.union(&said).copied().collect();
        for &n in &slice.taken {
            slice.above.extend(&self.units[n].with);
        }
        slice.keep_directories()?;
        slice.keep_state()?;
        slice.doubt_failures();
        Some(slice)
    }
}

impl Slice<'_, '_> {
    fn units<'s>(&'s self, which: &'s BTreeSet<usize>) -> impl Iterator<Item = &'s Unit> {
        which.iter().map(|&n| &self.chain.units[n])
    }

    /// Whether packages would be installed below by lists that were fetched above: those are old by then.
    fn parts_lists(&self) -> bool {
        let is_apt = |s: &Seen| matches!(s.name(), "apt" | "apt-get" | "aptitude");
        let is_new = |w: &String| w == "--no-cache" || w == "-U" || w.starts_with("--update");
        let needs_lists =
            |s: &&Seen| is_apt(s) || s.name() == "apk" && !s.args().iter().any(is_new);
        let has_lists = |u: &Unit| u.seen.iter().any(|s| is_apt(s) || s.name() == "apk");
        if !self
            .units(&self.taken)
            .any(|u| u.installs_system() && has_lists(u))
        {
            return false;
        }
        let mut is_fetched = false;
        self.below.iter().any(|&n| {
            let unit = &self.chain.units[n];
            let updates = |s: &Seen| is_apt(s) && s.subcommand() == "update" && !s.conditional;
            is_fetched |= unit.seen.iter().any(updates);
            let installs = unit.installs_system() && unit.seen.iter().any(|s| needs_lists(&s));
            let text = self.chain.text_of(n).as_bytes();
            let builds = ["build-dep", "mk-build-deps"]
                .iter()
                .any(|w| holds(text, w.as_bytes()));
            !is_fetched && (installs || builds)
        })
    }

    /// Has what goes take its clean-up along.
    fn clean_up(&mut self) {
        let has_system = self.units(&self.taken).any(Unit::installs_system);
        let has_tools = self.units(&self.taken).any(Unit::installs_tools);
        let own: BTreeSet<String> = self
            .units(&self.taken)
            .flat_map(|u| places(&u.effect))
            .collect();
        let first = self.taken.first().copied().unwrap_or_default();
        let later: Vec<usize> = self.below.iter().copied().filter(|n| *n > first).collect();
        let (mut doubts, mut in_layer) = (BTreeSet::new(), Vec::new());
        let (mut scripts, mut is_moved) = (BTreeSet::new(), false);
        for n in later {
            let unit = &self.chain.units[n];
            if has_system && cleans_up(&unit.seen) {
                // What stays cleans up after itself too.
                let mut before = self.below.range(..n);
                if before.any(|&b| self.chain.units[b].installs_system()) {
                    self.tail.push(self.chain.text_of(n).to_owned());
                    continue;
                }
                scripts.extend(self.script_before(n));
                is_moved = true;
                self.below.remove(&n);
                self.taken.insert(n);
                continue;
            }
            let is_removal = unit.seen.iter().any(|s| s.name() == "rm");
            if has_system && is_removal {
                let own = of_managers(unit);
                scripts.extend(self.script_before(n).filter(|_| own.is_some()));
                self.tail.extend(own);
            }
            let gone = places(&unit.effect);
            let is_own = |p: &String| own.iter().any(|o| is_within(p, o));
            let is_of_both = |p: &String| own.iter().any(|o| overlap(p, o));
            let only_removes = unit.seen.iter().all(|s| s.name() == "rm");
            if is_removal && only_removes && gone.iter().all(is_own) && !self.is_named(n, &gone) {
                doubts.extend(self.unknown_before(n).map(|unknown| {
                    format!(
                        "check that `{unknown}` does not read what `{}` takes away, which is then gone",
                        shown(self.chain.text_of(n))
                    )
                }));
                self.below.remove(&n);
                self.taken.insert(n);
            } else if is_removal && gone.iter().any(is_of_both) || has_tools && empties_caches(unit)
            {
                self.grows = true;
                in_layer.push(shown(self.chain.text_of(n)));
            }
        }
        let without = scripts.iter().map(|s| without_lists(s, is_moved));
        self.doubts.extend(without.chain(doubts));
        if let Some((what, are_several)) = all_of(&in_layer) {
            let take = if are_several { "take" } else { "takes" };
            self.doubts.push(format!(
                "what {what} {take} away is then in the layer above: check that the image may be so much larger"
            ));
        }
    }

    /// A part that stays before part `n` and may read any file.
    fn unknown_before(&self, n: usize) -> Option<String> {
        let mut before = self.below.range(..n);
        let unknown = before.find(|&&b| self.chain.units[b].effect.groups.is_none());
        unknown.map(|&b| shown(self.chain.text_of(b)))
    }

    /// A part that stays before part `n` and runs a script.
    fn script_before(&self, n: usize) -> Option<String> {
        let mut before = self.below.range(..n);
        let runs = |b: &&usize| {
            let commands = self.chain.commands(self.chain.units[**b].pieces);
            commands.iter().any(|c| {
                let word = c.words.first().map_or("", |w| w.text.as_str());
                word.contains('/') || matches!(c.name(), "sh" | "bash" | "ash" | "make")
            })
        };
        before.find(runs).map(|&b| shown(self.chain.text_of(b)))
    }

    /// Whether another part that stays names one of the places.
    fn is_named(&self, n: usize, places: &BTreeSet<String>) -> bool {
        let others = self.below.iter().filter(|o| **o != n);
        let mut texts = others.map(|&o| self.chain.text_of(o));
        texts.any(|text| {
            let last = |p: &String| {
                p.rsplit('/')
                    .next()
                    .is_none_or(|l| l.is_empty() || text.contains(l))
            };
            places.iter().any(last)
        })
    }

    /// Has both sides say what of the shell's state they need; `None` where that cannot be said twice.
    fn keep_state(&mut self) -> Option<()> {
        let chain = self.chain;
        let last = *self.below.last()?;
        let named: BTreeSet<String> = self
            .below
            .iter()
            .flat_map(|&n| mentioned(chain.text_of(n)))
            .collect();
        let mut named = named;
        let cds = self.ways_below(last)?;
        for n in (0..chain.units.len()).rev() {
            let is_said = self.above.contains(&n);
            let stays = match &chain.units[n].kind {
                Kind::Set => n < last,
                Kind::Cd { .. } => cds.contains(&n),
                Kind::Value {
                    names,
                    exported,
                    asks,
                } => {
                    let is_named = names.iter().any(|name| named.contains(name));
                    let is_over = is_said && *asks && self.takes_away_again(names);
                    let is_wanted = n < last && (is_named || *exported && !is_over);
                    if is_said && is_wanted && *asks {
                        return None;
                    }
                    is_wanted || !is_said
                }
                _ => continue,
            };
            if stays {
                named.extend(mentioned(chain.text_of(n)));
                self.below.insert(n);
            }
        }
        Some(())
    }

    /// Whether what one of these variables names is taken away again by a part that goes:
    /// `export D="$(mktemp -d)" && … && rm -rf "$D"`.
    fn takes_away_again(&self, names: &BTreeSet<String>) -> bool {
        let is_it = |word: &String| {
            let name = word.strip_prefix('$').unwrap_or_default();
            names.contains(name.trim_start_matches('{').trim_end_matches('}'))
        };
        let mut seen = self.units(&self.taken).flat_map(|u| &u.seen);
        seen.any(|s| s.name() == "rm" && s.args().iter().any(is_it))
    }

    /// The `cd`s that what stays needs; `None` where one leads to a place that what goes takes away again.
    fn ways_below(&self, last: usize) -> Option<BTreeSet<usize>> {
        let chain = self.chain;
        let start = chain.place.cwd.as_deref().unwrap_or(BASE);
        let place = |seen: &Seen| absolute(Some(start), seen.directory.as_deref()?);
        let is_at_start = |u: &Unit| u.seen.iter().all(|s| place(s).as_deref() == Some(start));
        if self.units(&self.below).all(is_at_start) {
            return Some(BTreeSet::new());
        }
        let cds = (0..last).filter(|&n| matches!(chain.units[n].kind, Kind::Cd { .. }));
        let cds: Vec<usize> = cds.collect();
        let mut kept = BTreeSet::new();
        for (at, &n) in cds.iter().enumerate() {
            let next = cds.get(at + 1).copied();
            let leads_on = next.is_some_and(|m| {
                let is_new = chain.units[m].kind == Kind::Cd { absolute: true };
                is_new && self.below.range(n..m).next().is_none()
            });
            if !leads_on {
                kept.insert(n);
            }
        }
        let is_gone = |n: &usize| {
            let to = self.target(*n);
            to.is_none_or(|to| self.units(&self.taken).any(|u| takes_away(u, &to)))
        };
        (!kept.iter().any(is_gone)).then_some(kept)
    }

    /// `a ; b` goes on where `a` fails; two RUNs do not.
    fn doubt_failures(&mut self) {
        let chain = self.chain;
        let (Some(&first), Some(&last)) = (self.taken.first(), self.taken.last()) else {
            return;
        };
        let stops = |n: usize| {
            (0..n).any(|s| chain.units[s].kind == Kind::Set && says_stop(&chain.units[s]))
        };
        let is_lax = |n: &usize| {
            let can_fail = matches!(chain.units[*n - 1].kind, Kind::Work | Kind::Closed);
            chain.goes_on_before(*n) && can_fail && !stops(*n)
        };
        let from = if last + 1 == chain.units.len() {
            1
        } else {
            first + 1
        };
        if (from..chain.units.len()).any(|n| is_lax(&n)) {
            let line = chain.instruction.lines.first;
            self.doubts.push(format!(
                "line {line} goes on where one of its commands fails; check that the build may stop there"
            ));
        }
    }
}

fn says_stop(unit: &Unit) -> bool {
    let is_it = |a: &String| {
        a == "errexit" || a.starts_with('-') && !a.starts_with("--") && a.contains('e')
    };
    unit.seen.iter().any(|s| s.args().iter().any(is_it))
}

/// The places that commands name.
pub(super) fn places(effect: &Effect) -> BTreeSet<String> {
    match &effect.files {
        Files::Commands(touched) => touched.places.clone(),
        _ => BTreeSet::new(),
    }
}

/// What an `rm` takes away of package managers' own files, and of other things too, as a command that takes away only
/// those.
fn of_managers(unit: &Unit) -> Option<String> {
    let words = unit.seen.iter().filter(|s| s.name() == "rm");
    let words = words.flat_map(Seen::args);
    let is_own = |w: &&String| OF_MANAGERS.iter().any(|dir| is_within(w, dir));
    let own: Vec<&str> = words.filter(is_own).map(String::as_str).collect();
    (!own.is_empty()).then(|| format!("rm -rf {}", own.join(" ")))
}

/// Whether a part empties what installs of tools leave beside them.
fn empties_caches(unit: &Unit) -> bool {
    let is_cache = |w: &String| w.contains("cache") || w.contains("/.npm") || w == "/root/*";
    unit.seen.iter().any(|s| match s.name() {
        "rm" | "find" => s.args().iter().any(is_cache),
        // What it takes away the project has built.
        "gmake" | "make" => false,
        _ => matches!(s.subcommand(), "cache" | "clean" | "cleanup" | "purge"),
    })
}

fn without_lists(script: &str, is_moved: bool) -> String {
    let also = match is_moved {
        true => ", and nothing is cleaned up after it",
        false => "",
    };
    format!(
        "check that `{script}` installs no system packages: the lists for that are then gone{also}"
    )
}

/// Parts as a sentence names them, each once, and whether they are several; `None` where there are none.
pub(super) fn all_of(shown: &[String]) -> Option<(String, bool)> {
    let mut named: Vec<String> = Vec::new();
    for part in shown.iter().map(|s| format!("`{s}`")) {
        if !named.contains(&part) {
            named.push(part);
        }
    }
    (!named.is_empty()).then(|| (sentence::all(&named), named.len() > 1))
}

/// The beginning of a command, for a sentence, without what is set for it.
pub(super) fn shown(text: &str) -> String {
    let script = shell::parse(text);
    let first = script.commands.first();
    let name = first.filter(|c| !c.assignments.is_empty() && !c.words.is_empty());
    let from = name.map_or(0, |c| c.words[0].span.start);
    let text = text.get(from..).unwrap_or(text);
    let words: Vec<&str> = text.split_whitespace().take(4).collect();
    words.join(" ")
}
