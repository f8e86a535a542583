//! RUNs whose output is known from their input: commands that write files again with something blanked in them.
//!
//! Such a command leaves equal bytes wherever its input is equal but for what is blanked; then a `COPY --from` of them is
//! found by its content (moby/buildkit solver/edge.go, the slow cache), and with it all that is built on it.

use crate::context::{ContentId, Dir, File, Node, Reworked};
use crate::tree::RepoPath;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What each known content of a file becomes.
pub type Table = BTreeMap<ContentId, ContentId>;

/// What of a file a digest holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// That it is there.
    Name,
    /// Its bytes too.
    Bytes,
}

/// Says what of a file, by its path, a digest holds; `None` for nothing.
pub type Holds = fn(&RepoPath) -> Option<Part>;

/// What a command writes.
#[derive(Clone, Debug)]
pub(super) enum Output {
    /// A file again, with each known content become another.
    Again(Table),
    /// A file that follows from these files of the directory where the command runs and below.
    Digest(Holds),
}

/// What a RUN does to the files that it finds, if that is all that it does.
pub trait FileWork: std::fmt::Debug + Send + Sync {
    /// What it leaves of `tree`, with what was done before.
    fn apply(&self, tree: &Node, done: &mut Reworked) -> Node;
}

/// Reads a RUN's text and where it runs.
type ReadWork = fn(&str, &str) -> Option<Arc<dyn FileWork>>;

/// RUNs that leave what follows from the files that they find.
#[derive(Debug)]
struct Followed {
    read: ReadWork,
    known: Mutex<Known>,
    done: Mutex<Reworked>,
}

/// By text and place.
type Known = BTreeMap<(String, String), Option<Arc<dyn FileWork>>>;

/// Commands, by their whole text, with the files that they write, as they name them: from the root, or from where they
/// run.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    by_command: BTreeMap<String, BTreeMap<String, Output>>,
    /// Shared by all copies of this.
    followed: Option<Arc<Followed>>,
}

impl Filters {
    /// Says what `command` makes of files called `name`.
    pub fn add(&mut self, command: &str, name: &str, table: Table) {
        let files = self.by_command.entry(command.to_owned()).or_default();
        match files.get_mut(name) {
            Some(Output::Again(known)) => known.extend(table),
            Some(Output::Digest(_)) | None => {
                files.insert(name.to_owned(), Output::Again(table));
            }
        }
    }

    /// Says that `command` writes a file `name` that follows from what `holds` takes of the files where it runs and below.
    pub fn add_digest(&mut self, command: &str, name: &str, holds: Holds) {
        let files = self.by_command.entry(command.to_owned()).or_default();
        files.insert(name.to_owned(), Output::Digest(holds));
    }

    /// Goes by what RUNs do to files, where `read` can tell.
    pub fn follow(&mut self, read: ReadWork) {
        self.followed = Some(Arc::new(Followed {
            read,
            known: Mutex::default(),
            done: Mutex::default(),
        }));
    }

    /// What a RUN of this text does to files where it runs in `dir`, if that is all, and it is gone by.
    pub(super) fn work(&self, text: &str, dir: &str) -> Option<Arc<dyn FileWork>> {
        let followed = self.followed.as_ref()?;
        let mut known = followed
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let work = known
            .entry((text.to_owned(), dir.to_owned()))
            .or_insert_with(|| (followed.read)(text, dir));
        work.clone()
    }

    /// What `work` leaves of `tree`, where it is gone by.
    pub(super) fn worked(&self, work: &dyn FileWork, tree: &Node) -> Option<Node> {
        let done = &self.followed.as_ref()?.done;
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        Some(work.apply(tree, &mut done))
    }

    /// Whether no command is known.
    pub fn is_empty(&self) -> bool {
        self.by_command.is_empty()
    }

    /// The files that `command` writes.
    pub(super) fn of(&self, command: &str) -> Option<&BTreeMap<String, Output>> {
        self.by_command.get(command)
    }
}

