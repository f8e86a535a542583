//! Costs of replays: against the logs of the same builds, and their laws.

use crate::logs::{BUILDS, fixture, one};
use crate::support::case::{Case, RealBuild, fixtures};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};
use stratigraph::builder::Builder;
use stratigraph::cache::{Lookup, MissReason};
use stratigraph::cost::log::{Outcome, read};
use stratigraph::cost::{CostModel, Profile, World, calibrate};
use stratigraph::graph::{Input, Origin, Step, StepId};
use stratigraph::replay::{BuildOutcome, Built, CacheExport, Runner, Steps, replay};

/// The history behind `fixtures/logs`, as a case.
pub(crate) fn history(
    runner: &str,
    cache: Option<&str>,
    git_dir: bool,
    edit: impl Fn(&str) -> String,
) -> Case {
    let mut history: serde_json::Value = serde_json::from_slice(&fixture("history.json")).unwrap();
    for build in history["builds"].as_array_mut().unwrap() {
        if let Some(text) = build["write"]["Dockerfile"].as_str() {
            build["write"]["Dockerfile"] = edit(text).into();
        }
    }
    let case = serde_json::json!({
        "name": "logs", "dockerfile": "Dockerfile", "context": ".", "runner": runner,
        "cache": cache.map(|mode| serde_json::json!({"mode": mode})), "outputs": "stable", "git_dir_in_context": git_dir,
        "builds": history["builds"],
    });
    serde_json::from_value(case).unwrap()
}

pub(crate) fn builds(case: &Case) -> Vec<BuildOutcome> {
    let settings = case.settings(Builder::BuildKit);
    replay(&settings, &case.inputs(&settings)).builds
}

pub(crate) fn built(outcome: &BuildOutcome) -> &Built {
    outcome.result.as_ref().unwrap()
}

static COLD: LazyLock<Profile> = LazyLock::new(|| profile_of(&["buildkit/1-cold.rawjson"]));

fn profile_of(names: &[&str]) -> Profile {
    let logs: Vec<_> = names
        .iter()
        .map(|n| ((*n).to_owned(), read(&fixture(n))))
        .collect();
    calibrate(&logs).profile
}

/// A profile out of one log gives back that log's total when its commit is replayed.
#[test]
fn a_profile_reproduces_its_own_log() {
    let linked = builds(&history("persistent", None, false, str::to_owned));
    let unlinked = builds(&history("persistent", None, false, |text| {
        text.replace("--link ", "")
    }));
    for (form, outcomes) in [
        ("buildkit/N.rawjson", &linked),
        ("buildkit/N.plain", &linked),
        ("buildx/N.dockerbuild", &linked),
        ("buildx/N.rawjson", &linked),
        ("buildx/N.plain", &linked),
        ("dockerd/N.plain", &unlinked),
        ("dockerd/N.plain.stamped", &unlinked),
    ] {
        for (n, name) in BUILDS.iter().enumerate().filter(|(n, _)| *n != 4) {
            let file = form.replace('N', name);
            let model = CostModel {
                profile: profile_of(&[&file]),
                ..CostModel::default()
            };
            let real = one(&fixture(&file)).total_ms.unwrap();
            let cost = model.build(built(&outcomes[n]));
            let off = cost.billed_ms.abs_diff(real);
            // Plain progress tells tenths of a second: below 20 ms there is nothing to compare.
            assert!(
                off * 10 <= real.max(200),
                "{file}: {real} ms in the log, {} ms in the model: {cost:?}",
                cost.billed_ms
            );
        }
    }
}

