//! Files that an install reads by way of another file: where a split without them would break the build.

use super::{check, check_doubt, check_whole};

#[test]
fn npm_scripts_that_ask_git_are_a_doubt() {
    let with = |script: &str| format!(r#"{{"scripts":{{"prepare":"{script}"}}}}"#);
    let plain = with("git config core.hooksPath .githooks");
    check_doubt(&[("package.json", &plain)], "npm i", ".git");
    let may_fail = with("git config core.hooksPath .githooks || true");
    check(
        &[("package.json", &may_fail)],
        "npm i",
        "move",
        &["package.json"],
    );
}

#[test]
fn yarn_names_patches_in_dependencies_and_newer_ones_do_not_prepare() {
    let manifest = r#"{"resolutions":{"a@npm:1":"patch:a@npm%3A1#./patches/a.patch"},"scripts":{"prepare":"tsc"}}"#;
    let tree = [
        ("package.json", manifest),
        ("yarn.lock", "__metadata:\n"),
        ("patches/a.patch", ""),
    ];
    let all = ["package.json", "patches/a.patch", "yarn.lock"];
    check(&tree, "yarn install --immutable", "move", &all);
    check(&tree, "yarn workspaces focus --production", "move", &all);
    check_whole(&tree[..1], "yarn", "reads the source");
    check_doubt(&tree[..2], "yarn", "a.patch");
}

#[test]
fn pnpm_fetches_where_scripts_keep_the_install_below() {
    let tree = [
        ("package.json", r#"{"scripts":{"prepare":"tsc"}}"#),
        ("pnpm-lock.yaml", ""),
        (".npmrc", ""),
    ];
    check(
        &tree,
        "pnpm install --frozen-lockfile --prod",
        "prefetch pnpm fetch --prod",
        &[".npmrc", "pnpm-lock.yaml"],
    );
    check_whole(&tree[..1], "pnpm install", "reads the source");
    let pinned = r#"{"packageManager":"pnpm@9","scripts":{"prepare":"tsc"}}"#;
    check_doubt(
        &[("package.json", pinned), tree[1]],
        "pnpm i",
        "pins the version",
    );
}

#[test]
fn requirements_name_directories_of_wheels_and_paths_from_where_pip_runs() {
    let tree = [
        (
            "requirements/prod.txt",
            "-r base.txt\n-c ../limits.txt\n--find-links=../wheels\n",
        ),
        ("requirements/base.txt", "./libs/own\n"),
        ("limits.txt", ""),
        ("wheels/a.whl", ""),
        ("libs/own/setup.py", ""),
        ("app.py", ""),
    ];
    check(
        &tree,
        "pip install -r requirements/prod.txt",
        "move",
        &[
            "libs/own/setup.py",
            "limits.txt",
            "requirements/base.txt",
            "requirements/prod.txt",
            "wheels/a.whl",
        ],
    );
    check_doubt(
        &[("r.txt", "-f wheels\n")],
        "pip install -r r.txt",
        "wheels",
    );
}

#[test]
fn poetry_and_uv_follow_paths_of_old_groups_and_of_members() {
    let poetry = [
        (
            "pyproject.toml",
            "[tool.poetry]\n[tool.poetry.dev-dependencies]\na={path='libs/a'}\n",
        ),
        ("libs/a/a.py", ""),
    ];
    check(
        &poetry,
        "poetry install --no-root",
        "move",
        &["libs/a/a.py", "pyproject.toml"],
    );
    let uv = [
        ("pyproject.toml", "[tool.uv.workspace]\nmembers=['p/*']\n"),
        ("uv.lock", ""),
        (
            "p/a/pyproject.toml",
            "[tool.uv.sources]\nx={path='../../vendor/x'}\n",
        ),
        ("vendor/x/x.py", ""),
    ];
    check(
        &uv,
        "uv sync --locked",
        "prefetch uv sync --locked --no-install-workspace",
        &[
            "p/a/pyproject.toml",
            "pyproject.toml",
            "uv.lock",
            "vendor/x/x.py",
        ],
    );
    let dynamic = "[project]\ndynamic=['dependencies']\n[tool.setuptools.dynamic]\ndependencies={file=['r.txt']}\n";
    check_doubt(
        &[("pyproject.toml", dynamic), ("r.txt", "")],
        "uv pip install -r pyproject.toml",
        "build backend",
    );
}

#[test]
fn maven_config_names_settings() {
    let tree = [
        ("app/pom.xml", "<project/>"),
        (".mvn/maven.config", "-B\n-s\nci/settings.xml\n"),
        ("ci/settings.xml", ""),
    ];
    check(
        &tree,
        "mvn -f app/pom.xml package",
        "prefetch mvn -B -f app/pom.xml dependency:go-offline",
        &[".mvn/maven.config", "app/pom.xml", "ci/settings.xml"],
    );
    check_doubt(&tree[..2], "mvn -f app/pom.xml package", "ci/settings.xml");
}

#[test]
fn gradle_asks_each_project_and_copies_what_scripts_read() {
    let tree = [
        (
            "settings.gradle.kts",
            "include(\":app\", \":lib\")\ninclude(\"lib:core\")\n",
        ),
        (
            "app/build.gradle.kts",
            "version = file(\"../VERSION\").readText()\n",
        ),
        ("lib/build.gradle.kts", ""),
        ("VERSION", ""),
        ("app/src/A.kt", ""),
    ];
    let all = [
        "VERSION",
        "app/build.gradle.kts",
        "lib/build.gradle.kts",
        "settings.gradle.kts",
    ];
    check(
        &tree,
        "gradle build --no-daemon",
        "prefetch gradle --no-daemon dependencies :app:dependencies :lib:dependencies",
        &all,
    );
    check(
        &tree,
        "gradle :app:installDist",
        "prefetch gradle --no-daemon dependencies :app:dependencies",
        &all,
    );
    check_doubt(
        &[("build.gradle", "version = new File(rootDir, name).text\n")],
        "gradle build",
        "reads another file",
    );
}

#[test]
fn nuget_keeps_sources_in_the_repository_and_filters_solutions() {
    let config = r#"<packageSources><add key="l" value="./feed" /><add key="n" value="https://x/index.json" /></packageSources>"#;
    let tree = [
        (
            "A.csproj",
            r#"<Project><Import Project="build/a.props" /></Project>"#,
        ),
        (
            "build/a.props",
            r#"<Project><Import Project="b.props" /></Project>"#,
        ),
        (
            "build/b.props",
            r#"<Project><Import Project="a.props" /></Project>"#,
        ),
        ("nuget.config", config),
        ("feed/x.nupkg", ""),
    ];
    check(
        &tree,
        "dotnet restore",
        "move",
        &[
            "A.csproj",
            "build/a.props",
            "build/b.props",
            "feed/x.nupkg",
            "nuget.config",
        ],
    );
    check_doubt(&tree[..4], "dotnet restore", "feed");
    let filter = [
        (
            "a.slnf",
            r#"{"solution":{"path":"a.sln","projects":["w\\w.csproj"]}}"#,
        ),
        (
            "a.sln",
            "Project(\"{1}\") = \"T\", \"t\\t.csproj\", \"{2}\"\n",
        ),
        ("w/w.csproj", ""),
        ("t/t.csproj", ""),
    ];
    check(
        &filter,
        "dotnet restore a.slnf",
        "move",
        &["a.sln", "a.slnf", "w/w.csproj"],
    );
}

#[test]
fn cargo_builds_a_member_with_the_root_of_its_workspace() {
    let tree = [
        ("Cargo.toml", "[workspace]\nmembers=['server','lib']\n"),
        ("Cargo.lock", ""),
        (
            "server/Cargo.toml",
            "[package]\nname='server'\nversion.workspace=true\n",
        ),
        ("server/src/main.rs", ""),
        ("lib/Cargo.toml", "[package]\nname='lib'\n"),
        ("lib/src/lib.rs", ""),
    ];
    let (said, needs, doubts) = super::answer(&tree, "server", "cargo build --release --offline");
    assert_eq!(
        said,
        "prefetch mkdir -p ../lib/src src \\\n    && touch ../lib/src/lib.rs \\\n    && echo 'fn main() {}' > src/main.rs \\\n    \
         && cargo build --release \\\n    && cargo clean --release -p lib -p server \\\n    && rm ../lib/src/lib.rs src/main.rs"
    );
    assert_eq!(
        needs,
        [
            "Cargo.lock",
            "Cargo.toml",
            "lib/Cargo.toml",
            "server/Cargo.toml"
        ]
    );
    assert_eq!(doubts, Vec::<String>::new());
}

#[test]
fn composer_patches_and_merged_manifests_come_along() {
    let manifest = r#"{"extra":{"patches-file":"c.json","patches":{"a/b":{"why it is":"patches/one.patch"}},
        "merge-plugin":{"include":["modules/*/composer.json"]}}}"#;
    let tree = [
        ("composer.json", manifest),
        (
            "c.json",
            r#"{"patches":{"x/y":{"d":"patches/two.patch","e":"https://h/three.patch"}}}"#,
        ),
        ("patches/one.patch", ""),
        ("patches/two.patch", ""),
        ("modules/a/composer.json", ""),
        ("modules/a/src/A.php", ""),
    ];
    let line = "composer install --no-scripts --no-autoloader";
    check(
        &tree,
        line,
        "move",
        &[
            "c.json",
            "composer.json",
            "modules/a/composer.json",
            "patches/one.patch",
            "patches/two.patch",
        ],
    );
    check_doubt(&tree[..1], line, "patches/one.patch");
    check_doubt(&tree[..1], line, "modules/*/composer.json");
}

