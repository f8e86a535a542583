//! Where an install lays down what it has made, and whether a mount lies over that place.
//!
//! What is written into a cache mount or a tmpfs is no part of the layer: a step that is found in the cache then leaves
//! nothing, and whoever comes after it starts from what the mount holds, which on a fresh builder is nothing.

use super::Call;

/// A place that an install writes to.
enum Place<'s> {
    /// In the directory it runs in or one above it: `node_modules`.
    Beside(&'s str),
    /// In the home directory, whoever's that is.
    Home(&'s str),
    /// Absolute, or relative to the directory it runs in.
    At(String),
}

/// Whether one of `mounts` (targets of cache mounts and tmpfs, absolute) lies over the place where this command of
/// `ecosystem`, run in the absolute directory `here`, lays down what it has made.
pub fn is_hidden(ecosystem: &str, call: &Call<'_>, here: &str, mounts: &[String]) -> bool {
    if mounts.is_empty() {
        return false;
    }
    let places = places(ecosystem, call);
    let home = call.env.get("HOME").map_or("/root", String::as_str);
    mounts.iter().any(|mount| {
        let mount = mount.trim_end_matches('/');
        // A profile's directory below it will do for Cargo, and the workspace's root may be anywhere.
        let is_target = ecosystem == "cargo" && mount.split('/').any(|name| name == "target");
        is_target || mount == home || places.iter().any(|place| place.is_below(mount, here))
    })
}

impl Place<'_> {
    fn is_below(&self, mount: &str, here: &str) -> bool {
        match self {
            Self::Beside(name) => {
                let up = here.trim_end_matches('/');
                let beside = mount
                    .strip_suffix(name)
                    .and_then(|rest| rest.strip_suffix('/'));
                // A variable without a value may be any directory.
                is_at_or_below(up, mount)
                    || beside.is_some_and(|dir| dir.contains('$') || is_at_or_below(up, dir))
            }
            Self::Home(path) => {
                let ends = path.match_indices('/').map(|(at, _)| at);
                ends.chain([path.len()]).any(|end| {
                    mount
                        .strip_suffix(&path[..end])
                        .is_some_and(|rest| rest.ends_with('/'))
                })
            }
            Self::At(path) if path.starts_with('/') => {
                is_at_or_below(path.trim_end_matches('/'), mount)
            }
            Self::At(path) => {
                let path = path.trim_start_matches("./").trim_end_matches('/');
                let path = format!("{}/{path}", here.trim_end_matches('/'));
                is_at_or_below(&path, mount)
            }
        }
    }
}

