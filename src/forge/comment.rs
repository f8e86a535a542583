//! One comment per tag: finds ours by a hidden marker and does what the mode asks.

use super::environment::Destination;
use super::environment::Forge;
use super::error::Error;
use super::error::Kind;
use super::gitea;
use super::github;
use super::gitlab;
use super::network::Network;
use std::fmt;

/// The longest tag.
const TAG_BYTES: usize = 64;

/// Tells the comments of one repository's several jobs apart: letters, digits, `.`, `_`, `-`; at most 64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(String);

impl Tag {
    /// A tag, or what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        // `--` would end the marker's HTML comment in strict parsers.
        if text.is_empty()
            || text.len() > TAG_BYTES
            || !text.bytes().all(good)
            || text.contains("--")
        {
            return Err(format!(
                "{text:?} is not a tag: letters, digits, `.`, `_` and single `-`, at most {TAG_BYTES} of them"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The comment's first line, which no reader sees.
    fn marker(&self) -> String {
        format!("<!-- stratigraph comment, tag: {} -->", self.0)
    }

    /// The first line once the comment is folded away.
    fn hidden_marker(&self) -> String {
        format!("<!-- stratigraph comment, outdated, tag: {} -->", self.0)
    }

    /// The bytes that the marker takes of a comment's limit.
    pub fn marker_bytes(&self) -> usize {
        self.marker().len() + 1
    }
}

impl Default for Tag {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What happens to the comment of the last push.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is edited.
    #[default]
    Update,
    /// It stays, and a new one follows.
    New,
    /// It is hidden as outdated, and a new one follows.
    HideAndNew,
    /// It is deleted, and a new one follows.
    DeleteAndNew,
}

/// What there is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say<'a> {
    /// This, as Markdown.
    This(&'a str),
    /// Nothing; but a comment that said something on an earlier push is corrected to this.
    NothingBut(&'a str),
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new comment stands there.
    Created,
    /// The comment was edited.
    Updated,
    /// The comment said so already; nothing was written.
    Unchanged,
    /// There was nothing to say and nothing to correct.
    Silent,
}

/// The outcome of a posting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// What was done.
    pub action: Action,
    /// The comment's number, if there is one.
    pub id: Option<u64>,
    /// Its page, if the forge says.
    pub url: Option<String>,
}

/// A comment as the forge lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comment {
    pub(super) id: u64,
    /// GitHub's GraphQL id.
    pub(super) node: Option<String>,
    pub(super) body: String,
    pub(super) url: Option<String>,
}

/// What the three interfaces have in common. Comments are listed oldest first.
pub(super) trait Comments {
    fn list(&self) -> Result<Vec<Comment>, Error>;
    fn create(&self, body: &str) -> Result<Comment, Error>;
    fn update(&self, comment: &Comment, body: &str) -> Result<Comment, Error>;
    fn delete(&self, comment: &Comment) -> Result<(), Error>;
    /// Hides `comments` as outdated; `folded` gives the body that does it where the forge has no other way.
    fn hide(&self, comments: &[Comment], folded: &dyn Fn(&Comment) -> String) -> Result<(), Error> {
        comments
            .iter()
            .try_for_each(|c| self.update(c, &folded(c)).map(|_| ()))
    }
    /// The head commit of the pull request.
    fn head(&self) -> Result<String, Error>;
}

/// Posts. On a pull request that already says the same under this tag, no request that writes is made.
pub fn post(
    to: &Destination,
    network: &Network,
    tag: &Tag,
    mode: Mode,
    say: Say<'_>,
) -> Result<Posted, Error> {
    let comments: Box<dyn Comments> = match to.forge {
        Forge::GitHub => Box::new(github::Api::new(to, network)?),
        Forge::GitLab => Box::new(gitlab::Api::new(to, network)?),
        Forge::Gitea => Box::new(gitea::Api::new(to, network)?),
    };
    let outcome =
        check_head(to, comments.as_ref()).and_then(|()| run(comments.as_ref(), tag, mode, say));
    outcome.map_err(|e| if to.is_fork { e.on_fork() } else { e })
}

fn check_head(to: &Destination, comments: &dyn Comments) -> Result<(), Error> {
    let Some(expected) = &to.expected_head else {
        return Ok(());
    };
    let head = comments.head()?;
    if head == *expected {
        return Ok(());
    }
    let detail = format!(
        "the run was for commit {expected}, but the head of {}#{} is {head}",
        to.repository, to.pull_request
    );
    Err(Error::new(Kind::WrongHead, "will not post", detail)
        .with_help("either a newer push came in between (its own run will post), or the untrusted job named another pull request"))
}

fn run(comments: &dyn Comments, tag: &Tag, mode: Mode, say: Say<'_>) -> Result<Posted, Error> {
    let ours: Vec<Comment> = comments
        .list()?
        .into_iter()
        .filter(|c| is_ours(c, tag))
        .collect();
    let text = match say {
        Say::This(text) => text,
        Say::NothingBut(_) if ours.is_empty() => {
            return Ok(Posted {
                action: Action::Silent,
                id: None,
                url: None,
            });
        }
        Say::NothingBut(text) => text,
    };
    let body = format!("{}\n{}", tag.marker(), text.trim_end());
    let last = ours.last();
    if let Some(same) = last.filter(|c| is_same(&c.body, &body)) {
        return Ok(posted(Action::Unchanged, same));
    }
    match (mode, last) {
        (Mode::Update, Some(last)) => Ok(posted(Action::Updated, &comments.update(last, &body)?)),
        (Mode::Update | Mode::New, _) => Ok(posted(Action::Created, &comments.create(&body)?)),
        (Mode::HideAndNew, _) => {
            // The new one first: if it fails, the old one still stands.
            let new = comments.create(&body)?;
            comments.hide(&ours, &|old| folded(old, tag))?;
            Ok(posted(Action::Created, &new))
        }
        (Mode::DeleteAndNew, _) => {
            let new = comments.create(&body)?;
            ours.iter().try_for_each(|old| comments.delete(old))?;
            Ok(posted(Action::Created, &new))
        }
    }
}

fn posted(action: Action, comment: &Comment) -> Posted {
    Posted {
        action,
        id: Some(comment.id),
        url: comment.url.clone(),
    }
}

/// Only the very first line counts: a quotation of our comment is not ours.
fn is_ours(comment: &Comment, tag: &Tag) -> bool {
    comment.body.lines().next().map(str::trim_end) == Some(tag.marker().as_str())
}

/// Forges keep text but for line ends and white space at the end.
fn is_same(there: &str, here: &str) -> bool {
    there.replace("\r\n", "\n").trim_end() == here.replace("\r\n", "\n").trim_end()
}

/// The old text under a fold, no longer found by its marker.
fn folded(old: &Comment, tag: &Tag) -> String {
    let text = old.body.replace("\r\n", "\n");
    let text = text.split_once('\n').map_or("", |(_, rest)| rest);
    let intro = "<details><summary>Outdated: a newer comment follows below.</summary>";
    format!(
        "{}\n{intro}\n\n{}\n\n</details>",
        tag.hidden_marker(),
        text.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// A forge in memory that counts what is written.
    #[derive(Default)]
    struct Memory {
        comments: RefCell<Vec<Comment>>,
        writes: RefCell<Vec<String>>,
    }

    fn comment(id: u64, body: &str) -> Comment {
        Comment {
            id,
            node: None,
            body: body.to_owned(),
            url: None,
        }
    }

    impl Comments for Memory {
        fn list(&self) -> Result<Vec<Comment>, Error> {
            Ok(self.comments.borrow().clone())
        }
        fn create(&self, body: &str) -> Result<Comment, Error> {
            let id = self.comments.borrow().last().map_or(1, |c| c.id + 1);
            self.writes.borrow_mut().push(format!("create {id}"));
            self.comments.borrow_mut().push(comment(id, body));
            Ok(comment(id, body))
        }
        fn update(&self, old: &Comment, body: &str) -> Result<Comment, Error> {
            self.writes.borrow_mut().push(format!("update {}", old.id));
            self.comments
                .borrow_mut()
                .iter_mut()
                .filter(|c| c.id == old.id)
                .for_each(|c| c.body = body.to_owned());
            Ok(comment(old.id, body))
        }
        fn delete(&self, old: &Comment) -> Result<(), Error> {
            self.writes.borrow_mut().push(format!("delete {}", old.id));
            self.comments.borrow_mut().retain(|c| c.id != old.id);
            Ok(())
        }
        fn hide(&self, old: &[Comment], folded: &dyn Fn(&Comment) -> String) -> Result<(), Error> {
            old.iter()
                .try_for_each(|c| self.update(c, &folded(c)).map(|_| ()))
        }
        fn head(&self) -> Result<String, Error> {
            Ok("h".to_owned())
        }
    }

    fn check(mode: Mode, texts: &[Say<'_>], writes: &[&str]) -> Vec<Comment> {
        let memory = Memory::default();
        memory.comments.borrow_mut().push(comment(
            7,
            "hello\n<!-- stratigraph comment, tag: default -->",
        ));
        for say in texts {
            run(&memory, &Tag::default(), mode, *say).unwrap();
        }
        assert_eq!(*memory.writes.borrow(), writes, "{mode:?} {texts:?}");
        memory.comments.into_inner()
    }

    #[test]
    fn each_mode_does_its_part_and_nothing_twice() {
        let texts = [
            Say::This("a"),
            Say::This("a"),
            Say::This("b\n"),
            Say::This("b"),
        ];
        check(Mode::Update, &texts, &["create 8", "update 8"]);
        check(Mode::New, &texts, &["create 8", "create 9"]);
        check(
            Mode::DeleteAndNew,
            &texts,
            &["create 8", "create 9", "delete 8"],
        );
        let left = check(
            Mode::HideAndNew,
            &texts,
            &["create 8", "create 9", "update 8"],
        );
        assert!(
            left[1].body.contains("<details>") && left[1].body.contains("\n\na\n\n"),
            "{}",
            left[1].body
        );
    }

    #[test]
    fn nothing_to_say_only_corrects_what_was_said() {
        check(Mode::Update, &[Say::NothingBut("same")], &[]);
        check(
            Mode::Update,
            &[
                Say::This("a"),
                Say::NothingBut("same"),
                Say::NothingBut("same"),
            ],
            &["create 8", "update 8"],
        );
    }

    #[test]
    fn tags_are_apart_and_quotations_are_not_ours() {
        let (memory, other) = (Memory::default(), Tag::new("web-1").unwrap());
        run(&memory, &other, Mode::Update, Say::This("a")).unwrap();
        run(&memory, &Tag::default(), Mode::Update, Say::This("a")).unwrap();
        assert_eq!(memory.comments.borrow().len(), 2);
        assert!(!is_ours(
            &comment(1, "> <!-- stratigraph comment, tag: default -->"),
            &Tag::default()
        ));
        assert!(is_ours(
            &comment(1, "<!-- stratigraph comment, tag: default -->\r\nx"),
            &Tag::default()
        ));
    }

    #[test]
    fn strange_tags_are_refused() {
        for text in ["", "a b", "-->", "a--b", "é", &"x".repeat(65)] {
            assert!(Tag::new(text).is_err(), "{text:?}");
        }
    }
}
