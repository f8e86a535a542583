//! Whether the value that a file gives is new at each commit: a commit's hash, the time, the number of the pipeline.

use crate::tree::RepoPath;
use std::cell::Cell;

/// How deep variables that are set by others are followed.
const MOST_DEEP: usize = 4;

/// Variables and expressions of pipelines that no two commits share.
const OF_PIPELINES: [&str; 42] = [
    "APPVEYOR_REPO_COMMIT",
    "BITBUCKET_BUILD_NUMBER",
    "BITBUCKET_COMMIT",
    "BUILDKITE_BUILD_NUMBER",
    "BUILDKITE_COMMIT",
    "BUILD_BUILDID",
    "BUILD_SOURCEVERSION",
    "Build.BuildId",
    "Build.BuildNumber",
    "Build.SourceVersion",
    "CIRCLE_BUILD_NUM",
    "CIRCLE_SHA1",
    "CI_COMMIT_SHA",
    "CI_COMMIT_SHORT_SHA",
    "CI_COMMIT_TIMESTAMP",
    "CI_JOB_ID",
    "CI_JOB_STARTED_AT",
    "CI_PIPELINE_CREATED_AT",
    "CI_PIPELINE_ID",
    "CI_PIPELINE_IID",
    "CI_PIPELINE_NUMBER",
    "CODEBUILD_RESOLVED_SOURCE_VERSION",
    "DRONE_BUILD_NUMBER",
    "DRONE_COMMIT",
    "DRONE_COMMIT_SHA",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_NUMBER",
    "GITHUB_SHA",
    "SEMAPHORE_GIT_SHA",
    "SOURCE_COMMIT",
    "TRAVIS_BUILD_ID",
    "TRAVIS_BUILD_NUMBER",
    "TRAVIS_COMMIT",
    "github.event.after",
    "github.event.head_commit.id",
    "github.event.head_commit.timestamp",
    "github.event.pull_request.head.sha",
    "github.run_id",
    "github.run_number",
    "github.sha",
    // Labels of docker/metadata-action.
    "org.opencontainers.image.created",
    "org.opencontainers.image.revision",
];

/// Inputs of workflows that are a commit's, by their names.
const OF_COMMITS: [&str; 6] = [
    "commit",
    "commit_sha",
    "git_commit",
    "git_sha",
    "revision",
    "sha",
];

/// Those that a service has under common names, by words of the file's name.
const OF_SERVICES: [(&str, &[&str]); 2] = [
    (
        "cloudbuild",
        &["BUILD_ID", "COMMIT_SHA", "REVISION_ID", "SHORT_SHA"],
    ),
    (
        "jenkinsfile",
        &["BUILD_ID", "BUILD_NUMBER", "BUILD_TAG", "GIT_COMMIT"],
    ),
];

/// So many variables are looked up for one value: files may set them by one another in rounds.
const MOST_LOOKUPS: usize = 200;

/// Whether `value`, as the file at `path` writes it, is another one at each commit; `all` are the files that may call it.
pub(super) fn is_new(path: &RepoPath, text: &str, value: &str, all: &[(RepoPath, String)]) -> bool {
    let left = Cell::new(MOST_LOOKUPS);
    Following { all, left }.is_new((path, text), value, 0)
}

/// A value that is followed through what sets it.
struct Following<'t> {
    all: &'t [(RepoPath, String)],
    /// How many variables may still be looked up.
    left: Cell<usize>,
}

impl Following<'_> {
    fn is_new(&self, file: (&RepoPath, &str), value: &str, depth: usize) -> bool {
        let (path, text) = file;
        // One of several, by a condition.
        if value.contains("&&") || value.contains(" if ") || depth > MOST_DEEP {
            return false;
        }
        if asks_git(value) || asks_the_time(value) {
            return true;
        }
        variables(value).iter().any(|name| {
            if is_of_pipeline(path, name) {
                return true;
            }
            let Some(left) = self.left.get().checked_sub(1) else {
                return false;
            };
            self.left.set(left);
            // What whoever calls the workflow or the action gives it.
            if let Some(input) = name.strip_prefix("inputs.") {
                let plain = input.to_ascii_lowercase().replace('-', "_");
                if OF_COMMITS.contains(&plain.as_str()) {
                    return true;
                }
                let given = given(path, input, self.all);
                let is_known = |(caller, value): &((&RepoPath, &str), String)| {
                    self.is_new(*caller, value, depth + 1)
                };
                return !given.is_empty() && given.iter().all(is_known);
            }
            // `steps.vars.outputs.sha`
            let own = name.rsplit('.').next().unwrap_or(name);
            let mut is_found = false;
            for given in assigned(text, own) {
                if variables(&given).iter().any(|v| v == own) || is_filled_in(&given) {
                    continue;
                }
                if !self.is_new(file, &given, depth + 1) {
                    return false;
                }
                is_found = true;
            }
            is_found
        })
    }
}

