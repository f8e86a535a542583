//! What `stratigraph.toml` may say: images, thresholds, findings to ignore, comment settings. It is told in
//! docs/configuration.md.
//!
//! Every key is named in a table here; an unknown one is refused with the nearest known.

use super::super::args::BuilderName;
use super::super::args::ExportName;
use super::super::args::GitDir;
use super::super::args::Outputs;
use super::super::args::RunnerName;
use super::super::error::CliError;
use super::table::Table;
use super::table::Text;
use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

/// The file's name, at the repository's root.
pub(in crate::cli) const FILE_NAME: &str = "stratigraph.toml";

const TOP: &[&str] = &["image", "replay", "thresholds", "ignore", "comment"];
const REPLAY: &[&str] = &[
    "args",
    "builder",
    "cache-export",
    "git-dir",
    "last",
    "platform",
    "profile",
    "run-outputs",
    "runner",
    "since",
];
const IMAGE: &[&str] = &[
    "args",
    "builder",
    "cache-export",
    "context",
    "dockerfile",
    "git-dir",
    "name",
    "platform",
    "profile",
    "run-output",
    "run-outputs",
    "runner",
    "target",
];
const THRESHOLDS: &[&str] = &["fail-if-slower", "max-rebuild", "fail-if-unknown"];
const IGNORE: &[&str] = &["dockerfile", "line", "reason", "rule"];
const COMMENT: &[&str] = &["builds-per-month", "mode", "suggestion", "tag", "when"];

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Config {
    /// `[[image]]`, in order.
    pub(in crate::cli) images: Vec<Image>,
    /// `[replay]`: for all images.
    pub(in crate::cli) replay: Replaying,
    /// `[replay] last`.
    pub(in crate::cli) last: Option<usize>,
    /// `[replay] since`.
    pub(in crate::cli) since: Option<String>,
    /// `[thresholds]`.
    pub(in crate::cli) thresholds: Thresholds,
    /// `[[ignore]]`.
    pub(in crate::cli) ignored: Vec<Ignored>,
    /// `[comment]`.
    pub(in crate::cli) comment: CommentSettings,
}

/// One image that the repository builds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Image {
    /// What reports call it.
    pub(in crate::cli) name: String,
    /// The Dockerfile's path in the repository.
    pub(in crate::cli) dockerfile: String,
    /// The context's directory.
    pub(in crate::cli) context: Option<String>,
    /// The stage.
    pub(in crate::cli) target: Option<String>,
    /// `STAGE:LINE=WHICH`, as the option takes it.
    pub(in crate::cli) run_output: Vec<String>,
    /// Its own settings.
    pub(in crate::cli) replay: Replaying,
}

/// Settings that `[replay]` and `[[image]]` share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Replaying {
    /// `K=V`, sorted by name.
    pub(in crate::cli) args: BTreeMap<String, String>,
    /// `builder`.
    pub(in crate::cli) builder: Option<BuilderName>,
    /// `platform`.
    pub(in crate::cli) platform: Option<String>,
    /// `git-dir`.
    pub(in crate::cli) git_dir: Option<GitDir>,
    /// `run-outputs`.
    pub(in crate::cli) run_outputs: Option<Outputs>,
    /// `runner`.
    pub(in crate::cli) runner: Option<RunnerName>,
    /// `cache-export`.
    pub(in crate::cli) cache_export: Option<ExportName>,
    /// `profile`, beside the file.
    pub(in crate::cli) profile: Option<PathBuf>,
}

/// `[thresholds]`, as the options take them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Thresholds {
    /// `5%` or `30s`.
    pub(in crate::cli) fail_if_slower: Option<String>,
    /// `4m`.
    pub(in crate::cli) max_rebuild: Option<String>,
    /// Whether what git cannot tell fails as well.
    pub(in crate::cli) fail_if_unknown: bool,
}

/// `[[ignore]]`: a finding that is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Ignored {
    /// The rule's name.
    pub(in crate::cli) rule: String,
    /// Only in this Dockerfile.
    pub(in crate::cli) dockerfile: Option<String>,
    /// Only at this line.
    pub(in crate::cli) line: Option<usize>,
    /// Why.
    pub(in crate::cli) reason: String,
}

