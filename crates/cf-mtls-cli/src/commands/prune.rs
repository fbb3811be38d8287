//! `cf-mtls prune`: deletes certificates by criteria.

use cf_mtls::CertificateId;
use cf_mtls_lifecycle::{Candidate, CertificatesExt as _, Error, Outcomes, Prune};
use clap::Args;
use jiff::{Span, Timestamp};

use crate::commands::deletion::Deletion;
use crate::commands::lookup::{self, Lookup, MAX_LOOKUPS};
use crate::context::Context;
use crate::options::{Consent, plain_text};
use crate::report::failure::Failure;
use crate::view::preview::Target;
use crate::view::times;

/// Delete certificates that have expired or are not used
///
/// A certificate must meet all the given criteria. Certificates that Cloudflare
/// manages are skipped unless their type is given with --type.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls prune --expired --dry-run
  cf-mtls prune --expired --unused
  cf-mtls prune --expires-before 2027-01-01 --name-prefix test- --yes
  cf-mtls prune --unused --leaf --older-than 90d")]
pub(crate) struct Arguments {
    #[command(flatten)]
    criteria: Criteria,
    /// CAs only
    #[arg(long, conflicts_with = "leaf")]
    ca: bool,
    /// Leaf certificates only
    #[arg(long)]
    leaf: bool,
    /// Only certificates of this type (default: custom); repeatable
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = plain_text)]
    types: Vec<String>,
    #[command(flatten)]
    consent: Consent,
}

/// Selects certificates; at least one is required.
#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
struct Criteria {
    /// Certificates that have expired
    #[arg(long)]
    expired: bool,
    /// Certificates that expire before this date, e.g. 2027-01-31 (UTC)
    #[arg(long, value_name = "DATE", value_parser = times::date)]
    expires_before: Option<Timestamp>,
    /// Certificates that no service uses
    #[arg(long)]
    unused: bool,
    /// Certificates whose name begins with PREFIX
    #[arg(long, value_name = "PREFIX", value_parser = plain_text)]
    name_prefix: Option<String>,
    /// Certificates uploaded before this date
    #[arg(long, value_name = "DATE", value_parser = times::date)]
    uploaded_before: Option<Timestamp>,
    /// Certificates uploaded longer ago than this, e.g. 90d
    #[arg(long, value_name = "DURATION", value_parser = times::span, conflicts_with = "uploaded_before")]
    older_than: Option<Span>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let consent = arguments.consent;
    let criteria = criteria(&arguments)?;
    let certificates = context.certificates().await?;
    let candidates = certificates.prune_candidates(criteria)?;
    let mut lookup = context.reading("reading the list", collect(candidates)).await??;
    let is_seen = consent.dry_run || context.shows_plan(consent);
    if is_seen && lookup.targets.len() <= MAX_LOOKUPS {
        let uses = lookup::add_uses(&certificates, lookup);
        lookup = context.interrupt.reading(uses).await??;
    }
    if lookup.targets.is_empty() && lookup.failed.is_empty() && !consent.dry_run {
        context.output.note("no certificate meets the criteria");
    }
    let deletion = Deletion {
        context,
        certificates,
        consent,
        // Another client may prune at the same time.
        if_exists: true,
    };
    deletion.run(lookup).await
}

fn criteria(arguments: &Arguments) -> Result<Prune, Failure> {
    let now = Timestamp::now();
    let given = &arguments.criteria;
    let mut criteria = Prune::new();
    if given.expired {
        criteria = criteria.expired_at(now);
    }
    if let Some(moment) = given.expires_before {
        criteria = criteria.expires_before(moment);
    }
    if given.unused {
        criteria = criteria.unused();
    }
    if let Some(prefix) = &given.name_prefix {
        criteria = criteria.name_prefix(prefix);
    }
    if let Some(moment) = given.uploaded_before {
        criteria = criteria.uploaded_before(moment);
    }
    if let Some(age) = given.older_than {
        let moment = times::after(now, age.negate());
        let moment = moment.map_err(|why| Failure::usage(format!("--older-than: {why}")))?;
        criteria = criteria.uploaded_before(moment);
    }
    if arguments.ca {
        criteria = criteria.ca();
    }
    if arguments.leaf {
        criteria = criteria.leaf();
    }
    for word in &arguments.types {
        criteria = criteria.certificate_type(word.to_ascii_lowercase().into());
    }
    Ok(criteria)
}

/// Collects all candidates before the first is deleted, since deletions shift the
/// pages of the list. One that cannot be read may be in use, and is left alone.
async fn collect(mut candidates: Outcomes<Result<Candidate, Error>>) -> Result<Lookup, Failure> {
    let mut lookup = Lookup::default();
    while let Some(candidate) = candidates.next().await {
        match candidate {
            Ok(candidate) => lookup.targets.push(Target {
                reasons: Some(candidate.reasons),
                ..Target::new(candidate.id, Some(candidate.certificate))
            }),
            Err(error) => lookup.failed.push(of_one(error)?),
        }
    }
    Ok(lookup)
}

/// The certificate that an error is about, unless it is about all of them.
fn of_one(error: Error) -> Result<(CertificateId, Error), Error> {
    match error.certificate_id().cloned() {
        Some(id) if lookup::is_about_one(&error) => Ok((id, error)),
        _ => Err(error),
    }
}
