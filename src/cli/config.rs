//! `stratigraph.toml`: images, thresholds, findings to ignore, comment settings. The schema is docs/configuration.md.
//!
//! Every key is named in a table here; an unknown one is refused with the nearest known. What the file says fills in
//! what the command line left open: command line, then file, then defaults.

use super::args::BuilderName;
use super::args::Choice;
use super::args::ExportName;
use super::args::GitDir;
use super::args::Outputs;
use super::args::ReplayOptions;
use super::args::RunnerName;
use super::args::choices;
use super::error::CliError;
use super::hint::nearest;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

/// The file's name, at the repository's root.
pub(super) const FILE_NAME: &str = "stratigraph.toml";

const TOP: &[&str] = &["image", "replay", "thresholds", "ignore", "comment"];
const REPLAY: &[&str] = &[
    "args",
    "builder",
    "cache-export",
    "git-dir",
    "last",
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
pub(super) struct Config {
    /// `[[image]]`, in order.
    pub(super) images: Vec<Image>,
    /// `[replay]`: for all images.
    pub(super) replay: Replaying,
    /// `[replay] last`.
    pub(super) last: Option<usize>,
    /// `[replay] since`.
    pub(super) since: Option<String>,
    /// `[thresholds]`.
    pub(super) thresholds: Thresholds,
    /// `[[ignore]]`.
    pub(super) ignored: Vec<Ignored>,
    /// `[comment]`.
    pub(super) comment: CommentSettings,
}

/// One image that the repository builds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Image {
    /// What reports call it.
    pub(super) name: String,
    /// The Dockerfile's path in the repository.
    pub(super) dockerfile: String,
    /// The context's directory.
    pub(super) context: Option<String>,
    /// The stage.
    pub(super) target: Option<String>,
    /// `STAGE:LINE=WHICH`, as the option takes it.
    pub(super) run_output: Vec<String>,
    /// Its own settings.
    pub(super) replay: Replaying,
}

/// Settings that `[replay]` and `[[image]]` share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Replaying {
    /// `K=V`, sorted by name.
    pub(super) args: BTreeMap<String, String>,
    /// `builder`.
    pub(super) builder: Option<BuilderName>,
    /// `git-dir`.
    pub(super) git_dir: Option<GitDir>,
    /// `run-outputs`.
    pub(super) run_outputs: Option<Outputs>,
    /// `runner`.
    pub(super) runner: Option<RunnerName>,
    /// `cache-export`.
    pub(super) cache_export: Option<ExportName>,
    /// `profile`, beside the file.
    pub(super) profile: Option<PathBuf>,
}

/// `[thresholds]`, as the options take them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Thresholds {
    /// `5%` or `30s`.
    pub(super) fail_if_slower: Option<String>,
    /// `4m`.
    pub(super) max_rebuild: Option<String>,
    /// Whether what git cannot tell fails as well.
    pub(super) fail_if_unknown: bool,
}

/// `[[ignore]]`: a finding that is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ignored {
    /// The rule's name.
    pub(super) rule: String,
    /// Only in this Dockerfile.
    pub(super) dockerfile: Option<String>,
    /// Only at this line.
    pub(super) line: Option<usize>,
    /// Why.
    pub(super) reason: String,
}

/// `[comment]`, as the options take them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CommentSettings {
    /// `changed` or `always`.
    pub(super) when: Option<String>,
    /// `update`, `new`, `hide-and-new`, `delete-and-new`.
    pub(super) mode: Option<String>,
    /// The tag.
    pub(super) tag: Option<String>,
    /// How many builds a month the per-month figures are for.
    pub(super) builds_per_month: Option<u64>,
    /// Whether one suggestion is shown.
    pub(super) suggestion: Option<bool>,
}

