//! Where two tables differ.

use std::collections::BTreeMap;

/// A key whose value is not the same in both, or that only one of them has.
pub(super) fn differing<'t, V: PartialEq>(
    one: &'t BTreeMap<String, V>,
    other: &'t BTreeMap<String, V>,
) -> Option<&'t String> {
    let mut keys = one.keys().chain(other.keys());
    keys.find(|k| one.get(*k) != other.get(*k))
}
