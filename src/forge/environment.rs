//! Where to post and what to compare, from a CI job's environment and options. The environment comes in as a map.
//!
//! Variables: GitHub, "Variables reference" of the Actions documentation; GitLab, "Predefined CI/CD variables
//! reference"; Gitea and Forgejo runners set the `GITHUB_…` names as well, beside `GITEA_ACTIONS` / `FORGEJO_ACTIONS`.

use super::error::Error;
use super::error::Kind;
use super::network::Proxies;
use super::secret::Secret;
use serde_json::Value;
use std::collections::BTreeMap;

/// The environment's variables.
pub type Environment = BTreeMap<String, String>;

const DOING: &str = "cannot tell where to post";

/// The forges whose interfaces we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    /// github.com and GitHub Enterprise.
    GitHub,
    /// gitlab.com and self-managed GitLab.
    GitLab,
    /// Gitea, and Forgejo, which serves the same interface.
    Gitea,
}

impl Forge {
    /// The name that `--post` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Gitea => "gitea",
        }
    }

    /// The longest comment, in bytes. GitHub answers "maximum is 65536 characters"; GitLab documents 1,000,000
    /// characters for a note, far more than anyone reads; Gitea documents none, so GitHub's is kept to.
    pub fn comment_bytes(self) -> usize {
        match self {
            Self::GitHub | Self::Gitea => 65_536,
            Self::GitLab => 1_000_000,
        }
    }

    /// Where tokens are looked for, in order.
    fn token_variables(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["STRATIGRAPH_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"],
            Self::GitLab => &["STRATIGRAPH_TOKEN", "GITLAB_TOKEN"],
            Self::Gitea => &[
                "STRATIGRAPH_TOKEN",
                "GITEA_TOKEN",
                "FORGEJO_TOKEN",
                "GITHUB_TOKEN",
            ],
        }
    }
}

/// What options say, before the environment is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `owner/name`; for GitLab the project's path or number.
    pub repository: Option<String>,
    /// The pull or merge request's number.
    pub pull_request: Option<u64>,
    /// The interface's address, such as `https://host/api/v3`.
    pub api: Option<String>,
    /// The variable that holds the token.
    pub token_variable: Option<String>,
}

/// A pull request and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Which interface.
    pub forge: Forge,
    /// The interface's address without a trailing slash.
    pub api: String,
    /// GitHub's GraphQL address, for hiding.
    pub graphql: String,
    /// `owner/name`, or GitLab's path or number.
    pub repository: String,
    /// The number.
    pub pull_request: u64,
    /// The token.
    pub token: Secret,
    /// Whether the job runs for a pull request from a fork.
    pub is_fork: bool,
    /// The head commit that a trusted event names: the pull request must have it (a file from an untrusted job may
    /// name any pull request).
    pub expected_head: Option<String>,
}

/// What else a CI job tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Whose job this is.
    pub forge: Option<Forge>,
    /// The base commit or branch of the pull request.
    pub base: Option<String>,
    /// The head commit of the pull request.
    pub head: Option<String>,
    /// The pull request's number.
    pub pull_request: Option<u64>,
    /// Whether the pull request comes from a fork.
    pub is_fork: bool,
    /// The commit of the run that a trusted `workflow_run` event follows.
    pub trusted_head: Option<String>,
    /// The file that takes the job's summary (GitHub, Gitea).
    pub summary_file: Option<String>,
    /// The file that takes an action step's outputs (GitHub, Gitea).
    pub output_file: Option<String>,
    /// A PEM file of authorities to trust.
    pub authorities_file: Option<String>,
    /// Which proxies.
    pub proxies: Proxies,
    /// The address of the repository's pages, such as `https://host/owner/name`.
    pub web: Option<String>,
}

