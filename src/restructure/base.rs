//! What is known of well-known base images beside their names. Source: their Dockerfiles (docker-library and the
//! distributions').

/// Distributions' own images: nothing is set in them.
const DISTRIBUTIONS: [&str; 13] = [
    "almalinux",
    "alpine",
    "amazonlinux",
    "archlinux",
    "buildpack-deps",
    "centos",
    "debian",
    "fedora",
    "opensuse",
    "oraclelinux",
    "rockylinux",
    "ubi",
    "ubuntu",
];

/// Official images that set no WORKDIR.
const AT_THE_ROOT: [&str; 11] = [
    "eclipse-temurin",
    "elixir",
    "erlang",
    "maven",
    "nginx",
    "node",
    "openjdk",
    "python",
    "ruby",
    "rust",
    "swift",
];

/// Whether an image called `name` (without registry and tag) is a distribution's own.
pub(super) fn is_distribution(name: &str) -> bool {
    DISTRIBUTIONS.iter().any(|d| name.starts_with(d))
}

/// The working directory that `image`, as FROM names it, begins with; `None` where that is not known.
pub(super) fn directory(image: &str) -> Option<&'static str> {
    let official = image.strip_prefix("docker.io/").unwrap_or(image);
    let official = official.strip_prefix("library/").unwrap_or(official);
    let name = official.split([':', '@']).next().unwrap_or(official);
    if name.contains(['/', '$']) {
        return None;
    }
    match name {
        "golang" => Some("/go"),
        _ if DISTRIBUTIONS.contains(&name) || AT_THE_ROOT.contains(&name) => Some("/"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_official_images_have_a_known_directory() {
        let check = |image: &str, expected: Option<&str>| {
            assert_eq!(directory(image), expected, "{image}");
        };
        check("alpine:3.4", Some("/"));
        check("docker.io/library/debian", Some("/"));
        check("golang:1.22@sha256:00", Some("/go"));
        check("node:${VERSION}-slim", Some("/"));
        check("example.com/node:22", None);
        check("someone/ruby", None);
        check("php:8-apache", None);
        check("$BASE", None);
    }
}
