//! The image that a Dockerfile without FROM was probably meant to start from.
//!
//! A guess, only ever offered with its reason: the first command of the table that the file runs, and the official image
//! that brings it.

/// Commands, and the Docker Official Image that brings them; languages before package managers.
const IMAGES: [(&[&str], &str); 13] = [
    (&["mvn"], "maven:3-eclipse-temurin-21"),
    (&["gradle"], "gradle:jdk21"),
    (
        &["mvnw", "gradlew", "java", "javac"],
        "eclipse-temurin:21-jdk",
    ),
    (&["npm", "npx", "node", "yarn", "pnpm"], "node:22"),
    (&["bun"], "oven/bun:1"),
    (
        &["pip", "pip3", "python", "python3", "gunicorn", "uvicorn"],
        "python:3",
    ),
    (&["go"], "golang:1"),
    (&["cargo", "rustc"], "rust:1"),
    (&["bundle", "gem", "ruby", "rails"], "ruby:3"),
    (&["composer", "php"], "php:8"),
    (&["dotnet"], "mcr.microsoft.com/dotnet/sdk:8.0"),
    (&["apk"], "alpine:3"),
    (&["apt-get", "apt"], "debian:stable-slim"),
];

/// The command that gives it away, and the image.
pub(super) fn guess(text: &str) -> Option<(&'static str, &'static str)> {
    let commands: Vec<&str> = text
        .lines()
        .filter_map(command_of)
        .flat_map(words)
        .collect();
    IMAGES.iter().find_map(|(names, image)| {
        let name = names.iter().find(|name| commands.contains(*name))?;
        Some((*name, *image))
    })
}

/// The line, if it may hold a command: not a comment, not an instruction without one.
fn command_of(line: &str) -> Option<&str> {
    let line = line.trim();
    let keyword = line.split_whitespace().next()?.to_uppercase();
    let silent = [
        "COPY",
        "ADD",
        "WORKDIR",
        "ENV",
        "ARG",
        "LABEL",
        "EXPOSE",
        "VOLUME",
        "USER",
        "MAINTAINER",
        "STOPSIGNAL",
    ];
    (!line.starts_with('#') && !silent.contains(&keyword.as_str())).then_some(line)
}

/// The words of a line, each without its directory.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')))
        .map(|word| word.rsplit('/').next().unwrap_or(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_give_their_image_away() {
        for (text, expected) in [
            (
                "WORKDIR /app\nRUN ./mvnw package\nCMD [\"java\", \"-jar\", \"x.jar\"]\n",
                Some("eclipse-temurin:21-jdk"),
            ),
            ("RUN apt-get install -y x && npm ci\n", Some("node:22")),
            ("COPY go.mod .\n", None),
            ("# npm\nRUN make\n", None),
        ] {
            assert_eq!(guess(text).map(|(_, image)| image), expected, "{text}");
        }
    }
}
