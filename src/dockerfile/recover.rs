//! As much of a refused Dockerfile as can be understood, and how it was probably meant.

use super::ast::Dockerfile;
use super::ast::Instruction;
use super::ast::Kind;
use super::diagnose;
use super::distance;
use super::edit;
use super::edit::TextEdit;
use super::error::Error;
use super::likely_base;
use super::node::KEYWORDS;
use super::parse::Parts;
use super::read;
use super::read::File;
use super::span::Span;

/// What is left of a Dockerfile after its faults are named and, where it is evident how, mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// All that is wrong with the text as given, in order of place; empty for a Dockerfile that is accepted.
    pub errors: Vec<Error>,
    /// Likely repairs, as edits of the text as given.
    pub mends: Vec<Mend>,
    /// The text with the repairs made; the text as given when there are none.
    pub text: String,
    /// What the mended text says, refused instructions left out; `None` when not even a stage is left.
    pub dockerfile: Option<Dockerfile>,
    /// Whether BuildKit would accept the mended text.
    pub is_whole: bool,
}

/// One likely repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// What to change.
    pub edit: TextEdit,
    /// Why this is likely meant, a sentence without its period.
    pub reason: String,
}

/// Reads a Dockerfile with all that is wrong with it.
pub fn parse_lenient(text: &str) -> Recovery {
    let file = read::read(text);
    let errors = errors(text, &file);
    let mends = if errors.is_empty() {
        Vec::new()
    } else {
        mends(text, &file)
    };
    let edits: Vec<TextEdit> = mends.iter().map(|mend| mend.edit.clone()).collect();
    let (mended, mends) = match edit::apply(text, &edits) {
        Ok(mended) => (mended, mends),
        Err(_) => (text.to_owned(), Vec::new()),
    };
    let file = if mends.is_empty() {
        file
    } else {
        read::read(&mended)
    };
    let (dockerfile, is_whole) = assemble(&mended, file);
    Recovery {
        errors,
        mends,
        text: mended,
        dockerfile,
        is_whole,
    }
}

/// Every refusal, explained, in order of place.
fn errors(text: &str, file: &File) -> Vec<Error> {
    let places = diagnose::places(file);
    let mut errors = file.faults.clone();
    let mut has_stage = false;
    let mut missed_stage = false;
    for (index, item) in file.items.iter().enumerate() {
        match &item.result {
            Ok(instruction) => {
                has_stage |= matches!(instruction.kind, Kind::From(_));
                if !has_stage && !missed_stage && !matches!(instruction.kind, Kind::Arg(_)) {
                    missed_stage = true;
                    errors.push(diagnose::no_stage(text, instruction));
                }
            }
            Err(_) if item.is_fault => {}
            Err(error) => errors.push(diagnose::explain(
                text,
                error.clone(),
                &places,
                index,
                file.escape,
            )),
        }
    }
    if !has_stage && errors.is_empty() {
        let globals: Vec<Instruction> = file
            .items
            .iter()
            .filter_map(|item| item.result.clone().ok())
            .collect();
        errors.push(diagnose::only_globals(text, &globals));
    }
    errors.sort_by_key(|error| (error.span, error.line));
    errors
}

fn mends(text: &str, file: &File) -> Vec<Mend> {
    let places = diagnose::places(file);
    let mut mends = Vec::new();
    let mut begins_stage = false;
    for (index, item) in file.items.iter().enumerate() {
        begins_stage |= item
            .result
            .as_ref()
            .is_ok_and(|i| matches!(i.kind, Kind::From(_)));
        let Err(error) = &item.result else { continue };
        if item.is_known {
            continue;
        }
        if let Some(lost) = diagnose::lost_continuation(text, &places, index, file.escape) {
            let reason = format!(
                "line {} {}, so it was to be continued",
                lost.line, lost.evidence
            );
            mends.push(Mend {
                edit: TextEdit::replace(lost.replaced, lost.replacement),
                reason,
            });
            continue;
        }
        let word = &text[error.span.range()];
        if let Some(near) = distance::nearest(word, KEYWORDS.into_iter()) {
            begins_stage |= near == "FROM";
            let reason = format!("{word} is no instruction, {near} is the nearest");
            mends.push(Mend {
                edit: TextEdit::replace(error.span, near),
                reason,
            });
        }
    }
    if !begins_stage {
        mends.extend(missing_from(text, file));
    }
    mends
}

