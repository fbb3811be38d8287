//! `cf-mtls delete`: deletes certificates by id or name.

use std::slice;

use clap::Args;

use crate::candidates;
use crate::commands::deletion::Deletion;
use crate::commands::lookup::{self, MAX_LOOKUPS};
use crate::context::Context;
use crate::options::{Consent, plain_text};
use crate::report::failure::Failure;

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
    #[arg(value_name = "ID", required_unless_present = "name", add = candidates::certificates())]
    ids: Vec<String>,
    /// Delete the one certificate with exactly this name
    #[arg(long, conflicts_with = "ids", value_parser = plain_text, add = candidates::names())]
    name: Option<String>,
    /// Succeed if the certificate does not exist
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let (consent, if_exists) = (arguments.consent, arguments.if_exists);
    let (texts, are_names) = match &arguments.name {
        Some(name) => (slice::from_ref(name), true),
        None => (&arguments.ids[..], false),
    };
    let texts = context.values(texts, are_names).await?;
    let (mut targets, absent) = lookup::all(context, texts, are_names, if_exists, None).await?;
    if targets.is_empty() {
        context.output.note("nothing to delete");
    }
    lookup::read(context, &mut targets).await?;
    if (consent.dry_run || context.shows_plan(consent)) && targets.len() <= MAX_LOOKUPS {
        lookup::add_uses(context, &mut targets).await?;
    }
    Deletion { context, consent, if_exists, absent }.run(targets).await
}
