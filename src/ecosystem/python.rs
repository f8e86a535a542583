//! `pyproject.toml`, `setup.py` and requirements files: what installing by them reads.

use super::files::Files;
use super::needs::{Needs, within};
use crate::tree::RepoPath;
use toml::{Table, Value};

/// Adds a requirements file and all it names: `-r`, `-c`, local paths, directories of wheels. `cwd` is where pip runs.
/// `Err` when one of them is a project to build.
pub(super) fn requirements(
    files: &Files<'_>,
    cwd: &RepoPath,
    path: &RepoPath,
    needs: &mut Needs,
) -> Result<(), String> {
    let mut open = vec![path.clone()];
    let mut n_read = 0;
    while let Some(path) = open.pop() {
        n_read += 1;
        if n_read > 64 {
            needs.doubt("the requirements include one another too often to follow".to_owned());
            break;
        }
        if needs.files.contains(&path) {
            continue;
        }
        if !needs.file(files, &path) {
            needs.absent(format!("{path} is not in the repository"));
            continue;
        }
        let Some(text) = files.text(&path) else {
            needs.doubt(format!("{path} could not be read"));
            continue;
        };
        let dir = path.parent().unwrap_or_else(RepoPath::root);
        for line in text.replace("\\\n", " ").lines() {
            let line = line.split(" #").next().unwrap_or(line).trim();
            if !line.starts_with('#') {
                open.extend(requirement(files, &path, [cwd, &dir], line, needs)?);
            }
        }
    }
    Ok(())
}

/// One line of a requirements file; gives another requirements file that it includes.
fn requirement(
    files: &Files<'_>,
    path: &RepoPath,
    [cwd, dir]: [&RepoPath; 2],
    line: &str,
    needs: &mut Needs,
) -> Result<Option<RepoPath>, String> {
    for option in ["--find-links", "-f"] {
        let Some(rest) = line.strip_prefix(option) else {
            continue;
        };
        let name = rest.trim_start_matches(['=', ' ', '\t']).trim();
        // Beside the file where there is one, else from where pip runs (pip, req_file.py).
        let found = [dir, cwd].into_iter().filter_map(|d| within(d, name));
        let found = found.into_iter().find(|p| needs.path(files, p));
        match found {
            Some(found) => needs.shown(format!(
                "{found}, where {path} looks for packages, is copied with it"
            )),
            None if name.contains("://") => {}
            None => needs.absent(format!(
                "{path} looks for packages in {name}, which is not in the repository"
            )),
        }
        return Ok(None);
    }
    for include in ["--requirement", "--constraint", "-r", "-c"] {
        let Some(rest) = line.strip_prefix(include) else {
            continue;
        };
        let name = rest.trim_start_matches(['=', ' ', '\t']).trim();
        if name.contains("://") {
            return Ok(None);
        }
        // pip reads an included file relative to the file that names it.
        let Some(found) = within(dir, name) else {
            needs.doubt(format!("{path} includes {name}, whose place is not known"));
            return Ok(None);
        };
        needs.shown(format!("{found}, which {path} includes, is copied with it"));
        return Ok(Some(found));
    }
    let target = ["--editable", "-e"]
        .iter()
        .find_map(|f| line.strip_prefix(f))
        .map(|r| r.trim_start_matches(['=', ' ']));
    let spec = target.unwrap_or(line);
    let spec = spec.split_once(" @ ").map_or(spec, |(_, url)| url);
    let spec = spec.split([';', ' ']).next().unwrap_or(spec).trim();
    let spec = spec
        .strip_prefix("file:")
        .map_or(spec, |s| s.trim_start_matches("//"));
    let base = spec.split('[').next().unwrap_or(spec);
    let is_local = base.starts_with('.')
        || base.starts_with('/')
        || (base.contains('/') && !base.contains("://") && !line.starts_with('-'));
    if !is_local {
        return Ok(None);
    }
    // Local paths are relative to the working directory.
    let at = |from: &RepoPath| within(from, base).filter(|p| files.has(p) || files.has_dir(p));
    match at(cwd).or_else(|| at(dir)) {
        Some(found) if files.has(&found) => {
            needs.file(files, &found);
            needs.shown(format!("{found}, which {path} installs, is copied with it"));
            Ok(None)
        }
        Some(found)
            if files.has_dir(&found) && !found.is_root() && found != *cwd && found != *dir =>
        {
            needs.dir(files, &found);
            needs.shown(format!("the local package {found} is copied with it"));
            Ok(None)
        }
        _ => Err(format!("{path} installs the project itself ({base})")),
    }
}

