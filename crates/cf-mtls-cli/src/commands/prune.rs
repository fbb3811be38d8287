//! `cf-mtls prune`

use cf_mtls::{Candidate, Certificate, CertificateId, Certificates, Error, Outcomes, Prune};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use jiff::{Span, Timestamp};

use super::delete::{LOOKED_UP, LOOKS, is_about_one};
use crate::commands::deletion::{self, Deletion};
use crate::context::Context;
use crate::options::Consent;
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::json::{DeleteForm, Outcome};
use crate::report::output::Output;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::preview::{self, Doomed, Uses};
use crate::view::table::{Line, Sheet};
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
    #[arg(long = "type", value_name = "T", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    types: Vec<String>,
    #[command(flatten)]
    consent: Consent,
}

/// What selects certificates; at least one of these.
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
    /// Certificates whose name begins with P
    #[arg(long, value_name = "P", value_parser = NonEmptyStringValueParser::new())]
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
    let certificates = context.certificates()?;
    let candidates = certificates.prune_candidates(criteria)?;
    if consent.dry_run {
        return rehearse(context, &certificates, candidates).await;
    }
    let progress = Progress::waiting(context.output.quiet, "reading the list");
    let found = context
        .interrupt
        .reading(collect(candidates, &progress))
        .await;
    progress.end();
    let (missing, mut doomed) = found??;
    if doomed.is_empty() && missing.is_empty() {
        context.output.note("no certificate meets the criteria");
    } else if doomed.len() <= LOOKED_UP && !(consent.yes && context.output.quiet) {
        let look = with_uses(&certificates, doomed);
        doomed = context.interrupt.reading(look).await??;
    }
    let deletion = Deletion {
        context,
        certificates,
        // Somebody else may prune, too.
        if_exists: true,
        consent,
    };
    deletion.run(missing, doomed).await
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
        criteria = criteria.certificate_type(word.clone().into());
    }
    Ok(criteria)
}

/// All of them, before the first is deleted: deletions move the pages of the
/// list. Of many, little is kept. One that could not be looked at may be in use:
/// nothing is deleted on a guess.
async fn collect(
    mut candidates: Outcomes<Result<Candidate, Error>>,
    progress: &Progress,
) -> Result<(Vec<(CertificateId, Error)>, Vec<Doomed>), Failure> {
    let (mut missing, mut doomed) = (Vec::new(), Vec::<Doomed>::new());
    while let Some(candidate) = candidates.next().await {
        let candidate = match candidate.map_err(of_one) {
            Ok(candidate) => candidate,
            Err(Ok(one)) => {
                missing.push(one);
                continue;
            }
            Err(Err(error)) => return Err(error.into()),
        };
        let mut one = Doomed::seen(candidate.id, candidate.certificate);
        if LOOKED_UP.max(deletion::SHOWN) <= doomed.len() {
            one.certificate = None;
        }
        doomed.push(one);
        progress.say(&format!("reading the list: {} found", doomed.len()));
    }
    Ok((missing, doomed))
}

/// The certificate that an error is about, unless it is about all.
fn of_one(error: Error) -> Result<(CertificateId, Error), Error> {
    match error.certificate_id().cloned() {
        Some(id) if is_about_one(&error) => Ok((id, error)),
        _ => Err(error),
    }
}

async fn with_uses(
    certificates: &Certificates,
    doomed: Vec<Doomed>,
) -> Result<Vec<Doomed>, Failure> {
    let looks = stream::iter(doomed).map(|mut one| async move {
        if let Some(certificate) = &one.certificate {
            one.uses = uses(certificates, certificate, &one.id).await?;
        }
        Ok::<_, Failure>(one)
    });
    let mut looks = looks.buffered(LOOKS);
    let mut done = Vec::new();
    while let Some(one) = looks.next().await {
        done.push(one?);
    }
    Ok(done)
}

