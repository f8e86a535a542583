//! The RUNs in which a package manager works, told apart from those of which too little is known.

use super::super::layout::{Place, is_within, mount_field, names_root, overlap};
use super::super::mounts::kept::{Emptied, emptied_in};
use super::super::run_text::{RunText, run_text};
use super::super::view::View;
use crate::dockerfile::ast::{Flag, Instruction, Kind};
use crate::shell::{Command, Connector, Seen};
use crate::tree::RepoPath;

/// A RUN in which a package manager works as root.
pub(super) struct Run<'a> {
    pub(super) instruction: &'a Instruction,
    pub(super) text: RunText<'a>,
    /// All its commands.
    pub(super) seen: Vec<Seen>,
}

/// What there is to say of one instruction.
pub(super) enum Reading<'a> {
    /// The package manager does not work in it.
    Absent,
    /// It may, but not plainly.
    Unclear,
    /// It does.
    Plain(Box<Run<'a>>),
}

/// What a package manager's command may stand behind without being another one.
const IN_FRONT: [&str; 7] = [
    "command",
    "eatmydata",
    "env",
    "ionice",
    "nice",
    "timeout",
    "xargs",
];

/// Reads `instruction`, which stands at `place`, for the commands of `programs`.
pub(super) fn read<'a>(
    view: &View<'a>,
    instruction: &'a Instruction,
    place: &Place,
    programs: &[&str],
) -> Reading<'a> {
    if !matches!(instruction.kind, Kind::Run(_)) || !says(instruction, programs) {
        return Reading::Absent;
    }
    let Some(text) = run_text(view, instruction) else {
        return Reading::Unclear;
    };
    let seen = text.script.seen();
    let is_own = |s: &&Seen| programs.contains(&s.name());
    let own: Vec<&Seen> = seen.iter().filter(is_own).collect();
    if own.is_empty() {
        let asked = text.script.commands.iter().any(|c| asks(c, programs, 0));
        return if asked {
            Reading::Unclear
        } else {
            Reading::Absent
        };
    }
    let is_plain = |s: &&Seen| {
        let written = text.script.commands.get(s.command);
        let name = written.map_or("", Command::name);
        s.connector != Connector::Background
            && (programs.contains(&name) || IN_FRONT.contains(&name))
            && !s.subcommand().contains(['$', '`'])
    };
    let is_root = place.user.as_deref().is_none_or(names_root);
    if !is_root || !own.iter().all(is_plain) {
        return Reading::Unclear;
    }
    Reading::Plain(Box::new(Run {
        instruction,
        text,
        seen,
    }))
}

/// Whether one of `programs` is a word of the instruction.
fn says(instruction: &Instruction, programs: &[&str]) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let names = |text: &str| text.split(|c| !is_part(c)).any(|w| programs.contains(&w));
    names(&instruction.original) || instruction.heredocs.iter().any(|h| names(&h.content))
}

/// How deep `$( $( … ) )` is followed.
const MAX_DEPTH: usize = 8;

/// Whether a command's `$(…)` run one of `programs`.
fn asks(command: &Command, programs: &[&str], depth: usize) -> bool {
    depth < MAX_DEPTH
        && command
            .substitutions
            .iter()
            .any(|c| programs.contains(&c.name()) || asks(c, programs, depth + 1))
}

impl Run<'_> {
    /// Whether some commands of `programs` may be skipped.
    pub(super) fn may_skip(&self, programs: &[&str]) -> bool {
        self.of(programs).any(|s| s.conditional)
    }

    /// The commands of `programs`.
    pub(super) fn of<'s>(&'s self, programs: &'s [&str]) -> impl Iterator<Item = &'s Seen> {
        self.seen.iter().filter(|s| programs.contains(&s.name()))
    }

    /// What is to be checked where the RUN runs scripts, which may remove a directory that is now a mount.
    pub(super) fn doubt_of_scripts(&self, view: &View<'_>, targets: &[&str]) -> Option<String> {
        let shells = ["ash", "bash", "dash", "sh", "source", "."];
        let script = self.text.script.commands.iter().find_map(|c| {
            let first = c.words.first()?.text.as_str();
            let is_shell = shells.contains(&c.name());
            // What it runs comes through a pipe.
            if is_shell && c.args().contains(&"-s") {
                return None;
            }
            let file = match is_shell {
                true => c.args().into_iter().find(|w| !w.starts_with('-'))?,
                false => first,
            };
            // A program of a package, of a virtual environment, …
            let is_file = file.ends_with(".sh") || file.contains('/') && !file.contains("bin/");
            (is_file && !c.args().contains(&"-c") && !configures(view, file))
                .then(|| file.to_owned())
        })?;
        let line = self.instruction.lines.first;
        Some(format!(
            "line {line} runs {script}: check that it does not remove {} itself",
            targets.join(" or ")
        ))
    }

    /// What has to go for mounts at `targets` to keep anything, and to be in nobody's way; `None` where that is not known
    /// or cannot go.
    pub(super) fn emptied(
        &self,
        view: &View<'_>,
        ecosystem: &str,
        targets: &[&str],
    ) -> Option<Emptied> {
        if self.seen.iter().any(|s| is_in_the_way(s, targets)) {
            return None;
        }
        emptied_in(view, &self.text, ecosystem, (targets, &Place::default()))
    }
}

/// Scripts that sources bring with them to be configured by: they look at a system and change nothing of it.
const CONFIGURERS: [&str; 7] = [
    "Configure",
    "autogen.sh",
    "bootstrap",
    "bootstrap.sh",
    "buildconf",
    "config",
    "configure",
];

