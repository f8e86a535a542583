//! What words of a script come to: its arguments, the variables that it sets itself, and where it stands.
//!
//! Variables that the script does not set are left as written; what only a shell can tell stands as `$(NAME)`.

use super::super::command::Command;
use super::super::command::Connector;
use super::super::command::Word;
use super::super::parse::parse;
use std::collections::BTreeMap;

/// How deep `$(…)` is followed.
const DEEPEST: usize = 6;
/// Bytes that one word may become.
const LONGEST: usize = 8 << 10;

/// What is known while a script runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    /// The script as it was called: `$0`.
    pub(super) zero: String,
    /// `$1` and those after; `None` once they have been moved in a way that is not followed.
    pub(super) args: Option<Vec<String>>,
    /// What the script has set; `None` for what only a shell can tell.
    pub(super) set: BTreeMap<String, Option<String>>,
    /// Where it works, absolute; `None` where that is not known.
    pub(super) here: Option<String>,
}

impl Values {
    /// The words that a word becomes.
    pub(super) fn words(&self, word: &Word) -> Vec<String> {
        if !word.expands {
            return vec![word.text.clone()];
        }
        let all = ["$@", "${@}", "$*", "${*}"];
        if let (Some(args), true) = (&self.args, all.contains(&word.text.as_str())) {
            return args.clone();
        }
        let text = self.filled(&word.text, 0);
        match word.quoted || is_asking(&text) {
            true => vec![text],
            false => text.split_whitespace().map(str::to_owned).collect(),
        }
    }

    /// `text` with what is known put in.
    pub(super) fn text(&self, text: &str) -> String {
        self.filled(text, 0)
    }

    /// What `text` comes to, where all of it is known.
    pub(super) fn known(&self, text: &str) -> Option<String> {
        let made = self.filled(text, 0);
        (!made.contains(['$', '`'])).then_some(made)
    }

    fn filled(&self, text: &str, depth: usize) -> String {
        let mut made = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$').filter(|_| made.len() < LONGEST) {
            made.push_str(&rest[..at]);
            let len = length(&rest[at..]);
            let (part, after) = rest[at..].split_at(len);
            match self.part(part, depth) {
                Some(value) => made.push_str(&value),
                None => made.push_str(part),
            }
            rest = after;
        }
        made.push_str(rest);
        made
    }

    /// What `$NAME`, `${…}` or `$(…)` comes to; `None` where it stays as written.
    fn part(&self, part: &str, depth: usize) -> Option<String> {
        if let Some(inside) = part.strip_prefix("$(") {
            let inside = inside.strip_suffix(')')?;
            return self.said(inside, depth + 1);
        }
        match part.strip_prefix("${") {
            Some(inside) => self.braced(inside.strip_suffix('}')?),
            None => self.named(&part[1..]),
        }
    }

    fn named(&self, name: &str) -> Option<String> {
        let args = self.args.as_deref();
        match name {
            "0" | "BASH_SOURCE" | "BASH_SOURCE[0]" => Some(self.zero.clone()),
            "#" => args.map(|a| a.len().to_string()),
            "@" | "*" => args.map(|a| a.join(" ")),
            "PWD" => self.here.clone(),
            _ => match name.parse::<usize>() {
                Ok(n) => args.map(|a| a.get(n - 1).cloned().unwrap_or_default()),
                Err(_) => match self.set.get(name)? {
                    Some(value) => Some(value.clone()),
                    None => Some(format!("$({name})")),
                },
            },
        }
    }

    /// `NAME`, `NAME:-otherwise`, `0%/*`.
    fn braced(&self, inside: &str) -> Option<String> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_@*#".contains(c);
        let end = match inside.strip_prefix("BASH_SOURCE[0]") {
            Some(rest) => inside.len() - rest.len(),
            None => inside.find(|c| !is_name(c)).unwrap_or(inside.len()),
        };
        let (name, rest) = inside.split_at(end);
        let is_own = self.set.contains_key(name) || name.parse::<usize>().is_ok();
        let value = self.named(name)?;
        let is_plain = |text: &str| !text.contains(['$', '`', '}']);
        match rest {
            "" => Some(value),
            "%/*" => is_plain(&value).then(|| parent(&value)),
            _ => {
                let otherwise = rest
                    .strip_prefix(":-")
                    .or(rest.strip_prefix('-'))
                    .filter(|text| is_own && is_plain(text))?;
                Some(match value.is_empty() {
                    true => otherwise.to_owned(),
                    false => value,
                })
            }
        }
    }

    /// What commands that only ask where they stand write.
    fn said(&self, inside: &str, depth: usize) -> Option<String> {
        if depth > DEEPEST {
            return None;
        }
        let script = parse(inside);
        let is_list = |c: &Command| {
            c.nesting.is_empty()
                && c.assignments.is_empty()
                && matches!(
                    c.connector,
                    Connector::Start | Connector::And | Connector::Then
                )
        };
        if !script.is_complete || !script.commands.iter().all(is_list) {
            return None;
        }
        let mut here = self.here.clone();
        let mut said: Option<String> = None;
        for command in &script.commands {
            let words = command.words.iter().skip(1);
            let words = words.map(|w| self.filled(&w.text, depth));
            let words: Vec<String> = words.filter(|w| !w.starts_with('-')).collect();
            let is_known = words.iter().all(|w| !w.contains(['$', '`']));
            let word = words.first().filter(|_| is_known && words.len() == 1);
            let one = match (command.name(), word) {
                ("cd", Some(dir)) => {
                    here = Some(joined(here.as_deref()?, dir));
                    continue;
                }
                ("pwd", None) if words.is_empty() => here.clone()?,
                ("dirname", Some(word)) => parent(word),
                ("basename", Some(word)) => word.rsplit('/').next()?.to_owned(),
                ("realpath" | "readlink", Some(word)) => joined(here.as_deref()?, word),
                ("echo", Some(word)) => word.clone(),
                _ => return None,
            };
            if said.replace(one).is_some() {
                return None;
            }
        }
        said
    }
}

