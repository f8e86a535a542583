//! Maven: `dependency:go-offline` reads every module's pom, parents, `.mvn` and the wrapper.

use super::files::Files;
use super::needs::{Needs, within};
use super::{CacheDir, Call, Ecosystem, Role, Verdict, text, wrapper};
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "maven",
    plan,
    cache,
};

/// Modules beyond this number are not followed.
const MOST_MODULES: usize = 1_000;

/// Options that take the next word as their value.
const VALUED: &[&str] = &[
    "-f",
    "--file",
    "-s",
    "--settings",
    "-gs",
    "--global-settings",
    "-P",
    "--activate-profiles",
    "-pl",
    "--projects",
    "-rf",
    "-T",
    "--threads",
    "-t",
    "--toolchains",
    "-l",
];

/// Options that mean the same for go-offline; all others are the build's own.
const KEPT: &[&str] = &[
    "-f",
    "--file",
    "-s",
    "--settings",
    "-gs",
    "--global-settings",
    "-P",
    "--activate-profiles",
    "-pl",
    "--projects",
    "-am",
    "--also-make",
    "-B",
    "--batch-mode",
    "-ntp",
    "--no-transfer-progress",
    "-q",
    "--quiet",
    "-U",
    "-t",
    "--toolchains",
];

/// Options that name a file.
const SETTINGS: [&str; 6] = [
    "-s",
    "--settings",
    "-gs",
    "--global-settings",
    "-t",
    "--toolchains",
];

/// Properties that only concern the build.
const BUILD_ONLY: &[&str] = &[
    "-DskipTests",
    "-Dmaven.test.skip",
    "-DskipITs",
    "-Dmaven.javadoc.skip",
    "-Dgpg.skip",
];

fn plan(call: &Call<'_>) -> Verdict {
    if !is_maven(call) {
        return None;
    }
    let (kept, goals) = split(call);
    let resolves = |g: &str| {
        g.contains("dependency:go-offline")
            || g.contains("dependency:resolve")
            || g.contains("go-offline-maven-plugin")
            || g == "de.qaware.maven:go-offline-maven-plugin:resolve-dependencies"
    };
    // What only cleans up, or writes a version down, resolves nothing.
    if goals.iter().all(|g| *g == "clean" || is_set(g)) {
        return None;
    }
    let (mut needs, links) = match needs(call) {
        Ok(found) => found,
        Err(reason) => return Some(Err(reason)),
    };
    if goals.iter().all(|g| resolves(g) || *g == "clean") {
        return Some(Ok((Role::Install, needs)));
    }
    if call.has("-o") || call.has("--offline") {
        return Some(Err("it runs offline".to_owned()));
    }
    let mut line = vec![wrapper::program(call, "mvnw", &mut needs)];
    if !kept.iter().any(|k| matches!(*k, "-B" | "--batch-mode")) {
        line.push("-B".to_owned());
    }
    line.extend(kept.into_iter().map(text::quoted));
    line.push("dependency:go-offline".to_owned());
    if links {
        // Maven 3 cannot resolve a module that is not built yet (maven-dependency-plugin, reactor resolution).
        line.push("--fail-never".to_owned());
        needs.doubt("modules of the reactor depend on one another, so that go-offline leaves part of the dependencies to the build".to_owned());
    }
    Some(Ok((Role::Prefetch(line.join(" ")), needs)))
}

/// Whether a goal writes a version into the poms: it needs no dependency for it.
fn is_set(goal: &str) -> bool {
    goal == "versions:set" || goal.ends_with(":versions-maven-plugin:set")
}

/// Whether a command of Maven only writes a version into the poms, by which no dependency goes.
pub fn sets_version(words: &[String]) -> bool {
    let mut words = words.iter().map(String::as_str);
    let is_program = |w: &str| matches!(w.rsplit('/').next(), Some("mvn" | "mvnd" | "mvnw"));
    words.next().is_some_and(is_program) && {
        let mut goals = words.filter(|w| !w.starts_with('-')).peekable();
        goals.peek().is_some() && goals.all(is_set)
    }
}

