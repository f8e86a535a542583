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
use super::http::encoded;
use super::network::Network;
use super::thread::PER_PAGE;
use super::thread::Thread;
use serde::Deserialize;

/// One merge request on GitLab.
pub(super) struct Api {
    thread: Thread,
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
        let client = Client::new(
            &to.api,
            network,
            &to.token,
            ("private-token", ""),
            &[("accept", "application/json")],
        )?;
        let url = format!(
            "{}/projects/{}/merge_requests/{}",
            to.api,
            encoded(&to.repository),
            to.pull_request
        );
        let thread = Thread {
            client,
            url,
            name: format!("{}!{}", to.repository, to.pull_request),
            help: permission,
        };
        Ok(Self { thread })
    }
}

/// What the reader of a 401 or 403 can do about it.
fn permission(error: Error) -> Error {
    match error.kind() {
        Kind::Unauthorized | Kind::Forbidden => error.with_help(
            "GITLAB_TOKEN must be an access token with the scope api and at least the role Reporter; protected \
             variables are not given to the jobs of unprotected branches, and never to those of forks",
        ),
        _ => error,
    }
}

impl Comments for Api {
    fn list(&self) -> Result<Vec<Comment>, Error> {
        let path = format!("/notes?sort=asc&order_by=created_at&per_page={PER_PAGE}");
        let of_people = |note: Note| (!note.system).then(|| note.into());
        self.thread.list(&path, of_people)
    }

    fn create(&self, body: &str) -> Result<Comment, Error> {
        self.thread.create::<Note>("/notes", body)
    }

    fn update(&self, comment: &Comment, body: &str) -> Result<Comment, Error> {
        let path = format!("/notes/{}", comment.id);
        self.thread
            .update::<Note>(Method::Put, &path, comment, body)
    }

    fn delete(&self, comment: &Comment) -> Result<(), Error> {
        let path = format!("/notes/{}", comment.id);
        self.thread.delete(&path, comment)
    }

    fn head(&self) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct MergeRequest {
            sha: String,
        }
        self.thread.read::<MergeRequest>("").map(|found| found.sha)
    }
}
