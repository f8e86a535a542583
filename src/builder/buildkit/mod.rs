//! BuildKit: which instruction is a vertex, and what enters its key.
//!
//! | instruction | vertex | enters the key | invalidated by | source (moby/buildkit 73ed682) | shown by |
//! |---|---|---|---|---|---|
//! | FROM image | yes | the image's layers (here: its reference) | another image | source/containerimage/pull.go | `base-tag-changes`, `base-same-image-other-spelling` |
//! | FROM stage | no | – | – | dockerfile2llb/convert.go `dispatchStages` | `stages-from-stage`, `stage-split-off` |
//! | RUN | yes | base's key, arguments, ordered environment, cwd, user, network, security, mounts, platform | any of them | solver/llbsolver/ops/exec.go `CacheMap` | `run-continuation`, `env-order`, `env-reassigned`, `build-arg-unused`, `run-network` |
//! | RUN `<<EOF` | one, with `#!` two | the body; with `#!` the delimiter too | the body | dockerfile2llb/convert.go `dispatchRun` | `run-heredoc`, `run-heredoc-name`, `run-heredoc-script` |
//! | RUN --mount=type=bind | – | target, `rw`; the content, not the path, of the source | content | ops/exec.go `getMountDeps` | `mount-bind-file`, `mount-bind-spellings`, `false-hit-binds-crossed` |
//! | RUN --mount=type=cache, tmpfs, secret, ssh | – | target and options; an id or sharing mode of its own is blanked | the text, never what is in them | ops/exec.go `checkShouldClearCacheOpts` | `mount-cache-changes`, `mount-cache-id`, `mount-secret-spellings` |
//! | COPY, ADD | yes | base's key; per source: base name, flags; destination, owner, mode | base missed; content of the sources, their digests sorted by path | ops/file.go `CacheMap`, `dedupeSelectors` | `copy-after-missed-run`, `copied-directory-moves`, `false-hit-sources-exchanged`, `copy-owner-spellings` |
//! | COPY --from | yes | the same over a stage's or image's files | other files | ops/file.go | `stages-source-stable-output`, `stages-copy-of-context-file` |
//! | COPY --link | two | the copy half has no base; with `--chmod` it is a plain COPY | its content alone | dockerfile2llb/convert_copy.go `dispatchCopy` | `copy-link`, `copy-link-base`, `link-with-chmod` |
//! | COPY `<<EOF` | two | the delimiter as name, the body expanded | the body | convert_copy.go | `copy-heredoc` |
//! | WORKDIR | yes, but not `/` | base's key, path, owner from USER, SOURCE_DATE_EPOCH | base missed; path | convert.go `dispatchWorkdir` | `workdir-after-missed-run`, `user-before-workdir`, `source-date-epoch` |
//! | ENV, ARG with a value | no | the environment of later RUNs, in order | – | convert.go `dispatchEnv`, `dispatchArg` | `before-run-env`, `arg-without-value`, `arg-from-parent-stage` |
//! | SHELL, USER | no | arguments and user of later RUNs; owner of a later WORKDIR | – | convert.go `dispatchShell`, `dispatchUser` | `before-run-shell`, `user-before-copy` |
//! | ONBUILD | no | its trigger is a step of the stages built on this one | – | convert.go `dispatchOnBuildTriggers` | `onbuild-in-stage`, `before-run-onbuild` |
//! | LABEL, CMD, ENTRYPOINT, EXPOSE, VOLUME, STOPSIGNAL, HEALTHCHECK, MAINTAINER | no | nothing | – | convert.go | `before-run-label` and its like |
//!
//! Never: decides hit or miss, sees a tree.

mod copy;
mod inputs;
mod mount;
mod names;
mod planner;
mod run;
mod source;

pub(super) use copy::copy_definition;
pub(super) use copy::destination;
pub(super) use copy::selector;
pub use planner::plan;
