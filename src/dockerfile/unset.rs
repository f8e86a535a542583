//! `$PWD` in the sources of COPY and ADD: shells set it, builders do not, so it stands for nothing.
//!
//! Source of the rule: moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go (dispatch) puts in what ARG, ENV and
//! the image's configuration set; a variable that none of them sets is empty (shell/lex.go). An image may set any other
//! name; PWD is set by the shell that a container starts, at the time.

use super::ast::Instruction;
use super::ast::Kind;
use super::ast::Source;
use super::ast::Stage;

/// The variable, as it may be written.
const WRITTEN: [&str; 2] = ["$PWD", "${PWD}"];

/// Has `COPY $PWD/src` name `./src`, and `COPY $PWD` the context's root, where no instruction sets the variable.
pub(super) fn resolve(stages: &mut [Stage]) {
    let mut all = stages.iter().flat_map(|s| &s.instructions);
    if all.any(sets_it) {
        return;
    }
    for instruction in stages.iter_mut().flat_map(|s| &mut s.instructions) {
        if instruction.flag("from").is_some() {
            continue;
        }
        let (Kind::Copy(transfer) | Kind::Add(transfer)) = &mut instruction.kind else {
            continue;
        };
        for source in &mut transfer.sources {
            if let Source::Path(path) = source
                && let Some(rest) = behind(path)
            {
                *path = format!(".{rest}");
            }
        }
    }
}

fn sets_it(instruction: &Instruction) -> bool {
    match &instruction.kind {
        Kind::Arg(items) => items.iter().any(|item| item.name == "PWD"),
        Kind::Env(pairs) => pairs.iter().any(|pair| pair.name == "PWD"),
        _ => false,
    }
}

/// What stands behind the variable in a source: nothing, or a path from the root on.
fn behind(path: &str) -> Option<&str> {
    let bare = path.strip_prefix('"').and_then(|p| p.strip_suffix('"'));
    let path = bare.unwrap_or(path);
    let mut rests = WRITTEN.iter().filter_map(|name| path.strip_prefix(name));
    rests.find(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile;

    #[test]
    fn a_variable_that_nothing_sets_stands_for_nothing() {
        let check = |above: &str, copy: &str, expected: &str| {
            let text = format!("FROM a\n{above}{copy}\n");
            let parsed = dockerfile::parse(&text).unwrap().dockerfile;
            let last = parsed.stages[0].instructions.last().unwrap();
            let (Kind::Copy(transfer) | Kind::Add(transfer)) = &last.kind else {
                panic!("{text}");
            };
            let expected = vec![Source::Path(expected.to_owned())];
            assert_eq!(transfer.sources, expected, "{text}");
        };
        check("", "COPY $PWD /x", ".");
        check("", "COPY ${PWD} /x", ".");
        check("", "COPY \"$PWD\" /x", ".");
        check("", "ADD [\"$PWD/a b\", \"/x\"]", "./a b");
        check("", "COPY $PWD/src/ /x", "./src/");
        check("", "COPY $PWDS /x", "$PWDS");
        check("", "COPY a$PWD /x", "a$PWD");
        check("", "COPY ${PWD:-src} /x", "${PWD:-src}");
        check("", "COPY $HOME/x /x", "$HOME/x");
        check("", "COPY --from=b $PWD/x /x", "$PWD/x");
        check("ARG PWD=src\n", "COPY $PWD /x", "$PWD");
        check("ENV A=1 PWD=/src\n", "COPY $PWD /x", "$PWD");
    }
}
