//! What of a chain only sets up the programs of an install that stands behind it, and may be said a second time.

use super::read::Read;
use crate::shell::Seen;

impl Read<'_> {
    /// What reads settings from outside the project in pieces `from` up to `n` (`. ~/.profile`), or prepares the programs
    /// that resolve, to be said again.
    pub(super) fn settings_between(&self, from: usize, n: usize) -> String {
        let is_said = |&k: &usize| self.sets_up(k) || self.configures(k) || self.renews(k);
        (from..n).filter(is_said).fold(String::new(), |all, k| {
            format!("{all}{} && ", self.text_of(&self.script.pieces[k]))
        })
    }

    /// How many of the first `n` pieces read nothing of the project.
    pub(super) fn n_free(&self, n: usize) -> usize {
        let is_free = |&k: &usize| self.is_free(k) || self.sets_up(k) || self.configures(k);
        (0..n).take_while(is_free).count()
    }

    /// Whether a piece only brings another version of programs that resolve dependencies: `pip install --upgrade pip`.
    pub(super) fn renews(&self, piece: usize) -> bool {
        let is_named = |s: &Seen, names: &[&str]| {
            let end = |w: &String| w.find(['=', '<', '>', '~', '@', '[']).unwrap_or(w.len());
            let words = s.args().iter().filter(|w| !w.starts_with('-'));
            let mut words = words.skip(1).map(|w| &w[..end(w)]).peekable();
            words.peek().is_some() && words.all(|w| names.contains(&w))
        };
        let is_one = |s: &Seen| match (s.name(), s.subcommand()) {
            ("pip" | "pip3", "install") => is_named(
                s,
                &["pip", "pip-tools", "poetry", "setuptools", "uv", "wheel"],
            ),
            ("npm", "install" | "i") => {
                s.args().iter().any(|a| a == "-g" || a == "--global")
                    && is_named(s, &["corepack", "npm", "pnpm", "yarn"])
            }
            ("corepack", "enable") => true,
            _ => false,
        };
        let mut seen = self.seen_of(piece).peekable();
        let is_one = seen.peek().is_some() && seen.all(|s| is_one(s) && !s.conditional);
        is_one && self.is_free(piece)
    }

    /// Whether a piece only makes settings of programs that resolve dependencies: `poetry config virtualenvs.create false`.
    pub(super) fn configures(&self, piece: usize) -> bool {
        let is_one = |s: &Seen| match s.name() {
            "bundle" | "composer" | "npm" | "pip" | "pip3" | "pnpm" | "poetry" | "yarn" => {
                s.subcommand() == "config" && !s.args().iter().any(|a| a.contains(['$', '`', '/']))
            }
            _ => false,
        };
        let mut seen = self.seen_of(piece).peekable();
        let is_one = seen.peek().is_some() && seen.all(|s| is_one(s) && !s.conditional);
        is_one && self.is_plain(piece)
    }

    /// Whether a piece only reads settings of the shell from outside the project, or makes some.
    pub(super) fn sets_up(&self, piece: usize) -> bool {
        let mut seen = self.seen_of(piece).peekable();
        let exports = |s: &Seen| s.name() == "export" && s.args().iter().any(|a| a.contains('='));
        if seen.peek().is_some_and(|s| exports(s)) {
            let asks = self
                .text_of(&self.script.pieces[piece])
                .contains(['`', '(']);
            return !asks && seen.all(exports);
        }
        seen.peek().is_some() && seen.all(|s| self.settings(s).is_some())
    }

    /// The file outside the project that a command takes settings of the shell from.
    pub(super) fn settings<'s>(&self, seen: &'s Seen) -> Option<&'s String> {
        let [file] = seen.args() else { return None };
        let is_outside = file.starts_with(['/', '$', '~']);
        let takes = matches!(seen.name(), "." | "source") && is_outside;
        (takes && !self.names_the_project(seen)).then_some(file)
    }
}
