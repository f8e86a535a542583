//! Images that are named without a version.

use super::super::layout::{parent, stage_named};
use super::super::rules::floats;
use super::super::view::View;
use super::kind::Finding;
use crate::dockerfile::ast::Stage;

pub(super) fn floating_images(view: &View<'_>, stage: &Stage) -> Vec<Finding> {
    let mut found = Vec::new();
    if parent(view.dockerfile, stage.index).is_none() && floats(&stage.base().image) {
        let image = &stage.base().image;
        found.push(Finding {
            line: stage.from.lines.first,
            kind: "floating-image",
            text: format!("{image} is another image whenever it is published anew; everything built on it then runs again. Name a version."),
            rule: Some("pin"),
            builds: None,
        });
    }
    for instruction in &stage.instructions {
        let Some(image) = instruction.flag("from").filter(|name| {
            stage_named(view.dockerfile, stage.index, name).is_none() && name.contains(['/', ':'])
        }) else {
            continue;
        };
        if floats(image) {
            found.push(Finding {
                line: instruction.lines.first,
                kind: "floating-image",
                text: format!("Files are taken from {image}, which names no version; a new one of it makes this and all later steps run again."),
                rule: Some("pin"),
                builds: None,
            });
        }
    }
    found
}
