//! What one command of a RUN may read of its environment.

use super::super::command::{Group, group, group_of};
use super::super::touched::is_piped_installer;
use crate::shell::{Seen, tells_of_itself};

/// What a program is, as far as its environment matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// Deals with files alone.
    Files,
    /// Deals with the system's packages and users.
    System,
    /// Fetches what others wrote, and compiles none of it.
    Fetcher,
    /// Fetches, installs by name or compiles by its own variables, whatever the project says.
    Tool,
    /// Installs by its own variables and by what the project's files say, one of which has such a name.
    Installer(&'static [&'static str]),
    /// As [`Self::Installer`], and runs the scripts that a file of this name calls for at an install.
    WithScripts(&'static str),
    /// Compiles what others wrote when it installs it, which may read a variable of a general name.
    Compiled,
    /// Compiles what the project depends on, as [`Self::Compiled`], from stand-ins for the project's own files
    /// (`cargo chef cook`).
    Cook,
    /// Takes variables for properties of the project (MSBuild); whether it builds it, too.
    Properties(bool),
    /// Runs a script: which one, if it is a word.
    Script(usize),
    /// Builds or runs the project, or is not known.
    Unknown,
    /// Shows all that is in the environment.
    Everything,
}

/// Commands about files that are not in every image, beside those of [`group_of`]. Sources: their manual pages.
const OF_FILES: &[&str] = &[
    "7z",
    "aria2c",
    "bsdtar",
    "cmp",
    "comm",
    "command",
    "cpio",
    "csplit",
    "dd",
    "df",
    "diff",
    "dos2unix",
    "du",
    "expr",
    "file",
    "fold",
    "gpgconf",
    "hash",
    "hostname",
    "iconv",
    "join",
    "jq",
    "let",
    "local",
    "lzma",
    "mkfifo",
    "mknod",
    "nl",
    "od",
    "openssl",
    "paste",
    "patch",
    "popd",
    "pushd",
    "read",
    "return",
    "rev",
    "rsync",
    "seq",
    "sha1",
    "sha384sum",
    "shasum",
    "shift",
    "shopt",
    "shuf",
    "split",
    "ssh-keygen",
    "sync",
    "tac",
    "trap",
    "truncate",
    "type",
    "ulimit",
    "uniq",
    "update-rc.d",
    "usleep",
    "wait",
    "whoami",
    "xmlstarlet",
    "xxd",
    "yq",
    "zip",
];

/// Commands about the system, beside those of [`group_of`].
const OF_SYSTEM: &[&str] = &[
    "a2disconf",
    "a2enconf",
    "a2ensite",
    "a2dissite",
    "apt-file",
    "debconf-set-selections",
    "getcap",
    "setfacl",
    "systemctl",
    "update-crypto-policies",
    "update-mime-database",
    "yum-config-manager",
];

/// Compilers and the like: they read what they are given.
const COMPILERS: &[&str] = &[
    "ar", "c++", "cc", "clang", "clang++", "cpp", "g++", "gcc", "javac", "jar", "ld", "ldd", "nm",
    "objcopy", "ranlib", "rustc", "strip", "tsc", "upx",
];

/// What `seen` is; `before` stands before it.
pub(super) fn program(seen: &Seen, before: Option<&Seen>) -> Program {
    let args = seen.args();
    if before.is_some_and(|b| is_piped_installer(b, seen)) {
        return Program::Tool;
    }
    if tells_of_itself(&seen.words) {
        return Program::Files;
    }
    match (seen.name(), seen.subcommand()) {
        ("" | "break" | "continue", _) => Program::Files,
        ("env" | "printenv" | "envsubst" | "compgen", _) => Program::Everything,
        // `set -x` traces commands, `declare -x A` exports one.
        ("set", _) if args.is_empty() => Program::Everything,
        ("export" | "declare" | "typeset", _) if args.iter().all(|a| a.starts_with('-')) => {
            Program::Everything
        }
        ("declare" | "typeset", _) => Program::Files,
        ("find", _)
            if args
                .iter()
                .any(|a| a.starts_with("-exec") || a.starts_with("-ok")) =>
        {
            Program::Unknown
        }
        ("tar", _)
            if args
                .iter()
                .any(|a| a.starts_with("--to-command") || a.starts_with("--checkpoint-action")) =>
        {
            Program::Unknown
        }
        (".", _) | ("source", _) if args.first().is_some_and(|f| is_of_system(f)) => Program::Files,
        (
            "." | "source" | "sh" | "bash" | "ash" | "dash" | "zsh" | "node" | "ruby" | "perl"
            | "php",
            _,
        ) => script_among(args),
        (name, _) if OF_FILES.contains(&name) => Program::Files,
        (name, _) if OF_SYSTEM.contains(&name) => Program::System,
        (name, _) if COMPILERS.contains(&name) => Program::Tool,
        (name, verb) => match group_of(name) {
            Some(Group::System) => Program::System,
            Some(_) => Program::Files,
            None => of_project(seen, verb),
        },
    }
}

