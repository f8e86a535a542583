//! `stratigraph compare`: two Dockerfiles, or two revisions, over the same history.

use super::args::{CompareArgs, Format, ReplayOptions};
use super::error::{CliError, Kind};
use super::graph::refused;
use super::layout::Layouts;
use super::limits::{Limits, Means, Outcome};
use super::load::{self, Project, Text};
use super::output::{Output, look};
use super::prices::cost_model;
use super::progress::Progress;
use super::renewed::renewed;
use super::settings::{self, Spec};
use super::suggest::{is_proposal, proposed};
use crate::analyze::NewArguments;
use crate::caveat::Caveat;
use crate::cost::CostModel;
use crate::dockerfile;
use crate::dockerfile::ast::Stage;
use crate::history::BuildInput;
use crate::replay::{BuildOutcome, NotHeld, Replay, Settings};
use crate::report::compare as report;
use crate::report::compare::Compared;
use crate::restructure::informed::{Blob, Informed};
use crate::restructure::renewed::not_given;
use crate::score::{Comparison, Emulated, Passed, compare, has_unknown};
use crate::tree::{ObjectId, RepoPath};

/// Revisions are compared over the base's last builds when nothing else is said.
const DEFAULT_LAST: usize = 500;

/// What is most often built for beside the builder's own platform.
const EMULATED: &str = "linux/arm64";

/// Carries the command out.
pub(super) fn run(args: &CompareArgs) -> Result<(), CliError> {
    let limits = Limits::new(
        args.fail_if_slower.as_deref(),
        args.max_rebuild.as_deref(),
        args.fail_if_unknown,
    )?;
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
    let model = cost_model(&project, &args.cost)?;
    let texts = [old.text.text.as_str(), &new.text.text];
    let renewed = renewed(
        &project,
        &old.settings,
        &paths(&project, [&old, &new]),
        &texts,
    );
    let names = renewed.iter().map(|one| one.name.clone());
    let arguments = NewArguments::of(&project.settings, &texts).with(names);
    let blob = |id: &ObjectId| project.blob(id);
    let both = Both {
        project: &project,
        blob: &blob,
        old: &old.settings,
        new: &new.settings,
        layouts: layouts.as_ref(),
        model: &model,
    };
    let (replays, mut comparison) = both.compare(&NewArguments::default())?;
    if !arguments.is_empty() {
        let (given, with) = both.compare(&arguments)?;
        let names = arguments.names().cloned().collect();
        comparison.passed = given
            .again
            .and_then(|(old, new)| Passed::new(names, &with, (&old, &new), &comparison, &model));
    }
    if let Some(platform) = other_platform(&project.settings, &texts) {
        let on = |side: &Side| Settings {
            platform: Some(platform.to_owned()),
            ..side.settings.clone()
        };
        let (old, new) = (on(&old), on(&new));
        let there = Both {
            old: &old,
            new: &new,
            ..both
        };
        let (_, with) = there.compare(&NewArguments::default())?;
        comparison.emulated = Emulated::new(platform, &with, &comparison);
    }
    let (old_builds, new_builds) = &replays.builds;
    let mut caveats = caveats(&project, &replays, layouts.as_ref());
    caveats.extend(not_given(&renewed));
    if comparison.pairs.is_empty() {
        refuse_unbuildable(&old, old_builds)?;
        refuse_unbuildable(&new, new_builds)?;
    }
    let outcome = verdict(&limits, &comparison);
    let compared = Compared {
        names: (&old.text.name, &new.text.name),
        repository: &project.name(),
        settings: &project.settings,
        comparison: &comparison,
        caveats: &caveats,
        broken: &outcome.broken,
        undecided: &outcome.undecided,
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
    limits.settle(&outcome)
}

/// A platform that the builder's machine emulates, where the sides say other things about theirs and nobody said what is
/// built for.
fn other_platform(settings: &Settings, texts: &[&str; 2]) -> Option<&'static str> {
    let platforms = |text: &str| -> Option<Vec<String>> {
        let parsed = dockerfile::parse(text).ok()?;
        let said = |stage: &Stage| stage.from.flag("platform").unwrap_or_default().to_owned();
        Some(parsed.dockerfile.stages.iter().map(said).collect())
    };
    let [old, new] = texts.map(platforms);
    (settings.platform.is_none() && old? != new?).then_some(EMULATED)
}

