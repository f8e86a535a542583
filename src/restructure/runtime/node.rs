//! A Node program needs its production dependencies and what its build made; a static site needs the server alone.

use super::super::installs::Action;
use super::super::layout::absolute;
use super::image::{is_small, name, slim};
use super::product::{Product, may_be_rootless};
use super::single::Single;
use crate::ecosystem::{INSTALL_SCRIPTS, is_global};
use crate::shell::{self, Seen};
use serde_json::Value;

/// Servers of static files, started with the folder.
const STATIC: &[&str] = &["serve", "http-server", "sirv", "servor"];

pub(super) fn product(single: &Single<'_>) -> Option<Product> {
    if name(&single.image) != "node" {
        return None;
    }
    let manifest = format!("{}/package.json", single.cwd);
    let package: Value = serde_json::from_str(&single.text_at(&manifest)?).ok()?;
    let is_workspace = package.get("workspaces").is_some()
        || single.is_from_context(&format!("{}/pnpm-workspace.yaml", single.cwd))
        || single.is_from_context(&format!("{}/lerna.json", single.cwd));
    let base = slim(single.written, &single.image, false)?;
    if is_workspace {
        return None;
    }
    let app = App {
        single,
        words: resolved(single, &package)?,
        install: single
            .commands()
            .filter(|(n, s)| is_install(s) && single.at(*n, s, ".").as_ref() == Some(&single.cwd))
            .map(|(n, s)| (n, s.clone()))
            .last()?,
        build: single
            .commands()
            .filter(|(_, s)| is_build(s))
            .map(|(n, _)| n)
            .last(),
        package,
        base,
    };
    app.site().or_else(|| app.server())
}

/// A program, read.
struct App<'a> {
    single: &'a Single<'a>,
    package: Value,
    /// What runs in the end, scripts of the manifest looked through.
    words: Vec<String>,
    install: (usize, Seen),
    build: Option<usize>,
    base: String,
}

