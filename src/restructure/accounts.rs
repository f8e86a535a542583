//! Users of an image: those that RUNs make and those that well-known images have, with their numbers and homes.

use super::base;
use super::command::seen;
use super::layout::{Place, absolute, expand, is_within, mentioned, unquote};
use crate::dockerfile::ast::{Instruction, Kind};
use crate::shell::Seen;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its number; `None` for the next that is free.
    pub uid: Option<u32>,
    /// Variables that gave the number.
    pub by: BTreeSet<String>,
    /// Its home, absolute and made with it.
    pub home: String,
}

/// Options of `useradd`, of Debian's `adduser` and of BusyBox's that have a value, by their manuals.
const WITH_VALUE: &str = "bcdefgGhkKpPRsuZ";
const LONG_WITH_VALUE: [&str; 24] = [
    "base-dir",
    "comment",
    "conf",
    "expiredate",
    "firstgid",
    "firstuid",
    "gecos",
    "gid",
    "groups",
    "home",
    "home-dir",
    "inactive",
    "ingroup",
    "key",
    "lastgid",
    "lastuid",
    "password",
    "prefix",
    "root",
    "selinux-range",
    "selinux-user",
    "shell",
    "skel",
    "uid",
];

/// Programs that change users who are there.
const CHANGERS: [&str; 6] = [
    "deluser", "groupmod", "userdel", "usermod", "vipw", "chpasswd",
];

/// The users of a well-known image, as FROM names it.
pub(super) fn of_image(image: &str) -> BTreeMap<String, Account> {
    let users = base::users(image).iter().map(|(name, uid, home)| {
        let account = Account {
            uid: Some(*uid),
            by: BTreeSet::new(),
            home: (*home).to_owned(),
        };
        ((*name).to_owned(), account)
    });
    users.collect()
}

/// Notes the users that an instruction makes, and forgets those of which it may change something.
pub(super) fn note(place: &mut Place, instruction: &Instruction) {
    if may_change(instruction) {
        place.accounts.clear();
        return;
    }
    if !matches!(instruction.kind, Kind::Run(_)) {
        return;
    }
    for maker in seen(instruction).unwrap_or_default() {
        let Some(made) = Made::of(&maker, place) else {
            continue;
        };
        // What may be there already is another's.
        match made.account(place).filter(|_| !maker.conditional) {
            Some(account) => place.accounts.insert(made.name, account),
            None => place.accounts.remove(&made.name),
        };
    }
}

fn may_change(instruction: &Instruction) -> bool {
    match &instruction.kind {
        Kind::Run(_) => {
            let bodies = instruction.heredocs.iter().map(|h| h.content.as_str());
            let mut texts = bodies.chain([instruction.original.as_str()]);
            texts.any(|text| {
                let is_part = |c: char| !c.is_ascii_alphanumeric() && c != '-';
                text.contains("/etc/passwd") || text.split(is_part).any(|w| CHANGERS.contains(&w))
            })
        }
        Kind::Copy(transfer) | Kind::Add(transfer) => {
            let to = unquote(&transfer.destination);
            ["/", "/etc", "/etc/passwd"].contains(&to.trim_end_matches('/')) || to == "/"
        }
        _ => false,
    }
}

/// The words of a command that makes a user.
struct Made {
    program: String,
    name: String,
    options: BTreeMap<String, String>,
}

