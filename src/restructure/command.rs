//! The commands of a RUN that are well known, by what they are about. Sources: their manual pages.

use super::layout::is_within;
use super::system_places::OF_MANAGERS;
use super::tools::{clones, is_by_name};
use crate::dockerfile::ast::Instruction;
use crate::shell;
use crate::shell::Script;
use crate::shell::Seen;

/// The commands of a RUN in shell form; `None` for anything else, and where the text was not read to its end.
pub(super) fn seen(instruction: &Instruction) -> Option<Vec<Seen>> {
    let text = instruction.shell_text();
    let script = shell::parse(text.filter(|_| instruction.heredocs.is_empty())?);
    script.is_complete.then(|| script.seen())
}

/// What a command touches besides the paths among its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Nothing: only the paths it is given.
    Words,
    /// The system: packages, users, certificates, linker cache.
    System,
    /// Packages for everyone by name (`npm install -g`, `pip install NAME`, …): `/usr/local`, `/root` and the network.
    Global,
    /// Whatever builds in a directory that the same RUN has fetched: that directory, and where such things are installed.
    Build,
}

/// Of the commands that touch nothing but the paths among their words, relative to where they run: those that are in every
/// image with a shell, whatever is installed.
pub(super) const EVERYWHERE: &[&str] = &[
    ":",
    "[",
    "arch",
    "basename",
    "cat",
    "cd",
    "chmod",
    "cp",
    "cut",
    "date",
    "dirname",
    "echo",
    "egrep",
    "exit",
    "export",
    "false",
    "fgrep",
    "find",
    "grep",
    "head",
    "id",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mktemp",
    "mv",
    "nproc",
    "printf",
    "pwd",
    "rm",
    "rmdir",
    "sed",
    "set",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "sleep",
    "sort",
    "stat",
    "tail",
    "tee",
    "test",
    "touch",
    "tr",
    "true",
    "umask",
    "uname",
    "unlink",
    "unset",
    "wc",
    "which",
];

/// Commands of the shell itself that change how it goes on.
pub(super) const OF_THE_SHELL: &[&str] = &[
    ".", "alias", "cd", "declare", "eval", "exec", "export", "local", "popd", "pushd", "read",
    "readonly", "set", "shift", "shopt", "source", "trap", "typeset", "ulimit", "umask", "unset",
];

/// The others of them.
const BROUGHT: &[&str] = &[
    "awk",
    "base64",
    "bunzip2",
    "bzip2",
    "chgrp",
    "chown",
    "curl",
    "dpkg-architecture",
    "getconf",
    "getent",
    "git-lfs",
    "gpg",
    "gunzip",
    "gzip",
    "install",
    "nodeenv",
    "readlink",
    "realpath",
    "ssh-keyscan",
    "strip",
    "tar",
    "unzip",
    "unzstd",
    "venv",
    "virtualenv",
    "wget",
    "xz",
    "xzcat",
    "zcat",
    "zstd",
];

/// Commands about the system as a whole.
const SYSTEM: &[&str] = &[
    "add-apt-repository",
    "addgroup",
    "adduser",
    "apk",
    "apt",
    "apt-cache",
    "apt-get",
    "apt-key",
    "apt-mark",
    "aptitude",
    "c_rehash",
    "delgroup",
    "deluser",
    "dnf",
    "dnf5",
    "dpkg",
    "dpkg-query",
    "dpkg-reconfigure",
    "fc-cache",
    "gpasswd",
    "groupadd",
    "groupdel",
    "groupmod",
    "ldconfig",
    "locale-gen",
    "localedef",
    "lsb_release",
    "microdnf",
    "pacman",
    "passwd",
    "rpm",
    "setcap",
    "tdnf",
    "update-alternatives",
    "update-ca-certificates",
    "update-locale",
    "useradd",
    "userdel",
    "usermod",
    "yum",
    "zypper",
    "chsh",
    "chpasswd",
    "dpkg-divert",
    "phpdismod",
    "phpenmod",
];

