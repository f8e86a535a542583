//! Commands over one small tree, as data: what is left of it.

use super::*;

const FILES: [&str; 8] = [
    "app/package.json",
    "app/packages/a/package.json",
    "app/packages/a/src/index.js",
    "app/packages/a/test/package.json",
    "app/packages/b/package.json",
    "app/packages/b/README.md",
    "app/run.sh",
    "usr/src/keep.txt",
];

fn tree() -> Node {
    let mut tree = Node::backed_dir(ContentId::of_bytes(b"image"));
    for path in FILES {
        tree.put(&RepoPath::new(path), Node::of_bytes(path.as_bytes()));
    }
    tree
}

/// The files that are left, blank where a command is not known; those with other bytes or modes have a `*`.
fn left(text: &str) -> Option<String> {
    let before = tree();
    let after = of(text, "/app")?.apply(&before, &mut Reworked::default());
    let mut found = Vec::new();
    let mut open = vec![(RepoPath::root(), after)];
    while let Some((path, node)) = open.pop() {
        match node {
            Node::Dir(dir) => open.extend(
                dir.children()
                    .map(|(name, child)| (path.join(name), child.clone())),
            ),
            node => {
                let is_other = before
                    .get(&path)
                    .is_some_and(|old| old != node && !matches!(old, Node::Opaque(_)));
                found.push(format!("{path}{}", if is_other { "*" } else { "" }));
            }
        }
    }
    found.sort();
    Some(found.join(" "))
}

#[test]
fn what_is_left_after_each_command() {
    let all = || FILES.join(" ");
    let without = |gone: &[&str]| {
        let mut left: Vec<&str> = FILES.into_iter().filter(|f| !gone.contains(f)).collect();
        left.sort_unstable();
        left.join(" ")
    };
    let sources = [FILES[2], FILES[5]];
    let scripts = all().replace("app/run.sh", "app/run.sh*");
    let cases: Vec<(&str, Option<String>)> = vec![
        ("rm -rf packages", Some(without(&FILES[1..6]))),
        (
            "rm -f packages/b/README.md packages/b/none",
            Some(without(&[FILES[5]])),
        ),
        (
            "rm -rf packages/*/src packages/*/test",
            Some(without(&[FILES[2], FILES[3]])),
        ),
        ("cd packages && rm -rf a", Some(without(&FILES[1..4]))),
        (
            "find packages -type f ! -name package.json -delete",
            Some(without(&sources)),
        ),
        (
            "find packages -type f -not -name 'package.json' -print0 | xargs -0 rm -f",
            Some(without(&sources)),
        ),
        (
            r#"find packages \! -name "package.json" -mindepth 2 -maxdepth 2 -print | xargs rm -rf"#,
            Some(without(&[FILES[2], FILES[3], FILES[5]])),
        ),
        (
            r"find . -type f \( -name '*.js' -o -name '*.md' \) -exec rm -f {} +",
            Some(without(&sources)),
        ),
        (
            "find . -name test -type d -prune -exec rm -rf '{}' +",
            Some(without(&[FILES[3]])),
        ),
        (
            "find packages -path 'packages/a/*' -delete",
            Some(without(&FILES[1..4])),
        ),
        ("chmod 755 run.sh", Some(scripts.clone())),
        ("chmod +x ./run.sh", Some(scripts.clone())),
        (
            r"sed -i 's/\r$//' run.sh && chmod +x run.sh",
            Some(scripts.clone()),
        ),
        ("find . -name '*.sh' -exec chmod 755 {} \\;", Some(scripts)),
        (
            "find . -exec touch -a -m -t 201512180130.09 {} \\;",
            Some(all()),
        ),
        ("touch -t 201512180130 run.sh; ls -la || true", Some(all())),
        (
            "mkdir -p /out && cp -r package.json packages/b /out/ && rm -rf /app /usr",
            Some("out/b/README.md out/b/package.json out/package.json".to_owned()),
        ),
        (
            "mv packages/a/src /lib2 && rm -rf /app /usr",
            Some("lib2/index.js".to_owned()),
        ),
        (
            r"mkdir /out && find . -name package.json -exec cp --parents {} /out \; && rm -rf /app /usr",
            Some(
                "out/package.json out/packages/a/package.json out/packages/a/test/package.json \
                 out/packages/b/package.json"
                    .to_owned(),
            ),
        ),
        // What may do something else.
        ("npm ci", None),
        ("rm -rf $HOME/x", None),
        ("rm -rf packages && npm ci", None),
        ("rm -rf packages || exit 1", None),
        ("if true; then rm -rf packages; fi", None),
        ("(cd packages && rm -rf a)", None),
        ("rm -rf packages > log", None),
        ("rm -rf $(cat list)", None),
        ("rm -rf packages/{a,b}", None),
        ("rm -rf packages/[ab]", None),
        ("rm --one-file-system -rf packages", None),
        ("find . -newer x -delete", None),
        ("find . -name x", None),
        ("find . -exec ./run.sh {} +", None),
        ("find . -name x | grep -v y | xargs rm", None),
        (
            "find . -path ./packages -prune -o -name '*.md' -exec rm {} +",
            None,
        ),
        ("find . -empty -delete", None),
        ("cat <<E > x\nE", None),
        ("echo 1 > x", None),
    ];
    let sorted = |text: String| {
        let mut names: Vec<&str> = text.split_whitespace().collect();
        names.sort_unstable();
        names.join(" ")
    };
    for (text, expected) in cases {
        assert_eq!(left(text).map(sorted), expected.map(sorted), "{text}");
    }
}

#[test]
fn what_is_nested_without_end_is_not_read() {
    let nested = format!("find . {}-name x -delete", "! ".repeat(100_000));
    assert!(of(&nested, "/app").is_none());
    let nested = format!("find . {}", "( ".repeat(100_000));
    assert!(of(&nested, "/app").is_none());
}

#[test]
fn what_an_image_may_hold_besides_follows_from_the_command() {
    let apply = |text: &str| {
        of(text, "/usr/src")
            .unwrap()
            .apply(&tree(), &mut Reworked::default())
            .digest()
    };
    let first = apply("find . -name '*.js' -delete");
    assert_eq!(first, apply("find . -name '*.js' -delete"));
    assert_ne!(first, apply("find . -name '*.ts' -delete"));
    assert_ne!(first, tree().digest());
    assert_ne!(apply("rm -rf /usr/src/none"), tree().digest());
    assert_eq!(apply("rm -rf /app/none"), tree().digest());
}
