//! One Dockerfile version's steps with everything costs need, worked out once for all builds that share it.

use super::estimate::Estimate;
use super::model::CostModel;
use super::model::ImageSize;
use super::observed::Overhead;
use super::pieces::PieceId;
use super::pieces::Pieces;
use super::resolved;
use super::step;
use super::step::LayerSize;
use super::step::Work;
use super::told::Told;
use crate::graph::Origin;
use crate::graph::Step;
use crate::replay::Steps;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// One step.
pub(super) struct Row {
    /// Its work, piece by piece.
    pub(super) pieces: Vec<PieceId>,
    pub(super) is_measured: bool,
    pub(super) is_from: bool,
    /// Shown by the builder, that is: a step of its own.
    pub(super) is_shown: bool,
    pub(super) layer: LayerSize,
    /// Images it stands on or reads, when it is the one that names them.
    pub(super) images: Vec<LayerSize>,
    /// The measured duration of pulling them.
    pub(super) pull: Option<PieceId>,
    /// The steps it is built on: one, or two where `COPY --link` merges.
    pub(super) parents: Vec<usize>,
    /// Steps it waits for, those among them.
    pub(super) after: Vec<usize>,
    pub(super) in_image: bool,
}

/// What steps take and leave behind, taken alone. Versions of a Dockerfile share most: whoever prices many of them with
/// one model keeps it from one to the next.
#[derive(Default)]
pub struct Known(BTreeMap<(step::Name, Told), Alone>);

/// A step taken alone.
#[derive(Clone)]
pub(super) struct Alone {
    work: Vec<Work>,
    layer: LayerSize,
}

/// All steps, and the work around them.
pub(super) struct Sheet {
    pub(super) rows: Vec<Row>,
    overheads: [PieceId; 5],
    /// Network times are divided by 100 and multiplied by this; `None` where the user gave them.
    pub(super) network: Option<PieceId>,
}

impl Sheet {
    pub(super) fn new(
        model: &CostModel,
        steps: &Steps,
        pieces: &mut Pieces,
        known: &mut Known,
    ) -> Self {
        let numbered = steps.steps.iter().enumerate().zip(told(steps));
        let mut rows: Vec<Row> = numbered
            .map(|((n, step), told)| row(model, step, n, told, pieces, known))
            .collect();
        for (row, work) in rows.iter_mut().zip(works(model, steps, known)) {
            row.is_measured = work.iter().all(|w| w.estimate.is_measured());
            row.pieces = work
                .iter()
                .map(|w| pieces.add(&w.key, &w.estimate))
                .collect();
        }
        // The target's last step stands last: inputs come first, and nothing the target does not need is in the graph.
        let mut stack: Vec<usize> = rows.len().checked_sub(1).into_iter().collect();
        while let Some(n) = stack.pop() {
            if !std::mem::replace(&mut rows[n].in_image, true) {
                stack.extend(&rows[n].parents);
            }
        }
        let network = |(low, high)| Estimate::estimated(100, low, high, "the network's moods");
        Self {
            rows,
            overheads: Overhead::ALL.map(|o| pieces.add(o.work(), &model.overhead(o))),
            network: model
                .rates
                .network_band()
                .map(|band| pieces.add("network", &network(band))),
        }
    }

    pub(super) fn overhead(&self, overhead: Overhead) -> PieceId {
        let at = Overhead::ALL.iter().position(|o| *o == overhead);
        self.overheads[at.expect("ALL holds every overhead")]
    }

    pub(super) fn image(&self) -> ImageSize {
        let mut size = ImageSize::default();
        let shown = self.rows.iter().filter(|r| r.in_image);
        let layers = shown.flat_map(|r| {
            if r.is_from {
                &r.images[..]
            } else {
                std::slice::from_ref(&r.layer)
            }
        });
        for layer in layers.filter(|l| l.counts()) {
            size.unpacked = size.unpacked.saturating_add(layer.unpacked);
            size.compressed = size.compressed.saturating_add(layer.compressed);
            size.n_estimated += usize::from(!layer.is_measured);
            size.n_layers += 1;
        }
        let bases = self.rows.iter().filter(|r| r.in_image && r.is_from);
        size.base_unpacked = bases.flat_map(|r| &r.images).map(|b| b.unpacked).sum();
        size
    }
}

/// Each step's work where it stands, priced by what the steps below it have already fetched; none for steps that have
/// none of their own.
pub(super) fn works(model: &CostModel, steps: &Steps, known: &mut Known) -> Vec<Vec<Work>> {
    let mut below: Vec<BTreeSet<&'static str>> = Vec::with_capacity(steps.steps.len());
    let mut works = Vec::with_capacity(steps.steps.len());
    let mut empty: Option<CostModel> = None;
    for ((n, step), said) in steps.steps.iter().enumerate().zip(told(steps)) {
        let mut own = alone(model, step, said, known).map_or_else(Vec::new, |a| a.work.clone());
        let mut fetched: BTreeSet<&'static str> = parents(step, n)
            .flat_map(|p| below[p].iter().copied())
            .chain(brought(step, n, &below))
            .collect();
        if model.mounts_filled && own.iter().any(|w| resolved::finds_done(w, &fetched)) {
            // What an earlier step fetched, a mount cannot spare it once more; what it compiles, it can.
            let empty = empty.get_or_insert_with(|| model.before_first_build());
            let cold = step::work(step, said, empty);
            own = spared_once(own, cold, &fetched);
        }
        let work = resolved::adjusted(own, &fetched, &model.scale);
        fetched.extend(work.iter().filter_map(|w| resolved::fetcher(&w.key)));
        below.push(fetched);
        works.push(work);
    }
    works
}

