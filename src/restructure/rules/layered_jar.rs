//! A Spring Boot jar reaches the image in its layers: libraries below, the application on top.
//!
//! Before:
//! ```dockerfile
//! FROM eclipse-temurin:21-jre
//! COPY target/app.jar /app.jar
//! ENTRYPOINT ["java", "-jar", "/app.jar"]
//! ```
//! After:
//! ```dockerfile
//! FROM eclipse-temurin:21-jre AS layers
//! WORKDIR /layers
//! COPY target/app.jar application.jar
//! RUN java -Djarmode=layertools -jar application.jar extract
//!
//! FROM eclipse-temurin:21-jre
//! COPY --from=layers /layers/dependencies/ /application/
//! COPY --from=layers /layers/spring-boot-loader/ /application/
//! COPY --from=layers /layers/snapshot-dependencies/ /application/
//! COPY --from=layers /layers/application/ /application/
//! ENTRYPOINT ["java", "-cp", "/application", "org.springframework.boot.loader.JarLauncher"]
//! ```
//! The libraries' layer keeps its bytes while only the application changes, so less is pushed and pulled. What is in the
//! jar is not in git, so no replay shows it, and the image starts another class: always for review. Sources: Spring
//! Boot's reference, "Dockerfiles" and "Layered Jar" of 2.3, 2.4, 3.2 (another package of the launcher) and 3.3
//! (`jarmode=tools`).

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::layout::{BASE, Place, absolute, expand, is_taken, mentioned, places, unquote};
use super::super::lift::declare;
use super::super::view::View;
use super::Rule;
use super::jar_launch::{Launch, directory};
use crate::dockerfile::ast::{Instruction, Kind, Source, Stage, Transfer};
use crate::tree::RepoPath;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "layered-jar",
    summary: "a Spring Boot jar copied layer by layer, libraries first",
    propose,
};

/// Its layers, those that change least first.
const LAYERS: &[&str] = &[
    "dependencies",
    "spring-boot-loader",
    "snapshot-dependencies",
    "application",
];

/// How many build files are looked at for Spring Boot.
const MAX_FILES: usize = 60;

fn propose(view: &View<'_>) -> Vec<Candidate> {
    candidate(view).into_iter().collect()
}

