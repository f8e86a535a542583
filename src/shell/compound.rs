//! The compound commands that commands stand in: `if`, loops, `case`, groups, functions.

use super::command::Arm;
use super::command::Asked;
use super::command::Choice;
use super::command::Connector;
use super::command::Function;
use super::command::Nesting;
use super::parse::Mode;
use super::parse::Parser;
use crate::dockerfile::Span;

/// Deeper compounds than this are not told apart.
const MAX_NESTING: usize = 64;

/// A compound command that is open.
pub(super) struct Frame {
    pub(super) nesting: Nesting,
    /// Number of this `if` or `case`, and of the branch we are in.
    pub(super) branch: Option<(usize, usize)>,
    pub(super) conditional: bool,
    /// Which function of the text this is, or which choice it is part of.
    of: Option<usize>,
}

impl Parser<'_> {
    /// The definition of a function whose name stands at `at`; its body follows.
    pub(super) fn define(&mut self, name: &str, at: Span) {
        self.script.functions.push(Function {
            name: name.to_owned(),
            span: at,
            body: Span::default(),
        });
        let of = self.script.functions.len() - 1;
        self.push_of(Nesting::Function, None, Some(of));
    }

    /// A `case` whose patterns follow.
    pub(super) fn enter_case(&mut self) {
        let over = self.over.last().map(|w| w.text.clone());
        let of = self.new_choice(self.case_at, over.unwrap_or_default());
        let branch = self.new_branch();
        self.push_of(Nesting::Case, branch, Some(of));
        self.mode = Mode::Pattern;
        self.patterns.clear();
    }

    /// From the patterns of a `case` to what is done where one fits.
    pub(super) fn enter_arm(&mut self) {
        self.mode = Mode::Command;
        self.connector = Connector::Start;
        let patterns = std::mem::take(&mut self.patterns);
        self.new_arm(Asked::Patterns(patterns));
    }

    /// The end of an arm of a `case`: `;;`, or an operator by which it goes on to the next.
    pub(super) fn leave_arm(&mut self, operator: &str) {
        self.end_command();
        self.end_arm();
        if let Some(choice) = self.choice() {
            choice.falls |= operator != ";;";
        }
        if let Some(frame) = self.stack.last_mut().filter(|f| f.nesting == Nesting::Case) {
            frame.branch = frame.branch.map(|(id, n)| (id, n + 1));
            self.mode = Mode::Pattern;
            self.patterns.clear();
        }
        self.connector = Connector::Then;
    }

    pub(super) fn leave_case(&mut self) {
        self.leave_choice(&[Nesting::Case]);
    }

    fn leave_choice(&mut self, expected: &[Nesting]) {
        self.end_arm();
        let end = self.cursor.at;
        let is_one = self
            .stack
            .last()
            .is_some_and(|f| expected.contains(&f.nesting));
        if let Some(choice) = self.choice().filter(|_| is_one) {
            choice.span.end = end;
        }
        self.pop(expected);
    }

    fn new_choice(&mut self, start: usize, over: String) -> usize {
        let outer = self.stack.last().is_some_and(|f| f.conditional);
        self.script.choices.push(Choice {
            span: Span::new(start, start),
            over,
            depth: self.stack.len(),
            connector: self.connector,
            conditional: outer || self.connector == Connector::Or,
            ..Choice::default()
        });
        self.script.choices.len() - 1
    }

    /// The choice that the innermost frame is part of.
    fn choice(&mut self) -> Option<&mut Choice> {
        let is_choice = |f: &&Frame| {
            matches!(
                f.nesting,
                Nesting::Condition | Nesting::Branch | Nesting::Case
            )
        };
        let of = self.stack.last().filter(is_choice)?.of?;
        self.script.choices.get_mut(of)
    }

    /// An arm of the innermost choice that begins behind this token.
    fn new_arm(&mut self, asked: Asked) {
        let body = Span::new(self.cursor.at, self.cursor.at);
        if let Some(choice) = self.choice() {
            choice.arms.push(Arm { asked, body });
        }
    }

    /// The end of the last arm before this token.
    fn end_arm(&mut self) {
        let end = self.token_at;
        if let Some(arm) = self.choice().and_then(|c| c.arms.last_mut())
            && arm.body.end == arm.body.start
        {
            arm.body.end = end.max(arm.body.start);
        }
    }

    /// The end of the condition of the last arm before this token: its body follows.
    fn end_condition(&mut self) {
        let (end, start) = (self.token_at, self.cursor.at);
        if let Some(arm) = self.choice().and_then(|c| c.arms.last_mut())
            && let Asked::Condition(span) = &mut arm.asked
        {
            span.end = end.max(span.start);
            arm.body = Span::new(start, start);
        }
    }

    pub(super) fn new_branch(&mut self) -> Option<(usize, usize)> {
        self.n_branches += 1;
        Some((self.n_branches, 0))
    }

    pub(super) fn push(&mut self, nesting: Nesting, branch: Option<(usize, usize)>) {
        self.push_of(nesting, branch, None);
    }

    fn push_of(&mut self, nesting: Nesting, branch: Option<(usize, usize)>, of: Option<usize>) {
        self.end_command();
        if self.stack.len() >= MAX_NESTING {
            self.cursor.is_complete = false;
            self.connector = Connector::Start;
            return;
        }
        let outer = self.stack.last();
        let function = outer.filter(|f| f.nesting == Nesting::Function);
        if let Some(function) = function
            .and_then(|f| f.of)
            .and_then(|of| self.script.functions.get_mut(of))
        {
            function.body = Span::new(self.token_at, self.token_at);
        }
        let skips = match nesting {
            Nesting::Branch | Nesting::Loop | Nesting::Case | Nesting::Function => true,
            Nesting::Subshell | Nesting::Group | Nesting::Condition | Nesting::LoopCondition => {
                self.connector == Connector::Or
            }
        };
        let conditional = skips || outer.is_some_and(|f| f.conditional);
        let branch = branch.or(outer.and_then(|f| f.branch));
        self.stack.push(Frame {
            nesting,
            branch,
            conditional,
            of,
        });
        self.connector = Connector::Start;
    }

    /// Leaves the innermost frame if it is one of `expected`; text that closes what it never opened is let be.
    pub(super) fn pop(&mut self, expected: &[Nesting]) {
        self.end_command();
        self.mode = Mode::Command;
        if self
            .stack
            .last()
            .is_some_and(|f| expected.contains(&f.nesting))
        {
            self.stack.pop();
        }
        let is_function = |f: &mut Frame| f.nesting == Nesting::Function;
        if let Some(frame) = self.stack.pop_if(is_function) {
            let function = frame.of.and_then(|of| self.script.functions.get_mut(of));
            if let Some(function) = function {
                (function.span.end, function.body.end) = (self.cursor.at, self.cursor.at);
            }
        }
        self.connector = Connector::Then;
    }

    pub(super) fn enter_loop(&mut self) {
        self.mode = Mode::Command;
        if self
            .stack
            .last()
            .is_some_and(|f| f.nesting == Nesting::LoopCondition)
        {
            self.pop(&[Nesting::LoopCondition]);
        }
        self.push(Nesting::Loop, None);
    }

    /// From a condition to its branch, or from one branch to the next.
    fn enter_branch(&mut self, nesting: Nesting) {
        self.end_command();
        let (branch, of) = match self.stack.last() {
            Some(f) if matches!(f.nesting, Nesting::Condition | Nesting::Branch) => {
                (f.branch.map(|(id, n)| (id, n + 1)), f.of)
            }
            _ => (self.new_branch(), None),
        };
        self.pop(&[Nesting::Condition, Nesting::Branch]);
        self.push_of(nesting, branch, of);
    }

    fn enter_if(&mut self) {
        self.end_command();
        let branch = self.new_branch();
        let of = self.new_choice(self.token_at, String::new());
        self.push_of(Nesting::Condition, branch, Some(of));
        self.new_condition();
    }

    fn new_condition(&mut self) {
        let span = Span::new(self.cursor.at, self.cursor.at);
        self.new_arm(Asked::Condition(span));
    }

    /// Acts on a reserved word; false if it is none.
    pub(super) fn reserved(&mut self, word: &str) -> bool {
        match word {
            "if" => self.enter_if(),
            "then" => {
                self.end_condition();
                self.enter_branch(Nesting::Branch);
            }
            "else" => {
                self.end_arm();
                self.enter_branch(Nesting::Branch);
                self.new_arm(Asked::Else);
            }
            "elif" => {
                self.end_arm();
                self.enter_branch(Nesting::Condition);
                self.new_condition();
            }
            "fi" => self.leave_choice(&[Nesting::Branch, Nesting::Condition]),
            "while" | "until" => self.push(Nesting::LoopCondition, None),
            "for" | "select" => {
                self.end_command();
                self.mode = Mode::For;
            }
            "do" => self.enter_loop(),
            "done" => self.pop(&[Nesting::Loop]),
            "case" => {
                self.end_command();
                self.case_at = self.token_at;
                self.mode = Mode::CaseWord;
            }
            "esac" => self.leave_case(),
            "{" => self.push(Nesting::Group, None),
            "}" => self.pop(&[Nesting::Group]),
            "function" => self.mode = Mode::FunctionName,
            "!" => {}
            _ => return false,
        }
        true
    }
}
