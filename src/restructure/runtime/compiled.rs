//! The base for a program that is one file: distroless where nothing but the program runs, the distribution it was built
//! on where a shell is needed too.

use super::image::{digits, name, tag};
use super::product::{Product, may_be_rootless};
use super::single::Single;
use crate::dockerfile::ast::{Command, Healthcheck, Kind};

/// What the program links against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing.
    Nothing,
    /// The C library.
    C,
    /// The C library and the compiler's runtime.
    CompilerRuntime,
}

/// A product that is `program` alone, made by RUN `run`.
pub(super) fn program(
    single: &Single<'_>,
    needs: Needs,
    program: String,
    run: usize,
    why: &str,
) -> Option<Product> {
    let image = &single.image;
    let (release, number, is_sure) = debian(image);
    let is_rootless = may_be_rootless(single);
    let mut product = Product {
        split: single.last_work()?,
        why: why.to_owned(),
        files: std::iter::once(program)
            .chain(single.read_while_running())
            .map(|f| ("build", f))
            .collect(),
        known: vec![run],
        is_rootless,
        ..Product::default()
    };
    if needs_shell(single) {
        product.has_shell = true;
        product.is_rootless = false;
        product.user = is_rootless.then_some("1000:1000");
        (product.base, product.setting) = match alpine(image) {
            Some(base) => (base, String::new()),
            None => (
                format!("debian:{release}-slim"),
                "RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*\n".to_owned(),
            ),
        };
    } else {
        let kind = match needs {
            Needs::Nothing => "static",
            Needs::C => "base",
            Needs::CompilerRuntime => "cc",
        };
        let user = if is_rootless { ":nonroot" } else { "" };
        product.base = format!("gcr.io/distroless/{kind}-debian{number}{user}");
    }
    if needs != Needs::Nothing && !is_sure {
        product
            .doubts
            .push(format!("{image} is built on Debian {number} or older"));
    }
    Some(product)
}

/// Whether more than the program runs: a shell that starts it, a health check, a user that must be made.
fn needs_shell(single: &Single<'_>) -> bool {
    single.by_shell
        || single.stage.instructions.iter().any(|i| match &i.kind {
            Kind::Healthcheck(Healthcheck::Cmd(command)) => matches!(command, Command::Shell(_)),
            Kind::User(user) => user.split(':').any(|u| u.parse::<u32>().is_err()),
            _ => false,
        })
}

/// `alpine:3.20` for `golang:1.23-alpine3.20`.
fn alpine(image: &str) -> Option<String> {
    let (_, release) = tag(image)?.split_once("alpine")?;
    Some(if release.starts_with("3.") {
        format!("alpine:{release}")
    } else {
        "alpine:3".to_owned()
    })
}

/// The release of Debian below an image, at least: its name, its number, and whether the tag tells. Images without a
/// release in their tag moved to Debian 13 with Go 1.25 and Rust 1.90.
fn debian(image: &str) -> (&'static str, u32, bool) {
    let tag = tag(image).unwrap_or_default();
    if tag.contains("trixie") {
        return ("trixie", 13, true);
    }
    if ["bookworm", "bullseye", "buster"]
        .iter()
        .any(|r| tag.contains(r))
    {
        return ("bookworm", 12, true);
    }
    let minor = tag
        .strip_prefix("1.")
        .and_then(digits)
        .and_then(|m| m.parse::<u32>().ok());
    let moved = if name(image) == "golang" { 25 } else { 90 };
    match minor {
        Some(minor) if minor < moved => ("bookworm", 12, true),
        Some(_) => ("trixie", 13, true),
        None => ("trixie", 13, false),
    }
}
