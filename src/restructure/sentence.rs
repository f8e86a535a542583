//! Lists of names in a sentence: all of a few, the first of many.

use std::borrow::Borrow;

/// `a`, `a and b`, `a, b and c`.
pub(super) fn all<S: Borrow<str>>(names: &[S]) -> String {
    match names {
        [others @ .., last] if !others.is_empty() => {
            format!("{} and {}", others.join(", "), last.borrow())
        }
        names => names.join(", "),
    }
}

/// As [`all`], of more than three `a, b, c and 2 more`.
pub(super) fn listed<S: Borrow<str>>(names: &[S]) -> String {
    match names.split_at_checked(3) {
        Some((first, rest)) if !rest.is_empty() => {
            format!("{} and {} more", first.join(", "), rest.len())
        }
        _ => all(names),
    }
}

/// `a, b, c`; the first `n` and how many more where these are several.
pub(super) fn abridged<S: Borrow<str>>(names: &[S], n: usize) -> String {
    match names.split_at_checked(n) {
        Some((first, rest)) if rest.len() > 1 => {
            format!("{} and {} more", first.join(", "), rest.len())
        }
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_many_are_named() {
        let check = |n: usize, expected: [&str; 3]| {
            let names = &["a", "b", "c", "d", "e"][..n];
            let found = [all(names), listed(names), abridged(names, 2)];
            assert_eq!(found, expected);
        };
        check(0, ["", "", ""]);
        check(1, ["a", "a", "a"]);
        check(2, ["a and b", "a and b", "a, b"]);
        check(3, ["a, b and c", "a, b and c", "a, b, c"]);
        check(
            4,
            ["a, b, c and d", "a, b, c and 1 more", "a, b and 2 more"],
        );
        check(
            5,
            ["a, b, c, d and e", "a, b, c and 2 more", "a, b and 3 more"],
        );
    }
}
