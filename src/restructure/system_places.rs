//! The places of the system: where package managers write and read, and where they do not.

use super::command::group_of;
use super::layout::is_within;

/// Where system commands write and read; not the places where people put applications. In /tmp they make files of
/// their own with names that nobody else has.
pub(super) const SYSTEM_PLACES: &[&str] = &[
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run",
    "/sbin", "/sys", "/usr", "/var",
];

/// Below the places of the system, yet no package manager writes there.
pub(super) const NOT_SYSTEM: &[&str] = &[
    "/go/src",
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

/// Where package managers keep what only they read.
pub(super) const OF_MANAGERS: &[&str] = &[
    "/var/cache/apk",
    "/var/cache/apt",
    "/var/cache/dnf",
    "/var/cache/yum",
    "/var/lib/apt/lists",
];

/// Where administrators put programs: no package of a distribution writes there (Debian Policy 9.1.2, FHS 4.9).
pub(super) const LOCAL_PROGRAMS: &[&str] = &["/usr/local/bin", "/usr/local/sbin"];

/// Where images of languages keep what their own managers install: programs of the language, and none that the scripts of
/// a distribution's package run (Dockerfiles of docker-library's golang, node, ruby and rust-lang's rust).
pub(super) const OF_LANGUAGES: &[&str] = &[
    "/usr/local/bundle",
    "/usr/local/cargo",
    "/usr/local/go",
    "/usr/local/lib/node_modules",
    "/usr/local/rustup",
];

/// What is in `/usr/local` of every image (FHS 4.9, Debian Policy 9.1.2).
const IN_LOCAL: &[&str] = &[
    "bin", "etc", "games", "include", "lib", "lib32", "lib64", "libexec", "libx32", "man", "sbin",
    "share", "src", "var",
];

/// How the directories of it begin that vendors' packages bring (CUDA, LiteSpeed, OpenResty).
const OF_VENDORS: &[&str] = &["cuda", "lsws", "openresty"];

/// Whether `path` lies in a directory of `/usr/local` that somebody has put there: no package of a distribution writes
/// there, or looks for it.
pub(super) fn is_own_of_local(path: &str) -> bool {
    let rest = path.strip_prefix("/usr/local/").unwrap_or_default();
    let first = rest.split('/').next().unwrap_or_default();
    let is_of_vendor = OF_VENDORS.iter().any(|start| first.starts_with(start));
    !first.is_empty() && !IN_LOCAL.contains(&first) && !is_of_vendor
}

/// Whether installing a package may run a program of this name.
pub(super) fn is_run_by_installs(name: &str) -> bool {
    group_of(name).is_some() || RUN_BY_INSTALLS.contains(&name)
}

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
pub(super) fn is_local_program(path: &str) -> bool {
    let name = LOCAL_PROGRAMS
        .iter()
        .find_map(|d| path.strip_prefix(d)?.strip_prefix('/'));
    name.is_some_and(|name| !name.is_empty() && !is_run_by_installs(name))
}

/// Whether a file at `path` is read by those who name it, and not by whoever looks into places of the system.
pub(super) fn is_read_by_name(path: &str) -> bool {
    let is_in = |places: &[&str]| places.iter().any(|p| is_within(path, p));
    !is_in(SYSTEM_PLACES) || is_in(NOT_SYSTEM) || is_local_program(path)
}

/// Places that packages installed for everyone by name read or write, beside the system's.
pub(super) const GLOBAL_PLACES: &[&str] = &["/root", "/go", "/usr", "/opt"];
