//! Every rule on its cases: `fixtures/restructure/<rule>/<case>/`.
//!
//! A case is a folder:
//! - `before.Dockerfile`;
//! - `history.scn`: `--- PATH` and the file's content, for each file of the newest tree that is read; under
//!   `--- tree` further files by name (empty); under `--- commits` one line for each build, oldest first, with the paths
//!   that it changed: `name ~ path path`; under `--- settings` `build-arg NAME`, `bump NAME` (a build at which the Dockerfile itself
//!   gave the ARG or ENV another value), `bump-word WORD` (one at which it gave the version in that word of a RUN another
//!   value), `target N`, `git-dir excluded`, `dockerfile PATH`;
//! - `after.Dockerfile` and `after.dockerignore`: the text with the rule's first legal candidate applied, where it
//!   changes. Neither: the rule must propose nothing;
//! - `safety.txt`: `safe`, or `review` and words that the doubt holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use stratigraph::builder::Builder;
use stratigraph::context::ContextTree;
use stratigraph::context::IgnoreRules;
use stratigraph::cost::CostModel;
use stratigraph::dockerfile::{self, Span};
use stratigraph::history::{BuildInput, Change, Commit, Request};
use stratigraph::replay::Settings;
use stratigraph::restructure::installs_from_source;
use stratigraph::restructure::past::{Name, names_in};
use stratigraph::restructure::rules::ALL;
use stratigraph::restructure::search::Proposals;
use stratigraph::restructure::search::proposals;
use stratigraph::restructure::search::{Draft, Proposal};
use stratigraph::restructure::{Candidate, TextEdit, View, legality};
use stratigraph::suggest::{Question, Suggestions, suggest};
use stratigraph::tree::{FileKind, FileStamp, ObjectId, RepoPath};

/// A case, read.
#[derive(Clone)]
pub(crate) struct Case {
    dockerfile: dockerfile::Dockerfile,
    path: RepoPath,
    context: RepoPath,
    ignore: Option<(RepoPath, String)>,
    files: Vec<(RepoPath, FileStamp)>,
    ignored: Vec<(RepoPath, FileStamp)>,
    contents: BTreeMap<RepoPath, Vec<u8>>,
    changes: Vec<Vec<RepoPath>>,
    build_args: Vec<(String, bool)>,
    bumps: BTreeMap<Name, usize>,
    target: usize,
    platform: Option<String>,
    git_dir: bool,
}

impl Case {
    /// From the Dockerfile's text and the scenario's.
    pub(crate) fn new(dockerfile: &str, scenario: &str) -> Self {
        let dockerfile = dockerfile::parse(dockerfile)
            .expect("the case's Dockerfile parses")
            .dockerfile;
        let mut case = Self {
            target: dockerfile.stages.len() - 1,
            dockerfile,
            path: RepoPath::from("Dockerfile"),
            context: RepoPath::root(),
            ignore: None,
            files: Vec::new(),
            ignored: Vec::new(),
            contents: BTreeMap::new(),
            changes: Vec::new(),
            build_args: Vec::new(),
            bumps: BTreeMap::new(),
            platform: None,
            git_dir: true,
        };
        for (name, body) in sections(scenario) {
            case.section(&name, &body);
        }
        case.finish();
        case
    }

    /// Tells the files that the builder sees from those that it does not.
    fn finish(&mut self) {
        self.contents
            .insert(self.path.clone(), self.dockerfile.text.clone().into_bytes());
        let stamp = FileStamp {
            kind: FileKind::Regular,
            id: ObjectId::from_bytes(&[7; 20]).unwrap(),
        };
        for path in self.contents.keys() {
            let is_ignored = self
                .ignore
                .as_ref()
                .is_some_and(|(_, text)| IgnoreRules::hides(text, path));
            if is_ignored {
                &mut self.ignored
            } else {
                &mut self.files
            }
            .push((path.clone(), stamp));
        }
    }

