//! What a script comes to when it is called: the commands of the functions that it calls, in the place where it calls
//! them, and of the branches that its arguments decide.
//!
//! This is no shell. What is not decided stays conditional, what is not known stays as written.
//!
//! Never: runs anything, reads a file other than through [`Called`], goes on without end.

mod carry;
mod decide;
mod place;
mod run;
mod script;
mod values;

pub use decide::fits;
pub use script::Called;
pub use script::called;
pub use script::decided;
pub use script::is_script;
pub use values::joined;

#[cfg(test)]
mod tests;
