//! `setup.py`, as far as its words show: the files it reads, the packages it names, what it does besides.
//!
//! This is no Python: nothing is run and no name is resolved. Strings are read as paths of the project where such files
//! are; what only a program can find out is a doubt of whoever asks.

use super::files::{Files, matches_name};
use super::needs::{Needs, within};
use crate::tree::RepoPath;

/// Bytes of a setup.py that are read.
const LARGEST: usize = 256 << 10;
/// Directories that are made for packages named one by one.
const MOST_PACKAGES: usize = 24;

/// One word of Python.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// A string without its quotes, escapes as written.
    Text(String),
    Name(String),
    Mark(char),
}

/// Directories and files, from the project's directory, that must be there for the packages that a setup.py names one by
/// one.
pub(super) type Stubs = Vec<String>;

/// The list of requirements that `dir/setup.py` seems to hand on: the only file of its words that is named like one, or
/// `requirements.txt` among several. Whatever else it does, that list can be installed first.
pub(super) fn requirements(files: &Files<'_>, dir: &RepoPath) -> Option<RepoPath> {
    let tokens = tokens_of(files, dir)?;
    tokens
        .iter()
        .any(|t| is_name(t, "install_requires"))
        .then_some(())?;
    let is_list = |path: &RepoPath| {
        let name = path.file_name().unwrap_or_default();
        let name = String::from_utf8_lossy(name).to_lowercase();
        let ends = [".txt", ".in", ".pip"].iter().any(|e| name.ends_with(e));
        ends && (name.contains("req") || path.to_string().contains("requirements"))
    };
    let lists: Vec<RepoPath> = paths(files, dir, &tokens)
        .into_iter()
        .filter(is_list)
        .collect();
    match lists.as_slice() {
        [one] => Some(one.clone()),
        _ => Some(dir.join(b"requirements.txt")).filter(|usual| lists.contains(usual)),
    }
}

fn tokens_of(files: &Files<'_>, dir: &RepoPath) -> Option<Vec<Token>> {
    let text = files.text(&dir.join(b"setup.py"))?;
    (text.len() <= LARGEST).then(|| tokens(&text))
}

/// Reads `dir/setup.py` and adds what it reads to `needs`. `Err` where it needs the source, or more than words show.
pub(super) fn read(files: &Files<'_>, dir: &RepoPath, needs: &mut Needs) -> Result<Stubs, String> {
    let path = dir.join(b"setup.py");
    let tokens = tokens_of(files, dir).ok_or_else(|| format!("{path} could not be read"))?;
    needs.file(files, &path);
    let has = |name: &str| tokens.iter().any(|t| is_name(t, name));
    for (words, why) in REFUSED {
        if let Some(word) = words.iter().find(|w| has(w)) {
            return Err(format!("setup.py {why} ({word})"));
        }
    }
    let commands = ["build_py", "build_ext", "bdist_wheel", "develop", "install"];
    if has("cmdclass") && commands.iter().any(|c| has(c)) {
        return Err("setup.py changes how the project is built".to_owned());
    }
    imports(files, dir, &tokens, needs)?;
    for named in paths(files, dir, &tokens) {
        needs.path(files, &named);
    }
    let stubs = stubs(&tokens)?;
    if !has("install_requires") {
        return Err("setup.py names no dependencies".to_owned());
    }
    Ok(stubs)
}

/// Names that say that a setup.py does more than describe the project.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &[
            "ext_modules",
            "cffi_modules",
            "rust_extensions",
            "CMakeExtension",
        ],
        "builds extensions from the source",
    ),
    (
        &[
            "use_scm_version",
            "setuptools_scm",
            "pbr",
            "versioneer",
            "get_git_version",
        ],
        "takes the version from git",
    ),
    (
        &["subprocess", "check_output", "Popen", "system", "popen"],
        "runs other programs",
    ),
];

fn is_name(token: &Token, name: &str) -> bool {
    matches!(token, Token::Name(n) if n == name)
}

