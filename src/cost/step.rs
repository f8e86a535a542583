//! How long one step takes and what it leaves behind: from the profile, else from the priors.

use super::emulation::emulated;
use super::emulation::is_emulated;
use super::estimate::Estimate;
use super::estimate::Match;
use super::image;
use super::model::CostModel;
use super::observed::Profile;
use super::observed::Size;
use super::prior;
use super::rates::Rates;
use super::scale::Scale;
use super::told::Told;
use super::values;
use super::warm;
use crate::graph::Definition;
use crate::graph::Step;
use crate::replay::Runner;

/// One piece of a step's work, named by its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) key: String,
    pub(super) estimate: Estimate,
}

/// A size, and whether it was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerSize {
    /// Bytes on disk.
    pub unpacked: u64,
    /// Bytes as they travel.
    pub compressed: u64,
    /// Whether a profile gave it.
    pub is_measured: bool,
}

impl LayerSize {
    /// Whether there is a layer, or may be one.
    pub(super) fn counts(&self) -> bool {
        self.unpacked > 0 || !self.is_measured
    }
}

/// The keyword without ONBUILD's.
pub(super) fn keyword(text: &str) -> &str {
    let mut words = text.split_whitespace();
    match words.next() {
        Some("ONBUILD") => words.next().unwrap_or("ONBUILD"),
        first => first.unwrap_or(""),
    }
}

/// The kind of a step by its text as the builder shows it: the kinds of its commands for RUN, else the keyword.
pub fn kind_of_text(text: &str) -> String {
    let keyword = keyword(text);
    if !keyword.eq_ignore_ascii_case("RUN") {
        return keyword.to_ascii_uppercase();
    }
    prior::signature(&command_of(text))
}

/// The shell text of a RUN as shown: keyword and flags taken away, a JSON array joined.
fn command_of(text: &str) -> String {
    let mut rest = text.trim_start();
    for keyword in ["ONBUILD", "RUN"] {
        if rest
            .get(..keyword.len())
            .is_some_and(|w| w.eq_ignore_ascii_case(keyword))
        {
            rest = rest[keyword.len()..].trim_start();
        }
    }
    while rest.starts_with("--") {
        rest = rest
            .split_once(char::is_whitespace)
            .map_or("", |(_, rest)| rest.trim_start());
    }
    match serde_json::from_str::<Vec<String>>(rest) {
        Ok(words) if rest.starts_with('[') => words.join(" "),
        _ => rest.strip_prefix("/bin/sh -c ").unwrap_or(rest).to_owned(),
    }
}

/// All of a step that [`work`] and [`layer`] look at: stage, text, command, what the use of a mount depends on and what
/// it runs, and whether it is emulated.
pub(super) type Name = (Option<String>, String, String, Vec<(String, String)>, bool);

/// Steps of one name take and leave the same.
pub(super) fn name(step: &Step) -> Name {
    let has_mount = step.text.contains("--mount=");
    let definition = has_mount.then(|| step.definition.parts().into_owned());
    let definition = definition.unwrap_or_else(|| values::known(step).into_iter().collect());
    (
        step.stage.clone(),
        step.text.clone(),
        step.command.clone(),
        definition,
        is_emulated(step),
    )
}

/// The pieces of work of a step that runs. Measured as a whole where the profile knows the step or its kind; else piece
/// by piece, each measured where its kind was; what was measured ran natively. `told` is what is said of downloads up to
/// its end.
pub(super) fn work(step: &Step, told: Told, model: &CostModel) -> Vec<Work> {
    let mut work = native(step, told, model);
    if is_emulated(step) {
        work.iter_mut()
            .for_each(|w| w.estimate = emulated(&w.estimate));
    }
    work
}

fn native(step: &Step, told: Told, model: &CostModel) -> Vec<Work> {
    let (profile, scale) = (&model.profile, &model.scale);
    let kind = kind_of_text(&step.text);
    let own = profile.step(step.stage.as_deref(), &step.text);
    if let Some(estimate) = own.and_then(|(seen, by)| seen.runs.estimate(by)) {
        return vec![Work {
            key: kind,
            estimate,
        }];
    }
    let by_kind = |kind: &str| {
        profile
            .kinds
            .get(kind)
            .and_then(|o| o.estimate(Match::Kind))
    };
    // Commands of no known kind have nothing in common.
    if let Some(estimate) = by_kind(&kind).filter(|_| kind != "unknown" && kind != "FROM") {
        return vec![Work {
            key: kind,
            estimate,
        }];
    }
    if step.command.is_empty() {
        return vec![Work {
            estimate: prior::instruction(priced_as(step)).estimate(),
            key: kind,
        }];
    }
    let parts = prior::parts_with(&step.command, &values::known(step), scale);
    let work = parts
        .into_iter()
        .map(|p| Work {
            key: p.kind.to_owned(),
            estimate: by_kind(p.kind)
                .filter(|_| p.kind != "unknown")
                .unwrap_or(p.estimate),
        })
        .collect();
    match model.runner {
        Runner::Persistent if model.mounts_filled => warm::with_mounts(work, step, told, scale),
        Runner::Persistent | Runner::Ephemeral => work,
    }
}

