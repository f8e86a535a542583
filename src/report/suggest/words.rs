//! What a page says of proposals, in sentences: the same for every format.

use crate::cost::Band;
use crate::report::format::{bytes, clip, count, date, duration, duration_change, one_line, share};
use crate::restructure::Safety;
use crate::suggest::{Condition, Saving, SlowerBy, Suggestion, Suggestions};

/// `2 min 10 s`, or `−4 s` for what costs.
pub(super) fn change(ms: i64) -> String {
    if ms < 0 {
        duration_change(ms)
    } else {
        duration(ms.unsigned_abs())
    }
}

fn band(low: i64, high: i64) -> String {
    format!("{} to {}", change(low), change(high))
}

pub(super) fn per_build(saving: &Saving) -> String {
    let (low, median, high) = saving.per_build;
    format!("{} per build ({})", change(median), band(low, high))
}

/// What a page says first, a sentence each.
pub(super) fn summary(suggestions: &Suggestions) -> Vec<String> {
    let (n, built, first, last) = suggestions.builds;
    let of = |b: &Band| {
        format!(
            "{} ({} to {})",
            duration(b.median),
            duration(b.low),
            duration(b.high)
        )
    };
    let (now, then, best) = &suggestions.mean;
    let best = at_best(best, &suggestions.best_bold);
    let mut lines = vec![format!(
        "{} from {} to {} with today's {} at each of them; {} after the first could be built. All times are estimates.",
        count(n as u64, "build", "builds"),
        date(first),
        date(last),
        suggestions.dockerfile,
        built
    )];
    if suggestions.order.is_empty() {
        lines.push(format!(
            "A build takes {}; at best, with each command run only for what it reads, {}.",
            of(now),
            best
        ));
        return lines;
    }
    lines.push(format!("A build takes {}; with the changes below {}; at best, with each command run only for what it reads, {}.", of(now), of(then), best));
    let saving = &suggestions.saving;
    let month = saving
        .per_month
        .map(|(_, median, _)| format!(", {} per month", change(median)))
        .unwrap_or_default();
    let (faster, slower, compared) = saving.builds;
    let mut together = format!(
        "Together they save {}{month}; {faster} of {compared} builds get faster, {slower} slower",
        per_build(saving)
    );
    if let Some(way) = way(suggestions) {
        together = format!("{together}; {way} of the way to the best");
    }
    lines.push(together + ".");
    lines
}

/// `40 s`, or `30 s to 40 s, since what some steps read is not known`.
fn at_best(best: &Band, bold: &Band) -> String {
    let (low, high) = (duration(bold.median), duration(best.median));
    if low == high {
        return high;
    }
    format!("{low} to {high}, since what some steps read is not known")
}

/// What is said where nothing is recommended.
pub(super) fn nothing(suggestions: &Suggestions) -> &'static str {
    if suggestions.elsewhere.is_some() {
        "Nothing is recommended: it seems to be built from another context, see the note below."
    } else if suggestions.small.is_empty() {
        "Nothing to do: no proposal pays on this history."
    } else if let Some(condition) = suggestions.small.iter().find_map(big_where) {
        match condition {
            Condition::Passed { .. } | Condition::InTurn { .. } => {
                "Nothing big to do where no arguments are passed; where they are, see below."
            }
            Condition::Emulated { .. } => {
                "Nothing big to do on the builder's own platform; where builds are for another one, see below."
            }
            Condition::Brought { .. } => {
                "Nothing big to do as far as git shows; where builds bring what it does not hold, see below."
            }
        }
    } else {
        "Nothing big to do: no proposal saves as much as 1% of a build on this history."
    }
}

/// How much of what can be saved is saved, a range where the best is one; `None` where nothing can be.
fn way(suggestions: &Suggestions) -> Option<String> {
    let (now, then, best) = &suggestions.mean;
    let of = |best: &Band| {
        let possible = now.median.checked_sub(best.median).filter(|p| *p > 0)?;
        let saved = now.median.saturating_sub(then.median).min(possible);
        Some(share(saved, possible))
    };
    let (least, most) = (of(&suggestions.best_bold)?, of(best));
    Some(match most {
        Some(most) if most != least => format!("{least} to {most}"),
        _ => least,
    })
}

pub(super) fn safety(safety: &Safety) -> (&'static str, String) {
    match safety {
        Safety::Safe { reasons } => ("safe", reasons.join("; ")),
        Safety::Review { doubt, .. } => ("review", doubt.clone()),
    }
}

