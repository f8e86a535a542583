//! Proposals as text: for a terminal, as Markdown, as JSON (`stratigraph.suggest/1`), and as a patch.
//!
//! Never: decides what is proposed.

use super::format::{bytes, clip, count, date, duration, duration_change, one_line, share};
use super::terminal::Look;
use crate::cost::Band;
use crate::dockerfile::edit::unified_diff;
use crate::restructure::Safety;
use crate::restructure::search::Draft;
use crate::suggest::{Saving, SlowerBy, Suggestion, Suggestions};
use serde_json::{Value, json};
use std::io;

/// The patch from one draft to another, for `git apply`; empty when nothing differs.
pub fn patch(suggestions: &Suggestions, old: &Draft, new: &Draft) -> String {
    let dockerfile = unified_diff(
        &suggestions.dockerfile.to_string(),
        Some(&old.dockerfile),
        &new.dockerfile,
    );
    let ignore = match &new.ignore {
        Some(text) => unified_diff(&suggestions.ignore.to_string(), old.ignore.as_deref(), text),
        None => String::new(),
    };
    dockerfile + &ignore
}

/// Writes the recommended set as one patch.
pub fn write_patch(suggestions: &Suggestions, sink: &mut dyn io::Write) -> io::Result<()> {
    sink.write_all(patch(suggestions, &suggestions.now, &suggestions.then).as_bytes())
}

/// `2 min 10 s`, or `−4 s` for what costs.
fn change(ms: i64) -> String {
    if ms < 0 {
        duration_change(ms)
    } else {
        duration(ms.unsigned_abs())
    }
}

fn band(low: i64, high: i64) -> String {
    format!("{} to {}", change(low), change(high))
}

fn per_build(saving: &Saving) -> String {
    let (low, median, high) = saving.per_build;
    format!("{} per build ({})", change(median), band(low, high))
}

