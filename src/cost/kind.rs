//! Which kind of command a command is.
//!
//! One `match` over names and subcommands; the figures are in the table of `prior.rs`.

use crate::ecosystem::is_global;
use crate::shell::{Seen, tells_of_itself};

/// The kind of one command, a name of the table in `prior.rs`; `unknown` when it is none of them.
pub(super) fn kind_of(command: &Seen) -> &'static str {
    let name = command.name();
    let sub = command.subcommand();
    let has = |word: &str| command.args().iter().any(|a| a == word);
    if tells_of_itself(&command.words) {
        return "trivial";
    }
    match name {
        ""
        | ":"
        | "["
        | "[["
        | "true"
        | "false"
        | "test"
        | "set"
        | "cd"
        | "export"
        | "echo"
        | "printf"
        | "cat"
        | "mkdir"
        | "touch"
        | "ln"
        | "sed"
        | "awk"
        | "grep"
        | "head"
        | "tail"
        | "tee"
        | "ls"
        | "pwd"
        | "which"
        | "type"
        | "chmod"
        | "id"
        | "env"
        | "umask"
        | "unset"
        | "source"
        | "."
        | "exit"
        | "return"
        | "read"
        | "shift"
        | "trap"
        | "ulimit"
        | "date"
        | "uname"
        | "whoami"
        | "sort"
        | "uniq"
        | "wc"
        | "tr"
        | "cut"
        | "xargs"
        | "dirname"
        | "basename"
        | "hash"
        | "command"
        | "stat"
        | "install"
        | "useradd"
        | "adduser"
        | "groupadd"
        | "addgroup"
        | "usermod"
        | "groupmod"
        | "passwd"
        | "chpasswd"
        | "chsh"
        | "setcap"
        | "ldconfig"
        | "update-alternatives"
        | "update-ca-certificates"
        | "locale-gen"
        | "localedef"
        | "dpkg-reconfigure"
        | "sha256sum"
        | "md5sum"
        | "sha512sum"
        | "shasum"
        | "gpg"
        | "apt-key"
        | "add-apt-repository"
        | "nproc"
        | "getent"
        | "sync"
        | "sleep"
        | "ssh-keyscan"
        | "a2enmod"
        | "a2dismod"
        | "docker-php-source"
        | "corepack"
        | "n"
        | "nvm"
        | "jq"
        | "yq"
        | "envsubst"
        | "openssl" => "trivial",
        "rm" | "find" | "rmdir" | "strip" | "upx" => "clean up",
        "cp" | "mv" | "rsync" | "dd" => "copy files",
        // Each file below is written once more; one by itself is nothing.
        "chown" | "chgrp" if has("-R") || has("--recursive") => "chown -R",
        "chown" | "chgrp" => "trivial",
        "apt-get" | "apt" | "aptitude" => match sub {
            "update" => "apt-get update",
            "upgrade" | "dist-upgrade" | "full-upgrade" => "apt-get upgrade",
            "remove" | "purge" | "autoremove" | "clean" | "autoclean" => "apt-get remove",
            _ => "apt-get install",
        },
        "dpkg" => "apt-get install",
        "apk" => match sub {
            "update" => "apk update",
            "del" => "clean up",
            _ => "apk add",
        },
        "dnf" | "yum" | "microdnf" | "zypper" | "pacman" | "tdnf" => match sub {
            "clean" => "clean up",
            _ => "dnf install",
        },
        "npm" | "yarn" | "pnpm" | "bun" => node_kind(name, command),
        "tsc" | "vite" | "webpack" | "ng" | "next" | "nuxt" | "rollup" | "esbuild" | "parcel"
        | "gulp" | "grunt" | "turbo" | "nx" | "lerna" | "astro" | "gatsby" | "react-scripts"
        | "hugo" | "jekyll" => "webpack",
        "deno" if matches!(sub, "install" | "i" | "cache") => "deno install",
        "node" | "deno" | "ts-node" | "prisma" | "playwright" => "node script",
        "pip" | "pip3" => pip_kind(command),
        "uv" => match sub {
            "pip" | "sync" | "add" | "tool" | "lock" | "export" => "uv sync",
            "venv" => "venv",
            "run" => "python script",
            _ => "uv sync",
        },
        "poetry" | "pdm" | "rye" | "hatch" => match sub {
            "config" | "self" | "version" => "trivial",
            "export" => "python script",
            _ => "poetry install",
        },
        "pipenv" => "pipenv install",
        "conda" | "mamba" | "micromamba" => match sub {
            "clean" | "config" | "init" | "activate" => "clean up",
            _ => "conda install",
        },
        "venv" | "virtualenv" => "venv",
        "pytest" | "tox" | "nox" | "jest" | "vitest" | "phpunit" | "rspec" => "test",
        "bundle" | "bundler" => match sub {
            "config" => "trivial",
            "clean" => "clean up",
            _ => "bundle install",
        },
        "gem" => "gem install",
        "rake" | "rails" => "rake assets",
        "composer" | "composer.phar" => match sub {
            "dump-autoload" | "dumpautoload" | "config" | "run-script" | "dump-env" => {
                "node script"
            }
            _ => "composer install",
        },
        "docker-php-ext-install"
        | "docker-php-ext-configure"
        | "pecl"
        | "install-php-extensions"
        | "phpize" => "docker-php-ext",
        "docker-php-ext-enable" => "trivial",
        "php" => "node script",
        "mvn" | "mvnw" | "mvnd" => maven_kind(command),
        "gradle" | "gradlew" => gradle_kind(command),
        "sbt" => match sub.rsplit('/').next() {
            Some("update") => "sbt update",
            _ => "sbt",
        },
        "go" => match (sub, command.args().get(1).map(String::as_str)) {
            ("mod", _) | ("get", _) => "go mod download",
            ("generate", _) => "go generate",
            ("test" | "vet", _) => "test",
            ("env" | "version" | "clean", _) => "trivial",
            _ => "go build",
        },
        "cargo" | "cross" => cargo_kind(command),
        "rustup" | "rustup-init" => "rustup",
        "zig" if command.args().iter().any(|a| a.starts_with("--fetch")) => "package install",
        "zig" if sub == "build" => "package build",
        "rustc" | "gcc" | "g++" | "clang" | "cc" | "c++" | "zig" | "javac" => "cmake configure",
        "dotnet" => match sub {
            "restore" => "dotnet restore",
            "tool" => "package install",
            "ef" if has("--no-build") => "trivial",
            // A program of its own, which is published.
            "ef" if has("bundle") => "dotnet publish",
            "build" | "ef" => "dotnet build",
            "test" => "test",
            "publish" | "pack" | "run" => "dotnet publish",
            _ => "trivial",
        },
        "mix" => match sub {
            "deps.get" | "local.hex" | "local.rebar" | "archive.install" | "deps.update" => {
                "mix deps.get"
            }
            "deps.compile" => "mix deps.compile",
            "release" => "mix release",
            "do" => mix_kind(command),
            "test" => "test",
            s if s.starts_with("assets")
                || s.starts_with("phx")
                || s.starts_with("esbuild")
                || s.starts_with("tailwind") =>
            {
                "mix assets"
            }
            _ => "mix compile",
        },
        "make" | "gmake" | "ninja" | "bazel" | "bazelisk" | "meson" | "scons" | "just" | "task"
            if has("install") =>
        {
            "copy files"
        }
        // What cmake has written is made by either.
        "make" | "gmake" | "ninja" | "bazel" | "bazelisk" | "scons" | "just" | "task" => "make",
        "cmake" if has("--install") => "copy files",
        "cmake" if has("--build") => "cmake build",
        "cmake" | "meson" | "autoreconf" | "autogen.sh" | "bootstrap" | "qmake" => {
            "cmake configure"
        }
        "configure" | "config" => "configure",
        "swift" if sub == "package" => "swift resolve",
        "swift" => "swift build",
        "conan" => match sub {
            "install" => "conan install",
            _ => "trivial",
        },
        "dart" | "flutter" | "pub" => match (name, sub) {
            (_, "pub" | "get") => "pub get",
            ("flutter", "build") => "flutter build",
            ("dart", "compile") => "dart compile",
            ("flutter", "config" | "precache" | "doctor") => "trivial",
            _ => "node script",
        },
        "stack" | "cabal"
            if command
                .args()
                .iter()
                .any(|a| matches!(a.as_str(), "--only-dependencies" | "--dependencies-only")) =>
        {
            "stack dependencies"
        }
        "stack" | "cabal" if matches!(sub, "update" | "setup" | "path" | "--version") => "download",
        "stack" | "cabal" | "ghc" => "stack build",
        "dep" | "glide" | "govendor" | "godep" => "go mod download",
        "bower" => "npm ci",
        "shards" | "nimble" | "gleam" | "lein" | "rebar3" => match sub {
            "deps" | "get-deps" => "package install",
            "install" if !has("-p") => "package install",
            _ if has("--deps_only") => "package install",
            _ => "package build",
        },
        "clojure" | "clj" if has("-P") => "package install",
        "clojure" | "clj" => "package build",
        "nim" | "crystal" => "package build",
        "opam" | "cpanm" | "carton" | "Rscript" => "package install",
        "curl" | "wget" | "aria2c" | "aws" | "gsutil" | "gh" => "download",
        "git" => match sub {
            "clone" | "fetch" | "pull" | "submodule" | "lfs" => "git clone",
            _ => "trivial",
        },
        "tar" | "unzip" | "gunzip" | "xz" | "7z" | "bsdtar" | "zip" => "unpack",
        n if n.starts_with("python") => match command.args().first().map(String::as_str) {
            Some("setup.py") => "pip install",
            _ => "python script",
        },
        n if n.starts_with("pip3.") => pip_kind(command),
        _ => "unknown",
    }
}

