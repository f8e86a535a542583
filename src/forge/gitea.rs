//! Gitea and Forgejo: issue comments (a pull request is an issue).
//!
//! Source: the interface's description in Gitea's `routers/api/v1/repo/issue_comment.go` and `pull.go`: the listing of
//! one issue's comments is not paged. Gitea cannot hide a comment, so an outdated one is folded under `<details>`.

use super::comment::Comment;
use super::comment::Comments;
use super::environment::Destination;
use super::error::Error;
use super::error::Kind;
use super::http::Client;
use super::http::Method;
use super::http::encoded;
use super::network::Network;
use super::thread::Thread;
use serde::Deserialize;

/// One pull request on Gitea.
pub(super) struct Api {
    thread: Thread,
    number: u64,
}

#[derive(Deserialize)]
struct Listed {
    id: u64,
    body: String,
    html_url: Option<String>,
}

impl From<Listed> for Comment {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.id,
            node: None,
            body: listed.body,
            url: listed.html_url,
        }
    }
}

impl Api {
    pub(super) fn new(to: &Destination, network: &Network) -> Result<Self, Error> {
        let (owner, name) = to
            .repository
            .split_once('/')
            .unwrap_or((&to.repository, ""));
        let client = Client::new(
            &to.api,
            network,
            &to.token,
            ("authorization", "token "),
            &[("accept", "application/json")],
        )?;
        let thread = Thread {
            client,
            url: format!("{}/repos/{}/{}", to.api, encoded(owner), encoded(name)),
            name: format!("{}#{}", to.repository, to.pull_request),
            help: permission,
        };
        Ok(Self {
            thread,
            number: to.pull_request,
        })
    }
}

/// What the reader of a 403 can do about it.
fn permission(error: Error) -> Error {
    match error.kind() {
        Kind::Forbidden => error.with_help(
            "the token needs the scope write:issue, and its user the right to comment; the job of a pull request from a \
             fork takes the two-step way (`--save` there, `--post gitea --from` in a trusted job)",
        ),
        _ => error,
    }
}

impl Comments for Api {
    fn list(&self) -> Result<Vec<Comment>, Error> {
        let path = format!("/issues/{}/comments", self.number);
        self.thread.list(&path, |c: Listed| Some(c.into()))
    }

    fn create(&self, body: &str) -> Result<Comment, Error> {
        let path = format!("/issues/{}/comments", self.number);
        self.thread.create::<Listed>(&path, body)
    }

    fn update(&self, comment: &Comment, body: &str) -> Result<Comment, Error> {
        let path = format!("/issues/comments/{}", comment.id);
        self.thread
            .update::<Listed>(Method::Patch, &path, comment, body)
    }

    fn delete(&self, comment: &Comment) -> Result<(), Error> {
        let path = format!("/issues/comments/{}", comment.id);
        self.thread.delete(&path, comment)
    }

    fn head(&self) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Pull {
            head: Head,
        }
        #[derive(Deserialize)]
        struct Head {
            sha: String,
        }
        let path = format!("/pulls/{}", self.number);
        self.thread.read::<Pull>(&path).map(|pull| pull.head.sha)
    }
}