/// What a program is that may look at the project it stands in.
fn of_project(seen: &Seen, verb: &str) -> Program {
    let args = seen.args();
    let has = |flag: &str| args.iter().any(|a| a == flag);
    if matches!(
        (seen.name(), verb),
        ("cargo" | "gem" | "pip" | "pip3", "install")
            | ("pecl" | "luarocks" | "opam" | "docker-php-ext-install", _)
    ) && group(seen).is_some()
    {
        return Program::Compiled;
    }
    if group(seen).is_some() {
        return Program::Tool;
    }
    const COMPOSER: &str = "composer.json";
    const PACKAGE: &str = "package.json";
    match (seen.name(), verb) {
        ("git", _) => Program::Tool,
        ("go", "mod" | "env" | "clean" | "version" | "work") => Program::Fetcher,
        ("go", "build" | "install" | "list" | "vet" | "get") if !has("-toolexec") => Program::Tool,
        (
            "cargo",
            "fetch" | "vendor" | "update" | "metadata" | "generate-lockfile" | "search" | "login",
        ) => Program::Fetcher,
        ("cargo" | "cargo-chef", "chef" | "prepare") if has("prepare") => Program::Tool,
        ("cargo" | "cargo-chef", "chef" | "cook") if has("cook") => Program::Cook,
        (
            "npm" | "pnpm" | "yarn" | "bun",
            "config" | "cache" | "set" | "store" | "view" | "-v" | "policies",
        ) => Program::Tool,
        (
            "npm",
            "ci" | "install" | "i" | "add" | "prune" | "rebuild" | "update" | "dedupe"
            | "uninstall" | "link" | "audit" | "clean-install" | "fund" | "ls" | "pkg",
        )
        | (
            "pnpm",
            "install" | "i" | "fetch" | "add" | "prune" | "rebuild" | "update" | "import"
            | "remove",
        )
        | (
            "yarn",
            "install" | "add" | "workspaces" | "autoclean" | "import" | "remove" | "plugin",
        )
        | ("bun", "install" | "i" | "add" | "remove") => {
            match has("--ignore-scripts") || (seen.name(), verb) == ("pnpm", "fetch") {
                // `yarn workspaces run build`.
                _ if has("run") || has("foreach") => Program::Unknown,
                true => Program::Installer(&[PACKAGE]),
                false => Program::WithScripts(PACKAGE),
            }
        }
        ("yarn", "") => Program::WithScripts(PACKAGE),
        ("node-gyp" | "nvm" | "n" | "fnm" | "volta" | "corepack", _) => Program::Tool,
        ("pip" | "pip3" | "uv", _) => of_pip(seen),
        ("poetry", "install") if has("--no-root") || has("--no-directory") => {
            Program::Installer(&["pyproject.toml"])
        }
        ("poetry", "install" | "config" | "export" | "lock" | "check" | "add") => {
            Program::Installer(&["pyproject.toml"])
        }
        ("pdm", "install" | "sync" | "config" | "export") => {
            Program::Installer(&["pyproject.toml"])
        }
        ("pipenv", "install" | "sync" | "lock" | "requirements") => {
            Program::Installer(&["Pipfile", "Pipfile.lock"])
        }
        (
            "bundle" | "bundler",
            "install" | "config" | "check" | "clean" | "lock" | "update" | "cache" | "",
        ) => Program::Installer(&["Gemfile"]),
        (
            "composer" | "composer.phar",
            "install"
            | "update"
            | "dump-autoload"
            | "dumpautoload"
            | "require"
            | "config"
            | "clear-cache"
            | "clearcache"
            | "check-platform-reqs"
            | "validate",
        ) => {
            match has("--no-scripts")
                || matches!(verb, "config" | "clear-cache" | "clearcache" | "validate")
            {
                true => Program::Installer(&[COMPOSER]),
                false => Program::WithScripts(COMPOSER),
            }
        }
        ("dotnet", "restore") => Program::Properties(false),
        ("dotnet" | "msbuild", _) => Program::Properties(true),
        ("mvn" | "mvnw", verb) if verb.starts_with("dependency:") => {
            Program::Installer(&["pom.xml"])
        }
        (
            "mix",
            "deps.get" | "deps.unlock" | "deps" | "local.hex" | "local.rebar" | "hex.config",
        ) => Program::Installer(&["mix.exs"]),
        ("swift", "package") => Program::Installer(&["Package.swift"]),
        ("dart" | "flutter", "pub") => Program::Installer(&["pubspec.yaml"]),
        (
            "rustup" | "rustup-init" | "virtualenv" | "venv" | "ensurepip" | "pyenv" | "rbenv"
            | "asdf" | "conda" | "mamba" | "ghcup" | "sdk",
            _,
        ) => Program::Tool,
        _ => match seen.words.first() {
            Some(word) if word.ends_with(".sh") => Program::Script(0),
            _ => Program::Unknown,
        },
    }
}

