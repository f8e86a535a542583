//! Whether the Dockerfile seems to be built from another directory than the context.

use crate::caveat::Caveat;
use crate::restructure::View;
use crate::restructure::legality::missing_sources;
use crate::tree::RepoPath;

/// The caveat that most of what COPY names and the context lacks is in the Dockerfile's own directory, or in one above it.
pub(super) fn other_context(view: &View<'_>) -> Option<Caveat> {
    let missing = missing_sources(view);
    let below = view.path.strip_prefix(view.context)?;
    let below = below.to_string();
    let mut folder = below.as_str();
    while let Some((above, _)) = folder.rsplit_once('/') {
        folder = above;
        let is_there = |source: &&String| {
            let wanted = RepoPath::new(format!("{above}/{source}"));
            view.below(&wanted).next().is_some()
        };
        let there: Vec<&String> = missing.iter().filter(is_there).collect();
        // Some may be made before the build.
        if let Some(example) = there.first().filter(|_| 2 * there.len() >= missing.len()) {
            let whole = view.context.join(above.as_bytes());
            let others = match there.len() {
                1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            let told = format!(
                "COPY names {example}{others}, which the context lacks and {whole} holds: is that what it is built from (--context {whole})?"
            );
            return Some(Caveat::general(told));
        }
    }
    None
}
