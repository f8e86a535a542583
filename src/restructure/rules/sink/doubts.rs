//! What could not be shown of the RUNs that values pass, in words.

use std::collections::BTreeSet;

/// What could not be shown of the RUNs that are passed.
#[derive(Clone, Default)]
pub(super) struct Doubts {
    /// Lines of RUNs that may read a value, each with the command.
    pub(super) unknown: Vec<(usize, String)>,
    /// Lines of RUNs that may read what a RUN writes that goes down, each with those files.
    pub(super) files: Vec<(usize, String)>,
    /// The line of the first RUN that then installs what is newest less often, and the sentence about it.
    pub(super) newest: Option<(usize, String)>,
    /// Others, after "check that ".
    pub(super) others: Vec<String>,
}

impl Doubts {
    pub(super) fn len(&self) -> usize {
        let newest = usize::from(self.newest.is_some());
        self.unknown.len() + self.files.len() + self.others.len() + newest
    }

    /// Those that are left where no RUN below `line` is passed.
    pub(super) fn above(mut self, line: usize) -> Self {
        self.unknown.retain(|(n, _)| *n <= line);
        self.files.retain(|(n, _)| *n <= line);
        self.newest = self.newest.filter(|(n, _)| *n <= line);
        self
    }

    /// As one sentence each.
    pub(super) fn sentences(&self, names: &str) -> Vec<String> {
        let lines = self.unknown.iter();
        let lines = lines.map(|(line, command)| format!("{line} (`{command}`)"));
        let mut sentences: Vec<String> = do_not_read(lines.collect())
            .map(|lines| format!("check that {lines} not read {names} from the environment"))
            .into_iter()
            .collect();
        let files: BTreeSet<&String> = self.files.iter().map(|(_, files)| files).collect();
        sentences.extend(files.into_iter().filter_map(|files| {
            let lines = self.files.iter().filter(|(_, f)| f == files);
            let lines = do_not_read(lines.map(|(line, _)| line.to_string()).collect())?;
            Some(format!("check that {lines} not read {files}"))
        }));
        sentences.extend(self.newest.iter().map(|(_, said)| said.clone()));
        sentences.extend(self.others.iter().cloned());
        sentences
    }
}

/// Lines in a sentence, the first of many; `None` where there is none.
fn do_not_read(lines: Vec<String>) -> Option<String> {
    let (shown, more) = lines.split_at(lines.len().min(MOST_SHOWN));
    Some(match (shown, more.len()) {
        ([], _) => return None,
        ([one], 0) => format!("line {one} does"),
        ([all @ .., last], 0) => format!("lines {} and {last} do", all.join(", ")),
        (all, more) => format!("lines {} and {more} more do", all.join(", ")),
    })
}

/// So many RUNs are named in a doubt.
const MOST_SHOWN: usize = 3;
