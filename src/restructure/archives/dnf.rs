//! dnf: metadata and packages in `/var/cache/dnf`.

use super::proposal::{Family, Kept};

/// dnf's mounts in `family`.
pub(super) fn kept<'a>(_family: &Family<'_, 'a>) -> Option<Kept<'a>> {
    None
}
