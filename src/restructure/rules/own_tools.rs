//! What the steps above a front-end's build do for it, so that a stage of its own has all that it needs.

use super::super::command::seen;
use super::super::installs::StageView;
use super::super::layout::{absolute, is_within};
use super::own_stage::{Part, TOOLS};
use crate::dockerfile::ast::Instruction;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// A RUN above the front-end's own that the new stage begins with.
pub(super) struct Tool {
    /// Which instruction.
    pub(super) run: usize,
    /// Whether the front-end alone needs it.
    pub(super) is_own: bool,
}

/// What the packages of a front-end's tools begin with.
const NAMES: &[&str] = &["corepack", "node", "npm", "yarn"];

/// Settings of package managers that are looked for outside of the directory, too.
const SETTINGS: &[&str] = &[
    ".npmrc",
    ".pnp.cjs",
    ".yarnrc",
    ".yarnrc.yml",
    "lerna.json",
    "nx.json",
    "pnpm-workspace.yaml",
    "turbo.json",
];

/// The RUNs above that bring what the front-end is built with. `None` where the rest is nothing to build beside, or where
/// a step above prepares the front-end in a way that the new stage would lack.
pub(super) fn tools(of: &StageView<'_>, part: &Part) -> Option<Vec<Tool>> {
    let stage = of.stage;
    let last = *part.runs.last()?;
    let image = stage.base().image.as_str();
    let has_node = image.rsplit('/').next()?.starts_with("node");
    let mut tools = Vec::new();
    let (mut brings_node, mut are_shared, mut builds) = (false, false, false);
    if has_settings_outside(of, part, last) {
        return None;
    }
    for (n, instruction) in stage.instructions.iter().enumerate() {
        if n < last && instruction.flag("from").is_some() {
            return None;
        }
        if part.runs.contains(&n) || instruction.keyword != "RUN" {
            continue;
        }
        let is_free = of.reads_no_project(n, &BTreeSet::new());
        if n < last && (works_in(of, n, &part.dir) || !is_free && !builds_another(of, n)) {
            return None;
        }
        if n < last && is_free {
            // A compiler among the image's packages may be for npm, whatever its name.
            let is_named = names_tools(instruction);
            brings_node |= is_named;
            let is_own = is_named && !installs_more(instruction);
            tools.push(Tool { run: n, is_own });
            if is_named {
                continue;
            }
        }
        // What is not known may start them.
        are_shared |= n > last && !is_free && !builds_another(of, n);
        let all = seen(instruction);
        are_shared |= all.is_none_or(|all| all.iter().any(|s| TOOLS.contains(&s.name())));
        builds |= !is_free;
    }
    let starts_node = stage.instructions.iter().any(|i| {
        matches!(i.keyword, "CMD" | "ENTRYPOINT" | "HEALTHCHECK")
            && TOOLS.iter().any(|t| i.original.contains(t))
    });
    for tool in &mut tools {
        tool.is_own &= !are_shared && !starts_node;
    }
    (builds && (has_node || brings_node)).then_some(tools)
}

/// Whether a RUN brings a front-end's tools, by the words in it.
fn names_tools(run: &Instruction) -> bool {
    NAMES.iter().any(|name| run.original.contains(name))
}

/// Whether a RUN installs packages beside a front-end's tools, which the rest may need.
fn installs_more(run: &Instruction) -> bool {
    let is_more = |word: &&String| {
        !word.starts_with('-')
            && !NAMES
                .iter()
                .any(|name| word.trim_start_matches('p').starts_with(name))
    };
    let installs = |s: &Seen| {
        let mut words = s
            .args()
            .iter()
            .skip_while(|w| !matches!(w.as_str(), "install" | "add" | "i"));
        words.next().is_some() && words.any(|w| is_more(&w))
    };
    seen(run).is_none_or(|all| all.iter().any(installs))
}

/// Whether RUN `run` works in `dir`, or names something there.
fn works_in(of: &StageView<'_>, run: usize, dir: &str) -> bool {
    let instruction = &of.stage.instructions[run];
    let cwd = of.cwd(run);
    let is_inside = |path: &str| absolute(Some(cwd), path).is_none_or(|p| is_within(&p, dir));
    let is_there = |at: Option<String>| at.is_none_or(|at| is_inside(&at));
    let is_end = |c: char| c.is_whitespace() || "\"'`=:;,&|()<>{}$".contains(c);
    is_inside(".")
        || seen(instruction).is_none_or(|all| all.into_iter().any(|s| is_there(s.directory)))
        || instruction.original.split(is_end).any(is_inside)
}

/// Whether RUN `run` only builds, or installs for, something that is no front-end.
fn builds_another(of: &StageView<'_>, run: usize) -> bool {
    let front_ends = ["bun", "npm", "pnpm", "yarn"];
    of.builds_with(run)
        .is_some_and(|names| !names.iter().any(|name| front_ends.contains(name)))
}

/// Whether files above or beside the directory set up its package manager.
fn has_settings_outside(of: &StageView<'_>, part: &Part, last: usize) -> bool {
    let image = of.image_at(last);
    // A member of a workspace is installed from the root of that.
    let above = |to: &&String| {
        let dir = to.strip_suffix("/package.json");
        dir.is_some_and(|dir| dir != part.dir && is_within(&part.dir, dir))
    };
    let is_workspace = |to: &String| {
        let text = image.get(to).and_then(|b| of.view.read_text(&b.from));
        text.is_none_or(|text| text.contains("\"workspaces\""))
    };
    if image.keys().filter(above).any(is_workspace) {
        return true;
    }
    let mut outside = image.keys().filter(|to| !is_within(to, &part.dir));
    outside.any(|to| {
        to.rsplit_once('/')
            .is_some_and(|(_, name)| SETTINGS.contains(&name))
    })
}
