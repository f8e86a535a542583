//! Which files of the tree have the image built for a platform that the builder's machine emulates.
//!
//! Evidence, not proof: a workflow or script that sets up the emulator and names the platform.

use super::mentions::holds;
use super::passed::building;
use super::view::View;
use crate::graph::is_native;
use crate::tree::RepoPath;

/// What sets the emulator up (docker/setup-qemu-action, tonistiigi/binfmt, multiarch/qemu-user-static).
const EMULATORS: &[&str] = &["binfmt", "qemu"];

/// The first such file, in order, and the first platform that it names.
pub fn emulated_by(view: &View<'_>) -> Option<(String, RepoPath)> {
    building(view).into_iter().find_map(|(path, bytes)| {
        let looked = bytes.as_slice();
        let is_emulator = EMULATORS.iter().any(|e| holds_any_case(looked, e));
        let platform = is_emulator.then(|| platform_in(looked)).flatten()?;
        Some((platform, path))
    })
}

fn holds_any_case(text: &[u8], word: &str) -> bool {
    holds(&text.to_ascii_lowercase(), word.as_bytes())
}

/// The first platform of another machine that is named outside of comments.
fn platform_in(text: &[u8]) -> Option<String> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_');
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().filter(|l| !l.trim_start().starts_with('#'));
    let mut words = lines.flat_map(|line| line.split(move |c: char| !is_of_name(c)));
    let word =
        words.find(|w| w.starts_with("linux/") && w.len() > "linux/".len() && !is_native(w))?;
    Some(word.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_other_platform_is_found() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(platform_in(text.as_bytes()).as_deref(), want, "{text}");
        };
        check("platforms: linux/amd64,linux/arm64", Some("linux/arm64"));
        check(
            "platforms: |\n  linux/amd64\n  linux/arm/v7\n",
            Some("linux/arm/v7"),
        );
        check("--platform \"linux/amd64\"", None);
        check("# platforms: linux/arm64", None);
        check("PATH=/usr/linux/", None);
    }
}
