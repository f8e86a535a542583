//! The edits: a stage for the command, and who takes the packages from it.

use super::super::super::candidate::TextEdit;
use super::super::super::installs::StageView;
use super::super::super::moving::{block_of, line_end};
use super::command::Prune;
use super::ground::Ground;
use super::{Border, Taker, cut_out, edits};
use crate::dockerfile::ast::Kind;

impl Ground<'_, '_> {
    pub(super) fn edits(
        &self,
        of: &StageView<'_>,
        prune: &Prune,
        own: &str,
        takers: &[Taker<'_>],
    ) -> Option<Vec<TextEdit>> {
        let text = of.view.text();
        let takes_all = takers.iter().any(|t| t.above.is_some());
        let (taken, cut) = match (prune.gone, takes_all) {
            (None, false) => cut_out(of, &[prune.run])?,
            (Some(gone), false) => (prune.alone.clone(), vec![TextEdit::delete(gone)]),
            (_, true) => {
                let clear = TextEdit::replace(prune.span, "rm -rf node_modules");
                (prune.alone.clone(), vec![clear])
            }
        };
        let mut all = match self.split {
            Some(split) => {
                let run = prune.run;
                edits(of, &Border { split, run }, own, (taken, cut))?
            }
            None => {
                let stage = self.of.stage;
                let dir = &self.install.dir;
                let directory = match self.of.cwd(self.install.run) == dir {
                    true => String::new(),
                    false => format!("WORKDIR {dir}\n"),
                };
                let after = &stage.instructions[self.install.run..];
                if after
                    .iter()
                    .any(|i| matches!(i.kind, Kind::Workdir(_) | Kind::User(_)))
                {
                    return None;
                }
                let name = stage.name.as_deref()?;
                let at = line_end(text, stage.instructions.last()?.span.end);
                let new = format!("\nFROM {name} AS {own}\n{directory}{taken}");
                let mut all = cut;
                all.push(TextEdit::insert(at, new));
                all
            }
        };
        for taker in takers {
            all.push(match &taker.above {
                None => TextEdit::replace(taker.flag.span, format!("--from={own}")),
                Some(inside) => self.copy_beside(of, taker, inside, own)?,
            });
        }
        Some(all)
    }

    /// A COPY of the packages before one that brings all the rest.
    fn copy_beside(
        &self,
        of: &StageView<'_>,
        taker: &Taker<'_>,
        inside: &str,
        own: &str,
    ) -> Option<TextEdit> {
        let text = of.view.text();
        let instruction = &taker.stage.instructions[taker.index];
        let Kind::Copy(transfer) = &instruction.kind else {
            return None;
        };
        let mut flags = String::new();
        for flag in &instruction.flags {
            match flag.name.as_str() {
                "from" => flags.extend(["--from=", own, " "]),
                "chown" | "chmod" | "link" => {
                    flags.push_str(text.get(flag.span.range())?);
                    flags.push(' ');
                }
                _ => return None,
            }
        }
        let to = transfer.destination.trim_end_matches('/');
        if transfer.json || to.contains(['"', '\'']) {
            return None;
        }
        let from = format!("{}/node_modules", self.install.dir.trim_end_matches('/'));
        let at = block_of(text, taker.stage, taker.index).start;
        Some(TextEdit::insert(
            at,
            format!("COPY {flags}{from} {to}/{inside}\n"),
        ))
    }
}
