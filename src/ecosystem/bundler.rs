//! Bundler: `bundle install` reads the Gemfile and all it evaluates: `path:` gems, gemspecs, version files.

use super::needs::{Needs, within};
use super::{CacheDir, Call, Ecosystem, Role, Verdict, text};
use crate::shell::tells_of_itself;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "bundler",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    if !is_install(call) {
        return None;
    }
    Some(install(call))
}

fn is_install(call: &Call<'_>) -> bool {
    call.program() == "bundle"
        && !tells_of_itself(call.words)
        && matches!(call.verb(), Some("install" | "package" | "cache") | None)
}

fn install(call: &Call<'_>) -> Result<(Role, Needs), String> {
    let files = &call.files;
    let mut needs = Needs::default();
    let named = call
        .option(&["--gemfile"])
        .or(call.env.get("BUNDLE_GEMFILE").map(String::as_str))
        .unwrap_or("Gemfile");
    let gemfile = call
        .path(named)
        .ok_or_else(|| format!("where {named} lies is not known"))?;
    if !needs.file(files, &gemfile) {
        return Err(format!("there is no {named} where it runs"));
    }
    let dir = gemfile.parent().unwrap_or_else(crate::tree::RepoPath::root);
    let lock = format!(
        "{}.lock",
        String::from_utf8_lossy(gemfile.file_name().unwrap_or_default())
    );
    needs.names(files, &dir, &[&lock, "gems.locked", ".bundle/config"]);
    if needs.dir(files, &dir.join(b"vendor/cache")) {
        needs.shown("the gems in vendor/cache are copied with it".to_owned());
    }
    let mut open = vec![gemfile];
    while let Some(path) = open.pop() {
        if needs.files.len() > 500 {
            break;
        }
        needs.file(files, &path);
        let Some(source) = files.text(&path) else {
            continue;
        };
        open.extend(read_gemfile(call, &path, &source, &mut needs)?);
    }
    if needs.doubts.is_empty() {
        needs.shown("the Gemfile evaluates no other file than those copied".to_owned());
    }
    Ok((Role::Install, needs))
}

/// What one Gemfile names; gives other Gemfiles that it evaluates.
fn read_gemfile(
    call: &Call<'_>,
    path: &crate::tree::RepoPath,
    source: &str,
    needs: &mut Needs,
) -> Result<Vec<crate::tree::RepoPath>, String> {
    let files = &call.files;
    let dir = path.parent().unwrap_or_else(crate::tree::RepoPath::root);
    let code: String = source
        .lines()
        .map(|l| l.split(" #").next().unwrap_or(l))
        .filter(|l| !l.trim_start().starts_with('#'))
        .fold(String::new(), |all, l| all + l + "\n");
    let mut more = Vec::new();
    let written = ["path:", ":path =>", "path "];
    let mut paths: Vec<String> = written
        .iter()
        .flat_map(|lead| text::literals_after(&code, lead, &["#"]))
        .collect();
    paths.extend(paths_of_variables(call, &code));
    for local in paths {
        let beside = if local.starts_with('/') {
            call.path(&local)
        } else {
            within(&dir, &local)
        };
        let Some(found) = beside else {
            if local.starts_with('/') {
                return Err(format!("{path} takes a gem from {local}"));
            }
            needs.doubt(format!(
                "{path} takes a gem from {local}, outside the context"
            ));
            continue;
        };
        if found == dir || dir.strip_prefix(&found).is_some() {
            return Err(format!(
                "{path} installs the project's own gem from its source"
            ));
        }
        if needs.dir(files, &found) {
            needs.shown(format!("the gem in {found} is copied with it"));
        } else {
            needs.absent(format!(
                "{path} takes a gem from {local}, which is not in the repository"
            ));
        }
    }
    for line in code.lines().map(str::trim) {
        if line == "gemspec" || line.starts_with("gemspec ") || line.starts_with("gemspec(") {
            gemspec(call, &dir, needs);
        }
    }
    for lead in ["File.read", "IO.read", "File.open", "ruby file:", "file:"] {
        for named in text::literals_after(&code, lead, &["#"]) {
            if !within(&dir, &named).is_some_and(|p| needs.file(files, &p)) {
                needs.absent(format!(
                    "{path} reads {named}, which is not in the repository"
                ));
            } else {
                needs.shown(format!("{named}, which {path} reads, is copied with it"));
            }
        }
    }
    for lead in ["eval_gemfile", "require_relative", "instance_eval"] {
        for named in text::literals_after(&code, lead, &["#"]) {
            let named = if lead == "require_relative" && !named.ends_with(".rb") {
                format!("{named}.rb")
            } else {
                named
            };
            match within(&dir, &named).filter(|p| files.has(p)) {
                Some(found) => more.push(found),
                None => needs.absent(format!(
                    "{path} evaluates {named}, which is not in the repository"
                )),
            }
        }
    }
    let n_globs = code.matches("Dir.glob").count() + code.matches("Dir[").count();
    let globs = ["Dir.glob", "Dir"].map(|lead| text::literals_after(&code, lead, &["#"]));
    let globbed = globs.iter().flatten().filter(|pattern| {
        // What a pattern can match lies below its first names without `*`: copied whole, that is all of it.
        let fixed = pattern
            .split(['*', '?', '{', '['])
            .next()
            .unwrap_or_default();
        let folder = fixed.rsplit_once('/').map_or("", |(folder, _)| folder);
        let found = within(&dir, folder).filter(|p| *p != dir && needs.dir(files, p));
        found.is_some_and(|found| {
            needs.shown(format!(
                "{found}, which {path} looks through, is copied with it"
            ));
            true
        })
    });
    if globbed.count() < n_globs
        || code.contains("File.join")
        || code.contains("__dir__")
        || code.contains("File.expand_path")
    {
        needs.doubt(format!("{path} computes paths of files that it reads"));
    }
    // Ruby's version managers read this one; Bundler only where the Gemfile names it.
    needs.names(files, &dir, &[".ruby-version"]);
    Ok(more)
}

