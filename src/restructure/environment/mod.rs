//! Whether a RUN reads a variable that its text does not name, from its environment.
//!
//! Every ARG and ENV is in the environment of each RUN below it. [`reading`] goes by what the programs of a RUN are known
//! to read, and by the files that they come upon.
//!
//! Never: takes a program that it does not know for one that reads nothing.

mod program;
mod reading;
mod scripts;
mod variables;

pub(super) use reading::Doubt;
pub(super) use reading::Reading;
pub(super) use reading::reading;
pub(super) use reading::reading_of_part;
pub(super) use reading::reading_of_programs;
