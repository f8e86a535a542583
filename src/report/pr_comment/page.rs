//! The whole comment, at the level of detail that the forge's limit leaves room for.

use super::figures::{change_of, durations, together_change};
use super::parts::{
    NAME_CHARS, SENTENCE_CHARS, SHOWN, builds, folded, merge, steps, suggestion, table,
};
use super::verdict::{is_same, worded};
use crate::report::comment_view::CommentView;
use crate::report::comment_view::ImageView;
use crate::report::comment_view::Outcome;
use crate::report::format::count;
use crate::report::markup::code;
use crate::report::markup::code_cell;
use crate::report::markup::html;
use crate::report::markup::prose;

/// What the note on a shortened comment may take.
const NOTE_BYTES: usize = 200;

/// Where the comment will stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The most bytes it may have.
    pub limit: usize,
    /// What a file's path is appended to for a link to it at the head commit; none: no links.
    pub files: Option<String>,
}

/// Renders. Each level leaves out more; the first that fits is taken.
pub fn render(view: &CommentView, place: &Place) -> String {
    let whole = at_level(view, place, Level::Whole);
    if whole.len() <= place.limit {
        return whole;
    }
    let note = "\n\n*Shortened to what a comment may hold. The job's summary, where there is one, has the rest.*\n";
    let room = place.limit.saturating_sub(NOTE_BYTES);
    let shorter = [
        Level::NoPatch,
        Level::NoLists,
        Level::TableOnly,
        Level::FewImages,
    ];
    let fits = shorter
        .into_iter()
        .map(|level| at_level(view, place, level))
        .find(|text| text.len() <= room);
    match fits {
        Some(text) => text.trim_end().to_owned() + note,
        None => format!("### {}\n{note}", worded(view, together_change)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Whole,
    NoPatch,
    NoLists,
    TableOnly,
    FewImages,
}

fn at_level(view: &CommentView, place: &Place, level: Level) -> String {
    let mut parts = vec![format!("### {}", worded(view, together_change))];
    match view.images.as_slice() {
        [only] => parts.extend(one_image(only, place, level)),
        several => parts.extend(many_images(several, place, level)),
    }
    if level < Level::TableOnly {
        parts.push(method(view, level));
    }
    parts.join("\n\n") + "\n"
}

fn one_image(image: &ImageView, place: &Place, level: Level) -> Vec<String> {
    let compared = match &image.outcome {
        Outcome::NotCompared(why) => return vec![prose(why, SENTENCE_CHARS)],
        Outcome::Compared(compared) => compared,
    };
    let mut parts = vec![table(compared), builds(compared)];
    if level < Level::TableOnly {
        parts.extend(steps(image, compared, place, level));
        parts.extend(
            compared
                .merge
                .as_ref()
                .map(|m| merge(image, m, place, level)),
        );
        parts.extend(
            compared
                .suggestion
                .as_ref()
                .map(|s| suggestion(image, s, place, level)),
        );
    }
    parts
}

fn many_images(images: &[ImageView], place: &Place, level: Level) -> Vec<String> {
    let most = if level == Level::FewImages {
        20
    } else {
        usize::MAX
    };
    let mut rows = vec![
        "| Image | Per build | Before → after |".to_owned(),
        "|---|--:|--:|".to_owned(),
    ];
    let mut notes = Vec::new();
    for image in images.iter().take(most) {
        let name = code_cell(&image.name, 40);
        match &image.outcome {
            Outcome::Compared(c) => rows.push(format!(
                "| {name} | **{}** | {} |",
                change_of(c.mean),
                durations(c.mean)
            )),
            Outcome::NotCompared(why) => {
                rows.push(format!("| {name} | – | not compared |"));
                notes.push(format!("{name}: {}", prose(why, SENTENCE_CHARS)));
            }
        }
    }
    let mut parts = vec![rows.join("\n")];
    if images.len() > most {
        parts.push(format!(
            "and {}",
            count((images.len() - most) as u64, "more image", "more images")
        ));
    }
    if level >= Level::TableOnly {
        return parts;
    }
    parts.extend(notes);
    for image in images {
        let Outcome::Compared(c) = &image.outcome else {
            continue;
        };
        if is_same(c) && c.merge.is_none() {
            continue;
        }
        let title = format!("{}: {}", html(&image.name, NAME_CHARS), change_of(c.mean));
        parts.push(folded(&title, &one_image(image, place, level).join("\n\n")));
    }
    parts
}

fn method(view: &CommentView, level: Level) -> String {
    let n = view.caveats.len() as u64;
    let title = match n {
        0 => "How these numbers are made".to_owned(),
        _ => format!(
            "How these numbers are made, and {}",
            count(n, "caveat", "caveats")
        ),
    };
    let short = |id: &str| code(&id.chars().take(10).collect::<String>(), 10);
    let mut lines = vec![format!(
        "Base {}, head {}; no image was built.",
        short(&view.base),
        short(&view.head)
    )];
    lines.extend(view.method.iter().map(|text| prose(text, SENTENCE_CHARS)));
    let most = if level < Level::NoLists {
        usize::MAX
    } else {
        SHOWN
    };
    let caveats = view
        .caveats
        .iter()
        .take(most)
        .map(|text| format!("- {}", prose(text, SENTENCE_CHARS)));
    let caveats = caveats.collect::<Vec<_>>().join("\n");
    let inner = if caveats.is_empty() {
        lines.join(" ")
    } else {
        format!("{}\n\n{caveats}", lines.join(" "))
    };
    folded(&title, &inner)
}
