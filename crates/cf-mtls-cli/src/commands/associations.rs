//! `cf-mtls associations`

use cf_mtls::{Association, CertificateId, UnreadableZone, Usage, ZoneHostnames};
use clap::Args;
use serde::Serialize;

use crate::context::{Context, certificate_id};
use crate::options::Format;
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::table::{Line, Sheet};
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
    /// The certificate
    #[arg(value_name = "ID")]
    id: String,
}

/// The whole of it.
#[derive(Serialize)]
struct Form<'a> {
    certificate_id: &'a CertificateId,
    unused: bool,
    services: &'a [Association],
    zones: &'a [ZoneHostnames],
    unreadable_zones: &'a [UnreadableZone],
}

/// A line of it.
#[derive(Serialize)]
#[serde(tag = "use", rename_all = "snake_case")]
enum Part<'a> {
    Service(&'a Association),
    Zone(&'a ZoneHostnames),
    UnreadableZone(&'a UnreadableZone),
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let id = certificate_id(&arguments.id)?;
    let certificates = context.certificates()?;
    let progress = Progress::waiting(context.output.quiet, "asking the zones of the account");
    let usage = context.interrupt.reading(certificates.usage(&id)).await;
    progress.end();
    let usage = usage??;
    tell(context, &id, &usage)?;
    match usage.unreadable.len() {
        0 => Ok(()),
        count => {
            let count = times::counted(count as u64, "zone");
            let zones: Vec<String> = usage.unreadable.iter().map(ToString::to_string).collect();
            let zones = printable(&zones.join("; "));
            let message = format!(
                "{count} may hold hostnames of it, and could not be asked: {zones}; give the \
                 token access"
            );
            Err(Failure::new(Exit::SomeFailed, "some_failed", message))
        }
    }
}

fn tell(context: &Context, id: &CertificateId, usage: &Usage) -> Result<(), Failure> {
    let output = context.output;
    if output.format == Format::Ndjson {
        let mut records = output.many(Sheet::new(&[], 0, None));
        let services = usage.associations.iter().map(Part::Service);
        let zones = usage.zones.iter().map(Part::Zone);
        let unreadable = usage.unreadable.iter().map(Part::UnreadableZone);
        for part in services.chain(zones).chain(unreadable) {
            records.push(&part, Line::default)?;
        }
        return records.finish();
    }
    let form = Form {
        certificate_id: id,
        unused: usage.is_unused(),
        services: &usage.associations,
        zones: &usage.zones,
        unreadable_zones: &usage.unreadable,
    };
    output.one(&form, || tables(usage))?;
    if usage.is_unused() && output.is_table() {
        output.note("nothing uses it");
    }
    Ok(())
}

fn tables(usage: &Usage) -> String {
    let room = width::stdout();
    let line = |cells: Vec<String>| Line {
        cells: cells.iter().map(|cell| printable(cell)).collect(),
        ..Line::default()
    };
    let mut text = String::new();
    if !usage.associations.is_empty() {
        let rows = usage.associations.iter();
        let rows = rows.map(|row| line(vec![row.service.clone(), row.status.to_string()]));
        let rows: Vec<Line> = rows.collect();
        text.push_str(&Sheet::new(&["SERVICE", "STATUS"], 0, room).write(&rows));
    }
    let rows = usage.zones.iter().flat_map(|zone| {
        let name = zone.zone_name.clone().unwrap_or_else(|| "-".to_owned());
        zone.hostnames
            .iter()
            .map(move |host| line(vec![zone.zone_id.to_string(), name.clone(), host.clone()]))
    });
    let rows: Vec<Line> = rows.collect();
    if !rows.is_empty() {
        if !text.is_empty() {
            text.push('\n');
        }
        // The zone's name gives way: a hostname that is cut is another one.
        text.push_str(&Sheet::new(&["ZONE ID", "ZONE", "HOSTNAME"], 1, room).write(&rows));
    }
    text
}
