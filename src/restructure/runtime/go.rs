//! A Go program brings its runtime with it.

use super::super::layout::absolute;
use super::c_libraries::{has_compiler, headers};
use super::compiled::{Needs, program};
use super::product::Product;
use super::single::Single;

pub(super) fn product(single: &Single<'_>) -> Option<Product> {
    let started = absolute(Some(&single.cwd), single.started.first()?)?;
    for (run, seen) in single.commands() {
        if seen.name() != "go" || seen.subcommand() != "build" {
            continue;
        }
        let out = seen.args().iter().skip_while(|a| *a != "-o").nth(1);
        if out.and_then(|out| single.at(run, seen, out)).as_ref() != Some(&started) {
            continue;
        }
        let is_without_c = seen
            .assignments
            .iter()
            .any(|(k, v)| k == "CGO_ENABLED" && v == "0")
            || single.variable(run, "CGO_ENABLED") == Some("0");
        // Alpine's images have no C compiler of their own, and its C library is not that of the base.
        let is_alpine = single.image.contains("alpine");
        let loads = headers(single).is_some() || (is_alpine && has_compiler(single));
        let says_static = seen.args().iter().any(|a| a.contains("-static"));
        if loads && !is_without_c && !says_static {
            return None;
        }
        let is_static = is_alpine || is_without_c;
        let needs = if is_static { Needs::Nothing } else { Needs::C };
        return program(
            single,
            needs,
            started,
            run,
            "a Go program brings its runtime with it",
        );
    }
    None
}
