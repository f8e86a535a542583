//! Key texts: parts one behind the other, so that no other parts give the same.

use crate::context::ContentId;
use std::fmt::Write;

/// What stands for a text in a plan: of thousands of steps, each would have to keep thousands of variables.
pub(super) fn digest(text: &str) -> ContentId {
    ContentId::of_bytes(text.as_bytes())
}

/// A key text in the making. Each part stands behind its length: commands are long, and `{:?}` looks at every character.
pub(super) struct Key(String);

impl Key {
    /// One of a kind of operation.
    pub(super) fn new(kind: &'static str) -> Self {
        Self(kind.to_owned())
    }

    /// Adds a text.
    pub(super) fn text(mut self, text: &str) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.0, ",{}:", text.len());
        self.0.push_str(text);
        self
    }

    /// Adds a text that may be absent.
    pub(super) fn maybe(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(text),
            None => self.number(None),
        }
    }

    /// Adds a number that may be absent.
    pub(super) fn number(mut self, number: Option<usize>) -> Self {
        let _ = match number {
            Some(number) => write!(self.0, ",{number}"),
            None => write!(self.0, ",-"),
        };
        self
    }

    /// Adds texts and how many they are.
    pub(super) fn texts<'t>(self, texts: impl ExactSizeIterator<Item = &'t str>) -> Self {
        let key = self.number(Some(texts.len()));
        texts.fold(key, Self::text)
    }

    /// What stands for it.
    pub(super) fn digest(&self) -> ContentId {
        digest(&self.0)
    }

    /// The text itself.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}
