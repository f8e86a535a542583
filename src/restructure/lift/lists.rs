//! Two lists that pip installs one after the other change places, the one that changes less often first.

use super::super::command::seen;
use super::super::installs::{Action, Install, StageView, is_quiet};
use super::Lift;
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// Packages that others are built with: a list that names one is installed first for that.
const BUILD_TOOLS: &[&str] = &[
    "cmake",
    "cython",
    "maturin",
    "meson",
    "meson-python",
    "ninja",
    "pbr",
    "pip",
    "pybind11",
    "scikit-build",
    "scikit-build-core",
    "setuptools",
    "setuptools-rust",
    "setuptools-scm",
    "wheel",
];

/// Options of `pip install` by which no list is resolved otherwise, with those that take a value.
const PLAIN: &[&str] = &[
    "--break-system-packages",
    "--disable-pip-version-check",
    "--no-cache",
    "--no-cache-dir",
    "--no-input",
    "--no-warn-script-location",
    "--prefer-binary",
    "--quiet",
    "--user",
    "-q",
];
const VALUED: &[&str] = &[
    "--default-timeout",
    "--extra-index-url",
    "--index-url",
    "--progress-bar",
    "--requirement",
    "--retries",
    "--root-user-action",
    "--timeout",
    "--trusted-host",
    "-i",
    "-r",
];

impl Lift<'_, '_> {
    /// Whether the install, of lists alone, may go before RUN `index`, which installs other lists and changes more often:
    /// where no package stands in both in another way. Always with a doubt, as pip goes on from what is there.
    pub(super) fn passes_lists(&mut self, index: usize) -> bool {
        let own = &self.install;
        let others = self.of.installs(index).iter();
        let Some(other) = others.into_iter().find(|i| i.action == Action::Whole) else {
            return false;
        };
        let is_of_pip = |i: &Install| i.ecosystems == ["pip"] && i.dirs.is_empty();
        let installs_lists = |run: usize| {
            let all = seen(&self.of.stage.instructions[run]).unwrap_or_default();
            let is_asked = |s: &Seen| is_quiet(s) || matches!(s.name(), "[" | "test");
            all.iter().all(|s| is_asked(s) || is_of_lists(s))
        };
        let is_plain = own.action == Action::Whole
            && is_of_pip(own)
            && is_of_pip(other)
            && own.reads.is_disjoint(&other.reads)
            && heat(self.of, own) < heat(self.of, other)
            && installs_lists(own.run)
            && installs_lists(index);
        let lists = is_plain.then(|| Some((named(self.of, own)?, named(self.of, other)?)));
        let Some((ours, theirs)) = lists.flatten() else {
            return false;
        };
        let shared: Vec<&String> = ours.keys().filter(|n| theirs.contains_key(*n)).collect();
        let is_alike = |name: &&String| ours.get(*name) == theirs.get(*name);
        let builds = |name: &&str| theirs.contains_key(*name);
        if !shared.iter().all(is_alike) || BUILD_TOOLS.iter().any(builds) {
            return false;
        }
        let what = &own.shown;
        let line = self.of.stage.instructions[index].lines.first;
        self.reasons.push(match shared.as_slice() {
            [] => format!("no package is named by line {line} and by {what}"),
            _ => format!("what line {line} and {what} both name they name in the same version"),
        });
        self.doubts.push(format!(
            "line {line} then installs after {what}, and goes on from what is there: check that `pip freeze` says the same in both orders, and that {what} builds nothing with what line {line} installs"
        ));
        true
    }
}

/// Whether a command is `pip install` of lists and of nothing else.
fn is_of_lists(seen: &Seen) -> bool {
    let is_version = |c: char| c.is_ascii_digit() || c == '.';
    let mut words = seen.args().iter().map(String::as_str);
    if seen.name().trim_end_matches(is_version) != "pip" {
        return false;
    }
    let mut is_install = false;
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if word.starts_with("--") => (flag, Some(value)),
            _ => (word, None),
        };
        match flag {
            "install" if !is_install => is_install = true,
            _ if VALUED.contains(&flag) => {
                if value.or_else(|| words.next()).is_none() {
                    return false;
                }
            }
            _ if PLAIN.contains(&flag) && value.is_none() => {}
            _ => return false,
        }
    }
    is_install
}

/// In how many builds a list that the install reads changed.
fn heat(of: &StageView<'_>, install: &Install) -> usize {
    let image = of.image_at(install.run);
    let lists = install.reads.iter().filter_map(|to| image.get(to));
    let lists: BTreeSet<&RepoPath> = lists.map(|b| &b.from).collect();
    of.view.n_touching(|p| lists.contains(p))
}

/// The packages that its lists name, each with all that is said of it; `None` where a line says something else, or one
/// package is said twice in different ways.
fn named(of: &StageView<'_>, install: &Install) -> Option<BTreeMap<String, String>> {
    let image = of.image_at(install.run);
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for to in &install.reads {
        let text = String::from_utf8((of.view.read)(&image.get(to)?.from)?).ok()?;
        for line in text.replace("\\\n", " ").replace("\\\r\n", " ").lines() {
            let line = line.split(" #").next().unwrap_or(line);
            // What a package hashes to says the same as its version.
            let line = line.split(" --hash").next().unwrap_or(line).trim();
            let is_include = ["-r", "--requirement"].iter().any(|o| line.starts_with(o));
            if line.is_empty() || line.starts_with('#') || is_include {
                continue;
            }
            let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            let end = line.find(|c| !is_name(c)).unwrap_or(line.len());
            let name = line[..end].to_ascii_lowercase().replace(['_', '.'], "-");
            let rest: String = line[end..].split_whitespace().collect();
            if line.starts_with('-') || name.is_empty() {
                return None;
            }
            let before = found.insert(name, rest.clone());
            if before.is_some_and(|b| b != rest) {
                return None;
            }
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::is_of_lists;
    use crate::shell;

    #[test]
    fn an_install_of_lists_names_no_package_and_no_other_way() {
        let check = |line: &str, want: bool| {
            let seen = shell::parse(line).seen();
            assert_eq!(seen.iter().all(is_of_lists), want, "{line}");
        };
        check("pip install -r a.txt", true);
        check("pip3 --no-cache-dir install -r a.txt -r b.txt", true);
        check("python3 -m pip install --requirement=a.txt -q", true);
        check("pip install --index-url https://x -r a.txt", true);
        check("pip install -r a.txt gunicorn", false);
        check("pip install -U -r a.txt", false);
        check("pip install --no-deps -r a.txt", false);
        check("pip install -c pins.txt -r a.txt", false);
        check("pip download -r a.txt", false);
        check("apt-get install gcc", false);
    }
}
