//! The pull request comment: goldens of whole comments, and what a Markdown reader makes of hostile ones.

use crate::restructure::Case;
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};
use std::path::{Path, PathBuf};
use stratigraph::caveat::Caveat;
use stratigraph::cost::CostModel;
use stratigraph::pull_request::{Question, Side, compare};
use stratigraph::replay::Settings;
use stratigraph::report::comment_view::{
    CommentView, Compared, ImageView, MergeStep, Outcome, Share, StepChange,
};
use stratigraph::report::pr_comment::{Place, headline, render};
use stratigraph::tree::RepoPath;

const FILES: &str = "https://git.example/o/r/blob/c0ffee11223344556677889900aabbccddeeff00/";

fn place(limit: usize) -> Place {
    Place {
        limit,
        files: Some(FILES.to_owned()),
    }
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/report/comment");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path());
    let mut cases: Vec<_> = files
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    cases.sort();
    cases
}

fn view(path: &Path) -> CommentView {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn comments_read_as_they_were_approved() {
    let paths = cases();
    assert!(paths.len() >= 6);
    for path in paths {
        let text = render(&view(&path), &place(65_536));
        let golden = path.with_extension("md");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(
            text,
            expected,
            "{} (UPDATE_GOLDEN=1 rewrites)",
            golden.display()
        );
    }
}

/// What a comment may hold: our few tags, links to the repository, no mention, no picture.
fn check_tame(text: &str) -> Result<(), String> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM;
    let mut in_code = 0;
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code += 1,
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_code -= 1,
            Event::Html(html) | Event::InlineHtml(html) => check_html(&html)?,
            Event::Text(text) if in_code == 0 => check_text(&text)?,
            Event::Start(Tag::Link { dest_url, .. }) if !dest_url.starts_with(FILES) => {
                return Err(format!("a link to {dest_url}"));
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                return Err(format!("a picture: {dest_url}"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_html(html: &str) -> Result<(), String> {
    let mut rest = html.to_owned();
    for tag in ["<details>", "</details>", "<summary>", "</summary>"] {
        rest = rest.replace(tag, "");
    }
    if rest.contains('<') {
        Err(format!("raw HTML: {html}"))
    } else {
        check_text(&rest)
    }
}

fn check_text(text: &str) -> Result<(), String> {
    let signs = text.char_indices().filter(|(_, c)| "@#!~".contains(*c));
    for (i, c) in signs {
        if text[i + c.len_utf8()..].starts_with(|c: char| c.is_alphanumeric()) {
            return Err(format!("a mention or reference: {text}"));
        }
    }
    if text.contains("://") || text.to_lowercase().contains("www.e") {
        return Err(format!("an address: {text}"));
    }
    Ok(())
}

#[test]
fn nothing_hostile_comes_alive() {
    for path in cases() {
        check_tame(&render(&view(&path), &place(65_536))).unwrap();
    }
    // The check can fail.
    for bad in [
        "<img src=x>",
        "hi @all",
        "[a](http://evil.example)",
        "![a](x)",
        "see #1",
        "<http://evil.example>",
    ] {
        assert!(check_tame(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_is_too_long_is_shortened_level_by_level() {
    let mut view = view(&cases()[0].with_file_name("several.json"));
    let images = view.images.clone();
    for round in 0..200 {
        view.images.extend(images.iter().map(|i| ImageView {
            name: format!("{} {round}", i.name),
            ..i.clone()
        }));
    }
    for limit in [65_536, 30_000, 8_000, 2_000, 400] {
        let text = render(&view, &place(limit));
        assert!(text.len() <= limit, "{} > {limit}", text.len());
        assert!(
            text.starts_with(&format!("### {}", headline(&view))),
            "{text}"
        );
        assert!(text.contains("Shortened"));
        assert_eq!(
            text.matches("<details>").count(),
            text.matches("</details>").count()
        );
        check_tame(&text).unwrap();
    }
}

#[test]
fn a_saved_file_comes_back_without_code_and_strange_ones_are_refused() {
    let whole = view(&cases()[0].with_file_name("slower.json"));
    let saved = whole.saved();
    let back = CommentView::read(saved.as_bytes()).unwrap();
    assert!(!render(&back, &place(65_536)).contains("```suggestion"));
    assert_eq!(back.saved(), saved);
    let check = |from: &str, to: &str, why: &str| {
        let text = saved.replacen(from, to, 1);
        assert_ne!(text, saved, "{from}");
        let refused = CommentView::read(text.as_bytes()).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    };
    check(
        "stratigraph.comment/1",
        "stratigraph.comment/2",
        "another version",
    );
    check("stratigraph.comment/1", "x", "not of the schema");
    check("\"n_builds\"", "\"n_build\"", "not of the schema");
    check(
        "\"caveats\": [",
        "\"html\": \"<b>\", \"caveats\": [",
        "unknown field",
    );
    check("\"n_slower\": 277", "\"n_slower\": 999", "parts larger");
    check(
        "\"before\": 180000",
        "\"before\": 18000000000000000000",
        "beyond reason",
    );
    check("\"before\": 180000", "\"before\": -1", "not of the schema");
    check("5b1f6f0e9c", "../../../x", "commit ids");
    check("RUN npm ci", "RUN\\nnpm ci", "control characters");
    check("RUN npm ci", &"x".repeat(2_000), "too long");
    check(
        "\"replacement\": null",
        "\"replacement\": \"RUN evil\"",
        "brings a patch",
    );
    assert!(
        CommentView::read(&vec![b' '; 600_000])
            .unwrap_err()
            .contains("larger")
    );
    assert!(CommentView::read(b"\xff").unwrap_err().contains("not JSON"));
    assert!(
        CommentView::read("[".repeat(100_000).as_bytes())
            .unwrap_err()
            .contains("not JSON")
    );
}

fn hostile(text: &str) -> CommentView {
    let step = StepChange {
        text: text.to_owned(),
        line: 1,
        change: 90_000,
        runs_before: None,
        runs_after: Some(1),
    };
    let because = MergeStep {
        text: text.to_owned(),
        line: 1,
        because: text.to_owned(),
    };
    let merge = stratigraph::report::comment_view::Merge {
        n_steps: 1,
        cost: 1,
        steps: vec![because],
    };
    let compared = Compared {
        n_builds: 1,
        n_slower: 1,
        steps: vec![step],
        merge: Some(merge),
        ..Compared::default()
    };
    let one = |outcome| ImageView {
        name: text.to_owned(),
        dockerfile: text.to_owned(),
        outcome,
    };
    CommentView {
        schema: String::new(),
        pull_request: None,
        base: "0".repeat(40),
        head: "0".repeat(40),
        images: vec![
            one(Outcome::Compared(Box::new(compared))),
            one(Outcome::NotCompared(text.to_owned())),
        ],
        builds_per_month: None,
        method: vec![text.to_owned()],
        caveats: vec![text.to_owned()],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_text_of_the_repository_comes_alive(
        text in proptest::collection::vec(
            prop_oneof![
                Just("`"), Just("``"), Just("<"), Just("</details>"), Just("<b>"), Just("@a"), Just("#1"), Just("|"), Just("\\"),
                Just("["), Just("]("), Just(")"), Just("http://e"), Just("!["), Just("www.e"), Just("\n"), Just("- "), Just("~~~"),
                Just("*"), Just("_"), Just(" "), Just("x"), Just("\u{202E}"), Just("&lt;"), Just("a@b.c"), Just("<!--"), Just("é"),
            ],
            0..14,
        )
    ) {
        let text: String = text.concat();
        let rendered = render(&hostile(&text), &place(65_536));
        prop_assert_eq!(check_tame(&rendered), Ok(()), "{}", rendered);
    }
}

/// Two Dockerfiles compared over the builds of a scenario, `late` being in the tree from the fourth on.
fn compared_over(base: &str, head: &str) -> (Compared, Vec<Caveat>) {
    let scenario = "--- tree\nsrc/a late\n--- commits\nb ~ src/a\nc ~ README.md\nd ~ late\ne ~ src/a\nf ~ README.md\ng ~ src/a\n";
    let mut inputs = Case::new(base, scenario).inputs();
    let late = RepoPath::from("late");
    inputs[0].changes.retain(|c| c.path != late);
    let settings = Settings {
        git_dir: false,
        ..Settings::default()
    };
    let side = |text: &str| Side {
        dockerfile: text.to_owned(),
        ignore: "README.md\nDockerfile\n".to_owned(),
    };
    let (base, head) = (side(base), side(head));
    compare(&Question {
        settings: &settings,
        base: &base,
        head: &head,
        inputs: &inputs,
        head_inputs: &inputs,
        blob: &|_| None,
        model: &CostModel::default(),
    })
    .unwrap()
}

#[test]
fn builds_that_one_side_cannot_build_are_left_out_and_counted() {
    let base = "FROM debian:12\nCOPY src /src\nRUN make -C /src\n";
    let late = "FROM debian:12\nCOPY late /late\nCOPY src /src\nRUN make -C /src\n";
    let words = |caveats: &[Caveat]| -> Vec<String> {
        let told = caveats.iter().map(|c| c.text.clone());
        told.filter(|t| t.contains("left out")).collect()
    };
    let (compared, caveats) = compared_over(base, late);
    // The first build fills the cache, with whatever was there; the next two lack the file.
    assert_eq!(compared.n_builds, 4);
    assert_eq!(
        words(&caveats),
        ["Of 7 builds, 2 with only one of the two Dockerfiles could be built: they are left out."]
    );
    let (compared, caveats) = compared_over(late, late);
    assert_eq!(compared.n_builds, 4);
    assert_eq!(
        words(&caveats),
        ["Of 7 builds, 2 with neither could be built: they are left out."]
    );
    let (compared, caveats) = compared_over(base, base);
    assert_eq!((compared.n_builds, words(&caveats)), (6, Vec::new()));
}

#[test]
fn the_hit_share_is_that_of_the_paired_builds() {
    let base = "FROM debian:12\nCOPY src /src\nRUN make -C /src\nRUN apt-get update\n";
    let head = "FROM debian:12\nRUN apt-get update\nCOPY src /src\nRUN make -C /src\n";
    let (compared, _) = compared_over(base, head);
    // Six builds of three steps. Three change the source, which the COPY and what is below it then miss.
    let share = |part| Share { part, whole: 18 };
    assert_eq!(compared.hits_before, share(18 - 3 * 3));
    assert_eq!(compared.hits_after, share(18 - 3 * 2));
}
