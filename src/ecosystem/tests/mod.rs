//! What each ecosystem says of its commands, case by case.
//!
//! Never: is part of the program.

use super::files::tests::Fixture;
use super::{Answer, Call, Role, plan};
use crate::tree::RepoPath;
use std::collections::BTreeMap;

mod traps;

/// Runs `command` in `dir` of a tree; gives `move | prefetch LINE | whole REASON | none`, the needs, the doubts.
fn answer(files: &[(&str, &str)], dir: &str, command: &str) -> (String, Vec<String>, Vec<String>) {
    let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    let env = BTreeMap::from([("MIX_ENV".to_owned(), "prod".to_owned())]);
    let dir = RepoPath::new(dir);
    Fixture::new(files).with(|files| {
        let call = Call {
            words: &words,
            env: &env,
            files: *files,
            dir: &dir,
            root: "/app",
        };
        match plan(&call) {
            None => ("none".to_owned(), Vec::new(), Vec::new()),
            Some(Answer::Whole { reason, .. }) => {
                (format!("whole {reason}"), Vec::new(), Vec::new())
            }
            Some(Answer::Plan(plan)) => {
                let needs = plan.needs.files.iter().map(ToString::to_string).collect();
                let said = match plan.role {
                    Role::Install => "move".to_owned(),
                    Role::Prefetch(line) => format!("prefetch {line}"),
                    Role::PrefetchThen { line, option } => {
                        format!("prefetch {line}, then {option}")
                    }
                };
                (said, needs, [plan.needs.doubts, plan.needs.absent].concat())
            }
        }
    })
}

/// The line of cargo-chef for `command`.
fn recipe_of(files: &[(&str, &str)], dir: &str, command: &str) -> Option<String> {
    let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    Fixture::new(files).with(|files| {
        let call = Call {
            words: &words,
            env: &BTreeMap::new(),
            files: *files,
            dir: &RepoPath::new(dir),
            root: "/app",
        };
        Some(super::recipe(&call)?.cook)
    })
}

fn check(files: &[(&str, &str)], command: &str, said: &str, needs: &[&str]) {
    let (found, found_needs, doubts) = answer(files, "", command);
    assert_eq!(found, said, "{command}");
    assert_eq!(found_needs, needs, "{command}");
    assert_eq!(doubts, Vec::<String>::new(), "{command}");
}

fn check_doubt(files: &[(&str, &str)], command: &str, part: &str) {
    let (_, _, doubts) = answer(files, "", command);
    assert!(
        doubts.iter().any(|d| d.contains(part)),
        "{command}: {doubts:?}"
    );
}

fn check_whole(files: &[(&str, &str)], command: &str, part: &str) {
    let (found, _, _) = answer(files, "", command);
    assert!(
        found.starts_with("whole ") && found.contains(part),
        "{command}: {found}"
    );
}