/// What the build from an empty cache gains or loses, where that is worth a word.
fn cold(saving: &Saving) -> Option<String> {
    (saving.cold.unsigned_abs() >= 1_000).then(|| {
        let word = if saving.cold > 0 { "less" } else { "more" };
        format!(
            "a build from an empty cache takes {} {word}",
            duration(saving.cold.unsigned_abs())
        )
    })
}

/// Why builds get slower with it.
pub(super) fn why_slower(suggestion: &Suggestion) -> Option<String> {
    let slower = suggestion.slower.as_ref()?;
    let step = |line: &usize, text: &str| format!("line {line} (`{}`)", clip(&one_line(text), 48));
    let why = match &slower.by_what {
        SlowerBy::Added(line, text) => {
            format!("they run {} as a step of its own", step(line, text))
        }
        SlowerBy::Again(line, text) => format!(
            "they run {} again, which is cached without the change",
            step(line, text)
        ),
        SlowerBy::Longer(line, text) => format!("{} takes longer there", step(line, text)),
        SlowerBy::Layers => "more layers are new in them, to be written and moved".to_owned(),
        SlowerBy::Waiting => "their steps wait for one another".to_owned(),
    };
    Some(format!(
        "{} {} more on average: {why}",
        count(slower.builds as u64, "build takes", "builds take"),
        duration(slower.by.unsigned_abs())
    ))
}

/// What it would save under its condition, on top of the recommended changes if they were made before.
fn condition(suggestion: &Suggestion, is_on_top: bool) -> Option<String> {
    let conditional = suggestion.conditional.as_ref()?;
    let condition = match &conditional.condition {
        Condition::Passed { names, by } => {
            let by = by
                .as_ref()
                .map(|path| format!(", as {path} seems to do"))
                .unwrap_or_default();
            format!("if each build passed its own {}{by}", listed(names))
        }
        Condition::InTurn { name, values, by } => format!(
            "if each commit was built with {name} as {}, as {by} seems to do",
            listed(values)
        ),
        Condition::Brought { paths } => {
            format!("if each build brought another {}", listed(paths))
        }
        Condition::Emulated { platform, by } => {
            let by = by
                .as_ref()
                .map(|path| format!(", as {path} does it"))
                .unwrap_or_default();
            format!("built for {platform} under emulation{by}")
        }
    };
    let with = if is_on_top {
        " with the changes above"
    } else {
        ""
    };
    Some(format!(
        "{condition}, a build would take {}{with}, and this would save {} of it",
        duration(conditional.rebuild.unsigned_abs()),
        change(conditional.per_build)
    ))
}

/// Names in a sentence, the first of many.
fn listed(names: &[String]) -> String {
    match names {
        [one, two, three, rest @ ..] if rest.len() > 1 => {
            format!("{one}, {two}, {three} and {} more", rest.len())
        }
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        all => all.join(", "),
    }
}

/// The condition under which a proposal that changes little on this history saves at least 1% of a build.
fn big_where(suggestion: &Suggestion) -> Option<&Condition> {
    let conditional = suggestion.conditional.as_ref()?;
    let is_big = suggestion.on_top.is_none()
        && conditional.condition.is_likely()
        && conditional.per_build.saturating_mul(100) >= conditional.rebuild;
    is_big.then_some(&conditional.condition)
}

/// The small proposals under their headings.
pub(super) fn small_groups<'s>(
    suggestions: &'s Suggestions,
    small: &'s str,
) -> [(&'s str, Vec<&'s Suggestion>); 4] {
    let mut groups = [
        ("Where builds are for another platform", Vec::new()),
        ("Where builds pass arguments", Vec::new()),
        ("Where builds bring what git does not hold", Vec::new()),
        (small, Vec::new()),
    ];
    for suggestion in &suggestions.small {
        let group = match big_where(suggestion) {
            Some(Condition::Emulated { .. }) => 0,
            Some(Condition::Passed { .. } | Condition::InTurn { .. }) => 1,
            Some(Condition::Brought { .. }) => 2,
            None => 3,
        };
        groups[group].1.push(suggestion);
    }
    groups
}

/// What a small proposal adds to the recommended changes, in a line.
pub(super) fn adds(suggestions: &Suggestions, suggestion: &Suggestion) -> String {
    let on_top = suggestion.on_top.as_ref().map(|saving| {
        let (faster, slower, compared) = saving.builds;
        format!(
            "saves {} per build; {faster} of {compared} builds faster, {slower} slower",
            change(saving.per_build.1)
        )
    });
    let mut parts: Vec<String> = on_top
        .or_else(|| condition(suggestion, !suggestions.order.is_empty()))
        .into_iter()
        .collect();
    parts.extend(why_slower(suggestion));
    parts.join("; ")
}

