//! What holds for every proposal of every case in `fixtures/restructure/`, whatever rule made it.

use crate::restructure::{Case, cases, text};
use crate::support::repo::hermetic;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;
use stratigraph::context::CopyOptions;
use stratigraph::context::Node;
use stratigraph::context::Selector;
use stratigraph::context::copy_into;
use stratigraph::dockerfile;
use stratigraph::dockerfile::Dockerfile;
use stratigraph::dockerfile::ast::Kind;
use stratigraph::graph::join_clean;
use stratigraph::graph::{Action, Base, CopyAction, CopySource, MountFrom, Options, lower};
use stratigraph::report::suggest::{patch, write_json};
use stratigraph::restructure::search::{Draft, Proposal};
use stratigraph::shell;
use stratigraph::suggest::{Suggestion, Suggestions};
use stratigraph::tree::RepoPath;

/// A case and what `suggest` answers about it.
struct Situation {
    name: String,
    case: Case,
    answer: Suggestions,
}

/// Worked out once for all laws.
static ALL: LazyLock<Vec<Situation>> = LazyLock::new(|| {
    let situation = |(rule, folder): (String, std::path::PathBuf)| {
        let read = |name: &str| text(&folder.join(name)).unwrap();
        let case = Case::new(&read("before.Dockerfile"), &read("history.scn"));
        Situation {
            name: format!("{rule}/{}", folder.file_name().unwrap().to_string_lossy()),
            answer: case.suggest(),
            case,
        }
    };
    cases().into_iter().map(situation).collect()
});

