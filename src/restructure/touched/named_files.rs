//! Files that the words of a command name beside the paths among them: bare operands, values of options, what follows a
//! `=` or a `@`; and which files a command must find where it runs.
//!
//! Never: takes the name of a package or of a user for a file that is not there.

use super::super::command::{Group, group};
use super::super::layout::{absolute, is_within};
use super::super::tools::settings_beside;
use super::Value;
use super::directories::last_word;
use super::file_words::unpacks;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// How the names of packages end that a manager takes from a file.
const PACKAGES: &[&str] = &[
    ".apk", ".bz2", ".deb", ".gem", ".gz", ".rpm", ".tar", ".tgz", ".whl", ".xz", ".zip", ".zst",
];

/// How the names of other files end that commands are given.
const OTHERS: &[&str] = &[
    ".asc", ".cert", ".cer", ".cfg", ".cnf", ".conf", ".crt", ".csv", ".env", ".gpg", ".html",
    ".ini", ".jar", ".json", ".key", ".list", ".lock", ".md", ".patch", ".pem", ".pub", ".py",
    ".repo", ".sh", ".sql", ".toml", ".txt", ".xml", ".yaml", ".yml",
];

/// Commands whose operands are users, groups and other names of the system.
const OF_NAMES: &[&str] = &[
    "addgroup", "adduser", "chsh", "delgroup", "deluser", "gpasswd", "groupadd", "groupdel",
    "groupmod", "passwd", "useradd", "userdel", "usermod",
];

/// Commands whose operands are the names of packages, unless they end as a package's file does.
const MANAGERS: &[&str] = &[
    "apk",
    "apt",
    "apt-cache",
    "apt-get",
    "apt-mark",
    "aptitude",
    "dnf",
    "dnf5",
    "microdnf",
    "pacman",
    "tdnf",
    "yum",
    "zypper",
];

/// What the words of a command name.
#[derive(Default)]
pub(in crate::restructure) struct Named {
    /// Files, absolute.
    pub(in crate::restructure) files: BTreeSet<String>,
    /// Files where there are some of that name.
    pub(in crate::restructure) perhaps: BTreeSet<String>,
    /// Whether one of them is named from where it runs.
    pub(in crate::restructure) is_relative: bool,
}

/// The files that the words of `seen` name `here`, but for paths that stand alone.
pub(in crate::restructure) fn named(seen: &Seen, here: Option<&str>, value: Value<'_>) -> Named {
    let mut all = Named::default();
    if matches!(
        seen.name(),
        "[" | "echo" | "export" | "printf" | "test" | "tr"
    ) {
        return all;
    }
    let are_packages =
        MANAGERS.contains(&seen.name()) || matches!(group(seen), Some(Group::Global));
    let are_names = are_packages || OF_NAMES.contains(&seen.name());
    for (n, word) in seen.args().iter().enumerate() {
        let word = value(word);
        let is_value = n > 0 && seen.args()[n - 1].starts_with('-');
        for (part, is_operand) in parts(&word, seen.name()) {
            let is_package = is_operand && are_packages && !is_value;
            let ends = |ends: &[&str]| {
                ends.iter()
                    .any(|e| part.len() > e.len() && part.ends_with(e))
            };
            let is_file = ends(PACKAGES) || (!is_package && ends(OTHERS)) || part.contains('/');
            let Some(path) = absolute(here, part) else {
                continue;
            };
            if is_file {
                all.is_relative |= !part.starts_with('/');
                all.files.insert(path);
            } else if !are_names || part.contains('.') {
                all.perhaps.insert(path);
            }
        }
    }
    all
}

/// The parts of a word that may be files, each with whether it is the whole of an operand.
fn parts<'w>(word: &'w str, program: &str) -> Vec<(&'w str, bool)> {
    let (whole, is_operand) = match word.strip_prefix("--") {
        Some(long) => (long.split_once('=').map_or("", |(_, v)| v), false),
        None if word.starts_with('-') => (word.get(2..).unwrap_or_default(), false),
        None => (word, true),
    };
    let mut found = vec![(whole, is_operand)];
    found.extend(whole.split_once('=').map(|(_, v)| (v, false)));
    // curl's `-d @FILE` and `-F name=@FILE;type=…`.
    if program == "curl" {
        for (part, is_operand) in &mut found {
            let inner = part.split(';').next().unwrap_or_default();
            if let Some(file) = inner.strip_prefix(['@', '<']) {
                (*part, *is_operand) = (file, false);
            }
        }
    }
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.contains("://")
            && !part.contains([
                '$', '`', '*', '?', '[', '{', '~', '=', ' ', ':', '|', '^', '\\',
            ])
    };
    // An operand with a slash is a path, or it is not, as the command says.
    found.retain(|(part, is_operand)| is_plain(part) && !(*is_operand && part.contains('/')));
    found
}

/// Commands that make what their words name, or take no note of whether it is there.
const MAKE: &[&str] = &[
    "adduser",
    "curl",
    "git",
    "gpg",
    "ln",
    "mkdir",
    "mktemp",
    "nodeenv",
    "tee",
    "touch",
    "useradd",
    "venv",
    "virtualenv",
    "wget",
];

/// The files that the commands of one text must find, as they come.
#[derive(Default)]
pub(in crate::restructure) struct Found {
    reads: BTreeSet<String>,
    /// Files and directories that they have made.
    makes: BTreeSet<String>,
}

