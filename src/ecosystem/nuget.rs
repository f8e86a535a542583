//! .NET: `dotnet restore` reads project files along their references, `Directory.*`, `nuget.config`, `global.json`.

use super::files::Files;
use super::needs::{Needs, within};
use super::{CacheDir, Call, Ecosystem, Role, Verdict, text};
use crate::tree::RepoPath;
use serde_json::Value;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "nuget",
    plan,
    cache,
};

/// Tools that a manifest of their own names: what a project refers to has nothing to do with them.
/// (learn.microsoft.com/dotnet/core/tools/local-tools-how-to-use)
pub(super) const TOOLS: Ecosystem = Ecosystem {
    name: "dotnet tools",
    plan: tools,
    cache: |_| None,
};

/// Files that every project below them takes into account, in each directory from the project up.
const SHARED: &[&str] = &[
    "Directory.Build.props",
    "Directory.Build.targets",
    "Directory.Packages.props",
    "Directory.Solution.props",
    "nuget.config",
    "NuGet.config",
    "NuGet.Config",
    "global.json",
    "Packages.props",
    ".config/dotnet-tools.json",
    "dotnet-tools.json",
];

fn plan(call: &Call<'_>) -> Verdict {
    if call.program() != "dotnet" {
        return None;
    }
    let words: Vec<&str> = call.args().iter().map(String::as_str).collect();
    let verb = *words.first()?;
    if verb == "ef" {
        return by_ef(call);
    }
    if !matches!(
        verb,
        "restore" | "build" | "publish" | "test" | "pack" | "msbuild"
    ) {
        return None;
    }
    if call.has("--no-restore") {
        return None;
    }
    let project = words[1..].iter().scan(false, |skip, w| {
        let this = if std::mem::replace(skip, VALUED.contains(w)) {
            None
        } else {
            Some(*w)
        };
        Some(this)
    });
    // `/p:Name=Value` is an option of MSBuild.
    let is_there = |word: &&str| {
        let path = call.path(word);
        path.is_some_and(|p| call.files.has(&p) || call.files.has_dir(&p))
    };
    let project = project
        .flatten()
        .find(|w| !w.starts_with('-') && (!w.starts_with('/') || is_there(w)));
    let mut needs = match needs(call, project) {
        Ok(needs) => needs,
        Err(reason) => return Some(Err(reason)),
    };
    if verb == "restore" {
        return Some(Ok((Role::Install, needs)));
    }
    let mut line = vec!["dotnet restore".to_owned()];
    line.extend(project.map(text::quoted));
    for (names, flag) in [
        (&["-r", "--runtime"][..], "-r"),
        (&["-a", "--arch"][..], "-a"),
    ] {
        // A variable of the shell has no value yet up there; the build then restores what is left.
        if let Some(value) = call.option(names).filter(|v| call.knows(v)) {
            line.push(format!("{flag} {}", text::quoted(value)));
        }
    }
    for word in &words[1..] {
        let is_property = ["-p:", "/p:", "-p=", "--property"];
        if is_property.iter().any(|p| word.starts_with(p)) && call.knows(word) {
            line.push(text::quoted(word));
        }
    }
    needs.shown("dotnet restore reads project files and no source".to_owned());
    Some(Ok((Role::Prefetch(line.join(" ")), needs)))
}

fn tools(call: &Call<'_>) -> Verdict {
    let words: Vec<&str> = call.args().iter().map(String::as_str).collect();
    (call.program() == "dotnet" && words.starts_with(&["tool", "restore"])).then_some(())?;
    let mut needs = Needs::default();
    shared(&call.files, call.dir, &mut needs);
    let mut read = needs.files.iter();
    if !read.any(|p| p.as_bytes().ends_with(b"dotnet-tools.json")) {
        return Some(Err(
            "the manifest of its tools is not in the context".to_owned()
        ));
    }
    Some(Ok((Role::Install, needs)))
}

/// Whether a command of Entity Framework's tools builds the project first, restoring what it refers to
/// (learn.microsoft.com/ef/core/cli/dotnet).
fn builds_for_ef(call: &Call<'_>) -> bool {
    let plain: Vec<&str> = call.plain_words().take(3).collect();
    let is_it = match plain.as_slice() {
        ["ef", "migrations", verb] => matches!(*verb, "bundle" | "script" | "list"),
        ["ef", "database", verb] => *verb == "update",
        ["ef", "dbcontext", verb] => matches!(*verb, "optimize" | "script"),
        _ => false,
    };
    call.program() == "dotnet" && is_it && !call.has("--no-build")
}

