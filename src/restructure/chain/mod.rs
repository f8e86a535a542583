//! The shell text of a RUN as a chain: what each part of it reads, writes and leaves in the shell, and which parts can
//! be taken out to stand in a RUN of their own, further up.
//!
//! Never: decides where they go, nor that they should.

mod directories;
mod edits;
mod growth;
mod head;
mod mounts;
mod removed;
mod settle;
mod slice;
mod state;
mod unit;

pub(super) use slice::Slice;
pub(super) use slice::There;
pub(super) use unit::Chain;
