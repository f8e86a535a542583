//! What well-known commands of RUN read and write, from their words alone.
//!
//! Only commands in the table are judged; one that is not may do anything. Sources: the commands' manual pages.

use super::layout::absolute;
use crate::dockerfile::ast::{Command, Instruction, Kind, Run};
use crate::shell;
use crate::shell::Connector;
use crate::shell::Script;
use crate::shell::Seen;
use std::collections::BTreeSet;

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
const BY_WORDS: &[&str] = &[
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
];

/// Where system commands write and read; not the places where people put applications. In /tmp they make files of
/// their own with names that nobody else has.
const SYSTEM_PLACES: &[&str] = &[
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run",
    "/sbin", "/sys", "/usr", "/var",
];

/// Below the places of the system, yet no package manager writes there.
const NOT_SYSTEM: &[&str] = &[
    "/usr/src",
    "/usr/app",
    "/usr/share/nginx/html",
    "/usr/local/app",
    "/usr/local/src",
    "/var/www",
    "/var/app",
    "/var/task",
    "/usr/src/app",
    "/var/tmp",
    "/usr/local/apache2/htdocs",
];

/// Where administrators put programs: no package of a distribution writes there (Debian Policy 9.1.2, FHS 4.9).
pub const LOCAL_PROGRAMS: &[&str] = &["/usr/local/bin", "/usr/local/sbin"];

/// Programs beside those of the tables that installing a package runs by name, so that one in `/usr/local/bin` would be
/// taken for them.
const RUN_BY_INSTALLS: &[&str] = &[
    "ar",
    "bash",
    "busybox",
    "cc",
    "dash",
    "deb-systemd-helper",
    "env",
    "gcc",
    "getent",
    "invoke-rc.d",
    "ld",
    "node",
    "openssl",
    "perl",
    "pkg-config",
    "python",
    "python2",
    "python3",
    "service",
    "sh",
    "start-stop-daemon",
    "systemctl",
    "update-rc.d",
];

/// Whether `path` is a program in `/usr/local/bin` that no package manager writes, and none runs by its name.
fn is_local_program(path: &str) -> bool {
    let name = LOCAL_PROGRAMS
        .iter()
        .find_map(|d| path.strip_prefix(d)?.strip_prefix('/'));
    name.is_some_and(|name| {
        !name.is_empty()
            && ![BY_WORDS, SYSTEM, RUN_BY_INSTALLS]
                .iter()
                .any(|table| table.contains(&name))
    })
}

/// Places that packages installed for everyone by name read or write, beside the system's.
const GLOBAL_PLACES: &[&str] = &["/root", "/go", "/usr", "/opt"];

/// What all commands of one shell text do together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Absolute places, each with all below it.
    pub places: BTreeSet<String>,
    /// Whether the places of the system are touched.
    pub system: bool,
    /// Whether those of globally installed packages are.
    pub global: bool,
    /// Whether the working directory decides what is touched.
    pub reads_cwd: bool,
}

impl Touched {
    /// Whether a file or directory at absolute `path` may be read or written.
    pub fn meets(&self, path: &str) -> bool {
        let is_in = |places: &[&str]| places.iter().any(|p| super::layout::overlap(path, p));
        let is_app = NOT_SYSTEM.iter().any(|p| super::layout::is_within(path, p));
        self.places.iter().any(|p| super::layout::overlap(path, p))
            || (self.system && is_in(SYSTEM_PLACES) && !is_app && !is_local_program(path))
            || (self.global && (is_in(GLOBAL_PLACES) || is_in(SYSTEM_PLACES)) && !is_app)
    }
}

