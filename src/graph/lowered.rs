//! Stages and instructions after expansion: what every builder profile starts from.

use super::env::Env;
use crate::dockerfile::ast::Instruction;
use crate::dockerfile::mount::Mount;
use std::sync::Arc;

/// A Dockerfile for one target and one set of build arguments.
#[derive(Clone, Debug)]
pub struct Lowering<'a> {
    /// The stages that were asked for, in file order; others are absent.
    pub stages: Vec<LoweredStage<'a>>,
    /// The target's position in the file.
    pub target: usize,
    /// Whether the builder prints stage names: more than one stage, or a pseudo-stage for `COPY --from=image` or a RUN
    /// mount (moby/buildkit convert.go `buildStageDependencyGraph`).
    pub named: bool,
    /// Global ARG instructions, in order, as written.
    pub globals: &'a [Instruction],
}

/// One stage.
#[derive(Clone, Debug)]
pub struct LoweredStage<'a> {
    /// Position in the file, from 0.
    pub index: usize,
    /// Name after AS, in lower case.
    pub name: Option<String>,
    /// The FROM instruction.
    pub from: &'a Instruction,
    /// What it is built on.
    pub base: Base,
    /// Its `--platform` after expansion, else that of the stage it is built on, else what is built for, where that was said
    /// (`dispatchStages`).
    pub platform: Option<String>,
    /// ONBUILD triggers first, then the stage's own instructions.
    pub instructions: Vec<Lowered<'a>>,
    /// State after the last instruction.
    pub end: Arc<State>,
}

/// What a stage is built on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// `FROM scratch`.
    Scratch,
    /// An image, fully spelled: `docker.io/library/node:20`.
    Image(String),
    /// An earlier stage, by position.
    Stage(usize),
    /// Not to be known: an ARG without a value.
    Unknown(String),
}

/// What earlier instructions of a stage leave for the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The environment a RUN gets: ENV, and ARGs that have a value.
    pub env: Env,
    /// The image's own environment: ENV alone.
    pub image_env: Env,
    /// Names in `env` that came from ARG last.
    pub args: Vec<(String, Option<String>)>,
    /// Working directory, absolute.
    pub cwd: String,
    /// USER, empty when none was set.
    pub user: String,
    /// SHELL; `None` for the default.
    pub shell: Option<Vec<String>>,
    /// SOURCE_DATE_EPOCH when it is given.
    pub epoch: Option<String>,
    /// BUILDKIT_CACHE_MOUNT_NS when it is given: prefix of cache mount ids.
    pub cache_namespace: Option<String>,
    /// BUILDKIT_SANDBOX_HOSTNAME when it is given.
    pub hostname: Option<String>,
}

/// One instruction after expansion.
#[derive(Clone, Debug)]
pub struct Lowered<'a> {
    /// The instruction as written; for a trigger, the trigger.
    pub instruction: &'a Instruction,
    /// Whether it comes from an ONBUILD of the base.
    pub trigger: bool,
    /// The text BuildKit shows: variables expanded, keyword in capitals.
    pub text: String,
    /// State before it.
    pub before: Arc<State>,
    /// What it does.
    pub action: Action,
}

/// What an instruction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// RUN.
    Run(Arc<RunAction>),
    /// COPY or ADD.
    Copy(Box<CopyAction>),
    /// WORKDIR: the absolute path.
    Workdir(String),
    /// Everything else: changes state or image config only. The expanded arguments, in order.
    Meta(Vec<String>),
}

/// RUN after expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAction {
    /// Arguments of the process, the shell included.
    pub args: Vec<String>,
    /// Whether the shell was put in front.
    pub shell_form: bool,
    /// A heredoc with a `#!` line: file name and bytes, mounted at `/dev/pipes/`.
    pub script: Option<(String, String)>,
    /// `--mount`, in order.
    pub mounts: Vec<RunMount>,
    /// `--network`, if not the default.
    pub network: Option<String>,
    /// `--security`, if not the default.
    pub security: Option<String>,
    /// `--device`, as written.
    pub devices: Vec<String>,
}

impl RunAction {
    /// The words that are run, for reading and for priors.
    pub fn command_text(&self) -> String {
        match (&self.script, self.shell_form) {
            (Some((_, body)), _) => body.clone(),
            (None, true) => self.args.last().cloned().unwrap_or_default(),
            (None, false) => self.args.join(" "),
        }
    }
}

/// One `--mount`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunMount {
    /// The flag's value as written.
    pub written: String,
    /// Expanded.
    pub mount: Mount,
    /// What it is taken from.
    pub from: MountFrom,
}

/// Where a mount's or a COPY's files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountFrom {
    /// The build context.
    Context,
    /// A stage, by position.
    Stage(usize),
    /// An image, fully spelled.
    Image(String),
    /// The empty file system.
    Scratch,
}

/// COPY or ADD after expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyAction {
    /// ADD rather than COPY.
    pub add: bool,
    /// `--from`, or the context.
    pub from: MountFrom,
    /// Sources in written order.
    pub sources: Vec<CopySource>,
    /// Destination as written, expanded.
    pub destination: String,
    /// `--chown`, expanded; empty for none.
    pub chown: String,
    /// `--chmod`, expanded; empty for none.
    pub chmod: String,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// `--exclude`, expanded.
    pub exclude: Vec<String>,
    /// `--checksum`, expanded; empty for none.
    pub checksum: String,
    /// `--keep-git-dir`.
    pub keep_git_dir: bool,
    /// `--unpack`, if given.
    pub unpack: Option<bool>,
}

/// One source of COPY or ADD after expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopySource {
    /// A path or pattern in the context, a stage or an image.
    Path(String),
    /// An http or https URL.
    Http(String),
    /// A git repository.
    Git(String),
    /// A heredoc: file name and bytes.
    Inline(String, String),
}
