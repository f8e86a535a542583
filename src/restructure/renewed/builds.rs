//! What the commands and steps of a file that build one Dockerfile pass.

use super::super::build_commands::{BuildCommand, build_commands, first_word, plain};
use super::value::assigned;
use crate::tree::RepoPath;

/// One build, with the arguments that it passes and the text of each value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Built {
    pub(super) arguments: Vec<(String, String)>,
}

/// Actions that build an image by `file`, `context` and `build-args`.
const ACTIONS: [&str; 3] = [
    "build-push-action",
    "buildah-build",
    "docker-build-push-action",
];

/// The builds of `dockerfile` in a file of the tree.
pub(super) fn builds(text: &str, dockerfile: &RepoPath, context: &RepoPath) -> Vec<Built> {
    let commands = build_commands(text);
    // Gathered in a variable before: `ARGS="$ARGS --build-arg A=1"`.
    let loose = commands.iter().filter(|command| !command.builds);
    let loose: Vec<(String, String)> = loose.flat_map(|c| passed(&c.text)).collect();
    let own = commands
        .iter()
        .filter(|c| c.builds && is_of(c, text, dockerfile, context));
    let by_command = own.map(|command| {
        let mut arguments = passed(&command.text);
        if command.text.contains('$') {
            arguments.extend(loose.iter().cloned());
        }
        Built { arguments }
    });
    let steps = steps(text);
    let is_action = |step: &&Step| ACTIONS.iter().any(|a| step.uses.contains(a));
    // What a step takes from the matrix stands in an item of that.
    let has_matrix = steps.iter().filter(is_action).any(|step| step.is_of_matrix);
    let is_item = |step: &&Step| has_matrix && step.uses.is_empty() && step.names_one();
    let by_step = steps
        .iter()
        .filter(|step| is_action(step) || is_item(step))
        .filter(|step| step.is_of(dockerfile))
        .map(|step| {
            let items = steps.iter().filter(|s| s.uses.is_empty() && !s.names_one());
            let items = items.filter(|_| step.is_of_matrix);
            let arguments = items.chain([step]).flat_map(|s| &s.arguments);
            Built {
                arguments: arguments.cloned().collect(),
            }
        });
    by_command.chain(by_step).collect()
}

/// The arguments that a command passes, with their values; one without a value passes the variable of its name.
fn passed(command: &str) -> Vec<(String, String)> {
    let flags = command.split("--build-arg").skip(1);
    let pairs = flags.filter_map(|flag| {
        let flag = flag.trim_start_matches(['=', ' ', '\t', '"', '\'']);
        let word = first_word(flag);
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = word.find(|c| !is_of_name(c)).unwrap_or(word.len());
        let (name, rest) = word.split_at(end);
        let value = match rest.strip_prefix('=') {
            Some(value) => value.to_owned(),
            None => format!("${{{name}}}"),
        };
        (!name.is_empty()).then(|| (name.to_owned(), value))
    });
    pairs.collect()
}

/// Whether a command builds `dockerfile`, as far as its words and the file's variables tell.
fn is_of(command: &BuildCommand, text: &str, dockerfile: &RepoPath, context: &RepoPath) -> bool {
    let path = dockerfile.to_string();
    let is_named = |named: &str| {
        let named = plain(named);
        // `$ROOT/app/Dockerfile`
        let below = named.split_once('/').filter(|(top, _)| top.contains('$'));
        named == path || below.is_some_and(|(_, rest)| rest == path)
    };
    if let Some(named) = command.file() {
        let variable = named.trim_matches(['"', '\'', '$', '{', '}', '(', ')']);
        let is_variable = named.contains('$') && !named.contains('/');
        return is_named(named)
            || (is_variable && assigned(text, variable).iter().any(|v| is_named(v)));
    }
    let Some(folder) = default_folder(&path) else {
        return false;
    };
    // The context is the last word, before what is done with the output.
    let ends = |w: &&str| !matches!(*w, "&&" | "||" | "|" | ";") && !w.starts_with('>');
    let last = command.text.split_whitespace().take_while(ends).last();
    let last = last.map(plain).unwrap_or_default();
    let is_root = context.is_root();
    match folder {
        "" => matches!(last, "." | "") || last.contains('$') && !last.contains('/'),
        folder => last == folder || (last == "." && !is_root && is_in(text, folder)),
    }
}

/// The folder of a Dockerfile with the usual name.
fn default_folder(path: &str) -> Option<&str> {
    match path.rsplit_once('/') {
        Some((folder, "Dockerfile")) => Some(folder),
        None if path == "Dockerfile" => Some(""),
        _ => None,
    }
}

/// Whether a file goes to `folder`.
fn is_in(text: &str, folder: &str) -> bool {
    ["cd ", "working-directory: "].iter().any(|to| {
        text.match_indices(to).any(|(at, _)| {
            let word = text[at + to.len()..].split_whitespace().next();
            word.is_some_and(|w| plain(w.trim_end_matches(';')) == folder)
        })
    })
}

/// A step of a workflow that runs an action.
#[derive(Default)]
struct Step {
    uses: String,
    context: Option<String>,
    file: Option<String>,
    arguments: Vec<(String, String)>,
    /// Whether it passes arguments that an item of the matrix says.
    is_of_matrix: bool,
}

impl Step {
    fn names_one(&self) -> bool {
        (self.file.is_some() || self.context.is_some()) && !self.arguments.is_empty()
    }

