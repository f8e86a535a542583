//! GitHub: issue comments over REST (a pull request is an issue), hiding over GraphQL.
//!
//! Source: GitHub's REST description (issues/list-comments, issues/create-comment, issues/update-comment,
//! issues/delete-comment, pulls/get) and GraphQL reference (minimizeComment).

use super::comment::Comment;
use super::comment::Comments;
use super::environment::Destination;
use super::error::Error;
use super::error::Kind;
use super::http::Client;
use super::http::Method;
use super::http::Request;
use super::http::cannot;
use super::http::encoded;
use super::network::Network;
use super::thread::PER_PAGE;
use super::thread::Thread;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

const STATES: &str =
    "query($ids: [ID!]!) { nodes(ids: $ids) { ... on IssueComment { id isMinimized } } }";
const MINIMIZE: &str = "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) \
                        { minimizedComment { isMinimized } } }";

/// One pull request on GitHub.
pub(super) struct Api {
    thread: Thread,
    graphql: Client,
    graphql_url: String,
    number: u64,
}

#[derive(Deserialize)]
struct Listed {
    id: u64,
    node_id: Option<String>,
    body: Option<String>,
    html_url: Option<String>,
}

impl From<Listed> for Comment {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.id,
            node: listed.node_id,
            body: listed.body.unwrap_or_default(),
            url: listed.html_url,
        }
    }
}

impl Api {
    pub(super) fn new(to: &Destination, network: &Network) -> Result<Self, Error> {
        let headers = [
            ("accept", "application/vnd.github+json"),
            ("x-github-api-version", "2022-11-28"),
        ];
        let client = |address: &str| {
            Client::new(
                address,
                network,
                &to.token,
                ("authorization", "Bearer "),
                &headers,
            )
        };
        let (owner, name) = to
            .repository
            .split_once('/')
            .unwrap_or((&to.repository, ""));
        let thread = Thread {
            client: client(&to.api)?,
            url: format!("{}/repos/{}/{}", to.api, encoded(owner), encoded(name)),
            name: format!("{}#{}", to.repository, to.pull_request),
            help: permission,
        };
        Ok(Self {
            thread,
            graphql: client(&to.graphql)?,
            graphql_url: to.graphql.clone(),
            number: to.pull_request,
        })
    }

    fn ask(&self, query: &str, variables: &Value, doing: &str) -> Result<Value, Error> {
        let body = json!({ "query": query, "variables": variables });
        let request = Request {
            method: Method::Post,
            url: &self.graphql_url,
            body: Some(&body),
            doing,
        };
        let answer: Value = self
            .graphql
            .send(request)
            .map_err(permission)?
            .json(doing)?;
        match answer["errors"][0]["message"].as_str() {
            Some(message) => {
                let short: String = message
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(300)
                    .collect();
                Err(Error::new(
                    Kind::Forbidden,
                    cannot(doing),
                    format!("GitHub answers: {short}"),
                ))
            }
            None => Ok(answer),
        }
    }
}

/// What the reader of a 403 can do about it.
fn permission(error: Error) -> Error {
    match error.kind() {
        Kind::Forbidden => error.with_help(
            "the workflow needs `permissions: pull-requests: write`; a pull request from a fork never gets it and takes the \
             two-step way (`--save` there, `--post github --from` in a second workflow, see docs/pull-requests.md)",
        ),
        _ => error,
    }
}

impl Comments for Api {
    fn list(&self) -> Result<Vec<Comment>, Error> {
        let path = format!("/issues/{}/comments?per_page={PER_PAGE}", self.number);
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

    /// Only those that are not hidden yet: the state is asked for first.
    fn hide(
        &self,
        comments: &[Comment],
        _folded: &dyn Fn(&Comment) -> String,
    ) -> Result<(), Error> {
        let doing = format!("hide the outdated comments of {}", self.thread.name);
        let ids: Vec<&str> = comments.iter().filter_map(|c| c.node.as_deref()).collect();
        for some in ids.chunks(PER_PAGE) {
            let states = self.ask(STATES, &json!({ "ids": some }), &doing)?;
            for state in states["data"]["nodes"].as_array().into_iter().flatten() {
                if state["isMinimized"].as_bool() == Some(false) {
                    self.ask(MINIMIZE, &json!({ "id": state["id"] }), &doing)?;
                }
            }
        }
        Ok(())
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