/// Holds every proposal that stands on the text as it is against a law, which gives what is wrong.
fn every_proposal(law: impl Fn(&Situation, &Proposal) -> Option<String>) {
    let (mut wrong, mut n) = (Vec::new(), 0);
    for situation in ALL.iter() {
        for suggestion in suggestions(&situation.answer).filter(|s| s.alone.is_some()) {
            n += 1;
            if let Some(why) = law(situation, &suggestion.proposal) {
                let id = &suggestion.proposal.id;
                wrong.push(format!("{} {id}: {why}", situation.name));
            }
        }
    }
    assert!(n > 150, "only {n} proposals");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Holds every case against a law, which gives what is wrong.
fn every_case(law: impl Fn(&Situation) -> Option<String>) {
    let wrong: Vec<String> = ALL
        .iter()
        .filter_map(|s| Some(format!("{}: {}", s.name, law(s)?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn suggestions(answer: &Suggestions) -> impl Iterator<Item = &Suggestion> {
    let told = answer.order.iter().chain(&answer.instead);
    told.chain(&answer.small).chain(&answer.idle)
}

fn parsed(text: &str) -> Dockerfile {
    dockerfile::parse(text).unwrap().dockerfile
}

#[test]
fn the_text_parses_again_and_keeps_its_comments() {
    let comments = |text: &str| -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for line in text.lines().map(str::trim).filter(|l| l.starts_with('#')) {
            *counts.entry(line.to_owned()).or_default() += 1;
        }
        counts
    };
    every_proposal(|situation, proposal| {
        let new = &proposal.draft.dockerfile;
        if let Err(error) = dockerfile::parse(new) {
            return Some(error.to_string());
        }
        let (old, new) = (comments(&situation.answer.now.dockerfile), comments(new));
        let lost = old.iter().find(|(line, n)| new.get(*line) < Some(n));
        lost.map(|(line, _)| format!("{line} is lost"))
    });
}

/// The commands of all RUNs, each with how often it stands there; of two stages with one text, both.
fn commands(dockerfile: &Dockerfile) -> BTreeMap<Vec<String>, usize> {
    let mut counts = BTreeMap::new();
    for instruction in dockerfile.instructions() {
        let Kind::Run(run) = &instruction.kind else {
            continue;
        };
        let words: Vec<Vec<String>> = match &run.command {
            dockerfile::ast::Command::Exec(words) => vec![words.clone()],
            dockerfile::ast::Command::Shell(text) => {
                let script = shell::parse_instruction(text, dockerfile.escape);
                script.seen().into_iter().map(|s| s.words).collect()
            }
        };
        for words in words.into_iter().filter(|w| !w.is_empty()) {
            *counts.entry(words).or_default() += 1;
        }
    }
    counts
}

#[test]
fn no_command_is_dropped() {
    every_proposal(|situation, proposal| {
        let old = commands(&parsed(&situation.answer.now.dockerfile));
        let new = commands(&parsed(&proposal.draft.dockerfile));
        // What two stages do alike may be done once for both; what empties a cache goes where a mount takes its place,
        // and the proposal says so.
        let shares = proposal.candidate.rule == "shared-base";
        let needed = |n: usize| if shares { 1 } else { n };
        let mounts = proposal.candidate.rule == "cache-mounts";
        let lost = old
            .iter()
            .filter(|(words, _)| !(mounts && is_for_the_mount(words, &new)))
            .filter(|(words, _)| {
                !(mounts && empties_what_is_kept(words, &proposal.draft.dockerfile))
            })
            .filter(|(words, _)| !gets_its_owner(words, &new, &proposal.draft.dockerfile))
            .filter(|(words, _)| !goes_back(words, &situation.answer.now.dockerfile))
            .find(|(words, n)| new.get(*words) < Some(&needed(**n)));
        lost.map(|(words, _)| format!("{words:?} is lost:\n{}", proposal.draft.dockerfile))
    });
}

/// Whether it only goes back to where a RUN starts: a RUN from which the commands before were taken is there.
fn goes_back(words: &[String], text: &str) -> bool {
    let [cd, directory] = words else { return false };
    cd == "cd"
        && text
            .lines()
            .any(|line| line.strip_prefix("WORKDIR ") == Some(directory))
}

/// Whether a `chown -R` of directories is one of each alone (or of its user's home, which is his), and what is copied into
/// them gets the owner there.
fn gets_its_owner(words: &[String], new: &BTreeMap<Vec<String>, usize>, text: &str) -> bool {
    let [chown, _, owner, dirs @ ..] = words else {
        return false;
    };
    let user = owner.split(':').next().unwrap_or_default();
    let is_given = |dir: &String| {
        let is_home = *dir == format!("/home/{user}");
        is_home
            || new
                .keys()
                .any(|w| w[0] == "chown" && w.contains(owner) && w.contains(dir))
    };
    let flag = format!("--chown={owner}");
    let holds = |line: &str| {
        let mut words = line.split_whitespace();
        (line.starts_with("COPY ") || line.starts_with("ADD "))
            && words.any(|w| w == flag || w == format!("{flag}:root"))
    };
    chown == "chown" && dirs.iter().all(is_given) && text.lines().any(holds)
}

/// Whether a command only kept downloads out of the layer, or stands there without the words that did: with a mount over
/// them it has nothing left to do.
fn is_for_the_mount(words: &[String], new: &BTreeMap<Vec<String>, usize>) -> bool {
    let is_cache = |word: &String| {
        let places = [
            "/.cache",
            "/var/cache/apt",
            "/var/cache/dnf",
            "/var/lib/apt/lists",
        ];
        word.starts_with("--no-cache")
            || word.starts_with('$') && word.ends_with("_CACHE_DIR")
            || word.ends_with("/.npm")
            || places.iter().any(|p| word.contains(p))
    };
    let program = words[0].as_str();
    // By which pipenv throws its cache away first, and Go looks at none.
    let clears = |w: &String| {
        let option = [("pipenv", "--clear"), ("go", "-a"), ("xx-go", "-a")];
        option.contains(&(program, w.as_str()))
    };
    let mut verbs = words[1..].iter().filter(|w| !w.starts_with('-'));
    let empties = verbs.next().is_some_and(|w| match program {
        "apt" | "apt-get" => w == "clean" || w == "autoclean",
        "dnf" => w == "clean",
        "composer" | "composer.phar" => w == "clear-cache" || w == "clearcache",
        _ => w == "cache",
    }) || (program == "rm"
        && words[1..].iter().all(|w| w.starts_with('-') || is_cache(w)));
    // apk and dnf, kept from their caches no longer, are told to look for a newer index as they did.
    let is_new = |w: &String| {
        let told = ["--refresh", "--setopt=keepcache=1", "--update-cache"];
        told.contains(&w.as_str())
    };
    let left = |all: &[String]| -> Vec<String> {
        let words = all
            .iter()
            .filter(|w| !is_cache(w) && !is_new(w) && !clears(w));
        words.cloned().collect()
    };
    empties || new.keys().any(|other| left(other) == left(words))
}

/// Whether a command throws away what a build left, all of it, where a mount over that is to keep it.
fn empties_what_is_kept(words: &[String], text: &str) -> bool {
    let kept = || {
        let flags = text
            .split_whitespace()
            .filter_map(|w| w.strip_prefix("--mount=type=cache,"));
        let targets =
            flags.filter_map(|f| f.split(',').find_map(|part| part.strip_prefix("target=")));
        targets.filter(|t| *t == "target" || t.ends_with("/target"))
    };
    let has = |word: &String| {
        let word = word.trim_end_matches(['*', '/']);
        kept().any(|at| at.starts_with(word) || at.ends_with(word))
    };
    match words {
        [cargo, clean] => cargo == "cargo" && clean == "clean" && kept().next().is_some(),
        [rm, words @ ..] => rm == "rm" && words.iter().all(|w| w.starts_with('-') || has(w)),
        [] => false,
    }
}

/// What the target's image is started with: the last CMD, ENTRYPOINT and USER of its stages, and all ports and volumes.
fn started(dockerfile: &Dockerfile) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    let mut chain = Vec::new();
    let mut next = dockerfile.stages.len().checked_sub(1);
    while let Some(n) = next {
        let stage = &dockerfile.stages[n];
        chain.push(stage);
        let base = stage
            .from
            .original
            .split_whitespace()
            .nth(1)
            .unwrap_or_default();
        let is_base = |name: &Option<String>| name.as_deref() == Some(&base.to_lowercase());
        next = dockerfile.stages[..n]
            .iter()
            .rposition(|s| is_base(&s.name));
    }
    for instruction in chain.iter().rev().flat_map(|s| &s.instructions) {
        let text = instruction.original.clone();
        match instruction.keyword {
            "EXPOSE" | "VOLUME" => parts.insert(text, String::new()),
            "CMD" | "ENTRYPOINT" | "USER" => parts.insert(instruction.keyword.to_owned(), text),
            _ => None,
        };
    }
    parts
}

#[test]
fn the_image_is_started_as_before() {
    every_proposal(|situation, proposal| {
        let old = started(&parsed(&situation.answer.now.dockerfile));
        let mut new = started(&parsed(&proposal.draft.dockerfile));
        let candidate = &proposal.candidate;
        // A new runtime stage may name a user where none was; a layered jar is started by its launcher.
        if candidate.changes_image && !old.contains_key("USER") {
            new.remove("USER");
        }
        let may_restart = candidate.restarts && !candidate.safety.is_safe();
        if old.keys().ne(new.keys()) {
            return Some(format!("{old:?} became {new:?}"));
        }
        let differs = old.iter().find(|(part, text)| {
            new.get(*part) != Some(text)
                && !(may_restart && matches!(part.as_str(), "CMD" | "ENTRYPOINT"))
        });
        differs.map(|(part, _)| format!("{part} changes"))
    });
}

/// The files of the context that the target's image holds: each path there with what is at it, as BuildKit's COPY
/// leaves them. What RUNs leave is not among them.
fn image(case: &Case, draft: &Draft) -> BTreeSet<String> {
    let dockerfile = parsed(&draft.dockerfile);
    let options = Options {
        unknown_bases: true,
        ..Options::default()
    };
    let context = case.context(draft.ignore.as_deref());
    let lowering = lower(&dockerfile, &options).unwrap();
    let mut stages: BTreeMap<usize, Node> = BTreeMap::new();
    for stage in &lowering.stages {
        let base = match stage.base {
            Base::Stage(n) => stages.get(&n).cloned(),
            _ => None,
        };
        let mut node = base.unwrap_or_else(Node::empty_dir);
        for instruction in &stage.instructions {
            let Action::Copy(copy) = &instruction.action else {
                continue;
            };
            let source = match copy.from {
                MountFrom::Context => Some(context.root().clone()),
                MountFrom::Stage(n) => stages.get(&n).cloned(),
                _ => None,
            };
            let mut destination = join_clean(&instruction.before.cwd, &copy.destination);
            if copy.destination.ends_with(['/', '.']) && destination != "/" {
                destination.push('/');
            }
            // What a RUN left is not there; it is the same RUN before and after.
            if let Some(source) = source {
                let flags = CopyOptions {
                    chown: Some(copy.chown.clone()),
                    ..CopyOptions::default()
                };
                let _ = copy_into(&mut node, &destination, &source, &selectors(copy), &flags);
            }
        }
        stages.insert(stage.index, node);
    }
    let mut found = BTreeSet::new();
    listed(&stages[&lowering.target], "", &mut found);
    found
}

fn selectors(copy: &CopyAction) -> Vec<Selector> {
    let clean = |path: &str| join_clean("/", path).trim_start_matches('/').to_owned();
    let selector = |path: &String| Selector {
        path: match path.split_once("/./").filter(|_| copy.parents) {
            Some((base, rest)) => format!("{}/./{}", clean(base), clean(rest)),
            None => clean(path),
        },
        wildcard: copy.parents || path.contains(['*', '?', '[']),
        exclude: copy.exclude.clone(),
        parents: copy.parents,
    };
    let paths = copy.sources.iter().filter_map(|source| match source {
        CopySource::Path(path) => Some(path),
        _ => None,
    });
    paths.map(selector).collect()
}

fn listed(node: &Node, path: &str, found: &mut BTreeSet<String>) {
    match node.as_dir() {
        Some(dir) => dir.children().for_each(|(name, node)| {
            let name = String::from_utf8_lossy(name).into_owned();
            listed(node, &format!("{path}/{name}"), found);
        }),
        None => _ = found.insert(format!("{path} {node:?}")),
    }
}

#[test]
fn what_is_called_safe_leaves_the_same_files_in_the_image() {
    let n = std::cell::Cell::new(0);
    every_proposal(|situation, proposal| {
        let candidate = &proposal.candidate;
        if candidate.changes_image || !candidate.safety.is_safe() {
            return None;
        }
        let old = image(&situation.case, &situation.answer.now);
        let new = image(&situation.case, &proposal.draft);
        n.set(n.get() + usize::from(!old.is_empty()));
        let differs = old.symmetric_difference(&new).next();
        differs.map(|file| format!("{file}\n{}", proposal.draft.dockerfile))
    });
    assert!(n.get() > 30, "only {} images hold files", n.get());
}

#[test]
fn git_takes_every_patch_and_makes_the_draft_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut all, mut expected) = (String::new(), Vec::new());
    // One call of git for all: each proposal is a folder of its own.
    for (n, situation) in ALL.iter().enumerate() {
        let answer = &situation.answer;
        let alone = suggestions(answer).filter(|s| s.alone.is_some());
        let drafts = alone.map(|s| &s.proposal.draft).chain([&answer.then]);
        for (m, draft) in drafts.enumerate() {
            let place = format!("{n}-{m}");
            let mut moved = answer.clone();
            moved.dockerfile = RepoPath::from(format!("{place}/Dockerfile").as_str());
            moved.ignore = RepoPath::from(format!("{place}/.dockerignore").as_str());
            all += &patch(&moved, &answer.now, draft);
            let here = folder.path().join(&place);
            fs::create_dir(&here).unwrap();
            fs::write(here.join("Dockerfile"), &answer.now.dockerfile).unwrap();
            if let Some(ignore) = &answer.now.ignore {
                fs::write(here.join(".dockerignore"), ignore).unwrap();
            }
            expected.push((here, draft, &situation.name));
        }
    }
    fs::write(folder.path().join("all.patch"), &all).unwrap();
    let applied = hermetic(folder.path())
        .args(["apply", "all.patch"])
        .env("GIT_CEILING_DIRECTORIES", "/")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&applied.stderr);
    assert!(applied.status.success(), "{error}");
    for (here, draft, name) in expected {
        let now = Draft {
            dockerfile: fs::read_to_string(here.join("Dockerfile")).unwrap(),
            ignore: fs::read_to_string(here.join(".dockerignore")).ok(),
        };
        assert_eq!(&now, draft, "{name}");
    }
}

