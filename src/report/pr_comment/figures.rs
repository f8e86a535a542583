//! Changes as figures.

use super::verdict::delta;
use crate::report::comment_view::Change;
use crate::report::comment_view::Share;
use crate::report::format::bytes;
use crate::report::format::duration;
use crate::report::format::duration_change;
use crate::report::format::share;

pub(super) fn change_of(change: Change) -> String {
    together_change(delta(change))
}

pub(super) fn durations(change: Change) -> String {
    arrow(&duration(change.before), &duration(change.after))
}

/// Breaks before the arrow, if at all.
pub(super) fn arrow(before: &str, after: &str) -> String {
    format!("{} →\u{A0}{}", together(before), together(after))
}

pub(super) fn bytes_change(change: Change) -> String {
    match delta(change) {
        0 => "±0 B".to_owned(),
        more @ 1.. => format!("+{}", bytes(more.unsigned_abs())),
        less => format!("−{}", bytes(less.unsigned_abs())),
    }
}

/// `+45%`; none where there was nothing before.
pub(super) fn percent(change: Change) -> Option<String> {
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

pub(super) fn shown(s: Share) -> String {
    share(s.part, s.whole)
}

pub(super) fn points(before: Share, after: Share) -> String {
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

/// With no-break spaces: a narrow cell breaks between values, not inside of one.
pub(super) fn together(text: &str) -> String {
    text.replace(' ', "\u{A0}")
}

pub(super) fn together_change(milliseconds: i64) -> String {
    together(&duration_change(milliseconds))
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
