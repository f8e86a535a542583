//! Go: `go mod download` reads go.mod and go.sum, those of local replacements, and go.work with its modules.

use super::files::Files;
use super::needs::{Needs, within};
use super::{CacheDir, Call, Ecosystem, Role, Verdict, make};
use crate::tree::RepoPath;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "go",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    if call.program() != "go" {
        return made(call);
    }
    let dir = call.dir_by(&["-C"])?;
    let words: Vec<&str> = call.plain_words().collect();
    match words.as_slice() {
        ["mod", "download", ..] => Some(needs(call, &dir).map(|n| (Role::Install, n))),
        ["mod", "tidy" | "verify", ..]
        | ["build" | "test" | "run" | "vet" | "generate" | "list", ..] => prefetch(call, &dir),
        // `go install example.com/x@v1` builds that and nothing of the project.
        ["install" | "get", rest @ ..] if rest.iter().all(|w| !w.contains('@')) => {
            prefetch(call, &dir)
        }
        _ => None,
    }
}

/// A target of a Makefile whose recipe builds with Go.
fn made(call: &Call<'_>) -> Verdict {
    let (base, commands) = make::commands(call)?;
    // What is said plainly first: it leaves no doubt.
    let (plain, hidden): (Vec<_>, Vec<_>) = commands.iter().partition(|m| m.is_plain);
    for made in plain.into_iter().chain(hidden) {
        let seen = &made.seen;
        let at = made.inner(call, &base);
        let Some(at) = at.filter(|_| seen.name() == "go") else {
            continue;
        };
        let mut needs = match plan(&at.call(call)) {
            Some(Ok((_, needs))) => needs,
            Some(Err(reason)) => return Some(Err(reason)),
            None => continue,
        };
        needs.shown(format!("the Makefile runs go {}", seen.subcommand()));
        if !made.is_plain {
            needs.doubt(format!(
                "variables or conditions of the Makefile decide whether it runs go {}",
                seen.subcommand()
            ));
        }
        let rest = at.dir.strip_prefix(call.dir)?.to_string();
        let line = if rest.is_empty() {
            "go mod download".to_owned()
        } else {
            format!("cd {} && go mod download", super::text::quoted(&rest))
        };
        return Some(Ok((Role::Prefetch(line), needs)));
    }
    None
}

fn prefetch(call: &Call<'_>, dir: &RepoPath) -> Verdict {
    if is_vendored(call) {
        return Some(Err(
            "its dependencies are vendored: there is nothing to download".to_owned(),
        ));
    }
    let needs = needs(call, dir).and_then(|n| match n.absent.first() {
        // The download fails where a module that stands for another is not there.
        Some(why) => Err(why.clone()),
        None => Ok(n),
    });
    Some(needs.map(|n| {
        let line = match call.option(&["-C"]) {
            Some(dir) => format!("go -C {} mod download", super::text::quoted(dir)),
            None => "go mod download".to_owned(),
        };
        (Role::Prefetch(line), n)
    }))
}

/// Whether the command says that its dependencies stand beside go.mod, in git or not: `-mod=vendor`, `-mod vendor`.
fn is_vendored(call: &Call<'_>) -> bool {
    let goflags = call.env.get("GOFLAGS").map_or("", String::as_str);
    let words: Vec<&str> = call.args().iter().map(String::as_str).collect();
    let is_said = |w: &str| matches!(w, "-mod=vendor" | "--mod=vendor");
    let is_in_two = |w: &[&str]| matches!(w, ["-mod" | "--mod", "vendor"]);
    let is_given = goflags.split_whitespace().any(is_said);
    is_given || words.iter().any(|w| is_said(w)) || words.windows(2).any(is_in_two)
}

