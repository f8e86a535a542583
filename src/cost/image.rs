//! Sizes of common base images.
//!
//! Compressed transfer for linux/amd64 as docker-library/repo-info recorded it (the middle of the range where several
//! digests were recorded), unless the row says otherwise.

use super::observed::Size;
use super::observed::image_name;

const REPO_INFO: &str = "docker-library/repo-info, linux/amd64";
const TABLE: &str = "a third-party table of mid-2025";
const ARTICLE: &str = "no record found; order of magnitude";

/// (name prefix, kilobytes compressed, kilobytes unpacked or 0, source); the longest prefix that fits wins.
static IMAGES: [(&str, u64, u64, &str); 42] = [
    ("alpine", 3_500, 8_000, TABLE),
    ("amazoncorretto", 180_000, 0, ARTICLE),
    ("busybox", 2_200, 4_500, ARTICLE),
    ("caddy", 20_000, 0, ARTICLE),
    ("composer", 65_000, 0, ARTICLE),
    ("debian", 48_500, 0, ARTICLE),
    ("debian:bookworm-slim", 27_000, 75_000, TABLE),
    ("eclipse-temurin:21-jdk", 215_000, 0, REPO_INFO),
    ("eclipse-temurin:21-jdk-alpine", 150_000, 0, ARTICLE),
    ("eclipse-temurin:21-jre", 100_000, 0, ARTICLE),
    ("eclipse-temurin:21-jre-alpine", 70_000, 0, REPO_INFO),
    ("elixir", 600_000, 0, ARTICLE),
    ("gcr.io/distroless/base", 9_000, 0, ARTICLE),
    ("gcr.io/distroless/cc", 10_000, 0, ARTICLE),
    ("gcr.io/distroless/java", 85_000, 0, ARTICLE),
    ("gcr.io/distroless/nodejs", 45_000, 0, ARTICLE),
    ("gcr.io/distroless/static", 1_000, 2_500, ARTICLE),
    ("golang", 300_000, 0, ARTICLE),
    ("golang:alpine", 75_000, 0, ARTICLE),
    ("gradle", 350_000, 0, ARTICLE),
    ("httpd", 58_000, 0, ARTICLE),
    ("maven", 240_000, 0, ARTICLE),
    ("maven:3-eclipse-temurin-21-alpine", 189_000, 0, REPO_INFO),
    ("mcr.microsoft.com/dotnet/aspnet", 90_000, 0, ARTICLE),
    ("mcr.microsoft.com/dotnet/runtime", 75_000, 0, ARTICLE),
    ("mcr.microsoft.com/dotnet/sdk", 280_000, 0, ARTICLE),
    ("nginx", 70_000, 0, ARTICLE),
    ("nginx:alpine", 20_000, 0, ARTICLE),
    ("nginx:alpine-slim", 5_000, 0, ARTICLE),
    ("node", 398_500, 0, REPO_INFO),
    ("node:alpine", 47_900, 0, REPO_INFO),
    (
        "node:slim",
        80_000,
        227_000,
        "docker-library/repo-info: 227 MB on disk (node:22-bookworm-slim)",
    ),
    ("php", 180_000, 0, ARTICLE),
    ("php:alpine", 35_000, 0, ARTICLE),
    ("python", 380_000, 0, ARTICLE),
    ("python:alpine", 18_000, 0, ARTICLE),
    ("python:slim", 45_000, 0, TABLE),
    ("ruby", 370_000, 0, ARTICLE),
    ("ruby:slim", 75_000, 0, ARTICLE),
    ("rust", 562_500, 0, REPO_INFO),
    ("rust:slim", 280_000, 0, ARTICLE),
    ("ubuntu", 30_000, 78_000, ARTICLE),
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
    let (compressed, unpacked, source) = row
        .map_or((UNKNOWN_KB, 0, "unknown image; a guess"), |r| {
            (r.1, r.2, r.3)
        });
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
        check("node:22-bookworm-slim", 80);
        check("nginx:1.27.4-alpine-slim", 5);
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
