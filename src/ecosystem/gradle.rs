//! Gradle: resolving reads settings, every build file, version catalogs, `buildSrc`, the wrapper and lockfiles.

use super::needs::Needs;
use super::needs::within;
use super::{CacheDir, Call, Ecosystem, Role, Verdict, text};
use crate::tree::FileKind;

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
    "gradle.lockfile",
    "buildscript-gradle.lockfile",
    "settings-gradle.lockfile",
];

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
    let mut line = vec![program(call, &mut needs)];
    if !kept.iter().any(|k| k == "--no-daemon") {
        line.push("--no-daemon".to_owned());
    }
    line.extend(kept);
    line.push("dependencies".to_owned());
    // The task renders the resolved graph: it fetches the wrapper's distribution, plugins and metadata.
    needs.shown("the dependencies task fetches Gradle itself, plugins and metadata; jars that it leaves are fetched by the build".to_owned());
    Some(Ok((Role::Prefetch(line.join(" ")), needs)))
}

fn is_gradle(call: &Call<'_>) -> bool {
    matches!(call.program(), "gradle" | "gradlew")
}

fn program(call: &Call<'_>, needs: &mut Needs) -> String {
    let written = call.words.first().map_or("gradle", String::as_str);
    if call.program() != "gradlew" {
        return written.to_owned();
    }
    match call.files.stamp(&call.dir.join(b"gradlew")).map(|s| s.kind) {
        Some(FileKind::Executable) => written.to_owned(),
        Some(_) => {
            needs.shown("gradlew is not executable in git, so that the shell runs it".to_owned());
            format!("sh {written}")
        }
        None => {
            needs.absent("gradlew is not in the repository".to_owned());
            written.to_owned()
        }
    }
}

fn needs(call: &Call<'_>) -> Result<Needs, String> {
    let files = &call.files;
    let mut needs = Needs::default();
    let dir = match call.option(&["-p", "--project-dir"]) {
        Some(dir) => within(call.dir, dir).ok_or("its project directory is not known")?,
        None => call.dir.clone(),
    };
    for path in files.below(&dir) {
        let name = path.file_name().unwrap_or_default();
        let in_gradle_dir = path
            .parent()
            .is_some_and(|p| p.file_name() == Some(b"gradle"));
        let is_script =
            path.as_bytes().ends_with(b".gradle") || path.as_bytes().ends_with(b".gradle.kts");
        let is_catalog = path.as_bytes().ends_with(b".versions.toml");
        if NAMES.iter().any(|n| n.as_bytes() == name)
            || is_catalog
            || is_script
            || (in_gradle_dir && name.ends_with(b".lockfile"))
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
        if !within(call.dir, script).is_some_and(|p| needs.file(files, &p)) {
            needs.absent(format!("the init script {script} is not in the repository"));
        }
    }
    scripts(call, &mut needs);
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
        let dir = path.parent().unwrap_or_else(crate::tree::RepoPath::root);
        for included in text::literals_after(&source, "includeBuild", &["//", "*"]) {
            if !within(&dir, &included).is_some_and(|p| needs.dir(&call.files, &p)) {
                needs.absent(format!(
                    "{path} includes the build {included}, which is not in the context"
                ));
            }
        }
        for local in ["files", "fileTree", "readText", "flatDir"] {
            for named in text::literals_after(&source, local, &["//", "*"]) {
                if let Some(found) = within(&dir, &named).filter(|p| call.files.has(p)) {
                    needs.file(&call.files, &found);
                }
            }
        }
        if source.contains("\"git\"") || source.contains("git describe") || source.contains("'git'")
        {
            needs.doubt(format!("{path} asks git for something"));
        }
        if source.contains(".readText()")
            || source.contains(".text\n")
            || source.contains("newInputStream")
        {
            needs.doubt(format!("{path} reads another file"));
        }
    }
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    is_gradle(call).then_some(())?;
    CacheDir::store("~/.gradle")
}
