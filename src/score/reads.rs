//! Which files of the context a step really reads, as far as the kinds of its commands tell.
//!
//! Package managers of the system read nothing of the sources, installs of dependencies read manifests, compilers read
//! sources; the rest may read anything. Nobody reads the files of continuous integration and editors, nor the Dockerfile.
//! Whether `.git` is read, and which installs read the source too, is shown elsewhere, on the tree.
//!
//! Never: opens a file.

use super::file_names::{FEW, Kind, NOBODY, is_manifest, is_of};
use crate::cost::prior;
use crate::graph::Step;
use crate::restructure::asks_git;
use crate::restructure::command;
use crate::restructure::touched;
use crate::shell::{self, Seen};
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// What of the context a step reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reads {
    /// None of it.
    Nothing,
    /// Manifests and lockfiles only.
    Manifests {
        /// Names of files that the shell text mentions: `cp .env.example .env` beside an install.
        named: BTreeSet<String>,
    },
    /// What a COPY brings: it is there to be brought.
    Copied {
        /// Files and directories that it names.
        named: Vec<String>,
    },
    /// What a program of this kind is built from.
    Sources(Kind),
    /// What the steps before left: commands of a shell that move and change files.
    WhatIsThere,
    /// Files of any kind.
    Anything {
        /// The shell text.
        command: String,
    },
}

/// How what is not known is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// A file counts as read unless it is known that the step does not read it.
    Cautious,
    /// A file counts as read only where steps of that kind do read such files.
    Bold,
}

/// How to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What decides where a kind of command does not.
    pub certainty: Certainty,
    /// Whether something in the build reads `.git`; `None` where that was not shown.
    pub git: Option<bool>,
}

impl Reads {
    /// Whether a change to `path` (relative to the context) makes the step's result another one.
    pub fn concerns(&self, path: &RepoPath, ask: Ask) -> bool {
        let is_bold = ask.certainty == Certainty::Bold;
        if path.names().next() == Some(b".git") {
            return match self {
                Self::Anything { command } if asks_git(command.as_bytes()) => true,
                Self::Anything { .. } | Self::Sources(_) => ask.git.unwrap_or(!is_bold),
                Self::Copied { .. } => ask.git != Some(false),
                Self::Nothing | Self::Manifests { .. } | Self::WhatIsThere => false,
            };
        }
        let by_nobody = || is_of(NOBODY, path);
        let by_few = || is_bold && is_of(FEW, path);
        match self {
            Self::Nothing | Self::WhatIsThere => false,
            Self::Manifests { named } => {
                let name = path.file_name().unwrap_or_default();
                is_manifest(path) || named.iter().any(|n| n.as_bytes() == name)
            }
            Self::Copied { named } => {
                named.iter().any(|n| RepoPath::new(n) == *path) || !(by_nobody() || by_few())
            }
            Self::Anything { command } => {
                let name = String::from_utf8_lossy(path.file_name().unwrap_or_default());
                (!name.is_empty() && command.contains(&*name)) || !(by_nobody() || by_few())
            }
            Self::Sources(kind) => {
                !by_nobody() && !by_few() && (!is_bold || is_manifest(path) || kind.compiles(path))
            }
        }
    }

    /// The same for files that are not listed.
    pub(super) fn concerns_unlisted(&self, ask: Ask) -> bool {
        match self {
            Self::Nothing | Self::WhatIsThere => false,
            Self::Manifests { .. } => ask.certainty == Certainty::Cautious,
            Self::Copied { .. } | Self::Sources(_) | Self::Anything { .. } => true,
        }
    }
}

/// What a step reads, told by the kinds of its commands (`cost::prior`).
pub fn reads(step: &Step) -> Reads {
    reads_beside(step, &BTreeSet::new())
}

/// As [`reads`], where the installs with these words are known to read the source too: their own lifecycle scripts do, or
/// they build the project itself.
pub fn reads_beside(step: &Step, from_source: &BTreeSet<Vec<String>>) -> Reads {
    if step.instruction != "RUN" {
        let selectors = step.inputs.iter().filter_map(|i| i.selectors.as_deref());
        return Reads::Copied {
            named: selectors.flatten().map(|s| s.path.clone()).collect(),
        };
    }
    reads_of(&step.command, from_source)
}