impl App<'_> {
    /// A static site: the folder and its server.
    fn site(&self) -> Option<Product> {
        let single = self.single;
        let build = self.build?;
        let words: Vec<&String> = self.words.iter().filter(|w| *w != "npx").collect();
        let server = words.first().filter(|w| STATIC.contains(&w.as_str()))?;
        // The server comes by a global install of its own, not with the dependencies.
        let (tool, _) = single.commands().find(|(_, s)| {
            matches!(s.name(), "npm" | "yarn" | "pnpm")
                && is_global(s.args())
                && s.args()
                    .iter()
                    .any(|a| a.split('@').next() == Some(server.as_str()))
        })?;
        let is_alone = single
            .runs
            .iter()
            .any(|(n, _, seen)| *n == tool && seen.len() == 1);
        let folder = folder(single, &words[1..])?;
        if !is_alone || tool == build {
            return None;
        }
        Some(Product {
            split: single.last_work()?,
            base: self.base.clone(),
            why: format!("what was built is files, and {server} alone serves them"),
            files: vec![("build", folder)],
            moved: vec![tool],
            known: self.done(),
            has_shell: true,
            user: may_be_rootless(single).then_some("node"),
            ..Product::default()
        })
    }

    /// A server: production dependencies, and what the build made of the source.
    fn server(&self) -> Option<Product> {
        let single = self.single;
        if self.makes_more() {
            return None;
        }
        let has = |key: &str| {
            self.package
                .get(key)
                .and_then(Value::as_object)
                .is_some_and(|d| !d.is_empty())
        };
        let split = match self.build {
            Some(_) => single.last_work()?,
            None => self.install.0,
        };
        let is_production = is_production(single, &self.install);
        let (again, left, tools) = single.system(split)?;
        let drops_development = !is_production && has("devDependencies");
        if is_small(&single.image) && left.is_empty() && !drops_development && self.build.is_none()
        {
            return None;
        }
        let mut product = Product {
            split,
            base: self.base.clone(),
            why: "what runs needs no development dependencies and no build tools".to_owned(),
            known: self.done(),
            again,
            has_shell: true,
            user: may_be_rootless(single).then_some("node"),
            ..Product::default()
        };
        product.known.extend(left);
        if !tools.is_empty() {
            product
                .doubts
                .push(format!("nothing calls {} while it runs", tools.join(", ")));
        }
        match self.build {
            Some(_) => product.files = self.made()?,
            None => {
                let source = self.words.get(1)?;
                let is_there = self.words.first().is_some_and(|w| w == "node")
                    && single.is_from_context(&absolute(Some(&single.cwd), source)?);
                if !is_there {
                    return None;
                }
                product.takes_context = true;
            }
        }
        let is_complete = product.files.iter().any(|(_, f)| f.ends_with("/.output"));
        if has("dependencies") && !is_complete {
            let modules = format!("{}/node_modules", single.cwd);
            if drops_development {
                let (from, last, between) = self.production(self.build.is_some())?;
                product.files.insert(0, (from, modules));
                (product.last, product.between) = (last, between);
            } else {
                product.files.insert(0, ("build", modules));
            }
            if self.base != single.written {
                product.doubts.push(format!(
                    "no dependency loads a library that {} has not",
                    self.base
                ));
            }
        }
        Some(product)
    }

    /// The RUNs that install, build, and fetch the package manager.
    fn done(&self) -> Vec<usize> {
        let names = ["npm", "yarn", "pnpm", "corepack"];
        let found = self
            .single
            .commands()
            .filter(|(_, s)| names.contains(&s.name()) || is_build(s));
        found.map(|(n, _)| n).collect()
    }

    /// What the build made of the source, and what is read beside it.
    fn made(&self) -> Option<Vec<(&'static str, String)>> {
        let single = self.single;
        let at = |path: &str| absolute(Some(&single.cwd), path);
        let manifest = at("package.json")?;
        let words: Vec<&str> = self
            .words
            .iter()
            .map(String::as_str)
            .filter(|w| *w != "npx")
            .collect();
        let mut files = Vec::new();
        match words.as_slice() {
            ["next", "start", ..] => {
                files.push(at(".next")?);
                for beside in [
                    "public",
                    "next.config.js",
                    "next.config.mjs",
                    "next.config.ts",
                ] {
                    files.extend(at(beside).filter(|p| single.is_from_context(p)));
                }
            }
            ["node", rest @ ..] => {
                let program = at(rest.iter().find(|w| !w.starts_with('-'))?)?;
                let rest = program.strip_prefix(&single.cwd)?.trim_start_matches('/');
                let (top, _) = rest.split_once('/')?;
                let made = at(top)?;
                // What stands in the context is source, and there may be more beside it.
                if single.is_from_context(&made) {
                    return None;
                }
                if top == ".output" {
                    return Some(vec![("build", made)]);
                }
                files.push(made);
            }
            _ => return None,
        }
        files.push(manifest);
        for beside in single.read_while_running() {
            if !files.contains(&beside) {
                files.push(beside);
            }
        }
        Some(files.into_iter().map(|f| ("build", f)).collect())
    }

    /// Whether a script of the install may leave files beside `node_modules` that the program needs.
    fn makes_more(&self) -> bool {
        let stays_inside = [
            "husky",
            "is-ci",
            "ngcc",
            "npx only-allow",
            "patch-package",
            "prisma",
        ];
        let mut texts = INSTALL_SCRIPTS
            .iter()
            .filter_map(|s| self.package.pointer(&format!("/scripts/{s}"))?.as_str());
        texts.any(|text| {
            !stays_inside.iter().any(|s| text.starts_with(s)) || text.contains(['&', ';'])
        })
    }

    /// How production dependencies come about: the stage they are in, the line at the build's end, the stage of their own.
    ///
    /// A stage of its own does not depend on the source; yet where scripts run with the install, or generated code lands
    /// in `node_modules`, only what the build has can be thinned out.
    fn production(&self, builds: bool) -> Option<(&'static str, String, String)> {
        let (run, seen) = &self.install;
        let single = self.single;
        let scripts = [
            "preinstall",
            "install",
            "postinstall",
            "prepare",
            "prepublish",
        ];
        let has_script = scripts
            .iter()
            .any(|s| self.package.pointer(&format!("/scripts/{s}")).is_some());
        let is_generated = self.package.to_string().contains("prisma");
        let is_plain = single
            .runs
            .iter()
            .any(|(n, _, seen)| n == run && seen.len() == 1)
            && single.stage.instructions[*run].flags.is_empty()
            && single.commands().all(|(n, s)| {
                n >= *run || !matches!(s.name(), "corepack" | "npm" | "yarn" | "pnpm")
            });
        let install = single
            .of
            .installs(*run)
            .iter()
            .find(|i| i.action == Action::Whole);
        if let (true, true, false, false, Some(install)) =
            (builds, is_plain, has_script, is_generated, install)
            && let Some(copies) = single.of.copies_of(install, &single.cwd)
        {
            let omit = match seen.name() {
                "npm" => "--omit=dev",
                "yarn" => "--production",
                _ => "--prod",
            };
            let is_quoted = seen
                .words
                .iter()
                .any(|w| w.contains([' ', '$', '\'', '"', '*']));
            if !is_quoted {
                let between = format!(
                    "FROM {} AS production\nWORKDIR {}\n{copies}RUN {} {omit}\n",
                    single.written,
                    single.cwd,
                    seen.words.join(" ")
                );
                return Some(("production", String::new(), between));
            }
        }
        let line = match seen.name() {
            "npm" => "npm prune --omit=dev",
            "pnpm" => "pnpm prune --prod",
            "yarn" if !single.is_from_context(&format!("{}/.yarnrc.yml", single.cwd)) => {
                "yarn install --production --frozen-lockfile --ignore-scripts --prefer-offline"
            }
            _ => return None,
        };
        Some(("build", format!("RUN {line}\n"), String::new()))
    }
}

