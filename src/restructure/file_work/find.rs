//! `find` with tests of names and kinds, and what it does to what it finds.

use super::paths::{Named, from, stir};
use super::{Copy, Does, is_flag, tool};
use crate::context::{Change, ContentId, Node, Reworked};
use crate::shell::{Command, Word, fits};
use crate::tree::RepoPath;

/// A whole `find`.
#[derive(Clone, Debug)]
pub(super) struct Find {
    /// Where it begins: from the root, and as written.
    starts: Vec<(RepoPath, String)>,
    test: Test,
    min_depth: usize,
    max_depth: usize,
    dir: RepoPath,
}

/// What `find` asks of an entry, and does to it.
#[derive(Clone, Debug)]
enum Test {
    Kind(char),
    Name(String),
    Path(String),
    EmptyDirectory,
    True,
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Change(Change),
    /// `cp --parents {} DIRECTORY`
    CopyTo(RepoPath),
}

/// A `find` of more words is not read.
const MAX_WORDS: usize = 256;

/// What is done to what is printed.
type Printed = Option<Test>;

struct Parser<'w> {
    words: &'w [Word],
    at: usize,
    min_depth: usize,
    max_depth: usize,
    printed: Printed,
    acts: bool,
    prunes: bool,
    chooses: bool,
    dir: &'w RepoPath,
}

/// `find` as it stands.
pub(super) fn of(command: &Command, dir: &RepoPath) -> Option<Find> {
    read(command, None, dir)
}

/// `find … | xargs COMMAND`
pub(super) fn piped(command: &Command, xargs: &Command, dir: &RepoPath) -> Option<Find> {
    let words = xargs.words.get(1..)?;
    let own = words
        .iter()
        .take_while(|word| matches!(word.text.as_str(), "-0" | "-r" | "-t" | "--null" | "-0r"))
        .count();
    let mut words = words.get(own..)?.to_vec();
    words.push(word("{}"));
    let test = executed(&words, dir)?;
    read(command, Some(test), dir)
}

fn read(command: &Command, printed: Printed, dir: &RepoPath) -> Option<Find> {
    // What is nested is read by recursion.
    let words = command
        .words
        .get(1..)
        .filter(|words| words.len() <= MAX_WORDS)?;
    let is_expression =
        |word: &Word| word.text.starts_with('-') || matches!(word.text.as_str(), "!" | "(");
    let n = words.iter().position(is_expression).unwrap_or(words.len());
    let mut starts: Vec<(RepoPath, String)> = Vec::new();
    for word in &words[..n] {
        let named = Named::of(word, dir).filter(|named| !named.is_pattern())?;
        starts.push((named.path().clone(), word.text.clone()));
    }
    if starts.is_empty() {
        starts.push((dir.clone(), ".".to_owned()));
    }
    let mut parser = Parser {
        words: &words[n..],
        at: 0,
        min_depth: 0,
        max_depth: usize::MAX,
        printed,
        acts: false,
        prunes: false,
        chooses: false,
        dir,
    };
    let mut test = match parser.words.is_empty() {
        true => Test::True,
        false => parser.any()?,
    };
    if parser.at != parser.words.len() {
        return None;
    }
    if !parser.acts {
        // What is found is printed where nothing else is done to it.
        let print = parser.printed.take()?;
        test = Test::All(vec![test, print]);
    }
    // Without it what is below would be looked at: no matter where it all goes anyway.
    if parser.prunes && (parser.chooses || !test.removes()) {
        return None;
    }
    Some(Find {
        starts,
        test,
        min_depth: parser.min_depth,
        max_depth: parser.max_depth,
        dir: dir.clone(),
    })
}

impl Parser<'_> {
    fn next(&mut self) -> Option<&str> {
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(&word.text)
    }

    fn any(&mut self) -> Option<Test> {
        let mut tests = vec![self.all()?];
        while self
            .words
            .get(self.at)
            .is_some_and(|w| matches!(w.text.as_str(), "-o" | "-or"))
        {
            self.at += 1;
            self.chooses = true;
            tests.push(self.all()?);
        }
        Some(Test::Any(tests))
    }

    fn all(&mut self) -> Option<Test> {
        let mut tests = vec![self.one()?];
        while let Some(word) = self.words.get(self.at) {
            match word.text.as_str() {
                "-o" | "-or" | ")" => break,
                "-a" | "-and" => self.at += 1,
                _ => {}
            }
            tests.push(self.one()?);
        }
        Some(Test::All(tests))
    }

    fn one(&mut self) -> Option<Test> {
        let word = self.next()?.to_owned();
        Some(match word.as_str() {
            "!" | "-not" => Test::Not(Box::new(self.one()?)),
            "(" => {
                let inner = self.any()?;
                (self.next()? == ")").then_some(inner)?
            }
            "-type" => match self.next()? {
                "f" => Test::Kind('f'),
                "d" => Test::Kind('d'),
                "l" => Test::Kind('l'),
                _ => return None,
            },
            "-name" => Test::Name(self.pattern()?),
            "-path" | "-wholename" => Test::Path(self.pattern()?),
            "-mindepth" => {
                self.min_depth = self.next()?.parse().ok()?;
                Test::True
            }
            "-maxdepth" => {
                self.max_depth = self.next()?.parse().ok()?;
                Test::True
            }
            "-depth" | "-mount" | "-xdev" | "-true" => Test::True,
            // Which files have no bytes is not asked.
            "-empty" if self.words[..self.at].windows(2).any(is_directories) => {
                Test::EmptyDirectory
            }
            "-prune" => {
                self.prunes = true;
                Test::True
            }
            "-print" | "-print0" => {
                self.acts = true;
                self.printed.clone().unwrap_or(Test::True)
            }
            "-delete" => {
                self.acts = true;
                Test::Change(Change::RemoveIfEmpty)
            }
            "-exec" | "-execdir" => {
                self.acts = true;
                let rest = &self.words[self.at..];
                let n = rest
                    .iter()
                    .position(|w| matches!(w.text.as_str(), ";" | "+"))?;
                self.at += n + 1;
                executed(&rest[..n], self.dir)?
            }
            _ => return None,
        })
    }

    fn pattern(&mut self) -> Option<String> {
        let pattern = self.next()?;
        (!pattern.contains(['[', '\\'])).then(|| pattern.to_owned())
    }
}

