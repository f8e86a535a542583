//! A release of Elixir brings its virtual machine with it: what it needs is the distribution it was built on.

use super::super::layout::{absolute, is_within};
use super::image::{name, slim, tag};
use super::product::{Product, may_be_rootless};
use super::single::Single;

/// Libraries that the virtual machine loads (hexdocs.pm/phoenix/releases.html, its generated Dockerfile).
const DEBIAN: &str = "RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 openssl libncurses6 locales ca-certificates && rm -rf /var/lib/apt/lists/*\n";
const ALPINE: &str = "RUN apk add --no-cache libstdc++ openssl ncurses-libs ca-certificates\n";

pub(super) fn product(single: &Single<'_>) -> Option<Product> {
    if name(&single.image) != "elixir" {
        return None;
    }
    let (run, _) = single
        .commands()
        .filter(|(_, s)| s.name() == "mix" && s.args().iter().any(|a| a == "release"))
        .last()?;
    let program = absolute(Some(&single.cwd), single.started.first()?)?;
    // `_build/prod/rel/app/bin/app`, or `bin/server`.
    let (release, _) = program.rsplit_once("/bin/")?;
    if !release.contains("/_build/") || !is_within(release, &single.cwd) {
        return None;
    }
    let (base, setting) = base(single)?;
    let known = single
        .commands()
        .filter(|(_, s)| matches!(s.name(), "mix" | "npm" | "yarn"))
        .map(|(n, _)| n)
        .chain([run])
        .collect();
    Some(Product {
        split: single.last_work()?,
        why: "a release brings its virtual machine with it".to_owned(),
        files: vec![("build", release.to_owned())],
        setting,
        known,
        has_shell: true,
        user: may_be_rootless(single).then_some("1000:1000"),
        reasons: vec![format!(
            "{base} is the distribution that the release was built on"
        )],
        base,
        ..Product::default()
    })
}

/// The distribution below the image: `hexpm/elixir` names it in its tags; the official image has a slim twin.
fn base(single: &Single<'_>) -> Option<(String, String)> {
    let tag = tag(&single.image)?;
    if single.image.starts_with("hexpm/") {
        let after = |lead: &str| tag.split_once(lead).map(|(_, rest)| rest);
        return after("-debian-")
            .map(|release| (format!("debian:{release}"), DEBIAN.to_owned()))
            .or_else(|| {
                after("-alpine-").map(|release| (format!("alpine:{release}"), ALPINE.to_owned()))
            });
    }
    // The small ones are where they are built on: what is left behind are the sources.
    Some((slim(single.written, &single.image, false)?, String::new()))
}
