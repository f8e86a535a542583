//! The compound commands that commands stand in: `if`, loops, `case`, groups, functions.

use super::command::Connector;
use super::command::Nesting;
use super::parse::Mode;
use super::parse::Parser;

/// Deeper compounds than this are not told apart.
const MAX_NESTING: usize = 64;

/// A compound command that is open.
pub(super) struct Frame {
    pub(super) nesting: Nesting,
    /// Number of this `if` or `case`, and of the branch we are in.
    pub(super) branch: Option<(usize, usize)>,
    pub(super) conditional: bool,
}

impl Parser<'_> {
    pub(super) fn new_branch(&mut self) -> Option<(usize, usize)> {
        self.n_branches += 1;
        Some((self.n_branches, 0))
    }

    pub(super) fn push(&mut self, nesting: Nesting, branch: Option<(usize, usize)>) {
        self.end_command();
        if self.stack.len() >= MAX_NESTING {
            self.cursor.is_complete = false;
            self.connector = Connector::Start;
            return;
        }
        let outer = self.stack.last();
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
        if self
            .stack
            .last()
            .is_some_and(|f| f.nesting == Nesting::Function)
        {
            self.stack.pop();
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
        let branch = match self.stack.last() {
            Some(f) if matches!(f.nesting, Nesting::Condition | Nesting::Branch) => {
                f.branch.map(|(id, n)| (id, n + 1))
            }
            _ => self.new_branch(),
        };
        self.pop(&[Nesting::Condition, Nesting::Branch]);
        self.push(nesting, branch);
    }

    /// Acts on a reserved word; false if it is none.
    pub(super) fn reserved(&mut self, word: &str) -> bool {
        match word {
            "if" => {
                let branch = self.new_branch();
                self.push(Nesting::Condition, branch);
            }
            "then" | "else" => self.enter_branch(Nesting::Branch),
            "elif" => self.enter_branch(Nesting::Condition),
            "fi" => self.pop(&[Nesting::Branch, Nesting::Condition]),
            "while" | "until" => self.push(Nesting::LoopCondition, None),
            "for" | "select" => {
                self.end_command();
                self.mode = Mode::For;
            }
            "do" => self.enter_loop(),
            "done" => self.pop(&[Nesting::Loop]),
            "case" => {
                self.end_command();
                self.mode = Mode::CaseWord;
            }
            "esac" => self.pop(&[Nesting::Case]),
            "{" => self.push(Nesting::Group, None),
            "}" => self.pop(&[Nesting::Group]),
            "function" => self.mode = Mode::FunctionName,
            "!" => {}
            _ => return false,
        }
        true
    }
}
