//! A Python program needs its packages and no compiler: they are installed into a virtual environment, which is copied.
//!
//! The text of the install stays: the environment's own `pip` stands first in PATH. Where the installer makes an
//! environment of its own beside the project (uv, Poetry told so), that one is copied.

use super::super::layout::{absolute, is_within};
use super::image::name;
use super::product::{Product, on_slim};
use super::single::Single;
use crate::dockerfile::ast::{Instruction, Kind};
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
    if let Some(own) = own_environment(single, &installs) {
        return beside_the_project(single, &installs, split, &own);
    }
    // Packages put elsewhere than where PATH says, or by another manager, are not carried by the environment.
    let is_plain = installs.iter().all(|(n, s)| {
        fills_first_in_path(single, *n, s)
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
    let others = single.commands().any(|(n, s)| {
        matches!(s.name(), "uv" | "conda" | "mamba")
            || (matches!(s.name(), "poetry" | "pipenv")
                && !is_setting(s)
                && !fills_first_in_path(single, n, s))
            || (s.name() == "venv")
            || !is_setting(s)
                && s.args()
                    .iter()
                    .any(|a| a == "venv" || a.contains("virtualenv"))
    });
    // An interpreter named by its path would not see the environment.
    let first = single.started.first()?;
    if !is_plain || others || first.starts_with("/usr/") || is_manager(first) {
        return None;
    }
    if reads_source(single, split) {
        return None;
    }
    let slim = on_slim(single, split, installs.iter().map(|(n, _)| *n), lacks)?;
    Some(Product {
        why: "its packages are installed, and compilers have done their work".to_owned(),
        files: vec![("build", VENV.to_owned())],
        first: format!("RUN python -m venv {VENV}\nENV PATH={VENV}/bin:$PATH\n"),
        setting: format!("ENV PATH={VENV}/bin:$PATH\n"),
        reasons: vec![format!(
            "the packages go into {VENV} and come with it, on the same interpreter"
        )],
        ..slim
    })
}

/// What the packages may miss in the smaller image.
fn lacks(base: &str) -> String {
    format!("no package was compiled against a library that {base} has not")
}

fn is_manager(program: &str) -> bool {
    matches!(program, "uv" | "poetry" | "pipenv")
}

/// `poetry config …`: reads and writes nothing but its settings.
fn is_setting(seen: &Seen) -> bool {
    seen.name() == "poetry" && seen.subcommand() == "config"
}

/// Whether an install puts packages where the first interpreter in PATH looks for them: pip does, and managers that pip
/// has put there and that are told to make no environment of their own.
fn fills_first_in_path(single: &Single<'_>, at: usize, seen: &Seen) -> bool {
    let by_pip = |tool: &str| {
        single.commands().any(|(_, s)| {
            matches!(s.name(), "pip" | "pip3")
                && s.args()
                    .iter()
                    .any(|a| a.split(['=', '<', '>', '~', '[']).next() == Some(tool))
        })
    };
    let is_off = |value: &str| matches!(value, "false" | "0");
    match seen.name() {
        "pip" | "pip3" => true,
        "poetry" => {
            let told = single.commands().any(|(_, s)| {
                is_setting(s)
                    && s.args().iter().any(|a| a == "virtualenvs.create")
                    && s.args().iter().any(|a| a == "false")
            });
            let set = single.variable(at, "POETRY_VIRTUALENVS_CREATE");
            by_pip("poetry") && (told || set.is_some_and(is_off))
        }
        "pipenv" => by_pip("pipenv") && seen.args().iter().any(|a| a == "--system"),
        _ => false,
    }
}

/// The environment that uv, Poetry or Pipenv make for the project, absolute; `None` where they make none, or it is not
/// told where.
fn own_environment(single: &Single<'_>, installs: &[(usize, &Seen)]) -> Option<String> {
    let mut found = None;
    for (n, seen) in installs {
        let is_on = |name: &str| {
            let value = single.variable(*n, name);
            value.is_some_and(|v| matches!(v, "true" | "1" | "yes"))
        };
        let told = |s: &Seen| {
            let has = |word: &str| s.args().iter().any(|a| a == word);
            is_setting(s) && has("virtualenvs.in-project") && has("true")
        };
        let place = match (seen.name(), seen.subcommand()) {
            ("uv", "sync") => match single.variable(*n, "UV_PROJECT_ENVIRONMENT") {
                Some(set) => single.at(*n, seen, set),
                None => single.at(*n, seen, ".venv"),
            },
            ("poetry", _)
                if is_on("POETRY_VIRTUALENVS_IN_PROJECT")
                    || single.commands().any(|(_, s)| told(s)) =>
            {
                single.at(*n, seen, ".venv")
            }
            ("pipenv", _) if is_on("PIPENV_VENV_IN_PROJECT") => single.at(*n, seen, ".venv"),
            // The manager itself.
            ("pip" | "pip3" | "pipx", _) if !reads_files(seen) && !names_project(seen) => continue,
            _ => return None,
        };
        if found.is_some() && found != place {
            return None;
        }
        found = place;
    }
    // The system's own directories are no environment.
    found.filter(|path| !path.starts_with("/usr") && path != "/")
}

fn reads_files(seen: &Seen) -> bool {
    let lead = ["-r", "--requirement", "-e", "--editable"];
    seen.args()
        .iter()
        .any(|a| lead.iter().any(|l| a.starts_with(l)))
}

/// The environment is copied as it is: the interpreter it points to lies at the same place in the slim image.
fn beside_the_project(
    single: &Single<'_>,
    installs: &[(usize, &Seen)],
    split: usize,
    environment: &str,
) -> Option<Product> {
    let first = single.started.first()?;
    let bin = format!("{environment}/bin");
    let leads = |i: &Instruction| match &i.kind {
        Kind::Env(pairs) => pairs
            .iter()
            .any(|p| p.name == "PATH" && p.value.split(':').any(|dir| dir == bin)),
        _ => false,
    };
    let is_found = absolute(Some(&single.cwd), first).is_some_and(|p| is_within(&p, &bin))
        || single.stage.instructions.iter().any(leads);
    let uses_manager = single
        .commands()
        .any(|(n, s)| n > split && is_manager(s.name()));
    if !is_found || uses_manager || reads_source(single, split) {
        return None;
    }
    let mut slim = on_slim(single, split, installs.iter().map(|(n, _)| *n), lacks)?;
    let is_uv = installs.iter().any(|(_, s)| s.name() == "uv");
    let of_image = single.variable(split, "UV_PYTHON_DOWNLOADS");
    if is_uv && !of_image.is_some_and(|v| matches!(v, "never" | "0" | "false" | "manual")) {
        slim.doubts
            .push("uv took the image's own interpreter and downloaded none".to_owned());
    }
    Some(Product {
        why: "its packages are installed, and compilers have done their work".to_owned(),
        files: vec![("build", environment.to_owned())],
        reasons: vec![format!(
            "{environment} holds the packages and points to an interpreter that is at the same place in both images"
        )],
        ..slim
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
                    || is_setting(s)
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
