//! Builds for a platform that the builder's machine emulates.

use super::answer::Condition;
use crate::replay::Settings;
use crate::restructure::View;
use crate::restructure::platforms::emulated_by;
use crate::restructure::search::Proposal;

/// What is most often built for beside the builder's own platform.
const USUAL: &str = "linux/arm64";

/// The condition in words and the settings under it, for proposals by which stages say on which platform they run; `None`
/// for others, and where it was said what is built for.
pub(super) fn emulating(
    view: &View<'_>,
    settings: &Settings,
    proposal: &Proposal,
) -> Option<(Condition, Settings)> {
    let platforms = |text: &str| text.matches("--platform").count();
    let says = platforms(&proposal.draft.dockerfile) > platforms(view.text());
    if !says || settings.platform.is_some() {
        return None;
    }
    let (platform, by) = match emulated_by(view) {
        Some((platform, by)) => (platform, Some(by)),
        None => (USUAL.to_owned(), None),
    };
    let settings = Settings {
        platform: Some(platform.clone()),
        ..settings.clone()
    };
    Some((Condition::Emulated { platform, by }, settings))
}