impl Surroundings {
    /// Reads the environment; `event` is the text of the file that `GITHUB_EVENT_PATH` names.
    pub fn read(environment: &Environment, event: Option<&str>) -> Self {
        let get = |name: &str| value(environment, name);
        let event = parsed(event);
        let pull = &event["pull_request"];
        let forge = detect(environment);
        let text = |v: &Value| v.as_str().filter(|s| !s.is_empty()).map(str::to_owned);
        let (base, head) = match forge {
            Some(Forge::GitLab) => (
                get("CI_MERGE_REQUEST_DIFF_BASE_SHA")
                    .or_else(|| get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME")),
                get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").or_else(|| get("CI_COMMIT_SHA")),
            ),
            _ => (
                text(&pull["base"]["sha"])
                    .or_else(|| get("GITHUB_BASE_REF").map(|branch| format!("origin/{branch}"))),
                text(&pull["head"]["sha"]),
            ),
        };
        Self {
            forge,
            base,
            head,
            pull_request: number(environment, &event),
            is_fork: is_fork(environment, &event),
            trusted_head: text(&event["workflow_run"]["head_sha"]),
            summary_file: get("GITHUB_STEP_SUMMARY"),
            output_file: get("GITHUB_OUTPUT"),
            authorities_file: get("SSL_CERT_FILE").or_else(|| get("CI_SERVER_TLS_CA_FILE")),
            proxies: proxies(environment),
            web: get("CI_PROJECT_URL").or_else(|| {
                Some(format!(
                    "{}/{}",
                    get("GITHUB_SERVER_URL")?,
                    get("GITHUB_REPOSITORY")?
                ))
            }),
        }
    }
}

/// Where to post: options first, then the environment of the CI job.
pub fn destination(
    forge: Forge,
    overrides: &Overrides,
    environment: &Environment,
    event: Option<&str>,
) -> Result<Destination, Error> {
    let event = parsed(event);
    let get = |name: &str| value(environment, name);
    let missing = |what: &str, help: &str| {
        Error::new(Kind::Destination, DOING, format!("{what} is not known")).with_help(help)
    };
    let api = overrides
        .api
        .clone()
        .or_else(|| api(forge, environment))
        .ok_or_else(|| {
            missing(
                "the API address",
                "give it with --api-url, such as https://host/api/v1",
            )
        })?;
    let api = api.trim_end_matches('/').to_owned();
    let repository = overrides.repository.clone().or_else(|| match forge {
        Forge::GitHub | Forge::Gitea => get("GITHUB_REPOSITORY"),
        Forge::GitLab => get("CI_MERGE_REQUEST_PROJECT_ID").or_else(|| get("CI_PROJECT_ID")),
    });
    let repository = repository
        .ok_or_else(|| missing("the repository", "give it with --repository owner/name"))?;
    if forge != Forge::GitLab && !is_owner_and_name(&repository) {
        return Err(Error::new(
            Kind::Destination,
            DOING,
            format!("{repository:?} is not of the form owner/name"),
        ));
    }
    let pull_request = overrides.pull_request.or_else(|| number(environment, &event)).ok_or_else(|| {
        missing(
            "the pull request's number",
            "give it with --pull-request, or run this in a job of a pull request or merge request event",
        )
    })?;
    let graphql = get("GITHUB_GRAPHQL_URL")
        .filter(|_| overrides.api.is_none())
        .unwrap_or_else(|| graphql_of(&api));
    Ok(Destination {
        forge,
        graphql,
        repository,
        pull_request,
        token: token(forge, overrides, environment)?,
        is_fork: is_fork(environment, &event),
        expected_head: event["workflow_run"]["head_sha"]
            .as_str()
            .map(str::to_owned),
        api,
    })
}

fn token(forge: Forge, overrides: &Overrides, environment: &Environment) -> Result<Secret, Error> {
    let named = overrides.token_variable.as_deref();
    let names: Vec<&str> =
        named.map_or_else(|| forge.token_variables().to_vec(), |name| vec![name]);
    if let Some(found) = names.iter().find_map(|name| value(environment, name)) {
        return Secret::new(&found).ok_or_else(|| {
            Error::new(
                Kind::Destination,
                DOING,
                "the token has characters no header can carry",
            )
        });
    }
    let help = match forge {
        Forge::GitHub => {
            "in a workflow step: env: GITHUB_TOKEN: ${{ github.token }}, and permissions: pull-requests: write"
        }
        Forge::GitLab => {
            "create a project access token with the scope api and store it as the masked variable GITLAB_TOKEN; \
             the job's own CI_JOB_TOKEN may not write comments"
        }
        Forge::Gitea => "in a workflow step: env: GITEA_TOKEN: ${{ secrets.GITEA_TOKEN }}",
    };
    let which = names.join(", ");
    Err(Error::new(
        Kind::Destination,
        DOING,
        format!("there is no token in {which}"),
    )
    .with_help(help))
}

/// Whose job this is. Gitea and Forgejo set GitHub's variables too, so they are asked first.
fn detect(environment: &Environment) -> Option<Forge> {
    let set = |name: &str| value(environment, name).is_some();
    if set("GITEA_ACTIONS") || set("FORGEJO_ACTIONS") {
        Some(Forge::Gitea)
    } else if set("GITLAB_CI") {
        Some(Forge::GitLab)
    } else if set("GITHUB_ACTIONS") {
        Some(Forge::GitHub)
    } else {
        None
    }
}

fn api(forge: Forge, environment: &Environment) -> Option<String> {
    let get = |name: &str| value(environment, name);
    match forge {
        Forge::GitHub => {
            get("GITHUB_API_URL").or_else(|| Some("https://api.github.com".to_owned()))
        }
        Forge::GitLab => {
            get("CI_API_V4_URL").or_else(|| Some("https://gitlab.com/api/v4".to_owned()))
        }
        // act_runner has no GITHUB_API_URL in old versions.
        Forge::Gitea => get("GITHUB_API_URL").or_else(|| {
            Some(format!(
                "{}/api/v1",
                get("GITHUB_SERVER_URL")?.trim_end_matches('/')
            ))
        }),
    }
}

/// GitHub, "Forming calls with GraphQL": api.github.com has `/graphql`, an enterprise server `/api/graphql` beside `/api/v3`.
fn graphql_of(api: &str) -> String {
    match api.strip_suffix("/api/v3") {
        Some(host) => format!("{host}/api/graphql"),
        None => format!("{api}/graphql"),
    }
}

fn number(environment: &Environment, event: &Value) -> Option<u64> {
    let from_ref = || {
        let reference = value(environment, "GITHUB_REF")?;
        reference
            .strip_prefix("refs/pull/")?
            .split('/')
            .next()?
            .parse()
            .ok()
    };
    let from_run = || match event["workflow_run"]["pull_requests"]
        .as_array()
        .map(Vec::as_slice)
    {
        Some([only]) => only["number"].as_u64(),
        _ => None,
    };
    value(environment, "CI_MERGE_REQUEST_IID")
        .and_then(|text| text.parse().ok())
        .or_else(|| event["pull_request"]["number"].as_u64())
        .or_else(from_ref)
        .or_else(from_run)
}

fn is_fork(environment: &Environment, event: &Value) -> bool {
    let differs =
        |a: Option<String>, b: Option<String>| matches!((a, b), (Some(a), Some(b)) if a != b);
    let head = &event["pull_request"]["head"]["repo"];
    head["fork"].as_bool() == Some(true)
        && head["full_name"] != event["pull_request"]["base"]["repo"]["full_name"]
        || differs(
            value(environment, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID"),
            value(environment, "CI_MERGE_REQUEST_PROJECT_ID"),
        )
}

/// As `curl` has it: lower case first; `HTTP_PROXY` in capitals is not read where a web server could have set it (CGI).
fn proxies(environment: &Environment) -> Proxies {
    let either =
        |lower: &str, upper: &str| value(environment, lower).or_else(|| value(environment, upper));
    let all = either("all_proxy", "ALL_PROXY");
    let capitals =
        value(environment, "HTTP_PROXY").filter(|_| !environment.contains_key("REQUEST_METHOD"));
    Proxies {
        http: value(environment, "http_proxy")
            .or(capitals)
            .or_else(|| all.clone()),
        https: either("https_proxy", "HTTPS_PROXY").or(all),
        none_for: either("no_proxy", "NO_PROXY")
            .map(|list| {
                list.split(',')
                    .map(|host| host.trim().to_owned())
                    .filter(|host| !host.is_empty())
                    .collect()
            })
            .unwrap_or_default(),
    }
}

fn is_owner_and_name(text: &str) -> bool {
    let good = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    text.split_once('/')
        .is_some_and(|(owner, name)| good(owner) && good(name))
}

fn value(environment: &Environment, name: &str) -> Option<String> {
    environment.get(name).filter(|v| !v.is_empty()).cloned()
}

fn parsed(event: Option<&str>) -> Value {
    event
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(lines: &str) -> Environment {
        lines
            .split_whitespace()
            .filter_map(|l| l.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    }

    const GITHUB: &str = "GITHUB_ACTIONS=true GITHUB_API_URL=https://git.example/api/v3 GITHUB_REPOSITORY=o/r \
        GITHUB_SERVER_URL=https://git.example GITHUB_REF=refs/pull/7/merge GITHUB_TOKEN=t GITHUB_STEP_SUMMARY=/s GITHUB_BASE_REF=main";
    const GITLAB: &str = "GITLAB_CI=true CI_API_V4_URL=https://lab.example/api/v4 CI_PROJECT_ID=5 CI_MERGE_REQUEST_IID=3 \
        CI_MERGE_REQUEST_DIFF_BASE_SHA=aaa CI_COMMIT_SHA=bbb GITLAB_TOKEN=t CI_PROJECT_URL=https://lab.example/g/p";
    const GITEA: &str = "GITEA_ACTIONS=true GITHUB_ACTIONS=true GITHUB_SERVER_URL=https://tea.example GITHUB_REPOSITORY=o/r \
        GITHUB_REF=refs/pull/9/head GITHUB_TOKEN=t";

    #[test]
    fn each_ci_job_tells_where_to_post() {
        let check = |forge, text: &str, api: &str, repository: &str, number| {
            let found =
                destination(forge, &Overrides::default(), &environment(text), None).unwrap();
            assert_eq!(
                (
                    found.api.as_str(),
                    found.repository.as_str(),
                    found.pull_request
                ),
                (api, repository, number)
            );
            assert_eq!(
                Surroundings::read(&environment(text), None).forge,
                Some(forge)
            );
            found
        };
        let github = check(
            Forge::GitHub,
            GITHUB,
            "https://git.example/api/v3",
            "o/r",
            7,
        );
        assert_eq!(github.graphql, "https://git.example/api/graphql");
        check(Forge::GitLab, GITLAB, "https://lab.example/api/v4", "5", 3);
        check(Forge::Gitea, GITEA, "https://tea.example/api/v1", "o/r", 9);
    }

    #[test]
    fn options_go_before_the_environment() {
        let overrides = Overrides {
            repository: Some("x/y".to_owned()),
            pull_request: Some(1),
            api: Some("https://api.other/".to_owned()),
            token_variable: Some("MY_TOKEN".to_owned()),
        };
        let found = destination(
            Forge::GitHub,
            &overrides,
            &environment(&format!("{GITHUB} MY_TOKEN=mine")),
            None,
        )
        .unwrap();
        assert_eq!(
            (
                found.api.as_str(),
                found.repository.as_str(),
                found.pull_request
            ),
            ("https://api.other", "x/y", 1)
        );
        assert_eq!(
            (found.graphql.as_str(), found.token.expose()),
            ("https://api.other/graphql", "mine")
        );
    }

    #[test]
    fn what_is_missing_is_named_with_a_way_out() {
        let check = |forge, text: &str, part: &str| {
            let error =
                destination(forge, &Overrides::default(), &environment(text), None).unwrap_err();
            assert!(
                error.kind() == Kind::Destination && error.to_string().contains(part),
                "{error}"
            );
        };
        check(Forge::GitHub, "", "--repository owner/name");
        check(
            Forge::GitHub,
            "GITHUB_REPOSITORY=o/r GITHUB_TOKEN=t GITHUB_REF=refs/heads/main",
            "--pull-request",
        );
        check(
            Forge::GitHub,
            "GITHUB_REPOSITORY=o/r GITHUB_REF=refs/pull/1/merge",
            "GITHUB_TOKEN",
        );
        check(
            Forge::GitHub,
            "GITHUB_REPOSITORY=o/r/../x GITHUB_REF=refs/pull/1/merge GITHUB_TOKEN=t",
            "owner/name",
        );
        check(
            Forge::GitLab,
            "CI_PROJECT_ID=5 CI_MERGE_REQUEST_IID=3 CI_JOB_TOKEN=t",
            "CI_JOB_TOKEN may not",
        );
        check(
            Forge::Gitea,
            "GITHUB_REPOSITORY=o/r GITHUB_TOKEN=t",
            "--api-url",
        );
    }

    #[test]
    fn an_event_tells_commits_forks_and_the_head_to_expect() {
        let pull = r#"{"pull_request":{"number":4,"base":{"sha":"b0","repo":{"full_name":"o/r"}},
            "head":{"sha":"h0","repo":{"full_name":"f/r","fork":true}}}}"#;
        let seen = Surroundings::read(&environment(GITHUB), Some(pull));
        assert_eq!(
            (
                seen.base.as_deref(),
                seen.head.as_deref(),
                seen.pull_request
            ),
            (Some("b0"), Some("h0"), Some(4))
        );
        assert!(seen.is_fork);
        assert_eq!(seen.web.as_deref(), Some("https://git.example/o/r"));
        let run = r#"{"workflow_run":{"head_sha":"h1","pull_requests":[]}}"#;
        let overrides = Overrides {
            pull_request: Some(4),
            ..Overrides::default()
        };
        let found =
            destination(Forge::GitHub, &overrides, &environment(GITHUB), Some(run)).unwrap();
        assert_eq!(found.expected_head.as_deref(), Some("h1"));
        for odd in ["", "[]", "{", "null", r#"{"pull_request":7}"#] {
            assert_eq!(
                Surroundings::read(&environment(GITHUB), Some(odd))
                    .base
                    .as_deref(),
                Some("origin/main"),
                "{odd}"
            );
        }
        let lab = Surroundings::read(&environment(GITLAB), None);
        assert_eq!(
            (lab.base.as_deref(), lab.head.as_deref()),
            (Some("aaa"), Some("bbb"))
        );
    }

    #[test]
    fn proxies_are_read_as_curl_reads_them() {
        let read = |text: &str| proxies(&environment(text));
        assert_eq!(read("ALL_PROXY=a http_proxy=h").http.as_deref(), Some("h"));
        assert_eq!(read("ALL_PROXY=a").https.as_deref(), Some("a"));
        assert_eq!(read("HTTP_PROXY=a REQUEST_METHOD=GET").http, None);
        assert_eq!(read("NO_PROXY=a,,b").none_for, ["a", "b"]);
    }
}
