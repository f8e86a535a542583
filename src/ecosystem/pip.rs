//! pip: `pip install -r …` reads requirements files and all they include; `pip install .` builds the source.

use super::python_project::Installed;
use super::{
    CacheDir, Call, Ecosystem, Needs, Role, Verdict, python, python_project, setup_py, text,
};
use crate::tree::RepoPath;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "pip",
    plan,
    cache,
};

/// Options of `pip install` that take the next word as their value.
pub(super) const VALUED: &[&str] = &[
    "-r",
    "--requirement",
    "-c",
    "--constraint",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "-t",
    "--target",
    "--prefix",
    "--root",
    "--platform",
    "--python-version",
    "--implementation",
    "--abi",
    "--only-binary",
    "--no-binary",
    "--trusted-host",
    "--timeout",
    "--retries",
    "--proxy",
    "--cache-dir",
    "--config-settings",
    "--src",
    "--upgrade-strategy",
    "--progress-bar",
    "--log",
    "--cert",
    "--report",
    "--global-option",
    "--root-user-action",
    "-C",
    "--use-feature",
    "--group",
    "--python",
    "--index",
    "--index-strategy",
    "--extra",
    "--torch-backend",
    "--link-mode",
    "--use-deprecated",
    "-w",
    "--wheel-dir",
];

fn plan(call: &Call<'_>) -> Verdict {
    if let Some(found) = by_setup_py(call) {
        return Some(found);
    }
    let after = verb(call)?;
    Some(install(call, after))
}

/// `python setup.py install` or `develop`, the way before pip.
fn by_setup_py(call: &Call<'_>) -> Verdict {
    let is_digit = |c: char| c.is_ascii_digit() || c == '.';
    let words: Vec<&str> = call.args().iter().map(String::as_str).collect();
    let [script, verb, rest @ ..] = words.as_slice() else {
        return None;
    };
    let is_install = call.program().trim_end_matches(is_digit) == "python"
        && *script == "setup.py"
        && matches!(*verb, "install" | "develop");
    is_install.then_some(())?;
    let goes = |w: &&str| w.starts_with("--prefix") || w.starts_with("--root");
    if rest.iter().any(goes) {
        return Some(Err(
            "it installs to a place where nothing is looked for".to_owned()
        ));
    }
    let installed = Installed {
        path: ".",
        extras: Vec::new(),
        kept: vec!["pip", "install"],
        is_uv: false,
    };
    let found = python_project::dependencies(call, &installed);
    Some(found.map(|(line, needs)| (Role::Prefetch(line), needs)))
}

/// The words after `pip install` (or `wheel`, `download`).
fn verb<'a>(call: &'a Call<'_>) -> Option<&'a [String]> {
    let program = call.program();
    let is_pip = program
        .strip_prefix("pip")
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'));
    let at = call.args().iter().position(|w| !w.starts_with('-'))?;
    (is_pip && matches!(call.args()[at].as_str(), "install" | "wheel" | "download"))
        .then(|| &call.args()[at + 1..])
}

