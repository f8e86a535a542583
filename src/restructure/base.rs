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

/// Official images that set no WORKDIR, and cargo-chef's, which is made of rust (LukeMathWalker/cargo-chef
/// docker/Dockerfile).
const AT_THE_ROOT: [&str; 16] = [
    "amazoncorretto",
    "busybox",
    "eclipse-temurin",
    "elixir",
    "erlang",
    "gcc",
    "haskell",
    "lukemathwalker/cargo-chef",
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

/// Whether `image`, as FROM names it, is a distribution's own: nothing is in its `/usr/local`.
pub(super) fn is_of_distribution(image: &str) -> bool {
    let name = official_name(split(image).0);
    !name.contains('/') && is_distribution(name)
}

/// Whether no program but those copied into it is in `image`, as FROM names it: `scratch`, and Google's distroless images
/// but those with `debug` in their tag (github.com/GoogleContainerTools/distroless).
pub(super) fn has_no_shell(image: &str) -> bool {
    let named = image.split('@').next().unwrap_or(image);
    image == "scratch" || named.starts_with("gcr.io/distroless/") && !named.contains("debug")
}

/// Official images with a WORKDIR of their own, whatever their tag.
const ELSEWHERE: [(&str, &str); 4] = [
    ("composer", "/app"),
    ("golang", "/go"),
    ("gradle", "/home/gradle"),
    ("httpd", "/usr/local/apache2"),
];

/// Images of distributions with dnf: the name, the first and the last version that has it, and from which on it is dnf 5.
/// (Fedora's change "Switch to DNF 5" for 41; Red Hat Enterprise Linux 8 to 10 and what is built from it have dnf 4.)
const WITH_DNF: [(&str, u32, u32, u32); 10] = [
    ("almalinux", 8, 10, 99),
    ("fedora", 22, 45, 41),
    ("oraclelinux", 8, 10, 99),
    ("quay.io/centos/centos", 8, 10, 99),
    ("quay.io/fedora/fedora", 22, 45, 41),
    ("registry.access.redhat.com/ubi10/ubi", 10, 10, 99),
    ("registry.access.redhat.com/ubi8/ubi", 8, 8, 99),
    ("registry.access.redhat.com/ubi9/ubi", 9, 9, 99),
    ("registry.fedoraproject.org/fedora", 22, 45, 41),
    ("rockylinux", 8, 10, 99),
];

/// Where dnf keeps its cache in `image`, as FROM names it; `None` where that is not known.
pub(super) fn dnf_cache(image: &str) -> Option<&'static str> {
    let (named, tag) = split(image);
    let named = official_name(named);
    let (_, first, last, five) = WITH_DNF.iter().find(|(name, ..)| *name == named)?;
    // `9.3`, `9-minimal` (which has microdnf), `stream9`.
    let tag = tag.strip_prefix("stream").unwrap_or(tag);
    let end = tag.find(|c: char| !c.is_ascii_digit()).unwrap_or(tag.len());
    let version = match named.strip_prefix("registry.access.redhat.com/ubi") {
        Some(_) => *first,
        None => tag[..end].parse().ok()?,
    };
    let is_there = (*first..=*last).contains(&version) && !tag.contains("minimal");
    is_there.then_some(if version >= *five {
        "/var/cache/libdnf5"
    } else {
        "/var/cache/dnf"
    })
}

/// Where official images are found under the names that they have.
const REGISTRIES: [&str; 5] = [
    "docker.io/library/",
    "docker.io/",
    "library/",
    "mirror.gcr.io/library/",
    "public.ecr.aws/docker/library/",
];

/// Where the images of .NET are found; they set no WORKDIR (github.com/dotnet/dotnet-docker).
const DOTNET: [&str; 3] = [
    "mcr.microsoft.com/dotnet/core/",
    "mcr.microsoft.com/dotnet/",
    "microsoft/",
];

/// The working directory that `image`, as FROM names it, begins with; `None` where that is not known.
pub(super) fn directory(image: &str) -> Option<&'static str> {
    let (named, tag) = split(image);
    if tag.contains("nanoserver") || tag.contains("windows") {
        return None;
    }
    if let Some(product) = DOTNET.iter().find_map(|d| named.strip_prefix(d)) {
        let products = ["aspnet", "dotnet", "runtime", "runtime-deps", "sdk"];
        return products.contains(&product).then_some("/");
    }
    match official_name(named) {
        // A variable may choose the one that serves.
        "php" if tag.contains('$') => None,
        "php" if tag.contains("fpm") || tag.contains("apache") => Some("/var/www/html"),
        "php" => Some("/"),
        name if DISTRIBUTIONS.contains(&name) || AT_THE_ROOT.contains(&name) => Some("/"),
        name => ELSEWHERE
            .iter()
            .find_map(|(n, directory)| (*n == name).then_some(*directory)),
    }
}