/// What a filter leaves at `paths`, those that later steps read: what it writes becomes what is known of it (bytes known
/// by `token` where nothing is), all else stays. `None` where more is read than files that are known or written: then it
/// is not known which of it the command writes. `dir` is where it runs, which not every builder tells.
pub(super) fn apply(
    tree: &Node,
    paths: &[String],
    files: &BTreeMap<String, Output>,
    dir: Option<&str>,
    token: ContentId,
) -> Option<Node> {
    let dir = dir.map(|dir| dir.trim_matches('/'));
    let mut names: Vec<&str> = paths
        .iter()
        .filter(|path| writes(files, path, dir).is_some())
        .filter_map(|path| path.rsplit('/').next())
        .collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let mut filtered = tree.clone();
    for path in paths {
        let at = RepoPath::new(path);
        let node = match (writes(files, path, dir), tree.get(&at)) {
            (None, Some(Node::File(_))) => continue,
            (Some((_, Output::Again(table))), Some(Node::File(file))) => Node::File(File {
                content: match table.get(&file.content) {
                    Some(content) => *content,
                    None => token.below(path.as_bytes()),
                },
                ..file
            }),
            (Some((from, Output::Digest(holds))), None | Some(Node::Opaque(_) | Node::File(_))) => {
                let from = RepoPath::new(from?);
                let Some(Node::Dir(dir)) = tree.get(&from) else {
                    return None;
                };
                let written = at.strip_prefix(&from).unwrap_or_else(|| at.clone());
                Node::File(File {
                    content: digest(&dir, *holds, &written)?,
                    executable: false,
                    attributes: 0,
                })
            }
            _ => return None,
        };
        filtered.put(&at, node);
    }
    Some(filtered)
}

/// What a command that runs in `dir` writes at `path`, and where it runs: of files of one name in two places, it writes one.
fn writes<'f>(
    files: &'f BTreeMap<String, Output>,
    path: &'f str,
    dir: Option<&'f str>,
) -> Option<(Option<&'f str>, &'f Output)> {
    let path = path.trim_matches('/');
    files
        .iter()
        .find_map(|(name, output)| Some((place(path, name, dir)?, output)))
}

/// Where a command runs that writes `path` as `name`, inside `Some` if it writes it at all: `dir` where that is known, else
/// as the two tell.
fn place<'p>(path: &'p str, name: &str, dir: Option<&'p str>) -> Option<Option<&'p str>> {
    match (name.strip_prefix('/'), dir) {
        (Some(name), dir) => (name == path).then_some(dir),
        (None, _) => {
            let above = path.strip_suffix(name)?;
            let above = match above.strip_suffix('/') {
                Some(above) => above,
                None if above.is_empty() => "",
                None => return None,
            };
            dir.is_none_or(|dir| dir == above).then_some(Some(above))
        }
    }
}

