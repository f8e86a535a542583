//! Reads the command line, and writes what can be said of it as a whole: help, completions, the manual page.

use super::commands::Args;
#[cfg(test)]
use super::commands::Command;
#[cfg(test)]
use super::options::ReplayOptions;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use std::ffi::OsString;
use std::io;

/// The shared options as typed, for tests.
#[cfg(test)]
pub(in crate::cli) fn replay_options(words: &[&str]) -> ReplayOptions {
    let words = ["stratigraph", "replay"].iter().chain(words);
    match Args::try_parse_from(words).map(|args| args.command) {
        Ok(Command::Replay(args)) => args.replay,
        other => panic!("{other:?}"),
    }
}

/// What came of reading the command line.
pub(in crate::cli) enum Typed {
    /// A command to carry out.
    Command(Box<Args>),
    /// Help or version text for standard output.
    Help(String),
    /// A usage error, worded for standard error.
    Wrong(String),
}

/// Reads the command line.
pub(in crate::cli) fn parse(argv: &[OsString]) -> Typed {
    match Args::try_parse_from(argv) {
        Ok(args) => Typed::Command(Box::new(args)),
        Err(error) if error.use_stderr() => {
            Typed::Wrong(meant(error, argv).render().ansi().to_string())
        }
        Err(error) => Typed::Help(error.render().ansi().to_string()),
    }
}

/// Adds what was probably meant: `analyze` takes the repository as a word, and nearly all others by an option.
fn meant(mut error: clap::Error, argv: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg).cloned() else {
        return error;
    };
    let mut commands = Args::command();
    let takes_repo = argv
        .get(1)
        .and_then(|name| commands.find_subcommand_mut(name))
        .is_some_and(|c| c.get_arguments().any(|a| a.get_long() == Some("repo")));
    if error.kind() == ErrorKind::UnknownArgument && takes_repo && !word.starts_with('-') {
        let hint = format!("to name the repository, use '--repo {word}'");
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![hint.into()]),
        );
    }
    error
}

/// Writes the completion script of a shell.
pub(in crate::cli) fn completions(
    shell: clap_complete::Shell,
    sink: &mut dyn io::Write,
) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "stratigraph", &mut script);
    sink.write_all(&script)?;
    sink.flush()
}

/// Writes the manual page: the program's own, then one section per command.
pub(in crate::cli) fn man(sink: &mut dyn io::Write) -> io::Result<()> {
    let mut program = Args::command();
    program.build();
    clap_mangen::Man::new(program.clone()).render(sink)?;
    for command in program.get_subcommands().filter(|c| c.get_name() != "help") {
        writeln!(
            sink,
            ".SH \"STRATIGRAPH {}\"",
            command.get_name().to_uppercase()
        )?;
        let page = clap_mangen::Man::new(command.clone());
        page.render_synopsis_section(sink)?;
        page.render_description_section(sink)?;
        page.render_options_section(sink)?;
        page.render_extra_section(sink)?;
    }
    Ok(())
}
