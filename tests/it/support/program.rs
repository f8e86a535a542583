//! The program as a process, away from the caller's environment.

use std::path::Path;
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

/// What came of a run.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program in a folder, with no environment at all.
pub fn run_in(folder: &Path, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_stratigraph"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    Ran {
        code: output.status.code().expect("it ends by itself"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}
