//! Where in an image an ecosystem keeps its downloads: by the stage's variables, else by what its base image sets.

use super::super::base::{directory, go_minor, is_distribution, is_official};
use super::super::command;
use super::super::installs::StageView;
use super::super::layout;
use super::super::layout::{built_on, is_within, mentioned, names_root, unquote};
use super::super::runtime::image_name;
use super::settings;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::ecosystem::{self, CacheDir};
use crate::shell;
use crate::shell::Seen;
use std::borrow::Cow;

/// The directory, absolute, and what was taken for granted.
pub(in crate::restructure) struct Downloads {
    pub(in crate::restructure) target: String,
    /// Options of a mount by which the user may write there, with a comma before; empty for root.
    pub(in crate::restructure) owner: String,
    pub(in crate::restructure) doubts: Vec<String>,
}

impl Downloads {
    fn of_root(target: String, doubts: Vec<String>) -> Self {
        Self {
            target,
            owner: String::new(),
            doubts,
        }
    }
}

/// Where ecosystems keep downloads in the home of a user who is not root, by their own documentation.
const OF_USERS: [(&str, &str); 7] = [
    ("npm", ".npm"),
    ("pip", ".cache/pip"),
    ("pip-tools", ".cache/pip"),
    ("pipenv", ".cache/pipenv"),
    ("poetry", ".cache/pypoetry"),
    ("uv", ".cache/uv"),
    // classic.yarnpkg.com/lang/en/docs/cli/cache.
    ("yarn", ".cache/yarn"),
];

/// What Go's compiler keeps is not where its downloads are.
const GO_BUILD: &str = "go build";

/// Variables that move what is not followed when it is moved, by the tools' own documentation. (Bundler keeps its downloads
/// of `BUNDLE_PATH` below the Ruby version's folder, whose name the Dockerfile does not tell.)
const MOVED_BY: [(&str, &[&str]); 2] = [
    ("bundler", &["BUNDLE_DEPLOYMENT", "BUNDLE_PATH", "GEM_HOME"]),
    (GO_BUILD, &["GOCACHE", "XDG_CACHE_HOME"]),
];

/// Ecosystems whose official image sets the place: the ecosystem, the image, and the place where no image sets one.
/// (Dockerfiles of golang, rust, ruby: `GOPATH /go`, `CARGO_HOME=/usr/local/cargo`, `GEM_HOME /usr/local/bundle`.)
const SET_BY_IMAGE: [(&str, &[&str], Option<&str>); 5] = [
    ("go", &["golang"], Some("~/go/pkg/mod")),
    ("cargo", &["rust", "cargo-chef"], Some("~/.cargo/registry")),
    ("bundler", &["ruby"], None),
    (
        "conda",
        &["miniconda", "anaconda", "mambaforge", "miniforge"],
        None,
    ),
    ("deno", &["deno"], Some("~/.cache/deno")),
];

/// Images that set another place than the usual one (Dockerfile of composer: `COMPOSER_HOME /tmp`).
const OF_ITS_OWN: [(&str, &str, &str); 1] = [("composer", "composer", "/tmp/cache")];

/// Tools that take their user's home from the system, whatever `HOME` says (the JDK's `java_props_md.c`).
const OF_JAVA: [&str; 4] = ["clojure", "gradle", "maven", "sbt"];

/// Directories in which others have something too.
const SHARED: [&str; 24] = [
    "",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/local",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/tmp",
];

/// Whether an image sets no place: a distribution's, or the official one of another language.
fn sets_none(image: &str, images: &[&str]) -> bool {
    let name = image_name(image);
    is_distribution(name) || is_official(image) && !images.iter().any(|i| name.contains(i))
}

/// Whether an image with an official one's name is that one, or known to be built on it.
fn is_known(image: &str) -> bool {
    let builds_on_it = ["condaforge/", "continuumio/", "lukemathwalker/"];
    is_official(image) || builds_on_it.iter().any(|b| image.contains(b))
}

