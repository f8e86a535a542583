//! A Ruby program needs its gems and no compiler. The official images keep gems in `/usr/local/bundle`.

use super::image::name;
use super::product::{Product, on_slim};
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
    let lacks = |base: &str| {
        format!(
            "no gem loads a library that {base} has not, nor does the program call a tool of {}",
            single.written
        )
    };
    let installs = single
        .commands()
        .filter(|(n, s)| *n <= split && matches!(s.name(), "bundle" | "gem"))
        .map(|(n, _)| n);
    let slim = on_slim(single, split, installs, lacks)?;
    Some(Product {
        why: "its gems are installed, and compilers have done their work".to_owned(),
        files: vec![("build", GEMS.to_owned())],
        reasons: vec![format!(
            "the gems are in {GEMS} and come with it, on the same Ruby"
        )],
        ..slim
    })
}
