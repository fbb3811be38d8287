//! `cf-mtls delete`: deletes certificates by id or name.

use std::collections::HashSet;

use cf_mtls::{CertificateId, Certificates, ErrorKind};
use clap::Args;

use crate::commands::deletion::Deletion;
use crate::commands::lookup;
use crate::context::Context;
use crate::options::{Consent, plain_text};
use crate::report::failure::Failure;
use crate::terminal::progress::Progress;
use crate::terminal::text::mention;

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
    /// Ids or exact names; `-` reads them from standard input, one per line,
    /// ignoring lines that start with `#`
    #[arg(value_name = "ID", required_unless_present = "name", conflicts_with = "name")]
    ids: Vec<String>,
    /// Delete the one certificate with exactly this name
    #[arg(long, value_parser = plain_text)]
    name: Option<String>,
    /// Succeed if the certificate does not exist
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let consent = arguments.consent;
    let texts = context.values(&arguments.ids).await?;
    let certificates = context.certificates().await?;
    let ids = match &arguments.name {
        None => ids(context, &certificates, texts, arguments.if_exists).await?,
        Some(name) => {
            let found = context.interrupt.reading(certificates.find(name)).await??;
            let id = found.map(|found| found.id().clone());
            if id.is_none() && !arguments.if_exists {
                let message = format!("no certificate has the name {}", mention(name));
                let failure = Failure::new(ErrorKind::NotFound, message);
                return Err(failure.with_hint("`cf-mtls list` shows the names in the account"));
            }
            id.into_iter().collect()
        }
    };
    if ids.is_empty() {
        context.output.note("nothing to delete");
    }
    let output = context.output;
    let progress = Progress::bar(output.quiet, ids.len(), "looking up");
    let lookup = lookup::by_id(&certificates, ids, consent.dry_run, output, &progress);
    let lookup = context.interrupt.reading(lookup).await;
    progress.finish();
    let deletion = Deletion { context, certificates, consent, if_exists: arguments.if_exists };
    deletion.run(lookup??).await
}

/// The ids that are meant, each once.
async fn ids(
    context: &Context,
    certificates: &Certificates,
    texts: Vec<(String, String)>,
    if_exists: bool,
) -> Result<Vec<CertificateId>, Failure> {
    let mut ids = Vec::new();
    let mut seen = HashSet::new();
    for (text, place) in texts {
        match lookup::id(context, certificates, &text, None).await {
            Ok(id) if seen.insert(id.clone()) => ids.push(id),
            Ok(_) => {}
            Err(failure) if if_exists && failure.kind() == ErrorKind::NotFound.into() => {
                context.output.note(failure.message());
            }
            Err(failure) => return Err(failure.at(&place)),
        }
    }
    Ok(ids)
}
