//! Mix: `deps.get` reads mix.exs and mix.lock (and files that mix.exs reads); `deps.compile` the configuration too.

use super::files::Files;
use super::needs::{Needs, within};
use super::{CacheDir, Call, Ecosystem, Role, Verdict, text};
use crate::tree::RepoPath;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "mix",
    plan,
    cache,
};

/// Tasks that compile the project, and its dependencies where they are not.
const COMPILES: [&str; 3] = ["compile", "escript.build", "release"];

/// What fetches and compiles all dependencies, and nothing of the project.
const AHEAD: &str = "mix do deps.get, deps.compile";

/// What of `line`, the one that fetches and compiles Mix's dependencies, is to be put above a RUN with the commands `own`,
/// where `before` have run above it; `None` where either compiles the dependencies by name, or those above do with the
/// project. Any other line stays as it is.
pub fn ahead_of(line: &str, before: &[Vec<String>], own: &[Vec<String>]) -> Option<String> {
    if line != AHEAD {
        return Some(line.to_owned());
    }
    let says = |all: &[Vec<String>], tasks: &[&str]| {
        let is_it = |word: &String| tasks.contains(&word.trim_end_matches(','));
        let mut of_mix = all
            .iter()
            .filter(|words| words.first().is_some_and(|w| w == "mix"));
        of_mix.any(|words| words.iter().any(is_it))
    };
    let by_name = ["deps.compile", "deps.precompile"];
    if says(own, &by_name) || says(before, &by_name) || says(before, &COMPILES) {
        return None;
    }
    Some(match says(before, &["deps.get"]) {
        true => "mix deps.compile".to_owned(),
        false => line.to_owned(),
    })
}

fn plan(call: &Call<'_>) -> Verdict {
    if call.program() != "mix" {
        return None;
    }
    // `mix do deps.get, deps.compile` and `mix do deps.get + compile`.
    let whole = call.args().join(" ");
    let line = whole.strip_prefix("do ").unwrap_or(&whole);
    let tasks = || line.split([',', '+']).map(str::trim);
    let name = |task: &str| {
        task.split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    // What fetches needs them; alone they look at no project.
    let is_tool = |task: &&str| matches!(&*name(task), "local.hex" | "local.rebar");
    let names: Vec<String> = tasks().filter(|t| !is_tool(t)).map(name).collect();
    let names: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|n| !n.is_empty())
        .collect();
    if names.is_empty() || names.contains(&"archive.install") {
        return None;
    }
    let is_get = |t: &str| matches!(t, "deps.get" | "deps.clean" | "deps.unlock");
    if names.iter().all(|t| is_get(t)) {
        return Some(needs(call, false).map(|n| (Role::Install, n)));
    }
    if names
        .iter()
        .all(|t| is_get(t) || *t == "deps.compile" || *t == "deps.precompile")
    {
        return Some(needs(call, true).map(|n| (Role::Install, n)));
    }
    let builds = |t: &str| {
        matches!(
            t,
            "compile" | "release" | "escript.build" | "phx.digest" | "assets.deploy"
        )
    };
    let fetch = tasks().find(|t| t.starts_with("deps.get"));
    if let Some(fetch) = fetch.filter(|_| names.iter().any(|t| builds(t))) {
        // The command stays, and finds both done.
        let join = if line.contains('+') { " +" } else { "," };
        let before = tasks().take_while(|t| *t != fetch).filter(is_tool);
        let all: Vec<&str> = before.chain([fetch, "deps.compile"]).collect();
        return Some(needs(call, true).map(|needs| {
            let line = format!("mix do {}", all.join(&format!("{join} ")));
            (Role::Prefetch(line), needs)
        }));
    }
    // What compiles the project finds the dependencies compiled.
    if names.iter().any(|t| COMPILES.contains(t)) {
        return Some(needs(call, true).map(|needs| (Role::Prefetch(AHEAD.to_owned()), needs)));
    }
    if names.iter().any(|t| builds(t)) {
        return Some(Err("it compiles the project".to_owned()));
    }
    None
}