#[test]
fn mix_configuration_of_an_umbrella_is_found_by_its_pattern() {
    let tree = [
        ("mix.exs", "apps_path: \"apps\""),
        (
            "config/config.exs",
            "for c <- \"../apps/*/config/config.exs\" |> Path.wildcard() do\n  import_config c\nend\n",
        ),
        ("apps/a/mix.exs", ""),
        ("apps/a/config/config.exs", "import_config \"prod.exs\"\n"),
        ("apps/a/config/prod.exs", ""),
        ("apps/a/lib/a.ex", ""),
    ];
    check(
        &tree,
        "mix deps.compile",
        "move",
        &[
            "apps/a/config/config.exs",
            "apps/a/config/prod.exs",
            "apps/a/mix.exs",
            "config/config.exs",
            "mix.exs",
        ],
    );
}

#[test]
fn go_workspaces_may_be_vendored_or_switched_off() {
    let tree = [
        ("go.work", "use ./a\n"),
        ("a/go.mod", ""),
        ("vendor/modules.txt", ""),
    ];
    check_whole(&tree, "go build ./a", "vendored");
    let makefile = "x:\n\tcd a && GOWORK=off go build\ny:\n\tcd a && go build\n";
    let made = [tree[0], tree[1], tree[2], ("Makefile", makefile)];
    check_whole(&made, "make y", "vendored");
    for off in ["make x", "make y GOWORK=off"] {
        let line = "prefetch cd a && go mod download";
        check(&made, off, line, &["a/go.mod"]);
    }
}

