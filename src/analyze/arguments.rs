//! Build arguments that nobody passed and that a pipeline would pass anew each time: what a Dockerfile costs then.
//!
//! Git does not hold what a build is passed. A Dockerfile that declares `ARG GIT_COMMIT` at its top costs nothing as long
//! as nobody passes it, and everything once somebody does.

use crate::dockerfile;
use crate::history::BuildInput;
use crate::replay::Settings;
use crate::restructure::rules::new_at_each_build;
use std::collections::BTreeSet;

/// The arguments that are likely to be passed with another value at each build, and are not passed here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewArguments {
    names: BTreeSet<String>,
}

impl NewArguments {
    /// Of these Dockerfiles together.
    pub fn of(settings: &Settings, texts: &[&str]) -> Self {
        let parsed = texts.iter().filter_map(|text| dockerfile::parse(text).ok());
        let mut names: BTreeSet<String> = parsed
            .flat_map(|parsed| new_at_each_build(&parsed.dockerfile))
            .collect();
        names.retain(|name| !settings.build_args.contains_key(name));
        Self { names }
    }

    /// With these as well.
    pub fn with(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.names.extend(names);
        self
    }

    /// Those that a request does not pass itself, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &String> {
        self.names.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The same build once more, with nothing but other values.
    pub fn again(&self, input: &BuildInput, n: usize) -> BuildInput {
        let unchanged = BuildInput {
            changes: Vec::new(),
            link_targets: Vec::new(),
            ..input.clone()
        };
        self.given(&unchanged, n)
    }

    /// The `n`-th build with a value of its own for each of them.
    pub fn given(&self, input: &BuildInput, n: usize) -> BuildInput {
        let mut input = input.clone();
        for name in &self.names {
            let own = input.request.build_args.entry(name.clone());
            own.or_insert_with(|| Some(format!("build-{n}")));
        }
        input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_already_is_left_alone() {
        let mut settings = Settings::default();
        let text = "FROM a\nARG GIT_COMMIT\nARG BUILD_DATE\n";
        let names =
            |settings: &Settings| NewArguments::of(settings, &[text, "no Dockerfile"]).names;
        assert_eq!(names(&settings).len(), 2);
        settings.build_args.insert("GIT_COMMIT".to_owned(), None);
        assert_eq!(names(&settings), BTreeSet::from(["BUILD_DATE".to_owned()]));
    }
}
