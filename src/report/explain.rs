//! Why each step of one build hit or missed, in plain words; for terminals, as Markdown, and as JSON
//! (`stratigraph.explain/1`).
//!
//! Never: looks further than the replay did.

use super::format::{clip, date, grouped, one_line};
use super::graph::label;
use super::json;
use super::table::{code_span, escape_cell};
use super::terminal::{Look, Page};
use super::trace::{self, Reason, outcome, reason};
use crate::cache::{Lookup, MissReason};
use crate::caveat::Caveat;
use crate::graph::StepId;
use crate::history::Commit;
use crate::replay::{Built, Settings};
use crate::score::root_of;
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use std::io;

/// One build to explain.
pub struct Explained<'a> {
    /// The repository's name.
    pub repository: &'a str,
    /// Settings of the replay.
    pub settings: &'a Settings,
    /// The commits replayed, in order; the last one is explained.
    pub commits: &'a [Commit],
    /// The build.
    pub built: &'a Built,
    /// The steps asked for, in the order in which the builder shows them.
    pub steps: &'a [StepId],
    /// What was assumed.
    pub caveats: &'a [Caveat],
}

/// So many inputs are listed.
const MAX_INPUTS: usize = 5;
/// Longer values of a definition are cut.
const MAX_VALUE: usize = 120;

/// One step in words.
struct Answer {
    /// `cached`, `ran`, `not known`.
    verdict: &'static str,
    /// The rest of the sentence.
    because: String,
    /// At most [`MAX_INPUTS`] lines, and one for what is left out.
    inputs: Vec<String>,
}

/// Writes it for a terminal.
pub fn terminal(explained: &Explained<'_>, look: Look, sink: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page { look, sink };
    page.title(&title(explained))?;
    page.paragraph("", &summary(explained))?;
    for &id in explained.steps {
        let step = &explained.built.steps.steps[id.0];
        let answer = answer(explained, id);
        page.blank()?;
        writeln!(
            page.sink,
            "line {}  {}",
            step.lines.first,
            clip(&one_line(&label(step)), look.width.saturating_sub(12))
        )?;
        let verdict = page.paint(style(answer.verdict), answer.verdict);
        // Wrapped as plain text, so that escape codes do not count.
        let lines = super::terminal::wrap(
            &format!("{}: {}", answer.verdict, answer.because),
            look.width.saturating_sub(4),
        );
        for (i, line) in lines.iter().enumerate() {
            match line.strip_prefix(answer.verdict).filter(|_| i == 0) {
                Some(rest) => writeln!(page.sink, "    {verdict}{rest}")?,
                None => writeln!(page.sink, "    {line}")?,
            }
        }
        for input in &answer.inputs {
            writeln!(
                page.sink,
                "      {}",
                clip(input, look.width.saturating_sub(6))
            )?;
        }
    }
    if !explained.caveats.is_empty() {
        page.heading("Note")?;
        for caveat in explained.caveats {
            page.paragraph("  ", &caveat.to_string())?;
        }
    }
    Ok(())
}

fn style(verdict: &str) -> Style {
    match verdict {
        "cached" => AnsiColor::Green.on_default(),
        "ran" => AnsiColor::Yellow.on_default(),
        _ => Style::new().dimmed(),
    }
}

/// Writes it as Markdown.
pub fn markdown(explained: &Explained<'_>, sink: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        sink,
        "# {}\n\n{}\n",
        escape_cell(&title(explained)),
        escape_cell(&summary(explained))
    )?;
    for &id in explained.steps {
        let step = &explained.built.steps.steps[id.0];
        let answer = answer(explained, id);
        writeln!(
            sink,
            "- line {}: {}",
            step.lines.first,
            code_span(&one_line(&label(step)))
        )?;
        writeln!(
            sink,
            "  **{}**: {}",
            answer.verdict,
            escape_cell(&answer.because)
        )?;
        for input in &answer.inputs {
            writeln!(sink, "  - {}", escape_cell(input))?;
        }
    }
    let caveats: Vec<String> = explained.caveats.iter().map(ToString::to_string).collect();
    writeln!(sink)?;
    super::markdown::notes(&caveats, sink)
}

fn title(explained: &Explained<'_>) -> String {
    explained.commits.last().map_or(String::new(), |commit| {
        format!("{}, {}", explained.repository, name(commit))
    })
}

