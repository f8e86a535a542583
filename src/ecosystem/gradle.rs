//! Gradle: resolving reads settings, every build file, version catalogs, `buildSrc`, the wrapper and lockfiles.

use super::needs::Needs;
use super::needs::within;
use super::{CacheDir, Call, Ecosystem, Role, Verdict, text, wrapper};
use crate::tree::RepoPath;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "gradle",
    plan,
    cache,
};

/// Files that configure a build wherever they lie below its root.
const NAMES: &[&str] = &[
    "build.gradle",
    "build.gradle.kts",
    "settings.gradle",
    "settings.gradle.kts",
    "gradle.properties",
    "dependencies.lock",
];

/// Plugins that ask git for the version, by a word of the script that applies them.
const GIT_PLUGINS: &[&str] = &[
    "axion-release",
    "com.gorylenko.gradle-git-properties",
    "com.palantir.git-version",
    "grgit",
    "jgitver",
    "nebula.nebula-release",
    "nebula.netflixoss",
    "nebula.release",
    "reckon",
    "shipkit-auto-version",
];

/// With more projects than this the line would be longer than the gain is worth reading.
const MOST_PROJECTS: usize = 12;

/// Options worth keeping; `-x task` and tasks are the build's own.
const VALUED: &[&str] = &[
    "-p",
    "--project-dir",
    "-I",
    "--init-script",
    "-c",
    "--settings-file",
    "-b",
    "--build-file",
    "-g",
    "--gradle-user-home",
];

fn plan(call: &Call<'_>) -> Verdict {
    if !is_gradle(call) || call.has("--version") || call.has("-v") {
        return None;
    }
    let mut kept: Vec<String> = Vec::new();
    let mut tasks = Vec::new();
    let mut words = call.args().iter().map(String::as_str);
    while let Some(word) = words.next() {
        if matches!(
            word,
            "-x" | "--exclude-task" | "--console" | "--warning-mode" | "--max-workers"
        ) {
            words.next();
        } else if VALUED.contains(&word) {
            kept.push(word.to_owned());
            kept.extend(words.next().map(text::quoted));
        } else if matches!(
            word,
            "--no-daemon" | "--quiet" | "-q" | "--no-watch-fs" | "--refresh-dependencies"
        ) || word.starts_with("-P")
            || word.starts_with("-D")
        {
            kept.push(text::quoted(word));
        } else if !word.starts_with('-') {
            tasks.push(word);
        }
    }
    if call.has("--offline") {
        return Some(Err("it runs offline".to_owned()));
    }
    let mut needs = match needs(call) {
        Ok(needs) => needs,
        Err(reason) => return Some(Err(reason)),
    };
    let resolves = |t: &&str| {
        matches!(
            t.rsplit(':').next(),
            Some(
                "dependencies"
                    | "resolveDependencies"
                    | "downloadDependencies"
                    | "resolveAllDependencies"
                    | "wrapper"
                    | "help"
                    | "tasks"
                    | "buildEnvironment"
            )
        )
    };
    if !tasks.is_empty() && tasks.iter().all(resolves)
        || (tasks.is_empty() && call.program() == "gradlew")
    {
        return Some(Ok((Role::Install, needs)));
    }
    let mut line = vec![wrapper::program(call, "gradlew", &mut needs)];
    if !kept.iter().any(|k| k == "--no-daemon") {
        line.push("--no-daemon".to_owned());
    }
    line.extend(kept);
    line.extend(reports(call, &tasks, &mut needs));
    // The task renders the resolved graph: it fetches the wrapper's distribution, plugins and metadata.
    needs.shown("the dependencies task fetches Gradle itself, plugins and metadata; jars that it leaves are fetched by the build".to_owned());
    Some(Ok((Role::Prefetch(line.join(" ")), needs)))
}