fn needs(call: &Call<'_>, compiles: bool) -> Result<Needs, String> {
    let files = &call.files;
    let mut needs = Needs::default();
    if !files.has(&call.dir.join(b"mix.exs")) {
        return Err("there is no mix.exs where it runs".to_owned());
    }
    let mut open = vec![call.dir.clone()];
    let mut seen = Vec::new();
    while let Some(dir) = open.pop() {
        if seen.contains(&dir) || seen.len() > 200 {
            continue;
        }
        let path = dir.join(b"mix.exs");
        needs.file(files, &path);
        needs.names(files, &dir, &["mix.lock"]);
        let source = files.text(&path).unwrap_or_default();
        for lead in [
            "File.read!",
            "File.read",
            "Code.require_file",
            "Code.eval_file",
        ] {
            for named in text::literals_after(&source, lead, &["#"]) {
                if within(&dir, &named).is_some_and(|p| needs.file(files, &p)) {
                    needs.shown(format!("{named}, which {path} reads, is copied with it"));
                } else {
                    needs.absent(format!(
                        "{path} reads {named}, which is not in the repository"
                    ));
                }
            }
        }
        if source.contains("\"git\"") || source.contains("git describe") {
            needs.doubt(format!("{path} asks git for something"));
        }
        for apps in text::literals_after(&source, "apps_path:", &["#"]) {
            open.extend(
                within(&dir, &apps)
                    .into_iter()
                    .flat_map(|a| files.member_dirs(&a, "*", "mix.exs")),
            );
        }
        for local in text::literals_after(&source, " path:", &["#"]) {
            match within(&dir, &local) {
                Some(found) if compiles && needs.dir(files, &found) => {
                    needs.shown(format!("the local dependency {found} is copied with it"))
                }
                Some(found) if files.has(&found.join(b"mix.exs")) => open.push(found),
                _ => needs.absent(format!(
                    "{path} takes a dependency from {local}, which is not in the context"
                )),
            }
        }
        seen.push(dir);
    }
    if compiles {
        config(call, &mut needs);
    }
    needs.shown("Mix reads mix.exs and its lock and no source for it".to_owned());
    Ok(needs)
}

/// The configuration at compile time: config.exs and what it imports; never runtime.exs
/// (hexdocs.pm/elixir, Config: "config/runtime.exs … is executed after the code is compiled").
fn config(call: &Call<'_>, needs: &mut Needs) {
    let files = &call.files;
    let main = call.dir.join(b"config/config.exs");
    let mut open = vec![main];
    while let Some(path) = open.pop() {
        if needs.files.contains(&path) || !needs.file(files, &path) {
            continue;
        }
        let dir = path.parent().unwrap_or_else(RepoPath::root);
        let source = files.text(&path).unwrap_or_default();
        let mut wanted = Vec::new();
        for named in text::literals_after(&source, "import_config", &["#"]) {
            wanted.push(named.clone());
        }
        // `for c <- "../apps/*/config/config.exs" |> Path.wildcard() do import_config c end`
        let quoted = source
            .lines()
            .filter(|l| !l.trim_start().starts_with('#'))
            .flat_map(|l| l.split('"').skip(1).step_by(2));
        let patterns = quoted.filter(|q| q.contains('*') && q.ends_with(".exs"));
        wanted.extend(patterns.map(str::to_owned));
        for named in wanted {
            let env = call.env.get("MIX_ENV");
            let plain = match env {
                Some(env) => named
                    .replace("#{config_env()}", env)
                    .replace("#{Mix.env()}", env)
                    .replace("#{Mix.env}", env),
                None => named.clone(),
            };
            let globbed = matched(files, &dir, &plain);
            if !globbed.is_empty() {
                open.extend(globbed);
            } else if plain.contains("#{") || plain.contains('*') {
                // Any of them may be meant.
                let here: Vec<RepoPath> = files
                    .below(&dir)
                    .filter(|p| {
                        p.as_bytes().ends_with(b".exs") && p.file_name() != Some(b"runtime.exs")
                    })
                    .cloned()
                    .collect();
                needs.files.extend(here);
            } else if let Some(found) = within(&dir, &plain) {
                open.push(found);
            }
        }
    }
}

/// The files that a pattern with `*` among its directories means: `../apps/*/config/config.exs`.
fn matched(files: &Files<'_>, dir: &RepoPath, pattern: &str) -> Vec<RepoPath> {
    if !pattern.contains('*') || pattern.contains("#{") {
        return Vec::new();
    }
    let Some(pattern) = within(dir, pattern).map(|p| p.to_string()) else {
        return Vec::new();
    };
    let (base, name) = pattern.rsplit_once('/').unwrap_or(("", &pattern));
    let found = files.member_dirs(&RepoPath::root(), base, name).into_iter();
    found.map(|d| d.join(name.as_bytes())).collect()
}

fn cache(_: &Call<'_>) -> Option<CacheDir> {
    None
}
