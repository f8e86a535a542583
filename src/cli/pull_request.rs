//! Reads both sides of a pull request from the repository, for every image, and has them compared.

use super::accepted::drop_accepted;
use super::accepted::listed;
use super::args::CommentArgs;
use super::config;
use super::config::Config;
use super::config::Image;
use super::error::CliError;
use super::error::Kind;
use super::layout::Layouts;
use super::load;
use super::load::Project;
use super::output::note;
use super::prices::cost_model;
use super::progress::Progress;
use super::settings;
use super::settings::Which;
use super::suggest;
use super::surroundings::Job;
use super::texts::Texts;
use crate::builder::Builder;
use crate::caveat::Caveat;
use crate::cost::CostModel;
use crate::dockerfile;
use crate::dockerfile::Lines;
use crate::history::BuildInput;
use crate::history::Request;
use crate::pull_request;
use crate::pull_request::Question;
use crate::pull_request::Side;
use crate::replay::Settings;
use crate::report::comment_view::CommentView;
use crate::report::comment_view::Compared;
use crate::report::comment_view::FindingView;
use crate::report::comment_view::ImageView;
use crate::report::comment_view::Outcome;
use crate::report::comment_view::SCHEMA;
use crate::report::comment_view::Suggestion;
use crate::report::format::clip;
use crate::report::format::count;
use crate::report::format::date;
use crate::report::suggest::patch;
use crate::suggest::Suggestions;
use crate::tree::ObjectId;
use crate::tree::RepoPath;
use std::collections::BTreeSet;
use std::path::Path;

/// Shorter histories are not projected to a month.
const MIN_DAYS: i64 = 14;
const DAY: i64 = 86_400;
/// A proposal that saves less per build is not worth a reader's time.
const WORTH_MS: i64 = 1_000;
/// A caveat of several hundred characters is cut.
const CAVEAT_CHARS: usize = 500;
/// More caveats are not read.
const MAX_CAVEATS: usize = 40;
/// More findings are not read either.
const MAX_FINDINGS: usize = 100;

/// The two commits.
#[derive(Clone, Copy)]
struct Ends {
    /// Where the pull request branched off.
    base: ObjectId,
    head: ObjectId,
}

/// Everything that the comment says.
pub(super) fn view(
    args: &CommentArgs,
    config: &Config,
    job: &Job,
) -> Result<CommentView, CliError> {
    let ends = ends(args, job)?;
    let images: Vec<Option<&Image>> = match &args.replay.image {
        Some(name) => {
            let found = config.images.iter().find(|i| i.name == *name);
            vec![Some(found.ok_or_else(|| config::unknown(config, name))?)]
        }
        None if config.images.is_empty() || args.replay.file.is_some() => vec![None],
        None => config.images.iter().map(Some).collect(),
    };
    let mut gathered = Gathered::default();
    let views = images
        .iter()
        .map(|image| one(args, config, *image, ends, &mut gathered));
    let views: Vec<ImageView> = views.collect::<Result<_, _>>()?;
    Ok(CommentView {
        schema: SCHEMA.to_owned(),
        pull_request: args.pull_request.or(job.seen.pull_request),
        base: ends.base.to_string(),
        head: ends.head.to_string(),
        images: views,
        builds_per_month: args
            .builds_per_month
            .or(config.comment.builds_per_month)
            .or(gathered.builds_per_month),
        method: gathered.method.into_iter().collect(),
        caveats: gathered
            .caveats
            .iter()
            .map(|c| clip(c, CAVEAT_CHARS))
            .take(MAX_CAVEATS)
            .collect(),
    })
}

/// What all images share in the folded part.
#[derive(Default)]
struct Gathered {
    method: Vec<String>,
    caveats: BTreeSet<String>,
    builds_per_month: Option<u64>,
}

