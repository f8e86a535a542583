//! Logs to a profile.

use super::log::LogBuild;
use super::log::LogStep;
use super::log::Outcome;
use super::log::Reading;
use super::log::Role;
use super::log::SizeRecord;
use super::log::Traffic;
use super::log::total;
use super::observed::Overhead;
use super::observed::Profile;
use super::observed::Size;
use super::observed::Speed;
use super::observed::image_name;
use super::observed::normalised;
use super::rates::LOOKUP_US;
use super::rates::Rates;
use super::step;
use super::step::LayerSize;
use super::step::kind_of_text;
use std::collections::BTreeSet;

/// A profile, and what could not be used for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calibration {
    /// What was measured.
    pub profile: Profile,
    /// What could not be read or used, whole sentences, each with the log's name before it.
    pub problems: Vec<String>,
}

/// What the logs, each with its name, have measured.
pub fn calibrate(logs: &[(String, Reading)]) -> Calibration {
    let mut calibration = Calibration::default();
    for (name, reading) in logs {
        let mut problem = |text: &str| calibration.problems.push(format!("{name}: {text}"));
        reading.problems.iter().for_each(|p| problem(p));
        for build in &reading.builds {
            build.problems.iter().for_each(|p| problem(p));
            let timeless = build
                .steps
                .iter()
                .filter(|s| s.outcome == Outcome::Ran && s.duration_ms.is_none())
                .count();
            if timeless > 0 {
                problem(&format!(
                    "{timeless} steps ran, but this log tells no times; only lookups and sizes could be used."
                ));
            }
            add_build(&mut calibration.profile, build);
        }
        if !reading.builds.is_empty() || !reading.sizes.is_empty() {
            calibration.profile.sources.push(name.clone());
        }
    }
    // Sizes last: they belong to steps of any of the logs.
    for (name, reading) in logs {
        let unmatched = add_sizes(&mut calibration.profile, &reading.sizes);
        if unmatched {
            calibration.problems.push(format!(
                "{name}: no layer of this image belongs to a step of the logs."
            ));
        }
    }
    for build in logs.iter().flat_map(|(_, reading)| &reading.builds) {
        add_speeds(&mut calibration.profile, build);
    }
    calibration
}

fn add_build(profile: &mut Profile, build: &LogBuild) {
    for step in &build.steps {
        add_step(profile, step);
    }
    add_image(profile, build);
    let Some(total_ms) = build
        .total_ms
        .filter(|_| build.error.is_none() && build.problems.is_empty())
    else {
        return;
    };
    let ran = build.n_ran() > 0;
    let mut rest = total_ms.saturating_sub(steps_ms(build));
    let exports = [
        (
            Role::Export,
            if ran {
                Overhead::Export
            } else {
                Overhead::ExportUnchanged
            },
        ),
        (
            Role::CacheExport,
            if ran {
                Overhead::CacheExport
            } else {
                Overhead::CacheExportUnchanged
            },
        ),
    ];
    for (role, overhead) in exports {
        if build
            .internal
            .iter()
            .any(|i| i.role == role && i.duration_ms.is_some())
        {
            let ms = total::of_role(build, role);
            rest = rest.saturating_sub(ms);
            profile.overheads.entry(overhead).or_default().add(ms);
        }
    }
    rest = rest.saturating_sub(build.n_cached() as u64 * LOOKUP_US / 1000);
    // Whatever was neither a step nor a lookup nor an export: set-up, and the builder's own pauses.
    profile
        .overheads
        .entry(Overhead::Setup)
        .or_default()
        .add(rest);
}

/// Fewer bytes, or in less time, tell more of round trips than of speed.
const MIN_BYTES: u64 = 1_000_000;
const MIN_MS: u64 = 20;

