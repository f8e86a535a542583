//! Posting against servers over loopback: the three interfaces, each failure, the token that shows nowhere.

use crate::support::forge_server::{Fault, Server, Speaks, TOKEN, fault};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use stratigraph::forge::{
    Action, Destination, Forge, Kind, Limits, Mode, Network, Posted, Proxies, Say, Secret, Tag,
    post,
};

/// How the interfaces are told apart here.
const ALL: [(Speaks, Forge, &str); 3] = [
    (Speaks::GitHub, Forge::GitHub, "o/r"),
    (Speaks::GitLab, Forge::GitLab, "g/p"),
    (Speaks::Gitea, Forge::Gitea, "o/r"),
];

/// The pull request that the stand-in has.
fn destination(forge: Forge, repository: &str, api: &str) -> Destination {
    Destination {
        forge,
        api: api.to_owned(),
        graphql: format!("{api}/graphql"),
        repository: repository.to_owned(),
        pull_request: 1,
        token: Secret::new(TOKEN).unwrap(),
        is_fork: false,
        expected_head: None,
    }
}

/// Short waits, so that the tests are.
fn network() -> Network {
    let limits = Limits {
        timeout: Duration::from_secs(5),
        attempts: 3,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_secs(2),
        response_bytes: 1 << 20,
    };
    Network {
        limits,
        ..Network::default()
    }
}

fn say(to: &Destination, mode: Mode, text: &str) -> Result<Posted, stratigraph::forge::Error> {
    post(to, &network(), &Tag::default(), mode, Say::This(text))
}

#[test]
fn created_once_updated_once_and_then_nothing_is_written() {
    for (speaks, forge, repository) in ALL {
        let server = Server::start(speaks, &["first!"]);
        let to = destination(forge, repository, &server.api());
        let actions: Vec<_> = ["one", "two", "two"]
            .map(|t| say(&to, Mode::Update, t).unwrap().action)
            .to_vec();
        assert_eq!(
            actions,
            [Action::Created, Action::Updated, Action::Unchanged],
            "{speaks:?}"
        );
        assert_eq!(
            server.writes().len(),
            2,
            "{speaks:?}: {:?}",
            server.writes()
        );
        let comments = server.comments();
        assert_eq!(comments.len(), 2);
        assert_eq!(
            comments[1].body,
            "<!-- stratigraph comment, tag: default -->\ntwo"
        );
        assert_eq!(server.violations(), [""; 0], "{speaks:?}");
    }
}

#[test]
fn ours_is_found_on_the_third_page() {
    for (speaks, forge, repository) in ALL {
        let mut comments = vec!["chat"; 250];
        comments[230] = "<!-- stratigraph comment, tag: default -->\r\nold";
        let server = Server::start(speaks, &comments);
        let to = destination(forge, repository, &server.api());
        let done = say(&to, Mode::Update, "new").unwrap();
        assert_eq!(
            (done.action, done.id),
            (Action::Updated, Some(101 + 230)),
            "{speaks:?}"
        );
        assert_eq!(server.comments().len(), 250);
        assert_eq!(server.violations(), [""; 0], "{speaks:?}");
    }
}

#[test]
fn the_other_modes_keep_hide_or_delete_what_was_said() {
    let check = |mode: Mode, left: usize, writes: [usize; 3]| {
        for ((speaks, forge, repository), writes) in ALL.into_iter().zip(writes) {
            let server = Server::start(speaks, &[]);
            let to = destination(forge, repository, &server.api());
            for text in ["one", "one", "two", "two", "three"] {
                say(&to, mode, text).unwrap();
            }
            assert_eq!(server.comments().len(), left, "{speaks:?} {mode:?}");
            assert_eq!(
                server.writes().len(),
                writes,
                "{speaks:?} {mode:?}: {:#?}",
                server.writes()
            );
            assert_eq!(server.violations(), [""; 0], "{speaks:?} {mode:?}");
            if mode == Mode::HideAndNew {
                let hidden = |c: &crate::support::forge_server::Stored| {
                    c.minimized || c.body.contains("<details>")
                };
                let shown: Vec<_> = server
                    .comments()
                    .into_iter()
                    .filter(|c| !hidden(c))
                    .collect();
                assert_eq!(shown.len(), 1);
                assert!(shown[0].body.ends_with("\nthree"));
            }
        }
    };
    check(Mode::New, 3, [3, 3, 3]);
    // Created three times; two are hidden, each once.
    check(Mode::HideAndNew, 3, [5, 5, 5]);
    check(Mode::DeleteAndNew, 1, [5, 5, 5]);
}

