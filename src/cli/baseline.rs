//! The ratchet: a small file keeps each image's mean rebuild; worse fails, better offers to tighten.

use super::error::CliError;
use super::error::Kind;
use super::output::Output;
use super::output::note;
use super::surroundings::limited;
use crate::report::comment_view::CommentView;
use crate::report::comment_view::Outcome;
use crate::report::format::duration;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

const SCHEMA: &str = "stratigraph.baseline/1";
const MAX_BYTES: u64 = 1 << 20;
/// The history moves from day to day, and the mean with it: so much, in thousandths, is no change.
const TOLERANCE: u64 = 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    schema: String,
    /// Mean rebuild in milliseconds, by image.
    mean_ms: BTreeMap<String, u64>,
}

/// How an image stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Worse,
    Within,
    Better,
}

fn standing(kept: u64, now: u64) -> Standing {
    let margin = kept.saturating_mul(TOLERANCE) / 1000;
    match now {
        now if now > kept.saturating_add(margin) => Standing::Worse,
        now if now.saturating_add(margin) < kept => Standing::Better,
        _ => Standing::Within,
    }
}

/// Holds the head's cost against the file; writes the file where there is none, or where `tighten` asks for it.
pub(super) fn check(path: &Path, tighten: bool, view: &CommentView) -> Result<(), CliError> {
    let now = means(view);
    let Some(mut kept) = read(path)? else {
        note(&format!(
            "note: wrote {}: today's mean rebuild is the limit from now on",
            path.display()
        ));
        return write(path, now);
    };
    let (mut worse, mut better) = (Vec::new(), false);
    for (name, mean) in now {
        match kept.get(&name).map(|k| (*k, standing(*k, mean))) {
            Some((was, Standing::Worse)) => worse.push(format!(
                "{name}: {} is above {}",
                duration(mean),
                duration(was)
            )),
            Some((_, Standing::Within)) => {}
            Some((was, Standing::Better)) => {
                note(&format!(
                    "note: {name} takes {} instead of {}",
                    duration(mean),
                    duration(was)
                ));
                better = true;
                kept.insert(name, mean);
            }
            // A new image has no limit yet.
            None => {
                better = true;
                kept.insert(name, mean);
            }
        }
    }
    if !worse.is_empty() {
        let message = format!("worse than {}: {}", path.display(), worse.join("; "));
        return Err(CliError::new(Kind::Threshold, message)
            .with_help("make it cheaper, or delete the file to accept today's cost"));
    }
    match (better, tighten) {
        (true, true) => write(path, kept),
        (true, false) => {
            note(&format!(
                "note: --tighten writes the better limits to {}",
                path.display()
            ));
            Ok(())
        }
        (false, _) => Ok(()),
    }
}

fn means(view: &CommentView) -> BTreeMap<String, u64> {
    let mean = |outcome: &Outcome| match outcome {
        Outcome::Compared(compared) => Some(compared.mean.after),
        Outcome::NotCompared(_) => None,
    };
    view.images
        .iter()
        .filter_map(|i| Some((i.name.clone(), mean(&i.outcome)?)))
        .collect()
}

fn read(path: &Path) -> Result<Option<BTreeMap<String, u64>>, CliError> {
    let wrong = |why: String| CliError::usage(format!("{}: not a baseline: {why}", path.display()));
    let bytes = match limited(path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(wrong(e.to_string())),
    };
    let found: Baseline = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
    if found.schema != SCHEMA {
        return Err(wrong(format!("its schema is not {SCHEMA}")));
    }
    Ok(Some(found.mean_ms))
}

fn write(path: &Path, mean_ms: BTreeMap<String, u64>) -> Result<(), CliError> {
    let baseline = Baseline {
        schema: SCHEMA.to_owned(),
        mean_ms,
    };
    let mut output = Output::open(Some(path))?;
    serde_json::to_writer_pretty(&mut output, &baseline).map_err(std::io::Error::from)?;
    writeln!(output)?;
    output.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_little_is_no_change() {
        let check = |kept, now, expected| assert_eq!(standing(kept, now), expected, "{kept} {now}");
        check(100_000, 102_000, Standing::Within);
        check(100_000, 102_001, Standing::Worse);
        check(100_000, 98_000, Standing::Within);
        check(100_000, 97_999, Standing::Better);
        check(0, 0, Standing::Within);
        check(0, 1, Standing::Worse);
    }
}
