//! Writes a report for people, for programs and for pull requests.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::Format;
use super::class::Class;
use super::report::{Finding, Report, Seen, Status};

/// Values longer than this are cut in the forms that people read.
const LONGEST: usize = 160;

/// Prints the report.
pub(super) fn write(report: &Report, name: &str, format: Format) -> io::Result<()> {
    match format {
        // Strips the colours where nobody sees them, or wants none.
        Format::Text => text(report, name, &mut anstream::stdout().lock()),
        Format::Json => json(report, name, &mut io::stdout().lock()),
        Format::Markdown => markdown(report, name, &mut io::stdout().lock()),
    }
}

fn json(report: &Report, name: &str, out: &mut impl Write) -> io::Result<()> {
    let verdict = match report.exit() {
        0 => "no drift",
        1 => "drift",
        _ => "could not tell",
    };
    let mut value = serde_json::to_value(report)?;
    value["document"] = Value::from(name);
    value["verdict"] = Value::from(verdict);
    serde_json::to_writer_pretty(&mut *out, &value)?;
    writeln!(out)
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

fn colour(class: Class) -> Style {
    let colour = match class {
        Class::Breaking => AnsiColor::Red,
        Class::Addition => AnsiColor::Green,
        Class::Relaxation => AnsiColor::Cyan,
    };
    colour.on_default().bold()
}

/// The groups, in the order of how much they matter.
fn groups(report: &Report) -> Vec<(Class, &'static str, Vec<&Finding>)> {
    let groups = [
        (Class::Breaking, "Breaking"),
        (Class::Addition, "Additions"),
        (Class::Relaxation, "Relaxations"),
    ];
    groups
        .into_iter()
        .map(|(class, title)| {
            let of_class =
                |finding: &&Finding| finding.class == class && finding.status != Status::Stale;
            (
                class,
                title,
                report.findings.iter().filter(of_class).collect::<Vec<_>>(),
            )
        })
        .chain([(
            Class::Relaxation,
            "Stale records",
            report
                .findings
                .iter()
                .filter(|f| f.status == Status::Stale)
                .collect(),
        )])
        .filter(|(_, _, findings)| !findings.is_empty())
        .collect()
}

fn text(report: &Report, name: &str, out: &mut impl Write) -> io::Result<()> {
    for (class, title, findings) in groups(report) {
        let style = colour(class);
        writeln!(out, "{style}{title} ({}){style:#}", findings.len())?;
        for finding in findings {
            writeln!(
                out,
                "\n  {BOLD}{}{BOLD:#}{}",
                finding.what,
                status(finding.status)
            )?;
            for operation in &finding.operations {
                writeln!(out, "    {operation}")?;
            }
            if !finding.place.is_empty() {
                writeln!(out, "    {DIM}{}{DIM:#}", finding.place)?;
            }
            if finding.status != Status::Stale {
                line(out, "upstream", &finding.upstream)?;
            }
            if let Some(known) = &finding.known
                && (finding.status != Status::Unrecorded
                    || finding.ours.value.as_ref() != Some(known))
            {
                writeln!(out, "    was      {}", short(Some(known)))?;
            }
            line(out, "ours", &finding.ours)?;
            writeln!(out, "    edit     {}", finding.edit)?;
        }
        writeln!(out)?;
    }
    for trouble in &report.problems {
        let style = AnsiColor::Yellow.on_default().bold();
        write!(out, "{style}could not tell{style:#}: ")?;
        if let Some(operation) = &trouble.operation {
            write!(out, "{operation}: ")?;
        }
        write!(out, "{name}")?;
        if !trouble.pointer.is_empty() {
            write!(out, " at #{}", trouble.pointer)?;
        }
        writeln!(out, ": {}", trouble.message)?;
    }
    for note in &report.notes {
        writeln!(out, "note: {note}")?;
    }
    writeln!(out, "{}", summary(report))
}

fn line(out: &mut impl Write, side: &str, seen: &Seen) -> io::Result<()> {
    writeln!(
        out,
        "    {side:<8} {}  {DIM}#{}{DIM:#}",
        short(seen.value.as_ref()),
        seen.pointer
    )?;
    for place in &seen.also {
        writeln!(out, "    {:<8} {DIM}and #{place}{DIM:#}", "")?;
    }
    Ok(())
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Unrecorded => "",
        Status::Changed => " (recorded, and changed since)",
        Status::Adopted => " (recorded, and adopted by now)",
        Status::Available => " (available)",
        Status::Stale => "",
    }
}

fn summary(report: &Report) -> String {
    let checked = format!(
        "{} compared, {} recorded",
        count(report.operations, "operation"),
        count(report.departures, "departure")
    );
    match report.exit() {
        0 => format!("no drift: {checked}, nothing else"),
        1 => format!(
            "drift: {} ({checked})",
            count(report.findings.len(), "finding")
        ),
        _ => format!(
            "could not tell: {}, {} ({checked})",
            count(report.problems.len(), "problem"),
            count(report.findings.len(), "finding")
        ),
    }
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

fn short(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "(nothing)".to_owned();
    };
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn markdown(report: &Report, name: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## Drift of `{name}`\n\n{}\n", summary(report))?;
    for trouble in &report.problems {
        let operation = trouble.operation.as_deref().unwrap_or("the document");
        writeln!(
            out,
            "- **could not tell** about {operation}: {}{}",
            cell(&trouble.message),
            match trouble.pointer.as_str() {
                "" => String::new(),
                pointer => format!(" at {}", code(&format!("#{pointer}"))),
            }
        )?;
    }
    for (_, title, findings) in groups(report) {
        writeln!(out, "\n### {title} ({})\n", findings.len())?;
        writeln!(
            out,
            "| what | where | upstream | ours | edit |\n| --- | --- | --- | --- | --- |"
        )?;
        for finding in findings {
            let mut places: Vec<_> = finding.operations.iter().map(|title| code(title)).collect();
            if !finding.place.is_empty() {
                places.push(code(&finding.place));
            }
            let side = |seen: &Seen| {
                let mut lines = vec![
                    code(&short(seen.value.as_ref())),
                    code(&format!("#{}", seen.pointer)),
                ];
                // Of operations, the titles say as much.
                if finding.status != Status::Available {
                    let also = seen.also.iter();
                    lines.extend(also.map(|place| format!("and {}", code(&format!("#{place}")))));
                }
                lines.join("<br>")
            };
            writeln!(
                out,
                "| {}{} | {} | {} | {} | {} |",
                cell(&finding.what),
                status(finding.status),
                places.join("<br>"),
                side(&finding.upstream),
                side(&finding.ours),
                cell(&finding.edit)
            )?;
        }
    }
    for note in &report.notes {
        writeln!(out, "\nNote: {}", cell(note))?;
    }
    Ok(())
}

/// Text that cannot end its cell, nor turn into markup.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' => safe.push_str("\\|"),
            '<' => safe.push_str("&lt;"),
            '\n' | '\r' => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

fn code(text: &str) -> String {
    format!(
        "`{}`",
        text.replace('`', "'")
            .replace('|', "\\|")
            .replace(['\n', '\r'], " ")
    )
}
