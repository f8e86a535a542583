//! Which variables programs go by, whatever a project's files say. Sources: the programs' manuals.

use super::super::command::TOOL_PREFIXES;
use crate::ecosystem::READ_BY_TOOLS;

/// What the shell, the C library and whatever writes times go by (reproducible-builds.org/docs/source-date-epoch).
const ALWAYS: &[&str] = &[
    "BASH_ENV",
    "ENV",
    "HOME",
    "HOSTNAME",
    "IFS",
    "LANG",
    "LANGUAGE",
    "LD_*",
    "LC_*",
    "LOGNAME",
    "PATH",
    "PWD",
    "SHELL",
    "SHELLOPTS",
    "SOURCE_DATE_EPOCH",
    "SSL_*",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
];

/// What commands about files, fetching and archives go by, and git (git-scm.com/docs/git, "Environment Variables").
const OF_FILES: &[&str] = &[
    "CURL_*",
    "GIT_ASKPASS",
    "GIT_AUTHOR_*",
    "GIT_COMMITTER_*",
    "GIT_CONFIG*",
    "GIT_DIR",
    "GIT_EXEC_PATH",
    "GIT_HTTP_*",
    "GIT_INDEX_FILE",
    "GIT_LFS_*",
    "GIT_PROXY_*",
    "GIT_SSH*",
    "GIT_SSL_*",
    "GIT_TERMINAL_PROMPT",
    "GIT_TRACE*",
    "GIT_WORK_TREE",
    "GNUPGHOME",
    "GREP_*",
    "GZIP",
    "POSIXLY_CORRECT",
    "TAR_*",
    "UNZIP*",
    "WGET*",
    "XZ_*",
    "ZSTD_*",
];

/// What package managers of the system go by.
const OF_SYSTEM: &[&str] = &[
    "ACCEPT_EULA",
    "APK_*",
    "APT_*",
    "DEBCONF*",
    "DEBIAN*",
    "DNF_*",
    "DPKG*",
    "NEEDRESTART*",
    "RPM_*",
    "UCF_*",
    "YUM*",
    "ZYPP_*",
];

/// What the go command goes by ("go help environment").
const OF_GO: &[&str] = &[
    "GO111MODULE",
    "GO386",
    "GOAMD64",
    "GOARCH",
    "GOARM*",
    "GOAUTH",
    "GOBIN",
    "GOCACHE*",
    "GOCOVERDIR",
    "GODEBUG",
    "GOENV",
    "GOEXPERIMENT",
    "GOFIPS140",
    "GOFLAGS",
    "GOGC",
    "GOINSECURE",
    "GOMAXPROCS",
    "GOMEMLIMIT",
    "GOMODCACHE",
    "GONO*",
    "GOOS",
    "GOPATH",
    "GOPRIVATE",
    "GOPROXY",
    "GOROOT",
    "GOSUMDB",
    "GOTELEMETRY*",
    "GOTMPDIR",
    "GOTOOLCHAIN",
    "GOVCS",
    "GOWORK",
];

/// What compilers, and what calls them, go by (GNU make's manual, "Variables Used by Implicit Rules").
const OF_COMPILERS: &[&str] = &[
    "AR",
    "ARFLAGS",
    "AS",
    "ASFLAGS",
    "CC",
    "CFLAGS",
    "CPPFLAGS",
    "CXX",
    "CXXFLAGS",
    "LDFLAGS",
    "LDLIBS",
    "MAKEFLAGS",
];

/// What programs that build go by, and what they put into what they build: Turborepo ("System environment variables"),
/// Nx ("Environment Variables"), sccache (docs/Configuration.md) and GitHub's cache behind it, ccache, Babel ("env"),
/// Vite, Next.js, Nuxt, Create React App, the Vue CLI, Gatsby, SvelteKit, Expo, Storybook and Angular (their pages on
/// environment variables), Sentry's command ("Configuration"), Gradle ("Build environment"), vergen and shadow-rs,
/// setuptools-scm, and what the forges give their jobs.
const OF_BUILDS: &[&str] = &[
    "ACTIONS_*",
    "ANDROID_*",
    "ANGULAR_*",
    "ASTRO_*",
    "BABEL_*",
    "BROWSERSLIST*",
    "BUILDKIT_*",
    "CCACHE_*",
    "CI",
    "CI_*",
    "CODECOV_*",
    "DISTCC_*",
    "DJANGO_*",
    "ESBUILD_*",
    "ESLINT_*",
    "EXPO_*",
    "FLASK_*",
    "GATSBY_*",
    "GENERATE_SOURCEMAP",
    "GITHUB_*",
    "GITLAB_*",
    "HATCH_*",
    "HUGO_*",
    "INLINE_RUNTIME_CHUNK",
    "JEKYLL_*",
    "KBUILD_*",
    "NEXT_*",
    "NG_*",
    "NITRO_*",
    "NUXT_*",
    "NX_*",
    "ORG_GRADLE_PROJECT_*",
    "PARCEL_*",
    "PBR_*",
    "PUBLIC_*",
    "REACT_APP_*",
    "SCCACHE_*",
    "SECRET_KEY*",
    "SENTRY_*",
    "SHADOW_*",
    "STORYBOOK_*",
    "SVELTE_*",
    "TAILWIND_*",
    "TURBO_*",
    "VERCEL_*",
    "VERGEN_*",
    "VITE_*",
    "VUE_APP_*",
    "VUE_CLI_*",
    "WEBPACK_*",
];

