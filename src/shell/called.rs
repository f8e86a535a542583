//! What a script comes to when it is called: the commands of the functions that it calls, in the place where it calls
//! them, and of the branches that its arguments decide.
//!
//! This is no shell. What is not decided stays conditional, what is not known stays as written.

use super::command::Assignment;
use super::command::Choice;
use super::command::Command;
use super::command::Connector;
use super::command::Nesting;
use super::command::Script;
use super::command::Word;
use super::decide::decided;
use super::parse::parse_part;
use super::values::Values;
use super::values::joined;
use crate::dockerfile::Span;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::rc::Rc;

/// How deep functions and branches are followed.
const DEEPEST: usize = 16;
/// Bytes that are read for one script, each time that a function is called.
const MOST_READ: usize = 1 << 20;
/// Commands that one may come to.
const MOST_COMMANDS: usize = 2_000;

/// A script as it is called.
pub struct Called<'a> {
    /// Its text.
    pub text: &'a str,
    /// The program as written: `./hack/setup.sh`.
    pub zero: &'a str,
    /// The words after it, without expansions that are not known.
    pub args: &'a [String],
    /// Where it runs, absolute.
    pub here: &'a str,
    /// The text of a file that it takes in (`. ./lib.sh`), by absolute path.
    pub read: &'a dyn Fn(&str) -> Option<String>,
}

/// The commands that a script runs, those of its functions in the place of their calls; [`Script::pieces`] are not told.
/// What was not read to its end is not complete.
pub fn called(script: &Called<'_>) -> Script {
    let mut run = Run {
        values: Values {
            zero: script.zero.to_owned(),
            args: Some(script.args.to_vec()),
            here: Some(script.here.to_owned()),
            ..Values::default()
        },
        read: script.read,
        functions: BTreeMap::new(),
        exported: BTreeSet::new(),
        n_read: 0,
        n_branches: 0,
        found: Script {
            is_complete: true,
            ..Script::default()
        },
    };
    let text: Rc<str> = script.text.into();
    let whole = Span::new(0, text.len());
    run.body(&Part { text, span: whole }, &Place::default(), 0);
    run.found
}

/// A part of a text.
#[derive(Clone)]
struct Part {
    text: Rc<str>,
    span: Span,
}

/// Where commands stand: what holds for all of them.
#[derive(Clone, Default)]
struct Place {
    nesting: Vec<Nesting>,
    connector: Connector,
    conditional: bool,
    branch: Option<(usize, usize)>,
}

impl Place {
    /// What holds for the commands that stand in the place of `command`; its text's choices are numbered behind
    /// `n_before`.
    fn of(&self, command: &Command, n_before: usize) -> Self {
        let mut nesting = self.nesting.clone();
        nesting.extend(&command.nesting);
        let own = command.branch.map(|(id, n)| (id + n_before, n));
        Self {
            nesting,
            connector: command.connector,
            conditional: self.conditional || command.conditional,
            branch: own.or(self.branch),
        }
    }

    /// What holds for the commands that stand in the place of `choice`, which `command` is a part of.
    fn of_choice(&self, choice: &Choice, command: &Command) -> Self {
        let mut nesting = self.nesting.clone();
        nesting.extend(command.nesting.iter().take(choice.depth));
        Self {
            nesting,
            connector: choice.connector,
            conditional: self.conditional || choice.conditional,
            branch: self.branch,
        }
    }

    fn is_in(&self, nestings: &[Nesting]) -> bool {
        self.nesting.iter().any(|n| nestings.contains(n))
    }

    /// Whether what is set there is set afterwards.
    fn lasts(&self) -> bool {
        !self.conditional
            && !self.is_in(&[Nesting::Subshell])
            && !matches!(self.connector, Connector::Pipe | Connector::Background)
    }
}

/// How it goes on behind a list of commands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    /// Back to where the function was called.
    Back,
    End,
}

struct Run<'a> {
    values: Values,
    read: &'a dyn Fn(&str) -> Option<String>,
    /// `None` for names that are defined more than once.
    functions: BTreeMap<String, Option<Part>>,
    exported: BTreeSet<String>,
    n_read: usize,
    /// The highest number of an `if` or `case` so far.
    n_branches: usize,
    found: Script,
}