#[test]
fn marginal_gains_add_up_to_the_gain_of_all() {
    every_case(|situation| {
        let answer = &situation.answer;
        let on_top: Vec<_> = answer.order.iter().map(|s| s.on_top.as_ref()).collect();
        // A text that cannot build what the one before can is compared over other builds.
        if on_top.iter().any(|s| s.is_none_or(|s| s.lost > 0)) || answer.saving.lost > 0 {
            return None;
        }
        let sum: i64 = on_top.iter().flatten().map(|s| s.per_build.1).sum();
        let whole = answer.saving.per_build.1;
        // Each is a mean in whole milliseconds.
        let off = (sum - whole).unsigned_abs() as usize;
        (off > on_top.len()).then(|| format!("{sum} ms one by one, {whole} ms together"))
    });
}

#[test]
fn two_runs_and_any_number_of_threads_give_the_same_bytes() {
    let json = |answer: &Suggestions| {
        let mut bytes = Vec::new();
        write_json(answer, true, &mut bytes).unwrap();
        bytes
    };
    every_case(|situation| {
        let again = situation.case.suggest_with(5);
        (json(&situation.answer) != json(&again)).then(|| "differs".to_owned())
    });
}

/// How often a recommended set is applied before there must be nothing left: what is small beside today's build may be
/// worth it beside a faster one.
const MAX_ROUNDS: usize = 4;

