//! Laws of the context: what counts, what does not, and that updating step by step is the same as starting anew.

use super::ContextTree;
use super::CopyOptions;
use super::IgnoreRules;
use super::Node;
use super::Selector;
use super::copy_into;
use super::covers;
use super::digest;
use crate::tree::Change;
use crate::tree::FileKind;
use crate::tree::FileStamp;
use crate::tree::ObjectId;
use crate::tree::RepoPath;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Files as `path=content`, symlinks as `path->target`, executables as `path*=content`, separated by blanks.
type Files = BTreeMap<String, Entry>;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    stamp: FileStamp,
    target: Option<Arc<[u8]>>,
}

fn entry(kind: FileKind, content: &str) -> Entry {
    let mut raw = [0; 20];
    raw[..16].copy_from_slice(
        &super::ContentId::of_bytes(content.as_bytes())
            .0
            .to_be_bytes(),
    );
    let id = ObjectId::from_bytes(&raw).unwrap();
    let target = (kind == FileKind::Symlink).then(|| content.as_bytes().into());
    Entry {
        stamp: FileStamp { kind, id },
        target,
    }
}

fn files(text: &str) -> Files {
    let one = |part: &str| {
        if let Some((path, target)) = part.split_once("->") {
            return (path.to_owned(), entry(FileKind::Symlink, target));
        }
        let (path, content) = part.split_once('=').unwrap_or((part, "1"));
        match path.strip_suffix('*') {
            Some(path) => (path.to_owned(), entry(FileKind::Executable, content)),
            None => (path.to_owned(), entry(FileKind::Regular, content)),
        }
    };
    text.split_whitespace().map(one).collect()
}

/// Targets of symlinks by position among the changes.
type Targets = Vec<(usize, Arc<[u8]>)>;

fn changes(old: &Files, new: &Files) -> (Vec<Change>, Targets) {
    let mut out = Vec::new();
    let mut targets = Vec::new();
    let mut paths: Vec<&String> = old.keys().chain(new.keys()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let (old, new) = (old.get(path), new.get(path));
        if old != new {
            if let Some(target) = new.and_then(|entry| entry.target.clone()) {
                targets.push((out.len(), target));
            }
            let stamp = |entry: Option<&Entry>| entry.map(|entry| entry.stamp);
            out.push(Change {
                path: path.as_str().into(),
                old: stamp(old),
                new: stamp(new),
            });
        }
    }
    (out, targets)
}

fn context(rules: &str, files: &Files) -> ContextTree {
    let mut tree = ContextTree::new(IgnoreRules::parse(rules.as_bytes()).unwrap());
    let (changes, targets) = changes(&Files::new(), files);
    tree.apply(&changes, &targets);
    tree
}

fn tree(text: &str) -> Node {
    context("", &files(text)).root().clone()
}

/// A selector from COPY's words: flags, then one source.
fn selector(words: &str) -> Selector {
    let mut selector = Selector {
        wildcard: true,
        ..Selector::default()
    };
    for word in words.split_whitespace() {
        match word.split_once('=') {
            Some(("--exclude", pattern)) => selector.exclude.push(pattern.to_owned()),
            _ if word == "--parents" => selector.parents = true,
            _ if word == "." => {}
            _ => selector.path = word.to_owned(),
        }
    }
    selector
}

fn id(root: &Node, sources: &str) -> Result<super::ContentId, super::NotFound> {
    let selectors: Vec<Selector> = sources.split(',').map(selector).collect();
    digest(root, true, &selectors)
}

/// Whether the sources (separated by commas) contribute the same for both trees.
#[track_caller]
fn check(sources: &str, one: &str, other: &str, same: bool) {
    check_two(sources, sources, one, other, same);
}

