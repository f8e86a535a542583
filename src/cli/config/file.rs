//! Finds `stratigraph.toml` and reads it.

use super::super::args::ReplayOptions;
use super::super::error::CliError;
use super::schema::Config;
use super::schema::FILE_NAME;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

/// A longer file is no configuration.
const MAX_BYTES: u64 = 1 << 20;

/// The configuration, if there is one.
pub(in crate::cli) fn load(options: &ReplayOptions) -> Result<Option<Config>, CliError> {
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

#[cfg(test)]
mod tests {
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
}