/// What an install by pip's options reads; shared with `uv pip`.
pub(super) fn install(call: &Call<'_>, after: &[String]) -> Result<(Role, Needs), String> {
    let files = &call.files;
    let mut needs = Needs::default();
    let (mut kept, mut n_files, mut locals) = (Vec::new(), 0, Vec::new());
    let mut words = after.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=').filter(|_| word.starts_with("--")) {
            Some((flag, value)) => (flag, Some(value)),
            None if VALUED.contains(&word) => (word, words.next()),
            None if word.len() > 2
                && (word.starts_with("-r") || word.starts_with("-c"))
                && !word.starts_with("--") =>
            {
                (&word[..2], Some(&word[2..]))
            }
            None => (word, None),
        };
        match (flag, value) {
            ("-r" | "--requirement" | "-c" | "--constraint", Some(value)) => {
                n_files += usize::from(flag == "-r" || flag == "--requirement");
                if !value.contains("://") && !is_elsewhere(value) {
                    let Some(path) = call.path(value) else {
                        return Err(format!("where {value} lies is not known"));
                    };
                    if !files.has(&path) {
                        return Err(format!("{path} is not in the repository"));
                    }
                    if value.ends_with("pyproject.toml") {
                        python::metadata(files, call.dir, &mut needs);
                        python::dynamic_dependencies(files, call.dir, &mut needs);
                    } else if let Err(why) =
                        python::requirements(files, call.dir, &path, &mut needs)
                    {
                        return of_itself(call, after, &path).ok_or(why);
                    }
                }
                kept.extend([flag, value]);
            }
            ("-e" | "--editable", _) => locals.extend(value.or_else(|| words.next())),
            ("--group", Some(group)) => {
                n_files += 1;
                // `[PATH:]NAME` (pip.pypa.io/en/stable/cli/pip_install, --group); uv's is the same.
                let (file, _) = group.rsplit_once(':').unwrap_or(("pyproject.toml", group));
                let path = call.path(file).filter(|p| needs.file(files, p));
                let Some(path) = path else {
                    return Err(format!("{file} is not in the repository"));
                };
                if files.text(&path).is_none_or(|t| t.contains("file:")) {
                    return Err(format!("{path} names packages that lie in the repository"));
                }
                kept.extend([flag, group]);
            }
            ("-f" | "--find-links", Some(dir)) => {
                if let Some(path) = call.path(dir) {
                    needs.dir(files, &path);
                }
                kept.extend([flag, dir]);
            }
            (_, Some(value)) if word.contains('=') => {
                let _ = value;
                kept.push(word);
            }
            (flag, Some(value)) => kept.extend([flag, value]),
            (word, None) if word.starts_with('-') => kept.push(word),
            (word, None) if is_path(word) => locals.push(word),
            (word, None) => kept.push(word),
        }
    }
    needs.names(files, call.dir, &["pip.conf"]);
    n_files += usize::from(settings(call, &mut needs)?);
    if locals.is_empty() {
        return if n_files > 0 && !needs.files.is_empty() {
            needs.shown("pip reads the requirements and what they include".to_owned());
            Ok((Role::Install, needs))
        } else {
            Err("it names its packages and reads no file".to_owned())
        };
    }
    if let Some(wheel) = locals
        .iter()
        .find(|l| l.ends_with(".whl") || l.ends_with(".tar.gz"))
    {
        return Err(format!("it installs {wheel}, which an earlier step makes"));
    }
    let head = call.words.iter().map(String::as_str);
    let head = head.take(call.words.len() - after.len());
    if n_files == 0 {
        return project(call, &locals, head.chain(kept).collect(), needs);
    }
    let verb = call.words.len().checked_sub(after.len() + 1);
    let verb = verb.and_then(|n| call.words.get(n)).map(String::as_str);
    if matches!(verb, Some("wheel" | "download")) {
        return Err("it fetches again what is there already".to_owned());
    }
    // The requirements can go before; the command stays and finds them done.
    let line: Vec<String> = head.chain(kept).map(text::quoted).collect();
    Ok((Role::Prefetch(line.join(" ")), needs))
}

/// An install of one list that names the project itself (`-e .[extra]`) beside packages of an index: by setup.py alone its
/// dependencies go before, and the command stays.
fn of_itself(call: &Call<'_>, after: &[String], list: &RepoPath) -> Option<(Role, Needs)> {
    let files = &call.files;
    let is_list = |w: &&String| w.starts_with("-r") || w.starts_with("--requirement");
    let others = [
        "--constraint",
        "--dry-run",
        "--editable",
        "--no-deps",
        "--prefix",
        "--root",
        "--target",
        "-c",
        "-e",
        "-t",
    ];
    let is_other = |w: &String| others.contains(&w.split('=').next().unwrap_or(w));
    let is_plain = after.iter().filter(is_list).count() == 1
        && !after.iter().any(is_other)
        && !matches!(call.verb(), Some("wheel" | "download"))
        && !files.has(&call.dir.join(b"pyproject.toml"));
    let text = files.text(list).filter(|_| is_plain)?;
    let lines = text
        .lines()
        .map(|l| l.split(" #").next().unwrap_or(l).trim());
    let lines = lines.filter(|l| !l.is_empty() && !l.starts_with('#'));
    let (own, rest): (Vec<&str>, Vec<&str>) = lines.partition(|l| own_extras(l).is_some());
    let is_of_index = |l: &&str| !l.starts_with(['-', '.', '/']) && !l.contains(['/', '@']);
    let [own] = own.as_slice() else { return None };
    let extras: Vec<&str> = own_extras(own)?.split(',').map(str::trim).collect();
    let installed = Installed {
        path: ".",
        extras: extras.into_iter().filter(|e| !e.is_empty()).collect(),
        kept: Vec::new(),
        is_uv: false,
    };
    // What setup.py reads of a list is another question.
    let reads_list = setup_py::requirements(files, call.dir).is_some();
    if reads_list || !rest.iter().all(is_of_index) {
        return None;
    }
    let (line, mut needs) = python_project::dependencies(call, &installed).ok()?;
    needs.file(files, list);
    Some((Role::Prefetch(line), needs))
}

/// The extras of a line that installs the project itself: nothing for `-e .`, `dev` for `.[dev]`.
fn own_extras(line: &str) -> Option<&str> {
    let line = ["--editable", "-e"]
        .iter()
        .find_map(|f| line.strip_prefix(f))
        .unwrap_or(line)
        .trim_start_matches(['=', ' ']);
    match line.strip_prefix('.')? {
        "" | "/" => Some(""),
        extras => extras.strip_prefix('[')?.strip_suffix(']'),
    }
}

