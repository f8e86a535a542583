//! The words of a RUN that keep downloads out of its layer: where a cache mount holds them they have nothing to do, and
//! would leave the mount empty.

use super::super::candidate::TextEdit;
use super::super::layout::{Place, expand, is_within};
use super::super::named::scripts_run;
use super::super::run_text::{RunText, run_text};
use super::super::view::View;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Command, Instruction, Kind};
use crate::shell::{self, Connector, Piece, Seen};

/// What is taken out of a RUN.
#[derive(Default)]
pub(in crate::restructure) struct Emptied {
    pub(in crate::restructure) edits: Vec<TextEdit>,
    /// The words taken out, for a reason.
    pub(in crate::restructure) words: Vec<String>,
    /// What is to be checked.
    pub(in crate::restructure) doubts: Vec<String>,
}

/// Why words went, where some did.
pub(in crate::restructure) fn why_taken_out(mut words: Vec<String>) -> Option<String> {
    words.sort();
    words.dedup();
    (!words.is_empty()).then(|| {
        let goes = if words.len() == 1 { "goes" } else { "go" };
        format!(
            "`{}` {goes}, since no download is left in the layer",
            words.join("` and `")
        )
    })
}

/// Flags by which an installer keeps no downloads.
const FLAGS: [(&str, &str); 6] = [
    ("pip", "--no-cache-dir"),
    // pip takes the beginning of an option for the option.
    ("pip", "--no-cache"),
    ("uv", "--no-cache"),
    ("poetry", "--no-cache"),
    ("bun", "--no-cache"),
    // What was kept goes before anything is installed (`pipenv install --help`).
    ("pipenv", "--clear"),
];

/// Commands that empty an ecosystem's downloads, by their first words.
const CLEANERS: [(&str, &[&str]); 21] = [
    ("apt", &["apt", "autoclean"]),
    ("apt", &["apt", "clean"]),
    ("apt", &["apt-get", "autoclean"]),
    ("apt", &["apt-get", "clean"]),
    ("apk", &["apk", "cache", "clean"]),
    ("apk", &["apk", "cache", "purge"]),
    ("dnf", &["dnf", "clean"]),
    ("pip", &["pip", "cache", "purge"]),
    ("pip", &["pip3", "cache", "purge"]),
    ("npm", &["npm", "cache", "clean"]),
    ("yarn", &["yarn", "cache", "clean"]),
    // What no project links to goes: all that is copied from a mount (pnpm.io/cli/store).
    ("pnpm", &["pnpm", "store", "prune"]),
    ("bun", &["bun", "pm", "cache", "rm"]),
    ("poetry", &["poetry", "cache", "clear"]),
    ("uv", &["uv", "cache", "clean"]),
    ("uv", &["uv", "cache", "prune"]),
    ("maven", &["mvn", "dependency:purge-local-repository"]),
    ("dart", &["dart", "pub", "cache", "clean"]),
    ("composer", &["composer", "clear-cache"]),
    ("composer", &["composer", "clearcache"]),
    ("nuget", &["dotnet", "nuget", "locals"]),
];

/// What has to go from RUN `instruction` for a mount of `ecosystem` at `target` to keep anything; `None` where that cannot
/// be taken out.
pub(in crate::restructure) fn emptied(
    view: &View<'_>,
    instruction: &Instruction,
    ecosystem: &str,
    (target, place): (&str, &Place),
) -> Option<Emptied> {
    let Kind::Run(run) = &instruction.kind else {
        return None;
    };
    if !matches!(run.command, Command::Shell(_)) || !instruction.heredocs.is_empty() {
        let bodies = instruction.heredocs.iter().map(|h| h.content.as_str());
        let mut texts = bodies.chain([instruction.original.as_str()]);
        let is_emptied = texts.any(|text| {
            throws_away(text, target, place)
                || emptied_by_scripts(view, text, ecosystem, (&[target], place))
        });
        return (!is_emptied).then(Emptied::default);
    }
    let run = run_text(view, instruction)?;
    emptied_in(view, &run, ecosystem, (&[target], place))
}

