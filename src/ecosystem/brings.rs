//! Commands that bring a program by name: `corepack enable`, `nodeenv`, `mv dep /usr/bin/dep`, `pip install poetry`.
//! Sources: the tools' manuals.

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
    let of_node = ["node", "npm", "npx", "corepack"];
    let is_managed = match name {
        "corepack" => matches!(program, "pnpm" | "pnpx" | "yarn" | "yarnpkg"),
        "n" | "nodeenv" | "nvm" | "fnm" => of_node.contains(&program),
        "asdf" | "mise" | "sdk" | "volta" => args.iter().any(|a| a == "install"),
        _ => false,
    };
    let names_it = |word: &String| {
        let name = word.rsplit('/').next().unwrap_or(word);
        let name = name.split(['=', '@', '<', '>', '~']).next();
        name == Some(program) || (program == "bundle" && name == Some("bundler"))
    };
    is_managed || args.iter().any(names_it)
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
        check("pnpm build", "pnpm", false);
        check("echo pnpm", "pnpm", false);
        check("make ui", "pnpm", false);
    }
}
