//! A .NET program needs the runtime and no SDK: `sdk` becomes `aspnet` or `runtime`, as its project says.

use super::super::layout::{absolute, is_within};
use super::image::{digits, name, tag};
use super::product::{Product, may_be_rootless};
use super::single::Single;
use crate::tree::RepoPath;

const IMAGES: &str = "mcr.microsoft.com/dotnet/";

pub(super) fn product(single: &Single<'_>) -> Option<Product> {
    if !single.image.starts_with(IMAGES) || name(&single.image) != "sdk" {
        return None;
    }
    let tag_written = tag(single.written)?;
    let (run, publish) = single
        .commands()
        .filter(|(_, s)| s.name() == "dotnet" && s.subcommand() == "publish")
        .last()?;
    let out = publish
        .args()
        .iter()
        .skip_while(|a| *a != "-o" && *a != "--output")
        .nth(1)?;
    let out = single.at(run, publish, out)?;
    // `dotnet out/App.dll`, or the program itself.
    let program = match single.started.as_slice() {
        [dotnet, dll, ..] if dotnet == "dotnet" && dll.ends_with(".dll") => dll,
        [own, ..] if own != "dotnet" => own,
        _ => return None,
    };
    let program = absolute(Some(&single.cwd), program)?;
    if !is_within(&program, &out) || out == "/" {
        return None;
    }
    let is_web = is_web(single)?;
    let kind = if is_web { "aspnet" } else { "runtime" };
    // Images from version 8 on have a user of their own, by number in $APP_UID.
    let has_user = tag(&single.image)
        .and_then(digits)
        .and_then(|v| v.parse::<u32>().ok())
        .is_some_and(|v| v >= 8);
    let known = single
        .commands()
        .filter(|(_, s)| s.name() == "dotnet")
        .map(|(n, _)| n)
        .collect();
    Some(Product {
        split: single.last_work()?,
        base: format!("{IMAGES}{kind}:{tag_written}"),
        why: "a published .NET program needs the runtime and no SDK".to_owned(),
        files: vec![("build", out)],
        known,
        has_shell: true,
        user: (has_user && may_be_rootless(single)).then_some("$APP_UID"),
        ..Product::default()
    })
}

/// Whether any project of the context is built for the web; `None` when none can be read.
fn is_web(single: &Single<'_>) -> Option<bool> {
    let is_project = |p: &&RepoPath| {
        p.file_name()
            .is_some_and(|n| n.ends_with(b".csproj") || n.ends_with(b".fsproj"))
    };
    let texts: Vec<String> = single
        .view
        .files
        .iter()
        .map(|(p, _)| p)
        .filter(is_project)
        .take(200)
        .filter_map(|p| single.view.read_text(p))
        .collect();
    let is_one = |text: &String| {
        [
            "Microsoft.NET.Sdk.Web",
            "Microsoft.NET.Sdk.BlazorWebAssembly",
            "Microsoft.AspNetCore.App",
        ]
        .iter()
        .any(|w| text.contains(w))
    };
    (!texts.is_empty()).then(|| texts.iter().any(is_one))
}
