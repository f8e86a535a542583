//! What the pull request comment says, as plain values; also the file that `comment --save` hands to the trusted job.
//!
//! A file from an untrusted job is hostile: [`CommentView::read`] refuses what is too large, of another schema, or
//! beyond the limits below, and no text in it is ever taken for markup (`markup.rs`).

use serde::Deserialize;
use serde::Serialize;

/// The version of the file.
pub const SCHEMA: &str = "stratigraph.comment/1";
/// A larger file is refused unread.
pub const MAX_BYTES: usize = 512 * 1024;
const MAX_IMAGES: usize = 50;
const MAX_ITEMS: usize = 100;
const MAX_CHARS: usize = 1_000;
/// 10 years in milliseconds, and the same in bytes: more is no build.
const MAX_NUMBER: u64 = 1 << 48;

/// The comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommentView {
    /// [`SCHEMA`].
    pub schema: String,
    /// The pull request it is meant for, if that is known.
    pub pull_request: Option<u64>,
    /// The base commit's id.
    pub base: String,
    /// The head commit's id.
    pub head: String,
    /// The images, in the configuration's order.
    pub images: Vec<ImageView>,
    /// What the per-month figures are for.
    pub builds_per_month: Option<u64>,
    /// How the numbers are made, whole sentences.
    pub method: Vec<String>,
    /// What was assumed or is not known, whole sentences.
    pub caveats: Vec<String>,
}

/// One image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageView {
    /// Its name.
    pub name: String,
    /// Its Dockerfile's path at the head.
    pub dockerfile: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of comparing an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Both sides were replayed.
    Compared(Box<Compared>),
    /// Why they could not be compared, a whole sentence (a Dockerfile that is new, gone, or refused).
    NotCompared(String),
}

/// A value at the base and at the head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// At the base.
    pub before: u64,
    /// At the head.
    pub after: u64,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// So many …
    pub part: u64,
    /// … of these.
    pub whole: u64,
}

/// Two replays of the same builds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// How many builds were paired.
    pub n_builds: u64,
    /// How many get faster.
    pub n_faster: u64,
    /// How many get slower.
    pub n_slower: u64,
    /// Mean rebuild, in milliseconds.
    pub mean: Change,
    /// The same had nothing changed of what git does not hold, where that makes a difference.
    #[serde(default)]
    pub if_cached: Option<Change>,
    /// A build from an empty cache, in milliseconds.
    #[serde(default)]
    pub cold: Option<Change>,
    /// The mean were arguments passed that nobody passed, where that makes another change.
    #[serde(default)]
    pub passed: Option<Passed>,
    /// Half of the builds take at most this, in milliseconds.
    pub median: Change,
    /// 95 of 100 builds take at most this, in milliseconds.
    pub p95: Change,
    /// The mean's change in milliseconds under the estimates' low and high ends.
    pub change_low: i64,
    /// Likewise.
    pub change_high: i64,
    /// Steps from the cache at the base.
    pub hits_before: Share,
    /// Steps from the cache at the head.
    pub hits_after: Share,
    /// Bytes that a build moves, where known.
    pub moved: Option<Change>,
    /// The final image's bytes, where known.
    pub image: Option<Change>,
    /// The steps that differ, the greatest change first.
    pub steps: Vec<StepChange>,
    /// What merging triggers.
    pub merge: Option<Merge>,
    /// One proposal.
    pub suggestion: Option<Suggestion>,
    /// What is wrong with the head's Dockerfile, and not accepted.
    #[serde(default)]
    pub findings: Vec<FindingView>,
}

/// One finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingView {
    /// Its kind.
    pub rule: String,
    /// A sentence or two.
    pub text: String,
    /// The instruction's first line at the head; 1 for the file as a whole.
    pub first: usize,
    /// And its last.
    pub last: usize,
}

/// Arguments that a pipeline may pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passed {
    /// Their names; each has another value at each build.
    pub names: Vec<String>,
    /// Mean rebuild, in milliseconds.
    pub mean: Change,
    /// The newest build once more with nothing but other values, in milliseconds.
    pub again: Change,
}

/// A step whose share in the mean changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepChange {
    /// The instruction.
    pub text: String,
    /// Its line at the head, or at the base where it is gone.
    pub line: usize,
    /// Per build, in milliseconds.
    pub change: i64,
    /// In how many of the builds it ran at the base; `None`: it is not there.
    pub runs_before: Option<u64>,
    /// In how many of the builds it runs at the head; `None`: it is gone.
    pub runs_after: Option<u64>,
}

/// The build that merging triggers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// Of how many steps.
    pub n_steps: u64,
    /// What it takes, in milliseconds.
    pub cost: u64,
    /// The steps that run again, in order.
    pub steps: Vec<MergeStep>,
}

/// One step that merging runs again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergeStep {
    /// The instruction.
    pub text: String,
    /// Its line at the head.
    pub line: usize,
    /// Why: changed files, or words such as "its text changed"; empty where an earlier step is the reason.
    pub because: String,
}

/// One proposal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suggestion {
    /// Its id in `stratigraph suggest`.
    pub id: String,
    /// What it does, a sentence.
    pub title: String,
    /// What the mean rebuild gets shorter by, in milliseconds.
    pub saved: u64,
    /// The lines of the Dockerfile that it replaces, where it is one hunk.
    pub lines: Option<(usize, usize)>,
    /// What stands there instead.
    pub replacement: Option<String>,
    /// The whole as a unified diff.
    pub diff: Option<String>,
}

