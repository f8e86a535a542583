//! The shell text of RUN: words, chains and what each command is.
//!
//! Never: runs anything, expands a variable, fails: text that is no shell yields what could be read of it.
//!
//! [`parse`] reads POSIX shell and the parts of bash that Dockerfiles use. It gives the simple commands in the order in
//! which they stand, each with its words (quotes removed), what joins it to the one before, and its bytes in the text;
//! and the pieces of the outermost `&&`, `||`, `;` list, which is where a text may be cut. [`Script::seen`] looks
//! through `sudo`, `env`, `sh -c "…"`, `npx` and the like and follows `cd`. [`called`] gives what a script comes to with
//! the arguments that it gets.
//!
//! ```
//! use stratigraph::shell;
//! let script = shell::parse("cd web && npm ci --no-audit");
//! assert_eq!(script.commands[1].args(), ["ci", "--no-audit"]);
//! assert_eq!(script.seen()[1].directory.as_deref(), Some("web"));
//! ```

mod called;
mod command;
mod compound;
mod look;
mod parse;
mod redirection;
mod word;

pub use called::Called;
pub use called::called;
pub use called::decided;
pub use called::fits;
pub use called::is_script;
pub use called::joined;
pub use command::Assignment;
pub use command::Command;
pub use command::Connector;
pub use command::Nesting;
pub use command::Piece;
pub use command::Redirection;
pub use command::Script;
pub use command::Word;
pub use look::Seen;
pub use look::tells_of_itself;
pub use parse::parse;
pub use parse::parse_instruction;
