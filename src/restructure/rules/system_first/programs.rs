//! What a stage takes from another stage or image into `/usr/local`: programs one by one, or whole directories.

use super::super::super::base::is_of_distribution;
use super::super::super::command::{installs, seen};
use super::super::super::effect::{Effect, Files};
use super::super::super::layout::{built_on, image, is_within, last_name, overlap};
use super::super::super::system_places::{LOCAL_PROGRAMS, is_run_by_installs};
use super::super::super::touched::Touched;
use super::ground::{Ground, is_transfer};
use crate::dockerfile::ast::{Kind, Source, Stage, Transfer};
use crate::shell::Seen;
use std::ops::Range;

/// Where nobody but administrators puts anything (Debian Policy 9.1.2, FHS 4.9).
const LOCAL: &str = "/usr/local";

/// Places of it that programs of packages look through.
const SHARED: [&str; 3] = [
    "/usr/local/etc",
    "/usr/local/share/ca-certificates",
    "/usr/local/share/fonts",
];

/// The effects with each `COPY --from=… /usr/local` above `index` taken to be apart from the packages of the distribution
/// that the RUN there installs; and the copies so taken. What installing a package starts by name is not known.
pub(super) fn local_trees(ground: &Ground<'_>, index: usize) -> (Vec<Effect>, Vec<usize>) {
    let (view, stage) = (ground.view, ground.stage);
    let mut relaxed = ground.effects.clone();
    let mut copies = Vec::new();
    let first = built_on(view.dockerfile, stage.index).last();
    let is_bare = first.is_some_and(|s| is_of_distribution(&image(view.dockerfile, s)));
    let Files::Commands(touched) = &ground.effects[index].files else {
        return (relaxed, copies);
    };
    let only_installs = seen(&stage.instructions[index]).is_some_and(|all| installs_only(&all));
    if !is_bare || touched.global || !only_installs {
        return (relaxed, copies);
    }
    for (n, effect) in relaxed.iter_mut().enumerate().take(index) {
        let step = &stage.instructions[n];
        let (Kind::Copy(_), Files::Places(places)) = (&step.kind, &effect.files) else {
            continue;
        };
        let named = [&touched.places, &touched.needs, &touched.reads];
        let is_named = |to: &String| named.iter().any(|all| all.iter().any(|p| overlap(p, to)));
        // What programs of packages go through: certificates, fonts, settings.
        let is_shared = |to: &String| SHARED.iter().any(|d| is_within(to, d));
        let is_local = |to: &String| is_within(to, LOCAL) && !is_shared(to) && !is_named(to);
        if step.flag("from").is_some() && places.iter().all(is_local) {
            effect.files = Files::Nothing;
            copies.push(n);
        }
    }
    (relaxed, copies)
}

/// Whether commands install packages of a distribution and do nothing else: `ldconfig` or `update-ca-certificates` after
/// them may be there for what was copied.
fn installs_only(all: &[Seen]) -> bool {
    let manages = |s: &Seen| {
        matches!(
            s.name(),
            "apk" | "apt" | "apt-get" | "dnf" | "microdnf" | "yum" | "zypper"
        )
    };
    let is_quiet = |s: &Seen| {
        matches!(
            s.name(),
            "" | ":" | "echo" | "export" | "rm" | "set" | "true"
        )
    };
    all.iter().any(|s| manages(s) && installs(s)) && all.iter().all(|s| manages(s) || is_quiet(s))
}

/// Whether an archive is unpacked into `/`, which is all that may reach places of no system.
pub(super) fn unpacks_to_root(effect: &Effect) -> bool {
    matches!(&effect.files, Files::Commands(touched) if touched.unpacks_to_root)
}

/// What is to be checked where the RUN below `passed` goes above copies and unpacks an archive into `/`.
pub(super) fn doubt_of_root(ground: &Ground<'_>, passed: Range<usize>) -> String {
    let line = ground.line(passed.end);
    let copies = passed.filter(|&i| is_transfer(&ground.stage.instructions[i]));
    let lines: Vec<String> = copies.map(|i| ground.line(i).to_string()).collect();
    let (which, verb) = match lines.as_slice() {
        [one] => (format!("line {one}"), "copies"),
        all => (format!("lines {}", all.join(" and ")), "copy"),
    };
    format!("check that what line {line} unpacks into / brings nothing to where {which} {verb}")
}