/// An install of pip, by what it installs.
fn of_pip(seen: &Seen) -> Program {
    let args = seen.args();
    let is_path = |a: &String| {
        a.starts_with(['.', '/']) && !a.contains("txt") || a == "-e" || a == "--editable"
    };
    let verb = seen.subcommand();
    match verb {
        "install" | "pip" | "wheel" if args.iter().any(is_path) => Program::Unknown,
        "install" | "pip" | "wheel" | "sync" | "download" | "export" | "lock" | "compile"
        | "tool" | "add" => {
            Program::Installer(&[".txt", ".in", ".lock", "pyproject.toml", "setup.py"])
        }
        "run" | "build" | "" => Program::Unknown,
        _ => Program::Tool,
    }
}

/// A program of an interpreter: the first word that is no flag, unless a flag holds the text itself.
fn script_among(args: &[String]) -> Program {
    match args.iter().position(|a| !a.starts_with('-') || a.len() < 2) {
        Some(at)
            if args[..at]
                .iter()
                .all(|a| !matches!(a.as_str(), "-e" | "-r" | "-p" | "--eval")) =>
        {
            Program::Script(at + 1)
        }
        _ => Program::Unknown,
    }
}

/// Files that shells read in and that set variables alone.
fn is_of_system(file: &str) -> bool {
    let ends = [
        "/os-release",
        "/lsb-release",
        "/bin/activate",
        "/nvm.sh",
        "/.cargo/env",
        "/env/cargo",
        "/etc/profile",
        "/apache2/envvars",
        "/etc/environment",
    ];
    ends.iter().any(|end| file.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_by_what_they_read() {
        let check = |text: &str, want: &str| {
            let seen = crate::shell::parse(text).seen();
            let last = seen.len() - 1;
            let is = program(&seen[last], last.checked_sub(1).map(|n| &seen[n]));
            let shown = format!("{is:?}");
            assert!(shown.starts_with(want), "{text}: {shown}");
        };
        check("mkdir -p /app", "Files");
        check("curl -fsSL https://example.com/x -o x", "Files");
        check("curl https://example.com/x | bash", "Unknown");
        check("apt-get install -y curl", "System");
        check("go mod download", "Fetcher");
        check("CGO_ENABLED=0 go build -o /app .", "Tool");
        check("go generate ./...", "Unknown");
        check("npm install -g pnpm", "Tool");
        check("npm ci", "WithScripts");
        check("npm ci --ignore-scripts", "Installer");
        check("npm run build", "Unknown");
        check("yarn turbo run build", "Unknown");
        check("yarn workspaces run build", "Unknown");
        check("yarn", "WithScripts");
        check("pip install -r requirements.txt", "Installer");
        check("pip install .", "Unknown");
        check("pip install --upgrade pip", "Compiled");
        check("composer install --no-scripts", "Installer");
        check("composer install", "WithScripts");
        check("mix deps.get", "Installer");
        check("mix compile", "Unknown");
        check("cargo build --release", "Unknown");
        check("cargo chef prepare --recipe-path r.json", "Tool");
        check("cargo chef cook --recipe-path r.json", "Cook");
        check("dotnet build", "Properties(true)");
        check("make", "Unknown");
        check("./x.sh", "Script(0)");
        check("bash -eux scripts/x.sh", "Script(2)");
        check("node -e 'x'", "Unknown");
        check("env", "Everything");
        check("env A=1 ls", "Files");
        check("export -p", "Everything");
        check("export A=1", "Files");
        check("set -eux", "Files");
        check("set -x", "Files");
        check("set", "Everything");
        check("declare -x A=1", "Files");
        check("find . -exec ./x {} +", "Unknown");
        check(". /etc/os-release", "Files");
        check("foo --version", "Files");
        check("nobody-knows", "Unknown");
    }
}
