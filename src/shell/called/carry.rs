//! What a command gets of those before it, and leaves to those after it.

use super::super::command::{Assignment, Command, Nesting, Word};
use super::place::Place;
use super::run::Run;
use super::values::joined;

impl Run<'_> {
    /// A command with what is known put in, in its place.
    pub(super) fn made(&self, command: &Command, place: &Place) -> Command {
        let mut made = command.clone();
        let words = command.words.iter().flat_map(|w| {
            self.values.words(w).into_iter().map(|text| Word {
                expands: text.contains(['$', '`']) && w.expands,
                text,
                ..w.clone()
            })
        });
        made.words = words.collect();
        for assignment in &mut made.assignments {
            assignment.value = self.values.text(&assignment.value);
        }
        for redirection in &mut made.redirections {
            redirection.target = self.values.text(&redirection.target);
        }
        let is_asking =
            |text: &str| text.contains("$(") || text.contains('`') || text.contains("<(");
        let texts = made.words.iter().map(|w| &w.text);
        let texts = texts.chain(made.assignments.iter().map(|a| &a.value));
        let mut texts = texts.chain(made.redirections.iter().map(|r| &r.target));
        if made.over.is_empty() && !texts.any(|t| is_asking(t)) {
            made.substitutions.clear();
        }
        let exported = self.exported.iter().filter(|_| !made.words.is_empty());
        let exported = exported.map(|name| Assignment {
            name: name.clone(),
            value: self.values.text(&format!("${name}")),
            span: made.span,
        });
        let exported: Vec<_> = exported.collect();
        made.assignments.splice(0..0, exported);
        made.nesting.clone_from(&place.nesting);
        made.connector = place.connector;
        made.conditional = place.conditional;
        made.branch = place.branch;
        made
    }

    /// What a command sets for those after it.
    pub(super) fn follow(&mut self, made: &Command, words: &[String], place: &Place) {
        let name = words.first().map_or("", String::as_str);
        let names = words.iter().skip(1).filter(|w| !w.starts_with('-'));
        match name {
            "" => {
                for assignment in &made.assignments {
                    let is_list = assignment.value.starts_with('(');
                    let value = Some(assignment.value.clone());
                    let value = value.filter(|_| !is_list && place.lasts());
                    self.set(&assignment.name, value);
                }
            }
            "export" | "local" | "declare" | "typeset" | "readonly" => {
                for word in names {
                    let (name, value) = match word.split_once('=') {
                        Some((name, value)) => (name, Some(value)),
                        None => (word.as_str(), None),
                    };
                    if let Some(value) = value {
                        let value = Some(value.to_owned()).filter(|_| place.lasts());
                        self.set(name, value);
                    }
                    if words[0] == "export" {
                        self.exported.insert(name.to_owned());
                    }
                }
            }
            "read" | "getopts" | "unset" | "mapfile" | "readarray" | "printf" => {
                let is_of_printf = name != "printf" || words.get(1).is_some_and(|w| w == "-v");
                for word in names.filter(|_| is_of_printf) {
                    self.set(word, None);
                }
            }
            "shift" => match &mut self.values.args {
                Some(args) if place.lasts() && !place.is_in(&[Nesting::Loop]) => {
                    let n = words.get(1).map_or(Some(1), |w| w.parse().ok());
                    let n = n.filter(|n| *n <= args.len());
                    match n {
                        Some(n) => drop(args.drain(..n)),
                        None => self.values.args = None,
                    }
                }
                args => *args = None,
            },
            "set" if words.iter().any(|w| w == "--") => self.values.args = None,
            "set" if words.get(1).is_some_and(|w| !w.starts_with(['-', '+'])) => {
                self.values.args = None;
            }
            "cd" | "pushd" | "popd" => {
                let to = words.get(1).filter(|w| !w.contains(['$', '`', '~']));
                let here = self.values.here.as_deref().zip(to);
                let here = here.filter(|(_, to)| !to.starts_with('-') && name != "popd");
                self.values.here = here
                    .filter(|_| place.lasts())
                    .map(|(here, to)| joined(here, to));
            }
            "eval" => {
                self.values.args = None;
                self.values.here = None;
            }
            _ => {}
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Option<String>) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_one = !name.is_empty() && name.chars().all(is_name);
        let value = value.filter(|v| v.len() < 4096);
        if is_one {
            // What it is made of may be set anew.
            let value = value.filter(|v| !v.contains(['$', '`']));
            self.values.set.insert(name.to_owned(), value);
        }
    }
}
