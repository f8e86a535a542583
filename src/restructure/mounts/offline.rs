//! Commands that may not ask the network, and so need what earlier commands have left in the layers.
//!
//! A mount would lie over that; and a mount that such a command shares with the one that fetches is empty wherever the
//! layers are cached and the builder's own state is not: after a prune, and where layers come from elsewhere. Sources: the
//! tools' manuals. pip's `--no-index` is not among them: it reads the directories that it is told, never pip's own.

use super::super::command;
use super::super::installs::StageView;
use super::super::layout::{Place, built_on};
use super::super::view::View;
use crate::dockerfile::ast::Instruction;
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// Flags and variables that keep a tool off the network: ecosystem, its programs, flags, variables with the value.
struct Tool {
    ecosystem: &'static str,
    programs: &'static [&'static str],
    flags: &'static [&'static str],
    variables: &'static [(&'static str, &'static [&'static str])],
}

/// What switches a thing on.
const ON: &[&str] = &["1", "true", "yes", "on"];

const TOOLS: &[Tool] = &[
    Tool {
        ecosystem: "bundler",
        programs: &["bundle", "bundler"],
        flags: &["--local"],
        variables: &[("BUNDLE_LOCAL", ON)],
    },
    Tool {
        ecosystem: "cargo",
        programs: &["cargo"],
        flags: &["--frozen", "--offline"],
        variables: &[("CARGO_NET_OFFLINE", ON)],
    },
    Tool {
        ecosystem: "composer",
        programs: &["composer", "composer.phar"],
        flags: &[],
        variables: &[("COMPOSER_DISABLE_NETWORK", ON)],
    },
    Tool {
        ecosystem: "go",
        programs: &["go"],
        flags: &[],
        variables: &[("GOPROXY", &["off"])],
    },
    Tool {
        ecosystem: "gradle",
        programs: &["gradle", "gradlew"],
        flags: &["--offline"],
        variables: &[],
    },
    Tool {
        ecosystem: "maven",
        programs: &["mvn", "mvnw", "mvnd"],
        flags: &["-o", "--offline"],
        variables: &[],
    },
    // What is restored no more is looked for where it was put (learn.microsoft.com/dotnet/core/tools/dotnet-publish).
    Tool {
        ecosystem: "nuget",
        programs: &["dotnet"],
        flags: &["--no-build", "--no-restore"],
        variables: &[],
    },
    Tool {
        ecosystem: "npm",
        programs: &["npm"],
        flags: &["--offline"],
        variables: &[("NPM_CONFIG_OFFLINE", ON), ("npm_config_offline", ON)],
    },
    Tool {
        ecosystem: "pnpm",
        programs: &["pnpm"],
        flags: &["--offline"],
        variables: &[("NPM_CONFIG_OFFLINE", ON), ("npm_config_offline", ON)],
    },
    Tool {
        ecosystem: "uv",
        programs: &["uv"],
        flags: &["--offline"],
        variables: &[("UV_OFFLINE", ON)],
    },
    Tool {
        ecosystem: "yarn",
        programs: &["yarn"],
        flags: &["--offline"],
        variables: &[("YARN_ENABLE_OFFLINE_MODE", ON)],
    },
];

/// Words by which these tools fetch: in one RUN with the command that may not, they fill what it finds.
const FETCHES: &[&str] = &[
    "build",
    "ci",
    "dependency:go-offline",
    "dependency:resolve",
    "download",
    "fetch",
    "i",
    "install",
    "lock",
    "publish",
    "restore",
    "sync",
    "update",
    "vendor",
];

/// Whether a RUN of `stage`, of those that it is built on, or of those that are built on it, may not ask the network for
/// what `ecosystem` needs, and does not fetch it itself.
pub(in crate::restructure) fn needs_layers(
    of: &StageView<'_>,
    all: &[Vec<Place>],
    ecosystem: &str,
) -> bool {
    let Some(tool) = TOOLS.iter().find(|t| t.ecosystem == ecosystem) else {
        return false;
    };
    if is_set(of.view, ecosystem) {
        return true;
    }
    let dockerfile = of.view.dockerfile;
    let own = of.stage.index;
    let are_kin = |other: usize| {
        built_on(dockerfile, other).any(|s| s == own)
            || built_on(dockerfile, own).any(|s| s == other)
    };
    let mut stages = dockerfile.stages.iter().filter(|s| are_kin(s.index));
    stages.any(|stage| {
        let mut steps = stage.instructions.iter().zip(&all[stage.index]);
        let of = StageView::new(of.view, all, stage.index);
        steps.any(|(step, place)| tool.needs_layers(step, &place.variables))
            || (0..stage.instructions.len()).any(|run| tool.is_called_offline(&of, run))
    })
}

/// Files by which a tool is kept off the network: ecosystem, the file's name, how a line begins, what it holds.
const FILES: &[(&str, &str, &str, &str)] = &[
    ("cargo", ".cargo/config", "offline", "true"),
    ("cargo", ".cargo/config.toml", "offline", "true"),
    ("maven", ".mvn/maven.config", "-o", ""),
    ("maven", ".mvn/maven.config", "--offline", ""),
    ("npm", ".npmrc", "offline", "true"),
    ("pnpm", ".npmrc", "offline", "true"),
    ("yarn", ".yarnrc.yml", "enableNetwork:", "false"),
    ("yarn", ".yarnrc.yml", "enableOfflineMode:", "true"),
];

