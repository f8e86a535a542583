//! Where a command is told to keep its downloads: by its options, by variables, by arguments in variables.
//!
//! Sources: the tools' manuals, in the order in which each of them asks. What a file of the project tells is asked in
//! `restructure::mounts::settings`.

use super::{CacheDir, Call};

/// What is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing: the usual place.
    Usual,
    /// This directory, absolute.
    At(String),
    /// Another one, which is not known.
    Elsewhere,
}

/// By what a tool is told.
struct Row {
    /// The ecosystem, and a part of its usual place where that tells its versions apart.
    of: (&'static str, &'static str),
    options: &'static [&'static str],
    /// A property of Java, and the variables that hold arguments in which it may be.
    property: (&'static str, &'static [&'static str]),
    /// Variables, and what the downloads are in below their value.
    variables: &'static [(&'static str, &'static str)],
    /// Variables that move them in a way that is not followed.
    others: &'static [&'static str],
}

const NONE: Row = Row {
    of: ("", ""),
    options: &[],
    property: ("", &[]),
    variables: &[],
    others: &[],
};

const ROWS: [Row; 22] = [
    Row {
        of: ("bun", ""),
        options: &["--cache-dir"],
        variables: &[
            ("BUN_INSTALL_CACHE_DIR", ""),
            ("BUN_INSTALL", "/install/cache"),
            ("XDG_CACHE_HOME", "/.bun/install/cache"),
        ],
        ..NONE
    },
    Row {
        of: ("cargo", ""),
        variables: &[("CARGO_HOME", "/registry")],
        ..NONE
    },
    Row {
        of: ("clojure", ""),
        property: ("maven.repo.local", &["JAVA_TOOL_OPTIONS"]),
        ..NONE
    },
    Row {
        // Factory::getCacheDir. Any variable of XDG's changes where it looks.
        of: ("composer", ""),
        variables: &[
            ("COMPOSER_CACHE_DIR", ""),
            ("COMPOSER_HOME", "/cache"),
            ("XDG_CACHE_HOME", "/composer"),
        ],
        others: &["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"],
        ..NONE
    },
    Row {
        of: ("conan", ""),
        variables: &[("CONAN_HOME", "")],
        others: &["CONAN_USER_HOME"],
        ..NONE
    },
    Row {
        of: ("conda", ""),
        variables: &[("CONDA_PKGS_DIRS", "")],
        others: &["MAMBA_ROOT_PREFIX"],
        ..NONE
    },
    Row {
        of: ("crystal", ""),
        others: &["CRYSTAL_CACHE_DIR", "XDG_CACHE_HOME"],
        ..NONE
    },
    Row {
        of: ("dart", ""),
        variables: &[("PUB_CACHE", "")],
        ..NONE
    },
    Row {
        of: ("deno", ""),
        variables: &[("DENO_DIR", "")],
        ..NONE
    },
    Row {
        of: ("go", "/pkg/mod"),
        variables: &[("GOMODCACHE", ""), ("GOPATH", "/pkg/mod")],
        ..NONE
    },
    Row {
        of: ("gradle", ""),
        options: &["-g", "--gradle-user-home"],
        property: (
            "gradle.user.home",
            &["GRADLE_OPTS", "JAVA_OPTS", "JAVA_TOOL_OPTIONS"],
        ),
        variables: &[("GRADLE_USER_HOME", "")],
        ..NONE
    },
    Row {
        // The launcher of the wrapper takes what MAVEN_CONFIG holds for arguments.
        of: ("maven", ""),
        property: (
            "maven.repo.local",
            &[
                "MAVEN_ARGS",
                "MAVEN_CONFIG",
                "MAVEN_OPTS",
                "JDK_JAVA_OPTIONS",
                "JAVA_TOOL_OPTIONS",
            ],
        ),
        ..NONE
    },
    Row {
        of: ("npm", ""),
        options: &["--cache"],
        variables: &[("npm_config_cache", "")],
        ..NONE
    },
    Row {
        of: ("nuget", ""),
        options: &["--packages"],
        variables: &[("NUGET_PACKAGES", "")],
        ..NONE
    },
    Row {
        of: ("pip", ""),
        options: &["--cache-dir"],
        variables: &[("PIP_CACHE_DIR", ""), ("XDG_CACHE_HOME", "/pip")],
        ..NONE
    },
    Row {
        of: ("pip-tools", ""),
        variables: &[("PIP_CACHE_DIR", ""), ("XDG_CACHE_HOME", "/pip")],
        ..NONE
    },
    Row {
        of: ("pipenv", ""),
        variables: &[("PIPENV_CACHE_DIR", ""), ("XDG_CACHE_HOME", "/pipenv")],
        ..NONE
    },
    Row {
        of: ("pnpm", ""),
        options: &["--store-dir"],
        variables: &[
            ("npm_config_store_dir", ""),
            ("pnpm_config_store_dir", ""),
            // pnpm.io/docker.
            ("PNPM_HOME", "/store"),
            ("XDG_DATA_HOME", "/pnpm/store"),
        ],
        ..NONE
    },
    Row {
        of: ("poetry", ""),
        variables: &[("POETRY_CACHE_DIR", ""), ("XDG_CACHE_HOME", "/pypoetry")],
        ..NONE
    },
    Row {
        of: ("sbt", ""),
        property: (
            "coursier.cache",
            &["SBT_OPTS", "JAVA_OPTS", "JAVA_TOOL_OPTIONS"],
        ),
        variables: &[("COURSIER_CACHE", ""), ("XDG_CACHE_HOME", "/coursier")],
        ..NONE
    },
    Row {
        of: ("swift", ""),
        options: &["--cache-path"],
        others: &["XDG_CACHE_HOME"],
        ..NONE
    },
    Row {
        of: ("uv", ""),
        options: &["--cache-dir"],
        variables: &[("UV_CACHE_DIR", ""), ("XDG_CACHE_HOME", "/uv")],
        ..NONE
    },
];

