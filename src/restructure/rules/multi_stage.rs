//! A single stage that builds a program becomes two: one that builds, one that runs.
//!
//! Before:
//! ```dockerfile
//! FROM golang:1.23-alpine
//! WORKDIR /app
//! COPY . .
//! RUN go build -o server .
//! ENTRYPOINT ["./server"]
//! ```
//! After:
//! ```dockerfile
//! FROM golang:1.23-alpine AS build
//! WORKDIR /app
//! COPY . .
//! RUN go build -o server .
//!
//! FROM gcr.io/distroless/static-debian12:nonroot
//! WORKDIR /app
//! COPY --from=build /app/server ./server
//! ENTRYPOINT ["./server"]
//! ```
//! What is built and on what it runs is `runtime`'s. The image then holds less, and is therefore always for review:
//! only what starts is shown to be there. CMD, ENTRYPOINT, EXPOSE and all other configuration stay.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::installs::{StageView, relative};
use super::super::layout::{mentioned, places};
use super::super::lift::declare;
use super::super::moving::{block_of, line_end, without_blank_twin};
use super::super::runtime::{Product, Single, product};
use super::super::view::View;
use super::Rule;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Healthcheck, Instruction, Kind};
use std::fmt::Write as _;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "multi-stage",
    summary: "one stage that builds, one that runs, on a fitting base",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    candidate(view).into_iter().collect()
}

fn candidate(view: &View<'_>) -> Option<Candidate> {
    let [stage] = view.dockerfile.stages.as_slice() else {
        return None;
    };
    if stage
        .base()
        .platform
        .as_deref()
        .is_some_and(|p| p.contains('$'))
        || ["build", "production"].contains(&stage.name.as_deref().unwrap_or_default())
    {
        return None;
    }
    let all = places(view.dockerfile);
    let of = StageView::new(view, &all, 0);
    let single = Single::new(&of)?;
    let product = product(&single)?;
    let text = Final {
        single: &single,
        product: &product,
    };
    let mut doubts = vec![match single.left_behind(&product.files) {
        Some(left) if !product.takes_context => format!(
            "the image then holds less: check that the program reads nothing of {left} while it runs, and starts no other program of {}",
            stage.base().image
        ),
        Some(_) | None => format!(
            "the image then holds less: check that the program starts no other program of {}",
            stage.base().image
        ),
    }];
    let inserted = text.inserted(&mut doubts)?;
    doubts.extend(product.doubts.iter().cloned());
    let mut candidate = Candidate::new(
        RULE.id,
        format!("build in a stage of its own and run on {}", product.base),
    );
    candidate.edits = text.edits(&inserted)?;
    candidate.changes_image = true;
    candidate.lines = vec![stage.from.lines];
    candidate.rationale = format!(
        "The image carries everything that the build needs; {} is enough to run it: {}.",
        product.base, product.why
    );
    let copied: Vec<&str> = product.files.iter().map(|(_, f)| f.as_str()).collect();
    let mut reasons = product.reasons.clone();
    reasons.push(format!(
        "{} {} copied, and what the image starts stays",
        copied.join(" and "),
        if copied.len() == 1 { "is" } else { "are" }
    ));
    candidate.safety = Safety::of(reasons, vec![doubts.join(", that ")]);
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// The final stage being written.
struct Final<'a> {
    single: &'a Single<'a>,
    product: &'a Product,
}

