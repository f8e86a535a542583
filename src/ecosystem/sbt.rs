//! sbt: `sbt update` reads build.sbt and the `project` directory.

use super::needs::Needs;
use super::{CacheDir, Call, Ecosystem, Role, Verdict};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "sbt",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    if call.program() != "sbt" || call.has("--version") || call.has("sbtVersion") {
        return None;
    }
    let program = call.words.first().map_or("sbt", String::as_str);
    let mut needs = Needs::default();
    if program.contains('/') {
        // A launcher that the project carries with it.
        call.path(program).map(|p| needs.file(&call.files, &p));
    }
    let scripts: Vec<_> = call
        .files
        .below(call.dir)
        .filter(|p| p.as_bytes().ends_with(b".sbt"))
        .cloned()
        .collect();
    for script in scripts {
        needs.file(&call.files, &script);
        let source = call.files.text(&script).unwrap_or_default();
        if source.contains("IO.read") || source.contains("Process(") || source.contains(".!!") {
            needs.doubt(format!("{script} reads another file or starts a program"));
        }
    }
    if !needs.files.iter().any(|p| p.as_bytes().ends_with(b".sbt")) {
        return Some(Err("there is no build.sbt where it runs".to_owned()));
    }
    let build: Vec<_> = call
        .files
        .below(&call.dir.join(b"project"))
        .filter(|p| {
            [&b".scala"[..], b".sbt", b".properties"]
                .iter()
                .any(|e| p.as_bytes().ends_with(e))
        })
        .cloned()
        .collect();
    needs.files.extend(build);
    needs.names(
        &call.files,
        call.dir,
        &[".sbtopts", ".jvmopts", "build.properties"],
    );
    needs.shown("sbt update reads the build's definition and no source".to_owned());
    let is_update = call
        .plain_words()
        .all(|w| w.rsplit('/').next() == Some("update"));
    if is_update && call.verb().is_some() {
        return Some(Ok((Role::Install, needs)));
    }
    call.verb()?;
    let options: Vec<&str> = call
        .args()
        .iter()
        .map(String::as_str)
        .filter(|w| w.starts_with('-'))
        .collect();
    let line = [&[program], options.as_slice(), &["update"]]
        .concat()
        .join(" ");
    Some(Ok((Role::Prefetch(line), needs)))
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    (call.program() == "sbt").then_some(())?;
    CacheDir::store("~/.cache/coursier")
}
