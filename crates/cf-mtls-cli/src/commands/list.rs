//! `cf-mtls list`: lists certificates as pages arrive.

use cf_mtls::CertificateFilter;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use futures_util::FutureExt as _;
use jiff::{Span, Timestamp};

use crate::context::Context;
use crate::report::failure::Failure;
use crate::terminal::width;
use crate::view::preview;
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
  cf-mtls list --output ndjson | jq -r .id")]
pub(crate) struct Arguments {
    /// Only certificates of this type, such as custom, gateway_managed or
    /// access_managed; repeatable or comma-separated
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    types: Vec<String>,
    /// Only certificates with exactly this name
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// CAs only
    #[arg(long, conflicts_with = "leaf")]
    ca: bool,
    /// Leaf certificates only
    #[arg(long)]
    leaf: bool,
    /// Only certificates that expire within this time or have already expired, e.g.
    /// 30d
    #[arg(long, value_name = "DURATION", value_parser = times::span)]
    expires_within: Option<Span>,
    /// Show more columns, with full dates
    #[arg(long)]
    wide: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let now = Timestamp::now();
    let until = arguments
        .expires_within
        .map(|span| times::after(now, span))
        .transpose();
    let until = until.map_err(|why| Failure::usage(format!("--expires-within: {why}")))?;
    let certificates = context.certificates()?;
    let columns = match arguments.wide {
        true => preview::WIDE_COLUMNS,
        false => preview::COLUMNS,
    };
    let table = Table::new(columns, preview::NAME, width::stdout());
    let mut writer = context.output.list(table);
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
            let Some(certificate) = next.transpose()? else {
                break;
            };
            let soon = |end: Timestamp| until.is_none_or(|until| end <= until);
            if !certificate.expires_on().map_or(until.is_none(), soon) {
                continue;
            }
            count += 1;
            writer.push(&certificate, || match arguments.wide {
                true => preview::wide_row(&certificate, now),
                false => preview::row(&certificate, now),
            })?;
        }
        Ok::<_, Failure>(())
    };
    context.interrupt.reading(read).await??;
    writer.finish()?;
    if count == 0 && context.output.is_table() {
        context.output.note("no certificates");
    }
    Ok(())
}

fn filter(arguments: &Arguments) -> CertificateFilter {
    let mut filter = CertificateFilter::all();
    for word in &arguments.types {
        filter = filter.certificate_type(word.clone().into());
    }
    if let Some(name) = &arguments.name {
        filter = filter.name(name);
    }
    match (arguments.ca, arguments.leaf) {
        (true, _) => filter.ca(),
        (_, true) => filter.leaf(),
        _ => filter,
    }
}
