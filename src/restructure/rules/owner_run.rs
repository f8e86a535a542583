//! A RUN that gives directories and all in them to somebody: what it gives, to whom, and what else it does.

use super::super::command::{Group, group, installs};
use super::super::layout::{Place, absolute, expand, is_within, overlap};
use super::super::system_places::{NOT_SYSTEM, SYSTEM_PLACES};
use super::super::touched::touched;
use crate::dockerfile::Span;
use crate::dockerfile::ast::Instruction;
use crate::shell;
use crate::shell::{Script, Seen};

/// A directory that is given away.
pub(super) struct Dir {
    /// Absolute.
    pub(super) at: String,
    /// As written, quotes included.
    pub(super) written: String,
}

/// The one recursive `chown` of a RUN, and what is known of the rest.
pub(super) struct Chown {
    /// The owner without quotes: `app`, `app:app`, `1000:1000`, `$UID:$GID`.
    pub(super) owner: String,
    /// With the variables' values; `None` where one is not known.
    value: Option<String>,
    /// The owner as written.
    written: String,
    pub(super) dirs: Vec<Dir>,
    /// Its bytes in the shell text.
    pub(super) span: Span,
    /// Whether the RUN does nothing else.
    pub(super) is_alone: bool,
    /// Whether the RUN may make a user or a group.
    pub(super) makes_users: bool,
    /// Directories below those that are given away, made by the same RUN.
    pub(super) made: Vec<String>,
}

impl Chown {
    /// `None` for any other RUN, where the directories are not known, and where another command of the RUN may look at
    /// what they hold.
    pub(super) fn of(instruction: &Instruction, place: &Place) -> Option<Self> {
        let text = instruction.shell_text()?;
        if !instruction.flags.is_empty() || !instruction.heredocs.is_empty() {
            return None;
        }
        let script = shell::parse(text);
        let pieces = script.and_chain()?;
        let is_it = |n: &usize| {
            let commands = script.commands_of(&pieces[*n]);
            commands.len() == 1 && is_recursive(&commands[0])
        };
        let all: Vec<usize> = (0..pieces.len()).filter(is_it).collect();
        let [at] = all.as_slice() else { return None };
        let mut chown = Self::read(text, &script.commands_of(&pieces[*at])[0], place)?;
        chown.is_alone = pieces.len() == 1;
        for (n, piece) in pieces.iter().enumerate().filter(|(n, _)| n != at) {
            chown.see(&text[piece.span.range()], n < *at, place)?;
        }
        let moves = script.seen().iter().any(|s| s.name() == "cd");
        let is_anchored = chown.dirs.iter().all(|d| d.written.starts_with('/'));
        (is_anchored || !moves).then_some(chown)
    }

    fn read(text: &str, command: &shell::Command, place: &Place) -> Option<Self> {
        // The flag may stand anywhere: `chown app:app -R .`.
        let words = command.words.iter().skip(1);
        let mut words = words.filter(|word| !is_recursion(&word.text));
        let owner = words.next().filter(|word| !word.text.starts_with('-'))?;
        let dirs = words.map(|word| {
            let path = expand(&word.text, &place.variables)?;
            let at = absolute(place.cwd.as_deref(), &path)?;
            let is_plain = !path.contains(['*', '?', '[', '{', '~', '`'])
                && at != "/"
                && !path.starts_with('-');
            is_plain.then(|| Dir {
                at,
                written: text[word.span.range()].to_owned(),
            })
        });
        let dirs: Vec<Dir> = dirs.collect::<Option<_>>()?;
        let is_plain = owner.text.split(':').count() <= 2 && owner.text.split(':').all(is_name);
        (is_plain && !dirs.is_empty()).then(|| Self {
            owner: owner.text.clone(),
            value: expand(&owner.text, &place.variables),
            written: text[owner.span.range()].to_owned(),
            dirs,
            span: command.span,
            is_alone: false,
            makes_users: false,
            made: Vec::new(),
        })
    }

