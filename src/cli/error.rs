//! What can go wrong in the process, and the exit codes.
//!
//! Never: decides to go on; whatever gets here ends the run.

use crate::dockerfile;
use serde_json::json;
use std::error::Error as StdError;
use std::fmt;
use std::io;

/// Why a run ends, by exit code (the contract's table).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// 1: a threshold that the user set was not met.
    Threshold,
    /// 2: wrong usage or configuration.
    Usage,
    /// 3: the repository.
    Repository,
    /// 4: the Dockerfile.
    Dockerfile,
    /// 5: could not write or post.
    Write,
    /// 0: the reader of our output went away, which is no error.
    ClosedPipe,
}

impl Kind {
    /// The process's exit code.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::Threshold => 1,
            Self::Usage => 2,
            Self::Repository => 3,
            Self::Dockerfile => 4,
            Self::Write => 5,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::ClosedPipe => "closed-pipe",
            Self::Threshold => "threshold",
            Self::Usage => "usage",
            Self::Repository => "repository",
            Self::Dockerfile => "dockerfile",
            Self::Write => "write",
        }
    }
}

/// An error that ends the run.
#[derive(Debug)]
pub(super) struct CliError {
    kind: Kind,
    message: String,
    help: Option<String>,
    /// Line and column in the Dockerfile; 0 where there is none.
    place: (usize, usize),
    /// Worded in full already: shown without our prefix.
    whole: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl CliError {
    /// An error of `kind`; the message is a lower-case fragment that names the thing and the place.
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            help: None,
            place: (0, 0),
            whole: None,
            source: None,
        }
    }

    /// Wrong usage.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Something about the repository.
    pub(super) fn repository(message: impl Into<String>) -> Self {
        Self::new(Kind::Repository, message)
    }

    /// A usage error that the argument parser worded, usage line and all.
    pub(super) fn worded(text: String) -> Self {
        let plain = anstream::adapter::strip_str(&text).to_string();
        let first = plain
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        Self {
            whole: Some(text),
            ..Self::usage(first)
        }
    }

    /// A Dockerfile that is refused. `rendered` is the message with its snippet.
    pub(super) fn dockerfile(error: &dockerfile::Error, rendered: String) -> Self {
        Self {
            help: error.help.clone(),
            place: (error.line, error.column),
            whole: Some(rendered),
            ..Self::new(Kind::Dockerfile, error.message.clone())
        }
    }

    /// Adds what would help.
    #[must_use]
    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds where it came from.
    #[must_use]
    pub(super) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Its kind.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// For `--format json`: the object that goes to standard output.
    pub(super) fn as_json(&self) -> serde_json::Value {
        let (line, column) = self.place;
        let message = match &self.source {
            Some(source) => format!("{}: {source}", self.message),
            None => self.message.clone(),
        };
        json!({"error": {
            "kind": self.kind.name(),
            "exit_code": self.kind.code(),
            "message": message,
            "line": (line > 0).then_some(line),
            "column": (line > 0).then_some(column),
            "help": self.help,
        }})
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(whole) = &self.whole {
            return f.write_str(whole.trim_end());
        }
        write!(f, "error: {}", self.message)?;
        let mut source = self.source.as_deref().map(|s| s as &dyn StdError);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl StdError for CliError {}

/// Failing to write is exit code 5, unless the reader closed the pipe.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Kind::ClosedPipe, "the reader closed the pipe");
        }
        Self::new(Kind::Write, "could not write the output").with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_success_and_a_full_disk_is_not() {
        let closed: CliError = io::Error::from(io::ErrorKind::BrokenPipe).into();
        let full: CliError = io::Error::from(io::ErrorKind::StorageFull).into();
        assert_eq!((closed.kind().code(), full.kind().code()), (0, 5));
    }

    #[test]
    fn the_json_form_has_the_place() {
        let refusal = dockerfile::Error::at(
            "FROM a\nRUM b\n",
            dockerfile::Span::new(7, 10),
            "unknown instruction",
        );
        let json = CliError::dockerfile(&refusal, String::new()).as_json();
        assert_eq!(json["error"]["line"], 2);
        assert_eq!(json["error"]["exit_code"], 4);
    }
}
