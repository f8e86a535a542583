//! One build as a log tells it.

use std::fmt;

/// The kinds of log that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// BuildKit, `--progress=plain`.
    Plain,
    /// BuildKit, `--progress=rawjson`.
    RawJson,
    /// BuildKit, what `docker buildx history export` writes.
    Record,
    /// The builder before BuildKit: `Step 1/4 : FROM …`.
    Classic,
    /// Buildah and Podman: `STEP 1/4: FROM …`.
    Buildah,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "BuildKit plain",
            Self::RawJson => "BuildKit rawjson",
            Self::Record => "build record",
            Self::Classic => "classic builder",
            Self::Buildah => "Buildah",
        })
    }
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It ran to its end.
    Ran,
    /// The builder printed CACHED or "Using cache".
    Cached,
    /// It failed.
    Failed,
    /// It was given up because another failed.
    Canceled,
    /// The log does not show its end.
    Unfinished,
}

/// One step: a line with `n/m` in the builder's progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogStep {
    /// As printed: `build`, `stage-1`; Buildah's `[1/2]` is `1`; `None` where none is printed.
    pub stage: Option<String>,
    /// `n`.
    pub index: usize,
    /// `m`; 0 where none is printed.
    pub total: usize,
    /// The instruction as printed.
    pub text: String,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took, where the log tells.
    pub duration_ms: Option<u64>,
    /// Start and end in milliseconds since 1970, where the log tells.
    pub interval: Option<(i64, i64)>,
    /// The message, if it failed.
    pub error: Option<String>,
    /// For FROM: compressed bytes pulled, if any were.
    pub pulled_bytes: Option<u64>,
    /// Compressed bytes of the layers it made, for FROM of the whole image, where the log tells.
    pub layer_bytes: Option<u64>,
    /// Positions in [`LogBuild::steps`] of the steps it waits for, where the log tells.
    pub inputs: Vec<usize>,
}

impl LogStep {
    /// Whether the builder printed that it took it from its cache.
    pub fn is_cached(&self) -> bool {
        self.outcome == Outcome::Cached
    }

    /// Whether it is a FROM, whose CACHED flag tells nothing.
    pub fn is_from(&self) -> bool {
        self.text
            .split_whitespace()
            .next()
            .is_some_and(|w| w.eq_ignore_ascii_case("FROM"))
    }
}

/// Work beside the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Internal {
    /// As printed: `[internal] load build definition from Dockerfile`, `exporting to image`.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// How long it took, where the log tells.
    pub duration_ms: Option<u64>,
    /// Bytes of context sent.
    pub bytes: Option<u64>,
}

/// What work beside the steps is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Before the steps: definition, ignore file, image metadata, importing a cache.
    Setup,
    /// Sending the context, beside the first steps.
    Context,
    /// Writing or pushing the image.
    Export,
    /// Writing or pushing the cache.
    CacheExport,
    /// Anything else.
    Other,
}

/// What moves or changes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Traffic {
    /// Fetching layers.
    Download,
    /// Unpacking fetched layers.
    Unpack,
    /// Turning what the steps left into the image's layers.
    Compress,
    /// Sending the image's layers to a registry.
    Push,
    /// Sending a cache's layers to a registry or a store.
    PushCache,
}

/// All work of one sort in a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Which sort.
    pub traffic: Traffic,
    /// Compressed bytes, where the log tells.
    pub bytes: Option<u64>,
    /// The time in which at least one transfer of the sort was under way.
    pub ms: u64,
}

/// How a build's total time is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotalSource {
    /// The log has times of the day.
    Timestamps,
    /// Put together from the durations of steps and other work, as far as the log shows what waits for what.
    Durations,
}

/// One build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogBuild {
    /// The kind of log.
    pub format: Format,
    /// Steps by stage, in order of first appearance, each stage by index.
    pub steps: Vec<LogStep>,
    /// Work beside them, in order of appearance.
    pub internal: Vec<Internal>,
    /// Transfers of layers, one entry for each sort.
    pub transfers: Vec<Transfer>,
    /// From the first start to the last end.
    pub total_ms: Option<u64>,
    /// How that is known.
    pub total_source: TotalSource,
    /// The build's error, if it failed.
    pub error: Option<String>,
    /// What could not be read of it, whole sentences.
    pub problems: Vec<String>,
}

impl LogBuild {
    /// Steps that ran to their end, FROM not counted.
    pub fn n_ran(&self) -> usize {
        self.steps
            .iter()
            .filter(|s| s.outcome == Outcome::Ran && !s.is_from())
            .count()
    }

    /// Steps that were cached, FROM not counted.
    pub fn n_cached(&self) -> usize {
        self.steps
            .iter()
            .filter(|s| s.is_cached() && !s.is_from())
            .count()
    }
}

/// Layer sizes that a log or a side file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SizeRecord {
    /// A layer by the instruction that made it, unpacked (`docker history`).
    Layer {
        /// The instruction, as a builder shows it.
        text: String,
        /// Bytes on disk.
        unpacked: u64,
    },
    /// Compressed sizes of all layers of an image, base first.
    Manifest(Vec<u64>),
    /// The instructions that made the layers of an image, base first; same order as its manifest.
    History(Vec<String>),
}

/// Everything that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Builds, in order.
    pub builds: Vec<LogBuild>,
    /// Sizes, in order.
    pub sizes: Vec<SizeRecord>,
    /// What could not be read, whole sentences.
    pub problems: Vec<String>,
}