/// What `script` touches when it starts in `cwd`; `None` when a command is not known, or words are.
pub fn touched(script: &Script, cwd: Option<&str>) -> Option<Touched> {
    if !script.is_complete {
        return None;
    }
    let mut all = Touched::default();
    let every = script.seen();
    for (n, seen) in every.iter().enumerate() {
        if seen.name().is_empty() {
            continue;
        }
        if n > 0 && is_piped_installer(&every[n - 1], seen) {
            (all.system, all.global) = (true, true);
            continue;
        }
        match group(seen)? {
            Group::Words => {}
            Group::System => all.system = true,
            Group::Global => all.global = true,
        }
        let here = match seen.directory.as_deref() {
            Some("") => cwd.map(str::to_owned),
            Some(directory) => absolute(cwd, directory),
            None => None,
        };
        for word in seen.args() {
            add_word(
                &mut all,
                word,
                here.as_deref(),
                seen.directory.as_deref() == Some(""),
            )?;
        }
        if writes_where_it_stands(seen) {
            all.places.insert(here?);
            all.reads_cwd = true;
        }
    }
    for command in &script.commands {
        for redirection in command
            .redirections
            .iter()
            .filter(|r| !r.operator.contains("<<"))
        {
            add_target(&mut all, &redirection.target, cwd)?;
        }
        // What a substitution reads decides the words around it.
        for inner in &command.substitutions {
            let known = BY_WORDS.contains(&inner.name())
                || SYSTEM.contains(&inner.name())
                || inner.name().is_empty();
            if !known || !inner.substitutions.is_empty() {
                return None;
            }
            for word in inner.args() {
                add_word(&mut all, word, cwd, true)?;
            }
            for redirection in inner
                .redirections
                .iter()
                .filter(|r| !r.operator.contains("<<"))
            {
                add_target(&mut all, &redirection.target, cwd)?;
            }
            // Bare names are files where it stands: `$(sed -n 's/…//p' rust-toolchain.toml)`.
            let scripts = usize::from(matches!(
                inner.name(),
                "grep" | "egrep" | "fgrep" | "sed" | "awk" | "tr"
            ));
            let arguments = inner.args();
            let mut words = arguments
                .iter()
                .filter(|a| !a.starts_with('-'))
                .skip(scripts);
            if reads_files(inner.name()) && words.any(|w| !w.starts_with(['/', '$'])) {
                all.places.insert(cwd?.to_owned());
                all.reads_cwd = true;
            }
        }
    }
    Some(all)
}

/// Where scripts come from that install a tool for everyone and look at no project, as their text shows.
const INSTALLERS: &[&str] = &[
    "bun.sh/install",
    "deb.nodesource.com",
    "deno.land/install.sh",
    "deno.land/x/install",
    "dl.yarnpkg.com",
    "get.docker.com",
    "get.pnpm.io",
    "get.sdkman.io",
    "install.python-poetry.org",
    "packagecloud.io",
    "raw.githubusercontent.com/helm/helm",
    "raw.githubusercontent.com/nvm-sh/nvm",
    "rpm.nodesource.com",
    "sh.rustup.rs",
];

/// `curl URL | sh` with a script of [`INSTALLERS`].
fn is_piped_installer(fetch: &Seen, shell: &Seen) -> bool {
    let is_known = |word: &String| {
        let host = word.strip_prefix("https://");
        host.is_some_and(|h| INSTALLERS.iter().any(|i| h.starts_with(i)))
    };
    let is_shell = matches!(shell.name(), "sh" | "bash" | "python3")
        && shell.connector == Connector::Pipe
        && shell.args().first().is_none_or(|a| a.starts_with('-'));
    is_shell
        && matches!(fetch.name(), "curl" | "wget")
        && fetch.args().iter().any(is_known)
        && !shell
            .args()
            .iter()
            .any(|a| a.contains(['/', '$']) || a == "-c")
}

/// Adds the file that a redirection names; `None` when it may be any.
fn add_target(all: &mut Touched, target: &str, cwd: Option<&str>) -> Option<()> {
    if target.starts_with(['/', '$', '~', '.', '*']) || target.contains('/') {
        return add_word(all, target, cwd, true);
    }
    // A descriptor, `2>&1`, or nothing to speak of.
    if target.is_empty() || target == "-" || target.bytes().all(|b| b.is_ascii_digit()) {
        return Some(());
    }
    let name = target
        .split(['$', '*', '?', '[', '{', '`'])
        .next()
        .unwrap_or_default();
    let path = absolute(
        cwd,
        if name.len() == target.len() {
            name
        } else {
            "."
        },
    )?;
    all.places.insert(path);
    all.reads_cwd = true;
    Some(())
}

/// Whether the bare words of a command are files.
fn reads_files(name: &str) -> bool {
    matches!(
        name,
        "awk"
            | "basename"
            | "cat"
            | "cut"
            | "egrep"
            | "fgrep"
            | "find"
            | "grep"
            | "head"
            | "ls"
            | "md5sum"
            | "sed"
            | "sha1sum"
            | "sha256sum"
            | "sha512sum"
            | "sort"
            | "stat"
            | "tail"
            | "wc"
            | "xzcat"
    )
}