fn by_ef(call: &Call<'_>) -> Verdict {
    builds_for_ef(call).then_some(())?;
    let files = &call.files;
    // It builds what starts: the project that is named so, the one where it runs, or the one that holds the migrations.
    let here = lying_in(files, call.dir, PROJECTS);
    let here = here.first().and_then(RepoPath::file_name);
    let here = here.map(|name| String::from_utf8_lossy(name).into_owned());
    let started = call.option(&["-s", "--startup-project"]);
    let project = Some(match (started, &here) {
        (Some(started), _) => started,
        (None, Some(here)) => here,
        (None, None) => call.option(&["-p", "--project"])?,
    });
    let mut needs = match needs(call, project) {
        Ok(needs) => needs,
        Err(reason) => return Some(Err(reason)),
    };
    let mut line = vec!["dotnet restore".to_owned()];
    line.extend(project.map(text::quoted));
    needs.shown("dotnet restore reads project files and no source".to_owned());
    Some(Ok((Role::Prefetch(line.join(" ")), needs)))
}

const VALUED: &[&str] = &[
    "-c",
    "--configuration",
    "-o",
    "--output",
    "-r",
    "--runtime",
    "-f",
    "--framework",
    "-v",
    "--verbosity",
    "-a",
    "--arch",
    "--os",
    "-s",
    "--source",
    "--configfile",
    "--version-suffix",
    "--logger",
    "-p",
];

fn needs(call: &Call<'_>, project: Option<&str>) -> Result<Needs, String> {
    let files = &call.files;
    let mut needs = Needs::default();
    // Its targets run a tool that resolves in its own way (fsprojects.github.io/Paket, "Paket and the .NET SDK").
    if files.has(&RepoPath::from("paket.dependencies"))
        || files.has(&call.dir.join(b"paket.dependencies"))
    {
        return Err("Paket resolves for it".to_owned());
    }
    let start = match project {
        Some(project) => call
            .path(project)
            .ok_or_else(|| format!("where {project} lies is not known"))?,
        None => call.dir.clone(),
    };
    let roots = if files.has(&start) {
        vec![start]
    } else {
        projects_in(files, &start)
    };
    if roots.is_empty() {
        return Err("there is no project or solution where it runs".to_owned());
    }
    let mut open = roots;
    let mut n_projects = 0;
    while let Some(path) = open.pop() {
        if needs.files.contains(&path) || n_projects > 1_000 {
            continue;
        }
        n_projects += 1;
        if !needs.file(files, &path) {
            needs.absent(format!(
                "{path}, which another project refers to, is not in the context"
            ));
            continue;
        }
        let dir = path.parent().unwrap_or_else(RepoPath::root);
        let source = files.text(&path).unwrap_or_default();
        open.extend(referred(files, &path, &dir, &source, &mut needs));
        needs.names(files, &dir, &["packages.lock.json", "packages.config"]);
        shared(files, &dir, &mut needs);
    }
    for config in call.options(&["--configfile"]) {
        if !call.path(config).is_some_and(|p| needs.file(files, &p)) {
            needs.absent(format!("{config} is not in the repository"));
        }
    }
    needs.shown(match n_projects {
        1 => "its project file refers to no other and is copied with it".to_owned(),
        n => format!("all {n} solution and project files along the references are copied with it"),
    });
    Ok(needs)
}

/// Solutions and projects directly in `dir`; a solution goes before the projects, as for dotnet.
fn projects_in(files: &Files<'_>, dir: &RepoPath) -> Vec<RepoPath> {
    let solutions = lying_in(files, dir, &[".sln", ".slnx", ".slnf"]);
    if solutions.is_empty() {
        lying_in(files, dir, PROJECTS)
    } else {
        solutions
    }
}

/// How the names of projects end.
const PROJECTS: &[&str] = &[".csproj", ".fsproj", ".vbproj"];

/// The files directly in `dir` whose names end so.
fn lying_in(files: &Files<'_>, dir: &RepoPath, ends: &[&str]) -> Vec<RepoPath> {
    let here = files
        .below(dir)
        .filter(|p| p.parent().as_ref() == Some(dir));
    here.filter(|p| ends.iter().any(|e| p.as_bytes().ends_with(e.as_bytes())))
        .cloned()
        .collect()
}

