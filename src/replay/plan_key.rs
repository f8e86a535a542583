//! What a plan is made from, and making it.

use super::settings::Settings;
use crate::builder;
use crate::builder::Plan;
use crate::dockerfile;
use crate::dockerfile::Error;
use crate::graph;
use crate::history::BuildInput;
use std::collections::BTreeMap;
use std::sync::Arc;

/// More plans than this are not kept.
pub(super) const MAX_PLANS: usize = 64;

/// What a plan is made from, beside the settings.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct PlanKey {
    text: Arc<[u8]>,
    target: Option<String>,
    build_args: BTreeMap<String, String>,
}

impl PlanKey {
    /// The key of one build; `last`: that of the build before, whose text is shared where it is the same.
    pub(super) fn new(
        settings: &Settings,
        input: &BuildInput,
        last: Option<&Self>,
    ) -> Result<Self, Error> {
        let text: Arc<[u8]> = match (&settings.pin, input.watched.first()) {
            (Some(pinned), _) => match last {
                Some(last) if *last.text == *pinned.as_bytes() => last.text.clone(),
                _ => pinned.as_bytes().into(),
            },
            (None, Some(Ok(Some(bytes)))) => bytes.clone(),
            (None, Some(Err(why))) => return Err(Error::whole(why.clone())),
            (None, _) => {
                return Err(Error::whole(format!(
                    "there is no {} at this commit",
                    settings.dockerfile
                )));
            }
        };
        let given = settings.build_args.iter().chain(&input.request.build_args);
        let build_args = given
            .filter_map(|(k, v)| Some((k.clone(), v.clone()?)))
            .collect();
        Ok(Self {
            text,
            target: target(settings, input),
            build_args,
        })
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.text, &other.text) || self.text == other.text)
            && self.target == other.target
            && self.build_args == other.build_args
    }

    /// Reads the Dockerfile and has the builder plan it.
    pub(super) fn plan(&self, settings: &Settings) -> Result<Plan, Error> {
        let parsed = dockerfile::parse_bytes(&self.text)?;
        let options = graph::Options {
            platform: settings.platform.clone(),
            target: self.target.clone(),
            build_args: self.build_args.clone(),
            all_stages: builder::builds_all_stages(settings.builder),
            unknown_bases: true,
        };
        let lowering = graph::lower(&parsed.dockerfile, &options)?;
        builder::plan(
            settings.builder,
            &parsed.dockerfile,
            &options.build_args,
            &lowering,
        )
    }
}

/// The stage that a build is asked for.
pub(super) fn target(settings: &Settings, input: &BuildInput) -> Option<String> {
    let asked = input.request.target.clone();
    asked.or_else(|| settings.target.clone())
}
