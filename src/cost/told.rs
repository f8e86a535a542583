//! Which downloads of system packages a cache mount holds at all: images of distributions are made to keep none, until a
//! RUN says otherwise.

use crate::graph::Step;
use crate::shell;
use crate::shell::Seen;
use std::ops::BitOrAssign;

/// What the RUNs up to a step say about keeping downloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    /// `docker-clean` of Debian's and Ubuntu's images, which empties apt's archives after each install, is gone.
    apt: bool,
    /// `/etc/apk/cache` is set up, without which apk keeps no package.
    apk: bool,
    /// dnf is told to keep packages (dnf.conf(5), `keepcache`).
    dnf: bool,
}

impl Told {
    /// What a step's own text says.
    pub(super) fn by(step: &Step) -> Self {
        let says = |word: &str| step.command.contains(word);
        Self {
            apt: says("docker-clean") || says("Keep-Downloaded-Packages"),
            apk: says("/etc/apk/cache"),
            dnf: says("keepcache"),
        }
    }

    /// Whether a mount at `target` holds anything after the RUN that says `command`, which is of `seen`.
    pub(super) fn holds(self, target: &str, seen: &[Seen]) -> bool {
        let at = target.trim_end_matches('/');
        let is_in = |place: &str| at == place || at.starts_with(&format!("{place}/"));
        let has = |program: &[&str], word: &str| {
            let mut own = seen.iter().filter(|s| program.contains(&s.name()));
            own.any(|s| s.args().iter().any(|a| a == word))
        };
        let apt = ["apt", "apt-get"];
        let dnf = ["dnf", "microdnf", "yum"];
        if is_in("/var/cache/apt") && (!self.apt || has(&apt, "clean")) {
            return false;
        }
        if is_in("/etc/apk/cache") && has(&["apk"], "--no-cache") {
            return false;
        }
        if is_in("/var/cache/apk") && (!self.apk || has(&["apk"], "--no-cache")) {
            return false;
        }
        let is_dnf = ["/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"];
        if is_dnf.into_iter().any(is_in) && (!self.dnf || has(&dnf, "clean")) {
            return false;
        }
        let is_of = |name: &str| at.rsplit('/').any(|part| part == name);
        if is_of("pip") && has(&["pip", "pip3"], "--no-cache")
            || is_of("uv") && has(&["uv"], "--no-cache")
        {
            return false;
        }
        // With `-a` all is compiled anew (`go help build`).
        if at.ends_with("/go-build") && has(&["go"], "-a") {
            return false;
        }
        // `--release` makes one module of everything, which any change changes (crystal(1), `--single-module`).
        let compiles =
            |s: &&Seen| matches!(s.name(), "crystal" | "shards") && s.subcommand() != "install";
        let is_one = |s: &Seen| {
            s.args()
                .iter()
                .any(|w| w == "--release" || w == "--single-module")
        };
        if at.ends_with("/crystal") && seen.iter().filter(compiles).all(is_one) {
            return false;
        }
        !seen.iter().any(|s| s.name() == "rm" && empties(s, at))
    }
}

impl BitOrAssign for Told {
    fn bitor_assign(&mut self, other: Self) {
        self.apt |= other.apt;
        self.apk |= other.apk;
        self.dnf |= other.dnf;
    }
}

/// Whether `rm` takes away all that a mount at `target` holds, or the package lists in it.
fn empties(rm: &Seen, target: &str) -> bool {
    let mut places = rm.args().iter().map(|w| w.trim_end_matches(['/', '*']));
    places.any(|place| {
        let is_above = target == place
            || target
                .strip_prefix(place)
                .is_some_and(|rest| rest.starts_with('/'));
        place.starts_with('/') && is_above
            || (target == "/var/lib/apt" && place == "/var/lib/apt/lists")
    })
}

/// The commands of a step.
pub(super) fn commands(step: &Step) -> Vec<Seen> {
    shell::parse(&step.command).seen()
}
