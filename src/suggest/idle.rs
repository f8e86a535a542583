//! Why a proposal is not recommended.

use super::answer::Saving;
use crate::restructure::Candidate;
use crate::restructure::search::Gain;

/// Why, in one sentence.
pub(super) fn why_idle(
    gain: Option<Gain>,
    saving: Option<&Saving>,
    candidate: &Candidate,
) -> String {
    match (gain, saving) {
        _ if candidate.restarts => "no replay shows it, since what is built outside git is not known: with each change of the application, the bytes of the libraries need not be written, pushed and pulled again".to_owned(),
        (None, _) => "it cannot be built at half of these commits, so this history cannot judge it"
            .to_owned(),
        (Some(gain), _) if gain.median < 0 => {
            "on this history it costs more than it saves".to_owned()
        }
        _ if candidate.changes_image => {
            "it makes the image smaller, and saves too little time for a change of what the image holds".to_owned()
        }
        (Some(_), Some(saving)) if saving.builds.0 == 0 => {
            "no build of this history gets faster".to_owned()
        }
        (Some(_), _) => "what it saves on this history is too little to recommend it".to_owned(),
    }
}
