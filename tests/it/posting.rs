//! `stratigraph comment` as a process: a repository with a base and a head, a forge over loopback, each failure with its
//! message and exit code.

use crate::forge::{proxy, tls};
use crate::support::forge_server::{Fault, Server, Speaks, TOKEN, fault};
use crate::support::repo::Repo;
use std::path::{Path, PathBuf};
use std::process::Command;

const BEFORE: &str = "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n";
const AFTER: &str = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n";

/// A repository whose branch `pr` copies everything before it installs.
pub(crate) struct Project {
    repo: Repo,
    files: tempfile::TempDir,
}

/// What came of a run.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Project {
    pub(crate) fn new() -> Self {
        let repo = Repo::new();
        repo.write("package.json", "{}")
            .write("package-lock.json", "{}")
            .write("Dockerfile", BEFORE);
        for i in 0..12 {
            repo.write("src/a.js", i.to_string())
                .commit_at(&format!("edit {i}"), 1_700_000_000 + i * 200_000);
        }
        repo.git(&["branch", "-f", "base"]);
        repo.git(&["checkout", "-q", "-b", "pr"]);
        repo.write("Dockerfile", AFTER)
            .commit_at("simplify", 1_702_500_000);
        Self {
            repo,
            files: tempfile::tempdir().unwrap(),
        }
    }

    fn head(&self) -> String {
        self.repo.git(&["rev-parse", "pr"]).trim().to_owned()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Runs `comment` with this environment and nothing else.
    pub(crate) fn run(&self, args: &[&str], environment: &[(&str, &str)]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stratigraph"));
        command
            .arg("comment")
            .args(args)
            .current_dir(self.repo.path())
            .env_clear()
            .envs(environment.iter().copied());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ran = Ran {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(
            !format!("{}{}", ran.stdout, ran.stderr).contains(TOKEN),
            "the token shows:\n{}",
            ran.stderr
        );
        ran
    }

    /// `comment --post` for `pr` against `base`, in a GitHub job.
    pub(crate) fn post(&self, api: &str, more: &[(&str, &str)]) -> Ran {
        let mut environment = vec![
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_API_URL", api),
            ("GITHUB_SERVER_URL", "https://git.example"),
            ("GITHUB_REPOSITORY", "o/r"),
            ("GITHUB_REF", "refs/pull/1/merge"),
            ("GITHUB_TOKEN", TOKEN),
            ("STRATIGRAPH_LONGEST_WAIT", "0"),
        ];
        environment.extend(more);
        self.run(
            &[
                "--base",
                "base",
                "--head",
                "pr",
                "--post",
                "github",
                "--no-suggestion",
            ],
            &environment,
        )
    }
}

/// Posts, pushes, posts, posts: created once, updated once, and then not a request that writes. The API may stand behind
/// a validating proxy.
pub(crate) fn check_end_to_end(server: &Server, api: &str) {
    let project = Project::new();
    let first = project.post(api, &[]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(
        first.stderr.contains("created the comment"),
        "{}",
        first.stderr
    );
    project
        .repo
        .write("Dockerfile", format!("{AFTER}RUN npm test\n"))
        .commit_at("test", 1_702_600_000);
    let second = project.post(api, &[]);
    assert!(
        second.stderr.contains("updated the comment"),
        "{}",
        second.stderr
    );
    assert_ne!(first.stdout, second.stdout);
    let writes = server.writes();
    assert_eq!(writes.len(), 2, "{writes:?}");
    let third = project.post(api, &[]);
    assert!(
        third.stderr.contains("nothing was written"),
        "{}",
        third.stderr
    );
    assert_eq!(third.stdout, second.stdout);
    assert_eq!(server.writes(), writes);
    let comments = server.comments();
    assert_eq!(comments.len(), 1);
    assert!(comments[0].body.ends_with(second.stdout.trim_end()));
    assert_eq!(server.violations(), [""; 0]);
}

#[test]
fn created_once_updated_once_and_the_third_run_writes_nothing() {
    let server = Server::start(Speaks::GitHub, &[]);
    check_end_to_end(&server, &server.api());
}

#[test]
fn gitlab_and_gitea_jobs_post_from_their_own_variables() {
    let project = Project::new();
    let (lab, tea) = (
        Server::start(Speaks::GitLab, &[]),
        Server::start(Speaks::Gitea, &[]),
    );
    let head = project.head();
    let lab_job = [
        ("GITLAB_CI", "true"),
        ("CI_API_V4_URL", &lab.api()),
        ("CI_PROJECT_ID", "g/p"),
        ("CI_PROJECT_URL", "https://lab.example/g/p"),
        ("CI_MERGE_REQUEST_IID", "1"),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "base"),
        ("CI_COMMIT_SHA", head.as_str()),
        ("GITLAB_TOKEN", TOKEN),
    ];
    let event = project.file("event.json");
    let text = format!(
        r#"{{"pull_request":{{"number":1,"base":{{"sha":"base"}},"head":{{"sha":"{head}"}}}}}}"#
    );
    std::fs::write(&event, text).unwrap();
    let tea_job = [
        ("GITEA_ACTIONS", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_API_URL", &tea.api()),
        ("GITHUB_SERVER_URL", "https://tea.example"),
        ("GITHUB_REPOSITORY", "o/r"),
        ("GITHUB_EVENT_PATH", event.to_str().unwrap()),
        ("GITHUB_TOKEN", TOKEN),
    ];
    let check = |server: &Server, forge: &str, job: &[(&str, &str)], link: &str| {
        let run = || project.run(&["--post", forge, "--no-suggestion"], job);
        let (first, second) = (run(), run());
        assert_eq!(
            (first.code, second.code),
            (0, 0),
            "{}{}",
            first.stderr,
            second.stderr
        );
        assert_eq!(server.writes().len(), 1);
        assert!(
            server.comments()[0].body.contains(link),
            "{}",
            server.comments()[0].body
        );
        assert_eq!(server.violations(), [""; 0]);
    };
    check(
        &lab,
        "gitlab",
        &lab_job,
        &format!("https://lab.example/g/p/-/blob/{head}/Dockerfile#L4"),
    );
    check(
        &tea,
        "gitea",
        &tea_job,
        &format!("https://tea.example/o/r/src/commit/{head}/Dockerfile#L4"),
    );
}

#[test]
fn a_failed_post_still_shows_the_comment_and_writes_the_summary() {
    let project = Project::new();
    let check_at = |api: &str, more: &[(&str, &str)], parts: &[&str]| {
        let summary = project.file("summary.md");
        let _ = std::fs::remove_file(&summary);
        let mut environment = vec![("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())];
        environment.extend(more);
        let ran = project.post(api, &environment);
        assert_eq!(ran.code, 5, "{}", ran.stderr);
        let errors: String = ran
            .stderr
            .lines()
            .filter(|l| !l.starts_with("::"))
            .collect();
        for part in parts {
            assert!(errors.contains(part), "{part:?} is not in {errors:?}");
        }
        assert!(
            ran.stdout.starts_with("### Image builds get slower"),
            "{}",
            ran.stdout
        );
        assert_eq!(
            std::fs::read_to_string(&summary).unwrap().trim_end(),
            ran.stdout.trim_end()
        );
    };
    let check = |failure: Fault, more: &[(&str, &str)], parts: &[&str]| {
        let server = Server::start(Speaks::GitHub, &[]);
        server.fail([failure]);
        check_at(&server.api(), more, parts);
    };
    let answer = |method, status, headers: &[(&str, &str)], message: &str| {
        fault(method, status, headers, message)
    };
    check(
        answer("GET", 401, &[], "Bad credentials"),
        &[],
        &["401", "Bad credentials", "has not expired"],
    );
    check(
        answer("POST", 403, &[], "Resource not accessible"),
        &[],
        &["403", "pull-requests: write"],
    );
    check(
        answer("GET", 404, &[], "Not Found"),
        &[],
        &["404", "pull request number"],
    );
    check(
        answer("POST", 422, &[], "Validation Failed"),
        &[],
        &["422", "Validation Failed"],
    );
    check(
        answer("GET", 403, &[("retry-after", "3600")], "rate limit"),
        &[],
        &["rate limit", "3600 s"],
    );
    check(answer("GET", 429, &[], ""), &[], &["429", "gave up"]);
    check(answer("POST", 502, &[], ""), &[], &["502"]);
    let slow = Fault {
        delay: std::time::Duration::from_secs(3),
        ..answer("GET", 200, &[], "")
    };
    check(
        slow,
        &[("STRATIGRAPH_TIMEOUT", "1")],
        &["no answer within 1 s"],
    );

    let event = project.file("fork.json");
    let fork = r#"{"pull_request":{"number":1,"base":{"repo":{"full_name":"o/r"}},"head":{"repo":{"full_name":"f/r","fork":true}}}}"#;
    std::fs::write(&event, fork).unwrap();
    let fork_job = [("GITHUB_EVENT_PATH", event.to_str().unwrap())];
    check(
        answer("POST", 403, &[], "Resource not accessible"),
        &fork_job,
        &["from a fork", "--save FILE", "--from FILE"],
    );

    let server = Server::start(Speaks::GitHub, &[]);
    check_at(&tls(server.address), &[], &["TLS", "--ca-file"]);
    let (closed, _) = proxy(Some("407 Proxy Authentication Required"));
    check_at(
        &server.api(),
        &[("http_proxy", &closed)],
        &["407", "NO_PROXY"],
    );
    check_at(
        &server.api(),
        &[("GITHUB_TOKEN", "")],
        &["there is no token", "GITHUB_TOKEN"],
    );
    check_at("http://127.0.0.1:1", &[], &["connection failed"]);
    assert!(server.seen().is_empty());
}

#[test]
fn a_trusted_authority_and_a_proxy_are_taken_from_the_environment() {
    let (project, server) = (Project::new(), Server::start(Speaks::GitHub, &[]));
    let authority = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/forge/tls/authority.pem"
    );
    let (open, asked) = proxy(None);
    let ran = project.post(
        &tls(server.address),
        &[("SSL_CERT_FILE", authority), ("https_proxy", &open)],
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!asked.lock().unwrap().is_empty());
    assert_eq!(server.comments().len(), 1);
}

#[test]
fn a_stranger_saves_and_a_trusted_job_posts() {
    let project = Project::new();
    let saved = project.file("comment.json");
    let fork_job = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REF", "refs/pull/1/merge"),
    ];
    let args = [
        "--base",
        "base",
        "--head",
        "pr",
        "--save",
        saved.to_str().unwrap(),
    ];
    assert_eq!(project.run(&args, &fork_job).code, 0);

    let server = Server::start(Speaks::GitHub, &[]);
    let head = project.head();
    let pull = |sha: &str| serde_json::json!({ "number": 1, "head": { "sha": sha } });
    server.set_pull(pull(&head));
    let from = |file: &Path, ran_for: &str| {
        let event = project.file("event.json");
        std::fs::write(
            &event,
            format!(r#"{{"workflow_run":{{"head_sha":"{ran_for}","pull_requests":[]}}}}"#),
        )
        .unwrap();
        let api = server.api();
        let job = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_API_URL", api.as_str()),
            ("GITHUB_REPOSITORY", "o/r"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_EVENT_PATH", event.to_str().unwrap()),
            ("GITHUB_TOKEN", TOKEN),
        ];
        project.run(
            &["--post", "github", "--from", file.to_str().unwrap()],
            &job,
        )
    };
    let good = from(&saved, &head);
    assert_eq!(good.code, 0, "{}", good.stderr);
    assert!(server.comments()[0].body.contains("get slower"));
    assert!(
        !server.comments()[0].body.contains("```"),
        "a stranger's code is offered"
    );

    // The run was for another commit than the file speaks of, or than the pull request has.
    let other = from(&saved, &"e".repeat(40));
    assert!(
        other.code == 2 && other.stderr.contains("speaks of commit"),
        "{}",
        other.stderr
    );
    server.set_pull(pull(&"e".repeat(40)));
    let moved = from(&saved, &head);
    assert!(
        moved.code == 5 && moved.stderr.contains("will not post"),
        "{}",
        moved.stderr
    );
    server.set_pull(pull(&head));

    let text = std::fs::read_to_string(&saved).unwrap();
    let tampered = project.file("tampered.json");
    let check = |text: String, part: &str| {
        std::fs::write(&tampered, text).unwrap();
        let ran = from(&tampered, &head);
        assert!(
            ran.code == 2 && ran.stderr.contains(part),
            "{} {}",
            ran.code,
            ran.stderr
        );
        assert_eq!(ran.stdout, "");
    };
    check(
        text.replace("stratigraph.comment/1", "stratigraph.comment/9"),
        "another version",
    );
    check(text.replace("\"images\"", "\"html\""), "schema");
    check(" ".repeat(600 << 10), "larger than");
    check("{".to_owned(), "not JSON");

    // Markup in a text is text.
    let evil = "<img src=x> @everyone [a](http://evil.example)";
    std::fs::write(&tampered, text.replace("RUN npm ci", evil)).unwrap();
    let ran = from(&tampered, &head);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let body = &server.comments()[0].body;
    for live in ["<img", "@everyone", "http://evil"] {
        assert!(!body.contains(live), "{live} in {body}");
    }
    assert_eq!(server.violations(), [""; 0]);
}

/// What SARIF 2.1.0 (OASIS, sections 3.13 to 3.30) asks of a log like ours.
fn check_sarif(log: &serde_json::Value) {
    let is_text = |value: &serde_json::Value| value.as_str().is_some_and(|t| !t.is_empty());
    assert_eq!(log["version"], "2.1.0");
    assert!(
        log["$schema"]
            .as_str()
            .unwrap()
            .ends_with("sarif-2.1.0.json")
    );
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "stratigraph");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        for key in ["shortDescription", "help"] {
            assert!(is_text(&rule[key]["text"]), "{rule}");
        }
        assert!(is_text(&rule["id"]));
    }
    let ids: std::collections::BTreeSet<_> = rules.iter().map(|r| r["id"].as_str()).collect();
    assert_eq!(ids.len(), rules.len(), "rules are listed once");
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(result["ruleId"], rules[index]["id"]);
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(is_text(&result["message"]["text"]));
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.starts_with('/') && !uri.contains(' '), "{uri}");
        let line = |key: &str| place["region"][key].as_u64().unwrap();
        assert!(1 <= line("startLine") && line("startLine") <= line("endLine"));
        assert!(is_text(&result["partialFingerprints"]["stratigraph/v1"]));
    }
}