/// Why a proposal is idle, with the figures.
pub(super) fn idles(suggestion: &Suggestion) -> String {
    let mut parts = vec![suggestion.why_not.clone()];
    // Figures of what a replay cannot see would mislead.
    let is_seen = !suggestion.proposal.candidate.restarts;
    if let Some(saving) = suggestion.alone.as_ref().filter(|_| is_seen) {
        let (faster, slower, compared) = saving.builds;
        let per_build = saving.per_build.1;
        if per_build != 0 {
            let verb = if per_build > 0 { "saves" } else { "costs" };
            parts.push(format!(
                "{verb} {} per build; {faster} of {compared} builds faster, {slower} slower",
                duration(per_build.unsigned_abs())
            ));
        }
        parts.extend(cold(saving));
        parts.extend(why_slower(suggestion));
    }
    parts.extend(condition(suggestion, false));
    parts.join("; ")
}

/// What one proposal says of itself below its title.
pub(super) fn details(suggestion: &Suggestion) -> Vec<String> {
    let mut lines = Vec::new();
    let mut figures = Vec::new();
    if let Some(alone) = &suggestion.alone {
        figures.push(format!("Alone it saves {}", per_build(alone)));
    }
    let on_top = suggestion.on_top.as_ref();
    let on_top = on_top.filter(|s| Some(*s) != suggestion.alone.as_ref());
    if let Some(on_top) = on_top {
        figures.push(format!("{} on top of those above", per_build(on_top)));
    }
    let main = suggestion.alone.as_ref().or(suggestion.on_top.as_ref());
    if let Some((faster, slower, compared)) = main.map(|s| s.builds) {
        // What waits for another step alone gains nothing until that is quick.
        let then = on_top
            .map(|s| s.builds)
            .filter(|then| faster == 0 && then.0 > 0);
        figures.push(match then {
            Some((faster, slower, _)) => {
                format!("with those, {faster} of {compared} builds faster, {slower} slower")
            }
            None => format!("{faster} of {compared} builds faster, {slower} slower"),
        });
    }
    if let Some(moved) = main
        .map(|s| s.bytes_per_build)
        .filter(|b| b.unsigned_abs() >= 100_000)
    {
        let word = if moved > 0 { "less" } else { "more" };
        figures.push(format!(
            "{} {word} moved per build",
            bytes(moved.unsigned_abs())
        ));
    }
    figures.extend(main.and_then(cold));
    if let Some(lost) = main.map(|s| s.lost).filter(|l| *l > 0) {
        figures.push(format!(
            "{} could not be built with it, for want of files that came later",
            count(lost as u64, "older build", "older builds")
        ));
    }
    if !figures.is_empty() {
        lines.push(format!("{}.", figures.join("; ")));
    }
    if suggestion.alone.is_none() && suggestion.on_top.is_some() {
        lines.push("Its lines are counted with those above made.".to_owned());
    }
    lines.push(suggestion.proposal.candidate.rationale.clone());
    lines.extend(why_slower(suggestion).map(|why| format!("Slower: {why}.")));
    let (word, why) = safety(&suggestion.proposal.candidate.safety);
    lines.push(if word == "safe" {
        format!("Safe: {why}.")
    } else {
        format!("Review: {why}.")
    });
    if !suggestion.why_not.is_empty() {
        lines.push(format!("Not recommended: {}.", suggestion.why_not));
    }
    lines
}

/// What the list of idle proposals is headed by.
pub(super) fn idle_heading(suggestions: &Suggestions) -> &'static str {
    match suggestions.elsewhere {
        Some(_) => "Found with this context",
        None => "Does not pay on this history",
    }
}

/// That there are idle proposals, `n` of them.
pub(super) fn idle_count(suggestions: &Suggestions, n: usize) -> String {
    let proposals = count(n as u64, "proposal", "proposals");
    let them = if n == 1 { "it" } else { "them" };
    match suggestions.elsewhere {
        Some(_) => format!("{proposals} found with this context; --all shows {them}."),
        None => format!(
            "{proposals} would not pay on this history{}; --all shows {them}.",
            elsewhere(suggestions)
        ),
    }
}

/// How many idle proposals make a build from an empty cache faster.
fn elsewhere(suggestions: &Suggestions) -> String {
    let cold = |s: &&Suggestion| s.alone.as_ref().is_some_and(|a| a.cold >= 1_000);
    match suggestions.idle.iter().filter(cold).count() {
        0 => String::new(),
        1 => " (1 does from an empty cache)".to_owned(),
        n => format!(" ({n} do from an empty cache)"),
    }
}