/// Whether a part of `text` is known to a shell alone.
fn is_asking(text: &str) -> bool {
    text.contains("$(") || text.contains('`')
}

/// The length of the expansion that `text` begins with.
fn length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (open, close) = match bytes.get(1) {
        Some(b'(') => (b'(', b')'),
        Some(b'{') => (b'{', b'}'),
        Some(b) if b.is_ascii_digit() || b"@*#?$!-".contains(b) => return 2,
        _ => {
            let is_name = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
            return 1 + bytes[1..].iter().take_while(is_name).count();
        }
    };
    let mut depth = 0usize;
    for (at, byte) in bytes.iter().enumerate().skip(1) {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    bytes.len()
}

/// The directory of a path, as `dirname` says it.
fn parent(path: &str) -> String {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((dir, _)) => dir.to_owned(),
        None => ".".to_owned(),
    }
}

/// `path`, as seen from absolute `here`, absolute and without `.` and `..`.
pub fn joined(here: &str, path: &str) -> String {
    let base = if path.starts_with('/') { "" } else { here };
    let mut names: Vec<&str> = Vec::new();
    for name in base.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            _ => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::Values;

    fn values() -> Values {
        let set = [("A", Some("x y")), ("B", None)];
        let set = set.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        Values {
            zero: "hack/run.sh".to_owned(),
            args: Some(vec!["setup".to_owned(), "-v".to_owned()]),
            set: set.into(),
            here: Some("/app".to_owned()),
        }
    }

    #[test]
    fn what_is_known_is_put_in() {
        let check = |text: &str, want: &str| assert_eq!(values().text(text), want, "{text}");
        check("a$A-${A}", "ax y-x y");
        check("$1 $2 [$3] $#", "setup -v [] 2");
        check("${1:-x} ${3:-x} ${3-}", "setup x ");
        check("$HOME ${HOME:-x} ${A:-$C}", "$HOME ${HOME:-x} ${A:-$C}");
        check("$B/a", "$(B)/a");
        check("$(dirname $0)/x", "hack/x");
        check("${0%/*}", "hack");
        check(
            "$(cd \"$(dirname \"${BASH_SOURCE[0]}\")\"/.. && pwd -P)",
            "/app",
        );
        check("$(cd $(dirname $0) >/dev/null 2>&1; pwd)", "/app/hack");
        check(
            "$(git rev-parse --show-toplevel)",
            "$(git rev-parse --show-toplevel)",
        );
        check("$(cd $HOME && pwd)", "$(cd $HOME && pwd)");
        check("$(ls | head)", "$(ls | head)");
        check("$", "$");
        check("${", "${");
        check("$0$", "hack/run.sh$");
    }
}