/// `-type d`
fn is_directories(pair: &[Word]) -> bool {
    pair[0].text == "-type" && pair[1].text == "d"
}

/// What a command does to `{}`, its last word or, for `cp`, the one before.
fn executed(words: &[Word], dir: &RepoPath) -> Option<Test> {
    let (name, arguments) = words.split_first()?;
    let name = name.text.rsplit('/').next()?;
    let tool = tool(name, arguments)?;
    let files: Vec<&Word> = arguments[tool.at..]
        .iter()
        .filter(|word| !is_flag(word))
        .collect();
    let is_it = |word: &Word| word.text == "{}";
    match (tool.does, files.as_slice()) {
        (Does::Remove, [file]) if is_it(file) => Some(Test::Change(match tool.recursive {
            true => Change::Remove,
            false => Change::RemoveIfEmpty,
        })),
        (Does::Change(change), [file]) if is_it(file) && !tool.recursive => {
            Some(Test::Change(change))
        }
        (Does::Touch, [file]) if is_it(file) => Some(Test::True),
        (
            Does::Copy {
                moves: false,
                parents: true,
            },
            [file, to],
        ) if is_it(file) => Some(Test::CopyTo(from(dir, &to.text))),
        _ => None,
    }
}

/// An entry that is looked at.
struct Entry<'e> {
    /// As `find` prints it.
    path: &'e str,
    name: &'e str,
    node: &'e Node,
}

/// What came of it.
#[derive(Default)]
struct Done {
    changes: Vec<Change>,
    copied_to: Vec<RepoPath>,
}

impl Test {
    fn removes(&self) -> bool {
        match self {
            Self::Change(Change::Remove) => true,
            Self::All(tests) | Self::Any(tests) => tests.iter().any(Self::removes),
            _ => false,
        }
    }

    fn copies(&self) -> bool {
        match self {
            Self::CopyTo(_) => true,
            Self::Not(test) => test.copies(),
            Self::All(tests) | Self::Any(tests) => tests.iter().any(Self::copies),
            _ => false,
        }
    }

    fn holds(&self, entry: &Entry<'_>, done: &mut Done) -> bool {
        match self {
            Self::True => true,
            Self::Kind(kind) => {
                *kind
                    == match entry.node {
                        Node::File(_) => 'f',
                        Node::Dir(_) => 'd',
                        Node::Link(_) => 'l',
                        Node::Opaque(_) => '?',
                    }
            }
            Self::Name(pattern) => fits(entry.name, pattern),
            Self::Path(pattern) => fits(entry.path, pattern),
            Self::EmptyDirectory => entry.node.as_dir().is_some_and(|dir| dir.is_empty()),
            Self::Not(test) => !test.holds(entry, done),
            Self::All(tests) => tests.iter().all(|test| test.holds(entry, done)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(entry, done)),
            Self::Change(change) => {
                done.changes.push(*change);
                true
            }
            Self::CopyTo(to) => {
                done.copied_to.push(to.clone());
                true
            }
        }
    }
}

impl Find {
    pub(super) fn run(&self, tree: &mut Node, token: ContentId, done: &mut Reworked) {
        let mut copies: Vec<Copy> = Vec::new();
        for (start, text) in &self.starts {
            let mut decide = |below: &RepoPath, depth: usize, node: &Node| {
                if depth < self.min_depth {
                    return Vec::new();
                }
                if let Node::Opaque(_) = node {
                    return vec![Change::Mix(token)];
                }
                let path = match (below.is_root(), text.ends_with('/')) {
                    (true, _) => text.clone(),
                    (false, true) => format!("{text}{below}"),
                    (false, false) => format!("{text}/{below}"),
                };
                let name = path.trim_end_matches('/').rsplit('/').next();
                let mut done = Done::default();
                let entry = Entry {
                    path: &path,
                    name: name.unwrap_or_default(),
                    node,
                };
                self.test.holds(&entry, &mut done);
                copies.extend(done.copied_to.into_iter().map(|to| Copy {
                    sources: vec![Named::of(&word(&path), &self.dir).unwrap_or_else(|| {
                        Named::at(from(&self.dir, &path))
                    })],
                    to: Named::at(to),
                    moves: false,
                    parents: true,
                }));
                done.changes
            };
            // What is to be copied has to be gone through each time.
            let done = Some(&mut *done).filter(|_| !self.test.copies());
            if !tree.rework(start, self.max_depth, token, done, &mut decide) {
                stir(tree, start, token);
            }
        }
        copies.iter().for_each(|copy| copy.run(tree, token, done));
    }
}

fn word(text: &str) -> Word {
    Word {
        text: text.to_owned(),
        ..Word::default()
    }
}
