//! `suggest --apply` in worktrees of all kinds: what is written, what is refused, and that nothing is half-written.

use crate::support::repo::{Repo, hermetic};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const DOCKERFILE: &str = "FROM node:22\nWORKDIR /app\nCOPY . .\n# the dependencies\nRUN npm ci\nRUN apt-get update && apt-get install -y curl\nRUN npm run build\n";

/// A repository with this Dockerfile and a history in which a better order pays.
fn repo(dockerfile: impl AsRef<[u8]>) -> Repo {
    let repo = Repo::new();
    repo.write("Dockerfile", dockerfile)
        .write(".dockerignore", "node_modules\n")
        .write("package.json", "{\"name\": \"a\", \"version\": \"1.0.0\"}")
        .write(
            "package-lock.json",
            "{\"lockfileVersion\": 3, \"packages\": {}}",
        );
    history(&repo);
    repo
}

fn history(repo: &Repo) {
    for n in 0..6 {
        repo.write("src/a.js", n.to_string())
            .write(".git-blame-ignore-revs", n.to_string())
            .commit("Change the source");
    }
}

fn suggest(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stratigraph"))
        .arg("suggest")
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .unwrap()
}

/// Every file below a folder but git's own, with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let is_link = path.symlink_metadata().unwrap().is_symlink();
            if path.ends_with(".git") {
                continue;
            }
            if path.is_dir() && !is_link {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            found.insert(name, fs::read(&path).unwrap_or_default());
        }
    }
    found
}

/// What is done to the worktree before, the arguments, the exit code, and words of standard error.
type Refusal<'a> = (&'a dyn Fn(&Repo), &'a [&'a str], i32, &'a str);

