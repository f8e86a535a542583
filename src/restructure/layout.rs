//! Where each instruction of a stage stands: directory, user, variables, and the files COPY brings.
//!
//! A file system position is known or it is `None`; nothing here is guessed.

use super::accounts;
use super::accounts::Account;
use super::base;
use super::touched::touched;
use super::view::View;
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Command, Instruction, Kind, Run, Source, Transfer};
use crate::shell;
use crate::tree::RepoPath;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Stands for the working directory that an image decides which is not known.
pub const BASE: &str = "/(base)";

/// Which instruction: stage and position after FROM, both from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// Stage.
    pub stage: usize,
    /// Position in [`crate::dockerfile::ast::Stage::instructions`].
    pub index: usize,
}

/// The state an instruction starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Working directory, absolute; `None` when a base image decides that is not known, or a variable does.
    pub cwd: Option<String>,
    /// The USER in effect as written; `None` when the base image decides.
    pub user: Option<String>,
    /// Variables set so far by ARG and ENV; `None` for a value that is not known (a build argument without default).
    pub variables: BTreeMap<String, Option<String>>,
    /// Directories known to exist: those of WORKDIR.
    pub directories: BTreeSet<String>,
    /// Directories that are there, whoever made them and whoever's they are; what lies above them is too.
    pub there: BTreeSet<String>,
    /// Users of whom number and home are known, by their names.
    pub accounts: BTreeMap<String, Account>,
}

impl Place {
    /// The account of the USER in effect, where it is known.
    pub(super) fn account(&self) -> Option<&Account> {
        let user = expand(&unquote(self.user.as_deref()?), &self.variables)?;
        let user = user.split(':').next()?;
        let of_number = |uid: u32| {
            let mut all = self.accounts.values();
            all.find(|a| a.uid == Some(uid))
        };
        match user.parse() {
            Ok(uid) => of_number(uid),
            Err(_) => self.accounts.get(user),
        }
    }

    /// What `~` stands for; root's home where the user is not known.
    pub(super) fn home(&self) -> &str {
        match self.variables.get("HOME") {
            Some(Some(home)) => home,
            _ => self.account().map_or("/root", |a| &a.home),
        }
    }
}

/// Whether a USER as written names root and root's group.
pub(super) fn names_root(user: &str) -> bool {
    matches!(user, "root" | "0" | "root:root" | "0:0")
}

/// The place of every instruction, stage by stage; a stage built on another one starts where that ended.
pub fn places(dockerfile: &Dockerfile) -> Vec<Vec<Place>> {
    let mut globals = Place::default();
    for instruction in &dockerfile.globals {
        advance(&mut globals, instruction, &BTreeMap::new());
    }
    let mut ends: Vec<Place> = Vec::new();
    let mut all = Vec::new();
    for stage in &dockerfile.stages {
        let mut place = match parent(dockerfile, stage.index).and_then(|p| ends.get(p)) {
            Some(end) => end.clone(),
            None => Place {
                cwd: base::directory(&image(dockerfile, stage.index)).map(str::to_owned),
                there: base::directory(&image(dockerfile, stage.index))
                    .map(str::to_owned)
                    .into_iter()
                    .collect(),
                variables: base::variables(&image(dockerfile, stage.index))
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
                    .collect(),
                accounts: accounts::of_image(&image(dockerfile, stage.index)),
                ..Place::default()
            },
        };
        let mut of_stage = Vec::new();
        for instruction in &stage.instructions {
            of_stage.push(place.clone());
            advance(&mut place, instruction, &globals.variables);
        }
        ends.push(place);
        all.push(of_stage);
    }
    all
}

/// Variables that stand above the first FROM, for FROM to use; `None` for a value that is not known.
pub fn globals(dockerfile: &Dockerfile) -> BTreeMap<String, Option<String>> {
    let mut place = Place::default();
    for instruction in &dockerfile.globals {
        advance(&mut place, instruction, &BTreeMap::new());
    }
    place.variables
}

