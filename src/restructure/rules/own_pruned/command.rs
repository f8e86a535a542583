//! The command of a chain that leaves the packages of the image.

use super::super::super::command::seen;
use super::super::super::installs::{StageView, is_quiet, mounts};
use super::super::super::layout::{absolute, before_pattern, is_within, mentioned};
use super::super::super::run_text::{run_flags, run_text};
use crate::dockerfile::Span;
use crate::dockerfile::ast::Kind;
use crate::ecosystem::SAME_PACKAGES;
use crate::shell::{Connector, Seen};

/// Others, beside [`SAME_PACKAGES`], by which an install takes the same packages.
const FREE: &[&str] = &[
    "--force",
    "--legacy-peer-deps",
    "--pure-lockfile",
    "--quiet",
    "-f",
];

/// Options by which it leaves those for development out.
const PRODUCTION: &[&str] = &[
    "--omit=dev",
    "--only=prod",
    "--only=production",
    "--prod",
    "--production",
    "--production=true",
];

/// The part of a RUN's chain that leaves the packages of the image.
pub(super) struct Prune {
    pub(super) run: usize,
    /// Its words, and those of what clears their place before it.
    pub(super) words: Vec<Vec<String>>,
    pub(super) program: String,
    /// Whether the packages that the build has used are gone before it.
    pub(super) clears: bool,
    /// Whether it runs scripts of the project.
    pub(super) runs_scripts: bool,
    /// Whether it runs no script at all, not of packages either.
    pub(super) is_quiet: bool,
    /// The instruction that it comes to alone.
    pub(super) alone: String,
    /// Its bytes in the Dockerfile's text, and those with what joins it to the rest of the chain; `None` without a rest.
    pub(super) span: Span,
    pub(super) gone: Option<Span>,
    /// The commands behind it in the chain.
    pub(super) after: Vec<Seen>,
}

impl Prune {
    /// The only one of a stage.
    pub(super) fn only(of: &StageView<'_>) -> Option<Self> {
        let mut all = (0..of.stage.instructions.len()).filter_map(|run| Self::of(of, run));
        let one = all.next()?;
        all.next().is_none().then_some(one)
    }

    /// Whether it does the same without variable `name`.
    pub(super) fn is_free_of(&self, name: &str) -> bool {
        let is_said = mentioned(&self.alone).contains(name);
        !is_said && is_of_no_install(name) && (self.is_quiet || is_of_builds(name))
    }

    fn of(of: &StageView<'_>, run: usize) -> Option<Self> {
        let instruction = &of.stage.instructions[run];
        let read = run_text(of.view, instruction)?;
        let (pieces, seen) = (&read.script.pieces, read.script.seen());
        let of_piece = |n: usize| {
            let (from, to) = pieces[n].commands;
            let mut own = seen.iter().filter(|s| (from..to).contains(&s.command));
            let one = own.next()?;
            let is_plain = read.script.commands_of(&pieces[n]).iter().all(|c| {
                c.nesting.is_empty() && c.redirections.is_empty() && c.substitutions.is_empty()
            });
            let is_here = one.directory.as_deref() == Some("") && !one.conditional;
            (own.next().is_none() && is_plain && is_here).then_some(one)
        };
        let mut all = (0..pieces.len()).filter_map(|n| Some((n, of_piece(n)?, way(of_piece(n)?)?)));
        let (last, command, (clears, runs_scripts)) = all.next()?;
        let before = last.checked_sub(1).and_then(of_piece);
        let is_cleared = before.is_some_and(clears_packages);
        let first = last - usize::from(is_cleared);
        let is_chain = pieces
            .iter()
            .skip(1)
            .all(|p| matches!(p.connector, Connector::And | Connector::Then));
        let mut flags = instruction.flags.iter();
        let is_cached = flags.all(|f| {
            let value = f.value.as_deref().unwrap_or_default();
            f.name == "mount" && value.contains("type=cache")
        });
        // What lies under a mount is in no layer, and cannot be taken away.
        let packages = packages_of(of, run);
        let is_under = |to: &String| is_within(to, &packages) || is_within(&packages, to);
        let hides = mounts(instruction, &of.places[run]).iter().any(is_under);
        if !is_chain
            || !is_cached
            || hides
            || !instruction.heredocs.is_empty()
            || all.next().is_some()
        {
            return None;
        }
        let at = |from: usize, to: usize| Span::new(read.start + from, read.start + to);
        let (from, to) = (pieces[first].span.start, pieces[last].span.end);
        let gone = match (first.checked_sub(1), pieces.get(last + 1)) {
            (Some(before), _) => Some((pieces[before].span.end, to)),
            (None, Some(next)) => Some((from, next.span.start)),
            (None, None) => None,
        };
        let (start, end) = gone.unwrap_or((from, to));
        if read.text.get(start..end)?.contains('#') {
            return None;
        }
        let flags = run_flags(of.view.text(), instruction)?;
        let body = read.text.get(from..to)?;
        let behind = pieces[last].commands.1;
        Some(Self {
            run,
            words: before
                .filter(|_| is_cleared)
                .into_iter()
                .chain([command])
                .map(|s| s.words.clone())
                .collect(),
            program: command.name().to_owned(),
            clears: clears || is_cleared,
            is_quiet: command.subcommand() == "prune"
                || command.words.iter().any(|w| w == "--ignore-scripts"),
            runs_scripts,
            alone: format!("RUN{flags} {body}\n"),
            span: at(from, to),
            gone: gone.map(|(from, to)| at(from, to)),
            after: seen
                .iter()
                .filter(|s| s.command >= behind)
                .cloned()
                .collect(),
        })
    }
}