/// `[comment]`, as the options take them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct CommentSettings {
    /// `changed` or `always`.
    pub(in crate::cli) when: Option<String>,
    /// `update`, `new`, `hide-and-new`, `delete-and-new`.
    pub(in crate::cli) mode: Option<String>,
    /// The tag.
    pub(in crate::cli) tag: Option<String>,
    /// How many builds a month the per-month figures are for.
    pub(in crate::cli) builds_per_month: Option<u64>,
    /// Whether one suggestion is shown.
    pub(in crate::cli) suggestion: Option<bool>,
}

impl Config {
    /// Reads the file's text. `name` is for messages; `folder` is where relative profiles are.
    pub(in crate::cli) fn parse(text: &str, name: &str, folder: &Path) -> Result<Self, CliError> {
        let file = Text { text, name };
        let document = file.document()?;
        let top = Table::open(&file, "the top level", document.get_ref(), TOP)?;
        let replay = top.table("replay", "[replay]", REPLAY)?;
        let thresholds = top.table("thresholds", "[thresholds]", THRESHOLDS)?;
        let comment = top.table("comment", "[comment]", COMMENT)?;
        let config = Self {
            images: top
                .tables("image", "[[image]]", IMAGE)?
                .iter()
                .map(|table| image(table, folder))
                .collect::<Result<_, _>>()?,
            replay: replay
                .as_ref()
                .map_or(Ok(Replaying::default()), |t| replaying(t, folder))?,
            last: replay
                .as_ref()
                .map_or(Ok(None), |t| t.count("last"))?
                .map(|n| n as usize),
            since: replay.as_ref().map_or(Ok(None), |t| t.string("since"))?,
            thresholds: match &thresholds {
                Some(t) => Thresholds {
                    fail_if_slower: t.string("fail-if-slower")?,
                    max_rebuild: t.string("max-rebuild")?,
                    fail_if_unknown: t.boolean("fail-if-unknown")?.unwrap_or(false),
                },
                None => Thresholds::default(),
            },
            ignored: top
                .tables("ignore", "[[ignore]]", IGNORE)?
                .iter()
                .map(ignored)
                .collect::<Result<_, _>>()?,
            comment: match &comment {
                Some(t) => comment_settings(t)?,
                None => CommentSettings::default(),
            },
        };
        check_names(&file, &config, &top)?;
        Ok(config)
    }
}

fn image(table: &Table<'_>, folder: &Path) -> Result<Image, CliError> {
    let dockerfile = table.required("dockerfile")?;
    let run_output = match table.string_map("run-output")? {
        Some(map) => map
            .into_iter()
            .map(|(place, which)| format!("{place}={which}"))
            .collect(),
        None => Vec::new(),
    };
    Ok(Image {
        name: table.string("name")?.unwrap_or_else(|| dockerfile.clone()),
        dockerfile,
        context: table.string("context")?,
        target: table.string("target")?,
        run_output,
        replay: replaying(table, folder)?,
    })
}

fn replaying(table: &Table<'_>, folder: &Path) -> Result<Replaying, CliError> {
    Ok(Replaying {
        args: table.string_map("args")?.unwrap_or_default(),
        builder: table.choice("builder")?,
        platform: table.string("platform")?,
        git_dir: table.choice("git-dir")?,
        run_outputs: table.choice("run-outputs")?,
        runner: table.choice("runner")?,
        cache_export: table.choice("cache-export")?,
        profile: table.string("profile")?.map(|path| folder.join(path)),
    })
}

fn ignored(table: &Table<'_>) -> Result<Ignored, CliError> {
    Ok(Ignored {
        rule: table.required("rule")?,
        dockerfile: table.string("dockerfile")?,
        line: table.count("line")?.map(|n| n as usize),
        reason: table.required("reason")?,
    })
}

fn comment_settings(table: &Table<'_>) -> Result<CommentSettings, CliError> {
    Ok(CommentSettings {
        when: table.one_of("when", &["changed", "always"])?,
        mode: table.one_of("mode", &["update", "new", "hide-and-new", "delete-and-new"])?,
        tag: table.string("tag")?,
        builds_per_month: table.count("builds-per-month")?,
        suggestion: table.boolean("suggestion")?,
    })
}