/// As [`reads_beside`], for the shell text of a RUN.
pub fn reads_of(command: &str, from_source: &BTreeSet<Vec<String>>) -> Reads {
    let anything = || Reads::Anything {
        command: command.to_owned(),
    };
    if command.is_empty() {
        return anything();
    }
    let script = shell::parse(command);
    let mut reads = Reads::Nothing;
    let (mut moves_files, mut has_clone) = (false, false);
    let all = script.seen();
    let only_cleans = all.iter().all(|s| prior::classify(s).kind == "clean up");
    for seen in all {
        has_clone |= seen.name() == "git" && seen.subcommand() == "clone";
        match prior::classify(&seen).kind {
            // Without a clone of its own, Git works on the checkout that was copied.
            "git clone" if !has_clone => return anything(),
            kind if READS_NOTHING.contains(&kind) && !names_local_file(&seen) => {}
            kind if READS_MANIFESTS.contains(&kind)
                && !installs_project(&seen)
                && !from_source.contains(&seen.words) =>
            {
                if !matches!(reads, Reads::Sources(_)) {
                    reads = Reads::Manifests {
                        named: names(command),
                    };
                }
            }
            // A shell's own work beside the main command decides nothing.
            kind if matches!(kind, "clean up" | "prune packages") || is_shells_own(&seen) => {
                moves_files |= kind != "clean up";
            }
            kind => match SOURCES.iter().find(|(name, _)| *name == kind) {
                Some((_, kind)) if matches!(reads, Reads::Nothing | Reads::Manifests { .. }) => {
                    reads = Reads::Sources(*kind);
                }
                Some((_, kind)) if reads == Reads::Sources(*kind) => {}
                Some(_) | None => return anything(),
            },
        }
    }
    if asks_git(command.as_bytes()) && reads != Reads::Nothing {
        return anything();
    }
    match reads {
        // Nothing but a shell's own work: on the system, or on what was copied.
        Reads::Nothing if moves_files || only_cleans => {
            match touched::touched(&script, Some("/.here"), &BTreeMap::new()) {
                Some(touched) if stays_outside(&touched) => Reads::Nothing,
                Some(_) => Reads::WhatIsThere,
                None => anything(),
            }
        }
        reads => reads,
    }
}

/// What may be the name of a file in a shell text, without directories.
fn names(command: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '@');
    let words = command.split(|c: char| !is_name(c));
    words.filter(|w| w.len() > 2).map(str::to_owned).collect()
}

/// Whether a command only moves and changes the files that it names.
fn is_shells_own(seen: &Seen) -> bool {
    prior::classify(seen).kind == "trivial" || command::group(seen) == Some(command::Group::Words)
}

/// Whether commands touch system places alone.
fn stays_outside(touched: &touched::Touched) -> bool {
    const SYSTEM: &[&str] = &[
        "/etc/", "/usr/", "/var/", "/tmp/", "/root/", "/home/", "/bin/", "/sbin/", "/lib",
    ];
    !touched.reads_cwd
        && !touched.places.is_empty()
        && touched
            .places
            .iter()
            .all(|place| SYSTEM.iter().any(|s| place.starts_with(s)) && !touched_app(place))
}

/// Places below the system's where people put applications.
fn touched_app(place: &str) -> bool {
    [
        "/usr/src",
        "/usr/app",
        "/var/www",
        "/home/",
        "/root/",
        "/var/app",
        "/var/task",
        "/usr/share/nginx",
        "/usr/local/app",
    ]
    .iter()
    .any(|app| place.starts_with(app))
}

/// Kinds of commands that build a program of one kind.
const SOURCES: &[(&str, Kind)] = &[
    ("cargo build", Kind::Rust),
    ("dotnet build", Kind::DotNet),
    ("dotnet publish", Kind::DotNet),
    ("go build", Kind::Go),
    ("gradle build", Kind::Jvm),
    ("mix compile", Kind::Elixir),
    ("mix release", Kind::Elixir),
    ("mvn package", Kind::Jvm),
    ("npm run build", Kind::Web),
    ("sbt", Kind::Jvm),
    ("webpack", Kind::Web),
];

