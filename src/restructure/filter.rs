//! Commands that blank the version in a manifest, and what they make of a file.
//!
//! A filter is a fixed `sed` program and the same in Rust. Only the very text that the `version-shield` rule writes is
//! taken for one, so that what is claimed of its output holds.

use super::recipe::written;

/// What is blanked in files of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filter {
    /// The file's name.
    pub name: &'static str,
    /// The lines.
    blanked: &'static [Blanked],
}

/// A line whose version is blanked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Blanked {
    /// What it begins with, the opening quote included.
    lead: &'static str,
    /// Where it counts; other lines that begin so are of other packages.
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Anywhere,
    /// In the first so many lines.
    First(usize),
    /// From a line that begins with the one to the next that begins with the other.
    Between(&'static str, &'static str),
}

const fn anywhere(lead: &'static str) -> Blanked {
    Blanked {
        lead,
        place: Place::Anywhere,
    }
}

/// `package.json`, written with two blanks, as npm does.
pub const PACKAGE_JSON: Filter = Filter {
    name: "package.json",
    blanked: &[anywhere("  \"version\": \"")],
};

/// `package-lock.json` says the version at its head, and once more for the package without a name where its
/// `lockfileVersion` is 2 or more; before that the same place is a dependency's
/// (docs.npmjs.com/cli/configuring-npm/package-lock-json).
pub const PACKAGE_LOCK: Filter = Filter {
    name: "package-lock.json",
    blanked: &[
        Blanked {
            lead: "  \"version\": \"",
            place: Place::First(10),
        },
        Blanked {
            lead: "      \"version\": \"",
            place: Place::Between("    \"\": {", "    }"),
        },
    ],
};

/// `mix.exs`, as the formatter writes it.
pub const MIX_EXS: Filter = Filter {
    name: "mix.exs",
    blanked: &[anywhere("      version: \"")],
};

/// `pyproject.toml`.
pub const PYPROJECT: Filter = Filter {
    name: "pyproject.toml",
    blanked: &[anywhere("version = \"")],
};

const ALL: &[Filter] = &[PACKAGE_JSON, PACKAGE_LOCK, MIX_EXS, PYPROJECT];

/// What stands for the version.
const BLANK: &str = "0.0.0";

impl Filter {
    /// The command.
    pub fn command(&self) -> String {
        let programs: Vec<String> = self.blanked.iter().map(Blanked::program).collect();
        format!("sed -i '{}' {}", programs.join("; "), self.name)
    }

    /// What the command makes of a file.
    pub fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let lines: Vec<&[u8]> = bytes.split_inclusive(|&b| b == b'\n').collect();
        let mut out = Vec::with_capacity(bytes.len());
        for (line, lead) in lines.iter().zip(self.leads(&lines)) {
            let end = lead.and_then(|lead| {
                let end = line.iter().rposition(|&b| b == b'"')?;
                (end >= lead.len()).then_some((lead, end))
            });
            match end {
                Some((lead, end)) => {
                    out.extend_from_slice(lead.as_bytes());
                    out.extend_from_slice(BLANK.as_bytes());
                    out.extend_from_slice(&line[end..]);
                }
                None => out.extend_from_slice(line),
            }
        }
        out
    }

    /// How many lines it changes.
    pub fn n_lines(&self, text: &str) -> usize {
        let lines: Vec<&[u8]> = text.lines().map(str::as_bytes).collect();
        self.leads(&lines).iter().flatten().count()
    }

    /// For each line what it begins with, where it is one that is blanked.
    fn leads(&self, lines: &[&[u8]]) -> Vec<Option<&'static str>> {
        let mut found = vec![None; lines.len()];
        for blanked in self.blanked {
            let mut is_between = false;
            for (n, line) in lines.iter().enumerate() {
                let counts = match blanked.place {
                    Place::Anywhere => true,
                    Place::First(first) => n < first,
                    Place::Between(from, to) => {
                        let was = is_between;
                        is_between = match was {
                            true => !line.starts_with(to.as_bytes()),
                            false => line.starts_with(from.as_bytes()),
                        };
                        was || is_between
                    }
                };
                if counts && line.starts_with(blanked.lead.as_bytes()) {
                    found[n] = Some(blanked.lead);
                }
            }
        }
        found
    }
}

impl Blanked {
    /// The program for `sed`.
    fn program(&self) -> String {
        let lines = match self.place {
            Place::Anywhere => String::new(),
            Place::First(n) => format!("1,{n}"),
            Place::Between(from, to) => format!("/^{from}/,/^{to}/"),
        };
        let lead = self.lead.trim_end_matches('"');
        format!(r#"{lines}s/^\({lead}\)".*"/\1"{BLANK}"/"#)
    }
}

impl Filter {
    /// The one for files of this name.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        ALL.iter().find(|f| f.name.as_bytes() == name).copied()
    }
}

/// The commands of a Dockerfile's `text` that are filters or write a recipe, each with its filters (none for a recipe).
pub(super) fn commands(text: &str) -> impl Iterator<Item = (&str, Vec<Filter>)> {
    let lines = text.lines().filter_map(|l| l.trim().strip_prefix("RUN "));
    let commands = lines.map(without_flags);
    commands.filter_map(|command| match written(command) {
        Some(_) => Some((command, Vec::new())),
        None => filters_in(command).map(|filters| (command, filters)),
    })
}

