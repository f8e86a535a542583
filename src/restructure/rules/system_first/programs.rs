//! Programs that a stage takes from another stage or image, one by one.

use super::super::super::effect::{Effect, Files};
use super::super::super::layout::is_within;
use super::super::super::system_places::LOCAL_PROGRAMS;
use crate::dockerfile::ast::{Kind, Source, Stage, Transfer};

/// The effects with each `COPY --from=… NAME /usr/local/bin/` above `index` taken to bring the one program it names, as
/// such copies do; and the programs so taken. Whether NAME is a directory of others is not known, nor whether a package
/// of the system brings a program of the same name to `/usr/bin`.
pub(super) fn local_programs(
    stage: &Stage,
    effects: &[Effect],
    index: usize,
) -> (Vec<Effect>, Vec<String>) {
    let mut relaxed = effects.to_vec();
    let mut programs = Vec::new();
    let run = &stage.instructions[index].original;
    for (instruction, effect) in stage.instructions.iter().zip(&mut relaxed).take(index) {
        let (Kind::Copy(transfer), Files::Places(places)) = (&instruction.kind, &effect.files)
        else {
            continue;
        };
        let [to] = places.as_slice() else { continue };
        let Some(named) = programs_named(transfer, to) else {
            continue;
        };
        if instruction.flag("from").is_none() {
            continue;
        }
        let is_local = |path: &String| LOCAL_PROGRAMS.iter().any(|d| is_within(path, d));
        let is_mentioned = |path: &String| {
            let name = path.rsplit('/').next().unwrap_or(path);
            run.contains(name)
        };
        effect.files = if named.iter().all(is_local) {
            Files::Exactly(named.clone())
        } else if named.iter().any(is_mentioned) {
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
    if let (Some((dir, name)), [Source::Path(path)]) =
        (to.rsplit_once('/'), transfer.sources.as_slice())
    {
        let is_plain = !path.contains(['*', '?', '[', '$']) && !path.ends_with('/');
        if is_for_programs(dir) && is_plain && path.rsplit('/').next() == Some(name) {
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
