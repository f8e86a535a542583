//! What is known of a command of a RUN: what an ecosystem says of it, or of the commands that stand behind it.

use super::all::ask;
use super::behind;
use super::call::Call;
use super::needs::Needs;
use super::plan::Answer;

/// What is known of one command, or of the commands behind it; `None` when no ecosystem's command resolves dependencies
/// in it.
pub fn plan(call: &Call<'_>) -> Option<Answer> {
    let Some(mut answer) = ask(call) else {
        return behind::plan(call);
    };
    if let Answer::Plan(plan) = &mut answer {
        add_program(call, &mut plan.needs);
    }
    Some(answer)
}

/// The program itself, where it is a file of the project: `bin/dep`.
fn add_program(call: &Call<'_>, needs: &mut Needs) {
    let written = call.words.first().filter(|w| w.contains('/'));
    let Some(path) = written.and_then(|w| call.path(w)) else {
        return;
    };
    if !needs.files.contains(&path) && needs.file(&call.files, &path) {
        needs.doubt(format!(
            "check what else {path} reads, a program of the project"
        ));
    }
}
