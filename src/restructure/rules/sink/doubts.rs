//! What could not be shown of the RUNs that values pass, in words.

/// What could not be shown of the RUNs that are passed.
#[derive(Clone, Default)]
pub(super) struct Doubts {
    /// Lines of RUNs that may read a value, each with the command.
    pub(super) unknown: Vec<(usize, String)>,
    /// Others, after "check that ".
    pub(super) others: Vec<String>,
}

impl Doubts {
    pub(super) fn len(&self) -> usize {
        self.unknown.len() + self.others.len()
    }

    /// Those that are left where no RUN below `line` is passed.
    pub(super) fn above(mut self, line: usize) -> Self {
        self.unknown.retain(|(n, _)| *n <= line);
        self
    }

    /// As one sentence each.
    pub(super) fn sentences(&self, names: &str) -> Vec<String> {
        let shown: Vec<String> = self
            .unknown
            .iter()
            .take(MOST_SHOWN)
            .map(|(line, command)| format!("{line} (`{command}`)"))
            .collect();
        let more = self.unknown.len() - shown.len();
        let lines = match (shown.as_slice(), more) {
            ([], _) => return self.others.clone(),
            ([one], 0) => format!("line {one} does"),
            ([all @ .., last], 0) => format!("lines {} and {last} do", all.join(", ")),
            (all, more) => format!("lines {} and {more} more do", all.join(", ")),
        };
        let mut sentences = vec![format!(
            "check that {lines} not read {names} from the environment"
        )];
        sentences.extend(self.others.iter().cloned());
        sentences
    }
}

/// So many RUNs are named in a doubt.
const MOST_SHOWN: usize = 3;
