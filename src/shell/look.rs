//! Looking through what wraps a command (`sudo`, `env`, `sh -c`, `npx`, …), and following `cd`.

use super::command::Command;
use super::command::Connector;
use super::command::Nesting;
use super::command::Script;
use super::command::Word;
use super::parse::parse;

/// How deep `sh -c "sh -c …"` is followed.
const MAX_DEPTH: usize = 4;

/// A command as it really runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Name (without directory) and arguments, wrappers taken away; `python -m pip` is `pip`.
    pub words: Vec<String>,
    /// Variables set for it alone.
    pub assignments: Vec<(String, String)>,
    /// Where it runs: empty where the text began, `web` after `cd web`, `/app` after `cd /app`; `None` when unknown.
    pub directory: Option<String>,
    /// The command in [`Script::commands`] it stands in.
    pub command: usize,
    /// What joins it to the command before.
    pub connector: Connector,
    /// See [`Command::conditional`].
    pub conditional: bool,
    /// See [`Command::branch`]; the commands of a `sh -c` have that of the command they stand in.
    pub branch: Option<(usize, usize)>,
}

/// Programs that `-v`, `-V` and `version` alone make tell which one they are; others run with them, and say more.
const TELL: &[&str] = &[
    "bun", "bundle", "bundler", "bunx", "cargo", "cmake", "composer", "corepack", "deno", "docker",
    "elixir", "g++", "gcc", "gem", "git", "go", "gradle", "gradlew", "helm", "java", "javac",
    "mvn", "mvnw", "node", "npm", "npx", "perl", "php", "pip", "pip3", "pipenv", "pnpm", "poetry",
    "protoc", "python", "python3", "ruby", "rustc", "rustup", "uv",
];

/// Whether a command only says its version or how it is used.
pub fn tells_of_itself(words: &[String]) -> bool {
    let Some((program, args)) = words.split_first() else {
        return false;
    };
    let name = program.rsplit('/').next().unwrap_or(program);
    let is_question = |arg: &String| match arg.as_str() {
        "--version" | "-version" | "--help" => true,
        "-v" | "-V" | "--info" => TELL.contains(&name) || matches!(name, "yarn" | "dotnet"),
        // `yarn version` writes a new one.
        "version" => TELL.contains(&name),
        _ => false,
    };
    !args.is_empty() && args.iter().all(is_question)
}

impl Seen {
    /// The name; empty for assignments alone.
    pub fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Whether it neither reads nor writes files, whatever its arguments are.
    pub fn is_quiet(&self) -> bool {
        matches!(
            self.name(),
            "" | ":"
                | "break"
                | "cd"
                | "declare"
                | "echo"
                | "exit"
                | "export"
                | "local"
                | "printf"
                | "readonly"
                | "return"
                | "set"
                | "shift"
                | "true"
                | "umask"
                | "unset"
        )
    }

    /// The arguments.
    pub fn args(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The first argument that is no flag: `ci` in `npm --silent ci`.
    pub fn subcommand(&self) -> &str {
        self.args()
            .iter()
            .find(|a| !a.starts_with('-'))
            .map_or("", String::as_str)
    }
}

impl Script {
    /// Every command as it really runs, in order. Commands inside `$(…)` are not among them.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen_with(&|_| None)
    }

    /// The same, with what `value` makes of a `cd $NAME`; `None` where it does not know the variable.
    pub fn seen_with(&self, value: &dyn Fn(&str) -> Option<String>) -> Vec<Seen> {
        let mut seen = Vec::new();
        walk(
            &self.commands,
            Some(String::new()),
            value,
            0,
            &mut |_, s| seen.push(s),
        );
        seen
    }

    /// Whether the text itself may give the variable `name` a value.
    pub fn may_set(&self, name: &str) -> bool {
        let is_it = |word: &Word| word.text.split('=').next() == Some(name);
        self.commands.iter().any(|c| {
            c.assignments.iter().any(|a| a.name == name)
                || c.words.iter().chain(&c.over).any(is_it)
                || matches!(c.name(), "." | "eval" | "source")
        })
    }
}