/// A FROM in front of the first instruction that needs one, when the commands tell which.
fn missing_from(text: &str, file: &File) -> Option<Mend> {
    let is_global = |item: &&read::Item| {
        item.result
            .as_ref()
            .is_ok_and(|i| matches!(i.kind, Kind::Arg(_)))
    };
    let first = file.items.iter().find(|item| !is_global(item))?;
    let (command, image) = likely_base::guess(text)?;
    let at = text[..first.span.start]
        .rfind('\n')
        .map_or(0, |i| i + 1)
        .max(bom(text));
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    Some(Mend {
        edit: TextEdit::replace(Span::new(at, at), format!("FROM {image}{end}")),
        reason: format!(
            "there is no FROM, and the file runs {command}, which {image} brings; the image that was meant may be another"
        ),
    })
}

fn bom(text: &str) -> usize {
    if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    }
}

/// The stages of what was read, and whether nothing had to be left out.
fn assemble(text: &str, file: File) -> (Option<Dockerfile>, bool) {
    let mut is_whole = file.faults.is_empty();
    let mut parts = Parts::default();
    for item in file.items {
        is_whole &= item
            .result
            .is_ok_and(|instruction| parts.add(instruction).is_ok());
    }
    if parts.stages.is_empty() {
        return (None, false);
    }
    let dockerfile = parts.dockerfile(text, file.directives, file.escape);
    (Some(dockerfile), is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, n_errors: usize, mended: &str) {
        let recovery = parse_lenient(text);
        assert_eq!(recovery.errors.len(), n_errors, "{:#?}", recovery.errors);
        assert_eq!(recovery.text, mended);
        assert!(
            recovery.is_whole && recovery.dockerfile.is_some(),
            "{recovery:#?}"
        );
    }

    #[test]
    fn lost_continuations_are_mended() {
        check(
            "FROM a\nRUN x &&  \ny\nRUN z\n",
            1,
            "FROM a\nRUN x && \\\ny\nRUN z\n",
        );
        check(
            "FROM a\nRUN x \\\n  a\n  b\n  c\n",
            2,
            "FROM a\nRUN x \\\n  a \\\n  b \\\n  c\n",
        );
        check(
            "FROM a\r\nRUN x |\r\ny\r\n",
            1,
            "FROM a\r\nRUN x | \\\r\ny\r\n",
        );
        check(
            "FROM a\nRUN x \\ # why\n  && y\n",
            1,
            "FROM a\nRUN x \\\n  && y\n",
        );
        check(
            "FROM a\nRUN x \\\\\n  && y\n",
            1,
            "FROM a\nRUN x \\\n  && y\n",
        );
        check("FROM a\nENV A=1\nB=2\n", 1, "FROM a\nENV A=1 \\\nB=2\n");
    }

    #[test]
    fn a_missing_from_is_mended_where_it_is_evident() {
        check("FORM a\nRUN x\n", 2, "FROM a\nRUN x\n");
        check(
            "# c\nARG V\nWORKDIR /a\nRUN npm ci\n",
            1,
            "# c\nARG V\nFROM node:22\nWORKDIR /a\nRUN npm ci\n",
        );
        let recovery = parse_lenient("RUN make\n");
        assert!(
            recovery.mends.is_empty()
                && recovery.dockerfile.is_none()
                && recovery.errors.len() == 1
        );
    }

    #[test]
    fn what_cannot_be_mended_is_left_out() {
        let recovery = parse_lenient("FROM a\nCOPY x\nRUN y\nENV z\n");
        assert_eq!(
            recovery.errors.iter().map(|e| e.line).collect::<Vec<_>>(),
            [2, 4]
        );
        let dockerfile = recovery.dockerfile.unwrap();
        assert_eq!(dockerfile.stages[0].instructions.len(), 1);
        assert!(!recovery.is_whole);
    }

    #[test]
    fn an_accepted_file_has_nothing_to_mend() {
        check("FROM a\nRUN x\n", 0, "FROM a\nRUN x\n");
    }
}