#[track_caller]
fn check_two(sources: &str, other_sources: &str, one: &str, other: &str, same: bool) {
    let (a, b) = (
        id(&tree(one), sources).unwrap(),
        id(&tree(other), other_sources).unwrap(),
    );
    assert_eq!(
        a == b,
        same,
        "{sources} on {one} and {other_sources} on {other}"
    );
}

#[test]
fn a_directory_counts_with_names_modes_and_links() {
    check("src", "src/a src/b", "src/a src/b other", true);
    check("src", "src/a", "src/a=2", false);
    check("src", "src/a", "src/a*", false);
    check("src", "src/a", "src/b", false);
    check("src", "src/a", "src/a src/d/x", false);
    check("src", "src/l->x x=1", "src/l->x x=2", true);
    check("src", "src/l->x x=1", "src/l->y y=1", false);
    check_two("src", "lib", "src/a", "lib/a", true);
    check_two("src/f", "lib/g", "src/f", "lib/g", true);
}

#[test]
fn a_named_symlink_is_followed() {
    check("l", "l->d/x d/x=1", "l->d/x d/x=2", false);
    check("l", "l->d/x d/x=1", "l->d/y d/y=1", true);
    check("l/x", "l->d d/x=1", "l->e e/x=1", true);
    check("l*", "l->d/x d/x=1", "l->d/x d/x=2", false);
}

#[test]
fn wildcards_count_their_matches_alone() {
    check("*.json", "a.json b.json x", "a.json b.json x=2 y", true);
    check("*.json", "a.json b.json", "a.json c.json", false);
    check("*.json", "a.json", "a.json b.json", false);
    check(
        "packages/*/package.json",
        "packages/a/package.json packages/a/x",
        "packages/a/package.json packages/a/x=2",
        true,
    );
    check(
        "packages/*/package.json",
        "packages/a/package.json",
        "packages/a/package.json packages/b/package.json",
        false,
    );
    check("top,lock*", "top", "top lock.txt", false);
    check("lock*", "top", "top=2", true);
    check_two("src/*", "lib/*", "src/a src/b", "lib/a lib/b", true);
    check_two("*/f", "x/f", "x/f", "x/f", true);
    check("s*", "src/a", "src/a=2", false);
    check("s*", "src/a", "src/a src/d/b", false);
}

#[test]
fn excluded_files_do_not_count_but_new_directories_do() {
    check("--exclude=*.md .", "a x.md", "a x.md=2", true);
    check("--exclude=*.md .", "a src/q.md", "a src/q.md=2", false);
    check("--exclude=**/*.md .", "a src/q.md", "a src/q.md=2", true);
    check(
        "--exclude=**/*.md .",
        "a src/q.md",
        "a src/q.md new/r.md",
        false,
    );
    check("--exclude=docs .", "a docs/q", "a docs/q docs/d/r", true);
    check(
        "--exclude=docs --exclude=!docs/keep .",
        "a docs/keep docs/q",
        "a docs/keep=2 docs/q",
        false,
    );
    check(
        "--exclude=docs --exclude=!docs/keep .",
        "a docs/keep docs/q",
        "a docs/keep docs/q=2",
        true,
    );
    check(
        "--exclude=*.md src",
        "src/a src/x.md",
        "src/a src/x.md=2",
        true,
    );
}

#[test]
fn parents_count_their_headers_and_matches_alone() {
    check(
        "--parents pk/*/p.json",
        "pk/a/p.json pk/a/x",
        "pk/a/p.json pk/a/x=2 pk/b/x",
        true,
    );
    check(
        "--parents pk/*/p.json",
        "pk/a/p.json",
        "pk/a/p.json pk/c/p.json",
        false,
    );
    check("--parents pk/*/p.json", "pk/a/p.json", "pk/b/p.json", false);
    check(
        "--parents pk/**/p.json",
        "pk/a/b/p.json",
        "pk/a/b/p.json=2",
        false,
    );
    check("--parents pk/./a", "pk/a/x pk/b", "pk/a/x pk/b=2", true);
    check_two(
        "--parents pk/./a",
        "--parents kp/./a",
        "pk/a/x",
        "kp/a/x",
        true,
    );
    check_two(
        "--parents pk/a",
        "--parents kp/a",
        "pk/a/x",
        "kp/a/x",
        false,
    );
    check("--parents --exclude=* */*", "a/b", "a/b=2", true);
    assert!(id(&tree("a"), "--parents b/c").is_err());
}

