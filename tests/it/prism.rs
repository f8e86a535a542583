//! GitHub's published description between us and the stand-in: Prism, as a validating proxy, refuses a wrong path,
//! method, header or body of ours, and a wrong answer of the stand-in.
//!
//! Needs `npm ci --prefix tests/forge` (`.ci/setup` does it). Without it the tests say so and are skipped, unless
//! `STRATIGRAPH_PRISM=required`.

use crate::support::forge_server::{Server, Speaks, TOKEN};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use stratigraph::forge::{
    Action, Destination, Forge, Kind, Limits, Mode, Network, Say, Secret, Tag, post,
};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/forge"))
}

/// Whether Prism is installed; says loudly that it is not.
fn is_installed() -> bool {
    let node = Command::new("node")
        .arg("--version")
        .output()
        .is_ok_and(|o| o.status.success());
    let installed = node && folder().join("node_modules/@stoplight/prism-cli").is_dir();
    if !installed {
        let required = std::env::var("STRATIGRAPH_PRISM").is_ok_and(|v| v == "required");
        assert!(
            !required,
            "Prism is required but not installed: run .ci/setup"
        );
        eprintln!(
            "SKIPPED: no Prism (npm ci --prefix tests/forge); the strict stand-in alone checks the requests"
        );
    }
    installed
}

/// A running Prism; it ends with the test.
struct Prism {
    child: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The description's example of a pull request.
const PULL: &str = "pull.json";

impl Prism {
    fn pull(&self) -> PathBuf {
        self.folder.path().join(PULL)
    }

    /// In front of `upstream`.
    fn start(upstream: &str) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let description = temporary.path().join("github.json");
        let written = Command::new("node")
            .arg(folder().join("description.mjs"))
            .args([&description, &temporary.path().join(PULL)])
            .status()
            .unwrap();
        assert!(written.success());
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
            .to_string();
        let cli = folder().join("node_modules/@stoplight/prism-cli/dist/index.js");
        let mut command = Command::new("node");
        command.arg(cli).arg("proxy");
        command
            .args(["--host", "127.0.0.1", "--port", &port, "--errors"])
            .arg(&description)
            .arg(upstream);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let (mut line, mut all) = (String::new(), String::new());
        while !line.contains("Prism is listening") {
            line.clear();
            assert!(
                lines.read_line(&mut line).unwrap() > 0,
                "Prism did not start:\n{all}"
            );
            all += &line;
        }
        // Keep reading, or Prism stops at a full pipe.
        std::thread::spawn(move || lines.lines().map_while(Result::ok).count());
        Self {
            child,
            address: format!("http://127.0.0.1:{port}"),
            folder: temporary,
        }
    }
}

fn destination(api: &str, graphql: &str) -> Destination {
    Destination {
        forge: Forge::GitHub,
        api: api.to_owned(),
        graphql: graphql.to_owned(),
        repository: "o/r".to_owned(),
        pull_request: 1,
        token: Secret::new(TOKEN).unwrap(),
        is_fork: false,
        expected_head: None,
    }
}

fn network() -> Network {
    let limits = Limits {
        attempts: 1,
        timeout: Duration::from_secs(30),
        ..Limits::default()
    };
    Network {
        limits,
        ..Network::default()
    }
}

#[test]
fn githubs_description_takes_every_request_and_the_stand_ins_answers() {
    if !is_installed() {
        return;
    }
    let server = Server::start(Speaks::GitHub, &["chat"; 120]);
    let prism = Prism::start(&server.api());
    let to = destination(&prism.address, &format!("{}/graphql", server.api()));
    let say = |mode, text: &str| {
        post(&to, &network(), &Tag::default(), mode, Say::This(text))
            .unwrap()
            .action
    };
    let actions = ["one", "two", "two"].map(|text| say(Mode::Update, text));
    assert_eq!(
        actions,
        [Action::Created, Action::Updated, Action::Unchanged]
    );
    assert_eq!(
        server.writes(),
        [
            "POST /repos/o/r/issues/1/comments",
            "PATCH /repos/o/r/issues/comments/221"
        ]
    );
    say(Mode::HideAndNew, "three");
    say(Mode::DeleteAndNew, "four");
    assert_eq!(
        server.comments().last().unwrap().body,
        "<!-- stratigraph comment, tag: default -->\nfour"
    );
    assert_eq!(server.violations(), [""; 0]);

    // The two documents of hiding go to GraphQL, which the REST description does not hold.
    let documents: Vec<String> = server
        .seen()
        .iter()
        .filter(|s| s.target == "/graphql")
        .map(|s| {
            serde_json::from_str::<serde_json::Value>(&s.body).unwrap()["query"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(documents.len(), 2, "{documents:?}");
    assert!(accepts(&documents), "GitHub's schema refuses {documents:?}");
    assert!(
        !accepts(&[documents[1].replace("OUTDATED", "OUT_OF_DATE")]),
        "the schema check can fail"
    );
}

#[test]
fn the_command_posts_through_githubs_description_end_to_end() {
    if !is_installed() {
        return;
    }
    let server = Server::start(Speaks::GitHub, &[]);
    let prism = Prism::start(&server.api());
    crate::posting::check_end_to_end(&server, &prism.address);
}

/// Whether GitHub's published GraphQL schema takes the documents.
fn accepts(documents: &[String]) -> bool {
    let mut child = Command::new("node")
        .arg(folder().join("graphql.mjs"))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let text = serde_json::to_string(documents).unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    child.wait().unwrap().success()
}

#[test]
fn the_head_is_asked_for_as_described_and_a_wrong_path_is_seen() {
    if !is_installed() {
        return;
    }
    let server = Server::start(Speaks::GitHub, &[]);
    let prism = Prism::start(&server.api());
    let pull: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(prism.pull()).unwrap()).unwrap();
    let head = pull["head"]["sha"].as_str().unwrap().to_owned();
    server.set_pull(pull);
    let to = destination(&prism.address, &prism.address);
    let send = |to: &Destination| {
        post(
            to,
            &network(),
            &Tag::default(),
            Mode::Update,
            Say::This("text"),
        )
    };
    let other = Destination {
        expected_head: Some("e".repeat(40)),
        ..to.clone()
    };
    assert_eq!(send(&other).unwrap_err().kind(), Kind::WrongHead);
    let right = Destination {
        expected_head: Some(head),
        ..to.clone()
    };
    assert_eq!(send(&right).unwrap().action, Action::Created);
    let n_seen = server.seen().len();
    let wrong_path = Destination {
        api: format!("{}/api", prism.address),
        ..to
    };
    assert_eq!(
        send(&wrong_path).unwrap_err().kind(),
        Kind::NotFound,
        "the check can fail"
    );
    assert_eq!(
        server.seen().len(),
        n_seen,
        "Prism let a wrong path through"
    );
}
