//! `cf-mtls delete`: deletes certificates by id or name.

use std::collections::HashSet;
use std::path::Path;

use cf_mtls::{Certificate, CertificateId, Certificates, ErrorKind};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use crate::commands::deletion::Deletion;
use crate::commands::lookup::{self, Lookup};
use crate::context::{Context, certificate_id};
use crate::options::Consent;
use crate::report::failure::Failure;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::view::preview::Target;

/// Delete certificates
///
/// Shows what will be deleted and what uses it, and asks for confirmation. The service refuses to
/// delete a certificate in use; `release` detaches its hostnames first.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls delete 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60
  cf-mtls delete --name devices --if-exists --yes
  cf-mtls delete ID1 ID2 ID3 --dry-run
  cf-mtls list --leaf -o ndjson | jq -r .id | cf-mtls delete - --yes")]
pub(crate) struct Arguments {
    /// Certificate ids; `-` reads ids from standard input, one per line, ignoring
    /// lines that start with `#`
    #[arg(
        value_name = "ID",
        required_unless_present = "name",
        conflicts_with = "name"
    )]
    ids: Vec<String>,
    /// Delete the one certificate with exactly this name
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// Succeed if the certificate does not exist
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let consent = arguments.consent;
    let ids = ids(context, &arguments)?;
    let certificates = context.certificates()?;
    let ids = match &arguments.name {
        None => ids,
        Some(name) => by_name(context, &certificates, name, arguments.if_exists).await?,
    };
    if ids.is_empty() {
        context.output.note("nothing to delete");
    }
    let lookup = if consent.yes && context.output.quiet && !consent.dry_run {
        // Nobody would see what is found.
        Lookup {
            targets: ids.into_iter().map(|id| Target::new(id, None)).collect(),
            ..Lookup::default()
        }
    } else {
        look_up(context, &certificates, ids, consent.dry_run).await?
    };
    let deletion = Deletion {
        context,
        certificates,
        consent,
        if_exists: arguments.if_exists,
    };
    deletion.run(lookup).await
}

async fn look_up(
    context: &Context,
    certificates: &Certificates,
    ids: Vec<CertificateId>,
    dry_run: bool,
) -> Result<Lookup, Failure> {
    let output = context.output;
    let progress = Progress::bar(output.quiet, ids.len(), "looking up");
    let lookup = lookup::by_id(certificates, ids, dry_run, output, &progress);
    let lookup = context.interrupt.reading(lookup).await;
    progress.finish();
    lookup?
}

async fn by_name(
    context: &Context,
    certificates: &Certificates,
    name: &str,
    if_exists: bool,
) -> Result<Vec<CertificateId>, Failure> {
    let found = context.interrupt.reading(certificates.find(name)).await??;
    match found.as_ref().and_then(Certificate::id) {
        Some(id) => Ok(vec![id.clone()]),
        None if if_exists => Ok(Vec::new()),
        None => {
            let name = printable(name);
            let message =
                format!("there is no certificate named {name:?}; check the name and the account");
            Err(Failure::new(ErrorKind::NotFound, message))
        }
    }
}

/// The ids in the arguments and on standard input, each once.
fn ids(context: &Context, arguments: &Arguments) -> Result<Vec<CertificateId>, Failure> {
    let mut ids = Vec::new();
    for text in &arguments.ids {
        if text == "-" {
            let input = context.read_input(Path::new(text))?;
            let lines = input.expose().lines().map(str::trim);
            let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
            let read: Result<Vec<_>, Failure> = lines.map(certificate_id).collect();
            ids.extend(read?);
        } else {
            ids.push(certificate_id(text)?);
        }
    }
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    Ok(ids)
}
