//! The edits that lift an install: what goes above, what is left.

use super::super::candidate::TextEdit;
use super::super::effect::destination;
use super::super::installs::{Action, relative};
use super::super::layout::is_made;
use super::super::moving::{block_of, line_end, without_blank_twin};
use super::super::run_text::run_flags;
use super::Lift;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

impl Lift<'_, '_> {
    /// The edits: what goes above, what is left.
    pub(in crate::restructure) fn edits(
        &self,
        copies: &[String],
        mounts: &[String],
    ) -> Option<Vec<TextEdit>> {
        let text = self.of.view.text();
        let stage = self.of.stage;
        let run = &stage.instructions[self.install.run];
        let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let block = |i: usize| block_of(text, stage, i);
        let ended = |piece: &str| {
            if piece.ends_with('\n') {
                piece.to_owned()
            } else {
                format!("{piece}{line_break}")
            }
        };
        let mut head = copies
            .iter()
            .fold(String::new(), |all, line| all + line + line_break);
        let run_block = block(self.install.run);
        let is_moved_whole = self.install.action == Action::Whole;
        head.push_str(&ended(
            &self
                .lifted(run, run_block, mounts)?
                .replace('\n', line_break)
                .replace("\r\r\n", "\r\n"),
        ));
        let mut edits = Vec::new();
        head.push_str(&self.cut_out(&self.late, &BTreeMap::new(), &mut edits));
        let rest: BTreeMap<usize, String> = match copies {
            [] => BTreeMap::new(),
            _ => self
                .stay
                .iter()
                .filter_map(|&i| Some((i, self.without_missing(i)?)))
                .collect(),
        };
        let only_copies = self
            .stay
            .iter()
            .all(|&i| matches!(stage.instructions[i].kind, Kind::Copy(_) | Kind::Add(_)));
        let is_tied = !copies.is_empty() || !self.twice.is_empty();
        let needy = self.needy.first().filter(|_| is_tied);
        let (at, below) = if let Some(&needy) = needy {
            // What is copied stands above the first that reads it; from there on nothing may change the directory.
            let (before, after): (BTreeSet<usize>, BTreeSet<usize>) =
                self.along.iter().partition(|i| **i < needy);
            let moves = |i: &usize| matches!(stage.instructions[*i].kind, Kind::Workdir(_));
            if after.iter().any(moves) || !rest.is_empty() {
                return None;
            }
            let n_copied = copies.iter().map(|l| l.len() + line_break.len()).sum();
            let none = BTreeMap::new();
            let later = self.cut_out(&after, &none, &mut edits);
            head.insert_str(n_copied, &later);
            head.insert_str(0, &self.cut_out(&before, &none, &mut edits));
            (block(self.first).start, String::new())
        } else if only_copies && self.stay.len() <= self.along.len() {
            // Shorter to say: the COPYs go below.
            for i in self.along.iter().filter(|i| self.loses_directory(**i)) {
                edits.push(TextEdit::insert(stage.instructions[*i].span.end, "/"));
            }
            let (again, stay) = self.stay.iter().partition(|i| self.is_said_again(**i));
            self.cut_out(&again, &BTreeMap::new(), &mut edits);
            (run_block.start, self.cut_out(&stay, &rest, &mut edits))
        } else {
            let none = BTreeMap::new();
            head.insert_str(0, &self.cut_out(&self.along, &none, &mut edits));
            let mut at = self.above_first();
            for (&i, line) in &rest {
                let span = stage.instructions[i].span;
                let is_first = span.start == at;
                let lead = if is_first { head.as_str() } else { "" };
                edits.push(TextEdit::replace(span, format!("{lead}{line}")));
                if is_first {
                    head.clear();
                    at = span.end;
                }
            }
            (at, String::new())
        };
        if at == run_block.start && is_moved_whole {
            edits.push(TextEdit::replace(run_block, format!("{head}{below}")));
            return Some(edits);
        }
        if !head.is_empty() || !below.is_empty() {
            edits.push(TextEdit::insert(at, format!("{head}{below}")));
        }
        if let Some((at, text)) = &self.install.inserted {
            edits.push(TextEdit::insert(*at, text.clone()));
        }
        let dropped = self.install.dropped.iter();
        edits.extend(dropped.map(|span| TextEdit::delete(*span)));
        match &self.install.action {
            Action::Whole => {
                // What goes just above it leaves one gap with it.
                let is_next =
                    |e: &TextEdit| e.replacement.is_empty() && e.span.end == run_block.start;
                let above = edits.iter().position(is_next).map(|n| edits.remove(n));
                let start = above.map_or(run_block.start, |e| e.span.start);
                // At the end of the file the blank line above it would be left.
                let above = line_end(text, text[..start].trim_end().len());
                let is_last = run_block.end == text.len() && above < start;
                let is_free = edits.iter().all(|e| e.span.end <= above);
                let start = if is_last && is_free { above } else { start };
                let gone = Span::new(start, run_block.end);
                edits.push(TextEdit::delete(without_blank_twin(text, gone)));
            }
            Action::Cut {
                tail_start,
                carried,
                ..
            } => {
                let kept = carried
                    .iter()
                    .fold(String::new(), |all, c| format!("{all}{c} && "));
                let flags = run_flags(text, run)?;
                let gap = gap_comments(text, &self.install.action);
                if let [body] = run.heredocs.as_slice() {
                    let lead = text.get(run.span.start..body.span.start)?;
                    let kept: String = carried.iter().map(|c| format!("{c}\n")).collect();
                    edits.push(TextEdit::replace(
                        Span::new(run.span.start, *tail_start),
                        format!("{lead}{kept}{gap}"),
                    ));
                } else if gap.is_empty() {
                    edits.push(TextEdit::replace(
                        Span::new(self.rest_start(run, run_block), *tail_start),
                        format!("RUN{flags} {kept}"),
                    ));
                } else {
                    edits.push(TextEdit::replace(
                        Span::new(self.rest_start(run, run_block), *tail_start),
                        format!("{gap}RUN{flags} {kept}"),
                    ));
                }
            }
            Action::Middle { gone, .. } => edits.push(TextEdit::delete(*gone)),
            Action::Prefetch(_) => {}
        }
        Some(edits)
    }

