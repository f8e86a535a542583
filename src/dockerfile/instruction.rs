//! A line's arguments checked and typed.
//!
//! Source of the rules: moby/buildkit frontend/dockerfile/instructions/parse.go. The checks come in its order.

use super::ast::ArgItem;
use super::ast::Command;
use super::ast::Flag;
use super::ast::From;
use super::ast::Healthcheck;
use super::ast::Heredoc;
use super::ast::Instruction;
use super::ast::Kind;
use super::ast::Pair;
use super::ast::Run;
use super::ast::Source;
use super::ast::Transfer;
use super::ast::Trigger;
use super::distance;
use super::error::Error;
use super::error::shown;
use super::flags;
use super::heredoc;
use super::lines::Logical;
use super::node::Args;
use super::node::Fault;
use super::node::KEYWORDS;
use super::node::Node;
use super::words::Word;
use std::ops::Range;

/// Where an instruction's line stands.
pub(super) struct Place<'a> {
    /// The file's text.
    pub text: &'a str,
    /// The joined line.
    pub logical: &'a Logical,
    /// The heredocs behind it.
    pub heredocs: &'a [Heredoc],
}

impl Place<'_> {
    /// `fault` as an error of this file. Its line is the instruction's first, as BuildKit counts; the span may be further on.
    pub(super) fn error(&self, fault: Fault) -> Error {
        let span = self.logical.joined.span(&fault.range);
        let first = self.logical.span.start.min(span.start);
        let line = self.logical.lines.first;
        let mut error = Error::near(self.text, span, fault.message, line, first);
        error.help = fault.help;
        error
    }
}

/// A line behind its keyword.
struct Line<'a> {
    keyword: &'static str,
    flags: &'a [Word],
    range: Range<usize>,
}

impl Line<'_> {
    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(&self.range, message)
    }

    fn at_least_one(&self) -> Fault {
        self.fault(format!("{} needs at least one argument", self.keyword))
    }

    fn check_flags(&self) -> Result<(), Fault> {
        flags::check(self.keyword, self.flags)
    }
}

/// Checks a line and gives its instruction.
pub(super) fn typed(node: Node, place: &Place) -> Result<Instruction, Fault> {
    let Some(keyword) = node.keyword else {
        return Err(unknown(&node.word));
    };
    let is_onbuild = matches!(node.args, Args::Trigger(_));
    let line = Line {
        keyword,
        flags: &node.flags,
        range: node.range.clone(),
    };
    Ok(Instruction {
        keyword,
        original: place.logical.joined.text[node.range].to_owned(),
        flags: node.flags.iter().map(|word| flag(word, place)).collect(),
        heredocs: if is_onbuild {
            Vec::new()
        } else {
            place.heredocs.to_vec()
        },
        span: place.logical.span,
        lines: place.logical.lines,
        kind: kind(&line, node.args, place)?,
    })
}

/// The refusal of a word that is no instruction.
fn unknown(word: &Word) -> Fault {
    let fault = Fault::new(
        &word.range,
        format!("unknown instruction: {}", shown(&word.text)),
    );
    match distance::nearest(&word.text, KEYWORDS.into_iter()) {
        Some(near) => fault.help(format!("did you mean {near}?")),
        None => fault,
    }
}

fn flag(word: &Word, place: &Place) -> Flag {
    let (name, value) = flags::name_and_value(word);
    Flag {
        name: name.to_owned(),
        value: value.map(str::to_owned),
        span: place.logical.joined.span(&word.range),
    }
}

fn kind(line: &Line, args: Args, place: &Place) -> Result<Kind, Fault> {
    match line.keyword {
        "ADD" => transfer(line, args, place).map(Kind::Add),
        "ARG" => arg(line, args).map(Kind::Arg),
        "CMD" => line.check_flags().map(|()| Kind::Cmd(command(args))),
        "COPY" => transfer(line, args, place).map(Kind::Copy),
        "ENTRYPOINT" => line.check_flags().map(|()| Kind::Entrypoint(command(args))),
        "ENV" => pairs(line, args).map(Kind::Env),
        "EXPOSE" => expose(line, args).map(Kind::Expose),
        "FROM" => from(line, args, place).map(Kind::From),
        "HEALTHCHECK" => healthcheck(line, args).map(Kind::Healthcheck),
        "LABEL" => pairs(line, args).map(Kind::Label),
        "MAINTAINER" => one(line, args).map(Kind::Maintainer),
        "ONBUILD" => onbuild(line, args, place).map(Kind::Onbuild),
        "RUN" => run(line, args).map(Kind::Run),
        "SHELL" => shell(line, args).map(Kind::Shell),
        "STOPSIGNAL" => one(line, args).map(Kind::StopSignal),
        "USER" => one(line, args).map(Kind::User),
        "VOLUME" => volume(line, args).map(Kind::Volume),
        "WORKDIR" => one(line, args).map(Kind::Workdir),
        other => unreachable!("{other} is not in the table of keywords"),
    }
}