    /// Looks at another piece of the RUN; `None` where it may depend on who owns what, or leave something to be owned.
    fn see(&mut self, piece: &str, is_before: bool, place: &Place) -> Option<()> {
        let script = shell::parse(piece);
        for seen in script.seen() {
            self.makes_users |=
                is_maker(&seen) || group(&seen) == Some(Group::System) && installs(&seen);
            let is_recursive = seen.args().iter().any(|a| is_recursion(a));
            match seen.name() {
                "chmod" if !is_recursive => {}
                "mkdir" if is_before => self.see_made(&seen, place)?,
                "mkdir" => {}
                _ => self.is_apart(piece, &seen, place).then_some(())?,
            }
        }
        Some(())
    }

    fn is_apart(&self, piece: &str, seen: &Seen, place: &Place) -> bool {
        let is_dir = |word: &String| {
            let at = absolute(place.cwd.as_deref(), word);
            word.contains('/') && at.is_some_and(|at| self.meets(&at))
        };
        let touched = touched(&shell::parse(piece), place.cwd.as_deref(), &place.variables);
        touched.is_some_and(|t| !self.dirs.iter().any(|d| t.meets(&d.at)))
            && !seen.args().iter().any(is_dir)
    }

    /// Notes the directories that a `mkdir` makes below those that are given away.
    fn see_made(&mut self, mkdir: &Seen, place: &Place) -> Option<()> {
        for word in mkdir.args().iter().filter(|a| !a.starts_with('-')) {
            let path = expand(word, &place.variables)?;
            if path.contains(['*', '?', '[', '{', '~', '`'])
                || mkdir.directory.as_deref() != Some("")
            {
                return None;
            }
            let at = absolute(place.cwd.as_deref(), &path)?;
            for dir in &self.dirs {
                self.made.extend(between(&dir.at, &at));
            }
        }
        Some(())
    }

    /// Whether a place and one of the directories share a path.
    pub(super) fn meets(&self, at: &str) -> bool {
        self.dirs.iter().any(|d| overlap(&d.at, at))
    }

    /// What `--chown` says: a user alone would bring a group of its number, which `chown` leaves.
    pub(super) fn flag(&self) -> String {
        match self.owner.contains(':') {
            true => self.owner.clone(),
            false => format!("{}:root", self.owner),
        }
    }

    /// Whether variables name the owner.
    pub(super) fn is_by_variable(&self) -> bool {
        self.owner.contains('$')
    }

    /// Whether an image has to know a name; numbers need nobody.
    pub(super) fn is_by_name(&self) -> bool {
        let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        !self
            .value
            .as_deref()
            .is_some_and(|v| v.split(':').all(is_number))
    }

    /// The user's name or number, and the group's where one is named.
    pub(super) fn parts(&self) -> Option<(&str, Option<&str>)> {
        let value = self.value.as_deref()?;
        Some(
            value
                .split_once(':')
                .map_or((value, None), |(u, g)| (u, Some(g))),
        )
    }

    /// The command in its place: those of `all` are still given with all in them, those of `only` by themselves.
    pub(super) fn rewritten(&self, all: &[&Dir], only: &[String]) -> String {
        let all: Vec<&str> = all.iter().map(|d| d.written.as_str()).collect();
        let said = [("-R ", all.join(" ")), ("", only.join(" "))];
        let said = said.iter().filter(|(_, dirs)| !dirs.is_empty());
        let said: Vec<String> = said
            .map(|(flag, dirs)| format!("chown {flag}{} {dirs}", self.written))
            .collect();
        said.join(" && ")
    }
}

/// `chown -R …`, by itself.
fn is_recursive(command: &shell::Command) -> bool {
    let has_flag = command.words.iter().any(|w| is_recursion(&w.text));
    let is_bare = command.assignments.is_empty()
        && command.redirections.is_empty()
        && command.substitutions.is_empty()
        && command.nesting.is_empty();
    command.name() == "chown" && has_flag && is_bare
}

fn is_recursion(flag: &str) -> bool {
    matches!(
        flag,
        "-R" | "--recursive" | "-hR" | "-Rh" | "-Rv" | "-vR" | "-Rc" | "-cR"
    )
}

/// A name, a number, or one variable.
fn is_name(part: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    let part = match part.strip_prefix('$') {
        Some(rest) => match rest.strip_prefix('{') {
            Some(braced) => braced.strip_suffix('}').unwrap_or(""),
            None => rest,
        },
        None => part,
    };
    !part.is_empty() && !part.starts_with('-') && part.bytes().all(is_word)
}

