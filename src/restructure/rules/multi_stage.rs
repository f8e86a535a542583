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
//! It changes what the image holds, and is therefore always for review: only what starts is shown to be there.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::layout::{absolute, mentioned, places};
use super::super::lift::declare;
use super::super::view::View;
use super::Rule;
use crate::dockerfile::ast::{Command, Instruction, Kind, Run};
use crate::shell;
use std::fmt::Write as _;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "multi-stage",
    summary: "one stage that builds, one that runs, on a fitting base",
    propose,
};

/// What is built, and on what it runs.
struct Product {
    /// Paths in the build stage, absolute.
    files: Vec<String>,
    /// The base of the final stage.
    base: String,
    /// Why that base.
    why: &'static str,
    /// Whether the base has a user of its own that is not root.
    has_user: bool,
}

fn propose(view: &View<'_>) -> Vec<Candidate> {
    candidate(view).into_iter().collect()
}

fn candidate(view: &View<'_>) -> Option<Candidate> {
    let [stage] = view.dockerfile.stages.as_slice() else {
        return None;
    };
    let places = places(view.dockerfile);
    let cwd = places[0].last()?.cwd.clone()?;
    let started = started(&stage.instructions)?;
    let product = product(view, &started, &cwd, &stage.base().image)?;
    let is_work = |i: &Instruction| matches!(i.kind, Kind::Run(_) | Kind::Copy(_) | Kind::Add(_));
    let last = stage.instructions.iter().rposition(is_work)?;
    if stage.name.is_some() || stage.base().image.contains('$') {
        return None;
    }
    let (before, after) = (
        &stage.instructions[..=last],
        &stage.instructions[last + 1..],
    );
    let repeated = repeated(view.text(), before)?;
    let is_user_set = stage
        .instructions
        .iter()
        .any(|i| matches!(i.kind, Kind::User(_)));
    let mut text = format!("\n\nFROM {}\nWORKDIR {cwd}\n", product.base);
    for file in &product.files {
        let to = super::super::installs::relative(file, &cwd)
            .filter(|r| !r.is_empty())
            .map_or_else(|| file.clone(), |r| format!("./{r}"));
        let _ = writeln!(text, "COPY --from=build {file} {to}");
    }
    text.push_str(&repeated);
    let mut doubt = "the image then holds nothing else: check that the program reads no other file and starts no other program".to_owned();
    if !product.has_user && !is_user_set {
        text.push_str("USER 1000:1000\n");
        doubt.push_str(", and that it may run as user 1000");
    }
    let image = stage.base().image_span;
    let end = before.last()?.span.end;
    let rest = after.first().map_or(end, |i| i.span.start);
    // Comments above what follows stay with it.
    let gap = &view.text()[end..rest];
    let kept = gap.find('#').map_or("", |at| &gap[at..]);
    let mut candidate = Candidate::new(
        RULE.id,
        format!("build in a stage of its own and run on {}", product.base),
    );
    candidate.edits = vec![
        TextEdit::insert(image.end, " AS build"),
        TextEdit::replace(
            crate::dockerfile::Span::new(end, rest),
            format!("{text}{kept}"),
        ),
    ];
    candidate.changes_image = true;
    candidate.lines = vec![stage.from.lines];
    candidate.rationale = format!(
        "The image carries everything that the build needs; {} is enough to run it: {}.",
        product.base, product.why
    );
    candidate.safety = Safety::of(
        vec![format!(
            "{} is what the image starts, and is copied",
            product.files.join(" and ")
        )],
        vec![doubt],
    );
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// The program that the image starts, in exec form, ENTRYPOINT first.
fn started(instructions: &[Instruction]) -> Option<Vec<String>> {
    let mut entrypoint = Vec::new();
    let mut cmd = Vec::new();
    for instruction in instructions {
        match &instruction.kind {
            Kind::Entrypoint(Command::Exec(words)) => entrypoint.clone_from(words),
            Kind::Cmd(Command::Exec(words)) => cmd.clone_from(words),
            Kind::Entrypoint(Command::Shell(_)) | Kind::Cmd(Command::Shell(_)) => return None,
            _ => {}
        }
    }
    entrypoint.extend(cmd);
    (!entrypoint.is_empty()).then_some(entrypoint)
}

/// What the stage builds, if it is what the image starts.
fn product(view: &View<'_>, started: &[String], cwd: &str, image: &str) -> Option<Product> {
    let stage = &view.dockerfile.stages[0];
    let text: Vec<(usize, shell::Script)> = stage
        .instructions
        .iter()
        .enumerate()
        .filter_map(|(n, i)| match &i.kind {
            Kind::Run(Run {
                command: Command::Shell(text),
            }) => Some((n, shell::parse(text))),
            _ => None,
        })
        .collect();
    let runs = |name: &str, verb: &str| {
        text.iter().any(|(_, script)| {
            script
                .seen()
                .iter()
                .any(|s| s.name() == name && s.args().iter().any(|a| a.starts_with(verb)))
        })
    };
    let program = started.first()?.as_str();
    let places = places(view.dockerfile);
    if program == "java" {
        let jar = started.iter().skip_while(|w| *w != "-jar").nth(1)?;
        let builds = runs("mvnw", "package")
            || runs("mvn", "package")
            || runs("mvn", "install")
            || runs("gradle", "b")
            || runs("gradlew", "b");
        if !builds || jar.contains('*') {
            return None;
        }
        return Some(Product {
            files: vec![absolute(Some(cwd), jar)?],
            base: format!("eclipse-temurin:{}-jre", java_version(image)?),
            why: "a Java program needs a runtime and no compiler",
            has_user: false,
        });
    }
    for (n, script) in &text {
        for seen in script
            .seen()
            .iter()
            .filter(|s| s.name() == "go" && s.subcommand() == "build")
        {
            let here = absolute(places[0][*n].cwd.as_deref(), seen.directory.as_deref()?)?;
            let out = seen.args().iter().skip_while(|a| *a != "-o").nth(1)?;
            let made = absolute(Some(&here), out)?;
            if absolute(Some(cwd), program)? != made {
                continue;
            }
            let is_static = image.contains("alpine")
                || seen
                    .assignments
                    .iter()
                    .any(|(k, v)| k == "CGO_ENABLED" && v == "0")
                || places[0][*n].variables.get("CGO_ENABLED") == Some(&Some("0".to_owned()));
            let base = if is_static {
                "gcr.io/distroless/static-debian12:nonroot"
            } else {
                "gcr.io/distroless/base-debian12:nonroot"
            };
            return Some(Product {
                files: vec![made],
                base: base.to_owned(),
                why: "a Go program brings its runtime with it",
                has_user: true,
            });
        }
    }
    let made = absolute(Some(cwd), program)?;
    if runs("cargo", "build") && made.contains("/target/release/") && !image.contains("alpine") {
        return Some(Product {
            files: vec![made],
            base: "gcr.io/distroless/cc-debian12:nonroot".to_owned(),
            why: "a Rust program needs the C library alone",
            has_user: true,
        });
    }
    None
}

/// The Java version in a tag: `21` of `eclipse-temurin:21-jdk`, `maven:3.9-eclipse-temurin-21`, `gradle:8-jdk17`.
fn java_version(image: &str) -> Option<String> {
    let (name, tag) = image.split_once(':')?;
    let digits = |text: &str| {
        let found: String = text.chars().take_while(char::is_ascii_digit).collect();
        (!found.is_empty()).then_some(found)
    };
    let of_tag = |lead: &str| {
        tag.split_once(lead)
            .and_then(|(_, rest)| digits(rest.trim_start_matches('-')))
    };
    let name = name.rsplit('/').next()?;
    match name {
        "eclipse-temurin" | "openjdk" | "amazoncorretto" => digits(tag),
        "maven" | "gradle" => of_tag("temurin-")
            .or_else(|| of_tag("openjdk-"))
            .or_else(|| of_tag("corretto-"))
            .or_else(|| of_tag("jdk")),
        _ => None,
    }
}

/// Configuration set before the end of the build that the image must keep: said again in the final stage. `None` when
/// it hangs on a build argument.
fn repeated(text: &str, before: &[Instruction]) -> Option<String> {
    let mut lines = String::new();
    let args: Vec<&str> = before
        .iter()
        .filter_map(|i| match &i.kind {
            Kind::Arg(items) => Some(items.iter().map(|a| a.name.as_str())),
            _ => None,
        })
        .flatten()
        .collect();
    for instruction in before {
        match &instruction.kind {
            Kind::Env(_)
            | Kind::Label(_)
            | Kind::Expose(_)
            | Kind::Volume(_)
            | Kind::User(_)
            | Kind::StopSignal(_)
            | Kind::Healthcheck(_)
            | Kind::Entrypoint(_)
            | Kind::Cmd(_) => {
                if mentioned(&instruction.original)
                    .iter()
                    .any(|n| args.contains(&n.as_str()))
                {
                    return None;
                }
                lines.push_str(text.get(instruction.span.range())?);
                lines.push('\n');
            }
            Kind::Shell(_) | Kind::Onbuild(_) => return None,
            _ => {}
        }
    }
    Some(lines)
}