/// Two images of one name could not be told apart in a report.
fn check_names(file: &Text<'_>, config: &Config, top: &Table<'_>) -> Result<(), CliError> {
    let tables = top.tables("image", "[[image]]", IMAGE)?;
    for (i, image) in config.images.iter().enumerate() {
        if config.images[..i]
            .iter()
            .any(|earlier| earlier.name == image.name)
        {
            let place = tables[i].place("name").unwrap_or(tables[i].span.clone());
            let message = format!("a second image is called `{}`", image.name);
            return Err(file
                .error(place, &message)
                .with_help("give each image its own `name`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, FILE_NAME, Path::new("/r")).map_err(|e| e.to_string())
    }

    const WHOLE: &str = r#"
[[image]]
name = "web"
dockerfile = "web/Dockerfile"
context = "web"
target = "runtime"
args = { NODE_ENV = "production" }
runner = "ephemeral"
cache-export = "min"
profile = "web.toml"
run-output = { "build:12" = "stable" }

[[image]]
dockerfile = "api/Dockerfile"

[replay]
builder = "buildkit"
git-dir = "excluded"
run-outputs = "stable"
args = { NODE_ENV = "test", CI = "1" }
last = 200

[thresholds]
fail-if-slower = "5%"
max-rebuild = "4m"

[[ignore]]
rule = "deps-first"
dockerfile = "api/Dockerfile"
line = 3
reason = "the lock file is generated"

[comment]
when = "always"
mode = "hide-and-new"
tag = "cache"
builds-per-month = 400
suggestion = false
"#;

    #[test]
    fn the_whole_schema_is_read() {
        let config = parse(WHOLE).unwrap();
        assert_eq!(config.images.len(), 2);
        assert_eq!(config.images[1].name, "api/Dockerfile");
        assert_eq!(config.images[0].run_output, ["build:12=stable"]);
        assert_eq!(
            config.profile(Some(&config.images[0])),
            Some(Path::new("/r/web.toml"))
        );
        assert_eq!(
            (config.last, config.comment.builds_per_month),
            (Some(200), Some(400))
        );
        assert_eq!(config.thresholds.max_rebuild.as_deref(), Some("4m"));
        assert_eq!(config.ignored[0].line, Some(3));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let check = |text: &str, message: &str| {
            let error = parse(text).unwrap_err();
            assert!(error.contains(message), "{text:?}: {error}");
        };
        check(
            "[replay]\nbulider = \"x\"",
            "stratigraph.toml:2:1: unknown key `bulider` in [replay]\n  help: did you mean `builder`?",
        );
        check("colour = 1", "known here: image, replay");
        check(
            "[replay]\n  builder = \"podman\"",
            "2:13: `builder` cannot be `podman`\n  help: one of: buildkit",
        );
        check(
            "[replay]\nbuilder = \"bulidkit\"",
            "did you mean `buildkit`?",
        );
        check(
            "[replay]\nlast = 0",
            "2:8: `last` must be a whole number from 1, not integer",
        );
        check("[replay]\nlast = \"5\"", "not string");
        check(
            "[[image]]\nname = \"a\"",
            "1:1: [[image]] needs `dockerfile`",
        );
        check("[[ignore]]\nrule = \"a\"", "[[ignore]] needs `reason`");
        check(
            "[[ignore]]\nrule = \"a\"\nreason = \" \"",
            "3:10: `reason` is empty",
        );
        check(
            "[[image]]\ndockerfile = \"a\"\n[[image]]\ndockerfile = \"a\"",
            "a second image is called `a`",
        );
        check("image = 3", "1:9: `image` must be a list of tables");
        check("[replay]\nargs = { A = 1 }", "2:14: `A` must be a string");
        check("[replay\nx", "stratigraph.toml:1:");
        check("a = 1\na = 2", "stratigraph.toml:2:1:");
    }

    #[test]
    fn strange_text_is_refused_and_never_panics() {
        for text in [
            "\u{feff}",
            "\0",
            "[[[[",
            "a.b.c.d = {",
            "\"",
            "é = \"é\"\nx",
            &"[".repeat(100_000),
        ] {
            let _ = parse(text);
        }
        assert_eq!(parse("").unwrap(), Config::default());
    }
}