#[test]
fn applying_again_ends_soon_and_never_goes_back() {
    every_case(|situation| {
        let mut seen = vec![situation.answer.now.clone()];
        let mut answer = situation.answer.clone();
        for _ in 0..MAX_ROUNDS {
            if answer.order.is_empty() {
                return None;
            }
            let done: Vec<_> = answer.order.iter().map(substance).collect();
            if seen.contains(&answer.then) {
                return Some("goes back to an earlier text".to_owned());
            }
            seen.push(answer.then.clone());
            answer = situation.case.with(&answer.then).suggest();
            let again = answer.order.iter().find(|s| done.contains(&substance(s)));
            if let Some(again) = again {
                let title = &again.proposal.candidate.title;
                return Some(format!("the same once more: {title}"));
            }
        }
        let titles = answer.order.iter().map(|s| &s.proposal.candidate.title);
        let titles: Vec<_> = titles.collect();
        (!titles.is_empty()).then(|| format!("after {MAX_ROUNDS} rounds still {titles:?}"))
    });
}

/// What a proposal takes out and puts in, wherever it stands.
fn substance(suggestion: &Suggestion) -> (&'static str, BTreeSet<String>) {
    let candidate = &suggestion.proposal.candidate;
    let lines = candidate.edits.iter().flat_map(|e| e.replacement.lines());
    let ignore = candidate.ignore.iter().flat_map(|i| i.text.lines());
    let trimmed = |line: &str| line.trim().to_owned();
    let all = lines.chain(ignore).map(trimmed).filter(|l| !l.is_empty());
    (candidate.rule, all.collect())
}

