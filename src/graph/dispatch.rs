//! One stage, instruction by instruction: what each does, and what it leaves for those after it.
//!
//! Follows `dispatch` and its kin of moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go.

use super::env::Env;
use super::lower::{NO_VALUE, Options, join_clean, word};
use super::lowered::{
    Action, Base, CopyAction, CopySource, Lowered, LoweredStage, MountFrom, RunAction, RunMount,
    State,
};
use super::source;
use super::stages::{Stages, triggers};
use crate::dockerfile::ast::{
    Command, Dockerfile, Instruction, Kind, Run, Source, Stage, Transfer,
};
use crate::dockerfile::expand::Lexer;
use crate::dockerfile::mount::{Mount, MountKind};
use crate::dockerfile::{Error, Span};
use std::sync::Arc;

/// The PATH that BuildKit adds to an image without one (util/system `DefaultPathEnvUnix`).
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Names that ARG does not put into the environment (`nonEnvArgs`).
const NON_ENV_ARGS: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

/// One stage on its way.
pub(super) struct StageLowering<'d, 'a> {
    pub(super) dockerfile: &'d Dockerfile,
    pub(super) lex: &'a Lexer,
    pub(super) globals: &'a Env,
    pub(super) options: &'a Options,
    pub(super) stages: &'a Stages,
    pub(super) wanted: &'a [bool],
    pub(super) stage: &'d Stage,
}

