//! Swift: `swift package resolve` reads Package.swift and Package.resolved, and those of local packages.

use super::needs::{Needs, within};
use super::{CacheDir, Call, Ecosystem, Role, Verdict, text};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "swift",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    let words: Vec<&str> = call.plain_words().collect();
    let resolves = match (call.program(), words.as_slice()) {
        ("swift", ["package", "resolve" | "update", ..]) => true,
        ("swift", ["build" | "test" | "run", ..]) => false,
        _ => return None,
    };
    let mut needs = Needs::default();
    let mut open = vec![call.dir.clone()];
    while let Some(dir) = open.pop() {
        let path = dir.join(b"Package.swift");
        if needs.files.contains(&path) || needs.files.len() > 400 {
            continue;
        }
        if !needs.file(&call.files, &path) {
            if dir == *call.dir {
                return Some(Err("there is no Package.swift where it runs".to_owned()));
            }
            needs.absent(format!("the local package {dir} is not in the context"));
            continue;
        }
        needs.names(&call.files, &dir, &["Package.resolved"]);
        let source = call.files.text(&path).unwrap_or_default();
        for local in local_packages(&source) {
            match within(&dir, &local) {
                Some(found) => open.push(found),
                None => needs.doubt(format!(
                    "{path} takes a package from {local}, outside the context"
                )),
            }
        }
        if source.contains("contentsOfFile")
            || source.contains("FileManager")
            || source.contains("Process()")
        {
            needs.doubt(format!("{path} reads another file"));
        }
    }
    needs.shown("resolving reads Package.swift and Package.resolved and no source".to_owned());
    Some(Ok(if resolves {
        (Role::Install, needs)
    } else {
        (Role::Prefetch("swift package resolve".to_owned()), needs)
    }))
}

/// The paths of `.package(path: "…")` and `.package(name: "…", path: "…")`.
fn local_packages(source: &str) -> Vec<String> {
    let code: Vec<&str> = source
        .lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    let calls = code.split(".package(").skip(1);
    let arguments = calls.filter_map(|c| c.split(')').next());
    let paths = arguments.flat_map(|a| text::literals_after(a, "path:", &[]));
    paths.collect()
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    (call.program() == "swift").then_some(())?;
    CacheDir::of("~/.cache/org.swift.swiftpm")
}