/// `4f2a91c0aa of 2025-01-31 (subject)`.
fn name(commit: &Commit) -> String {
    let id: String = commit.id.to_string().chars().take(10).collect();
    format!(
        "{id} of {} ({})",
        date(commit.time),
        clip(&commit.subject, 60)
    )
}

fn summary(explained: &Explained<'_>) -> String {
    let built = explained.built;
    let shown = built.steps.shown.iter();
    let n_hit = shown
        .filter(|id| matches!(built.lookups[id.0], Lookup::Hit { .. }))
        .count();
    let before = explained.commits.len().saturating_sub(1);
    let history = match before {
        0 => "built first, with an empty cache".to_owned(),
        1 => "built after one other commit".to_owned(),
        n => format!("built after {} other commits", grouped(n as u64)),
    };
    format!(
        "{n_hit} of {} steps come from the cache; {history}.",
        built.steps.shown.len()
    )
}

fn answer(explained: &Explained<'_>, id: StepId) -> Answer {
    let built = explained.built;
    match &built.lookups[id.0] {
        Lookup::Hit { build } => Answer {
            verdict: "cached",
            because: hit(explained, *build),
            inputs: Vec::new(),
        },
        Lookup::Unknown { why } => Answer {
            verdict: "not known",
            because: why.clone(),
            inputs: Vec::new(),
        },
        Lookup::Miss(MissReason::Input { step }) => {
            let root = root_of(built, id);
            let (because, inputs) = root_words(built, root);
            let nearest = &built.steps.steps[step.0];
            let text = clip(&one_line(&label(nearest)), 60);
            let because = format!(
                "it follows line {}, {text}, which ran: {because}",
                nearest.lines.first
            );
            Answer {
                verdict: "ran",
                because,
                inputs,
            }
        }
        Lookup::Miss(_) => {
            let (because, inputs) = root_words(built, id);
            Answer {
                verdict: "ran",
                because,
                inputs,
            }
        }
    }
}

fn hit(explained: &Explained<'_>, build: Option<usize>) -> String {
    let here = explained.commits.len().saturating_sub(1);
    match build.and_then(|at| explained.commits.get(at).map(|commit| (at, commit))) {
        Some((at, _)) if at == here => "the same step ran already in this build".to_owned(),
        Some((_, commit)) => format!("as built at {}", name(commit)),
        None => "nothing that it reads changed".to_owned(),
    }
}

/// Why a root missed, and the inputs.
fn root_words(built: &Built, root: StepId) -> (String, Vec<String>) {
    let value = |text: &str| match text {
        "" => "nothing".to_owned(),
        text => format!("`{}`", clip(&one_line(text), MAX_VALUE)),
    };
    match &built.lookups[root.0] {
        Lookup::Hit { .. } => ("an earlier step ran".to_owned(), Vec::new()),
        Lookup::Unknown { why } => (why.clone(), Vec::new()),
        Lookup::Miss(reason) => match reason {
            MissReason::Cold => ("it was never built before with this cache".to_owned(), Vec::new()),
            MissReason::Definition { what, old, new } => {
                (format!("its {what} changed"), vec![format!("before: {}", value(old)), format!("now:    {}", value(new))])
            }
            MissReason::Content { paths, n_paths } => {
                let n = (*n_paths).max(paths.len());
                let what = if n == 1 { "a file that it reads changed".to_owned() } else { format!("{} files that it reads changed", grouped(n as u64)) };
                let mut inputs: Vec<String> = paths.iter().take(MAX_INPUTS).map(ToString::to_string).collect();
                if n > inputs.len() {
                    inputs.push(format!("and {} more", grouped((n - inputs.len()) as u64)));
                }
                (what, inputs)
            }
            MissReason::Base { old, new } => {
                ("its base image is another one".to_owned(), vec![format!("before: {}", value(old)), format!("now:    {}", value(new))])
            }
            MissReason::Input { .. } => ("an earlier step ran".to_owned(), Vec::new()),
            MissReason::NotExported => {
                ("its result is not in the exported cache, whatever changed; --cache-export max keeps it".to_owned(), Vec::new())
            }
            MissReason::Evicted => ("its result was removed from the cache, for space or age".to_owned(), Vec::new()),
        },
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    schema: &'static str,
    repository: &'a str,
    settings: json::WireSettings<'a>,
    commit: String,
    time: Option<i64>,
    subject: &'a str,
    builds_before: usize,
    steps: Vec<WireStep<'a>>,
    caveats: Vec<json::WireCaveat<'a>>,
}

#[derive(Serialize)]
struct WireStep<'a> {
    #[serde(flatten)]
    step: trace::Step<'a>,
    /// The reason of the step that this one follows from.
    root_reason: Option<Reason<'a>>,
    /// The build whose record a hit found.
    built_at: Option<String>,
    explanation: String,
}

