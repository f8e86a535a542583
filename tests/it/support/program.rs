//! The program as a process, away from the caller's environment.

use std::process::{Command, Output};

/// Runs the program with these arguments, no configuration of the caller's, and 100 columns.
pub fn program(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stratigraph"))
        .args(args)
        .env_clear()
        .env("COLUMNS", "100")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .expect("the program starts")
}