/// The keyword whose row is right: ADD of files from the context is COPY, unless there may be something to unpack.
fn priced_as(step: &Step) -> &str {
    let is_archive = |word: &str| {
        ["tar", "gz", "bz2", "xz", "zst", "tgz"]
            .iter()
            .any(|end| word.ends_with(end))
    };
    let is_plain = !step.text.contains("://")
        && !step.text.contains("git@")
        && !step.text.split([' ', ',', ']', '"']).any(is_archive);
    if step.instruction == "ADD" && is_plain {
        "COPY"
    } else {
        &step.instruction
    }
}

/// A layer's unpacked size with its band and where it comes from, for reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerFact {
    /// Its size.
    pub size: LayerSize,
    /// Unpacked bytes; one in ten is smaller.
    pub low: u64,
    /// Unpacked bytes; one in ten is larger.
    pub high: u64,
    /// `measured`, or each kind of command with its source.
    pub source: String,
}

/// The layer a step leaves behind, and where that is known from.
pub(super) fn layer_fact(
    step: &Step,
    profile: &Profile,
    scale: &Scale,
    rates: &Rates,
) -> LayerFact {
    if step.instruction == "FROM" {
        return LayerFact::default();
    }
    if let Some(size) = profile.layer(step.stage.as_deref(), &step.text) {
        let size = filled(size, rates, true);
        return LayerFact {
            size,
            low: size.unpacked,
            high: size.unpacked,
            source: "measured".to_owned(),
        };
    }
    let parts: Vec<_> = if step.command.is_empty() {
        let prior = prior::instruction(priced_as(step));
        vec![(prior.kind, prior.layer(1.0), prior.layer_source)]
    } else {
        let parts = prior::parts_with(&step.command, &values::known(step), scale).into_iter();
        parts.map(|p| (p.kind, p.layer, p.layer_source)).collect()
    };
    let sum = |of: fn(&(u64, u64, u64)) -> u64| parts.iter().map(|(_, band, _)| of(band)).sum();
    let mut sources: Vec<String> = Vec::new();
    for (kind, _, source) in &parts {
        let text = format!("{kind}: {source}");
        if !sources.contains(&text) {
            sources.push(text);
        }
    }
    let unpacked = Size {
        unpacked: Some(sum(|b| b.1)),
        compressed: None,
    };
    LayerFact {
        size: filled(unpacked, rates, false),
        low: sum(|b| b.0),
        high: sum(|b| b.2),
        source: sources.join("; "),
    }
}

/// The layer a step leaves behind.
pub(super) fn layer(step: &Step, profile: &Profile, scale: &Scale, rates: &Rates) -> LayerSize {
    layer_fact(step, profile, scale, rates).size
}

/// The image that a step fetches: FROM's, or the one that a COPY or a mount reads (a step that is not shown).
pub(super) fn image_of(step: &Step) -> Option<&str> {
    let names_image =
        step.instruction == "FROM" || (step.index == 0 && step.text.starts_with("FROM "));
    let known = match &step.definition {
        Definition::Parts(parts) => parts.iter().find(|(what, _)| what == "image"),
        Definition::Run(_) => None,
    }
    .map(|(_, name)| name.as_str());
    let written = step
        .text
        .split_whitespace()
        .skip(1)
        .find(|w| !w.starts_with("--"));
    known.or(written).filter(|_| names_image)
}

/// An image's size: the profile's, else the table's.
pub(super) fn base(reference: &str, profile: &Profile, rates: &Rates) -> LayerSize {
    match known_image(reference, profile) {
        Some(size) => filled(size, rates, true),
        None => filled(image::size(reference).0, rates, false),
    }
}

/// Where an image's size is known from.
pub(super) fn base_source(reference: &str, profile: &Profile) -> &'static str {
    match known_image(reference, profile) {
        Some(_) => "measured",
        None => image::size(reference).1,
    }
}

fn known_image(reference: &str, profile: &Profile) -> Option<Size> {
    let size = profile.images.get(&super::observed::image_name(reference));
    size.copied().filter(|s| !s.is_empty())
}

/// A size whose unknown half is worked out from the known one.
pub(super) fn filled(size: Size, rates: &Rates, is_measured: bool) -> LayerSize {
    let unpacked = size
        .unpacked
        .or(size.compressed.map(|c| rates.unpacked(c)))
        .unwrap_or(0);
    let compressed = size
        .compressed
        .unwrap_or_else(|| rates.compressed(unpacked));
    LayerSize {
        unpacked,
        compressed,
        is_measured,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_texts() {
        let check = |text: &str, kind: &str| assert_eq!(kind_of_text(text), kind, "{text}");
        check("RUN npm ci", "npm ci");
        check(
            "RUN --mount=type=cache,target=/root/.npm --network=none npm ci",
            "npm ci",
        );
        check("RUN [\"npm\", \"run\", \"build\"]", "npm run build");
        check("ONBUILD RUN npm ci", "npm ci");
        check("RUN /bin/sh -c go build .", "go build");
        check("COPY --from=build /a /b", "COPY");
        check("WORKDIR /app", "WORKDIR");
        check("", "");
    }
}
