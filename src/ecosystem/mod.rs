//! Knowledge of package managers: what their commands do, which files an install reads, what resolves dependencies alone.
//!
//! [`plan`] takes one shell command, as words, with the directory it runs in and the files around it, and says whether
//! it resolves dependencies, from which files, and by which command that can be done before the source is there.
//! Manifests are read as what they are (JSON, TOML, XML, …), not searched for names.
//!
//! Never: reads files other than through [`Files`], runs anything, guesses silently.

mod again;
mod all;
mod answer;
mod behind;
mod brings;
mod bun;
mod bundler;
mod call;
mod cargo;
mod cargo_build;
mod cargo_chef;
mod clojure;
mod composer;
mod conan;
mod conda;
mod crystal;
mod dart;
mod deno;
mod exported;
mod files;
mod front_end;
mod go;
mod go_build;
mod gradle;
mod haskell;
mod laid;
mod lifecycle;
mod listed;
mod made;
mod make;
mod maven;
mod mix;
mod named;
mod needs;
mod node;
mod npm;
mod nuget;
mod pip;
mod pip_tools;
mod pipenv;
mod plan;
mod pnpm;
mod poetry;
mod prisma;
mod python;
mod python_project;
mod rust_source;
mod sbt;
mod setup_py;
mod swift;
mod system;
mod text;
mod told;
mod uv;
mod variables;
mod wrapper;
mod yarn;

pub use again::fetches_again;
pub use all::ALL;
pub use all::cache_dir;
pub use answer::plan;
pub use behind::behind;
pub use behind::cache_dirs as cache_dirs_behind;
pub use brings::brings;
pub use call::Call;
pub use call::options;
pub use cargo::built_in;
pub use cargo_chef::Recipe;
pub use cargo_chef::recipe;
pub use composer::vendor_dir;
pub use exported::exports;
pub use files::Files;
pub use files::matches_name;
pub use go_build::Reads;
pub use go_build::reads;
pub use laid::is_hidden;
pub use lifecycle::HARMLESS;
pub use lifecycle::INSTALL_SCRIPTS;
pub use lifecycle::PROJECT_SCRIPTS;
pub use make::of_prerequisites;
pub use make::of_targets;
pub use maven::sets_version;
pub use mix::ahead_of;
pub use named::reads_by_names;
pub use needs::Needs;
pub use node::SAME_PACKAGES;
pub use node::is_global;
pub use plan::Answer;
pub use plan::CacheDir;
pub use plan::Ecosystem;
pub use plan::Plan;
pub use plan::Role;
pub use system::is_system_install;
pub use system::reads_no_project;
pub use told::is_moved_by;
pub use variables::READ_BY_TOOLS;

use plan::Verdict;

#[cfg(test)]
mod tests;
