//! Commands of the shell that work on what an ecosystem keeps: a module that is patched, a package that is copied out. A
//! mount may be empty when the next RUN comes, or another project's: what was changed there is lost, or is theirs.

use super::super::command;
use super::super::layout::{Place, absolute, expand, is_within};
use crate::dockerfile::ast::Instruction;
use crate::shell;

/// Commands that read or change the files that they are given, by their manuals.
const WORKERS: &[&str] = &[
    "awk", "cat", "cd", "chgrp", "chmod", "chown", "cp", "find", "git", "grep", "install", "ln",
    "mv", "patch", "perl", "pushd", "rm", "rsync", "sed", "tar", "tee", "touch", "truncate",
];

/// Whether a command of a RUN that is no installer's names what is at or below `target`.
pub(in crate::restructure) fn is_worked_on(
    instruction: &Instruction,
    place: &Place,
    target: &str,
    is_read_later: bool,
) -> bool {
    let Some(text) = instruction.shell_text() else {
        return false;
    };
    let heredocs = instruction.heredocs.iter().map(|h| h.content.as_str());
    let mut texts = std::iter::once(text).chain(heredocs);
    texts.any(|text| {
        let script = shell::parse(text);
        let inside = script.commands.iter().flat_map(|c| &c.substitutions);
        let mut all = script.commands.iter().chain(inside);
        let names = |name: &str, word: &str| names(name, word, place, target, is_read_later);
        let is_one = all.any(|command| {
            let mut redirections = command.redirections.iter();
            redirections.any(|r| names("tee", &r.target))
        });
        let mut seen = script.seen().into_iter();
        let mut inside = script.commands.iter().flat_map(|c| &c.substitutions);
        is_one
            || seen.any(|s| s.args().iter().any(|w| names(s.name(), w)))
            || inside.any(|c| c.args().iter().any(|w| names(c.name(), w)))
    })
}

/// Whether a RUN gives `target`, or a directory that it lies in, to somebody else or copies it: whoever told the tool to
/// keep its downloads there wants them there.
pub(in crate::restructure) fn is_handed_over(
    instruction: &Instruction,
    place: &Place,
    target: &str,
) -> bool {
    let hands = |seen: &shell::Seen| {
        let is_one = matches!(
            seen.name(),
            "chgrp" | "chmod" | "chown" | "cp" | "ln" | "mv" | "rsync" | "tar"
        );
        is_one
            && seen.args().iter().any(|word| {
                let path = expand(word, &place.variables);
                let path = path.and_then(|p| absolute(place.cwd.as_deref(), &p));
                path.is_some_and(|path| path != "/" && is_within(target, &path))
            })
    };
    command::seen(instruction).is_some_and(|all| all.iter().any(hands))
}

/// Whether command `name` works on what is at or below `target` where it is given `word`.
fn names(name: &str, word: &str, place: &Place, target: &str, is_read_later: bool) -> bool {
    if !WORKERS.contains(&name) {
        return false;
    }
    let (is_at, is_below) = meets(word, place, target);
    match name {
        // What cleans up is taken out, or keeps the mount away, by rules of its own.
        "rm" => is_below && is_read_later,
        "chgrp" | "chmod" | "chown" | "touch" => is_below,
        _ => is_at || is_below,
    }
}

/// Whether `word` is `target`, and whether it lies below.
fn meets(word: &str, place: &Place, target: &str) -> (bool, bool) {
    let word = word.trim_start_matches('-').trim_start_matches("exec=");
    let home = place.home();
    let word = match word.strip_prefix('~') {
        Some(rest) => format!("{home}{rest}"),
        None => word.replace("${HOME}", home).replace("$HOME", home),
    };
    let word = expand(&word, &place.variables).unwrap_or(word);
    let wanted: Vec<&str> = target.split('/').filter(|n| !n.is_empty()).collect();
    let Some(at) = word.rfind(['$', ')', '`', '}']) else {
        let path = absolute(place.cwd.as_deref(), &word);
        let path = path.filter(|p| is_within(p, target));
        return path.map_or((false, false), |p| (p == target, p != target));
    };
    // Of a variable that only the image knows, what is behind it tells: `$GOPATH/pkg/mod/…`.
    if word.contains("GOMODCACHE") && target.ends_with("/pkg/mod") {
        return (true, word[at..].contains('/'));
    }
    let tail = word[at..].split_once('/').map_or("", |(_, tail)| tail);
    let tail: Vec<&str> = tail.split('/').filter(|n| !n.is_empty()).collect();
    let n_shared = (1..=wanted.len().min(tail.len()))
        .rev()
        .find(|n| wanted.ends_with(&tail[..*n]));
    n_shared.map_or((false, false), |n| (n == tail.len(), n < tail.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::parse;

    #[test]
    fn what_is_given_to_somebody_else_is_told() {
        let check = |run: &str, want: bool| {
            let parsed = parse(&format!("FROM a\nWORKDIR /app\nRUN {run}\n")).unwrap();
            let step = &parsed.dockerfile.stages[0].instructions[1];
            let place = Place {
                cwd: Some("/app".to_owned()),
                ..Place::default()
            };
            let is_it = is_handed_over(step, &place, "/app/.m2/repository");
            assert_eq!(is_it, want, "{run}");
        };
        check("mvn package && chown -R node:node /app/.m2", true);
        check("chown -R node .", true);
        check("cp -r .m2 /b", true);
        check("chown -R node /app/.m2x /b", false);
        check("mkdir -p /app/.m2 && mvn package", false);
    }

    #[test]
    fn commands_that_change_what_is_kept_are_told() {
        let check = |run: &str, target: &str, want: bool| {
            let parsed = parse(&format!("FROM a\nWORKDIR /w\nRUN {run}\n")).unwrap();
            let step = &parsed.dockerfile.stages[0].instructions[1];
            let place = Place {
                cwd: Some("/w".to_owned()),
                ..Place::default()
            };
            assert_eq!(is_worked_on(step, &place, target, true), want, "{run}");
        };
        let go = "/go/pkg/mod";
        check(
            "go mod download && sed -i 's/a//g' ${GOPATH}/pkg/mod/x/y*/z.go",
            go,
            true,
        );
        check("sed -i s/a// $(go env GOMODCACHE)/x/y.go", go, true);
        check("patch -d /go/pkg/mod/x < a.patch", go, true);
        check("find /go/pkg/mod -name a -exec touch {} +", go, true);
        check("cd $GOPATH/pkg/mod/x && ls", go, true);
        check("echo a > /go/pkg/mod/x/a", go, true);
        check("cp $(find /go/pkg/mod -name a) /a", go, true);
        check("rm -rf /go/pkg/mod/x", go, true);
        check(
            "cp ~/.cargo/registry/src/a /b",
            "/root/.cargo/registry",
            true,
        );
        // The tool itself, what cleans up, and other places.
        check("go mod download && go build -o /go/bin/a", go, false);
        check("GOMODCACHE=/go/pkg/mod go build ./...", go, false);
        check("rm -rf /go/pkg/mod", go, false);
        check(
            "chown -R a /go/pkg/mod && mkdir -p /go/pkg/mod/cache",
            go,
            false,
        );
        check("sed -i s/a// /go/src/x/y.go $GOPATH/src/a", go, false);
        check("cp -r pkg/mod /b", go, false);
    }
}
