//! Walks over real repositories of every kind.

use crate::support::repo::Repo;
use crate::support::repo::hermetic;
use std::fmt::Write as _;
use std::path::Path;
use stratigraph::context::ContextTree;
use stratigraph::context::IgnoreRules;
use stratigraph::history::BuildInput;
use stratigraph::history::Change;
use stratigraph::history::Request;
use stratigraph::history::git::Error;
use stratigraph::history::git::ErrorKind;
use stratigraph::history::git::Range;
use stratigraph::history::git::Repository;
use stratigraph::history::git::Selection;
use stratigraph::history::git::Uncommitted;
use stratigraph::tree::FileKind;
use stratigraph::tree::ObjectId;
use stratigraph::tree::RepoPath;

fn open(repo: &Repo) -> Repository {
    Repository::open(repo.path()).unwrap()
}

fn all() -> Range {
    Range::Last(usize::MAX)
}

fn select(repository: &Repository, range: &Range) -> Vec<String> {
    repository
        .select(range)
        .unwrap()
        .commits
        .iter()
        .map(ObjectId::to_string)
        .collect()
}

fn walk(
    repository: &Repository,
    commits: Vec<ObjectId>,
    context: &str,
    watched: &[&str],
) -> Vec<BuildInput> {
    try_walk(repository, commits, context, watched).unwrap()
}

fn try_walk(
    repository: &Repository,
    commits: Vec<ObjectId>,
    context: &str,
    watched: &[&str],
) -> Result<Vec<BuildInput>, Error> {
    let builds = commits
        .into_iter()
        .map(|id| (id, Request::default()))
        .collect();
    let watched: Vec<RepoPath> = watched.iter().map(|path| RepoPath::from(*path)).collect();
    repository.walk(builds, &context.into(), &watched).collect()
}

fn walk_all(repository: &Repository, context: &str, watched: &[&str]) -> Vec<BuildInput> {
    let Selection { commits, .. } = repository.select(&all()).unwrap();
    walk(repository, commits, context, watched)
}

/// `+a ~b -c`: added, changed, removed.
fn said(changes: &[Change]) -> String {
    let sign = |change: &Change| match (change.old, change.new) {
        (None, _) => '+',
        (Some(_), None) => '-',
        (Some(_), Some(_)) => '~',
    };
    changes
        .iter()
        .map(|change| format!("{}{}", sign(change), change.path))
        .collect::<Vec<_>>()
        .join(" ")
}

fn bytes(watched: &Result<Option<std::sync::Arc<[u8]>>, String>) -> Option<&str> {
    watched
        .as_ref()
        .unwrap()
        .as_deref()
        .map(|bytes| std::str::from_utf8(bytes).unwrap())
}

#[test]
fn changes_are_relative_to_the_build_before() {
    let repo = Repo::new();
    repo.write("a", "1").write("d/b", "1").write("d/e/c", "1");
    let first = repo.commit("first");
    repo.write("d/b", "2").remove("a").write("d-x", "1");
    let second = repo.commit("second");
    repo.remove("d").write("d", "a file now").write("d-x", "1");
    repo.commit("third");
    let repository = open(&repo);
    let builds = walk_all(&repository, "", &[]);
    let seen: Vec<String> = builds.iter().map(|build| said(&build.changes)).collect();
    assert_eq!(seen, ["+a +d/b +d/e/c", "-a +d-x ~d/b", "+d -d/b -d/e/c"]);
    assert_eq!(builds[0].commit.subject, "first");
    assert_eq!(builds[0].commit.author, "A U Thor");
    assert_eq!(builds[1].commit.time, builds[0].commit.time + 60);
    let [first, second] = [first, second].map(|rev| repository.resolve(&rev).unwrap());
    let builds = walk(&repository, vec![second, first, first, second], "", &[]);
    let seen: Vec<String> = builds.iter().map(|build| said(&build.changes)).collect();
    assert_eq!(
        seen,
        ["+d-x +d/b +d/e/c", "+a -d-x ~d/b", "", "-a +d-x ~d/b"]
    );
}

