//! Parts of a RUN with mounts: what they leave there is in no layer.

use super::super::installs::mounts;
use super::super::layout::is_within;
use super::settle::places;
use super::slice::Slice;

/// Directories, by what their paths hold, in which tools only keep what they can fetch again.
const CACHES: &[&str] = &[
    "cache",
    "/.gradle",
    "/.m2",
    "/.npm",
    "/go/pkg",
    "/git",
    "/registry",
    "/store",
    "/var/lib/apt",
    "/zypp",
];

/// What to check where parts go that may leave something in a mount; `None` where they do.
pub(super) fn of_mounts(slice: &Slice<'_, '_>) -> Option<Option<String>> {
    let chain = slice.chain;
    let mut mounts = mounts(chain.instruction, chain.place);
    mounts.retain(|m| !CACHES.iter().any(|c| m.contains(c)));
    let units = || slice.taken.iter().map(|&n| &chain.units[n]);
    let own = units().flat_map(|unit| places(&unit.effect));
    let alone = slice
        .taken
        .iter()
        .map(|&n| chain.effect_of(chain.text_of(n)));
    let named: Vec<String> = alone
        .flat_map(|effect| places(&effect))
        .chain(own)
        .collect();
    let leaves = |mount: &String| named.iter().any(|p| is_within(p, mount));
    if mounts.iter().any(leaves) {
        return None;
    }
    let may_leave = units().any(|u| u.installs_tools());
    let doubt = mounts.first().filter(|_| may_leave).map(|mount| {
        format!(
            "what is put into the mount at {mount} is in no layer: check that line {} needs nothing that the RUN above leaves there",
            chain.instruction.lines.first
        )
    });
    Some(doubt)
}
