//! Where output goes: standard output, or a file that appears whole or not at all.

use super::error::{CliError, Kind};
use crate::report::terminal::Look;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Narrower reports are not laid out; they wrap.
const MIN_WIDTH: usize = 60;
/// Wider ones are hard to read.
const MAX_WIDTH: usize = 120;
/// Where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 100;

/// An open output. Standard output drops escape codes unless it is a terminal that wants colour.
pub(super) struct Output {
    sink: Sink,
}

enum Sink {
    Raw(BufWriter<io::Stdout>),
    Stdout(BufWriter<anstream::AutoStream<io::Stdout>>),
    File {
        temporary: BufWriter<NamedTempFile>,
        path: PathBuf,
    },
    /// A device or a pipe: it must be written to, not replaced by a file of its name.
    Special(BufWriter<File>),
}

impl Output {
    /// Opens `path`, or standard output for none and `-`.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, CliError> {
        let sink = match path {
            None => Sink::Stdout(BufWriter::new(anstream::stdout())),
            Some(path) if path == Path::new("-") => {
                Sink::Stdout(BufWriter::new(anstream::stdout()))
            }
            Some(path) if is_special(path) => {
                let file = File::options()
                    .write(true)
                    .open(path)
                    .map_err(|e| cannot_write(path, e))?;
                Sink::Special(BufWriter::new(file))
            }
            Some(path) => {
                let folder = path
                    .parent()
                    .filter(|p| !p.as_os_str().is_empty())
                    .unwrap_or(Path::new("."));
                let temporary = tempfile::Builder::new()
                    .prefix(".stratigraph-")
                    .tempfile_in(folder)
                    .map_err(|e| cannot_write(path, e))?;
                Sink::File {
                    temporary: BufWriter::new(temporary),
                    path: path.to_owned(),
                }
            }
        };
        Ok(Self { sink })
    }

    /// The same for output that machines read: nothing looks for escape codes in it.
    pub(super) fn open_raw(path: Option<&Path>) -> Result<Self, CliError> {
        match path {
            Some(path) if path != Path::new("-") => Self::open(Some(path)),
            _ => Ok(Self {
                sink: Sink::Raw(BufWriter::with_capacity(1 << 16, io::stdout())),
            }),
        }
    }

    /// Everything is written: puts the file in its place.
    pub(super) fn finish(self) -> Result<(), CliError> {
        match self.sink {
            Sink::Raw(mut stdout) => Ok(stdout.flush()?),
            Sink::Stdout(mut stdout) => Ok(stdout.flush()?),
            Sink::Special(mut file) => Ok(file.flush()?),
            Sink::File { temporary, path } => {
                let temporary = temporary
                    .into_inner()
                    .map_err(|e| cannot_write(&path, e.into_error()))?;
                readable_by_all(temporary.path()).map_err(|e| cannot_write(&path, e))?;
                temporary
                    .persist(&path)
                    .map_err(|e| cannot_write(&path, e.error))?;
                Ok(())
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::Raw(stdout) => stdout.write(bytes),
            Sink::Stdout(stdout) => stdout.write(bytes),
            Sink::Special(file) => file.write(bytes),
            Sink::File { temporary, .. } => temporary.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Raw(stdout) => stdout.flush(),
            Sink::Stdout(stdout) => stdout.flush(),
            Sink::Special(file) => file.flush(),
            Sink::File { temporary, .. } => temporary.flush(),
        }
    }
}

/// Whether something other than a file or a directory has that name: `/dev/null`, a named pipe.
fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir())
}

fn cannot_write(path: &Path, error: io::Error) -> CliError {
    CliError::new(Kind::Write, format!("could not write {}", path.display())).with_source(error)
}

/// A temporary file is private; the file that takes its place is an ordinary one.
#[cfg(unix)]
pub(super) fn readable_by_all(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
pub(super) fn readable_by_all(_: &Path) -> io::Result<()> {
    Ok(())
}

/// How a report to `path` may look: columns and colour.
pub(super) fn look(path: Option<&Path>) -> Look {
    let stdout = io::stdout();
    let asked = std::env::var("COLUMNS")
        .ok()
        .and_then(|c| c.parse::<usize>().ok())
        .filter(|&c| c > 0);
    let terminal = match path {
        None if stdout.is_terminal() => {
            terminal_size::terminal_size().map(|(w, _)| usize::from(w.0))
        }
        _ => None,
    };
    Look {
        width: terminal
            .or(asked)
            .unwrap_or(DEFAULT_WIDTH)
            .clamp(MIN_WIDTH, MAX_WIDTH),
        colour: path.is_none()
            && anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
    }
}

/// A line for the reader on standard error; losing it is no error.
pub(super) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}