/// Files that variables name in place of options (pip.pypa.io/en/stable/topics/configuration, and uv's of its `pip`);
/// true when requirements are among them.
fn settings(call: &Call<'_>, needs: &mut Needs) -> Result<bool, String> {
    let files = &call.files;
    let (prefix, is_pip) = match call.program() {
        "uv" => ("UV_", false),
        _ => ("PIP_", true),
    };
    let mut requires = false;
    for option in ["REQUIREMENT", "CONSTRAINT", "BUILD_CONSTRAINT", "OVERRIDE"] {
        let Some(value) = call.env.get(&format!("{prefix}{option}")) else {
            continue;
        };
        for name in value.split_whitespace().filter(|n| !n.contains("://")) {
            let Some(path) = call.path(name) else {
                continue;
            };
            needs.shown(format!(
                "{path}, which {prefix}{option} names, is copied with it"
            ));
            python::requirements(files, call.dir, &path, needs)?;
            requires |= option == "REQUIREMENT" && is_pip;
        }
    }
    for option in ["FIND_LINKS", "CONFIG_FILE"] {
        let value = call.env.get(&format!("{prefix}{option}"));
        if let Some(path) = value.and_then(|v| call.path(v)) {
            needs.path(files, &path);
        }
    }
    Ok(requires)
}

/// The dependencies of the project that `locals` name, apart from it; `named` is what options name (`-c pins.txt`).
fn project(
    call: &Call<'_>,
    locals: &[&str],
    kept: Vec<&str>,
    named: Needs,
) -> Result<(Role, Needs), String> {
    let [local] = locals else {
        return Err("it installs several projects".to_owned());
    };
    let has = |names: &[&str]| {
        kept.iter()
            .any(|w| names.contains(&w.split('=').next().unwrap_or(w)))
    };
    if has(&["--no-deps", "--target", "-t", "--dry-run"])
        || call.verb() == Some("wheel")
        || call.verb() == Some("download")
    {
        return Err("it installs the project alone, or looks at nothing that is there".to_owned());
    }
    let (path, extras) = local.split_once('[').unwrap_or((local, ""));
    let extras = extras.trim_end_matches(']').split(',').map(str::trim);
    let looks_elsewhere = has(&["--prefix", "--root"]);
    let installed = Installed {
        path,
        extras: extras.filter(|e| !e.is_empty()).collect(),
        kept,
        is_uv: call.program() == "uv",
    };
    let (line, mut needs) = python_project::dependencies(call, &installed)?;
    needs.merge(named);
    let role = if looks_elsewhere {
        let option = "--no-deps";
        Role::PrefetchThen { line, option }
    } else {
        Role::Prefetch(line)
    };
    Ok((role, needs))
}

/// A path outside the working directory's tree.
fn is_elsewhere(value: &str) -> bool {
    value == "-" || value.starts_with("/dev/") || value.starts_with("<(")
}

fn is_path(word: &str) -> bool {
    let base = word.split('[').next().unwrap_or(word);
    base == "."
        || base == ".."
        || base.starts_with("./")
        || base.starts_with("../")
        || base.starts_with('/')
        || (base.contains('/') && !base.contains("://") && !base.contains('@'))
        || base.ends_with(".whl")
}

/// Whether all that an install names are wheels that lie there, with what they need: by patterns, or one by one where
/// nothing else is asked for. (An upgrade of pip alone, as it stands before such an install, is not worth keeping.)
fn are_at_hand(after: &[String]) -> bool {
    let mut has_some = false;
    let is_alone = after.iter().any(|w| w == "--no-deps");
    let mut words = after.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=').filter(|_| word.starts_with("--")) {
            Some((flag, _)) => (flag, true),
            None => (word, false),
        };
        if matches!(flag, "-r" | "--requirement" | "-e" | "--editable") || flag.starts_with("-r") {
            return false;
        }
        if word.starts_with('-') {
            if !value && VALUED.contains(&word) {
                words.next();
            }
            continue;
        }
        let named = word.split('[').next().unwrap_or(word);
        let is_pattern = named.ends_with("*.whl") || named.contains('/') && named.ends_with("/*");
        let is_there = !word.contains("://") && (is_pattern || is_alone && named.ends_with(".whl"))
            || matches!(word, "pip" | "setuptools" | "wheel");
        if !is_there {
            return false;
        }
        has_some = true;
    }
    has_some
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    // With its cache switched off for all there is nothing to keep, nor where all comes from a directory of wheels.
    let fetches = !call.has("--no-index") && call.env.get("PIP_NO_INDEX").is_none();
    let is_wanted = verb(call).is_some_and(|after| !are_at_hand(after));
    (is_wanted && fetches && call.env.get("PIP_NO_CACHE_DIR").is_none_or(|v| v == "0"))
        .then_some(())?;
    CacheDir::of("~/.cache/pip")
}
