//! Commands that write a list of requirements out of a lockfile, for another one to install from.

use super::Call;

/// The file that the command writes such a list to, as written; `None` where it is no such command, or writes to its
/// output.
pub fn exports(call: &Call<'_>) -> Option<String> {
    let verbs: Vec<&str> = call.plain_words().take(2).collect();
    let named = call.option(&["-o", "--output", "--output-file"]);
    match (call.program(), verbs.as_slice()) {
        ("poetry" | "uv" | "pdm", ["export", ..]) | ("uv", ["pip", "compile"]) => {
            named.map(str::to_owned)
        }
        ("pip-compile", sources) => Some(named.map_or_else(
            || match sources.first().and_then(|s| s.strip_suffix(".in")) {
                Some(stem) => format!("{stem}.txt"),
                None => "requirements.txt".to_owned(),
            },
            str::to_owned,
        )),
        _ => None,
    }
}
