//! Which part of a file tree a step reads.

/// One source of COPY or ADD, or the source of a bind mount, after variable expansion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector {
    /// Path or pattern, cleaned, without a leading slash; empty for the root.
    pub path: String,
    /// Whether `*`, `?` and `[…]` in `path` are a pattern (COPY, ADD; not bind mounts).
    pub wildcard: bool,
    /// `--exclude` patterns.
    pub exclude: Vec<String>,
    /// `--parents`: directory headers of the matches' parents count, and the rest of `path` after a `/./` pivot.
    pub parents: bool,
}
