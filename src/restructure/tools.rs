//! Installs of tools by name: what is fetched from elsewhere, for everyone, whatever project stands there. Sources: the
//! tools' manuals.
//!
//! Never: an install that takes what it installs from a file beside it.

use crate::ecosystem::is_global;
use crate::shell::Seen;

/// What a package manager takes for a file where a bare word ends so.
const ARCHIVES: &[&str] = &[".gem", ".tar.gz", ".tgz", ".whl", ".zip"];

/// Flags of pip after which a word is an address or a directory of its own, and no requirement.
const PIP_VALUES: &[&str] = &[
    "-i",
    "--index-url",
    "--extra-index-url",
    "--trusted-host",
    "--timeout",
    "--retries",
    "--platform",
    "--python-version",
];

/// Flags of pip by which it reads a file.
const PIP_READS: &[&str] = &[
    "-r",
    "--requirement",
    "-e",
    "--editable",
    "-c",
    "--constraint",
    "--build-constraint",
    "--group",
    "--requirements-from-script",
];

/// Flags of pip that name a directory, or an address with a list of files.
const PIP_LISTS: &[&str] = &["-f", "--find-links"];

/// True for installs of named packages that look at no project file but those of [`settings_beside`].
pub(super) fn is_by_name(seen: &Seen) -> bool {
    let args = seen.args();
    let has = |flag: &str| args.iter().any(|a| a == flag);
    let plain: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|a| !a.starts_with('-'))
        .skip(1)
        .collect();
    let no_paths = plain.iter().all(|a| is_name(a) && !a.contains("://"));
    let names_some = no_paths && !plain.is_empty();
    match (seen.name(), seen.subcommand()) {
        ("npm", "install" | "i" | "add") => is_global(args) && no_paths,
        ("yarn", "global") | ("corepack", "enable") => no_paths,
        // Without a name they take the version from package.json.
        ("corepack", "prepare" | "install") => {
            no_paths && (is_global(args) || plain.iter().any(|a| a.contains('@')))
        }
        ("pnpm", "add" | "install") => is_global(args) && no_paths,
        ("pip" | "pip3", "install") => pip_names(args, 1),
        // Outside of a project's environment, as pip.
        ("uv", "pip") => has("--system") && plain.first() == Some(&"install") && pip_names(args, 2),
        ("uv", "tool") => {
            plain.first() == Some(&"install") && no_paths && !has("--with-requirements")
        }
        // Its own environment and the user's settings, whatever project stands there
        // (python-poetry/poetry src/poetry/console/commands/config.py, self/self_command.py).
        ("poetry", "config") => !has("--local"),
        ("poetry", "self") => {
            no_paths && matches!(plain.first(), Some(&("add" | "remove" | "update")))
        }
        ("pipx", "install") => names_some,
        ("gem", "install") => names_some && !has("-g") && !has("--file"),
        ("go", "install") => !plain.is_empty() && plain.iter().all(|a| a.contains('@')),
        ("cargo", "install" | "binstall" | "auditable") => cargo_names(args),
        ("conda" | "mamba" | "micromamba", "install") => {
            let reads = ["-f", "--file", "--use-local"];
            names_some
                && !reads.iter().any(|f| has(f))
                && !args.iter().any(|a| a.contains("--file="))
        }
        ("dotnet", "tool") => {
            (has("-g") || has("--global") || has("--tool-path"))
                && plain.first() == Some(&"install")
        }
        ("dotnet", "workload") => plain.first() == Some(&"install"),
        ("mix", "local.hex" | "local.rebar") => true,
        ("mix", "archive.install") => plain.first() == Some(&"hex"),
        ("composer", "global") => plain.first() == Some(&"require") && names_some,
        // Without a version it takes the one that .nvmrc names.
        ("nvm", "install") => names_some,
        ("playwright", "install" | "install-deps") | ("cypress", "install") => no_paths,
        ("puppeteer", "browsers") => no_paths && plain.first() == Some(&"install"),
        ("nltk.downloader", _) => args.iter().all(|a| is_name(a)),
        ("spacy", "download") => names_some,
        ("huggingface-cli" | "hf", "download") => !plain.is_empty(),
        (
            "docker-php-ext-install"
            | "docker-php-ext-enable"
            | "docker-php-ext-configure"
            | "install-php-extensions"
            | "pecl"
            | "a2enmod"
            | "a2dismod",
            _,
        ) => true,
        ("rustup", "default" | "target" | "component" | "toolchain") => true,
        _ => asks_toolchain(seen),
    }
}

/// Whether a word of an install names what is installed: no path, no archive that stands there.
fn is_name(word: &str) -> bool {
    let is_file = !word.contains("://") && ARCHIVES.iter().any(|end| word.ends_with(end));
    !word.starts_with(['.', '/', '$']) && !is_file
}