impl CommentView {
    /// Reads a saved file, or says why it is refused.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("it is larger than {MAX_BYTES} bytes"));
        }
        let schema: serde_json::Value =
            serde_json::from_slice(text).map_err(|e| format!("it is not JSON ({e})"))?;
        match schema["schema"].as_str() {
            Some(SCHEMA) => {}
            Some(other) if other.starts_with("stratigraph.comment/") => {
                return Err(format!(
                    "it is of another version than {SCHEMA}: both jobs need the same stratigraph"
                ));
            }
            _ => return Err(format!("it is not of the schema {SCHEMA}")),
        }
        let view: Self = serde_json::from_value(schema)
            .map_err(|e| format!("it is not of the schema {SCHEMA} ({e})"))?;
        view.check().map(|()| view)
    }

    /// The file's text: everything but what somebody might apply unread (a stranger's file must not bring code that a
    /// trusted comment then offers).
    pub fn saved(&self) -> String {
        let mut view = self.clone();
        for image in &mut view.images {
            if let Outcome::Compared(compared) = &mut image.outcome
                && let Some(suggestion) = &mut compared.suggestion
            {
                (suggestion.lines, suggestion.replacement, suggestion.diff) = (None, None, None);
            }
        }
        let text = serde_json::to_string_pretty(&view).expect("plain values have a JSON form");
        text + "\n"
    }

    fn check(&self) -> Result<(), String> {
        let is_id =
            |id: &str| matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit());
        ensure(
            is_id(&self.base) && is_id(&self.head),
            "base and head must be whole commit ids",
        )?;
        ensure(self.images.len() <= MAX_IMAGES, "it has too many images")?;
        ensure(
            self.builds_per_month.is_none_or(|n| n <= 10_000_000),
            "builds_per_month is beyond reason",
        )?;
        texts(self.method.iter().chain(&self.caveats))?;
        ensure(
            self.method.len() <= MAX_ITEMS && self.caveats.len() <= MAX_ITEMS,
            "it has too many sentences",
        )?;
        self.images.iter().try_for_each(ImageView::check)
    }
}

impl ImageView {
    fn check(&self) -> Result<(), String> {
        texts([&self.name, &self.dockerfile])?;
        match &self.outcome {
            Outcome::NotCompared(why) => texts([why]),
            Outcome::Compared(compared) => compared.check(),
        }
    }
}

impl Compared {
    fn check(&self) -> Result<(), String> {
        let all = [
            Some(self.mean),
            Some(self.median),
            Some(self.p95),
            self.moved,
            self.image,
            self.if_cached,
            self.cold,
            self.passed.as_ref().map(|p| p.mean),
            self.passed.as_ref().map(|p| p.again),
        ];
        let changes = all.into_iter().flatten().flat_map(|c| [c.before, c.after]);
        let signed = self
            .steps
            .iter()
            .map(|s| s.change)
            .chain([self.change_low, self.change_high]);
        let shares = [self.hits_before, self.hits_after];
        let numbers = changes
            .chain(signed.map(i64::unsigned_abs))
            .chain(shares.iter().map(|s| s.whole))
            .chain(self.merge.iter().flat_map(|m| [m.cost, m.n_steps]))
            .chain(self.suggestion.iter().map(|s| s.saved))
            .chain([self.n_builds]);
        ensure(
            numbers.into_iter().all(|n| n <= MAX_NUMBER),
            "it has numbers beyond reason",
        )?;
        let parts = [(self.n_faster.saturating_add(self.n_slower), self.n_builds)];
        let shares = shares.iter().map(|s| (s.part, s.whole));
        let runs = self
            .steps
            .iter()
            .flat_map(|s| [s.runs_before, s.runs_after])
            .flatten();
        let parts = parts
            .into_iter()
            .chain(shares)
            .chain(runs.map(|n| (n, self.n_builds)));
        ensure(
            parts.into_iter().all(|(part, whole)| part <= whole),
            "it has parts larger than their whole",
        )?;
        let merged = self.merge.as_ref().map_or(&[][..], |m| &m.steps);
        ensure(
            self.steps.len() <= MAX_ITEMS && merged.len() <= MAX_ITEMS,
            "it has too many steps",
        )?;
        let names = self.passed.as_ref().map_or(&[][..], |p| &p.names);
        ensure(names.len() <= MAX_ITEMS, "it has too many arguments")?;
        texts(names)?;
        ensure(self.findings.len() <= MAX_ITEMS, "it has too many findings")?;
        texts(self.findings.iter().flat_map(|f| [&f.rule, &f.text]))?;
        let is_line = |f: &FindingView| 0 < f.first && f.first <= f.last;
        ensure(
            self.findings.iter().all(is_line),
            "it has findings on lines that cannot be",
        )?;
        texts(self.steps.iter().map(|s| &s.text))?;
        texts(merged.iter().flat_map(|s| [&s.text, &s.because]))?;
        let Some(suggestion) = &self.suggestion else {
            return Ok(());
        };
        let code = suggestion.lines.is_some()
            || suggestion.replacement.is_some()
            || suggestion.diff.is_some();
        ensure(!code, "it brings a patch, which a saved file never has")?;
        texts([&suggestion.id, &suggestion.title])
    }
}

fn texts<'a>(all: impl IntoIterator<Item = &'a String>) -> Result<(), String> {
    let good = |t: &String| t.chars().count() <= MAX_CHARS && !t.chars().any(char::is_control);
    ensure(
        all.into_iter().all(good),
        "it has a text that is too long or has control characters",
    )
}

fn ensure(good: bool, otherwise: &str) -> Result<(), String> {
    if good {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}
