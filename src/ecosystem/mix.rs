//! Mix: `deps.get` reads mix.exs and mix.lock (and files that mix.exs reads); `deps.compile` the configuration too.

use super::needs::{Needs, within};
use super::{CacheDir, Call, Ecosystem, Role, Verdict, text};
use crate::tree::RepoPath;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "mix",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    if call.program() != "mix" {
        return None;
    }
    // `mix do deps.get, deps.compile` and `mix do deps.get + compile`.
    let line = call.args().join(" ");
    let line = line.strip_prefix("do ").unwrap_or(&line);
    let names: Vec<&str> = line
        .split([',', '+'])
        .filter_map(|t| t.split_whitespace().next())
        .collect();
    if names.is_empty()
        || names
            .iter()
            .any(|t| matches!(*t, "local.hex" | "local.rebar" | "archive.install"))
    {
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
        for named in text::literals_after(&source, "import_config", &["#"]) {
            let env = call.env.get("MIX_ENV");
            let plain = match env {
                Some(env) => named
                    .replace("#{config_env()}", env)
                    .replace("#{Mix.env()}", env)
                    .replace("#{Mix.env}", env),
                None => named.clone(),
            };
            if plain.contains("#{") || plain.contains('*') {
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

fn cache(_: &Call<'_>) -> Option<CacheDir> {
    None
}