/// Variables that `image` sets and WORKDIR or RUN of its users go by.
pub(super) fn variables(image: &str) -> &'static [(&'static str, &'static str)] {
    match official_name(split(image).0) {
        "golang" => &[("GOPATH", "/go")],
        "rust" | "lukemathwalker/cargo-chef" => &[("CARGO_HOME", "/usr/local/cargo")],
        _ => &[],
    }
}

/// Users that `image` has beside root: name, number and home (github.com/nodejs/docker-node, Dockerfile-debian.template).
pub(super) fn users(image: &str) -> &'static [(&'static str, u32, &'static str)] {
    match official_name(split(image).0) {
        "node" => &[("node", 1000, "/home/node")],
        _ => &[],
    }
}

/// Whether `image`, as FROM names it, is one of the Docker library or .NET's SDK: these run as root.
pub(super) fn is_official(image: &str) -> bool {
    let named = split(image).0;
    let is_dotnet = DOTNET
        .iter()
        .any(|d| named.strip_prefix(d).is_some_and(|p| p == "sdk"));
    is_dotnet || !official_name(named).contains(['/', '$'])
}

/// The minor version of the Go 1 in an official image, by its tag; `None` where it does not say.
pub(super) fn go_minor(image: &str) -> Option<u32> {
    let (named, tag) = split(image);
    let minor = tag.strip_prefix("1.")?.split(['.', '-']).next()?;
    // `1.18beta1`.
    let end = minor.find(|c: char| !c.is_ascii_digit());
    let minor = &minor[..end.unwrap_or(minor.len())];
    (official_name(named) == "golang").then_some(())?;
    minor.parse().ok()
}

/// The image as FROM names it, without its tag and digest, and the tag.
fn split(image: &str) -> (&str, &str) {
    let plain = image.split('@').next().unwrap_or(image);
    let colon = plain.rfind(':').filter(|at| !plain[*at..].contains('/'));
    colon.map_or((plain, ""), |at| (&plain[..at], &plain[at + 1..]))
}

/// The name in the Docker library, if it is one of its images.
fn official_name(named: &str) -> &str {
    let official = REGISTRIES.iter().find_map(|r| named.strip_prefix(r));
    official.unwrap_or(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_tells_which_dnf_it_is() {
        let check = |image: &str, expected: Option<&str>| {
            assert_eq!(dnf_cache(image), expected, "{image}");
        };
        check("fedora:40", Some("/var/cache/dnf"));
        check("fedora:41", Some("/var/cache/libdnf5"));
        check(
            "docker.io/library/fedora:42@sha256:00",
            Some("/var/cache/libdnf5"),
        );
        check("fedora", None);
        check("fedora:latest", None);
        check("fedora:${VERSION}", None);
        check("almalinux:9.4", Some("/var/cache/dnf"));
        check("almalinux:9-minimal", None);
        check("quay.io/centos/centos:stream9", Some("/var/cache/dnf"));
        check(
            "registry.access.redhat.com/ubi9/ubi",
            Some("/var/cache/dnf"),
        );
        check("registry.access.redhat.com/ubi9/ubi-minimal:9.4", None);
        check("centos:7", None);
        check("someone/fedora:40", None);
    }

    #[test]
    fn the_tag_tells_which_go_it_is() {
        let check = |image: &str, expected: Option<u32>| {
            assert_eq!(go_minor(image), expected, "{image}");
        };
        check("golang:1.6.2", Some(6));
        check("docker.io/library/golang:1.22-alpine", Some(22));
        check("golang:1.18beta1-bullseye@sha256:00", Some(18));
        check("golang:1", None);
        check("golang:alpine", None);
        check("golang:${V}", None);
        check("someone/golang:1.6", None);
        check("node:1.6", None);
    }

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
        check("php:8-apache", Some("/var/www/html"));
        check("php:8.3-cli", Some("/"));
        check("php:${TAG}", None);
        check("mirror.gcr.io/library/debian", Some("/"));
        check("mcr.microsoft.com/dotnet/sdk:8.0", Some("/"));
        check("microsoft/dotnet:${VERSION}-sdk", Some("/"));
        check("mcr.microsoft.com/dotnet/sdk:8.0-nanoserver-1809", None);
        check(
            "docker.io/lukemathwalker/cargo-chef:0.1.72-rust-1.89",
            Some("/"),
        );
        check("someone/cargo-chef", None);
        check("localhost:5000/rust", None);
        check("$BASE", None);
    }
}
