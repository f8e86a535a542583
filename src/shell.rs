//! The shell text of RUN: words, chains and what each command is. Never: runs anything.
