//! A Dockerfile, a target and build arguments to stages with everything expanded.
//!
//! Follows moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go: `toDispatchState`, `dispatchStages`,
//! `dispatch…`. What an instruction leaves for later ones is a [`State`]; builders turn instructions into steps.

use super::dispatch::StageLowering;
use super::env::Env;
use super::lowered::{LoweredStage, Lowering};
use super::platform::{BUILD_PLATFORM, parts};
use super::source;
use super::stages::Stages;
use crate::dockerfile::ast::{Dockerfile, Instruction, Kind, Stage};
use crate::dockerfile::expand::Lexer;
use crate::dockerfile::{Error, Span};
use std::collections::BTreeMap;

/// What helps where a FROM names an argument that has no value.
pub(super) const NO_VALUE: &str =
    "give the argument a default before FROM, or pass it with --build-arg";

/// What a Dockerfile is lowered for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `--platform`, as OS/ARCH or OS/ARCH/VARIANT; `None` for the builder's own.
    pub platform: Option<String>,
    /// `--target`; `None` for the last stage.
    pub target: Option<String>,
    /// Build arguments that have a value.
    pub build_args: BTreeMap<String, String>,
    /// Lower all stages up to the target, needed or not (the classic builder and kaniko build them all).
    pub all_stages: bool,
    /// A FROM whose argument has no value becomes [`super::lowered::Base::Unknown`] instead of a refusal.
    pub unknown_bases: bool,
}

/// Lowers `dockerfile`.
///
/// # Errors
/// What BuildKit refuses after parsing: a blank or malformed base, a stage that does not exist, a circle, a variable
/// that cannot be expanded.
pub fn lower<'a>(dockerfile: &'a Dockerfile, options: &Options) -> Result<Lowering<'a>, Error> {
    let lex = Lexer::new(dockerfile.escape);
    let last = dockerfile
        .stages
        .last()
        .and_then(|s| s.name.as_deref())
        .unwrap_or("");
    let globals = global_args(
        dockerfile,
        &lex,
        options,
        options.target.as_deref().unwrap_or(last),
    )?;
    let bases = expand_bases(dockerfile, &lex, &globals, options)?;
    let stages = Stages::resolve(dockerfile, bases)?;
    let target = find_target(dockerfile, options)?;
    let mut wanted = stages.reachable(target);
    if options.all_stages {
        (0..=target).for_each(|i| wanted[i] = true);
    }
    let mut lowered: Vec<Option<LoweredStage<'a>>> = Vec::new();
    for stage in &dockerfile.stages {
        let done = wanted[stage.index].then(|| {
            StageLowering {
                dockerfile,
                lex: &lex,
                globals: &globals,
                options,
                stages: &stages,
                wanted: &wanted,
                stage,
            }
            .run(&lowered)
        });
        lowered.push(done.transpose()?);
    }
    Ok(Lowering {
        stages: lowered.into_iter().flatten().collect(),
        target,
        named: stages.named,
        globals: &dockerfile.globals,
    })
}

/// Platform arguments, then ARGs before FROM (`defaultArgs`, `buildMetaArgs`).
fn global_args(
    dockerfile: &Dockerfile,
    lex: &Lexer,
    options: &Options,
    target: &str,
) -> Result<Env, Error> {
    let target = if target.is_empty() { "default" } else { target };
    let mut env = Env::default();
    let platform = options.platform.as_deref().unwrap_or(BUILD_PLATFORM);
    let (build, made) = (parts(BUILD_PLATFORM), parts(platform));
    for (name, value) in [
        ("BUILDPLATFORM", BUILD_PLATFORM),
        ("BUILDOS", build[0]),
        ("BUILDOSVERSION", ""),
        ("BUILDARCH", build[1]),
        ("BUILDVARIANT", build[2]),
        ("TARGETPLATFORM", platform),
        ("TARGETOS", made[0]),
        ("TARGETOSVERSION", ""),
        ("TARGETARCH", made[1]),
        ("TARGETVARIANT", made[2]),
        ("TARGETSTAGE", target),
    ] {
        env.assign(
            name,
            options.build_args.get(name).map_or(value, String::as_str),
        );
    }
    for instruction in &dockerfile.globals {
        let Kind::Arg(items) = &instruction.kind else {
            continue;
        };
        for item in items {
            let value = match (options.build_args.get(&item.name), &item.default) {
                (Some(given), _) => Some(given.clone()),
                (None, Some(default)) => {
                    Some(word(dockerfile, lex, default, &env, instruction.span)?)
                }
                (None, None) => None,
            };
            if let Some(value) = value {
                env.assign(&item.name, &value);
            }
        }
    }
    Ok(env)
}