fn needs(call: &Call<'_>, dir: &RepoPath) -> Result<Needs, String> {
    let files = &call.files;
    let work = work_above(call, dir);
    let module = module_above(files, dir);
    if module.is_none() && work.is_none() {
        return Err("there is no go.mod where it runs".to_owned());
    }
    let module = module.unwrap_or_else(|| dir.clone());
    // `go work vendor` puts the dependencies of all modules beside go.work.
    let base = work.as_ref().and_then(RepoPath::parent);
    let mut dirs = std::iter::once(&module).chain(&base);
    if dirs.any(|d| files.has(&d.join(b"vendor/modules.txt"))) {
        return Err("its dependencies are vendored: there is nothing to download".to_owned());
    }
    let mut needs = Needs::default();
    let mut open = Vec::new();
    open.extend(Some(module.clone()).filter(|m| files.has(&m.join(b"go.mod"))));
    if let Some(work) = work {
        let base = work.parent().unwrap_or_else(RepoPath::root);
        needs.file(files, &work);
        needs.names(files, &base, &["go.work.sum"]);
        let text = files.text(&work).unwrap_or_default();
        open.extend(
            directives(&text, "use")
                .iter()
                .filter_map(|used| within(&base, used.split_whitespace().next()?)),
        );
        needs.shown("go.work and the modules it uses are copied with it".to_owned());
    }
    let mut seen = Vec::new();
    while let Some(module) = open.pop() {
        if seen.contains(&module) || seen.len() > 200 {
            continue;
        }
        let path = module.join(b"go.mod");
        if !needs.file(files, &path) {
            needs.absent(format!(
                "{path}, which another module refers to, is not in the context"
            ));
            continue;
        }
        needs.names(files, &module, &["go.sum"]);
        let text = files.text(&path).unwrap_or_default();
        for replaced in directives(&text, "replace") {
            let Some(target) = replaced
                .split("=>")
                .nth(1)
                .and_then(|t| t.split_whitespace().next())
            else {
                continue;
            };
            if target.starts_with('.') || target.starts_with('/') {
                match within(&module, target) {
                    Some(found) => {
                        let path = found.join(b"go.mod");
                        needs.shown(format!(
                            "{path}, which go.mod puts in place of a module, is copied with it"
                        ));
                        open.push(found);
                    }
                    None => needs.absent(format!(
                        "go.mod replaces a module by {target}, which is not in the context"
                    )),
                }
            }
        }
        seen.push(module);
    }
    needs.shown("go mod download reads go.mod and go.sum and no source".to_owned());
    Ok(needs)
}

/// The nearest directory, from `dir` upwards, that holds a go.mod.
pub(super) fn module_above(files: &Files<'_>, dir: &RepoPath) -> Option<RepoPath> {
    ancestors(dir)
        .into_iter()
        .find(|d| files.has(&d.join(b"go.mod")))
}

/// The nearest go.work, from `dir` upwards, unless GOWORK turns workspaces off.
pub(super) fn work_above(call: &Call<'_>, dir: &RepoPath) -> Option<RepoPath> {
    if call.env.get("GOWORK").is_some_and(|w| w == "off") {
        return None;
    }
    let works = ancestors(dir).into_iter().map(|d| d.join(b"go.work"));
    works.into_iter().find(|p| call.files.has(p))
}

pub(super) fn ancestors(dir: &RepoPath) -> Vec<RepoPath> {
    std::iter::successors(Some(dir.clone()), RepoPath::parent).collect()
}

/// The arguments of a directive of go.mod or go.work, alone on a line or in a block.
pub(super) fn directives(text: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_inside = false;
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or(line).trim();
        if is_inside {
            is_inside = line != ")";
            if is_inside && !line.is_empty() {
                found.push(line.to_owned());
            }
        } else if let Some(rest) = line
            .strip_prefix(name)
            .filter(|r| r.starts_with([' ', '\t', '(']))
        {
            match rest.trim() {
                "(" => is_inside = true,
                rest => found.push(rest.to_owned()),
            }
        }
    }
    found
}

/// The modules, which are read in place; where there are none to download (vendored, or from before modules), what the
/// compiler keeps.
fn cache(call: &Call<'_>) -> Option<CacheDir> {
    if call.program() != "go" {
        return made_cache(call);
    }
    let verb = call.verb()?;
    let compiles = matches!(verb, "build" | "install" | "test" | "run");
    if !compiles && !matches!(verb, "mod" | "get") {
        return None;
    }
    // `go install example.com/x@v1` fetches, whatever the project has.
    let is_tool = call.args().iter().any(|w| w.contains('@'));
    let dir = call.dir_by(&["-C"])?;
    let is_vendored = is_vendored(call);
    let has_modules = || needs(call, &dir).is_ok();
    if is_tool || verb == "mod" || (!is_vendored && has_modules()) {
        return CacheDir::store("/go/pkg/mod");
    }
    compiles.then_some(())?;
    CacheDir::compiled("~/.cache/go-build")
}

/// As [`cache`], of the first command of a Makefile that has one.
fn made_cache(call: &Call<'_>) -> Option<CacheDir> {
    let goal = make::as_called(call)?;
    let base = goal.dir;
    let commands = goal.commands.iter();
    commands
        // With `-a` all is compiled anew (`go help build`), and in a Makefile it stays.
        .filter(|made| made.seen.name() == "go" && !made.seen.args().iter().any(|w| w == "-a"))
        .find_map(|made| cache(&made.inner(call, &base)?.call(call)))
}