    /// Where what is left of a RUN that is cut begins: below its comments where those are about what goes above.
    fn rest_start(&self, run: &Instruction, block: Span) -> usize {
        match self.goes_with_comments(run, block) {
            true => block.start,
            false => run.span.start,
        }
    }

    /// Whether the comments above a RUN that is cut speak of what is installed, and of nothing that is left.
    fn goes_with_comments(&self, run: &Instruction, block: Span) -> bool {
        let text = self.of.view.text();
        let said = text.get(block.start..run.span.start).unwrap_or_default();
        run.heredocs.is_empty() && speaks_of_installs(said)
    }

    /// Whether the instruction right below the install is the same COPY again: once is enough there.
    fn is_said_again(&self, index: usize) -> bool {
        let (stage, places) = (self.of.stage, &self.of.places);
        let next = self.install.run + 1;
        let Some(below) = stage.instructions.get(next) else {
            return false;
        };
        let is_same = below.original == stage.instructions[index].original;
        let is_bare = block_of(self.of.view.text(), stage, index).start
            == stage.instructions[index].span.start;
        let brings = self.of.brings[index].is_some();
        is_same && is_bare && brings && places[index].cwd == places[next].cwd
    }

    /// A COPY that names its files one by one, without those that are copied before; `None` for any other, and where
    /// nothing changes.
    pub(super) fn without_missing(&self, i: usize) -> Option<String> {
        let instruction = &self.of.stage.instructions[i];
        let Kind::Copy(transfer) = &instruction.kind else {
            return None;
        };
        let is_known = |name: &str| matches!(name, "chown" | "chmod" | "link");
        let is_plain = !transfer.json
            && instruction.flags.iter().all(|f| is_known(&f.name))
            && instruction.lines.first == instruction.lines.last;
        if !is_plain || !self.brings_named_files(i) {
            return None;
        }
        let is_missing = |path: &String| {
            let path = RepoPath::new(path);
            let mut all = self.missing.iter();
            all.any(|(_, from, by)| *by == i && *from == path)
        };
        let sources = transfer.sources.iter().map(|source| match source {
            Source::Path(path) => Some(path.clone()),
            Source::Heredoc(_) => None,
        });
        let sources: Vec<String> = sources.collect::<Option<_>>()?;
        let left: Vec<String> = sources.iter().filter(|s| !is_missing(s)).cloned().collect();
        if left.is_empty() || left.len() == sources.len() {
            return None;
        }
        self.line(&left, &transfer.destination, i, "")
    }

