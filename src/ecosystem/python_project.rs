//! The dependencies of a Python project that is installed by its path (`pip install .`), resolved before its source is
//! there: from its metadata where they stand in it, from the requirements file that the metadata names, or by installing
//! the project with `setup.py` and what that reads alone.

use super::needs::{Needs, within};
use super::setup_py;
use super::text::quoted;
use super::{Call, python};
use crate::tree::RepoPath;
use toml::{Table, Value};

/// How a project is installed by a command.
pub(super) struct Installed<'a> {
    /// Its path as written, without extras.
    pub(super) path: &'a str,
    /// The extras that are asked for.
    pub(super) extras: Vec<&'a str>,
    /// Program, verb and options, without the project.
    pub(super) kept: Vec<&'a str>,
    /// True for uv, which reads pyproject.toml as a list of requirements.
    pub(super) is_uv: bool,
}

/// The command that resolves the dependencies alone, and what it reads; or why there is none.
pub(super) fn dependencies(
    call: &Call<'_>,
    installed: &Installed<'_>,
) -> Result<(String, Needs), String> {
    let files = &call.files;
    let dir = call
        .path(installed.path)
        .filter(|d| files.has_dir(d) || d.is_root())
        .ok_or_else(|| format!("where {} lies is not known", installed.path))?;
    let pyproject = dir.join(b"pyproject.toml");
    let table = files.toml(&pyproject).unwrap_or_default();
    let mut needs = Needs::default();
    if let Some(project) = table.get("project").and_then(Value::as_table) {
        if !is_dynamic(project, "dependencies") {
            needs.file(files, &pyproject);
            return declared(call, installed, project, needs);
        }
        if let Some(listed) = listed_files(&table) {
            return from_files(call, installed, &dir, &listed, needs);
        }
    }
    // What is written there is resolved whatever version the project itself gets.
    if let Some(tool) = python::reads_git(&table) {
        return Err(format!("{tool} takes the version from git metadata"));
    }
    if !files.has(&dir.join(b"setup.py")) {
        return Err(
            "pip builds the project from its source, and cannot install its dependencies alone"
                .to_owned(),
        );
    }
    from_setup_py(call, installed, &dir, &mut needs).map(|line| (line, needs))
}

fn is_dynamic(project: &Table, field: &str) -> bool {
    let dynamic = project.get("dynamic").and_then(Value::as_array);
    dynamic
        .into_iter()
        .flatten()
        .any(|v| v.as_str() == Some(field))
}

