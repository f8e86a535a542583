//! `stratigraph compare`: two Dockerfiles, or two revisions, over the same history.

use super::args::{CompareArgs, Format, ReplayOptions};
use super::error::{CliError, Kind};
use super::graph::refused;
use super::layout::Layouts;
use super::load::{self, Project, Text};
use super::output::{Output, look};
use super::prices::cost_model;
use super::progress::Progress;
use super::settings::{self, SlowerLimit, Spec};
use super::suggest::{is_proposal, proposed};
use crate::caveat::Caveat;
use crate::dockerfile;
use crate::replay::{BuildOutcome, Replay, Settings};
use crate::report::compare as report;
use crate::report::compare::Compared;
use crate::report::format::duration;
use crate::score::{Comparison, compare};
use crate::tree::{ObjectId, RepoPath};

/// Revisions are compared over the base's last builds when nothing else is said.
const DEFAULT_LAST: usize = 500;

/// Carries the command out.
pub(super) fn run(args: &CompareArgs) -> Result<(), CliError> {
    let limits = Limits::new(args)?;
    if args.replay.pin.is_some() {
        return Err(CliError::usage(
            "--pin has no place here: OLD and NEW are what is pinned",
        ));
    }
    let Sides {
        project,
        old,
        new,
        layouts,
    } = sides(args)?;
    let (old_builds, new_builds, caveats) =
        replay_both(&project, &old.settings, &new.settings, layouts.as_ref())?;
    let comparison = compare(&old_builds, &new_builds, &cost_model(&project, &args.cost)?);
    if comparison.pairs.is_empty() {
        refuse_unbuildable(&old, &old_builds)?;
        refuse_unbuildable(&new, &new_builds)?;
    }
    let broken = limits.broken(&comparison);
    let compared = Compared {
        names: (&old.text.name, &new.text.name),
        repository: &project.name(),
        settings: &project.settings,
        comparison: &comparison,
        caveats: &caveats,
        broken: &broken,
    };
    let path = args.output.output.as_deref();
    let mut output = Output::open(path)?;
    match args.output.format {
        Format::Terminal => report::terminal(&compared, look(path), &mut output)?,
        Format::Json => report::json(&compared, &mut output)?,
        Format::Markdown => report::markdown(&compared, &mut output)?,
        Format::Html => {
            return Err(
                CliError::usage("compare has no HTML form").with_help("try --format markdown")
            );
        }
    }
    output.finish()?;
    match broken.first() {
        None => Ok(()),
        Some(first) => Err(CliError::new(
            Kind::Threshold,
            first.trim_end_matches('.').to_lowercase(),
        )),
    }
}

/// The id of a proposal of `suggest`, where the word is one and no file of that name is there.
fn proposal(spec: &Spec) -> Option<&str> {
    let Spec::Named(word) = spec else { return None };
    Some(word.as_str()).filter(|word| is_proposal(word) && !std::path::Path::new(word).exists())
}

/// One side: its text and the settings with that text pinned.
struct Side {
    text: Text,
    settings: Settings,
}

/// Both, and what they share.
struct Sides {
    project: Project,
    old: Side,
    new: Side,
    /// Of two revisions.
    layouts: Option<Layouts>,
}

