//! Tells what every commit does to a Docker build cache, without building anything.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod tree;

pub mod caveat;

pub mod dockerfile;

pub mod context;

pub mod history;

pub mod graph;

pub mod cache;

pub mod replay;

pub mod builder;

pub mod shell;

pub mod ecosystem;

pub mod cost;

pub mod verify;

pub mod restructure;

pub mod score;

pub mod analyze;

pub mod suggest;

pub mod report;

pub mod pull_request;

pub mod demo;

#[cfg(feature = "forge")]
pub mod forge;

#[cfg(feature = "cli")]
pub mod cli;
