//! `stratigraph comment`: renders the pull request comment, shows it wherever asked, and posts it.
//!
//! Whatever can be shown is shown before anything may fail: a failed post still leaves the comment on standard output
//! and in the job's summary.

use super::args::CommentArgs;
use super::baseline;
use super::config;
use super::config::Config;
use super::error::CliError;
use super::error::Kind;
use super::limits;
use super::limits::Limits;
use super::limits::Means;
use super::output::Output;
use super::output::note;
use super::pull_request;
use super::surroundings;
use super::surroundings::Job;
use super::surroundings::limited;
use crate::forge;
use crate::forge::Action;
use crate::forge::Destination;
use crate::forge::Forge;
use crate::forge::Mode;
use crate::forge::Posted;
use crate::forge::Say;
use crate::forge::Tag;
use crate::report::annotations;
use crate::report::code_quality;
use crate::report::comment_view::Change;
use crate::report::comment_view::CommentView;
use crate::report::comment_view::MAX_BYTES;
use crate::report::comment_view::Outcome;
use crate::report::format::duration_change;
use crate::report::notice;
use crate::report::notice::Notice;
use crate::report::pr_comment;
use crate::report::pr_comment::Place;
use crate::report::sarif;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;

/// Where no forge is named: the narrowest limit.
const DEFAULT_LIMIT: usize = 65_536;
/// GitHub takes 1 MiB of summary from each step.
const SUMMARY_LIMIT: usize = 1_000_000;

/// Carries the command out.
pub(super) fn run(args: &CommentArgs) -> Result<(), CliError> {
    let job = Job::read();
    let config = config::load(&args.replay)?.unwrap_or_default();
    let (tag, limits) = (tag(args, &config)?, read_limits(args, &config)?);
    // Where to post is settled before the long work; a failure is told after the comment is out.
    let forge = args.post.as_deref().map(surroundings::forge);
    let view = match &args.from {
        Some(path) => saved(path, &job)?,
        None => pull_request::view(args, &config, &job)?,
    };
    let limit = forge.map_or(DEFAULT_LIMIT, Forge::comment_bytes) - tag.marker_bytes();
    let text = pr_comment::render(
        &view,
        &Place {
            limit,
            files: job.files(forge, &view.head),
        },
    );
    let is_said = pr_comment::has_news(&view) || when(args, &config) == "always";

    show(args, &job, &view, &text, is_said)?;
    let say = if is_said {
        Say::This(&text)
    } else {
        Say::NothingBut(&text)
    };
    let posted = forge
        .map(|forge| post(args, &config, &job, &view, forge, &tag, say))
        .transpose();
    let id = posted.as_ref().ok().and_then(|p| p.as_ref()?.id);
    outputs(args, &view, id)?;
    if let Some(posted) = posted? {
        note(&told(&posted));
    }
    check(&limits, &view)?;
    match &args.baseline {
        Some(path) => baseline::check(path, args.tighten, &view),
        None => Ok(()),
    }
}

fn tag(args: &CommentArgs, config: &Config) -> Result<Tag, CliError> {
    let named = args.tag.as_ref().or(config.comment.tag.as_ref());
    named.map_or(Ok(Tag::default()), |text| {
        Tag::new(text).map_err(|why| CliError::usage(format!("--tag: {why}")))
    })
}

fn when<'a>(args: &'a CommentArgs, config: &'a Config) -> &'a str {
    args.when
        .as_deref()
        .or(config.comment.when.as_deref())
        .unwrap_or("changed")
}

fn mode(args: &CommentArgs, config: &Config) -> Mode {
    match args.mode.as_deref().or(config.comment.mode.as_deref()) {
        Some("new") => Mode::New,
        Some("hide-and-new") => Mode::HideAndNew,
        Some("delete-and-new") => Mode::DeleteAndNew,
        _ => Mode::Update,
    }
}

/// A file from a job that ran a stranger's code.
fn saved(path: &Path, job: &Job) -> Result<CommentView, CliError> {
    let refused = |why: String| {
        CliError::usage(format!("{} is refused: {why}", path.display()))
            .with_help("it must be what `stratigraph comment --save` of the same version wrote")
    };
    let bytes = limited(path, MAX_BYTES as u64).map_err(|e| refused(e.to_string()))?;
    let view = CommentView::read(&bytes).map_err(refused)?;
    match &job.seen.trusted_head {
        Some(head) if *head != view.head => Err(refused(format!(
            "it speaks of commit {}, but the run was for {head}",
            view.head
        ))),
        _ => Ok(view),
    }
}