fn node_kind(name: &str, command: &Seen) -> &'static str {
    let args = command.args();
    let words = named(
        args,
        &[
            "--prefix",
            "--filter",
            "-F",
            "-C",
            "--cwd",
            "--dir",
            "-w",
            "--workspace",
        ],
    );
    let install = match name {
        "npm" => "npm ci",
        "yarn" => "yarn install",
        "pnpm" => "pnpm install",
        _ => "bun install",
    };
    let script = match words.first().copied().unwrap_or("") {
        "" if name == "yarn" => return install,
        "" => return "trivial",
        "ci" | "install" | "i" | "add" | "fetch" | "clean-install" | "rebuild" | "global"
            if is_global(args) || words[0] == "global" =>
        {
            return "npm install -g";
        }
        "ci" | "install" | "i" | "add" | "fetch" | "clean-install" | "rebuild" | "import"
        | "workspaces" | "dedupe" => return install,
        "cache" | "config" | "set" | "store" | "pkg" | "version" | "init" | "link" => {
            return "trivial";
        }
        "prune" | "autoclean" | "uninstall" | "remove" | "deploy" => return "prune packages",
        "test" | "t" => return "test",
        "run" | "run-script" | "workspace" => words.get(1).copied().unwrap_or(""),
        script => script,
    };
    if script.contains("test") || script.contains("lint") {
        "test"
    } else if script.contains("build")
        || script.contains("compile")
        || script.contains("bundle")
        || words.contains(&"build")
    {
        "npm run build"
    } else {
        "npm run"
    }
}