/// What the builder says of the platform, where none is asked for.
const PLATFORM: [(&str, &str); 6] = [
    ("BUILDARCH", "amd64"),
    ("BUILDOS", "linux"),
    ("BUILDPLATFORM", "linux/amd64"),
    ("TARGETARCH", "amd64"),
    ("TARGETOS", "linux"),
    ("TARGETPLATFORM", "linux/amd64"),
];

/// What the FROM of `stage` names, with the variables above the first FROM put in; as written where one has no value.
/// Empty for a stage that is not there.
pub fn image(dockerfile: &Dockerfile, stage: usize) -> Cow<'_, str> {
    let Some(stage) = dockerfile.stages.get(stage) else {
        return Cow::Borrowed("");
    };
    let written = stage.base().image.as_str();
    if !written.contains('$') {
        return Cow::Borrowed(written);
    }
    let mut variables = globals(dockerfile);
    for (name, value) in PLATFORM {
        let own = variables.entry(name.to_owned()).or_default();
        own.get_or_insert_with(|| value.to_owned());
    }
    // What is declared without a value is empty where nothing is passed.
    variables.retain(|_, value| value.is_some());
    let known = expand(&unquote(written), &variables).filter(|image| !image.is_empty());
    known.map_or(Cow::Borrowed(written), Cow::Owned)
}

/// The earlier stage that `stage` is built on, if its FROM names one.
pub fn parent(dockerfile: &Dockerfile, stage: usize) -> Option<usize> {
    let image = image(dockerfile, stage).to_ascii_lowercase();
    dockerfile
        .stages
        .get(..stage)?
        .iter()
        .rposition(|s| s.name.as_deref() == Some(image.as_str()))
}

/// The stage that `--from=NAME` means for an instruction of stage `of`: by name, or by number.
pub fn stage_named(dockerfile: &Dockerfile, of: usize, name: &str) -> Option<usize> {
    let lower = name.to_ascii_lowercase();
    let earlier = dockerfile.stages.get(..of)?;
    let by_name = earlier
        .iter()
        .rposition(|s| s.name.as_deref() == Some(lower.as_str()));
    by_name.or_else(|| name.parse::<usize>().ok().filter(|&n| n < of))
}

/// The stage and those that it is built on, itself first.
pub fn built_on(dockerfile: &Dockerfile, stage: usize) -> impl Iterator<Item = usize> + '_ {
    std::iter::successors(Some(stage), |s| parent(dockerfile, *s))
}

/// Stages the target needs, itself included, by FROM, `--from` and mounts.
pub fn reachable(dockerfile: &Dockerfile, target: usize) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::new(), vec![target]);
    while let Some(stage) = open.pop() {
        if stage >= dockerfile.stages.len() || !found.insert(stage) {
            continue;
        }
        open.extend(parent(dockerfile, stage));
        for instruction in &dockerfile.stages[stage].instructions {
            let mounts = instruction
                .flag_values("mount")
                .filter_map(|m| mount_field(m, "from"));
            let named = instruction.flag("from").into_iter().chain(mounts);
            open.extend(named.filter_map(|name| stage_named(dockerfile, stage, name)));
        }
    }
    found
}

/// One field of a `--mount` value: `from` of `type=bind,from=build`.
pub fn mount_field<'m>(mount: &'m str, name: &str) -> Option<&'m str> {
    mount
        .split(',')
        .filter_map(|part| part.split_once('='))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, v)| v.trim())
}

fn advance(
    place: &mut Place,
    instruction: &Instruction,
    globals: &BTreeMap<String, Option<String>>,
) {
    accounts::note(place, instruction);
    match &instruction.kind {
        Kind::Arg(items) => {
            for item in items {
                let value = match &item.default {
                    Some(default) => expand(&unquote(default), &place.variables),
                    None => globals.get(&item.name).cloned().flatten(),
                };
                place.variables.insert(item.name.clone(), value);
            }
        }
        Kind::Env(pairs) => {
            for pair in pairs {
                let value = expand(&unquote(&pair.value), &place.variables);
                place.variables.insert(pair.name.clone(), value);
            }
        }
        Kind::User(user) => place.user = Some(user.clone()),
        Kind::Workdir(path) => {
            place.cwd = expand(&unquote(path), &place.variables)
                .and_then(|p| absolute(place.cwd.as_deref(), &p));
            place.directories.extend(place.cwd.clone());
            place.there.extend(place.cwd.clone());
        }
        Kind::Copy(transfer) | Kind::Add(transfer) => {
            let to = expand(&unquote(&transfer.destination), &place.variables);
            place.there.extend(to.and_then(|to| {
                let is_directory = to.ends_with('/') || to.ends_with('.');
                let kept = match to.rsplit_once('/') {
                    _ if is_directory => to.as_str(),
                    Some((above, _)) if !above.is_empty() => above,
                    _ => return None,
                };
                absolute(place.cwd.as_deref(), kept)
            }));
        }
        Kind::Run(run) => place.there.extend(made_by(run, place)),
        _ => {}
    }
}