/// What is to be checked where the RUN at `index` goes above these copies into `/usr/local`.
pub(super) fn doubt_of_trees(ground: &Ground<'_>, index: usize, copies: &[usize]) -> String {
    let steps = &ground.stage.instructions;
    let lines: Vec<String> = copies.iter().map(|&n| ground.line(n).to_string()).collect();
    let several = lines.len() > 1;
    let (what, bring) = match several {
        true => (format!("lines {}", lines.join(" and ")), "bring"),
        false => (format!("line {}", lines.concat()), "brings"),
    };
    let line = ground.line(index);
    let mut doubt = format!(
        "check that installing the packages of line {line} runs nothing of what {what} {bring} to {LOCAL}"
    );
    // ldconfig(8) runs with each library that apt and dnf install; musl has no such cache.
    let libraries = format!("{LOCAL}/lib");
    let has_libraries = |n: &usize| match &ground.effects[*n].files {
        Files::Places(places) => places.iter().any(|p| overlap(p, &libraries)),
        _ => false,
    };
    let is_found = steps.iter().enumerate().any(|(n, step)| match &step.kind {
        Kind::Env(pairs) => pairs
            .iter()
            .any(|p| p.name == "LD_LIBRARY_PATH" && p.value.contains(&libraries)),
        Kind::Run(_) => n > index && step.original.contains("ldconfig"),
        _ => false,
    });
    if steps[index].original.contains("ca-certificates") {
        doubt.push_str(", and that no certificate is among it");
    }
    let is_musl = steps[index].original.contains("apk ");
    if !is_musl && !is_found && copies.iter().any(has_libraries) {
        doubt = format!(
            "{doubt}, and that programs find the libraries there: the linker's cache, which line {line} may write, then does not list them (`RUN ldconfig` below would)"
        );
    }
    doubt
}

/// The effects with each `COPY --from=… NAME /usr/local/bin/` above `index` taken to bring the one program it names, as
/// such copies do, and each file copied from the context into `/usr/bin` to be one; and the programs so taken. Whether
/// NAME is a directory of others is not known, nor whether a package of the system brings a program of the same name to
/// `/usr/bin`.
pub(super) fn local_programs(
    stage: &Stage,
    effects: &[Effect],
    index: usize,
) -> (Vec<Effect>, Vec<String>) {
    let run = &stage.instructions[index].original;
    // A tool that is installed by another, or builds, may go by any.
    let is_of_system = matches!(&effects[index].files, Files::Commands(t) if runs_none(t));
    programs_apart(stage, effects, index, &|path| {
        !is_of_system || run.contains(last_name(path))
    })
}

/// Those of `programs` that steps of these effects bring.
pub(super) fn brought_by(effects: &[Effect], programs: &[String]) -> Vec<String> {
    let is_brought = |program: &&String| {
        effects.iter().any(|e| match &e.files {
            Files::Exactly(all) | Files::Places(all) => all.iter().any(|p| is_within(program, p)),
            _ => false,
        })
    };
    programs.iter().filter(is_brought).cloned().collect()
}

/// Whether commands run no programs but the system's own.
pub(super) fn runs_none(touched: &Touched) -> bool {
    !touched.global && !touched.needs_packages && !touched.builds
}

/// As [`local_programs`], where `is_mentioned` says which programs the commands that are to pass them speak of.
pub(super) fn programs_apart(
    stage: &Stage,
    effects: &[Effect],
    index: usize,
    is_mentioned: &dyn Fn(&str) -> bool,
) -> (Vec<Effect>, Vec<String>) {
    let mut relaxed = effects.to_vec();
    let mut programs = Vec::new();
    for (instruction, effect) in stage.instructions.iter().zip(&mut relaxed).take(index) {
        let Kind::Copy(transfer) = &instruction.kind else {
            continue;
        };
        let is_handed_over = instruction.flag("from").is_some();
        let to = match &effect.files {
            Files::Places(places) if is_handed_over => places.as_slice(),
            Files::Exactly(files) if !is_handed_over => files.as_slice(),
            _ => continue,
        };
        let [to] = to else { continue };
        let Some(named) = programs_named(transfer, to) else {
            continue;
        };
        let is_local = |path: &String| LOCAL_PROGRAMS.iter().any(|d| is_within(path, d));
        let is_used = |path: &String| is_run_by_installs(last_name(path)) || is_mentioned(path);
        effect.files = if named.iter().all(is_local) {
            Files::Exactly(named.clone())
        } else if named.iter().any(is_used) {
            continue;
        } else {
            Files::Nothing
        };
        programs.extend(named);
    }
    (relaxed, programs)
}

/// The programs that a copy to `to` brings into a directory of programs, each under the name it has there.
fn programs_named(transfer: &Transfer, to: &str) -> Option<Vec<String>> {
    let system = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"];
    let is_for_programs = |dir: &str| LOCAL_PROGRAMS.contains(&dir) || system.contains(&dir);
    if let (Some((dir, _)), [Source::Path(path)]) =
        (to.rsplit_once('/'), transfer.sources.as_slice())
    {
        let is_plain = !path.contains(['*', '?', '[', '$']) && !path.ends_with('/');
        if is_for_programs(dir) && is_plain {
            return Some(vec![to.to_owned()]);
        }
    }
    if !is_for_programs(to) {
        return None;
    }
    let named = transfer.sources.iter().map(|source| match source {
        Source::Path(path) if !path.contains(['*', '?', '[', '$']) => {
            let name = path
                .rsplit('/')
                .next()
                .filter(|n| !n.is_empty() && *n != "bin")?;
            Some(format!("{to}/{name}"))
        }
        _ => None,
    });
    named.collect()
}