#[test]
fn deno_members_maps_and_entry_points() {
    let tree = [
        (
            "deno.json",
            r#"{"importMap":"./map.json","workspace":["./p/*"]}"#,
        ),
        ("map.json", "{}"),
        ("p/a/deno.json", "{}"),
        ("main.ts", "import './x.ts'"),
    ];
    let all = ["deno.json", "map.json", "p/a/deno.json"];
    check(&tree, "deno install --frozen", "move", &all);
    check(&tree, "deno install -g npm:x", "none", &[]);
    check_doubt(&tree, "deno cache main.ts", "Deno 2");
    check_doubt(&tree[..1], "deno install", "map.json");
}

#[test]
fn swift_and_conan_find_what_they_name() {
    check(
        &[
            (
                "Package.swift",
                ".package(name: \"L\", path: \"Local\"),\n.target(name: \"T\", path: \"Sources/T\")",
            ),
            ("Local/Package.swift", ""),
            ("Sources/T/t.swift", ""),
        ],
        "swift package resolve",
        "move",
        &["Local/Package.swift", "Package.swift"],
    );
    check(
        &[("conanfile.txt", ""), ("profiles/linux", ""), ("a.cpp", "")],
        "conan install --build=missing -pr:h profiles/linux .",
        "move",
        &["conanfile.txt", "profiles/linux"],
    );
}

