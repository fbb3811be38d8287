//! `cf-mtls prune`: deletes certificates by criteria.

use cf_mtls_lifecycle::{Candidate, CertificatesExt as _, Error, Outcomes, Prune, Reason, Usage};
use clap::Args;
use jiff::Timestamp;

use crate::commands::deletion::Deletion;
use crate::commands::lookup::{self, MAX_LOOKUPS};
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
    #[arg(long, value_name = "DURATION", value_parser = times::ago, conflicts_with = "uploaded_before")]
    older_than: Option<Timestamp>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let consent = arguments.consent;
    let certificates = context.certificates().await?;
    let candidates = certificates.prune_candidates(criteria(&arguments))?;
    let mut targets = context.reading("reading the list", collect(candidates)).await??;
    if (consent.dry_run || context.shows_plan(consent)) && targets.len() <= MAX_LOOKUPS {
        lookup::add_uses(context, &mut targets).await?;
    }
    if targets.is_empty() {
        context.output.note("no certificate meets the criteria");
    }
    // Another client may prune at the same time.
    let (if_exists, absent) = (true, Vec::new());
    Deletion { context, consent, if_exists, absent }.run(targets).await
}

fn criteria(arguments: &Arguments) -> Prune {
    let (now, given) = (Timestamp::now(), &arguments.criteria);
    let uploaded_before = given.older_than.or(given.uploaded_before);
    let add_if = |is_given: bool, criteria: Prune, add: fn(Prune) -> Prune| match is_given {
        true => add(criteria),
        false => criteria,
    };
    let mut criteria = add_if(given.unused, Prune::new(), Prune::unused);
    criteria = add_if(arguments.ca, criteria, Prune::ca);
    criteria = add_if(arguments.leaf, criteria, Prune::leaf);
    criteria = given.expired.then_some(now).into_iter().fold(criteria, Prune::expired_at);
    criteria = given.expires_before.into_iter().fold(criteria, Prune::expires_before);
    criteria = given.name_prefix.iter().fold(criteria, Prune::name_prefix);
    criteria = uploaded_before.into_iter().fold(criteria, Prune::uploaded_before);
    let types = arguments.types.iter().map(|word| word.to_ascii_lowercase().into());
    types.fold(criteria, Prune::certificate_type)
}

/// Collects all candidates before the first is deleted, since deletions shift the
/// pages of the list. One that cannot be read may be in use, and is left alone.
async fn collect(
    mut candidates: Outcomes<Result<Candidate, Error>>,
) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    while let Some(candidate) = candidates.next().await {
        targets.push(match candidate {
            Ok(candidate) => Target {
                // This criterion has looked for uses.
                uses: candidate
                    .reasons
                    .contains(&Reason::unused())
                    .then(|| Usage::new(candidate.certificate.clone())),
                reasons: Some(candidate.reasons),
                ..Target::new(candidate.id, Some(candidate.certificate))
            },
            Err(error) => match error.certificate_id().cloned() {
                Some(id) if lookup::is_about_one(&error) => {
                    Target { error: Some(error), ..Target::new(id, None) }
                }
                _ => return Err(error.into()),
            },
        });
    }
    Ok(targets)
}
