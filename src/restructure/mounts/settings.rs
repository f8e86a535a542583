//! Settings by which a tool keeps its downloads elsewhere: told by a command of a RUN above, or by a file. Where they then
//! are is not followed.

use super::super::command;
use super::super::installs::StageView;
use super::super::layout::{built_on, last_name};
use super::kin::Kin;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::shell::Seen;
use crate::tree::RepoPath;

/// Of an ecosystem the programs that write settings down, and the settings.
const COMMANDS: [(&str, &[&str], &[&str]); 11] = [
    // A place for gems, and with them for downloads, as `deployment` is too (`bundle config`).
    ("bundler", &["bundle", "bundler"], &["deployment", "path"]),
    (
        "composer",
        &["composer", "composer.phar"],
        &["cache-dir", "cache-files-dir"],
    ),
    ("conda", &["conda", "mamba"], &["pkgs_dirs"]),
    ("go", &["go", "xx-go"], &["GOMODCACHE", "GOPATH"]),
    ("go build", &["go", "xx-go"], &["GOCACHE"]),
    ("npm", &["npm"], &["cache"]),
    ("nuget", &["dotnet", "nuget"], &["globalPackagesFolder"]),
    (
        "pip",
        &["pip", "pip3", "python", "python3"],
        &[
            "global.cache-dir",
            "install.cache-dir",
            "global.no-cache-dir",
        ],
    ),
    (
        "pnpm",
        &["npm", "pnpm"],
        &["enable-global-virtual-store", "store-dir"],
    ),
    ("poetry", &["poetry"], &["cache-dir"]),
    (
        "yarn",
        &["yarn", "yarnpkg"],
        &[
            "cache-folder",
            "cacheFolder",
            "enableGlobalCache",
            "globalFolder",
        ],
    ),
];

/// An ecosystem, the end of a path, and settings.
type File = (&'static str, &'static str, &'static [&'static str]);

/// Of an ecosystem how the path of a file that it reads settings from ends, and the settings. (What `.npmrc` tells pnpm,
/// and Yarn's own files, the ecosystems ask.)
const FILES: [File; 19] = [
    ("bun", "bunfig.toml", &["dir", "disable"]),
    (
        "bundler",
        ".bundle/config",
        &["BUNDLE_DEPLOYMENT", "BUNDLE_PATH"],
    ),
    ("clojure", "deps.edn", &[":mvn/local-repo"]),
    (
        "composer",
        "composer.json",
        &["cache-dir", "cache-files-dir"],
    ),
    ("conan", ".conanrc", &["conan_home"]),
    ("conda", ".condarc", &["pkgs_dirs"]),
    ("maven", ".mvn/jvm.config", JAVA),
    ("maven", ".mvn/maven.config", JAVA),
    ("maven", "conf/settings.xml", &["localRepository"]),
    ("maven", ".m2/settings.xml", &["localRepository"]),
    ("npm", ".npmrc", &["cache"]),
    ("nuget", "Directory.Build.props", &["RestorePackagesPath"]),
    ("nuget", "nuget.config", &["globalPackagesFolder"]),
    ("pip", "pip.conf", PIP),
    ("pip-tools", "pip.conf", PIP),
    ("poetry", "poetry.toml", &["cache-dir"]),
    ("poetry", "pypoetry/config.toml", &["cache-dir"]),
    ("sbt", ".sbtopts", &["-Dcoursier.cache", "-Duser.home"]),
    ("uv", "uv.toml", &["cache-dir", "no-cache"]),
];

const JAVA: &[&str] = &["-Dmaven.repo.local", "-Duser.home"];
const PIP: &[&str] = &["cache-dir", "cache_dir", "no-cache-dir", "no_cache_dir"];

/// Options of Maven that name a file of settings.
const OF_MAVEN: [&str; 4] = ["-s", "--settings", "-gs", "--global-settings"];

