//! Every kind of program; the first that knows what a stage builds answers.

use super::product::Product;
use super::single::Single;
use super::{dotnet, elixir, go, java, node, python, ruby, rust};

/// What the stage builds, if it is known how that runs.
pub(in super::super) fn product(single: &Single<'_>) -> Option<Product> {
    [
        go::product,
        rust::product,
        java::product,
        node::product,
        python::product,
        ruby::product,
        dotnet::product,
        elixir::product,
    ]
    .iter()
    .find_map(|kind| kind(single))
}
