//! A Rust program needs the C library alone.

use super::super::layout::absolute;
use super::c_libraries::{headers, is_bound_by_crates};
use super::compiled::{Needs, program};
use super::product::Product;
use super::single::Single;

pub(super) fn product(single: &Single<'_>) -> Option<Product> {
    let started = absolute(Some(&single.cwd), single.started.first()?)?;
    let run = single.runs(&["cargo"], "build")?;
    if !started.contains("/target/") || !started.contains("/release/") {
        return None;
    }
    // What it loads beside that, no base of a program alone has.
    let is_static = started.contains("-musl/");
    if headers(single).is_some() && !is_static
        || is_bound_by_crates(single) && !is_musl(single, &started)
    {
        return None;
    }
    // Rust on musl links statically.
    let needs = if is_musl(single, &started) {
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

fn is_musl(single: &Single<'_>, started: &str) -> bool {
    single.image.contains("alpine") || started.contains("-musl/")
}