fn candidate(view: &View<'_>) -> Option<Candidate> {
    let stage = view.dockerfile.stages.get(view.target)?;
    if is_taken(view.dockerfile, "layers")
        || stage.base().image.contains('$') && view.dockerfile.globals.is_empty()
    {
        return None;
    }
    let spring = Spring::of(view)?;
    let all = places(view.dockerfile);
    let here = &all[stage.index];
    let launch = Launch::of(stage, here)?;
    let (index, transfer) = brings(stage, here, &launch.jar)?;
    let copy = &stage.instructions[index];
    if is_used_between(stage, &launch.jar, index, launch.index)
        || (launch.jar.starts_with(BASE) && goes_elsewhere(stage, index, launch.index))
    {
        return None;
    }
    let into = match launch.jar.rsplit_once('/')?.0 {
        "" => "/application",
        BASE => "application",
        directory => directory.strip_prefix(BASE).map_or(directory, |d| &d[1..]),
    };
    let text = view.text();
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut candidate = Candidate::new(
        RULE.id,
        format!(
            "copy the layers of the Spring Boot jar of line {} one by one",
            copy.lines.first
        ),
    );
    let head = extracting(view, stage, index, transfer, &spring)?;
    let flags = kept_flags(text, copy);
    let copies: Vec<String> = LAYERS
        .iter()
        .map(|layer| format!("COPY --from=layers{flags} /layers/{layer}/ {into}/"))
        .collect();
    candidate.edits = vec![
        TextEdit::insert(stage.from.span.start, head.join(line_break) + line_break),
        TextEdit::replace(copy.span, copies.join(line_break)),
        launch.edit(view, stage, into, spring.launcher())?,
    ];
    candidate.changes_image = true;
    candidate.restarts = true;
    candidate.lines = vec![copy.lines, stage.instructions[launch.index].lines];
    candidate.rationale = format!(
        "Line {} is one layer of all libraries and the application, written and sent anew with each change of a class; the libraries alone are most of its bytes and change rarely.",
        copy.lines.first
    );
    let mut doubts = vec![
        "what is in the jar is not in git, so how often its libraries change is not known: check that it is built with Spring Boot's plugin, and that the image starts".to_owned(),
    ];
    doubts.extend(spring.doubt());
    candidate.safety = Safety::Review {
        reasons: vec![format!("{} builds with Spring Boot", spring.path)],
        doubt: doubts.join("; "),
    };
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// What the project says of Spring Boot.
struct Spring {
    path: RepoPath,
    /// Major and minor version, where a build file has it.
    version: Option<(u32, u32)>,
}

impl Spring {
    /// The newest version that a build file of the tree names; `None` without Spring Boot, or where it is too old.
    fn of(view: &View<'_>) -> Option<Self> {
        let is_build = |p: &&RepoPath| {
            matches!(
                p.file_name(),
                Some(b"pom.xml" | b"build.gradle" | b"build.gradle.kts" | b"libs.versions.toml")
            )
        };
        // Above the context lies what the context cannot show; ignored files are still the project's.
        let mut files: Vec<&RepoPath> = view
            .files
            .iter()
            .chain(view.ignored)
            .map(|(p, _)| p)
            .filter(is_build)
            .collect();
        files.sort_by_key(|p| (p.names().count(), (*p).clone()));
        let mut found: Option<Self> = None;
        for path in files.into_iter().take(MAX_FILES) {
            let Some(bytes) = (view.read)(path) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            if !text.contains("spring-boot") && !text.contains("org.springframework.boot") {
                continue;
            }
            let version = version(&text);
            if found.as_ref().is_none_or(|f| f.version < version) {
                found = Some(Self {
                    path: path.clone(),
                    version,
                });
            }
        }
        found.filter(|f| f.version.is_none_or(|v| v >= (2, 3)))
    }

    fn launcher(&self) -> &'static str {
        match self.version {
            Some(v) if v >= (3, 2) => "org.springframework.boot.loader.launch.JarLauncher",
            _ => "org.springframework.boot.loader.JarLauncher",
        }
    }

    fn extract(&self) -> &'static str {
        match self.version {
            Some(v) if v >= (3, 3) => {
                "java -Djarmode=tools -jar application.jar extract --layers --launcher --destination ."
            }
            _ => "java -Djarmode=layertools -jar application.jar extract",
        }
    }

    fn doubt(&self) -> Option<String> {
        match self.version {
            None => Some(format!(
                "which version of Spring Boot {} means is not known: from 3.2 on the launcher is in org.springframework.boot.loader.launch",
                self.path
            )),
            Some((2, 3)) => Some(
                "Spring Boot 2.3 makes layers only where the plugin's configuration asks for them"
                    .to_owned(),
            ),
            Some(_) => None,
        }
    }
}

/// The version that stands within a few words of Spring Boot's name.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut found = None;
    for name in [
        "spring-boot",
        "springBoot",
        "org.springframework.boot",
        "spring_boot",
    ] {
        for (at, _) in text.match_indices(name).take(200) {
            let mut end = (at + 160).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let after = &text[at + name.len()..end];
            // Another dependency's version must not be taken for it.
            let after = after.split("</parent>").next().unwrap_or(after);
            let number = after
                .split(|c: char| !(c.is_ascii_digit() || c == '.'))
                .find(|w| w.split('.').count() >= 2 && w.starts_with(|c: char| c.is_ascii_digit()));
            let mut parts = number.unwrap_or_default().split('.');
            let pair = parts
                .next()
                .and_then(|n| n.parse().ok())
                .zip(parts.next().and_then(|n| n.parse().ok()));
            found = found.max(pair.filter(|v: &(u32, u32)| (1..=9).contains(&v.0)));
        }
    }
    found
}