/// Each stage's base after expansion, or why it cannot be known.
fn expand_bases(
    dockerfile: &Dockerfile,
    lex: &Lexer,
    globals: &Env,
    options: &Options,
) -> Result<Vec<(String, Option<String>)>, Error> {
    let mut bases = Vec::new();
    for stage in &dockerfile.stages {
        let from = stage.base();
        let image = word(dockerfile, lex, &from.image, globals, from.image_span)?;
        let unset = options
            .unknown_bases
            .then(|| unset_argument(dockerfile, &from.image, globals))
            .flatten();
        let refused = image.is_empty() || source::full_image(&image).is_err();
        match unset {
            Some(name) if refused => {
                bases.push((
                    image,
                    Some(format!(
                        "the base image needs `--build-arg {name}=…`, which was not given"
                    )),
                ));
            }
            _ if image.is_empty() => {
                return Err(Error::at(
                    &dockerfile.text,
                    from.image_span,
                    format!("base name ({}) should not be blank", from.image),
                )
                .with_help(NO_VALUE));
            }
            _ => bases.push((image, None)),
        }
    }
    Ok(bases)
}

/// The first global ARG without a value that `text` names.
fn unset_argument(dockerfile: &Dockerfile, text: &str, globals: &Env) -> Option<String> {
    let declared = dockerfile.globals.iter();
    declared
        .flat_map(Instruction::arguments)
        .map(|item| item.name.clone())
        .find(|name| {
            globals.get(name).is_none_or(str::is_empty)
                && text.contains('$')
                && text.contains(name.as_str())
        })
}

fn find_target(dockerfile: &Dockerfile, options: &Options) -> Result<usize, Error> {
    let Some(target) = &options.target else {
        return Ok(dockerfile.stages.len() - 1);
    };
    let by_name = |s: &&Stage| {
        s.name
            .as_deref()
            .is_some_and(|n| n.eq_ignore_ascii_case(target))
    };
    if let Some(stage) = dockerfile.stages.iter().rev().find(by_name) {
        return Ok(stage.index);
    }
    // The frontend takes a number as the stage's position (dockerui/config.go); only a name is promised.
    if let Some(index) = target
        .parse::<usize>()
        .ok()
        .filter(|&i| i < dockerfile.stages.len())
    {
        return Ok(index);
    }
    let names: Vec<&str> = dockerfile
        .stages
        .iter()
        .filter_map(|s| s.name.as_deref())
        .collect();
    let help = if names.is_empty() {
        "no stage of this file has a name".to_owned()
    } else {
        format!("stages: {}", names.join(", "))
    };
    Err(Error::whole(format!("target stage {target:?} could not be found")).with_help(help))
}

pub(super) fn word(
    dockerfile: &Dockerfile,
    lex: &Lexer,
    text: &str,
    env: &Env,
    span: Span,
) -> Result<String, Error> {
    lex.word(text, &|name| env.get(name).map(str::to_owned))
        .map_err(|why| {
            Error::at(
                &dockerfile.text,
                span,
                format!("failed to process {text:?}: {why}"),
            )
        })
}

/// `path.Join(base, path)` for an absolute or relative `path`, without a trailing slash.
pub fn join_clean(base: &str, path: &str) -> String {
    let is_clean = |path: &str| {
        let mut names = path
            .strip_prefix('/')
            .into_iter()
            .flat_map(|p| p.split('/'));
        path.starts_with('/') && names.all(|name| !matches!(name, "" | "." | ".."))
    };
    if is_clean(path) {
        return path.to_owned();
    }
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{base}/{path}")
    };
    let mut names: Vec<&str> = Vec::new();
    for name in whole.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            _ => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}