/// A profile out of one build foretells others: the builds after a change, from the cold one's log.
#[test]
fn the_cold_build_foretells_the_others() {
    let outcomes = builds(&history("persistent", None, false, str::to_owned));
    let model = CostModel {
        profile: profile_of(&["buildkit/1-cold.rawjson"]),
        ..CostModel::default()
    };
    for n in [2, 3] {
        let real = one(&fixture(&format!("buildkit/{}.rawjson", BUILDS[n])))
            .total_ms
            .unwrap();
        let foretold = model.build(built(&outcomes[n]));
        assert_eq!(foretold.run_ms, foretold.measured_ms);
        let log = one(&fixture(&format!("buildkit/{}.rawjson", BUILDS[n])));
        let ran: u64 = log
            .steps
            .iter()
            .filter(|s| s.outcome == Outcome::Ran && !s.is_from())
            .filter_map(|s| s.duration_ms)
            .sum();
        assert!(
            foretold.run_ms.abs_diff(ran) * 10 <= ran,
            "{n}: {ran} ms of steps in the log, foretold {foretold:?}"
        );
        // These builds take a second or two; what a cold build spends around its steps weighs more there than elsewhere.
        assert!(
            foretold.billed_ms.abs_diff(real) * 10 <= real * 3,
            "{n}: {real} ms in the log, foretold {foretold:?}"
        );
    }
}

/// The lookups that a real builder printed, in place of those foretold.
fn as_recorded(outcome: &BuildOutcome, real: &RealBuild) -> Built {
    let mut built = built(outcome).clone();
    for (step, lookup) in built.steps.steps.iter().zip(&mut built.lookups) {
        let flag = real.steps.iter().find(|r| {
            (&r.stage, r.index) == (&step.stage, step.index) && !r.text.starts_with("LINK")
        });
        if let Some(flag) = flag.filter(|_| step.instruction != "FROM") {
            *lookup = if flag.cached {
                Lookup::Hit { build: None }
            } else {
                Lookup::Miss(MissReason::Cold)
            };
        }
    }
    built
}