/// The group of one command; `None` when it is not known or may read the project it stands in.
pub fn group(seen: &Seen) -> Option<Group> {
    group_of(seen.name()).or_else(|| match seen {
        _ if clones(seen) || is_setting_of_git(seen) || asks_version(seen) => Some(Group::Words),
        _ => is_by_name(seen).then_some(Group::Global),
    })
}

/// Whether a program is in every image, or is a distribution's own.
pub(super) fn is_of_system(name: &str) -> bool {
    EVERYWHERE.contains(&name) || SYSTEM.contains(&name)
}

/// The group of a command that its name alone decides.
pub(super) fn group_of(name: &str) -> Option<Group> {
    match name {
        _ if EVERYWHERE.contains(&name) || BROUGHT.contains(&name) => Some(Group::Words),
        _ if SYSTEM.contains(&name) => Some(Group::System),
        _ => None,
    }
}

/// Whether a command sets how git works for everyone or for the user, whatever repository stands there.
fn is_setting_of_git(seen: &Seen) -> bool {
    let is_wide = |a: &String| a == "--global" || a == "--system";
    seen.name() == "git" && seen.subcommand() == "config" && seen.args().iter().any(is_wide)
}

/// Programs that only say which version they are where they are asked for it. Not those that go by a file of the project
/// even then: cargo and rustc (rust-toolchain.toml), go (go.mod), pnpm and yarn (package.json).
const SAY_VERSION: &[&str] = &[
    "clang", "cmake", "ffmpeg", "g++", "gcc", "gem", "git", "java", "javac", "make", "node", "npm",
    "perl", "php", "pip", "pip3", "poetry", "protoc", "python", "python2", "python3", "ruby", "uv",
    "uvx",
];

/// Whether a command does nothing but say its version.
pub(super) fn asks_version(seen: &Seen) -> bool {
    let asks = ["--version", "-V", "-v", "-version"];
    let is_asked = matches!(seen.args(), [one] if asks.contains(&one.as_str()));
    is_asked && SAY_VERSION.contains(&seen.name())
}

/// True when every command only deals with system packages, and one of them installs or updates.
pub fn is_system_install(script: &Script) -> bool {
    let managers = [
        "apk", "apt", "apt-get", "aptitude", "dnf", "dnf5", "microdnf", "pacman", "tdnf", "yum",
        "zypper",
    ];
    let seen = script.seen();
    let all_known = seen.iter().all(|s| {
        s.name().is_empty()
            || SYSTEM.contains(&s.name())
            || matches!(s.name(), "rm" | "set" | "true" | ":" | "echo")
    });
    all_known
        && script.is_complete
        && seen
            .iter()
            .any(|s| managers.contains(&s.name()) && installs(s))
}

/// What a RUN installs, if system packages are all that it deals with and it names them all.
pub(super) fn named_packages(script: &Script) -> Option<Vec<String>> {
    if !is_system_install(script) {
        return None;
    }
    let seen = script.seen();
    let words = seen
        .iter()
        .filter(|s| installs(s))
        .flat_map(|s| s.args().iter().filter(move |a| *a != s.subcommand()));
    let named: Vec<String> = words.filter(|a| !a.starts_with('-')).cloned().collect();
    let is_plain = named.iter().all(|n| !n.contains(['$', '/', '*']));
    is_plain.then_some(named)
}

/// Compilers, and what builds with them: large, and of no use without a source.
const COMPILERS: &[&str] = &[
    "build-base",
    "build-essential",
    "clang",
    "cmake",
    "g++",
    "gcc",
    "gfortran",
    "make",
];

/// Whether a package, as named in an install, is a compiler or what builds with one.
pub(super) fn compiles(named: &str) -> bool {
    COMPILERS.contains(&named.split('=').next().unwrap_or(named))
}

