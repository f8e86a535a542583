//! What an install leaves in its layer, and whether the rest of its RUN takes that away again or changes it: in a layer of
//! its own the install keeps it.
//!
//! Never: speaks of a stage that no image is made of.

use super::super::layout::{absolute, is_within};
use super::super::taken::is_in_image;
use super::read::Read;
use crate::shell::Seen;
use std::ops::Range;

/// Parts of the paths where an ecosystem keeps what it has downloaded. Sources: the tools' manuals.
const KEPT: [(&str, &[&str]); 13] = [
    ("bower", &["/.cache"]),
    ("bundler", &["/.bundle", "bundle/cache"]),
    ("bun", &["/.bun"]),
    ("cargo", &["/.cargo", "cargo/git", "cargo/registry"]),
    ("composer", &["/.cache", "/.composer"]),
    ("go", &["/.cache", "go/pkg"]),
    ("gradle", &["/.gradle"]),
    ("maven", &["/.m2"]),
    ("npm", &["/.npm"]),
    ("nuget", &["/.nuget"]),
    ("pip", &["/.cache"]),
    ("pnpm", &["/.cache", "/pnpm"]),
    ("yarn", &["/.cache", "/.yarn"]),
];

/// Ecosystems that put packages beside the project.
const LAID_BESIDE: [&str; 6] = ["bower", "bun", "composer", "npm", "pnpm", "yarn"];

/// Programs by another name than that of their ecosystem.
const PROGRAMS: [(&str, &str); 4] = [
    ("bundler", "bundle"),
    ("maven", "mvn"),
    ("nuget", "dotnet"),
    ("pip", "pip3"),
];

impl Read<'_> {
    /// What is to be checked where one of pieces `rest` takes away what an install of `ecosystems` has downloaded, which is
    /// then in the layer above.
    pub(super) fn left_above(&self, ecosystems: &[&str], rest: Range<usize>) -> Option<String> {
        let mut seen = rest.flat_map(|n| self.seen_of(n));
        let is_emptied = seen.any(|s| ecosystems.iter().any(|e| empties(s, e)));
        (is_emptied && is_in_image(self.of.view, self.of.stage.index)).then(|| self.stays_above())
    }

    /// What is to be checked where one of pieces `rest` gives all that an install of `ecosystems` has put below `dir` another
    /// owner or mode, which is then said of copies.
    pub(super) fn twice_above(
        &self,
        ecosystems: &[&str],
        dir: &str,
        rest: Range<usize>,
    ) -> Option<String> {
        let covers = |seen: &&Seen| {
            let place = self.place_of(seen);
            let mut words = seen.args().iter().filter(|w| !w.starts_with('-'));
            let is_all = seen.args().iter().any(|w| is_recursive(w));
            let over =
                |word: &String| absolute(place.as_deref(), word.trim_end_matches(['*', '/']));
            matches!(seen.name(), "chgrp" | "chmod" | "chown")
                && is_all
                && words.any(|w| over(w).is_some_and(|over| is_within(dir, &over)))
        };
        let lays = ecosystems.iter().any(|e| LAID_BESIDE.contains(e));
        let is_changed = lays && rest.flat_map(|n| self.seen_of(n)).any(|s| covers(&s));
        let line = self.of.stage.instructions[self.run].lines.first;
        (is_changed && is_in_image(self.of.view, self.of.stage.index)).then(|| {
            format!(
                "what is left of line {line} changes owner or mode of all that is installed above it, which is then in the image twice: check that it may be so much larger"
            )
        })
    }

    /// What the end of the RUN takes out is then in the image.
    pub(super) fn stays_above(&self) -> String {
        let line = self.of.stage.instructions[self.run].lines.first;
        format!(
            "what line {line} takes out again at its end then stays in the layer above: check that the image may be so much larger"
        )
    }
}

/// Whether a word is the option `-R`, among others perhaps.
fn is_recursive(word: &str) -> bool {
    let letters = word.strip_prefix('-').unwrap_or_default();
    word == "--recursive" || !letters.starts_with('-') && letters.contains('R')
}

/// Whether a command takes away what `ecosystem` has downloaded.
fn empties(seen: &Seen, ecosystem: &str) -> bool {
    let is_one = |list: &[(&str, &str)]| list.contains(&(ecosystem, seen.name()));
    if seen.name() == "rm" {
        let kept = KEPT.iter().find(|(name, _)| *name == ecosystem);
        let parts = kept.map_or(&[][..], |(_, parts)| parts);
        return seen.args().iter().any(|w| {
            let word = w.trim_end_matches(['*', '/']);
            parts.iter().any(|part| word.contains(part))
        });
    }
    let verbs = ["cache", "clean", "clear-cache", "clearcache"];
    let says = verbs.contains(&seen.subcommand()) || seen.args().iter().any(|w| w == "locals");
    says && (seen.name() == ecosystem || is_one(&PROGRAMS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downloads_are_emptied_by_name_and_by_path() {
        let check = |ecosystem: &str, text: &str, want: bool| {
            let seen = crate::shell::parse(text).seen();
            assert_eq!(empties(&seen[0], ecosystem), want, "{text}");
        };
        check("npm", "npm cache clean --force", true);
        check("npm", "yarn cache clean", false);
        check("npm", "npm run clean", false);
        check("npm", "rm -rf ~/.npm /tmp/*", true);
        check("npm", "rm -rf /tmp/*", false);
        check("pip", "rm -rf $PWD ~/.cache ~/.npm", true);
        check("pip", "pip3 cache purge", true);
        check("maven", "rm -rf /root/.m2", true);
        check("composer", "composer clear-cache", true);
        check("nuget", "dotnet nuget locals all --clear", true);
    }
}