#[test]
fn several_sources_are_joined_in_the_order_of_their_paths() {
    check("a,b", "a=1 b=2", "a=2 b=1", false);
    check_two("x/f,y/f", "y/f,x/f", "x/f=1 y/f=2", "x/f=1 y/f=2", true);
    check_two("x/a,y/b", "p/a,q/b", "x/a=1 y/b=2", "p/a=1 q/b=2", true);
    check_two("x/a,y/b", "zz/a,c/b", "x/a=1 y/b=2", "zz/a=1 c/b=2", false);
    check_two("d,d/a,d", "d", "d/a d/b", "d/a d/b", true);
}

#[test]
fn a_source_that_is_not_there_is_an_error() {
    let err = id(&tree("a"), "b").unwrap_err();
    assert_eq!(err.path, "b");
    assert!(id(&tree("l->gone"), "l").is_err());
    assert!(id(&tree("a"), "--exclude=[ .").is_err());
    assert!(id(&tree("a"), "b*").is_ok());
}

#[test]
fn ignored_directories_go_and_empty_ones_stay() {
    let sees = |rules: &str, text: &str, path: &str| {
        context(rules, &files(text))
            .root()
            .get(&path.into())
            .is_some()
    };
    assert!(!sees("docs", "docs/a x", "docs"));
    assert!(sees("docs/*", "docs/a x", "docs"));
    assert!(!sees("docs/*", "docs/a x", "docs/a"));
    assert!(sees("**/*.md", "nd/a.md", "nd"));
    assert!(!sees("*\n!src/a", "src/b src/a", "src/b"));
    assert!(sees("*\n!src/a", "src/b src/a", "src/a"));
    assert!(!sees("*\n!src/a", "src/b", "src"));
}

#[test]
fn the_checkouts_git_folder_follows_the_rules() {
    let with = |rules: &str, token: u128| {
        let mut tree = context(rules, &files("a"));
        tree.set_git_dir(Some(super::ContentId(token)));
        tree.root().clone()
    };
    assert_ne!(with("", 1).digest(), with("", 2).digest());
    assert_eq!(with(".git", 1).digest(), with(".git", 2).digest());
    assert_eq!(with(".git", 1).digest(), tree("a").digest());
    assert_ne!(with(".git/*", 1).digest(), tree("a").digest());
    assert_eq!(with(".git/*", 1).digest(), with(".git/*", 2).digest());
    assert_ne!(
        with(".git\n!.git/HEAD", 1).digest(),
        with(".git\n!.git/HEAD", 2).digest()
    );
    assert!(with("", 1).get(&".git/HEAD".into()).is_some());
    let mut tree = context("", &files("a"));
    let before = tree.root().digest();
    tree.set_git_dir(Some(super::ContentId(1)));
    tree.set_git_dir(None);
    assert_eq!(before, tree.root().digest());
}

#[track_caller]
fn copied(dest: &str, sources: &str, to: &str, options: &CopyOptions) -> Node {
    let mut stage = Node::empty_dir();
    stage.make_dirs(&"there".into());
    let selectors: Vec<Selector> = sources.split(',').map(selector).collect();
    copy_into(&mut stage, to, &tree(dest), &selectors, options).unwrap();
    stage
}