    fn section(&mut self, name: &str, body: &str) {
        match name {
            "tree" => self.contents.extend(
                body.split_whitespace()
                    .map(|p| (RepoPath::from(p), Vec::new())),
            ),
            "commits" => {
                for line in body.lines().filter(|l| !l.trim().is_empty()) {
                    let (_, paths) = line.split_once('~').expect("a commit is `name ~ paths`");
                    self.changes
                        .push(paths.split_whitespace().map(RepoPath::from).collect());
                }
            }
            "settings" => {
                for line in body.lines().map(str::trim).filter(|l| !l.is_empty()) {
                    match line.split_once(' ').expect("a setting has a value") {
                        ("build-arg", name) => self.build_args.push((name.to_owned(), true)),
                        ("bump", name) => {
                            *self
                                .bumps
                                .entry(Name::Variable(name.to_owned()))
                                .or_default() += 1;
                        }
                        ("bump-word", word) => {
                            let text = format!("FROM scratch\nRUN {word}\n");
                            let parsed = dockerfile::parse(&text).unwrap().dockerfile;
                            let run = &parsed.stages[0].instructions[0];
                            for name in names_in(&text, run) {
                                *self.bumps.entry(name).or_default() += 1;
                            }
                        }
                        ("target", n) => self.target = n.parse().unwrap(),
                        ("platform", name) => self.platform = Some(name.to_owned()),
                        ("git-dir", value) => self.git_dir = value != "excluded",
                        ("dockerfile", path) => self.path = RepoPath::from(path),
                        other => panic!("unknown setting {other:?}"),
                    }
                }
            }
            ".dockerignore" => {
                self.ignore = Some((RepoPath::from(name), body.to_owned()));
                self.contents
                    .insert(RepoPath::from(name), body.as_bytes().to_vec());
            }
            path => {
                self.contents
                    .insert(RepoPath::from(path), body.as_bytes().to_vec());
            }
        }
    }

    /// Its builds: the newest tree first built as a whole, then one build for each commit, each changed file with fresh
    /// bytes.
    pub(crate) fn inputs(&self) -> Vec<BuildInput> {
        let stamp = |n: usize| FileStamp {
            kind: FileKind::Regular,
            id: ObjectId::from_bytes(&[u8::try_from(n % 251).unwrap() + 1; 20]).unwrap(),
        };
        let input = |n: usize, paths: Vec<RepoPath>| BuildInput {
            commit: Commit {
                id: stamp(n).id,
                parent: None,
                time: 1_700_000_000 + 86_400 * i64::try_from(n).unwrap(),
                subject: String::new(),
                author: String::new(),
            },
            request: Request::default(),
            watched: vec![Ok(None); 3],
            changes: paths
                .into_iter()
                .map(|path| Change {
                    path,
                    old: None,
                    new: Some(stamp(n)),
                })
                .collect(),
            link_targets: Vec::new(),
        };
        let all = self.contents.keys().cloned().collect();
        let rest = self
            .changes
            .iter()
            .enumerate()
            .map(|(n, paths)| input(n + 1, paths.clone()));
        std::iter::once(input(0, all)).chain(rest).collect()
    }

    /// What `suggest` answers about it.
    pub(crate) fn suggest(&self) -> Suggestions {
        self.suggest_over(&self.inputs())
    }

    /// What `suggest` answers about it over these builds.
    pub(crate) fn suggest_over(&self, inputs: &[BuildInput]) -> Suggestions {
        self.answer(inputs, 2)
    }

    /// What `suggest` answers about it with so many threads.
    pub(crate) fn suggest_with(&self, threads: usize) -> Suggestions {
        self.answer(&self.inputs(), threads)
    }

