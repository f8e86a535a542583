//! Dockerfiles and what is read from them: every file of `fixtures/dockerfile`, and what a real BuildKit said.
//!
//! `ok/NAME.Dockerfile` is accepted, and `NAME.txt` shows what was read; `err/NAME.Dockerfile` is refused, and `NAME.txt`
//! shows the refusal as a person sees it. `UPDATE_GOLDEN=1` writes the `.txt` files anew.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use stratigraph::dockerfile;
use stratigraph::dockerfile::Dockerfile;
use stratigraph::dockerfile::Span;
use stratigraph::dockerfile::ast::Command;
use stratigraph::dockerfile::ast::Healthcheck;
use stratigraph::dockerfile::ast::Instruction;
use stratigraph::dockerfile::ast::Kind;
use stratigraph::dockerfile::ast::Source;
use stratigraph::dockerfile::diagnostic;

/// The Dockerfiles of a folder of `fixtures/dockerfile`, sorted: name and text.
pub fn fixtures(kind: &str) -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder().join(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "Dockerfile"));
    files.sort();
    assert!(!files.is_empty());
    files
        .iter()
        .map(|path| {
            (
                path.file_stem().unwrap().to_str().unwrap().to_owned(),
                fs::read_to_string(path).unwrap(),
            )
        })
        .collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dockerfile")
}

