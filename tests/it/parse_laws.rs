//! Laws of the parser on arbitrary text.

use crate::parse::check_places;
use crate::parse::fixtures;
use proptest::prelude::Just;
use proptest::prelude::ProptestConfig;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prelude::prop_oneof;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;
use std::time::Duration;
use std::time::Instant;
use stratigraph::dockerfile;
use stratigraph::dockerfile::diagnostic;
use stratigraph::dockerfile::edit;
use stratigraph::dockerfile::expand::Lexer;
use stratigraph::dockerfile::mount::Mount;
use stratigraph::dockerfile::reference::Reference;

/// Text made of the pieces that mean something to the parser.
fn dockerfile_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("FROM a\n"),
        Just("FROM a AS b\n"),
        Just("RUN "),
        Just("COPY "),
        Just("ENV A=1 "),
        Just("ONBUILD "),
        Just("ADD "),
        Just("LABEL "),
        Just("ARG "),
        Just("HEALTHCHECK "),
        Just("CMD "),
        Just("--mount=type=cache,target=/x "),
        Just("--from=b "),
        Just("-- "),
        Just("\\\n"),
        Just("\\"),
        Just("\n"),
        Just("\r\n"),
        Just(" "),
        Just("\t"),
        Just("# c\n"),
        Just("# escape=`\n"),
        Just("`\n"),
        Just("<<EOF"),
        Just("<<-'EOF'"),
        Just("EOF\n"),
        Just("["),
        Just("\"x\""),
        Just(","),
        Just("]"),
        Just("'"),
        Just("\""),
        Just("${A:-"),
        Just("$A"),
        Just("}"),
        Just("é"),
        Just("\u{a0}"),
        Just("\u{feff}"),
        Just("\0"),
        Just("x"),
        Just("a b"),
        Just(" && "),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        dockerfile_like(),
        dockerfile_like().prop_map(|text| format!("FROM a\n{text}")),
        "\\PC{0,60}",
        any::<String>()
    ]
}

fn check_laws(text: &str) {
    let recovery = dockerfile::parse_lenient(text);
    match dockerfile::parse(text) {
        Ok(parsed) => {
            assert_eq!(parsed.dockerfile.text, text);
            check_places(&parsed.dockerfile);
            assert!(recovery.errors.is_empty() && recovery.is_whole && recovery.text == text);
            assert_eq!(recovery.dockerfile, Some(parsed.dockerfile));
        }
        Err(error) => {
            assert!(
                error.span.start <= error.span.end && error.span.end <= text.len(),
                "{error:?}"
            );
            assert!(
                recovery.errors.contains(&error),
                "{error:?} is not among {:?}",
                recovery.errors
            );
            diagnostic::render(&error, text, "Dockerfile", diagnostic::Colour::Plain);
        }
    }
    assert_eq!(recovery.is_whole, dockerfile::parse(&recovery.text).is_ok());
    if let Some(file) = recovery.dockerfile {
        check_places(&file);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn reading_never_panics_and_places_agree(text in any_text()) {
        check_laws(&text);
    }

    #[test]
    fn bytes_that_are_no_text_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = dockerfile::parse_bytes(&bytes);
    }

    #[test]
    fn blank_lines_and_comments_between_instructions_change_lines_only(text in dockerfile_like(), n in 1_usize..4) {
        // Directives must stay at the top, so a file that begins with one is left alone.
        if let Ok(before) = dockerfile::parse(&text) && before.dockerfile.directives.is_empty() && !text.starts_with('\u{feff}') {
            let after = dockerfile::parse(&format!("{}{text}", "# note\n\n".repeat(n))).unwrap();
            let kinds = |f: &dockerfile::Dockerfile| f.instructions().map(|i| i.original.clone()).collect::<Vec<_>>();
            prop_assert_eq!(kinds(&before.dockerfile), kinds(&after.dockerfile));
        }
    }

    #[test]
    fn expansion_never_panics(text in any_text()) {
        for escape in ['\\', '`'] {
            let env = |name: &str| (name == "A").then(|| "v/a l".to_owned());
            for lexer in [Lexer::new(escape), Lexer::raw(escape)] {
                let _ = lexer.word(&text, &env);
                let _ = lexer.words(&text, &env);
            }
        }
        let _ = Mount::parse(&text, &|value| Ok(value.to_owned()));
    }

    #[test]
    fn text_without_quotes_and_variables_is_its_own_expansion(text in "[a-z ./=-]{0,20}") {
        let lexer = Lexer::new('\\');
        prop_assert_eq!(lexer.word(&text, &|_| None).unwrap(), text.clone());
        let split: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        prop_assert_eq!(lexer.words(&text, &|_| None).unwrap(), split);
    }

    #[test]
    fn a_completed_reference_reads_as_itself(text in "[a-zA-Z0-9./:@_-]{0,30}") {
        if let Ok(reference) = Reference::parse(&text) {
            let again = Reference::parse(&reference.to_string()).unwrap();
            prop_assert_eq!(again.to_string(), reference.to_string());
        }
    }

    #[test]
    fn an_edit_of_nothing_changes_nothing(text in any_text()) {
        prop_assert_eq!(edit::apply(&text, &[]).unwrap(), text.clone());
        prop_assert!(edit::unified_diff("f", Some(&text), &text).is_empty());
    }
}

#[test]
fn the_laws_hold_for_all_fixtures_and_many_of_their_beginnings() {
    for kind in ["ok", "err"] {
        for (_, text) in fixtures(kind) {
            for end in (0..=text.len())
                .filter(|&end| text.is_char_boundary(end) && (end % 3 == 0 || end == text.len()))
            {
                check_laws(&text[..end]);
            }
        }
    }
}

/// Hostile shapes: no stack overflow, and no blow-up in time (each takes well under a second).
#[test]
fn large_inputs_are_read_in_linear_time() {
    let repeat = |piece: &str, n: usize| piece.repeat(n);
    let shapes = [
        (
            "continuations",
            format!("FROM a\nRUN x \\\n{}y\n", repeat("  && z \\\n", 50_000)),
        ),
        (
            "comments inside",
            format!("FROM a\nRUN x \\\n{}y\n", repeat("# c\n", 50_000)),
        ),
        (
            "instructions",
            format!("FROM a\n{}", repeat("RUN x\n", 20_000)),
        ),
        ("unknown lines", repeat("x &&\n", 20_000)),
        ("faults", repeat("ENV x\n", 20_000)),
        (
            "onbuild",
            format!("FROM a\nONBUILD \\\n{}x\n", repeat("ONBUILD \\\n", 20_000)),
        ),
        (
            "brackets",
            format!("FROM a\nRUN {}\n", repeat("[\\\n", 50_000)),
        ),
        (
            "heredocs",
            format!(
                "FROM a\nRUN {}\n{}",
                repeat("<<A \\\n", 5_000),
                repeat("A\n", 5_000)
            ),
        ),
        (
            "substitutions",
            format!("FROM a\nRUN {}<<A\nA\n", repeat("${x:-\\\n", 50_000)),
        ),
        (
            "one heredoc",
            format!("FROM a\nCOPY <<A /x\n{}A\n", repeat("line\n", 50_000)),
        ),
        (
            "flags",
            format!(
                "FROM a\nRUN {}x\n",
                repeat("--mount=type=cache,target=/x \\\n", 10_000)
            ),
        ),
    ];
    for (name, text) in shapes {
        let start = Instant::now();
        let _ = dockerfile::parse(&text);
        let _ = dockerfile::parse_lenient(&text);
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{name}: {:?}",
            start.elapsed()
        );
    }
}