/// What follows the options of a RUN.
fn without_flags(line: &str) -> &str {
    let mut rest = line.trim();
    while rest.starts_with("--") {
        let Some((_, tail)) = rest.split_once(char::is_whitespace) else {
            return "";
        };
        rest = tail.trim_start();
    }
    rest
}

/// The filters that `command` is made of; `None` for any other command.
fn filters_in(command: &str) -> Option<Vec<Filter>> {
    let parts = command.trim().split(" && ");
    parts
        .map(|part| ALL.iter().find(|f| f.command() == part.trim()).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_blanks_the_version_and_nothing_else() {
        let check = |filter: &Filter, text: &str, want: &str| {
            let got = filter.apply(text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&got), want);
        };
        check(
            &PACKAGE_JSON,
            "{\n  \"version\": \"1.2.3\",\n  \"x\": {\n    \"version\": \"9\"\n",
            "{\n  \"version\": \"0.0.0\",\n  \"x\": {\n    \"version\": \"9\"\n",
        );
        check(&PACKAGE_JSON, "  \"version\": \"1", "  \"version\": \"1");
        check(&PACKAGE_JSON, "", "");
        check(
            &PYPROJECT,
            "version = \"1\" # \"x\"\r\nname = \"a\"",
            "version = \"0.0.0\"\r\nname = \"a\"",
        );
        let lock = "{\n  \"name\": \"a\",\n  \"version\": \"1\",\n  \"lockfileVersion\": 3,\n  \"requires\": true,\n  \"packages\": {\n    \"\": {\n      \"name\": \"a\",\n      \"version\": \"1\",\n      \"license\": \"MIT\"\n    },\n    \"b\": {\n      \"version\": \"2\",\n";
        let blank = lock.replace("\"1\"", "\"0.0.0\"");
        check(&PACKAGE_LOCK, lock, &blank);
        let old = "{\n  \"name\": \"a\",\n  \"version\": \"1\",\n  \"lockfileVersion\": 1,\n  \"dependencies\": {\n    \"b\": {\n      \"version\": \"2\",\n";
        check(&PACKAGE_LOCK, old, &old.replace("\"1\"", "\"0.0.0\""));
    }

    #[test]
    fn the_program_says_the_same_as_sed() {
        let texts = [
            "{\n  \"version\": \"1.2.3\",\n  \"a\": \"b\"\n}\n",
            "version = \"1\" # \"x\"\n[x]\nversion = \"2\"",
            "      version: \"1.0.0\",\n      app: :a\n",
            "  \"version\": \"1\n      \"version\": \"4\",\n",
            "  \"version\": \"1\",\n    \"\": {\n      \"version\": \"1\"\n    },\n    \"b\": {\n      \"version\": \"4\",\n",
            "  \"version\": \"1\",\n    \"\": {\n      \"bin\": {\n      },\n    },\n    \"b\": {\n      \"version\": \"4\",\n",
        ];
        for filter in ALL {
            for text in texts {
                let Some(sed) = by_sed(filter, text) else {
                    return;
                };
                let own = filter.apply(text.as_bytes());
                assert_eq!(String::from_utf8_lossy(&own), sed, "{}", filter.command());
            }
        }
    }

    /// What the real program makes of it; `None` where there is no GNU sed.
    fn by_sed(filter: &Filter, text: &str) -> Option<String> {
        use std::process::Command;
        let folder = tempfile::tempdir().ok()?;
        std::fs::write(folder.path().join(filter.name), text).ok()?;
        let done = Command::new("sh")
            .args(["-c", &filter.command()])
            .current_dir(folder.path())
            .status()
            .ok()?;
        if !done.success() {
            return None;
        }
        std::fs::read_to_string(folder.path().join(filter.name)).ok()
    }

    #[test]
    fn only_its_own_text_is_a_filter() {
        let both = format!("{} && {}", PACKAGE_JSON.command(), PACKAGE_LOCK.command());
        assert_eq!(filters_in(&both), Some(vec![PACKAGE_JSON, PACKAGE_LOCK]));
        assert_eq!(filters_in("sed -i 's/a/b/' package.json"), None);
        assert_eq!(filters_in(""), None);
    }

    #[test]
    fn a_recipe_is_known_behind_options() {
        let check = |line: &str, expected: Option<&str>| {
            let text = format!("FROM rust\n{line}\n");
            let found = commands(&text)
                .next()
                .map(|(command, _)| command.to_owned());
            assert_eq!(found.as_deref(), expected, "{line}");
        };
        let plain = "cargo chef prepare";
        check("RUN cargo chef prepare", Some(plain));
        check(
            "RUN --mount=type=cache,target=/x --network=none cargo chef prepare",
            Some(plain),
        );
        check("RUN cargo chef prepare && ls", None);
        check("RUN cargo chef cook", None);
        check("RUN --mount=type=cache,target=/x", None);
    }
}