/// What reading a project's metadata takes (without building its packages): pyproject.toml and what it names. `Err`
/// when metadata is computed from the source.
pub(super) fn metadata(files: &Files<'_>, dir: &RepoPath, needs: &mut Needs) {
    let path = dir.join(b"pyproject.toml");
    if !needs.file(files, &path) {
        return;
    }
    if files.toml(&path).is_none() {
        needs.doubt(format!("{path} could not be read as TOML"));
    }
}

/// What a build backend reads where pyproject.toml leaves the dependencies to it (`dynamic = ["dependencies"]`).
pub(super) fn dynamic_dependencies(files: &Files<'_>, dir: &RepoPath, needs: &mut Needs) {
    let Some(pyproject) = files.toml(&dir.join(b"pyproject.toml")) else {
        return;
    };
    let listed = at(&pyproject, &["project", "dynamic"]).and_then(Value::as_array);
    let mut listed = listed.into_iter().flatten().filter_map(Value::as_str);
    if !listed.any(|d| d.ends_with("dependencies")) {
        return;
    }
    for name in named_files(&pyproject) {
        within(dir, &name).map(|p| needs.path(files, &p));
    }
    needs.names(files, dir, &["setup.py", "setup.cfg"]);
    needs.doubt("pyproject.toml leaves the dependencies to its build backend, which may read more than is copied with it");
}

/// What building or installing the project itself reads beyond its packages: readme, licences, version files.
/// Only asked where a command installs the project before its source is there.
pub(super) fn project(files: &Files<'_>, dir: &RepoPath, needs: &mut Needs) {
    metadata(files, dir, needs);
    let Some(pyproject) = files.toml(&dir.join(b"pyproject.toml")) else {
        return;
    };
    let named = named_files(&pyproject);
    for name in &named {
        if let Some(found) = within(dir, name).filter(|p| needs.path(files, p)) {
            needs.shown(format!(
                "{found}, which pyproject.toml names, is copied with it"
            ));
        } else if !name.contains('*') {
            needs.absent(format!(
                "pyproject.toml names {name}, which is not in the repository"
            ));
        }
    }
    if let Some(tool) = reads_git(&pyproject) {
        needs.doubt(format!("{tool} takes the version from git metadata"));
    }
}

/// Files that `pyproject.toml` names: readme, licence files, dynamic version and dependencies.
pub(super) fn named_files(pyproject: &Table) -> Vec<String> {
    let mut named = Vec::new();
    let project = pyproject.get("project").and_then(Value::as_table);
    let poetry = at(pyproject, &["tool", "poetry"]);
    for table in [project, poetry.and_then(Value::as_table)]
        .into_iter()
        .flatten()
    {
        match table.get("readme") {
            Some(Value::String(readme)) => named.push(readme.clone()),
            Some(Value::Table(readme)) => named.extend(
                readme
                    .get("file")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            ),
            Some(Value::Array(list)) => {
                named.extend(list.iter().filter_map(Value::as_str).map(str::to_owned))
            }
            _ => {}
        }
        if let Some(Value::Table(license)) = table.get("license") {
            named.extend(
                license
                    .get("file")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
        }
        let licenses = table.get("license-files").and_then(Value::as_array);
        named.extend(
            licenses
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned),
        );
    }
    if let Some(dynamic) =
        at(pyproject, &["tool", "setuptools", "dynamic"]).and_then(Value::as_table)
    {
        for entry in dynamic.values().filter_map(|v| v.get("file")) {
            match entry {
                Value::String(file) => named.push(file.clone()),
                Value::Array(list) => {
                    named.extend(list.iter().filter_map(Value::as_str).map(str::to_owned))
                }
                _ => {}
            }
        }
    }
    named.extend(
        at(pyproject, &["tool", "hatch", "version", "path"])
            .and_then(Value::as_str)
            .map(str::to_owned),
    );
    named.sort();
    named.dedup();
    named
}

/// The tool by which the build takes its version from git, if `pyproject.toml` asks for one.
pub(super) fn reads_git(pyproject: &Table) -> Option<&'static str> {
    let requires = at(pyproject, &["build-system", "requires"]).and_then(Value::as_array);
    let tools = [
        "hatch-vcs",
        "setuptools-scm",
        "setuptools_scm",
        "setuptools-git-versioning",
        "versioningit",
        "poetry-dynamic-versioning",
        "pdm-backend-scm",
        "dunamai",
        "vcs-versioning",
    ];
    let listed = requires.into_iter().flatten().filter_map(Value::as_str);
    listed
        .into_iter()
        .find_map(|r| tools.into_iter().find(|t| r.starts_with(t)))
}

/// True when `[project]` or the old form declares dependencies that a computed value could change.
pub(super) fn at<'t>(table: &'t Table, keys: &[&str]) -> Option<&'t Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter()
        .try_fold(table.get(*first)?, |value, key| value.get(*key))
}
