//! Our reading against two published parsers: the same instructions at the same lines, but for differences that are known.
//!
//! What BuildKit does is told by `fixtures/dockerfile/dockerfiles.json` and the rules that `dockerfile/` cites; the partners
//! are a second pair of eyes. A difference that is not listed fails, and so does a listed one that is gone.

use crate::parse::fixtures;
use parse_dockerfile::Instruction as Theirs;
use std::collections::BTreeMap;
use stratigraph::dockerfile;

/// Keyword and first line of each instruction; `None` when the file is refused.
type Reading = Option<Vec<(String, usize)>>;

fn ours(text: &str) -> Reading {
    let lines = dockerfile::instruction_lines(text).ok()?;
    Some(
        lines
            .into_iter()
            .map(|(keyword, first, _)| (keyword, first))
            .collect(),
    )
}

fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

fn parse_dockerfile_reading(text: &str) -> Reading {
    let file = parse_dockerfile::parse(text).ok()?;
    let place = |instruction: &Theirs| {
        let (keyword, at) = match instruction {
            Theirs::Add(i) => ("ADD", &i.add),
            Theirs::Arg(i) => ("ARG", &i.arg),
            Theirs::Cmd(i) => ("CMD", &i.cmd),
            Theirs::Copy(i) => ("COPY", &i.copy),
            Theirs::Entrypoint(i) => ("ENTRYPOINT", &i.entrypoint),
            Theirs::Env(i) => ("ENV", &i.env),
            Theirs::Expose(i) => ("EXPOSE", &i.expose),
            Theirs::From(i) => ("FROM", &i.from),
            Theirs::Healthcheck(i) => ("HEALTHCHECK", &i.healthcheck),
            Theirs::Label(i) => ("LABEL", &i.label),
            Theirs::Maintainer(i) => ("MAINTAINER", &i.maintainer),
            Theirs::Onbuild(i) => ("ONBUILD", &i.onbuild),
            Theirs::Run(i) => ("RUN", &i.run),
            Theirs::Shell(i) => ("SHELL", &i.shell),
            Theirs::Stopsignal(i) => ("STOPSIGNAL", &i.stopsignal),
            Theirs::User(i) => ("USER", &i.user),
            Theirs::Volume(i) => ("VOLUME", &i.volume),
            Theirs::Workdir(i) => ("WORKDIR", &i.workdir),
            _ => return ("?".to_owned(), 0),
        };
        (keyword.to_owned(), line_at(text, at.span.start))
    };
    Some(file.instructions.iter().map(place).collect())
}

fn dockerfile_parser_reading(text: &str) -> Reading {
    use dockerfile_parser::Instruction;
    let file = dockerfile_parser::Dockerfile::parse(text).ok()?;
    let place = |instruction: &Instruction| {
        let keyword = match instruction {
            Instruction::From(_) => "FROM".to_owned(),
            Instruction::Arg(_) => "ARG".to_owned(),
            Instruction::Label(_) => "LABEL".to_owned(),
            Instruction::Run(_) => "RUN".to_owned(),
            Instruction::Entrypoint(_) => "ENTRYPOINT".to_owned(),
            Instruction::Cmd(_) => "CMD".to_owned(),
            Instruction::Copy(_) => "COPY".to_owned(),
            Instruction::Env(_) => "ENV".to_owned(),
            Instruction::Misc(misc) => misc.instruction.content.to_uppercase(),
        };
        (keyword, line_at(text, instruction.span().start))
    };
    Some(file.instructions.iter().map(place).collect())
}

