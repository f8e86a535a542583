//! A Ruby program needs its gems and no compiler. The official images keep gems in `/usr/local/bundle`.

use super::image::{is_small, name, slim};
use super::product::{Product, may_be_rootless};
use super::single::Single;

/// Where the official images put gems (BUNDLE_APP_CONFIG and GEM_HOME; docker-library/ruby).
const GEMS: &str = "/usr/local/bundle";

pub(super) fn product(single: &Single<'_>) -> Option<Product> {
    if name(&single.image) != "ruby" {
        return None;
    }
    let (split, install) = single
        .commands()
        .filter(|(_, s)| s.name() == "bundle" && matches!(s.subcommand(), "install" | ""))
        .last()?;
    let is_elsewhere = install.args().iter().any(|a| a.starts_with("--path"))
        || ["BUNDLE_PATH", "GEM_HOME", "BUNDLE_APP_CONFIG"]
            .iter()
            .any(|v| single.variable(split, v).is_some_and(|at| at != GEMS))
        || single.commands().any(|(_, s)| {
            s.name() == "bundle"
                && s.subcommand() == "config"
                && s.args().iter().any(|a| a.contains("path"))
        })
        || single
            .text_at(&format!("{}/.bundle/config", single.cwd))
            .is_some();
    if is_elsewhere {
        return None;
    }
    let is_other = |(n, script, seen): &(usize, crate::shell::Script, Vec<crate::shell::Seen>)| {
        *n <= split
            && super::packages::packages(script).is_none()
            && !seen.iter().all(|s| {
                matches!(
                    s.name(),
                    "bundle" | "gem" | "mkdir" | "rm" | "set" | "cd" | "echo" | "true" | ""
                )
            })
    };
    if single.runs.iter().any(is_other) {
        return None;
    }
    let (again, left, tools) = single.system(split);
    if is_small(&single.image) && left.is_empty() {
        return None;
    }
    let base = slim(single.written, &single.image, true)?;
    let mut doubts = Vec::new();
    if base != single.written {
        doubts.push(format!(
            "no gem loads a library that {base} has not, nor does the program call a tool of {}",
            single.written
        ));
    }
    if !tools.is_empty() {
        doubts.push(format!("nothing calls {} while it runs", tools.join(", ")));
    }
    let mut known: Vec<usize> = single
        .commands()
        .filter(|(n, s)| *n <= split && matches!(s.name(), "bundle" | "gem"))
        .map(|(n, _)| n)
        .collect();
    known.extend(left);
    Some(Product {
        split,
        base,
        why: "its gems are installed, and compilers have done their work".to_owned(),
        files: vec![("build", GEMS.to_owned())],
        takes_context: true,
        known,
        again,
        has_shell: true,
        user: may_be_rootless(single).then_some("1000:1000"),
        reasons: vec![format!(
            "the gems are in {GEMS} and come with it, on the same Ruby"
        )],
        doubts,
        ..Product::default()
    })
}