impl Made {
    fn of(seen: &Seen, place: &Place) -> Option<Self> {
        let program = seen.name();
        matches!(program, "adduser" | "useradd").then_some(())?;
        let mut options = BTreeMap::new();
        let mut names = Vec::new();
        let mut words = seen.args().iter();
        while let Some(word) = words.next() {
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, value.to_owned()),
                    None if LONG_WITH_VALUE.contains(&long) => (long, words.next()?.clone()),
                    None => (long, String::new()),
                };
                options.insert(name.to_owned(), value);
            } else if let Some(letters) = word.strip_prefix('-') {
                for (at, letter) in letters.char_indices() {
                    let rest = &letters[at + letter.len_utf8()..];
                    let has_value = WITH_VALUE.contains(letter);
                    let value = match rest {
                        _ if !has_value => String::new(),
                        "" => words.next()?.clone(),
                        rest => rest.to_owned(),
                    };
                    options.insert(letter.to_string(), value);
                    if has_value {
                        break;
                    }
                }
            } else {
                names.push(word);
            }
        }
        // With a second name, one who is there joins a group.
        let [name] = names.as_slice() else {
            return None;
        };
        Some(Self {
            program: program.to_owned(),
            name: expand(name, &place.variables)?,
            options,
        })
    }

    fn option(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .find_map(|name| self.options.get(*name))
            .map(String::as_str)
    }

    fn has(&self, names: &[&str]) -> bool {
        self.option(names).is_some()
    }

    /// `None` where nothing is known of the home, or it may not be there.
    fn account(&self, place: &Place) -> Option<Account> {
        let number = self.option(&["u", "uid"]);
        let uid = number.and_then(|n| expand(n, &place.variables)?.parse().ok());
        let said = self.option(&["d", "h", "home", "home-dir"]);
        let is_elsewhere = self.has(&["R", "P", "root", "prefix", "b", "base-dir"]);
        let home = match said {
            Some(home) => absolute(None, &expand(home, &place.variables)?)?,
            // Debian's gives such users none from its 12th on.
            None if self.has(&["system"]) => return None,
            None => format!("/home/{}", self.name),
        };
        let is_made = match self.program.as_str() {
            "useradd" => self.has(&["m", "create-home"]),
            _ => !self.has(&["H", "M", "no-create-home"]),
        };
        let is_there = place.there.iter().any(|there| is_within(there, &home));
        (!is_elsewhere && home != "/" && (is_made || is_there)).then(|| Account {
            uid,
            by: number.map(mentioned).unwrap_or_default(),
            home,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::dockerfile;
    use crate::restructure::layout::places;

    #[test]
    fn users_are_known_by_what_makes_them() {
        let check = |steps: &str, expected: &str| {
            let text = format!("FROM debian\nARG U=1200\n{steps}\nRUN true\n");
            let parsed = dockerfile::parse(&text).unwrap().dockerfile;
            let place = places(&parsed)[0].pop().unwrap();
            let found = place.accounts.iter().map(|(name, a)| {
                let uid = a.uid.map_or("?".to_owned(), |n| n.to_string());
                format!("{name} {uid} {}", a.home)
            });
            assert_eq!(found.collect::<Vec<_>>().join(", "), expected, "{steps}");
        };
        check("RUN useradd -m -u 1000 x", "x 1000 /home/x");
        check("RUN useradd -mu 1000 -s /bin/sh x", "x 1000 /home/x");
        check(
            "RUN groupadd -g 7 g && useradd --create-home --uid=1000 --gid g x",
            "x 1000 /home/x",
        );
        check("RUN useradd -ms /bin/bash x", "x ? /home/x");
        check("RUN useradd -m -d /srv/x -u $U x", "x 1200 /srv/x");
        check("RUN useradd -u 1000 x", "");
        check("RUN mkdir -p /home/x/y && useradd -u 1000 x", "");
        check(
            "RUN mkdir -p /home/x/y\nRUN useradd -u 1000 x",
            "x 1000 /home/x",
        );
        check(
            "RUN addgroup -S x && adduser -S -h /home/o -G x x",
            "x ? /home/o",
        );
        check("RUN adduser -D -u 1000 x", "x 1000 /home/x");
        check("RUN adduser -D -H -u 1000 x", "");
        check("RUN adduser --system --uid 7 x", "");
        check(
            "RUN adduser --disabled-password --gecos '' --uid 7 x",
            "x 7 /home/x",
        );
        check("RUN adduser x docker", "");
        check("RUN id x || useradd -m x", "");
        check("RUN useradd -m x && usermod -u 7 x", "");
        check("RUN useradd -m x\nRUN echo a >> /etc/passwd", "");
        check("RUN useradd -m x\nCOPY --from=y /etc/passwd /etc/", "");
        check("RUN useradd -m x\nCOPY a /etc/a", "x ? /home/x");
        check("RUN useradd -m x -R /mnt", "");
    }
}
