//! The pull request comment as GitHub-flavoured Markdown, which GitLab and Gitea read as well.
//!
//! Written for a phone: short lines, narrow tables, lists for what is long, the rest folded. What does not fit the
//! forge's limit is left out from the end of the folded parts on, and that is said.
//!
//! Never: computes a fact; takes any text of the repository for markup.

use super::comment_view::Change;
use super::comment_view::CommentView;
use super::comment_view::Compared;
use super::comment_view::ImageView;
use super::comment_view::Merge;
use super::comment_view::Outcome;
use super::comment_view::Passed;
use super::comment_view::Share;
use super::comment_view::StepChange;
use super::comment_view::Suggestion;
use super::direction::Direction;
use super::format::bytes;
use super::format::count;
use super::format::duration;
use super::format::duration_change;
use super::format::grouped;
use super::format::share;
use super::markup::block;
use super::markup::code;
use super::markup::code_cell;
use super::markup::html;
use super::markup::path;
use super::markup::prose;

/// Below this, a change of the mean is none: 50 ms.
const NOTHING_MS: u64 = 50;
/// Steps shown outright; the rest is folded.
const SHOWN: usize = 3;
/// An instruction on a phone.
const STEP_CHARS: usize = 60;
const NAME_CHARS: usize = 80;
const SENTENCE_CHARS: usize = 600;
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

/// Which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The mean rebuild gets shorter.
    Faster,
    /// The mean rebuild gets longer.
    Slower,
    /// It stays.
    Same,
    /// Nothing could be compared.
    Unknown,
}

impl Verdict {
    /// One word, for machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::Same => "same",
            Self::Unknown => "unknown",
        }
    }
}

/// The change of the mean rebuild over all images together, in milliseconds, and which way that is.
pub fn verdict(view: &CommentView) -> (Verdict, i64) {
    let verdict = match direction(view) {
        None | Some(Direction::Unclear) => Verdict::Unknown,
        Some(Direction::Same) => Verdict::Same,
        Some(Direction::Slower | Direction::SlowerOrSame) => Verdict::Slower,
        Some(Direction::Faster | Direction::FasterOrSame) => Verdict::Faster,
    };
    (verdict, readings(view).0)
}

/// By both readings of what git cannot tell; `None` where nothing could be compared.
fn direction(view: &CommentView) -> Option<Direction> {
    view.images.iter().find_map(compared)?;
    let (run, cached) = readings(view);
    Some(Direction::of(run, cached))
}

/// The change over all images if what git cannot tell runs, and if it is cached.
fn readings(view: &CommentView) -> (i64, i64) {
    let all = view.images.iter().filter_map(compared);
    all.fold((0, 0), |(run, cached), c| {
        let other = delta(c.if_cached.unwrap_or(c.mean));
        (
            run.saturating_add(delta(c.mean)),
            cached.saturating_add(other),
        )
    })
}