/// Projects that a solution or project names, and files that it imports.
fn referred(
    files: &Files<'_>,
    path: &RepoPath,
    dir: &RepoPath,
    source: &str,
    needs: &mut Needs,
) -> Vec<RepoPath> {
    let mut named = text::xml_attributes(source, "ProjectReference", "Include");
    named.extend(text::xml_attributes(source, "Project", "Path"));
    if path.as_bytes().ends_with(b".slnf") {
        return filtered(files, path, dir, needs);
    }
    if path.as_bytes().ends_with(b".sln") {
        // Project("{…}") = "Name", "dir\Name.csproj", "{…}"
        let quoted = source
            .lines()
            .filter(|l| l.starts_with("Project("))
            .filter_map(|l| l.split('"').nth(5));
        named.extend(quoted.filter(|p| p.ends_with("proj")).map(str::to_owned));
    }
    for import in text::xml_attributes(source, "Import", "Project") {
        let local = import
            .replace("$(MSBuildThisFileDirectory)", "")
            .replace("$(MSBuildProjectDirectory)", ".");
        if let Some(found) = within(dir, &local) {
            if needs.file(files, &found) {
                needs.shown(format!("{found}, which {path} imports, is copied with it"));
            }
        } else if import.contains("$(") && !import.contains("$(MSBuild") {
            needs.doubt(format!("{path} imports {import}"));
        }
    }
    named.iter().filter_map(|n| within(dir, n)).collect()
}

/// A solution filter: its solution, and the projects that it takes from there (paths are those of the solution).
fn filtered(
    files: &Files<'_>,
    path: &RepoPath,
    dir: &RepoPath,
    needs: &mut Needs,
) -> Vec<RepoPath> {
    let json = files.json(path).unwrap_or_default();
    let solution = json.pointer("/solution/path").and_then(Value::as_str);
    let Some(solution) = solution.and_then(|s| within(dir, s)) else {
        needs.doubt(format!("{path} could not be read"));
        return Vec::new();
    };
    if !needs.file(files, &solution) {
        needs.absent(format!("{solution} is not in the context"));
    }
    let base = solution.parent().unwrap_or_else(RepoPath::root);
    let listed = json.pointer("/solution/projects").and_then(Value::as_array);
    let named = listed.into_iter().flatten().filter_map(Value::as_str);
    named.filter_map(|n| within(&base, n)).collect()
}

/// Sources of packages that `nuget.config` keeps in the repository.
fn local_sources(files: &Files<'_>, config: &RepoPath, needs: &mut Needs) {
    let dir = config.parent().unwrap_or_else(RepoPath::root);
    let source = files.text(config).unwrap_or_default();
    let sources = text::xml_inside(&source, "packageSources").unwrap_or_default();
    for value in text::xml_attributes(&sources, "add", "value") {
        let Some(found) = within(&dir, &value).filter(|p| !p.is_root()) else {
            continue;
        };
        if needs.dir(files, &found) {
            needs.shown(format!(
                "the packages in {found}, which {config} names as a source, are copied with it"
            ));
        } else {
            needs.absent(format!(
                "{config} names the source {value}, which is not in the repository"
            ));
        }
    }
}

/// The shared files of `dir` and everything above it.
fn shared(files: &Files<'_>, dir: &RepoPath, needs: &mut Needs) {
    for above in std::iter::successors(Some(dir.clone()), RepoPath::parent) {
        needs.names(files, &above, SHARED);
    }
    let is_config = |p: &&RepoPath| {
        let name = p.file_name().unwrap_or_default();
        name.eq_ignore_ascii_case(b"nuget.config")
    };
    let configs: Vec<RepoPath> = needs.files.iter().filter(is_config).cloned().collect();
    for config in configs {
        local_sources(files, &config, needs);
    }
    let is_import = |p: &&RepoPath| {
        let path = p.as_bytes();
        path.ends_with(b".props") || path.ends_with(b".targets")
    };
    let mut open: Vec<RepoPath> = needs.files.iter().filter(is_import).cloned().collect();
    while let Some(path) = open.pop() {
        let dir = path.parent().unwrap_or_else(RepoPath::root);
        let source = files.text(&path).unwrap_or_default();
        for import in text::xml_attributes(&source, "Import", "Project") {
            let local = import.replace("$(MSBuildThisFileDirectory)", "");
            let found = within(&dir, &local).filter(|p| !needs.files.contains(p));
            // Each file is taken up once, so that imports in a circle end.
            open.extend(found.filter(|p| needs.file(files, p)));
        }
    }
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    let builds = matches!(
        call.verb(),
        Some("restore" | "build" | "publish" | "test" | "pack")
    );
    (call.program() == "dotnet" && builds || builds_for_ef(call)).then_some(())?;
    CacheDir::store("~/.nuget/packages")
}
