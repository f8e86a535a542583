//! A forge over loopback: keeps comments and implements the documented interface strictly; what deviates is answered
//! as the forge would and written down as a violation, which fails the test.
//!
//! Sources. GitHub: its REST description (issues/list-comments, issues/create-comment, issues/update-comment,
//! issues/delete-comment, pulls/get), "Getting started with the REST API" (User-Agent, Accept, X-GitHub-Api-Version),
//! "Using pagination" (Link), GraphQL reference (nodes, minimizeComment). GitLab: `lib/api/notes.rb`,
//! `doc/api/notes.md` (body up to 1,000,000 characters), `doc/api/rest` (PRIVATE-TOKEN, offset pagination with Link,
//! path of a project URL-encoded). Gitea: the swagger comments in `routers/api/v1/repo/issue_comment.go` and `pull.go`
//! (listing without pages, `Authorization: token`, 201 on create).

use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The only token that may write.
pub const TOKEN: &str = "tok_3f9a1c77";

/// Which interface is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    GitHub,
    GitLab,
    Gitea,
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// With the query.
    pub target: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
    pub status: u16,
}

impl Seen {
    /// Whether the request changes anything; GraphQL's queries are sent by POST and change nothing.
    pub fn writes(&self) -> bool {
        self.method != "GET"
            && !(self.target == "/graphql" && self.body.contains("\"query\":\"query"))
    }
}

/// An answer that is given instead of the real one.
#[derive(Clone, Debug, Default)]
pub struct Fault {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Before the answer.
    pub delay: Duration,
    /// Only for this method; any if empty.
    pub method: &'static str,
    /// The connection is cut instead of answered.
    pub hang_up: bool,
}

/// A fault with a status and GitHub's form of message.
pub fn fault(method: &'static str, status: u16, headers: &[(&str, &str)], message: &str) -> Fault {
    let headers = headers
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    Fault {
        status,
        headers,
        body: json!({ "message": message }).to_string(),
        method,
        ..Fault::default()
    }
}

/// One comment.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: u64,
    pub body: String,
    pub minimized: bool,
}

#[derive(Default)]
struct State {
    comments: Vec<Stored>,
    seen: Vec<Seen>,
    violations: Vec<String>,
    faults: VecDeque<Fault>,
    pull: Value,
}

/// A running forge; it stops with the process.
pub struct Server {
    speaks: Speaks,
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        body: body.to_string(),
    }
}

fn refusal(status: u16, message: &str) -> Answer {
    let docs = "https://docs.github.com/rest";
    answer(
        status,
        &json!({ "message": message, "documentation_url": docs, "status": status.to_string() }),
    )
}

impl Server {
    /// Starts on a free port of loopback, with `comments` already there.
    pub fn start(speaks: Speaks, comments: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stored = |(i, body): (usize, &&str)| Stored {
            id: 101 + i as u64,
            body: (*body).to_owned(),
            minimized: false,
        };
        let comments = comments.iter().enumerate().map(stored).collect();
        let state = Arc::new(Mutex::new(State {
            comments,
            pull: json!({ "number": 1, "iid": 1, "sha": "h".repeat(40), "head": { "sha": "h".repeat(40) } }),
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(stream, speaks, &state));
            }
        });
        Self {
            speaks,
            address,
            state,
        }
    }

    /// The interface's address, as a job's environment would give it.
    pub fn api(&self) -> String {
        let path = match self.speaks {
            Speaks::GitHub => "",
            Speaks::GitLab => "/api/v4",
            Speaks::Gitea => "/api/v1",
        };
        format!("http://{}{path}", self.address)
    }

    /// The next fitting requests are answered by these, in order.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    /// Answers with this pull request from now on.
    pub fn set_pull(&self, pull: Value) {
        self.state.lock().unwrap().pull = pull;
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    /// `METHOD path` of the requests that write.
    pub fn writes(&self) -> Vec<String> {
        let path = |s: &Seen| s.target.split('?').next().unwrap_or_default().to_owned();
        self.seen()
            .iter()
            .filter(|s| s.writes())
            .map(|s| format!("{} {}", s.method, path(s)))
            .collect()
    }

    /// The comments that stand there now.
    pub fn comments(&self) -> Vec<Stored> {
        self.state.lock().unwrap().comments.clone()
    }

    /// What was not as the interface is documented.
    pub fn violations(&self) -> Vec<String> {
        self.state.lock().unwrap().violations.clone()
    }
}