impl Found {
    /// Adds what `seen` reads, or makes, of the `paths` among its words and of the files that they name besides.
    pub(in crate::restructure) fn add(
        &mut self,
        seen: &Seen,
        (paths, named): (&BTreeSet<String>, &BTreeSet<String>),
        (here, value): (Option<&str>, Value<'_>),
    ) {
        let mut all: BTreeSet<&String> = paths.iter().chain(named).collect();
        // Settings are read where there are some.
        let settings = settings_beside(seen).iter();
        let settings: BTreeSet<String> = settings.filter_map(|s| absolute(here, s)).collect();
        all.retain(|p| here != Some(p.as_str()) && !settings.contains(*p));
        let mut makes = BTreeSet::new();
        match seen.name() {
            "rm" | "rmdir" => return,
            "cp" | "mv" | "install" => self.makes.extend(last_word(seen, here, value)),
            // Where it unpacks; what it unpacks is a file.
            "tar" | "unzip" if unpacks(seen) || seen.name() == "unzip" => {
                all.retain(|p| PACKAGES.iter().any(|e| p.ends_with(e)));
                makes.extend(paths.iter().filter(|p| !all.contains(p)).cloned());
            }
            name if MAKE.contains(&name) => self.makes.extend(paths.iter().cloned()),
            _ => {}
        }
        let is_made = |p: &str| self.makes.iter().any(|m| is_within(p, m));
        let reads = all.into_iter().filter(|p| !is_made(p));
        let reads: Vec<String> = reads.cloned().collect();
        self.reads.extend(reads);
        self.makes.extend(makes);
    }

    /// What they read and have not made, and what they have made, with what redirections have `written`.
    pub(in crate::restructure) fn end(
        mut self,
        written: BTreeSet<String>,
    ) -> (BTreeSet<String>, BTreeSet<String>) {
        self.reads.retain(|r| !written.contains(r));
        self.makes.extend(written);
        (self.reads, self.makes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::touched;
    use std::collections::BTreeMap;

    #[test]
    fn words_name_files_where_they_stand() {
        let check = |text: &str, want: &[&str]| {
            let found = touched(&crate::shell::parse(text), Some("/w"), &BTreeMap::new());
            let found = found.unwrap().places;
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            assert_eq!(found, want, "{text}");
        };
        check("dpkg -i x.deb", &["/w/x.deb"]);
        check("dpkg -i docs/x.deb", &["/w/docs/x.deb"]);
        check("rpm -i README.md", &["/w/README.md"]);
        check("apk add --allow-untrusted x.apk", &["/w/x.apk"]);
        check("apk add --repositories-file f.txt git", &["/w/f.txt"]);
        check("apt-get -c a.conf install -y git", &["/w/a.conf"]);
        check(
            "apt-get -o Dir::Etc::sourcelist=s.list update",
            &["/w/s.list"],
        );
        check("apt-key add key.asc", &["/w/key.asc"]);
        check("curl -K a.conf https://x/y", &["/w/a.conf"]);
        check("curl -T a.md https://x/y", &["/w/a.md"]);
        check("curl -d @a https://x/y", &[]);
        check("curl -d @/tmp/c https://x/y", &["/tmp/c", "/w/@/tmp/c"]);
        check("curl -d @a.json https://x/y", &["/w/a.json"]);
        check("curl -F 'f=@a.txt;type=b' https://x/y", &["/w/a.txt"]);
        check(
            "pip install --cert=ca/x.pem httpie",
            &["/w/ca/x.pem", "/x.pem"],
        );
        check("pip install --cert x.pem httpie", &["/w/x.pem"]);
        check(
            "git config --global --file=t.txt a.b c",
            &["/etc/gitconfig", "/root/.gitconfig", "/w/t.txt"],
        );
        check("sed -f f.txt /etc/a", &["/etc/a", "/w/f.txt"]);
        // Names, and no files.
        check("apt-get install -y git python3.9 lib.json", &[]);
        check("npm install -g chart.js ruamel.yaml @a/b", &[]);
        check("pip install ruamel.yaml", &[]);
        check("useradd -g app -s bash app", &[]);
        check("echo a.txt", &[]);
        check("dpkg --add-architecture i386", &[]);
    }

    #[test]
    fn a_file_is_found_unless_it_was_made() {
        let check = |text: &str, want: &[&str]| {
            let found = touched(&crate::shell::parse(text), Some("/w"), &BTreeMap::new());
            let found = found.unwrap().reads;
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            assert_eq!(found, want, "{text}");
        };
        check("dpkg -i d/x.deb", &["/w/d/x.deb"]);
        check("apt-get install -y ./x.deb", &["/w/x.deb"]);
        check("tar xf x.tgz", &["/w/x.tgz"]);
        check("unzip x.zip", &["/w/x.zip"]);
        check("cp d/x /opt/y", &["/w/d/x"]);
        check("cat d/x", &["/w/d/x"]);
        check("chmod +x d/x", &["/w/d/x"]);
        // Its own.
        check("curl -fsSLo x.deb https://a/b && dpkg -i x.deb", &[]);
        check("wget https://a/x.deb && dpkg -i x.deb && rm x.deb", &[]);
        check("mkdir -p d && chmod 777 d && echo a > d/x", &[]);
        check("echo a > d/x && cat d/x", &[]);
        check("cp /etc/a d/x && cat d/x", &["/etc/a"]);
        check("git clone https://a/b c && cp c/x /opt/x", &[]);
    }
}