/// Yarn before its second version, and since: its downloads lie below another home, and other variables move them
/// (github.com/yarnpkg/yarn, `user-dirs.js`; yarnpkg.com/configuration/yarnrc).
const YARNS: [Row; 2] = [
    Row {
        of: ("yarn", "/berry/"),
        variables: &[
            ("YARN_GLOBAL_FOLDER", "/cache"),
            ("XDG_DATA_HOME", "/yarn/berry/cache"),
        ],
        // Which of two is meant, the setting for all projects decides.
        others: &["YARN_CACHE_FOLDER"],
        ..NONE
    },
    Row {
        of: ("yarn", ""),
        options: &["--cache-folder"],
        variables: &[("YARN_CACHE_FOLDER", ""), ("XDG_CACHE_HOME", "/yarn")],
        ..NONE
    },
];

fn row(name: &str, path: &str) -> Option<&'static Row> {
    let mut all = YARNS.iter().chain(&ROWS);
    all.find(|row| row.of.0 == name && path.contains(row.of.1))
}

/// Where `call` is told to keep what is `dir` by itself.
pub(super) fn told(name: &str, dir: &CacheDir, call: &Call<'_>) -> Told {
    let Some(row) = row(name, dir.path) else {
        return Told::Usual;
    };
    if let Some(value) = of_properties(row, call) {
        return at(call, &value, "");
    }
    if let Some(value) = call.option(row.options) {
        return at(call, value, "");
    }
    let of_environment = |name: &str| {
        let is_it = |(set, _): &(&String, &String)| is_variable(name, set);
        call.env.iter().find(is_it).map(|(_, value)| value)
    };
    if row.others.iter().any(|name| of_environment(name).is_some()) {
        return Told::Elsewhere;
    }
    let set = row.variables.iter();
    let mut set = set.filter_map(|(name, below)| Some((of_environment(name)?, below)));
    set.find(|(value, _)| !value.is_empty())
        .map_or(Told::Usual, |(value, below)| at(call, value, below))
}