/// Kinds of commands that read nothing of the sources.
const READS_NOTHING: &[&str] = &[
    "apk add",
    "apk update",
    "apt-get install",
    "apt-get remove",
    "apt-get update",
    "apt-get upgrade",
    "cargo install",
    "dnf install",
    "docker-php-ext",
    "download",
    "gem install",
    "git clone",
    "npm install -g",
    "pip upgrade",
    "rustup",
    "venv",
];

/// Kinds of commands that read manifests and lockfiles.
const READS_MANIFESTS: &[&str] = &[
    "bun install",
    "bundle install",
    "cargo chef cook",
    "cargo fetch",
    "composer install",
    "conda install",
    "dotnet restore",
    "go mod download",
    "gradle dependencies",
    "mix deps.compile",
    "mix deps.get",
    "mvn dependency",
    "npm ci",
    "pip install",
    "pip install -r",
    "pip install project",
    "pipenv install",
    "pnpm install",
    "poetry install",
    "uv sync",
    "yarn install",
];

/// `apt-get install ./local.deb`.
fn names_local_file(seen: &Seen) -> bool {
    seen.args()
        .iter()
        .any(|arg| arg.starts_with("./") || arg.starts_with("../"))
}

/// Options of pip and uv that a path follows and that name no project.
const NAMES_OTHERS: &[&str] = &[
    "--cache-dir",
    "--constraint",
    "--directory",
    "--extra-index-url",
    "--find-links",
    "--index-url",
    "--prefix",
    "--project",
    "--python",
    "--requirement",
    "--root",
    "--src",
    "--target",
    "--wheel-dir",
    "-c",
    "-d",
    "-f",
    "-i",
    "-p",
    "-r",
    "-t",
    "-w",
];