/// The limits held against both readings of what git cannot tell.
fn verdict(limits: &Limits, comparison: &Comparison) -> Outcome {
    let (old, new) = (&comparison.old, &comparison.new);
    let means = |before, after| Means { before, after };
    let run = means(old.mean.median, new.mean.median);
    let cached = means(old.mean_if_cached, new.mean_if_cached);
    limits.check("a build", run, Some(cached).filter(|cached| *cached != run))
}

/// Where the sides' files are in the repository, as far as it has them, for what builds them; the Dockerfile's own path
/// where it has neither.
fn paths(project: &Project, sides: [&Side; 2]) -> Vec<RepoPath> {
    let files = project.files_below(&RepoPath::root());
    let named = sides.map(|side| {
        let name = side.text.name.as_str();
        RepoPath::new(name.split_once(':').map_or(name, |(_, path)| path))
    });
    let mut found: Vec<RepoPath> = named.into_iter().filter(|p| files.contains(p)).collect();
    found.dedup();
    if found.is_empty() {
        found.push(RepoPath::new(&project.settings.dockerfile));
    }
    found
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

/// Both sides under the same conditions.
struct Replays<'q> {
    before: Informed<'q>,
    after: Informed<'q>,
    builds: (Builds, Builds),
    /// The newest build once more, with other arguments.
    again: Option<(BuildOutcome, BuildOutcome)>,
}

impl<'q> Replays<'q> {
    fn new(old: &Settings, new: &Settings, blob: &'q Blob<'q>) -> Self {
        Self {
            before: Informed::new(old.clone(), blob),
            after: Informed::new(new.clone(), blob),
            builds: (Vec::new(), Vec::new()),
            again: None,
        }
    }

    fn build(&mut self, old: &BuildInput, new: &BuildInput) {
        self.builds.0.push(self.before.build(old));
        self.builds.1.push(self.after.build(new));
    }
}

/// What is replayed, whatever is asked of it.
struct Both<'a> {
    project: &'a Project,
    blob: &'a Blob<'a>,
    old: &'a Settings,
    new: &'a Settings,
    layouts: Option<&'a Layouts>,
    model: &'a CostModel,
}

impl<'a> Both<'a> {
    /// Both sides with new values for these arguments at each build; where git cannot tell, in both readings.
    fn compare(&self, arguments: &NewArguments) -> Result<(Replays<'a>, Comparison), CliError> {
        let replays = self.replay(arguments, NotHeld::Unknown)?;
        let (old, new) = &replays.builds;
        let is_unknown = has_unknown(old) || has_unknown(new);
        let again = is_unknown.then(|| self.replay(arguments, NotHeld::Unchanged));
        let again = again.transpose()?.map(|again| again.builds);
        let unchanged = again.as_ref().map(|(old, new)| (&old[..], &new[..]));
        let comparison = compare(old, new, unchanged, self.model);
        Ok((replays, comparison))
    }

    fn replay(&self, arguments: &NewArguments, not_held: NotHeld) -> Result<Replays<'a>, CliError> {
        let taking = |settings: &Settings| Settings {
            not_held,
            ..settings.clone()
        };
        let mut replays = Replays::new(&taking(self.old), &taking(self.new), self.blob);
        let mut progress = Progress::new("replaying both", self.project.builds.len());
        let same = || {
            let inputs = self.project.inputs();
            inputs.map(|input| input.map(|i| (i.clone(), i)))
        };
        let inputs = self.layouts.map_or_else(
            || Box::new(same()) as Box<dyn Iterator<Item = _>>,
            |l| l.inputs(self.project),
        );
        let mut newest = None;
        for (n, input) in inputs.enumerate() {
            let (old, new) = input?;
            replays.build(&arguments.given(&old, n), &arguments.given(&new, n));
            newest = Some((old, new, n + 1));
            progress.step();
        }
        if let Some((old, new, n)) = newest.filter(|_| !arguments.is_empty()) {
            let old = replays.before.build(&arguments.again(&old, n));
            replays.again = Some((old, replays.after.build(&arguments.again(&new, n))));
        }
        Ok(replays)
    }
}

fn caveats(project: &Project, replays: &Replays<'_>, layouts: Option<&Layouts>) -> Vec<Caveat> {
    let mut caveats = project.caveats.clone();
    caveats.extend(layouts.map(Layouts::caveats).unwrap_or_default());
    let both = replays
        .before
        .caveats()
        .iter()
        .chain(replays.after.caveats());
    for caveat in both {
        if !caveats.contains(caveat) {
            caveats.push(caveat.clone());
        }
    }
    caveats
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