/// The property as it is set on the command line, else by a variable with arguments; where the user's home is another
/// one, what cannot be a path.
fn of_properties(row: &Row, call: &Call<'_>) -> Option<String> {
    let (property, variables) = row.property;
    if property.is_empty() {
        return None;
    }
    let held = variables.iter().filter_map(|name| call.env.get(*name));
    let held: Vec<Vec<&str>> = held.map(|v| v.split_whitespace().collect()).collect();
    let own: Vec<&str> = call.args().iter().map(String::as_str).collect();
    let all = || std::iter::once(&own).chain(&held);
    all()
        .find_map(|words| set_in(words, property))
        .or_else(|| all().find_map(|words| set_in(words, "user.home").map(|_| String::new())))
}

/// The value that words of a command line give a property: `-Dname=value`, `-D name=value`.
fn set_in(words: &[&str], property: &str) -> Option<String> {
    let mut before = "";
    let mut found = None;
    for word in words.iter().map(|w| w.trim_matches(['"', '\''])) {
        let set = match (before, word.strip_prefix("-D")) {
            ("-D" | "--define" | "--system-prop", _) => Some(word),
            (_, set) => set.or_else(|| word.strip_prefix("--define=")),
        };
        let value = set.and_then(|set| set.strip_prefix(property)?.strip_prefix('='));
        // The last one counts.
        found = value.map(str::to_owned).or(found);
        before = word;
    }
    found
}

/// Whether a variable called `set` is the one that the table calls `name`: npm takes its own in any case.
fn is_variable(name: &str, set: &str) -> bool {
    match name.contains("npm_config_") {
        true => name.eq_ignore_ascii_case(set),
        false => name == set,
    }
}

/// The directory that `value`, as it is written, and what is `below` it come to.
fn at(call: &Call<'_>, value: &str, below: &str) -> Told {
    let path = call.expanded(value.trim_matches(['"', '\'']));
    let path = path.as_deref().map(|p| p.trim_end_matches('/'));
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@".contains(c);
    match path {
        Some(path)
            if path.starts_with('/')
                && path.chars().all(is_plain)
                && !path
                    .split('/')
                    .skip(1)
                    .any(|n| matches!(n, "" | "." | "..")) =>
        {
            Told::At(format!("{path}{below}"))
        }
        _ => Told::Elsewhere,
    }
}

/// Whether setting a variable called `set`, to `value` where that is known, moves what `name` keeps in `path`.
pub fn is_moved_by(name: &str, path: &str, set: &str, value: Option<&str>) -> bool {
    row(name, path).is_some_and(|row| {
        let (property, held) = row.property;
        let is_told = |value: &str| value.contains(property) || value.contains("user.home");
        let mut movers = row
            .others
            .iter()
            .chain(row.variables.iter().map(|(n, _)| n));
        movers.any(|name| is_variable(name, set))
            || held.contains(&set) && value.is_none_or(is_told)
    })
}

#[cfg(test)]
mod tests {
    use super::super::files::tests::Fixture;
    use super::super::{CacheDir, Call, cache_dir};
    use crate::tree::RepoPath;
    use std::collections::BTreeMap;