/// What a page says first, a sentence each.
fn summary(suggestions: &Suggestions) -> Vec<String> {
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
            "A build takes {}; at best, with each step run only for what it reads, {}.",
            of(now),
            best
        ));
        return lines;
    }
    lines.push(format!("A build takes {}; with the changes below {}; at best, with each step run only for what it reads, {}.", of(now), of(then), best));
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
fn nothing(suggestions: &Suggestions) -> &'static str {
    if suggestions.small.is_empty() {
        "Nothing to do: no proposal pays on this history."
    } else if suggestions.small.iter().any(is_big_where_passed) {
        "Nothing big to do where no arguments are passed; where they are, see below."
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

fn safety(safety: &Safety) -> (&'static str, String) {
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
fn why_slower(suggestion: &Suggestion) -> Option<String> {
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

/// What it would save if its arguments differed at every build.
fn condition(suggestion: &Suggestion) -> Option<String> {
    let passed = suggestion.if_passed.as_ref()?;
    let by = passed
        .by
        .as_ref()
        .map(|path| format!(", as {path} seems to do"))
        .unwrap_or_default();
    Some(format!(
        "if each build passed its own {}{by}, a build would take {}, and this would save {} of it",
        passed.names.join(" and "),
        duration(passed.rebuild.unsigned_abs()),
        change(passed.per_build)
    ))
}

/// Whether a proposal that changes little on this history saves at least 1% of a build that passes the arguments which a
/// file of the tree seems to pass.
fn is_big_where_passed(suggestion: &Suggestion) -> bool {
    let passed = suggestion.if_passed.as_ref().filter(|i| i.by.is_some());
    suggestion.on_top.is_none()
        && passed.is_some_and(|i| i.per_build.saturating_mul(100) >= i.rebuild)
}

/// The small proposals under their headings.
fn small_groups<'s>(
    suggestions: &'s Suggestions,
    small: &'s str,
) -> [(&'s str, Vec<&'s Suggestion>); 2] {
    let (passed, others) = suggestions
        .small
        .iter()
        .partition(|s| is_big_where_passed(s));
    [("Where builds pass arguments", passed), (small, others)]
}

/// What a small proposal adds, in a line.
fn adds(suggestion: &Suggestion) -> String {
    let on_top = suggestion.on_top.as_ref().map(|saving| {
        let (faster, slower, compared) = saving.builds;
        format!(
            "saves {} per build; {faster} of {compared} builds faster, {slower} slower",
            change(saving.per_build.1)
        )
    });
    let mut parts: Vec<String> = on_top
        .or_else(|| condition(suggestion))
        .into_iter()
        .collect();
    parts.extend(why_slower(suggestion));
    parts.join("; ")
}

/// Why a proposal is idle, with the figures.
fn idles(suggestion: &Suggestion) -> String {
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
    parts.extend(condition(suggestion));
    parts.join("; ")
}

/// What one proposal says of itself below its title.
fn details(suggestion: &Suggestion) -> Vec<String> {
    let mut lines = Vec::new();
    let mut figures = Vec::new();
    if let Some(alone) = &suggestion.alone {
        figures.push(format!("Alone it saves {}", per_build(alone)));
    }
    if let Some(on_top) = suggestion
        .on_top
        .as_ref()
        .filter(|s| Some(*s) != suggestion.alone.as_ref())
    {
        figures.push(format!("{} on top of those above", per_build(on_top)));
    }
    let main = suggestion.alone.as_ref().or(suggestion.on_top.as_ref());
    if let Some((faster, slower, compared)) = main.map(|s| s.builds) {
        figures.push(format!(
            "{faster} of {compared} builds faster, {slower} slower"
        ));
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

/// Writes for a terminal. `all`: what does not pay as well.
pub fn write_terminal(
    suggestions: &Suggestions,
    all: bool,
    look: Look,
    sink: &mut dyn io::Write,
) -> io::Result<()> {
    let bold = |text: &str| {
        if look.colour {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    };
    for line in summary(suggestions) {
        wrapped(sink, "", &line, look.width)?;
    }
    if suggestions.order.is_empty() {
        writeln!(sink)?;
        writeln!(sink, "{}", bold(nothing(suggestions)))?;
    }
    for (n, suggestion) in suggestions.order.iter().enumerate() {
        let candidate = &suggestion.proposal.candidate;
        writeln!(sink)?;
        let (word, _) = safety(&candidate.safety);
        writeln!(
            sink,
            "{}",
            bold(&format!(
                "{}. {} [{}, {word}]",
                n + 1,
                candidate.title,
                suggestion.proposal.id
            ))
        )?;
        for line in details(suggestion) {
            wrapped(sink, "   ", &line, look.width)?;
        }
    }
    if !suggestions.order.is_empty() {
        writeln!(sink)?;
        write_diff(
            sink,
            &patch(suggestions, &suggestions.now, &suggestions.then),
            look,
        )?;
    }
    if !suggestions.instead.is_empty() {
        writeln!(sink)?;
        writeln!(sink, "{}", bold("Instead"))?;
        for suggestion in &suggestions.instead {
            let saves = suggestion.alone.as_ref().map(per_build).unwrap_or_default();
            wrapped(
                sink,
                "   ",
                &format!(
                    "{} [{}]: alone it saves {saves}",
                    suggestion.proposal.candidate.title, suggestion.proposal.id
                ),
                look.width,
            )?;
        }
    }
    let more = if suggestions.order.is_empty() {
        "Small"
    } else {
        "Small, on top of these"
    };
    for (heading, group) in small_groups(suggestions, more) {
        if group.is_empty() {
            continue;
        }
        writeln!(sink)?;
        writeln!(sink, "{}", bold(heading))?;
        for suggestion in group {
            let candidate = &suggestion.proposal.candidate;
            let line = format!(
                "{} [{}, {}]: {}",
                candidate.title,
                suggestion.proposal.id,
                safety(&candidate.safety).0,
                adds(suggestion)
            );
            wrapped(sink, "   ", &line, look.width)?;
        }
    }
    rest(suggestions, all, look, sink)?;
    if !suggestions.order.is_empty() {
        writeln!(sink)?;
        writeln!(
            sink,
            "stratigraph suggest --apply writes the recommended changes, --apply ID one of them."
        )?;
    }
    Ok(())
}

fn rest(
    suggestions: &Suggestions,
    all: bool,
    look: Look,
    sink: &mut dyn io::Write,
) -> io::Result<()> {
    for unwanted in &suggestions.unwanted {
        let line = format!(
            "Ignored: {} [{}]: {}",
            unwanted.title, unwanted.rule, unwanted.reason
        );
        wrapped(sink, "", &line, look.width)?;
    }
    let n = suggestions.idle.len();
    if n == 0 && (!all || suggestions.dropped.is_empty()) {
        return caveats(suggestions, look, sink);
    }
    writeln!(sink)?;
    if !all {
        writeln!(
            sink,
            "{} would not pay on this history{}; --all shows {}.",
            count(n as u64, "proposal", "proposals"),
            elsewhere(suggestions),
            if n == 1 { "it" } else { "them" }
        )?;
        return caveats(suggestions, look, sink);
    }
    writeln!(sink, "Does not pay on this history")?;
    for suggestion in &suggestions.idle {
        wrapped(
            sink,
            "   ",
            &format!(
                "{} [{}]: {}",
                suggestion.proposal.candidate.title,
                suggestion.proposal.id,
                idles(suggestion)
            ),
            look.width,
        )?;
    }
    for dropped in &suggestions.dropped {
        wrapped(
            sink,
            "   ",
            &format!(
                "{} [{}]: dropped by the check: {}",
                dropped.title, dropped.rule, dropped.why
            ),
            look.width,
        )?;
    }
    caveats(suggestions, look, sink)
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

fn caveats(suggestions: &Suggestions, look: Look, sink: &mut dyn io::Write) -> io::Result<()> {
    if suggestions.caveats.is_empty() {
        return Ok(());
    }
    writeln!(sink)?;
    for caveat in suggestions.caveats.iter().take(4) {
        wrapped(sink, "", &format!("Note: {caveat}"), look.width)?;
    }
    Ok(())
}

fn write_diff(sink: &mut dyn io::Write, patch: &str, look: Look) -> io::Result<()> {
    for line in patch.lines() {
        let code = match line.as_bytes().first() {
            Some(b'+') => "\u{1b}[32m",
            Some(b'-') => "\u{1b}[31m",
            _ => "",
        };
        if look.colour && !code.is_empty() {
            writeln!(sink, "{code}{line}\u{1b}[0m")?;
        } else {
            writeln!(sink, "{line}")?;
        }
    }
    Ok(())
}

/// A paragraph broken at blanks; control characters become blanks.
fn wrapped(sink: &mut dyn io::Write, indent: &str, text: &str, width: usize) -> io::Result<()> {
    let mut line = String::new();
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty())
    {
        if !line.is_empty()
            && indent.len() + line.chars().count() + 1 + word.chars().count() > width
        {
            writeln!(sink, "{indent}{line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.is_empty() {
        Ok(())
    } else {
        writeln!(sink, "{indent}{line}")
    }
}

/// Writes as Markdown.
pub fn write_markdown(
    suggestions: &Suggestions,
    all: bool,
    sink: &mut dyn io::Write,
) -> io::Result<()> {
    writeln!(sink, "## Suggestions for `{}`\n", suggestions.dockerfile)?;
    for line in summary(suggestions) {
        writeln!(sink, "{}\n", escaped(&line))?;
    }
    if suggestions.order.is_empty() {
        writeln!(sink, "**{}**", nothing(suggestions))?;
    } else {
        writeln!(
            sink,
            "| | change | alone, per build | on top | safety |\n| --- | --- | --- | --- | --- |"
        )?;
        for (n, suggestion) in suggestions.order.iter().enumerate() {
            let figure = |s: &Option<Saving>| {
                s.as_ref()
                    .map_or_else(|| "–".to_owned(), |s| change(s.per_build.1))
            };
            let candidate = &suggestion.proposal.candidate;
            writeln!(
                sink,
                "| {} | {} (`{}`) | {} | {} | {} |",
                n + 1,
                escaped(&candidate.title),
                suggestion.proposal.id,
                figure(&suggestion.alone),
                figure(&suggestion.on_top),
                safety(&candidate.safety).0
            )?;
        }
        for suggestion in &suggestions.order {
            writeln!(
                sink,
                "\n### {}\n",
                escaped(&suggestion.proposal.candidate.title)
            )?;
            for line in details(suggestion) {
                writeln!(sink, "- {}", escaped(&line))?;
            }
        }
        let patch = patch(suggestions, &suggestions.now, &suggestions.then);
        // A fence longer than any in the patch.
        let fence = "`".repeat(longest_ticks(&patch).max(2) + 1);
        writeln!(sink, "\n{fence}diff\n{}{fence}", with_line_end(&patch))?;
    }
    for (heading, group) in small_groups(suggestions, "Small") {
        if group.is_empty() {
            continue;
        }
        writeln!(sink, "\n### {heading}\n")?;
        for suggestion in group {
            writeln!(
                sink,
                "- {} (`{}`, {}): {}",
                escaped(&suggestion.proposal.candidate.title),
                suggestion.proposal.id,
                safety(&suggestion.proposal.candidate.safety).0,
                escaped(&adds(suggestion))
            )?;
        }
    }
    if !suggestions.unwanted.is_empty() {
        writeln!(sink, "\n### Ignored\n")?;
        for unwanted in &suggestions.unwanted {
            writeln!(
                sink,
                "- {} (`{}`): {}",
                escaped(&unwanted.title),
                unwanted.rule,
                escaped(&unwanted.reason)
            )?;
        }
    }
    if all && !(suggestions.idle.is_empty() && suggestions.dropped.is_empty()) {
        writeln!(sink, "\n### Does not pay on this history\n")?;
        for suggestion in &suggestions.idle {
            writeln!(
                sink,
                "- {} (`{}`): {}",
                escaped(&suggestion.proposal.candidate.title),
                suggestion.proposal.id,
                escaped(&idles(suggestion))
            )?;
        }
        for dropped in &suggestions.dropped {
            writeln!(
                sink,
                "- {} (`{}`): dropped by the check: {}",
                escaped(&dropped.title),
                dropped.rule,
                escaped(&dropped.why)
            )?;
        }
    }
    Ok(())
}

fn with_line_end(text: &str) -> String {
    if text.ends_with('\n') {
        text.to_owned()
    } else {
        format!("{text}\n")
    }
}

fn longest_ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Text that Markdown shows as it is.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

/// Writes `stratigraph.suggest/1`: one object. Times in milliseconds, bytes in bytes; `low` and `high` are the 10 and
/// 90 % ends of the estimate's band.
pub fn write_json(
    suggestions: &Suggestions,
    all: bool,
    sink: &mut dyn io::Write,
) -> io::Result<()> {
    let (n, counted, first, last) = suggestions.builds;
    let of = |b: &Band| json!({"median_ms": b.median, "low_ms": b.low, "high_ms": b.high});
    let mut value = json!({
        "schema": "stratigraph.suggest/1",
        "dockerfile": suggestions.dockerfile.to_string(),
        "ignore_file": suggestions.ignore.to_string(),
        "builds": {"replayed": n, "counted": counted, "first_time": first, "last_time": last},
        "mean_build": {"now": of(&suggestions.mean.0), "with_changes": of(&suggestions.mean.1), "best": of(&suggestions.mean.2), "best_bold": of(&suggestions.best_bold)},
        "saving": saving(&suggestions.saving),
        "recommended": suggestions.order.iter().map(|s| suggestion(suggestions, s)).collect::<Vec<_>>(),
        "instead": suggestions.instead.iter().map(|s| suggestion(suggestions, s)).collect::<Vec<_>>(),
        "small": suggestions.small.iter().map(|s| suggestion(suggestions, s)).collect::<Vec<_>>(),
        "n_idle": suggestions.idle.len(),
        "ignored": suggestions.unwanted.iter().map(|u| json!({"rule": u.rule, "title": u.title, "reason": u.reason})).collect::<Vec<_>>(),
        "patch": patch(suggestions, &suggestions.now, &suggestions.then),
        "caveats": suggestions.caveats.iter().map(|c| json!({"text": c.text, "place": c.place})).collect::<Vec<_>>(),
    });
    if all && let Value::Object(map) = &mut value {
        map.insert(
            "idle".to_owned(),
            suggestions
                .idle
                .iter()
                .map(|s| suggestion(suggestions, s))
                .collect(),
        );
        let dropped = suggestions
            .dropped
            .iter()
            .map(|d| json!({"rule": d.rule, "title": d.title, "why": d.why}));
        map.insert("dropped".to_owned(), dropped.collect());
    }
    serde_json::to_writer_pretty(&mut *sink, &value)?;
    writeln!(sink)
}

fn saving(saving: &Saving) -> Value {
    let of = |(low, median, high): (i64, i64, i64)| json!({"median_ms": median, "low_ms": low, "high_ms": high});
    let (faster, slower, compared) = saving.builds;
    json!({
        "per_build": of(saving.per_build),
        "per_month": saving.per_month.map(of),
        "builds_faster": faster, "builds_slower": slower, "builds_compared": compared, "builds_lost": saving.lost,
        "bytes_per_build": saving.bytes_per_build, "from_empty_cache_ms": saving.cold,
    })
}

fn suggestion(suggestions: &Suggestions, of: &Suggestion) -> Value {
    let candidate = &of.proposal.candidate;
    json!({
        "id": of.proposal.id,
        "rule": candidate.rule,
        "title": candidate.title,
        "rationale": candidate.rationale,
        "lines": candidate.lines.iter().map(|l| [l.first, l.last]).collect::<Vec<_>>(),
        "safety": if candidate.safety.is_safe() { "safe" } else { "review" },
        "reasons": candidate.safety.reasons(),
        "doubt": candidate.safety.doubt(),
        "alone": of.alone.as_ref().map(saving),
        "on_top": of.on_top.as_ref().map(saving),
        "slower": of.slower.as_ref().map(|s| json!({"builds": s.builds, "by_ms": s.by, "why": why_slower(of)})),
        "if_passed": of.if_passed.as_ref().map(|i| json!({"names": i.names, "by": i.by.as_ref().map(ToString::to_string), "rebuild_ms": i.rebuild, "per_build_ms": i.per_build})),
        "why_not": (!of.why_not.is_empty()).then_some(&of.why_not),
        "patch": of.alone.is_some().then(|| patch(suggestions, &suggestions.now, &of.proposal.draft)),
    })
}
