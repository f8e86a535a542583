//! Ignore rules against the verdicts of Docker's own matcher.

use serde::Deserialize;
use stratigraph::context::IgnoreRules;
use stratigraph::tree::RepoPath;

#[derive(Deserialize)]
struct Recorded {
    paths: Vec<String>,
    cases: Vec<(Vec<String>, Option<String>)>,
}

fn verdicts(rules: &IgnoreRules, paths: &[String]) -> String {
    paths
        .iter()
        .map(|path| {
            if rules.is_ignored(&RepoPath::from(path.as_str())) {
                '1'
            } else {
                '0'
            }
        })
        .collect()
}

#[test]
fn every_recorded_verdict_agrees() {
    let text = std::fs::read_to_string("fixtures/ignore/patternmatcher.json").unwrap();
    let recorded: Recorded = serde_json::from_str(&text).unwrap();
    assert_eq!(recorded.cases.len(), 7940);
    let mut wrong = Vec::new();
    for (patterns, expected) in &recorded.cases {
        let as_file = IgnoreRules::parse(patterns.join("\n").as_bytes());
        let as_list = IgnoreRules::from_patterns(patterns);
        for rules in [as_file, as_list] {
            let ours = rules.ok().map(|rules| verdicts(&rules, &recorded.paths));
            if ours != *expected {
                wrong.push(format!(
                    "{patterns:?}\n  theirs {expected:?}\n  ours   {ours:?}"
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}