/// Whether all that a pip installs, after its `n_commands` own words, is named, or has an address elsewhere.
fn pip_names(args: &[String], n_commands: usize) -> bool {
    let reads = |a: &String| {
        PIP_READS.contains(&a.split('=').next().unwrap_or(a))
            || a.starts_with("-r")
            || a.starts_with("-c")
    };
    let lists = args
        .windows(2)
        .any(|pair| PIP_LISTS.contains(&pair[0].as_str()) && !pair[1].contains("https://"));
    let joined = args.iter().any(|a| {
        a.strip_prefix("--find-links=")
            .is_some_and(|v| !v.contains("https://"))
    });
    if lists || joined || args.iter().any(reads) {
        return false;
    }
    let mut is_value = false;
    let words = args.iter().map(String::as_str).filter(|word| {
        let skipped = std::mem::replace(
            &mut is_value,
            PIP_VALUES.contains(word) || PIP_LISTS.contains(word),
        );
        !skipped && !word.starts_with('-')
    });
    let words: Vec<&str> = words.skip(n_commands).collect();
    !words.is_empty() && words.iter().all(|w| is_name(w) && !w.contains("file://"))
}

/// Flags of `cargo install` with a value of their own.
const CARGO_VALUES: &[&str] = &[
    "-F",
    "-j",
    "--bin",
    "--branch",
    "--color",
    "--features",
    "--git",
    "--index",
    "--jobs",
    "--profile",
    "--registry",
    "--rev",
    "--root",
    "--tag",
    "--target",
    "--target-dir",
    "--vers",
    "--version",
];

/// Whether all that `cargo install` (or `cargo auditable install`) installs is named, or stands at an address elsewhere.
fn cargo_names(args: &[String]) -> bool {
    let mut before = "";
    let mut words = Vec::new();
    let mut is_fetched = false;
    for word in args.iter().map(String::as_str) {
        let is_value = CARGO_VALUES.contains(&before);
        let address = word
            .strip_prefix("--git=")
            .or((before == "--git").then_some(word));
        match address {
            Some(address) if address.starts_with("https://") => is_fetched = true,
            Some(_) => return false,
            None if word.starts_with("--path") => return false,
            None if !is_value && !word.starts_with(['-', '+']) => words.push(word),
            None => {}
        }
        before = word;
    }
    let verb = words.iter().position(|w| *w != "auditable");
    let Some((verb, named)) = verb.and_then(|n| words[n..].split_first()) else {
        return false;
    };
    let is_all_named = named.iter().all(|w| is_name(w) && !w.contains("://"));
    matches!(*verb, "install" | "binstall") && is_all_named && (is_fetched || !named.is_empty())
}

/// The files by which rustup chooses a toolchain, in the directory where it runs or one above.
pub(super) const TOOLCHAIN_FILES: &[&str] = &["rust-toolchain", "rust-toolchain.toml"];

/// Whether a command only asks for the version of Rust's toolchain, which rustup installs if a file names another.
fn asks_toolchain(seen: &Seen) -> bool {
    let is_asked = |one: &String| matches!(one.as_str(), "--version" | "-V" | "-vV" | "version");
    matches!(seen.name(), "cargo" | "rustc") && matches!(seen.args(), [one] if is_asked(one))
}

/// The files and directories that such an install looks at where it runs.
pub(super) fn settings_beside(seen: &Seen) -> &'static [&'static str] {
    match (seen.name(), seen.subcommand()) {
        // The toolchain that a file beside it or above names (The rustup book, Overrides).
        ("rustup", verb) => {
            let words = seen.args().iter().filter(|a| !a.starts_with('-'));
            let names_one = seen.args().iter().any(|a| a == "--toolchain");
            match verb {
                "component" | "show" | "target" | "which" if !names_one => TOOLCHAIN_FILES,
                "toolchain" if words.count() < 3 => TOOLCHAIN_FILES,
                _ => &[],
            }
        }
        ("rustc", _) => TOOLCHAIN_FILES,
        // rustup goes by the toolchain named there; settings beside it do not count for what is installed for everyone
        // (The Cargo Book, cargo-install: "local configuration discovery is ignored").
        ("cargo", "install" | "auditable") => TOOLCHAIN_FILES,
        ("cargo", _) if asks_toolchain(seen) => TOOLCHAIN_FILES,
        ("cargo", _) => &[".cargo", "rust-toolchain", "rust-toolchain.toml"],
        ("dotnet", _) => &[
            "NuGet.Config",
            "NuGet.config",
            "global.json",
            "nuget.config",
        ],
        ("uv", "pip") => &[".venv", "pyproject.toml", "uv.toml"],
        // A project's own comes before any other.
        ("cypress" | "playwright" | "puppeteer", _) => &["node_modules"],
        _ => &[],
    }
}

/// Whether the program of such an install comes with a package that was itself installed, wherever that is.
pub(super) fn is_of_package(seen: &Seen) -> bool {
    matches!(
        seen.name(),
        "cypress"
            | "hf"
            | "huggingface-cli"
            | "nltk.downloader"
            | "playwright"
            | "puppeteer"
            | "spacy"
    )
}

