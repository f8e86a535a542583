//! What of a stage goes into the image or into other stages.

use super::layout::{
    At, built_on, expand, is_within, mentioned, mount_field, parent, places, stage_named, unquote,
};
use super::view::View;
use crate::dockerfile::ast::{Instruction, Kind, Source};

/// Whether the stage is the target or one that it is built on.
pub(super) fn is_in_image(view: &View<'_>, stage: usize) -> bool {
    built_on(view.dockerfile, view.target).any(|s| s == stage)
}

/// Whether a `--from` takes something at, above or below `path` out of the stage, or another stage is built on it.
pub(super) fn is_copied_from(view: &View<'_>, stage: usize, path: &str) -> bool {
    let mut stages = view.dockerfile.stages.iter();
    stages.any(|later| parent(view.dockerfile, later.index) == Some(stage))
        || gives(view, stage, path)
}

/// Whether a `--from` or a mount takes something at, above or below `path` out of the stage.
pub(super) fn gives(view: &View<'_>, stage: usize, path: &str) -> bool {
    let is_it = |of: usize, name: &str| stage_named(view.dockerfile, of, name) == Some(stage);
    let takes = |of: usize, n: usize, instruction: &Instruction| match &instruction.kind {
        Kind::Copy(transfer) | Kind::Add(transfer) => {
            let is_from = instruction.flag("from").is_some_and(|from| is_it(of, from));
            let mut sources = transfer.sources.iter();
            is_from
                && sources.any(|s| {
                    meets(
                        &known(
                            view,
                            At {
                                stage: of,
                                index: n,
                            },
                            s,
                        ),
                        path,
                    )
                })
        }
        _ => instruction.flag_values("mount").any(|mount| {
            let is_from = mount_field(mount, "from").is_some_and(|from| is_it(of, from));
            is_from && shows(mount, instruction, path)
        }),
    };
    view.dockerfile.stages.iter().any(|later| {
        let mut steps = later.instructions.iter().enumerate();
        steps.any(|(n, step)| takes(later.index, n, step))
    })
}

/// A source with the variables of the stage put in, where their values are known and none is passed as an argument.
fn known(view: &View<'_>, at: At, source: &Source) -> Source {
    let Source::Path(written) = source else {
        return source.clone();
    };
    let is_passed = |name: &String| view.build_args.iter().any(|(passed, _)| passed == name);
    if !written.contains('$') || mentioned(written).iter().any(is_passed) {
        return source.clone();
    }
    let place = &places(view.dockerfile)[at.stage][at.index];
    expand(&unquote(written), &place.variables).map_or_else(|| source.clone(), Source::Path)
}

/// Whether a RUN may read what is at `path` of the stage that it mounts: of a whole stage, what its text names.
fn shows(mount: &str, run: &Instruction, path: &str) -> bool {
    let source = mount_field(mount, "source").or(mount_field(mount, "src"));
    let source = source.filter(|s| !s.trim_matches('/').is_empty());
    if let Some(source) = source {
        return meets(&Source::Path(source.to_owned()), path);
    }
    let names = ["target", "dst", "destination"];
    let at = names.iter().find_map(|n| mount_field(mount, n));
    let folder = path.split('/').nth(1).unwrap_or_default();
    let named = format!("{}/{folder}", at.unwrap_or_default().trim_end_matches('/'));
    run.original.contains(&named) || run.heredocs.iter().any(|h| h.content.contains(&named))
}

/// Whether a `--from` or a mount takes something at or below `path`, and nothing else, out of the stage.
pub(super) fn takes_below(view: &View<'_>, stage: usize, path: &str) -> bool {
    let is_below = |source: &str| is_within(&format!("/{}", source.trim_start_matches('/')), path);
    let mounts_it = |of: usize, mount: &str| {
        let named = mount_field(mount, "from").and_then(|n| stage_named(view.dockerfile, of, n));
        let source = mount_field(mount, "source").or(mount_field(mount, "src"));
        named == Some(stage) && source.is_some_and(is_below)
    };
    let takes = |of: usize, instruction: &Instruction| match &instruction.kind {
        Kind::Copy(transfer) | Kind::Add(transfer) => {
            let named = instruction.flag("from");
            let named = named.and_then(|n| stage_named(view.dockerfile, of, n));
            let mut sources = transfer.sources.iter();
            named == Some(stage)
                && sources.any(|s| matches!(s, Source::Path(path) if is_below(path)))
        }
        _ => instruction.flag_values("mount").any(|m| mounts_it(of, m)),
    };
    let mut stages = view.dockerfile.stages.iter();
    stages.any(|later| later.instructions.iter().any(|i| takes(later.index, i)))
}

fn meets(source: &Source, path: &str) -> bool {
    let Source::Path(source) = source else {
        return false;
    };
    let absolute = format!("/{}", source.trim_start_matches('/'));
    // A variable may stand for anything below what is written before it.
    if let Some((known, _)) = absolute.split_once('$') {
        let folder = known.rsplit_once('/').map_or("", |(folder, _)| folder);
        return is_within(folder, path) || path.starts_with(known);
    }
    is_within(path, absolute.trim_end_matches('/')) || is_within(&absolute, path) || absolute == "/"
}
