//! Whether the Dockerfile seems to be built from another directory than the context: then what is found here is no advice.

use super::answer::{Saving, Suggestions};
use crate::caveat::Caveat;
use crate::restructure::View;
use crate::restructure::legality::missing_sources;
use crate::restructure::misplaced::install_without_manifest;
use crate::tree::RepoPath;

/// The directory that most of what COPY names and the context lacks is in, the Dockerfile's own or one above it, and the
/// caveat that says so.
pub(super) fn other_context(view: &View<'_>) -> Option<(RepoPath, Caveat)> {
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
        if missing.is_empty()
            && let Some((line, command, file)) =
                install_without_manifest(view, &RepoPath::new(above))
        {
            let whole = view.context.join(above.as_bytes());
            let told = format!(
                "Line {line} runs {command} where the context has no {file}, which {whole} holds: is that what it is built from (--context {whole})?"
            );
            return Some((whole, Caveat::general(told)));
        }
        // Some may be made before the build.
        if let Some(example) = there.first().filter(|_| 2 * there.len() >= missing.len()) {
            let whole = view.context.join(above.as_bytes());
            let named = with_others(example, there.len());
            let told = format!(
                "COPY names {named}, which the context lacks and {whole} holds: is that what it is built from (--context {whole})?"
            );
            return Some((whole, Caveat::general(told)));
        }
    }
    None
}

/// The first of `n` names in a sentence, with how many there are beside it.
pub(super) fn with_others(first: &str, n: usize) -> String {
    match n {
        0 | 1 => first.to_owned(),
        n => format!("{first} and {} more", n - 1),
    }
}

/// Takes everything back that is recommended on the wrong context: it is only shown where all is.
pub(super) fn set_aside(answer: &mut Suggestions, (context, caveat): (RepoPath, Caveat)) {
    let found = [&mut answer.order, &mut answer.instead, &mut answer.small];
    for mut suggestion in found.into_iter().flat_map(std::mem::take) {
        suggestion.on_top = None;
        suggestion.why_not = format!(
            "it was found with another context than {context}, which seems to be the one that is built from"
        );
        answer.idle.push(suggestion);
    }
    answer.then = answer.now.clone();
    answer.mean.1 = answer.mean.0;
    let (_, _, compared) = answer.saving.builds;
    answer.saving = Saving {
        builds: (0, 0, compared),
        ..Saving::default()
    };
    answer.caveats.insert(0, caveat);
    answer.elsewhere = Some(context);
}
