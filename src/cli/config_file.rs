//! Finds `stratigraph.toml`, reads it, and fills in what the command line left open.

use super::args::Command;
use super::args::ReplayOptions;
use super::config::Config;
use super::config::FILE_NAME;
use super::config::Image;
use super::error::CliError;
use super::hint::nearest;
use super::output::note;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

/// A longer file is no configuration.
const MAX_BYTES: u64 = 1 << 20;

/// Fills in every option that the configuration knows; `comment` does it itself, once per image.
pub(super) fn fill(command: &mut Command) -> Result<(), CliError> {
    let (replay, profile) = match command {
        Command::Analyze(args) => {
            // `analyze REPO` names the repository in another place.
            if let Some(path) = args.path.take() {
                args.replay.repo = path;
            }
            (&mut args.replay, Some(&mut args.cost.profile))
        }
        Command::Compare(args) => {
            if let Some(config) = load(&args.replay)? {
                let limits = config.thresholds;
                args.fail_if_slower = args.fail_if_slower.take().or(limits.fail_if_slower);
                args.max_rebuild = args.max_rebuild.take().or(limits.max_rebuild);
                args.fail_if_unknown |= limits.fail_if_unknown;
            }
            (&mut args.replay, Some(&mut args.cost.profile))
        }
        Command::Suggest(args) => (&mut args.replay, Some(&mut args.cost.profile)),
        Command::Explain(args) => (&mut args.replay, None),
        Command::Verify(args) => (&mut args.replay, None),
        Command::Replay(args) => (&mut args.replay, None),
        Command::Comment(_)
        | Command::Calibrate(_)
        | Command::Graph(_)
        | Command::Demo(_)
        | Command::Completions { .. }
        | Command::Man => return Ok(()),
    };
    let Some(config) = load(replay)? else {
        return Ok(());
    };
    let image = chosen(&config, replay)?;
    config.fill(image, replay);
    if let Some(profile) = profile {
        *profile = profile
            .take()
            .or_else(|| config.profile(image).map(Path::to_owned));
    }
    Ok(())
}

/// The configuration, if there is one.
pub(super) fn load(options: &ReplayOptions) -> Result<Option<Config>, CliError> {
    if options.no_config {
        return Ok(None);
    }
    let path = match &options.config {
        Some(path) => path.clone(),
        None => match find(&options.repo) {
            Some(path) => path,
            None if options.image.is_some() => {
                let message = format!("--image asks for a {FILE_NAME}, and there is none");
                return Err(CliError::usage(message));
            }
            None => return Ok(None),
        },
    };
    let unreadable = |e| CliError::usage(format!("cannot read {}", path.display())).with_source(e);
    let mut text = String::new();
    let file = fs::File::open(&path).map_err(unreadable)?;
    file.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > MAX_BYTES {
        let message = format!("{} is larger than {MAX_BYTES} bytes", path.display());
        return Err(CliError::usage(message));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    Config::parse(&text, &path.display().to_string(), folder).map(Some)
}

/// The file at the root of the worktree that `start` is in; a bare repository has none.
fn find(start: &Path) -> Option<PathBuf> {
    let start = fs::canonicalize(start).ok()?;
    let root = start
        .ancestors()
        .find(|folder| folder.join(".git").exists())?;
    let path = root.join(FILE_NAME);
    let named_briefly = || {
        std::env::current_dir()
            .ok()
            .filter(|d| d == root)
            .map(|_| FILE_NAME.into())
    };
    path.is_file().then(|| named_briefly().unwrap_or(path))
}

/// The image that is meant: by `--image`, by `--file`, or the first.
fn chosen<'a>(config: &'a Config, options: &ReplayOptions) -> Result<Option<&'a Image>, CliError> {
    let images = &config.images;
    if let Some(name) = &options.image {
        return images
            .iter()
            .find(|i| i.name == *name)
            .map(Some)
            .ok_or_else(|| unknown(config, name));
    }
    if let Some(file) = &options.file {
        return Ok(images.iter().find(|i| i.dockerfile == *file));
    }
    // A Dockerfile given by value is not one of the repository's.
    if options.pin.is_some() {
        return Ok(None);
    }
    if let [first, _, ..] = images.as_slice() {
        note(&format!(
            "note: the first of {} images, `{}`; --image names another",
            images.len(),
            first.name
        ));
    }
    Ok(images.first())
}

/// `--image` that the configuration does not have.
pub(super) fn unknown(config: &Config, name: &str) -> CliError {
    let names: Vec<&str> = config.images.iter().map(|i| i.name.as_str()).collect();
    let error = CliError::usage(format!(
        "--image {name}: the configuration has no such image"
    ));
    match nearest(name, names.iter().copied()) {
        Some(meant) => error.with_help(format!("did you mean `{meant}`?")),
        None => error.with_help(format!("it has: {}", names.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::args::replay_options;
    use super::*;

    #[test]
    fn the_file_is_found_upwards_at_the_worktrees_root_only() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(root.path().join(FILE_NAME), "").unwrap();
        assert_eq!(find(&deep), None);
        fs::create_dir(root.path().join(".git")).unwrap();
        assert_eq!(
            find(&deep),
            Some(fs::canonicalize(root.path()).unwrap().join(FILE_NAME))
        );
    }

    #[test]
    fn the_image_is_chosen_by_name_by_file_or_first() {
        let text = "[[image]]\ndockerfile = \"a\"\n[[image]]\nname = \"web\"\ndockerfile = \"b\"";
        let config = Config::parse(text, FILE_NAME, Path::new("")).unwrap();
        let check = |words: &[&str], dockerfile: Option<&str>| {
            let image = chosen(&config, &replay_options(words)).unwrap();
            assert_eq!(
                image.map(|i| i.dockerfile.as_str()),
                dockerfile,
                "{words:?}"
            );
        };
        check(&[], Some("a"));
        check(&["--image", "web"], Some("b"));
        check(&["-f", "b"], Some("b"));
        check(&["-f", "c"], None);
        check(&["--pin", "x"], None);
        let error = chosen(&config, &replay_options(&["--image", "wbe"]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("did you mean `web`?"), "{error}");
    }
}
