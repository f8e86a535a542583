//! From one command of a script to the next.

use super::super::command::{Choice, Command, Connector, Nesting, Piece, Script};
use super::super::parse::parse_part;
use super::decide::{decided, is_test, tested};
use super::place::{Flow, Part, Place};
use super::values::{Values, joined};
use crate::dockerfile::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How deep functions and branches are followed.
const DEEPEST: usize = 16;
/// Bytes that are read for one script, each time that a function is called.
const MOST_READ: usize = 1 << 20;
/// Commands that one may come to.
const MOST_COMMANDS: usize = 2_000;

/// A script while it is followed.
pub(super) struct Run<'a> {
    pub(super) values: Values,
    pub(super) read: &'a dyn Fn(&str) -> Option<String>,
    /// `None` for names that are defined more than once.
    pub(super) functions: BTreeMap<String, Option<Part>>,
    pub(super) exported: BTreeSet<String>,
    pub(super) n_read: usize,
    /// The highest number of an `if` or `case` so far.
    pub(super) n_branches: usize,
    pub(super) found: Script,
}

impl Run<'_> {
    pub(super) fn body(&mut self, part: &Part, place: &Place, depth: usize) -> Flow {
        self.n_read += part.span.end.saturating_sub(part.span.start);
        if depth > DEEPEST || self.n_read > MOST_READ {
            self.found.is_complete = false;
            return Flow::End;
        }
        let script = parse_part(&part.text, part.span);
        self.found.is_complete &= script.is_complete;
        for function in &script.functions {
            let body = Part {
                text: part.text.clone(),
                span: function.body,
            };
            let known = self.functions.entry(function.name.clone());
            known
                .and_modify(|old| {
                    let is_same = |o: &&Part| o.span == body.span && o.text == body.text;
                    if old.as_ref().filter(is_same).is_none() {
                        *old = None;
                    }
                })
                .or_insert(Some(body.clone()));
        }
        let n_before = self.n_branches;
        let numbers = script.commands.iter().filter_map(|c| c.branch);
        self.n_branches += numbers.map(|(id, _)| id).max().unwrap_or(0);
        let mut choices = script.choices.iter().peekable();
        // Behind what is not run here.
        let mut from = 0;
        let mut is_first = true;
        // What the piece before came to, where it is a test.
        let mut held = None;
        for (n, command) in script.commands.iter().enumerate() {
            let at = command.span.start;
            if at < from || command.nesting.contains(&Nesting::Function) {
                continue;
            }
            if let Some(piece) = script.pieces.iter().find(|p| p.commands.0 == n) {
                if held.is_some_and(|held| is_passed(piece, held)) {
                    from = piece.span.end;
                    continue;
                }
                held = self.held(&script, piece, &part.text, place);
            }
            let mut flow = None;
            while let Some(choice) = choices.next_if(|c| c.span.start <= at) {
                if at >= choice.span.end || choice.span.start < from {
                    continue;
                }
                let mut there = place.of_choice(choice, command);
                let Some(body) = self.arm(choice, &part.text, &there) else {
                    continue;
                };
                from = choice.span.end;
                if std::mem::take(&mut is_first) && there.connector == Connector::Start {
                    there.connector = place.connector;
                }
                flow = Some(match body {
                    Some(span) => {
                        let text = part.text.clone();
                        self.body(&Part { text, span }, &there, depth + 1)
                    }
                    None => Flow::On,
                });
                break;
            }
            let flow = match flow {
                Some(flow) => flow,
                None => {
                    let mut there = place.of(command, n_before);
                    if std::mem::take(&mut is_first) && there.connector == Connector::Start {
                        there.connector = place.connector;
                    }
                    self.command(command, &there, depth)
                }
            };
            if flow != Flow::On || !self.found.is_complete {
                return flow;
            }
        }
        Flow::On
    }

    /// What a piece that is nothing but a test comes to; `None` for any other, and where that is not known.
    fn held(&self, script: &Script, piece: &Piece, text: &str, place: &Place) -> Option<bool> {
        let [one] = script.commands_of(piece) else {
            return None;
        };
        let is_plain = is_test(one)
            && one.nesting.is_empty()
            && one.assignments.is_empty()
            && !place.is_in(&[Nesting::Loop, Nesting::LoopCondition]);
        // What `!` turns round is not told.
        let is_turned = text.get(piece.span.range())?.starts_with('!');
        tested(one, &self.values).filter(|_| is_plain && !is_turned)
    }

    /// The body of the arm that a choice takes, which may be none; `None` where that is not decided.
    fn arm(&self, choice: &Choice, text: &str, place: &Place) -> Option<Option<Span>> {
        // What stands in a loop may be another thing each time.
        if place.is_in(&[Nesting::Loop, Nesting::LoopCondition]) {
            return None;
        }
        let is_function = |name: &str| self.functions.contains_key(name);
        decided(choice, text, &self.values, &is_function)
    }

    fn command(&mut self, command: &Command, place: &Place, depth: usize) -> Flow {
        // The first command of a loop holds what the loop goes over.
        if let Some(name) = command
            .over
            .first()
            .filter(|_| place.is_in(&[Nesting::Loop]))
        {
            self.set(&name.text, None);
        }
        let made = self.made(command, place);
        let words: Vec<String> = made.words.iter().map(|w| w.text.clone()).collect();
        let name = words.first().map_or("", String::as_str);
        if let Some(body) = self.functions.get(name).cloned() {
            let Some(body) = body else {
                self.found.is_complete = false;
                return Flow::End;
            };
            // What stands around a call is there as well, without a word.
            let (redirections, substitutions) = (made.redirections, made.substitutions);
            if !redirections.is_empty() || !substitutions.is_empty() {
                self.put(Command {
                    words: Vec::new(),
                    redirections,
                    substitutions,
                    ..made
                });
            }
            let args = Some(words[1..].to_vec());
            let outer = std::mem::replace(&mut self.values.args, args);
            let flow = self.body(&body, place, depth + 1);
            self.values.args = outer;
            return match flow {
                Flow::End if place.lasts() => Flow::End,
                _ => Flow::On,
            };
        }
        self.follow(&made, &words, place);
        if matches!(name, "." | "source")
            && let Some(flow) = self.taken_in(&words, place, depth)
        {
            return flow;
        }
        let is_last = name == "exit" || name == "exec" && words.len() > 1;
        self.put(made);
        match name {
            _ if !place.lasts() => Flow::On,
            _ if is_last => Flow::End,
            "return" => Flow::Back,
            _ => Flow::On,
        }
    }

    fn put(&mut self, command: Command) {
        if self.found.commands.len() >= MOST_COMMANDS {
            self.found.is_complete = false;
        } else {
            self.found.commands.push(command);
        }
    }

    /// The commands of a file that is taken in; `None` where it is not at hand.
    fn taken_in(&mut self, words: &[String], place: &Place, depth: usize) -> Option<Flow> {
        let path = words.get(1).filter(|w| !w.contains(['$', '`']))?;
        let text: Rc<str> = (self.read)(&joined(self.values.here.as_deref()?, path))?.into();
        let span = Span::new(0, text.len());
        let flow = self.body(&Part { text, span }, place, depth + 1);
        Some(match flow {
            Flow::Back => Flow::On,
            flow => flow,
        })
    }
}

/// Whether a piece is passed over, behind one that succeeded or did not.
fn is_passed(piece: &Piece, held: bool) -> bool {
    match piece.connector {
        Connector::And => !held,
        Connector::Or => held,
        _ => false,
    }
}