#[test]
fn it_shows_wherever_it_is_asked_to() {
    let project = Project::new();
    let [sarif, quality, outputs] = ["s.sarif", "q.json", "outputs"].map(|name| project.file(name));
    let args = [
        "--base",
        "base",
        "--head",
        "pr",
        "--sarif",
        sarif.to_str().unwrap(),
        "--code-quality",
        quality.to_str().unwrap(),
        "--outputs",
        outputs.to_str().unwrap(),
    ];
    let ran = project.run(&args, &[("GITHUB_ACTIONS", "true")]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("::warning file=Dockerfile,line=4,title=stratigraph%3A slower-step::"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("```suggestion"), "{}", ran.stdout);
    let read = |path: &Path| {
        serde_json::from_slice::<serde_json::Value>(&std::fs::read(path).unwrap()).unwrap()
    };
    let log = read(&sarif);
    check_sarif(&log);
    let rules = |log: &serde_json::Value| -> Vec<String> {
        let results = log["runs"][0]["results"].as_array().unwrap();
        results
            .iter()
            .map(|r| r["ruleId"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(rules(&log).contains(&"slower-step".to_owned()), "{log}");
    assert!(
        rules(&log).contains(&"copy-before-install".to_owned()),
        "{log}"
    );
    let remarks = read(&quality);
    let remarks = remarks.as_array().unwrap();
    assert_eq!(remarks.len(), rules(&log).len());
    let lines: Vec<_> = remarks
        .iter()
        .map(|r| r["location"]["lines"]["begin"].as_u64())
        .collect();
    assert!(lines.contains(&Some(4)), "{lines:?}");
    // What is accepted in the Dockerfile is neither a finding nor a suggestion.
    let text = project.repo.git(&["show", "pr:Dockerfile"]);
    project.repo.git(&["checkout", "--quiet", "pr"]);
    let accepted = text.replace(
        "COPY . .",
        "# stratigraph: ignore=copy-before-install,no-ignore-file we know\nCOPY . .",
    );
    assert_ne!(accepted, text);
    project
        .repo
        .write("Dockerfile", accepted + "\n")
        .commit("accepted");
    let ran = project.run(&args[..8], &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let log = read(&sarif);
    check_sarif(&log);
    assert!(
        !rules(&log).contains(&"copy-before-install".to_owned()),
        "{log}"
    );
    assert!(
        ran.stdout.contains("in a cache mount"),
        "the next best: {}",
        ran.stdout
    );
    let outputs = std::fs::read_to_string(outputs).unwrap();
    assert!(
        outputs.contains("verdict=slower\ncomment-id=\n") && outputs.starts_with("delta=+"),
        "{outputs}"
    );
}

#[test]
fn nothing_changed_says_nothing_and_always_says_so() {
    let project = Project::new();
    let quiet = project.run(&["--base", "base", "--head", "base"], &[]);
    assert_eq!(
        (quiet.code, quiet.stdout.as_str()),
        (0, ""),
        "{}",
        quiet.stderr
    );
    let always = project.run(
        &["--base", "base", "--head", "base", "--when", "always"],
        &[],
    );
    assert!(
        always
            .stdout
            .starts_with("### Image builds: nothing changes"),
        "{}",
        always.stdout
    );
}

#[test]
fn limits_and_the_ratchet_fail_with_1() {
    let project = Project::new();
    let run = |more: &[&str]| {
        let args: Vec<&str> = ["--base", "base", "--head", "pr", "--no-suggestion"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        project.run(&args, &[])
    };
    let check = |more: &[&str], code: i32, part: &str| {
        let ran = run(more);
        assert!(
            ran.code == code && ran.stderr.contains(part),
            "{more:?}: {} {}",
            ran.code,
            ran.stderr
        );
        assert!(ran.stdout.starts_with("###"));
    };
    check(&["--fail-if-slower", "1%"], 1, "gets slower");
    check(&["--fail-if-slower", "10000%"], 0, "");
    check(&["--max-rebuild", "1s"], 1, "--max-rebuild allows 1.0 s");
    let baseline = project.file("baseline.json");
    let baseline_args = ["--baseline", baseline.to_str().unwrap()];
    check(&baseline_args, 0, "wrote");
    check(&baseline_args, 0, "");
    let kept = std::fs::read_to_string(&baseline).unwrap();
    let digits: String = kept
        .split("\"Dockerfile\": ")
        .nth(1)
        .unwrap()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let with = |ms: u64| std::fs::write(&baseline, kept.replace(&digits, &ms.to_string())).unwrap();
    with(100);
    check(&baseline_args, 1, "worse than");
    with(100_000_000);
    check(&baseline_args, 0, "--tighten");
    check(
        &["--baseline", baseline.to_str().unwrap(), "--tighten"],
        0,
        "",
    );
    assert_eq!(std::fs::read_to_string(&baseline).unwrap(), kept);
}

#[test]
fn several_images_give_one_comment() {
    let project = Project::new();
    let config = "[[image]]\nname = \"web\"\ndockerfile = \"Dockerfile\"\n[[image]]\nname = \"tool\"\ndockerfile = \"tool/Dockerfile\"\n";
    project
        .repo
        .write("stratigraph.toml", config)
        .write("tool/Dockerfile", "FROM alpine\n")
        .commit_at("tool", 1_702_700_000);
    let ran = project.run(&["--base", "base", "--head", "pr", "--no-suggestion"], &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("| `web` |") && ran.stdout.contains("`tool`: The Dockerfile is new"),
        "{}",
        ran.stdout
    );
    project.repo.write("stratigraph.toml", "[coment]\n");
    let wrong = project.run(&["--base", "base", "--head", "pr"], &[]);
    assert!(
        wrong.code == 2 && wrong.stderr.contains("did you mean `comment`?"),
        "{}",
        wrong.stderr
    );
}