#[test]
fn npm_reads_what_its_scripts_and_workspaces_name() {
    let plain = [
        ("package.json", "{}"),
        ("package-lock.json", "{}"),
        (".npmrc", ""),
        ("src/a.js", ""),
    ];
    check(
        &plain,
        "npm ci --omit=dev",
        "move",
        &[".npmrc", "package-lock.json", "package.json"],
    );
    check(&plain, "npm install -g pnpm", "none", &[]);
    check(&plain, "npm run build", "none", &[]);
    check(&plain, "npm install express", "none", &[]);
    let with = |manifest: &'static str| {
        vec![
            ("package.json", manifest),
            ("package-lock.json", "{}"),
            ("patches/a.patch", ""),
            ("prisma/schema.prisma", ""),
            ("scripts/setup.js", "require('./lib')"),
            ("scripts/lib.js", "module.exports = 1"),
            (
                "packages/a/package.json",
                r#"{"scripts":{"prepare":"tsc -b"}}"#,
            ),
            ("lib/x/package.json", "{}"),
            ("lib/x/index.js", ""),
        ]
    };
    let both = ["package-lock.json", "package.json"];
    let plus = |more: &[&'static str]| {
        let mut all: Vec<&str> = both.iter().chain(more).copied().collect();
        all.sort_unstable();
        all
    };
    check(
        &with(r#"{"scripts":{"postinstall":"patch-package"}}"#),
        "npm ci",
        "move",
        &plus(&["patches/a.patch"]),
    );
    check(
        &with(r#"{"scripts":{"prepare":"husky install || true"}}"#),
        "npm ci",
        "move",
        &both,
    );
    check(
        &with(r#"{"scripts":{"postinstall":"npx prisma generate"}}"#),
        "npm ci",
        "move",
        &plus(&["prisma/schema.prisma"]),
    );
    check(
        &with(r#"{"dependencies":{"@prisma/client":"5"}}"#),
        "npm ci",
        "move",
        &plus(&["prisma/schema.prisma"]),
    );
    check(
        &with(r#"{"scripts":{"preinstall":"node ./scripts/setup.js"}}"#),
        "npm ci",
        "move",
        &plus(&["scripts/lib.js", "scripts/setup.js"]),
    );
    check(
        &with(r#"{"dependencies":{"x":"file:lib/x"}}"#),
        "npm ci",
        "move",
        &plus(&["lib/x/index.js", "lib/x/package.json"]),
    );
    check_whole(
        &with(r#"{"scripts":{"prepare":"npm run build","build":"tsc"}}"#),
        "npm ci",
        "reads the source",
    );
    check(
        &with(r#"{"scripts":{"prepare":"npm run build","build":"tsc"}}"#),
        "npm ci --ignore-scripts",
        "move",
        &both,
    );
    check_whole(
        &with(r#"{"workspaces":["packages/*"]}"#),
        "npm ci",
        "reads the source",
    );
    let asks = r#"{"scripts":{"preinstall":"node -e \"if (a.indexOf('yarn') < 0) throw new Error('no; yarn')\""}}"#;
    check(
        &with(asks),
        "npm ci",
        "move",
        &["package-lock.json", "package.json"],
    );
    let conditions = [
        "if [ -d .git ]; then git config core.hooksPath .githooks; fi",
        "[ -n \\\"$CI\\\" ] || husky",
        "test \\\"$NODE_ENV\\\" = production && exit 0; husky > /dev/null 2>&1",
    ];
    for text in conditions {
        let manifest = format!(r#"{{"scripts":{{"prepare":"{text}"}}}}"#);
        let tree = [("package.json", manifest.as_str())];
        check(&tree, "npm i", "move", &["package.json"]);
    }
    check_doubt(
        &with(r#"{"scripts":{"prepare":"[ -f scripts/lib.js ] && husky"}}"#),
        "npm ci",
        "scripts/lib.js",
    );
    check_doubt(
        &with(r#"{"scripts":{"preinstall":"node -e \"require('./tools')\""}}"#),
        "npm ci",
        "preinstall",
    );
    check_doubt(
        &with(r#"{"scripts":{"postinstall":"our-tool --all"}}"#),
        "npm ci",
        "our-tool",
    );
    check_doubt(
        &with(r#"{"scripts":{"postinstall":"node missing.js"}}"#),
        "npm ci",
        "missing.js",
    );
    check_doubt(&with("{"), "npm ci", "JSON");
    let (said, needs, _) = answer(
        &[("web/package.json", "{}"), ("web/package-lock.json", "{}")],
        "",
        "npm ci --prefix ./web",
    );
    assert_eq!(
        (said.as_str(), needs),
        (
            "move",
            vec![
                "web/package-lock.json".to_owned(),
                "web/package.json".to_owned()
            ]
        )
    );
}

#[test]
fn yarn_pnpm_and_bun_read_their_settings() {
    let yarn = [
        (
            "package.json",
            r#"{"workspaces":{"packages":["packages/*"]}}"#,
        ),
        ("yarn.lock", ""),
        (
            ".yarnrc.yml",
            "yarnPath: .yarn/releases/yarn-4.cjs\nplugins:\n  - path: .yarn/plugins/p.cjs\n",
        ),
        (".yarn/releases/yarn-4.cjs", ""),
        (".yarn/plugins/p.cjs", ""),
        ("packages/a/package.json", "{}"),
        ("packages/a/src/x.ts", ""),
    ];
    let all = [
        ".yarn/plugins/p.cjs",
        ".yarn/releases/yarn-4.cjs",
        ".yarnrc.yml",
        "package.json",
        "packages/a/package.json",
        "yarn.lock",
    ];
    check(&yarn, "yarn install --immutable", "move", &all);
    check(&yarn, "yarn", "move", &all);
    check(&yarn, "yarn build", "none", &[]);
    check_doubt(&yarn[..3], "yarn", "yarn-4.cjs");
    let pnpm = [
        (
            "package.json",
            r#"{"pnpm":{"patchedDependencies":{"a@1":"patches/a.patch"}}}"#,
        ),
        ("pnpm-lock.yaml", ""),
        (
            "pnpm-workspace.yaml",
            "packages:\n  - 'apps/*'\n  - '!apps/old'\n",
        ),
        ("patches/a.patch", ""),
        (".npmrc", ""),
        ("apps/web/package.json", "{}"),
        ("apps/old/package.json", "{}"),
    ];
    let all = [
        ".npmrc",
        "apps/web/package.json",
        "package.json",
        "patches/a.patch",
        "pnpm-lock.yaml",
        "pnpm-workspace.yaml",
    ];
    check(&pnpm, "pnpm install --frozen-lockfile", "move", &all);
    check(
        &pnpm,
        "pnpm fetch --prod",
        "move",
        &[".npmrc", "pnpm-lock.yaml", "pnpm-workspace.yaml"],
    );
    check(&pnpm, "pnpm -r build", "none", &[]);
    check(
        &[
            ("package.json", "{}"),
            ("bun.lockb", ""),
            ("bunfig.toml", ""),
        ],
        "bun install",
        "move",
        &["bun.lockb", "bunfig.toml", "package.json"],
    );
}

#[test]
fn pip_reads_groups_where_they_stand() {
    let tree = [
        ("pyproject.toml", "[dependency-groups]\ndev = [\"a\"]"),
        ("b.toml", "x = 'a @ file:///app/c'"),
    ];
    check(
        &tree,
        "pip install --group dev",
        "move",
        &["pyproject.toml"],
    );
    check(
        &tree,
        "pip install --group=pyproject.toml:dev",
        "move",
        &["pyproject.toml"],
    );
    check_whole(
        &tree,
        "pip install --group api/pyproject.toml:dev",
        "api/pyproject.toml",
    );
    check_whole(
        &tree,
        "pip install --group b.toml:dev",
        "lie in the repository",
    );
}

#[test]
fn pip_follows_includes_and_leaves_the_project_alone() {
    let tree = [
        (
            "requirements.txt",
            "-r base.txt\nflask==3 # web\n-c limits/c.txt\n",
        ),
        ("base.txt", "./vendor/lib.whl\nrequests @ https://x/y.whl"),
        ("limits/c.txt", "-r more.txt"),
        ("limits/more.txt", ""),
        ("vendor/lib.whl", ""),
        ("dev.txt", "-e .\n"),
        ("app.py", ""),
    ];
    let all = [
        "base.txt",
        "limits/c.txt",
        "limits/more.txt",
        "requirements.txt",
        "vendor/lib.whl",
    ];
    check(
        &tree,
        "pip install --no-cache-dir -r requirements.txt",
        "move",
        &all,
    );
    check(&tree, "pip3 install -rrequirements.txt", "move", &all);
    check_whole(&tree, "pip install -r dev.txt", "the project itself");
    check_whole(&tree, "pip install .", "from its source");
    check(
        &tree,
        "pip install -r requirements.txt -e .",
        "prefetch pip install -r requirements.txt",
        &all,
    );
    check_whole(&tree, "pip install gunicorn", "names its packages");
    check_whole(&tree, "pip install -r gone.txt", "gone.txt");
    check_doubt(
        &[("a.txt", "-r gone.txt")],
        "pip install -r a.txt",
        "gone.txt",
    );
}

#[test]
fn poetry_uv_pipenv_and_conda_know_when_the_project_is_built() {
    let poetry = [
        ("pyproject.toml", "[tool.poetry]\nreadme = 'README.md'\n"),
        ("poetry.lock", ""),
        ("README.md", ""),
        ("LICENSE", ""),
    ];
    check(
        &poetry,
        "poetry install --no-root --only main",
        "move",
        &["poetry.lock", "pyproject.toml"],
    );
    check(
        &poetry,
        "poetry install --only main",
        "prefetch poetry install --only main --no-root",
        &["poetry.lock", "pyproject.toml"],
    );
    let uv = [
        (
            "pyproject.toml",
            "[project]\nname='a'\nreadme='README.md'\n[build-system]\nrequires=['hatchling']\n",
        ),
        ("uv.lock", ""),
        ("README.md", ""),
    ];
    check(
        &uv,
        "uv sync --frozen",
        "prefetch uv sync --frozen --no-install-project",
        &["pyproject.toml", "uv.lock"],
    );
    check(
        &uv,
        "uv sync --frozen --no-install-project",
        "move",
        &["pyproject.toml", "uv.lock"],
    );
    check_doubt(&uv[..1], "uv sync", "uv.lock");
    let members = [
        (
            "pyproject.toml",
            "[project]\nname='a'\n[tool.uv.workspace]\nmembers=['libs/*']\n",
        ),
        ("uv.lock", ""),
        ("libs/b/pyproject.toml", ""),
    ];
    check(
        &members,
        "uv sync",
        "prefetch uv sync --no-install-workspace",
        &["libs/b/pyproject.toml", "pyproject.toml", "uv.lock"],
    );
    let pipenv = [
        ("Pipfile", "[packages]\na = {path = \"lib/a\"}\n"),
        ("Pipfile.lock", "{}"),
        ("lib/a/setup.py", ""),
    ];
    check(
        &pipenv,
        "pipenv install --deploy --system",
        "move",
        &["Pipfile", "Pipfile.lock", "lib/a/setup.py"],
    );
    check_whole(
        &[(
            "Pipfile",
            "[packages]\na = {path = \".\", editable = true}\n",
        )],
        "pipenv sync",
        "itself",
    );
    let conda = [
        (
            "environment.yml",
            "dependencies:\n  - pip:\n    - -r reqs.txt\n",
        ),
        ("reqs.txt", "a"),
    ];
    check(
        &conda,
        "conda env create -f environment.yml",
        "move",
        &["environment.yml", "reqs.txt"],
    );
}

#[test]
fn a_pyproject_says_which_files_building_it_reads() {
    let text = "[project]\nreadme={file='README.rst'}\nlicense={file='LICENSE'}\nlicense-files=['AUTHORS']\n\
                [tool.setuptools.dynamic]\nversion={file='VERSION'}\n[build-system]\nrequires=['hatch-vcs>=0.3']\n";
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(
        super::python::named_files(&table),
        ["AUTHORS", "LICENSE", "README.rst", "VERSION"]
    );
    assert_eq!(super::python::reads_git(&table), Some("hatch-vcs"));
}

#[test]
fn maven_takes_parents_modules_and_the_wrapper() {
    let one = [
        ("pom.xml", "<project><artifactId>a</artifactId></project>"),
        ("ci.xml", ""),
        ("src/A.java", ""),
    ];
    check(
        &one,
        "mvn clean package -DskipTests",
        "prefetch mvn -B dependency:go-offline",
        &["pom.xml"],
    );
    check(
        &one,
        "mvn -B -Pprod -s ci.xml verify",
        "prefetch mvn -B -Pprod -s ci.xml dependency:go-offline",
        &["ci.xml", "pom.xml"],
    );
    check(&one, "mvn dependency:go-offline", "move", &["pom.xml"]);
    check(&one, "mvn --version", "none", &[]);
    check_whole(&one[2..], "mvn package", "no pom.xml");
    let many = [
        (
            "pom.xml",
            "<project><artifactId>up</artifactId><modules><module>a</module><module>b</module></modules></project>",
        ),
        (
            "a/pom.xml",
            "<project><parent><artifactId>up</artifactId></parent><artifactId>a</artifactId></project>",
        ),
        (
            "b/pom.xml",
            "<project><artifactId>b</artifactId><dependencies><dependency><artifactId>a</artifactId></dependency></dependencies></project>",
        ),
        (".mvn/extensions.xml", ""),
        ("mvnw", ""),
        (".mvn/wrapper/maven-wrapper.properties", ""),
    ];
    let (said, needs, doubts) = answer(&many, "", "./mvnw package");
    assert_eq!(
        said,
        "prefetch sh ./mvnw -B dependency:go-offline --fail-never"
    );
    assert_eq!(
        needs,
        [
            ".mvn/extensions.xml",
            ".mvn/wrapper/maven-wrapper.properties",
            "a/pom.xml",
            "b/pom.xml",
            "mvnw",
            "pom.xml"
        ]
    );
    assert!(doubts[0].contains("depend on one another"));
    check_doubt(
        &[(
            "pom.xml",
            "<project><modules><module>gone</module></modules></project>",
        )],
        "mvn package",
        "gone",
    );
}

#[test]
fn gradle_takes_settings_catalogs_build_logic_and_init_scripts() {
    let tree = [
        ("settings.gradle.kts", ""),
        ("app/build.gradle.kts", ""),
        ("gradle/libs.versions.toml", ""),
        ("gradle/wrapper/gradle-wrapper.jar", ""),
        ("gradlew", ""),
        ("buildSrc/src/main/kotlin/X.kt", ""),
        ("init.gradle", ""),
        ("app/src/A.kt", ""),
    ];
    check(
        &tree,
        "./gradlew -I init.gradle build -x test",
        "prefetch sh ./gradlew --no-daemon -I init.gradle dependencies",
        &[
            "app/build.gradle.kts",
            "buildSrc/src/main/kotlin/X.kt",
            "gradle/libs.versions.toml",
            "gradle/wrapper/gradle-wrapper.jar",
            "gradlew",
            "init.gradle",
            "settings.gradle.kts",
        ],
    );
    check_doubt(
        &[("build.gradle", "version = 'git describe'.execute()")],
        "gradle build",
        "git",
    );
}

#[test]
fn go_takes_replacements_and_workspaces_and_gains_nothing_from_vendored_trees() {
    let tree = |text| [("go.mod", text), ("go.sum", ""), ("c/go.mod", "module c")];
    check(
        &tree("module a\nreplace (\n\tc => ./c // local\n)\n"),
        "go build -o /x ./cmd",
        "prefetch go mod download",
        &["c/go.mod", "go.mod", "go.sum"],
    );
    for text in [
        "module a\nreplace b => ../b\n",
        "module a\nreplace b => ./b\n",
    ] {
        check_whole(&tree(text), "go build ./cmd", "not in the context");
    }
    check(
        &[("go.mod", ""), ("m.go", "")],
        "go mod tidy",
        "prefetch go mod download",
        &["go.mod"],
    );
    check(
        &[
            ("go.work", "use (\n ./a\n ./b\n)"),
            ("a/go.mod", ""),
            ("b/go.mod", ""),
            ("go.mod", ""),
        ],
        "go mod download",
        "move",
        &["a/go.mod", "b/go.mod", "go.mod", "go.work"],
    );
    check_whole(
        &[("go.mod", ""), ("vendor/modules.txt", "")],
        "go build",
        "vendored",
    );
    check(
        &[("go.mod", "")],
        "go install example.com/x@v1",
        "none",
        &[],
    );
}

#[test]
fn cargo_stands_in_for_every_target_and_cleans_up() {
    let one = [
        ("Cargo.toml", "[package]\nname='a'\n"),
        ("Cargo.lock", ""),
        ("src/main.rs", ""),
        ("build.rs", ""),
        ("rust-toolchain.toml", ""),
        ("src/x.rs", ""),
    ];
    check(
        &one,
        "cargo build --release --locked",
        "prefetch mkdir -p src \\\n    && echo 'fn main() {}' | tee build.rs src/main.rs > /dev/null \\\n    && cargo build --release --locked \\\n    \
         && cargo clean --release -p a \\\n    && rm build.rs src/main.rs",
        &["Cargo.lock", "Cargo.toml", "rust-toolchain.toml"],
    );
    let many = [
        (
            "Cargo.toml",
            "[workspace]\nmembers=['crates/*']\nexclude=['crates/no']\n",
        ),
        (
            "crates/a/Cargo.toml",
            "[package]\nname='a'\n[dependencies]\nb={path='../b'}\n",
        ),
        ("crates/a/src/main.rs", ""),
        ("crates/b/Cargo.toml", "[package]\nname='b'\n"),
        ("crates/b/src/lib.rs", ""),
        ("crates/no/Cargo.toml", ""),
    ];
    let (said, needs, doubts) = answer(&many, "", "cargo build");
    assert!(
        said.contains("touch crates/b/src/lib.rs")
            && said.contains("cargo clean -p")
            && said.contains("-p a")
            && said.contains("-p b"),
        "{said}"
    );
    assert_eq!(
        needs,
        ["Cargo.toml", "crates/a/Cargo.toml", "crates/b/Cargo.toml"]
    );
    assert_eq!(doubts, Vec::<String>::new());
    // Cargo reads every manifest, and would find this one missing.
    check_whole(
        &[
            (
                "Cargo.toml",
                "[package]\nname='a'\n[dependencies]\nx={path='../x'}\n",
            ),
            ("src/main.rs", ""),
        ],
        "cargo build",
        "outside",
    );
}

#[test]
fn bundler_follows_path_gems_gemspecs_and_version_files() {
    let tree = [
        (
            "Gemfile",
            "ruby file: '.ruby-version'\ngem 'x', path: 'gems/x'\n# gem 'y', path: 'gems/y'\ngemspec\n",
        ),
        ("Gemfile.lock", ""),
        (".ruby-version", ""),
        ("gems/x/x.gemspec", ""),
        ("a.gemspec", "require_relative 'lib/a/version'\n"),
        ("lib/a/version.rb", ""),
        ("lib/a.rb", ""),
    ];
    check(
        &tree,
        "bundle install --jobs 4",
        "move",
        &[
            ".ruby-version",
            "Gemfile",
            "Gemfile.lock",
            "a.gemspec",
            "gems/x/x.gemspec",
            "lib/a/version.rb",
        ],
    );
    check(&tree, "bundle exec rake", "none", &[]);
    check_doubt(
        &[("Gemfile", "gem 'x', path: '../x'")],
        "bundle install",
        "outside",
    );
    check_whole(
        &[("Gemfile", "gem 'x', path: '.'")],
        "bundle install",
        "own gem",
    );
}

#[test]
fn bundler_follows_paths_that_variables_name() {
    let whole = |gemfile: &str, part: &str| {
        check_whole(&[("Gemfile", gemfile)], "bundle install", part);
    };
    // The tests have MIX_ENV set to `prod`, which is as good a variable as any.
    whole("gem 'x', path: ENV.fetch('ENGINE', '.')", "own gem");
    whole("gem 'x', path: ENV['ENGINE'] || '.'", "own gem");
    whole(
        "gemspec name: 'x', path: ENV.fetch('ENGINE', '/engine')",
        "/engine",
    );
    let tree = [
        ("Gemfile", "gem 'x', path: ENV.fetch('MIX_ENV', 'gems/x')\n"),
        ("gems/x/x.gemspec", ""),
        ("prod/x.gemspec", ""),
    ];
    let needs = ["Gemfile", "prod/x.gemspec"];
    check(&tree, "bundle install", "move", &needs);
    let unset = "if ENV['LOCAL']\n  gem 'x', path: ENV['LOCAL']\nelse\n  gem 'x'\nend\n";
    check(
        &[("Gemfile", unset)],
        "bundle install",
        "move",
        &["Gemfile"],
    );
    let (said, ..) = answer(
        &[("sub/Gemfile", "gemspec path: '..'\n"), ("x.gemspec", "")],
        "sub",
        "bundle install",
    );
    assert!(said.contains("own gem"), "{said}");
}

#[test]
fn composer_waits_with_scripts_and_autoloader() {
    let tree = [
        (
            "composer.json",
            r#"{"repositories":[{"type":"path","url":"packages/*"}],"scripts":{"post-install-cmd":"x"}}"#,
        ),
        ("composer.lock", ""),
        ("packages/a/composer.json", ""),
        ("packages/a/src/A.php", ""),
    ];
    let all = [
        "composer.json",
        "composer.lock",
        "packages/a/composer.json",
        "packages/a/src/A.php",
    ];
    check(
        &tree,
        "composer install --no-dev --optimize-autoloader",
        "prefetch composer install --no-dev --no-scripts --no-autoloader",
        &all,
    );
    check(
        &tree,
        "composer install --no-scripts --no-autoloader",
        "move",
        &all,
    );
    check(&tree, "composer dump-autoload", "none", &[]);
}

#[test]
fn nuget_follows_references_and_shared_files() {
    let tree = [
        (
            "App.sln",
            "Project(\"{1}\") = \"Web\", \"src\\Web\\Web.csproj\", \"{2}\"\n",
        ),
        (
            "src/Web/Web.csproj",
            r#"<Project><ItemGroup><ProjectReference Include="..\Lib\Lib.csproj" /></ItemGroup></Project>"#,
        ),
        ("src/Lib/Lib.csproj", "<Project/>"),
        ("src/Other/Other.csproj", "<Project/>"),
        ("Directory.Packages.props", ""),
        ("nuget.config", ""),
        ("global.json", ""),
        ("src/Web/Program.cs", ""),
    ];
    let all = [
        "App.sln",
        "Directory.Packages.props",
        "global.json",
        "nuget.config",
        "src/Lib/Lib.csproj",
        "src/Web/Web.csproj",
    ];
    check(&tree, "dotnet restore", "move", &all);
    check(
        &tree,
        "dotnet publish src/Web/Web.csproj -c Release -r linux-x64 -o /out",
        "prefetch dotnet restore src/Web/Web.csproj -r linux-x64",
        &all[1..],
    );
    check(&tree, "dotnet publish --no-restore", "none", &[]);
}

#[test]
fn mix_reads_configuration_only_to_compile() {
    let tree = [
        ("mix.exs", "@version File.read!(\"VERSION\")\n"),
        ("mix.lock", ""),
        ("VERSION", ""),
        (
            "config/config.exs",
            "import_config \"#{config_env()}.exs\"\n",
        ),
        ("config/prod.exs", ""),
        ("config/dev.exs", ""),
        ("config/runtime.exs", ""),
    ];
    check(
        &tree,
        "mix deps.get --only prod",
        "move",
        &["VERSION", "mix.exs", "mix.lock"],
    );
    check(
        &tree,
        "mix deps.compile",
        "move",
        &[
            "VERSION",
            "config/config.exs",
            "config/prod.exs",
            "mix.exs",
            "mix.lock",
        ],
    );
    check(
        &tree,
        "mix do deps.get, deps.compile",
        "move",
        &[
            "VERSION",
            "config/config.exs",
            "config/prod.exs",
            "mix.exs",
            "mix.lock",
        ],
    );
    for command in ["mix compile", "mix release --overwrite"] {
        let expected = "prefetch mix do deps.get, deps.compile";
        check(
            &tree,
            command,
            expected,
            &[
                "VERSION",
                "config/config.exs",
                "config/prod.exs",
                "mix.exs",
                "mix.lock",
            ],
        );
    }
    check_whole(&tree, "mix phx.digest", "compiles");
    let (found, ..) = answer(
        &tree,
        "",
        "mix do local.rebar --force, local.hex --force, deps.get, release",
    );
    let expected = "prefetch mix do local.rebar --force, local.hex --force, deps.get, deps.compile";
    assert_eq!(found, expected);
    let (found, ..) = answer(&tree, "", "mix do local.rebar --force, local.hex --force");
    assert_eq!(found, "none");
    check(
        &tree,
        "mix do deps.get --only prod, compile",
        "prefetch mix do deps.get --only prod, deps.compile",
        &[
            "VERSION",
            "config/config.exs",
            "config/prod.exs",
            "mix.exs",
            "mix.lock",
        ],
    );
    check(&tree, "mix local.hex --force", "none", &[]);
    let umbrella = [
        ("mix.exs", "apps_path: \"apps\""),
        ("apps/a/mix.exs", ""),
        ("apps/a/lib/a.ex", ""),
    ];
    check(
        &umbrella,
        "mix deps.get",
        "move",
        &["apps/a/mix.exs", "mix.exs"],
    );
}

#[test]
fn tools_with_manifests_of_fixed_names() {
    let dep = [("Gopkg.toml", ""), ("Gopkg.lock", ""), ("main.go", "")];
    let both = ["Gopkg.lock", "Gopkg.toml"];
    check(&dep, "dep ensure --vendor-only", "move", &both);
    check(
        &dep,
        "dep ensure",
        "prefetch dep ensure -vendor-only",
        &both,
    );
    check(&dep, "dep version", "none", &[]);
    check_whole(&[("main.go", "")], "dep ensure", "no Gopkg.toml");
    check_doubt(
        &[("Gopkg.toml", ""), ("bin/dep", "")],
        "bin/dep ensure -vendor-only",
        "bin/dep reads, a program of the project",
    );
    let nim = [("a.nimble", "requires \"x\""), ("src/a.nim", "")];
    check(&nim, "nimble install -y -d", "move", &["a.nimble"]);
    check(
        &nim,
        "nimble build -d:release -y",
        "prefetch nimble install -y -d",
        &["a.nimble"],
    );
    check(&nim, "nimble install other", "none", &[]);
    let stack = [
        ("stack.yaml", "packages:\n- .\n- lib/\n\nflags: {}\n- no"),
        ("package.yaml", ""),
        ("lib/lib.cabal", ""),
        ("no/no.cabal", ""),
        ("app/Main.hs", ""),
    ];
    check(
        &stack,
        "stack build --ghc-options -O2",
        "prefetch stack build --ghc-options -O2 --only-dependencies",
        &["lib/lib.cabal", "package.yaml", "stack.yaml"],
    );
    let cabal = [("a.cabal", ""), ("cabal.project", ""), ("src/A.hs", "")];
    let both = ["a.cabal", "cabal.project"];
    check(&cabal, "cabal build --only-dependencies", "move", &both);
    check(&cabal, "cabal install happy", "none", &[]);
    check(
        &cabal,
        "cabal build exe:a -O2",
        "prefetch cabal build exe:a -O2 --only-dependencies",
        &both,
    );
    let project = [
        (
            "cabal.project",
            "-- ours\npackages: ./ lib/*,\n  tools/x/x.cabal\ntests: True\n",
        ),
        ("a.cabal", ""),
        ("lib/b/b.cabal", ""),
        ("tools/x/x.cabal", ""),
        ("tools/y/y.cabal", ""),
    ];
    check(
        &project,
        "cabal install exe:a --installdir=/out",
        "prefetch cabal build --only-dependencies",
        &[
            "a.cabal",
            "cabal.project",
            "lib/b/b.cabal",
            "tools/x/x.cabal",
        ],
    );
    let zig = [
        ("build.zig", ""),
        (
            "build.zig.zon",
            ".{ .dependencies = .{ .a = .{ .url = \"u\" } } }",
        ),
        ("src/main.zig", ""),
    ];
    check_doubt(&zig, "zig build -Doptimize=ReleaseSafe", "0.12");
    check_whole(&[("build.zig.zon", ".{}")], "zig build", "no dependency");
    let clojure = [("deps.edn", "{}"), ("build.clj", ""), ("src/a.clj", "")];
    check(
        &clojure,
        "clojure -T:build uber",
        "prefetch clojure -P && clojure -P -T:build",
        &["deps.edn"],
    );
    check(&clojure, "clojure -P -M:dev", "move", &["deps.edn"]);
    check(&clojure, "clj script.clj", "none", &[]);
    check(
        &[("shard.yml", ""), ("shard.lock", ""), ("src/a.cr", "")],
        "shards install --production",
        "move",
        &["shard.lock", "shard.yml"],
    );
    check_doubt(&[("shard.yml", "path: ../b")], "shards install", "`path:`");
    check(
        &[
            ("pyproject.toml", ""),
            ("pdm.lock", ""),
            ("README.md", ""),
            ("a.py", ""),
        ],
        "pdm install --prod -G web",
        "prefetch pdm install --prod -G web --no-self",
        &["pdm.lock", "pyproject.toml"],
    );
    let umbrella = [
        ("rebar.config", ""),
        ("apps/a/rebar.config", ""),
        ("apps/a/src/a.app.src", ""),
        ("apps/a/src/a.erl", ""),
    ];
    check_doubt(&umbrella, "rebar3 as prod release", "--deps_only");
    check(
        &umbrella,
        "rebar3 get-deps",
        "move",
        &[
            "apps/a/rebar.config",
            "apps/a/src/a.app.src",
            "rebar.config",
        ],
    );
    check(
        &[("cpanfile", ""), ("app.pl", "")],
        "cpanm --notest --installdeps .",
        "move",
        &["cpanfile"],
    );
    check(
        &[("renv.lock", ""), ("renv/activate.R", ""), ("a.R", "")],
        "Rscript -e renv::restore()",
        "move",
        &["renv.lock", "renv/activate.R"],
    );
}

#[test]
fn the_others_resolve_from_their_manifests() {
    check(
        &[
            ("build.sbt", ""),
            ("project/plugins.sbt", ""),
            ("project/build.properties", ""),
            ("src/A.scala", ""),
        ],
        "sbt assembly",
        "prefetch sbt update",
        &[
            "build.sbt",
            "project/build.properties",
            "project/plugins.sbt",
        ],
    );
    check(
        &[
            ("Package.swift", ".package(path: \"lib\")"),
            ("Package.resolved", ""),
            ("lib/Package.swift", ""),
        ],
        "swift build -c release",
        "prefetch swift package resolve",
        &["Package.resolved", "Package.swift", "lib/Package.swift"],
    );
    check(
        &[
            ("pubspec.yaml", "dependencies:\n  a:\n    path: ../a\n"),
            ("pubspec.lock", ""),
        ],
        "dart pub get",
        "move",
        &["pubspec.lock", "pubspec.yaml"],
    );
    check(
        &[
            ("deno.json", "{}"),
            ("deno.lock", ""),
            ("main.ts", "import './x.ts'"),
        ],
        "deno install",
        "move",
        &["deno.json", "deno.lock"],
    );
    check_whole(
        &[("deno.json", "{}"), ("main.ts", "import './x.ts'")],
        "deno cache main.ts",
        "imports",
    );
    check(
        &[("conanfile.txt", ""), ("conan.lock", "")],
        "conan install . --build=missing",
        "move",
        &["conan.lock", "conanfile.txt"],
    );
    check(&[("a.txt", "b")], "pip-sync a.txt", "move", &["a.txt"]);
}

#[test]
fn rustup_reads_the_toolchain_file_where_it_names_no_toolchain() {
    let free = |files: &[(&str, &str)], command: &str| {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let (env, dir) = (BTreeMap::new(), RepoPath::root());
        Fixture::new(files).with(|files| {
            super::reads_no_project(&Call {
                words: &words,
                env: &env,
                files: *files,
                dir: &dir,
                root: "/app",
            })
        })
    };
    let pinned = &[("rust-toolchain.toml", "")];
    assert!(free(&[], "rustup target add wasm32-wasip1"));
    assert!(free(
        pinned,
        "rustup toolchain install stable --profile minimal"
    ));
    assert!(free(pinned, "rustup target add x --toolchain stable"));
    assert!(!free(pinned, "rustup target add wasm32-wasip1"));
    assert!(!free(pinned, "rustup toolchain install --profile minimal"));
    assert!(!free(pinned, "rustup show"));
}

#[test]
fn context_free_commands_are_told_from_others() {
    let free = |command: &str| {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let (env, dir) = (BTreeMap::new(), RepoPath::root());
        Fixture::new(&[]).with(|files| {
            super::reads_no_project(&Call {
                words: &words,
                env: &env,
                files: *files,
                dir: &dir,
                root: "/app",
            })
        })
    };
    for yes in [
        "apt-get install -y git",
        "apk --no-cache add curl",
        "npm install -g pnpm@9",
        "corepack enable",
        "rm -rf /var/lib/apt/lists/*",
        "pip install --upgrade pip",
        "echo hi",
        "gem install bundler",
        "useradd app",
        "mkdir -p /app/x",
    ] {
        assert!(free(yes), "{yes}");
    }
    for no in [
        "apt-get install ./x.deb",
        "rm -rf node_modules",
        "make",
        "./configure",
        "pip install -r a.txt",
        "npm run build",
        "chmod +x run.sh",
        "cp -r . /x",
        "node build.js",
        "echo *.js",
    ] {
        assert!(!free(no), "{no}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever the manifests and the command say, an answer comes back.
    #[test]
    fn hostile_manifests_do_no_harm(text in ".{0,200}", name in 0usize..12, command in 0usize..14) {
        let names = ["package.json", "pom.xml", "go.mod", "Cargo.toml", "pyproject.toml", "requirements.txt", "Gemfile", "composer.json", "a.csproj", "mix.exs", "build.gradle", "pnpm-workspace.yaml"];
        let commands = ["npm ci", "yarn", "pnpm i", "mvn package", "go build", "cargo build", "poetry install", "uv sync", "pip install -r requirements.txt", "bundle install", "composer install", "dotnet restore", "mix deps.compile", "gradle build"];
        let _ = answer(&[(names[name], &text), ("package.json", "{}")], "", commands[command]);
    }
}
