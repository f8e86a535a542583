//! Names of official images and their smaller variants. Source: the images' pages on Docker Hub.

/// The last part of an image's name: `node` of `docker.io/library/node:22`.
pub(in crate::restructure) fn name(image: &str) -> &str {
    let path = image.split('@').next().unwrap_or(image);
    let last = path.rsplit('/').next().unwrap_or(path);
    last.split(':').next().unwrap_or(last)
}

/// The tag, if there is one.
pub(super) fn tag(image: &str) -> Option<&str> {
    let path = image.split('@').next().unwrap_or(image);
    path.rsplit('/').next()?.split_once(':').map(|(_, tag)| tag)
}

/// Releases of Debian and Ubuntu in tags.
const CODENAMES: &[&str] = &[
    "bookworm", "bullseye", "buster", "jammy", "noble", "stretch", "trixie",
];

/// Whether an image is a small variant already.
pub(super) fn is_small(image: &str) -> bool {
    tag(image).is_some_and(|tag| tag.contains("alpine") || tag.contains("slim"))
}

/// The `slim` variant of an official image on the same release of the same distribution, `written` as in FROM (perhaps
/// with a variable), `image` with its value; the image itself where it is small already; `None` where that is not known.
/// `codename_last`: `3.12-slim-bookworm` (Python, Ruby) and not `22-bookworm-slim` (Node).
pub(super) fn slim(written: &str, image: &str, codename_last: bool) -> Option<String> {
    if image.contains('@') {
        return None;
    }
    if is_small(image) {
        return Some(written.to_owned());
    }
    let Some(tag) = tag(image) else {
        return Some(format!("{written}:slim"));
    };
    if tag == "latest" {
        return Some(format!("{}:slim", written.strip_suffix(":latest")?));
    }
    let codename = CODENAMES
        .iter()
        .find(|c| tag == **c || tag.ends_with(&format!("-{c}")));
    match codename {
        Some(codename) if codename_last => Some(format!(
            "{}slim-{codename}",
            written.strip_suffix(codename)?
        )),
        // `windowsservercore`, `onbuild` and the like have no slim twin.
        None if tag.contains('-') => None,
        Some(_) | None => Some(format!("{written}-slim")),
    }
}

/// The number that `text` begins with.
pub(super) fn digits(text: &str) -> Option<String> {
    let found: String = text.chars().take_while(char::is_ascii_digit).collect();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slim_twin_of_an_image() {
        let check = |image: &str, codename_last: bool, want: Option<&str>| {
            assert_eq!(
                slim(image, image, codename_last).as_deref(),
                want,
                "{image}"
            );
        };
        check("node:22", false, Some("node:22-slim"));
        check("node", false, Some("node:slim"));
        check("node:latest", false, Some("node:slim"));
        check("node:22-bookworm", false, Some("node:22-bookworm-slim"));
        check(
            "python:3.12-bookworm",
            true,
            Some("python:3.12-slim-bookworm"),
        );
        check("python:3.12-alpine", true, Some("python:3.12-alpine"));
        check(
            "docker.io/library/ruby:3.3",
            true,
            Some("docker.io/library/ruby:3.3-slim"),
        );
        check("node:22@sha256:00", false, None);
        check("node:22-onbuild", false, None);
        assert_eq!(
            slim("node:${V}", "node:22", false).as_deref(),
            Some("node:${V}-slim")
        );
        assert_eq!(name("registry:5000/team/node"), "node");
        assert_eq!(tag("registry:5000/team/node"), None);
    }
}