impl<'d> StageLowering<'d, '_> {
    pub(super) fn run(
        &self,
        before: &[Option<LoweredStage<'d>>],
    ) -> Result<LoweredStage<'d>, Error> {
        let index = self.stage.index;
        let base = self.stages.bases[index].clone();
        let platform = self.platform(&base, before)?;
        let mut state = Arc::new(self.first_state(&base, before));
        let mut instructions = Vec::new();
        let own = self.stage.instructions.len();
        let inherited: Vec<&'d Instruction> = match base {
            Base::Stage(parent) => triggers(&self.dockerfile.stages[parent])?,
            _ => Vec::new(),
        };
        let inherited = inherited
            .into_iter()
            .enumerate()
            .map(|(n, i)| (own + n, i, true));
        let own = self
            .stage
            .instructions
            .iter()
            .enumerate()
            .map(|(n, i)| (n, i, false));
        for (position, instruction, trigger) in inherited.chain(own) {
            let before = state.clone();
            let action = self.dispatch(position, instruction, &mut state)?;
            let text = self.display(instruction, &before, &state, &action);
            instructions.push(Lowered {
                instruction,
                trigger,
                text,
                before,
                action,
            });
        }
        Ok(LoweredStage {
            index,
            name: self.stage.name.clone(),
            from: &self.stage.from,
            base,
            platform,
            instructions,
            end: state,
        })
    }

    fn platform(
        &self,
        base: &Base,
        before: &[Option<LoweredStage<'d>>],
    ) -> Result<Option<String>, Error> {
        let from = self.stage.base();
        let inherited = match base {
            Base::Stage(parent) => before[*parent].as_ref().and_then(|s| s.platform.clone()),
            _ => None,
        };
        let Some(platform) = &from.platform else {
            return Ok(inherited.or_else(|| self.options.platform.clone()));
        };
        let expanded = self.word(platform, self.globals, self.stage.from.span)?;
        if expanded.is_empty() {
            let message = format!("empty platform value from expression {platform}");
            return Err(
                Error::at(&self.dockerfile.text, self.stage.from.span, message).with_help(NO_VALUE),
            );
        }
        Ok(Some(expanded))
    }

    /// What FROM leaves (`dispatchStages`): the parent's state with its ARGs, and every image variable assigned
    /// again, so that it moves behind them.
    fn first_state(&self, base: &Base, before: &[Option<LoweredStage<'d>>]) -> State {
        let mut state = match base {
            Base::Stage(parent) => before[*parent]
                .as_ref()
                .map(|s| State::clone(&s.end))
                .unwrap_or_default(),
            _ => State {
                cwd: "/".to_owned(),
                ..State::default()
            },
        };
        if state.image_env.get("PATH").is_none() {
            state.image_env.replace("PATH", DEFAULT_PATH);
        }
        let image_env: Vec<(String, String)> = state
            .image_env
            .iter()
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect();
        for (name, value) in image_env {
            state.env.assign(&name, &value);
        }
        state.epoch = self
            .options
            .build_args
            .get("SOURCE_DATE_EPOCH")
            .cloned()
            .or_else(|| self.globals.get("SOURCE_DATE_EPOCH").map(str::to_owned))
            .filter(|v| !v.is_empty());
        state.cache_namespace = self
            .options
            .build_args
            .get("BUILDKIT_CACHE_MOUNT_NS")
            .cloned();
        state.hostname = self
            .options
            .build_args
            .get("BUILDKIT_SANDBOX_HOSTNAME")
            .cloned();
        state
    }

    /// What the instruction does. The state is copied only where the instruction changes it: the one before is kept.
    fn dispatch(
        &self,
        position: usize,
        instruction: &Instruction,
        state: &mut Arc<State>,
    ) -> Result<Action, Error> {
        let span = instruction.span;
        let meta = |values: Vec<String>| Ok(Action::Meta(values));
        match &instruction.kind {
            Kind::Env(pairs) => {
                let mut shown = Vec::new();
                // All pairs are expanded against the state before the instruction.
                let before = Arc::clone(state);
                let state = Arc::make_mut(state);
                for pair in pairs {
                    let name = self.word(&pair.name, &before.env, span)?;
                    let value = self.word(&pair.value, &before.env, span)?;
                    state.env.assign(&name, &value);
                    state.image_env.replace(&name, &value);
                    shown.push(format!("{name}={value}"));
                }
                meta(shown)
            }
            Kind::Arg(_) => self
                .dispatch_arg(instruction, Arc::make_mut(state))
                .map(Action::Meta),
            Kind::Workdir(path) => {
                let path = self.word(path, &state.env, span)?;
                let path = join_clean(&state.cwd, &path);
                Arc::make_mut(state).cwd.clone_from(&path);
                Ok(Action::Workdir(path))
            }
            Kind::User(user) => {
                let user = self.word(user, &state.env, span)?;
                Arc::make_mut(state).user.clone_from(&user);
                meta(vec![user])
            }
            Kind::Shell(shell) => {
                Arc::make_mut(state).shell = Some(shell.clone());
                meta(shell.clone())
            }
            Kind::Run(run) => self
                .dispatch_run(position, instruction, run, state)
                .map(|r| Action::Run(Arc::new(r))),
            Kind::Copy(transfer) => self
                .dispatch_copy(position, instruction, transfer, false, state)
                .map(|c| Action::Copy(Box::new(c))),
            Kind::Add(transfer) => self
                .dispatch_copy(position, instruction, transfer, true, state)
                .map(|c| Action::Copy(Box::new(c))),
            Kind::Label(pairs) => {
                let mut shown = Vec::new();
                for pair in pairs {
                    let name = self.word(&pair.name, &state.env, span)?;
                    shown.push(format!(
                        "{name}={}",
                        self.word(&pair.value, &state.env, span)?
                    ));
                }
                meta(shown)
            }
            Kind::Expose(list) | Kind::Volume(list) => meta(
                list.iter()
                    .map(|v| self.word(v, &state.env, span))
                    .collect::<Result<_, _>>()?,
            ),
            Kind::StopSignal(signal) => meta(vec![self.word(signal, &state.env, span)?]),
            Kind::Cmd(command) | Kind::Entrypoint(command) => meta(self.with_shell(command, state)),
            Kind::Maintainer(text) => meta(vec![text.clone()]),
            Kind::Healthcheck(_) => meta(vec![instruction.original.clone()]),
            Kind::Onbuild(trigger) => meta(vec![trigger.text.clone()]),
            Kind::From(_) => meta(Vec::new()),
        }
    }

    /// `dispatchArg`: the build argument, else the default, else the global value; only a value enters the state.
    fn dispatch_arg(
        &self,
        instruction: &Instruction,
        state: &mut State,
    ) -> Result<Vec<String>, Error> {
        let Kind::Arg(items) = &instruction.kind else {
            return Ok(Vec::new());
        };
        let mut shown = Vec::new();
        for item in items {
            let value = match (self.options.build_args.get(&item.name), &item.default) {
                (Some(given), _) => Some(given.clone()),
                (None, Some(default)) => Some(self.word(default, &state.env, instruction.span)?),
                (None, None) => self.globals.get(&item.name).map(str::to_owned),
            };
            if let Some(value) = &value
                && !NON_ENV_ARGS.contains(&item.name.as_str())
            {
                state.env.assign(&item.name, value);
            }
            shown.push(
                value
                    .as_ref()
                    .map_or(item.name.clone(), |v| format!("{}={v}", item.name)),
            );
            state.args.retain(|(name, _)| *name != item.name);
            state.args.push((item.name.clone(), value));
        }
        Ok(shown)
    }

    fn with_shell(&self, command: &Command, state: &State) -> Vec<String> {
        match command {
            Command::Exec(args) => args.clone(),
            Command::Shell(text) => shell_args(state, text),
        }
    }

    fn dispatch_run(
        &self,
        position: usize,
        instruction: &Instruction,
        run: &Run,
        state: &State,
    ) -> Result<RunAction, Error> {
        let (args, shell_form, script) = run_args(instruction, run, state);
        let lex = Lexer {
            // What the base image may set stays as written: its environment is not known.
            skip_unset: self.is_on_image(),
            ..*self.lex
        };
        let mut mounts = Vec::new();
        for (n, value) in instruction.flag_values("mount").enumerate() {
            let mount = Mount::parse(value, &|w| {
                lex.word(w, &|name| state.env.get(name).map(str::to_owned))
            })
            .map_err(|why| Error::at(&self.dockerfile.text, instruction.span, why.to_string()))?;
            let from = self
                .stages
                .from
                .get(&(self.stage.index, position, n))
                .cloned()
                .unwrap_or(MountFrom::Context);
            self.must_be_built(&from, instruction)?;
            let targeted = matches!(
                mount.kind,
                MountKind::Bind | MountKind::Cache | MountKind::Tmpfs
            );
            if targeted && join_clean(&state.cwd, &mount.target) == "/" {
                let message = format!("invalid mount target {:?}", "/");
                return Err(Error::at(&self.dockerfile.text, instruction.span, message)
                    .with_help("add `target=…` to the mount"));
            }
            mounts.push(RunMount {
                written: value.to_owned(),
                mount,
                from,
            });
        }
        let set = |name: &str, default: &str| {
            instruction
                .flag(name)
                .filter(|v| *v != default)
                .map(str::to_owned)
        };
        Ok(RunAction {
            args,
            shell_form,
            script,
            mounts,
            network: set("network", "default"),
            security: set("security", "sandbox"),
            devices: instruction
                .flag_values("device")
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Whether the stage stands, at last, on an image that sets variables of its own.
    fn is_on_image(&self) -> bool {
        let mut index = self.stage.index;
        loop {
            match &self.stages.bases[index] {
                Base::Stage(parent) => index = *parent,
                base => return *base != Base::Scratch,
            }
        }
    }

    /// A stage must stand above its reader ("it needs to be defined before current stage").
    fn must_be_built(&self, from: &MountFrom, instruction: &Instruction) -> Result<(), Error> {
        let MountFrom::Stage(read) = from else {
            return Ok(());
        };
        if *read < self.stage.index && self.wanted[*read] {
            return Ok(());
        }
        let name = self.dockerfile.stages[*read]
            .name
            .clone()
            .unwrap_or_else(|| read.to_string());
        let message = format!(
            "cannot copy from stage {name:?}, it needs to be defined before the current stage"
        );
        Err(Error::at(&self.dockerfile.text, instruction.span, message))
    }

    fn dispatch_copy(
        &self,
        position: usize,
        instruction: &Instruction,
        transfer: &Transfer,
        add: bool,
        state: &State,
    ) -> Result<CopyAction, Error> {
        let span = instruction.span;
        let expand = |text: &str| self.word(text, &state.env, span);
        let mut sources = Vec::new();
        for source in &transfer.sources {
            sources.push(match source {
                Source::Path(path) => self.copy_source(&expand(path)?, add, instruction)?,
                Source::Heredoc(n) => {
                    let doc = &instruction.heredocs[*n];
                    let body = if doc.expand {
                        Lexer::raw('\\')
                            .word(&doc.content, &|name| state.env.get(name).map(str::to_owned))
                            .map_err(|why| {
                                Error::at(&self.dockerfile.text, span, why.to_string())
                            })?
                    } else {
                        doc.content.clone()
                    };
                    CopySource::Inline(doc.name.clone(), body)
                }
            });
        }
        // BuildKit copies heredocs after all paths (`SourceContents` behind `SourcePaths`).
        sources.sort_by_key(|s| matches!(s, CopySource::Inline(..)));
        let from = self
            .stages
            .from
            .get(&(self.stage.index, position, 0))
            .cloned()
            .unwrap_or(MountFrom::Context);
        self.must_be_built(&from, instruction)?;
        let flag = |name: &str| instruction.flag(name).map_or(Ok(String::new()), expand);
        let checksum = flag("checksum")?;
        let remote = |s: &CopySource| matches!(s, CopySource::Http(_) | CopySource::Git(_));
        if !checksum.is_empty() && !sources.iter().all(remote) {
            return Err(Error::at(
                &self.dockerfile.text,
                span,
                "checksum requires HTTP(S) or Git sources",
            ));
        }
        Ok(CopyAction {
            add,
            from,
            destination: expand(&transfer.destination)?,
            chown: flag("chown")?,
            chmod: flag("chmod")?,
            link: instruction.is_on("link"),
            parents: instruction.is_on("parents"),
            exclude: instruction
                .flag_values("exclude")
                .map(expand)
                .collect::<Result<_, _>>()?,
            checksum,
            keep_git_dir: instruction.is_on("keep-git-dir"),
            unpack: instruction
                .flag("unpack")
                .map(|_| instruction.is_on("unpack")),
            sources,
        })
    }

    fn copy_source(
        &self,
        path: &str,
        add: bool,
        instruction: &Instruction,
    ) -> Result<CopySource, Error> {
        let refuse = |what: &str| {
            Err(Error::at(
                &self.dockerfile.text,
                instruction.span,
                format!("source can't be a {what} for COPY"),
            )
            .with_help("use ADD, which can fetch"))
        };
        if source::is_git(path) {
            return if add {
                Ok(CopySource::Git(path.to_owned()))
            } else {
                refuse("git ref")
            };
        }
        if path.starts_with("http://") || path.starts_with("https://") {
            return if add {
                Ok(CopySource::Http(path.to_owned()))
            } else {
                refuse("URL")
            };
        }
        Ok(CopySource::Path(path.to_owned()))
    }

    /// The text that BuildKit prints (`processCmdEnv`, `uppercaseCmd`): RUN keeps its quotes and unset variables.
    fn display(
        &self,
        instruction: &Instruction,
        before: &State,
        after: &State,
        action: &Action,
    ) -> String {
        let (lex, env) = match action {
            Action::Run(_) => (
                Lexer {
                    raw_quotes: true,
                    skip_unset: true,
                    ..*self.lex
                },
                &before.env,
            ),
            Action::Workdir(_) => (*self.lex, &after.env),
            _ => (*self.lex, &before.env),
        };
        let mut text = instruction.original.clone();
        if matches!(action, Action::Run(_))
            && instruction.heredocs.len() == 1
            && is_bare_heredoc(instruction)
        {
            text = format!("{text} ({})", summary(&instruction.heredocs[0].content));
        }
        let text = lex
            .word(&text, &|name| env.get(name).map(str::to_owned))
            .unwrap_or(text);
        match text.split_once(' ') {
            Some((keyword, rest)) => format!("{} {rest}", keyword.to_uppercase()),
            None => text.to_uppercase(),
        }
    }

    fn word(&self, text: &str, env: &Env, span: Span) -> Result<String, Error> {
        word(self.dockerfile, self.lex, text, env, span)
    }
}

/// `withShell`.
fn shell_args(state: &State, text: &str) -> Vec<String> {
    let mut args = state
        .shell
        .clone()
        .unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned()]);
    args.push(text.to_owned());
    args
}

/// Whether RUN is nothing but one heredoc (`RUN <<EOF`).
fn is_bare_heredoc(instruction: &Instruction) -> bool {
    let text = instruction.shell_text().unwrap_or_default().trim();
    text.starts_with("<<") && !text.contains(char::is_whitespace) && instruction.heredocs.len() == 1
}

/// A RUN's arguments, whether the shell runs them, and the script file of a heredoc that begins with `#!`.
fn run_args(
    instruction: &Instruction,
    run: &Run,
    state: &State,
) -> (Vec<String>, bool, Option<(String, String)>) {
    let text = match &run.command {
        Command::Exec(args) => return (args.clone(), false, None),
        Command::Shell(text) => text,
    };
    if instruction.heredocs.is_empty() {
        return (shell_args(state, text), true, None);
    }
    if is_bare_heredoc(instruction) {
        let doc = &instruction.heredocs[0];
        if doc.content.starts_with("#!") {
            let script = (doc.name.clone(), doc.content.clone());
            return (
                shell_args(state, &format!("/dev/pipes/{}", doc.name)),
                true,
                Some(script),
            );
        }
        return (shell_args(state, &doc.content), true, None);
    }
    let mut whole = text.clone();
    for doc in &instruction.heredocs {
        whole.push('\n');
        whole.push_str(&doc.content);
        whole.push_str(&doc.name);
    }
    (shell_args(state, &whole), true, None)
}

/// The first line of a heredoc, for display (`summarizeHeredoc`).
fn summary(body: &str) -> String {
    let mut lines = body.trim().lines();
    let first = lines.next().unwrap_or("").to_owned();
    if lines.next().is_some() {
        format!("{first}...")
    } else {
        first
    }
}