#[test]
fn what_must_not_be_written_is_refused_and_nothing_is_written() {
    let nothing = |_: &Repo| {};
    let dirty = |repo: &Repo| _ = repo.write("Dockerfile", format!("{DOCKERFILE}# mine\n"));
    let staged = |repo: &Repo| {
        dirty(repo);
        repo.git(&["add", "Dockerfile"]);
        repo.write("Dockerfile", DOCKERFILE);
    };
    let ignore = |repo: &Repo| _ = repo.write(".dockerignore", "node_modules\nmine\n");
    let nearer = |repo: &Repo| _ = repo.write("Dockerfile.dockerignore", "mine\n");
    let gone = |repo: &Repo| _ = repo.remove("Dockerfile");
    let folder = |repo: &Repo| _ = repo.remove("Dockerfile").write("Dockerfile/a", "");
    let older = |repo: &Repo| {
        repo.write("Dockerfile", "FROM scratch\n")
            .commit("Another text");
    };
    let latin = |repo: &Repo| {
        repo.write("Dockerfile", b"FROM a\n# caf\xe9\n")
            .commit("Latin");
    };
    let conflict = |repo: &Repo| {
        repo.git(&["checkout", "--quiet", "-b", "other", "HEAD~1"]);
        repo.write("Dockerfile", DOCKERFILE.replace("curl", "wget"))
            .commit("Theirs");
        repo.git(&["checkout", "--quiet", "main"]);
        repo.write("Dockerfile", DOCKERFILE.replace("curl", "git"))
            .commit("Ours");
        let merge = hermetic(repo.path())
            .args(["merge", "other"])
            .output()
            .unwrap();
        assert!(!merge.status.success());
    };
    let refusals: &[Refusal<'_>] = &[
        (
            &dirty,
            &["--apply"],
            5,
            "Dockerfile has changes that are not committed",
        ),
        (
            &staged,
            &["--apply"],
            5,
            "Dockerfile has changes that are staged",
        ),
        (
            &ignore,
            &["--apply"],
            5,
            ".dockerignore has changes that are not committed",
        ),
        (
            &nearer,
            &["--apply"],
            5,
            "Dockerfile.dockerignore in the worktree is not committed",
        ),
        (
            &gone,
            &["--apply"],
            5,
            "Dockerfile was removed from the worktree",
        ),
        (
            &gone,
            &["--apply", "--force"],
            5,
            "there is no Dockerfile in the worktree",
        ),
        (
            &folder,
            &["--apply"],
            5,
            "Dockerfile in the worktree is not a file",
        ),
        (&latin, &["--apply"], 5, "not UTF-8"),
        (
            &conflict,
            &["--apply"],
            5,
            "Dockerfile has conflicts of a merge",
        ),
        (
            &older,
            &["--apply", "--range", "HEAD~4..HEAD~1"],
            5,
            "is not what the newest replayed commit holds",
        ),
        (
            &nothing,
            &["--apply", "none"],
            2,
            "no proposal is called none",
        ),
        (
            &nothing,
            &["--apply", "deps-first-99"],
            2,
            "no proposal is called deps-first-99",
        ),
        (
            &nothing,
            &["--apply", "deps-first-1", "system-first-1"],
            2,
            "system-first-1",
        ),
        (
            &nothing,
            &["--apply", "--pin", "Dockerfile"],
            2,
            "--pin names another text",
        ),
        (&nothing, &["--force"], 2, "--apply"),
        (&nothing, &["--apply", "-f", "none"], 4, "no none"),
    ];
    for (before, args, code, words) in refusals {
        let repo = repo(DOCKERFILE);
        before(&repo);
        let old = files(repo.path());
        let output = suggest(repo.path(), args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{args:?}: {error}");
        assert!(error.contains(words), "{args:?}, {words}: {error}");
        assert!(files(repo.path()) == old, "{args:?}, {words}: written to");
    }
}

#[test]
fn a_bare_repository_has_no_worktree() {
    let repo = repo(DOCKERFILE);
    let bare = Repo::with(&[
        "clone",
        "--quiet",
        "--bare",
        repo.path().to_str().unwrap(),
        ".",
    ]);
    let output = suggest(bare.path(), &["--apply"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("bare"));
}

/// Applies, and gives what standard output holds and the worktree's files.
fn applied(repo: &Repo, folder: &str, args: &[&str]) -> (String, BTreeMap<String, Vec<u8>>) {
    let args = [&["--apply"][..], args].concat();
    let output = suggest(&repo.path().join(folder), &args);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {error}");
    let out = String::from_utf8(output.stdout).unwrap();
    (out, files(repo.path()))
}

fn text(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

/// The lines of a text, sorted: what a reordering keeps.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.sort_unstable();
    lines
}

#[test]
fn one_proposal_or_all_are_written_and_only_their_files() {
    let whole = repo(DOCKERFILE);
    let old = files(whole.path());
    let (out, new) = applied(&whole, "", &[]);
    assert_eq!(out, "", "what was done is on standard error");
    let dockerfile = text(&new, "Dockerfile");
    assert!(dockerfile.contains("# the dependencies\n"), "{dockerfile}");
    assert!(dockerfile.contains("COPY package.json package-lock.json ./\n"));
    let changed: Vec<&String> = new.keys().filter(|n| old.get(*n) != new.get(*n)).collect();
    assert_eq!(changed, ["Dockerfile"]);
    assert_eq!(old.len(), new.len());
    // What is written is what the patch says.
    let same = repo(DOCKERFILE);
    let patch = suggest(same.path(), &["--format", "patch"]).stdout;
    fs::write(same.folder().join("p.patch"), &patch).unwrap();
    same.git(&["apply", "p.patch"]);
    assert_eq!(text(&files(same.path()), "Dockerfile"), dockerfile);
    // From a folder below, with a rendering beside it.
    let one = repo(DOCKERFILE);
    let (out, new) = applied(&one, "src", &["system-first-1", "--format", "json"]);
    assert!(out.contains("\"stratigraph.suggest/1\""));
    assert_eq!(sorted(&text(&new, "Dockerfile")), sorted(DOCKERFILE));
    assert_ne!(text(&new, "Dockerfile"), DOCKERFILE);
}

#[test]
fn with_force_changes_that_are_not_committed_stay() {
    let repo = repo(DOCKERFILE);
    repo.write("Dockerfile", format!("{DOCKERFILE}# mine\n"))
        .write(".dockerignore", "node_modules\nmine\n");
    let (_, new) = applied(&repo, "", &["--force"]);
    let dockerfile = text(&new, "Dockerfile");
    assert!(dockerfile.ends_with("# mine\n") && dockerfile.contains("COPY package.json"));
    assert!(text(&new, ".dockerignore").starts_with("node_modules\nmine\n"));
}

#[test]
fn what_was_applied_and_committed_is_not_proposed_again() {
    let repo = repo(DOCKERFILE);
    applied(&repo, "", &[]);
    repo.commit("Apply");
    let before = files(repo.path());
    let (_, after) = applied(&repo, "", &[]);
    assert!(before == after, "there is nothing left to do");
}

#[test]
fn line_ends_and_marks_stay_as_they_are() {
    let windows = DOCKERFILE.replace('\n', "\r\n");
    let marked = format!("\u{feff}{DOCKERFILE}");
    for dockerfile in [&windows, &marked, DOCKERFILE.trim_end()] {
        let repo = repo(dockerfile);
        let (_, new) = applied(&repo, "", &["system-first-1"]);
        let written = text(&new, "Dockerfile");
        assert_ne!(&written, dockerfile);
        assert_eq!(
            written.starts_with('\u{feff}'),
            dockerfile.starts_with('\u{feff}')
        );
        assert_eq!(
            written.ends_with('\n'),
            dockerfile.ends_with('\n'),
            "{written:?}"
        );
        let lone = written.replace("\r\n", "").contains(['\n', '\r']);
        assert_eq!(lone, !dockerfile.contains('\r'), "{written:?}");
    }
    // git writes Windows' line ends where the commit has none.
    let repo = repo(DOCKERFILE);
    repo.git(&["config", "core.autocrlf", "true"]);
    repo.write("Dockerfile", &windows);
    repo.git(&["add", "Dockerfile"]);
    let (_, new) = applied(&repo, "", &["system-first-1"]);
    let written = text(&new, "Dockerfile");
    assert_eq!(sorted(&written), sorted(&windows));
    assert_ne!(written, windows);
}

#[test]
fn an_ignore_file_is_made_where_there_is_none() {
    let repo = Repo::new();
    repo.write(
        "docker/Dockerfile",
        "FROM debian:12\nCOPY . /app\nRUN make -C /app\n",
    )
    .write("app/Makefile", "all:\n\ttrue\n");
    for n in 0..6 {
        repo.write("app/a.c", if n < 3 { "1" } else { "2" })
            .write("app/docs/a.md", n.to_string())
            .commit("Document");
    }
    let args = [
        "-f",
        "docker/Dockerfile",
        "--context",
        "app",
        "--git-dir",
        "excluded",
    ];
    let old = files(repo.path());
    let (_, new) = applied(&repo, "", &args);
    let made: Vec<&String> = new.keys().filter(|n| !old.contains_key(*n)).collect();
    assert_eq!(made, ["app/.dockerignore"]);
    assert!(text(&new, "app/.dockerignore").contains("docs"));
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn a_symlink_stays_one_and_its_file_is_written_with_its_permissions() {
        let repo = Repo::new();
        repo.write("docker/app.Dockerfile", DOCKERFILE)
            .link("Dockerfile", "docker/app.Dockerfile")
            .write("package.json", "{\"name\": \"a\"}")
            .write("package-lock.json", "{\"lockfileVersion\": 3}");
        history(&repo);
        let real = repo.path().join("docker/app.Dockerfile");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        let old = fs::metadata(&real).unwrap();
        let patch = suggest(repo.path(), &["--format", "patch"]).stdout;
        fs::write(repo.folder().join("p.patch"), &patch).unwrap();
        repo.git(&["apply", "--check", "p.patch"]);
        fs::remove_file(repo.folder().join("p.patch")).unwrap();
        let (_, files) = applied(&repo, "", &[]);
        assert!(repo.path().join("Dockerfile").is_symlink());
        assert!(text(&files, "docker/app.Dockerfile").contains("COPY package.json"));
        let new = fs::metadata(&real).unwrap();
        assert_ne!(old.ino(), new.ino(), "a new file took its place");
        assert_eq!(
            (old.mode(), old.uid(), old.gid()),
            (new.mode(), new.uid(), new.gid())
        );
    }

    #[test]
    fn nothing_is_written_outside_of_the_worktree() {
        let repo = repo(DOCKERFILE);
        let outside = tempfile::tempdir().unwrap();
        let target = outside.path().join("Dockerfile");
        fs::write(&target, DOCKERFILE).unwrap();
        repo.remove("Dockerfile")
            .link("Dockerfile", target.to_str().unwrap());
        for args in [&["--apply"][..], &["--apply", "--force"]] {
            let output = suggest(repo.path(), args);
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(5), "{error}");
            assert!(error.contains("leads out of the worktree"), "{error}");
        }
        assert_eq!(fs::read_to_string(&target).unwrap(), DOCKERFILE);
    }

    #[test]
    fn a_folder_that_takes_no_files_is_an_error() {
        let repo = repo(DOCKERFILE);
        let old = files(repo.path());
        let set = |mode| fs::set_permissions(repo.path(), fs::Permissions::from_mode(mode));
        set(0o555).unwrap();
        let can_write = fs::write(repo.path().join("probe"), "").is_ok();
        let output = suggest(repo.path(), &["--apply"]);
        set(0o755).unwrap();
        // Root writes everywhere.
        if can_write {
            fs::remove_file(repo.path().join("probe")).unwrap();
            return;
        }
        assert_eq!(output.status.code(), Some(5));
        assert!(files(repo.path()) == old);
    }
}