    #[test]
    fn where_each_is_told_to_keep_its_downloads() {
        // `want` is a place, `usual`, or `none` where nothing can be said.
        let check = |set: &str, command: &str, want: &str| {
            let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
            let pairs = set.split(';').filter_map(|pair| pair.split_once('='));
            let env: BTreeMap<String, String> = pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let files = [
                ("package.json", "{}"),
                ("go.mod", "module a\n\nrequire b v1.0.0\n"),
                ("Cargo.toml", "[package]\nname = \"a\"\n"),
                ("pom.xml", "<project/>"),
            ];
            let found: Option<CacheDir> = Fixture::new(&files).with(|files| {
                let call = Call {
                    words: &words,
                    env: &env,
                    files: *files,
                    dir: &RepoPath::root(),
                    root: "/app",
                };
                cache_dir(&call).map(|(_, dir)| dir)
            });
            let said = match found {
                None => "none".to_owned(),
                Some(dir) => dir.told.unwrap_or_else(|| "usual".to_owned()),
            };
            assert_eq!(said, want, "{set} {command}");
        };
        check("", "mvn package", "usual");
        check("", "mvn -Dmaven.repo.local=/m2 package", "/m2");
        check("", "mvn -D maven.repo.local=/m2/ package", "/m2");
        check("D=/x", "./mvnw -Dmaven.repo.local=$D/r package", "/x/r");
        check("", "mvn -Dmaven.repo.local=.m2 package", "none");
        check("", "mvn -Dmaven.repo.local=$D package", "none");
        check("", "mvn -Dmaven.repo.local.tail=/m2 package", "usual");
        check("", "mvn -Duser.home=/u package", "none");
        check(
            "MAVEN_OPTS=-Xmx1g -Dmaven.repo.local=/m2",
            "mvn package",
            "/m2",
        );
        check("MAVEN_ARGS=-B", "mvn package", "usual");
        check(
            "MAVEN_OPTS=-Dmaven.repo.local=/a",
            "mvn -Dmaven.repo.local=/b test",
            "/b",
        );
        check("", "gradle -g /g build", "/g");
        check("", "./gradlew --gradle-user-home=/g build", "/g");
        check("", "./gradlew -Dgradle.user.home=/g build", "/g");
        check("GRADLE_USER_HOME=/g", "gradle build", "/g");
        check("GRADLE_USER_HOME=.gradle", "gradle build", "none");
        check("GRADLE_OPTS=-Dgradle.user.home=/g", "gradle build", "/g");
        check("npm_config_cache=/n", "npm ci", "/n");
        check("NPM_CONFIG_CACHE=/n", "npm ci", "/n");
        check("", "npm ci --cache /n", "/n");
        check("", "npm ci --cache .npm --prefer-offline", "none");
        check("YARN_CACHE_FOLDER=/y", "yarn install", "/y");
        check("XDG_CACHE_HOME=/c", "yarn install", "/c/yarn");
        check("", "yarn --cache-folder /y", "/y");
        check("", "pnpm install --store-dir=/p", "/p");
        check("PNPM_HOME=/p", "pnpm install", "/p/store");
        check("BUN_INSTALL=/b", "bun install", "/b/install/cache");
        check("PIP_CACHE_DIR=/p", "pip install -r a.txt", "/p");
        check("XDG_CACHE_HOME=/c", "pip install -r a.txt", "/c/pip");
        check("", "pip install --cache-dir=/p -r a.txt", "/p");
        check("POETRY_CACHE_DIR=/tmp/p", "poetry install", "/tmp/p");
        check("PIPENV_CACHE_DIR=/p", "pipenv install", "/p");
        check("UV_CACHE_DIR=/u", "uv sync", "/u");
        check("", "uv sync --cache-dir /u", "/u");
        check("CARGO_HOME=/c", "cargo build", "/c/registry");
        check("GOPATH=/g", "go mod download", "/g/pkg/mod");
        check("GOPATH=/g;GOMODCACHE=/m", "go mod download", "/m");
        check("GOPATH=/g:/h", "go mod download", "none");
        check("COMPOSER_HOME=/c", "composer install", "/c/cache");
        check(
            "COMPOSER_CACHE_DIR=/d;COMPOSER_HOME=/c",
            "composer install",
            "/d",
        );
        check("XDG_CONFIG_HOME=/c", "composer install", "none");
        check("NUGET_PACKAGES=/n", "dotnet restore", "/n");
        check("", "dotnet restore --packages /n", "/n");
        check("PUB_CACHE=/p", "dart pub get", "/p");
        check("DENO_DIR=/d", "deno cache a.ts", "/d");
    }
}
