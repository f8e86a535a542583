//! One remark on a line of a file: what annotations, SARIF and GitLab's code quality report have in common.

use super::comment_view::CommentView;
use super::comment_view::Outcome;
use super::format::duration_change;
use super::format::share;
use crate::restructure::finding::KINDS;

/// How grave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Costs time.
    Warning,
}

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// The file's path in the repository.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The last line of the instruction there.
    pub last_line: usize,
    /// How grave.
    pub level: Level,
    /// The rule's name.
    pub rule: String,
    /// A sentence.
    pub text: String,
}

/// The rule of the remarks that a comparison makes.
pub const SLOWER_STEP: &str = "slower-step";

/// Below this share of a step in the mean, no remark is made: 0.5 s.
const WORTH_MS: i64 = 500;

/// What a rule is about, for those who see a remark of it; none for a name that is not known.
pub fn help(rule: &str) -> Option<&'static str> {
    if rule == SLOWER_STEP {
        return Some("a step that costs more time per build than on the base");
    }
    KINDS
        .iter()
        .find(|(kind, _)| *kind == rule)
        .map(|(_, what)| *what)
}

/// The steps that get dearer and the findings, on their lines at the head, in order of file and line.
pub fn of_comment(view: &CommentView) -> Vec<Notice> {
    let mut notices = slower_steps(view);
    for image in &view.images {
        let Outcome::Compared(compared) = &image.outcome else {
            continue;
        };
        notices.extend(compared.findings.iter().map(|finding| Notice {
            path: image.dockerfile.clone(),
            line: finding.first,
            last_line: finding.last,
            level: Level::Note,
            rule: finding.rule.clone(),
            text: finding.text.clone(),
        }));
    }
    notices.sort();
    notices.dedup();
    notices
}

/// The steps that get dearer: what annotations show, which are few.
pub fn slower_steps(view: &CommentView) -> Vec<Notice> {
    let mut notices = Vec::new();
    for image in &view.images {
        let Outcome::Compared(compared) = &image.outcome else {
            continue;
        };
        for step in compared
            .steps
            .iter()
            .filter(|s| s.change >= WORTH_MS && s.line > 0)
        {
            let Some(after) = step.runs_after else {
                continue;
            };
            let was = match step.runs_before {
                Some(before) => format!("was {}", share(before, compared.n_builds)),
                None => "it is new".to_owned(),
            };
            let now = share(after, compared.n_builds);
            let change = duration_change(step.change);
            notices.push(Notice {
                path: image.dockerfile.clone(),
                line: step.line,
                last_line: step.line,
                level: Level::Warning,
                rule: SLOWER_STEP.to_owned(),
                text: format!(
                    "This step costs {change} per build: it runs in {now} of builds, {was}."
                ),
            });
        }
    }
    notices.sort();
    notices.dedup();
    notices
}