fn show(
    args: &CommentArgs,
    job: &Job,
    view: &CommentView,
    text: &str,
    is_said: bool,
) -> Result<(), CliError> {
    if is_said || args.output.is_some() {
        written(args.output.as_deref(), |sink| {
            sink.write_all(text.as_bytes())
        })?;
    }
    if !is_said {
        note("nothing changes for the cache: there is nothing to say (--when always says so)");
    }
    if let Some(path) = &args.save {
        written(Some(path), |sink| sink.write_all(view.saved().as_bytes()))?;
    }
    let notices = notice::of_comment(view);
    remarks(args, &notices)?;
    let is_github = job.seen.forge == Some(Forge::GitHub);
    if is_github && args.from.is_none() {
        // The runner reads commands from both streams; standard output is the comment's.
        annotations::write(&notice::slower_steps(view), &mut io::stderr().lock())?;
    }
    let summary = args
        .summary
        .clone()
        .or_else(|| job.seen.summary_file.as_ref().map(Into::into));
    match summary {
        Some(path) if is_said => {
            appended(&path, &pr_comment::render(view, &whole(args, job, view)))
        }
        _ => Ok(()),
    }
}

fn remarks(args: &CommentArgs, notices: &[Notice]) -> Result<(), CliError> {
    if let Some(path) = &args.sarif {
        written(Some(path), |sink| sarif::write(notices, sink))?;
    }
    match &args.code_quality {
        Some(path) => written(Some(path), |sink| code_quality::write(notices, sink)),
        None => Ok(()),
    }
}

fn written(
    path: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), CliError> {
    let mut output = Output::open(path)?;
    write(&mut output)?;
    output.finish()
}

/// Where a comment may be long.
fn whole(args: &CommentArgs, job: &Job, view: &CommentView) -> Place {
    let forge = args.post.as_deref().map(surroundings::forge);
    Place {
        limit: SUMMARY_LIMIT,
        files: job.files(forge, &view.head),
    }
}

/// Several steps of a job write to one file.
fn appended(path: &Path, text: &str) -> Result<(), CliError> {
    let write = || {
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)?
            .write_all(format!("{text}\n").as_bytes())
    };
    write().map_err(|e| {
        CliError::new(Kind::Write, format!("could not write {}", path.display())).with_source(e)
    })
}

fn post(
    args: &CommentArgs,
    config: &Config,
    job: &Job,
    view: &CommentView,
    forge: Forge,
    tag: &Tag,
    say: Say<'_>,
) -> Result<Posted, CliError> {
    let failed = |e: forge::Error| CliError::new(Kind::Write, e.to_string());
    let mut overrides = surroundings::overrides(args);
    // The number in a stranger's file counts only where a trusted event says which commit the run was for.
    if overrides.pull_request.is_none()
        && job.seen.pull_request.is_none()
        && job.seen.trusted_head.is_some()
    {
        overrides.pull_request = view.pull_request;
    }
    let event = job.event.as_deref();
    let to: Destination =
        forge::destination(forge, &overrides, &job.environment, event).map_err(failed)?;
    forge::post(&to, &job.network(args)?, tag, mode(args, config), say).map_err(failed)
}

fn told(posted: &Posted) -> String {
    let what = match posted.action {
        Action::Created => "created the comment",
        Action::Updated => "updated the comment",
        Action::Unchanged => "the comment says so already; nothing was written",
        Action::Silent => "nothing to say and no earlier comment; nothing was written",
    };
    match &posted.url {
        Some(url) => format!("{what}: {url}"),
        None => what.to_owned(),
    }
}

/// For the action's outputs.
fn outputs(args: &CommentArgs, view: &CommentView, id: Option<u64>) -> Result<(), CliError> {
    let Some(path) = &args.outputs else {
        return Ok(());
    };
    let (verdict, change) = pr_comment::verdict(view);
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let text = format!(
        "delta={}\ndelta-ms={change}\nverdict={}\ncomment-id={id}",
        duration_change(change),
        verdict.name()
    );
    appended(path, &text)
}

/// The limits as options, else as configured.
fn read_limits(args: &CommentArgs, config: &Config) -> Result<Limits, CliError> {
    let set = &config.thresholds;
    let slower = args.fail_if_slower.as_ref().or(set.fail_if_slower.as_ref());
    let longest = args.max_rebuild.as_ref().or(set.max_rebuild.as_ref());
    Limits::new(
        slower.map(String::as_str),
        longest.map(String::as_str),
        args.fail_if_unknown || set.fail_if_unknown,
    )
}

/// Every image held against the limits.
fn check(limits: &Limits, view: &CommentView) -> Result<(), CliError> {
    let mut all = limits::Outcome::default();
    for image in &view.images {
        let Outcome::Compared(compared) = &image.outcome else {
            continue;
        };
        let means = |c: Change| Means {
            before: c.before,
            after: c.after,
        };
        let found = limits.check(
            &image.name,
            means(compared.mean),
            compared.if_cached.map(means),
        );
        all.broken.extend(found.broken);
        all.undecided.extend(found.undecided);
    }
    limits.settle(&all)
}
