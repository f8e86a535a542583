//! Poetry's virtual environments: they lie beside its downloads unless it is told otherwise
//! (python-poetry.org/docs/configuration, `virtualenvs.path`).

use super::super::base::is_official;
use super::super::installs::StageView;
use super::super::layout::built_on;
use super::downloads::image_of;
use crate::dockerfile::ast::{Instruction, Kind};

/// Variables and settings by which Poetry makes its environment elsewhere, or none.
const ELSEWHERE: [(&str, &[&str]); 7] = [
    ("POETRY_VIRTUALENVS_CREATE", &["0", "false"]),
    ("POETRY_VIRTUALENVS_IN_PROJECT", &["1", "true"]),
    ("POETRY_VIRTUALENVS_PATH", &[]),
    // Poetry uses the one that is active.
    ("VIRTUAL_ENV", &[]),
    ("virtualenvs.create", &["false"]),
    ("virtualenvs.in-project", &["true"]),
    ("virtualenvs.path", &[]),
];

/// What is to be checked where a mount over Poetry's downloads in the RUN at `run` might hide the environment that it
/// makes there; `None` where it does.
pub(in crate::restructure) fn doubts(
    of: &StageView<'_>,
    run: usize,
    target: &str,
) -> Option<Vec<String>> {
    if is_elsewhere(of, run) {
        return Some(Vec::new());
    }
    let image = &*image_of(of);
    (!is_official(image)).then(|| {
        vec![format!(
            "check that {image} tells Poetry to make its virtual environment elsewhere than in {target}"
        )]
    })
}

fn is_elsewhere(of: &StageView<'_>, run: usize) -> bool {
    let dockerfile = of.view.dockerfile;
    let is_set = |(name, values): &(&str, &[&str])| {
        let value = of.places.get(run).and_then(|p| p.variables.get(*name));
        let value = value.map(|v| v.as_deref().unwrap_or_default().to_lowercase());
        value.is_some_and(|v| values.is_empty() || values.contains(&v.as_str()))
    };
    let below = built_on(dockerfile, of.stage.index).skip(1);
    let below = below.flat_map(|s| &dockerfile.stages[s].instructions);
    let mut steps = of.stage.instructions.iter().take(run + 1).chain(below);
    let mut brought = of.brings[..run].iter().flatten().flat_map(|b| b.iter());
    ELSEWHERE.iter().any(is_set)
        || steps.any(tells)
        || brought.any(|(to, from)| {
            let text = to
                .ends_with("/poetry.toml")
                .then(|| of.view.read_text(from));
            text.flatten().is_some_and(|t| t.contains("[virtualenvs"))
        })
}

/// Whether a RUN says so, as a setting or a variable of its own, or makes an environment active.
fn tells(step: &Instruction) -> bool {
    let is_blank = |c: char| c.is_whitespace() || "=\"'".contains(c);
    let Kind::Run(_) = &step.kind else {
        return false;
    };
    let mut words = step
        .original
        .split(is_blank)
        .filter(|w| !w.is_empty())
        .peekable();
    while let Some(word) = words.next() {
        let known = ELSEWHERE.iter().find(|(name, _)| *name == word);
        let is_so = known.is_some_and(|(_, values)| {
            let next = words.peek().map(|w| w.trim_end_matches(';').to_lowercase());
            next.is_some_and(|v| values.is_empty() || values.contains(&v.as_str()))
        });
        if is_so || word.ends_with("/activate") {
            return true;
        }
    }
    false
}