fn is_maven(call: &Call<'_>) -> bool {
    matches!(call.program(), "mvn" | "mvnw" | "mvnd")
}

/// Options worth keeping, and goals.
fn split<'a>(call: &'a Call<'_>) -> (Vec<&'a str>, Vec<&'a str>) {
    let (mut kept, mut goals) = (Vec::new(), Vec::new());
    let mut words = call.args().iter().map(String::as_str);
    while let Some(word) = words.next() {
        let value = if VALUED.contains(&word) {
            words.next()
        } else {
            None
        };
        let is_kept = KEPT.contains(&word)
            || (word.starts_with("-P") && word.len() > 2)
            || (word.starts_with("-D") && !BUILD_ONLY.iter().any(|b| word.starts_with(b)));
        if is_kept {
            kept.push(word);
            kept.extend(value);
        } else if !word.starts_with('-') {
            goals.push(word);
        }
    }
    (kept, goals)
}

/// The poms of the reactor, and whether one module depends on another.
fn needs(call: &Call<'_>) -> Result<(Needs, bool), String> {
    let files = &call.files;
    let mut needs = Needs::default();
    let file = call.option(&["-f", "--file"]).unwrap_or("pom.xml");
    let Some(mut root) = call.path(file) else {
        return Err(format!("where {file} lies is not known"));
    };
    if files.has_dir(&root) {
        root = root.join(b"pom.xml");
    }
    if !files.has(&root) {
        return Err("there is no pom.xml where it runs".to_owned());
    }
    let poms = reactor(files, &root, &mut needs);
    let links = depend_on_one_another(&poms);
    // The first directory upwards with .mvn is the root of the reactor (maven.apache.org/configure.html).
    let base = root.parent().unwrap_or_else(RepoPath::root);
    let mut above = std::iter::successors(Some(base), RepoPath::parent);
    if let Some(base) = above.find(|d| needs.dir(files, &d.join(b".mvn"))) {
        needs.shown(".mvn with its extensions and settings is copied with it".to_owned());
        configured(call, &base, &mut needs);
    }
    if call.program() == "mvnw" {
        needs.names(files, call.dir, &["mvnw", "mvnw.cmd"]);
        needs.files.remove(&call.dir.join(b"mvnw.cmd"));
        needs.dir(files, &call.dir.join(b".mvn"));
    }
    for settings in call.options(&SETTINGS) {
        if call
            .path(settings)
            .is_some_and(|path| !needs.file(files, &path))
        {
            needs.absent(format!("the settings {settings} are not in the repository"));
        }
    }
    let n_modules = poms.len();
    needs.shown(if n_modules == 1 {
        "go-offline reads pom.xml and no source".to_owned()
    } else {
        format!("all {n_modules} poms of the reactor are copied with it")
    });
    Ok((needs, links))
}

/// The settings and toolchains that `.mvn/maven.config` passes as arguments.
fn configured(call: &Call<'_>, base: &RepoPath, needs: &mut Needs) {
    let files = &call.files;
    let text = files.text(&base.join(b".mvn/maven.config"));
    let words: Vec<String> = text
        .iter()
        .flat_map(|t| t.split_whitespace())
        .map(str::to_owned)
        .collect();
    let words = [vec![String::new()], words].concat();
    let inner = Call {
        words: &words,
        ..*call
    };
    let named = inner.options(&SETTINGS).into_iter();
    for path in named.filter(|p| !p.starts_with(['/', '~', '$'])) {
        let at = |dir| within(dir, path).is_some_and(|p| files.has(&p));
        let from = if at(call.dir) { call.dir } else { base };
        if within(from, path).is_some_and(|p| needs.file(files, &p)) {
            needs.shown(format!(
                "{path}, which .mvn/maven.config names, is copied with it"
            ));
        } else {
            needs.absent(format!(
                ".mvn/maven.config names {path}, which is not in the repository"
            ));
        }
    }
}

