//! The replay itself: builds in, outcomes out, one after the other.

use super::outcome::{BuildOutcome, Outcome};
use super::settings::Settings;
use crate::caveat::Caveat;
use crate::history::BuildInput;

/// A builder with its cache, given one build after the other.
pub struct Replay {
    settings: Settings,
}

impl Replay {
    /// A builder with an empty cache.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// The paths (from the repository's root) whose bytes each [`BuildInput::watched`] must hold, in this order.
    pub fn watched(settings: &Settings) -> Vec<crate::tree::RepoPath> {
        let _ = settings;
        Vec::new()
    }

    /// Builds the next one. The tree's changes must be relative to the input given before.
    pub fn build(&mut self, input: &BuildInput) -> BuildOutcome {
        let _ = (&self.settings, input);
        unimplemented!("being written")
    }

    /// What was assumed so far, in order of first appearance.
    pub fn caveats(&self) -> &[Caveat] {
        &[]
    }
}

/// All builds in order.
pub fn replay(settings: &Settings, inputs: &[BuildInput]) -> Outcome {
    let mut replay = Replay::new(settings.clone());
    let builds = inputs.iter().map(|input| replay.build(input)).collect();
    Outcome { builds, caveats: replay.caveats().to_vec() }
}
