//! Where the commands of a script stand as it runs.

use super::super::command::{Choice, Command, Connector, Nesting};
use crate::dockerfile::Span;
use std::rc::Rc;

/// A part of a text.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) text: Rc<str>,
    pub(super) span: Span,
}

/// Where commands stand: what holds for all of them.
#[derive(Clone, Default)]
pub(super) struct Place {
    pub(super) nesting: Vec<Nesting>,
    pub(super) connector: Connector,
    pub(super) conditional: bool,
    pub(super) branch: Option<(usize, usize)>,
}

impl Place {
    /// What holds for the commands that stand in the place of `command`; its text's choices are numbered behind
    /// `n_before`.
    pub(super) fn of(&self, command: &Command, n_before: usize) -> Self {
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
    pub(super) fn of_choice(&self, choice: &Choice, command: &Command) -> Self {
        let mut nesting = self.nesting.clone();
        nesting.extend(command.nesting.iter().take(choice.depth));
        Self {
            nesting,
            connector: choice.connector,
            conditional: self.conditional || choice.conditional,
            branch: self.branch,
        }
    }

    pub(super) fn is_in(&self, nestings: &[Nesting]) -> bool {
        self.nesting.iter().any(|n| nestings.contains(n))
    }

    /// Whether what is set there is set afterwards.
    pub(super) fn lasts(&self) -> bool {
        !self.conditional
            && !self.is_in(&[Nesting::Subshell])
            && !matches!(self.connector, Connector::Pipe | Connector::Background)
    }
}

/// How it goes on behind a list of commands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    /// Back to where the function was called.
    Back,
    End,
}
