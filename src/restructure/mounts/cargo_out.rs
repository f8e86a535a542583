//! What a build with Cargo puts elsewhere of what it compiles, and what of it throws the rest away, which a mount is to keep.

use super::super::candidate::TextEdit;
use super::super::installs::StageView;
use super::super::moving::{block_of, without_blank_twin};
use super::super::run_text::run_text;
use super::cargo_work::{Work, is_a_row, is_below, meets, place_of};
use crate::dockerfile::Span;
use crate::shell::{Connector, Piece, Seen};

/// Commands that leave a file as it is, or as it is after the first time.
const LEAVES: &[&str] = &[
    "[",
    "basename",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "dirname",
    "du",
    "echo",
    "file",
    "grep",
    "ldd",
    "ls",
    "md5sum",
    "mkdir",
    "nm",
    "printf",
    "readelf",
    "readlink",
    "realpath",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "size",
    "stat",
    "strings",
    "strip",
    "test",
    "wasm-bindgen",
];

/// What a build puts elsewhere of what it compiles.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Out {
    Nothing,
    /// Files by their names.
    Named,
    /// All that is there, of earlier builds too.
    Found,
}

/// The end of a build: what it puts elsewhere, and the pieces of its RUNs that only throw away what it compiled.
pub(super) struct End {
    pub(super) out: Out,
    /// By RUN and piece.
    dropped: Vec<(usize, usize)>,
}

/// How the RUNs of `work` end; `None` where they may throw away what is used, or leave what points to it. `is_image` says
/// whether their stage is the image itself, which is to have nothing more in it.
pub(super) fn end_of(of: &StageView<'_>, work: &Work, is_image: bool) -> Option<End> {
    let mut end = End {
        out: Out::Nothing,
        dropped: Vec::new(),
    };
    let at = &work.at;
    let mut has_built = false;
    for run in work.runs() {
        let text = run_text(of.view, &of.stage.instructions[run])?;
        let seen = text.script.seen();
        for (n, piece) in text.script.pieces.iter().enumerate() {
            let own = |s: &&Seen| (piece.commands.0..piece.commands.1).contains(&s.command);
            let own: Vec<&Seen> = seen.iter().filter(own).collect();
            let words = |s: &'_ Seen| -> Vec<String> {
                let words = s.args().iter().filter(|w| !w.starts_with('-'));
                words.cloned().collect()
            };
            let is_there = |s: &Seen, w: &String| meets(of, run, s, w, at);
            let throws = |s: &&Seen| match s.name() {
                "cargo" => s.subcommand() == "clean",
                "rm" => words(s).iter().any(|w| is_there(s, w)),
                _ => false,
            };
            if own.iter().copied().any(|s| throws(&s)) {
                let is_all = |s: &&&Seen| {
                    let is_in_it = |w: &String| match is_image {
                        true => place_of(of, run, s, w).is_some_and(|p| p == *at),
                        false => is_there(s, w),
                    };
                    s.name() == "cargo"
                        && !s
                            .args()
                            .iter()
                            .any(|w| w.starts_with("-p") || w.starts_with("--package"))
                        || s.name() == "rm" && words(s).iter().all(is_in_it)
                };
                let is_part = |s: &&&Seen| {
                    let mut words = words(s).into_iter().filter(|w| is_there(s, w));
                    s.name() == "rm" && words.all(|w| is_below(of, run, s, &w, at))
                };
                if has_built && own.iter().all(|s| throws(s) && is_all(&s)) {
                    end.dropped.push((run, n));
                } else if has_built || !own.iter().filter(|s| throws(s)).all(|s| is_part(&s)) {
                    return None;
                }
                continue;
            }
            for seen in own {
                let words = words(seen);
                let meets = |w: &String| is_there(seen, w);
                // What comes after it would find what was thrown away.
                let goes_on = seen.name() == "cargo" || words.iter().any(meets);
                if goes_on && !end.dropped.is_empty() {
                    return None;
                }
                has_built |= seen.name() == "cargo";
                // Of what a variable names in it, as much is known: `target/$PROFILE/app`.
                let is_part = |w: &String| match place_of(of, run, seen, w) {
                    Some(_) => is_below(of, run, seen, w, at),
                    None => !w.trim_end_matches('/').ends_with("target"),
                };
                end.out = end.out.max(out_of(seen, &words, &meets, &is_part)?);
            }
        }
    }
    Some(end)
}

/// What one command puts elsewhere; `None` where it leaves what points to it, or moves the mount itself.
fn out_of(
    seen: &Seen,
    words: &[String],
    is_there: &dyn Fn(&String) -> bool,
    is_part: &dyn Fn(&String) -> bool,
) -> Option<Out> {
    let has = || words.iter().any(is_there);
    let is_open = |w: &String| {
        let path = w.trim_end_matches('/');
        let last = path.rsplit('/').next().unwrap_or(path);
        path.contains(['*', '?', '[']) || path.ends_with("/release") || last.contains('$')
    };
    Some(match seen.name() {
        "cargo" if seen.subcommand() == "install" => Out::Named,
        "find" if has() => {
            let does = |what: &[&str]| seen.args().iter().any(|w| what.contains(&w.as_str()));
            if does(&["-delete", "ln", "rm"]) {
                return None;
            }
            match does(&["cp", "install", "mv"]) {
                true => Out::Found,
                false => Out::Nothing,
            }
        }
        "ln" | "rsync" if has() => return None,
        "mv" if words
            .iter()
            .any(|w| is_there(w) && !is_part(w) && !w.contains('*')) =>
        {
            return None;
        }
        "cp" | "install" | "mv" => {
            let named = words.iter().filter(|w| is_there(w));
            let kinds = named.map(|w| match is_open(w) || !is_part(w) {
                true => Out::Found,
                false => Out::Named,
            });
            kinds.max().unwrap_or(Out::Nothing)
        }
        "cargo" => Out::Nothing,
        // Done once more to what Cargo has left as it is, it fails or makes something else (`upx`, `objcopy`).
        name if !LEAVES.contains(&name) && has() => return None,
        _ => Out::Nothing,
    })
}