async fn uses(
    certificates: &Certificates,
    certificate: &Certificate,
    id: &CertificateId,
) -> Result<Option<Uses>, Failure> {
    match Uses::of(certificates, certificate, id).await {
        Ok(uses) => Ok(Some(uses)),
        // Not told then; the service decides whether it may go.
        Err(error) if is_about_one(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

const COLUMNS: &[&str] = &["ID", "NAME", "KIND", "OUTCOME", "WHY", "EXPIRES"];

/// Tells what would be deleted. The first ones with who uses them; if there are
/// more, all go out as they come.
async fn rehearse(
    context: &Context,
    certificates: &Certificates,
    mut candidates: Outcomes<Result<Candidate, Error>>,
) -> Result<(), Failure> {
    let mut first = Vec::new();
    let mut plan = Plan::new(context.output);
    let read = async {
        while first.len() <= LOOKED_UP
            && let Some(candidate) = candidates.next().await
        {
            match candidate.map_err(of_one) {
                Ok(candidate) => first.push(candidate),
                Err(Ok((id, error))) => plan.tell_unseen(&id, error.into())?,
                Err(Err(error)) => return Err(error.into()),
            }
        }
        let few = first.len() <= LOOKED_UP;
        let looks = stream::iter(&first).map(|one| async move {
            match few {
                true => uses(certificates, &one.certificate, &one.id).await,
                false => Ok(None),
            }
        });
        let mut looks = looks.buffered(LOOKS);
        for candidate in &first {
            let uses = looks.next().await.transpose()?.flatten();
            plan.tell(candidate, uses.as_ref())?;
        }
        loop {
            let next = match candidates.next().now_or_never() {
                Some(next) => next,
                None => {
                    plan.records.flush()?;
                    candidates.next().await
                }
            };
            match next.map(|candidate| candidate.map_err(of_one)) {
                Some(Ok(candidate)) => plan.tell(&candidate, None)?,
                Some(Err(Ok((id, error)))) => plan.tell_unseen(&id, error.into())?,
                Some(Err(Err(error))) => return Err(error.into()),
                None => return Ok::<_, Failure>(plan),
            }
        }
    };
    let plan = context.interrupt.reading(read).await??;
    plan.finish(context.output)
}

struct Plan {
    records: crate::report::output::Records,
    count: usize,
    refused: usize,
    /// Those that could not be looked at.
    unseen: usize,
    /// What the service would say of the last one of those.
    last: Option<Failure>,
    now: Timestamp,
}

impl Plan {
    fn new(output: Output) -> Self {
        Self {
            records: output.many(Sheet::new(COLUMNS, preview::NAME, width::stdout())),
            count: 0,
            refused: 0,
            unseen: 0,
            last: None,
            now: Timestamp::now(),
        }
    }

    /// One that could not be looked at, which the real run leaves alone.
    fn tell_unseen(&mut self, id: &CertificateId, failure: Failure) -> Result<(), Failure> {
        self.count += 1;
        self.unseen += 1;
        let form = DeleteForm {
            id,
            name: None,
            outcome: Outcome::Failed,
            error: Some(&failure),
            certificate: None,
            used_by: None,
            reasons: None,
        };
        self.records.push(&form, || {
            let outcome = format!("failed ({})", failure.kind());
            let cells = [
                id.to_string(),
                "-".into(),
                "-".into(),
                outcome,
                "-".into(),
                "-".into(),
            ];
            Line {
                cells: cells.to_vec(),
                ..Line::default()
            }
        })?;
        self.last = Some(failure);
        Ok(())
    }

    fn tell(&mut self, candidate: &Candidate, uses: Option<&Uses>) -> Result<(), Failure> {
        self.count += 1;
        let outcome = match uses.filter(|uses| uses.any()) {
            Some(uses) => {
                self.refused += 1;
                self.last = Some(deletion::refusal(&candidate.id, uses));
                Outcome::WouldBeRefused
            }
            None => Outcome::WouldDelete,
        };
        let certificate = &candidate.certificate;
        let form = DeleteForm {
            id: &candidate.id,
            name: certificate.name(),
            outcome,
            error: None,
            certificate: Some(certificate),
            used_by: uses,
            reasons: Some(&candidate.reasons),
        };
        let now = self.now;
        self.records.push(&form, || {
            let (expires, style) = preview::expiry(certificate, now);
            let why: Vec<&str> = candidate.reasons.iter().map(word).collect();
            Line {
                cells: vec![
                    candidate.id.to_string(),
                    preview::name(certificate),
                    preview::kind(certificate).to_owned(),
                    outcome.as_str().to_owned(),
                    printable(&why.join(", ")),
                    expires,
                ],
                style,
            }
        })
    }
}

impl Plan {
    /// Ends as the real run is expected to end.
    fn finish(self, output: Output) -> Result<(), Failure> {
        self.records.finish()?;
        let (count, refused) = (self.count, self.refused);
        let kept = refused + self.unseen;
        if output.is_table() {
            let would = times::counted((count - kept) as u64, "certificate");
            let mut note = format!("dry run: {would} would be deleted");
            if 0 < refused {
                let verb = if refused == 1 { "is" } else { "are" };
                note.push_str(&format!(", {refused} {verb} in use"));
            }
            if 0 < self.unseen {
                note.push_str(&format!(", {} could not be looked at", self.unseen));
            }
            output.note(note);
        }
        let Some(refusal) = self.last else {
            return Ok(());
        };
        if count == 1 {
            return Err(refusal);
        }
        let exit = match kept == count {
            true => refusal.exit(),
            false => Exit::SomeFailed,
        };
        let verb = "would not be";
        Err(deletion::not_all(exit, verb, kept, count, &refusal))
    }
}

/// A criterion as one word, since the table tells the rest.
fn word(reason: &cf_mtls::Reason) -> &'static str {
    use cf_mtls::Reason;
    match reason {
        Reason::Expired { .. } => "expired",
        Reason::ExpiresBefore { .. } => "expires",
        Reason::UploadedBefore { .. } => "old",
        Reason::NamePrefix { .. } => "name",
        Reason::Unused => "unused",
        _ => "other",
    }
}