#[track_caller]
fn check(partner: fn(&str) -> Reading, known: &[(&str, &str)]) {
    let known: BTreeMap<&str, &str> = known.iter().copied().collect();
    let mut surprises = Vec::new();
    for kind in ["ok", "err"] {
        for (name, text) in fixtures(kind) {
            let case = format!("{kind}/{name}");
            let (ours, theirs) = (ours(&text), partner(&text));
            match (ours == theirs, known.get(case.as_str())) {
                (true, None) | (false, Some(_)) => {}
                (false, None) => {
                    surprises.push(format!("{case}: ours {ours:?}, theirs {theirs:?}"))
                }
                (true, Some(reason)) => {
                    surprises.push(format!("{case} no longer differs ({reason})"))
                }
            }
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[test]
fn parse_dockerfile_reads_the_same() {
    check(
        parse_dockerfile_reading,
        &[
            (
                "err/arg-blank-name",
                "it leaves names and values to the caller",
            ),
            ("err/directive-twice", "it lets a directive be given twice"),
            (
                "err/env-blank-name",
                "it leaves names and values to the caller",
            ),
            (
                "err/env-name-only",
                "it leaves names and values to the caller",
            ),
            (
                "err/env-no-equals",
                "it leaves names and values to the caller",
            ),
            (
                "err/flag-not-boolean",
                "it does not check the values of flags",
            ),
            ("err/flag-of-other", "it takes any flag"),
            ("err/flag-twice", "it takes any flag"),
            (
                "err/flag-without-value",
                "it does not check the values of flags",
            ),
            (
                "err/healthcheck-interval",
                "it does not check the values of flags",
            ),
            (
                "err/healthcheck-no-command",
                "it does not check these arguments",
            ),
            (
                "err/heredoc-shift",
                "it sees only a heredoc that is the first word of RUN",
            ),
            (
                "err/json-numbers",
                "an array of other things is shell text to it",
            ),
            (
                "err/lost-backslash-doubled",
                "it takes two backslashes at the end of a line for a continuation",
            ),
            (
                "err/mount-from-variable",
                "it does not check the values of flags",
            ),
            ("err/network-mode", "it does not check the values of flags"),
            (
                "err/onbuild-env",
                "it leaves names and values to the caller",
            ),
            ("err/onbuild-from", "it lets FROM be a trigger"),
            (
                "err/stage-name",
                "it takes any word for the name of a stage",
            ),
            ("err/unknown-flag", "it takes any flag"),
            ("err/volume-blank", "it does not check these arguments"),
            ("ok/bom", "its places do not count the byte order mark"),
            (
                "ok/escaped-backslash-at-end",
                "it takes two backslashes at the end of a line for a continuation",
            ),
            (
                "ok/heredoc-descriptor-and-blank",
                "it sees neither `3<<A` nor `<< EOF`",
            ),
            (
                "ok/heredoc-run",
                "it sees only a heredoc that is the first word of RUN",
            ),
            ("ok/json-forms", "it refuses `ENTRYPOINT []`"),
            (
                "ok/onbuild-bad-trigger",
                "it checks triggers at once, BuildKit when they are fired",
            ),
            ("ok/run-empty", "it refuses RUN without arguments"),
        ],
    );
}

#[test]
fn dockerfile_parser_reads_the_same() {
    check(
        dockerfile_parser_reading,
        &[
            ("err/arg-blank-name", "it does not check these arguments"),
            ("err/copy-json-one", "it does not check these arguments"),
            ("err/copy-one-argument", "it does not check these arguments"),
            ("err/directive-twice", "directives are comments to it"),
            ("err/empty", "it does not ask for a FROM"),
            ("err/escape-bad", "directives are comments to it"),
            ("err/flag-not-boolean", "it takes any flag"),
            ("err/flag-of-other", "it takes any flag"),
            ("err/flag-twice", "it takes any flag"),
            ("err/flag-without-value", "it takes any flag"),
            (
                "err/healthcheck-interval",
                "this instruction is one string to it",
            ),
            (
                "err/healthcheck-no-command",
                "this instruction is one string to it",
            ),
            (
                "err/healthcheck-none-arguments",
                "this instruction is one string to it",
            ),
            (
                "err/healthcheck-type",
                "this instruction is one string to it",
            ),
            ("err/heredoc-shift", "it knows no heredocs"),
            ("err/json-numbers", "it does not check these arguments"),
            ("err/lost-backslash-and", "any word is an instruction to it"),
            (
                "err/lost-backslash-doubled",
                "it takes two backslashes at the end of a line for a continuation",
            ),
            ("err/lost-backslash-env", "any word is an instruction to it"),
            (
                "err/lost-backslash-pipe",
                "any word is an instruction to it",
            ),
            ("err/mount-from-variable", "it takes any flag"),
            ("err/network-mode", "it takes any flag"),
            ("err/no-from", "it does not ask for a FROM"),
            ("err/onbuild-env", "this instruction is one string to it"),
            ("err/onbuild-from", "this instruction is one string to it"),
            (
                "err/onbuild-onbuild",
                "this instruction is one string to it",
            ),
            ("err/only-arg", "it does not ask for a FROM"),
            ("err/only-blank", "it does not ask for a FROM"),
            ("err/only-comments", "it does not ask for a FROM"),
            ("err/run-before-from", "it does not ask for a FROM"),
            ("err/shell-empty", "this instruction is one string to it"),
            ("err/shell-words", "this instruction is one string to it"),
            ("err/stage-name", "it does not check these arguments"),
            ("err/unknown-far", "any word is an instruction to it"),
            ("err/unknown-flag", "it takes any flag"),
            (
                "err/unknown-instruction",
                "any word is an instruction to it",
            ),
            ("err/volume-blank", "this instruction is one string to it"),
            ("ok/arg", "it knows one name per ARG only"),
            ("ok/bom", "it refuses a byte order mark"),
            (
                "ok/continuation",
                "it refuses comments and blank lines inside continuations",
            ),
            (
                "ok/continuation-end-of-file",
                "it refuses comments and blank lines inside continuations",
            ),
            ("ok/crlf", "it knows no heredocs"),
            ("ok/directives", "it does not know `# escape=`"),
            ("ok/env-label", "it refuses escaped blanks and empty values"),
            (
                "ok/escaped-backslash-at-end",
                "it takes two backslashes at the end of a line for a continuation",
            ),
            ("ok/heredoc-copy", "it knows no heredocs"),
            ("ok/heredoc-crlf-end", "it knows no heredocs"),
            ("ok/heredoc-descriptor-and-blank", "it knows no heredocs"),
            ("ok/heredoc-run", "it knows no heredocs"),
            ("ok/heredoc-same-name-twice", "it knows no heredocs"),
            ("ok/json-forms", "it knows no JSON form of COPY"),
            (
                "ok/keyword-over-lines",
                "it refuses a keyword over two lines",
            ),
            ("ok/onbuild", "it knows no heredocs"),
            ("ok/run-empty", "it refuses RUN without arguments"),
            ("ok/variables-in-words", "it refuses `${x#v}` in FROM"),
        ],
    );
}
