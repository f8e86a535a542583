//! pip-tools: `pip-sync` reads requirements files as pip does.

use super::needs::within;
use super::{CacheDir, Call, Ecosystem, Needs, Role, Verdict, python};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "pip-tools",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    if call.program() != "pip-sync" {
        return None;
    }
    let mut needs = Needs::default();
    let mut given: Vec<&str> = call
        .args()
        .iter()
        .map(String::as_str)
        .filter(|w| !w.starts_with('-'))
        .collect();
    if given.is_empty() {
        given.push("requirements.txt");
    }
    for name in given {
        let Some(path) = within(call.dir, name) else {
            return Some(Err(format!("where {name} lies is not known")));
        };
        if let Err(reason) = python::requirements(&call.files, call.dir, &path, &mut needs) {
            return Some(Err(reason));
        }
    }
    Some(Ok((Role::Install, needs)))
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    (call.program() == "pip-sync").then_some(())?;
    CacheDir::of("~/.cache/pip")
}
