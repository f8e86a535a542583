//! `stratigraph calibrate`: logs to a profile.

use super::args::{CalibrateArgs, ProfileFormat};
use super::error::CliError;
use super::output::{Output, note};
use super::prices::read_profile;
use crate::cost::log::{Reading, read};
use crate::cost::{Calibration, Profile, calibrate, profile};
use crate::report::format::count;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// More of a log than this is not read; the reader says so itself from 256 MB on.
const MAX_LOG: u64 = 300 << 20;
/// More problems than this are counted, not listed.
const MAX_NOTES: usize = 20;

/// Carries the command out.
pub(super) fn run(args: &CalibrateArgs) -> Result<(), CliError> {
    let mut merged = Calibration::default();
    for path in &args.merge {
        merged.profile.merge(&read_profile(path)?);
    }
    let logs = args
        .logs
        .iter()
        .map(|path| read_log(path))
        .collect::<Result<Vec<_>, _>>()?;
    let found = calibrate(&logs);
    tell(&found.problems);
    if found.profile.sources.is_empty() {
        return Err(CliError::usage("none of the logs tells of a build")
            .with_help("docker build --progress plain or rawjson writes one"));
    }
    merged.profile.merge(&found.profile);
    let text = match args.format {
        ProfileFormat::Toml => profile::to_toml(&merged.profile),
        ProfileFormat::Json => profile::to_json(&merged.profile),
    };
    let mut output = Output::open(args.output.as_deref())?;
    output.write_all(text.as_bytes())?;
    output.finish()?;
    let n_builds: usize = logs.iter().map(|(_, reading)| reading.builds.len()).sum();
    let n_measured = found
        .profile
        .steps
        .values()
        .filter(|s| !s.runs.is_empty())
        .count();
    let (builds, steps) = (
        count(n_builds as u64, "build", "builds"),
        count(n_measured as u64, "step", "steps"),
    );
    note(&format!(
        "read {builds}; durations of {steps}{}",
        moved(&found.profile)
    ));
    Ok(())
}

/// What was found beside durations: sizes of layers, and speeds.
fn moved(profile: &Profile) -> String {
    let n_layers = profile.steps.values().filter(|s| !s.layer.is_empty());
    let layers = match n_layers.count() as u64 {
        0 => String::new(),
        n => format!(", sizes of {}", count(n, "layer", "layers")),
    };
    let speeds: Vec<&str> = profile.speeds.keys().map(|s| s.name()).collect();
    match speeds.as_slice() {
        [] => layers,
        speeds => format!("{layers}; speeds: {}", speeds.join(", ")),
    }
}

/// A log's name and what it tells; `-` is standard input.
pub(super) fn read_log(path: &Path) -> Result<(String, Reading), CliError> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let mut bytes = Vec::new();
    let result = if is_stdin {
        std::io::stdin()
            .lock()
            .take(MAX_LOG)
            .read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_LOG).read_to_end(&mut bytes))
    };
    result.map_err(|e| CliError::usage(format!("cannot read {name}")).with_source(e))?;
    // Profiles and reports name the file, not the machine's folders.
    let short = path
        .file_name()
        .filter(|_| !is_stdin)
        .map_or(name, |n| n.to_string_lossy().into_owned());
    Ok((short, read(&bytes)))
}

/// What could not be read, for the reader on standard error.
pub(super) fn tell(problems: &[String]) {
    problems
        .iter()
        .take(MAX_NOTES)
        .for_each(|problem| note(problem));
    if problems.len() > MAX_NOTES {
        note(&format!(
            "and {} more of the kind",
            problems.len() - MAX_NOTES
        ));
    }
}