fn check(kind: &str, read: fn(&str, &str) -> String) {
    let mut wrong = Vec::new();
    for (name, text) in fixtures(kind) {
        let path = folder().join(kind).join(format!("{name}.txt"));
        let found = read(&name, &text);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &found).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            wrong.push(format!(
                "{kind}/{name}\n--- expected\n{expected}--- found\n{found}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn accepted_files_are_read_as_written_down() {
    check("ok", |name, text| {
        let parsed = dockerfile::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        check_places(&parsed.dockerfile);
        let mut shown = dump(&parsed.dockerfile);
        for caveat in &parsed.caveats {
            writeln!(shown, "caveat {caveat}").unwrap();
        }
        shown
    });
}

#[test]
fn refused_files_say_why_where_and_what_helps() {
    check("err", |name, text| {
        let error = dockerfile::parse(text)
            .err()
            .unwrap_or_else(|| panic!("{name} is accepted"));
        let mut shown = diagnostic::render(&error, text, "Dockerfile", diagnostic::Colour::Plain);
        shown.push('\n');
        for mend in dockerfile::parse_lenient(text).mends {
            writeln!(
                shown,
                "mend: {} -> {:?}",
                mend.reason, mend.edit.replacement
            )
            .unwrap();
        }
        shown
    });
}

/// Files that BuildKit reads and refuses only when it lowers them.
const LOWERING: [&str; 10] = [
    "bad-index",
    "later",
    "badref",
    "fromblank",
    "badvar",
    "mounttype",
    "stage-name-upper",
    "env-unclosed",
    "add-checksum-local",
    "mount-no-target",
];

#[test]
fn verdicts_and_lines_are_those_of_a_real_buildkit() {
    let cases: serde_json::Value =
        serde_json::from_slice(&fs::read(folder().join("dockerfiles.json")).unwrap()).unwrap();
    for case in cases.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let accepted = case["accepted"].as_bool().unwrap();
        let result = dockerfile::parse(case["text"].as_str().unwrap());
        assert_eq!(
            result.is_ok(),
            accepted || LOWERING.contains(&name),
            "{name}: {result:?}"
        );
        let message = case["message"].as_str().unwrap_or_default();
        if let (Err(error), Some((_, rest))) = (result, message.split_once("on line ")) {
            let line: usize = rest.split(':').next().unwrap().parse().unwrap();
            assert_eq!(error.line, line, "{name}: {error}");
        }
    }
}

/// Spans lie in the text, in order, and agree with the lines.
pub fn check_places(file: &Dockerfile) {
    let text = &file.text;
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    let mut before = 0;
    for instruction in file.instructions() {
        let Span { start, end } = instruction.span;
        assert!(
            before <= start && start <= end && end <= text.len(),
            "{instruction:?}"
        );
        assert!(
            text.is_char_boundary(start) && text.is_char_boundary(end),
            "{instruction:?}"
        );
        assert_eq!(line_of(start), instruction.lines.first, "{instruction:?}");
        assert_eq!(line_of(end), instruction.lines.last, "{instruction:?}");
        inside(instruction);
        before = end;
    }
}

fn inside(instruction: &Instruction) {
    let within = |inner: Span| {
        instruction.span.start <= inner.start
            && inner.start <= inner.end
            && inner.end <= instruction.span.end
    };
    assert!(
        instruction.flags.iter().all(|flag| within(flag.span)),
        "{instruction:?}"
    );
    assert!(
        instruction
            .heredocs
            .iter()
            .all(|heredoc| within(heredoc.span)),
        "{instruction:?}"
    );
    if let Kind::From(from) = &instruction.kind {
        assert!(within(from.image_span), "{instruction:?}");
    }
    if let Kind::Onbuild(trigger) = &instruction.kind
        && let Ok(trigger) = &trigger.parsed
    {
        assert!(within(trigger.span), "{instruction:?}");
        inside(trigger);
    }
}

/// What was read, one instruction a line.
fn dump(file: &Dockerfile) -> String {
    let mut out = String::new();
    for directive in &file.directives {
        writeln!(out, "directive {} {:?}", directive.name, directive.value).unwrap();
    }
    for instruction in file.instructions() {
        line(&mut out, instruction, &file.text);
    }
    out
}

fn line(out: &mut String, instruction: &Instruction, text: &str) {
    write!(
        out,
        "{} {}-{}",
        instruction.keyword, instruction.lines.first, instruction.lines.last
    )
    .unwrap();
    for flag in &instruction.flags {
        let value = flag
            .value
            .as_ref()
            .map(|v| format!("={v:?}"))
            .unwrap_or_default();
        write!(out, " --{}{value}", flag.name).unwrap();
    }
    match &instruction.kind {
        Kind::Add(transfer) | Kind::Copy(transfer) => {
            for source in &transfer.sources {
                match source {
                    Source::Path(path) => write!(out, " {path:?}").unwrap(),
                    Source::Heredoc(index) => write!(out, " <<{index}").unwrap(),
                }
            }
            write!(
                out,
                " -> {:?}{}",
                transfer.destination,
                if transfer.json { " json" } else { "" }
            )
            .unwrap();
        }
        Kind::Arg(items) => items
            .iter()
            .for_each(|item| write!(out, " {}={:?}", item.name, item.default).unwrap()),
        Kind::Cmd(command) | Kind::Entrypoint(command) => {
            write!(out, " {}", show(command)).unwrap()
        }
        Kind::Run(run) => write!(out, " {}", show(&run.command)).unwrap(),
        Kind::Env(pairs) | Kind::Label(pairs) => {
            for pair in pairs {
                let sign = if pair.equals { "=" } else { " " };
                write!(out, " {}{sign}{:?}", pair.name, pair.value).unwrap();
            }
        }
        Kind::Expose(words) | Kind::Shell(words) | Kind::Volume(words) => {
            write!(out, " {words:?}").unwrap()
        }
        Kind::From(from) => {
            assert_eq!(text.get(from.image_span.range()), Some(from.image.as_str()));
            write!(
                out,
                " {:?} as {:?} platform {:?}",
                from.image, from.name, from.platform
            )
            .unwrap();
        }
        Kind::Healthcheck(Healthcheck::None) => out.push_str(" none"),
        Kind::Healthcheck(Healthcheck::Cmd(command)) => write!(out, " {}", show(command)).unwrap(),
        Kind::Maintainer(word)
        | Kind::StopSignal(word)
        | Kind::User(word)
        | Kind::Workdir(word) => write!(out, " {word:?}").unwrap(),
        Kind::Onbuild(trigger) => {
            write!(out, " {:?}\n  ", trigger.text).unwrap();
            match &trigger.parsed {
                Ok(trigger) => return line(out, trigger, text),
                Err(error) => write!(out, "refused: {error}").unwrap(),
            }
        }
    }
    out.push('\n');
    for heredoc in &instruction.heredocs {
        let signs = (
            if heredoc.expand { "" } else { " quoted" },
            if heredoc.chomp { " chomped" } else { "" },
        );
        writeln!(
            out,
            "  {}<<{}{}{} {:?}",
            heredoc.descriptor, heredoc.name, signs.0, signs.1, heredoc.content
        )
        .unwrap();
    }
}

fn show(command: &Command) -> String {
    match command {
        Command::Exec(words) => format!("exec {words:?}"),
        Command::Shell(text) => format!("shell {text:?}"),
    }
}