/// The directories that a RUN makes for certain.
fn made_by(run: &Run, place: &Place) -> BTreeSet<String> {
    match &run.command {
        Command::Shell(text) if text.contains("mkdir") || text.contains("install") => {
            let touched = touched(&shell::parse(text), place.cwd.as_deref(), &place.variables);
            touched.map(|t| t.makes).unwrap_or_default()
        }
        _ => BTreeSet::new(),
    }
}

/// `text` without the quotes around its parts, as the shell takes them off.
pub fn unquote(text: &str) -> String {
    text.chars().filter(|&c| c != '"' && c != '\'').collect()
}

/// `text` with `$NAME` and `${NAME}` replaced, `${NAME:-word}` and `${NAME:+word}` too; `None` when a value is not known or
/// the form is another one.
pub fn expand(text: &str, variables: &BTreeMap<String, Option<String>>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, word, tail) = if let Some(braced) = after.strip_prefix('{') {
            let end = braced.find('}')?;
            let (name, word) = match braced[..end].split_once(':') {
                Some((name, word)) => (name, Some(word)),
                None => (&braced[..end], None),
            };
            (name, word, &braced[end + 1..])
        } else {
            let end = after
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(after.len());
            (&after[..end], None, &after[end..])
        };
        if name.is_empty() || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            return None;
        }
        let value = variables.get(name).map(Option::as_deref);
        // Within such a word others may stand, braces and all.
        if word.is_some_and(|w| w.contains('$')) {
            return None;
        }
        out.push_str(match (value, word.map(|w| w.split_at_checked(1))) {
            (Some(None), _) => return None,
            (Some(Some(value)), None) => value,
            (None, None) => return None,
            (Some(Some(value)), Some(Some(("-", _)))) if !value.is_empty() => value,
            (_, Some(Some(("-", word)))) => word,
            (Some(Some(value)), Some(Some(("+", word)))) if !value.is_empty() => word,
            // What nothing here sets, the image may.
            (Some(Some(_)), Some(Some(("+", _)))) => "",
            (_, Some(_)) => return None,
        });
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

/// The names that `text` mentions as `$NAME` or `${NAME…}`, in either shell's or Dockerfile's meaning.
pub fn mentioned(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for piece in text.split('$').skip(1) {
        let piece = piece
            .strip_prefix('{')
            .unwrap_or(piece)
            .trim_start_matches(['#', '!']);
        let end = piece
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(piece.len());
        if end > 0 {
            names.insert(piece[..end].to_owned());
        }
    }
    names
}

/// `path` made absolute and clean; `None` when it is relative and `cwd` is not known.
pub fn absolute(cwd: Option<&str>, path: &str) -> Option<String> {
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{}/{path}", cwd?)
    };
    Some(format!("/{}", RepoPath::new(whole)))
}

/// Whether `path`, as it is written at `place`, is absolute there: so whatever the working directory is.
pub fn is_anchored(path: &str, place: &Place) -> bool {
    path.starts_with('/')
        || expand(&unquote(path), &place.variables).is_some_and(|p| p.starts_with('/'))
}