impl Run<'_> {
    fn body(&mut self, part: &Part, place: &Place, depth: usize) -> Flow {
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
        for command in &script.commands {
            let at = command.span.start;
            if at < from || command.nesting.contains(&Nesting::Function) {
                continue;
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

    /// A command with what is known put in, in its place.
    fn made(&self, command: &Command, place: &Place) -> Command {
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
    fn follow(&mut self, made: &Command, words: &[String], place: &Place) {
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

    fn set(&mut self, name: &str, value: Option<String>) {
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

#[cfg(test)]
mod tests {
    use super::{Called, called};
    use proptest::prelude::*;

    fn check(text: &str, args: &str, expected: &str) {
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        let script = called(&Called {
            text,
            zero: "./bin/run",
            args: &args,
            here: "/app",
            read: &|path| {
                (path == "/app/bin/lib.sh").then(|| "L=3\nlib() { lib-cmd $1; }".to_owned())
            },
        });
        let shown: Vec<String> = script
            .seen()
            .iter()
            .map(|s| {
                let mark = if s.conditional { "?" } else { "" };
                let dir = s.directory.as_deref().unwrap_or("??");
                let set = s.assignments.iter().map(|(n, v)| format!("{n}={v} "));
                let set: String = set.collect();
                let words = s.words.join(" ");
                let dir = if dir.is_empty() {
                    String::new()
                } else {
                    format!("{dir}: ")
                };
                format!("{mark}{dir}{set}{words}")
            })
            .collect();
        let shown = shown.join(" | ");
        let shown = if script.is_complete {
            shown
        } else {
            "-".to_owned()
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn functions_stand_where_they_are_called() {
        check("a() { x $1; }\na 1; a 2", "", "x 1 | x 2");
        check(
            "setup() { yarn $*; }\nbuild() { webpack; }\n\"$@\"",
            "setup --pure",
            "yarn --pure",
        );
        check(
            "main() { \"$@\"; }; b() { make \"$1\"; }; main \"$@\"",
            "b x",
            "make x",
        );
        check("a() { b; }; b() { x; }; a || y", "", "x | ?y");
        check("a() { x || return; z; }; y && a", "", "y | x | ?return | z");
        check("a() { x; return; z; }; a; w", "", "x | return | w");
        check("a() { x; exit; z; }; a; w", "", "x | exit");
        check("a() ( cd d; x ); a; w", "", "cd d | d: x | w");
        check("a() { cd d; x; }; a; w", "", "cd d | d: x | d: w");
        check("a() { a; }; a", "", "-");
        check("a() { x; }; a() { y; }; a", "", "-");
        check("if t; then a() { x; }; fi; b", "", "t | b");
        check("for i in 1 2; do f $i; done", "", "?f $(i)");
    }

    #[test]
    fn branches_that_arguments_decide_are_taken() {
        let text = "case \"$1\" in\n a|setup) yarn;;\n b*) make \"$2\" ;;\n *) exit 1;; esac\nw";
        check(text, "setup", "yarn | w");
        check(text, "build all", "make all | w");
        check(text, "other", "exit 1");
        check("case $X in a) b;; esac", "", "?b");
        check("case $1 in a) b;& c) d;; esac", "a", "?b | ?d");
        check(
            "if [ \"$1\" = dev ]; then a; elif [ -z \"$2\" ]; then b; else c; fi; d",
            "x",
            "b | d",
        );
        check("if [ $# -gt 1 ]; then a; else c; fi", "x y", "a");
        check("if [ -f x ]; then a; else b; fi", "", "[ -f x ] | ?a | ?b");
        check("if ! [ $# -gt 1 ]; then a; fi", "x y", "[ 2 -gt 1 ] | ?a");
        check(
            "f() { x; }\nif [[ ${1:-} ]] && declare -F | cut -d' ' -f3 | grep -Fqx -- \"${1:-}\"\nthen \"$@\"; else y; fi",
            "f",
            "x",
        );
        check(
            "while [ $# -gt 0 ]; do case $1 in a) x;; esac; shift; done; y $1",
            "a b",
            "[ 2 -gt 0 ] | ?x | ?shift | y $1",
        );
        check("y || if [ -z \"$1\" ]; then x; fi", "", "y | ?x");
        check(
            "(if [ -z \"$1\" ]; then cd d; x; fi); z",
            "",
            "cd d | d: x | z",
        );
        check(
            "shift; x $1; shift 5; y $1",
            "a b",
            "shift | x b | shift 5 | y $1",
        );
    }

    #[test]
    fn values_that_the_script_sets_are_put_in() {
        check(
            "ROOT=\"$(cd \"$(dirname \"$0\")/..\" && pwd)\"\ncd \"$ROOT/web\"\nyarn",
            "",
            "ROOT=/app  | cd /app/web | /app/web: yarn",
        );
        check(
            "cd \"${0%/*}/..\" && make",
            "",
            "cd ./bin/.. | bin/..: make",
        );
        check("X=$(git log); make $X", "", "X=$(git log)  | make $(X)");
        check(
            "if t; then X=a; fi; make $X $Y",
            "",
            "t | ?X=a  | make $(X) $Y",
        );
        check("F='-a -b'; x $F \"$F\"", "", "F=-a -b  | x -a -b -a -b");
        check(
            "export CGO=0\nX=1 go build",
            "",
            "export CGO=0 | CGO=0 X=1 go build",
        );
        check("awk '{print $1}' $1", "f", "awk {print $1} f");
        check(
            ". \"$(dirname \"$0\")/lib.sh\"; lib $L",
            "",
            "L=3  | lib-cmd 3",
        );
        check(". ./other.sh; lib", "", ". ./other.sh | lib");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn hostile_text_does_no_harm(text in "([a-c$(){};|&\"'`\\\\\n é]|a\\(\\) \\{|a; a|\\$\\(a|if |then |fi|case \\$1 in |a\\)|esac|;;|shift|\"\\$@\"){0,60}") {
            let args = ["a".to_owned(), "b".to_owned()];
            called(&Called { text: &text, zero: "a", args: &args, here: "/", read: &|_| Some(text.clone()) }).seen();
        }
    }
}
