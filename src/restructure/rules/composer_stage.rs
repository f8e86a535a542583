//! Composer's packages are installed in a stage of their own, and the image is left without Composer.
//!
//! Before:
//! ```dockerfile
//! FROM php:8.3-fpm
//! RUN docker-php-ext-install pdo_mysql
//! COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
//! WORKDIR /app
//! COPY . .
//! RUN composer install --no-dev --no-scripts
//! ```
//! After:
//! ```dockerfile
//! FROM php:8.3-fpm AS base
//! RUN docker-php-ext-install pdo_mysql
//! WORKDIR /app
//!
//! FROM base AS vendor
//! COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
//! COPY . .
//! RUN composer install --no-dev --no-scripts
//!
//! FROM base
//! COPY . .
//! COPY --from=vendor /app/vendor /app/vendor
//! ```
//! Both stages stand on the same extensions, by which Composer resolves. Proposed only where no script and no installer of
//! a package writes anywhere but into `vendor`.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command::seen;
use super::super::installs::StageView;
use super::super::layout::{absolute, goes_by_numbers, is_taken, places};
use super::super::lift::declare;
use super::super::mentions::mentions;
use super::super::moving::{block_of, without_blank_twin};
use super::super::view::View;
use super::Rule;
use crate::dockerfile::ast::{Instruction, Kind, Stage};
use crate::shell::Seen;
use crate::tree::RepoPath;
use serde_json::Value;
use std::fmt::Write as _;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "composer-stage",
    summary: "Composer's packages installed in a stage of their own",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    candidate(view).into_iter().collect()
}

fn candidate(view: &View<'_>) -> Option<Candidate> {
    let all = places(view.dockerfile);
    let of = StageView::new(view, &all, view.target);
    let stage = of.stage;
    let runs: Vec<usize> = (0..stage.instructions.len())
        .filter(|&n| is_composers(&stage.instructions[n]))
        .collect();
    let (first_run, last) = (*runs.first()?, *runs.last()?);
    let tool = stage
        .instructions
        .iter()
        .position(|i| i.flag("from").is_some_and(is_composer_image))?;
    let first = (0..first_run).find(|&n| of.brings[n].is_some())?;
    let dir = of.cwd(last).to_owned();
    let same_place = runs.iter().all(|&r| of.cwd(r) == dir) && of.cwd(first) == dir;
    let is_mounted = runs.iter().any(|&r| of.leaves_nothing(r));
    if tool > first_run || !same_place || is_mounted || !fits(view, stage, &runs, last) {
        return None;
    }
    let vendor = vendor(&of, &runs, &dir)?;
    let names = [
        free_name(view, &["base", "php"])?,
        free_name(view, &["vendor", "packages"])?,
    ];
    let mut candidate = Candidate::new(
        RULE.id,
        format!(
            "install Composer's packages of line {} in a stage of their own",
            stage.instructions[first_run].lines.first
        ),
    );
    candidate.edits = edits(view, stage, &runs, (tool, first), &vendor, names)?;
    candidate.changes_image = true;
    candidate.lines = runs.iter().map(|&r| stage.instructions[r].lines).collect();
    candidate.rationale = "Composer and what it downloads are needed to build the image and not to run it; the packages are installed beside the rest and join it late.".to_owned();
    let mut doubts = vec!["check that nothing calls Composer while the image runs".to_owned()];
    let scripts = mentions(view, &["composer"], |p| {
        p.file_name()
            .is_some_and(|n| n.ends_with(b".sh") || n.starts_with(b"entrypoint"))
    });
    doubts.extend(
        scripts
            .found
            .first()
            .map(|(path, _)| format!("{path} names it")),
    );
    candidate.safety = Safety::of(
        vec![format!(
            "no script runs with the install and no package goes elsewhere than into {vendor}; both stages have the same extensions"
        )],
        vec![doubts.join(": ")],
    );
    declare(&mut candidate, view)?;
    Some(candidate)
}

fn is_composer_image(from: &str) -> bool {
    let name = from.rsplit('/').next().unwrap_or(from);
    name == "composer" || name.starts_with("composer:")
}

/// Whether a RUN does nothing but install packages or write the autoloader.
fn is_composers(instruction: &Instruction) -> bool {
    let is_one = |s: &Seen| {
        s.name() == "composer"
            && matches!(
                s.subcommand(),
                "install" | "i" | "dump-autoload" | "dumpautoload" | "clear-cache" | "clearcache"
            )
    };
    let plain = instruction
        .flag_values("mount")
        .all(|m| m.contains("type=cache"));
    plain && seen(instruction).is_some_and(|all| !all.is_empty() && all.iter().all(is_one))
}