/// What steps of other stages have fetched, as far as step `n` copies it from there.
fn brought(
    step: &Step,
    n: usize,
    below: &[BTreeSet<&'static str>],
) -> impl Iterator<Item = &'static str> {
    let inputs = step.inputs.iter().filter_map(move |input| {
        let Origin::Step(id) = &input.origin else {
            return None;
        };
        let fetched = below.get(id.0).filter(|_| id.0 < n)?;
        Some((fetched, input.selectors.as_deref()?))
    });
    inputs.flat_map(|(fetched, selectors)| {
        let is_copied = |kind: &&str| {
            selectors
                .iter()
                .any(|s| resolved::is_left_in(kind, &s.path))
        };
        fetched.iter().copied().filter(is_copied)
    })
}

/// The pieces of work with filled mounts, where those that find theirs done below are as without: what the step fetches
/// before it builds is then not fetched at all.
fn spared_once(warm: Vec<Work>, mut cold: Vec<Work>, below: &BTreeSet<&'static str>) -> Vec<Work> {
    let pieces = warm.into_iter().filter_map(|piece| {
        if !resolved::finds_done(&piece, below) {
            return Some(piece);
        }
        let at = cold.iter().position(|c| c.key == piece.key)?;
        Some(cold.remove(at))
    });
    pieces.collect()
}

/// What is said of downloads up to the end of each step.
fn told(steps: &Steps) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::with_capacity(steps.steps.len());
    for (n, step) in steps.steps.iter().enumerate() {
        let mut said = Told::by(step);
        parents(step, n).for_each(|p| said |= told[p]);
        told.push(said);
    }
    told
}

/// A step taken alone; `None` where it does not count. What the builder does not show (the merge half of a link, a
/// heredoc's file) takes next to no time.
fn alone<'a>(
    model: &CostModel,
    step: &Step,
    told: Told,
    known: &'a mut Known,
) -> Option<&'a Alone> {
    if step.index == 0 || step::image_of(step).is_some() {
        return None;
    }
    let alone = known
        .0
        .entry((step::name(step), told))
        .or_insert_with(|| Alone {
            work: step::work(step, told, model),
            layer: step::layer(step, &model.profile, &model.scale, &model.rates),
        });
    Some(alone)
}

/// The steps that step `n` waits for, and whether it is built on each.
fn waits_for(step: &Step, n: usize) -> impl Iterator<Item = (usize, bool)> {
    step.inputs
        .iter()
        .filter_map(move |input| match &input.origin {
            Origin::Step(id) if id.0 < n => Some((id.0, input.selectors.is_none())),
            _ => None,
        })
}

fn parents(step: &Step, n: usize) -> impl Iterator<Item = usize> {
    waits_for(step, n)
        .filter(|(_, is_parent)| *is_parent)
        .map(|(at, _)| at)
}

/// A step without its work.
fn row(
    model: &CostModel,
    step: &Step,
    n: usize,
    told: Told,
    pieces: &mut Pieces,
    known: &mut Known,
) -> Row {
    let (profile, rates) = (&model.profile, &model.rates);
    let image = step::image_of(step);
    let is_from = image.is_some();
    let layer = alone(model, step, told, known).map_or_else(LayerSize::default, |a| a.layer);
    let images = image
        .into_iter()
        .map(|name| step::base(name, profile, rates))
        .collect();
    let pull = profile
        .step(step.stage.as_deref(), &step.text)
        .filter(|_| is_from)
        .and_then(|(s, by)| s.runs.estimate(by));
    Row {
        pieces: Vec::new(),
        is_measured: false,
        is_from,
        is_shown: step.index > 0,
        layer,
        images,
        pull: pull.map(|p| pieces.add("pull", &p)),
        parents: parents(step, n).collect(),
        after: waits_for(step, n).map(|(at, _)| at).collect(),
        in_image: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Selector;
    use crate::graph::Input;
    use crate::graph::StepId;
    use crate::score::fixture::steps;

    #[test]
    fn what_is_copied_from_where_it_was_fetched_is_not_fetched_again() {
        let ms = |path: &str, cook: &str| {
            let mut steps = steps(&[
                "cacher> FROM a",
                &format!("cacher> RUN {cook}"),
                "build> FROM a",
                "build> COPY --from=cacher x y",
                "build> RUN cargo build --release",
            ]);
            let selector = Selector {
                path: path.to_owned(),
                ..Selector::default()
            };
            steps.steps[3].inputs.push(Input {
                origin: Origin::Step(StepId(1)),
                selectors: Some(vec![selector].into()),
            });
            CostModel::default().steps(&steps)[4].median_ms
        };
        let alone = ms("app/target", "true");
        assert!(ms("app/target", "cargo chef cook --release") * 2 < alone);
        assert_eq!(ms("app/targets", "cargo chef cook --release"), alone);
        assert_eq!(ms("usr/bin/x", "cargo chef cook --release"), alone);
        assert_eq!(ms("app/target", "npm ci"), alone);
    }
}