/// Whether a RUN above, or a file, tells the tool of `ecosystem` another place.
pub(super) fn is_told_elsewhere(of: &StageView<'_>, run: usize, ecosystem: &str) -> bool {
    let files = || FILES.iter().filter(|(e, ..)| *e == ecosystem);
    let dockerfile = of.view.dockerfile;
    let below = built_on(dockerfile, of.stage.index).skip(1);
    let below = below.flat_map(|s| &dockerfile.stages[s].instructions);
    let mut steps = of.stage.instructions.iter().take(run + 1).chain(below);
    let writes = |step: &Instruction| {
        let bodies = step.heredocs.iter().map(|h| h.content.as_str());
        let texts = || std::iter::once(step.original.as_str()).chain(bodies.clone());
        matches!(step.kind, Kind::Run(_))
            && files().any(|(_, end, names)| {
                // `printf '[global]\\ncache-dir = …'`.
                let says = |t: &str| says(&t.replace("\\n", "\n"), names);
                texts().any(|t| t.contains(last_name(end))) && texts().any(says)
            })
    };
    let tells = |step: &Instruction| {
        let seen = command::seen(step);
        seen.is_some_and(|all| all.iter().any(|s| is_setting(s, ecosystem)))
    };
    steps.any(|step| tells(step) || writes(step))
        || is_in_a_file(of, run, &files().collect::<Vec<_>>())
        || ecosystem == "maven" && names_another(of, run)
}

/// Whether a command writes a setting of `ecosystem` down.
fn is_setting(seen: &Seen, ecosystem: &str) -> bool {
    let Some((_, programs, names)) = COMMANDS.iter().find(|(e, ..)| *e == ecosystem) else {
        return false;
    };
    let told = seen.args().iter().map(|w| w.trim_start_matches("--"));
    let mut told = told.map(|w| w.split('=').next().unwrap_or(w));
    let has = |word: &str| seen.args().iter().any(|w| w == word);
    let is_kept = match ecosystem {
        // An option for one install is written down too, or is for the store of all.
        "bundler" | "pnpm" => true,
        // Go writes down what it is told with this flag alone.
        "go" | "go build" => seen.subcommand() != "env" || has("-w"),
        _ => has("config") || has("set"),
    };
    programs.contains(&seen.name()) && is_kept && told.any(|w| names.contains(&w))
}

/// Whether a file of the context, or one that a COPY puts in such a place, holds one of the settings of its kind in `files`.
fn is_in_a_file(of: &StageView<'_>, run: usize, files: &[&File]) -> bool {
    if files.is_empty() {
        return false;
    }
    let kinds = |path: &[u8]| -> Vec<&[&str]> {
        let is_it = |end: &str| {
            path.len().checked_sub(end.len()).is_some_and(|at| {
                path[at..].eq_ignore_ascii_case(end.as_bytes()) && (at == 0 || path[at - 1] == b'/')
            })
        };
        let of_kind = files.iter().filter(|(_, end, _)| is_it(end));
        of_kind.map(|(.., names)| *names).collect()
    };
    let says_so = |path: &RepoPath, kinds: Vec<&[&str]>| {
        let text = (!kinds.is_empty()).then(|| of.view.read_text(path));
        text.flatten()
            .is_some_and(|text| kinds.iter().any(|names| says(&text, names)))
    };
    let mut own = of.view.files.iter();
    own.any(|(path, _)| says_so(path, kinds(path.as_bytes())))
        || (of.image_at(run).iter()).any(|(to, b)| says_so(&b.from, kinds(to.as_bytes())))
}

/// Whether Maven is given settings that name another repository; those of its own image do.
fn names_another(of: &StageView<'_>, run: usize) -> bool {
    let seen = of.stage.instructions.get(run).and_then(command::seen);
    let mut given = seen.iter().flatten().flat_map(settings_of);
    given.any(|path| {
        let name = last_name(path);
        let mut files = of.view.files.iter().map(|(path, _)| path);
        path.starts_with("/usr/share/maven/")
            || files.any(|path| {
                path.file_name() == Some(name.as_bytes())
                    && of
                        .view
                        .read_text(path)
                        .is_some_and(|t| says(&t, &["localRepository"]))
            })
    })
}

/// The settings that Maven is given.
fn settings_of(seen: &Seen) -> Vec<&str> {
    if !matches!(seen.name(), "mvn" | "mvnw" | "mvnd") {
        return Vec::new();
    }
    let pairs = seen.args().iter().zip(seen.args().iter().skip(1));
    let apart = pairs.filter(|(option, _)| OF_MAVEN.contains(&option.as_str()));
    let joined = seen.args().iter().filter_map(|w| w.split_once('='));
    let joined = joined.filter(|(option, _)| OF_MAVEN.contains(option));
    let apart = apart.map(|(_, path)| path.as_str());
    apart.chain(joined.map(|(_, path)| path)).collect()
}