fn ends(args: &CommentArgs, job: &Job) -> Result<Ends, CliError> {
    let repository = load::open(&args.replay.repo)?;
    let resolve = |rev: &str| {
        repository
            .resolve(rev)
            .map_err(|e| load::repository_error(&e))
    };
    let head = args
        .head
        .clone()
        .or_else(|| job.seen.head.clone())
        .unwrap_or_else(|| "HEAD".to_owned());
    let base = args
        .base
        .clone()
        .or_else(|| job.seen.base.clone())
        .unwrap_or_else(|| "origin/HEAD".to_owned());
    let named = |option: &str, rev: &str, error: CliError| {
        error.with_help(format!(
            "{option} is `{rev}`; in CI, fetch the whole history (actions/checkout: fetch-depth: 0; GitLab: GIT_DEPTH: 0)"
        ))
    };
    let head_id = resolve(&head).map_err(|e| named("--head", &head, e))?;
    let base_id = resolve(&base).map_err(|e| named("--base", &base, e))?;
    let common = repository
        .merge_base(&base_id, &head_id)
        .map_err(|e| load::repository_error(&e))?;
    let base = common.ok_or_else(|| {
        let error = CliError::repository(format!("{base} and {head} have no commit in common"));
        named("--base", &base, error)
    })?;
    Ok(Ends {
        base,
        head: head_id,
    })
}

fn one(
    args: &CommentArgs,
    config: &Config,
    image: Option<&Image>,
    ends: Ends,
    gathered: &mut Gathered,
) -> Result<ImageView, CliError> {
    let mut options = args.replay.clone();
    config.fill(image, &mut options);
    if options.pin.is_some() {
        return Err(CliError::usage(
            "--pin has no meaning here: base and head have their own Dockerfiles",
        ));
    }
    let mut asked = settings::job(&options)?;
    if let Which::Mainline { range, .. } = &mut asked.which
        && range.is_none()
    {
        *range = Some(ends.base.to_string());
    }
    let project = Project::load(&asked)?;
    let layouts = Layouts::read(&project, &ends.base, &ends.head)?;
    let dockerfile = layouts.dockerfile().to_string();
    let name = image.map_or_else(|| dockerfile.clone(), |i| i.name.clone());
    let outcome = match compared(args, config, image, project, ends, &layouts, gathered)? {
        Ok(compared) => Outcome::Compared(Box::new(compared)),
        Err(why) => Outcome::NotCompared(clip(&why, CAVEAT_CHARS)),
    };
    Ok(ImageView {
        name,
        dockerfile,
        outcome,
    })
}

fn compared(
    args: &CommentArgs,
    config: &Config,
    image: Option<&Image>,
    mut project: Project,
    ends: Ends,
    layouts: &Layouts,
    gathered: &mut Gathered,
) -> Result<Result<Compared, String>, CliError> {
    let at_head = Settings {
        dockerfile: layouts.dockerfile().to_string(),
        context: layouts.context().to_string(),
        ..project.settings.clone()
    };
    let (base, head) = match (
        side(&project, &ends.base)?,
        side_of(&mut project, &at_head, &ends.head)?,
    ) {
        (Some(base), Some(head)) => (base, head),
        (None, Some(_)) => {
            return Ok(Err(
                "The Dockerfile is new: there is nothing to compare with.".to_owned(),
            ));
        }
        (Some(_), None) => {
            return Ok(Err(
                "The Dockerfile is gone: there is nothing left to build.".to_owned(),
            ));
        }
        (None, None) => {
            let message = format!(
                "there is no {} at the base nor at the head",
                project.settings.dockerfile
            );
            return Err(
                CliError::new(Kind::Dockerfile, message).with_help(project.other_dockerfiles())
            );
        }
    };
    let committed = project.settings.clone();
    let builds = project.builds.clone();
    project.settings.pin = Some(base.dockerfile.clone());
    project.settings.pin_ignore = Some(base.ignore.clone());
    let (inputs, relaid) = read(&project, layouts)?;
    let relaid = if layouts.is_same() { &inputs } else { &relaid };
    let mut options = args.cost.clone();
    options.profile = options
        .profile
        .or_else(|| config.profile(image).map(Path::to_owned));
    let model = cost_model(&project, &options)?;
    let question = Question {
        settings: &project.settings,
        base: &base,
        head: &head,
        inputs: &inputs,
        head_inputs: relaid,
        blob: &|id| project.blob(id),
        model: &model,
    };
    let (mut compared, caveats) = match pull_request::compare(&question) {
        Ok(found) => found,
        Err(why) => return Ok(Err(why)),
    };
    gather(gathered, &project, &inputs, &caveats);
    let laid_out = layouts.caveats();
    gathered
        .caveats
        .extend(laid_out.iter().map(ToString::to_string));

    let wants_one = !args.no_suggestion && config.comment.suggestion != Some(false);
    // The saved file is read by another job, which may want the findings.
    let wants_findings = args.sarif.is_some() || args.code_quality.is_some() || args.save.is_some();
    if wants_one || wants_findings {
        project.settings = at_head;
        let found = answered(config, &mut project, ends.head, &head, relaid, &model)?;
        compared.findings = found.as_ref().map(findings).unwrap_or_default();
        compared.suggestion = found.as_ref().filter(|_| wants_one).and_then(suggestion);
    }
    project.settings = committed;
    project.builds = builds;
    compared.merge = merge(&mut project, ends.head, &head, layouts, &model)?;
    Ok(Ok(compared))
}