fn serve(stream: TcpStream, speaks: Speaks, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).ok()?;
    let Ok(line) = String::from_utf8(line) else {
        // Such as a TLS greeting.
        return write(stream, &refusal(400, "Bad Request"));
    };
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |v| v.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut seen = Seen {
        method,
        target,
        headers,
        body: String::from_utf8(body).ok()?,
        status: 0,
    };

    let fault = {
        let mut state = state.lock().unwrap();
        let fits = state
            .faults
            .front()
            .is_some_and(|f| f.method.is_empty() || f.method == seen.method);
        if fits { state.faults.pop_front() } else { None }
    };
    let answer = match fault {
        Some(fault) => {
            thread::sleep(fault.delay);
            if fault.hang_up {
                seen.status = 0;
                state.lock().unwrap().seen.push(seen);
                return None;
            }
            Answer {
                status: fault.status,
                headers: fault.headers,
                body: fault.body,
            }
        }
        None => {
            let mut state = state.lock().unwrap();
            match speaks {
                Speaks::GitHub => github(&mut state, &seen),
                Speaks::GitLab => gitlab(&mut state, &seen),
                Speaks::Gitea => gitea(&mut state, &seen),
            }
        }
    };
    seen.status = answer.status;
    state.lock().unwrap().seen.push(seen);
    write(stream, &answer)
}

