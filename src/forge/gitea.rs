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
use super::http::Request;
use super::http::Response;
use super::http::encoded;
use super::network::Network;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

/// One pull request on Gitea.
pub(super) struct Api {
    client: Client,
    repository_url: String,
    number: u64,
    name: String,
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
        Ok(Self {
            client: Client::new(
                &to.api,
                network,
                &to.token,
                ("authorization", "token "),
                &[("accept", "application/json")],
            )?,
            repository_url: format!("{}/repos/{}/{}", to.api, encoded(owner), encoded(name)),
            number: to.pull_request,
            name: format!("{}#{}", to.repository, to.pull_request),
        })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        doing: &str,
    ) -> Result<Response, Error> {
        let url = format!("{}{path}", self.repository_url);
        self.client.send(Request { method, url: &url, body, doing }).map_err(|e| match e.kind() {
            Kind::Forbidden => e.with_help(
                "the token needs the scope write:issue, and its user the right to comment; the job of a pull request from a \
                 fork takes the two-step way (`--save` there, `--post gitea --from` in a trusted job)",
            ),
            _ => e,
        })
    }
}

impl Comments for Api {
    fn list(&self) -> Result<Vec<Comment>, Error> {
        let doing = format!("list the comments of {}", self.name);
        let answer = self.request(
            Method::Get,
            &format!("/issues/{}/comments", self.number),
            None,
            &doing,
        )?;
        Ok(answer
            .json::<Vec<Listed>>(&doing)?
            .into_iter()
            .map(Comment::from)
            .collect())
    }

    fn create(&self, body: &str) -> Result<Comment, Error> {
        let doing = format!("create a comment on {}", self.name);
        let path = format!("/issues/{}/comments", self.number);
        let answer = self.request(Method::Post, &path, Some(&json!({ "body": body })), &doing)?;
        answer.json::<Listed>(&doing).map(Comment::from)
    }

    fn update(&self, comment: &Comment, body: &str) -> Result<Comment, Error> {
        let doing = format!("update comment {} of {}", comment.id, self.name);
        let path = format!("/issues/comments/{}", comment.id);
        let answer = self.request(Method::Patch, &path, Some(&json!({ "body": body })), &doing)?;
        answer.json::<Listed>(&doing).map(Comment::from)
    }

    fn delete(&self, comment: &Comment) -> Result<(), Error> {
        let doing = format!("delete comment {} of {}", comment.id, self.name);
        self.request(
            Method::Delete,
            &format!("/issues/comments/{}", comment.id),
            None,
            &doing,
        )
        .map(|_| ())
    }

    fn hide(&self, comments: &[Comment], folded: &dyn Fn(&Comment) -> String) -> Result<(), Error> {
        comments
            .iter()
            .try_for_each(|c| self.update(c, &folded(c)).map(|_| ()))
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
        let doing = format!("read {}", self.name);
        let answer = self.request(
            Method::Get,
            &format!("/pulls/{}", self.number),
            None,
            &doing,
        )?;
        answer.json::<Pull>(&doing).map(|pull| pull.head.sha)
    }
}
