//! A RUN that reads a value in the middle of its chain, cut in two there: the value goes between.
//!
//! Before:
//! ```dockerfile
//! ARG TOOL_VERSION
//! RUN curl -L https://example.com/sdk.tar.gz | tar -xz -C /opt && \
//!     curl -L https://example.com/tool-$TOOL_VERSION -o /usr/local/bin/tool
//! ```
//! After:
//! ```dockerfile
//! RUN curl -L https://example.com/sdk.tar.gz | tar -xz -C /opt
//! ARG TOOL_VERSION
//! RUN curl -L https://example.com/tool-$TOOL_VERSION -o /usr/local/bin/tool
//! ```

use super::doubts::Doubts;
use super::ground::Ground;
use super::groups::Group;
use crate::restructure::candidate::TextEdit;
use crate::restructure::chain::Chain;
use std::collections::BTreeSet;

/// So many places are tried, from the first part that names a value upwards.
const MOST_TRIED: usize = 4;

/// Where a RUN is cut, and how.
pub(super) struct Cut {
    /// Its position in the stage.
    pub(super) run: usize,
    /// The RUN above, with a line break at its end.
    pub(super) above: String,
    /// What leaves the rest where it is.
    pub(super) rest: Vec<TextEdit>,
}

/// The RUN at `run` cut above its first part that reads one of `names`, which a group holds from an instruction on, and
/// what could not be shown of the parts before it; `None` where none of these is worth a layer, or the two cannot be parted.
pub(super) fn cut(
    ground: &Ground<'_>,
    group: (&Group, usize),
    run: usize,
    names: &BTreeSet<String>,
) -> Option<(Cut, Doubts)> {
    let instruction = &ground.stage.instructions[run];
    let place = &ground.places[ground.stage.index][run];
    let chain = Chain::of(ground.view, instruction, place)?;
    let before = chain.n_before(names);
    (1..=before).rev().take(MOST_TRIED).find_map(|n| {
        let slice = chain.head(n, names)?;
        let mut doubts = Doubts::default();
        if ground.is_read_by_part(run, &slice.run(), names, &mut doubts) {
            return None;
        }
        doubts.others.extend(slice.doubts.iter().cloned());
        let (part, rest) = (slice.run(), slice.rest());
        doubts.newest = ground.kept_newest(group, names, (run, &part), Some(&rest));
        let (above, rest) = slice.parted()?;
        Some((Cut { run, above, rest }, doubts))
    })
}
