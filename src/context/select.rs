//! What a selection of files contributes to a cache key (BuildKit: cache/contenthash/checksum.go `Checksum`,
//! `includedPaths`; solver/llbsolver/ops/file.go `dedupeSelectors`; at 73ed682).

use super::digest::ContentId;
use super::digest::hash;
use super::ignore::IgnoreRules;
use super::ignore::Matched;
use super::pattern::Wildcard;
use super::pattern::has_wildcards;
use super::selector::Selector;
use super::tree::Dir;
use super::tree::Node;
use crate::tree::RepoPath;
use std::fmt;
use std::rc::Rc;

/// More directories than this below one another are not looked into.
const MAX_DEPTH: usize = super::tree::MAX_DEPTH;

/// A source that is not there, or cannot be read as a pattern: the build fails at this step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// The source as selected.
    pub path: String,
    /// The reason, a fragment: `not found`, or what is wrong with an `--exclude` pattern.
    pub message: String,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.path, self.message)
    }
}

impl std::error::Error for NotFound {}

/// What `selectors` of one input contribute to a key. `is_context_root`: the tree is a local context, whose root has no
/// header of its own.
///
/// Plain sources within each other are reduced to the outer one, and all are joined in the order of their paths – not
/// in the order written, which is how BuildKit comes to its false hits.
///
/// # Errors
/// A plain source that does not exist.
pub fn digest(
    root: &Node,
    is_context_root: bool,
    selectors: &[Selector],
) -> Result<ContentId, NotFound> {
    let mut kept: Vec<&Selector> = Vec::with_capacity(selectors.len());
    for selector in selectors {
        let repeated = kept.contains(&selector);
        let within = is_plain(selector)
            && selectors.iter().any(|other| {
                is_plain(other)
                    && other.path != selector.path
                    && is_within(&selector.path, &other.path)
            });
        if !repeated && !within {
            kept.push(selector);
        }
    }
    // Stable: equal paths with different filters keep the order written.
    kept.sort_by(|a, b| source_path(a).cmp(source_path(b)));
    let mut parts = Vec::with_capacity(kept.len());
    for selector in kept {
        parts.push(digest_one(root, is_context_root, selector)?.0.to_le_bytes());
    }
    Ok(hash(
        b'L',
        &parts.iter().map(<[u8; 16]>::as_slice).collect::<Vec<_>>(),
    ))
}

/// What a selector finds, for copying: the path relative to what is copied into the destination, and the node there.
/// One plain source gives one match under its base name; a wildcard gives one per match; with `--parents` each match
/// keeps its directories.
///
/// # Errors
/// A plain source that does not exist.
pub fn matches(root: &Node, selector: &Selector) -> Result<Vec<(RepoPath, Node)>, NotFound> {
    let filters = Filters::new(selector)?;
    let base_name = |path: &RepoPath| RepoPath::new(path.file_name().unwrap_or_default());
    if selector.parents {
        let source = source(root, selector)?;
        let all = Filtered::of(&filters, &source, true);
        return Ok(all
            .map(|node| (RepoPath::root(), node))
            .into_iter()
            .collect());
    }
    Ok(found(root, selector)?
        .into_iter()
        .filter_map(|(path, node)| {
            let node = follow(root, &path, node);
            let kept = if filters.is_empty() {
                Some(node)
            } else {
                Filtered::of(&filters, &node, false)
            };
            kept.map(|node| (base_name(&path), node))
        })
        .collect())
}

/// What a selector names, at its own path and as it is: a plain source, or the matches of a wildcard in order.
///
/// # Errors
/// A plain source that does not exist.
pub(super) fn found(root: &Node, selector: &Selector) -> Result<Vec<(RepoPath, Node)>, NotFound> {
    Ok(match wildcard(selector) {
        Some((prefix, names)) => expand(root, &prefix, &names),
        None => vec![(RepoPath::new(&selector.path), source(root, selector)?)],
    })
}

