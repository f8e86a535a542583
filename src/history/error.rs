//! What can go wrong with a repository, in words that help.

use std::fmt;

/// An error about a repository: what is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    help: Option<String>,
}

/// Classes of errors about a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// There is no repository.
    NotARepository,
    /// It belongs to someone else (git's `safe.directory`).
    Refused,
    /// A storage format that is not read: reftable, SHA-256 without support.
    Unsupported,
    /// There is no commit yet.
    Empty,
    /// A revision, a range or a date that means nothing here.
    Revision,
    /// An object that the clone left out.
    Missing,
    /// An object that is not what it should be.
    Corrupt,
    /// Anything else that the git library said.
    Other,
}

impl Error {
    /// A new one; the message is a fragment without a period.
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            help: None,
        }
    }

    /// The same with a remedy.
    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The class.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What is wrong, a fragment.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, one line.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help
            .as_ref()
            .map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

impl std::error::Error for Error {}
