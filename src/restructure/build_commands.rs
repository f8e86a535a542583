//! Commands in the files of a tree that build images: `docker build -f Dockerfile --build-arg A=1 .`.

use crate::tree::RepoPath;

/// A line of a file, with those that continue it, that builds an image or passes an argument to what does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BuildCommand {
    pub(super) text: String,
    /// Whether it is a build, not only words for one.
    pub(super) builds: bool,
}

impl BuildCommand {
    /// Whether it may build `dockerfile`, a path in the repository: it names that, or none and it has the usual name.
    pub(super) fn is_of(&self, dockerfile: &RepoPath) -> bool {
        let path = dockerfile.to_string();
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let Some(named) = self.file().map(plain) else {
            let mut words = self.text.split_whitespace();
            return !self.builds
                || (name == "Dockerfile"
                    && (folder.is_empty() || words.any(|w| plain(w) == folder)));
        };
        path == named || path.ends_with(&format!("/{named}"))
    }

    /// The Dockerfile that it names, as it writes it.
    pub(super) fn file(&self) -> Option<&str> {
        let mut words = self.text.split_whitespace();
        let named = words.find_map(|word| match word.split_once('=') {
            Some(("-f" | "--file", named)) => Some(Some(named)),
            _ => matches!(word, "-f" | "--file").then_some(None),
        });
        named.map(|named| named.or_else(|| words.next()).unwrap_or_default())
    }
}

/// A path's word without quotes, `./` and the last `/`.
pub(super) fn plain(word: &str) -> &str {
    let word = word.trim_matches(['"', '\'']);
    word.trim_start_matches("./").trim_end_matches('/')
}

/// The commands of a file, continued lines joined.
pub(super) fn build_commands(text: &str) -> Vec<BuildCommand> {
    let mut commands = Vec::new();
    let mut joined = String::new();
    for line in text.lines() {
        let line = line.trim();
        let (piece, goes_on) = match line.strip_suffix('\\') {
            Some(piece) => (piece, true),
            None => (line, false),
        };
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(piece.trim_end());
        if goes_on {
            continue;
        }
        let text = std::mem::take(&mut joined);
        let builds = is_build(&text);
        if builds || (text.contains("--build-arg") && !text.starts_with('#')) {
            commands.push(BuildCommand { text, builds });
        }
    }
    commands
}

/// Whether a line calls a program that builds an image: `docker build`, `sudo podman image build`,
/// `$(DOCKER) buildx build`.
fn is_build(line: &str) -> bool {
    const ENGINES: [&str; 6] = ["BUILDER", "buildah", "docker", "nerdctl", "podman", "img"];
    let is_engine = |word: &str| {
        let word = word.trim_matches(['$', '(', ')', '{', '}', '@', '-', '"', '`']);
        let word = word.rsplit('/').next().unwrap_or(word);
        ENGINES.contains(&word) || (word.contains("DOCKER") || word.starts_with("CONTAINER"))
    };
    let mut words = line.split_whitespace();
    if line.starts_with('#') || !words.any(is_engine) {
        return false;
    }
    words
        .take_while(|w| *w != "compose")
        .take(MOST_BEFORE_BUILD)
        .any(|w| matches!(w, "build" | "bud"))
}

/// So many words stand between the program and `build`, at most.
const MOST_BEFORE_BUILD: usize = 3;

/// The first word of a shell's text, quotes and all that stands between `$(` and `)` in it.
pub(super) fn first_word(text: &str) -> &str {
    let (mut quote, mut open) = (None, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '"' | '\'' if quote == Some(c) => quote = None,
            // One that is not opened here closes what stands around the word.
            '"' | '\'' if quote.is_none() && open == 0 => {
                if !text[at + 1..].contains(c) {
                    return &text[..at];
                }
                quote = Some(c);
            }
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            c if c.is_whitespace() && quote.is_none() && open == 0 => return &text[..at],
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_build_are_told_with_the_lines_that_continue_them() {
        let check = |text: &str, expected: &[(&str, bool)]| {
            let found: Vec<(String, bool)> = build_commands(text)
                .into_iter()
                .map(|c| (c.text, c.builds))
                .collect();
            let found: Vec<(&str, bool)> = found.iter().map(|(t, b)| (t.as_str(), *b)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check(
            "\tdocker build \\\n\t  -t x .\necho",
            &[("docker build -t x .", true)],
        );
        check(
            "sudo podman image build .",
            &[("sudo podman image build .", true)],
        );
        check(
            "\t$(DOCKER) buildx build .",
            &[("$(DOCKER) buildx build .", true)],
        );
        check(
            "ARGS += --build-arg A=1",
            &[("ARGS += --build-arg A=1", false)],
        );
        check("docker compose build", &[]);
        check("docker run image make build", &[]);
        check("# docker build .", &[]);
        check("go build .", &[]);
    }

    #[test]
    fn a_command_names_its_dockerfile() {
        let check = |text: &str, dockerfile: &str, expected: bool| {
            let command = &build_commands(text)[0];
            assert_eq!(
                command.is_of(&RepoPath::from(dockerfile)),
                expected,
                "{text}"
            );
        };
        check("docker build .", "Dockerfile", true);
        check("docker build .", "app/Dockerfile", false);
        check("docker build ./app/", "app/Dockerfile", true);
        check("docker build -f app/Dockerfile .", "app/Dockerfile", true);
        check("docker build -f app/Dockerfile .", "Dockerfile", false);
        check("docker build --file=./x.Dockerfile .", "x.Dockerfile", true);
        check(
            "docker build -f x.Dockerfile .",
            "docker/x.Dockerfile",
            true,
        );
        check("docker build -f $FILE .", "Dockerfile", false);
        check("ARGS += --build-arg A=1", "app/Dockerfile", true);
    }

    #[test]
    fn a_word_ends_at_a_blank_outside_quotes() {
        let check = |text: &str, expected: &str| assert_eq!(first_word(text), expected, "{text}");
        check("./a -t $X", "./a");
        check("$(git rev-parse HEAD) .", "$(git rev-parse HEAD)");
        check("\"a b\" .", "\"a b\"");
        check("$SHA\" .", "$SHA");
        check("", "");
    }
}