impl Command {
    /// The text of a `sh -c`, parsed.
    pub fn inner(&self) -> Option<Script> {
        shell_text(&unwrapped(self).words).map(|text| parse(&text))
    }
}

fn walk(
    commands: &[Command],
    directory: Option<String>,
    value: &dyn Fn(&str) -> Option<String>,
    depth: usize,
    out: &mut dyn FnMut(usize, Seen),
) {
    let mut directories = vec![directory];
    for (index, command) in commands.iter().enumerate() {
        let level = command
            .nesting
            .iter()
            .filter(|n| **n == Nesting::Subshell)
            .count();
        let is_new = command.connector == Connector::Start
            && command.nesting.last() == Some(&Nesting::Subshell);
        directories.truncate(if is_new { level.max(1) } else { level + 1 });
        while directories.len() <= level {
            let outer = directories.last().cloned().flatten();
            directories.push(outer);
        }
        let here = directories[level].clone();
        let mut seen = unwrapped(command);
        seen.directory = here;
        seen.command = index;
        if let Some(text) = shell_text(&seen.words).filter(|_| depth < MAX_DEPTH) {
            let inner = parse(&text).commands;
            walk(
                &inner,
                seen.directory.clone(),
                value,
                depth + 1,
                &mut |i, s| {
                    let connector = if i == 0 {
                        command.connector
                    } else {
                        s.connector
                    };
                    let conditional = s.conditional || command.conditional;
                    out(
                        index,
                        Seen {
                            command: index,
                            connector,
                            conditional,
                            branch: command.branch,
                            ..s
                        },
                    );
                },
            );
            continue;
        }
        if matches!(seen.name(), "cd" | "pushd" | "popd") && command.connector != Connector::Pipe {
            directories[level] = changed(seen.directory.as_deref(), &seen, value);
        }
        out(index, seen);
    }
}

/// The directory after `cd`.
fn changed(
    here: Option<&str>,
    seen: &Seen,
    value: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    let to = seen.args().iter().find(|a| !a.starts_with('-'))?;
    let to = &match to.contains('$') {
        true => value(to)?,
        false => to.clone(),
    };
    if to.contains(['$', '`', '~']) || seen.name() == "popd" {
        return None;
    }
    if to.starts_with('/') {
        return Some(to.clone());
    }
    match here? {
        "" => Some(to.strip_prefix("./").unwrap_or(to).to_owned()),
        base => Some(format!("{}/{to}", base.trim_end_matches('/'))),
    }
}

/// The text of `sh -c TEXT` and `su … -c TEXT`.
fn shell_text(words: &[String]) -> Option<String> {
    let name = words.first()?.as_str();
    if !matches!(name, "sh" | "bash" | "ash" | "dash" | "zsh" | "su") {
        return None;
    }
    let is_c = |w: &String| {
        w == "-c"
            || (name != "su"
                && w.len() > 1
                && w.starts_with('-')
                && !w.starts_with("--")
                && w.ends_with('c'))
    };
    let at = words.iter().position(is_c)?;
    words.get(at + 1).cloned()
}