/// Whether the stage can be cut: nobody else uses Composer, no user is set before, and no stage is named by number.
fn fits(view: &View<'_>, stage: &Stage, runs: &[usize], last: usize) -> bool {
    let uses = |(n, i): (usize, &Instruction)| {
        !runs.contains(&n)
            && matches!(i.keyword, "RUN" | "CMD" | "ENTRYPOINT" | "HEALTHCHECK")
            && i.original.contains("composer")
    };
    let mut above = stage.instructions[..=last].iter();
    let blocked = above.any(|i| matches!(i.kind, Kind::User(_) | Kind::Shell(_) | Kind::Arg(_)));
    // A RUN between the first and the last may read what is then not there yet.
    let between =
        (runs[0]..last).any(|n| !runs.contains(&n) && stage.instructions[n].keyword == "RUN");
    !blocked
        && !between
        && !stage.instructions.iter().enumerate().any(uses)
        && !goes_by_numbers(view.dockerfile)
        && stage.index + 1 == view.dockerfile.stages.len()
}

/// Where packages go, if that is the only place: no scripts, no installers.
fn vendor(of: &StageView<'_>, runs: &[usize], dir: &str) -> Option<String> {
    let image = of.image_at(*runs.last()?);
    let from = &image.get(&format!("{dir}/composer.json"))?.from;
    let manifest: Value = serde_json::from_str(&of.view.read_text(from)?).ok()?;
    let without_scripts = runs.iter().all(|&r| {
        let text = &of.stage.instructions[r].original;
        text.contains("--no-scripts") || !text.contains("install")
    });
    let has = |path: &str| {
        manifest
            .pointer(path)
            .and_then(Value::as_object)
            .is_some_and(|o| !o.is_empty())
    };
    let dumps_with_scripts = has("/scripts/post-autoload-dump")
        || manifest.pointer("/scripts/post-autoload-dump").is_some();
    let dumps = runs
        .iter()
        .any(|&r| of.stage.instructions[r].original.contains("dump"));
    let writes_elsewhere = (has("/scripts") && !without_scripts)
        || (dumps && dumps_with_scripts)
        || manifest.pointer("/extra/installer-paths").is_some()
        || manifest.pointer("/extra/drupal-scaffold").is_some()
        || manifest.pointer("/config/bin-dir").is_some();
    let own = manifest
        .pointer("/config/vendor-dir")
        .and_then(Value::as_str);
    let at = own.unwrap_or("vendor");
    // A vendor directory in the context is put over the installed one either way.
    let is_copied = of
        .view
        .has_file(&RepoPath::new(format!("{at}/autoload.php")));
    (!writes_elsewhere && !is_copied && !at.contains(['$', ' ']))
        .then(|| absolute(Some(dir), at))?
}

fn free_name(view: &View<'_>, wanted: &[&'static str]) -> Option<&'static str> {
    let mut wanted = wanted.iter().copied();
    wanted.find(|n| !is_taken(view.dockerfile, n))
}

fn edits(
    view: &View<'_>,
    stage: &Stage,
    runs: &[usize],
    (tool, first): (usize, usize),
    vendor: &str,
    [base, packages]: [&str; 2],
) -> Option<Vec<TextEdit>> {
    let text = view.text();
    let last = *runs.last()?;
    let source = |i: &Instruction| text.get(i.span.range());
    let start = block_of(text, stage, first).start;
    let blank = if text[..start].ends_with("\n\n") || text[..start].ends_with("\n\r\n") {
        ""
    } else {
        "\n"
    };
    let mut between = format!(
        "{blank}FROM {base} AS {packages}\n{}\n",
        source(&stage.instructions[tool])?
    );
    for (n, instruction) in stage
        .instructions
        .iter()
        .enumerate()
        .take(last + 1)
        .skip(first)
    {
        let is_needed = matches!(
            instruction.kind,
            Kind::Copy(_) | Kind::Add(_) | Kind::Env(_) | Kind::Workdir(_)
        );
        if n != tool && (is_needed || runs.contains(&n)) {
            let _ = writeln!(between, "{}", source(instruction)?);
        }
    }
    let name = stage.name.as_deref();
    let named = name.map(|n| format!(" AS {n}")).unwrap_or_default();
    let _ = write!(between, "\nFROM {base}{named}\n");
    let from = text.get(stage.from.span.start..stage.base().image_span.end)?;
    let mut edits = vec![
        TextEdit::replace(stage.from.span, format!("{from} AS {base}")),
        TextEdit::insert(start, between),
        TextEdit::replace(
            stage.instructions[last].span,
            format!("COPY --from={packages} {vendor} {vendor}"),
        ),
    ];
    let gone = runs.iter().filter(|&&r| r != last).chain([&tool]);
    for &index in gone {
        let whole = block_of(text, stage, index);
        let own = crate::dockerfile::Span::new(stage.instructions[index].span.start, whole.end);
        edits.push(TextEdit::delete(without_blank_twin(text, own)));
    }
    Some(edits)
}