fn sides(args: &CompareArgs) -> Result<Sides, CliError> {
    if let (Some(base), Some(head)) = (&args.base, &args.head) {
        return revisions(args, base, head);
    }
    let (Some(old), Some(new)) = (&args.old, &args.new) else {
        return Err(CliError::usage(
            "two Dockerfiles are needed: OLD and NEW, or --base and --head",
        ));
    };
    let (old, new) = (Spec::new(old), Spec::new(new));
    let reads_list =
        |path: &Option<std::path::PathBuf>| path.as_deref() == Some(std::path::Path::new("-"));
    let n_stdin = [&old, &new].iter().filter(|s| ***s == Spec::Stdin).count()
        + usize::from(reads_list(&args.replay.commits) || reads_list(&args.replay.builds));
    if n_stdin > 1 {
        return Err(CliError::usage("standard input can be read only once"));
    }
    // Where the file lies at each commit does not matter, since both texts are given.
    let mut options = args.replay.clone();
    if ![&old, &new]
        .into_iter()
        .any(|spec| proposal(spec).is_some())
    {
        options.file.get_or_insert_with(|| "Dockerfile".to_owned());
    }
    let project = Project::load(&settings::job(&options)?)?;
    let side = |spec: &Spec| -> Result<Side, CliError> {
        let mut settings = project.settings.clone();
        let text = match proposal(spec) {
            Some(id) => {
                let draft = proposed(&project, id, &cost_model(&project, &args.cost)?)?;
                settings.pin_ignore = draft.ignore;
                Text {
                    name: format!("proposal {id}"),
                    text: draft.dockerfile,
                }
            }
            None => load::text(spec, &args.replay.repo)?,
        };
        dockerfile::parse(&text.text).map_err(|error| refused(&error, &text))?;
        settings.pin = Some(text.text.clone());
        Ok(Side { text, settings })
    };
    let (old, new) = (side(&old)?, side(&new)?);
    Ok(Sides {
        project,
        old,
        new,
        layouts: None,
    })
}

/// Dockerfile, ignore file and layout as they are at two revisions, over the base's history.
fn revisions(args: &CompareArgs, base: &str, head: &str) -> Result<Sides, CliError> {
    let mut options: ReplayOptions = args.replay.clone();
    if options.range.is_none() && options.commits.is_none() && options.builds.is_none() {
        options.range = Some(base.to_owned());
        if options.since.is_none() {
            options.last.get_or_insert(DEFAULT_LAST);
        }
    }
    let project = Project::load(&settings::job(&options)?)?;
    let (base_id, head_id) = (project.resolve(base)?, project.resolve(head)?);
    let layouts = Layouts::read(&project, &base_id, &head_id)?;
    let moved = Settings {
        dockerfile: layouts.dockerfile().to_string(),
        context: layouts.context().to_string(),
        ..project.settings.clone()
    };
    let old = at_revision(&project, base, &base_id, &project.settings)?;
    let new = at_revision(&project, head, &head_id, &moved)?;
    Ok(Sides {
        project,
        old,
        new,
        layouts: Some(layouts),
    })
}

fn at_revision(
    project: &Project,
    rev: &str,
    commit: &ObjectId,
    settings: &Settings,
) -> Result<Side, CliError> {
    let path = &settings.dockerfile;
    let Some(found) = project.text_at(commit, &RepoPath::new(path))? else {
        return Err(
            CliError::new(Kind::Dockerfile, format!("{rev} has no {path}"))
                .with_help("name another with --file"),
        );
    };
    let text = Text {
        name: format!("{rev}:{path}"),
        text: found,
    };
    dockerfile::parse(&text.text).map_err(|error| refused(&error, &text))?;
    let mut ignore = None;
    // The Dockerfile is the first of the watched files, ignore files follow; the first that is there counts.
    for candidate in Replay::watched(settings).iter().skip(1) {
        ignore = project.text_at(commit, candidate)?;
        if ignore.is_some() {
            break;
        }
    }
    let settings = Settings {
        pin: Some(text.text.clone()),
        pin_ignore: Some(ignore.unwrap_or_default()),
        ..settings.clone()
    };
    Ok(Side { text, settings })
}

/// One side's builds, in order.
type Builds = Vec<BuildOutcome>;