/// What comes before the real command: the wrapper's name, its flags that take a value, and how many words of its own
/// it has after the flags (`timeout 30`).
const WRAPPERS: [(&str, &[&str], usize); 30] = [
    ("builtin", &[], 0),
    ("bunx", &["-p", "--package"], 0),
    ("catchsegv", &[], 0),
    ("command", &[], 0),
    ("doas", &["-u", "-C"], 0),
    ("dumb-init", &["-r"], 0),
    ("eatmydata", &[], 0),
    ("env", &["-u", "-C", "--unset", "--chdir"], 0),
    ("exec", &["-a"], 0),
    ("fakeroot", &["-l", "-f"], 0),
    ("flock", &["-w", "-E"], 1),
    ("gosu", &[], 1),
    ("ionice", &["-c", "-n", "-p"], 0),
    ("mold", &[], 0),
    ("nice", &["-n"], 0),
    ("nohup", &[], 0),
    ("npx", &["-p", "--package", "-w", "--workspace"], 0),
    ("pnpx", &["-p", "--package"], 0),
    ("runuser", &["-u", "-g", "-G"], 0),
    ("setpriv", &["--reuid", "--regid"], 0),
    ("setsid", &[], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("su-exec", &[], 1),
    (
        "sudo",
        &["-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-U"],
        0,
    ),
    ("time", &["-f", "-o"], 0),
    ("timeout", &["-s", "-k", "--signal", "--kill-after"], 1),
    ("tini", &[], 0),
    ("unbuffer", &[], 0),
    (
        "xargs",
        &["-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s"],
        0,
    ),
    ("xvfb-run", &["-n", "-s", "-e", "-f", "-w"], 0),
];

/// Runners whose subcommand is followed by the real command.
const RUNNERS: [(&str, &str); 11] = [
    ("bundle", "exec"),
    ("npm", "exec"),
    ("pdm", "run"),
    ("pipenv", "run"),
    ("pnpm", "dlx"),
    ("pnpm", "exec"),
    ("poetry", "run"),
    ("rye", "run"),
    ("yarn", "dlx"),
    ("yarn", "exec"),
    ("mise", "exec"),
];

fn unwrapped(command: &Command) -> Seen {
    let mut words: Vec<String> = command.words.iter().map(|w| w.text.clone()).collect();
    let mut assignments: Vec<(String, String)> = command
        .assignments
        .iter()
        .map(|a| (a.name.clone(), a.value.clone()))
        .collect();
    // Each turn takes at least one word away.
    loop {
        if let Some(first) = words.first_mut() {
            let name = first.rsplit('/').next().unwrap_or_default();
            // `npx pnpm@9`: the version of a package is no part of the command's name.
            let name = name
                .find('@')
                .filter(|&n| n > 0)
                .map_or(name, |n| &name[..n])
                .to_owned();
            if !name.is_empty() {
                *first = name;
            }
        }
        let Some(n) = wrapper_len(&words) else { break };
        words.drain(..n.min(words.len()));
        let set = words.iter().take_while(|w| is_assignment(w)).count();
        assignments.extend(
            words
                .drain(..set)
                .filter_map(|w| w.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()))),
        );
    }
    Seen {
        words,
        assignments,
        connector: command.connector,
        conditional: command.conditional,
        branch: command.branch,
        ..Seen::default()
    }
}

/// How many words at the start only wrap what follows; `None` when nothing does (or nothing follows).
fn wrapper_len(words: &[String]) -> Option<usize> {
    let name = words.first()?.as_str();
    let second = words.get(1).map_or("", String::as_str);
    let n = if let Some((_, valued, own)) = WRAPPERS.iter().find(|(w, ..)| *w == name) {
        skip_flags(words, 1, valued) + own
    } else if RUNNERS.contains(&(name, second)) {
        skip_flags(words, 2, &["-p", "--package", "-c"])
    } else if name == "corepack"
        && ["npm", "yarn", "pnpm"]
            .iter()
            .any(|p| second == *p || second.starts_with(&format!("{p}@")))
    {
        1
    } else if is_python(name) && second == "-m" {
        2
    } else if matches!(name, "sh" | "bash" | "ash" | "dash" | "php") && is_tool_of_project(second) {
        1
    } else {
        return None;
    };
    (n < words.len()).then_some(n)
}

/// Wrappers of build tools that projects carry with them, and Composer's archive: `sh ./mvnw`, `php composer.phar`.
fn is_tool_of_project(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    matches!(name, "mvnw" | "gradlew" | "composer" | "composer.phar")
}

fn skip_flags(words: &[String], from: usize, valued: &[&str]) -> usize {
    let mut at = from;
    while let Some(word) = words.get(at) {
        if word == "--" {
            return at + 1;
        }
        if !word.starts_with('-') {
            break;
        }
        at += if valued.contains(&word.as_str()) {
            2
        } else {
            1
        };
    }
    at
}

