//! GitLab: notes of a merge request.
//!
//! Source: GitLab's `lib/api/notes.rb`, `doc/api/notes.md`, `doc/api/merge_requests.md`. GitLab cannot hide a note, so
//! an outdated one is folded under `<details>`.

use super::comment::Comment;
use super::comment::Comments;
use super::environment::Destination;
use super::error::Error;
use super::error::Kind;
use super::http::Client;
use super::http::Method;
use super::http::Request;
use super::http::Response;
use super::http::cannot;
use super::http::encoded;
use super::network::Network;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

const PER_PAGE: usize = 100;
const PAGES: usize = 100;

/// One merge request on GitLab.
pub(super) struct Api {
    client: Client,
    request_url: String,
    name: String,
}

#[derive(Deserialize)]
struct Note {
    id: u64,
    body: String,
    #[serde(default)]
    system: bool,
}

impl From<Note> for Comment {
    fn from(note: Note) -> Self {
        Self {
            id: note.id,
            node: None,
            body: note.body,
            url: None,
        }
    }
}

impl Api {
    pub(super) fn new(to: &Destination, network: &Network) -> Result<Self, Error> {
        Ok(Self {
            client: Client::new(
                &to.api,
                network,
                &to.token,
                ("private-token", ""),
                &[("accept", "application/json")],
            )?,
            request_url: format!(
                "{}/projects/{}/merge_requests/{}",
                to.api,
                encoded(&to.repository),
                to.pull_request
            ),
            name: format!("{}!{}", to.repository, to.pull_request),
        })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        doing: &str,
    ) -> Result<Response, Error> {
        let url = format!("{}{path}", self.request_url);
        self.client.send(Request { method, url: &url, body, doing }).map_err(|e| match e.kind() {
            Kind::Unauthorized | Kind::Forbidden => e.with_help(
                "GITLAB_TOKEN must be an access token with the scope api and at least the role Reporter; protected \
                 variables are not given to the jobs of unprotected branches, and never to those of forks",
            ),
            _ => e,
        })
    }
}

impl Comments for Api {
    fn list(&self) -> Result<Vec<Comment>, Error> {
        let doing = format!("list the comments of {}", self.name);
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let path =
                format!("/notes?sort=asc&order_by=created_at&per_page={PER_PAGE}&page={page}");
            let answer = self.request(Method::Get, &path, None, &doing)?;
            all.extend(
                answer
                    .json::<Vec<Note>>(&doing)?
                    .into_iter()
                    .filter(|n| !n.system)
                    .map(Comment::from),
            );
            if !answer.has_next {
                return Ok(all);
            }
        }
        Err(Error::new(
            Kind::TooLarge,
            cannot(&doing),
            format!("there are more than {}", PAGES * PER_PAGE),
        ))
    }

    fn create(&self, body: &str) -> Result<Comment, Error> {
        let doing = format!("create a comment on {}", self.name);
        self.request(
            Method::Post,
            "/notes",
            Some(&json!({ "body": body })),
            &doing,
        )?
        .json::<Note>(&doing)
        .map(Comment::from)
    }

    fn update(&self, comment: &Comment, body: &str) -> Result<Comment, Error> {
        let doing = format!("update comment {} of {}", comment.id, self.name);
        let path = format!("/notes/{}", comment.id);
        self.request(Method::Put, &path, Some(&json!({ "body": body })), &doing)?
            .json::<Note>(&doing)
            .map(Comment::from)
    }

    fn delete(&self, comment: &Comment) -> Result<(), Error> {
        let doing = format!("delete comment {} of {}", comment.id, self.name);
        self.request(
            Method::Delete,
            &format!("/notes/{}", comment.id),
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
        struct MergeRequest {
            sha: String,
        }
        let doing = format!("read {}", self.name);
        self.request(Method::Get, "", None, &doing)?
            .json::<MergeRequest>(&doing)
            .map(|found| found.sha)
    }
}
