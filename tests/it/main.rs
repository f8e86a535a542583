//! The integration tests, one binary.
#![allow(clippy::unwrap_used, clippy::print_stderr, unreachable_pub)]

mod apply;
mod calibrate;
mod cli;
mod comment;
mod compare;
mod cost;
mod demo;
mod forge;
mod history;
mod ignore;
mod laws;
mod layout;
mod live;
mod logs;
mod parse;
mod parse_laws;
mod parse_partners;
mod posting;
mod prism;
mod readme;
mod reasons;
mod recorded;
mod records;
mod report;
mod restructure;
mod seeds;
mod suggest;
mod support;
mod tidy;
mod verify;
mod workflows;