/// Both sides over the project's builds, read once.
fn replay_both(
    project: &Project,
    old: &Settings,
    new: &Settings,
    layouts: Option<&Layouts>,
) -> Result<(Builds, Builds, Vec<Caveat>), CliError> {
    let (mut before, mut after) = (Replay::new(old.clone()), Replay::new(new.clone()));
    let (mut old_builds, mut new_builds) = (Vec::new(), Vec::new());
    let mut progress = Progress::new("replaying both", project.builds.len());
    let same = || project.inputs().map(|input| input.map(|i| (i.clone(), i)));
    let inputs = layouts.map_or_else(
        || Box::new(same()) as Box<dyn Iterator<Item = _>>,
        |l| l.inputs(project),
    );
    for input in inputs {
        let (old_input, new_input) = input?;
        old_builds.push(before.build(&old_input));
        new_builds.push(after.build(&new_input));
        progress.step();
    }
    let mut caveats = project.caveats.clone();
    caveats.extend(layouts.map(Layouts::caveats).unwrap_or_default());
    for caveat in before.caveats().iter().chain(after.caveats()) {
        if !caveats.contains(caveat) {
            caveats.push(caveat.clone());
        }
    }
    Ok((old_builds, new_builds, caveats))
}

/// A Dockerfile that no commit can be built with is an error, with its reason.
fn refuse_unbuildable(side: &Side, builds: &[BuildOutcome]) -> Result<(), CliError> {
    if builds.iter().any(|b| b.result.is_ok()) {
        return Ok(());
    }
    match builds.last().and_then(|b| b.result.as_ref().err()) {
        Some(error) => Err(refused(error, &side.text)),
        None => Ok(()),
    }
}

/// What the user will not have.
struct Limits {
    slower: Option<SlowerLimit>,
    rebuild: Option<u64>,
}

impl Limits {
    fn new(args: &CompareArgs) -> Result<Self, CliError> {
        Ok(Self {
            slower: args
                .fail_if_slower
                .as_deref()
                .map(settings::slower_limit)
                .transpose()?,
            rebuild: args
                .max_rebuild
                .as_deref()
                .map(|t| settings::duration("--max-rebuild", t))
                .transpose()?,
        })
    }

    /// Each limit that is not met, as a sentence.
    fn broken(&self, comparison: &Comparison) -> Vec<String> {
        let (old, new) = (comparison.old.mean.median, comparison.new.mean.median);
        let slower = new.saturating_sub(old);
        let mut broken = Vec::new();
        let allowed = match self.slower {
            None => u64::MAX,
            Some(SlowerLimit::Milliseconds(ms)) => ms,
            Some(SlowerLimit::Percent(percent)) => (old as f64 * percent / 100.0) as u64,
        };
        if slower > allowed {
            broken.push(format!(
                "A build gets slower by {}; --fail-if-slower allows {}.",
                duration(slower),
                duration(allowed)
            ));
        }
        if let Some(most) = self.rebuild.filter(|&most| new > most) {
            broken.push(format!(
                "A build takes {} on average; --max-rebuild allows {}.",
                duration(new),
                duration(most)
            ));
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Millis;

    fn broken(old: u64, new: u64, slower: Option<&str>, rebuild: Option<u64>) -> usize {
        let mut comparison = Comparison::default();
        comparison.old.mean = Millis {
            median: old,
            low: old,
            high: old,
        };
        comparison.new.mean = Millis {
            median: new,
            low: new,
            high: new,
        };
        let slower = slower.map(|t| settings::slower_limit(t).unwrap());
        Limits { slower, rebuild }.broken(&comparison).len()
    }

    #[test]
    fn limits_are_broken_only_beyond_them() {
        for (old, new, slower, rebuild, want) in [
            (100, 105, Some("5%"), None, 0),
            (100, 106, Some("5%"), None, 1),
            (100, 50, Some("0%"), None, 0),
            (1_000, 31_001, Some("30s"), None, 1),
            (1_000, 31_000, Some("30s"), None, 0),
            (0, 241_000, None, Some(240_000), 1),
            (0, 240_000, None, Some(240_000), 0),
            (0, 10, None, None, 0),
        ] {
            assert_eq!(
                broken(old, new, slower, rebuild),
                want,
                "{old} {new} {slower:?} {rebuild:?}"
            );
        }
    }
}