/// The arguments as strings, and whether they were JSON.
fn strings(args: Args) -> (Vec<String>, bool) {
    match args {
        Args::Json(strings) => (strings, true),
        Args::Words(words) => (words.into_iter().map(|w| w.text).collect(), false),
        Args::Text(word) => (vec![word.text], false),
        Args::None | Args::Old(..) | Args::Health(..) | Args::Trigger(_) => (Vec::new(), false),
    }
}

fn command(args: Args) -> Command {
    match strings(args) {
        (strings, true) => Command::Exec(strings),
        (strings, false) => Command::Shell(strings.into_iter().next().unwrap_or_default()),
    }
}

fn one(line: &Line, args: Args) -> Result<String, Fault> {
    let Some(value) = strings(args).0.into_iter().next() else {
        return Err(line.fault(format!("{} needs exactly one argument", line.keyword)));
    };
    line.check_flags()?;
    Ok(value)
}

fn arg(line: &Line, args: Args) -> Result<Vec<ArgItem>, Fault> {
    let Args::Words(words) = args else {
        return Err(line.at_least_one());
    };
    let item = |word: Word| match word.text.split_once('=') {
        Some(("", _)) => Err(Fault::new(&word.range, "ARG has a blank name before `=`")),
        Some((name, value)) => Ok(ArgItem {
            name: name.to_owned(),
            default: Some(value.to_owned()),
        }),
        None => Ok(ArgItem {
            name: word.text,
            default: None,
        }),
    };
    words.into_iter().map(item).collect()
}

fn pairs(line: &Line, args: Args) -> Result<Vec<Pair>, Fault> {
    line.check_flags()?;
    let words = match args {
        Args::Old(name, value) => {
            return Ok(vec![Pair {
                name,
                value,
                equals: false,
            }]);
        }
        Args::Words(words) => words,
        _ => return Err(line.at_least_one()),
    };
    let pair = |word: Word| match word.text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(Pair {
            name: name.to_owned(),
            value: value.to_owned(),
            equals: true,
        }),
        _ => Err(Fault::new(
            &word.range,
            format!("{} has a blank name before `=`", line.keyword),
        )),
    };
    words.into_iter().map(pair).collect()
}

fn transfer(line: &Line, args: Args, place: &Place) -> Result<Transfer, Fault> {
    let (mut sources, json) = strings(args);
    let destination = sources.pop().filter(|_| !sources.is_empty());
    let Some(destination) = destination else {
        let keyword = line.keyword;
        return Err(line
            .fault(format!(
                "{keyword} needs at least two arguments, a source and a destination"
            ))
            .help(format!(
                "to copy into the working directory, write `{keyword} … .`"
            )));
    };
    line.check_flags()?;
    if heredoc::opening(&destination).is_some() {
        return Err(line.fault(format!(
            "{} cannot take a heredoc as its destination",
            line.keyword
        )));
    }
    let source = |source: String| match heredoc::opening(&source) {
        // Two heredocs of one name: the last one counts, as in BuildKit.
        Some(opening) => match place.heredocs.iter().rposition(|h| h.name == opening.name) {
            Some(index) => Source::Heredoc(index),
            None => Source::Path(source),
        },
        None => Source::Path(source),
    };
    Ok(Transfer {
        sources: sources.into_iter().map(source).collect(),
        destination,
        json,
    })
}

fn expose(line: &Line, args: Args) -> Result<Vec<String>, Fault> {
    let ports = strings(args).0;
    if ports.is_empty() {
        return Err(line.at_least_one());
    }
    line.check_flags()?;
    Ok(ports)
}

fn from(line: &Line, args: Args, place: &Place) -> Result<From, Fault> {
    let words = match args {
        Args::Words(words) => words,
        _ => Vec::new(),
    };
    let name = match &words[..] {
        [_] => None,
        [_, keyword, name] if keyword.text.eq_ignore_ascii_case("AS") => Some(stage_name(name)?),
        _ => return Err(from_arguments(line, &words)),
    };
    line.check_flags()?;
    let platform = line
        .flags
        .iter()
        .find_map(|word| match flags::name_and_value(word) {
            ("platform", Some(value)) if !value.is_empty() => Some(value.to_owned()),
            _ => None,
        });
    let image = &words[0];
    Ok(From {
        image: image.text.clone(),
        platform,
        name,
        image_span: place.logical.joined.span(&image.range),
    })
}