impl End {
    /// The lines of the RUNs of which something goes.
    pub(super) fn lines(&self, of: &StageView<'_>) -> Vec<usize> {
        let line = |(run, _): &(usize, usize)| of.stage.instructions[*run].lines.first;
        let mut lines: Vec<usize> = self.dropped.iter().map(line).collect();
        lines.dedup();
        lines
    }

    /// The edits that make one RUN of those of `work`, without what throws away what they compiled, and with `command` at
    /// the end.
    pub(super) fn edits(
        &self,
        of: &StageView<'_>,
        work: &Work,
        command: Option<&str>,
    ) -> Option<Vec<TextEdit>> {
        let (view, stage) = (of.view, of.stage);
        let mut edits = Vec::new();
        // Where the last command that stays ends, and how that is joined to the one before.
        let mut last: Option<(usize, String)> = None;
        for run in work.runs() {
            let step = &stage.instructions[run];
            let text = run_text(view, step).filter(|_| step.heredocs.is_empty())?;
            if !is_a_row(&text)
                && (!work.joined.is_empty() || !self.dropped.is_empty() || command.is_some())
            {
                return None;
            }
            let pieces = &text.script.pieces;
            let is_dropped = |n: usize| self.dropped.contains(&(run, n));
            if (0..pieces.len()).all(is_dropped) {
                let block = block_of(view.text(), stage, run);
                edits.push(TextEdit::delete(without_blank_twin(view.text(), block)));
                continue;
            }
            if is_dropped(0) {
                return None;
            }
            for n in (1..pieces.len()).filter(|n| is_dropped(*n)) {
                let span = Span::new(pieces[n - 1].span.end, pieces[n].span.end);
                let is_plain = text
                    .text
                    .get(span.range())
                    .is_some_and(|t| !t.contains('#'));
                let is_last = n + 1 == pieces.len();
                if !is_plain || pieces[n].connector != Connector::And && !is_last {
                    return None;
                }
                let span = Span::new(text.start + span.start, text.start + span.end);
                edits.push(TextEdit::delete(span));
            }
            if let Some((end, _)) = &last {
                edits.push(join(of, *end, run)?);
            }
            let stays: Vec<usize> = (0..pieces.len()).filter(|n| !is_dropped(*n)).collect();
            let (&n, before) = stays.split_last()?;
            let gap = gap_before(text.text, pieces, before.last().copied(), n);
            let escape = view.dockerfile.escape;
            let gap = match gap {
                Some(gap) => gap.to_owned(),
                None if run != work.run || text.text.trim().contains('\n') => {
                    format!(" {escape}\n    && ")
                }
                None => " && ".to_owned(),
            };
            // The next one is joined behind all that stood here, of which the end may be gone.
            let whole = pieces.last().map_or(0, |p| p.span.end);
            last = Some((text.start + whole, gap.clone()));
            if let Some(command) = command.filter(|_| self.is_last(of, work, run)) {
                let end = text.start + pieces[n].span.end;
                edits.push(TextEdit::insert(end, format!("{gap}{command}")));
            }
        }
        Some(edits)
    }

    /// Whether RUN `run` is the last of which something stays.
    fn is_last(&self, of: &StageView<'_>, work: &Work, run: usize) -> bool {
        let stays = |n: &usize| {
            let text = run_text(of.view, &of.stage.instructions[*n]);
            let n_pieces = text.map_or(0, |t| t.script.pieces.len());
            !(0..n_pieces).all(|piece| self.dropped.contains(&(*n, piece)))
        };
        work.runs().filter(stays).last() == Some(run)
    }
}

/// What joins piece `n` to the one that stays before it, where that is `&&` and no comment.
fn gap_before<'t>(
    text: &'t str,
    pieces: &[Piece],
    before: Option<usize>,
    n: usize,
) -> Option<&'t str> {
    let before = before.filter(|b| b + 1 == n && pieces[n].connector == Connector::And)?;
    let gap = text.get(pieces[before].span.end..pieces[n].span.start)?;
    (!gap.contains('#')).then_some(gap)
}

/// The keyword of RUN `run`, with its flags and what stands between it and `end`, becomes `&&`; comments stay.
fn join(of: &StageView<'_>, end: usize, run: usize) -> Option<TextEdit> {
    let view = of.view;
    let step = &of.stage.instructions[run];
    let text = run_text(view, step)?;
    let first = text.script.pieces.first()?;
    let start = text.start + first.span.start;
    let between = view.text().get(end..step.span.start)?;
    let comments: Vec<&str> = between
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    if !comments.iter().all(|l| l.starts_with('#')) {
        return None;
    }
    let line_break = if view.text().contains("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let comments: String = comments
        .iter()
        .map(|l| format!("{l}{line_break}"))
        .collect();
    let escape = view.dockerfile.escape;
    let joined = format!(" && {escape}{line_break}{comments}    ");
    Some(TextEdit::replace(Span::new(end, start), joined))
}