#[test]
fn modes_symlinks_and_submodules_are_told_apart() {
    let repo = Repo::new();
    repo.write("run", "x").link("link", "run").write("f", "1");
    repo.commit("first");
    repo.git(&["update-index", "--chmod=+x", "run"]);
    repo.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        "160000,1111111111111111111111111111111111111111,sub",
    ]);
    repo.git(&["commit", "--quiet", "--message", "second"]);
    let builds = walk_all(&open(&repo), "", &[]);
    let kinds: Vec<_> = builds[0]
        .changes
        .iter()
        .map(|change| change.new.unwrap().kind)
        .collect();
    assert_eq!(
        kinds,
        [FileKind::Regular, FileKind::Symlink, FileKind::Regular]
    );
    assert_eq!(builds[0].link_targets, [(1, b"run".as_slice().into())]);
    assert_eq!(said(&builds[1].changes), "~run +sub");
    assert_eq!(builds[1].changes[0].new.unwrap().kind, FileKind::Executable);
    assert_eq!(builds[1].changes[1].new.unwrap().kind, FileKind::Submodule);
}

#[test]
fn only_the_context_counts_and_it_may_be_absent() {
    let repo = Repo::new();
    repo.write("other", "1");
    repo.commit("no context yet");
    repo.write("app/x", "1").write("app/y/z", "1");
    repo.commit("context");
    repo.write("other", "2");
    repo.commit("outside");
    repo.remove("app");
    repo.commit("gone");
    repo.write("app", "a file");
    repo.commit("no directory");
    let builds = walk_all(&open(&repo), "app", &[]);
    let seen: Vec<String> = builds.iter().map(|build| said(&build.changes)).collect();
    assert_eq!(seen, ["", "+x +y/z", "", "-x -y/z", ""]);
}

#[test]
fn watched_files_are_read_through_symlinks() {
    let repo = Repo::new();
    repo.write("docker/real", "FROM a")
        .link("Dockerfile", "docker/real")
        .link("up", "../outside")
        .link("loop", "loop");
    repo.commit("first");
    repo.write("docker/real", "FROM b");
    repo.commit("second");
    repo.remove("Dockerfile").write("Dockerfile", "FROM c");
    repo.commit("third");
    repo.remove("Dockerfile");
    repo.commit("fourth");
    let builds = walk_all(
        &open(&repo),
        "",
        &[
            "Dockerfile",
            "docker/real",
            "docker",
            "up",
            "loop",
            "none/at/all",
        ],
    );
    let column = |at: usize| {
        builds
            .iter()
            .map(|build| bytes(&build.watched[at]))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        column(0),
        [Some("FROM a"), Some("FROM b"), Some("FROM c"), None]
    );
    assert_eq!(
        column(1),
        [
            Some("FROM a"),
            Some("FROM b"),
            Some("FROM b"),
            Some("FROM b")
        ]
    );
    for at in 2..6 {
        assert_eq!(column(at), [None; 4], "{at}");
    }
}

#[test]
fn ranges_follow_first_parents_oldest_first() {
    let repo = Repo::new();
    let a = repo.commit("a");
    let b = repo.commit("b");
    repo.git(&["checkout", "--quiet", "-b", "side", &a]);
    let side = repo.write("side", "1").commit("side");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git(&["merge", "--quiet", "--no-ff", "--message", "merge", "side"]);
    let merge = repo.git(&["rev-parse", "HEAD"]);
    let c = repo.commit("c");
    repo.git(&["tag", "v1"]);
    let repository = open(&repo);
    let between = |text: &str| select(&repository, &Range::Between(text.to_owned()));
    assert_eq!(
        select(&repository, &all()),
        [&a, &b, &merge, &c].map(String::as_str)
    );
    assert_eq!(
        select(&repository, &Range::Last(2)),
        [&merge, &c].map(String::as_str)
    );
    assert_eq!(select(&repository, &Range::Last(0)), [""; 0]);
    assert_eq!(between(&format!("{b}..")), [&merge, &c].map(String::as_str));
    assert_eq!(between("side..v1"), [&b, &merge, &c].map(String::as_str));
    assert_eq!(between("main..side"), [""; 0]);
    assert_eq!(between("side"), [&a, &side].map(String::as_str));
    assert_eq!(between("v1~1"), [&a, &b, &merge].map(String::as_str));
    let builds = walk_all(&repository, "", &[]);
    assert_eq!(
        said(&builds[2].changes),
        "+side",
        "a merge differs from its first parent"
    );
    for wrong in ["nothing..v1", "v1...side", "v1:x", "", "^v1"] {
        let result = repository.select(&Range::Between(wrong.to_owned()));
        assert!(
            wrong.is_empty()
                || result
                    .as_ref()
                    .is_err_and(|err| err.kind() == ErrorKind::Revision),
            "{wrong}"
        );
    }
}