/// What has to go from the text of a RUN for mounts of `ecosystem` at `targets` to keep anything; `None` where that
/// cannot be taken out.
pub(in crate::restructure) fn emptied_in(
    view: &View<'_>,
    run: &RunText<'_>,
    ecosystem: &str,
    (targets, place): (&[&str], &Place),
) -> Option<Emptied> {
    if emptied_by_scripts(view, run.text, ecosystem, (targets, place)) {
        return None;
    }
    let (start, script) = (run.start, &run.script);
    let mut found = Emptied::default();
    let mut whole: Vec<usize> = Vec::new();
    let seen = script.seen();
    for (n, piece) in script.pieces.iter().enumerate() {
        let (first, past) = piece.commands;
        let commands: Vec<&Seen> = seen
            .iter()
            .filter(|s| (first..past).contains(&s.command))
            .collect();
        let span = Span::new(start + piece.span.start, start + piece.span.end);
        let part = view.text().get(span.range())?;
        let flags = FLAGS.iter().filter(|(e, _)| *e == ecosystem);
        for (_, flag) in flags {
            if !flag_spans(part, &commands, ecosystem, flag)?.is_empty() {
                found.take_words(part, span.start, flag);
            }
        }
        // Its directory goes too, which cannot be taken from under a mount.
        if ecosystem == "go" && commands.iter().any(|s| cleans_go(s)) {
            return None;
        }
        let Some(what) = commands
            .iter()
            .find_map(|s| cleans(s, ecosystem, targets, place))
        else {
            continue;
        };
        // Only a command of its own in a chain, which the rest does not depend on, can go.
        let joined = |p: &Piece| matches!(p.connector, Connector::And | Connector::Then);
        let is_free = n > 0
            && commands.len() == 1
            && joined(piece)
            && script.pieces.get(n + 1).is_none_or(joined);
        if !is_free {
            return None;
        }
        found.doubts.extend(what.doubt);
        if what.only.is_empty() {
            found.words.push(commands[0].words.join(" "));
            whole.push(n);
        }
        for word in &what.only {
            // Where it is written another way, nothing is known of it.
            found.take_words(part, span.start, word).then_some(())?;
        }
    }
    let joined_by = |n: usize| script.pieces.get(n).map(|p| p.connector);
    let seen_in = |n: usize| {
        let (first, past) = script.pieces.get(n)?.commands;
        seen.iter().find(|s| (first..past).contains(&s.command))
    };
    // Neighbours go together.
    for group in whole.chunk_by(|one, next| one + 1 == *next) {
        let (first, last) = (*group.first()?, *group.last()?);
        let piece = |n: usize| script.pieces.get(n).map(|p| p.span);
        let is_lax = joined_by(first) == Some(Connector::Then);
        // `a; rm x && b` is not `a && b`.
        if is_lax && joined_by(last + 1) == Some(Connector::And) {
            return None;
        }
        if is_lax && last + 1 == script.pieces.len() && !stops(view, &seen) {
            found.doubts.push(format!(
                "without `{}` at its end, the RUN fails where the command before it does: check that the build may stop there",
                seen_in(first)?.words.join(" ")
            ));
        }
        let before = start + piece(first.checked_sub(1)?)?.end;
        let span = Span::new(start + piece(first)?.start, start + piece(last)?.end);
        let is_last = last + 1 == script.pieces.len();
        found.edits.push(cut(view.text(), before, span, is_last)?);
    }
    Some(found)
}

/// The edits that take `flag` out of all commands of a RUN that are called `program…` and say it; `None` where that cannot
/// be told from what others say.
pub(in crate::restructure) fn without_flag(
    view: &View<'_>,
    instruction: &Instruction,
    program: &str,
    flag: &str,
) -> Option<Vec<TextEdit>> {
    let run = run_text(view, instruction).filter(|_| instruction.heredocs.is_empty())?;
    let seen = run.script.seen();
    let mut edits = Vec::new();
    for piece in &run.script.pieces {
        let (first, past) = piece.commands;
        let commands = seen.iter().filter(|s| (first..past).contains(&s.command));
        let commands: Vec<&Seen> = commands.collect();
        let part = run.text.get(piece.span.start..piece.span.end)?;
        let at = run.start + piece.span.start;
        let cut = |s: Span| TextEdit::delete(Span::new(at + s.start, at + s.end));
        edits.extend(
            flag_spans(part, &commands, program, flag)?
                .into_iter()
                .map(cut),
        );
    }
    Some(edits)
}

/// Where those of `commands` that are called `program…` say `flag` in their text; `None` where another command says it
/// too, or a text inside: it is not known then whose is which.
fn flag_spans(part: &str, commands: &[&Seen], program: &str, flag: &str) -> Option<Vec<Span>> {
    let ours = commands.iter().filter(|s| s.name().starts_with(program));
    let said = ours.filter(|s| s.args().iter().any(|a| a == flag)).count();
    if said == 0 {
        return Some(Vec::new());
    }
    Some(words(part, flag)).filter(|spans| spans.len() == said)
}

