//! GitHub's workflow commands: remarks on the Dockerfile's lines in the pull request.
//!
//! Source: GitHub, "Workflow commands"; escaping as in actions/toolkit packages/core/src/command.ts. Gitea and GitLab
//! print them as plain lines.

use super::notice::Level;
use super::notice::Notice;
use std::io;
use std::io::Write;

/// GitHub shows at most ten of each kind for a step.
const MOST: usize = 10;

/// One line each.
pub fn write(notices: &[Notice], sink: &mut dyn Write) -> io::Result<()> {
    for notice in notices.iter().take(MOST) {
        let kind = match notice.level {
            Level::Note => "notice",
            Level::Warning => "warning",
        };
        let (path, title) = (
            property(&notice.path),
            property(&format!("stratigraph: {}", notice.rule)),
        );
        writeln!(
            sink,
            "::{kind} file={path},line={},title={title}::{}",
            notice.line,
            data(&notice.text)
        )?;
    }
    Ok(())
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_cannot_be_left() {
        let notice = Notice {
            path: "a,b:c\n::set-output".to_owned(),
            line: 3,
            last_line: 3,
            level: Level::Warning,
            rule: "slower-step".to_owned(),
            text: "100%\n::error::x".to_owned(),
        };
        let mut out = Vec::new();
        write(&[notice], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::warning file=a%2Cb%3Ac%0A%3A%3Aset-output,line=3,title=stratigraph%3A slower-step::100%25%0A::error::x\n"
        );
    }
}