/// Posts and expects a refusal of `kind` whose message has all `parts` and never the token.
fn check_refusal(to: &Destination, network: &Network, kind: Kind, parts: &[&str]) {
    let error = post(
        to,
        network,
        &Tag::default(),
        Mode::Update,
        Say::This("text"),
    )
    .unwrap_err();
    let message = error.to_string();
    assert_eq!(error.kind(), kind, "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    assert!(
        !format!("{message} {error:?}").contains(TOKEN),
        "the token shows: {message}"
    );
}

fn check_fault(faults: &[Fault], kind: Kind, parts: &[&str]) -> Vec<String> {
    let server = Server::start(Speaks::GitHub, &[]);
    server.fail(faults.to_vec());
    check_refusal(
        &destination(Forge::GitHub, "o/r", &server.api()),
        &network(),
        kind,
        parts,
    );
    server
        .seen()
        .iter()
        .map(|s| format!("{} {}", s.method, s.status))
        .collect()
}

#[test]
fn each_refusal_has_its_own_words() {
    let echo = format!("bad token {TOKEN}");
    check_fault(
        &[fault("GET", 401, &[], &echo)],
        Kind::Unauthorized,
        &["list the comments of o/r#1", "401", "bad token ***"],
    );
    check_fault(
        &[fault(
            "POST",
            403,
            &[],
            "Resource not accessible by integration",
        )],
        Kind::Forbidden,
        &[
            "create a comment",
            "403",
            "not accessible",
            "pull-requests: write",
            "--save",
        ],
    );
    check_fault(
        &[fault("GET", 404, &[], "Not Found")],
        Kind::NotFound,
        &["404", "repository, pull request number and API address"],
    );
    check_fault(
        &[fault("POST", 422, &[], "Validation Failed")],
        Kind::Invalid,
        &["422", "Validation Failed"],
    );
    check_fault(
        &[Fault {
            status: 200,
            body: "<html>".to_owned(),
            ..Fault::default()
        }],
        Kind::Unexpected,
        &["HTML page"],
    );
    check_fault(
        &[Fault {
            status: 200,
            body: "x".repeat(2 << 20),
            ..Fault::default()
        }],
        Kind::TooLarge,
        &["larger than 1048576"],
    );
    check_fault(
        &[fault("GET", 418, &[], "teapot")],
        Kind::Unexpected,
        &["418", "teapot"],
    );
}

#[test]
fn a_wrong_token_or_pull_request_is_refused_by_each_forge() {
    for (speaks, forge, repository) in ALL {
        let server = Server::start(speaks, &[]);
        let good = destination(forge, repository, &server.api());
        let wrong = Destination {
            token: Secret::new("wrong").unwrap(),
            ..good.clone()
        };
        check_refusal(&wrong, &network(), Kind::Unauthorized, &["401"]);
        check_refusal(
            &Destination {
                pull_request: 2,
                ..good
            },
            &network(),
            Kind::NotFound,
            &["404"],
        );
        assert_eq!(server.violations(), [""; 0]);
    }
}

#[test]
fn a_fork_is_told_the_two_step_way() {
    let server = Server::start(Speaks::GitHub, &[]);
    server.fail([fault(
        "POST",
        403,
        &[],
        "Resource not accessible by integration",
    )]);
    let to = Destination {
        is_fork: true,
        ..destination(Forge::GitHub, "o/r", &server.api())
    };
    check_refusal(
        &to,
        &network(),
        Kind::Fork,
        &["from a fork", "--save FILE", "--from FILE"],
    );
}

#[test]
fn the_servers_wait_is_kept_to_and_bounded() {
    let server = Server::start(Speaks::GitHub, &[]);
    let date = ("date", "Tue, 14 Nov 2023 22:13:20 GMT");
    server.fail([
        fault(
            "GET",
            403,
            &[
                date,
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "1700000000"),
            ],
            "API rate limit exceeded",
        ),
        fault("POST", 429, &[("retry-after", "0")], "slow down"),
    ]);
    let to = destination(Forge::GitHub, "o/r", &server.api());
    assert_eq!(
        say(&to, Mode::Update, "text").unwrap().action,
        Action::Created
    );
    let statuses: Vec<_> = server.seen().iter().map(|s| s.status).collect();
    assert_eq!(statuses, [403, 200, 429, 201]);

    let tried = check_fault(
        &[fault("GET", 429, &[("retry-after", "3600")], "")],
        Kind::RateLimited,
        &["3600 s", "2 s"],
    );
    assert_eq!(tried, ["GET 429"]);
    let limit = fault("GET", 403, &[], "You have exceeded a secondary rate limit");
    let tried = check_fault(
        &vec![limit; 9],
        Kind::RateLimited,
        &["gave up after 3 tries"],
    );
    assert_eq!(tried.len(), 3);
}