/// The tasks that resolve: `dependencies` is of one project alone, so it is asked of each that the build is about, or of all.
fn reports(call: &Call<'_>, tasks: &[&str], needs: &mut Needs) -> Vec<String> {
    let mut projects: Vec<String> = tasks
        .iter()
        .filter_map(|t| Some(t.strip_prefix(':')?.rsplit_once(':')?.0.replace(':', "/")))
        .collect();
    if projects.len() < tasks.len() {
        projects = included(call);
    }
    let is_there = |dir: &String| {
        let dir = within(call.dir, dir);
        dir.is_some_and(|d| {
            ["build.gradle", "build.gradle.kts"]
                .iter()
                .any(|n| call.files.has(&d.join(n.as_bytes())))
        })
    };
    projects.retain(is_there);
    projects.sort();
    projects.dedup();
    let mut line = vec!["dependencies".to_owned()];
    if projects.len() <= MOST_PROJECTS {
        let of = |dir: &String| format!(":{}:dependencies", dir.replace('/', ":"));
        line.extend(projects.iter().map(of));
    } else {
        needs.doubt(format!(
            "the dependencies task is asked of the root project alone, not of its {} others: check that it fetches enough to be worth it",
            projects.len()
        ));
    }
    line
}

/// Directories of the projects that the settings include, where they lie at their usual place.
fn included(call: &Call<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["settings.gradle", "settings.gradle.kts"] {
        let source = call.files.text(&call.dir.join(name.as_bytes()));
        let mut goes_on = false;
        for line in source.iter().flat_map(|s| s.lines()).map(str::trim) {
            let rest = line.strip_prefix("include").filter(|r| {
                r.starts_with(|c: char| c == '(' || c == '\'' || c == '"' || c.is_whitespace())
            });
            let Some(rest) = rest.or(goes_on.then_some(line)) else {
                continue;
            };
            let parts = rest.split(['"', '\'']);
            let names = parts.skip(1).step_by(2);
            found.extend(names.map(|n| n.trim_start_matches(':').replace(':', "/")));
            goes_on = line.ends_with([',', '(']);
        }
    }
    found
}

fn is_gradle(call: &Call<'_>) -> bool {
    matches!(call.program(), "gradle" | "gradlew")
}

fn needs(call: &Call<'_>) -> Result<Needs, String> {
    let files = &call.files;
    let mut needs = Needs::default();
    let dir = call.dir_by(&["-p", "--project-dir"]);
    let dir = dir.ok_or("its project directory is not known")?;
    for path in files.below(&dir) {
        let name = path.file_name().unwrap_or_default();
        let is_script =
            path.as_bytes().ends_with(b".gradle") || path.as_bytes().ends_with(b".gradle.kts");
        let is_catalog = path.as_bytes().ends_with(b".versions.toml");
        if NAMES.iter().any(|n| n.as_bytes() == name)
            || is_catalog
            || is_script
            || name.ends_with(b".lockfile")
        {
            needs.files.insert(path.clone());
        }
    }
    if !needs.files.iter().any(|p| {
        matches!(
            p.file_name(),
            Some(
                b"build.gradle" | b"build.gradle.kts" | b"settings.gradle" | b"settings.gradle.kts"
            )
        )
    }) {
        return Err("there is no Gradle build where it runs".to_owned());
    }
    for whole in ["buildSrc", "gradle", "build-logic"] {
        if needs.dir(files, &dir.join(whole.as_bytes())) {
            needs.shown(format!("{whole}/ is copied with it"));
        }
    }
    if call.program() == "gradlew" {
        needs.names(files, call.dir, &["gradlew"]);
        needs.dir(files, &call.dir.join(b"gradle/wrapper"));
    }
    for script in call.options(&["-I", "--init-script"]) {
        if !call.path(script).is_some_and(|p| needs.file(files, &p)) {
            needs.absent(format!("the init script {script} is not in the repository"));
        }
    }
    scripts(call, &mut needs);
    for project in included(call) {
        let Some(dir) = within(&dir, &project) else {
            continue;
        };
        let is_copied = needs.files.iter().any(|p| p.strip_prefix(&dir).is_some());
        if !is_copied && files.has_dir(&dir) {
            needs.doubt(format!(
                "Gradle 9 on wants the directory of each project, and {dir} comes only with the source"
            ));
        }
    }
    let n_builds = needs
        .files
        .iter()
        .filter(|p| {
            p.file_name()
                .is_some_and(|n| n.starts_with(b"build.gradle"))
        })
        .count();
    needs.shown(format!(
        "every settings, build and catalog file is copied with it ({n_builds} builds)"
    ));
    Ok(needs)
}