fn write(mut stream: TcpStream, answer: &Answer) -> Option<()> {
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
    // 204 has no body (RFC 9110, 15.3.5).
    if answer.status != 204 {
        let length = answer.body.len();
        let kind = "content-type: application/json; charset=utf-8";
        head = format!("{head}{kind}\r\ncontent-length: {length}\r\n");
    }
    for (name, value) in &answer.headers {
        head = format!("{head}{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    if answer.status != 204 {
        stream.write_all(answer.body.as_bytes()).ok()?;
    }
    stream.flush().ok()
}

/// Notes `what` as a violation if `wrong`.
fn forbid(state: &mut State, seen: &Seen, wrong: bool, what: &str) {
    if wrong {
        state
            .violations
            .push(format!("{} {}: {what}", seen.method, seen.target));
    }
}

fn query(seen: &Seen) -> BTreeMap<String, String> {
    let text = seen.target.split_once('?').map_or("", |(_, q)| q);
    text.split('&')
        .filter_map(|p| p.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

/// The body of a write: an object with `body` alone, a text that is not empty.
fn text_of(state: &mut State, seen: &Seen, most: usize) -> Result<String, Answer> {
    let json = seen
        .headers
        .get("content-type")
        .is_some_and(|t| t.starts_with("application/json"));
    forbid(state, seen, !json, "a body that is not declared as JSON");
    let value: Value =
        serde_json::from_str(&seen.body).map_err(|_| refusal(400, "Problems parsing JSON"))?;
    let only_body = value
        .as_object()
        .is_some_and(|o| o.len() == 1 && o.contains_key("body"));
    forbid(
        state,
        seen,
        !only_body,
        "the body's object must have `body` alone",
    );
    let text = value["body"].as_str().unwrap_or_default().to_owned();
    if text.trim().is_empty() {
        return Err(refusal(422, "Validation Failed: body can't be blank"));
    }
    if text.chars().count() > most {
        return Err(refusal(
            422,
            &format!("Body is too long (maximum is {most} characters)"),
        ));
    }
    Ok(text)
}

/// Offset pagination with a Link header, as GitHub and GitLab have it; at most 100 a page.
fn page(
    state: &mut State,
    seen: &Seen,
    host: &str,
    allowed: &[&str],
    per_page: usize,
) -> (Vec<Stored>, Vec<(String, String)>) {
    let query = query(seen);
    for name in query.keys() {
        forbid(
            state,
            seen,
            !allowed.contains(&name.as_str()),
            &format!("no such query parameter: {name}"),
        );
    }
    let number = |name: &str, or: usize| query.get(name).map_or(or, |v| v.parse().unwrap_or(0));
    let (size, page) = (number("per_page", per_page).min(100), number("page", 1));
    forbid(
        state,
        seen,
        size == 0 || page == 0 || number("per_page", 1) > 100,
        "page and per_page count from 1, per_page to 100",
    );
    let pages = state.comments.len().div_ceil(size.max(1)).max(1);
    let path = seen.target.split('?').next().unwrap_or_default();
    let link = |to: usize, rel: &str| {
        format!("<http://{host}{path}?per_page={size}&page={to}>; rel=\"{rel}\"")
    };
    let mut links = Vec::new();
    if page > 1 {
        links.push(link(page - 1, "prev"));
    }
    if page < pages {
        links.push(link(page + 1, "next"));
    }
    links.push(link(pages, "last"));
    let some = state
        .comments
        .iter()
        .skip((page.max(1) - 1) * size)
        .take(size)
        .cloned()
        .collect();
    (some, vec![("link".to_owned(), links.join(", "))])
}

fn create(state: &mut State, text: String) -> Stored {
    let id = state.comments.iter().map(|c| c.id + 1).max().unwrap_or(101);
    let stored = Stored {
        id,
        body: text,
        minimized: false,
    };
    state.comments.push(stored.clone());
    stored
}

fn edit(state: &mut State, id: &str, text: String) -> Option<Stored> {
    let stored = state.comments.iter_mut().find(|c| c.id.to_string() == id)?;
    stored.body = text;
    Some(stored.clone())
}

fn delete(state: &mut State, id: &str) -> Answer {
    let before = state.comments.len();
    state.comments.retain(|c| c.id.to_string() != id);
    if state.comments.len() < before {
        Answer {
            status: 204,
            headers: Vec::new(),
            body: String::new(),
        }
    } else {
        refusal(404, "Not Found")
    }
}

fn segments(seen: &Seen) -> Vec<String> {
    seen.target
        .split('?')
        .next()
        .unwrap_or_default()
        .trim_start_matches('/')
        .split('/')
        .map(str::to_owned)
        .collect()
}

fn github(state: &mut State, seen: &Seen) -> Answer {
    let header = |name: &str| seen.headers.get(name).map(String::as_str);
    forbid(
        state,
        seen,
        header("user-agent").is_none(),
        "GitHub refuses requests without User-Agent",
    );
    forbid(
        state,
        seen,
        header("accept") != Some("application/vnd.github+json"),
        "Accept is to be application/vnd.github+json",
    );
    forbid(
        state,
        seen,
        header("x-github-api-version") != Some("2022-11-28"),
        "X-GitHub-Api-Version names a version",
    );
    if header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return refusal(401, "Bad credentials");
    }
    let path = segments(seen);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let host = seen.headers.get("host").cloned().unwrap_or_default();
    match (seen.method.as_str(), path.as_slice()) {
        ("GET", ["repos", "o", "r", "issues", "1", "comments"]) => {
            let (some, links) = page(state, seen, &host, &["per_page", "page", "since"], 30);
            let list: Vec<Value> = some.iter().map(github_comment).collect();
            Answer {
                headers: links,
                ..answer(200, &Value::from(list))
            }
        }
        ("POST", ["repos", "o", "r", "issues", "1", "comments"]) => {
            match text_of(state, seen, 65_536) {
                Ok(text) => answer(201, &github_comment(&create(state, text))),
                Err(refused) => refused,
            }
        }
        ("PATCH", ["repos", "o", "r", "issues", "comments", id]) => {
            match text_of(state, seen, 65_536) {
                Ok(text) => edit(state, id, text).map_or_else(
                    || refusal(404, "Not Found"),
                    |c| answer(200, &github_comment(&c)),
                ),
                Err(refused) => refused,
            }
        }
        ("DELETE", ["repos", "o", "r", "issues", "comments", id]) => delete(state, id),
        ("GET", ["repos", "o", "r", "pulls", "1"]) => answer(200, &state.pull),
        ("POST", ["graphql"]) => graphql(state, seen),
        (
            _,
            ["repos", "o", "r", "issues", "1", "comments"]
            | ["repos", "o", "r", "issues", "comments", _],
        ) => {
            forbid(state, seen, true, "no such method here");
            refusal(404, "Not Found")
        }
        // Another repository or pull request is nobody's fault; another shape is ours.
        (_, ["repos", _, _, "issues", _, "comments"] | ["repos", _, _, "pulls", _]) => {
            refusal(404, "Not Found")
        }
        _ => {
            forbid(state, seen, true, "no such path");
            refusal(404, "Not Found")
        }
    }
}

fn github_comment(stored: &Stored) -> Value {
    let (id, url) = (stored.id, "https://api.github.com/repos/o/r/issues");
    let user = "https://api.github.com/users/bot";
    json!({
        "id": id, "node_id": format!("IC_{id}"), "url": format!("{url}/comments/{id}"),
        "html_url": format!("https://github.com/o/r/pull/1#issuecomment-{id}"), "body": stored.body,
        "user": {
            "login": "bot", "id": 1, "node_id": "U_1", "avatar_url": "https://github.com/bot.png", "gravatar_id": "",
            "url": user, "html_url": "https://github.com/bot", "followers_url": format!("{user}/followers"),
            "following_url": format!("{user}/following{{/other_user}}"), "gists_url": format!("{user}/gists{{/gist_id}}"),
            "starred_url": format!("{user}/starred{{/owner}}{{/repo}}"), "subscriptions_url": format!("{user}/subscriptions"),
            "organizations_url": format!("{user}/orgs"), "repos_url": format!("{user}/repos"),
            "events_url": format!("{user}/events{{/privacy}}"), "received_events_url": format!("{user}/received_events"),
            "type": "Bot", "site_admin": false,
        },
        "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z", "issue_url": format!("{url}/1"),
        "author_association": "NONE",
    })
}

/// The two operations that hiding uses; their texts are held against GitHub's schema in tests/forge.
fn graphql(state: &mut State, seen: &Seen) -> Answer {
    let value: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    let (text, variables) = (
        value["query"].as_str().unwrap_or_default().to_owned(),
        value["variables"].clone(),
    );
    let node = |c: &Stored| json!({ "id": format!("IC_{}", c.id), "isMinimized": c.minimized });
    if text.starts_with("mutation") {
        let found = state
            .comments
            .iter_mut()
            .find(|c| variables["id"] == format!("IC_{}", c.id));
        let Some(found) = found else {
            return answer(
                200,
                &json!({ "data": null, "errors": [{ "type": "NOT_FOUND", "message": "Could not resolve to a node" }] }),
            );
        };
        found.minimized = true;
        return answer(
            200,
            &json!({ "data": { "minimizeComment": { "minimizedComment": { "isMinimized": true } } } }),
        );
    }
    let wanted = variables["ids"].as_array().cloned().unwrap_or_default();
    let nodes: Vec<Value> = state
        .comments
        .iter()
        .map(node)
        .filter(|n| wanted.contains(&n["id"]))
        .collect();
    forbid(state, seen, nodes.len() != wanted.len(), "unknown node ids");
    answer(200, &json!({ "data": { "nodes": nodes } }))
}

fn gitlab(state: &mut State, seen: &Seen) -> Answer {
    if seen.headers.get("private-token").map(String::as_str) != Some(TOKEN) {
        return answer(401, &json!({ "message": "401 Unauthorized" }));
    }
    let path = segments(seen);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let host = seen.headers.get("host").cloned().unwrap_or_default();
    let missing = || answer(404, &json!({ "message": "404 Not found" }));
    let Some(rest) = path.strip_prefix(&["api", "v4", "projects", "g%2Fp", "merge_requests", "1"])
    else {
        let shape = matches!(
            path.as_slice(),
            ["api", "v4", "projects", _, "merge_requests", _, ..]
        );
        forbid(state, seen, !shape, "no such path");
        return answer(404, &json!({ "message": "404 Project Not Found" }));
    };
    match (seen.method.as_str(), rest) {
        ("GET", ["notes"]) => {
            let query = query(seen);
            let good = |name: &str, values: &[&str]| {
                query.get(name).is_none_or(|v| values.contains(&v.as_str()))
            };
            forbid(
                state,
                seen,
                !good("sort", &["asc", "desc"]),
                "sort is asc or desc",
            );
            forbid(
                state,
                seen,
                !good("order_by", &["created_at", "updated_at"]),
                "order_by is created_at or updated_at",
            );
            let allowed = ["sort", "order_by", "activity_filter", "per_page", "page"];
            // The default is newest first.
            let newest_first = query.get("sort").map(String::as_str) != Some("asc");
            if newest_first {
                state.comments.reverse();
            }
            let (some, links) = page(state, seen, &host, &allowed, 20);
            if newest_first {
                state.comments.reverse();
            }
            Answer {
                headers: links,
                ..answer(200, &some.iter().map(note).collect::<Vec<_>>().into())
            }
        }
        ("POST", ["notes"]) => match text_of(state, seen, 1_000_000) {
            Ok(text) => answer(201, &note(&create(state, text))),
            Err(refused) => refused,
        },
        ("PUT", ["notes", id]) => match text_of(state, seen, 1_000_000) {
            Ok(text) => edit(state, id, text).map_or_else(missing, |c| answer(200, &note(&c))),
            Err(refused) => refused,
        },
        ("DELETE", ["notes", id]) => delete(state, id),
        ("GET", []) => answer(200, &state.pull),
        _ => {
            forbid(state, seen, true, "no such path or method");
            missing()
        }
    }
}

fn note(stored: &Stored) -> Value {
    json!({
        "id": stored.id, "body": stored.body, "system": false, "noteable_type": "MergeRequest", "noteable_iid": 1,
        "author": { "id": 1, "username": "bot", "name": "bot", "state": "active" }, "resolvable": false, "internal": false,
        "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z",
    })
}

fn gitea(state: &mut State, seen: &Seen) -> Answer {
    if seen.headers.get("authorization").map(String::as_str) != Some(&format!("token {TOKEN}")) {
        return answer(
            401,
            &json!({ "message": "invalid username, password or token" }),
        );
    }
    let path = segments(seen);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let missing = || {
        answer(
            404,
            &json!({ "message": "not found", "url": "", "errors": null }),
        )
    };
    let comment = |c: &Stored| {
        let (id, url) = (
            c.id,
            format!("https://tea.example/o/r/pulls/1#issuecomment-{}", c.id),
        );
        json!({ "id": id, "body": c.body, "html_url": url, "user": { "id": 1, "login": "bot" } })
    };
    match (seen.method.as_str(), path.as_slice()) {
        ("GET", ["api", "v1", "repos", "o", "r", "issues", "1", "comments"]) => {
            let unknown = query(seen)
                .into_keys()
                .find(|name| name != "since" && name != "before");
            forbid(
                state,
                seen,
                unknown.is_some(),
                "only since and before are documented here",
            );
            answer(
                200,
                &state
                    .comments
                    .iter()
                    .map(comment)
                    .collect::<Vec<_>>()
                    .into(),
            )
        }
        ("POST", ["api", "v1", "repos", "o", "r", "issues", "1", "comments"]) => {
            match text_of(state, seen, 4_000_000) {
                Ok(text) => answer(201, &comment(&create(state, text))),
                Err(refused) => refused,
            }
        }
        ("PATCH", ["api", "v1", "repos", "o", "r", "issues", "comments", id]) => {
            match text_of(state, seen, 4_000_000) {
                Ok(text) => {
                    edit(state, id, text).map_or_else(missing, |c| answer(200, &comment(&c)))
                }
                Err(refused) => refused,
            }
        }
        ("DELETE", ["api", "v1", "repos", "o", "r", "issues", "comments", id]) => delete(state, id),
        ("GET", ["api", "v1", "repos", "o", "r", "pulls", "1"]) => answer(200, &state.pull),
        (
            _,
            ["api", "v1", "repos", _, _, "issues", _, "comments"]
            | ["api", "v1", "repos", _, _, "pulls", _],
        ) => missing(),
        _ => {
            forbid(state, seen, true, "no such path or method");
            missing()
        }
    }
}
