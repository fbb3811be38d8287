//! `cargo xtask drift`: follows Cloudflare's published document.
//!
//! What Cloudflare publishes is kept in a canonical form, the snapshot. A newer document
//! is compared with it, and so is our fragment, whose differences have written reasons.

mod canonical;
mod class;
mod compare;
mod departures;
mod locate;
mod place;
mod report;
pub(crate) mod resolve;
pub(crate) mod schema;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use self::canonical::{Canonical, canonical};
use self::compare::{Difference, differences};
use self::departures::{DEPARTURES, Departure, NO_REASON};
use self::report::{Change, Report, changes, version};
use crate::fragment::{self, FRAGMENT};

/// What Cloudflare published when it was last looked at, in the canonical form.
const SNAPSHOT: &str = "openapi/upstream.json";

/// How to write changes.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Markdown,
}

/// What to compare with the snapshot.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A published openapi.json, or `-` for standard input; without it, the fragment is
    /// compared, whose differences openapi/departures.json explains.
    document: Option<String>,
    /// How to write the changes.
    #[arg(long, value_enum, default_value = "text", requires = "document")]
    format: Format,
    /// Make the document the new snapshot.
    #[arg(long, requires = "document")]
    accept: bool,
    /// Commit of the document.
    #[arg(long, requires = "document")]
    commit: Option<String>,
    /// Date of the document, like 2024-08-07.
    #[arg(long, requires = "document")]
    date: Option<String>,
}

/// Gives the exit code: 0 for no changes, 1 for changes, 2 where it could not tell.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<u8> {
    let fragment = fragment::read(root)?;
    let Some(document) = &arguments.document else {
        return check_fragment(root, &fragment);
    };
    let published = canonical(&read_document(document)?, &locate::wanted(&fragment));
    let head = json!({"commit": arguments.commit, "date": arguments.date});
    let snapshot = match read_snapshot(root) {
        Err(_) if arguments.accept => json!({"operations": {}}),
        snapshot => snapshot?,
    };
    let report = Report {
        changes: compare(&snapshot, &published, &departures::read(root)?)?,
        problems: published.problems.clone(),
        document: head.clone(),
        snapshot: snapshot["document"].clone(),
    };
    let text = match arguments.format {
        Format::Text => report.text(),
        Format::Markdown => report.markdown(),
        Format::Json => format!("{:#}\n", json!(report)),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    if !report.problems.is_empty() {
        return Ok(2);
    }
    if arguments.accept {
        let Canonical { operations, nearby, .. } = published;
        let mut new = json!({"document": head, "nearby": nearby, "operations": operations});
        new.sort_all_objects();
        fs::write(root.join(SNAPSHOT), format!("{new:#}\n"))
            .with_context(|| format!("cannot write {SNAPSHOT}"))?;
        eprintln!("{SNAPSHOT} is written; now run `cargo xtask drift` for the fragment");
        return Ok(0);
    }
    if report.changes.is_empty() {
        eprintln!("no changes since {}", version(&report.snapshot));
    }
    Ok(u8::from(!report.changes.is_empty()))
}

/// The operations of the fragment in the canonical form.
pub(crate) fn canonical_operations(fragment: &Value) -> Value {
    canonical(fragment, &locate::wanted(fragment)).operations
}

fn read_document(path: &str) -> anyhow::Result<Value> {
    let mut text = String::new();
    if path == "-" {
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
    } else {
        text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    }
    // Cloudflare publishes JSON beside the YAML, so YAML is not read.
    serde_json::from_str(&text)
        .with_context(|| format!("{path} is not JSON; take openapi.json, not openapi.yaml"))
}

/// The changes in a document that must be Cloudflare's, and what could not be compared.
fn compare(
    snapshot: &Value,
    published: &Canonical,
    departures: &[Departure],
) -> anyhow::Result<Vec<Change>> {
    ensure!(
        published.operations != json!({}),
        "none of our operations is in the document; is it Cloudflare's, and complete?"
    );
    let mut found = differences(&snapshot["operations"], &published.operations);
    for operation in &published.nearby {
        let known = snapshot["nearby"].as_array();
        if !known.is_some_and(|known| known.iter().any(|known| known == operation)) {
            let (place, new) = (vec![operation.clone()], Some(json!(operation)));
            found.push(Difference { place, old: None, new });
        }
    }
    Ok(changes(&found, departures))
}

fn read_snapshot(root: &Path) -> anyhow::Result<Value> {
    let text = fs::read_to_string(root.join(SNAPSHOT)).with_context(|| {
        format!("cannot read {SNAPSHOT}; `cargo xtask drift <openapi.json> --accept` writes it")
    })?;
    let snapshot: Value =
        serde_json::from_str(&text).with_context(|| format!("{SNAPSHOT} is not JSON"))?;
    ensure!(snapshot["operations"].is_object(), "{SNAPSHOT} has no operations");
    Ok(snapshot)
}

/// Whether every difference of fragment and snapshot has a reason, and every reason a
/// difference.
fn check_fragment(root: &Path, fragment: &Value) -> anyhow::Result<u8> {
    let ours = canonical(fragment, &locate::wanted(fragment));
    if let Some(problem) = ours.problems.first() {
        bail!("{FRAGMENT}: {problem}");
    }
    let snapshot = read_snapshot(root)?;
    let differences = differences(&snapshot["operations"], &ours.operations);
    let departures = departures::read(root)?;
    let (unexplained, faults) = departures::check(&departures, &differences);
    for change in changes(&unexplained, &[]) {
        println!("{DEPARTURES} has no reason for this difference from Cloudflare:");
        println!("  {}", change.what);
        for place in change.places {
            let reason = NO_REASON.to_owned();
            println!("  {},", serde_json::to_string(&Departure { place, reason })?);
        }
    }
    for fault in &faults {
        println!("{fault}");
    }
    if unexplained.is_empty() && faults.is_empty() {
        let (count, version) = (differences.len(), version(&snapshot["document"]));
        eprintln!("{count} differences from {version}, each with a reason");
        return Ok(0);
    }
    Ok(1)
}
