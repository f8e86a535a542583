//! A year of commits for an application: source changes daily, dependencies weekly, documentation in between.

use super::apps::App;
use super::random::Random;
use crate::dockerfile;

/// One generated commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoCommit {
    /// Committer time, seconds since 1970, UTC.
    pub time: i64,
    /// First line of the message.
    pub subject: String,
    /// Files written, with their bytes.
    pub writes: Vec<(String, String)>,
}

/// Monday 2025-01-06, nine o'clock UTC.
const START: i64 = 1_736_154_000;
const DAY: i64 = 86_400;
const WEEKS: i64 = 52;

/// The application's history, oldest first; the same for ever.
pub fn commits(app: &App) -> Vec<DemoCommit> {
    let mut random = Random::new(app.name.bytes().fold(7, |sum: u64, b| {
        sum.wrapping_mul(131).wrapping_add(u64::from(b))
    }));
    let files = app
        .files
        .iter()
        .map(|path| ((*path).to_owned(), text(path, 0)));
    let mut list = vec![DemoCommit {
        time: START,
        subject: "start".to_owned(),
        writes: files.chain(dockerfiles(app)).collect(),
    }];
    let mut revision = 0;
    for day in 0..WEEKS * 7 {
        if day % 7 >= 5 {
            continue;
        }
        let mut minute = 30;
        for area in app.areas.iter().filter(|area| area.every > 0) {
            if !random.once_in(area.every) {
                continue;
            }
            revision += 1;
            let n = 1 + random.below(area.at_once);
            let first = random.below(area.paths.len());
            let paths =
                (0..n.min(area.paths.len())).map(|i| area.paths[(first + i) % area.paths.len()]);
            minute += 35 + random.below(60) as i64;
            list.push(DemoCommit {
                time: START + day * DAY + minute * 60,
                subject: area.subjects[random.below(area.subjects.len())].to_owned(),
                writes: paths
                    .map(|path| (path.to_owned(), text(path, revision)))
                    .collect(),
            });
        }
    }
    list
}

/// The variants as files, and the first of them that is not malformed as the Dockerfile.
fn dockerfiles(app: &App) -> Vec<(String, String)> {
    let file = |path: String, text: &str| (path, text.to_owned());
    let mut files: Vec<_> = app
        .variants
        .iter()
        .map(|v| file(format!("variants/{}.Dockerfile", v.id), v.dockerfile))
        .collect();
    let accepted = app
        .variants
        .iter()
        .find(|v| dockerfile::parse(v.dockerfile).is_ok());
    files.extend(accepted.map(|v| file("Dockerfile".to_owned(), v.dockerfile)));
    files
}

/// A file's text at a revision: enough to be told apart and to be read as what its name says where something reads it.
fn text(path: &str, revision: usize) -> String {
    match path.rsplit('/').next().unwrap_or(path) {
        "package.json" => format!(
            "{{\n  \"name\": \"app\",\n  \"private\": true,\n  \"scripts\": {{ \"build\": \"vite build\", \"start\": \"vite\" }},\n  \"dependencies\": {{ \"react\": \"^18.{revision}.0\" }}\n}}\n"
        ),
        "package-lock.json" => format!(
            "{{\n  \"name\": \"app\",\n  \"lockfileVersion\": 3,\n  \"packages\": {{ \"node_modules/react\": {{ \"version\": \"18.{revision}.0\" }} }}\n}}\n"
        ),
        "pom.xml" => format!(
            "<project>\n  <modelVersion>4.0.0</modelVersion>\n  <groupId>demo</groupId>\n  <artifactId>app</artifactId>\n  <version>1.0</version>\n  <!-- dependencies, revision {revision} -->\n</project>\n"
        ),
        "go.mod" => format!("module example.test/app\n\ngo 1.23\n\n// revision {revision}\n"),
        "mvnw" => "#!/bin/sh\nexec java -jar .mvn/wrapper/maven-wrapper.jar \"$@\"\n".to_owned(),
        _ => format!("{path}, revision {revision}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::apps;

    #[test]
    fn a_year_of_history_is_the_same_every_time() {
        for app in apps() {
            let list = commits(&app);
            assert_eq!(list, commits(&app));
            assert!(
                (200..700).contains(&list.len()),
                "{}: {} commits",
                app.name,
                list.len()
            );
            assert!(
                list.windows(2).all(|w| w[0].time < w[1].time),
                "{}",
                app.name
            );
        }
    }
}