/// Whether a command makes a user or a group.
pub(super) fn is_maker(seen: &Seen) -> bool {
    matches!(
        seen.name(),
        "useradd" | "adduser" | "groupadd" | "addgroup" | "usermod" | "groupmod"
    )
}

/// `inner` and all directories between it and `outer`, which it is below.
pub(super) fn between(outer: &str, inner: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = inner;
    while at != outer && is_within(at, outer) {
        found.push(at.to_owned());
        at = at.rsplit_once('/').map_or("", |(above, _)| above);
    }
    found.reverse();
    found
}

/// Whether images of common knowledge may hold files of others there.
pub(super) fn is_shared(dir: &str) -> bool {
    let is_in = |places: &[&str]| places.iter().any(|p| is_within(dir, p));
    let is_of_all = ["/home", "/mnt", "/opt", "/root", "/srv", "/tmp"].contains(&dir);
    is_of_all || is_in(SYSTEM_PLACES) && !is_in(NOT_SYSTEM)
}

/// The commands of a RUN other than its `chown`, as a text.
pub(super) fn without(text: &str, chown: &Chown) -> String {
    let script: Script = shell::parse(text);
    let pieces = script.pieces.iter().filter(|p| p.span != chown.span);
    let left: Vec<&str> = pieces.map(|p| &text[p.span.range()]).collect();
    left.join(" && ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile;

    fn read(run: &str) -> Option<Chown> {
        let text = format!("FROM a\nWORKDIR /app\n{run}\n");
        let parsed = dockerfile::parse(&text).unwrap().dockerfile;
        let variables = [("D".to_owned(), Some("/data".to_owned()))];
        let place = Place {
            cwd: Some("/app".to_owned()),
            variables: variables.into(),
            ..Place::default()
        };
        Chown::of(&parsed.stages[0].instructions[1], &place)
    }

    #[test]
    fn a_run_that_gives_directories_away_is_read() {
        let check = |run: &str, expected: Option<&str>| {
            let found = read(run).map(|c| {
                let dirs: Vec<&str> = c.dirs.iter().map(|d| d.at.as_str()).collect();
                format!("{} {} {}", c.flag(), dirs.join(" "), c.made.join(" "))
            });
            assert_eq!(found.as_deref().map(str::trim), expected, "{run}");
        };
        check("RUN chown -R a:b .", Some("a:b /app"));
        check("RUN chown -R a /app $D", Some("a:root /app /data"));
        check("RUN chown a:b -R .", Some("a:b /app"));
        check("RUN chown a:b . -R", Some("a:b /app"));
        check("RUN chown -H -R a:b .", None);
        check("RUN chown -R a:b -H .", None);
        check("RUN chown -R a $E", None);
        check("RUN chown -R a /app/*", None);
        check("RUN chown -R a /", None);
        check("RUN chown a /app", None);
        check("RUN chown -R a /app || true", None);
        check(
            "RUN chown -R a /app && chmod +x /app/run",
            Some("a:root /app"),
        );
        check("RUN chown -R a /app && chmod -R 700 /app", None);
        check(
            "RUN mkdir -p x/y && chown -R a /app",
            Some("a:root /app /app/x /app/x/y"),
        );
        check("RUN touch x && chown -R a /app", None);
        check("RUN npm ci && chown -R a /app", None);
        check("RUN cd .. && chown -R a app", None);
        check("RUN useradd a && chown -R a /app", Some("a:root /app"));
        check(
            "RUN useradd -m app && chown -R app:app /app",
            Some("app:app /app"),
        );
        check(
            "RUN mkdir -p /data && useradd -m app && chown -R app:app /app",
            Some("app:app /app"),
        );
        check("RUN useradd -d /app a && chown -R a /app", None);
        check("RUN --mount=type=cache,target=/c chown -R a /app", None);
    }

    #[test]
    fn what_is_left_of_the_command_is_written() {
        let chown = read("RUN useradd a && chown -R \"a\":a /app $D").unwrap();
        let only = ["/app".to_owned()];
        assert_eq!(
            chown.rewritten(&[&chown.dirs[1]], &only),
            "chown -R \"a\":a $D && chown \"a\":a /app"
        );
        assert_eq!(chown.rewritten(&[], &[]), "");
        assert_eq!(
            without("useradd a && chown -R \"a\":a /app $D", &chown),
            "useradd a"
        );
        assert!(chown.makes_users && chown.is_by_name());
    }
}
