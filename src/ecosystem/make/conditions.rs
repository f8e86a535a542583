//! Make's conditions, what is known of a variable that nobody has set, and the few functions that are followed.

/// Variables that make has by itself, or takes from the system it runs on (GNU make manual, 6.14, 10.3).
const OWN: [&str; 22] = [
    "AR",
    "CC",
    "CURDIR",
    "CXX",
    "HOME",
    "HOSTNAME",
    "LANG",
    "MAKECMDGOALS",
    "MAKEFILES",
    "MAKEFILE_LIST",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "MFLAGS",
    "PATH",
    "PWD",
    "SHELL",
    "SUFFIXES",
    "TERM",
    "TMPDIR",
    "USER",
    "VPATH",
];

/// What is known of a variable.
pub(super) enum Known<'a> {
    /// It is this, as written.
    Text(&'a str),
    /// It is not set.
    Nothing,
    /// Nothing.
    No,
}

impl Known<'_> {
    /// Of a name in brackets that neither the Makefile nor its caller has set.
    pub(super) fn of_unset(name: &str) -> Self {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_plain = !name.is_empty() && name.chars().all(is_name);
        match is_plain && !OWN.contains(&name) {
            true => Self::Nothing,
            false => Self::No,
        }
    }
}

/// What `$(NAME ARGUMENTS)` comes to, where that is known; `filled` puts values into an argument.
pub(super) fn function(
    call: &str,
    filled: &mut dyn FnMut(&str) -> Option<String>,
) -> Option<String> {
    let (name, rest) = call.split_once([' ', '\t'])?;
    let each = |text: &str, change: &dyn Fn(&str) -> String| {
        let words: Vec<String> = text.split_whitespace().map(change).collect();
        words.join(" ")
    };
    match name {
        // Images run Linux.
        "shell" => matches!(rest.trim(), "uname" | "uname -s").then(|| "Linux".to_owned()),
        "strip" => Some(each(&filled(rest)?, &str::to_owned)),
        "addprefix" | "addsuffix" => {
            let (part, words) = rest.split_once(',')?;
            let (part, words) = (filled(part.trim())?, filled(words)?);
            let with_part = |word: &str| match name {
                "addprefix" => format!("{part}{word}"),
                _ => format!("{word}{part}"),
            };
            Some(each(&words, &with_part))
        }
        _ => None,
    }
}

/// Whether what stands in a block is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// It is.
    On,
    /// It is not.
    Off,
    /// It is not known.
    Open,
}

/// The conditions around a line.
#[derive(Default)]
pub(super) struct Blocks {
    /// Of each block whether this branch is read, and whether one before it is; the outermost first.
    open: Vec<(Block, Block)>,
}

impl Blocks {
    /// Whether no condition is open.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether what stands here is read.
    pub(super) fn state(&self) -> Block {
        let has = |state| self.open.iter().any(|(own, _)| *own == state);
        match (has(Block::Off), has(Block::Open)) {
            (true, _) => Block::Off,
            (false, true) => Block::Open,
            (false, false) => Block::On,
        }
    }

    /// Reads a line that begins, divides or ends a block; `value` gives the text of what is compared, where it is known.
    pub(super) fn read(&mut self, line: &str, value: &dyn Fn(&str) -> Option<String>) {
        if line.starts_with("endif") {
            self.open.pop();
            return;
        }
        let Some(rest) = line.strip_prefix("else") else {
            let own = holds(line, value);
            self.open.push((own, own));
            return;
        };
        let Some((own, before)) = self.open.last_mut() else {
            return;
        };
        let rest = rest.trim_start();
        *own = match *before {
            Block::On => Block::Off,
            // What an undecided branch leaves is undecided too.
            Block::Open => Block::Open,
            Block::Off if rest.is_empty() => Block::On,
            Block::Off => holds(rest, value),
        };
        if *own != Block::Off {
            *before = *own;
        }
    }
}

/// Whether a condition holds.
fn holds(line: &str, value: &dyn Fn(&str) -> Option<String>) -> Block {
    let (word, rest) = line.split_at(line.find([' ', '\t', '(']).unwrap_or(line.len()));
    let rest = rest.trim();
    let is_true = match word {
        "ifdef" | "ifndef" => value(&format!("$({rest})")).map(|v| !v.is_empty()),
        _ => {
            compared(rest).and_then(|(one, other)| Some(value(one)?.trim() == value(other)?.trim()))
        }
    };
    let is_wanted = matches!(word, "ifeq" | "ifdef");
    match is_true {
        Some(is) if is == is_wanted => Block::On,
        Some(_) => Block::Off,
        None => Block::Open,
    }
}

/// The two texts of `(a,b)`, `"a" "b"` or `'a' 'b'`.
fn compared(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        let mut depth = 0usize;
        for (at, c) in inner.char_indices() {
            match c {
                '(' | '{' => depth += 1,
                ')' | '}' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => return Some((&inner[..at], &inner[at + 1..])),
                _ => {}
            }
        }
        return None;
    }
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (one, rest) = text[1..].split_once(quote)?;
    let rest = rest.trim_start();
    let close = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (other, _) = rest[1..].split_once(close)?;
    Some((one, other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_decided_by_what_is_known() {
        let value = |text: &str| match text {
            "$(A)" => Some("1".to_owned()),
            "$(X)" => None,
            "$(E)" => Some(String::new()),
            text => Some(text.to_owned()),
        };
        let check = |lines: &[&str], expected: Block| {
            let mut blocks = Blocks::default();
            for line in lines {
                blocks.read(line, &value);
            }
            assert_eq!(blocks.state(), expected, "{lines:?}");
        };
        check(&["ifeq ($(A),1)"], Block::On);
        check(&["ifeq ($(A), 1)"], Block::On);
        check(&["ifneq ($(A),1)"], Block::Off);
        check(&["ifeq \"$(A)\" '1'"], Block::On);
        check(&["ifeq ($(X),1)"], Block::Open);
        check(&["ifdef A"], Block::On);
        check(&["ifdef E"], Block::Off);
        check(&["ifndef E"], Block::On);
        check(&["ifeq ($(A),2)", "else"], Block::On);
        check(&["ifeq ($(A),2)", "else ifeq ($(E),)", "else"], Block::Off);
        check(&["ifeq ($(A),2)", "else ifeq ($(E),)"], Block::On);
        check(&["ifeq ($(X),2)", "else"], Block::Open);
        check(&["ifeq ($(X),2)", "ifeq ($(A),2)"], Block::Off);
        check(&["ifeq ($(A),2)", "endif"], Block::On);
        check(&["ifeq nonsense"], Block::Open);
        check(&["else", "endif"], Block::On);
    }
}
