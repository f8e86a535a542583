//! Values that change from build to build, set above steps that do not need them.

use super::super::layout::mentioned;
use super::super::rules::argument_changes;
use super::super::view::View;
use super::kind::Finding;
use crate::dockerfile::ast::{Instruction, Kind, Stage};
use std::collections::BTreeMap;

pub(super) fn early_value(view: &View<'_>, stage: &Stage) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (index, instruction) in stage.instructions.iter().enumerate() {
        let Kind::Arg(items) = &instruction.kind else {
            continue;
        };
        for item in items.iter().filter(|i| argument_changes(view, i)) {
            let below = &stage.instructions[index + 1..];
            let mentions = |i: &Instruction| mentioned(&i.original).contains(&item.name);
            let idle = below
                .iter()
                .filter(|i| matches!(i.kind, Kind::Run(_)))
                .take_while(|i| !mentions(i))
                .count();
            let is_new = names.insert(item.name.clone(), index).is_none();
            if idle == 0 || !is_new {
                continue;
            }
            let line = instruction.lines.first;
            let (steps, them) = if idle == 1 {
                ("one RUN that does".to_owned(), "it")
            } else {
                (format!("{idle} RUNs that do"), "them")
            };
            found.push(Finding {
                line,
                kind: "early-value",
                text: format!("{} is declared above {steps} not mention it; each new value makes {them} run again. Declare it where it is first needed.", item.name),
                rule: Some("sink-values"),
                builds: None,
            });
        }
    }
    found
}
