//! How an image starts a jar, and how it starts the jar's launcher instead.
//!
//! `java … -jar X` may be words (`["java", "-jar", "X"]`, behind another program too), the last command of a shell's text,
//! or of the text that words hand a shell (`["sh", "-c", "exec java $OPTS -jar X"]`).

use super::super::candidate::TextEdit;
use super::super::layout::{BASE, Place, absolute, expand, unquote};
use super::super::moving::byte_in_text;
use super::super::view::View;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Command, Instruction, Kind, Stage};
use crate::shell;

/// The ENTRYPOINT or CMD that starts a jar.
pub(super) struct Launch {
    /// Its position in the stage.
    pub(super) index: usize,
    /// The jar's path: absolute, or below [`BASE`].
    pub(super) jar: String,
}

impl Launch {
    /// Of the last ENTRYPOINT or CMD of a stage that starts one.
    pub(super) fn of(stage: &Stage, places: &[Place]) -> Option<Self> {
        let mut all = stage.instructions.iter().enumerate().rev();
        all.find_map(|(index, instruction)| {
            let written = match command(instruction)? {
                Command::Exec(words) => match handed(words) {
                    Some(at) => in_text(&words[at])?.1,
                    None => words.get(started_at(words)? + 1)?.clone(),
                },
                Command::Shell(text) => in_text(text)?.1,
            };
            let place = &places[index];
            let path = expand(&unquote(&written), &place.variables)?;
            let jar = absolute(Some(directory(place)), &path)?;
            path.ends_with(".jar").then_some(Self { index, jar })
        })
    }

    /// The edit by which it starts `launcher` from what lies in `into`.
    pub(super) fn edit(
        &self,
        view: &View<'_>,
        stage: &Stage,
        into: &str,
        launcher: &str,
    ) -> Option<TextEdit> {
        let instruction = &stage.instructions[self.index];
        let start = format!("-cp {into} {launcher}");
        match command(instruction)? {
            Command::Exec(words) => {
                let mut new = words.clone();
                match handed(words) {
                    Some(at) => new[at].replace_range(in_text(&words[at])?.0.range(), &start),
                    None => {
                        let at = started_at(words)?;
                        new.splice(at..at + 2, start.split(' ').map(str::to_owned));
                    }
                }
                let quote =
                    |w: &String| format!("\"{}\"", w.replace('\\', "\\\\").replace('"', "\\\""));
                let quoted: Vec<String> = new.iter().map(quote).collect();
                let text = format!("{} [{}]", instruction.keyword, quoted.join(", "));
                Some(TextEdit::replace(instruction.span, text))
            }
            Command::Shell(text) => {
                let span = in_text(text)?.0;
                let before = instruction.original.strip_suffix(text.as_str())?.len();
                let escape = view.dockerfile.escape;
                let at = |byte| byte_in_text(view.text(), instruction, escape, before + byte);
                Some(TextEdit::replace(
                    Span::new(at(span.start)?, at(span.end)?),
                    start,
                ))
            }
        }
    }
}

/// The working directory at a place; [`BASE`] where the base image decides it.
pub(super) fn directory(place: &Place) -> &str {
    place.cwd.as_deref().unwrap_or(BASE)
}

fn command(instruction: &Instruction) -> Option<&Command> {
    match &instruction.kind {
        Kind::Entrypoint(command) | Kind::Cmd(command) => Some(command),
        _ => None,
    }
}

/// Where `-jar` stands among the words of `java`.
fn started_at(words: &[String]) -> Option<usize> {
    let java = words.iter().position(|w| is_java(w))?;
    let at = words.iter().skip(java).position(|w| w == "-jar")?;
    Some(java + at)
}

fn is_java(word: &str) -> bool {
    word.rsplit('/').next() == Some("java")
}

/// Which word is the text that a shell is handed.
fn handed(words: &[String]) -> Option<usize> {
    let at = words.iter().position(|w| w == "-c" || w == "-ec")?;
    let shell = words.get(at.checked_sub(1)?)?.rsplit('/').next()?;
    matches!(shell, "ash" | "bash" | "sh")
        .then_some(at + 1)
        .filter(|text| *text < words.len())
}

/// The bytes of `-jar X` in a text that ends by starting it, and `X`.
fn in_text(text: &str) -> Option<(Span, String)> {
    let script = shell::parse(text);
    let last = script.commands.last()?;
    let words: Vec<String> = last.words.iter().map(|w| w.text.clone()).collect();
    let name = words.first().filter(|w| *w != "exec").or(words.get(1))?;
    let is_moved = script.commands.iter().any(|c| c.name() == "cd");
    let is_plain = script.is_complete && last.nesting.is_empty() && !is_moved && is_java(name);
    let at = started_at(&words).filter(|_| is_plain)?;
    let jar = last.words.get(at + 1)?;
    // What else the text does with it would miss it.
    let is_once = text.matches(jar.text.as_str()).count() == 1;
    let span = Span::new(last.words[at].span.start, jar.span.end);
    is_once.then(|| (span, jar.text.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jar_that_a_text_starts_last_is_found() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let found = in_text(text);
            let found = found
                .as_ref()
                .map(|(span, jar)| (&text[span.range()], jar.as_str()));
            assert_eq!(found, expected, "{text}");
        };
        check(
            "java -Xmx${M} ${OPTS} -jar \"app.jar\" --x",
            Some(("-jar \"app.jar\"", "app.jar")),
        );
        check("exec java -jar /a.jar $@", Some(("-jar /a.jar", "/a.jar")));
        check("sleep 5; java -jar a.jar", Some(("-jar a.jar", "a.jar")));
        check("java -jar a.jar && echo done", None);
        check("if true; then java -jar a.jar; fi", None);
        check("cd /x && java -jar a.jar", None);
        check("touch a.jar; java -jar a.jar", None);
        check("node -jar a.jar", None);
        check("java -cp x Main", None);
    }
}