/// Whether a change at this path can alter the digest of the selection. `root`: the tree, for sources that are symlinks.
pub fn covers(root: &Node, selectors: &[Selector], path: &RepoPath) -> bool {
    selectors
        .iter()
        .filter_map(|s| Cover::new(root, s))
        .any(|cover| cover.has(path))
}

/// Those of `paths` at which a change can alter the digest of the selection, in order.
pub fn covered<'p>(
    root: &Node,
    selectors: &[Selector],
    paths: &'p [RepoPath],
) -> Vec<&'p RepoPath> {
    let covers: Vec<Cover<'_>> = selectors
        .iter()
        .filter_map(|s| Cover::new(root, s))
        .collect();
    paths
        .iter()
        .filter(|path| covers.iter().any(|cover| cover.has(path)))
        .collect()
}

/// A selector made ready to be held against many paths.
struct Cover<'a> {
    root: &'a Node,
    filters: Filters,
    /// The wildcard's prefix, links followed, and its parts.
    wildcard: Option<(RepoPath, Vec<Rc<Wildcard>>)>,
    /// Where the symlinks lead that the wildcard matches.
    links: Vec<RepoPath>,
    /// A plain source as written, and where its links lead.
    written: RepoPath,
    real: Option<RepoPath>,
}

impl<'a> Cover<'a> {
    /// `None` for filters that cannot be read.
    fn new(root: &'a Node, selector: &'a Selector) -> Option<Self> {
        let filters = Filters::new(selector).ok()?;
        let found = wildcard(selector);
        let links = found.as_ref().map_or_else(Vec::new, |w| links(root, w));
        let wildcard = found.map(|(prefix, names)| {
            (
                root.resolve(&prefix, true).map_or(prefix, |(real, _)| real),
                names,
            )
        });
        let written = RepoPath::new(source_path(selector));
        let real = root.resolve(&written, true).map(|(real, _)| real);
        Some(Self {
            root,
            filters,
            wildcard,
            links,
            written,
            real,
        })
    }

    fn has(&self, path: &RepoPath) -> bool {
        let Some((prefix, names)) = &self.wildcard else {
            let below = |base: &RepoPath| {
                path.strip_prefix(base)
                    .is_some_and(|rest| self.filters.keeps(&rest))
            };
            return below(&self.written)
                || self.real.as_ref().is_some_and(below)
                || is_link_on_the_way(self.root, &self.written, path);
        };
        let Some(rest) = path.strip_prefix(prefix) else {
            return self.is_linked(path);
        };
        let parts: Vec<&[u8]> = rest.names().collect();
        let hit = parts.len() >= names.len()
            && names
                .iter()
                .zip(&parts)
                .all(|(name, part)| name.matches(part));
        if !hit {
            return self.is_linked(path);
        }
        self.filters
            .keeps(&RepoPath::new(parts[names.len()..].join(&b'/')))
    }

    /// Whether a match of the wildcard is a symlink that leads to `path` or above it.
    fn is_linked(&self, path: &RepoPath) -> bool {
        self.links.iter().any(|to| path.strip_prefix(to).is_some())
    }
}

/// Whether `path` is a symlink through which a source is reached.
fn is_link_on_the_way(root: &Node, written: &RepoPath, path: &RepoPath) -> bool {
    written.strip_prefix(path).is_some() && matches!(root.get_itself(path), Some(Node::Link(_)))
}

/// Where the symlinks lead that a wildcard matches.
fn links(root: &Node, (prefix, names): &(RepoPath, Vec<Rc<Wildcard>>)) -> Vec<RepoPath> {
    let found = expand(root, prefix, names).into_iter();
    let links = found.filter(|(_, node)| matches!(node, Node::Link(_)));
    let real = links.filter_map(|(at, _)| root.resolve(&at, true));
    real.map(|(real, _)| real).collect()
}