/// Where `ecosystem` keeps its downloads in the RUN at `run`; `None` where that is not known.
pub(in crate::restructure) fn of(
    of: &StageView<'_>,
    run: usize,
    ecosystem: &str,
    dir: &CacheDir,
) -> Option<Downloads> {
    if is_run_by_another(of, run, ecosystem) {
        return None;
    }
    // The directory of a cache mount is root's unless it says another owner (moby/buildkit
    // solver/llbsolver/mounts/mount.go): nobody else can write there.
    if !is_root(of, run) {
        return match dir.is_read_later {
            true => None,
            false => of_account(of, run, (ecosystem, dir)),
        };
    }
    let own = if ecosystem == "go" && dir.is_compiled {
        GO_BUILD
    } else {
        ecosystem
    };
    if settings::is_told_elsewhere(of, run, own)
        || is_moved_by_run(of, run, (own, dir))
        || is_moved(of, run, (own, dir))
        || (ecosystem == "go" && !go_keeps(of, dir.is_compiled))
    {
        return None;
    }
    if let Some(told) = &dir.told {
        let is_free = is_free(of, run, (own, dir), told);
        return is_free.then(|| Downloads::of_root(told.clone(), user_doubt(of, run)));
    }
    let image = &*image_of(of);
    let name = image_name(image);
    let by_image = SET_BY_IMAGE.iter().find(|(e, ..)| *e == own);
    let mut doubts = Vec::new();
    let taken_for =
        |path: &str| format!("{ecosystem} is taken to keep its downloads in {path} in {image}");
    let path = match by_image {
        _ if own_place(own, name).is_some() => own_place(own, name)?,
        Some((_, images, otherwise)) if sets_none(image, images) => (*otherwise)?,
        // rustup puts it into the home directory, unless it is told otherwise.
        Some((.., Some(otherwise))) if own == "cargo" && brings_rustup(of, run) => otherwise,
        Some((_, images, _)) if !images.iter().any(|i| name.contains(i)) || !is_known(image) => {
            doubts.push(taken_for(dir.path));
            dir.path
        }
        _ => dir.path,
    };
    let target = home_path(of, run, path, ecosystem)?;
    doubts.extend(user_doubt(of, run));
    Some(Downloads::of_root(target, doubts))
}

/// Whether the RUN has another user run the tool, whose home and number are not those of the RUN:
/// `su app -c 'pip install …'`, `gosu app npm ci`.
fn is_run_by_another(of: &StageView<'_>, run: usize, ecosystem: &str) -> bool {
    let instruction = of.stage.instructions.get(run);
    let Some(text) = instruction.and_then(Instruction::shell_text) else {
        return false;
    };
    let program = match ecosystem {
        "bundler" => "bundle",
        "maven" => "mvn",
        "nuget" => "dotnet",
        other => other,
    };
    let is_user = |word: &str| matches!(word, "-u" | "-Hu" | "-iu") || word.starts_with("--user");
    shell::parse(text).commands.iter().any(|command| {
        let words: Vec<&str> = command.words.iter().map(|w| w.text.as_str()).collect();
        let becomes = match command.name() {
            "gosu" | "runuser" | "setpriv" | "su" | "su-exec" => true,
            "sudo" => words.iter().any(|w| is_user(w)),
            _ => false,
        };
        becomes && !words.contains(&"root") && words[1..].iter().any(|w| w.contains(program))
    })
}

/// Downloads in the home of a user who is not root, where the tool needs to write nothing else beside them: of what the
/// builder makes for a mount only the last directory is the user's.
fn of_account(
    of: &StageView<'_>,
    run: usize,
    (ecosystem, dir): (&str, &CacheDir),
) -> Option<Downloads> {
    let place = of.places.get(run)?;
    let account = place.account()?;
    let (_, below) = OF_USERS.iter().find(|(name, _)| *name == ecosystem)?;
    if settings::is_told_elsewhere(of, run, ecosystem)
        || is_moved_by_run(of, run, (ecosystem, dir))
        || is_moved(of, run, (ecosystem, dir))
    {
        return None;
    }
    let target = match &dir.told {
        Some(told) => is_free(of, run, (ecosystem, dir), told).then(|| told.clone())?,
        None if place.variables.contains_key("HOME") => return None,
        None => format!("{}/{below}", account.home),
    };
    let line = of.stage.instructions.get(run)?.lines.first;
    let user = place.user.as_deref().unwrap_or_default();
    let mut doubts = Vec::new();
    let above = target.rsplit_once('/').map_or("", |(above, _)| above);
    let is_there = |above: &str| {
        above == account.home
            || SHARED.contains(&above)
            || place.there.iter().any(|t| is_within(t, above))
    };
    if !is_there(above) {
        doubts.push(format!(
            "the builder makes {above} for the mount, and makes it root's: check that neither line {line} nor what {user} runs later needs to make anything else in it"
        ));
    }
    let owner = match account.uid {
        Some(uid) => format!(",uid={uid}"),
        None => {
            doubts.push(format!(
                "what {user}'s number is, is not known: check that all builds that use {target} give that user the same one"
            ));
            ",mode=0777".to_owned()
        }
    };
    let is_passed = |name: &&String| steps(of).any(|s| declares(s, name));
    if let Some(name) = account.by.iter().find(is_passed) {
        doubts.push(format!(
            "{user}'s number is that of the argument {name}: check that no build passes another one"
        ));
    }
    Some(Downloads {
        target,
        owner,
        doubts,
    })
}

