//! Commands that read nothing of the project: system packages, tools by name, accounts, directories.

use super::Call;
use super::node::is_global;
use crate::shell::tells_of_itself;

/// True when the command installs system packages or tools by name: work worth keeping above the source.
pub fn is_system_install(call: &Call<'_>) -> bool {
    let verb = call.verb().unwrap_or_default();
    match call.program() {
        "apt-get" | "apt" | "aptitude" | "apk" | "dnf" | "yum" | "microdnf" | "tdnf" | "zypper"
        | "pacman" | "opkg" => {
            !names_a_file(call)
                && (matches!(
                    verb,
                    "install"
                        | "add"
                        | "update"
                        | "upgrade"
                        | "dist-upgrade"
                        | "groupinstall"
                        | "in"
                        | "ref"
                        | "refresh"
                ) || call.program() == "pacman")
        }
        "npm" => {
            matches!(verb, "install" | "i" | "add") && is_global(call.args()) && !names_a_file(call)
        }
        "pnpm" | "yarn" | "bun" => is_global(call.args()) && !names_a_file(call),
        "pip" | "pip3" | "pipx" | "gem" => {
            verb == "install"
                && !names_a_file(call)
                && !call.args().iter().any(|w| w.starts_with('/'))
                && ![
                    "-r",
                    "--requirement",
                    "-c",
                    "--constraint",
                    "-e",
                    "--editable",
                    "--build-constraint",
                    "--group",
                    "--requirements-from-script",
                ]
                .iter()
                .any(|f| call.option(&[f]).is_some())
        }
        "go" => verb == "install" && call.args().iter().any(|w| w.contains('@')),
        "cargo" => verb == "install" && call.option(&["--path"]).is_none(),
        "dotnet" => verb == "tool" && call.has("install"),
        "composer" => verb == "global",
        "docker-php-ext-install"
        | "docker-php-ext-enable"
        | "docker-php-ext-configure"
        | "install-php-extensions"
        | "pecl"
        | "a2enmod" => true,
        "rustup" => !reads_toolchain_file(call),
        "mix" => matches!(verb, "local.hex" | "local.rebar"),
        // The lists of packages; the project's own files do not matter to them.
        "cabal" => matches!(verb, "update" | "v2-update" | "new-update"),
        "opam" => matches!(verb, "init" | "update") && !names_a_file(call),
        "stack" => verb == "update",
        // `prepare` and `install` without a name read the version from package.json.
        "corepack" => match verb {
            "prepare" => call.args().iter().any(|w| w.contains('@')),
            "install" => is_global(call.args()),
            verb => matches!(verb, "enable" | "disable" | "hydrate" | "cache" | ""),
        },
        "playwright" => verb == "install",
        _ => false,
    }
}

/// Whether a `rustup` command takes its toolchain from the project's `rust-toolchain.toml`
/// (rust-lang.github.io/rustup, "Overrides"): all do that name none.
fn reads_toolchain_file(call: &Call<'_>) -> bool {
    let names_one = match call.verb().unwrap_or_default() {
        "default" => true,
        "toolchain" => {
            let mut words = call.args().iter().skip_while(|w| *w != "toolchain").skip(2);
            words.next().is_some_and(|w| !w.starts_with('-'))
        }
        _ => call.option(&["--toolchain"]).is_some(),
    };
    let is_there = |name: &str| call.files.has(&call.dir.join(name.as_bytes()));
    !names_one && (is_there("rust-toolchain.toml") || is_there("rust-toolchain"))
}