/// The speeds at which this build moved layers. Sizes are those that a profile knows by now.
fn add_speeds(profile: &mut Profile, build: &LogBuild) {
    let rates = Rates::default();
    let made = made_layers(profile, build, &rates);
    let made_bytes = |of: fn(&LayerSize) -> u64| {
        let sizes = made.as_ref()?.iter().map(of);
        Some(sizes.fold(0, u64::saturating_add))
    };
    for transfer in &build.transfers {
        let (speed, bytes) = match transfer.traffic {
            Traffic::Download => (Speed::Download, transfer.bytes),
            Traffic::Unpack => (Speed::Unpack, transfer.bytes.map(|b| rates.unpacked(b))),
            Traffic::Compress => (Speed::Compress, made_bytes(|l| l.unpacked)),
            Traffic::Push => (Speed::Upload, made_bytes(|l| l.compressed)),
            Traffic::PushCache => (Speed::Upload, transfer.bytes),
        };
        let enough = |b: &u64| *b >= MIN_BYTES && transfer.ms >= MIN_MS;
        if let Some(bytes) = bytes.filter(enough) {
            let per_second = u128::from(bytes) * 1000 / u128::from(transfer.ms);
            let seen = profile.speeds.entry(speed).or_default();
            seen.add(u64::try_from(per_second).unwrap_or(u64::MAX));
        }
    }
}

/// The layers that this build added to its image, where all of them are known: those of the last stage, if it stands on
/// an image and not on another stage. The image's own are taken to be where the build's go.
fn made_layers(profile: &Profile, build: &LogBuild, rates: &Rates) -> Option<Vec<LayerSize>> {
    let read: BTreeSet<usize> = build
        .steps
        .iter()
        .flat_map(|s| s.inputs.iter().copied())
        .collect();
    let last = (0..build.steps.len()).rev().find(|at| !read.contains(at))?;
    let stage = &build.steps[last].stage;
    let of_stage = || build.steps.iter().filter(|s| s.stage == *stage);
    if !of_stage().any(|s| s.index == 1 && s.is_from()) {
        return None;
    }
    of_stage()
        .filter(|s| s.outcome == Outcome::Ran && !s.is_from())
        .map(|s| {
            let size = profile.layer(s.stage.as_deref(), &s.text)?;
            Some(step::filled(size, rates, true))
        })
        .collect()
}

/// The critical path through the steps that ran and the images that were pulled, as the model counts it.
fn steps_ms(build: &LogBuild) -> u64 {
    let counts = |s: &LogStep| {
        if s.is_from() {
            s.pulled_bytes.is_some()
        } else {
            s.outcome == Outcome::Ran
        }
    };
    let mut shown = build.clone();
    shown.internal.clear();
    shown
        .steps
        .iter_mut()
        .filter(|s| !counts(s))
        .for_each(|s| s.duration_ms = None);
    total::steps(&shown)
}

fn add_step(profile: &mut Profile, step: &LogStep) {
    let key = (
        step.stage.clone().unwrap_or_default(),
        normalised(&step.text),
    );
    let kind = kind_of_text(&step.text);
    let seen = profile.steps.entry(key).or_default();
    if !step.is_from() {
        // The newest build tells the size that the next ones will have.
        seen.layer.compressed = step.layer_bytes.or(seen.layer.compressed);
    }
    match step.outcome {
        Outcome::Cached => seen.lookups += 1,
        Outcome::Ran if step.is_from() && step.pulled_bytes.is_none() => seen.lookups += 1,
        Outcome::Ran => {
            if let Some(ms) = step.duration_ms {
                seen.runs.add(ms);
                profile.kinds.entry(kind).or_default().add(ms);
            }
        }
        Outcome::Failed | Outcome::Canceled | Outcome::Unfinished => {}
    }
}

/// Sizes of images: as the log tells them, else what was pulled where one alone was fetched: of images that share layers
/// only one is seen fetching them.
fn add_image(profile: &mut Profile, build: &LogBuild) {
    let mut add = |step: &LogStep, bytes: Option<u64>| {
        let mut words = step.text.split_whitespace().skip(1);
        if let Some(image) = words.find(|w| !w.starts_with("--")) {
            let size = profile.images.entry(image_name(image)).or_default();
            // Layers that were there already were not fetched again.
            size.compressed = size.compressed.max(bytes);
        }
    };
    let known = |s: &&LogStep| s.is_from() && s.layer_bytes.is_some();
    build
        .steps
        .iter()
        .filter(known)
        .for_each(|s| add(s, s.layer_bytes));
    let pulled = |s: &&LogStep| s.is_from() && s.pulled_bytes.is_some_and(|b| b > 0);
    let mut pulled = build.steps.iter().filter(pulled);
    if let (Some(step), None) = (pulled.next(), pulled.next()) {
        add(step, step.pulled_bytes);
    }
}