/// Whether the shell of a RUN with the commands `all` stops where one of them fails: by `set -e`, or by SHELL.
fn stops(view: &View<'_>, all: &[Seen]) -> bool {
    let says = |a: &String| {
        a == "errexit" || a.starts_with('-') && !a.starts_with("--") && a.contains('e')
    };
    let mut shells = view.dockerfile.instructions();
    shells.any(|i| matches!(&i.kind, Kind::Shell(words) if words.iter().any(says)))
        || all
            .iter()
            .any(|s| s.name() == "set" && s.args().iter().any(says))
}

/// Whether a script of the tree that `text` names empties one of `targets`, or has what it installs kept nowhere: it does
/// so under a mount too.
fn emptied_by_scripts(
    view: &View<'_>,
    text: &str,
    ecosystem: &str,
    (targets, place): (&[&str], &Place),
) -> bool {
    let scripts = scripts_run(view, &[text.to_owned()]);
    scripts.iter().any(|script| {
        let script = shell::parse(&String::from_utf8_lossy(script));
        let seen = script.seen();
        seen.iter().any(|s| {
            cleans(s, ecosystem, targets, place).is_some()
                || (ecosystem == "go" && cleans_go(s))
                || keeps_nothing(s, ecosystem)
        })
    })
}

/// Whether a command is told to keep no downloads.
fn keeps_nothing(seen: &Seen, ecosystem: &str) -> bool {
    let own = FLAGS.iter().filter(|(e, _)| *e == ecosystem);
    let mut own = own.filter(|_| seen.name().starts_with(ecosystem));
    own.any(|(_, flag)| seen.args().iter().any(|a| a == flag))
}

/// Takes the command at `span` out of a chain with what joins it to the one that ends at `before`; comments between them
/// stay, behind the RUN where it was the last. `None` where a line holds more than the command.
fn cut(text: &str, before: usize, span: Span, is_last: bool) -> Option<TextEdit> {
    let gap = text.get(before..span.start)?;
    let is_comment = |line: &&str| line.trim_start().starts_with('#');
    let comments: Vec<&str> = gap.lines().filter(is_comment).collect();
    let Some(last) = comments.last() else {
        return Some(TextEdit::delete(Span::new(before, span.end)));
    };
    if is_last {
        let kept: String = comments.iter().map(|c| format!("\n{c}")).collect();
        return Some(TextEdit::replace(Span::new(before, span.end), kept));
    }
    let end = gap.rfind(last)? + last.len();
    let from = before + end + gap[end..].find('\n')? + 1;
    let line = text[span.end..].find('\n')?;
    let rest = &text[span.end..span.end + line];
    let is_alone = rest
        .chars()
        .all(|c| c.is_whitespace() || "&;\\`".contains(c));
    is_alone.then(|| TextEdit::delete(Span::new(from, span.end + line + 1)))
}

impl Emptied {
    /// Takes `word` out wherever it stands by itself in `part`, which begins at `start`; whether it does.
    fn take_words(&mut self, part: &str, start: usize, word: &str) -> bool {
        let spans = words(part, word);
        if spans.is_empty() {
            return false;
        }
        self.words.push(word.to_owned());
        let cut = |s: &Span| TextEdit::delete(Span::new(start + s.start, start + s.end));
        self.edits.extend(spans.iter().map(cut));
        true
    }
}

/// What of a command empties downloads.
struct Cleaning {
    /// The words that do, where others do something else; empty for the whole command.
    only: Vec<String>,
    /// What is to be checked without it.
    doubt: Option<String>,
}

/// `go clean -modcache`, `go clean -cache`: what Go has fetched or compiled goes (`go help clean`).
pub(in crate::restructure) fn cleans_go(seen: &Seen) -> bool {
    let is_cache = |word: &String| matches!(word.trim_start_matches('-'), "modcache" | "cache");
    seen.name() == "go" && seen.subcommand() == "clean" && seen.args().iter().any(is_cache)
}