fn from_arguments(line: &Line, words: &[Word]) -> Fault {
    let fault =
        line.fault("FROM needs one argument, or three: `FROM image` or `FROM image AS name`");
    match words {
        [] => fault.help("name the image to start from, or `scratch`"),
        [_, ..] if words.iter().any(|w| w.text.starts_with('#')) => {
            fault.help("a comment must stand on a line of its own")
        }
        [image, name] => fault.help(format!(
            "did you mean `FROM {} AS {}`?",
            shown(&image.text),
            shown(&name.text)
        )),
        _ => fault,
    }
}

/// A stage's name in lower case: a letter, then letters, digits, `-`, `_` and `.`.
fn stage_name(word: &Word) -> Result<String, Fault> {
    let name = word.text.to_lowercase();
    let first = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    if first
        && name
            .chars()
            .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_' | '.'))
    {
        return Ok(name);
    }
    let fault = Fault::new(
        &word.range,
        format!("`{}` is no name for a stage", shown(&word.text)),
    );
    Err(fault.help("a name begins with a letter and has letters, digits, `-`, `_` and `.` only"))
}

fn healthcheck(line: &Line, args: Args) -> Result<Healthcheck, Fault> {
    let Args::Health(kind, command_args) = args else {
        return Err(line.at_least_one());
    };
    let is_empty = match &*command_args {
        Args::Json(strings) => strings.is_empty(),
        Args::None => true,
        _ => false,
    };
    let upper = kind.text.to_uppercase();
    if upper == "NONE" {
        // BuildKit does not look at the flags here.
        return match is_empty {
            true => Ok(Healthcheck::None),
            false => Err(line.fault("HEALTHCHECK NONE takes no arguments")),
        };
    }
    line.check_flags()?;
    if upper != "CMD" {
        let fault = Fault::new(
            &kind.range,
            format!(
                "HEALTHCHECK is followed by `{}`, but only CMD and NONE are known",
                shown(&kind.text)
            ),
        );
        return Err(fault.help("write `HEALTHCHECK CMD command`"));
    }
    if is_empty {
        return Err(line.fault("HEALTHCHECK CMD has no command"));
    }
    flags::check_health(line.flags)?;
    Ok(Healthcheck::Cmd(command(*command_args)))
}

fn run(line: &Line, args: Args) -> Result<Run, Fault> {
    line.check_flags()?;
    flags::check_run(line.flags)?;
    Ok(Run {
        command: command(args),
    })
}

fn shell(line: &Line, args: Args) -> Result<Vec<String>, Fault> {
    line.check_flags()?;
    match strings(args) {
        (strings, _) if strings.is_empty() => Err(line.at_least_one()),
        (strings, true) => Ok(strings),
        (_, false) => Err(line
            .fault("SHELL needs its arguments as a JSON array")
            .help("write `SHELL [\"/bin/bash\", \"-c\"]`")),
    }
}

fn volume(line: &Line, args: Args) -> Result<Vec<String>, Fault> {
    let (paths, _) = strings(args);
    if paths.is_empty() {
        return Err(line.at_least_one());
    }
    line.check_flags()?;
    let paths: Vec<String> = paths.iter().map(|p| p.trim().to_owned()).collect();
    if paths.iter().any(String::is_empty) {
        return Err(line.fault("VOLUME has an empty path"));
    }
    Ok(paths)
}

fn onbuild(line: &Line, args: Args, place: &Place) -> Result<Trigger, Fault> {
    let Args::Trigger(node) = args else {
        return Err(line.at_least_one());
    };
    line.check_flags()?;
    match node.keyword {
        Some("ONBUILD") => {
            return Err(Fault::new(
                &node.word.range,
                "ONBUILD cannot have an ONBUILD as its trigger",
            ));
        }
        Some(keyword @ ("FROM" | "MAINTAINER")) => {
            return Err(Fault::new(
                &node.word.range,
                format!("{keyword} cannot be a trigger of ONBUILD"),
            ));
        }
        _ => {}
    }
    let mut text = place.logical.joined.text[node.range.clone()].to_owned();
    for heredoc in place.heredocs {
        text.push('\n');
        text.push_str(&heredoc.content);
        text.push_str(&heredoc.name);
    }
    let span = place.logical.joined.span(&node.range);
    let parsed = typed(*node, place)
        .map_err(|fault| place.error(fault))
        .map(|mut trigger| {
            trigger.span.start = span.start;
            Box::new(trigger)
        });
    Ok(Trigger { text, parsed })
}
