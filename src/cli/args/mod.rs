//! What was typed: every command and option with its help. The only folder that knows clap.
//!
//! Never: interprets a value; that is `settings`'s.

mod commands;
mod examples;
mod options;
mod read;

pub(super) use commands::{
    AnalyzeArgs, Args, CalibrateArgs, Command, CommentArgs, CompareArgs, DemoArgs, ExplainArgs,
    GraphArgs, GraphFormat, ProfileFormat, ReplayArgs, SuggestArgs, SuggestFormat, VerifyArgs,
};
pub(super) use options::{
    BuilderName, Choice, CostOptions, ExportName, Format, GitDir, Outputs, ReplayOptions,
    RunnerName, choices,
};
#[cfg(test)]
pub(super) use read::replay_options;
pub(super) use read::{Typed, completions, man, parse};