/// What the files give input `name` of the workflow or action at `path`, below their `uses:` of it; with the file.
fn given<'t>(
    path: &RepoPath,
    name: &str,
    all: &'t [(RepoPath, String)],
) -> Vec<((&'t RepoPath, &'t str), String)> {
    let own = path.to_string();
    let called = match own.rsplit_once('/') {
        Some((dir, "action.yml" | "action.yaml")) => dir,
        _ => &own,
    };
    let mut found = Vec::new();
    for (file, text) in all {
        let lines: Vec<&str> = text.lines().collect();
        for (n, line) in lines.iter().enumerate() {
            let Some((before, what)) = line.split_once("uses:") else {
                continue;
            };
            let what = what.trim().trim_matches(['"', '\'']);
            if what.strip_prefix("./").map(|w| w.trim_end_matches('/')) != Some(called) {
                continue;
            }
            // The step or job that it is a key of.
            let is_of_it = |line: &&&str| {
                let indent = line.len() - line.trim_start().len();
                line.trim().is_empty() || indent >= before.len()
            };
            let block: Vec<&str> = lines[n + 1..]
                .iter()
                .take_while(is_of_it)
                .copied()
                .collect();
            let values = assigned(&block.join("\n"), name).into_iter();
            found.extend(values.map(|value| ((file, text.as_str()), value)));
        }
    }
    found
}

fn is_of_pipeline(path: &RepoPath, name: &str) -> bool {
    let file = path.file_name().unwrap_or_default().to_ascii_lowercase();
    let file = String::from_utf8_lossy(&file).into_owned();
    let own = name.strip_prefix("env.").unwrap_or(name);
    let mut services = OF_SERVICES.iter();
    OF_PIPELINES
        .iter()
        .any(|p| own == *p || name.contains(p) && p.contains('.'))
        || services.any(|(service, names)| file.starts_with(service) && names.contains(&own))
}

/// Whether a value only stands where no other is known, or is a function's own argument.
fn is_filled_in(value: &str) -> bool {
    let word = value.trim().trim_matches(['"', '\'', ';']);
    let lower = word.to_ascii_lowercase();
    let stands_in = ["", "dev", "local", "n/a", "none", "unknown"].contains(&lower.as_str());
    let is_argument = word.strip_prefix('$').is_some_and(|rest| {
        let digits = rest.trim_start_matches('{');
        digits.starts_with(|c: char| c.is_ascii_digit())
    });
    stands_in || is_argument
}

/// Whether a command in it asks git for the commit.
fn asks_git(value: &str) -> bool {
    let says = |after: &str, words: &[&str]| words.iter().any(|w| after.contains(w));
    value.match_indices("git ").any(|(at, _)| {
        let is_word =
            !value[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        // Up to the end of the command.
        let rest = &value[at + "git ".len()..];
        let rest = rest.split([')', '`', '|']).next().unwrap_or_default();
        // `git -C dir rev-parse`
        let mut words = rest.split_whitespace();
        let mut verb = words.next().unwrap_or_default();
        while verb.starts_with('-') {
            if matches!(verb, "-C" | "-c") {
                words.next();
            }
            verb = words.next().unwrap_or_default();
        }
        // The last commit of a few files is the same for many.
        let is_of_files = rest.contains(" -- ");
        is_word
            && !is_of_files
            && match verb {
                "rev-parse" => !says(rest, &["--abbrev-ref", "--show", "--git-dir", "--is-"]),
                "describe" => !rest.contains("--abbrev=0"),
                "log" | "show" => says(rest, &["--format", "--pretty"]),
                "rev-list" => says(rest, &["--count", "--max-count", "-n", "-1"]),
                _ => false,
            }
    })
}

/// Whether a command in it asks for the time, and not only the day.
fn asks_the_time(value: &str) -> bool {
    let starts = ["$(date", "`date", "$(shell date"];
    let mut calls = starts.iter().flat_map(|start| {
        let found = value.match_indices(start);
        found.map(|(at, start)| &value[at + start.len()..])
    });
    calls.any(|rest| {
        if rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            return false;
        }
        let rest = rest.split([')', '`']).next().unwrap_or_default();
        let is_of_another = [" -d", " -r", " --date", " --reference"];
        if is_of_another.iter().any(|o| rest.contains(o)) {
            return false;
        }
        let of_the_time = ["%H", "%I", "%M", "%N", "%R", "%S", "%T", "%X", "%c", "%s"];
        match rest.split_once('+') {
            Some((_, format)) => of_the_time.iter().any(|f| format.contains(f)),
            None => {
                let is_day = rest.contains("-I") || rest.contains("--iso");
                !is_day || rest.contains("-Is") || rest.contains("=s") || rest.contains("-Im")
            }
        }
    })
}