#[test]
fn dates_choose_commits_though_time_runs_backwards() {
    let repo = Repo::new();
    let old = repo.commit_at("old", 1_000_000_000);
    let new = repo.commit_at("new", 1_700_000_000);
    let back = repo.commit_at("back", 1_100_000_000);
    let later = repo.commit_at("later", 1_700_000_060);
    let repository = open(&repo);
    let since = |date: &str| select(&repository, &Range::Since(date.to_owned()));
    assert_eq!(since("2023-01-01"), [new.as_str(), &later]);
    assert_eq!(
        since("2001-09-09T01:46:40Z"),
        [&old, &new, &back, &later].map(String::as_str)
    );
    assert_eq!(since("1700000060"), [later.as_str()]);
    let err = repository
        .select(&Range::Since("last week".to_owned()))
        .unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Revision);
    assert_eq!(
        repository.commit(&repository.head().unwrap()).unwrap().time,
        1_700_000_060
    );
}

#[test]
fn several_roots_are_no_trouble() {
    let repo = Repo::new();
    repo.write("a", "1").commit("a");
    repo.git(&["checkout", "--quiet", "--orphan", "other"]);
    repo.remove("a").write("b", "1").commit("b");
    repo.git(&[
        "merge",
        "--quiet",
        "--allow-unrelated-histories",
        "--message",
        "both",
        "main",
    ]);
    let builds = walk_all(&open(&repo), "", &[]);
    let seen: Vec<String> = builds.iter().map(|build| said(&build.changes)).collect();
    assert_eq!(seen, ["+b", "+a"]);
}

#[test]
fn every_way_into_a_repository_works() {
    let repo = Repo::new();
    repo.write("d/a", "1");
    let head = repo.commit("first");
    let bare = Repo::with(&[
        "clone",
        "--quiet",
        "--bare",
        repo.path().to_str().unwrap(),
        ".",
    ]);
    let beside = tempfile::tempdir().unwrap();
    let linked = beside.path().join("linked");
    repo.git(&[
        "worktree",
        "add",
        "--quiet",
        "--detach",
        linked.to_str().unwrap(),
    ]);
    let inner = repo.path().join("d");
    let git_dir = repo.path().join(".git");
    for place in [repo.path(), &inner, &git_dir, bare.path(), &linked] {
        let repository = Repository::open(place).unwrap();
        assert_eq!(
            repository.head().unwrap().to_string(),
            head,
            "{}",
            place.display()
        );
        assert_eq!(said(&walk_all(&repository, "", &[])[0].changes), "+d/a");
    }
    assert_eq!(Repository::open(bare.path()).unwrap().worktree(), None);
    let linked = Repository::open(&linked).unwrap();
    assert_eq!(linked.branch(), None);
    assert_eq!(open(&repo).branch().as_deref(), Some("main"));
    assert_eq!(
        Repository::open(bare.path())
            .unwrap()
            .remote_url()
            .as_deref(),
        repo.path().to_str()
    );
}

#[test]
fn what_is_not_committed_is_known() {
    let repo = Repo::new();
    for name in ["changed", "same", "staged", "gone", "both"] {
        repo.write(name, "1");
    }
    repo.write(".gitignore", "ignored").commit("first");
    repo.write("staged", "2").write("both", "2");
    repo.git(&["add", "staged", "both"]);
    repo.write("changed", "2").write("both", "1").remove("gone");
    repo.write("new", "1").write("ignored", "1");
    let repository = open(&repo);
    for (path, state) in [
        ("same", None),
        ("none", None),
        ("changed", Some(Uncommitted::Changed)),
        ("staged", Some(Uncommitted::Staged)),
        ("both", Some(Uncommitted::Staged)),
        ("gone", Some(Uncommitted::Gone)),
        ("new", Some(Uncommitted::Untracked)),
        ("ignored", Some(Uncommitted::Untracked)),
    ] {
        assert_eq!(repository.uncommitted(&path.into()), state, "{path}");
    }
}

#[test]
#[cfg(unix)]
fn a_file_behind_symlinks_has_its_own_path() {
    let repo = Repo::new();
    repo.write("docker/app/Dockerfile", "FROM a")
        .link("Dockerfile", "web/Dockerfile")
        .link("web", "docker/app")
        .link("lost", "../Dockerfile");
    repo.commit("first");
    let repository = open(&repo);
    let head = repository.head().unwrap();
    for (path, real) in [
        ("Dockerfile", Some("docker/app/Dockerfile")),
        ("docker/app/Dockerfile", Some("docker/app/Dockerfile")),
        ("lost", None),
        ("none", None),
    ] {
        let found = repository.real_path(&head, &path.into()).unwrap();
        assert_eq!(found, real.map(RepoPath::from), "{path}");
    }
}