/// Whether absolute path `inner` is `outer` or below it.
pub fn is_within(inner: &str, outer: &str) -> bool {
    outer == "/"
        || inner == outer
        || inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Whether two absolute regions share a path.
pub fn overlap(one: &str, other: &str) -> bool {
    is_within(one, other) || is_within(other, one)
}

/// The context paths (files) that one source word of COPY selects among `files`, sorted; wildcards as Go's
/// `filepath.Match`, name by name; `--exclude` is not looked at.
pub fn selected<'a>(files: impl Iterator<Item = &'a RepoPath>, source: &str) -> Vec<&'a RepoPath> {
    let wanted = RepoPath::new(source);
    let names: Vec<&[u8]> = wanted.names().collect();
    files.filter(|path| matches_above(&names, path)).collect()
}

/// True when the pattern's names match the first names of `path`.
fn matches_above(pattern: &[&[u8]], path: &RepoPath) -> bool {
    let mut names = path.names();
    pattern
        .iter()
        .all(|p| names.next().is_some_and(|name| glob(p, name)))
}

/// Go's `filepath.Match` for one name: `*`, `?`, `[a-z]`, `[^a]`, `\x`. Linear in memory, quadratic in time at worst.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, n));
            p += 1;
            continue;
        }
        if let Some(next) = one(pattern, p, name[n]) {
            p = next;
            n += 1;
            continue;
        }
        match star {
            Some((after, from)) => {
                p = after;
                n = from + 1;
                star = Some((after, n));
            }
            None => return false,
        }
    }
    pattern[p..].iter().all(|&b| b == b'*')
}

/// The position after the pattern element at `p` if it matches `byte`.
fn one(pattern: &[u8], p: usize, byte: u8) -> Option<usize> {
    match *pattern.get(p)? {
        b'?' => Some(p + 1),
        b'\\' => (pattern.get(p + 1) == Some(&byte)).then_some(p + 2),
        b'[' => {
            let end = p + 1 + pattern[p + 1..].iter().position(|&b| b == b']')?;
            let body = &pattern[p + 1..end];
            let (negated, body) = body
                .strip_prefix(b"^")
                .map_or((false, body), |rest| (true, rest));
            let mut i = 0;
            let mut found = false;
            while i < body.len() {
                if i + 2 < body.len() && body[i + 1] == b'-' {
                    found |= (body[i]..=body[i + 2]).contains(&byte);
                    i += 3;
                } else {
                    found |= body[i] == byte;
                    i += 1;
                }
            }
            (found != negated).then_some(end + 1)
        }
        literal => (literal == byte).then_some(p + 1),
    }
}

/// The files a COPY or ADD from the context brings: path in the image to path in the context. `None` when that is not
/// known (`--from`, a URL, a heredoc, a variable without value, an unknown directory).
pub fn delivered(
    view: &View<'_>,
    instruction: &Instruction,
    transfer: &Transfer,
    place: &Place,
) -> Option<BTreeMap<String, RepoPath>> {
    if instruction.flag("from").is_some() {
        return None;
    }
    // One name among thousands is not worth a look at all of them.
    let files = |wanted: &RepoPath| {
        let is_pattern = wanted.as_bytes().iter().any(|b| b"*?[\\".contains(b));
        let (start, end) = match is_pattern || wanted.is_root() {
            true => (0, view.files.len()),
            false => {
                let start = view.files.partition_point(|(path, _)| path < wanted);
                let begins =
                    |(path, _): &&(RepoPath, _)| path.as_bytes().starts_with(wanted.as_bytes());
                let n = view.files[start..].iter().take_while(begins).count();
                (start, start + n)
            }
        };
        let found = view.files[start..end].iter();
        found.map(|(path, _)| (path, path)).collect()
    };
    laid(&files, instruction, transfer, place)
}

/// Where files that a COPY may mean lie in what it copies from, and their paths in the context.
pub(super) type Lying<'f> = Vec<(&'f RepoPath, &'f RepoPath)>;

