//! System packages that building needs and running does not.

use super::super::command::named_packages;
use crate::shell::Script;

/// Compilers, build tools and version control: no program links against them. Packages that end in `-dev` are not
/// here: they bring the libraries that what was compiled against them loads.
const FOR_BUILDING: &[&str] = &[
    "autoconf",
    "automake",
    "bison",
    "build-base",
    "build-essential",
    "clang",
    "cmake",
    "flex",
    "g++",
    "gcc",
    "git",
    "gfortran",
    "libtool",
    "make",
    "meson",
    "musl-dev",
    "libc-dev",
    "libc6-dev",
    "linux-headers",
    "nasm",
    "ninja-build",
    "patch",
    "pkg-config",
    "pkgconf",
    "python3",
    "python3-dev",
    "python-dev",
    "python3-pip",
    "cargo",
    "rustc",
    "yasm",
];

/// The packages that a RUN installs, if it does nothing else and names them all: those for building alone, and the
/// others.
pub(super) fn packages(script: &Script) -> Option<(Vec<String>, Vec<String>)> {
    let named = named_packages(script)?;
    let is_tool = |n: &String| FOR_BUILDING.contains(&n.split('=').next().unwrap_or(n));
    Some(named.into_iter().partition(is_tool))
}