/// The builds in the base's layout, and in the head's where that is another.
fn read(
    project: &Project,
    layouts: &Layouts,
) -> Result<(Vec<BuildInput>, Vec<BuildInput>), CliError> {
    let mut progress = Progress::new("reading", project.builds.len());
    let mut both = (Vec::new(), Vec::new());
    for pair in layouts.inputs(project) {
        let (base, head) = pair?;
        both.0.push(base);
        if !layouts.is_same() {
            both.1.push(head);
        }
        progress.step();
    }
    Ok(both)
}

/// The texts at a commit that has its Dockerfile and context elsewhere.
fn side_of(
    project: &mut Project,
    settings: &Settings,
    commit: &ObjectId,
) -> Result<Option<Side>, CliError> {
    let own = std::mem::replace(&mut project.settings, settings.clone());
    let found = side(project, commit);
    project.settings = own;
    found
}

/// The texts at a commit; `None` where there is no Dockerfile.
fn side(project: &Project, commit: &ObjectId) -> Result<Option<Side>, CliError> {
    let path = RepoPath::new(&project.settings.dockerfile);
    if project.text_at(commit, &path)?.is_none() {
        return Ok(None);
    }
    let texts = Texts::of_commit(project, commit)?.now;
    Ok(Some(Side {
        dockerfile: texts.dockerfile,
        ignore: texts.ignore.unwrap_or_default(),
    }))
}

fn gather(gathered: &mut Gathered, project: &Project, inputs: &[BuildInput], caveats: &[Caveat]) {
    let all = project.caveats.iter().chain(caveats);
    gathered.caveats.extend(all.map(ToString::to_string));
    let (Some(first), Some(last)) = (inputs.first(), inputs.last()) else {
        return;
    };
    let (from, to) = (first.time().min(last.time()), first.time().max(last.time()));
    let builder = match project.settings.builder {
        Builder::BuildKit => "BuildKit",
        Builder::Classic => "the classic builder",
        Builder::Buildah => "Buildah",
        Builder::Kaniko => "kaniko",
    };
    let sentence = format!(
        "{} of the base's history ({} to {}) were replayed under {builder}'s cache rules, once with the Dockerfile and \
         ignore file of the base and once with those of the head.",
        count(inputs.len() as u64, "build", "builds"),
        date(from),
        date(to)
    );
    for sentence in [
        sentence,
        "Times are estimates by kind of command.".to_owned(),
    ] {
        if !gathered.method.contains(&sentence) {
            gathered.method.push(sentence);
        }
    }
    if to - from >= MIN_DAYS * DAY {
        let builds = inputs.len() as i64 * 2_629_744 / (to - from);
        gathered.builds_per_month = gathered.builds_per_month.max(u64::try_from(builds).ok());
    }
}