/// Whether a command leaves the packages of the image: whether all others are gone before it, and whether it runs scripts
/// of the project.
fn way(seen: &Seen) -> Option<(bool, bool)> {
    let (mut verb, mut is_production, mut runs_scripts) = (None, false, true);
    let mut words = seen.args().iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--omit" if words.next() == Some("dev") => is_production = true,
            "--only" if matches!(words.next(), Some("prod" | "production")) => is_production = true,
            "-P" if seen.name() == "pnpm" => is_production = true,
            "--ignore-scripts" => runs_scripts = false,
            _ if PRODUCTION.contains(&word) => is_production = true,
            _ if SAME_PACKAGES.contains(&word) || FREE.contains(&word) => {}
            _ if word.starts_with('-') || verb.is_some() => return None,
            _ => verb = Some(word),
        }
    }
    let is_told = seen
        .assignments
        .iter()
        .all(|(name, value)| name == "NODE_ENV" && value == "production");
    let found = match (seen.name(), verb) {
        ("npm", Some("prune")) => (false, false),
        ("npm", Some("ci" | "clean-install")) => (true, runs_scripts),
        ("npm" | "pnpm", Some("install" | "i")) => (false, runs_scripts),
        ("pnpm", Some("prune")) => (false, runs_scripts),
        ("yarn", None | Some("install")) => (false, runs_scripts),
        _ => return None,
    };
    (is_production && is_told).then_some(found)
}

/// Whether a command takes the packages away that are there.
fn clears_packages(seen: &Seen) -> bool {
    let mut words = seen.args().iter().filter(|a| !a.starts_with('-'));
    let named = words
        .next()
        .map(|w| w.trim_start_matches("./").trim_end_matches('/'));
    seen.name() == "rm" && named == Some("node_modules") && words.next().is_none()
}

/// Whether a front-end's build reads what is set, and no install.
fn is_of_builds(name: &str) -> bool {
    let leads = [
        "NEXT_",
        "NUXT_",
        "PUBLIC_",
        "REACT_APP_",
        "VITE_",
        "VUE_APP_",
    ];
    name == "NODE_ENV" || leads.iter().any(|l| name.starts_with(l))
}

/// Whether no package manager reads what is set.
fn is_of_no_install(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let of_tools = ["npm_", "yarn_", "pnpm_", "corepack_"];
    let of_all = [
        "home",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "node_options",
        "path",
    ];
    !of_tools.iter().any(|t| name.starts_with(t)) && !of_all.contains(&name.as_str())
}

/// Where the packages lie that it works on.
fn packages_of(of: &StageView<'_>, run: usize) -> String {
    format!("{}/node_modules", of.cwd(run).trim_end_matches('/'))
}

/// Whether nothing behind the command in its stage works on the packages that it leaves.
pub(super) fn is_last(of: &StageView<'_>, prune: &Prune) -> bool {
    let packages = packages_of(of, prune.run);
    let is_apart = |run: usize, one: &Seen| {
        let here = one.directory.as_deref();
        let here = here.and_then(|d| absolute(Some(of.cwd(run)), d));
        let is_other = |word: &String| {
            let to = absolute(here.as_deref(), before_pattern(word));
            !word.contains(['$', '`'])
                && to.is_some_and(|to| !is_within(&packages, &to) && !is_within(&to, &packages))
        };
        let mut words = one.args().iter().filter(|a| !a.starts_with('-'));
        match one.name() {
            _ if is_quiet(one) => true,
            "cp" | "ls" | "mkdir" | "mv" | "rm" | "touch" => words.all(is_other),
            "npm" | "pnpm" | "yarn" => matches!(one.subcommand(), "cache" | "store"),
            _ => false,
        }
    };
    let below = prune.run + 1..of.stage.instructions.len();
    let mut runs = below.filter(|&n| matches!(of.stage.instructions[n].kind, Kind::Run(_)));
    prune.after.iter().all(|s| is_apart(prune.run, s))
        && runs.all(|n| {
            let all = seen(&of.stage.instructions[n]);
            all.is_some_and(|all| all.iter().all(|s| is_apart(n, s)))
        })
}

#[cfg(test)]
mod tests {
    use super::way;
    use crate::shell;

    #[test]
    fn what_leaves_the_packages_of_the_image() {
        let check = |line: &str, want: Option<(bool, bool)>| {
            assert_eq!(way(&shell::parse(line).seen()[0]), want, "{line}");
        };
        check("npm prune --production", Some((false, false)));
        check("npm prune --omit dev", Some((false, false)));
        check("npm ci --omit=dev", Some((true, true)));
        check(
            "npm ci --only=production --ignore-scripts",
            Some((true, false)),
        );
        check("yarn --production --prefer-offline", Some((false, true)));
        check(
            "yarn install --production=true --frozen-lockfile",
            Some((false, true)),
        );
        check(
            "NODE_ENV=production npm prune --production",
            Some((false, false)),
        );
        check("pnpm prune --prod --ignore-scripts", Some((false, false)));
        check("pnpm install -P", Some((false, true)));
        check("npm prune", None);
        check("npm ci", None);
        check("yarn install --production=false", None);
        check("npm install --production left-pad", None);
        check("npm ci --omit=optional", None);
        check("npm ci --production -C web", None);
        check("yarn build --production", None);
    }
}