/// Names so general that a build's own files or a package's may read them.
const GENERAL: &[&str] = &[
    "BUILD", "DEBUG", "NAME", "PREFIX", "RELEASE", "REVISION", "TAG", "VERSION",
];

/// Names that MSBuild knows; it takes each variable for a property, in capitals or not
/// (learn.microsoft.com/visualstudio/msbuild, "Use environment variables in a build").
const OF_MSBUILD: &[&str] = &[
    "ASSEMBLYVERSION",
    "BUILDNUMBER",
    "CONFIGURATION",
    "FILEVERSION",
    "INFORMATIONALVERSION",
    "OUTPUTPATH",
    "PACKAGEVERSION",
    "PLATFORM",
    "REVISION",
    "RUNTIMEIDENTIFIER",
    "SOURCEREVISIONID",
    "TARGETFRAMEWORK",
    "VERSION*",
];

/// Prefixes of tools that are names of their own where nothing follows.
const WHOLE: &[&str] = &["CC", "CI", "CXX", "HOME", "LANG", "PATH", "TOKEN", "TZ"];
/// Prefixes of which the lists above say it better.
const SAID: &[&str] = &["BUILDPLATFORM", "GIT_", "GO", "TARGET"];

/// Whether every program goes by `name`.
pub(super) fn always(name: &str) -> bool {
    is_in(ALWAYS, name) || name.to_ascii_uppercase().ends_with("_PROXY")
}

/// Whether commands about files do.
pub(super) fn by_files(name: &str) -> bool {
    always(name) || is_in(OF_FILES, name)
}

/// Whether package managers of the system do.
pub(super) fn by_system(name: &str) -> bool {
    by_files(name) || is_in(OF_SYSTEM, name)
}

/// Whether what only fetches packages does.
pub(super) fn by_fetchers(name: &str) -> bool {
    by_tools(name) && !is_in(OF_COMPILERS, name)
}

/// Whether compilers and installers of packages do, and what the packages run when they are installed.
pub(super) fn by_tools(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let mut prefixes = TOOL_PREFIXES.iter().chain(READ_BY_TOOLS);
    let is_prefix = prefixes.any(|p| {
        let prefix = p.to_ascii_uppercase();
        let is_whole = WHOLE.contains(&prefix.as_str());
        !SAID.contains(&prefix.as_str())
            && upper.starts_with(&prefix)
            && (!is_whole || upper == prefix)
    });
    by_system(name) || is_in(OF_GO, name) || is_prefix
}

/// Whether programs that build a project do.
pub(super) fn by_builds(name: &str) -> bool {
    by_tools(name) || is_in(OF_BUILDS, name)
}

/// Whether MSBuild takes `name` for a property that it knows.
pub(super) fn by_msbuild(name: &str) -> bool {
    is_in(OF_MSBUILD, name) || is_in(OF_MSBUILD, &name.replace('_', ""))
}

/// Whether a package that is compiled when it is installed may read it under this very name.
pub(super) fn is_general(name: &str) -> bool {
    is_in(GENERAL, name)
}

/// Whether `list` has `name`, in capitals or not; `*` stands for whatever follows.
fn is_in(list: &[&str], name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    list.iter().any(|entry| match entry.strip_suffix('*') {
        Some(start) => upper.starts_with(start),
        None => upper == *entry,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_by_who_reads_them() {
        let check = |name: &str, want: [bool; 4]| {
            let is = [
                by_files(name),
                by_system(name),
                by_tools(name),
                by_builds(name),
            ];
            assert_eq!(is, want, "{name}");
        };
        check("PATH", [true; 4]);
        check("https_proxy", [true; 4]);
        check("GIT_SSH_COMMAND", [true; 4]);
        check("DEBIAN_FRONTEND", [false, true, true, true]);
        check("goproxy", [false, false, true, true]);
        check("npm_config_registry", [false, false, true, true]);
        check("RUSTC_WRAPPER", [false, false, true, true]);
        check("TURBO_TEAM", [false, false, false, true]);
        check("BABEL_ENV", [false, false, false, true]);
        check("CI_COMMIT_SHA", [false, false, false, true]);
        check("GIT_COMMIT", [false; 4]);
        check("GOLANGCI_LINT_VERSION", [false; 4]);
        check("TARGETARCH", [false; 4]);
        check("APP_VERSION", [false; 4]);
    }
}