#[test]
fn copies_land_where_docker_puts_them() {
    let plain = CopyOptions::default();
    let lands = |source: &str, to: &str, path: &str| {
        let stage = copied("f d/x d/e/y g", source, to, &plain);
        assert!(
            stage.get(&path.into()).is_some(),
            "{source} to {to}: no {path}"
        );
    };
    lands("f", "/a", "a");
    lands("f", "/a/", "a/f");
    lands("f", "/there", "there/f");
    lands("d", "/a", "a/e/y");
    lands("d", "/there/", "there/x");
    lands("f,g", "/a/", "a/g");
    lands("?", "/a/", "a/g");
    lands("--parents d/x", "/a/", "a/d/x");
    lands("--parents d/./e/y", "/a/", "a/e/y");
    lands("--exclude=x d", "/a/", "a/e/y");
    lands(".", "/", "d/e/y");
    assert_eq!(
        copied("d/x d/e/y", "--exclude=x d", "/a/", &plain).get(&"a/x".into()),
        None
    );
    let mode = CopyOptions {
        chmod: Some("755".to_owned()),
        ..CopyOptions::default()
    };
    assert_eq!(
        copied("f", "f", "/a", &mode),
        copied("f*", "f", "/a", &mode)
    );
    assert_ne!(
        copied("f", "f", "/a", &mode),
        copied("f", "f", "/a", &plain)
    );
    let unpack = CopyOptions {
        unpack: true,
        ..CopyOptions::default()
    };
    assert_ne!(
        copied("t.tar=1", "t.tar", "/a/", &unpack),
        copied("t.tar=2", "t.tar", "/a/", &unpack)
    );
    assert!(matches!(
        copied("t.tar", "t.tar", "/a/", &unpack).get(&"a/x".into()),
        Some(Node::Opaque(_))
    ));
}

#[test]
fn changes_that_can_alter_a_selection_are_known() {
    let root = tree("src/a l->src/a d/x ll->d");
    let hit = |sources: &str, path: &str| {
        let selectors: Vec<Selector> = sources.split(',').map(selector).collect();
        covers(&root, &selectors, &path.into())
    };
    for (sources, path, expected) in [
        (".", "x", true),
        ("src", "src/a", true),
        ("src", "srcs", false),
        ("d,src", "src/a", true),
        ("l", "src/a", true),
        ("l", "l", true),
        ("l", "src/b", false),
        ("ll/x", "d/x", true),
        ("l*", "d/x", true),
        ("*.md", "a.md", true),
        ("*.md", "d/a.md", false),
        ("s*", "src/a/b", true),
        ("--exclude=*.md .", "a.md", false),
        ("--exclude=*.md .", "d/a.md", true),
        ("--parents d/*", "d/x", true),
        ("--parents d/*", "src/a", false),
    ] {
        assert_eq!(hit(sources, path), expected, "{sources} {path}");
    }
}

fn some_files() -> impl Strategy<Value = Files> {
    let path = "[abc](/[abc.]{1,2}){0,3}";
    let one = (path, 0..4_u8, "[12]").prop_map(|(path, kind, content)| {
        let path = RepoPath::new(path).to_string();
        let entry = match kind {
            0 => entry(FileKind::Symlink, "a/b"),
            1 => entry(FileKind::Executable, &content),
            _ => entry(FileKind::Regular, &content),
        };
        (path, entry)
    });
    proptest::collection::vec(one, 0..12).prop_map(|all| {
        let mut files = Files::new();
        for (path, entry) in all {
            // A file hides what would be below it, as in git.
            let clashes = |other: &String| {
                other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"))
            };
            if !path.is_empty() && !files.keys().any(clashes) {
                files.insert(path, entry);
            }
        }
        files
    })
}

