//! `cf-mtls associations`: shows what uses a certificate.

use anstyle::Style;
use cf_mtls::{Association, CertificateId};
use cf_mtls_lifecycle::{CertificatesExt as _, UnreadableZone, Usage, ZoneHostnames};
use clap::Args;
use serde::Serialize;

use crate::commands::lookup;
use crate::context::{Context, READING_ZONES};
use crate::options::Format;
use crate::report::exit::Kind;
use crate::report::failure::Failure;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::table::{Row, Table};
use crate::view::times;

/// Show what uses a certificate: services, zones and hostnames
///
/// To find the hostnames of a CA, every zone of the account is queried.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls associations 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60
  cf-mtls associations 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60 -o json | jq -r '.zones[].hostnames[]'")]
pub(crate) struct Arguments {
    /// Id or exact name
    #[arg(value_name = "ID")]
    id: String,
}

/// The usage as one JSON document.
#[derive(Serialize)]
struct UsageBody<'a> {
    certificate_id: &'a CertificateId,
    unused: bool,
    services: &'a [Association],
    zones: &'a [ZoneHostnames],
    unreadable_zones: &'a [UnreadableZone],
}

/// A line of NDJSON.
#[derive(Serialize)]
#[serde(tag = "use", rename_all = "snake_case")]
enum Line<'a> {
    Service(&'a Association),
    Zone(&'a ZoneHostnames),
    UnreadableZone(&'a UnreadableZone),
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let certificates = context.certificates().await?;
    let id = lookup::id(context, &certificates, &arguments.id, None).await?;
    let usage = context.reading(READING_ZONES, certificates.usage(&id)).await??;
    report(context, &id, &usage)?;
    match usage.unreadable.len() {
        0 => Ok(()),
        count => {
            let count = times::counted(count as u64, "zone");
            let zones: Vec<String> = usage.unreadable.iter().map(ToString::to_string).collect();
            let zones = printable(&zones.join("; "));
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
    if output.format == Format::Ndjson {
        let services = usage.associations.iter().map(Line::Service);
        let zones = usage.zones.iter().map(Line::Zone);
        let unreadable = usage.unreadable.iter().map(Line::UnreadableZone);
        for line in services.chain(zones).chain(unreadable) {
            output.write_value(&line, String::new)?;
        }
        return Ok(());
    }
    let body = UsageBody {
        certificate_id: id,
        unused: usage.is_unused(),
        services: &usage.associations,
        zones: &usage.zones,
        unreadable_zones: &usage.unreadable,
    };
    output.write_value(&body, || tables(usage))?;
    if usage.is_unused() && output.is_table() {
        output.note("nothing uses it");
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
    let services: Vec<Row> = services.collect();
    let mut hostnames = Vec::new();
    for zone in &usage.zones {
        let name = zone.zone_name.as_deref().unwrap_or("-");
        let hosts = zone.hostnames.iter();
        hostnames.extend(hosts.map(|host| row(&[zone.zone_id.as_str(), name, host])));
    }
    let mut tables = Vec::new();
    if !services.is_empty() {
        tables.push(Table::new(&["SERVICE", "STATUS"], 0, width::stdout()).write(&services));
    }
    if !hostnames.is_empty() {
        // The name of the zone is cut, since a hostname that is cut is another one.
        let mut table = Table::new(&["ZONE ID", "ZONE", "HOSTNAME"], 1, width::stdout());
        tables.push(table.write(&hostnames));
    }
    tables.join("\n")
}