/// Whether a file of the project keeps a tool off the network.
fn is_set(view: &View<'_>, ecosystem: &str) -> bool {
    let own: Vec<_> = FILES.iter().filter(|(e, ..)| *e == ecosystem).collect();
    let says = |path: &RepoPath| {
        let written = path.to_string();
        let named = own.iter().filter(|(_, name, ..)| {
            let above = written.strip_suffix(name);
            above.is_some_and(|above| above.is_empty() || above.ends_with('/'))
        });
        let named: Vec<_> = named.collect();
        let text = (!named.is_empty()).then(|| view.read_text(path)).flatten();
        let text = text.unwrap_or_default();
        let says = |line: &str, start: &str, value: &str| {
            let rest = line.trim().strip_prefix(start);
            rest.is_some_and(|r| !r.starts_with(char::is_alphanumeric) && r.contains(value))
        };
        let mut lines = text.lines();
        lines.any(|line| {
            named
                .iter()
                .any(|(_, _, start, value)| says(line, start, value))
        })
    };
    view.files.iter().any(|(path, _)| says(path))
}

/// Whether a RUN fills the store from which pnpm installs later, whatever else it does.
pub(in crate::restructure) fn fills(step: &Instruction, ecosystem: &str) -> bool {
    let fetches = |s: &Seen| s.name() == "pnpm" && s.args().iter().any(|a| a == "fetch");
    ecosystem == "pnpm" && command::seen(step).is_some_and(|all| all.iter().any(fetches))
}

impl Tool {
    fn needs_layers(
        &self,
        step: &Instruction,
        variables: &BTreeMap<String, Option<String>>,
    ) -> bool {
        let commands = command::seen(step).unwrap_or_default();
        let own = commands
            .iter()
            .filter(|s| self.programs.contains(&s.name().trim_start_matches("./")));
        let mut is_filled = false;
        for seen in own {
            if self.is_offline(seen, variables) {
                if !is_filled {
                    return true;
                }
            } else {
                is_filled |= seen.args().iter().any(|a| FETCHES.contains(&a.as_str()));
            }
        }
        false
    }

    /// Whether a command behind a `make` or a script of RUN `run` may not ask the network.
    fn is_called_offline(&self, of: &StageView<'_>, run: usize) -> bool {
        let mut is_filled = false;
        for words in of.commands_behind(run) {
            let Some((program, words)) = words.split_first() else {
                continue;
            };
            let program = program.rsplit('/').next().unwrap_or(program);
            if !self.programs.contains(&program) {
                continue;
            }
            let mut own = words.iter().take_while(|a| *a != "--");
            let is_offline = own.any(|a| self.flags.contains(&a.as_str()));
            if is_offline && !is_filled {
                return true;
            }
            is_filled |= !is_offline && words.iter().any(|a| FETCHES.contains(&a.as_str()));
        }
        false
    }

    fn is_offline(&self, seen: &Seen, variables: &BTreeMap<String, Option<String>>) -> bool {
        let is_set = |(name, values): &(&str, &[&str])| {
            let own = seen.assignments.iter().rev().find(|(n, _)| n == name);
            let value = match own {
                Some((_, value)) => Some(value.as_str()),
                None => variables.get(*name).and_then(Option::as_deref),
            };
            value.is_some_and(|v| values.contains(&v.trim_matches(['"', '\''])))
        };
        // What follows `--` is another program's.
        let mut words = seen.args().iter().take_while(|a| *a != "--");
        words.any(|a| self.flags.contains(&a.as_str())) || self.variables.iter().any(is_set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile;
    use crate::restructure::layout::places;

    #[test]
    fn what_may_not_ask_the_network_is_known() {
        let check = |ecosystem: &str, steps: &str, expected: bool| {
            let text = format!("FROM rust:1 AS a\n{steps}\n");
            let parsed = dockerfile::parse(&text).unwrap().dockerfile;
            let tool = TOOLS.iter().find(|t| t.ecosystem == ecosystem).unwrap();
            let all = places(&parsed);
            let mut steps = parsed.stages[0].instructions.iter().zip(&all[0]);
            let needs = steps.any(|(step, place)| tool.needs_layers(step, &place.variables));
            assert_eq!(needs, expected, "{text}");
        };
        check("cargo", "RUN cargo build --frozen", true);
        check("cargo", "RUN cargo build --locked", false);
        check("cargo", "RUN cargo fetch && cargo build --offline", false);
        check("cargo", "RUN cargo fetch\nRUN cargo build --offline", true);
        check("cargo", "RUN cargo run -- --offline", false);
        check("cargo", "ENV CARGO_NET_OFFLINE=true\nRUN cargo build", true);
        check("cargo", "RUN CARGO_NET_OFFLINE=true cargo build", true);
        check("npm", "RUN npm ci --prefer-offline", false);
        check("npm", "RUN npm ci --offline", true);
        check("pnpm", "RUN pnpm install -r --offline", true);
        check("yarn", "RUN yarn --frozen-lockfile", false);
        check("yarn", "RUN yarn install --offline", true);
        check("bundler", "RUN bundle install --local", true);
        check("maven", "RUN mvn -o package", true);
        check("maven", "RUN ./mvnw --offline package", true);
        check("maven", "RUN mvn dependency:go-offline", false);
        check("gradle", "RUN ./gradlew build --offline", true);
        check("go", "ENV GOPROXY=off\nRUN go build ./...", true);
        check("go", "RUN go build -mod=vendor ./...", false);
        check("uv", "RUN uv sync --offline", true);
        check("nuget", "RUN dotnet publish --no-restore", true);
        check("nuget", "RUN dotnet publish -c Release", false);
        check(
            "nuget",
            "RUN dotnet restore\nRUN dotnet build --no-restore",
            true,
        );
        check(
            "nuget",
            "RUN dotnet restore && dotnet publish --no-restore",
            false,
        );
        check(
            "composer",
            "RUN COMPOSER_DISABLE_NETWORK=1 composer install",
            true,
        );
    }
}
