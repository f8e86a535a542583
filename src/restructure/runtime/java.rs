//! A Java program needs a runtime and no compiler.

use super::super::layout::absolute;
use super::image::{digits, name, tag};
use super::product::{Product, may_be_rootless};
use super::single::Single;

pub(super) fn product(single: &Single<'_>) -> Option<Product> {
    if single.started.first()? != "java" {
        return None;
    }
    let jar = single.started.iter().skip_while(|w| *w != "-jar").nth(1)?;
    let builds = [
        (&["mvnw", "mvn"][..], "package"),
        (&["mvn", "mvnw"], "install"),
        (&["mvn", "mvnw"], "verify"),
        (&["gradle", "gradlew"], "b"),
        (&["gradle", "gradlew"], "assemble"),
        (&["gradle", "gradlew"], "shadowJar"),
    ];
    let run = builds
        .into_iter()
        .find_map(|(names, verb)| single.runs(names, verb))?;
    if jar.contains(['*', '$']) {
        return None;
    }
    Some(Product {
        split: single.last_work()?,
        base: format!("eclipse-temurin:{}-jre", version(&single.image)?),
        why: "a Java program needs a runtime and no compiler".to_owned(),
        files: vec![("build", absolute(Some(&single.cwd), jar)?)],
        known: vec![run],
        has_shell: true,
        user: may_be_rootless(single).then_some("1000:1000"),
        ..Product::default()
    })
}

/// The Java version in a tag: `21` of `eclipse-temurin:21-jdk`, `maven:3.9-eclipse-temurin-21`, `gradle:8-jdk17`.
fn version(image: &str) -> Option<String> {
    let tag = tag(image)?;
    let after = |lead: &str| {
        tag.split_once(lead)
            .and_then(|(_, rest)| digits(rest.trim_start_matches('-')))
    };
    match name(image) {
        "eclipse-temurin" | "openjdk" | "amazoncorretto" => digits(tag),
        "maven" | "gradle" => after("temurin-")
            .or_else(|| after("openjdk-"))
            .or_else(|| after("corretto-"))
            .or_else(|| after("jdk")),
        _ => None,
    }
}