/// The program behind `npm start` and `yarn serve`.
fn resolved(single: &Single<'_>, package: &Value) -> Option<Vec<String>> {
    let words: Vec<&str> = single.started.iter().map(String::as_str).collect();
    let script = match words.as_slice() {
        [
            "npm" | "yarn" | "pnpm",
            "run" | "run-script",
            script,
            rest @ ..,
        ]
        | ["npm" | "yarn" | "pnpm", script, rest @ ..]
            if rest.is_empty() =>
        {
            *script
        }
        ["npm" | "yarn" | "pnpm", ..] => return None,
        _ => return Some(single.started.clone()),
    };
    let scripts = package.get("scripts")?;
    if scripts.get(format!("pre{script}")).is_some() {
        return None;
    }
    let parsed = shell::parse(scripts.get(script)?.as_str()?);
    match parsed.seen().as_slice() {
        [one] if parsed.is_complete => Some(one.words.clone()),
        _ => None,
    }
}

/// The folder among the words of a static server, if the build makes it.
fn folder(single: &Single<'_>, words: &[&String]) -> Option<String> {
    let mut takes_value = false;
    for word in words {
        let is_value = std::mem::take(&mut takes_value);
        if word.starts_with('-') {
            takes_value = matches!(word.as_str(), "-l" | "-p" | "-a" | "--listen" | "--port");
            continue;
        }
        if is_value {
            continue;
        }
        let folder = absolute(Some(&single.cwd), word)?;
        let is_made = folder != single.cwd && !single.is_from_context(&folder);
        return is_made.then_some(folder);
    }
    None
}

fn is_install(seen: &Seen) -> bool {
    let verb = seen.subcommand();
    !is_global(seen.args())
        && match seen.name() {
            "npm" => matches!(verb, "ci" | "install" | "i" | "clean-install"),
            "yarn" => matches!(verb, "" | "install"),
            "pnpm" => matches!(verb, "install" | "i"),
            _ => false,
        }
}

fn is_build(seen: &Seen) -> bool {
    let says = |word: &str| {
        seen.args()
            .iter()
            .any(|a| a == word || a.starts_with(&format!("{word}:")))
    };
    match seen.name() {
        "npm" => says("run") && says("build"),
        "yarn" | "pnpm" => says("build"),
        "tsc" => true,
        "vite" | "next" | "nest" | "nuxt" | "ng" | "react-scripts" => says("build"),
        _ => false,
    }
}

/// Whether the install leaves development dependencies out already.
fn is_production(single: &Single<'_>, (run, seen): &(usize, Seen)) -> bool {
    let flags = [
        "--omit=dev",
        "--only=production",
        "--only=prod",
        "--production",
        "--prod",
        "-P",
    ];
    seen.args().iter().any(|a| flags.contains(&a.as_str()))
        || single.variable(*run, "NODE_ENV") == Some("production")
}