/// Whether an instruction is an ARG of that name.
fn declares(instruction: &Instruction, name: &str) -> bool {
    matches!(&instruction.kind, Kind::Arg(items) if items.iter().any(|i| i.name == name))
}

/// Whether a RUN above installs Rust by rustup's own script.
fn brings_rustup(of: &StageView<'_>, run: usize) -> bool {
    let dockerfile = of.view.dockerfile;
    let below = built_on(dockerfile, of.stage.index).skip(1);
    let below = below.flat_map(|s| &dockerfile.stages[s].instructions);
    let own = of.stage.instructions.iter().take(run);
    let is_run = |i: &&Instruction| matches!(i.kind, Kind::Run(_));
    let mut runs = own.chain(below).filter(is_run);
    runs.any(|i| i.original.contains("sh.rustup.rs") || i.original.contains("rustup-init"))
}

/// Whether a variable of that name moves what is kept.
fn moves((own, dir): (&str, &CacheDir), name: &str, value: Option<&str>) -> bool {
    is_mover(own, name) || ecosystem::is_moved_by(own, dir.path, name, value)
}

fn is_mover(own: &str, name: &str) -> bool {
    let mut movers = MOVED_BY.iter().filter(|(e, _)| *e == own);
    movers.any(|(_, names)| names.contains(&name))
}

/// Whether the stage sets a variable that moves what is kept to a place that is not known.
fn is_moved(of: &StageView<'_>, run: usize, (own, dir): (&str, &CacheDir)) -> bool {
    let variables = of.places.get(run).map(|p| p.variables.iter());
    let mut variables = variables.into_iter().flatten();
    variables.any(|(name, value)| {
        let is_known = dir.told.is_some() && value.is_some();
        !is_known && moves((own, dir), name, value.as_deref())
    })
}

/// Whether a RUN itself sets a variable that moves what is kept: `export GOPATH=/tmp/go && …`.
fn is_moved_by_run(of: &StageView<'_>, run: usize, (own, dir): (&str, &CacheDir)) -> bool {
    let all = of.stage.instructions.get(run).and_then(command::seen);
    let sets = |seen: &Seen| {
        let set = seen.assignments.iter();
        let set = set.filter(|_| dir.told.is_none());
        let set = set.map(|(name, value)| (name.as_str(), value.as_str()));
        let words = seen.args().iter().filter(|_| seen.name() == "export");
        let exported = words.filter_map(|w| w.split_once('='));
        set.chain(exported)
            .any(|(name, value)| moves((own, dir), name, Some(value)))
    };
    all.is_some_and(|all| all.iter().any(sets))
}

/// Whether a place that somebody chose is for the downloads alone: no directory of the system, nothing in which the RUN
/// works, nor one in which another variable names something.
fn is_free(of: &StageView<'_>, run: usize, (own, dir): (&str, &CacheDir), told: &str) -> bool {
    let Some(place) = of.places.get(run) else {
        return false;
    };
    let below = |path: &str| path != told && is_within(path, told);
    let mut others = place.variables.iter();
    let is_named = others.any(|(name, value)| {
        let parts = value.iter().flat_map(|v| v.split([':', ',', ' ']));
        parts.into_iter().any(below) && !moves((own, dir), name, value.as_deref())
    });
    let is_shared = SHARED.contains(&told) || is_within(told, "/dev") || is_within(told, "/proc");
    !is_shared && !is_named && !is_within(of.cwd(run), told)
}

/// Where the image called `name` makes a tool keep its downloads, where that is not the usual place.
fn own_place(own: &str, name: &str) -> Option<&'static str> {
    let found = OF_ITS_OWN
        .iter()
        .find(|(e, image, _)| *e == own && *image == name);
    found.map(|(.., path)| *path)
}

/// Whether Go's compiler keeps what it makes where it does by itself, in the RUN at `run`.
pub(in crate::restructure) fn go_builds_at_home(of: &StageView<'_>, run: usize) -> bool {
    let place = of.places.get(run);
    is_root(of, run)
        && place.is_some_and(|p| !p.variables.keys().any(|name| is_mover(GO_BUILD, name)))
        && !settings::is_told_elsewhere(of, run, GO_BUILD)
        && go_keeps(of, true)
}

/// Whether the Go of the stage's image keeps what it compiles (since 1.10: go.dev/doc/go1.10), or modules (since 1.11).
fn go_keeps(of: &StageView<'_>, is_compiled: bool) -> bool {
    let since = if is_compiled { 10 } else { 11 };
    go_minor(&image_of(of)).is_none_or(|minor| minor >= since)
}

