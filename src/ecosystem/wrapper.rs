//! The wrapper that a project brings along in place of a build tool: `gradlew`, `mvnw`.

use super::call::Call;
use super::needs::Needs;
use crate::tree::FileKind;

/// The program as a line of its own runs it, where that may be `wrapper`: without the executable bit by way of the shell.
pub(super) fn program(call: &Call<'_>, wrapper: &str, needs: &mut Needs) -> String {
    let written = call.words.first().cloned().unwrap_or_default();
    if call.program() != wrapper {
        return written;
    }
    let stamp = call.files.stamp(&call.dir.join(wrapper.as_bytes()));
    match stamp.map(|s| s.kind) {
        Some(FileKind::Executable) => written,
        Some(_) => {
            needs.shown(format!(
                "{wrapper} is not executable in git, so that the shell runs it"
            ));
            format!("sh {written}")
        }
        None => {
            needs.absent(format!("{wrapper} is not in the repository"));
            written
        }
    }
}