/// Whether `file` is such a script, of sources that are not the project's.
fn configures(view: &View<'_>, file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    let is_it = |path: &RepoPath| path.file_name() == Some(name.as_bytes());
    CONFIGURERS.contains(&name) && !view.files.iter().any(|(path, _)| is_it(path))
}

/// Whether a command may do something with what is at `targets` that is not understood: it names a place there (or
/// above, for those that go down), or a pattern given to `rm` may mean one.
fn is_in_the_way(seen: &Seen, targets: &[&str]) -> bool {
    let is_there = |word: &str| targets.iter().any(|t| is_within(word, t));
    let is_around = |word: &str| {
        let place = word.trim_end_matches(['/', '*']);
        word == "/" || place.starts_with('/') && targets.iter().any(|t| overlap(place, t))
    };
    let may_be = |word: &str| {
        let place = word.trim_end_matches(['/', '*']);
        let literal = place.split(['*', '?', '[', '{', '$', '`']).next();
        let literal = literal.unwrap_or_default();
        let is_plain = literal.len() == place.len();
        let is_below = |t: &&str| literal.strip_prefix(*t).is_some_and(|r| r.starts_with('/'));
        // A variable alone is taken to be no such place: the build would stop at once, for a mount cannot be removed.
        !is_plain
            && !literal.is_empty()
            && !targets.iter().any(is_below)
            && targets.iter().any(|t| t.starts_with(literal))
    };
    let mut words = seen.args().iter().filter(|w| !w.starts_with('-'));
    match seen.name() {
        "rm" => words.any(|w| may_be(w)),
        "chmod" | "chown" | "cp" | "du" | "find" | "mv" | "rsync" | "tar" => {
            words.any(|w| is_around(w))
        }
        "echo" | "mkdir" | "printf" => false,
        _ => words.any(|w| is_there(w)),
    }
}

/// Whether a mount, as written, is one for the downloads of system packages.
pub(in crate::restructure) fn is_ours(mount: &str) -> bool {
    let places = ["/etc/apk/cache", "/var/cache", "/var/lib/apt"];
    target(mount).is_some_and(|at| places.iter().any(|p| is_within(&at, p)))
}

/// Where a mount stands, as written.
fn target(mount: &str) -> Option<String> {
    let names = ["target", "dst", "destination"];
    let at = names.iter().find_map(|n| mount_field(mount, n))?;
    Some(at.trim_end_matches('/').to_owned())
}

/// A mount that a RUN has already.
pub(super) struct OwnMount<'a> {
    /// Where it stands, without a slash at its end.
    pub(super) at: String,
    /// Whether it is a cache mount that says nothing else but who may use it at the same time.
    pub(super) is_plain: bool,
    /// Whether that is said.
    pub(super) says_sharing: bool,
    /// Its flag.
    pub(super) flag: &'a Flag,
}

/// The mounts of `instruction` at, above or below one of `targets`.
pub(super) fn own_mounts<'a>(instruction: &'a Instruction, targets: &[&str]) -> Vec<OwnMount<'a>> {
    let mounts = instruction.flags.iter().filter(|f| f.name == "mount");
    let read = |flag: &'a Flag| {
        let mount = flag.value.as_deref()?;
        let at = target(mount)?;
        let plain = ["type=cache", "target=", "dst=", "destination=", "sharing="];
        let is_plain = |part: &str| plain.iter().any(|p| part.starts_with(p));
        Some(OwnMount {
            at,
            is_plain: mount_field(mount, "type") == Some("cache") && mount.split(',').all(is_plain),
            says_sharing: mount_field(mount, "sharing").is_some(),
            flag,
        })
    };
    let all = mounts.filter_map(read);
    all.filter(|m| targets.iter().any(|t| overlap(&m.at, t)))
        .collect()
}

/// Whether a mount of `instruction` stands at, above or below one of `targets`.
pub(in crate::restructure) fn has_mount(instruction: &Instruction, targets: &[&str]) -> bool {
    let mut mounts = instruction.flag_values("mount").filter_map(target);
    mounts.any(|at| targets.iter().any(|t| overlap(&at, t)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    #[test]
    fn what_may_mean_a_mount_is_in_the_way() {
        let targets = ["/var/cache/apt", "/var/lib/apt"];
        let check = |command: &str, expected: bool| {
            let seen = shell::parse(command).seen();
            let is = seen.iter().any(|s| is_in_the_way(s, &targets));
            assert_eq!(is, expected, "{command}");
        };
        check("rm -rf /var/lib/apt/lists/*", false);
        check("rm -rf /var/cache/apt/archives/*.deb /tmp/*", false);
        check("rm -rf /var/cache/*", false);
        check("rm -rf \"$GNUPGHOME\" *.deb", false);
        check("rm -rf /var/lib/{apt,dpkg}/lists", true);
        check("rm -rf /var/*/apt", true);
        check("rm -rf /$DIR", true);
        check("cp /var/cache/apt/archives/git.deb /out", true);
        check("dpkg -i /var/cache/apt/archives/git.deb", true);
        check("find /var -type f -delete", true);
        check("find / -name '*.pyc' -delete", true);
        check("find /usr/local -name '*.pyc' -delete", false);
        check("chown -R app /var/www", false);
        check("cd /var/lib/apt && rm -rf lists", true);
    }

    #[test]
    fn a_mount_of_system_packages_is_told_from_others() {
        let check = |mount: &str, expected: bool| assert_eq!(is_ours(mount), expected, "{mount}");
        check("type=cache,target=/var/cache/apt,sharing=locked", true);
        check("type=cache,id=a,dst=/var/lib/apt/lists/", true);
        check("type=cache,target=/etc/apk/cache", true);
        check("type=cache,target=/root/.cache/pip", false);
        check("type=cache,target=/var/cached", false);
    }
}
