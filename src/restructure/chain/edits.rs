//! The edits that take parts out of a chain.

use super::super::candidate::TextEdit;
use super::super::layout::{is_within, mount_field};
use super::super::run_text::{RunText, run_flags, run_text};
use super::slice::Slice;
use crate::dockerfile::Span;
use crate::dockerfile::ast::Flag;
use crate::shell::{Connector, Seen};

impl Slice<'_, '_> {
    /// The text of the RUN above, with a line break at its end, and the edits that leave the rest where it is; `None`
    /// where comments would be lost, or the text is not as it is read.
    pub(in crate::restructure) fn parted(&self) -> Option<(String, Vec<TextEdit>)> {
        let chain = self.chain;
        let raw = run_text(chain.view, chain.instruction)?;
        if raw.script.pieces.len() != chain.script.pieces.len() {
            return None;
        }
        let text = Text { slice: self, raw };
        Some((text.above()?, text.left()?))
    }
}

/// Managers of system packages, and where they keep anything.
const MANAGERS: [&str; 6] = ["apk", "apt", "apt-get", "dnf", "microdnf", "yum"];
const THEIRS: [&str; 3] = ["/etc/apk", "/var/cache", "/var/lib"];

/// Whether a flag of a RUN is a cache that no manager of system packages goes by.
fn is_of_others(flag: &Flag) -> bool {
    let value = flag.value.as_deref().unwrap_or_default();
    let target = ["target", "dst", "destination"];
    let target = target.iter().find_map(|name| mount_field(value, name));
    let is_theirs = |t: &str| t.contains('$') || THEIRS.iter().any(|dir| is_within(t, dir));
    let is_cache = flag.name == "mount" && mount_field(value, "type") == Some("cache");
    is_cache && target.is_some_and(|t| !is_theirs(t) && !is_within("/var/cache", t))
}

/// The text of the RUN in the file.
struct Text<'s> {
    slice: &'s Slice<'s, 's>,
    raw: RunText<'s>,
}

impl Text<'_> {
    fn unit(&self, n: usize) -> Span {
        let (first, last) = self.slice.chain.units[n].pieces;
        let pieces = &self.raw.script.pieces;
        Span::new(pieces[first].span.start, pieces[last].span.end)
    }

    /// What stands between part `n - 1` and part `n`; what stands before the first.
    fn gap(&self, n: usize) -> &str {
        let from = n.checked_sub(1).map_or(0, |before| self.unit(before).end);
        self.raw
            .text
            .get(from..self.unit(n).start)
            .unwrap_or_default()
    }

    fn comments(&self, n: usize) -> String {
        let lines = self.gap(n).lines().map(str::trim);
        let lines = lines.filter(|l| l.starts_with('#'));
        lines.fold(String::new(), |all, l| all + l + "\n")
    }

    /// How the file joins two parts by `&&`.
    fn joint(&self) -> String {
        let all = 1..self.slice.chain.units.len();
        let mut usual = all.filter(|&n| {
            let gap = self.gap(n);
            gap.contains("&&") && gap.contains('\n') && !gap.contains('#')
        });
        let usual = usual.next().map(|n| self.gap(n).to_owned());
        usual.unwrap_or_else(|| match self.raw.text.contains('\n') {
            true => format!(" {}\n    && ", self.slice.chain.view.dockerfile.escape),
            false => " && ".to_owned(),
        })
    }

    fn above(&self) -> Option<String> {
        let mut said = String::new();
        let mut comments = String::new();
        let mut last: Option<usize> = None;
        for &n in &self.slice.above {
            match last {
                Some(before) if before + 1 == n => said.push_str(self.gap(n)),
                Some(_) => {
                    comments.push_str(&self.comments(n));
                    said.push_str(&self.joint());
                }
                None => comments.push_str(&self.comments(n)),
            }
            said.push_str(self.raw.text.get(self.unit(n).range())?);
            last = Some(n);
        }
        for more in &self.slice.tail {
            said.push_str(&self.joint());
            said.push_str(more);
        }
        Some(format!("{comments}{}{said}\n", self.lead_above()?))
    }

    /// What stands before the first part in the RUN above. System packages need none of the caches that the rest has.
    fn lead_above(&self) -> Option<String> {
        let chain = self.slice.chain;
        let is_manager = |s: &Seen| MANAGERS.contains(&s.name());
        let of_part = |n: &usize| chain.units[*n].seen.iter().all(is_manager);
        let flags = &chain.instruction.flags;
        let kept: Vec<&Flag> = flags.iter().filter(|f| !is_of_others(f)).collect();
        if kept.len() == flags.len() || !self.slice.above.iter().all(of_part) {
            return self.lead();
        }
        let text = chain.view.text();
        let written: Option<Vec<&str>> = kept.iter().map(|f| text.get(f.span.range())).collect();
        // What stands behind the last flag leads to the first part.
        let end = flags.last()?.span.end;
        let first = self.raw.start + self.unit(0).start;
        let gap = text.get(end..first).filter(|_| !kept.is_empty());
        let gap = gap.filter(|_| self.comments(0).is_empty());
        let lead = [&["RUN"], written?.as_slice()].concat();
        Some(format!("{}{}", lead.join(" "), gap.unwrap_or(" ")))
    }

    /// What stands before the first part: `RUN`, its flags, and how the file goes on from there.
    fn lead(&self) -> Option<String> {
        let chain = self.slice.chain;
        let text = chain.view.text();
        if self.comments(0).is_empty() {
            let end = self.raw.start + self.unit(0).start;
            return Some(text.get(chain.instruction.span.start..end)?.to_owned());
        }
        Some(format!("RUN{} ", run_flags(text, chain.instruction)?))
    }

    fn left(&self) -> Option<Vec<TextEdit>> {
        let units = self.slice.chain.units.len();
        let mut edits = Vec::new();
        let mut n = 0;
        while n < units {
            if self.slice.below.contains(&n) {
                n += 1;
                continue;
            }
            let first = n;
            while n < units && !self.slice.below.contains(&n) {
                n += 1;
            }
            edits.push(self.without(first, n)?);
        }
        Some(edits)
    }

    /// The edit that takes out the parts from `first` up to `next`.
    fn without(&self, first: usize, next: usize) -> Option<TextEdit> {
        let chain = self.slice.chain;
        let at = |byte: usize| self.raw.start + byte;
        let (start, end) = (self.unit(first).start, self.unit(next - 1).end);
        let before = first.checked_sub(1).map(|b| self.unit(b).end);
        let after = (next < chain.units.len()).then(|| self.unit(next).start);
        match (before, after) {
            (None, Some(after)) => {
                let (comments, lead) = (self.comments(next), self.lead()?);
                let whole = Span::new(chain.instruction.span.start, at(after));
                Some(TextEdit::replace(whole, format!("{comments}{lead}")))
            }
            (Some(before), None) => Some(TextEdit::delete(Span::new(at(before), at(end)))),
            (Some(before), Some(after)) => {
                let goes_on = |n: usize| {
                    let piece = chain.units[n].pieces.0;
                    self.raw.script.pieces[piece].connector == Connector::Then
                };
                let is_lax = (first..=next).any(goes_on);
                if goes_on(next) || !is_lax {
                    return Some(TextEdit::delete(Span::new(at(before), at(end))));
                }
                let comments = (first..=next).any(|n| !self.comments(n).is_empty());
                if comments {
                    return None;
                }
                if goes_on(first) {
                    return Some(TextEdit::delete(Span::new(at(start), at(after))));
                }
                Some(TextEdit::replace(Span::new(at(before), at(after)), "; "))
            }
            (None, None) => None,
        }
    }
}