    fn answer(&self, inputs: &[BuildInput], threads: usize) -> Suggestions {
        let settings = Settings {
            dockerfile: self.path.to_string(),
            platform: self.platform.clone(),
            git_dir: self.git_dir,
            ..Settings::default()
        };
        let read = |path: &RepoPath| self.contents.get(path).cloned();
        let question = Question {
            accepted: &[],
            settings: &settings,
            dockerfile: self.dockerfile.text.clone(),
            ignore: self.ignore.clone(),
            inputs,
            read: &read,
            outside: &[],
            blob: &|_| None,
            cost: &CostModel::default(),
            threads,
            replayed: &|| {},
        };
        suggest(&question).expect("the case's Dockerfile parses")
    }

    /// The same case with these texts in place of its own.
    pub(crate) fn with(&self, draft: &Draft) -> Self {
        let dockerfile = dockerfile::parse(&draft.dockerfile).unwrap().dockerfile;
        let is_last = self.target + 1 == self.dockerfile.stages.len();
        let mut case = Self {
            target: if is_last {
                dockerfile.stages.len() - 1
            } else {
                self.target
            },
            dockerfile,
            ignore: None,
            files: Vec::new(),
            ignored: Vec::new(),
            ..self.clone()
        };
        if let Some(text) = &draft.ignore {
            case.section(".dockerignore", text);
        }
        case.finish();
        case
    }

    /// Every legal proposal of every rule.
    pub(crate) fn proposals(&self) -> Vec<Proposal> {
        self.view(|view| proposals(view, ALL).kept)
    }

    /// What a builder sees of its newest tree under these ignore rules; each file has bytes of its own.
    pub(crate) fn context(&self, ignore: Option<&str>) -> ContextTree {
        let rules = IgnoreRules::parse(ignore.unwrap_or_default().as_bytes()).unwrap();
        let mut tree = ContextTree::new(rules);
        let changes: Vec<Change> = (self.contents.keys().enumerate())
            .map(|(n, path)| {
                let mut id = [9; 20];
                id[..8].copy_from_slice(&n.to_le_bytes());
                Change {
                    path: path.clone(),
                    old: None,
                    new: Some(FileStamp {
                        kind: FileKind::Regular,
                        id: ObjectId::from_bytes(&id).unwrap(),
                    }),
                }
            })
            .collect();
        tree.apply(&changes, &[]);
        tree
    }

    /// Calls `with` on the case's view.
    pub(crate) fn view<T>(&self, with: impl FnOnce(&View<'_>) -> T) -> T {
        let read = |path: &RepoPath| self.contents.get(path).cloned();
        with(&View {
            accepted: &[],
            dockerfile: &self.dockerfile,
            path: &self.path,
            context: &self.context,
            ignore: self.ignore.as_ref().map(|(p, t)| (p, t.as_str())),
            files: &self.files,
            ignored: &self.ignored,
            read: &read,
            outside: &[],
            filtered: &|_, _| None,
            changes: &self.changes,
            builder: Builder::BuildKit,
            git_dir: self.git_dir,
            persistent: true,
            target: self.target,
            build_args: &self.build_args,
            bumps: &self.bumps,
        })
    }
}

/// `--- NAME` lines and what follows each.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("--- ") {
            Some(name) => found.push((name.trim().to_owned(), String::new())),
            None => {
                if let Some((_, body)) = found.last_mut() {
                    body.push_str(line);
                    body.push('\n');
                }
            }
        }
    }
    found
}

pub(crate) fn cases() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/restructure");
    let mut found = Vec::new();
    for rule in fs::read_dir(&root).unwrap() {
        let rule = rule.unwrap().path();
        let id = rule.file_name().unwrap().to_string_lossy().into_owned();
        for case in fs::read_dir(&rule).unwrap() {
            found.push((id.clone(), case.unwrap().path()));
        }
    }
    found.sort();
    found
}

