//! Dart and Flutter: `pub get` reads pubspec.yaml, its lock, and the pubspecs of path dependencies.

use super::needs::{Needs, within};
use super::{CacheDir, Call, Ecosystem, Role, Verdict, text};
use crate::tree::RepoPath;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "dart",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    let words: Vec<&str> = call.plain_words().collect();
    let gets = match (call.program(), words.as_slice()) {
        ("dart" | "flutter", ["pub", "get" | "upgrade", ..]) | ("pub", ["get", ..]) => true,
        ("dart", ["compile", ..]) | ("flutter", ["build", ..]) => false,
        _ => return None,
    };
    let dir = call.dir_by(&["-C", "--directory"])?;
    let mut needs = Needs::default();
    let mut open = vec![dir.clone()];
    while let Some(dir) = open.pop() {
        let path = dir.join(b"pubspec.yaml");
        if needs.files.contains(&path) || needs.files.len() > 400 {
            continue;
        }
        if !needs.file(&call.files, &path) {
            needs.absent(format!("{path} is not in the context"));
            continue;
        }
        needs.names(
            &call.files,
            &dir,
            &["pubspec.lock", "pubspec_overrides.yaml"],
        );
        let source = call.files.text(&path).unwrap_or_default();
        let local = text::yaml_values(&source, "path")
            .into_iter()
            .filter(|p| p.starts_with('.') || p.contains('/'));
        open.extend(
            local
                .filter_map(|p| within(&dir, &p))
                .filter(|p| call.files.has(&p.join(b"pubspec.yaml"))),
        );
        let members = text::yaml_list(&source, "workspace");
        open.extend(members.iter().filter_map(|m| within(&dir, m)));
    }
    if !needs
        .files
        .iter()
        .any(|p: &RepoPath| p.parent().as_ref() == Some(&dir))
    {
        return Some(Err("there is no pubspec.yaml where it runs".to_owned()));
    }
    needs.shown("pub get reads pubspec.yaml and its lock and no source".to_owned());
    let program = call.program();
    Some(Ok(if gets {
        (Role::Install, needs)
    } else {
        let place = call.option(&["-C", "--directory"]);
        let place = place.map(|d| format!(" -C {}", text::quoted(d)));
        let line = format!("{program} pub get{}", place.unwrap_or_default());
        (Role::Prefetch(line), needs)
    }))
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    matches!(call.program(), "dart" | "flutter" | "pub").then_some(())?;
    CacheDir::store("~/.pub-cache")
}