/// Whether a command copies a repository from elsewhere.
pub(super) fn clones(seen: &Seen) -> bool {
    seen.name() == "git" && seen.subcommand() == "clone" && cloned_into(seen).is_some()
}

/// Flags of `git clone` with a value of their own.
const CLONE_VALUES: &[&str] = &[
    "-b",
    "--branch",
    "-c",
    "--config",
    "--depth",
    "--filter",
    "-j",
    "--jobs",
    "-o",
    "--origin",
    "--shallow-since",
];

/// Where a `git clone` from elsewhere puts what it copies; `None` when it may copy something that stands here.
pub(super) fn cloned_into(seen: &Seen) -> Option<&str> {
    let mut is_value = false;
    let mut words = seen.args().iter().map(String::as_str).filter(|word| {
        let skipped = std::mem::replace(&mut is_value, CLONE_VALUES.contains(word));
        !skipped && !word.starts_with('-')
    });
    words.next().filter(|w| *w == "clone")?;
    let address = words.next()?;
    let is_remote = ["http://", "https://", "ssh://", "git://", "git@"]
        .iter()
        .any(|start| address.starts_with(start));
    let own = address.trim_end_matches('/').rsplit(['/', ':']).next()?;
    let own = own.strip_suffix(".git").unwrap_or(own);
    let rest = words.next();
    (is_remote && words.next().is_none() && !own.is_empty()).then(|| rest.unwrap_or(own))
}

/// Whether a `git clone` says which version it wants.
pub(super) fn is_pinned_clone(seen: &Seen) -> bool {
    let is_branch =
        |a: &String| a == "-b" || a.starts_with("--branch") || a.starts_with("--revision");
    seen.args().iter().any(is_branch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_packages_are_told_from_files() {
        let check = |text: &str, want: bool| {
            let seen = crate::shell::parse(text).seen();
            assert_eq!(is_by_name(&seen[0]), want, "{text}");
        };
        check("pip install 'poetry==1.8' gunicorn", true);
        check(
            "pip install torch --index-url https://download.example.org/cpu",
            true,
        );
        check("pip install git+https://example.org/a/b@v1", true);
        check(
            "pip install -i https://example.org/simple -r requirements.txt",
            false,
        );
        check("pip install --index-url https://example.org/simple", false);
        check("pip install --upgrade pip", true);
        check("pip install .", false);
        check("pip install a-1.0-py3-none-any.whl", false);
        check("pip install file:///src/a", false);
        check("pip install torch -f https://example.org/list.html", true);
        check("pip install a -f wheels", false);
        check("pip install --group dev", false);
        check("pip install a --group=api/pyproject.toml:dev", false);
        check("pip install --requirements-from-script a.py", false);
        check("pip install a --find-links=wheels", false);
        check("uv pip install --system ruff", true);
        check("uv pip install ruff", false);
        check("npm install -g pnpm@9", true);
        check("npm install -g tool.tgz", false);
        check("cargo install just --version 1.2", true);
        check("cargo install --path .", false);
        check("cargo install --root /usr/local just", true);
        check(
            "cargo install --git https://example.org/a/b --rev 1a2b tool",
            true,
        );
        check("cargo install --git=https://example.org/a/b", true);
        check("cargo install --git ../b", false);
        check("cargo install --git $URL", false);
        check("cargo install", false);
        check("cargo auditable install --locked just", true);
        check("cargo auditable build", false);
        check("conda install -y numpy=1.26", true);
        check("conda install -y --file spec.txt", false);
        check("poetry config virtualenvs.create false", true);
        check("poetry config --local virtualenvs.create false", false);
        check("poetry self add poetry-plugin-export", true);
        check("poetry self add ./plugin", false);
        check("poetry add requests", false);
        check("dotnet tool install --global dotnet-ef", true);
        check("dotnet tool restore", false);
        check("mix local.hex --force", true);
        check("mix deps.get", false);
        check("nvm install 20", true);
        check("nvm install", false);
        check("npx playwright install --with-deps chromium", true);
        check("python -m nltk.downloader punkt", true);
        check("python -m spacy download en_core_web_sm", true);
    }

    #[test]
    fn a_clone_from_elsewhere_has_a_place() {
        let check = |text: &str, want: Option<&str>| {
            let seen = crate::shell::parse(text).seen();
            assert_eq!(cloned_into(&seen[0]), want, "{text}");
        };
        check("git clone https://example.org/a/tool.git", Some("tool"));
        check(
            "git clone --depth 1 -b v1 https://example.org/a/tool /opt/t",
            Some("/opt/t"),
        );
        check("git clone git@example.org:a/tool.git", Some("tool"));
        check("git clone . /copy", None);
        check("git clone file:///src/a", None);
        check("git checkout v1", None);
    }
}
