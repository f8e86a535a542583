//! Pipenv: `pipenv install` and `sync` read Pipfile and its lock; an editable project in it needs the source.

use super::needs::within;
use super::{CacheDir, Call, Ecosystem, Needs, Role, Verdict};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "pipenv",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    let is_install = call.program() == "pipenv"
        && matches!(call.verb(), Some("install" | "sync" | "requirements"));
    if !is_install || call.plain_words().count() > 1 {
        return None;
    }
    Some(install(call))
}

fn install(call: &Call<'_>) -> Result<(Role, Needs), String> {
    let mut needs = Needs::default();
    let pipfile = call.dir.join(b"Pipfile");
    needs.names(&call.files, call.dir, &["Pipfile", "Pipfile.lock"]);
    if needs.files.is_empty() {
        return Err("there is no Pipfile where it runs".to_owned());
    }
    let table = call.files.toml(&pipfile).unwrap_or_default();
    for (name, value) in ["packages", "dev-packages"]
        .iter()
        .filter_map(|k| table.get(*k)?.as_table())
        .flatten()
    {
        let Some(local) = ["path", "file"]
            .iter()
            .find_map(|k| value.get(*k)?.as_str())
        else {
            continue;
        };
        match within(call.dir, local) {
            Some(found) if found == *call.dir => {
                return Err(format!("Pipfile installs the project itself ({name})"));
            }
            Some(found) if needs.path(&call.files, &found) => {
                needs.shown(format!("the local package {found} is copied with it"))
            }
            _ if local.contains("://") => {}
            _ => needs.absent(format!(
                "{name} comes from {local}, which is not in the context"
            )),
        }
    }
    Ok((Role::Install, needs))
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    (call.program() == "pipenv" && matches!(call.verb(), Some("install" | "sync"))).then_some(())?;
    CacheDir::of("~/.cache/pipenv")
}
