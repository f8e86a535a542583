//! An install by a list that another stage brings goes above what is copied after that list.

use super::super::super::candidate::Candidate;
use super::super::super::command::Group;
use super::super::super::effect::Files;
use super::super::super::touched::touched_beside;
use super::ground::{Ground, highest};
use super::runs::moved_to;
use crate::shell;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// Flags of pip by which it reads and writes nothing elsewhere.
const HARMLESS: &[&str] = &[
    "--break-system-packages",
    "--disable-pip-version-check",
    "--no-cache-dir",
    "--no-input",
    "--quiet",
    "--root-user-action=ignore",
    "--upgrade",
    "-U",
    "-q",
];

/// The RUN at `index`, if it installs what a list in another place than the project's names, above the first copy below
/// that list. What the list says is not known, as no file of the context is it.
pub(super) fn above_later_copies(ground: &Ground<'_>, index: usize) -> Option<Candidate> {
    let instruction = &ground.stage.instructions[index];
    let text = instruction.shell_text()?;
    let is_cache = |mount: &str| mount.contains("type=cache");
    if !instruction.heredocs.is_empty() || !instruction.flag_values("mount").all(is_cache) {
        return None;
    }
    let script = shell::parse(text);
    let lists: BTreeSet<String> = script.seen().iter().filter_map(lists).flatten().collect();
    let is_from = |list: &String| {
        let steps = ground.stage.instructions[..index].iter();
        let mut copies = steps.zip(&ground.effects).rev();
        let found = copies.find(|(_, effect)| match &effect.files {
            Files::Exactly(paths) => paths.contains(list),
            Files::Places(paths) => paths.contains(list),
            _ => false,
        });
        found.is_some_and(|(step, _)| step.flag("from").is_some())
    };
    if lists.is_empty() || !lists.iter().all(is_from) {
        return None;
    }
    let place = &ground.places[index];
    let by_list = |seen: &Seen| self::lists(seen).is_some();
    let mut touched = touched_beside(&script, place.cwd.as_deref(), &place.variables, &by_list)?;
    touched.places.extend(lists.iter().cloned());
    touched.reads.extend(lists.iter().cloned());
    (touched.global, touched.needs_system) = (true, true);
    let mut effects = ground.effects.clone();
    effects[index].groups = Some(BTreeSet::from([Group::Global]));
    effects[index].files = Files::Commands(touched);
    let goal = highest(ground, &effects, index).filter(|(_, along)| along.len() == 1)?;
    let names: Vec<&str> = lists.iter().map(String::as_str).collect();
    let doubt = format!(
        "check that {} names no file that is copied from line {} on",
        names.join(" and "),
        ground.line(goal.0)
    );
    let mut candidate = moved_to(ground, index, (goal, Some(doubt)));
    candidate.vouched = vec![instruction.original.clone()];
    Some(candidate)
}

/// The lists, absolute, that a command installs and nothing else; `None` where it does or reads more.
fn lists(seen: &Seen) -> Option<Vec<String>> {
    if !matches!(seen.name(), "pip" | "pip3") || seen.subcommand() != "install" {
        return None;
    }
    let mut found = Vec::new();
    let mut words = seen.args().iter().skip_while(|w| *w != "install").skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-r" | "--requirement" => {
                let list = words.next()?;
                let is_plain = list.starts_with('/') && !list.contains(['$', '*', '?', '`', '[']);
                found.push(list.clone());
                is_plain.then_some(())?;
            }
            flag if HARMLESS.contains(&flag) => {}
            _ => return None,
        }
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_all_that_is_installed() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let script = shell::parse(text);
            let expected = expected.map(|all| all.iter().map(ToString::to_string).collect());
            assert_eq!(lists(&script.seen()[0]), expected, "{text}");
        };
        check(
            "pip3 install --no-cache-dir -r /a/r.txt",
            Some(&["/a/r.txt"]),
        );
        check("pip install -r r.txt", None);
        check("pip install -r $D/r.txt", None);
        check("pip install -r /a/r.txt .", None);
        check("pip install -e /a -r /a/r.txt", None);
        check("pip install -c /a/c.txt -r /a/r.txt", None);
        check("pip install requests", None);
        check("pip download -r /a/r.txt", None);
    }
}