/// Dependencies that stand in `[project]`.
fn declared(
    call: &Call<'_>,
    installed: &Installed<'_>,
    project: &Table,
    mut needs: Needs,
) -> Result<(String, Needs), String> {
    let list = |value: Option<&Value>| -> Vec<String> {
        let items = value.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut all = list(project.get("dependencies"));
    let optional = project.get("optional-dependencies");
    for extra in &installed.extras {
        let group = optional.and_then(|o| o.get(*extra));
        if group.is_none() {
            return Err(format!("pyproject.toml has no extra {extra}"));
        }
        all.extend(list(group));
    }
    let name = project.get("name").and_then(Value::as_str).unwrap_or("");
    let own = normal(name);
    for text in &all {
        let end = text
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
            .unwrap_or(text.len());
        if normal(&text[..end]) == own || text.contains("file:") || text.contains('{') {
            return Err(format!(
                "pyproject.toml requires a part of the project ({text})"
            ));
        }
    }
    if all.is_empty() {
        return Err("pyproject.toml names no dependencies".to_owned());
    }
    needs.shown("the dependencies stand in pyproject.toml, and nothing else is read".to_owned());
    let path = file_in(installed.path, "pyproject.toml");
    let kept = installed.kept.iter().map(|w| quoted(w));
    if installed.is_uv {
        let mut line: Vec<String> = kept.chain(["-r".to_owned(), quoted(&path)]).collect();
        line.extend(installed.extras.iter().map(|e| format!("--extra {e}")));
        return Ok((line.join(" "), needs));
    }
    if path.contains(['\'', '"', '$', '`', '\\']) {
        return Err("the project's path cannot be said plainly".to_owned());
    }
    let minor = call.env.get("PYTHON_VERSION").and_then(|v| {
        let mut parts = v.split(['.', '-']);
        (parts.next()? == "3").then_some(())?;
        parts.next()?.parse::<u32>().ok()
    });
    // pip has brought a reader of its own since 21.2 (pip's NEWS), which is given text: its `load` took other files once.
    let is_old = minor.is_some_and(|minor| minor < 11);
    let (module, loaded) = if is_old {
        needs.doubt("check that the image's pip is 21.2 or newer: this Python reads no TOML by itself, and pip's own tomli is used, which pip does not promise to others".to_owned());
        let loaded = format!("tomli.loads(open('{path}', encoding='utf-8').read())");
        ("from pip._vendor import tomli", loaded)
    } else {
        if minor.is_none() {
            needs.doubt("check that the image's Python is 3.11 or newer: older ones cannot read TOML by themselves".to_owned());
        }
        let loaded = format!("tomllib.load(open('{path}', 'rb'))");
        ("import tomllib", loaded)
    };
    let extras: String = installed
        .extras
        .iter()
        .map(|e| format!(", *p['optional-dependencies']['{e}']"))
        .collect();
    let base = if project.contains_key("dependencies") {
        "*p['dependencies']"
    } else {
        "*[]"
    };
    let program = format!("{module}; p = {loaded}['project']; print({base}{extras}, sep='\\n')");
    let line: Vec<String> = kept.collect();
    Ok((
        format!(
            "python3 -c \"{program}\" | {} -r /dev/stdin",
            line.join(" ")
        ),
        needs,
    ))
}

/// A name as packages are compared by it.
fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

/// `file` as written from where the project at `path` is written from.
fn file_in(path: &str, file: &str) -> String {
    match path.trim_end_matches('/') {
        "." | "" => file.to_owned(),
        dir => format!("{dir}/{file}"),
    }
}

/// The requirements files that the metadata takes its dependencies from.
fn listed_files(pyproject: &Table) -> Option<Vec<String>> {
    let dynamic = ["tool", "setuptools", "dynamic", "dependencies", "file"];
    let hook = [
        "tool",
        "hatch",
        "metadata",
        "hooks",
        "requirements_txt",
        "files",
    ];
    let value = python::at(pyproject, &dynamic).or_else(|| python::at(pyproject, &hook))?;
    let listed: Vec<String> = match value {
        Value::String(file) => vec![file.clone()],
        Value::Array(list) => list
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    (!listed.is_empty()).then_some(listed)
}

fn from_files(
    call: &Call<'_>,
    installed: &Installed<'_>,
    dir: &RepoPath,
    listed: &[String],
    mut needs: Needs,
) -> Result<(String, Needs), String> {
    if !installed.extras.is_empty() {
        return Err("which requirements its extras come to is not plain".to_owned());
    }
    for name in listed {
        let path = within(dir, name).ok_or_else(|| format!("where {name} lies is not known"))?;
        python::requirements(&call.files, call.dir, &path, &mut needs)?;
        needs.shown(format!("pyproject.toml takes the dependencies from {name}"));
    }
    Ok((with_files(installed, listed), needs))
}

fn with_files(installed: &Installed<'_>, listed: &[String]) -> String {
    let mut line: Vec<String> = installed.kept.iter().map(|w| quoted(w)).collect();
    for name in listed {
        line.extend(["-r".to_owned(), quoted(&file_in(installed.path, name))]);
    }
    line.join(" ")
}

/// A requirements file that setup.py reads, or the project installed without its packages.
fn from_setup_py(
    call: &Call<'_>,
    installed: &Installed<'_>,
    dir: &RepoPath,
    needs: &mut Needs,
) -> Result<String, String> {
    let files = &call.files;
    let listed = setup_py::requirements(files, dir);
    if let Some(one) = listed.filter(|_| installed.extras.is_empty()) {
        let mut own = Needs::default();
        python::requirements(files, call.dir, &one, &mut own)?;
        let name = one
            .strip_prefix(dir)
            .unwrap_or_else(|| one.clone())
            .to_string();
        own.doubt(format!("check that setup.py requires what {one} lists"));
        own.shown(format!("setup.py reads {one}"));
        *needs = own;
        return Ok(with_files(installed, &[name]));
    }
    let stubs = setup_py::read(files, dir, needs)?;
    needs.names(files, dir, &["pyproject.toml", "setup.cfg", "MANIFEST.in"]);
    settings(call, dir, needs)?;
    needs.shown("without its packages the project is installed as its metadata, with all dependencies; the command that stays installs it again".to_owned());
    let all: Vec<String> = needs
        .files
        .iter()
        .map(|f| f.strip_prefix(dir).unwrap_or_else(|| f.clone()).to_string())
        .collect();
    needs.doubt(format!(
        "setup.py is a program: check that it reads no file of the project but {}",
        all.join(", ")
    ));
    let mut line = String::new();
    let (dirs, made): (Vec<String>, Vec<String>) = stubs
        .iter()
        .map(|s| file_in(installed.path, s))
        .partition(|s| !s.ends_with(".py"));
    let mut folders: Vec<String> = made
        .iter()
        .filter_map(|m| Some(m.rsplit_once('/')?.0.to_owned()))
        .chain(dirs)
        .collect();
    folders.sort();
    folders.dedup();
    if made.is_empty() && folders.is_empty() {
        return Ok(call.line());
    }
    if files.has_dir(&dir.join(b"build")) {
        return Err("the project has a directory build of its own".to_owned());
    }
    if !folders.is_empty() {
        line = format!("mkdir -p {} && ", folders.join(" "));
    }
    if !made.is_empty() {
        line = format!("{line}touch {} && ", made.join(" "));
    }
    // What setuptools keeps there is newer than the source to come, and would be taken for it.
    let built = file_in(installed.path, "build");
    Ok(format!("{line}{} && rm -rf {built}", call.line()))
}

/// What `setup.cfg` names: files of the description and the version.
fn settings(call: &Call<'_>, dir: &RepoPath, needs: &mut Needs) -> Result<(), String> {
    let files = &call.files;
    let Some(text) = files.text(&dir.join(b"setup.cfg")) else {
        return Ok(());
    };
    for line in text.lines() {
        let line = line.trim();
        let value = line.split_once('=').map_or(line, |(_, v)| v).trim();
        if let Some(named) = value.strip_prefix("file:") {
            for name in named.split(',').map(str::trim) {
                if let Some(path) = within(dir, name) {
                    needs.file(files, &path);
                }
            }
        } else if let Some(named) = value.strip_prefix("attr:") {
            let (module, _) = named.trim().rsplit_once('.').unwrap_or((named.trim(), ""));
            let module = module.replace('.', "/");
            let is_there = [format!("{module}.py"), format!("{module}/__init__.py")]
                .iter()
                .any(|name| needs.file(files, &dir.join(name.as_bytes())));
            if !is_there {
                return Err(format!("setup.cfg takes a value from {named}"));
            }
        } else if line.starts_with("setup_requires") && value.contains("scm") || value == "pbr" {
            return Err("setup.cfg takes the version from git".to_owned());
        }
    }
    Ok(())
}