fn recorded_case(name: &str) -> Case {
    let path = fixtures("recorded/rules").join(name).with_extension("json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Milliseconds of steps in a case's builds, by the replay and by the flags that the real builder printed.
fn run_ms(case: &Case) -> (u64, u64) {
    let settings = case.settings(Builder::BuildKit);
    let model = CostModel {
        runner: settings.runner,
        cache_export: settings.cache_export,
        ..CostModel::default()
    };
    let outcomes = builds(case);
    let foretold = outcomes.iter().map(|o| model.build(built(o)).run_ms).sum();
    let real = outcomes
        .iter()
        .zip(&case.recorded["buildkit"].builds)
        .map(|(o, r)| model.build(&as_recorded(o, r)).run_ms)
        .sum();
    (foretold, real)
}

const MINUTE: u64 = 60_000;

#[test]
fn what_mode_min_costs_a_multi_stage_file_comes_out_in_minutes() {
    let (min, real_min) = run_ms(&recorded_case("ephemeral-min-multi-stage"));
    let (max, real_max) = run_ms(&recorded_case("ephemeral-max-multi-stage"));
    assert_eq!(min - max, real_min - real_max);
    // One build whose source changed installs its packages again.
    assert!(
        (MINUTE / 4..MINUTE * 3).contains(&(min - max)),
        "{min} {max}"
    );
    let (min, _) = run_ms(&recorded_case("ephemeral-min-single-stage"));
    let (max, _) = run_ms(&recorded_case("ephemeral-max-single-stage"));
    assert_eq!(min, max, "a single stage loses nothing");
}

#[test]
fn what_the_git_directory_in_the_context_costs_comes_out_in_minutes() {
    let mut case = recorded_case("git-directory-in-context");
    let (with, real) = run_ms(&case);
    assert_eq!(with, real);
    case.git_dir_in_context = false;
    let (without, _) = run_ms(&case);
    // `make` and what follows, at the one commit that changes nothing a step reads.
    assert!(with - without >= MINUTE / 2, "{with} {without}");
}

/// The final image of a Dockerfile, in bytes, by a profile of the fixtures.
fn image(dockerfile: &str, profile: &str) -> u64 {
    let text = std::fs::read_to_string(fixtures("profiles").join(profile)).unwrap();
    let model = CostModel {
        profile: stratigraph::cost::profile::parse(&text).unwrap(),
        ..CostModel::default()
    };
    let files = [
        "web/package.json",
        "pom.xml",
        "src/a",
        "package.json",
        "package-lock.json",
        "nginx.conf",
        "hello/main.go",
    ];
    let mut write: serde_json::Map<String, serde_json::Value> = files
        .iter()
        .map(|f| ((*f).to_owned(), "x".into()))
        .collect();
    write.insert("Dockerfile".to_owned(), dockerfile.into());
    let case = serde_json::json!({
        "name": "sizes", "dockerfile": "Dockerfile", "context": ".", "runner": "persistent", "cache": null,
        "outputs": "stable", "git_dir_in_context": false, "builds": [{"write": write}],
    });
    let outcomes = builds(&serde_json::from_value(case).unwrap());
    let size = model.image(&built(&outcomes[0]).steps);
    assert_eq!(size.n_estimated, 0, "{dockerfile}");
    size.unpacked
}

#[test]
fn sizes_are_those_of_the_articles() {
    let web =
        "FROM node:20-alpine AS web\nWORKDIR /web\nCOPY web ./\nRUN npm ci && npm run build\n";
    let api = "FROM eclipse-temurin:21-jdk AS api\nWORKDIR /app\nCOPY pom.xml ./\nCOPY src ./src\nCOPY --from=web /web/dist ./src/static\nRUN ./mvnw package\n";
    let jar = "WORKDIR /app\nCOPY --from=api /app/app.jar ./app.jar\n";
    let single = "FROM eclipse-temurin:21-jdk\nWORKDIR /app\nCOPY . .\nRUN ./mvnw package\nRUN apt-get update && apt-get install -y nodejs npm\nWORKDIR /app/web\nRUN npm ci && npm run build\nWORKDIR /app\n";
    let jre = format!(
        "{web}{api}FROM eclipse-temurin:21-jre-alpine\nRUN addgroup -S app && adduser -S app -G app\n{jar}"
    );
    let distroless = format!("{web}{api}FROM gcr.io/distroless/java21-debian12:nonroot\n{jar}");
    assert_eq!(image(single, "spring.toml"), 1_240_000_000);
    assert_eq!(image(&jre, "spring.toml"), 187_000_000);
    assert_eq!(image(&distroless, "spring.toml"), 80_000_000);

    let react = "FROM node:20-alpine\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci --omit=dev\nCOPY . .\n";
    let nginx = "FROM node:20-alpine AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci --omit=dev && npm run build\nFROM nginx:1.27-alpine-slim\nWORKDIR /usr/share/nginx/html\nRUN rm -rf ./*\nCOPY --from=build /app/build .\nCOPY nginx.conf /etc/nginx/conf.d/default.conf\n";
    assert_eq!(image(react, "react-go.toml"), 349_000_000);
    assert_eq!(image(nginx, "react-go.toml"), 13_500_000);

    let go =
        "FROM golang:1.23-alpine AS build\nWORKDIR /app\nCOPY hello .\nRUN go build -o myapp .\n";
    let scratch = format!("{go}FROM scratch\nWORKDIR /app\nCOPY --from=build /app/myapp ./myapp\n");
    assert_eq!(image(go, "react-go.toml"), 280_000_000);
    assert_eq!(image(&scratch, "react-go.toml"), 2_360_000);
}

/// What the last step of a Dockerfile takes by `model` when it runs, in milliseconds.
fn last_step(model: &CostModel, dockerfile: &str) -> u64 {
    let case = serde_json::json!({
        "name": "steps", "dockerfile": "Dockerfile", "context": ".", "runner": "persistent", "cache": null,
        "outputs": "stable", "git_dir_in_context": false,
        "builds": [{"write": {"Dockerfile": dockerfile, "Cargo.toml": "x", "composer.json": "x"}}],
    });
    let outcomes = builds(&serde_json::from_value(case).unwrap());
    let times = model.steps(&built(&outcomes[0]).steps);
    times.last().unwrap().median_ms
}

#[test]
fn a_mount_of_compiled_code_helps_whatever_has_fetched() {
    let text = |mounts: &str| {
        format!(
            "FROM golang:1.23\nWORKDIR /src\nCOPY . .\nRUN go mod download\nRUN {mounts}go build -o /app .\n"
        )
    };
    let (downloads, compiled) = (
        "--mount=type=cache,target=/go/pkg/mod ",
        "--mount=type=cache,target=/root/.cache/go-build ",
    );
    let time = |mounts: &str| last_step(&CostModel::default(), &text(mounts));
    assert!(time(compiled) < time(""));
    assert_eq!(time(downloads), time(""));
    assert_eq!(time(&format!("{downloads}{compiled}")), time(compiled));
}

#[test]
fn a_mount_spares_nothing_that_a_step_below_has_done() {
    let filled = CostModel::default();
    let empty = filled.before_first_build();
    for (below, mount, command) in [
        (
            "cargo chef cook --release",
            "/usr/local/cargo/registry",
            "cargo build --release",
        ),
        (
            "cargo build --release",
            "/src/target",
            "cargo build --release",
        ),
        ("composer install", "/tmp/cache", "composer install"),
    ] {
        let text = |below: &str, flags: &str| {
            format!("FROM rust:1.82\nWORKDIR /src\nCOPY . .\n{below}RUN {flags}{command}\n")
        };
        let (done, mount) = (
            format!("RUN {below}\n"),
            format!("--mount=type=cache,target={mount} "),
        );
        let (alone, plain) = (text("", &mount), text("", ""));
        assert!(
            last_step(&filled, &alone) < last_step(&filled, &plain),
            "{command}: the mount helps"
        );
        let (both, only) = (text(&done, &mount), text(&done, ""));
        assert!(
            last_step(&filled, &only) < last_step(&filled, &plain),
            "{command}: the step below helps"
        );
        assert_eq!(
            last_step(&filled, &both),
            last_step(&filled, &only),
            "{command}: not twice"
        );
        // On top of other work the mount helps as ever, and an empty one nowhere.
        let other = text("RUN echo\n", &mount);
        assert_eq!(
            last_step(&filled, &other),
            last_step(&filled, &alone),
            "{command}"
        );
        assert_eq!(
            last_step(&empty, &alone),
            last_step(&empty, &plain),
            "{command}"
        );
    }
}

/// Random graphs of steps, and what became of each.
fn any_build() -> impl Strategy<Value = Built> {
    let texts = prop::sample::select(vec![
        "RUN npm ci",
        "RUN make",
        "COPY a b",
        "RUN x && y",
        "WORKDIR /w",
        "RUN go build",
        "FROM node:20",
    ]);
    let step = (
        texts,
        prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..3),
        0u8..4,
    );
    prop::collection::vec(step, 1..16).prop_map(|rows| {
        let (mut steps, mut lookups) = (Vec::new(), Vec::new());
        for (n, (text, inputs, outcome)) in rows.into_iter().enumerate() {
            let is_from = text.starts_with("FROM");
            let inputs = inputs
                .into_iter()
                .filter(|_| n > 0 && !is_from)
                .map(|(i, reads)| Input {
                    origin: Origin::Step(StepId(i.index(n))),
                    selectors: reads.then(|| Vec::new().into()),
                });
            steps.push(Step {
                stage: None,
                stage_index: 0,
                index: n + 1,
                total: 16,
                lines: stratigraph::dockerfile::Lines { first: n, last: n },
                instruction: text.split(' ').next().unwrap().to_owned(),
                text: text.to_owned(),
                command: text.strip_prefix("RUN ").unwrap_or_default().to_owned(),
                inputs: inputs.collect(),
                definition: Default::default(),
            });
            lookups.push(match outcome {
                0 => Lookup::Hit { build: None },
                1 => Lookup::Miss(MissReason::Cold),
                2 => Lookup::Miss(MissReason::Input { step: StepId(0) }),
                _ => Lookup::Unknown { why: String::new() },
            });
        }
        let shown = (0..steps.len()).map(StepId).collect();
        Built {
            steps: Arc::new(Steps { steps, shown }),
            lookups,
        }
    })
}

fn any_model() -> impl Strategy<Value = CostModel> {
    let exports = prop::sample::select(vec![
        CacheExport::None,
        CacheExport::Inline,
        CacheExport::Min,
        CacheExport::Max,
    ]);
    (any::<bool>(), exports, any::<bool>(), 0usize..6).prop_map(
        |(ephemeral, cache_export, measured, parallelism)| CostModel {
            profile: if measured {
                COLD.clone()
            } else {
                Profile::default()
            },
            runner: if ephemeral {
                Runner::Ephemeral
            } else {
                Runner::Persistent
            },
            cache_export,
            parallelism,
            ..CostModel::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn wall_time_never_exceeds_billed_time(built in any_build(), model in any_model(), draw in 0u64..200) {
        for world in [World::median(), World::draw(draw)] {
            let cost = model.build_in(&built, world);
            prop_assert!(cost.wall_ms <= cost.billed_ms);
            prop_assert!(cost.measured_ms <= cost.run_ms);
            prop_assert_eq!(cost.n_run + cost.n_hit, built.steps.steps.iter().filter(|s| s.instruction != "FROM").count() as u64);
        }
    }

    #[test]
    fn a_build_that_hits_everywhere_costs_no_step_time(built in any_build(), model in any_model(), draw in 0u64..200) {
        let hits = Built { lookups: vec![Lookup::Hit { build: None }; built.lookups.len()], ..built };
        let cost = model.build_in(&hits, World::draw(draw));
        prop_assert_eq!((cost.run_ms, cost.pull_ms, cost.pulled_bytes, cost.pushed_bytes, cost.cached_bytes, cost.n_run), (0, 0, 0, 0, 0, 0));
    }

    #[test]
    fn more_parallelism_never_makes_wall_time_longer(built in any_build(), model in any_model(), draw in 0u64..200) {
        let wall = |parallelism| CostModel { parallelism, ..model.clone() }.build_in(&built, World::draw(draw)).wall_ms;
        let walls: Vec<u64> = (1..18).map(wall).collect();
        prop_assert!(walls.windows(2).all(|w| w[1] <= w[0]), "{:?}", walls);
        prop_assert_eq!(wall(17), wall(0));
    }

    #[test]
    fn scaling_all_durations_scales_all_costs(built in any_build(), model in any_model(), factor in 1u64..50, draw in 0u64..200) {
        let one = model.build_in(&built, World::draw(draw));
        let slow = CostModel { slowdown: factor, ..model.clone() }.build_in(&built, World::draw(draw));
        // Lookups count in microseconds and the network in hundredths: their milliseconds are rounded.
        let rounding = factor * 40;
        for (a, b) in [(one.wall_ms, slow.wall_ms), (one.billed_ms, slow.billed_ms), (one.pull_ms, slow.pull_ms), (one.export_ms, slow.export_ms)] {
            prop_assert!((a * factor).abs_diff(b) <= rounding, "{} times {} is not {}", a, factor, b);
        }
        prop_assert_eq!((one.run_ms * factor, one.setup_ms * factor), (slow.run_ms, slow.setup_ms));
        prop_assert_eq!((one.pulled_bytes, one.pushed_bytes), (slow.pulled_bytes, slow.pushed_bytes));
    }

    #[test]
    fn a_step_that_hits_never_costs_more_than_one_that_runs(built in any_build(), at in any::<prop::sample::Index>()) {
        let model = CostModel::default();
        let mut better = built.clone();
        better.lookups[at.index(built.lookups.len())] = Lookup::Hit { build: None };
        prop_assert!(model.build(&better).run_ms <= model.build(&built).run_ms);
        prop_assert!(model.build(&better).billed_ms <= model.build(&built).billed_ms + 1);
    }
}

#[test]
fn totals_are_the_sum_of_builds_with_a_band_around_it() {
    let outcomes = builds(&history("persistent", None, false, str::to_owned));
    let model = CostModel::default();
    let total = model.total(&outcomes);
    let sum: u64 = outcomes
        .iter()
        .map(|o| model.build(built(o)).billed_ms)
        .sum();
    assert_eq!((total.sum.billed_ms, total.n_builds), (sum, 6));
    assert!(total.billed.low < total.billed.median && total.billed.median < total.billed.high);
    assert_eq!(total, model.total(&outcomes), "the same twice");
    assert_eq!(total.measured_permille(), Some(0));
    let worse = model.total(&builds(&history("persistent", None, true, |t| {
        t.replace("COPY src ./src", "COPY . .")
    })));
    let comparison = worse.compare(&total);
    assert_eq!(comparison.permille_cheaper, Some(1000));
    assert!(comparison.saved.low > 0 && comparison.lost.high == 0);
}