#[test]
fn bundler_looks_through_directories_that_the_gemfile_globs() {
    let gemfile = "Dir[\"engines/*\"].each { |d| gem d, path: d }\n";
    let tree = [
        ("Gemfile", gemfile),
        ("engines/a/a.gemspec", ""),
        ("engines/a/lib/a.rb", ""),
        ("app/a.rb", ""),
    ];
    let all = ["Gemfile", "engines/a/a.gemspec", "engines/a/lib/a.rb"];
    check(&tree, "bundle install", "move", &all);
    check_doubt(&tree[..1], "bundle install", "computes paths");
    let computed = "gem 'a', path: File.join(__dir__, 'engines/a')\n";
    check_doubt(&[("Gemfile", computed)], "bundle install", "computes paths");
}

#[test]
fn cargo_chef_has_the_options_of_the_build_under_its_own_names() {
    let tree = [
        ("Cargo.toml", "[workspace]\nmembers=['server']\n"),
        ("server/Cargo.toml", "[package]\nname='server'\n"),
        ("server/src/main.rs", ""),
    ];
    let check = |dir: &str, command: &str, expected: Option<&str>| {
        let got = super::recipe_of(&tree, dir, command);
        let expected = expected.map(|e| format!("cargo {e} --recipe-path recipe.json"));
        assert_eq!(got, expected, "{command}");
    };
    let cook = "chef cook --release";
    check("", "cargo build -r -q --color never", Some(cook));
    check(
        "",
        "cargo build --release --frozen -F tls --offline",
        Some("chef cook --release --locked --features tls"),
    );
    check(
        "",
        "cargo +nightly build -Z build-std -j4",
        Some("+nightly chef cook -Z build-std -j4"),
    );
    check(
        "",
        "cargo zigbuild --target x",
        Some("chef cook --zigbuild --target x"),
    );
    check("", "cargo auditable build --release", Some(cook));
    check(
        "",
        "cargo test --no-run -- --nocapture",
        Some("chef cook --tests"),
    );
    check(
        "server",
        "cargo build --release",
        Some("chef cook --release -p server"),
    );
    check(
        "",
        "cargo install --locked --path server --root /out -f",
        Some("chef cook --release --locked -p server"),
    );
    check(
        "",
        "cargo install --path server --debug",
        Some("chef cook -p server"),
    );
    check("", "cargo build --out-dir x", None);
    check("", "/opt/cargo build", None);
    check("server", "cargo build --target-dir t", None);
}

#[test]
fn cargo_looks_at_shared_dependencies_that_a_member_takes_over() {
    let tree = [
        (
            "Cargo.toml",
            "[workspace]\nmembers=['server']\n[workspace.dependencies]\nlib={path='lib'}\ngone={path='gone'}\n",
        ),
        (
            "server/Cargo.toml",
            "[package]\nname='server'\n[dependencies]\nlib={workspace=true}\n",
        ),
        ("server/src/main.rs", ""),
        ("lib/Cargo.toml", "[package]\nname='lib'\n"),
        ("lib/src/lib.rs", ""),
    ];
    let (_, needs, doubts) = super::answer(&tree, "", "cargo build");
    let wanted = ["Cargo.toml", "lib/Cargo.toml", "server/Cargo.toml"];
    assert_eq!(needs, wanted);
    assert_eq!(doubts, Vec::<String>::new());
    let install = "cargo install --path server --config net.offline=false -F a";
    let (said, ..) = super::answer(&tree, "", install);
    let build = "cargo build --release --manifest-path server/Cargo.toml --config net.offline=false --features a";
    assert!(said.contains(build), "{said}");
    let (said, ..) = super::answer(&tree, "", "cargo build --locked");
    assert!(said.contains("asks for a Cargo.lock"), "{said}");
    let cook = Some("cargo chef cook --recipe-path recipe.json".to_owned());
    assert_eq!(super::recipe_of(&tree, "", "cargo build"), cook);
}