/// The variables that a value is made of: `$A`, `${A:-x}`, `$(A)`, `${{ steps.a.outputs.b }}`.
fn variables(value: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        let open = rest.trim_start_matches(['{', '(']);
        let is_expression = rest.starts_with("{{");
        let inner = if is_expression {
            open.split("}}").next().unwrap_or_default()
        } else {
            open
        };
        let is_of_name = |c: char| {
            c.is_ascii_alphanumeric() || c == '_' || (is_expression && matches!(c, '.' | '-'))
        };
        if is_expression {
            let words = inner.split(|c| !is_of_name(c)).filter(|w| !w.is_empty());
            names.extend(words.map(str::to_owned));
        } else {
            // Azure's `$(Build.SourceVersion)`.
            let is_dotted = |c: char| is_of_name(c) || (rest.starts_with('(') && c == '.');
            let end = inner.find(|c| !is_dotted(c)).unwrap_or(inner.len());
            let name = &inner[..end];
            // `$(date …)` is a command.
            let is_command = rest.starts_with('(') && inner[end..].starts_with([' ', '\t']);
            if !name.is_empty() && !is_command {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// The values that a text gives a variable, a key or an output: `A=x`, `A := x`, `A: x`, `echo "a=x" >> $GITHUB_OUTPUT`,
/// `::set-output name=a::x`. None that builds are passed.
pub(super) fn assigned(text: &str, name: &str) -> Vec<String> {
    let mut values = Vec::new();
    for line in text.lines() {
        let plain = line.trim_start();
        if plain.starts_with('#') || plain.starts_with("//") {
            continue;
        }
        for (at, _) in line.match_indices(name) {
            let (before, after) = (&line[..at], &line[at + name.len()..]);
            let is_start = !before.ends_with(|c: char| {
                c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '{' | '(' | '.' | '-')
            });
            let flag = before.trim_end_matches(['"', '\'', ' ', '=']);
            if !is_start || flag.ends_with("--build-arg") {
                continue;
            }
            if let Some(value) = before
                .ends_with("name=")
                .then(|| after.strip_prefix("::").or(after.strip_prefix(";]")))
                .flatten()
            {
                values.push(value.to_owned());
                continue;
            }
            let spaced = after.trim_start();
            let is_first = before.trim_start_matches([' ', '\t', '-', '@']).is_empty()
                || [
                    "export", "local", "readonly", "declare", "override", "define", "-r", "-x",
                ]
                .iter()
                .any(|w| before.trim_end().ends_with(w));
            // Make's and Groovy's stand with blanks around.
            let of_make = [":=", "::=", "?=", "!=", "+=", "="];
            let by_make = of_make.iter().find_map(|o| spaced.strip_prefix(o));
            let by_key = spaced
                .strip_prefix(':')
                .filter(|v| v.starts_with([' ', '\t']));
            let value = match after.strip_prefix('=') {
                Some(value) => Some(value),
                None if is_first => by_make.or(by_key),
                None => None,
            };
            // A comparison assigns nothing.
            if let Some(value) = value.filter(|v| !v.starts_with(['=', '~'])) {
                values.push(value.trim().to_owned());
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_new_at_each_commit_is_told_from_others() {
        let check = |text: &str, value: &str, expected: bool| {
            let path = RepoPath::from("build.sh");
            assert_eq!(is_new(&path, text, value, &[]), expected, "{text} {value}");
        };
        check("", "$(git rev-parse --short HEAD)", true);
        check("", "`git describe --tags --always`", true);
        check("", "$(git describe --tags --abbrev=0)", false);
        check("", "$(git rev-parse --abbrev-ref HEAD)", false);
        check("", "$(git log -1 --format=%ct)", true);
        check("", "$(git log -1 --format=%cd -- settings.yml)", false);
        check("", "$(git -C .. rev-parse HEAD)", true);
        check("", "$(git remote get-url origin)", false);
        check("", "$(date -u +%Y-%m-%dT%H:%M:%SZ)", true);
        check("", "$(date +%Y%m%d)", false);
        check("", "$(shell date)", true);
        check("", "$(date -I)", false);
        check("", "${{ github.sha }}", true);
        check("", "${{ github.ref_name }}", false);
        check("", "$CI_COMMIT_SHA", true);
        check("", "${CI_COMMIT_SHA:0:8}", true);
        check("", "1.2.3", false);
        check("SHA=$(git rev-parse HEAD)", "$SHA", true);
        check("SHA := $(shell git rev-parse HEAD)", "$(SHA)", true);
        check("SHA ?= $(shell git rev-parse HEAD)", "$(SHA)", true);
        check("export SHA=1.2", "$SHA", false);
        check("SHA=$(git rev-parse HEAD)\nSHA=v1", "$SHA", false);
        check("local sha=$1\nsha=$(git rev-parse HEAD)", "$sha", true);
        check("A=$(git rev-parse HEAD)\nB=x-${A}", "$B", true);
        check("  env:\n    SHA: ${{ github.sha }}", "${{ env.SHA }}", true);
        check(
            "run: echo \"sha=$(git rev-parse HEAD)\" >> $GITHUB_OUTPUT",
            "${{ steps.vars.outputs.sha }}",
            true,
        );
        check(
            "run: echo ::set-output name=sha::${GITHUB_SHA::8}",
            "${{ steps.vars.outputs.sha }}",
            true,
        );
        check("", "${{ steps.vars.outputs.sha }}", false);
        check("", "${{ inputs.sha }}", true);
        check("", "${{ inputs.version }}", false);
        check("if [ \"$SHA\" == x ]", "$SHA", false);
        check(
            "",
            "${{ github.ref == 'refs/heads/main' && 'main' || github.sha }}",
            false,
        );
        check("docker build --build-arg SHA=$SHA .", "$SHA", false);
    }

    #[test]
    fn what_callers_give_an_input_is_followed() {
        let step = |value: &str| {
            format!(
                "    steps:\n      - uses: ./.github/actions/image\n        with:\n          tag: {value}\n      - uses: x/y\n        with:\n          tag: main\n"
            )
        };
        let action = RepoPath::from(".github/actions/image/action.yml");
        let check = |callers: &[String], expected: bool| {
            let all: Vec<(RepoPath, String)> = callers
                .iter()
                .enumerate()
                .map(|(n, text)| {
                    (
                        RepoPath::new(format!(".github/workflows/{n}.yml")),
                        text.clone(),
                    )
                })
                .collect();
            assert_eq!(
                is_new(&action, "", "${{ inputs.tag }}", &all),
                expected,
                "{callers:?}"
            );
        };
        check(&[], false);
        check(&[step("${{ github.sha }}")], true);
        check(&[step("${{ github.ref_name }}")], false);
        check(&[step("${{ github.sha }}"), step("latest")], false);
        let own = "      - run: echo \"SHORT=$(git rev-parse --short HEAD)\" >> \"$GITHUB_ENV\"\n";
        check(&[format!("{own}{}", step("${{ env.SHORT }}"))], true);
        // One that is called by nobody but itself.
        let round = "      - uses: ./.github/actions/image\n        with:\n          tag: ${{ inputs.tag }}\n";
        let all = [(action.clone(), round.to_owned())];
        assert!(!is_new(&action, round, "${{ inputs.tag }}", &all));
    }

    #[test]
    fn variables_that_set_one_another_in_rounds_come_to_an_end() {
        let line = "A=$B\nB=$C\nC=$D\nD=$E\nE=$(git rev-parse HEAD)\n";
        let path = RepoPath::from("build.sh");
        assert!(!is_new(&path, &line.repeat(2_000), "$A", &[]));
    }
}