/// The identity of what `holds` takes of a directory but for the file `written`; `None` where a part of it is not known, or it is too deep.
fn digest(dir: &Dir, holds: Holds, written: &RepoPath) -> Option<ContentId> {
    let mut sum = ContentId::of_bytes(b"recipe");
    let mut open = vec![(RepoPath::root(), dir.clone())];
    while let Some((path, dir)) = open.pop() {
        for (name, node) in dir.children() {
            let path = path.join(name);
            // What it writes itself, and the checkout's own, which no command here reads.
            if path == *written || path.as_bytes() == b".git" {
                continue;
            }
            match node {
                Node::Dir(below) if path.names().count() < 64 => {
                    open.push((path, below.as_ref().clone()));
                }
                Node::File(file) => match holds(&path) {
                    Some(Part::Bytes) => {
                        sum = sum
                            .with(ContentId::of_bytes(path.as_bytes()))
                            .with(file.content);
                    }
                    Some(Part::Name) => sum = sum.with(ContentId::of_bytes(path.as_bytes())),
                    None => {}
                },
                Node::Link(_) => {}
                // What a step before has left may be anything.
                Node::Opaque(token) => {
                    sum = sum.with(ContentId::of_bytes(path.as_bytes())).with(*token);
                }
                Node::Dir(_) => return None,
            }
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_it_writes_again_changes_and_only_by_its_table() {
        let id = |text: &str| ContentId::of_bytes(text.as_bytes());
        let mut tree = Node::empty_dir();
        for (path, text) in [("a/package.json", "v1"), ("a/yarn.lock", "lock")] {
            tree.put(&RepoPath::new(path), Node::of_bytes(text.as_bytes()));
        }
        let files = |known: &str| {
            let table = Table::from([(id(known), id("v0"))]);
            BTreeMap::from([("package.json".to_owned(), Output::Again(table))])
        };
        let content = |tree: &Node, path: &str| match tree.get(&RepoPath::new(path)) {
            Some(Node::File(file)) => file.content,
            other => panic!("{other:?}"),
        };
        let paths = ["a/package.json".to_owned(), "a/yarn.lock".to_owned()];
        let known = apply(&tree, &paths, &files("v1"), Some("/a"), id("run 1")).unwrap();
        assert_eq!(content(&known, "a/package.json"), id("v0"));
        assert_eq!(content(&known, "a/yarn.lock"), id("lock"));
        let unknown = apply(&tree, &paths, &files("v2"), None, id("run 1")).unwrap();
        assert_ne!(content(&unknown, "a/package.json"), id("v0"));
        assert_eq!(
            apply(&tree, &["a".to_owned()], &files("v1"), None, id("run 1")),
            None
        );
        // It runs elsewhere: nothing of this is written.
        let elsewhere = apply(&tree, &paths, &files("v1"), Some("/b"), id("run 1")).unwrap();
        assert_eq!(elsewhere.digest(), tree.digest());
        // Two of the name, and it is not known where it runs.
        tree.put(&RepoPath::new("b/package.json"), Node::of_bytes(b"v1"));
        let two = ["a/package.json".to_owned(), "b/package.json".to_owned()];
        let apply_to = |dir| apply(&tree, &two, &files("v1"), dir, id("run 1"));
        assert_eq!(apply_to(None), None);
        let first = apply_to(Some("/a")).unwrap();
        assert_eq!(content(&first, "a/package.json"), id("v0"));
        assert_eq!(content(&first, "b/package.json"), id("v1"));
    }

    #[test]
    fn a_digest_goes_by_what_it_holds() {
        let holds: Holds = |path| match path.file_name() {
            Some(b"Cargo.toml") => Some(Part::Bytes),
            Some(b"main.rs") => Some(Part::Name),
            _ => None,
        };
        let files = BTreeMap::from([("recipe.json".to_owned(), Output::Digest(holds))]);
        let of = |texts: &[(&str, &str)]| {
            let mut tree = Node::empty_dir();
            for (path, text) in texts {
                tree.put(&RepoPath::new(path), Node::of_bytes(text.as_bytes()));
            }
            let token = ContentId::of_bytes(b"run 1");
            let made = apply(&tree, &["src/recipe.json".to_owned()], &files, None, token).unwrap();
            made.get(&RepoPath::new("src/recipe.json"))
                .map(|n| n.digest())
        };
        let first = of(&[("src/Cargo.toml", "1"), ("src/main.rs", "a")]);
        assert!(first.is_some());
        assert_eq!(first, of(&[("src/Cargo.toml", "1"), ("src/main.rs", "b")]));
        assert_ne!(first, of(&[("src/Cargo.toml", "2"), ("src/main.rs", "a")]));
        assert_ne!(first, of(&[("src/Cargo.toml", "1")]));
        assert_eq!(
            first,
            of(&[
                ("src/Cargo.toml", "1"),
                ("src/main.rs", "a"),
                ("src/x.rs", "")
            ])
        );
    }

    #[test]
    fn a_digest_may_be_written_elsewhere() {
        let holds: Holds = |path| (path.file_name() == Some(b"Cargo.toml")).then_some(Part::Bytes);
        let of = |name: &str, path: &str, dir: Option<&str>, manifest: &str| {
            let mut tree = Node::empty_dir();
            for (path, text) in [("app/Cargo.toml", manifest), ("app/a.rs", "")] {
                tree.put(&RepoPath::new(path), Node::of_bytes(text.as_bytes()));
            }
            let files = BTreeMap::from([(name.to_owned(), Output::Digest(holds))]);
            let token = ContentId::of_bytes(b"run 1");
            let made = apply(&tree, &[path.to_owned()], &files, dir, token)?;
            Some(made.get(&RepoPath::new(path))?.digest())
        };
        // From the root, and below the directory where it runs.
        for (name, path) in [
            ("/tmp/r.json", "tmp/r.json"),
            ("out/r.json", "app/out/r.json"),
        ] {
            let first = of(name, path, Some("/app"), "1");
            assert!(first.is_some());
            assert_eq!(first, of(name, path, Some("/app"), "1"));
            assert_ne!(first, of(name, path, Some("/app"), "2"));
        }
        // It is not known where it runs: of what the file is made neither, unless its own place tells.
        assert_eq!(of("/tmp/r.json", "tmp/r.json", None, "1"), None);
        assert!(of("out/r.json", "app/out/r.json", None, "1").is_some());
        // It runs elsewhere, or writes another file.
        let nothing = |name, path, dir| of(name, path, dir, "1");
        assert_eq!(nothing("/tmp/r.json", "app/r.json", Some("/app")), None);
        assert_eq!(nothing("r.json", "app/r.json", Some("/b")), None);
        assert_eq!(nothing("r.json", "app/other.json", Some("/app")), None);
    }
}
