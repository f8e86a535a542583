//! What the model assumed, skipped or could not know: shown in every report.
//!
//! Never: an error; the run goes on.

use std::fmt;

/// One assumption or gap, in plain words, with the place it concerns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caveat {
    /// What is assumed or missing, a whole sentence.
    pub text: String,
    /// Where: `Dockerfile:12`, a commit's short id, a path. Empty when it concerns the whole run.
    pub place: String,
}

impl Caveat {
    /// A caveat about the whole run.
    pub fn general(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            place: String::new(),
        }
    }

    /// A caveat about one place.
    pub fn at(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            place: place.into(),
        }
    }
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.text)
        } else {
            write!(f, "{}: {}", self.place, self.text)
        }
    }
}