#[test]
fn what_may_be_done_twice_is_tried_again_and_nothing_else() {
    let bad = |method| Fault {
        method,
        ..fault(method, 502, &[], "bad gateway")
    };
    let server = Server::start(Speaks::GitHub, &[]);
    server.fail([
        bad("GET"),
        Fault {
            hang_up: true,
            method: "GET",
            ..Fault::default()
        },
    ]);
    let to = destination(Forge::GitHub, "o/r", &server.api());
    assert_eq!(
        say(&to, Mode::Update, "text").unwrap().action,
        Action::Created
    );

    // Whether the comment was created is not known, so it is not created again.
    let tried = check_fault(&[bad("POST")], Kind::Server, &["502", "create"]);
    assert_eq!(tried, ["GET 200", "POST 502"]);
    let tried = check_fault(
        &[Fault {
            hang_up: true,
            method: "POST",
            ..Fault::default()
        }],
        Kind::Connect,
        &["connection failed"],
    );
    assert_eq!(tried, ["GET 200", "POST 0"]);
}

#[test]
fn silence_ends_in_time() {
    let server = Server::start(Speaks::GitHub, &[]);
    let slow = Fault {
        status: 200,
        delay: Duration::from_secs(2),
        ..Fault::default()
    };
    server.fail([slow]);
    let mut network = network();
    network.limits.timeout = Duration::from_millis(100);
    network.limits.attempts = 1;
    let to = destination(Forge::GitHub, "o/r", &server.api());
    check_refusal(&to, &network, Kind::Timeout, &["no answer within 0.1 s"]);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let to = destination(Forge::GitHub, "o/r", &format!("http://{closed}"));
    check_refusal(&to, &network(), Kind::Connect, &["connection failed"]);
    check_refusal(
        &destination(Forge::GitHub, "o/r", "ftp://x"),
        &network(),
        Kind::Destination,
        &["ftp://x"],
    );
}

#[test]
fn the_token_is_not_taken_to_another_server() {
    let (here, there) = (
        Server::start(Speaks::GitHub, &[]),
        Server::start(Speaks::GitHub, &[]),
    );
    let to = destination(Forge::GitHub, "o/r", &here.api());
    let away = format!("{}/repos/o/r/issues/1/comments", there.api());
    here.fail([fault(
        "GET",
        301,
        &[("location", &away)],
        "Moved Permanently",
    )]);
    check_refusal(
        &to,
        &network(),
        Kind::Redirected,
        &["another server", "--api-url"],
    );
    assert!(there.seen().is_empty());

    // A renamed repository is followed on the same server.
    let moved = "/repos/o/r/issues/1/comments?per_page=100&page=1";
    here.fail([fault(
        "GET",
        301,
        &[("location", moved)],
        "Moved Permanently",
    )]);
    assert_eq!(
        say(&to, Mode::Update, "text").unwrap().action,
        Action::Created
    );
    here.fail(vec![fault("GET", 302, &[("location", moved)], ""); 9]);
    check_refusal(&to, &network(), Kind::Redirected, &["keeps moving"]);
}

#[test]
fn a_file_of_another_pull_request_is_not_posted() {
    for (speaks, forge, repository) in ALL {
        let server = Server::start(speaks, &[]);
        let to = destination(forge, repository, &server.api());
        let right = Destination {
            expected_head: Some("h".repeat(40)),
            ..to.clone()
        };
        assert_eq!(
            say(&right, Mode::Update, "text").unwrap().action,
            Action::Created
        );
        let wrong = Destination {
            expected_head: Some("e".repeat(40)),
            ..to
        };
        check_refusal(
            &wrong,
            &network(),
            Kind::WrongHead,
            &["will not post", "named another pull request"],
        );
        assert_eq!(server.writes().len(), 1);
    }
}

