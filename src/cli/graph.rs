//! `stratigraph graph`: one Dockerfile, drawn; needs no repository.

use super::args::{GraphArgs, GraphFormat};
use super::error::CliError;
use super::load::{self, Text};
use super::output::{Output, look};
use super::settings::{Spec, build_args};
use crate::dockerfile;
use crate::dockerfile::diagnostic::{Colour, render};
use crate::history::{BuildInput, Commit, Request};
use crate::replay::{Replay, Settings, Steps};
use crate::report::graph;
use crate::tree::ObjectId;
use std::io::Write;
use std::sync::Arc;

/// Carries the command out.
pub(super) fn run(args: &GraphArgs) -> Result<(), CliError> {
    let text = load::text(&Spec::new(&args.spec), &args.repo)?;
    if args.instructions {
        return instructions(&text, args);
    }
    let steps = steps(&text, args)?;
    let mut output = Output::open(args.output.as_deref())?;
    match args.format {
        GraphFormat::Terminal => {
            graph::terminal(&steps, look(args.output.as_deref()).width, &mut output)?
        }
        GraphFormat::Mermaid => graph::mermaid(&steps, &mut output)?,
        GraphFormat::Dot => graph::dot(&steps, &mut output)?,
        GraphFormat::Json => graph::json(&steps, &mut output)?,
    }
    output.finish()
}

/// `--instructions`: what was parsed and nothing more.
fn instructions(text: &Text, args: &GraphArgs) -> Result<(), CliError> {
    let lines = dockerfile::instruction_lines(&text.text).map_err(|error| refused(&error, text))?;
    let mut output = Output::open(args.output.as_deref())?;
    let json = serde_json::to_string(&lines).expect("strings and numbers are always JSON");
    writeln!(output, "{json}")?;
    output.finish()
}

/// The steps of the text: those of a first build in an empty repository.
fn steps(text: &Text, args: &GraphArgs) -> Result<Arc<Steps>, CliError> {
    let settings = Settings {
        pin: Some(text.text.clone()),
        target: args.target.clone(),
        build_args: build_args(&args.build_arg)?,
        ..Settings::default()
    };
    let id = ObjectId::from_bytes(&[0; 20]).expect("20 bytes are an id");
    let input = BuildInput {
        commit: Commit {
            id,
            parent: None,
            time: 0,
            subject: String::new(),
            author: String::new(),
        },
        request: Request::default(),
        watched: vec![Ok(None); Replay::watched(&settings).len()],
        changes: Vec::new(),
        link_targets: Vec::new(),
    };
    match Replay::new(settings).build(&input).result {
        Ok(built) => Ok(built.steps),
        Err(error) => Err(refused(&error, text)),
    }
}

/// A refusal with its snippet.
pub(super) fn refused(error: &dockerfile::Error, text: &Text) -> CliError {
    CliError::dockerfile(error, render(error, &text.text, &text.name, Colour::Ansi))
}
