//! A Python program needs its packages and no compiler: they are installed into a virtual environment, which is copied.
//!
//! The text of the install stays: the environment's own `pip` stands first in PATH.

use super::image::{is_small, name, slim};
use super::product::{Product, may_be_rootless};
use super::single::Single;
use crate::shell::Seen;

/// Where the virtual environment is made.
const VENV: &str = "/opt/venv";

pub(super) fn product(single: &Single<'_>) -> Option<Product> {
    if name(&single.image) != "python" {
        return None;
    }
    let installs: Vec<(usize, &Seen)> = single
        .commands()
        .filter(|(_, s)| installs_packages(s))
        .collect();
    let split = installs.iter().map(|(n, _)| *n).max()?;
    // Packages put elsewhere than where PATH says, or by another manager, are not carried by the environment.
    let is_plain = installs.iter().all(|(n, s)| {
        matches!(s.name(), "pip" | "pip3")
            && ![
                "--user",
                "--target",
                "-t",
                "--prefix",
                "--root",
                "-e",
                "--editable",
            ]
            .iter()
            .any(|f| {
                s.args()
                    .iter()
                    .any(|a| a == f || a.starts_with(&format!("{f}=")))
            })
            && !names_project(s)
            && single.variable(*n, "PIP_TARGET").is_none()
            && single.variable(*n, "VIRTUAL_ENV").is_none()
    });
    let others = single.commands().any(|(_, s)| {
        matches!(s.name(), "poetry" | "uv" | "pipenv" | "conda" | "mamba")
            || (s.name() == "venv")
            || s.args()
                .iter()
                .any(|a| a == "venv" || a.contains("virtualenv"))
    });
    // An interpreter named by its path would not see the environment.
    let first = single.started.first()?;
    if !is_plain || others || first.starts_with("/usr/") || first == "uv" || first == "poetry" {
        return None;
    }
    if reads_source(single, split) {
        return None;
    }
    let (again, left, tools) = single.system(split);
    if is_small(&single.image) && left.is_empty() {
        return None;
    }
    let base = slim(single.written, &single.image, true)?;
    let mut doubts = Vec::new();
    if base != single.written {
        doubts.push(format!(
            "no package was compiled against a library that {base} has not"
        ));
    }
    if !tools.is_empty() {
        doubts.push(format!("nothing calls {} while it runs", tools.join(", ")));
    }
    let mut known: Vec<usize> = installs.iter().map(|(n, _)| *n).collect();
    known.extend(left);
    Some(Product {
        split,
        base,
        why: "its packages are installed, and compilers have done their work".to_owned(),
        files: vec![("build", VENV.to_owned())],
        first: format!("RUN python -m venv {VENV}\nENV PATH={VENV}/bin:$PATH\n"),
        setting: format!("ENV PATH={VENV}/bin:$PATH\n"),
        takes_context: true,
        known,
        again,
        has_shell: true,
        user: may_be_rootless(single).then_some("1000:1000"),
        reasons: vec![format!(
            "the packages go into {VENV} and come with it, on the same interpreter"
        )],
        doubts,
        ..Product::default()
    })
}

fn installs_packages(seen: &Seen) -> bool {
    matches!(
        seen.name(),
        "pip" | "pip3" | "poetry" | "uv" | "pipenv" | "pipx"
    ) && seen.args().iter().any(|a| a == "install" || a == "sync")
}

/// `pip install .`.
fn names_project(seen: &Seen) -> bool {
    seen.args()
        .iter()
        .any(|a| a == "." || a.starts_with("./") || a.starts_with(".["))
}

/// Whether a RUN up to `split` runs something else: what it leaves would have to be found out.
fn reads_source(single: &Single<'_>, split: usize) -> bool {
    single.runs.iter().any(|(n, script, seen)| {
        *n <= split
            && super::packages::packages(script).is_none()
            && !seen.iter().all(|s| {
                installs_packages(s)
                    || matches!(
                        s.name(),
                        "" | "cd"
                            | "set"
                            | "mkdir"
                            | "rm"
                            | "echo"
                            | "true"
                            | "export"
                            | "apt-get"
                            | "apk"
                            | "addgroup"
                            | "adduser"
                            | "groupadd"
                            | "useradd"
                            | "chown"
                            | "chmod"
                    )
            })
    })
}