    fn is_of(&self, dockerfile: &RepoPath) -> bool {
        let path = dockerfile.to_string();
        let context = self.context.as_deref().map_or("", plain);
        match &self.file {
            Some(file) => plain(file) == path,
            None => {
                let context = context.trim_start_matches("{{defaultContext}}:");
                let folder = if context == "." { "" } else { context };
                default_folder(&path) == Some(folder)
            }
        }
    }
}

/// The steps of a workflow that run actions.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    // The indentation of the list that steps are items of, and of the block of build-args that a line may be in.
    let (mut dash, mut block) = (usize::MAX, None);
    for line in text.lines() {
        let plain_line = line.trim_start();
        if plain_line.is_empty() || plain_line.starts_with('#') {
            continue;
        }
        let indent = line.len() - plain_line.len();
        let inner = plain_line.strip_prefix("- ").map(str::trim_start);
        if block.is_some_and(|b| indent <= b) {
            block = None;
        }
        if let (Some(_), Some(step)) = (block, steps.last_mut()) {
            let line = inner.unwrap_or(plain_line).trim_matches(['"', '\'']);
            if let Some((name, value)) = line.split_once('=') {
                let value = value.trim_matches(['"', '\'']);
                step.arguments
                    .push((name.trim().to_owned(), value.to_owned()));
            }
            continue;
        }
        if inner.is_some() && indent <= dash {
            dash = indent;
            steps.push(Step::default());
        } else if indent < dash {
            dash = usize::MAX;
        }
        let Some((key, value)) = inner.unwrap_or(plain_line).split_once(':') else {
            continue;
        };
        let Some(step) = steps.last_mut().filter(|_| dash != usize::MAX) else {
            continue;
        };
        let value = value.trim().trim_matches(['"', '\'']);
        match key.trim() {
            "uses" => step.uses = value.to_owned(),
            "context" => step.context = Some(value.to_owned()),
            "file" | "dockerfile" | "containerfiles" => step.file = Some(value.to_owned()),
            "build-args" if matches!(value, "|" | "|-" | "|+" | ">" | ">-" | "") => {
                block = Some(indent);
            }
            "build-args" if value.contains("matrix.") => step.is_of_matrix = true,
            "build-args" => {
                if let Some((name, value)) = value.split_once('=') {
                    step.arguments.push((name.to_owned(), value.to_owned()));
                }
            }
            _ => {}
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, dockerfile: &str, expected: &[&[(&str, &str)]]) {
        let found = builds(text, &RepoPath::from(dockerfile), &RepoPath::root());
        let found: Vec<Vec<(&str, &str)>> = found
            .iter()
            .map(|b| {
                let pairs = b.arguments.iter();
                pairs.map(|(n, v)| (n.as_str(), v.as_str())).collect()
            })
            .collect();
        let found: Vec<&[(&str, &str)]> = found.iter().map(Vec::as_slice).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn commands_say_which_dockerfile_they_build() {
        let text = "docker build --build-arg SHA=$(git rev-parse HEAD) --build-arg=B=\"1 2\" --build-arg C .";
        let all: &[(&str, &str)] = &[
            ("SHA", "$(git rev-parse HEAD)"),
            ("B", "\"1 2\""),
            ("C", "${C}"),
        ];
        check(text, "Dockerfile", &[all]);
        check(text, "app/Dockerfile", &[]);
        check("docker build --build-arg A=1 app", "Dockerfile", &[]);
        check(
            "docker build --build-arg A=1 ./app",
            "app/Dockerfile",
            &[&[("A", "1")]],
        );
        check(
            "docker build -t x -f $DIR/app/Dockerfile.x --build-arg A=1 $DIR",
            "app/Dockerfile.x",
            &[&[("A", "1")]],
        );
        let gathered = "FILE='Dockerfile'\nFILE='gpu.Dockerfile'\nARGS+=\" --build-arg A=$X\"\ndocker build -f \"$FILE\" $ARGS .";
        check(gathered, "Dockerfile", &[&[("A", "$X")]]);
        check(gathered, "other.Dockerfile", &[]);
    }

    #[test]
    fn steps_say_which_dockerfile_they_build() {
        let text = "    steps:\n      - uses: actions/checkout@v4\n      - name: Build\n        uses: docker/build-push-action@v6\n        with:\n          context: .\n          file: ./app/Dockerfile\n          build-args: |\n            SHA=${{ github.sha }}\n            B=\"1\"\n          push: true\n      - uses: docker/build-push-action@v6\n        with:\n          context: .\n";
        check(
            text,
            "app/Dockerfile",
            &[&[("SHA", "${{ github.sha }}"), ("B", "1")]],
        );
        check(text, "Dockerfile", &[&[]]);
        check(text, "Dockerfile.other", &[]);
        let matrix = "    strategy:\n      matrix:\n        include:\n          - name: a\n            context: app\n            build-args: |\n              SHA=${{ inputs.sha }}\n    steps:\n      - uses: docker/build-push-action@v6\n        with:\n          context: ${{ matrix.context }}\n          build-args: ${{ matrix.build-args }}\n";
        check(matrix, "app/Dockerfile", &[&[("SHA", "${{ inputs.sha }}")]]);
        check(matrix, "Dockerfile", &[]);
        let own = matrix.replace("            context: app\n", "");
        let own = own.replace("${{ matrix.context }}", "app");
        check(&own, "app/Dockerfile", &[&[("SHA", "${{ inputs.sha }}")]]);
    }
}