#[test]
fn a_place_without_a_repository_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |path: &Path| Repository::open(path).err().map(|err| err.kind());
    assert_eq!(kind(folder.path()), Some(ErrorKind::NotARepository));
    assert_eq!(
        kind(&folder.path().join("none")),
        Some(ErrorKind::NotARepository)
    );
}

#[test]
fn an_empty_repository_says_so() {
    let repo = Repo::new();
    let err = open(&repo).select(&all()).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Empty);
    assert!(err.help().is_some());
}

#[test]
fn an_unknown_commit_ends_the_walk() {
    let repo = Repo::new();
    repo.write("a", "1").commit("first");
    let repository = open(&repo);
    let unknown = ObjectId::from_bytes(&[7; 20]).unwrap();
    let err = try_walk(
        &repository,
        vec![repository.head().unwrap(), unknown],
        "",
        &[],
    )
    .unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Missing);
    assert!(err.to_string().contains(&unknown.to_string()), "{err}");
    assert_eq!(
        repository.resolve("none").unwrap_err().kind(),
        ErrorKind::Revision
    );
}

#[test]
fn a_shallow_clone_says_where_it_ends() {
    let repo = Repo::new();
    for n in 0..5 {
        repo.write("a", n.to_string()).commit("more");
    }
    let clone = repo.cloned(&["--depth=2"]);
    let repository = open(&clone);
    let selection = repository.select(&all()).unwrap();
    assert_eq!(selection.commits.len(), 2);
    let ends = selection
        .caveats
        .iter()
        .find(|caveat| caveat.text.contains("shallow"))
        .unwrap();
    assert!(selection.commits[0].to_string().starts_with(&ends.place));
    assert_eq!(repository.select(&Range::Last(1)).unwrap().caveats, []);
    let err = repository.resolve("HEAD~3").unwrap_err();
    assert!(err.help().unwrap().contains("--unshallow"));
    assert_eq!(walk(&repository, selection.commits, "", &["a"]).len(), 2);
}

#[test]
fn a_partial_clone_says_what_is_absent() {
    let repo = Repo::new();
    repo.write("Dockerfile", "FROM a")
        .write("src/x", "1")
        .link("link", "src/x");
    repo.commit("first");
    repo.write("Dockerfile", "FROM b").write("src/x", "2");
    repo.commit("second");
    let clone = repo.cloned(&["--filter=blob:none"]);
    let repository = open(&clone);
    let builds = walk_all(&repository, "", &["Dockerfile", "none"]);
    assert_eq!(said(&builds[1].changes), "~Dockerfile ~src/x");
    let absent = builds[0].watched[0].as_ref().unwrap_err();
    assert!(
        absent.contains("Dockerfile") && absent.contains("git cat-file -e"),
        "{absent}"
    );
    assert_eq!(
        bytes(&builds[1].watched[0]),
        Some("FROM b"),
        "the checkout fetched HEAD's"
    );
    assert_eq!(bytes(&builds[0].watched[1]), None);
    assert!(
        repository
            .select(&all())
            .unwrap()
            .caveats
            .iter()
            .any(|caveat| caveat.text.contains("partial"))
    );
    // The command that the message names does what it says.
    let id = absent.split_whitespace().nth(1).unwrap();
    clone.git(&["cat-file", "-e", id]);
    assert_eq!(
        bytes(&walk_all(&open(&clone), "", &["Dockerfile"])[0].watched[0]),
        Some("FROM a")
    );
}

#[test]
fn a_clone_without_trees_says_what_to_do() {
    let repo = Repo::new();
    repo.write("d/a", "1").commit("first");
    repo.write("d/a", "2").commit("second");
    let clone = repo.cloned(&["--filter=tree:0"]);
    let repository = open(&clone);
    let commits = repository.select(&all()).unwrap().commits;
    let err = try_walk(&repository, commits, "", &[]).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Missing);
    assert!(err.help().unwrap().contains("--filter=blob:none"), "{err}");
}

