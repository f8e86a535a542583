//! What a single stage builds and starts, and on what base that would run: one file for each kind of program.
//!
//! [`product`] asks each kind in turn; the first that knows the program answers.
//!
//! Never: edits a text, guesses what a program reads while it runs (that is a doubt of the proposal).

mod c_libraries;
mod compiled;
mod dotnet;
mod elixir;
mod go;
mod image;
mod java;
mod kinds;
mod node;
mod opened;
mod packages;
mod product;
mod python;
mod ruby;
mod rust;
mod single;

pub(super) use image::name as image_name;
pub(super) use kinds::product;
pub(super) use product::Product;
pub(super) use single::Single;
