//! What the file says fills in what the command line left open: command line, then file, then defaults.

use super::super::args::Command;
use super::super::args::ReplayOptions;
use super::super::error::CliError;
use super::super::hint::nearest;
use super::super::output::note;
use super::file::load;
use super::schema::Config;
use super::schema::Image;
use std::path::Path;

/// Fills in every option that the configuration knows; `comment` does it itself, once per image.
pub(in crate::cli) fn fill(command: &mut Command) -> Result<(), CliError> {
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

impl Config {
    /// Fills in what the command line left open, for `image` or, without one, for the whole repository.
    pub(in crate::cli) fn fill(&self, image: Option<&Image>, options: &mut ReplayOptions) {
        let own = image.map(|i| &i.replay);
        let all = &self.replay;
        if let Some(image) = image {
            options.file.get_or_insert_with(|| image.dockerfile.clone());
            options.context = options.context.take().or_else(|| image.context.clone());
            options.target = options.target.take().or_else(|| image.target.clone());
            // The last of a place wins, so the command line's go to the end.
            options
                .run_output
                .splice(0..0, image.run_output.iter().cloned());
        }
        let mut args = all.args.clone();
        args.extend(own.into_iter().flat_map(|r| r.args.clone()));
        options
            .build_arg
            .splice(0..0, args.into_iter().map(|(k, v)| format!("{k}={v}")));
        options.builder = options
            .builder
            .or(own.and_then(|r| r.builder))
            .or(all.builder);
        options.platform = options
            .platform
            .take()
            .or_else(|| own.and_then(|r| r.platform.clone()))
            .or_else(|| all.platform.clone());
        options.git_dir = options
            .git_dir
            .or(own.and_then(|r| r.git_dir))
            .or(all.git_dir);
        options.run_outputs = options
            .run_outputs
            .or(own.and_then(|r| r.run_outputs))
            .or(all.run_outputs);
        options.runner = options.runner.or(own.and_then(|r| r.runner)).or(all.runner);
        options.cache_export = options
            .cache_export
            .or(own.and_then(|r| r.cache_export))
            .or(all.cache_export);
        let is_listed = options.commits.is_some() || options.builds.is_some();
        if !is_listed
            && options.last.is_none()
            && options.since.is_none()
            && options.range.is_none()
        {
            options.last = self.last;
            options.since = self.since.clone();
        }
    }

    /// The profile for `image`, unless the command line names one.
    pub(in crate::cli) fn profile<'a>(&'a self, image: Option<&'a Image>) -> Option<&'a Path> {
        let own = image.and_then(|i| i.replay.profile.as_deref());
        own.or(self.replay.profile.as_deref())
    }
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
pub(in crate::cli) fn unknown(config: &Config, name: &str) -> CliError {
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
    use super::super::super::args::ExportName;
    use super::super::super::args::GitDir;
    use super::super::super::args::RunnerName;
    use super::super::super::args::replay_options;
    use super::super::schema::FILE_NAME;
    use super::*;

    const FILE: &str = r#"
[[image]]
dockerfile = "web/Dockerfile"
args = { NODE_ENV = "production" }
runner = "ephemeral"
cache-export = "min"

[replay]
git-dir = "excluded"
args = { NODE_ENV = "test", CI = "1" }
last = 200
"#;

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

    #[test]
    fn the_command_line_goes_first_then_the_image_then_the_file() {
        let config = Config::parse(FILE, FILE_NAME, Path::new("/r")).unwrap();
        let mut options = replay_options(&["--runner", "persistent", "--build-arg", "CI=2"]);
        config.fill(Some(&config.images[0]), &mut options);
        assert_eq!(options.runner, Some(RunnerName::Persistent));
        assert_eq!(options.cache_export, Some(ExportName::Min));
        assert_eq!(options.git_dir, Some(GitDir::Excluded));
        assert_eq!(options.build_arg, ["CI=1", "NODE_ENV=production", "CI=2"]);
        assert_eq!(
            (options.file.as_deref(), options.last),
            (Some("web/Dockerfile"), Some(200))
        );
        let mut options = replay_options(&["--range", "a..b", "-f", "x"]);
        config.fill(None, &mut options);
        assert_eq!((options.last, options.file.as_deref()), (None, Some("x")));
    }
}