    /// The blocks of `indices` one after the other, those in `instead` with another instruction, and the edits that take
    /// them away, neighbours in one.
    pub(super) fn cut_out(
        &self,
        indices: &BTreeSet<usize>,
        instead: &BTreeMap<usize, String>,
        edits: &mut Vec<TextEdit>,
    ) -> String {
        let text = self.of.view.text();
        let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut taken = String::new();
        let mut spans: Vec<Span> = Vec::new();
        for &i in indices {
            let span = self.block_to_move(i, indices);
            // Neighbours that go together keep the blank lines between them.
            let gap = spans.last().and_then(|last| text.get(last.end..span.start));
            let gap = gap.filter(|gap| gap.trim().is_empty() && !self.twice.contains(&i));
            taken.push_str(gap.unwrap_or_default());
            match instead.get(&i) {
                Some(line) => {
                    let own = self.of.stage.instructions[i].span;
                    taken.push_str(&text[span.start..own.start]);
                    taken.push_str(line);
                    taken.push_str(&text[own.end..span.end]);
                }
                None if self.along.contains(&i) && self.loses_directory(i) => {
                    let end = self.of.stage.instructions[i].span.end;
                    taken.push_str(&text[span.start..end]);
                    taken.push('/');
                    taken.push_str(&text[end..span.end]);
                }
                None => taken.push_str(&text[span.range()]),
            }
            if !taken.ends_with('\n') {
                taken.push_str(line_break);
            }
            if self.twice.contains(&i) {
                continue;
            }
            match spans.last_mut() {
                Some(last) if text[last.end..span.start].trim().is_empty() => last.end = span.end,
                _ => spans.push(span),
            }
        }
        edits.extend(
            spans
                .into_iter()
                .map(|s| TextEdit::delete(without_blank_twin(text, s))),
        );
        taken
    }

    /// Where what goes above the first that is passed begins: below a comment over a copy that is about the install.
    fn above_first(&self) -> usize {
        let (text, stage) = (self.of.view.text(), self.of.stage);
        let block = block_of(text, stage, self.first);
        let first = &stage.instructions[self.first];
        let is_copy = matches!(first.kind, Kind::Copy(_) | Kind::Add(_));
        match is_copy && speaks_of_installs(&text[block.start..first.span.start]) {
            true => first.span.start,
            false => block.start,
        }
    }

    /// The block of instruction `i`, where `indices` go away: without a comment above it that names none of its files, and
    /// stands over copies which stay or is about the install.
    fn block_to_move(&self, i: usize, indices: &BTreeSet<usize>) -> Span {
        let (text, stage) = (self.of.view.text(), self.of.stage);
        let block = block_of(text, stage, i);
        let own = stage.instructions[i].span;
        let said = &text[block.start..own.start];
        let copied = |n: usize| match &stage.instructions.get(n)?.kind {
            Kind::Copy(transfer) | Kind::Add(transfer) => Some(transfer),
            _ => None,
        };
        let names_it = copied(i).is_none_or(|transfer| {
            transfer.sources.iter().any(|source| match source {
                Source::Path(path) => said.contains(path.rsplit('/').next().unwrap_or(path)),
                Source::Heredoc(_) => true,
            })
        });
        let mut rest = (i + 1..).take_while(|&n| {
            let is_next = |p: usize| block_of(text, stage, n).start == line_end(text, p);
            copied(n).is_some()
                && block_of(text, stage, n).start == stage.instructions[n].span.start
                && is_next(stage.instructions[n - 1].span.end)
        });
        let is_of_all = [
            "cache",
            "dependenc",
            "files",
            "install",
            "layer",
            "manifest",
        ];
        let is_of_all = is_of_all.iter().any(|w| said.contains(w));
        let is_of_others =
            speaks_of_installs(said) || is_of_all && rest.any(|n| !indices.contains(&n));
        match !said.is_empty() && !names_it && is_of_others {
            true => Span::new(own.start, block.end),
            false => block,
        }
    }