/// Whether a package manager's command puts packages in.
pub fn installs(seen: &Seen) -> bool {
    matches!(
        seen.subcommand(),
        "install"
            | "add"
            | "update"
            | "upgrade"
            | "dist-upgrade"
            | "full-upgrade"
            | "in"
            | "groupinstall"
            | "makecache"
    ) || (seen.name() == "pacman" && seen.args().iter().any(|a| a.starts_with("-S")))
}

/// Whether a command takes system packages out again.
pub fn removes(seen: &Seen) -> bool {
    matches!(
        seen.subcommand(),
        "remove" | "purge" | "autoremove" | "del" | "erase" | "auto-remove"
    ) && SYSTEM.contains(&seen.name())
}

/// Whether commands only take away what package managers keep for themselves.
pub(super) fn cleans_up(commands: &[Seen]) -> bool {
    let is_kept = |path: &String| OF_MANAGERS.iter().any(|dir| is_within(path, dir));
    let is_it = |s: &Seen| {
        let paths = s.args().iter().filter(|a| !a.starts_with('-'));
        let is_clean = match s.name() {
            "apt" | "apt-get" => matches!(s.subcommand(), "clean" | "autoclean"),
            "dnf" | "microdnf" | "tdnf" | "yum" | "zypper" => s.subcommand() == "clean",
            _ => false,
        };
        is_clean || (s.name() == "rm" && paths.clone().count() > 0 && paths.clone().all(is_kept))
    };
    !commands.is_empty() && commands.iter().all(is_it)
}

/// Beginnings of names that package managers, compilers and their wrappers read, from their manuals.
pub(super) const TOOL_PREFIXES: &[&str] = &[
    "APK_",
    "APT_",
    "BUNDLE_",
    "BUN_",
    "CARGO_",
    "CFLAGS",
    "CGO_",
    "CMAKE_",
    "COMPOSER_",
    "CONDA_",
    "COREPACK_",
    "CPPFLAGS",
    "CXXFLAGS",
    "CYPRESS_",
    "DEBIAN",
    "DENO_",
    "DOTNET_",
    "GEM_",
    "GIT_",
    "GO",
    "HEX_",
    "HF_",
    "HUGGINGFACE_",
    "LDFLAGS",
    "MAKE",
    "MAMBA_",
    "MIX_",
    "NLTK_",
    "NODE_",
    "NPM_",
    "NUGET_",
    "NVM_",
    "N_PREFIX",
    "PEAR_",
    "PECL_",
    "PHP_",
    "PIP",
    "PIPX_",
    "PKG_CONFIG",
    "PLAYWRIGHT_",
    "PNPM_",
    "PUPPETEER_",
    "PYENV_",
    "PYTHON",
    "RUBY",
    "RUST",
    "SDKMAN_",
    "TARGET",
    "UV_",
    "VIRTUAL_ENV",
    "XDG_",
    "YARN_",
];

/// Whether the values of variables with this name reach a command of `group` though its text does not mention them.
pub fn reads_variable(group: Group, name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let always = [
        "PATH",
        "HOME",
        "SHELL",
        "IFS",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "BASH_ENV",
        "ENV",
    ];
    if always.contains(&upper.as_str())
        || upper.ends_with("_PROXY")
        || upper.starts_with("LC_")
        || upper.starts_with("SSL_")
    {
        return true;
    }
    let starts = |prefixes: &[&str]| prefixes.iter().any(|p| upper.starts_with(p));
    match group {
        Group::Build => true,
        Group::Words => starts(&["CURL_", "GIT_", "TAR_", "GZIP", "WGET"]),
        Group::System => starts(&[
            "DEBIAN",
            "DEBCONF",
            "APT_",
            "DPKG",
            "APK_",
            "NEEDRESTART",
            "UCF_",
            "CURL_",
            "ACCEPT_EULA",
        ]),
        Group::Global => {
            let exact = [
                "CC", "CXX", "CI", "DEBUG", "PREFIX", "RELEASE", "VERSION", "USER", "HOSTNAME",
            ];
            exact.contains(&upper.as_str()) || starts(TOOL_PREFIXES)
        }
    }
}