fn pip_kind(command: &Seen) -> &'static str {
    let named: Vec<&str> = command
        .args()
        .iter()
        .map(String::as_str)
        .filter(|a| !a.starts_with('-'))
        .collect();
    match named.first().copied().unwrap_or("") {
        "install" => {
            let tools = ["pip", "setuptools", "wheel", "build", "virtualenv"];
            let only_tools = named.len() > 1
                && named[1..]
                    .iter()
                    .all(|n| tools.contains(&n.split(['=', '<', '>', '~']).next().unwrap_or(n)));
            let reads = |f: &str| {
                command
                    .args()
                    .iter()
                    .any(|a| a == f || (f.len() == 2 && a.starts_with(f) && !a.starts_with("--")))
            };
            let names_project = named[1..].iter().any(|n| {
                let path = n.split('[').next().unwrap_or(n);
                path == "."
                    || path.starts_with("./")
                    || path.starts_with("../")
                    || (path.starts_with('/') && !path.ends_with(".txt"))
            });
            if only_tools || (names_project && reads("--no-deps")) {
                "pip upgrade"
            } else if reads("-r") || reads("--requirement") {
                "pip install -r"
            } else if names_project {
                "pip install project"
            } else {
                "pip install"
            }
        }
        "wheel" | "download" | "" => "pip install",
        _ => "trivial",
    }
}

