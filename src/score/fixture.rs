//! Steps out of short texts, for tests.

use crate::dockerfile::Lines;
use crate::graph::{Input, Origin, Step, StepId};
use crate::replay::Steps;

/// One step per text, each built on the one before it in its stage: `stage> RUN x`, or `RUN x` for the only stage.
pub(crate) fn steps(texts: &[&str]) -> Steps {
    let mut stages: Vec<String> = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        let (stage, text) = text
            .split_once("> ")
            .map_or((None, *text), |(s, t)| (Some(s.to_owned()), t));
        let name = stage.clone().unwrap_or_default();
        let stage_index = stages.iter().position(|s| *s == name).unwrap_or_else(|| {
            stages.push(name);
            stages.len() - 1
        });
        let base = steps.iter().rposition(|s| s.stage_index == stage_index);
        let built_on = base.map(|id| Input {
            origin: Origin::Step(StepId(id)),
            selectors: None,
        });
        let instruction = text.split(' ').next().unwrap_or_default().to_owned();
        steps.push(Step {
            stage,
            stage_index,
            index: 1 + steps
                .iter()
                .filter(|s| s.stage_index == stage_index)
                .count(),
            total: texts.len(),
            lines: Lines {
                first: i + 1,
                last: i + 1,
            },
            command: command(text),
            instruction,
            text: text.to_owned(),
            inputs: built_on.into_iter().collect(),
            definition: vec![("command".to_owned(), text.to_owned())].into(),
        });
    }
    Steps {
        shown: (0..steps.len()).map(StepId).collect(),
        steps,
    }
}

/// What a RUN runs, without its flags.
fn command(text: &str) -> String {
    let words = text.strip_prefix("RUN ").unwrap_or_default().split(' ');
    let words = words.skip_while(|w| w.starts_with("--"));
    words.collect::<Vec<_>>().join(" ")
}