#[test]
fn formats_that_are_not_read_say_so() {
    let has = |args: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        hermetic(folder.path())
            .args(args)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let format = ["init", "--quiet", "--ref-format=reftable", "."];
    if has(&format) {
        let err = Repository::open(Repo::with(&format).path()).err().unwrap();
        assert_eq!(err.kind(), ErrorKind::Unsupported, "{err}");
    }
    let format = [
        "init",
        "--quiet",
        "--initial-branch=main",
        "--object-format=sha256",
        ".",
    ];
    if has(&format) {
        let repo = Repo::with(&format);
        repo.write("a", "1").commit("first");
        match Repository::open(repo.path()) {
            Ok(repository) => assert_eq!(said(&walk_all(&repository, "", &[])[0].changes), "+a"),
            Err(err) => assert_eq!(err.kind(), ErrorKind::Unsupported, "{err}"),
        }
    }
}

#[test]
fn replacement_refs_are_a_caveat() {
    let repo = Repo::new();
    let first = repo.write("a", "1").commit("first");
    let second = repo.write("a", "2").commit("second");
    assert_eq!(open(&repo).caveats(), []);
    repo.git(&["replace", &second, &first]);
    assert_eq!(open(&repo).caveats().len(), 1);
}

#[test]
#[cfg(unix)]
fn paths_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt;
    let repo = Repo::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    std::fs::write(repo.path().join(name), "1").unwrap();
    repo.commit("first");
    let builds = walk_all(&open(&repo), "", &[]);
    assert_eq!(builds[0].changes[0].path.as_bytes(), b"caf\xe9");
}

#[test]
fn files_of_any_commit_are_read_and_listed() {
    let repo = Repo::new();
    repo.write("d/a", "12345")
        .write("d/e/b", "")
        .link("l", "d/a");
    let first = repo.commit("first");
    repo.remove("d").write("x", "1").commit("second");
    let repository = open(&repo);
    let first = repository.resolve(&first).unwrap();
    let read = |path: &str| repository.read(&first, &path.into()).unwrap();
    assert_eq!(read("d/a").as_deref(), Some(b"12345".as_slice()));
    assert_eq!(read("l").as_deref(), Some(b"12345".as_slice()));
    assert_eq!((read("d"), read("x")), (None, None));
    let list = repository.list(&first, &"d".into()).unwrap();
    let paths: Vec<String> = list.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(paths, ["a", "e/b"]);
    assert_eq!(repository.blob_size(&list[0].1.id), Some(5));
    assert_eq!(
        repository.blob_size(&ObjectId::from_bytes(&[7; 20]).unwrap()),
        None
    );
}

#[test]
fn a_long_history_arrives_in_order_and_leads_to_the_last_tree() {
    let repo = Repo::new();
    let mut stream = String::new();
    for n in 1..=700 {
        let text = format!("{n}\n");
        let _ = write!(
            stream,
            "commit refs/heads/main\nmark :{n}\ncommitter C <c@example.com> {} +0000\n",
            1_700_000_000 + n
        );
        stream += "data 1\nx\n";
        let _ = write!(
            stream,
            "M 100644 inline d{}/f{}\ndata {}\n{text}\n",
            n % 7,
            n % 31,
            text.len()
        );
        if n % 5 == 0 {
            let _ = writeln!(stream, "D d{}", (n + 1) % 7);
        }
        stream += "\n";
    }
    let file = repo.folder().join("stream");
    std::fs::write(&file, stream).unwrap();
    let imported = hermetic(repo.path())
        .args(["fast-import", "--quiet"])
        .stdin(std::fs::File::open(&file).unwrap())
        .status()
        .unwrap();
    assert!(imported.success());
    let repository = open(&repo);
    let commits = repository.select(&all()).unwrap().commits;
    let builds = walk(&repository, commits.clone(), "", &["d1/f1"]);
    assert_eq!(
        builds
            .iter()
            .map(|build| build.commit.id)
            .collect::<Vec<_>>(),
        commits
    );
    let rules = || IgnoreRules::parse(b"d2\n**/f3\n!d2/f9").unwrap();
    let mut step_by_step = ContextTree::new(rules());
    for build in &builds {
        step_by_step.apply(&build.changes, &build.link_targets);
    }
    let at_once = &walk(&repository, vec![*commits.last().unwrap()], "", &[])[0];
    let mut whole = ContextTree::new(rules());
    whole.apply(&at_once.changes, &[]);
    assert_eq!(step_by_step.root(), whole.root());
    assert_eq!(step_by_step.all(), whole.all());
}
