//! What tells two remarks apart from run to run, whatever their figures.

use super::notice::Notice;
use xxhash_rust::xxh3::xxh3_128;

/// 32 hexadecimal digits from file, line and rule; the figures in the text move with each run.
pub(super) fn fingerprint(notice: &Notice) -> String {
    let text = format!("{}\0{}\0{}", notice.path, notice.line, notice.rule);
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::notice::Level;
    use super::super::{code_quality, sarif};
    use super::*;

    fn notice(line: usize, text: &str) -> Notice {
        let (path, rule) = ("a b/Dockerfile".to_owned(), "slower-step".to_owned());
        Notice {
            path,
            line,
            last_line: line,
            level: Level::Warning,
            rule,
            text: text.to_owned(),
        }
    }

    #[test]
    fn figures_do_not_matter_places_do() {
        assert_eq!(
            fingerprint(&notice(1, "+2 s")),
            fingerprint(&notice(1, "+3 s"))
        );
        assert_ne!(
            fingerprint(&notice(1, "+2 s")),
            fingerprint(&notice(2, "+2 s"))
        );
    }

    #[test]
    fn both_reports_name_file_line_and_rule() {
        let (mut log, mut report) = (Vec::new(), Vec::new());
        sarif::write(&[notice(7, "x")], &mut log).unwrap();
        code_quality::write(&[notice(7, "x")], &mut report).unwrap();
        let log: serde_json::Value = serde_json::from_slice(&log).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        let result = &log["runs"][0]["results"][0];
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(
            (
                result["ruleIndex"].as_u64(),
                location["region"]["startLine"].as_u64()
            ),
            (Some(0), Some(7))
        );
        assert_eq!(location["artifactLocation"]["uri"], "a%20b/Dockerfile");
        assert_eq!(report[0]["location"]["path"], "a b/Dockerfile");
        assert_eq!(report[0]["fingerprint"].as_str().map(str::len), Some(32));
    }
}