/// `pip install .`, `pip install -e .`, `pip wheel /src`, `uv build`, `python setup.py install`.
fn installs_project(seen: &Seen) -> bool {
    let args = seen.args();
    let is_here = |arg: &String| {
        arg == "." || arg.starts_with("./") || arg.starts_with("../") || arg.starts_with(".[")
    };
    let named = |(n, arg): (usize, &String)| {
        arg.starts_with('/') && (n == 0 || !NAMES_OTHERS.contains(&args[n - 1].as_str()))
    };
    let is_python =
        matches!(seen.name(), "pip" | "pip3" | "uv") || seen.name().starts_with("pip3.");
    args.iter().any(is_here)
        || (is_python && args.iter().enumerate().any(named))
        || (matches!(seen.name(), "uv" | "poetry" | "pdm" | "hatch")
            && seen.subcommand() == "build")
        || args.first().is_some_and(|arg| arg == "setup.py")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::steps;

    #[test]
    fn what_a_run_reads() {
        let anything = |command: &str| Reads::Anything {
            command: command.to_owned(),
        };
        let manifests = |command: &str| Reads::Manifests {
            named: names(command),
        };
        for (command, want) in [
            ("apt-get update && apt-get install -y git", Reads::Nothing),
            ("npm ci", manifests("npm ci")),
            (
                "apk add git && npm ci && rm -rf /tmp/x",
                manifests("apk add git && npm ci && rm -rf /tmp/x"),
            ),
            ("npm ci && npm run build", Reads::Sources(Kind::Web)),
            ("CGO_ENABLED=0 go build -o /s .", Reads::Sources(Kind::Go)),
            (
                "pip install -r requirements.txt",
                manifests("pip install -r requirements.txt"),
            ),
            (
                "mkdir -p /etc/app && ln -s /usr/bin/x /usr/bin/y",
                Reads::Nothing,
            ),
            ("chmod +x run.sh", Reads::WhatIsThere),
            ("rm -rf tests", Reads::WhatIsThere),
            ("rm -rf /var/lib/apt/lists/*", Reads::Nothing),
            (
                "git clone https://a.org/b && cd b && git submodule update",
                Reads::WhatIsThere,
            ),
            (
                "git submodule update --init",
                anything("git submodule update --init"),
            ),
            ("chown -R app /app", Reads::WhatIsThere),
            (
                "apt-get install ./local.deb",
                anything("apt-get install ./local.deb"),
            ),
            ("pip install -e .", anything("pip install -e .")),
            (
                "pip install --no-cache-dir /src",
                anything("pip install --no-cache-dir /src"),
            ),
            (
                "pip wheel -r /src/requirements.txt -w /wheels",
                manifests("pip wheel -r /src/requirements.txt -w /wheels"),
            ),
            ("uv build --sdist", anything("uv build --sdist")),
            ("uv sync --frozen", manifests("uv sync --frozen")),
            (
                "python setup.py install",
                anything("python setup.py install"),
            ),
            ("./configure", anything("./configure")),
            (
                "go build -X v=$(git describe)",
                anything("go build -X v=$(git describe)"),
            ),
            (
                "go build && npm run build",
                anything("go build && npm run build"),
            ),
        ] {
            let graph = steps(&["FROM a", &format!("RUN {command}")]);
            assert_eq!(reads(&graph.steps[1]), want, "{command}");
        }
    }

    #[test]
    fn an_install_that_is_known_to_read_the_source_may_read_anything() {
        let graph = steps(&["FROM a", "RUN npm ci && npm ci --ignore-scripts"]);
        let of = |words: &[&str]| {
            let words = words.iter().map(|w| (*w).to_owned()).collect();
            reads_beside(&graph.steps[1], &BTreeSet::from([words]))
        };
        assert!(matches!(of(&["npm", "ci"]), Reads::Anything { .. }));
        assert!(matches!(of(&["npm", "install"]), Reads::Manifests { .. }));
    }

    #[test]
    fn the_bold_answer_never_counts_more_than_the_cautious_one() {
        let paths = [
            ".git",
            "Dockerfile",
            "README.md",
            "a/b.go",
            "a/b_test.go",
            "package.json",
            "src/x.rs",
            "src/test/java/A.java",
            ".github/x.yml",
            "go.sum",
            "assets/a.css",
            "docs/a.html",
            "",
        ];
        let kinds = [
            Kind::Go,
            Kind::Rust,
            Kind::Jvm,
            Kind::DotNet,
            Kind::Elixir,
            Kind::Web,
        ];
        let mut all: Vec<Reads> = kinds.into_iter().map(Reads::Sources).collect();
        all.extend([
            Reads::Nothing,
            Reads::Manifests {
                named: names("cp README.md x"),
            },
            Reads::WhatIsThere,
            Reads::Copied {
                named: vec!["README.md".to_owned()],
            },
            Reads::Anything {
                command: "./run.sh Dockerfile".to_owned(),
            },
        ]);
        for reads in &all {
            for path in paths.map(RepoPath::new) {
                for git in [None, Some(false), Some(true)] {
                    let of = |certainty| reads.concerns(&path, Ask { certainty, git });
                    assert!(
                        of(Certainty::Cautious) || !of(Certainty::Bold),
                        "{reads:?} {path} {git:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_file_that_is_named_is_read() {
        let ask = Ask {
            certainty: Certainty::Bold,
            git: Some(false),
        };
        let check = |reads: &Reads, path: &str, want: bool| {
            assert_eq!(
                reads.concerns(&RepoPath::new(path), ask),
                want,
                "{reads:?} {path}"
            );
        };
        let copied = Reads::Copied {
            named: vec![String::new(), "LICENSE".to_owned()],
        };
        check(&copied, "LICENSE", true);
        check(&copied, "README.md", false);
        check(&copied, "src/a.c", true);
        let install = Reads::Manifests {
            named: names("npm ci && envsubst < /etc/app/params.yml > x"),
        };
        check(&install, "root/etc/app/params.yml", true);
        check(&install, "root/etc/app/other.yml", false);
        check(&install, "package.json", true);
        let run = Reads::Anything {
            command: "sh .github/make.sh".to_owned(),
        };
        check(&run, ".github/make.sh", true);
        check(&run, ".github/other.sh", false);
        check(&run, ".git", false);
    }
}
