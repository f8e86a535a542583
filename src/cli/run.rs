//! main: reads the command line, carries the command out, says what went wrong, picks the exit code.

use super::analyze;
use super::args::{self, Args, Command, Typed};
use super::calibrate;
use super::comment;
use super::compare;
use super::config;
use super::demo;
use super::error::{CliError, Kind};
use super::explain;
use super::graph;
use super::output::{Output, note};
use super::replay;
use super::suggest;
use super::verify;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// The process: arguments from the environment, an exit code back.
pub fn main() -> ExitCode {
    let argv: Vec<OsString> = std::env::args_os().collect();
    match run(&argv) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if error.kind() != Kind::ClosedPipe {
                note(&error.to_string());
                if wants_json(&argv) {
                    say_json(&error);
                }
            }
            ExitCode::from(error.kind().code())
        }
    }
}

fn run(argv: &[OsString]) -> Result<(), CliError> {
    match args::parse(argv) {
        Typed::Command(args) => dispatch(*args),
        Typed::Wrong(text) => Err(CliError::worded(text)),
        Typed::Help(text) => print(|sink| sink.write_all(text.as_bytes())),
    }
}

fn dispatch(mut args: Args) -> Result<(), CliError> {
    config::fill(&mut args.command)?;
    match args.command {
        Command::Analyze(args) => analyze::run(&args),
        Command::Comment(args) => comment::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Graph(args) => graph::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Suggest(args) => suggest::run(&args),
        Command::Completions { shell } => print(|sink| args::completions(shell, sink)),
        Command::Man => print(|sink| args::man(sink)),
    }
}

/// Writes a text to standard output.
fn print(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), CliError> {
    let mut output = Output::open(None)?;
    write(&mut output)?;
    output.finish()
}

/// Whether errors go to standard output too, told from the raw words: an error may lie in the words themselves.
fn wants_json(argv: &[OsString]) -> bool {
    let words: Vec<_> = argv.iter().map(|w| w.to_string_lossy()).collect();
    words.iter().any(|w| w == "--format=json")
        || words
            .windows(2)
            .any(|w| w[0] == "--format" && w[1] == "json")
}

fn say_json(error: &CliError) {
    // A reader that is gone has no use for the error either.
    let _ = print(|sink| writeln!(sink, "{}", error.as_json()));
}
