//! The rules, one file each.
//!
//! To add one: a file here that opens with the text before and after; its line in [`ALL`]; a folder of cases in
//! `fixtures/restructure/<id>/`; a row in the README's table. A rule proposes from what it can show in the
//! [`View`]; it does not check itself (`legality` does, for all) and does not know what it is worth.
//!
//! Never: scores, reads a file other than through the view, leaves a doubt unsaid.

mod bind_manifests;
mod bind_narrow;
mod cargo_chef;
mod changing;
mod cold_first;
mod composer_stage;
mod cover;
mod cut;
mod dead_split;
mod deps_above;
mod deps_first;
mod heat;
mod hot_below;
mod ignore;
mod intruder;
mod jar_launch;
mod kept_newest;
mod late_copy;
mod late_folder;
mod layered_jar;
mod link;
mod merge;
mod mounts;
mod multi_stage;
mod narrow;
mod narrow_shown;
mod native_go;
mod native_stage;
mod often_last;
mod own_install;
mod own_packages;
mod own_pruned;
mod own_stage;
mod own_tools;
mod owner;
mod owner_again;
mod owner_before;
mod owner_run;
mod pin;
mod shared_base;
mod sink;
mod system_first;
mod upwards;
mod version_shield;
mod workspaces;

pub(super) use changing::argument_changes;
pub(super) use changing::changes;
pub(super) use changing::is_cache_bust;
pub(super) use changing::is_given_by_the_builder;
pub use changing::new_at_each_build;
pub(super) use mounts::CACHES;
pub(super) use pin::floats;
pub use sink::OF_TARGET;

use super::candidate::Candidate;
use super::view::View;

/// A named way to improve a Dockerfile.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name in reports, suppressions and candidate ids: lower case with dashes.
    pub id: &'static str,
    /// What it does, a few words for the rule table.
    pub summary: &'static str,
    /// The candidates on this view, most wanted first. Several candidates are alternatives or independent; the search
    /// finds out which.
    pub propose: fn(&View<'_>) -> Vec<Candidate>,
}

/// Every rule, in the order of the README's table.
pub const ALL: &[Rule] = &[
    deps_first::RULE,
    workspaces::RULE,
    cargo_chef::RULE,
    dead_split::RULE,
    intruder::RULE,
    bind_manifests::RULE,
    mounts::CACHES,
    multi_stage::RULE,
    layered_jar::RULE,
    own_stage::RULE,
    composer_stage::RULE,
    shared_base::RULE,
    native_stage::RULE,
    version_shield::RULE,
    narrow::RULE,
    ignore::RULE,
    sink::RULE,
    system_first::RULE,
    late_copy::RULE,
    cold_first::RULE,
    link::RULE,
    owner::RULE,
    merge::RULE,
    pin::RULE,
];
