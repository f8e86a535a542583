//! Commands that bring a program by name: `corepack enable`, `nodeenv`, `mv dep /usr/bin/dep`, `pip install poetry`,
//! `curl https://getcomposer.org/installer | php -- --filename=composer`, `apt-get install nodejs`.
//! Sources: the tools' manuals.

/// Programs that come with something that is called otherwise: by the beginning of its name in a URL or a package.
const COME_WITH: &[(&str, &[&str])] = &[
    ("fnm", OF_NODE),
    ("golang", &["go"]),
    ("mambaforge", &["conda", "mamba"]),
    ("maven", &["mvn"]),
    ("miniconda", &["conda"]),
    ("miniforge", &["conda", "mamba"]),
    ("node", OF_NODE),
    ("nvm", OF_NODE),
    ("pip", &["pip3"]),
    ("ruby", &["bundle", "bundler", "gem"]),
    ("rust", &["cargo"]),
];

/// What an archive of Node.js holds.
const OF_NODE: &[&str] = &["corepack", "node", "npm", "npx"];

/// Whether the command `words` may bring the program called `program`.
pub fn brings(words: &[String], program: &str) -> bool {
    let Some((first, args)) = words.split_first() else {
        return false;
    };
    let name = first.rsplit('/').next().unwrap_or(first);
    let is_idle = matches!(
        name,
        "[" | "cd"
            | "chmod"
            | "chown"
            | "command"
            | "echo"
            | "ls"
            | "mkdir"
            | "printf"
            | "rm"
            | "test"
            | "type"
            | "which"
    );
    if name == program || is_idle {
        return false;
    }
    let is_managed = match name {
        "corepack" => matches!(program, "pnpm" | "pnpx" | "yarn" | "yarnpkg"),
        "n" | "nodeenv" | "nvm" | "fnm" => OF_NODE.contains(&program),
        "asdf" | "mise" | "sdk" | "volta" => args.iter().any(|a| a == "install"),
        _ => false,
    };
    let names_it = |word: &String| {
        let name = word.rsplit('/').next().unwrap_or(word);
        let name = name.split(['=', '@', '<', '>', '~']).next();
        name == Some(program) || (program == "bundle" && name == Some("bundler"))
    };
    // What an option says: `--filename=composer`.
    let says_it = |word: &String| {
        let value = word.strip_prefix('-').and_then(|w| w.split_once('='));
        value.is_some_and(|(_, v)| v.rsplit('/').next() == Some(program))
    };
    let is_system = matches!(
        name,
        "apk" | "apt" | "apt-get" | "aptitude" | "dnf" | "microdnf" | "pacman" | "yum" | "zypper"
    );
    let is_setting = args.iter().any(|w| w == "config");
    let is_of_it = |word: &String| {
        (is_system || word.contains("://")) && !is_setting && tells_of(word, program)
    };
    is_managed
        || args
            .iter()
            .any(|w| names_it(w) || says_it(w) || is_of_it(w))
}

/// Whether a URL or the name of a package is of something by which `program` comes.
fn tells_of(text: &str, program: &str) -> bool {
    let mut parts = text.split(|c: char| !c.is_ascii_alphanumeric());
    parts.any(|part| {
        // `getcomposer`, `rustup`; of short names not any word that holds them.
        let is_own = part == program || (program.len() > 3 && part.contains(program));
        let brings =
            |(with, all): &&(&str, &[&str])| part.starts_with(with) && all.contains(&program);
        is_own || COME_WITH.iter().any(|of| brings(&of))
    })
}

#[cfg(test)]
mod tests {
    use super::brings;

    #[test]
    fn programs_come_by_name() {
        let check = |line: &str, program: &str, want: bool| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(brings(&words, program), want, "{line}");
        };
        check("corepack enable", "pnpm", true);
        check("corepack enable", "npm", false);
        check("nodeenv /opt/node --node=20.1.0", "npm", true);
        check("mv dep /usr/local/bin/dep", "dep", true);
        check("pip install poetry==1.8", "poetry", true);
        check("gem install bundler", "bundle", true);
        check(
            "php -- --install-dir=/usr/local/bin --filename=composer",
            "composer",
            true,
        );
        check(
            "curl -sS https://getcomposer.org/installer",
            "composer",
            true,
        );
        check("curl -sS https://getcomposer.org/installer", "npm", false);
        check("curl https://sh.rustup.rs", "cargo", true);
        check(
            "curl -fsSL https://deb.nodesource.com/setup_20.x",
            "npm",
            true,
        );
        check("curl -LsSf https://astral.sh/uv/install.sh", "uv", true);
        check(
            "curl -o /usr/local/bin/dep https://example.org/x",
            "dep",
            true,
        );
        check("wget -O- https://bun.sh/install", "bun", true);
        check(
            "php -r copy('https://getcomposer.org/installer','c.php');",
            "composer",
            true,
        );
        check("apt-get install -y nodejs", "npm", true);
        check("apk add py3-pip", "pip", true);
        check("cp -r node_modules /srv", "npm", false);
        check(
            "yarn config set registry https://npm.example.org",
            "npm",
            false,
        );
        check("pnpm build", "pnpm", false);
        check("echo pnpm", "pnpm", false);
        check("make ui", "pnpm", false);
    }
}
