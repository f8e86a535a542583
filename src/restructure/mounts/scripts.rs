//! Scripts of the project that a RUN calls: where one takes away what a mount lies on, the RUN would fail.

use super::super::installs::StageView;
use super::super::layout::{expand, is_within, unquote};
use super::super::view::View;
use crate::dockerfile::ast::{Command, Kind};
use crate::shell;
use crate::tree::RepoPath;

/// Programs that run a script which is their first word.
const SHELLS: [&str; 6] = [".", "ash", "bash", "dash", "sh", "source"];

/// Whether a script that the RUN at `run` calls takes away `target`, all that is in it, or what is above it. A mount
/// cannot be taken away (rm(1): "Device or resource busy").
pub(in crate::restructure) fn take_away(of: &StageView<'_>, run: usize, target: &str) -> bool {
    let (Some(instruction), Some(place)) = (of.stage.instructions.get(run), of.places.get(run))
    else {
        return false;
    };
    let Kind::Run(run) = &instruction.kind else {
        return false;
    };
    let text = match &run.command {
        Command::Shell(text) => text.clone(),
        Command::Exec(words) => words.join(" "),
    };
    let bodies = instruction.heredocs.iter().map(|h| h.content.as_str());
    let mut texts = bodies.chain([text.as_str()]);
    let home = place.home();
    texts.any(|text| {
        let script = shell::parse(text);
        let called = script.commands.iter().filter_map(|command| {
            let first = command.words.first()?.text.as_str();
            let file = match SHELLS.contains(&command.name()) {
                true => command.args().into_iter().find(|w| !w.starts_with('-'))?,
                false => first,
            };
            (file.contains('/') || file.ends_with(".sh")).then(|| file.to_owned())
        });
        let called: Vec<String> = called.collect();
        let removes = |text: &String| {
            shell::parse(text).seen().iter().any(|seen| {
                seen.name() == "rm"
                    && seen.args().iter().any(|word| {
                        let word = unquote(word)
                            .replace("${HOME}", home)
                            .replace("$HOME", home);
                        let word = match word.strip_prefix('~') {
                            Some(rest) => format!("{home}{rest}"),
                            None => word,
                        };
                        let word = expand(&word, &place.variables).unwrap_or(word);
                        let bare = word.trim_end_matches(['/', '*']);
                        bare.starts_with('/') && is_within(target, bare)
                    })
            })
        };
        called
            .iter()
            .flat_map(|file| texts_of(of.view, file))
            .any(|text| removes(&text))
    })
}

/// The texts of the project's files by the name of one that is called.
fn texts_of(view: &View<'_>, file: &str) -> Vec<String> {
    let name = file.rsplit('/').next().unwrap_or_default().as_bytes();
    let is_it = |path: &&RepoPath| path.file_name() == Some(name);
    let named = view.files.iter().map(|(path, _)| path).filter(is_it);
    let texts = named.take(8).filter_map(|path| view.read_text(path));
    texts
        .filter(|text| text.len() < 100_000 && text.contains("rm "))
        .collect()
}
