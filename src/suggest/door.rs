//! The door: from a question to the answer.

use super::answer::Suggestions;
use super::assemble::assemble;
use super::bench::Bench;
use super::elsewhere::{other_context, set_aside, with_others};
use super::generated::says_generated;
use super::past::Past;
use super::question::Question;
use super::renewing::renewing;
use super::trees::Trees;
use crate::caveat::Caveat;
use crate::dockerfile;
use crate::dockerfile::Dockerfile;
use crate::graph::{Base, Options, lower};
use crate::replay::{Runner, Settings};
use crate::restructure::View;
use crate::restructure::filtered::Filtered;
use crate::restructure::finding::findings;
use crate::restructure::installs_from_source;
use crate::restructure::legality::remote_sources;
use crate::restructure::reads_git;
use crate::restructure::renewed::{given, renewed};
use crate::restructure::search::{Draft, search};
use crate::tree::RepoPath;

/// Answers. Errors: the Dockerfile's refusal, by the parser or by every build.
pub fn suggest(question: &Question<'_>) -> Result<Suggestions, dockerfile::Error> {
    let parsed = dockerfile::parse(&question.dockerfile)?;
    let cost = question.cost.clone().under(question.settings);
    let question = &Question {
        cost: &cost,
        dockerfile: question.dockerfile.clone(),
        ignore: question.ignore.clone(),
        ..*question
    };
    let trees = Trees::of(question, &parsed.dockerfile);
    let context = RepoPath::new(&question.settings.context);
    let path = RepoPath::new(&question.settings.dockerfile);
    let ignore_path = question
        .ignore
        .as_ref()
        .map_or_else(|| context.join(b".dockerignore"), |(path, _)| path.clone());
    let own_args = question.build_args();
    let past = Past::of(question);
    let bumps = past.bumps();
    let filtered =
        Filtered::new(question.inputs, question.blob).beginning_with(&question.dockerfile);
    // What stands in the checkout's `.git` is not looked into.
    let read = |path: &RepoPath| match path.names().next() {
        Some(b".git") => Some(Vec::new()),
        _ => (question.read)(path),
    };
    let view = View {
        dockerfile: &parsed.dockerfile,
        path: &path,
        context: &context,
        ignore: question
            .ignore
            .as_ref()
            .map(|(path, text)| (path, text.as_str())),
        files: &trees.files,
        ignored: &trees.ignored,
        read: &read,
        outside: question.outside,
        filtered: &|path, filter| filtered.builds(path, filter),
        changes: &trees.changes,
        builder: question.settings.builder,
        git_dir: question.settings.git_dir,
        persistent: question.settings.runner == Runner::Persistent,
        target: target(&parsed.dockerfile, question.settings.target.as_deref()),
        build_args: &own_args,
        bumps: &bumps,
        accepted: question.accepted,
    };
    let renewed = renewed(&view);
    let inputs = renewing(question, &renewed);
    let question = &Question {
        inputs: &inputs,
        dockerfile: question.dockerfile.clone(),
        ignore: question.ignore.clone(),
        ..*question
    };
    let build_args = question.build_args();
    let view = View {
        build_args: &build_args,
        ..view
    };
    let now = Draft {
        dockerfile: question.dockerfile.clone(),
        ignore: question.ignore.as_ref().map(|(_, text)| text.clone()),
    };
    let past = Past {
        git: reads_git(&view),
        from_source: installs_from_source(&view),
        ..past
    };
    let mut bench = Bench::new((question, !renewed.is_empty()), &past, &filtered, &now);
    if let Some(refusal) = bench.refusal() {
        return Err(refusal);
    }
    let least = (bench.mean(&now) / 100).max(50);
    let found = search(&view, least, &mut |drafts| bench.worth(drafts));
    let mut answer = assemble(question, &view, &mut bench, now, found, least);
    answer.findings = findings(&view);
    let elsewhere = other_context(&view);
    let generated = says_generated(view.text());
    answer.caveats.extend(given(&renewed));
    answer.caveats.extend(same_remote(&view));
    answer
        .caveats
        .extend(same_base(&parsed.dockerfile, question.settings));
    (answer.dockerfile, answer.ignore) = (path, ignore_path);
    answer.caveats.extend(parsed.caveats);
    answer.caveats.extend(generated);
    if let Some(other) = elsewhere {
        set_aside(&mut answer, other);
    }
    Ok(answer)
}

/// That what ADD fetches is taken to be the same at each build.
fn same_remote(view: &View<'_>) -> Option<Caveat> {
    let remote = remote_sources(view);
    let named = with_others(remote.first()?, remote.len());
    Some(Caveat::general(format!(
        "What ADD fetches ({named}) is taken to be the same at each build."
    )))
}

/// That a base image which nobody named is taken to be the same at each build.
fn same_base(dockerfile: &Dockerfile, settings: &Settings) -> Option<Caveat> {
    let given = settings.build_args.iter();
    let given = given.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
    let options = Options {
        platform: settings.platform.clone(),
        target: settings.target.clone(),
        build_args: given.collect(),
        unknown_bases: true,
        ..Options::default()
    };
    let lowering = lower(dockerfile, &options).ok()?;
    let why = lowering.stages.iter().find_map(|stage| match &stage.base {
        Base::Unknown(why) => Some(why),
        _ => None,
    })?;
    Some(Caveat::general(format!(
        "Each build is taken to have the same base: {why}."
    )))
}

/// The target stage's index: by name, else by number, else the last.
fn target(dockerfile: &Dockerfile, wanted: Option<&str>) -> usize {
    let last = dockerfile.stages.len() - 1;
    let Some(wanted) = wanted else { return last };
    let lower = wanted.to_ascii_lowercase();
    let by_name = dockerfile
        .stages
        .iter()
        .rposition(|s| s.name.as_deref() == Some(lower.as_str()));
    by_name
        .or_else(|| wanted.parse().ok().filter(|n| *n <= last))
        .unwrap_or(last)
}
