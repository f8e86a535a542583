//! TOML tables whose keys are known, and errors that name the line and column of what is wrong in them.

use super::super::args::Choice;
use super::super::args::choices;
use super::super::error::CliError;
use super::super::hint::nearest;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

/// The text, for places in messages.
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    /// The file's name.
    pub(super) name: &'a str,
}

impl<'a> Text<'a> {
    /// The text as TOML.
    pub(super) fn document(&self) -> Result<Spanned<DeTable<'a>>, CliError> {
        DeTable::parse(self.text).map_err(|e| {
            let place = e.span().unwrap_or(0..0);
            self.error(place, e.message().trim())
        })
    }

    pub(super) fn error(&self, place: Range<usize>, message: &str) -> CliError {
        let before = self.text.get(..place.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        let first = message.lines().next().unwrap_or_default();
        CliError::usage(format!("{}:{line}:{column}: {first}", self.name))
    }
}

/// One table with its known keys.
pub(super) struct Table<'a> {
    file: &'a Text<'a>,
    title: &'static str,
    entries: &'a DeTable<'a>,
    pub(super) span: Range<usize>,
}

impl<'a> Table<'a> {
    /// Refuses what is not in `known`.
    pub(super) fn open(
        file: &'a Text<'a>,
        title: &'static str,
        entries: &'a DeTable<'a>,
        known: &[&'static str],
    ) -> Result<Self, CliError> {
        for key in entries.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let error = file.error(key.span(), &format!("unknown key `{name}` in {title}"));
            return Err(match nearest(name, known.iter().copied()) {
                Some(meant) => error.with_help(format!("did you mean `{meant}`?")),
                None => error.with_help(format!("known here: {}", known.join(", "))),
            });
        }
        Ok(Self {
            file,
            title,
            entries,
            span: 0..0,
        })
    }

    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.entries
            .iter()
            .find(|(k, _)| k.get_ref() == key)
            .map(|(_, v)| v)
    }

    pub(super) fn place(&self, key: &str) -> Option<Range<usize>> {
        self.get(key).map(Spanned::span)
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) -> CliError {
        let is = value.get_ref().type_str();
        self.file
            .error(value.span(), &format!("`{key}` must be {wanted}, not {is}"))
    }

    pub(super) fn string(&self, key: &str) -> Result<Option<String>, CliError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                Err(self.file.error(value.span(), &format!("`{key}` is empty")))
            }
            DeValue::String(text) => Ok(Some(text.clone().into_owned())),
            _ => Err(self.wrong(key, value, "a string")),
        }
    }

    pub(super) fn required(&self, key: &str) -> Result<String, CliError> {
        self.string(key)?.ok_or_else(|| {
            let message = format!("{} needs `{key}`", self.title);
            self.file.error(self.span.clone(), &message)
        })
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, CliError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match value.get_ref() {
            DeValue::Boolean(is) => Ok(Some(*is)),
            _ => Err(self.wrong(key, value, "true or false")),
        }
    }

    /// A whole number from 1.
    pub(super) fn count(&self, key: &str) -> Result<Option<u64>, CliError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let number = match value.get_ref() {
            DeValue::Integer(n) => u32::from_str_radix(n.as_str(), n.radix()).ok(),
            _ => None,
        };
        match number {
            Some(n) if n > 0 => Ok(Some(u64::from(n))),
            _ => Err(self.wrong(key, value, "a whole number from 1")),
        }
    }

    pub(super) fn string_map(
        &self,
        key: &str,
    ) -> Result<Option<BTreeMap<String, String>>, CliError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.wrong(key, value, "a table"));
        };
        let entry = |(k, v): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let name: &std::borrow::Cow<'_, str> = k.get_ref();
            match v.get_ref() {
                DeValue::String(text) => Ok((name.clone().into_owned(), text.clone().into_owned())),
                _ => Err(self.wrong(name, v, "a string")),
            }
        };
        table.iter().map(entry).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn one_of(&self, key: &str, known: &[&str]) -> Result<Option<String>, CliError> {
        let Some(text) = self.string(key)? else {
            return Ok(None);
        };
        if known.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        let place = self.place(key).unwrap_or_default();
        let message = format!("`{key}` cannot be `{text}`");
        let error = self.file.error(place, &message);
        Err(match nearest(&text, known.iter().copied()) {
            Some(meant) => error.with_help(format!("did you mean `{meant}`?")),
            None => error.with_help(format!("one of: {}", known.join(", "))),
        })
    }

    /// One of the names that the option of the same name takes.
    pub(super) fn choice<T: Copy + Choice>(&self, key: &str) -> Result<Option<T>, CliError> {
        let known = choices::<T>();
        let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
        let text = self.one_of(key, &names)?;
        Ok(text.and_then(|t| known.iter().find(|(name, _)| *name == t).map(|(_, v)| *v)))
    }

    pub(super) fn table(
        &self,
        key: &'static str,
        title: &'static str,
        known: &[&'static str],
    ) -> Result<Option<Self>, CliError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let DeValue::Table(entries) = value.get_ref() else {
            return Err(self.wrong(key, value, "a table"));
        };
        let table = Self::open(self.file, title, entries, known)?;
        Ok(Some(Self {
            span: value.span(),
            ..table
        }))
    }

    pub(super) fn tables(
        &self,
        key: &'static str,
        title: &'static str,
        known: &[&'static str],
    ) -> Result<Vec<Self>, CliError> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let DeValue::Array(items) = value.get_ref() else {
            let wanted = format!("a list of tables, {title}");
            return Err(self.wrong(key, value, &wanted));
        };
        let open = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::Table(entries) => {
                let table = Self::open(self.file, title, entries, known)?;
                Ok(Self {
                    span: item.span(),
                    ..table
                })
            }
            _ => Err(self.wrong(key, item, "a table")),
        };
        items.iter().map(open).collect()
    }
}