    /// Whether COPY `i` brings a file into a directory by its bare name, which an instruction above makes: where that goes
    /// below, the file would have the directory's name.
    fn loses_directory(&self, i: usize) -> bool {
        let instruction = &self.of.stage.instructions[i];
        let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
            return false;
        };
        let to = destination(transfer, &self.of.places[i]);
        let is_bare = !transfer.json
            && transfer.sources.len() == 1
            && !transfer.destination.ends_with(['/', '.', '"', '\'']);
        is_bare && to.is_some_and(|to| is_made(&self.of.places[i], &to))
    }

    /// The text of the RUN at its new place.
    pub(super) fn lifted(
        &self,
        run: &Instruction,
        block: Span,
        mounts: &[String],
    ) -> Option<String> {
        let text = self.of.view.text();
        let flags = mounts
            .iter()
            .fold(run_flags(text, run)?, |all, m| format!("{all} {m}"));
        let here = self.of.cwd(self.install.run);
        let way = if self.cwd == here {
            None
        } else {
            Some(
                relative(here, &self.cwd)
                    .filter(|r| !r.is_empty() && self.of.is_set(self.install.run, &self.cwd))
                    .unwrap_or_else(|| here.to_owned()),
            )
        };
        let cd = way.map(|w| format!("cd {w} && ")).unwrap_or_default();
        match &self.install.action {
            Action::Whole if cd.is_empty() && mounts.is_empty() => {
                Some(text.get(block.range())?.to_owned())
            }
            Action::Whole => {
                if !run.heredocs.is_empty() {
                    return None;
                }
                let after = run.flags.last().map_or(run.span.start + 3, |f| f.span.end);
                let comments = text.get(block.start..run.span.start)?;
                Some(format!(
                    "{comments}RUN{flags} {cd}{}",
                    text.get(after..run.span.end)?.trim_start()
                ))
            }
            Action::Cut { head_end, then, .. } if !run.heredocs.is_empty() => {
                let [body] = run.heredocs.as_slice() else {
                    return None;
                };
                // Mounts go to the first line, which is as written.
                let lead = text.get(run.span.start..body.span.start)?;
                let lead = lead.strip_prefix("RUN").filter(|_| mounts.is_empty())?;
                let cd = if cd.is_empty() {
                    String::new()
                } else {
                    format!("{}\n", cd.trim_end_matches(" && "))
                };
                let then: String = then.iter().map(|t| format!("{t}\n")).collect();
                let head = text.get(body.span.start..*head_end)?.trim_end();
                Some(format!("RUN{lead}{cd}{head}\n{then}{}", body.name))
            }
            Action::Cut { head_end, then, .. } => {
                let after = run.flags.last().map_or(run.span.start + 3, |f| f.span.end);
                let then = then.iter().map(|t| format!(" && {t}")).collect::<String>();
                let comments = match self.goes_with_comments(run, block) {
                    true => text.get(block.start..run.span.start)?,
                    false => "",
                };
                Some(format!(
                    "{comments}RUN{flags} {cd}{}{then}",
                    text.get(after..*head_end)?.trim_start()
                ))
            }
            Action::Middle { head, lead, .. } => {
                let lead = lead.iter().fold(String::new(), |all, l| all + l + " && ");
                Some(format!("RUN{flags} {cd}{lead}{}", text.get(head.range())?))
            }
            Action::Prefetch(line) => {
                let escape = self.of.view.dockerfile.escape;
                // A line that says itself where it runs.
                let there = line.strip_prefix("cd /").and_then(|l| l.split_once(" && "));
                let (cd, line) = match there {
                    None => (cd, line.as_str()),
                    Some((dir, rest)) if format!("/{dir}") == self.cwd => (String::new(), rest),
                    Some(_) => (String::new(), line.as_str()),
                };
                Some(format!(
                    "RUN{flags} {cd}{}",
                    line.replace("\\\n", &format!("{escape}\n"))
                ))
            }
        }
    }
}

/// Comment lines between the two parts of a cut chain: they speak of the second.
pub(super) fn gap_comments(text: &str, action: &Action) -> String {
    let Action::Cut {
        head_end,
        tail_start,
        ..
    } = action
    else {
        return String::new();
    };
    let lines = text[*head_end..*tail_start]
        .lines()
        .map(str::trim)
        .filter(|l| l.starts_with('#'));
    lines.fold(String::new(), |all, l| all + l + "\n")
}

/// Whether comments speak of what is installed, and of nothing that is done besides.
fn speaks_of_installs(said: &str) -> bool {
    const OF_INSTALLS: [&str; 5] = ["install", "dependenc", "package", "requirement", "gems"];
    const OF_OTHERS: [&str; 11] = [
        "add ", "and ", "asset", "build", "compil", "copy", "copies", "file", "hadolint", "source",
        "test",
    ];
    let said = said.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|w| said.contains(w));
    says(&OF_INSTALLS) && !says(&OF_OTHERS)
}
