//! conda, mamba, micromamba: creating or updating an environment reads its file and the pip requirements it names.

use super::needs::within;
use super::{CacheDir, Call, Ecosystem, Needs, Role, Verdict, python};
use crate::tree::RepoPath;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "conda",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    if !is_conda(call) {
        return None;
    }
    let named = call.options(&["-f", "--file"]);
    let verbs: Vec<&str> = call.plain_words().take(2).collect();
    let is_env =
        verbs.first() == Some(&"env") && matches!(verbs.get(1), Some(&("create" | "update")));
    let is_install = matches!(verbs.first(), Some(&("install" | "create" | "update")));
    let names_it = is_install && !named.is_empty();
    if !(is_env || names_it) {
        return None;
    }
    let named = if named.is_empty() {
        vec!["environment.yml"]
    } else {
        named
    };
    Some(environment(call, &named))
}

fn environment(call: &Call<'_>, named: &[&str]) -> Result<(Role, Needs), String> {
    let mut needs = Needs::default();
    for name in named {
        let path = call
            .path(name)
            .ok_or_else(|| format!("where {name} lies is not known"))?;
        if !needs.file(&call.files, &path) {
            return Err(format!("{name} is not in the repository"));
        }
        let text = call.files.text(&path).unwrap_or_default();
        for line in text.lines().filter_map(|l| l.trim().strip_prefix("- ")) {
            let line = line.trim_matches(['"', '\'', ' ']);
            let dir = path.parent().unwrap_or_else(RepoPath::root);
            if let Some(include) = line.strip_prefix("-r ").or(line.strip_prefix("-c ")) {
                let found = within(&dir, include.trim())
                    .ok_or_else(|| format!("{name} includes {include}"))?;
                python::requirements(&call.files, call.dir, &found, &mut needs)?;
            } else if line.starts_with("-e ") || line == "." || line.starts_with("./") {
                return Err(format!("{name} installs the project itself ({line})"));
            }
        }
    }
    Ok((Role::Install, needs))
}

fn is_conda(call: &Call<'_>) -> bool {
    matches!(call.program(), "conda" | "mamba" | "micromamba")
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    let cleans = call.verb() == Some("clean");
    (is_conda(call) && !cleans && plan(call).is_some()).then_some(())?;
    CacheDir::of("/opt/conda/pkgs")
}