/// True when it is shown that the command reads no file that a COPY may have brought to the project's directory.
pub fn reads_no_project(call: &Call<'_>) -> bool {
    if is_system_install(call) || tells_of_itself(call.words) {
        return true;
    }
    let verb = call.verb().unwrap_or_default();
    match call.program() {
        ""
        | "true"
        | ":"
        | "echo"
        | "printf"
        | "set"
        | "export"
        | "useradd"
        | "adduser"
        | "groupadd"
        | "addgroup"
        | "usermod"
        | "locale-gen"
        | "update-ca-certificates"
        | "update-locale"
        | "dpkg-reconfigure"
        | "ldconfig"
        | "sleep"
        | "uname"
        | "id"
        | "whoami"
        | "which"
        | "command"
        | "type"
        | "date"
        | "nproc"
        | "env"
        | "printenv"
        | "update-alternatives"
        | "dpkg"
        | "apt-mark"
        | "apt-key"
        | "gpg"
        | "add-apt-repository"
        | "hash"
        | "ensurepip"
        | "sync"
        | "umask" => !names_a_file(call),
        "apt-get" | "apt" => matches!(
            verb,
            "clean" | "autoclean" | "autoremove" | "remove" | "purge"
        ),
        "apk" => matches!(verb, "del" | "cache" | "upgrade"),
        "yum" | "dnf" | "microdnf" => {
            matches!(verb, "clean" | "remove" | "config-manager" | "makecache")
        }
        "npm" | "yarn" | "pnpm" => {
            matches!(verb, "config" | "set" | "cache") && !names_a_file(call)
        }
        // Without a word they read what is piped to them.
        "node" | "java" | "python" | "python3" | "ruby" | "php" | "rustc" | "cargo" | "mvn"
        | "gradle" | "go" | "dotnet" => call.args().is_empty(),
        "bower" => verb == "cache",
        "composer" => {
            matches!(verb, "clear-cache" | "clearcache" | "config")
        }
        "git" => {
            (verb == "clone" && !names_a_file(call)) || (verb == "config" && call.has("--global"))
        }
        "curl" | "wget" => !names_a_file(call) && !call.args().iter().any(|w| w.starts_with('@')),
        "mkdir" | "install" => call.program() == "mkdir" && paths(call).all(|p| !p.contains('*')),
        // Only places that no COPY of a project goes to; those are also where packages leave their rubbish.
        "rm" | "chmod" | "chown" | "ln" | "touch" | "mv" | "cp" | "find" | "sed" | "tar"
        | "unzip" | "chgrp" | "tee" | "grep" | "cat" | "ls" => {
            let mut named = paths(call).peekable();
            named.peek().is_some() && named.all(is_system_path)
        }
        "venv" | "virtualenv" => !names_a_file(call),
        "nodeenv" => !names_a_file(call) && call.option(&["-r", "--requirements"]).is_none(),
        "conan" => matches!(verb, "profile" | "remote" | "config") && !names_a_file(call),
        "cabal" => sets_up_cabal(call),
        "poetry" => verb == "config" || verb == "self",
        "uv" => matches!(verb, "python" | "tool"),
        "bundle" => verb == "config",
        "conda" | "mamba" | "micromamba" => matches!(verb, "clean" | "config"),
        _ => false,
    }
}

/// Whether a `cabal` command makes a sandbox, or installs packages of Hackage by name and version where no cabal.project
/// may say otherwise (cabal.readthedocs.io, "cabal install").
fn sets_up_cabal(call: &Call<'_>) -> bool {
    let is_release = |word: &str| {
        let (name, version) = word.rsplit_once('-').unwrap_or_default();
        let is_number = version.chars().all(|c| c.is_ascii_digit() || c == '.');
        let own = call.dir.join(format!("{name}.cabal").as_bytes());
        !name.is_empty() && !version.is_empty() && is_number && !call.files.has(&own)
    };
    let mut words = call.plain_words().skip(1).peekable();
    let is_plain = call
        .args()
        .iter()
        .all(|w| !w.starts_with('-') || w.starts_with("-j"));
    match call.verb().unwrap_or_default() {
        "sandbox" => is_plain && words.next() == Some("init") && words.peek().is_none(),
        "install" => {
            let says_otherwise = call.files.has(&call.dir.join(b"cabal.project"));
            is_plain && !says_otherwise && words.peek().is_some() && words.all(is_release)
        }
        _ => false,
    }
}

/// Words that are paths (or could be).
fn paths<'a>(call: &'a Call<'_>) -> impl Iterator<Item = &'a str> {
    call.args().iter().map(String::as_str).filter(|w| {
        !w.starts_with('-')
            && (w.contains('/') || w.contains('*') || w.contains('.') || w.starts_with('~'))
    })
}

fn is_system_path(path: &str) -> bool {
    [
        "/var/", "/tmp/", "/etc/", "/usr/", "/root/", "/lib/", "/bin/", "/sbin/", "/opt/", "~/",
        "/run/", "/usr", "/tmp",
    ]
    .iter()
    .any(|p| path.starts_with(p))
        || path == "~"
        || path.starts_with("$HOME")
}

/// A relative path among the words, or a glob, which may match the project's files.
fn names_a_file(call: &Call<'_>) -> bool {
    call.args().iter().any(|w| {
        let value = w.rsplit('=').next().unwrap_or(w);
        // A word that names one of the project's files, and may be no package of that name.
        let is_there = |word: &str| call.path(word).is_some_and(|p| call.files.has(&p));
        let is_file = value.contains('.') && !value.starts_with('/') && is_there(value);
        is_file
            || w == "."
            || w.starts_with(".[")
            || value.starts_with("./")
            || value.starts_with("../")
            || (w.contains('*') && !w.contains('/') && call.program() != "apt-get")
    })
}
