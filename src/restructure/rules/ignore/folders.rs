//! Files in folders that are left out by name: what may take the whole folder reads them too.

use crate::restructure::mentions::holds;
use std::collections::BTreeSet;

/// Folders that hold what is about images, and no source.
const OF_IMAGES: [&str; 12] = [
    ".devcontainer",
    ".docker",
    "ci",
    "container",
    "containers",
    "deploy",
    "deployment",
    "deployments",
    "docker",
    "dockerfiles",
    "images",
    "infra",
];

/// The folders of `names` that a program may take as a whole.
pub(super) fn of_source(names: &[String]) -> BTreeSet<&str> {
    let folders = names.iter().filter_map(|n| Some(n.rsplit_once('/')?.0));
    let is_of_images = |folder: &&str| {
        let lower = folder.to_ascii_lowercase();
        lower.split('/').any(|name| OF_IMAGES.contains(&name))
    };
    folders.filter(|f| !is_of_images(f)).collect()
}

/// So many are named, at most.
pub(super) const MOST_IN_FOLDERS: usize = 12;

/// Whether a RUN's text names what stands at `path`, or the folder that it is in.
pub(super) fn in_text(text: &str, path: &str) -> bool {
    path.split('/')
        .any(|name| holds(text.as_bytes(), name.as_bytes()))
}

/// What a file that reads `name` in `folder` would say: its name, or all that is in the folder or in one above.
pub(super) fn in_folder(folder: &str, name: &str) -> Vec<String> {
    let mut words = vec![name.to_owned()];
    for (at, _) in folder.match_indices('/').chain([(folder.len(), "")]) {
        let folder = &folder[..at];
        let last = folder.rsplit('/').next().unwrap_or(folder);
        for folder in [folder, last] {
            words.push(format!("{folder}/*"));
            words.push(format!("embed {folder}"));
            words.push(format!("all:{folder}"));
            words.push(format!("\"{folder}\""));
            words.push(format!("'{folder}'"));
            words.push(format!("{folder}/\""));
            words.push(format!("{folder}/'"));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_a_folder_takes_what_is_in_it() {
        let check = |text: &str, expected: bool| {
            let words = in_folder("deploy/docker", "api.Dockerfile");
            let is = words.iter().any(|w| holds(text.as_bytes(), w.as_bytes()));
            assert_eq!(is, expected, "{text}");
        };
        check("open('deploy/docker/api.Dockerfile')", true);
        check("//go:embed deploy", true);
        check("//go:embed all:docker", true);
        check("glob(\"docker/*\")", true);
        check("join(\"deploy\", name)", true);
        check("import \"github.com/docker/docker\"", false);
        check("deploy/docker/run.sh", false);
        let names = ["docker/Dockerfile", "src/App/Dockerfile", "Dockerfile"];
        let names = names.map(str::to_owned);
        assert_eq!(of_source(&names), BTreeSet::from(["src/App"]));
        assert!(in_text("cp -r deploy /srv", "deploy/docker/api.Dockerfile"));
        assert!(!in_text("make build", "deploy/docker/api.Dockerfile"));
    }
}
