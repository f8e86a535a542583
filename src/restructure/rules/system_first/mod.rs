//! Steps that do not need the copied files go above them.
//!
//! Before:
//! ```dockerfile
//! COPY . .
//! RUN apt-get update && apt-get install -y libpq-dev
//! ```
//! After:
//! ```dockerfile
//! RUN apt-get update && apt-get install -y libpq-dev
//! COPY . .
//! ```
//! A RUN whose commands are all known to read none of the copied files moves above the first COPY it can pass, with
//! what it needs (ENV, USER, …); `a && b` is cut where only some of its parts can. None moves above a file that is fetched
//! or an argument that is there to make it run again.
//!
//! Never: holds logic of its own; it only says where the parts are.

mod across;
mod apart;
mod below;
mod border;
mod builds;
mod by_list;
mod cut;
mod directories;
mod fresh;
mod ground;
mod moved;
mod programs;
mod runs;
mod small;

pub(super) use apart::built_apart;
pub(super) use border::{children, is_only_a_base, keeps_platform};
pub(super) use fresh::upgrades;
pub(super) use ground::is_transfer;
pub(super) use ground::on_stages;

use super::Rule;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "system-first",
    summary: "system packages and tools above any COPY",
    propose: |view| {
        let within = on_stages(view, runs::hoisted_runs);
        let mut found = [within, across::across(view), below::below(view)].concat();
        for candidate in &mut found {
            fresh::doubt_upgrades(view, candidate);
        }
        found
    },
};