fn some_rules() -> impl Strategy<Value = String> {
    let line = "!?(\\*\\*/)?[abc*?]{1,2}(/[abc*.]{1,2}){0,2}";
    proptest::collection::vec(line, 0..4).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..proptest::prelude::ProptestConfig::with_cases(96) })]
    #[test]
    fn step_by_step_is_as_from_scratch(
        steps in proptest::collection::vec(some_files(), 1..5),
        rules in some_rules(),
        later in some_rules(),
        backwards in any::<bool>(),
    ) {
        let mut tree = context(&rules, &Files::new());
        let mut before = Files::new();
        for (at, step) in steps.iter().enumerate() {
            if at == 2 {
                tree.set_rules(IgnoreRules::parse(later.as_bytes()).unwrap());
            }
            let (mut changes, mut targets) = changes(&before, step);
            if backwards {
                changes.reverse();
                let last = changes.len().saturating_sub(1);
                targets.iter_mut().for_each(|(at, _)| *at = last - *at);
            }
            tree.apply(&changes, &targets);
            before = step.clone();
            let now = if at >= 2 { &later } else { &rules };
            let anew = context(now, step);
            prop_assert_eq!(tree.root(), anew.root());
            prop_assert_eq!(tree.all(), anew.all());
        }
    }

    #[test]
    fn an_ignored_change_changes_nothing_and_a_revert_leads_back(
        files in some_files(),
        rules in some_rules(),
        content in "[3-9]",
    ) {
        let parsed = IgnoreRules::parse(rules.as_bytes()).unwrap();
        let tree = context(&rules, &files);
        for path in files.keys() {
            let mut edited = files.clone();
            edited.insert(path.clone(), entry(FileKind::Regular, &content));
            let mut changed = context(&rules, &files);
            let (there, targets) = changes(&files, &edited);
            changed.apply(&there, &targets);
            let is_seen = tree.root().get_itself(&path.as_str().into()).is_some();
            prop_assert_eq!(changed.root().digest() != tree.root().digest(), is_seen);
            if !parsed.has_exceptions() {
                prop_assert_eq!(is_seen, !parsed.is_ignored(&path.as_str().into()));
            }
            let (back, targets) = changes(&edited, &files);
            changed.apply(&back, &targets);
            prop_assert_eq!(changed.root(), tree.root());
        }
    }

    #[test]
    fn what_is_not_covered_does_not_count(
        files in some_files(),
        source in "[abc*?]{1,2}(/[abc*]{1,2})?",
        exclude in proptest::option::of("[abc*]{1,2}"),
        parents in any::<bool>(),
    ) {
        let selectors = [Selector { path: source, wildcard: true, exclude: exclude.into_iter().collect(), parents }];
        let before = context("", &files);
        for path in files.keys() {
            let mut edited = files.clone();
            edited.insert(path.clone(), entry(FileKind::Regular, "9"));
            let after = context("", &edited);
            let at = RepoPath::from(path.as_str());
            let covered = covers(before.root(), &selectors, &at) || covers(after.root(), &selectors, &at);
            if !covered {
                prop_assert_eq!(digest(before.root(), true, &selectors), digest(after.root(), true, &selectors));
            }
        }
    }

    #[test]
    fn nothing_panics(
        files in some_files(),
        source in "[^\\x00]{0,12}",
        exclude in "[!*?\\[\\]\\\\/a-c]{0,8}",
        to in "[./a-c]{0,8}",
        ignore in proptest::collection::vec(any::<u8>(), 0..40),
        parents in any::<bool>(),
    ) {
        let selectors = [Selector { path: source, wildcard: true, exclude: vec![exclude], parents }];
        let mut tree = context("", &files);
        if let Ok(rules) = IgnoreRules::parse(&ignore) {
            tree.set_rules(rules);
        }
        let _ = digest(tree.root(), true, &selectors);
        let _ = covers(tree.root(), &selectors, &to.as_str().into());
        let mut stage = Node::backed_dir(super::ContentId(1));
        let options = CopyOptions { chmod: Some("u+x".to_owned()), ..CopyOptions::default() };
        let _ = copy_into(&mut stage, &to, tree.root(), &selectors, &options);
        prop_assert!(stage.as_dir().is_some() || RepoPath::new(&to).is_root());
    }
}
