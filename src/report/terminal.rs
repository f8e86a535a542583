//! Reports for a terminal.

/// How a report may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Whether escape codes for colour are welcome.
    pub colour: bool,
}