/// Gives steps the sizes of their layers; true if there were sizes and none fitted.
fn add_sizes(profile: &mut Profile, records: &[SizeRecord]) -> bool {
    let mut n_fitting = 0;
    let mut unpacked: Vec<(&str, Size)> = Vec::new();
    for record in records {
        if let SizeRecord::Layer {
            text,
            unpacked: bytes,
        } = record
        {
            unpacked.push((
                text,
                Size {
                    unpacked: Some(*bytes),
                    compressed: None,
                },
            ));
        }
    }
    // `docker history` tells the newest layer first.
    unpacked.reverse();
    n_fitting += add_layers(profile, &unpacked);
    let histories = records.iter().filter_map(|r| {
        if let SizeRecord::History(texts) = r {
            Some(texts)
        } else {
            None
        }
    });
    for texts in histories {
        let manifest = records.iter().find_map(|r| match r {
            SizeRecord::Manifest(sizes) if sizes.len() == texts.len() => Some(sizes),
            SizeRecord::Manifest(_) | SizeRecord::History(_) | SizeRecord::Layer { .. } => None,
        });
        let Some(sizes) = manifest else { continue };
        let layers: Vec<(&str, Size)> = texts
            .iter()
            .zip(sizes)
            .map(|(t, &s)| {
                (
                    t.as_str(),
                    Size {
                        unpacked: None,
                        compressed: Some(s),
                    },
                )
            })
            .collect();
        n_fitting += add_layers(profile, &layers);
    }
    !records.is_empty() && n_fitting == 0
}

/// An image's layers, base first. Those before the first that fits a step are the base image's.
fn add_layers(profile: &mut Profile, layers: &[(&str, Size)]) -> usize {
    let mut n_fitting = 0;
    let (mut base, mut stage) = (Size::default(), None);
    for (text, size) in layers {
        let key = profile
            .steps
            .keys()
            .find(|(_, t)| makes_layer(t, text))
            .cloned();
        match key.and_then(|k| profile.steps.get_mut(&k).map(|s| (k, s))) {
            Some((key, step)) => {
                step.layer.unpacked = size.unpacked.or(step.layer.unpacked);
                step.layer.compressed = size.compressed.or(step.layer.compressed);
                stage = stage.or(Some(key.0));
                n_fitting += 1;
            }
            None if n_fitting == 0 => {
                base.unpacked = plus(base.unpacked, size.unpacked);
                base.compressed = plus(base.compressed, size.compressed);
            }
            None => {}
        }
    }
    let from = profile
        .steps
        .keys()
        .find(|(s, t)| Some(s) == stage.as_ref() && t.starts_with("FROM "))
        .map(|(_, t)| image_name(&t[5..]));
    if let Some(name) = from.filter(|_| !base.is_empty()) {
        let known = profile.images.entry(name).or_default();
        known.unpacked = base.unpacked.or(known.unpacked);
        known.compressed = base.compressed.or(known.compressed);
    }
    n_fitting
}

fn plus(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    }
}

/// Whether a step with this text made a layer whose history says `made`. Histories leave flags out; the classic builder
/// and Buildah tell of a COPY only where it went: `COPY dir:HASH in DEST`.
fn makes_layer(step: &str, made: &str) -> bool {
    let without_flags: Vec<&str> = step
        .split_whitespace()
        .filter(|w| !w.starts_with("--"))
        .collect();
    let made: Vec<&str> = made.split_whitespace().collect();
    let is_transfer = matches!(without_flags.first(), Some(&("COPY" | "ADD")))
        && without_flags.first() == made.first();
    let hashed = made
        .get(1)
        .is_some_and(|w| ["file:", "dir:", "multi:"].iter().any(|k| w.starts_with(k)));
    if is_transfer && hashed && made.get(2) == Some(&"in") {
        return without_flags.last() == made.last();
    }
    without_flags == made
}
