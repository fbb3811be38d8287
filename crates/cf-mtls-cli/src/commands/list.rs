//! `cf-mtls list`: lists certificates as pages arrive.

use cf_mtls::{Certificate, CertificateFilter};
use clap::{Args, ValueEnum as _};
use futures_util::FutureExt as _;
use jiff::Timestamp;

use crate::candidates;
use crate::context::Context;
use crate::options::plain_text;
use crate::report::exit::Kind;
use crate::report::failure::Failure;
use crate::report::output::ListWriter;
use crate::terminal::width;
use crate::view::preview::{self, Column};
use crate::view::table::Table;
use crate::view::times;

/// List certificates
///
/// Rows are printed as pages arrive, however many there are.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls list
  cf-mtls list --ca --expires-within 30d
  cf-mtls list --name devices --wide
  cf-mtls list --sort expires --columns name,expires,id
  cf-mtls list --expires-within 30d --exit-code >/dev/null || echo renew   # 12 if there are any
  cf-mtls list --output ndjson | jq -r .id")]
pub(crate) struct Arguments {
    /// Only certificates of this type, such as custom, gateway_managed or
    /// access_managed; repeatable or comma-separated
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = plain_text)]
    types: Vec<String>,
    /// Only certificates with exactly this name
    #[arg(long, value_parser = plain_text, add = candidates::names())]
    name: Option<String>,
    /// CAs only
    #[arg(long, conflicts_with = "leaf")]
    ca: bool,
    /// Leaf certificates only
    #[arg(long)]
    leaf: bool,
    /// Only certificates that expire within this time or have already expired, e.g.
    /// 30d
    #[arg(long, value_name = "DURATION", value_parser = times::ahead)]
    expires_within: Option<Timestamp>,
    /// Exit with code 12 if there is any such certificate
    #[arg(long)]
    exit_code: bool,
    /// Show all columns, with full dates
    #[arg(long, conflicts_with = "columns")]
    wide: bool,
    /// Columns to show, comma-separated
    #[arg(long, value_name = "COLUMNS", value_enum, value_delimiter = ',')]
    columns: Vec<Column>,
    /// Sort by this column once the whole list is read; missing values come last
    #[arg(long, value_name = "COLUMN", value_enum)]
    sort: Option<Column>,
    /// Include the PEM in JSON
    #[arg(long)]
    pem: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let now = Timestamp::now();
    let certificates = context.certificates().await?;
    let columns = match (arguments.wide, &arguments.columns[..]) {
        (true, _) => Column::value_variants(),
        (false, []) => Column::DEFAULT,
        (false, chosen) => chosen,
    };
    let headers: Vec<&str> = columns.iter().map(|column| column.header()).collect();
    // A name is cut before other columns on a narrow terminal.
    let name = columns.iter().position(|column| *column == Column::Name);
    let table = Table::new(&headers, name.unwrap_or(0), width::stdout());
    let mut writer = context.output.list(table);
    let write = |certificate: &Certificate, writer: &mut ListWriter| {
        let mut json = serde_json::to_value(certificate).unwrap_or_default();
        if let Some(fields) = json.as_object_mut().filter(|_| !arguments.pem) {
            fields.remove("certificates");
        }
        writer.push(&json, || preview::row(certificate, columns, now))
    };
    let mut sorted = Vec::new();
    let mut count = 0_usize;
    let mut list = certificates.list(filter(&arguments));
    let read = async {
        loop {
            let next = match list.next().now_or_never() {
                Some(next) => next,
                None => {
                    // The next page has to be awaited.
                    writer.flush()?;
                    list.next().await
                }
            };
            let Some(certificate) = next.transpose()? else { break };
            let end = certificate.expires_on();
            if arguments.expires_within.is_some_and(|until| end.is_none_or(|end| until < end)) {
                continue;
            }
            count += 1;
            match arguments.sort {
                Some(_) => sorted.push(certificate),
                None => write(&certificate, &mut writer)?,
            }
        }
        Ok::<_, Failure>(())
    };
    let read = context.interrupt.reading(read).await?;
    let written = read.and_then(|()| {
        if let Some(column) = arguments.sort {
            sorted.sort_by_cached_key(|certificate| column.sort_key(certificate));
        }
        sorted.iter().try_for_each(|certificate| write(certificate, &mut writer))?;
        writer.finish()
    });
    match (written, count) {
        // A reader that has gone does not change what was found.
        (Err(failure), _) if !failure.is_closed_pipe() => return Err(failure),
        (_, 0) => context.output.note("no certificates"),
        _ if arguments.exit_code => return Err(Failure::new(Kind::Found, "")),
        _ => {}
    }
    Ok(())
}

fn filter(arguments: &Arguments) -> CertificateFilter {
    let types = arguments.types.iter().map(|word| word.to_ascii_lowercase().into());
    let filter = types.fold(CertificateFilter::all(), CertificateFilter::certificate_type);
    let filter = arguments.name.iter().fold(filter, CertificateFilter::name);
    match (arguments.ca, arguments.leaf) {
        (true, _) => filter.ca(),
        (_, true) => filter.leaf(),
        _ => filter,
    }
}
