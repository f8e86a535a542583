//! RUNs whose output is known from their input: commands that write files again with something blanked in them.
//!
//! Such a command leaves equal bytes wherever its input is equal but for what is blanked; then a `COPY --from` of them is
//! found by its content (moby/buildkit solver/edge.go, the slow cache), and with it all that is built on it.

use crate::context::{ContentId, Node};
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// What each known content of a file becomes.
pub type Table = BTreeMap<ContentId, ContentId>;

/// Commands, by their whole text, with the files that they write again, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    by_command: BTreeMap<String, BTreeMap<String, Table>>,
}

impl Filters {
    /// Says what `command` makes of files called `name`.
    pub fn add(&mut self, command: &str, name: &str, table: Table) {
        self.by_command
            .entry(command.to_owned())
            .or_default()
            .entry(name.to_owned())
            .or_default()
            .extend(table);
    }

    /// The files that `command` writes again.
    pub(super) fn of(&self, command: &str) -> Option<&BTreeMap<String, Table>> {
        self.by_command.get(command)
    }
}

/// What a filter leaves at `paths`, those that later steps read: what it writes again becomes what its table says (bytes
/// known by `token` where the table does not know it), all else stays. `None` where a directory is read: then it is not
/// known which of its files the command writes.
pub(super) fn apply(
    tree: &Node,
    paths: &[String],
    files: &BTreeMap<String, Table>,
    token: ContentId,
) -> Option<Node> {
    let mut filtered = tree.clone();
    for path in paths {
        let at = RepoPath::new(path);
        let Some(Node::File(mut file)) = tree.get(&at) else {
            return None;
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        let Some(table) = files.get(name) else {
            continue;
        };
        file.content = match table.get(&file.content) {
            Some(content) => *content,
            None => token.below(path.as_bytes()),
        };
        filtered.put(&at, Node::File(file));
    }
    Some(filtered)
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
            BTreeMap::from([("package.json".to_owned(), table)])
        };
        let content = |tree: &Node, path: &str| match tree.get(&RepoPath::new(path)) {
            Some(Node::File(file)) => file.content,
            other => panic!("{other:?}"),
        };
        let paths = ["a/package.json".to_owned(), "a/yarn.lock".to_owned()];
        let known = apply(&tree, &paths, &files("v1"), id("run 1")).unwrap();
        assert_eq!(content(&known, "a/package.json"), id("v0"));
        assert_eq!(content(&known, "a/yarn.lock"), id("lock"));
        let unknown = apply(&tree, &paths, &files("v2"), id("run 1")).unwrap();
        assert_ne!(content(&unknown, "a/package.json"), id("v0"));
        assert_eq!(
            apply(&tree, &["a".to_owned()], &files("v1"), id("run 1")),
            None
        );
    }
}
