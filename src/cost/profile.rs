//! Profiles as files: TOML or JSON, readable, versioned, to be merged.
//!
//! The only file that knows the `toml` package. The file's form is its own: [`super::Profile`] may change behind it.
//!
//! ```
//! use stratigraph::cost::{Profile, profile};
//! let text = profile::to_toml(&Profile::default());
//! assert_eq!(profile::parse(&text).unwrap(), Profile::default());
//! ```

use super::observed::Observations;
use super::observed::Overhead;
use super::observed::Profile;
use super::observed::Size;
use super::observed::Speed;
use super::observed::StepProfile;
use serde::Deserialize;
use serde::Serialize;
use std::fmt;

/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;
/// Larger files are refused.
const MAX_BYTES: usize = 64 << 20;

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    sources: Vec<String>,
    #[serde(default, rename = "overhead")]
    overheads: Vec<OverheadRow>,
    #[serde(default, rename = "speed", skip_serializing_if = "Vec::is_empty")]
    speeds: Vec<SpeedRow>,
    #[serde(default, rename = "image")]
    images: Vec<ImageRow>,
    #[serde(default, rename = "kind")]
    kinds: Vec<KindRow>,
    #[serde(default, rename = "step")]
    steps: Vec<StepRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OverheadRow {
    name: String,
    #[serde(default)]
    summary: String,
    samples_ms: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpeedRow {
    name: String,
    #[serde(default)]
    summary: String,
    samples_bytes_per_second: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindRow {
    kind: String,
    #[serde(default)]
    summary: String,
    samples_ms: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageRow {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unpacked_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compressed_bytes: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepRow {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    stage: String,
    text: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    summary: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    samples_ms: Vec<u64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    lookups: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unpacked_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compressed_bytes: Option<u64>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for this signature"
)]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Why a text is no profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Reads a profile, TOML or JSON.
pub fn parse(text: &str) -> Result<Profile, Error> {
    let fail = |message: String| Err(Error { message });
    if text.len() > MAX_BYTES {
        return fail(format!(
            "a profile of more than {} MB is not read",
            MAX_BYTES >> 20
        ));
    }
    let text = text.trim_start_matches('\u{feff}');
    let file: Result<File, String> = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|e| e.to_string())
    } else {
        toml::from_str(text).map_err(|e| e.message().to_owned() + &place(text, e.span()))
    };
    match file {
        Ok(file) if file.version == 0 || file.version > VERSION => fail(format!(
            "profile version {} is not known; this program reads version {VERSION}",
            file.version
        )),
        Ok(file) => file.into_profile(),
        Err(message) => fail(format!("no profile: {message}")),
    }
}

fn place(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    let line = span
        .and_then(|s| text.get(..s.start))
        .map(|before| before.matches('\n').count() + 1);
    line.map_or(String::new(), |n| format!(" at line {n}"))
}

/// The profile as TOML.
pub fn to_toml(profile: &Profile) -> String {
    let head = "# Durations in milliseconds, sizes in bytes, speeds in bytes a second. `summary` is for readers; the samples are what counts.\n";
    let body = toml::to_string(&File::from_profile(profile))
        .expect("tables of strings and numbers have a TOML form");
    format!("{head}{body}")
}

/// The profile as JSON.
pub fn to_json(profile: &Profile) -> String {
    let body = serde_json::to_string_pretty(&File::from_profile(profile))
        .expect("tables of strings and numbers have a JSON form");
    body + "\n"
}

impl File {
    fn from_profile(profile: &Profile) -> Self {
        let overhead = |(o, seen): (&Overhead, &Observations)| OverheadRow {
            name: o.name().to_owned(),
            summary: summary(seen),
            samples_ms: seen.samples().to_vec(),
        };
        let speed = |(speed, seen): (&Speed, &Observations)| SpeedRow {
            name: speed.name().to_owned(),
            summary: speed_summary(seen),
            samples_bytes_per_second: seen.samples().to_vec(),
        };
        let kind = |(kind, seen): (&String, &Observations)| KindRow {
            kind: kind.clone(),
            summary: summary(seen),
            samples_ms: seen.samples().to_vec(),
        };
        let image = |(name, size): (&String, &Size)| ImageRow {
            name: name.clone(),
            unpacked_bytes: size.unpacked,
            compressed_bytes: size.compressed,
        };
        let step = |((stage, text), step): (&(String, String), &StepProfile)| StepRow {
            stage: stage.clone(),
            text: text.clone(),
            summary: summary(&step.runs),
            samples_ms: step.runs.samples().to_vec(),
            lookups: step.lookups,
            unpacked_bytes: step.layer.unpacked,
            compressed_bytes: step.layer.compressed,
        };
        Self {
            version: VERSION,
            sources: profile.sources.clone(),
            overheads: profile.overheads.iter().map(overhead).collect(),
            speeds: profile.speeds.iter().map(speed).collect(),
            images: profile.images.iter().map(image).collect(),
            kinds: profile.kinds.iter().map(kind).collect(),
            steps: profile.steps.iter().map(step).collect(),
        }
    }

    fn into_profile(self) -> Result<Profile, Error> {
        let mut profile = Profile {
            sources: self.sources,
            ..Profile::default()
        };
        for row in self.overheads {
            let overhead = named("overhead", &row.name, &Overhead::ALL, Overhead::name)?;
            profile
                .overheads
                .entry(overhead)
                .or_default()
                .merge(&Observations::new(row.samples_ms));
        }
        for row in self.speeds {
            let speed = named("speed", &row.name, &Speed::ALL, Speed::name)?;
            let seen = Observations::new(row.samples_bytes_per_second);
            profile.speeds.entry(speed).or_default().merge(&seen);
        }
        for row in self.kinds {
            profile
                .kinds
                .entry(row.kind)
                .or_default()
                .merge(&Observations::new(row.samples_ms));
        }
        for row in self.images {
            let size = Size {
                unpacked: row.unpacked_bytes,
                compressed: row.compressed_bytes,
            };
            profile.images.insert(super::image_name(&row.name), size);
        }
        for row in self.steps {
            let step = profile
                .steps
                .entry((row.stage, super::normalised(&row.text)))
                .or_default();
            step.runs.merge(&Observations::new(row.samples_ms));
            step.lookups = step.lookups.saturating_add(row.lookups);
            step.layer = Size {
                unpacked: row.unpacked_bytes,
                compressed: row.compressed_bytes,
            };
        }
        Ok(profile)
    }
}

/// The one of `all` with that name.
fn named<T: Copy>(
    what: &str,
    name: &str,
    all: &[T],
    name_of: fn(T) -> &'static str,
) -> Result<T, Error> {
    all.iter()
        .copied()
        .find(|t| name_of(*t) == name)
        .ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|t| name_of(*t)).collect();
            Error {
                message: format!(
                    "{what} \"{name}\" is not known; known are {}",
                    known.join(", ")
                ),
            }
        })
}

