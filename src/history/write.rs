//! Lays a history down as a repository: what the demo's generated applications become.

use super::error::{Error, ErrorKind};
use git2::{Index, IndexEntry, IndexTime, Repository, Signature, Time};
use std::path::Path;

/// One commit to lay down.
pub struct NewCommit<'a> {
    /// Committer and author time, seconds since 1970, UTC.
    pub time: i64,
    /// First line of the message.
    pub subject: &'a str,
    /// Files written, with their bytes; all others stay.
    pub writes: &'a [(String, String)],
}

/// Makes a bare repository at `folder` whose branch `main` has these commits. The same commits give the same ids.
///
/// # Errors
/// A folder that cannot be written, or that is a repository already.
pub fn lay_down(folder: &Path, commits: &[NewCommit<'_>]) -> Result<(), Error> {
    let mut options = git2::RepositoryInitOptions::new();
    options
        .bare(true)
        .no_reinit(true)
        .initial_head("main")
        .external_template(false);
    let repository =
        Repository::init_opts(folder, &options).map_err(|e| failed("make the repository", &e))?;
    write_commits(&repository, commits).map_err(|e| failed("write the history", &e))
}

fn failed(what: &str, error: &git2::Error) -> Error {
    Error::new(
        ErrorKind::Other,
        format!("could not {what}: {}", error.message()),
    )
}

fn write_commits(repository: &Repository, commits: &[NewCommit<'_>]) -> Result<(), git2::Error> {
    let mut index = Index::new()?;
    let mut parent = None;
    for commit in commits {
        for (path, text) in commit.writes {
            index.add(&entry(path, repository.blob(text.as_bytes())?))?;
        }
        let tree = repository.find_tree(index.write_tree_to(repository)?)?;
        let who = Signature::new("Demo", "demo@example.invalid", &Time::new(commit.time, 0))?;
        let parents: Vec<git2::Commit<'_>> = parent
            .iter()
            .map(|id| repository.find_commit(*id))
            .collect::<Result<_, _>>()?;
        let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
        parent = Some(repository.commit(
            Some("refs/heads/main"),
            &who,
            &who,
            commit.subject,
            &tree,
            &parents,
        )?);
    }
    Ok(())
}

fn entry(path: &str, id: git2::Oid) -> IndexEntry {
    let zero = IndexTime::new(0, 0);
    let mode = if path.rsplit('/').next() == Some("mvnw") {
        0o100_755
    } else {
        0o100_644
    };
    IndexEntry {
        ctime: zero,
        mtime: zero,
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.into(),
    }
}
