//! Files that hold what is expected; `UPDATE_GOLDEN=1` writes them anew.

use std::fs;
use std::path::Path;

/// Compares `got` with the file at `path` below `fixtures/`; shows the first lines that differ.
pub fn check(path: &str, got: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, got).unwrap();
        return;
    }
    let want = fs::read_to_string(&file).unwrap_or_default();
    if want == got {
        return;
    }
    let differ = want
        .lines()
        .zip(got.lines())
        .zip(1..)
        .find(|((w, g), _)| w != g);
    let shown = match differ {
        Some(((w, g), n)) => format!("line {n}\n  want: {w}\n  got:  {g}"),
        None => format!(
            "{} lines wanted, {} got",
            want.lines().count(),
            got.lines().count()
        ),
    };
    panic!(
        "fixtures/{path} differs, {shown}\nUPDATE_GOLDEN=1 writes it anew; look at the difference before you commit it"
    );
}