/// What build scripts read beside themselves: included builds, files opened, git asked for a version.
fn scripts(call: &Call<'_>, needs: &mut Needs) {
    let scripts: Vec<_> = needs
        .files
        .iter()
        .filter(|p| p.as_bytes().ends_with(b".gradle") || p.as_bytes().ends_with(b".kts"))
        .cloned()
        .collect();
    for path in scripts {
        let Some(source) = call.files.text(&path) else {
            continue;
        };
        let dir = path.parent().unwrap_or_else(RepoPath::root);
        for included in text::literals_after(&source, "includeBuild", &["//", "*"]) {
            if !within(&dir, &included).is_some_and(|p| needs.dir(&call.files, &p)) {
                needs.absent(format!(
                    "{path} includes the build {included}, which is not in the context"
                ));
            }
        }
        for local in [
            "files",
            "file",
            "fileTree",
            "flatDir",
            "rootDir,",
            "projectDir,",
        ] {
            for named in text::literals_after(&source, local, &["//", "*"]) {
                let (base, named) = rooted(call, &dir, &named);
                if within(base, &named).is_some_and(|p| needs.file(&call.files, &p)) {
                    needs.shown(format!("{named}, which {path} reads, is copied with it"));
                }
            }
        }
        if source.contains("\"git\"") || source.contains("git describe") || source.contains("'git'")
        {
            needs.doubt(format!("{path} asks git for something"));
        }
        let lines = || source.lines().filter(|l| !l.trim_start().starts_with("//"));
        let is_applied = |plugin: &&&str| lines().any(|l| l.contains(**plugin));
        if let Some(plugin) = GIT_PLUGINS.iter().find(is_applied) {
            needs.doubt(format!(
                "{path} applies {plugin}, which asks git: check that it does without .git, which is not there yet"
            ));
        }
        if source.lines().any(|line| reads_unknown(call, &dir, line)) {
            needs.doubt(format!("{path} reads another file"));
        }
    }
}

/// Whether a line of a build script reads a file that is not named in it and there.
fn reads_unknown(call: &Call<'_>, dir: &RepoPath, line: &str) -> bool {
    let line = line.trim();
    let reads = [
        ".readText()",
        ".readLines()",
        "newInputStream",
        ".newReader",
    ];
    if !reads.iter().any(|r| line.contains(r)) && !line.ends_with(".text") {
        return false;
    }
    let mut quoted = line.split(['"', '\'']).skip(1).step_by(2);
    !quoted.any(|named| {
        let (base, named) = rooted(call, dir, named);
        within(base, &named).is_some_and(|p| call.files.has(&p))
    })
}

/// A path in a build script, and the directory it starts from.
fn rooted<'d>(call: &'d Call<'_>, dir: &'d RepoPath, named: &str) -> (&'d RepoPath, String) {
    let of_root = ["$rootDir/", "${rootDir}/", "$rootProject.projectDir/"];
    let of_project = ["$projectDir/", "${projectDir}/"];
    let strip = |leads: &[&str]| {
        let rest = leads.iter().find_map(|l| named.strip_prefix(l));
        rest.map(str::to_owned)
    };
    match (strip(&of_root), strip(&of_project)) {
        (Some(rest), _) => (call.dir, rest),
        (None, Some(rest)) => (dir, rest),
        (None, None) => {
            let is_at_root = within(call.dir, named).is_some_and(|p| call.files.has(&p))
                && !within(dir, named).is_some_and(|p| call.files.has(&p));
            (if is_at_root { call.dir } else { dir }, named.to_owned())
        }
    }
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    is_gradle(call).then_some(())?;
    // Its locks are handed over through a port of the machine, which containers do not share.
    CacheDir::locked_store("~/.gradle")
}