/// Adds the path that `word` may be; `None` when it may be any.
fn add_word(all: &mut Touched, word: &str, cwd: Option<&str>, from_start: bool) -> Option<()> {
    // A flag's value counts as a path when it looks like one: `--output=/x`, `-C/x`.
    let word = if word.starts_with('-') {
        word.find('/').map_or("", |at| &word[at..])
    } else {
        word
    };
    if word.is_empty() || word.contains("://") {
        return Some(());
    }
    let head = word
        .split(['$', '*', '?', '[', '{', '`'])
        .next()
        .unwrap_or_default();
    if let Some(path) = head.strip_prefix('/') {
        // An unexpanded tail can only name something below the directory before it.
        let kept = if head.len() == word.len() {
            path
        } else {
            path.rsplit_once('/').map_or("", |(dir, _)| dir)
        };
        all.places.insert(absolute(None, &format!("/{kept}"))?);
        return Some(());
    }
    let is_path = word.starts_with(['.', '~', '$', '*']) || word.contains('/');
    if !is_path {
        return Some(());
    }
    if word.starts_with('~') {
        all.places.insert("/root".to_owned());
        all.places.insert("/home".to_owned());
        return Some(());
    }
    if word.starts_with('$') {
        // A variable that is no path is harmless; one that is may be any.
        return (!word.contains('/')).then_some(());
    }
    all.reads_cwd |= from_start;
    let path = absolute(cwd, head)?;
    all.places.insert(path);
    Some(())
}

/// Commands that write into the directory they run in without naming it.
fn writes_where_it_stands(seen: &Seen) -> bool {
    let has = |flags: &[&str]| {
        seen.args().iter().any(|a| {
            flags
                .iter()
                .any(|f| a == f || (f.starts_with("--") && a.starts_with(&format!("{f}="))))
        })
    };
    let short = |c: char| {
        seen.args()
            .iter()
            .any(|a| a.starts_with('-') && !a.starts_with("--") && a.contains(c))
    };
    match seen.name() {
        "curl" => short('O') || has(&["--remote-name", "--remote-name-all"]),
        "wget" => !(short('O') || has(&["--output-document", "-P", "--directory-prefix"])),
        "tar" => !(short('C') || has(&["--directory"])),
        "unzip" => !short('d'),
        // The toolchain that a file beside it or above names.
        "rustup" => {
            matches!(seen.subcommand(), "target" | "component" | "show" | "which")
                && !has(&["--toolchain"])
        }
        // Bare names are files where it stands.
        "cat" | "chmod" | "chown" | "chgrp" | "cp" | "find" | "grep" | "gunzip" | "gzip"
        | "head" | "install" | "ln" | "mkdir" | "mv" | "rm" | "rmdir" | "sed" | "sha256sum"
        | "sort" | "tail" | "tee" | "touch" | "xz" | "awk" | "stat" | "ls" => {
            seen.args()
                .iter()
                .any(|a| !a.starts_with(['-', '/', '$', '+']) && !a.contains("://"))
                && names_a_file(seen)
        }
        _ => false,
    }
}

/// Whether one of its bare words is likely a file: a mode, an owner or a script is not.
fn names_a_file(seen: &Seen) -> bool {
    let mut words = seen.args().iter().filter(|a| !a.starts_with('-'));
    let first_is_no_file = matches!(
        seen.name(),
        "chmod" | "chown" | "chgrp" | "grep" | "sed" | "awk"
    );
    if first_is_no_file {
        words.next();
    }
    let takes_text = matches!(
        seen.name(),
        "grep"
            | "sed"
            | "awk"
            | "head"
            | "tail"
            | "sort"
            | "cat"
            | "tee"
            | "gzip"
            | "xz"
            | "gunzip"
            | "sha256sum"
    );
    words.any(|w| {
        let is_count = takes_text && w.bytes().all(|b| b.is_ascii_digit());
        !w.starts_with(['/', '$']) && !is_count
    })
}

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
        ("npm", "install" | "i" | "add") => (has("-g") || has("--global")) && no_paths,
        ("yarn", "global") | ("corepack", "enable" | "prepare" | "install") => no_paths,
        ("pnpm", "add" | "install") => (has("-g") || has("--global")) && no_paths,
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