/// What of a command empties the downloads at `targets`.
fn cleans(seen: &Seen, ecosystem: &str, targets: &[&str], place: &Place) -> Option<Cleaning> {
    let is_cleaner = |words: &[&str]| {
        let mut said = seen.words.iter().filter(|w| !w.starts_with('-'));
        // `composer.phar clear-cache`.
        let is_said = |w: &&str| {
            said.next()
                .is_some_and(|s| s.trim_end_matches(".phar") == *w)
        };
        words.iter().all(is_said)
    };
    if CLEANERS
        .iter()
        .any(|(e, words)| *e == ecosystem && is_cleaner(words))
    {
        return Some(Cleaning {
            only: Vec::new(),
            doubt: None,
        });
    }
    if seen.name() != "rm" {
        return None;
    }
    let home = place.home();
    let place = |word: &str| {
        let path = word.replacen('~', home, 1);
        let path = path.replace("${HOME}", home).replace("$HOME", home);
        let path = expand(&path, &place.variables).unwrap_or(path);
        path.trim_end_matches(['/', '*']).to_owned()
    };
    let is_it = |word: &str| {
        let path = place(word);
        let meets = |t: &&str| is_within(t, &path) || is_within(&path, t);
        targets.iter().any(meets)
    };
    let named: Vec<&String> = seen.args().iter().filter(|a| !a.starts_with('-')).collect();
    let ours: Vec<&String> = named.iter().copied().filter(|w| is_it(w)).collect();
    if ours.is_empty() {
        return None;
    }
    let above: Vec<String> = ours
        .iter()
        .map(|w| place(w))
        .filter(|p| !targets.iter().any(|t| is_within(p, t)))
        .collect();
    let is_all = ours.len() == named.len();
    Some(Cleaning {
        only: if is_all {
            Vec::new()
        } else {
            ours.into_iter().cloned().collect()
        },
        doubt: (!above.is_empty()).then(|| {
            format!(
                "check that no other command leaves anything in {}, which is no longer emptied",
                above.join(" and ")
            )
        }),
    })
}

/// Whether the text of a RUN that is not looked into may empty `target`.
fn throws_away(text: &str, target: &str, place: &Place) -> bool {
    let home = place.home();
    let last = target.rsplit('/').next().unwrap_or(target);
    let mut set = place.variables.iter();
    let is_named = set.any(|(name, value)| {
        let holds = value
            .as_ref()
            .is_some_and(|v| v != "/" && is_within(target, v));
        holds
            && [format!("${name}"), format!("${{{name}}}")]
                .iter()
                .any(|n| text.contains(n))
    });
    let says = |word: &str| text.contains(word);
    says("cache clean")
        || says("clear-cache")
        || says("clearcache")
        || says("cache purge")
        || says(&format!("{home}/.cache"))
        || says("~/.cache")
        || says("$HOME/.cache")
        || (says("rm ") && (says(last) || is_named))
        || FLAGS.iter().any(|(_, flag)| says(flag))
}

/// Where `word` stands in `text` by itself, each time with the blank before it; with its line where nothing else is on it.
fn words(text: &str, word: &str) -> Vec<Span> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(word) {
        let end = at + word.len();
        let is_blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
        if !is_blank(text[..at].chars().next_back()) || !is_blank(text[end..].chars().next()) {
            continue;
        }
        let line = text[..at].rfind('\n').map_or(0, |i| i + 1);
        let next = text[end..].find('\n').map(|i| end + i + 1);
        let is_alone = line > 0
            && text[line..at].trim().is_empty()
            && next.is_some_and(|next| text[end..next].trim() == "\\");
        found.push(match next {
            Some(next) if is_alone => Span::new(line, next),
            _ => Span::new(at.saturating_sub(1), end),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_goes_and_comments_stay() {
        let check = |text: &str, before: &str, command: &str, is_last: bool, want: &str| {
            let at = text.find(command).unwrap();
            let span = Span::new(at, at + command.len());
            let edit = cut(text, before.len(), span, is_last).unwrap();
            let mut left = text.to_owned();
            left.replace_range(edit.span.range(), &edit.replacement);
            assert_eq!(left, want);
        };
        check("a && rm x && b", "a", "rm x", false, "a && b");
        check("a && rm x", "a", "rm x", true, "a");
        check(
            "a \\\n  # c\n  && rm x\nRUN b",
            "a",
            "rm x",
            true,
            "a\n  # c\nRUN b",
        );
        check(
            "a \\\n  # c\n  && rm x \\\n  && b",
            "a",
            "rm x",
            false,
            "a \\\n  # c\n  && b",
        );
        check(
            "a && \\\n  # c\n  rm x && \\\n  b",
            "a",
            "rm x",
            false,
            "a && \\\n  # c\n  b",
        );
    }

    #[test]
    fn a_flag_goes_with_its_blank_or_its_line() {
        let check = |text: &str, want: &str| {
            let mut left = text.to_owned();
            for span in words(text, "--no-cache-dir").into_iter().rev() {
                left.replace_range(span.range(), "");
            }
            assert_eq!(left, want);
        };
        check(" pip install --no-cache-dir a", " pip install a");
        check(" pip --no-cache-dir install a", " pip install a");
        check(" pip install a --no-cache-dir", " pip install a");
        check(
            " pip install \\\n  --no-cache-dir \\\n  a",
            " pip install \\\n  a",
        );
        check(
            " pip install --no-cache-dirs",
            " pip install --no-cache-dirs",
        );
    }
}