/// The COPY or ADD that puts one file at `jar`.
fn brings<'s>(stage: &'s Stage, places: &[Place], jar: &str) -> Option<(usize, &'s Transfer)> {
    stage
        .instructions
        .iter()
        .enumerate()
        .rev()
        .find_map(|(n, instruction)| {
            let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
                return None;
            };
            let [Source::Path(source)] = transfer.sources.as_slice() else {
                return None;
            };
            let place = &places[n];
            let to = expand(&unquote(&transfer.destination), &place.variables)?;
            let to = absolute(Some(directory(place)), &to)?;
            let source = expand(&unquote(source), &place.variables).unwrap_or(unquote(source));
            let name = source.rsplit('/').next().unwrap_or_default();
            let is_it = to == jar
                || (!name.contains(['*', '$'])
                    && format!("{}/{name}", to.trim_end_matches('/')) == jar);
            (is_it && source.ends_with(".jar") && !source.contains("://")).then_some((n, transfer))
        })
}

/// Whether the working directory, which the base image decides, becomes another one between the copy and the start.
fn goes_elsewhere(stage: &Stage, copy: usize, start: usize) -> bool {
    let between = &stage.instructions[copy.min(start)..copy.max(start)];
    between.iter().any(|i| matches!(i.kind, Kind::Workdir(_)))
}

/// Whether an instruction after the copy does something with the jar beside starting it.
fn is_used_between(stage: &Stage, jar: &str, copy: usize, start: usize) -> bool {
    let name = jar.rsplit('/').next().unwrap_or(jar);
    stage
        .instructions
        .iter()
        .enumerate()
        .filter(|(n, _)| *n > copy && *n != start)
        .any(|(_, i)| i.original.contains(name))
}

/// The stage that takes the jar apart, line by line.
fn extracting(
    view: &View<'_>,
    stage: &Stage,
    index: usize,
    transfer: &Transfer,
    spring: &Spring,
) -> Option<Vec<String>> {
    let text = view.text();
    let copy = &stage.instructions[index];
    let base = stage.base();
    let platform = base
        .platform
        .as_ref()
        .map(|p| format!("--platform={p} "))
        .unwrap_or_default();
    let mut lines = vec![
        format!("FROM {platform}{} AS layers", base.image),
        "WORKDIR /layers".to_owned(),
    ];
    let names = mentioned(&copy.original);
    for earlier in &stage.instructions[..index] {
        let sets = match &earlier.kind {
            Kind::Arg(items) => items.iter().any(|i| names.contains(&i.name)),
            Kind::Env(pairs) => pairs.iter().any(|p| names.contains(&p.name)),
            _ => false,
        };
        if sets {
            lines.push(text.get(earlier.span.range())?.to_owned());
        }
    }
    let [Source::Path(source)] = transfer.sources.as_slice() else {
        return None;
    };
    let from = copy
        .flag("from")
        .map(|f| format!("--from={f} "))
        .unwrap_or_default();
    lines.push(format!("COPY {from}{source} application.jar"));
    let command = spring.extract();
    // An image without a shell runs the exec form.
    lines.push(if base.image.contains("distroless") {
        let words: Vec<String> = command.split(' ').map(|w| format!("\"{w}\"")).collect();
        format!("RUN [{}]", words.join(", "))
    } else {
        format!("RUN {command}")
    });
    lines.push(String::new());
    Some(lines)
}

/// The flags of a copy that say whose the files are, each with a blank before it.
fn kept_flags(text: &str, copy: &Instruction) -> String {
    copy.flags
        .iter()
        .filter(|f| matches!(f.name.as_str(), "chown" | "chmod" | "link"))
        .filter_map(|f| text.get(f.span.range()))
        .fold(String::new(), |all, flag| format!("{all} {flag}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_beside_the_name_is_read() {
        let check = |text: &str, expected: Option<(u32, u32)>| {
            assert_eq!(version(text), expected, "{text}");
        };
        check(
            "<artifactId>spring-boot-starter-parent</artifactId>\n<version>2.3.1.RELEASE</version>",
            Some((2, 3)),
        );
        check(
            "id 'org.springframework.boot' version '3.2.0'",
            Some((3, 2)),
        );
        check(
            "<spring-boot.version>3.4.1</spring-boot.version>",
            Some((3, 4)),
        );
        check("springBoot = \"3.3.0\"", Some((3, 3)));
        check("<artifactId>spring-boot-starter</artifactId>", None);
        check("nothing 1.2.3", None);
    }
}
