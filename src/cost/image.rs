//! Sizes of common base images.
//!
//! Compressed transfer for linux/amd64 as docker-library/repo-info recorded it (the middle of the range where several
//! digests were recorded), unless the row says otherwise.

use super::observed::Size;
use super::observed::image_name;

const REPO_INFO: &str = "docker-library/repo-info, linux/amd64";
const OLDER: &str = "docker-library/repo-info, linux/amd64, a record some years old";
const TABLE: &str = "a third-party table of mid-2025";
const GUESS: &str = "assumption: no record found";

/// (name prefix, kilobytes compressed, kilobytes unpacked or 0, source); the longest prefix that fits wins.
static IMAGES: [(&str, u64, u64, &str); 42] = [
    ("alpine", 3_500, 8_000, TABLE),
    ("amazoncorretto", 172_700, 0, REPO_INFO),
    ("busybox", 2_200, 4_500, REPO_INFO),
    ("caddy", 18_600, 0, OLDER),
    ("composer", 77_600, 0, REPO_INFO),
    ("debian", 48_700, 0, REPO_INFO),
    ("debian:bookworm-slim", 27_000, 75_000, TABLE),
    ("eclipse-temurin:21-jdk", 215_000, 0, REPO_INFO),
    ("eclipse-temurin:21-jdk-alpine", 182_000, 0, OLDER),
    ("eclipse-temurin:21-jre", 114_800, 0, REPO_INFO),
    ("eclipse-temurin:21-jre-alpine", 70_000, 0, REPO_INFO),
    ("elixir", 681_700, 0, REPO_INFO),
    ("gcr.io/distroless/base", 9_000, 0, GUESS),
    ("gcr.io/distroless/cc", 10_000, 0, GUESS),
    ("gcr.io/distroless/java", 85_000, 0, GUESS),
    ("gcr.io/distroless/nodejs", 45_000, 0, GUESS),
    ("gcr.io/distroless/static", 1_000, 2_500, GUESS),
    ("golang", 304_300, 0, OLDER),
    ("golang:alpine", 75_200, 0, REPO_INFO),
    ("gradle", 393_900, 0, OLDER),
    ("httpd", 58_000, 0, GUESS),
    ("maven", 267_900, 0, OLDER),
    ("maven:3-eclipse-temurin-21-alpine", 189_000, 0, REPO_INFO),
    ("mcr.microsoft.com/dotnet/aspnet", 90_000, 0, GUESS),
    ("mcr.microsoft.com/dotnet/runtime", 75_000, 0, GUESS),
    ("mcr.microsoft.com/dotnet/sdk", 280_000, 0, GUESS),
    ("nginx", 70_000, 0, GUESS),
    ("nginx:alpine", 26_300, 0, REPO_INFO),
    ("nginx:alpine-slim", 8_200, 0, REPO_INFO),
    ("node", 398_500, 0, REPO_INFO),
    ("node:alpine", 47_900, 0, REPO_INFO),
    // 227 MB on disk: docker-library/repo-info of node:22-bookworm-slim.
    ("node:slim", 79_900, 227_000, REPO_INFO),
    ("php", 189_200, 0, REPO_INFO),
    ("php:alpine", 44_400, 0, REPO_INFO),
    ("python", 414_400, 0, REPO_INFO),
    ("python:alpine", 17_700, 0, REPO_INFO),
    ("python:slim", 43_200, 0, REPO_INFO),
    ("ruby", 428_500, 0, REPO_INFO),
    ("ruby:slim", 73_200, 0, REPO_INFO),
    ("rust", 562_500, 0, REPO_INFO),
    ("rust:slim", 318_500, 0, REPO_INFO),
    ("ubuntu", 29_700, 78_000, REPO_INFO),
];

/// A base image nobody measured.
const UNKNOWN_KB: u64 = 100_000;

/// Size of an image by its reference, and where the figure comes from. `scratch` is empty. Tags are compared without
/// versions: `node:22.3-alpine3.20` is sized as `node:alpine`.
pub fn size(reference: &str) -> (Size, &'static str) {
    let name = image_name(reference);
    if name == "scratch" {
        return (
            Size {
                unpacked: Some(0),
                compressed: Some(0),
            },
            "empty",
        );
    }
    let plain = without_version(&name);
    let fits = |row: &&(&str, u64, u64, &str)| {
        [name.as_str(), plain.as_str()]
            .iter()
            .any(|n| is_prefix(row.0, n))
    };
    let row = IMAGES.iter().filter(fits).max_by_key(|row| row.0.len());
    let (compressed, unpacked, source) = row.map_or(
        (UNKNOWN_KB, 0, "assumption: an image of no known size"),
        |r| (r.1, r.2, r.3),
    );
    let unpacked = (unpacked > 0).then_some(unpacked * 1000);
    (
        Size {
            unpacked,
            compressed: Some(compressed * 1000),
        },
        source,
    )
}

fn is_prefix(prefix: &str, name: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| {
        rest.is_empty()
            || rest.starts_with([':', '-', '.'])
            || (prefix.contains('/') && rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

/// `node:22.3-bookworm-slim` is `node:slim`, `node:20-alpine3.19` is `node:alpine`.
fn without_version(name: &str) -> String {
    let Some((repository, tag)) = name.rsplit_once(':') else {
        return name.to_owned();
    };
    if repository.starts_with("eclipse-temurin") {
        return name.to_owned();
    }
    let flavours: Vec<&str> = ["alpine", "slim"]
        .into_iter()
        .filter(|f| tag.contains(f))
        .collect();
    if flavours.is_empty() {
        repository.to_owned()
    } else {
        format!("{repository}:{}", flavours.join("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_by_repository_and_flavour() {
        let check = |reference: &str, mb: u64| {
            assert_eq!(
                size(reference).0.compressed.unwrap() / 1_000_000,
                mb,
                "{reference}"
            )
        };
        check("node:20", 398);
        check("docker.io/library/node:22.3-alpine3.20@sha256:00", 47);
        check("node:22-bookworm-slim", 79);
        check("nginx:1.27.4-alpine-slim", 8);
        check("eclipse-temurin:21-jre-alpine", 70);
        check("eclipse-temurin:21-jdk", 215);
        check("maven:3-eclipse-temurin-21-alpine", 189);
        check("gcr.io/distroless/java21-debian12:nonroot", 85);
        check("scratch", 0);
        check("registry.example.com/team/base:1", 100);
        check("nodered:1", 100);
    }

    #[test]
    fn rows_are_sorted() {
        assert!(IMAGES.windows(2).all(|w| w[0].0 < w[1].0));
    }
}