/// Modules of the project that it imports: one file comes along, a package needs the source.
fn imports(
    files: &Files<'_>,
    dir: &RepoPath,
    tokens: &[Token],
    needs: &mut Needs,
) -> Result<(), String> {
    for (at, token) in tokens.iter().enumerate() {
        if !(is_name(token, "import") || is_name(token, "from")) {
            continue;
        }
        let Some(Token::Name(module)) = tokens.get(at + 1) else {
            continue;
        };
        let package = dir.join(module.as_bytes());
        if files.has_dir(&package)
            && !matches!(tokens.get(at.wrapping_sub(2)), Some(Token::Name(n)) if n == "from")
        {
            return Err(format!(
                "setup.py imports {module}, which is part of the source"
            ));
        }
        needs.file(files, &dir.join(format!("{module}.py").as_bytes()));
    }
    Ok(())
}

/// The files of the project that its strings name: alone, joined as the segments of a path, or by a pattern (then the
/// directory that holds them).
fn paths(files: &Files<'_>, dir: &RepoPath, tokens: &[Token]) -> Vec<RepoPath> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Token::Text(first) = token else { continue };
        if first.is_empty() || first.len() > 256 || first.contains('\n') {
            continue;
        }
        if let Some((folder, last)) = first.rsplit_once('/').filter(|(_, l)| l.contains('*')) {
            let folder = within(dir, folder).filter(|f| *f != *dir);
            let holds = |f: &RepoPath| {
                files.below(f).any(|p| {
                    p.file_name()
                        .is_some_and(|n| matches_name(last.as_bytes(), n))
                })
            };
            found.extend(folder.filter(holds));
            continue;
        }
        let mut joined = first.clone();
        let mut next = at + 1;
        loop {
            if let Some(path) = within(dir, &joined).filter(|p| files.has(p)) {
                found.push(path);
                break;
            }
            match (tokens.get(next), tokens.get(next + 1)) {
                (Some(Token::Mark(',' | '/')), Some(Token::Text(more))) if joined.len() < 256 => {
                    joined = format!("{joined}/{more}");
                    next += 2;
                }
                _ => break,
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// What must be there for `packages=[…]`, `py_modules=[…]` and `package_dir={…}`; nothing where packages are looked for.
fn stubs(tokens: &[Token]) -> Result<Vec<String>, String> {
    let mut made = Vec::new();
    let mut moved = false;
    for (at, token) in tokens.iter().enumerate() {
        let Token::Name(name) = token else { continue };
        if tokens.get(at + 1) != Some(&Token::Mark('=')) {
            continue;
        }
        match (name.as_str(), tokens.get(at + 2)) {
            ("package_dir", Some(Token::Mark('{'))) => {
                let dirs = texts_until(&tokens[at + 3..], '}');
                moved = true;
                // Keys and values take turns.
                made.extend(
                    dirs.into_iter()
                        .skip(1)
                        .step_by(2)
                        .filter(|d| !d.is_empty()),
                );
            }
            ("packages", Some(Token::Name(finder))) if finder.starts_with("find_") => {}
            ("packages" | "py_modules", Some(Token::Mark('['))) => {
                let listed = texts_until(&tokens[at + 3..], ']');
                if listed.len() > MOST_PACKAGES {
                    return Err("setup.py names more packages than can be made up".to_owned());
                }
                let ending = if name == "packages" {
                    "/__init__.py"
                } else {
                    ".py"
                };
                made.extend(
                    listed
                        .iter()
                        .map(|p| format!("{}{ending}", p.replace('.', "/"))),
                );
            }
            ("packages" | "py_modules" | "package_dir", _) => {
                return Err("which packages setup.py names is not plain".to_owned());
            }
            _ => {}
        }
    }
    if moved && made.iter().any(|m| m.ends_with(".py")) {
        return Err("setup.py keeps its packages elsewhere".to_owned());
    }
    let is_odd = |c: char| !(c.is_ascii_alphanumeric() || "_-./".contains(c));
    if made
        .iter()
        .any(|m| m.contains(is_odd) || m.starts_with('/') || m.contains(".."))
    {
        return Err("which packages setup.py names is not plain".to_owned());
    }
    Ok(made)
}

fn texts_until(tokens: &[Token], end: char) -> Vec<String> {
    tokens
        .iter()
        .take_while(|t| **t != Token::Mark(end))
        .filter_map(|t| match t {
            Token::Text(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

/// The words of a Python text; comments and blanks fall away.
fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '#' {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if c == '"' || c == '\'' {
            let (inside, after) = string(rest);
            found.push(Token::Text(inside.to_owned()));
            rest = after;
        } else if c.is_alphanumeric() || c == '_' {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            let is_prefix = end <= 2
                && rest[end..].starts_with(['"', '\''])
                && rest[..end].chars().all(|c| "rRbBuUfF".contains(c));
            if !is_prefix {
                found.push(Token::Name(rest[..end].to_owned()));
            }
            rest = &rest[end..];
        } else {
            if !c.is_whitespace() {
                found.push(Token::Mark(c));
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    found
}

/// The inside of the string that `text` begins with, and what follows it.
fn string(text: &str) -> (&str, &str) {
    let quote = &text[..1];
    let triple = quote.repeat(3);
    let (mark, body) = match text.strip_prefix(triple.as_str()) {
        Some(body) => (triple.as_str(), body),
        None => (quote, &text[1..]),
    };
    let mut is_escaped = false;
    for (at, c) in body.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if body[at..].starts_with(mark) {
            return (&body[..at], &body[at + mark.len()..]);
        } else if c == '\n' && mark.len() == 1 {
            return (&body[..at], &body[at..]);
        }
    }
    (body, "")
}

#[cfg(test)]
mod tests {
    use super::super::files::tests::Fixture;
    use super::{Needs, read, tokens};
    use crate::tree::RepoPath;
    use proptest::prelude::{ProptestConfig, proptest};

    /// The files that `setup.py` reads in a tree of a few files, and what must be made up for it; or why not.
    fn check(setup: &str, expected: &str) {
        let tree = [
            ("setup.py", setup),
            ("README.rst", ""),
            ("requirements.txt", ""),
            ("versions.py", ""),
            ("app/__init__.py", ""),
            ("app/needs.py", ""),
            ("scripts/run", ""),
        ];
        let mut needs = Needs::default();
        let found = Fixture::new(&tree).with(|f| read(f, &RepoPath::root(), &mut needs));
        let said = match found {
            Err(why) => why,
            Ok(stubs) => {
                let files: Vec<String> = needs.files.iter().map(ToString::to_string).collect();
                format!("{} | {}", files.join(" "), stubs.join(" "))
            }
        };
        assert_eq!(said, expected, "{setup}");
    }

    #[test]
    fn what_its_strings_name_is_read() {
        check("setup(install_requires=[])", "setup.py | ");
        check(
            "install_requires=open(u'requirements.txt').read() # README.rst",
            "requirements.txt setup.py | ",
        );
        check(
            "x = read(('app', 'needs.py'))\nsetup(install_requires=x, scripts=glob('scripts/*'), packages=find_packages())",
            "app/needs.py scripts/run setup.py | ",
        );
        check(
            "setup(install_requires=x, d=(HERE / 'README.rst'), packages=['app', 'app.sub'], py_modules=['one'])",
            "README.rst setup.py | app/__init__.py app/sub/__init__.py one.py",
        );
        check(
            "from versions import x\nsetup(install_requires=x, package_dir={'': 'src'}, packages=find_packages('src'))",
            "setup.py versions.py | src",
        );
    }

    #[test]
    fn what_needs_the_source_is_refused() {
        check(
            "from app import version",
            "setup.py imports app, which is part of the source",
        );
        check(
            "setup(ext_modules=[])",
            "setup.py builds extensions from the source (ext_modules)",
        );
        check("setup(name='a')", "setup.py names no dependencies");
        check(
            "setup(install_requires=[], packages=mine())",
            "which packages setup.py names is not plain",
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn hostile_text_does_no_harm(text in "[a\"'\\\\#\n(é=,/]{0,80}") {
            tokens(&text);
        }
    }
}