/// What there is to say of the head's text: what is wrong with it, and how it could be better.
fn answered(
    config: &Config,
    project: &mut Project,
    commit: ObjectId,
    head: &Side,
    inputs: &[BuildInput],
    model: &CostModel,
) -> Result<Option<Suggestions>, CliError> {
    project.settings.pin = Some(head.dockerfile.clone());
    let texts = Texts::of_commit(project, &commit)?;
    project.settings.pin_ignore = Some(head.ignore.clone());
    let path = project.settings.dockerfile.clone();
    let accepted = listed(Some(config), &path);
    let Ok(mut found) = suggest::answer(project, &commit, &texts, inputs, model, &accepted) else {
        return Ok(None);
    };
    let text = &head.dockerfile;
    drop_accepted(
        &mut found.findings,
        &mut Vec::new(),
        Some(config),
        &path,
        text,
    );
    Ok(Some(found))
}

/// The findings as the comment's file has them.
fn findings(found: &Suggestions) -> Vec<FindingView> {
    let lines: Vec<Lines> = match dockerfile::parse(&found.now.dockerfile) {
        Ok(parsed) => parsed.dockerfile.instructions().map(|i| i.lines).collect(),
        Err(_) => Vec::new(),
    };
    let last = |line: usize| {
        lines
            .iter()
            .find(|l| l.first == line)
            .map_or(line, |l| l.last)
    };
    let shown = found.findings.iter().take(MAX_FINDINGS);
    shown
        .map(|f| FindingView {
            rule: f.kind.to_owned(),
            text: clip(&f.text.replace(['\n', '\t'], " "), CAVEAT_CHARS),
            first: f.line.max(1),
            last: last(f.line).max(1),
        })
        .collect()
}

/// The first proposal of the best order on the head's text, if it pays.
fn suggestion(found: &Suggestions) -> Option<Suggestion> {
    let best = found.order.first()?;
    let saved = best
        .on_top
        .as_ref()
        .or(best.alone.as_ref())
        .map_or(0, |s| s.per_build.1);
    if saved < WORTH_MS {
        return None;
    }
    let draft = &best.proposal.draft;
    let is_whole = draft.ignore == found.now.ignore;
    Some(pull_request::suggestion(
        &best.proposal.id,
        &best.proposal.candidate.title,
        saved.unsigned_abs(),
        &found.now.dockerfile,
        &draft.dockerfile,
        &patch(found, &found.now, draft),
        is_whole,
    ))
}

/// The head built on the cache of the base's history; nothing where the context itself moved.
fn merge(
    project: &mut Project,
    head: ObjectId,
    texts: &Side,
    layouts: &Layouts,
    model: &CostModel,
) -> Result<Option<crate::report::comment_view::Merge>, CliError> {
    if *layouts.context() != RepoPath::new(&project.settings.context) {
        return Ok(None);
    }
    project.builds.push((head, Request::default()));
    let settings: Settings = project.settings.clone();
    match suggest::read(project) {
        Ok(mut inputs) => {
            // The base's history has these files elsewhere if they moved.
            if let Some((dockerfile, ignore)) =
                inputs.last_mut().and_then(|i| i.watched.split_first_mut())
            {
                let bytes = |text: &str| Ok(Some(text.as_bytes().into()));
                *dockerfile = bytes(&texts.dockerfile);
                ignore.fill(Ok(None));
                if let Some(first) = ignore.first_mut().filter(|_| !texts.ignore.is_empty()) {
                    *first = bytes(&texts.ignore);
                }
            }
            let blob = |id: &ObjectId| project.blob(id);
            Ok(pull_request::merge(&settings, model, &blob, inputs))
        }
        Err(error) => {
            note(&format!(
                "note: what merging triggers could not be replayed: {error}"
            ));
            Ok(None)
        }
    }
}