/// A proxy that connects where it is told, or refuses with `refusal`; counts what it was asked.
pub(crate) fn proxy(refusal: Option<&'static str>) -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            log.lock().unwrap().push(head.clone());
            if let Some(refusal) = refusal {
                client
                    .write_all(
                        format!("HTTP/1.1 {refusal}\r\ncontent-length: 0\r\n\r\n").as_bytes(),
                    )
                    .unwrap();
                continue;
            }
            let target = head.split_whitespace().nth(1).unwrap().to_owned();
            let mut server = TcpStream::connect(target).unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            thread::spawn(move || std::io::copy(&mut server, &mut client));
        }
    });
    (format!("http://{address}"), asked)
}

#[test]
fn proxies_are_used_passed_by_and_named_when_they_refuse() {
    let server = Server::start(Speaks::GitHub, &[]);
    let to = destination(Forge::GitHub, "o/r", &server.api());
    let through = |http: &str, none_for: &[&str]| {
        let none_for = none_for.iter().map(|h| (*h).to_owned()).collect();
        Network {
            proxies: Proxies {
                http: Some(http.to_owned()),
                https: None,
                none_for,
            },
            ..network()
        }
    };
    let (open, asked) = proxy(None);
    let with_password = open.replace("http://", "http://user:pass-word@");
    let done = post(
        &to,
        &through(&with_password, &[]),
        &Tag::default(),
        Mode::Update,
        Say::This("text"),
    )
    .unwrap();
    assert_eq!(done.action, Action::Created);
    assert!(
        asked.lock().unwrap()[0]
            .to_ascii_lowercase()
            .contains("proxy-authorization: basic")
    );
    assert!(!asked.lock().unwrap()[0].contains(TOKEN));

    let before = asked.lock().unwrap().len();
    post(
        &to,
        &through(&open, &["127.0.0.1"]),
        &Tag::default(),
        Mode::Update,
        Say::This("text"),
    )
    .unwrap();
    assert_eq!(asked.lock().unwrap().len(), before);

    let (closed, _) = proxy(Some("407 Proxy Authentication Required"));
    check_refusal(
        &to,
        &through(&closed, &[]),
        Kind::Proxy,
        &["407", "HTTPS_PROXY"],
    );
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    check_refusal(
        &to,
        &through(&format!("http://u:pass-word@{nobody}"), &[]),
        Kind::Proxy,
        &["connection failed", "NO_PROXY"],
    );
    check_refusal(
        &to,
        &through("::not a proxy::", &[]),
        Kind::Proxy,
        &["not a valid one"],
    );
}

/// TLS in front of a plain server: the certificate is of fixtures/forge/tls/authority.pem.
pub(crate) fn tls(plain: std::net::SocketAddr) -> String {
    let file = |name: &str| {
        std::fs::read(format!(
            "{}/fixtures/forge/tls/{name}",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap()
    };
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(file("server-key.der"));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![file("server.der").into()], key.into())
    .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            thread::spawn(move || {
                let mut stream = rustls::Stream::new(&mut connection, &mut client);
                let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
                while let Ok(n) = stream.read(&mut buffer) {
                    request.extend_from_slice(&buffer[..n]);
                    if n == 0 || is_whole(&request) {
                        break;
                    }
                }
                let mut server = TcpStream::connect(plain).unwrap();
                let _ = server.write_all(&request);
                let mut answer = Vec::new();
                let _ = server.read_to_end(&mut answer);
                let _ = stream.write_all(&answer);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            });
        }
    });
    format!("https://localhost:{port}")
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|l| l.strip_prefix("content-length: "))
        .map_or(0, |v| v.parse().unwrap());
    body.len() >= length
}

#[test]
fn tls_is_spoken_checked_and_its_errors_are_explained() {
    let server = Server::start(Speaks::GitHub, &[]);
    let to = destination(Forge::GitHub, "o/r", &tls(server.address));
    check_refusal(
        &to,
        &network(),
        Kind::Tls,
        &["TLS", "UnknownIssuer", "--ca-file"],
    );
    let authority = std::fs::read(format!(
        "{}/fixtures/forge/tls/authority.pem",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap();
    let trusting = Network {
        authorities: Some(authority.clone()),
        ..network()
    };
    let done = post(
        &to,
        &trusting,
        &Tag::default(),
        Mode::Update,
        Say::This("text"),
    )
    .unwrap();
    assert_eq!(done.action, Action::Created);
    assert_eq!(server.violations(), [""; 0]);

    let plain = destination(Forge::GitHub, "o/r", &format!("https://{}", server.address));
    check_refusal(&plain, &trusting, Kind::Tls, &["TLS"]);
    let empty = Network {
        authorities: Some(b"no certificate".to_vec()),
        ..network()
    };
    check_refusal(&to, &empty, Kind::Tls, &["holds no certificate"]);
}