#[test]
fn a_file_with_windows_line_ends_gets_the_same_proposals_and_keeps_them() {
    let windows = |draft: &Draft| Draft {
        dockerfile: draft.dockerfile.replace('\n', "\r\n"),
        ignore: draft.ignore.as_ref().map(|text| text.replace('\n', "\r\n")),
    };
    every_case(|situation| {
        let drafts = |case: &Case| -> Vec<(String, Draft)> {
            let proposals = case.proposals().into_iter();
            proposals.map(|p| (p.id, p.draft)).collect()
        };
        // A new ignore file has git's own line ends.
        let is_new = situation.answer.now.ignore.is_none();
        let expected = drafts(&situation.case).into_iter().map(|(id, draft)| {
            let ignore = draft.ignore.clone().filter(|_| is_new);
            let windows = windows(&draft);
            let ignore = ignore.or(windows.ignore);
            (id, Draft { ignore, ..windows })
        });
        let expected: Vec<(String, Draft)> = expected.collect();
        let got = drafts(&situation.case.with(&windows(&situation.answer.now)));
        let differs = got.iter().find(|one| !expected.contains(one));
        let lost = expected.iter().find(|one| !got.contains(one));
        let one = differs.or(lost);
        one.map(|(id, draft)| format!("{id}\n{}\n", draft.dockerfile))
    });
}
