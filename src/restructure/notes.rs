//! Files that say what an image was built from (`/etc/git_commit`, `/usr/local/share/build-date`): who wants them asks for
//! them by name, wherever they stand.

/// Directories of the system in which such files are put.
const BESIDE: [&str; 8] = [
    "/etc",
    "/usr",
    "/usr/local",
    "/usr/local/etc",
    "/usr/local/share",
    "/usr/share",
    "/var",
    "/var/lib",
];

/// Words of their names.
const SAYS: [&str; 12] = [
    "build",
    "buildinfo",
    "built",
    "commit",
    "date",
    "hash",
    "ref",
    "rev",
    "revision",
    "sha",
    "tag",
    "version",
];

/// Words of names that distributions give files of their own (`/etc/debian_version`, `/etc/os-release`).
const OF_DISTRIBUTIONS: [&str; 13] = [
    "alpine",
    "centos",
    "debian",
    "fedora",
    "gentoo",
    "lsb",
    "os",
    "redhat",
    "release",
    "rocky",
    "slackware",
    "suse",
    "system",
];

/// Whether the name of the file at `path` says that it tells of the build, and no package has one of that name.
pub(super) fn is_note(path: &str) -> bool {
    let Some((directory, name)) = path.rsplit_once('/') else {
        return false;
    };
    let name = name.to_ascii_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has = |of: &[&str]| words.iter().any(|word| of.contains(word));
    BESIDE.contains(&directory) && has(&SAYS) && !has(&OF_DISTRIBUTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_tells_of_the_build_is_told_by_its_name() {
        let check = |path: &str, expected: bool| assert_eq!(is_note(path), expected, "{path}");
        check("/etc/git_commit", true);
        check("/etc/build_date", true);
        check("/usr/local/share/VERSION.txt", true);
        check("/etc/debian_version", false);
        check("/etc/os-release", false);
        check("/etc/passwd", false);
        check("/etc/apt/version", false);
        check("/etc/gitconfig", false);
    }
}
