//! Every ecosystem, and who asks them in turn.

use super::bun;
use super::bundler;
use super::call::Call;
use super::cargo;
use super::clojure;
use super::composer;
use super::conan;
use super::conda;
use super::crystal;
use super::dart;
use super::deno;
use super::go;
use super::gradle;
use super::listed;
use super::maven;
use super::mix;
use super::npm;
use super::nuget;
use super::pip;
use super::pip_tools;
use super::pipenv;
use super::plan::{Answer, CacheDir, Ecosystem, Plan, Role};
use super::pnpm;
use super::poetry;
use super::sbt;
use super::swift;
use super::text;
use super::told::{Told, told};
use super::uv;
use super::yarn;
use crate::shell::tells_of_itself;

/// Every ecosystem; the first that knows a command answers.
pub const ALL: &[Ecosystem] = &[
    npm::ECOSYSTEM,
    yarn::ECOSYSTEM,
    pnpm::ECOSYSTEM,
    bun::ECOSYSTEM,
    pip::ECOSYSTEM,
    pip_tools::ECOSYSTEM,
    poetry::ECOSYSTEM,
    uv::ECOSYSTEM,
    pipenv::ECOSYSTEM,
    conda::ECOSYSTEM,
    maven::ECOSYSTEM,
    gradle::ECOSYSTEM,
    go::ECOSYSTEM,
    cargo::ECOSYSTEM,
    bundler::ECOSYSTEM,
    composer::ECOSYSTEM,
    nuget::ECOSYSTEM,
    nuget::TOOLS,
    mix::ECOSYSTEM,
    sbt::ECOSYSTEM,
    swift::ECOSYSTEM,
    dart::ECOSYSTEM,
    deno::ECOSYSTEM,
    conan::ECOSYSTEM,
    listed::DEP,
    listed::BOWER,
    listed::SHARDS,
    crystal::ECOSYSTEM,
    listed::NIMBLE,
    listed::GLEAM,
    listed::LEIN,
    clojure::ECOSYSTEM,
    listed::REBAR,
    listed::ZIG,
    listed::STACK,
    listed::CABAL,
    listed::PDM,
    listed::OPAM,
    listed::PERL,
    listed::RENV,
];

/// Whether a line that is to go above says a word of the command whose quotes are lost: in quotes of its own the shell
/// would leave alone what it is to put in (`$(test "$PROFILE" = release && …)`).
fn says_it_otherwise(call: &Call<'_>, role: &Role) -> bool {
    let (Role::Prefetch(line) | Role::PrefetchThen { line, .. }) = role else {
        return false;
    };
    let quoted = call.words.iter().map(|w| text::quoted(w));
    quoted
        .filter(|w| w.starts_with('\'') && w.contains(['$', '`']))
        .any(|w| line.contains(&w))
}

/// What the ecosystems say of one command.
pub(super) fn ask(call: &Call<'_>) -> Option<Answer> {
    if tells_of_itself(call.words) {
        return None;
    }
    ALL.iter().find_map(|e| {
        Some(match (e.plan)(call)? {
            Ok((role, _)) if says_it_otherwise(call, &role) => Answer::Whole {
                ecosystem: e.name,
                reason: "what is asked in its words cannot be written a second time".to_owned(),
            },
            Ok((role, needs)) => Answer::Plan(Plan {
                ecosystem: e.name,
                role,
                needs,
            }),
            Err(reason) => Answer::Whole {
                ecosystem: e.name,
                reason,
            },
        })
    })
}

/// Where the command keeps downloads, with the ecosystem's name; `None` where it is told a place that is not known.
pub fn cache_dir(call: &Call<'_>) -> Option<(&'static str, CacheDir)> {
    let (name, dir) = ALL.iter().find_map(|e| Some((e.name, (e.cache)(call)?)))?;
    match told(name, &dir, call) {
        Told::Usual => Some((name, dir)),
        Told::At(path) => {
            let told = Some(path);
            Some((name, CacheDir { told, ..dir }))
        }
        Told::Elsewhere => None,
    }
}
