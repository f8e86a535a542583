//! A Rust program needs the C library alone.

use super::super::layout::absolute;
use super::compiled::{Needs, program};
use super::product::Product;
use super::single::Single;

pub(super) fn product(single: &Single<'_>) -> Option<Product> {
    let started = absolute(Some(&single.cwd), single.started.first()?)?;
    let run = single.runs(&["cargo"], "build")?;
    if !started.contains("/target/") || !started.contains("/release/") {
        return None;
    }
    // Rust on musl links statically.
    let needs = if single.image.contains("alpine") || started.contains("-musl/") {
        Needs::Nothing
    } else {
        Needs::CompilerRuntime
    };
    program(
        single,
        needs,
        started,
        run,
        "a Rust program needs the C library alone",
    )
}