impl Config {
    /// Reads the file's text. `name` is for messages; `folder` is where relative profiles are.
    pub(super) fn parse(text: &str, name: &str, folder: &Path) -> Result<Self, CliError> {
        let file = File { text, name };
        let document = DeTable::parse(text).map_err(|e| {
            let place = e.span().unwrap_or(0..0);
            file.error(place, e.message().trim())
        })?;
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

    /// Fills in what the command line left open, for `image` or, without one, for the whole repository.
    pub(super) fn fill(&self, image: Option<&Image>, options: &mut ReplayOptions) {
        let own = image.map(|i| &i.replay);
        let all = &self.replay;
        if let Some(image) = image {
            options.file.get_or_insert_with(|| image.dockerfile.clone());
            options.context = options.context.take().or_else(|| image.context.clone());
            options.target = options.target.take().or_else(|| image.target.clone());
            // The last of a place wins, so the command line's go to the end.
            options
                .run_output
                .splice(0..0, image.run_output.iter().cloned());
        }
        let mut args = all.args.clone();
        args.extend(own.into_iter().flat_map(|r| r.args.clone()));
        options
            .build_arg
            .splice(0..0, args.into_iter().map(|(k, v)| format!("{k}={v}")));
        options.builder = options
            .builder
            .or(own.and_then(|r| r.builder))
            .or(all.builder);
        options.git_dir = options
            .git_dir
            .or(own.and_then(|r| r.git_dir))
            .or(all.git_dir);
        options.run_outputs = options
            .run_outputs
            .or(own.and_then(|r| r.run_outputs))
            .or(all.run_outputs);
        options.runner = options.runner.or(own.and_then(|r| r.runner)).or(all.runner);
        options.cache_export = options
            .cache_export
            .or(own.and_then(|r| r.cache_export))
            .or(all.cache_export);
        let is_listed = options.commits.is_some() || options.builds.is_some();
        if !is_listed
            && options.last.is_none()
            && options.since.is_none()
            && options.range.is_none()
        {
            options.last = self.last;
            options.since = self.since.clone();
        }
    }

    /// The profile for `image`, unless the command line names one.
    pub(super) fn profile<'a>(&'a self, image: Option<&'a Image>) -> Option<&'a Path> {
        let own = image.and_then(|i| i.replay.profile.as_deref());
        own.or(self.replay.profile.as_deref())
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
fn check_names(file: &File<'_>, config: &Config, top: &Table<'_>) -> Result<(), CliError> {
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

/// The text, for places in messages.
struct File<'a> {
    text: &'a str,
    name: &'a str,
}

impl File<'_> {
    fn error(&self, place: Range<usize>, message: &str) -> CliError {
        let before = self.text.get(..place.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        let first = message.lines().next().unwrap_or_default();
        CliError::usage(format!("{}:{line}:{column}: {first}", self.name))
    }
}

/// One table with its known keys.
struct Table<'a> {
    file: &'a File<'a>,
    title: &'static str,
    entries: &'a DeTable<'a>,
    span: Range<usize>,
}

impl<'a> Table<'a> {
    /// Refuses what is not in `known`.
    fn open(
        file: &'a File<'a>,
        title: &'static str,
        entries: &'a DeTable<'a>,
        known: &[&'static str],
    ) -> Result<Self, CliError> {
        for key in entries.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let error = file.error(key.span(), &format!("unknown key `{name}` in {title}"));
            return Err(match nearest(name, known.iter().copied()) {
                Some(meant) => error.with_help(format!("did you mean `{meant}`?")),
                None => error.with_help(format!("known here: {}", known.join(", "))),
            });
        }
        Ok(Self {
            file,
            title,
            entries,
            span: 0..0,
        })
    }

    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.entries
            .iter()
            .find(|(k, _)| k.get_ref() == key)
            .map(|(_, v)| v)
    }

    fn place(&self, key: &str) -> Option<Range<usize>> {
        self.get(key).map(Spanned::span)
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) -> CliError {
        let is = value.get_ref().type_str();
        self.file
            .error(value.span(), &format!("`{key}` must be {wanted}, not {is}"))
    }

    fn string(&self, key: &str) -> Result<Option<String>, CliError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                Err(self.file.error(value.span(), &format!("`{key}` is empty")))
            }
            DeValue::String(text) => Ok(Some(text.clone().into_owned())),
            _ => Err(self.wrong(key, value, "a string")),
        }
    }

    fn required(&self, key: &str) -> Result<String, CliError> {
        self.string(key)?.ok_or_else(|| {
            let message = format!("{} needs `{key}`", self.title);
            self.file.error(self.span.clone(), &message)
        })
    }

    fn boolean(&self, key: &str) -> Result<Option<bool>, CliError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match value.get_ref() {
            DeValue::Boolean(is) => Ok(Some(*is)),
            _ => Err(self.wrong(key, value, "true or false")),
        }
    }

    /// A whole number from 1.
    fn count(&self, key: &str) -> Result<Option<u64>, CliError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let number = match value.get_ref() {
            DeValue::Integer(n) => u32::from_str_radix(n.as_str(), n.radix()).ok(),
            _ => None,
        };
        match number {
            Some(n) if n > 0 => Ok(Some(u64::from(n))),
            _ => Err(self.wrong(key, value, "a whole number from 1")),
        }
    }

    fn string_map(&self, key: &str) -> Result<Option<BTreeMap<String, String>>, CliError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.wrong(key, value, "a table"));
        };
        let entry = |(k, v): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let name: &std::borrow::Cow<'_, str> = k.get_ref();
            match v.get_ref() {
                DeValue::String(text) => Ok((name.clone().into_owned(), text.clone().into_owned())),
                _ => Err(self.wrong(name, v, "a string")),
            }
        };
        table.iter().map(entry).collect::<Result<_, _>>().map(Some)
    }

    fn one_of(&self, key: &str, known: &[&str]) -> Result<Option<String>, CliError> {
        let Some(text) = self.string(key)? else {
            return Ok(None);
        };
        if known.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        let place = self.place(key).unwrap_or_default();
        let message = format!("`{key}` cannot be `{text}`");
        let error = self.file.error(place, &message);
        Err(match nearest(&text, known.iter().copied()) {
            Some(meant) => error.with_help(format!("did you mean `{meant}`?")),
            None => error.with_help(format!("one of: {}", known.join(", "))),
        })
    }

    /// One of the names that the option of the same name takes.
    fn choice<T: Copy + Choice>(&self, key: &str) -> Result<Option<T>, CliError> {
        let known = choices::<T>();
        let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
        let text = self.one_of(key, &names)?;
        Ok(text.and_then(|t| known.iter().find(|(name, _)| *name == t).map(|(_, v)| *v)))
    }

    fn table(
        &self,
        key: &'static str,
        title: &'static str,
        known: &[&'static str],
    ) -> Result<Option<Self>, CliError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let DeValue::Table(entries) = value.get_ref() else {
            return Err(self.wrong(key, value, "a table"));
        };
        let table = Self::open(self.file, title, entries, known)?;
        Ok(Some(Self {
            span: value.span(),
            ..table
        }))
    }

    fn tables(
        &self,
        key: &'static str,
        title: &'static str,
        known: &[&'static str],
    ) -> Result<Vec<Self>, CliError> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let DeValue::Array(items) = value.get_ref() else {
            let wanted = format!("a list of tables, {title}");
            return Err(self.wrong(key, value, &wanted));
        };
        let open = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::Table(entries) => {
                let table = Self::open(self.file, title, entries, known)?;
                Ok(Self {
                    span: item.span(),
                    ..table
                })
            }
            _ => Err(self.wrong(key, item, "a table")),
        };
        items.iter().map(open).collect()
    }
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

    #[test]
    fn the_command_line_goes_first_then_the_image_then_the_file() {
        let config = parse(WHOLE).unwrap();
        let mut options =
            super::super::args::replay_options(&["--runner", "persistent", "--build-arg", "CI=2"]);
        config.fill(Some(&config.images[0]), &mut options);
        assert_eq!(options.runner, Some(RunnerName::Persistent));
        assert_eq!(options.cache_export, Some(ExportName::Min));
        assert_eq!(options.git_dir, Some(GitDir::Excluded));
        assert_eq!(options.build_arg, ["CI=1", "NODE_ENV=production", "CI=2"]);
        assert_eq!(
            (options.file.as_deref(), options.last),
            (Some("web/Dockerfile"), Some(200))
        );
        let mut options = super::super::args::replay_options(&["--range", "a..b", "-f", "x"]);
        config.fill(None, &mut options);
        assert_eq!((options.last, options.file.as_deref()), (None, Some("x")));
    }
}
