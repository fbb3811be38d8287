//! `cargo xtask drift`: what changed upstream since the fragment was written.

mod advice;
mod available;
mod check;
mod class;
mod compare;
mod comparison;
mod cut;
mod document;
mod edit;
mod json;
mod left_out;
mod lost;
mod merge;
mod operation;
mod places;
mod presence;
mod reader;
mod records;
mod recursion;
mod report;
mod schema;
mod security;
mod servers;
mod show;
mod side;
#[cfg(test)]
mod tests;
mod tree;
mod yaml;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use clap::ValueEnum;

use self::check::Failure;
use self::document::Document;
use self::records::Records;
use self::report::Report;
use crate::fragment::{self, FRAGMENT};

/// More than any published document; it keeps a pipe that never ends from
/// filling the memory.
const LARGEST: u64 = 512 << 20;

/// How the findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; coloured on a terminal.
    Text,
    /// For programs.
    Json,
    /// For a pull request.
    Markdown,
}

/// Compares a published document with the fragment below `root`, prints what
/// it finds, and returns the code to exit with.
pub(crate) fn run(root: &Path, input: &str, format: Format) -> anyhow::Result<u8> {
    let fragment = std::fs::read_to_string(root.join(FRAGMENT))
        .with_context(|| format!("cannot read {FRAGMENT}"))?;
    let name = if input == "-" {
        "standard input"
    } else {
        input
    };
    let report = match read(input).and_then(|bytes| answer(&fragment, bytes, name)) {
        // People get the error as it is.
        Err(error) if format != Format::Text => Report::failed(format!("{error:#}")),
        report => report?,
    };
    match show::write(&report, name, format) {
        // Whoever reads may have seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        outcome => outcome.context("cannot write the findings")?,
    }
    Ok(report.exit())
}

/// Compares a document, as it was read, with the text of a fragment.
fn answer(fragment: &str, bytes: Vec<u8>, name: &str) -> anyhow::Result<Report> {
    // JSON that was cut off is broken; of YAML, the beginning is YAML.
    let open_end = bytes.last() != Some(&b'\n');
    let (text, is_yaml) = json(bytes, name)?;
    let mut report = compare(fragment, &text, name)?;
    if is_yaml {
        let fragment =
            Document::new(fragment).map_err(|message| anyhow!("{FRAGMENT}: {message}"))?;
        cut::look(&mut report, &fragment, &text, open_end);
    }
    Ok(report)
}

/// Compares the text of a document with the text of a fragment.
fn compare(fragment_text: &str, text: &str, name: &str) -> anyhow::Result<Report> {
    let parsed = fragment::parse(fragment_text)?;
    let records = Records::collect(&parsed).map_err(|problem| anyhow!("{FRAGMENT}: {problem}"))?;
    let fragment =
        Document::new(fragment_text).map_err(|message| anyhow!("{FRAGMENT}: {message}"))?;
    let upstream = Document::new(text).map_err(|message| anyhow!("{name}: {message}"))?;
    check::check(&fragment, &parsed, &records, &upstream).map_err(|failure| match failure {
        Failure::Fragment(problem) => anyhow!("{FRAGMENT}: {problem}"),
        Failure::Upstream(problem) => anyhow!("{name}: {problem}"),
    })
}

fn read(input: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if input == "-" {
        io::stdin()
            .lock()
            .take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
    } else {
        let file = File::open(input).with_context(|| format!("cannot open {input}"))?;
        let about = file
            .metadata()
            .with_context(|| format!("cannot read {input}"))?;
        if about.is_dir() {
            bail!("{input} is a directory; name the document in it");
        }
        bytes.reserve(usize::try_from(about.len().min(LARGEST)).unwrap_or_default());
        file.take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot read {input}"))?;
    }
    if LARGEST < bytes.len() as u64 {
        bail!(
            "{input}: larger than {} MiB, which no OpenAPI document is",
            LARGEST >> 20
        );
    }
    Ok(bytes)
}

/// The document as JSON text, and whether it came as YAML.
fn json(bytes: Vec<u8>, name: &str) -> anyhow::Result<(String, bool)> {
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        anyhow!("{name}: not UTF-8 text: byte {place} belongs to no character")
    })?;
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    match text.trim_start().chars().next() {
        None => bail!("{name}: empty"),
        Some('{' | '[') if !is_yaml(name) => Ok((text, false)),
        _ => match yaml::to_json(&text) {
            Ok(json) => Ok((json, true)),
            Err(message) => bail!("{name}: {message}"),
        },
    }
}

fn is_yaml(name: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| extension == "yaml" || extension == "yml")
}