/// Whether nothing tells that the RUN at `run` has another user than root: a USER, or a call of `sudo`.
pub(in crate::restructure) fn is_root(of: &StageView<'_>, run: usize) -> bool {
    let user = of.places.get(run).and_then(|p| p.user.as_deref());
    match user {
        Some(user) => matches!(user.split(':').next(), Some("root" | "0")),
        None => {
            let image = &*image_of(of);
            // Who says that of an image that is known says it to be sure.
            (is_official(image) || !steps(of).any(asks_root))
                && (directory(image).is_some() || !becomes_root(of, run) && !copies_for_another(of))
        }
    }
}

/// Whether what is copied goes to somebody else than root where nobody ever says USER: then it is the image's.
fn copies_for_another(of: &StageView<'_>) -> bool {
    let is_anothers = |step: &Instruction| {
        let owner = step.flag("chown").map(unquote);
        owner.is_some_and(|o| !o.contains('$') && !names_root(o.split(':').next().unwrap_or(&o)))
    };
    steps(of).any(is_anothers) && !steps(of).any(|step| matches!(step.kind, Kind::User(_)))
}

/// Whether the first USER below the RUN at `run` is root, which needs nobody to say who is root already.
fn becomes_root(of: &StageView<'_>, run: usize) -> bool {
    let mut below = of.stage.instructions.iter().skip(run + 1);
    let user = below.find_map(|i| match &i.kind {
        Kind::User(user) => Some(user),
        _ => None,
    });
    user.is_some_and(|user| names_root(user))
}

/// What is to be checked where the mount lies over all that a tool has in its home, its settings too, and the image is
/// none of those that are known to hold nothing there.
pub(in crate::restructure) fn brought_by_image(of: &StageView<'_>, target: &str) -> Option<String> {
    let image = &*image_of(of);
    let is_home = [".gradle", ".m2"]
        .iter()
        .any(|h| target.ends_with(&format!("/{h}")));
    (is_home && !is_official(image)).then(|| {
        format!(
            "the mount lies over what {image} itself may have in {target}: check that the build needs no settings from there, and that the image is not made to bring the downloads"
        )
    })
}

/// The instructions of the stage and of those that it is built on.
fn steps<'a>(of: &StageView<'a>) -> impl Iterator<Item = &'a Instruction> {
    let dockerfile = of.view.dockerfile;
    let stages = built_on(dockerfile, of.stage.index);
    stages.flat_map(|s| &dockerfile.stages[s].instructions)
}

/// Whether a RUN calls `sudo`, of which root has no need.
fn asks_root(step: &Instruction) -> bool {
    let commands = step.shell_text().map(|text| shell::parse(text).commands);
    commands.iter().flatten().any(|c| c.name() == "sudo")
}

/// A doubt where a RUN at `run` writes below directories that a COPY makes, which are root's, and its user is not known;
/// `None` where it is another one.
pub(in crate::restructure) fn writer_doubt(of: &StageView<'_>, run: usize) -> Option<Vec<String>> {
    let are_given = || steps(of).any(|s| s.flag("chown").is_some());
    (is_root(of, run) || are_given()).then(|| user_doubt(of, run))
}

/// `~` as the user's home there; `None` where that is not known.
fn home_path(of: &StageView<'_>, run: usize, path: &str, ecosystem: &str) -> Option<String> {
    let Some(rest) = path.strip_prefix('~') else {
        return Some(path.to_owned());
    };
    let place = of.places.get(run)?;
    let is_asked = !OF_JAVA.contains(&ecosystem);
    match place.variables.get("HOME").filter(|_| is_asked) {
        Some(Some(home)) => Some(format!("{home}{rest}")),
        _ => Some(format!("/root{rest}")),
    }
}

/// The image that the stage is built on in the end; as written where a variable in it is passed as an argument.
pub(in crate::restructure) fn image_of<'a>(of: &StageView<'a>) -> Cow<'a, str> {
    let dockerfile = of.view.dockerfile;
    let root = built_on(dockerfile, of.stage.index).last();
    let root = root.unwrap_or(of.stage.index);
    let written = &dockerfile.stages[root].base().image;
    let named = mentioned(written);
    let is_passed = |(name, _): &(String, bool)| named.contains(name);
    if of.view.build_args.iter().any(is_passed) {
        return Cow::Borrowed(written);
    }
    layout::image(dockerfile, root)
}

/// A doubt where the user of the stage's image is not known.
pub(in crate::restructure) fn user_doubt(of: &StageView<'_>, run: usize) -> Vec<String> {
    let image = &*image_of(of);
    let is_named = of.places.get(run).is_some_and(|p| p.user.is_some());
    if is_named || is_official(image) {
        return Vec::new();
    }
    vec![format!("the user of {image} is taken to be root")]
}