/// Writes it as JSON.
pub fn json(explained: &Explained<'_>, sink: &mut dyn io::Write) -> io::Result<()> {
    let commit = explained.commits.last();
    let wire = Wire {
        schema: "stratigraph.explain/1",
        repository: explained.repository,
        settings: json::settings(explained.settings),
        commit: commit.map(|c| c.id.to_string()).unwrap_or_default(),
        time: commit.map(|c| c.time),
        subject: commit.map_or("", |c| c.subject.as_str()),
        builds_before: explained.commits.len().saturating_sub(1),
        steps: explained
            .steps
            .iter()
            .map(|&id| wire_step(explained, id))
            .collect(),
        caveats: json::caveats(explained.caveats),
    };
    json::pretty(&wire, sink)
}

fn wire_step<'a>(explained: &Explained<'a>, id: StepId) -> WireStep<'a> {
    let built = explained.built;
    let root = root_of(built, id);
    let built_at = match &built.lookups[id.0] {
        Lookup::Hit { build: Some(at) } => explained.commits.get(*at).map(|c| c.id.to_string()),
        _ => None,
    };
    WireStep {
        step: trace::step(
            &built.steps,
            id,
            outcome(&built.lookups[id.0]),
            reason(built, id),
        ),
        root_reason: (root != id).then(|| reason(built, root)).flatten(),
        built_at,
        explanation: answer(explained, id).because,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::Lines;
    use crate::graph::{Definition, Step};
    use crate::replay::Steps;
    use crate::tree::{ObjectId, RepoPath};
    use std::sync::Arc;

    fn step(line: usize, text: &str) -> Step {
        Step {
            stage: None,
            stage_index: 0,
            index: line,
            total: 3,
            lines: Lines {
                first: line,
                last: line,
            },
            instruction: text.split(' ').next().unwrap_or_default().to_owned(),
            text: text.to_owned(),
            command: String::new(),
            inputs: Vec::new(),
            definition: Definition::default(),
        }
    }

    #[test]
    fn every_reason_has_its_words() {
        let commit = |n: u8| Commit {
            id: ObjectId::from_bytes(&[n; 20]).unwrap(),
            parent: None,
            time: 86_400 * i64::from(n),
            subject: "Say hello".to_owned(),
            author: String::new(),
        };
        let commits = [commit(1), commit(2)];
        let files: Vec<RepoPath> = (0..9)
            .map(|n| RepoPath::new(format!("src/{n}.js")))
            .collect();
        let content = Lookup::Miss(MissReason::Content {
            paths: files,
            n_paths: 17,
        });
        let steps = [step(1, "FROM a"), step(2, "COPY . ."), step(3, "RUN make")].to_vec();
        let built = Built {
            steps: Arc::new(Steps {
                shown: (0..3).map(StepId).collect(),
                steps,
            }),
            lookups: vec![
                Lookup::Hit { build: Some(0) },
                content,
                Lookup::Miss(MissReason::Input { step: StepId(1) }),
            ],
        };
        let settings = Settings::default();
        let explained = Explained {
            repository: "repo",
            settings: &settings,
            commits: &commits,
            built: &built,
            steps: &built.steps.shown,
            caveats: &[],
        };
        let mut out = Vec::new();
        terminal(
            &explained,
            Look {
                width: 100,
                colour: false,
            },
            &mut out,
        )
        .unwrap();
        let want = "\
repo, 0202020202 of 1970-01-03 (Say hello)
1 of 3 steps come from the cache; built after one other commit.

line 1  [1/3] FROM a
    cached: as built at 0101010101 of 1970-01-02 (Say hello)

line 2  [2/3] COPY . .
    ran: 17 files that it reads changed
      src/0.js
      src/1.js
      src/2.js
      src/3.js
      src/4.js
      and 12 more

line 3  [3/3] RUN make
    ran: it follows line 2, [2/3] COPY . ., which ran: 17 files that it reads changed
      src/0.js
      src/1.js
      src/2.js
      src/3.js
      src/4.js
      and 12 more
";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }
}
