//! Why a comment could not be posted: what was being done, what stands in the way, what would help.

use std::fmt;

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Where to post, or the token, is not known.
    Destination,
    /// 401: the token is missing, wrong or has expired.
    Unauthorized,
    /// 403: the token may not do this.
    Forbidden,
    /// 403 in a job of a pull request from a fork.
    Fork,
    /// 404: no such repository or pull request, or the token may not see it.
    NotFound,
    /// 400, 413 or 422: the forge does not take the comment.
    Invalid,
    /// 429, or 403 with a rate limit, and the wait is longer than allowed.
    RateLimited,
    /// No answer in time.
    Timeout,
    /// The connection is not to be trusted or not TLS.
    Tls,
    /// The proxy refuses or cannot be reached.
    Proxy,
    /// The server cannot be reached, or hung up.
    Connect,
    /// The address has moved to somewhere a token is not sent to.
    Redirected,
    /// The answer is larger than we read.
    TooLarge,
    /// 5xx.
    Server,
    /// The answer is not what the interface's description says.
    Unexpected,
    /// The pull request's head is not the commit that the trusted event names.
    WrongHead,
}

/// A failed posting. All of them are exit code 5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    doing: String,
    detail: String,
    help: Option<String>,
}

impl Error {
    /// `detail` says what stands in the way.
    pub(super) fn new(kind: Kind, doing: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind,
            doing: doing.into(),
            detail: detail.into(),
            help: None,
        }
    }

    /// Adds what would help.
    #[must_use]
    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same failure, seen in a job of a pull request from a fork.
    #[must_use]
    pub(super) fn on_fork(mut self) -> Self {
        if self.kind == Kind::Forbidden {
            self.kind = Kind::Fork;
            self.help = Some(
                "the job of a pull request from a fork gets a token that may only read; run `stratigraph comment \
                 --save FILE` in that job, hand the file over as an artifact, and run `stratigraph comment --post … \
                 --from FILE` in a second job of the base repository (docs/pull-requests.md shows the pair)"
                    .to_owned(),
            );
        }
        self
    }

    /// What stands in the way.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What would help, if that is known.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.detail)?;
        self.help
            .as_ref()
            .map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

impl std::error::Error for Error {}