fn is_python(name: &str) -> bool {
    name.strip_prefix("python")
        .or(name.strip_prefix("pypy"))
        .is_some_and(|v| v.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else {
        return false;
    };
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::{parse, tells_of_itself};

    #[test]
    fn questions_about_a_program_are_told_from_its_work() {
        let asks = |text: &str| tells_of_itself(&parse(text).seen()[0].words);
        for question in [
            "bundle -v",
            "./mvnw --version",
            "java -version",
            "go version",
            "yarn -v",
        ] {
            assert!(asks(question), "{question}");
        }
        for work in [
            "bundle",
            "bundle install -v",
            "pytest -v",
            "make version",
            "yarn version",
        ] {
            assert!(!asks(work), "{work}");
        }
    }

    /// Each command as `directory: words`, joined by ` | `.
    fn check(text: &str, expected: &str) {
        let seen = parse(text).seen();
        let shown: Vec<String> = seen
            .iter()
            .map(|s| {
                let words = s.words.join(" ");
                match s.directory.as_deref() {
                    Some("") => words,
                    Some(d) => format!("{d}: {words}"),
                    None => format!("?: {words}"),
                }
            })
            .collect();
        assert_eq!(shown.join(" | "), expected, "{text}");
    }

    #[test]
    fn wrappers_are_looked_through() {
        check("sudo -E -u app npm ci", "npm ci");
        check("/usr/bin/env -u X CI=1 npm ci", "npm ci");
        check("exec time -p npm ci", "npm ci");
        check("timeout -k 5 30 make", "make");
        check("npx --yes ng build", "ng build");
        check("npx pnpm@9 install", "pnpm install");
        check("corepack pnpm install", "pnpm install");
        check("corepack enable", "corepack enable");
        check(
            "bundle exec rake assets:precompile",
            "rake assets:precompile",
        );
        check(
            "python3.12 -m pip install -r requirements.txt",
            "pip install -r requirements.txt",
        );
        check("sh ./mvnw -B package", "mvnw -B package");
        check("php composer.phar install", "composer.phar install");
        check("sudo", "sudo");
        check("sudo -u app", "sudo -u app");
        check(
            "cat list | xargs -n 1 npm install",
            "cat list | npm install",
        );
    }

    #[test]
    fn the_text_of_a_shell_is_read_too() {
        check(
            "bash -lc 'npm ci && npm run build'",
            "npm ci | npm run build",
        );
        check("su app -c \"mvn package\"", "mvn package");
        check("sh -ec 'cd a; make'; ls", "cd a | a: make | ls");
        check("sh script.sh", "sh script.sh");
    }

    #[test]
    fn directories_are_followed() {
        check("cd web && npm ci", "cd web | web: npm ci");
        check(
            "cd /app; cd web/; make",
            "cd /app | /app: cd web/ | /app/web/: make",
        );
        check(
            "(cd a && make) && (cd b && make); ls",
            "cd a | a: make | cd b | b: make | ls",
        );
        check("cd $HOME && make", "cd $HOME | ?: make");
    }

    #[test]
    fn directories_by_known_variables_are_followed() {
        let check = |text: &str, expected: Option<&str>| {
            let script = parse(text);
            let seen = script.seen_with(&|word| {
                let is_told = !script.may_set("A");
                (is_told && word == "$A").then(|| "/app".to_owned())
            });
            let last = seen.last().and_then(|s| s.directory.as_deref());
            assert_eq!(last, expected, "{text}");
        };
        check("cd $A && make", Some("/app"));
        check("cd web && cd $A && make", Some("/app"));
        check("cd $A && cd web && make", Some("/app/web"));
        check("cd $A/web && make", None);
        check("A=/b; cd $A && make", None);
        check("export A=/b && cd $A && make", None);
        check("for A in b; do cd $A && make; done", None);
        check(". ./env && cd $A && make", None);
    }

    #[test]
    fn subcommands_skip_flags() {
        assert_eq!(parse("npm --silent ci").seen()[0].subcommand(), "ci");
        assert_eq!(parse("X=1").seen()[0].subcommand(), "");
    }
}
