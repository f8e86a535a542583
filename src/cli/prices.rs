//! The cost model of a command: the user's profile, and what the repository's lockfiles tell about its size.

use super::args::CostOptions;
use super::error::CliError;
use super::load::Project;
use crate::cost::log::parse_size;
use crate::cost::{CostModel, Origin, Preset, Price, Profile, Scale, Speed, profile};
use crate::shell;
use crate::tree::RepoPath;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A repository with more lockfiles is counted by the first of them.
const MAX_LOCKFILES: usize = 100;
/// Scripts that are read, and bytes of each.
const MAX_SCRIPTS: usize = 100;
const MAX_SCRIPT: usize = 64 << 10;

/// The model for a project under the options that were given.
pub(super) fn cost_model(project: &Project, options: &CostOptions) -> Result<CostModel, CliError> {
    let mut model = CostModel {
        profile: options
            .profile
            .as_deref()
            .map(read_profile)
            .transpose()?
            .unwrap_or_default(),
        scale: scale(project),
        parallelism: options.parallelism.unwrap_or(0),
        ..CostModel::default()
    };
    if let Some(name) = &options.runner_preset {
        let preset = preset(name)?;
        model.rates = preset.rates();
        model.price = Some(preset.price());
    }
    model.rates = model.rates.measured(&model.profile);
    for (option, speed, text) in [
        ("--download", Speed::Download, &options.download),
        ("--upload", Speed::Upload, &options.upload),
    ] {
        if let Some(text) = text {
            model.rates = model.rates.with(speed, rate(option, text)?, Origin::Given);
        }
    }
    if let Some(text) = &options.price {
        model.price = Some(Price::parse(text).ok_or_else(|| {
            CliError::usage(format!(
                "--price: \"{text}\" is no price; write 0.006 or 0.01EUR"
            ))
        })?);
    }
    Ok(model.under(&project.settings))
}

fn preset(name: &str) -> Result<&'static Preset, CliError> {
    Preset::by_name(name).ok_or_else(|| {
        let known: Vec<&str> = Preset::all().iter().map(|p| p.name).collect();
        CliError::usage(format!("--runner-preset: {name} is not known"))
            .with_help(format!("known are {}", known.join(", ")))
    })
}

fn rate(option: &str, text: &str) -> Result<u64, CliError> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    parse_size(number)
        .filter(|&bytes| bytes > 0)
        .ok_or_else(|| {
            CliError::usage(format!(
                "{option}: \"{text}\" is no rate; write 156MB for 156 million bytes a second"
            ))
        })
}

/// Reads a profile file.
pub(super) fn read_profile(path: &Path) -> Result<Profile, CliError> {
    let name = path.display();
    let text = fs::read_to_string(path)
        .map_err(|e| CliError::usage(format!("--profile: cannot read {name}")).with_source(e))?;
    profile::parse(&text).map_err(|e| CliError::usage(format!("--profile: {name}")).with_source(e))
}

/// The sizes that the newest build's lockfiles tell, and the scripts that its Dockerfile speaks of.
fn scale(project: &Project) -> Scale {
    let mut scale = Scale::default();
    let files = project.newest_files();
    for path in files.iter().filter(|p| is_lockfile(p)).take(MAX_LOCKFILES) {
        if let Some(bytes) = project.read_newest(path) {
            scale.add_lockfile(&path.to_string(), &String::from_utf8_lossy(&bytes));
        }
    }
    let mut texts = vec![project.newest_dockerfile()];
    while let Some(text) = texts.pop() {
        for path in spoken_of(&text, &files) {
            let name = path.to_string();
            if scale.scripts.len() >= MAX_SCRIPTS || scale.scripts.contains_key(&name) {
                continue;
            }
            let bytes = project.read_newest(path).filter(|b| b.len() <= MAX_SCRIPT);
            let script = bytes.and_then(|b| String::from_utf8(b).ok());
            if let Some(script) = script.filter(|text| shell::is_script(&name, text)) {
                texts.push(script.clone());
                scale.scripts.insert(name, script);
            }
        }
    }
    let mut names = ["GNUmakefile", "makefile", "Makefile"].iter();
    let makefile = names.find_map(|name| project.read_newest(&RepoPath::new(name)));
    let makefile = makefile.filter(|b| b.len() <= MAX_SCRIPT);
    scale.makefile = makefile.and_then(|b| String::from_utf8(b).ok());
    scale.is_go_vendored = files.contains(&RepoPath::new("vendor/modules.txt"));
    scale
}

/// The files that a text names as scripts are named: with a directory, or with an ending.
fn spoken_of<'f>(text: &str, files: &'f [RepoPath]) -> Vec<&'f RepoPath> {
    let is_end = |c: char| c.is_whitespace() || "\"'`;|&()[]{}<>=,".contains(c);
    let words = text.split(is_end).filter(|w| w.contains(['/', '.']));
    let names: BTreeSet<&[u8]> = words
        .filter_map(|w| w.rsplit('/').next())
        .map(str::as_bytes)
        .collect();
    let is_named = |path: &&RepoPath| path.file_name().is_some_and(|name| names.contains(name));
    files.iter().filter(is_named).collect()
}

/// Whether a file's name is that of a lockfile whose entries are counted.
pub(super) fn is_lockfile(path: &RepoPath) -> bool {
    let names: [&[u8]; 14] = [
        b"package-lock.json",
        b"npm-shrinkwrap.json",
        b"yarn.lock",
        b"pnpm-lock.yaml",
        b"bun.lock",
        b"poetry.lock",
        b"uv.lock",
        b"pdm.lock",
        b"Pipfile.lock",
        b"Cargo.lock",
        b"Gemfile.lock",
        b"composer.lock",
        b"go.sum",
        b"packages.lock.json",
    ];
    path.file_name().is_some_and(|name| {
        names.contains(&name) || name == b"mix.lock" || name.starts_with(b"requirements")
    })
}