pub(crate) fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[test]
fn packages_that_are_installed_twice_are_spoken_of() {
    let rule = ALL.iter().find(|r| r.id == "deps-first").unwrap();
    let check = |name: &str, want: bool| {
        let (_, folder) = cases()
            .into_iter()
            .find(|(_, folder)| folder.ends_with(name))
            .unwrap();
        let case = Case::new(
            &text(&folder.join("before.Dockerfile")).unwrap(),
            &text(&folder.join("history.scn")).unwrap(),
        );
        let Proposals { kept, .. } = case.view(|view| proposals(view, &[*rule]));
        let said = &kept.first().unwrap().candidate.rationale;
        assert_eq!(
            said.contains("installed and taken out above"),
            want,
            "{said}"
        );
    };
    check("tools-installed-again-for-git", true);
    check("tools-not-installed-again", false);
    check("tools-taken-out-with-it", false);
}

#[test]
fn every_rule_proposes_what_its_cases_say() {
    let mut wrong = Vec::new();
    for (id, folder) in cases() {
        let name = format!("{id}/{}", folder.file_name().unwrap().to_string_lossy());
        let Some(rule) = ALL.iter().find(|r| r.id == id) else {
            wrong.push(format!("{name}: no such rule"));
            continue;
        };
        let case = Case::new(
            &text(&folder.join("before.Dockerfile")).unwrap(),
            &text(&folder.join("history.scn")).unwrap(),
        );
        let Proposals {
            kept: found,
            dropped,
            ..
        } = case.view(|view| proposals(view, &[*rule]));
        if let Some(dropped) = dropped.first() {
            wrong.push(format!(
                "{name}: proposed what is not legal: {}: {}",
                dropped.title, dropped.why
            ));
        }
        let (dockerfile, ignore) = (
            folder.join("after.Dockerfile"),
            folder.join("after.dockerignore"),
        );
        if std::env::var_os("UPDATE_GOLDEN").is_some()
            && let Some(first) = found.first()
        {
            if !first.candidate.edits.is_empty() {
                fs::write(&dockerfile, &first.draft.dockerfile).unwrap();
            }
            if let Some(new) = &first.candidate.ignore {
                fs::write(&ignore, &new.text).unwrap();
            }
            let safety = first
                .candidate
                .safety
                .doubt()
                .map_or("safe\n".to_owned(), |doubt| format!("review {doubt}\n"));
            fs::write(folder.join("safety.txt"), safety).unwrap();
        }
        let expected = (text(&dockerfile), text(&ignore));
        let first = found.first();
        let got = (
            first
                .filter(|f| !f.candidate.edits.is_empty())
                .map(|f| f.draft.dockerfile.clone()),
            first
                .and_then(|f| f.candidate.ignore.as_ref())
                .map(|i| i.text.clone()),
        );
        if got != expected {
            wrong.push(format!("{name}: expected {expected:#?}\ngot {got:#?}"));
        }
        if let Some(first) = first {
            let wanted = text(&folder.join("safety.txt")).unwrap_or_default();
            let is_right = match (
                wanted.trim().strip_prefix("review"),
                first.candidate.safety.doubt(),
            ) {
                (None, doubt) => wanted.trim() == "safe" && doubt.is_none(),
                (Some(words), doubt) => doubt.is_some_and(|d| d.contains(words.trim())),
            };
            if !is_right {
                wrong.push(format!(
                    "{name}: safety is {:?}, not {wanted}",
                    first.candidate.safety
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_check_refuses_a_run_above_the_files_it_needs() {
    let check = |before: &str, after: &str, part: &str| {
        let history =
            "--- package.json\n{}\n--- tree\npackage-lock.json run.sh\n--- commits\na ~ run.sh\n";
        let case = Case::new(before, history);
        case.view(|view| {
            let mut candidate = Candidate::new("test", "by hand".to_owned());
            candidate.edits = vec![TextEdit::replace(Span::new(0, before.len()), after)];
            let got = legality::check(view, &candidate);
            match part {
                "" => assert!(got.is_ok(), "{after}: {got:?}"),
                part => assert!(
                    got.as_ref().is_err_and(|e| e.contains(part)),
                    "{after}: {got:?}"
                ),
            }
        });
    };
    let [base, copy, install] = [
        "FROM node:22\n",
        "COPY package.json package-lock.json /app/\n",
        "RUN cd app && npm ci\n",
    ];
    check(
        &format!("{base}{copy}{install}"),
        &format!("{base}{install}{copy}"),
        "line 3 reads /app/package",
    );
    check(
        &format!("{base}COPY . /app/\n{install}"),
        &format!("{base}{copy}{install}COPY . /app/\n"),
        "",
    );
    let [script, mode] = ["COPY run.sh /\n", "RUN chmod +x /run.sh\n"];
    check(
        &format!("{base}{script}{mode}"),
        &format!("{base}{mode}{script}"),
        "line 3 names /run.sh",
    );
}

#[test]
fn installs_that_build_the_project_or_run_its_scripts_read_the_source() {
    let check = |manifest: &str, steps: &str, want: &[&str]| {
        let before = format!("FROM node:22\nWORKDIR /app\n{steps}");
        let history = format!("{manifest}--- tree\nsrc/a.ts\n--- commits\na ~ src/a.ts\n");
        let found = Case::new(&before, &history).view(installs_from_source);
        let found: Vec<String> = found.iter().map(|words| words.join(" ")).collect();
        assert_eq!(found, want, "{before}\n{history}");
    };
    let package = |scripts: &str| format!("--- package.json\n{{\"scripts\": {{{scripts}}}}}\n");
    let builds = package("\"prepare\": \"tsc\"");
    check(&builds, "COPY . .\nRUN npm ci\n", &["npm ci"]);
    check(&builds, "COPY . .\nRUN npm ci --ignore-scripts\n", &[]);
    check(
        &package("\"build\": \"tsc\""),
        "COPY . .\nRUN npm ci\n",
        &[],
    );
    // What another stage made may be of another project.
    let two = "COPY --from=made /app .\nRUN npm ci\n";
    check(&builds, two, &[]);
    check("", "COPY . .\nRUN npm ci\n", &[]);
    let project =
        "--- pyproject.toml\n[project]\nname = \"a\"\n[build-system]\nrequires = []\n--- uv.lock\n";
    check(
        project,
        "COPY . .\nRUN uv sync --frozen\n",
        &["uv sync --frozen"],
    );
    let apart = "COPY . .\nRUN uv sync --no-install-project\n";
    check(project, apart, &[]);
    let plain = "--- pyproject.toml\n[project]\nname = \"a\"\n--- uv.lock\n";
    check(plain, "COPY . .\nRUN uv sync --frozen\n", &[]);
}

#[test]
fn no_proposal_beats_the_bound() {
    let mut n_proposals = 0;
    for (id, folder) in cases() {
        let name = format!("{id}/{}", folder.file_name().unwrap().to_string_lossy());
        let case = Case::new(
            &text(&folder.join("before.Dockerfile")).unwrap(),
            &text(&folder.join("history.scn")).unwrap(),
        );
        let answer = case.suggest();
        let (now, then, best) = answer.mean;
        let bold = answer.best_bold;
        assert!(bold.median <= best.median, "{name}: {bold:?} {best:?}");
        assert!(
            best.median <= now.median.min(then.median),
            "{name}: {best:?} {now:?} {then:?}"
        );
        for suggestion in answer.order.iter().chain(&answer.instead) {
            let Some(alone) = &suggestion.alone else {
                continue;
            };
            n_proposals += 1;
            let left = i64::try_from(now.median).unwrap() - alone.per_build.1;
            // Both are means that are rounded down.
            assert!(
                left + 2 >= i64::try_from(best.median).unwrap() || alone.lost > 0,
                "{name}: {} leaves {left}, the bound is {best:?}",
                suggestion.proposal.id
            );
        }
    }
    assert!(n_proposals > 20, "{n_proposals} proposals were compared");
}
