//! Variables that an installer of a tool goes by, though no text mentions them: those that begin with the tool's name
//! (`POETRY_HOME` where Poetry is installed).
//!
//! Never: knows the tools one by one; what it takes for a name may be none.

use super::touched::is_piped_installer;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// How names begin that scripts of installers go by whatever they install (github.com/helm/helm/blob/main/scripts/get-helm-3,
/// github.com/nvm-sh/nvm/blob/master/install.sh, and their kind).
const OF_SCRIPTS: &[&str] = &[
    "BINARY", "BINDIR", "DESIRED", "INSTALL", "METHOD", "PROFILE", "TAG", "USE", "VERIFY",
];

/// Whether one of these commands pipes an installer's script into a shell.
pub(super) fn has_piped_installer(all: &[Seen]) -> bool {
    all.windows(2)
        .any(|two| is_piped_installer(&two[0], &two[1]))
}

/// How the names of variables begin, up to the first `_`, that what these commands install may go by.
pub(super) fn beginnings(all: &[Seen]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (n, seen) in all.iter().enumerate() {
        let fetch = n.checked_sub(1).map(|n| &all[n]);
        if let Some(fetch) = fetch.filter(|fetch| is_piped_installer(fetch, seen)) {
            let addresses = fetch.args().iter().filter(|w| w.contains("://"));
            let parts = addresses.flat_map(|w| w.split(|c: char| !c.is_ascii_alphanumeric()));
            found.extend(parts.map(str::to_ascii_uppercase));
            found.extend(OF_SCRIPTS.iter().map(|w| (*w).to_owned()));
        }
        let is_by_name = matches!(
            (seen.name(), seen.subcommand()),
            ("pip" | "pip3" | "pipx", "install") | ("uv", "pip" | "tool")
        );
        let named = seen
            .args()
            .iter()
            .filter(|w| is_by_name && !w.starts_with(['-', '.', '/']));
        let first = |w: &String| {
            let mut parts = w.split(|c: char| !c.is_ascii_alphanumeric());
            parts.next().map(str::to_ascii_uppercase)
        };
        // The verb is none of them.
        found.extend(named.skip(1).filter_map(first));
    }
    found.remove("");
    found
}

/// Whether variable `name` begins so.
pub(super) fn is_of_one(beginnings: &BTreeSet<String>, name: &str) -> bool {
    let first = name.split('_').next().unwrap_or_default();
    beginnings.contains(&first.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_those_of_what_is_installed() {
        let check = |text: &str, name: &str, want: bool| {
            let seen = crate::shell::parse(text).seen();
            assert_eq!(is_of_one(&beginnings(&seen), name), want, "{text}: {name}");
        };
        let poetry = "curl -sSL https://install.python-poetry.org | python3 -";
        check(poetry, "POETRY_HOME", true);
        check(poetry, "poetry_version", true);
        check(poetry, "INSTALL_DIR", true);
        check(poetry, "APP_VERSION", false);
        check("pip install poetry==1.8.2", "POETRY_CACHE_DIR", true);
        check("pipx install poetry", "POETRY_VERSION", true);
        check("pip install -r requirements.txt", "APP_VERSION", false);
        check("pip install --upgrade uv", "UV_LINK_MODE", true);
        check("curl -o /x https://example.com/tool", "TOOL_VERSION", false);
        check("apt-get install -y curl", "CURL_HOME", false);
    }
}
