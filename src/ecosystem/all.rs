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
use super::plan::{Answer, CacheDir, Ecosystem, Plan};
use super::pnpm;
use super::poetry;
use super::sbt;
use super::swift;
use super::uv;
use super::yarn;

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

/// What the ecosystems say of one command.
pub(super) fn ask(call: &Call<'_>) -> Option<Answer> {
    ALL.iter().find_map(|e| {
        Some(match (e.plan)(call)? {
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

/// Where the command keeps downloads, with the ecosystem's name.
pub fn cache_dir(call: &Call<'_>) -> Option<(&'static str, CacheDir)> {
    ALL.iter().find_map(|e| Some((e.name, (e.cache)(call)?)))
}