fn is_at_or_below(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Every place that counts, those that settings name among them.
fn places<'s>(ecosystem: &str, call: &Call<'_>) -> Vec<Place<'s>> {
    let (usual, variables, options): (Vec<Place<'s>>, &[&str], &[&str]) = match ecosystem {
        "npm" | "yarn" | "pnpm" | "bun" => (vec![Place::Beside("node_modules")], &[], &[]),
        "pip" | "pip-tools" | "poetry" | "uv" | "pipenv" => (
            vec![Place::Beside(".venv")],
            &["VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"],
            &["--target", "--prefix"],
        ),
        "conda" => (Vec::new(), &["CONDA_PREFIX"], &["--prefix"]),
        "maven" => (
            vec![Place::Home(".m2/repository")],
            &[],
            &["-Dmaven.repo.local"],
        ),
        // docs.gradle.org, "The Gradle-managed directories": the dependencies are in caches/modules-2.
        "gradle" => (
            vec![Place::Home(".gradle/caches/modules-2")],
            &["GRADLE_USER_HOME"],
            &["-g", "--gradle-user-home"],
        ),
        // Without the record of what was downloaded, a module that is there counts as half extracted and is fetched
        // again (cmd/go/internal/modfetch/cache.go, DownloadDir).
        "go" => (
            vec![
                Place::At("/go/pkg/mod/cache/download".to_owned()),
                Place::Home("go/pkg/mod/cache/download"),
            ],
            &["GOMODCACHE"],
            &[],
        ),
        "cargo" => (Vec::new(), &["CARGO_TARGET_DIR"], &["--target-dir"]),
        "bundler" => (
            vec![
                Place::Beside("vendor/bundle"),
                Place::At("/usr/local/bundle".to_owned()),
            ],
            &["BUNDLE_PATH", "GEM_HOME"],
            &["--path"],
        ),
        "composer" => (vec![Place::Beside("vendor")], &["COMPOSER_VENDOR_DIR"], &[]),
        "nuget" => (
            vec![Place::Home(".nuget/packages")],
            &["NUGET_PACKAGES"],
            &["--packages"],
        ),
        "mix" => (
            vec![Place::Beside("deps"), Place::Beside("_build")],
            &["MIX_DEPS_PATH", "MIX_BUILD_PATH"],
            &[],
        ),
        "sbt" => (
            vec![Place::Home(".cache/coursier"), Place::Home(".ivy2")],
            &["COURSIER_CACHE"],
            &[],
        ),
        "swift" => (
            vec![Place::Beside(".build")],
            &[],
            &["--scratch-path", "--build-path"],
        ),
        "dart" => (vec![Place::Home(".pub-cache")], &["PUB_CACHE"], &[]),
        "deno" => (
            vec![
                Place::Home(".cache/deno"),
                Place::At("/deno-dir".to_owned()),
            ],
            &["DENO_DIR"],
            &[],
        ),
        "conan" => (
            vec![Place::Home(".conan2"), Place::Home(".conan")],
            &["CONAN_HOME", "CONAN_USER_HOME"],
            &[],
        ),
        _ => (Vec::new(), &[], &[]),
    };
    let mut places = usual;
    let set = variables.iter().filter_map(|name| call.env.get(*name));
    places.extend(set.map(|value| Place::At(value.clone())));
    let given = call.options(options).into_iter();
    places.extend(given.map(|value| Place::At(value.to_owned())));
    if let Some(path) = call.env.get("GOPATH").filter(|_| ecosystem == "go") {
        let first = path.split(':').next().unwrap_or(path);
        places.push(Place::At(format!("{first}/pkg/mod/cache/download")));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::super::{Call, Files};
    use super::is_hidden;
    use crate::tree::RepoPath;
    use std::collections::BTreeMap;

    /// Whether what `line` makes in `/app/web` is hidden by a mount at `mount`, with `env` (`NAME=value`) set.
    fn check(ecosystem: &str, line: &str, env: &str, mount: &str, expected: bool) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let env: BTreeMap<String, String> = env
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let call = Call {
            words: &words,
            env: &env,
            files: Files::new(&[], &|_| None),
            dir: &RepoPath::from("web"),
            root: "/app",
        };
        let hidden = is_hidden(ecosystem, &call, "/app/web", &[mount.to_owned()]);
        assert_eq!(hidden, expected, "{line}, {mount}");
    }

    #[test]
    fn a_mount_over_the_place_hides_what_is_laid_there() {
        check("cargo", "cargo build", "", "/app/web/target", true);
        check("cargo", "cargo build", "", "/app/target/release", true);
        check(
            "cargo",
            "cargo build",
            "CARGO_TARGET_DIR=/out",
            "/out",
            true,
        );
        check(
            "cargo",
            "cargo build --target-dir out",
            "",
            "/app/web/out",
            true,
        );
        check("npm", "npm ci", "", "/app/web/node_modules", true);
        check("npm", "npm ci", "", "/app/node_modules/", true);
        check("npm", "npm ci", "", "$APP/node_modules", true);
        check("go", "go mod download", "", "/go/pkg/mod", true);
        check("go", "go mod download", "", "/go", true);
        check("go", "go mod download", "", "/go/pkg/mod/cache", true);
        check("go", "go mod download", "", "/home/me/go/pkg", true);
        check("go", "go mod download", "GOPATH=/w", "/w/pkg/mod", true);
        check("go", "go mod download", "GOMODCACHE=/m", "/m", true);
        check("maven", "mvn package", "", "/root/.m2", true);
        check("maven", "mvn package", "", "/home/me/.m2/repository", true);
        check(
            "maven",
            "mvn -Dmaven.repo.local=.r package",
            "",
            "/app/web/.r",
            true,
        );
        check("gradle", "gradle build", "", "/home/gradle/.gradle", true);
        check("gradle", "gradle build", "GRADLE_USER_HOME=/c", "/c", true);
        check("uv", "uv sync", "", "/app/web/.venv", true);
        check("nuget", "dotnet restore", "", "/root", true);
    }

    #[test]
    fn a_mount_of_downloads_alone_hides_nothing() {
        check(
            "cargo",
            "cargo build",
            "",
            "/usr/local/cargo/registry",
            false,
        );
        check("cargo", "cargo build", "", "/targets", false);
        check("npm", "npm ci", "", "/root/.npm", false);
        check("npm", "npm ci", "", "/app/web/node_modules/.cache", false);
        check("npm", "npm ci", "", "/app/web/lib/node_modules", false);
        check("go", "go mod download", "", "/root/.cache/go-build", false);
        check("pip", "pip install -r r.txt", "", "/root/.cache/pip", false);
        check(
            "bundler",
            "bundle install",
            "",
            "/usr/local/bundle/cache",
            false,
        );
        check("maven", "mvn package", "", "/root/.m2/wrapper", false);
        check(
            "gradle",
            "gradle build",
            "",
            "/home/gradle/.gradle/wrapper",
            false,
        );
    }
}
