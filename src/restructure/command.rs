//! The commands of a RUN that are well known, by what they are about. Sources: their manual pages.

use crate::dockerfile::ast::{Command, Instruction, Kind, Run};
use crate::ecosystem::is_global;
use crate::shell;
use crate::shell::Script;
use crate::shell::Seen;

/// The commands of a RUN in shell form; `None` for anything else, and where the text was not read to its end.
pub(super) fn seen(instruction: &Instruction) -> Option<Vec<Seen>> {
    match &instruction.kind {
        Kind::Run(Run {
            command: Command::Shell(text),
        }) if instruction.heredocs.is_empty() => {
            let script = shell::parse(text);
            script.is_complete.then(|| script.seen())
        }
        _ => None,
    }
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
}

/// Commands that touch nothing but the paths among their words, and those paths they are given relative to where they
/// run.
pub(super) const BY_WORDS: &[&str] = &[
    ":",
    "[",
    "basename",
    "bunzip2",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cp",
    "curl",
    "cut",
    "date",
    "dirname",
    "echo",
    "exit",
    "export",
    "false",
    "find",
    "grep",
    "gunzip",
    "gzip",
    "head",
    "install",
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
    "strip",
    "tail",
    "tar",
    "tee",
    "test",
    "touch",
    "tr",
    "true",
    "uname",
    "umask",
    "unset",
    "unzip",
    "wget",
    "which",
    "xz",
    "arch",
    "cd",
    "egrep",
    "fgrep",
    "id",
    "wc",
    "awk",
    "dpkg-architecture",
    "base64",
    "gpg",
    "git-lfs",
    "unlink",
    "xzcat",
];

/// Commands about the system as a whole.
pub(super) const SYSTEM: &[&str] = &[
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
];

/// The group of one command; `None` when it is not known or may read the project it stands in.
pub fn group(seen: &Seen) -> Option<Group> {
    let name = seen.name();
    if BY_WORDS.contains(&name) {
        return Some(Group::Words);
    }
    if SYSTEM.contains(&name) {
        return Some(Group::System);
    }
    is_global_install(seen).then_some(Group::Global)
}

/// True for installs of named packages that look at no project file.
fn is_global_install(seen: &Seen) -> bool {
    let args = seen.args();
    let has = |flag: &str| args.iter().any(|a| a == flag);
    let plain = args.iter().filter(|a| !a.starts_with('-')).skip(1);
    let no_paths = plain
        .clone()
        .all(|a| !a.starts_with(['.', '/', '$']) && !a.contains("://"));
    match (seen.name(), seen.subcommand()) {
        ("npm", "install" | "i" | "add") => is_global(args) && no_paths,
        ("yarn", "global") | ("corepack", "enable") => no_paths,
        // Without a name they take the version from package.json.
        ("corepack", "prepare" | "install") => {
            no_paths && (is_global(args) || plain.clone().any(|a| a.contains('@')))
        }
        ("pnpm", "add" | "install") => is_global(args) && no_paths,
        ("pip" | "pip3", "install") => {
            let reads = [
                "-r",
                "--requirement",
                "-e",
                "--editable",
                "-c",
                "--constraint",
                "-f",
                "--find-links",
            ];
            !args.iter().any(|a| {
                reads.contains(&a.as_str())
                    || a.starts_with("-r")
                    || a.starts_with("--requirement=")
                    || a.starts_with("-c")
            }) && no_paths
                && plain.count() > 0
        }
        ("gem", "install") => no_paths && plain.clone().count() > 0 && !has("-g") && !has("--file"),
        ("go", "install") => plain.clone().count() > 0 && plain.clone().all(|a| a.contains('@')),
        (
            "docker-php-ext-install"
            | "docker-php-ext-enable"
            | "docker-php-ext-configure"
            | "pecl"
            | "a2enmod"
            | "a2dismod",
            _,
        ) => true,
        ("rustup", "target" | "component" | "toolchain") => true,
        _ => false,
    }
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

/// Beginnings of names that package managers, compilers and their wrappers read, from their manuals.
const TOOL_PREFIXES: &[&str] = &[
    "BUNDLE_",
    "CARGO_",
    "CFLAGS",
    "CGO_",
    "CMAKE_",
    "COMPOSER_",
    "COREPACK_",
    "CPPFLAGS",
    "CXXFLAGS",
    "GEM_",
    "GIT_CONFIG",
    "GIT_SSH",
    "GO",
    "LDFLAGS",
    "MAKE",
    "NODE_",
    "NPM_",
    "PECL_",
    "PEAR_",
    "PHP_",
    "PIP",
    "PKG_CONFIG",
    "PNPM_",
    "PYTHON",
    "RUBY",
    "RUST",
    "TARGET",
    "UV_",
    "VIRTUAL_ENV",
    "YARN_",
    "DEBIAN",
    "APT_",
    "APK_",
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
        Group::Words => starts(&["CURL_", "TAR_", "GZIP", "WGET"]),
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
