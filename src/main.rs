//! Calls the library, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    stratigraph::cli::main()
}