/// As [`delivered`], of any files: `files` gives at least those that a source, a path or a pattern, means.
pub(super) fn laid<'f>(
    files: &dyn Fn(&RepoPath) -> Lying<'f>,
    instruction: &Instruction,
    transfer: &Transfer,
    place: &Place,
) -> Option<BTreeMap<String, RepoPath>> {
    if instruction.flag("exclude").is_some() {
        return None;
    }
    let parents = instruction.is_on("parents");
    let written = expand(&unquote(&transfer.destination), &place.variables)?;
    let destination = absolute(place.cwd.as_deref(), &written)?;
    let mut laid = BTreeMap::new();
    for source in &transfer.sources {
        let Source::Path(word) = source else {
            return None;
        };
        if word.contains("://") || word.starts_with("git@") {
            return None;
        }
        let word = expand(&unquote(word), &place.variables)?;
        let wanted = RepoPath::new(&word);
        let names: Vec<&[u8]> = wanted.names().collect();
        let depth = names.len();
        let mut found = files(&wanted);
        found.retain(|(at, _)| matches_above(&names, at));
        let into_directory = written.ends_with('/')
            || written == "."
            || written.ends_with("/.")
            || transfer.sources.len() > 1
            || (found.len() > 1 && found.iter().all(|(at, _)| at.names().count() == depth))
            || place.directories.iter().any(|d| is_within(d, &destination));
        for (at, path) in found {
            let below: Vec<&[u8]> = at.names().skip(depth).collect();
            let tail = if parents {
                at.to_string()
            } else if below.is_empty() {
                if into_directory {
                    last_name(at)
                } else {
                    String::new()
                }
            } else {
                String::from_utf8_lossy(&below.join(&b'/')).into_owned()
            };
            laid.insert(absolute(Some(&destination), &tail)?, path.clone());
        }
    }
    Some(laid)
}

fn last_name(path: &RepoPath) -> String {
    path.file_name()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_matches_as_filepath_match_does() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(
                glob(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        };
        check("*", "", true);
        check("package*.json", "package-lock.json", true);
        check("package*.json", "package.json5", false);
        check("a*b*c", "axbxbxc", true);
        check("[a-c]?", "bz", true);
        check("[^a-c]?", "bz", false);
        check("[a", "a", false);
        check("\\*", "*", true);
        check("\\*", "a", false);
    }

    #[test]
    fn a_value_is_known_or_it_is_not() {
        let known = BTreeMap::from([
            ("A".to_owned(), Some("/app".to_owned())),
            ("E".to_owned(), Some(String::new())),
            ("U".to_owned(), None),
        ]);
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(expand(text, &known).as_deref(), expected, "{text}")
        };
        check("$A/x", Some("/app/x"));
        check("${A}x", Some("/appx"));
        check("${E:-d}", Some("d"));
        check("$U", None);
        check("$N", None);
        check("${N:-d}", Some("d"));
        check("${A:+d}", Some("d"));
        check("${E:+d}x", Some("x"));
        check("${U:+d}", None);
        check("${N:+d}", None);
        check("${N:-${A}}", None);
        check("${A%p}", None);
        check("$", None);
        assert_eq!(
            mentioned("a $B ${C:-$D} $(E) \\$F")
                .into_iter()
                .collect::<Vec<_>>(),
            ["B", "C", "D", "F"]
        );
    }

    #[test]
    fn a_stage_is_named_by_variables_too() {
        let check = |from: &str, expected: Option<usize>| {
            let text = format!(
                "ARG OS=debian\nARG KIND=${{OS}}-slim\nARG EMPTY\nFROM debian:12 AS debian\n\
                 FROM debian AS debian-slim\nFROM a:1 AS base-amd64\nFROM {from}\n"
            );
            let parsed = crate::dockerfile::parse(&text).unwrap().dockerfile;
            assert_eq!(parent(&parsed, 3), expected, "{from}");
        };
        check("$OS", Some(0));
        check("${OS}-slim", Some(1));
        check("\"${KIND}\"", Some(1));
        check("${EMPTY:-debian}", Some(0));
        check("base-${TARGETARCH}", Some(2));
        check("${EMPTY}", None);
        check("${NONE}", None);
        check("${OS}:12", None);
        check("Debian", Some(0));
    }

    #[test]
    fn places_join_and_regions_overlap() {
        assert_eq!(absolute(Some("/app"), "../x/./y").as_deref(), Some("/x/y"));
        assert_eq!(absolute(None, "x"), None);
        assert_eq!(absolute(None, "/"), Some("/".to_owned()));
        assert!(overlap("/app", "/app/src"));
        assert!(!overlap("/app", "/application"));
        assert!(overlap("/", "/x"));
    }
}