/// Whether there is anything to say: some image's cost changes, or could not be told.
pub fn has_news(view: &CommentView) -> bool {
    view.images.iter().any(|image| match &image.outcome {
        Outcome::NotCompared(_) => true,
        Outcome::Compared(c) => !is_same(c),
    })
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

/// The one line, as plain text: for annotations and logs.
pub fn headline(view: &CommentView) -> String {
    worded(view, duration_change)
}

fn worded(view: &CommentView, change_of: fn(i64) -> String) -> String {
    let n = view.images.iter().filter_map(compared).count();
    let of_all = if n > 1 {
        format!(" over {n} images")
    } else {
        String::new()
    };
    let direction = direction(view);
    let (change, cached) = readings(view);
    let sure = view
        .images
        .iter()
        .filter_map(compared)
        .all(|c| c.change_low.signum() * c.change_high.signum() >= 0);
    let probably = if sure { "" } else { "probably " };
    let per_month = match view.builds_per_month {
        Some(builds) => {
            let month = i64::try_from(i128::from(change) * i128::from(builds)).unwrap_or(i64::MAX);
            format!(", about {} a month", change_of(month))
        }
        None => String::new(),
    };
    let certain = |word: &str| {
        format!(
            "Image builds {probably}get {word}: {} per build{of_all}{per_month}",
            change_of(change)
        )
    };
    let range = |words: &str| {
        format!(
            "Image builds {words}: {} to {} per build{of_all}, by what changes outside of git",
            change_of(change.min(cached)),
            change_of(change.max(cached))
        )
    };
    match direction {
        None => "Image builds: the change could not be told".to_owned(),
        Some(Direction::Same) if !has_news(view) => {
            "Image builds: nothing changes for the cache".to_owned()
        }
        Some(Direction::Same) => match if_passed(view) {
            0 => format!("Image builds take about the same time{of_all}"),
            by => format!(
                "Image builds get {} where build arguments are new each time, and else stay the same{of_all}",
                if by < 0 { "faster" } else { "slower" }
            ),
        },
        Some(Direction::Slower) => certain("slower"),
        Some(Direction::Faster) => certain("faster"),
        Some(Direction::SlowerOrSame) => range("get slower or stay the same"),
        Some(Direction::FasterOrSame) => range("get faster or stay the same"),
        Some(Direction::Unclear) => range("get faster or slower, git cannot tell"),
    }
}

/// The change over all images were arguments passed; 0 where that is none.
fn if_passed(view: &CommentView) -> i64 {
    let all = || view.images.iter().filter_map(compared);
    let sum = |of: fn(&Passed) -> Change| {
        let changes = all().filter_map(|c| Some(delta(of(c.passed.as_ref()?))));
        Some(changes.sum::<i64>()).filter(|change| change.unsigned_abs() >= NOTHING_MS)
    };
    sum(|p| p.mean).or_else(|| sum(|p| p.again)).unwrap_or(0)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
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

/// Delta first; narrow enough for a phone.
fn table(c: &Compared) -> String {
    let mut rows = vec![
        "| | Change | Before → after |".to_owned(),
        "|---|--:|--:|".to_owned(),
    ];
    let mut row = |name: &str, change: String, values: String| {
        rows.push(format!("| {name} | {change} | {values} |"))
    };
    let percent = percent(c.mean)
        .map(|p| format!(" ({p})"))
        .unwrap_or_default();
    row(
        "Mean",
        format!("**{}**{percent}", change_of(c.mean)),
        durations(c.mean),
    );
    row("Median", change_of(c.median), durations(c.median));
    row("Slowest 5% from", change_of(c.p95), durations(c.p95));
    if let Some(cold) = c
        .cold
        .filter(|c| delta(*c).unsigned_abs() > NOTHING_MS.max(c.before / 100))
    {
        row("Empty cache", change_of(cold), durations(cold));
    }
    if c.hits_before.whole > 0 && c.hits_after.whole > 0 {
        let values = arrow(&shown(c.hits_before), &shown(c.hits_after));
        row("Hits", points(c.hits_before, c.hits_after), values);
    }
    for (name, change) in [("Data", c.moved), ("Image", c.image)] {
        if let Some(change) = change {
            row(
                name,
                bytes_change(change),
                arrow(&bytes(change.before), &bytes(change.after)),
            );
        }
    }
    rows.join("\n")
}

fn builds(c: &Compared) -> String {
    let same = c
        .n_builds
        .saturating_sub(c.n_faster)
        .saturating_sub(c.n_slower);
    let band = match (c.change_low, c.change_high) {
        (low, high) if low == high => String::new(),
        (low, high) => format!(
            " By the estimates' band, the mean changes by {} to {}.",
            duration_change(low),
            duration_change(high)
        ),
    };
    let unknown = c.if_cached.map(|cached| {
        format!(
            " Of some steps git cannot tell whether they were cached: they count as run. Were all that git does not hold as it was, the mean would change by {}.",
            duration_change(delta(cached))
        )
    });
    format!(
        "Of {}, {} get faster, {} stay the same, {} get slower.{band}{}{}",
        count(c.n_builds, "replayed build", "replayed builds"),
        grouped(c.n_faster),
        grouped(same),
        grouped(c.n_slower),
        unknown.unwrap_or_default(),
        c.passed.as_ref().map(passed).unwrap_or_default(),
    )
}

/// What a pipeline that passes arguments would see.
fn passed(passed: &Passed) -> String {
    let shown = passed
        .names
        .iter()
        .take(SHOWN)
        .map(|name| code(name, NAME_CHARS));
    let more = match passed.names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let names: Vec<String> = shown.collect();
    format!(
        " Where {}{more} {} at each build, the mean changes by {} ({}); a build in which nothing else changes takes {}.",
        names.join(", "),
        if passed.names.len() == 1 {
            "is new"
        } else {
            "are new"
        },
        duration_change(delta(passed.mean)),
        durations(passed.mean),
        durations(passed.again)
    )
}

fn steps(image: &ImageView, c: &Compared, place: &Place, level: Level) -> Option<String> {
    let told: Vec<&StepChange> = c
        .steps
        .iter()
        .filter(|s| s.change.unsigned_abs() >= NOTHING_MS || is_new(s))
        .collect();
    if told.is_empty() {
        return None;
    }
    let lines: Vec<String> = told
        .iter()
        .map(|s| step(image, s, c.n_builds, place))
        .collect();
    // The greatest changes come first; what hardly changes anything is not shown outright.
    let n_grave = told
        .iter()
        .filter(|s| s.change.unsigned_abs() >= NOTHING_MS)
        .count();
    let shown = n_grave.clamp(1, SHOWN);
    Some(list("**Responsible steps**", &lines, shown, "step", level))
}

fn is_new(s: &StepChange) -> bool {
    s.runs_before.is_none() != s.runs_after.is_none()
}

fn step(image: &ImageView, s: &StepChange, n_builds: u64, place: &Place) -> String {
    let ran = |n: u64| share(n, n_builds);
    let when = match (s.runs_before, s.runs_after) {
        (Some(before), Some(after)) if before == after => {
            format!("runs in {} of builds, as before", ran(after))
        }
        (Some(before), Some(after)) => {
            format!("runs in {} of builds, was {}", ran(after), ran(before))
        }
        (None, Some(after)) => format!("new, runs in {} of builds", ran(after)),
        (Some(before), None) => format!("gone, ran in {} of builds", ran(before)),
        (None, None) => "not replayed".to_owned(),
    };
    // A step that is gone has no line at the head to link to.
    let place = if s.runs_after.is_some() {
        located(image, s.line, place)
    } else {
        code(&at(image, s.line), NAME_CHARS)
    };
    format!(
        "**{}** {} ({place}): {when}",
        duration_change(s.change),
        code(&s.text, STEP_CHARS)
    )
}

fn merge(image: &ImageView, m: &Merge, place: &Place, level: Level) -> String {
    if m.steps.is_empty() {
        return "**Merging this** runs nothing again: every step comes from the cache.".to_owned();
    }
    let (n, all) = (m.steps.len() as u64, m.n_steps.max(m.steps.len() as u64));
    let title = format!(
        "**Merging this** runs {} of {} again, about {}",
        grouped(n),
        count(all, "step", "steps"),
        duration(m.cost)
    );
    let line = |s: &super::comment_view::MergeStep| {
        let why = if s.because.is_empty() {
            "follows from above".to_owned()
        } else {
            prose(&s.because, 120)
        };
        format!(
            "{} ({}): {why}",
            code(&s.text, STEP_CHARS),
            located(image, s.line, place)
        )
    };
    list(
        &title,
        &m.steps.iter().map(line).collect::<Vec<_>>(),
        SHOWN,
        "step",
        level,
    )
}

fn suggestion(image: &ImageView, s: &Suggestion, place: &Place, level: Level) -> String {
    let saves = if s.saved >= NOTHING_MS {
        format!(" It saves about {} per build.", duration(s.saved))
    } else {
        String::new()
    };
    let title = format!(
        "**One suggestion**: {}{saves}",
        sentence(&prose(&s.title, 200))
    );
    let by_hand = format!(
        "See it with {}.",
        code(
            &format!("stratigraph suggest -f {}", image.dockerfile),
            NAME_CHARS
        )
    );
    if level >= Level::NoPatch {
        return format!("{title} {by_hand}");
    }
    match (&s.lines, &s.replacement, &s.diff) {
        (Some((first, last)), Some(replacement), _) => {
            let lines = if first == last {
                format!("Line {first}")
            } else {
                format!("Lines {first} to {last}")
            };
            let where_ = located_range(image, *first, *last, place);
            format!(
                "{title}\n\n{lines} of {where_} would read:\n\n{}",
                block("suggestion", replacement)
            )
        }
        (_, _, Some(diff)) => format!(
            "{title}\n\n{}",
            folded("The change as a patch", &block("diff", diff))
        ),
        _ => format!("{title} {by_hand}"),
    }
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?', '…']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// A title and lines, of which more than a few are folded.
fn list(title: &str, lines: &[String], shown: usize, noun: &str, level: Level) -> String {
    let bullets = |some: &[String]| {
        some.iter()
            .map(|l| format!("- {l}"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let (shown, rest) = lines.split_at(lines.len().min(shown));
    let mut out = format!("{title}\n\n{}", bullets(shown));
    if !rest.is_empty() && level < Level::NoLists {
        let more = count(
            rest.len() as u64,
            &format!("more {noun}"),
            &format!("more {noun}s"),
        );
        out = format!("{out}\n\n{}", folded(&more, &bullets(rest)));
    } else if !rest.is_empty() {
        out = format!("{out}\n- and {} more", rest.len());
    }
    out
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

/// Blank lines around the inner part make it Markdown again.
fn folded(title: &str, inner: &str) -> String {
    format!("<details>\n<summary>{title}</summary>\n\n{inner}\n\n</details>")
}

fn at(image: &ImageView, line: usize) -> String {
    if line == 0 {
        image.dockerfile.clone()
    } else {
        format!("{}:{line}", image.dockerfile)
    }
}

fn located(image: &ImageView, line: usize, place: &Place) -> String {
    let label = code(&at(image, line), NAME_CHARS);
    match &place.files {
        Some(prefix) if line > 0 && is_plain(&image.dockerfile) => {
            format!("[{label}]({prefix}{}#L{line})", path(&image.dockerfile))
        }
        _ => label,
    }
}

fn located_range(image: &ImageView, first: usize, last: usize, place: &Place) -> String {
    let label = code(&image.dockerfile, NAME_CHARS);
    match &place.files {
        Some(prefix) if is_plain(&image.dockerfile) => format!(
            "[{label}]({prefix}{}#L{first}-L{last})",
            path(&image.dockerfile)
        ),
        _ => label,
    }
}

/// Whether a path is without signs that Markdown readers might take for the end of a link.
fn is_plain(path: &str) -> bool {
    path.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/'))
}

fn compared(image: &ImageView) -> Option<&Compared> {
    match &image.outcome {
        Outcome::Compared(compared) => Some(compared),
        Outcome::NotCompared(_) => None,
    }
}

fn is_same(c: &Compared) -> bool {
    let quiet = |change: Change| delta(change).unsigned_abs() < NOTHING_MS;
    let is_quiet = quiet(c.mean) && quiet(c.median) && quiet(c.p95);
    let passed = c.passed.as_ref();
    let others = [c.if_cached, passed.map(|p| p.mean), passed.map(|p| p.again)];
    is_quiet && others.into_iter().flatten().all(quiet) && c.n_faster == 0 && c.n_slower == 0
}

fn delta(change: Change) -> i64 {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    signed(change.after).saturating_sub(signed(change.before))
}

/// With no-break spaces: a narrow cell breaks between values, not inside of one.
fn together(text: &str) -> String {
    text.replace(' ', "\u{A0}")
}

fn together_change(milliseconds: i64) -> String {
    together(&duration_change(milliseconds))
}

fn change_of(change: Change) -> String {
    together_change(delta(change))
}

fn durations(change: Change) -> String {
    arrow(&duration(change.before), &duration(change.after))
}

/// Breaks before the arrow, if at all.
fn arrow(before: &str, after: &str) -> String {
    format!("{} →\u{A0}{}", together(before), together(after))
}

fn bytes_change(change: Change) -> String {
    match delta(change) {
        0 => "±0 B".to_owned(),
        more @ 1.. => format!("+{}", bytes(more.unsigned_abs())),
        less => format!("−{}", bytes(less.unsigned_abs())),
    }
}

/// `+45%`; none where there was nothing before.
fn percent(change: Change) -> Option<String> {
    let delta = delta(change);
    if change.before == 0 || delta == 0 {
        return None;
    }
    let ratio = (delta as f64 / change.before as f64 * 100.0).round();
    let sign = if delta > 0 { "+" } else { "−" };
    Some(if ratio.abs() < 1.0 {
        format!("{sign}<1%")
    } else {
        format!("{sign}{}%", ratio.abs())
    })
}

fn shown(s: Share) -> String {
    share(s.part, s.whole)
}

fn points(before: Share, after: Share) -> String {
    // Of the rounded figures, which stand beside it.
    let percent = |s: Share| (s.part as f64 / s.whole as f64 * 100.0).round() as i64;
    let change = percent(after) - percent(before);
    let unit = if change.abs() == 1 { "point" } else { "points" };
    match change {
        0 => format!("±0 {unit}"),
        c @ 1.. => format!("+{c} {unit}"),
        c => format!("−{} {unit}", c.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_those_between_the_figures_that_stand_beside_them() {
        for (before, after, shown_as, expected) in [
            ((1, 2), (3, 4), "50% 75%", "+25 points"),
            ((3, 4), (1, 2), "75% 50%", "−25 points"),
            ((50, 100), (51, 100), "50% 51%", "+1 point"),
            ((51, 100), (50, 100), "51% 50%", "−1 point"),
            ((1, 3), (2, 6), "33% 33%", "±0 points"),
            // 49.4 and 50.6 are 1.2 apart, and 49 and 51 two.
            ((494, 1000), (506, 1000), "49% 51%", "+2 points"),
            ((0, 7), (7, 7), "0% 100%", "+100 points"),
        ] {
            let of = |(part, whole)| Share { part, whole };
            let (before, after) = (of(before), of(after));
            assert_eq!(format!("{} {}", shown(before), shown(after)), shown_as);
            assert_eq!(points(before, after), expected, "{shown_as}");
        }
    }
}