impl Final<'_> {
    fn before(&self) -> &[Instruction] {
        &self.single.stage.instructions[..=self.product.split]
    }

    fn text_of(&self, instruction: &Instruction) -> Option<String> {
        let text = self.single.view.text().get(instruction.span.range())?;
        Some(format!("{text}\n"))
    }

    /// The stages after the build stage up to where its own instructions go on. `None` where something that must be
    /// said again hangs on a build argument or on a shell that the base has not.
    fn inserted(&self, doubts: &mut Vec<String>) -> Option<String> {
        let (single, product) = (self.single, self.product);
        let from = |base: &str| {
            let platform = single.stage.base().platform.as_deref();
            let flag = platform
                .map(|p| format!("--platform={p} "))
                .unwrap_or_default();
            let name = single.stage.name.as_deref();
            format!(
                "FROM {flag}{base}{}\n",
                name.map(|n| format!(" AS {n}")).unwrap_or_default()
            )
        };
        let mut text = product.last.clone();
        text.push('\n');
        if !product.between.is_empty() {
            let _ = writeln!(text, "{}", product.between);
        }
        text.push_str(&from(&product.base));
        text.push_str(&product.setting);
        let (head, tail) = self.repeated(doubts)?;
        text.push_str(&head);
        for (stage, file) in &product.files {
            let to = relative(file, self.cwd())
                .filter(|r| !r.is_empty())
                .map_or_else(|| file.clone(), |r| format!("./{r}"));
            let _ = writeln!(text, "COPY --from={stage} {file} {to}");
        }
        text.push_str(&tail);
        let is_user_set = single
            .stage
            .instructions
            .iter()
            .any(|i| matches!(i.kind, Kind::User(_)));
        if let (Some(user), false) = (product.user, is_user_set || self.runs_later()) {
            let _ = writeln!(text, "USER {user}");
            doubts.push(format!(
                "it may run as user {user}, who cannot write where root could"
            ));
        } else if product.is_rootless && !is_user_set {
            doubts.push("it may run as a user who is not root".to_owned());
        }
        Some(text)
    }

    /// Whether a RUN or COPY stands below the split: it must go on as it was.
    fn runs_later(&self) -> bool {
        self.single.stage.instructions[self.product.split + 1..]
            .iter()
            .any(|i| matches!(i.kind, Kind::Run(_) | Kind::Copy(_) | Kind::Add(_)))
    }

    /// The working directory where the final stage copies.
    fn cwd(&self) -> &str {
        let next = self.product.split + 1;
        if next < self.single.stage.instructions.len() {
            self.single.of.cwd(next)
        } else {
            &self.single.cwd
        }
    }

    /// What of the build stage the final stage says again: before and after its copies.
    fn repeated(&self, doubts: &mut Vec<String>) -> Option<(String, String)> {
        let (single, product) = (self.single, self.product);
        let before = self.before();
        let args: Vec<&str> = before
            .iter()
            .flat_map(|i| i.arguments())
            .map(|a| a.name.as_str())
            .collect();
        let (mut head, mut tail) = (String::new(), String::new());
        for (n, instruction) in before.iter().enumerate() {
            let line = match &instruction.kind {
                Kind::Shell(_) | Kind::Onbuild(_) => return None,
                Kind::Healthcheck(Healthcheck::Cmd(_)) if !product.has_shell => return None,
                Kind::Env(_)
                | Kind::Label(_)
                | Kind::Expose(_)
                | Kind::Volume(_)
                | Kind::StopSignal(_)
                | Kind::Workdir(_)
                | Kind::Healthcheck(_)
                | Kind::Entrypoint(_)
                | Kind::Cmd(_) => (&mut head, instruction),
                Kind::User(user) => {
                    if !product.has_shell && user.parse::<u32>().is_err() {
                        return None;
                    }
                    (&mut tail, instruction)
                }
                Kind::Copy(_) | Kind::Add(_) if product.takes_context => {
                    if single.of.brings[n]
                        .as_ref()
                        .is_some_and(|f| self.comes_later(n, f))
                    {
                        continue;
                    }
                    (&mut head, instruction)
                }
                Kind::Run(_) if product.again.contains(&n) || product.moved.contains(&n) => {
                    (&mut head, instruction)
                }
                Kind::Run(_) if self.is_setup(n) => {
                    if !product.has_shell {
                        return None;
                    }
                    (
                        if self.owns(n) { &mut tail } else { &mut head },
                        instruction,
                    )
                }
                Kind::Run(_) => {
                    if !product.known.contains(&n) {
                        doubts.push(format!(
                            "what line {} leaves is not needed",
                            instruction.lines.first
                        ));
                    }
                    continue;
                }
                Kind::Arg(_)
                | Kind::Copy(_)
                | Kind::Add(_)
                | Kind::Maintainer(_)
                | Kind::From(_) => continue,
            };
            let (out, instruction) = line;
            if mentioned(&instruction.original)
                .iter()
                .any(|n| args.contains(&n.as_str()))
            {
                return None;
            }
            out.push_str(&self.text_of(instruction)?);
        }
        let by_shell = self.single.by_shell && !product.has_shell;
        (!by_shell).then_some((head, tail))
    }

    /// Whether all that a COPY brings is brought again below the split.
    fn comes_later(
        &self,
        at: usize,
        files: &std::collections::BTreeMap<String, crate::tree::RepoPath>,
    ) -> bool {
        let brings = &self.single.of.brings;
        files.iter().all(|(to, from)| {
            brings[self.product.split.max(at) + 1..]
                .iter()
                .flatten()
                .any(|later| later.get(to) == Some(from))
        })
    }

    /// Whether a RUN makes users and directories and nothing else.
    fn is_setup(&self, run: usize) -> bool {
        let seen = self.seen(run);
        !seen.is_empty()
            && seen.iter().all(|s| {
                matches!(
                    s.name(),
                    "addgroup"
                        | "adduser"
                        | "groupadd"
                        | "useradd"
                        | "usermod"
                        | "groupmod"
                        | "mkdir"
                        | "chown"
                        | "chmod"
                        | "id"
                        | "true"
                        | "set"
                        | ""
                        | "echo"
                )
            })
    }

    /// Whether it gives files away that must be there first.
    fn owns(&self, run: usize) -> bool {
        self.seen(run).iter().any(|s| {
            matches!(s.name(), "chown" | "chmod")
                && self.single.of.brings[..run].iter().any(Option::is_some)
        })
    }

    fn seen(&self, run: usize) -> &[crate::shell::Seen] {
        let of = self.single.runs.iter().find(|(n, ..)| *n == run);
        of.map_or(&[], |(_, _, seen)| seen.as_slice())
    }

    fn edits(&self, inserted: &str) -> Option<Vec<TextEdit>> {
        let (single, product) = (self.single, self.product);
        let (text, stage) = (single.view.text(), single.stage);
        let image = stage.base().image_span;
        let mut edits = vec![match &stage.name {
            None => TextEdit::insert(image.end, " AS build"),
            Some(_) => TextEdit::replace(Span::new(image.end, stage.from.span.end), " AS build"),
        }];
        if !product.first.is_empty() {
            edits.push(TextEdit::insert(
                line_end(text, stage.from.span.end),
                product.first.clone(),
            ));
        }
        for &n in &product.moved {
            edits.push(TextEdit::delete(without_blank_twin(
                text,
                block_of(text, stage, n),
            )));
        }
        let end = self.before().last()?.span.end;
        let at = line_end(text, end);
        // One blank line before the new stage; comments and all else below stay as they are.
        let rest = text[at..].trim_start_matches(['\r', '\n']);
        let next = text.len() - rest.len();
        let lead = if text[..at].ends_with('\n') { "" } else { "\n" };
        edits.push(TextEdit::replace(
            Span::new(at, next),
            format!("{lead}{inserted}"),
        ));
        Some(edits)
    }
}