/// Every pom from `root`: modules, of profiles too, and parents by relative path.
fn reactor(files: &Files<'_>, root: &RepoPath, needs: &mut Needs) -> BTreeMap<RepoPath, String> {
    let mut poms = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(path) = open.pop() {
        if poms.contains_key(&path) || poms.len() >= MOST_MODULES {
            continue;
        }
        let Some(pom) = files.text(&path) else {
            needs.doubt(format!("{path} could not be read"));
            continue;
        };
        needs.file(files, &path);
        let dir = path.parent().unwrap_or_else(RepoPath::root);
        for module in text::xml_texts(&pom, "module") {
            match within(&dir, &module) {
                Some(found) if files.has(&found) => open.push(found),
                Some(found) if files.has(&found.join(b"pom.xml")) => {
                    open.push(found.join(b"pom.xml"))
                }
                _ => needs.absent(format!(
                    "the module {module} of {path} is not in the context"
                )),
            }
        }
        if let Some(parent) = text::xml_inside(&pom, "parent") {
            // The default is ../pom.xml; an empty element means "from the repository alone".
            let relative = text::xml_texts(&parent, "relativePath").pop();
            let is_off = parent.contains("<relativePath/>")
                || parent.contains("<relativePath />")
                || relative.as_deref() == Some("");
            let relative = relative.unwrap_or_else(|| "../pom.xml".to_owned());
            if let Some(found) = within(&dir, &relative).filter(|_| !is_off) {
                let found = if files.has(&found) {
                    found
                } else {
                    found.join(b"pom.xml")
                };
                if files.has(&found) {
                    open.push(found);
                }
            }
        }
        for name in text::xml_texts(&pom, "systemPath") {
            let name = name
                .replace("${project.basedir}/", "")
                .replace("${basedir}/", "");
            if !within(&dir, &name).is_some_and(|p| needs.file(files, &p)) {
                needs.absent(format!(
                    "the system dependency {name} of {path} is not in the context"
                ));
            }
        }
        // A repository inside the project (`file://${basedir}/lib`).
        for url in text::xml_texts(&pom, "url")
            .iter()
            .filter(|u| u.starts_with("file:"))
        {
            let local = url.split("basedir}/").nth(1).and_then(|p| within(&dir, p));
            if !local.is_some_and(|p| needs.dir(files, &p)) {
                needs.doubt(format!("{path} takes artifacts from {url}"));
            }
        }
        poms.insert(path, pom);
    }
    poms
}

/// True when a module's dependency has the artifact id of another module.
fn depend_on_one_another(poms: &BTreeMap<RepoPath, String>) -> bool {
    let ids: BTreeSet<String> = poms.values().filter_map(|pom| own_id(pom)).collect();
    poms.len() > 1
        && poms.values().any(|pom| {
            let own = own_id(pom);
            let managed = text::xml_inside(pom, "dependencyManagement").unwrap_or_default();
            let rest = pom.replacen(&managed, "", usize::from(!managed.is_empty()));
            let listed = text::xml_inside(&rest, "dependencies").unwrap_or_default();
            text::xml_texts(&listed, "artifactId")
                .into_iter()
                .any(|id| Some(&id) != own.as_ref() && ids.contains(&id))
        })
}

/// A pom's own artifact id: the first one outside `<parent>`.
fn own_id(pom: &str) -> Option<String> {
    let parent = text::xml_inside(pom, "parent").unwrap_or_default();
    let rest = if parent.is_empty() {
        pom.to_owned()
    } else {
        pom.replacen(&parent, "", 1)
    };
    text::xml_texts(&rest, "artifactId").into_iter().next()
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    is_maven(call).then_some(())?;
    // Maven's resolver locks its repository within one process alone unless told otherwise.
    CacheDir::locked_store("~/.m2")
}
