//! pip-tools: `pip-sync` reads requirements files as pip does.

use super::{CacheDir, Call, Ecosystem, Needs, Role, Verdict, python};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "pip-tools",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    match call.program() {
        "pip-sync" => {}
        "pip-compile" => return Some(compile(call)),
        _ => return None,
    }
    let mut needs = Needs::default();
    let mut given: Vec<&str> = call.plain_words().collect();
    if given.is_empty() {
        given.push("requirements.txt");
    }
    for name in given {
        let Some(path) = call.path(name) else {
            return Some(Err(format!("where {name} lies is not known")));
        };
        if let Err(reason) = python::requirements(&call.files, call.dir, &path, &mut needs) {
            return Some(Err(reason));
        }
    }
    Some(Ok((Role::Install, needs)))
}

/// `pip-compile` reads what it is given, or the usual sources, and what they include.
fn compile(call: &Call<'_>) -> Result<(Role, Needs), String> {
    let valued = [
        "-o",
        "--output-file",
        "-c",
        "--constraint",
        "--resolver",
        "--extra",
        "-i",
    ];
    let mut needs = Needs::default();
    let mut words = call.args().iter().map(String::as_str);
    let mut given: Vec<&str> = Vec::new();
    while let Some(word) = words.next() {
        if valued.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            given.push(word);
        }
    }
    if given.is_empty() {
        given.push("requirements.in");
    }
    given.extend(call.options(&["-c", "--constraint"]));
    for name in given {
        let path = call
            .path(name)
            .filter(|p| call.files.has(p))
            .ok_or_else(|| format!("{name} is not in the repository"))?;
        if !name.ends_with(".toml") && !name.ends_with(".py") && !name.ends_with(".cfg") {
            python::requirements(&call.files, call.dir, &path, &mut needs)?;
            continue;
        }
        needs.file(&call.files, &path);
        let dir = path.parent().unwrap_or_else(crate::tree::RepoPath::root);
        python::dynamic_dependencies(&call.files, &dir, &mut needs);
    }
    // An earlier result keeps its versions.
    needs.names(&call.files, call.dir, &["requirements.txt"]);
    Ok((Role::Install, needs))
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    (call.program() == "pip-sync").then_some(())?;
    CacheDir::of("~/.cache/pip")
}
