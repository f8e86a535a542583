//! Platforms: what is built for, and what the builder's machine runs itself.

/// The platform of the builder's machine.
pub const BUILD_PLATFORM: &str = "linux/amd64";

/// OS, architecture and variant of `linux/arm/v7`; empty where not given.
pub(super) fn parts(platform: &str) -> [&str; 3] {
    let mut parts = platform.splitn(3, '/');
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// The platform that `text` names, as the builder writes it; `None` where it is none. An architecture alone is of Linux
/// (containerd/platforms `Parse`, `normalizeArch`).
pub fn platform(text: &str) -> Option<String> {
    let is_word = |word: &str| {
        let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        !word.is_empty() && word.len() <= 32 && word.chars().all(is_known)
    };
    let words: Vec<String> = text.split('/').map(str::to_ascii_lowercase).collect();
    if !words.iter().all(|w| is_word(w)) {
        return None;
    }
    match words.as_slice() {
        [alone] if alone == "linux" => Some(BUILD_PLATFORM.to_owned()),
        [alone] => Some(format!("linux/{}", architecture(alone))),
        [os, named] => Some(format!("{os}/{}", architecture(named))),
        [os, named, variant] => Some(format!("{os}/{}/{variant}", architecture(named))),
        _ => None,
    }
}

fn architecture(name: &str) -> &str {
    match name {
        "x86_64" | "x86-64" => "amd64",
        "aarch64" => "arm64",
        "armhf" => "arm/v7",
        "armel" => "arm/v6",
        "i386" => "386",
        other => other,
    }
}

/// Whether the builder's machine runs the programs of a platform itself; others it emulates (moby/buildkit
/// solver/llbsolver/ops/exec_binfmt.go `getEmulator`). A machine for amd64 runs 386 too.
pub fn is_native(text: &str) -> bool {
    let Some(platform) = platform(text) else {
        return true;
    };
    matches!(parts(&platform)[1], "amd64" | "386")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_written_as_the_builder_does() {
        for (text, want) in [
            ("linux/amd64", Some("linux/amd64")),
            ("arm64", Some("linux/arm64")),
            ("linux/aarch64", Some("linux/arm64")),
            ("Linux/ARM/v7", Some("linux/arm/v7")),
            ("x86_64", Some("linux/amd64")),
            ("linux", Some("linux/amd64")),
            ("", None),
            ("linux/", None),
            ("linux/amd64,linux/arm64", None),
            ("a/b/c/d", None),
        ] {
            assert_eq!(platform(text).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn other_architectures_are_emulated() {
        for native in [
            "linux/amd64",
            "amd64",
            "linux/x86_64",
            "linux/amd64/v2",
            "linux/386",
        ] {
            assert!(is_native(native), "{native}");
        }
        for emulated in [
            "linux/arm64",
            "arm64",
            "linux/arm/v7",
            "linux/riscv64",
            "linux/s390x",
        ] {
            assert!(!is_native(emulated), "{emulated}");
        }
    }

    #[test]
    fn a_platform_has_three_parts() {
        assert_eq!(parts("linux/arm/v7"), ["linux", "arm", "v7"]);
        assert_eq!(parts("linux/arm64"), ["linux", "arm64", ""]);
        assert_eq!(parts(""), ["", "", ""]);
    }
}
