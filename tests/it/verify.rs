//! Recorded logs against the replay of the builds they tell of.

use crate::cost::{builds, built, history};
use crate::logs::{BUILDS, fixture, one};
use stratigraph::cost::log::{LogBuild, Outcome};
use stratigraph::replay::BuildOutcome;
use stratigraph::verify::{Cause, Verdict, verify};

fn replayed() -> Vec<BuildOutcome> {
    builds(&history("persistent", None, false, str::to_owned))
}

fn log(n: usize, form: &str) -> LogBuild {
    one(&fixture(&format!("buildkit/{}.{form}", BUILDS[n])))
}

#[test]
fn real_logs_agree_with_the_replay_of_their_commits() {
    let outcomes = replayed();
    for form in ["plain", "rawjson"] {
        for (n, outcome) in outcomes.iter().enumerate() {
            let verified = verify(built(outcome), &log(n, form));
            assert_eq!(
                verified.n(Verdict::Differ),
                0,
                "{form} {n}: {:#?}",
                verified.rows
            );
            assert_eq!(verified.agreement_percent(), Some(100), "{form} {n}");
            assert!(n == 4 || verified.n(Verdict::Agree) == 14, "{form} {n}");
        }
    }
}

/// The causes named when the replay's build `predicted` is held against the log `edit` makes of build `actual`.
fn causes(predicted: usize, actual: usize, edit: impl Fn(&mut LogBuild)) -> Vec<Cause> {
    let mut log = log(actual, "rawjson");
    edit(&mut log);
    let verified = verify(built(&replayed()[predicted]), &log);
    let mut causes: Vec<Cause> = verified.rows.iter().filter_map(|r| r.cause).collect();
    causes.sort_unstable();
    causes.dedup();
    causes
}

fn run_stage(log: &mut LogBuild, stage: &str) {
    log.steps
        .iter_mut()
        .filter(|s| s.stage.as_deref() == Some(stage))
        .for_each(|s| s.outcome = Outcome::Ran);
}

#[test]
fn differences_have_likely_causes() {
    assert_eq!(causes(1, 0, |_| {}), [Cause::NoCache]);
    assert_eq!(causes(2, 1, |_| {}), [Cause::OtherCache]);
    assert_eq!(
        causes(1, 1, |log| run_stage(log, "stage-2")),
        [Cause::MovedBase]
    );
    assert_eq!(
        causes(1, 1, |log| run_stage(log, "build")),
        [Cause::ExportMode]
    );
    let copy = |log: &mut LogBuild| {
        log.steps
            .iter_mut()
            .filter(|s| s.text.contains("--from=build"))
            .for_each(|s| s.outcome = Outcome::Ran)
    };
    assert_eq!(causes(2, 2, copy), [Cause::RunOutputs]);
    let other = |log: &mut LogBuild| {
        log.steps
            .iter_mut()
            .filter(|s| s.text == "RUN npm ci")
            .for_each(|s| {
                s.text = "RUN npm install".to_owned();
                s.outcome = Outcome::Ran;
            })
    };
    assert_eq!(causes(1, 1, other), [Cause::OtherText]);
}

#[test]
fn a_cut_log_leaves_steps_open() {
    let text = String::from_utf8(fixture("buildkit/1-cold.plain")).unwrap();
    let cut = one(text.split("#17 [api 4/6]").next().unwrap().as_bytes());
    let verified = verify(built(&replayed()[0]), &cut);
    assert!(verified.n(Verdict::Open) > 0 && verified.n(Verdict::Differ) == 0);
    assert_eq!(verified.agreement_percent(), Some(100));
}
