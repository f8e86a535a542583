//! Sources that earlier RUNs write in place of the project's own: stand-ins that somebody has thought of before.

use super::super::layout::absolute;
use super::super::run_text::{RunText, run_text};
use super::stage::StageView;
use crate::dockerfile::ast::Instruction;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// The Rust sources, absolute, that RUNs before `run` write once a COPY has brought more than manifests, as far as no
/// RUN takes any away again.
pub(super) fn sources(of: &StageView<'_>, run: usize) -> BTreeSet<String> {
    let mut written = BTreeSet::new();
    let is_manifest = |to: &String| to.ends_with("/Cargo.toml") || to.ends_with("/Cargo.lock");
    let mut has_more = false;
    for (index, instruction) in of.stage.instructions.iter().enumerate().take(run) {
        let brought = of.brings[index].iter().flatten();
        has_more |= brought.into_iter().any(|(to, _)| !is_manifest(to));
        if has_more {
            note(of, index, instruction, &mut written);
        }
    }
    written
}

/// Whether instruction `index` writes Rust sources.
pub(in crate::restructure) fn writes_sources(of: &StageView<'_>, index: usize) -> bool {
    let mut written = BTreeSet::new();
    note(of, index, &of.stage.instructions[index], &mut written);
    !written.is_empty()
}

/// Adds what RUN `index` writes; forgets all where it removes something.
fn note(of: &StageView<'_>, index: usize, run: &Instruction, written: &mut BTreeSet<String>) {
    let Some(RunText { script, .. }) = run_text(of.view, run) else {
        return;
    };
    let seen = script.seen();
    if seen
        .iter()
        .any(|s| matches!(s.name(), "rm" | "find" | "mv" | "git"))
    {
        written.clear();
        return;
    }
    for seen in &seen {
        let here = seen.directory.as_deref();
        let here = here.and_then(|d| absolute(Some(of.cwd(index)), d));
        let command = script.commands.get(seen.command);
        let targets = command.into_iter().flat_map(|c| &c.redirections);
        let targets = targets.filter(|r| r.operator.contains('>'));
        let named = targets.map(|r| &r.target).chain(operands(seen));
        let is_source = |w: &&String| w.ends_with(".rs") && !w.contains(['$', '*', '`', '{', '?']);
        let paths = named.filter(is_source);
        written.extend(paths.filter_map(|w| absolute(here.as_deref(), w)));
    }
}

/// The files that a command makes.
fn operands(seen: &Seen) -> &[String] {
    let args = seen.args();
    match seen.name() {
        "tee" | "touch" => args,
        "cp" => &args[args.len().saturating_sub(1)..],
        _ => &[],
    }
}
