//! `cf-mtls associations`: shows what uses a certificate.

use anstyle::Style;
use cf_mtls::CertificateId;
use cf_mtls_lifecycle::{CertificatesExt as _, Usage};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::commands::lookup;
use crate::context::Context;
use crate::options::{Format, Selector};
use crate::report::exit::Kind;
use crate::report::failure::Failure;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::table::{Row, Table};
use crate::view::times;
use crate::view::uses;

/// Show what uses a certificate: services, hostnames, Workers and Hyperdrive
///
/// To find the hostnames of a CA, every zone of the account is queried, and for a leaf
/// every Worker. A token without the permission to read Workers or Hyperdrive gets the
/// rest, and a note.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls associations 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60
  cf-mtls associations 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60 -o json | jq -r '.zones[].hostnames[]'")]
pub(crate) struct Arguments {
    #[command(flatten)]
    certificate: Selector,
}

/// A line of NDJSON: a field of the JSON document has them all.
#[derive(Serialize)]
struct Line<'a> {
    r#use: &'a str,
    #[serde(flatten)]
    value: &'a Value,
}

const LINES: [(&str, &str); 5] = [
    ("services", "service"),
    ("zones", "zone"),
    ("holders", "holder"),
    ("unreadable_zones", "unreadable_zone"),
    ("unreadable_products", "unreadable_product"),
];

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let certificates = context.certificates().await?;
    let target = lookup::one(context, arguments.certificate.text(), None).await?;
    let walk = certificates.usage_of([target.id.clone()]).with_known(target.certificate);
    let outcomes = context.walk(walk.with_all_zones()).await?;
    let usage = outcomes.into_iter().next().map(|outcome| outcome.result).transpose()?;
    let Some(usage) = usage else { return Ok(()) };
    report(context, &target.id, &usage)?;
    match usage.unread.zones.len() {
        0 => Ok(()),
        count => {
            let count = times::counted(count as u64, "zone");
            let zones = cf_mtls::text::list(&usage.unread.zones, usize::MAX, "; ");
            let message = format!(
                "{count} may have hostnames of it, but could not be read: {zones}; give the token \
                 access to them"
            );
            Err(Failure::new(Kind::SomeFailed, message))
        }
    }
}

fn report(context: &Context, id: &CertificateId, usage: &Usage) -> Result<(), Failure> {
    let output = context.output;
    let mut body = uses::to_json(usage);
    (body["certificate_id"], body["unused"]) = (json!(id), json!(usage.is_unused()));
    if output.format == Format::Ndjson {
        for (field, r#use) in LINES {
            for value in body[field].as_array().into_iter().flatten() {
                output.write_value(&Line { r#use, value }, String::new)?;
            }
        }
        return Ok(());
    }
    output.write_value(&body, || tables(usage))?;
    for note in uses::notes(usage) {
        output.note(note);
    }
    if usage.is_unused() {
        output.note("no use was found; Pages, Access and the block page cannot be read");
    }
    Ok(())
}

fn tables(usage: &Usage) -> String {
    let row = |cells: &[&str]| {
        let cells = cells.iter().map(|cell| printable(cell)).collect();
        Row::new(cells, Style::new())
    };
    let services = usage.associations.iter();
    let services = services.map(|one| row(&[&one.service, one.status.as_str()]));
    let hostnames = usage.zones.iter().flat_map(|zone| {
        let name = zone.zone_name.as_deref().unwrap_or("-");
        zone.hostnames.iter().map(move |host| row(&[zone.zone_id.as_str(), name, host]))
    });
    let holders = usage.holders.iter().map(|one| row(&[&one.to_string(), one.advice()]));
    // The name of the zone is cut, since a hostname that is cut is another one.
    let parts: [(&[&str], usize, Vec<Row>); 3] = [
        (&["SERVICE", "STATUS"], 0, services.collect()),
        (&["ZONE ID", "ZONE", "HOSTNAME"], 1, hostnames.collect()),
        (&["HELD BY", "WHAT TO DO"], 1, holders.collect()),
    ];
    let parts = parts.into_iter().filter(|(_, _, rows)| !rows.is_empty());
    let tables = parts
        .map(|(headers, elastic, rows)| Table::new(headers, elastic, width::stdout()).write(&rows));
    tables.collect::<Vec<_>>().join("\n")
}