/// The paths that a Gemfile takes gems from by a variable: `path: ENV.fetch('ENGINE', '..')`. What the variable holds, or
/// what is written for where it is not set; a gem of a variable without either is taken from where the others are.
fn paths_of_variables(call: &Call<'_>, code: &str) -> Vec<String> {
    let asks = |line: &str| -> Option<String> {
        let at = ["path:", ":path =>"].iter().find_map(|lead| {
            let at = line.find(lead)? + lead.len();
            line[at..]
                .trim_start_matches([' ', '('])
                .strip_prefix("ENV")
        })?;
        let name = text::literals_after(at, "[", &[])
            .into_iter()
            .chain(text::literals_after(at, ".fetch", &[]))
            .next()?;
        let set = call.env.get(&name).filter(|value| !value.is_empty());
        let otherwise = || {
            let rest = &at[at.find(&name)? + name.len()..];
            let default = ["||", ",", "{"];
            default
                .iter()
                .find_map(|lead| text::literals_after(rest, lead, &[]).into_iter().next())
        };
        set.cloned().or_else(otherwise)
    };
    code.lines().filter_map(asks).collect()
}

/// The gemspec that the Gemfile takes its dependencies from, and the version file it requires.
fn gemspec(call: &Call<'_>, dir: &crate::tree::RepoPath, needs: &mut Needs) {
    let files = &call.files;
    let specs: Vec<_> = files
        .below(dir)
        .filter(|p| p.as_bytes().ends_with(b".gemspec") && p.parent().as_ref() == Some(dir))
        .cloned()
        .collect();
    for spec in specs {
        needs.file(files, &spec);
        let source = files.text(&spec).unwrap_or_default();
        for named in text::literals_after(&source, "require_relative", &["#"])
            .into_iter()
            .chain(text::literals_after(&source, "require", &["#"]))
        {
            for base in ["", "lib/"] {
                let path = dir.join(format!("{base}{named}.rb").as_bytes());
                if needs.file(files, &path) {
                    needs.shown(format!("{path}, which {spec} requires, is copied with it"));
                }
            }
        }
        if source.contains("git ls-files") {
            needs.doubt(format!("{spec} asks git for the list of its files"));
        }
    }
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    is_install(call).then_some(())?;
    CacheDir::of("/usr/local/bundle/cache")
}
