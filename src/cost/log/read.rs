//! A log of any kind to the builds it tells of. Kinds may be mixed, cut and repeated: each line goes where its shape says.

use super::archive;
use super::archive::Unpacked;
use super::build::Format;
use super::build::LogBuild;
use super::build::Reading;
use super::clean::Line;
use super::clean::lines;
use super::plain::Plain;
use super::rawjson::RawJson;
use super::record;
use super::sequential::Sequential;
use super::sequential::head;
use super::side;

/// More of a log than this is not read.
const MAX_BYTES: usize = 256 << 20;
/// More builds than this are not read.
const MAX_BUILDS: usize = 10_000;

/// Reads a log. Never fails: what could not be read is in [`Reading::problems`], and a text that is no log at all yields
/// no build and says so.
pub fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let shown = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    if shown.len() < bytes.len() {
        reading
            .problems
            .push(format!("Only the first {} MB were read.", MAX_BYTES >> 20));
    }
    let unpacked = match archive::unpack(shown, &mut reading.problems) {
        Some(Unpacked::Files(files)) => {
            record::read(&files, &mut reading);
            return reading;
        }
        Some(Unpacked::Text(text)) => Some(text),
        None => None,
    };
    let shown = unpacked.as_deref().unwrap_or(shown);
    let text = String::from_utf8_lossy(shown);
    if matches!(text, std::borrow::Cow::Owned(_)) {
        reading
            .problems
            .push("The log holds bytes that are no UTF-8; they were replaced.".to_owned());
    }
    if text.trim_start().starts_with('{') {
        reading.sizes = side::document(&text);
    }
    let mut reader = Reader::default();
    for line in lines(&text) {
        reader.line(&line, &mut reading);
    }
    reader.finish(&mut reading);
    if reading.builds.is_empty() && reading.sizes.is_empty() {
        let known = "BuildKit's plain or rawjson progress and its build records (docker buildx history export), the \
                     classic builder's or Buildah's output, docker history in JSON";
        reading
            .problems
            .push(format!("No build was found. Known are: {known}."));
    }
    reading
}

/// The build being read, of whichever kind.
#[derive(Default)]
struct Reader {
    plain: Option<Plain>,
    raw: Option<RawJson>,
    sequential: Option<Sequential>,
    n_left_out: usize,
    n_broken: usize,
}

impl Reader {
    fn line(&mut self, line: &Line, reading: &mut Reading) {
        let text = line.text.trim();
        if text.starts_with('{') {
            if let Some(status) = RawJson::parse(text) {
                if self.raw.as_ref().is_some_and(|r| r.is_restart(&status)) {
                    self.end_raw(reading);
                }
                self.raw.get_or_insert_default().status(status);
                return;
            }
            if let Some(size) = side::history_line(text) {
                reading.sizes.push(size);
                return;
            }
            self.n_broken +=
                usize::from(text.contains("\"vertexes\"") || text.contains("\"statuses\""));
        }
        if let Some((number, rest)) = Plain::number(text) {
            if self
                .plain
                .as_ref()
                .is_some_and(|p| p.is_restart(number, rest))
            {
                self.end_plain(reading);
            }
            self.plain.get_or_insert_default().line(number, rest, line);
            return;
        }
        if let Some(head) = head(text) {
            if self
                .sequential
                .as_ref()
                .is_some_and(|s| s.is_restart(&head))
            {
                self.end_sequential(reading);
            }
            self.sequential
                .get_or_insert_with(|| Sequential::new(head.format))
                .step(head, line);
            return;
        }
        if let Some(sequential) = &mut self.sequential {
            sequential.other(line);
        }
        if let Some(plain) = &mut self.plain {
            plain.other(line);
        }
        if let Some(raw) = &mut self.raw {
            raw.other(text);
        }
    }

    fn keep(&mut self, build: Option<LogBuild>, reading: &mut Reading) {
        match build {
            Some(_) if reading.builds.len() >= MAX_BUILDS => self.n_left_out += 1,
            Some(build) => reading.builds.push(build),
            None => {}
        }
    }

    fn end_plain(&mut self, reading: &mut Reading) {
        let build = self.plain.take().and_then(Plain::finish);
        self.keep(build, reading);
    }

    fn end_raw(&mut self, reading: &mut Reading) {
        let build = self.raw.take().and_then(|r| r.finish(Format::RawJson));
        self.keep(build, reading);
    }

    fn end_sequential(&mut self, reading: &mut Reading) {
        let build = self.sequential.take().and_then(Sequential::finish);
        self.keep(build, reading);
    }

    fn finish(mut self, reading: &mut Reading) {
        self.end_plain(reading);
        self.end_raw(reading);
        self.end_sequential(reading);
        if self.n_broken > 0 {
            reading.problems.push(format!(
                "{} lines of progress are cut or damaged; they were left out.",
                self.n_broken
            ));
        }
        if self.n_left_out > 0 {
            reading
                .problems
                .push(format!("Only the first {MAX_BUILDS} builds were read."));
        }
    }
}