fn gradle_kind(command: &Seen) -> &'static str {
    let valued = [
        "-I",
        "--init-script",
        "-p",
        "--project-dir",
        "-x",
        "-g",
        "-b",
        "-c",
    ];
    let resolves = |task: &&str| {
        matches!(
            task.rsplit(':').next(),
            Some(
                "dependencies"
                    | "downloadDependencies"
                    | "resolveDependencies"
                    | "resolveAllDependencies"
                    | "help"
            )
        )
    };
    match named(command.args(), &valued).first() {
        Some(task) if resolves(task) => "gradle dependencies",
        None if command.args().iter().any(|a| a == "--version") => "gradle dependencies",
        _ => "gradle build",
    }
}

/// The weightiest task of `mix do a, b`.
fn mix_kind(command: &Seen) -> &'static str {
    let has = |task: &str| {
        command
            .args()
            .iter()
            .any(|a| a.trim_end_matches(',') == task)
    };
    if has("release") {
        "mix release"
    } else if has("compile") {
        "mix compile"
    } else if has("deps.compile") {
        "mix deps.compile"
    } else if has("deps.get") {
        "mix deps.get"
    } else {
        "mix compile"
    }
}

fn maven_kind(command: &Seen) -> &'static str {
    let goals: Vec<&str> = command
        .args()
        .iter()
        .map(String::as_str)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let is_dependency = |g: &&str| {
        g.contains("dependency:")
            || g.contains("maven-dependency-plugin:")
            || g.contains("de.qaware.maven")
            || g.contains(":go-offline")
            || **g == *"validate"
    };
    if !goals.is_empty() && goals.iter().all(is_dependency) {
        "mvn dependency"
    } else {
        "mvn package"
    }
}

fn cargo_kind(command: &Seen) -> &'static str {
    // `cargo +nightly build`
    let mut words = command.args().iter().map(String::as_str);
    match words.find(|w| !w.starts_with(['-', '+'])).unwrap_or("") {
        "chef" if command.args().iter().any(|a| a == "cook") => "cargo chef cook",
        "chef" => "cargo chef prepare",
        "install" if command.args().iter().any(|a| a.starts_with("--path")) => "cargo build",
        "install" | "binstall" => "cargo install",
        "fetch" | "vendor" | "update" => "cargo fetch",
        "test" | "clippy" => "test",
        "" | "clean" | "fmt" | "init" | "metadata" | "new" | "tree" | "version" => "trivial",
        _ => "cargo build",
    }
}

/// The arguments that are neither flags nor values of the flags given.
fn named<'a>(args: &'a [String], valued: &[&str]) -> Vec<&'a str> {
    let is_value = |n: usize| n > 0 && valued.contains(&args[n - 1].as_str());
    args.iter()
        .enumerate()
        .filter(|(n, a)| !a.starts_with('-') && !is_value(*n))
        .map(|(_, a)| a.as_str())
        .collect()
}