/// `3 runs, median 1670 ms, band 1650 to 1700 ms`.
fn summary(seen: &Observations) -> String {
    summary_of(seen, "run", |ms| format!("{ms} ms"))
}

/// `3 observations, median 32 MB/s, band 22 MB/s to 45 MB/s`.
fn speed_summary(seen: &Observations) -> String {
    summary_of(seen, "observation", super::rates::per_second)
}

fn summary_of(seen: &Observations, noun: &str, show: impl Fn(u64) -> String) -> String {
    let Some(e) = seen.estimate(super::Match::Step) else {
        return String::new();
    };
    let n = seen.samples().len();
    format!(
        "{n} {noun}{}, median {}, band {} to {}",
        if n == 1 { "" } else { "s" },
        show(e.median_ms),
        show(e.low_ms),
        show(e.high_ms)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wrong_files_are_named() {
        let check = |text: &str, expected: &str| {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        };
        check("version = 2", "version 2 is not known");
        check("", "missing field `version`");
        check("version = 1\n[[step]]\ntxt = \"x\"\n", "at line 3");
        check(
            "version = 1\n[[overhead]]\nname = \"x\"\nsamples_ms = []\n",
            "known are setup",
        );
        check(
            "version = 1\n[[speed]]\nname = \"x\"\nsamples_bytes_per_second = []\n",
            "speed \"x\" is not known; known are download, upload",
        );
        check("{", "no profile");
    }

    #[test]
    fn a_profile_may_be_written_by_hand() {
        let text = "version = 1\n[[step]]\ntext = \"RUN  npm ci\"\nsamples_ms = [1000]\n[[image]]\nname = \"docker.io/library/node:20\"\nunpacked_bytes = 5\n";
        let profile = parse(text).unwrap();
        assert_eq!(
            profile.step(None, "RUN npm ci").unwrap().0.runs.samples(),
            [1000]
        );
        assert_eq!(profile.images["node:20"].unpacked, Some(5));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            steps in proptest::collection::btree_map(("[a-z]{0,5}", "(RUN|COPY) [ -~é]{1,20}"), (proptest::collection::vec(0u64..1_000_000, 0..5), 0u64..9), 0..5),
            sizes in (any::<Option<u32>>(), any::<Option<u32>>()),
        ) {
            let size = Size { unpacked: sizes.0.map(u64::from), compressed: sizes.1.map(u64::from) };
            let mut profile = Profile { sources: vec!["a \"b\".log".to_owned()], ..Profile::default() };
            for ((stage, text), (samples, lookups)) in steps {
                let key = (stage, super::super::normalised(&text));
                profile.kinds.insert(super::super::kind_of_text(&key.1), Observations::new(samples.clone()));
                profile.steps.insert(key, StepProfile { runs: Observations::new(samples), lookups, layer: size });
            }
            profile.images.insert("node:20".to_owned(), size);
            profile.overheads.insert(Overhead::Export, Observations::new([3, 4]));
            profile.speeds.insert(Speed::Upload, Observations::new([5_000_000]));
            prop_assert_eq!(&parse(&to_toml(&profile)).unwrap(), &profile);
            prop_assert_eq!(&parse(&to_json(&profile)).unwrap(), &profile);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[ -~\n]{0,80}") {
            let _ = parse(&text);
            let _ = parse(&format!("version = 1\n{text}"));
        }
    }
}
