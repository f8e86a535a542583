//! Scripts of installers that are piped into a shell: those that look at no project.

use crate::shell::{Connector, Seen};

/// Where scripts come from that install a tool for everyone and look at no project, as their text shows.
const INSTALLERS: &[&str] = &[
    "astral.sh/",
    "bun.sh/install",
    "deb.nodesource.com",
    "deno.land/install.sh",
    "deno.land/x/install",
    "dl.yarnpkg.com",
    "get.docker.com",
    "get.pnpm.io",
    "get.sdkman.io",
    "getcomposer.org/installer",
    "install.python-poetry.org",
    "packagecloud.io",
    "pyenv.run",
    "raw.githubusercontent.com/anchore/",
    "raw.githubusercontent.com/aquasecurity/trivy",
    "raw.githubusercontent.com/golangci/golangci-lint",
    "raw.githubusercontent.com/helm/helm",
    "raw.githubusercontent.com/nvm-sh/nvm",
    "rpm.nodesource.com",
    "sh.rustup.rs",
    "starship.rs/install.sh",
];

/// `curl URL | sh` with a script of [`INSTALLERS`].
pub(in crate::restructure) fn is_piped_installer(fetch: &Seen, shell: &Seen) -> bool {
    let is_known = |word: &String| {
        let host = word.strip_prefix("https://");
        host.is_some_and(|h| INSTALLERS.iter().any(|i| h.starts_with(i)))
    };
    let is_shell = matches!(shell.name(), "sh" | "bash" | "python3" | "php")
        && shell.connector == Connector::Pipe
        && shell.args().first().is_none_or(|a| a.starts_with('-'));
    is_shell
        && matches!(fetch.name(), "curl" | "wget")
        && fetch.args().iter().any(is_known)
        && !shell.args().iter().any(|a| a.contains('$') || a == "-c")
}
