//! Words of an install that a test among them chooses: `npm ci $([ -d dist ] && echo --omit=dev || echo)`.

use super::read::Read;
use crate::context::IgnoreRules;
use crate::ecosystem::Needs;
use crate::shell::{Command, Seen};
use crate::tree::RepoPath;

/// Flags of Node's package managers that say which groups of the same manifests are installed, or how much is told of it.
const GROUPS: &[&str] = &[
    "--dev",
    "--frozen-lockfile",
    "--include",
    "--no-audit",
    "--no-dev",
    "--no-fund",
    "--no-optional",
    "--no-progress",
    "--omit",
    "--only",
    "--prefer-offline",
    "--prod",
    "--production",
    "--quiet",
    "--silent",
    "--verbose",
];

impl Read<'_> {
    /// Takes out of an install's words the one that is chosen so: whichever it comes to, the same files are read.
    pub(super) fn without_chosen(&self, seen: &Seen, words: &mut Vec<String>) {
        let command = self.script.commands.get(seen.command);
        if let Some(chosen) = command.and_then(chosen) {
            words.retain(|word| word != chosen);
        }
    }

    /// Adds the paths that the choice looks at, and that some build's context may hold them where git does not.
    pub(super) fn note_chosen(&self, seen: &Seen, needs: &mut Needs) {
        let command = self.script.commands.get(seen.command);
        let Some(command) = command.filter(|c| chosen(c).is_some()) else {
            return;
        };
        let line = self.of.stage.instructions[self.run].lines.first;
        let tests = command.substitutions.iter().filter(|inner| is_test(inner));
        let words = tests.flat_map(Command::args);
        let operands = words.filter(|w| !w.starts_with(['-', '!', '=', ']']) && !w.is_empty());
        self.with_call(seen, |call| {
            for word in operands {
                let path = call.dir.join(word.as_bytes());
                if !needs.path(&call.files, &path) && !self.is_ignored(&path) {
                    needs.doubt(format!(
                        "check that {word} is never made in the context before a build; line {line} looks for it and would stand above its COPY"
                    ));
                }
            }
        });
    }

    /// Whether the ignore file keeps a path of the project's place out of the context.
    fn is_ignored(&self, path: &RepoPath) -> bool {
        let is_same = self.origins.iter().all(|(to, from)| to == from);
        let hides = |text: &str| IgnoreRules::hides(text, path);
        is_same && self.of.view.ignore.is_some_and(|(_, text)| hides(text))
    }
}

/// The word of a command that a test inside it chooses, where all that it may come to are flags that change nothing of
/// what is read.
fn chosen(command: &Command) -> Option<&String> {
    if !matches!(command.name(), "bun" | "npm" | "pnpm" | "yarn") {
        return None;
    }
    let is_asked = |text: &str| text.contains("$(") || text.contains('`');
    let mut asked = command.words.iter().filter(|w| is_asked(&w.text));
    let word = asked.next().map(|w| &w.text)?;
    let is_one = asked.next().is_none()
        && word.starts_with("$(")
        && word.ends_with(')')
        && !command.assignments.iter().any(|a| is_asked(&a.value));
    let inner = &command.substitutions;
    let is_choice = inner.iter().any(is_test) && inner.iter().any(says_flags);
    let is_known = |c: &Command| is_test(c) || says_flags(c);
    (is_one && is_choice && inner.iter().all(is_known)).then_some(word)
}

fn is_test(command: &Command) -> bool {
    let is_plain = |word: &&str| !word.contains(['$', '`', '*', '?', '/']);
    matches!(command.name(), "[" | "test")
        && command.redirections.is_empty()
        && command.args().iter().all(is_plain)
}

fn says_flags(command: &Command) -> bool {
    let is_one = |word: &&str| {
        let name = word.split('=').next().unwrap_or_default();
        word.is_empty() || GROUPS.contains(&name)
    };
    match command.name() {
        ":" | "true" => true,
        "echo" | "printf" => {
            command.redirections.is_empty()
                && command
                    .args()
                    .iter()
                    .flat_map(|a| a.split(' '))
                    .all(|w| is_one(&w))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_chosen_where_it_comes_to_groups_alone() {
        let check = |text: &str, expected: bool| {
            let script = crate::shell::parse(text);
            assert_eq!(chosen(&script.commands[0]).is_some(), expected, "{text}");
        };
        check(
            "npm ci $([ -d 'dist' ] && echo '--omit=dev' || echo '')",
            true,
        );
        check("npm ci $(test -f x && echo --production)", true);
        check("npm ci $([ -d dist ] && echo '--prefix web')", false);
        check("npm ci $([ -d dist ] && echo react)", false);
        check("npm ci $([ -d dist ] && cat flags)", false);
        check("npm ci $([ -d \"$D\" ] && echo --omit=dev)", false);
        check("npm ci $([ -d ../dist ] && echo --omit=dev)", false);
        check("npm ci $(echo --omit=dev)", false);
        check("npm ci $([ -d a ] && echo --dev) $(cat b)", false);
        check("make $([ -d dist ] && echo --quiet)", false);
        check("npm ci --omit=dev", false);
    }
}