/// What is to be checked where Maven is given settings that are not in the repository.
pub(in crate::restructure) fn unread<'k>(
    kin: &'k Kin<'_, '_>,
    runs: impl Iterator<Item = super::super::layout::At> + 'k,
    target: &'k str,
) -> impl Iterator<Item = String> + 'k {
    runs.flat_map(move |at| {
        let view = kin.first().view;
        let is_there = |path: &str| {
            let name = last_name(path);
            let mut files = view.files.iter();
            files.any(|(file, _)| file.file_name() == Some(name.as_bytes()))
        };
        let seen = kin.instruction(at).and_then(command::seen);
        let seen = seen.unwrap_or_default();
        let given: Vec<String> = seen
            .iter()
            .flat_map(settings_of)
            .filter(|path| !is_there(path))
            .map(str::to_owned)
            .collect();
        given.into_iter().map(move |path| {
            format!(
                "the settings {path} are not in the repository: check that they name no other local repository than {target}"
            )
        })
    })
}

/// Whether a text that is no comment sets one of `names`.
fn says(text: &str, names: &[&str]) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let is_comment = |line: &&str| line.trim_start().starts_with(['#', ';']);
    let mut lines = text.lines().filter(|line| !is_comment(line));
    lines.any(|line| {
        names.iter().any(|name| {
            line.match_indices(name).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let after = line[at + name.len()..].chars().next();
                let is_apart = name.starts_with(['-', ':']) || !before.is_some_and(is_part);
                is_apart && !after.is_some_and(is_part) && is_set(&line[at + name.len()..])
            })
        })
    })
}

/// Whether what follows a name gives it a value: in TOML, YAML, XML, JSON, EDN, or as an option.
fn is_set(rest: &str) -> bool {
    let apart = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    let is_edn = rest.starts_with(" \"");
    is_edn || apart.starts_with(['=', ':', '>']) || apart.starts_with("value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::parse;

    #[test]
    fn commands_that_write_settings_down() {
        let check = |ecosystem: &str, run: &str, want: bool| {
            let parsed = parse(&format!("FROM a\nRUN {run}\n")).unwrap();
            let step = &parsed.dockerfile.stages[0].instructions[0];
            let seen = command::seen(step).unwrap();
            let is_one = seen.iter().any(|s| is_setting(s, ecosystem));
            assert_eq!(is_one, want, "{run}");
        };
        check("npm", "npm config set cache /n", true);
        check("npm", "npm config set cache=/n --global", true);
        check("npm", "npm cache clean --force", false);
        check("npm", "npm config set registry https://example.com", false);
        check("pip", "pip config set global.cache-dir /p", true);
        check("pip", "pip install --no-cache-dir -r a.txt", false);
        check("poetry", "poetry config cache-dir /p", true);
        check("poetry", "poetry config virtualenvs.create false", false);
        check("yarn", "yarn config set cache-folder /y", true);
        check("yarn", "yarn cache clean", false);
        check("composer", "composer config -g cache-dir /c", true);
        check("bundler", "bundle install --path vendor", true);
        check("go", "go env -w GOMODCACHE=/m", true);
        check("go", "go env GOMODCACHE", false);
        check("pnpm", "pnpm config set store-dir /s", true);
    }

    #[test]
    fn settings_in_a_file() {
        let check = |text: &str, names: &[&str], want: bool| {
            assert_eq!(says(text, names), want, "{text}");
        };
        check("cache=/n\n", &["cache"], true);
        check("cache-max=1\n#cache=/n\n", &["cache"], false);
        check(
            "<localRepository>/m</localRepository>",
            &["localRepository"],
            true,
        );
        check("{\"config\":{\"cache-dir\":\"/c\"}}", &["cache-dir"], true);
        check("-Xmx1g -Dmaven.repo.local=/m", JAVA, true);
        check("-Dmaven.repo.local.tail=/m", JAVA, false);
        check("no-cache-dir = true", &["cache-dir"], false);
        check("{:mvn/local-repo \"/m\"}", &[":mvn/local-repo"], true);
        check("rm .npmrc && npm cache clean", &["cache"], false);
        check(
            "<add key=\"globalPackagesFolder\" value=\"p\" />",
            &["globalPackagesFolder"],
            true,
        );
    }
}