fn is_plain(selector: &Selector) -> bool {
    !(selector.parents
        || !selector.exclude.is_empty()
        || selector.wildcard && has_wildcards(&selector.path))
}

fn is_within(path: &str, outer: &str) -> bool {
    outer.is_empty()
        || path
            .strip_prefix(outer)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// The path at which BuildKit's selector starts: with `--parents` the pivot or the root, the rest is a pattern.
fn source_path(selector: &Selector) -> &str {
    match selector.parents {
        true => selector.path.split_once("/./").map_or("", |(base, _)| base),
        false => &selector.path,
    }
}

fn source(root: &Node, selector: &Selector) -> Result<Node, NotFound> {
    let not_found = || NotFound {
        path: selector.path.clone(),
        message: "not found".to_owned(),
    };
    let node = root
        .get(&RepoPath::new(source_path(selector)))
        .ok_or_else(not_found)?;
    let required = selector.parents && !has_wildcards(&selector.path);
    if required && root.get_itself(&RepoPath::new(&selector.path)).is_none() {
        return Err(not_found());
    }
    Ok(node)
}

/// The names of a wildcard: those before the first pattern, and the rest; `None` for a plain path.
fn wildcard(selector: &Selector) -> Option<(RepoPath, Vec<Rc<Wildcard>>)> {
    let path = source_path(selector);
    if !selector.wildcard || !has_wildcards(path) {
        return None;
    }
    let names: Vec<&str> = path
        .split('/')
        .filter(|name| !name.is_empty() && *name != ".")
        .collect();
    let first = names
        .iter()
        .position(|name| has_wildcards(name))
        .unwrap_or(names.len());
    let prefix = RepoPath::new(names[..first].join("/"));
    Some((
        prefix,
        names[first..]
            .iter()
            .map(|name| Wildcard::of(name))
            .collect(),
    ))
}

/// All that a wildcard matches, in the order of paths. Symlinks before the first pattern are followed, behind it not.
fn expand(root: &Node, prefix: &RepoPath, names: &[Rc<Wildcard>]) -> Vec<(RepoPath, Node)> {
    let Some(start) = root.get(prefix) else {
        return Vec::new();
    };
    let mut found = vec![(prefix.clone(), start)];
    for name in names {
        let mut next = Vec::new();
        for (path, node) in found {
            match &node {
                Node::Dir(dir) => {
                    let known = dir.children().filter(|(child, _)| name.matches(child));
                    next.extend(
                        known.filter_map(|(child, _)| Some((path.join(child), dir.entry(child)?))),
                    );
                    if let Some(token) = dir.remainder() {
                        // Whatever else may match there: one entry that stands for it.
                        next.push((path.join(b"*"), Node::Opaque(token.below(b"*"))));
                    }
                }
                Node::Opaque(token) => {
                    next.push((path.join(b"*"), Node::Opaque(token.below(b"*"))))
                }
                Node::File(_) | Node::Link(_) => {}
            }
        }
        found = next;
    }
    found
}

fn follow(root: &Node, path: &RepoPath, node: Node) -> Node {
    match node {
        Node::Link(_) => root.get(path).unwrap_or(node),
        Node::File(_) | Node::Dir(_) | Node::Opaque(_) => node,
    }
}

/// One entry of a list: its path below the part before the first wildcard, and its identity.
type Entry = (Vec<u8>, ContentId);

fn digest_one(
    root: &Node,
    is_context_root: bool,
    selector: &Selector,
) -> Result<ContentId, NotFound> {
    let filters = Filters::new(selector)?;
    let mut entries: Vec<Entry> = Vec::new();
    let path = source_path(selector);
    if let Some((prefix, names)) = wildcard(selector) {
        for (at, node) in expand(root, &prefix, &names) {
            let name = at
                .strip_prefix(&prefix)
                .map_or_else(Vec::new, |rest| rest.as_bytes().to_vec());
            match node {
                Node::Dir(dir) if !filters.is_empty() => list(&filters, &dir, &name, &mut entries),
                // An empty directory is one entry, its header; a full one is a list, so that it never goes bare.
                Node::Dir(dir) if !dir.is_empty() || dir.remainder().is_some() => {
                    entries.push((name.clone(), dir.header()));
                    entries.push(([name.as_slice(), b"/"].concat(), dir.digest()));
                }
                node if filters.keeps_itself() => {
                    entries.push((name, follow(root, &at, node).digest()))
                }
                _ => {}
            }
        }
    } else {
        let node = source(root, selector)?;
        if filters.is_empty() {
            let is_root = is_context_root && RepoPath::new(path).is_root();
            return Ok(if is_root {
                hash(b'R', &[&node.digest().0.to_le_bytes()])
            } else {
                node.digest()
            });
        }
        match &node {
            Node::Dir(dir) => list(&filters, dir, b"", &mut entries),
            Node::Opaque(_) => entries.push((Vec::new(), node.digest())),
            // BuildKit starts its walk behind the path itself, so that a lone file under `--exclude` is no entry.
            Node::File(_) | Node::Link(_) => {}
        }
    }
    if let [(name, id)] = entries.as_slice()
        && path.rsplit('/').next().map(str::as_bytes) == name.rsplit(|&b| b == b'/').next()
    {
        return Ok(*id);
    }
    if entries.is_empty() {
        return Ok(hash(b'E', &[]));
    }
    let ids: Vec<[u8; 16]> = entries.iter().map(|(_, id)| id.0.to_le_bytes()).collect();
    let parts: Vec<&[u8]> = entries
        .iter()
        .zip(&ids)
        .flat_map(|((name, _), id)| [name.as_slice(), id.as_slice()])
        .collect();
    Ok(hash(b'P', &parts))
}

/// What `--exclude` leaves out and `--parents` lets in, both by the rules of ignore patterns, relative to the source.
struct Filters {
    include: Option<IgnoreRules>,
    exclude: IgnoreRules,
}

/// What matched a directory, for both filters; `None` at the top.
#[derive(Default)]
struct Above {
    include: Matched,
    exclude: Matched,
}

impl Filters {
    fn new(selector: &Selector) -> Result<Self, NotFound> {
        let error = |err: super::PatternError| NotFound {
            path: selector.path.clone(),
            message: err.to_string(),
        };
        let include = if selector.parents {
            let pattern = selector
                .path
                .split_once("/./")
                .map_or(selector.path.as_str(), |(_, rest)| rest);
            // As `system.NormalizePath("/", …)` leaves it: clean, without a leading slash.
            let pattern = RepoPath::new(pattern).to_string();
            Some(
                IgnoreRules::from_patterns(&[if pattern.is_empty() {
                    "**".to_owned()
                } else {
                    pattern
                }])
                .map_err(error)?,
            )
        } else {
            None
        };
        Ok(Self {
            include,
            exclude: IgnoreRules::from_patterns(&selector.exclude).map_err(error)?,
        })
    }

    fn is_empty(&self) -> bool {
        self.include.is_none() && self.exclude.is_empty()
    }

    /// Whether a path below the source is let through, and what it passes on to its entries.
    fn enter(&self, path: &[u8], above: &Above) -> (bool, Above) {
        let (included, include) = match &self.include {
            Some(rules) => rules.enter(path, &above.include),
            None => (true, Matched::default()),
        };
        if !included {
            return (
                false,
                Above {
                    include,
                    exclude: Matched::default(),
                },
            );
        }
        let (excluded, exclude) = self.exclude.enter(path, &above.exclude);
        (!excluded, Above { include, exclude })
    }

    /// Whether the source itself is let through where it is a match of a wildcard.
    fn keeps_itself(&self) -> bool {
        self.enter(b"", &Above::default()).0
    }

    /// Whether a change of the file `rest` below the source can count. (That an excluded file is the first or the last of
    /// its directory counts too, through the directory's header; that is not seen here.)
    fn keeps(&self, rest: &RepoPath) -> bool {
        if self.is_empty() {
            return true;
        }
        let included = self
            .include
            .as_ref()
            .is_none_or(|rules| rules.is_ignored(rest));
        included && !self.exclude.is_ignored(rest)
    }
}

/// Lists files and directory headers below a source, as far as the filters let them through; a directory that is
/// not let through is listed if something below it is.
fn list(filters: &Filters, dir: &Dir, name: &[u8], entries: &mut Vec<Entry>) {
    let (kept, above) = filters.enter(b"", &Above::default());
    let mut pending = Vec::new();
    let mut rest = Vec::new();
    list_dir(
        filters,
        dir,
        name,
        &mut rest,
        (kept, &above),
        &mut pending,
        entries,
        0,
    );
}

#[expect(clippy::too_many_arguments, reason = "a recursion's state")]
fn list_dir(
    filters: &Filters,
    dir: &Dir,
    name: &[u8],
    rest: &mut Vec<u8>,
    (kept, above): (bool, &Above),
    pending: &mut Vec<Entry>,
    entries: &mut Vec<Entry>,
    depth: usize,
) {
    let full = |rest: &[u8]| match (name.is_empty(), rest.is_empty()) {
        (true, _) => rest.to_vec(),
        (false, true) => name.to_vec(),
        (false, false) => [name, b"/", rest].concat(),
    };
    let n_pending = pending.len();
    pending.push((full(rest), dir.header()));
    if kept {
        entries.append(pending);
    }
    for (child_name, _) in dir.children() {
        let length = rest.len();
        if length > 0 {
            rest.push(b'/');
        }
        rest.extend(&child_name[..]);
        let (kept, inner) = filters.enter(rest, above);
        match dir.entry(child_name) {
            Some(Node::Dir(child)) if depth < MAX_DEPTH => {
                list_dir(
                    filters,
                    &child,
                    name,
                    rest,
                    (kept, &inner),
                    pending,
                    entries,
                    depth + 1,
                );
            }
            Some(node) if kept => {
                entries.append(pending);
                entries.push((full(rest), node.digest()));
            }
            Some(_) | None => {}
        }
        rest.truncate(length);
    }
    if let Some(token) = dir.remainder() {
        entries.append(pending);
        entries.push((full(rest), token));
    }
    pending.truncate(n_pending);
}

/// A tree with what the filters leave of it.
struct Filtered;

impl Filtered {
    /// `None` where nothing is left.
    fn of(filters: &Filters, node: &Node, only_with_matches: bool) -> Option<Node> {
        let Node::Dir(dir) = node else {
            return filters.keeps_itself().then(|| node.clone());
        };
        let (kept, above) = filters.enter(b"", &Above::default());
        let out = Self::dir(filters, dir, &mut Vec::new(), &above, 0);
        (kept || !only_with_matches || !out.is_empty()).then(|| Node::Dir(out.into()))
    }

    fn dir(filters: &Filters, dir: &Dir, rest: &mut Vec<u8>, above: &Above, depth: usize) -> Dir {
        let mut out = Dir::default();
        if let Some(token) = dir.remainder() {
            out.add_backing(token);
        }
        for (name, _) in dir.children() {
            let length = rest.len();
            if length > 0 {
                rest.push(b'/');
            }
            rest.extend(&name[..]);
            let (kept, inner) = filters.enter(rest, above);
            match dir.entry(name) {
                Some(Node::Dir(child)) if depth < MAX_DEPTH => {
                    let child = Self::dir(filters, &child, rest, &inner, depth + 1);
                    if kept || !child.is_empty() || child.remainder().is_some() {
                        out.insert(name, Node::Dir(child.into()));
                    }
                }
                Some(node) if kept => out.insert(name, node),
                Some(_) | None => {}
            }
            rest.truncate(length);
        }
        out
    }
}
