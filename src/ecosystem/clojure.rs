//! Clojure's own command line: `-P` downloads what deps.edn names and runs nothing (clojure.org/reference/deps_and_cli).

use super::needs::Needs;
use super::{CacheDir, Call, Ecosystem, Role, Verdict, text};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "clojure",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    if !matches!(call.program(), "clojure" | "clj") {
        return None;
    }
    let is_alias = |w: &&String| {
        let mut leads = ["-A:", "-M:", "-T:", "-X:"].iter();
        leads.any(|lead| w.starts_with(lead)) && !w.contains('$')
    };
    let alias = call.args().iter().find(is_alias);
    let prepares = call.has("-P");
    if alias.is_none() && !prepares {
        return None;
    }
    let path = call.dir.join(b"deps.edn");
    let mut needs = Needs::default();
    if !needs.file(&call.files, &path) {
        return Some(Err("there is no deps.edn where it runs".to_owned()));
    }
    let manifest = call.files.text(&path).unwrap_or_default();
    if manifest.contains(":local/root") {
        needs.doubt(format!(
            "{path} says `:local/root`: check that the project it names is copied with it"
        ));
    }
    needs.shown("with -P, clojure reads deps.edn and no source".to_owned());
    if prepares {
        return Some(Ok((Role::Install, needs)));
    }
    // An alias for tools alone (-T) leaves out what the project itself needs.
    let program = call.program();
    let alias = alias.map(|a| text::quoted(a)).unwrap_or_default();
    let line = match alias.starts_with("-T:") {
        true => format!("{program} -P && {program} -P {alias}"),
        false => format!("{program} -P {alias}"),
    };
    Some(Ok((Role::Prefetch(line), needs)))
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    matches!(call.program(), "clojure" | "clj").then_some(())?;
    CacheDir::store("~/.m2")
}
