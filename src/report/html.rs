//! A report as one self-contained HTML file with a heat map of commits by steps; works without script.
//!
//! Never: loads anything, writes a text without escaping it.

use super::heat::{Cell, Heat};
use super::table::{Align, Table};
use super::view::Report;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::io;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1f2328; --faint: #656d76; --paper: #fff; --line: #d8dee4; --card: #f6f8fa;
  --hit: #d5ead8; --root: #c2410c; --cascade: #f3b36b; --unknown: #9aa4af; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --faint: #8d96a0; --paper: #0d1117; --line: #30363d;
  --card: #161b22; --hit: #1d3b2a; --root: #f0803c; --cascade: #8a5a1c; --unknown: #57606a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1.5rem 0; }
.figure { flex: 1 1 14rem; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .7rem 1rem; }
.figure b { display: block; font-size: 1.4rem; } .figure small, .faint { color: var(--faint); }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--faint); font-weight: 600; } .n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
code, svg text { font: 12px/1.4 ui-monospace, monospace; } td code { overflow-wrap: anywhere; }
.legend span { display: inline-block; margin-right: 1.2rem; } .legend i { display: inline-block; width: .8rem; height: .8rem; margin-right: .35rem; border: 1px solid var(--line); }
.hit { fill: var(--hit); background: var(--hit); } .root { fill: var(--root); background: var(--root); }
.cascade { fill: var(--cascade); background: var(--cascade); } .unknown { fill: var(--unknown); background: var(--unknown); }
svg text { fill: var(--ink); }
";

/// Writes a report.
pub fn write(report: &Report, heat: Option<&Heat>, sink: &mut dyn io::Write) -> io::Result<()> {
    sink.write_all(page(report, heat).into_string().as_bytes())
}

fn page(report: &Report, heat: Option<&Heat>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (report.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (report.title) }
                @for sentence in &report.replayed { p { (sentence) } }
                div.figures {
                    @for figure in &report.figures {
                        div.figure { (figure.name) b { (figure.value) } small { (figure.note) } }
                    }
                }
                @if let Some(heat) = heat {
                    h2 { "Every build, step by step" }
                    (legend(heat))
                    div.wide { (map(heat)) }
                }
                @if !report.steps.rows.is_empty() {
                    h2 { "The Dockerfile's steps as they are now, over all these builds" }
                    (table(&report.steps))
                    @if let Some(note) = &report.steps_note { p.faint { "and " (note) } }
                }
                @if !report.causes.rows.is_empty() {
                    h2 { "What made steps run again" }
                    (table(&report.causes))
                }
                @if !report.findings.is_empty() {
                    h2 { "What could be better" }
                    ul { @for finding in &report.findings {
                        li {
                            @if !finding.place.is_empty() { b { (finding.place) ": " } }
                            (finding.text) " " span.faint { (finding.detail) }
                        }
                    } }
                }
                @if !report.caveats.is_empty() {
                    h2 { "How these numbers are made" }
                    ul.faint { @for caveat in &report.caveats { li { (caveat) } } }
                }
            }
        }
    }
}

fn table(table: &Table) -> Markup {
    let class = |i: usize| (table.columns[i].align == Align::Right).then_some("n");
    html! {
        div.wide { table {
            thead { tr { @for (i, column) in table.columns.iter().enumerate() { th class=[class(i)] { (column.title) } } } }
            tbody { @for row in &table.rows {
                tr { @for (i, cell) in row.iter().enumerate() {
                    td class=[class(i)] {
                        @if table.columns[i].is_code && !row[0].is_empty() { code { (cell) } } @else { (cell) }
                    }
                } }
            } }
        } }
    }
}

fn legend(heat: &Heat) -> Markup {
    html! {
        p.legend {
            span { i.hit {} "cached" }
            span { i.root {} "ran: something it reads changed" }
            span { i.cascade {} "ran: an earlier step ran" }
            span { i.unknown {} "not to be known" }
            @if heat.n_older > 0 { span.faint { (heat.n_older) " older builds are left out" } }
        }
    }
}

/// Pixels of the map: labels, and one cell.
const LABELS: usize = 380;
const CELL_HEIGHT: usize = 16;

/// Oldest build left; neighbours that fared alike are one bar.
fn map(heat: &Heat) -> Markup {
    let cell_width = (770 / heat.columns.len().max(1)).clamp(2, 24);
    let width = LABELS + cell_width * heat.columns.len();
    let height = CELL_HEIGHT * heat.rows.len() + 4;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) role="img" aria-label="steps by builds" {
            @for (y, label) in heat.rows.iter().enumerate() {
                text x="0" y=(y * CELL_HEIGHT + 12) { (label) }
                @for bar in bars(&heat.cells[y]) {
                    @if let Some(class) = class(bar.cell) {
                        rect class=(class) x=(LABELS + bar.start * cell_width) y=(y * CELL_HEIGHT + 1)
                            width=(bar.length * cell_width) height=(CELL_HEIGHT - 2) {
                            title { (heat.columns[bar.start]) @if bar.length > 1 { " and " (bar.length - 1) " more" } }
                        }
                    }
                }
            }
        }
    }
}

struct Bar {
    cell: Cell,
    start: usize,
    length: usize,
}

fn bars(cells: &[Cell]) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for (start, &cell) in cells.iter().enumerate() {
        match bars.last_mut() {
            Some(bar) if bar.cell == cell => bar.length += 1,
            _ => bars.push(Bar {
                cell,
                start,
                length: 1,
            }),
        }
    }
    bars
}

fn class(cell: Cell) -> Option<&'static str> {
    match cell {
        Cell::Absent => None,
        Cell::Hit => Some("hit"),
        Cell::Root => Some("root"),
        Cell::Cascade => Some("cascade"),
        Cell::Unknown => Some("unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_bar() {
        let got: Vec<_> = bars(&[Cell::Hit, Cell::Hit, Cell::Root, Cell::Hit])
            .into_iter()
            .map(|b| (b.cell, b.start, b.length))
            .collect();
        assert_eq!(
            got,
            [(Cell::Hit, 0, 2), (Cell::Root, 2, 1), (Cell::Hit, 3, 1)]
        );
    }

    #[test]
    fn texts_of_a_repository_are_escaped() {
        let heat = Heat {
            rows: vec!["1 <script>".to_owned()],
            columns: vec!["<b>".to_owned()],
            cells: vec![vec![Cell::Root]],
            n_older: 0,
        };
        let text = map(&heat).into_string();
        assert!(
            !text.contains("<script>") && !text.contains("<b>"),
            "{text}"
        );
    }
}
