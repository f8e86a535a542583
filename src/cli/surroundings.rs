//! What the CI job around the process tells: its environment, the event's file, proxies, authorities.

use super::args::CommentArgs;
use super::error::CliError;
use crate::forge::Environment;
use crate::forge::Forge;
use crate::forge::Limits;
use crate::forge::Network;
use crate::forge::Overrides;
use crate::forge::Surroundings;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// GitHub's events are below 25 MB; ours are far smaller.
const MAX_EVENT: u64 = 25 << 20;
/// A bundle of all public authorities has 0.2 MB.
const MAX_AUTHORITIES: u64 = 8 << 20;

/// Environment and event.
pub(super) struct Job {
    pub(super) environment: Environment,
    pub(super) event: Option<String>,
    pub(super) seen: Surroundings,
}

impl Job {
    /// Reads the process's environment; an event that cannot be read is none.
    pub(super) fn read() -> Self {
        let text = |s: std::ffi::OsString| s.to_string_lossy().into_owned();
        let environment: Environment = std::env::vars_os()
            .map(|(k, v)| (text(k), text(v)))
            .collect();
        let event = environment
            .get("GITHUB_EVENT_PATH")
            .and_then(|path| limited(Path::new(path), MAX_EVENT).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let seen = Surroundings::read(&environment, event.as_deref());
        Self {
            environment,
            event,
            seen,
        }
    }

    /// How the network is used.
    pub(super) fn network(&self, args: &CommentArgs) -> Result<Network, CliError> {
        let named = args
            .ca_file
            .clone()
            .or_else(|| self.seen.authorities_file.as_ref().map(Into::into));
        let authorities = named.map(|path| {
            limited(&path, MAX_AUTHORITIES).map_err(|e| {
                CliError::usage(format!("cannot read the authorities in {}", path.display()))
                    .with_source(e)
            })
        });
        let seconds = |name: &str| {
            self.environment
                .get(name)
                .and_then(|v| v.parse().ok())
                .map(Duration::from_secs)
        };
        let limits = Limits::default();
        let limits = Limits {
            timeout: seconds("STRATIGRAPH_TIMEOUT").unwrap_or(limits.timeout),
            longest_wait: seconds("STRATIGRAPH_LONGEST_WAIT").unwrap_or(limits.longest_wait),
            ..limits
        };
        Ok(Network {
            proxies: self.seen.proxies.clone(),
            authorities: authorities.transpose()?,
            limits,
        })
    }

    /// What a file's path is appended to for a link to it at `head`.
    pub(super) fn files(&self, forge: Option<Forge>, head: &str) -> Option<String> {
        let web = self.seen.web.as_ref().filter(|w| is_plain(w))?;
        let middle = match forge.or(self.seen.forge)? {
            Forge::GitHub => "blob",
            Forge::GitLab => "-/blob",
            Forge::Gitea => "src/commit",
        };
        Some(format!("{web}/{middle}/{head}/"))
    }
}

/// An address that cannot end a Markdown link early.
fn is_plain(address: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b":/._-~%".contains(&b);
    address.starts_with("http") && address.bytes().all(good)
}

/// The forge that an option names; the option knows no other names.
pub(super) fn forge(name: &str) -> Forge {
    match name {
        "gitlab" => Forge::GitLab,
        "gitea" => Forge::Gitea,
        _ => Forge::GitHub,
    }
}

/// What options say about the destination.
pub(super) fn overrides(args: &CommentArgs) -> Overrides {
    Overrides {
        repository: args.repository.clone(),
        pull_request: args.pull_request,
        api: args.api_url.clone(),
        token_variable: args.token_env.clone(),
    }
}

/// A whole file of at most `most` bytes.
pub(super) fn limited(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(most + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(std::io::Error::other(format!(
            "it is larger than {most} bytes"
        )));
    }
    Ok(bytes)
}
