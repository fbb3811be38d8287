//! Looks up certificates that are about to be deleted, and what uses them.

use std::collections::{HashMap, HashSet};

use cf_mtls::{Certificate, CertificateFilter, CertificateId, Certificates, ErrorKind};
use cf_mtls_lifecycle::{CertificatesExt as _, Error};
use futures_util::stream::{self, Stream, StreamExt as _};

use crate::report::failure::Failure;
use crate::report::output::Output;
use crate::terminal::progress::Progress;
use crate::view::preview::{Target, Uses};

/// Of more certificates, names come from the list, and uses are not looked up.
pub(crate) const MAX_LOOKUPS: usize = 100;
const LOOKUP_CONCURRENCY: usize = 8;

/// Certificates that are about to be deleted.
#[derive(Default)]
pub(crate) struct Lookup {
    pub(crate) targets: Vec<Target>,
    /// Those that could not be read, and are left alone.
    pub(crate) failed: Vec<(CertificateId, Error)>,
}

/// Looks up each certificate and its uses.
pub(crate) async fn by_id(
    certificates: &Certificates,
    ids: Vec<CertificateId>,
    progress: &Progress,
) -> Result<Lookup, Failure> {
    let lookups = stream::iter(ids).map(|id| async move {
        match certificates.get(&id).await {
            Ok(found) => with_uses(certificates, Target::new(id, Some(found))).await,
            Err(error) => Err((id, error.into())),
        }
    });
    collect(lookups.buffered(LOOKUP_CONCURRENCY), progress).await
}

/// Looks up the uses of certificates that are known.
pub(crate) async fn add_uses(
    certificates: &Certificates,
    lookup: Lookup,
) -> Result<Lookup, Failure> {
    let lookups = stream::iter(lookup.targets).map(|target| with_uses(certificates, target));
    let lookups = lookups.buffered(LOOKUP_CONCURRENCY);
    let mut found = collect(lookups, &Progress::none()).await?;
    found.failed.splice(..0, lookup.failed);
    Ok(found)
}

async fn with_uses(
    certificates: &Certificates,
    mut target: Target,
) -> Result<Target, (CertificateId, Error)> {
    match uses(certificates, &target.id, target.certificate.as_ref()).await {
        Ok(uses) => {
            target.uses = Some(uses);
            Ok(target)
        }
        Err(error) => Err((target.id, error)),
    }
}

/// An error about one certificate does not stop the others.
async fn collect(
    lookups: impl Stream<Item = Result<Target, (CertificateId, Error)>>,
    progress: &Progress,
) -> Result<Lookup, Failure> {
    let mut lookups = std::pin::pin!(lookups);
    let mut found = Lookup::default();
    while let Some(lookup) = lookups.next().await {
        progress.advance();
        match lookup {
            Ok(target) => found.targets.push(target),
            Err((id, error)) if is_about_one(&error) => found.failed.push((id, error)),
            Err((_, error)) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// Whether an error says nothing about other certificates.
pub(crate) fn is_about_one(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::InvalidRequest
            | ErrorKind::Permission
            | ErrorKind::InvalidResponse
    )
}

/// What uses a certificate. Each zone is a request, so they are read only if
/// something uses it.
pub(crate) async fn uses(
    certificates: &Certificates,
    id: &CertificateId,
    certificate: Option<&Certificate>,
) -> Result<Uses, Error> {
    let mut uses = Uses {
        services: certificates.associations(id).await?,
        zones: Vec::new(),
    };
    let is_leaf = certificate.and_then(Certificate::is_ca) == Some(false);
    if !uses.is_empty() && !is_leaf {
        uses.zones = match certificates.usage(id).await {
            Ok(usage) => usage.zones,
            // The services suffice to see that it is in use.
            Err(error) if is_about_one(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
    }
    Ok(uses)
}

/// Looks many certificates up in the list, which has fifty to a page. One that it
/// lacks may still exist, since pages shift while they are read: a dry run asks
/// for it, and otherwise its deletion tells.
pub(crate) async fn in_list(
    certificates: &Certificates,
    ids: Vec<CertificateId>,
    dry_run: bool,
    output: Output,
    progress: &Progress,
) -> Result<Lookup, Failure> {
    let mut found: HashMap<CertificateId, Certificate> = HashMap::new();
    let mut unlisted: HashSet<CertificateId> = ids.iter().cloned().collect();
    let mut list = certificates.list(CertificateFilter::all());
    while !unlisted.is_empty()
        && let Some(certificate) = list.next().await
    {
        let certificate = certificate?;
        if let Some(id) = certificate.id().and_then(|id| unlisted.take(id)) {
            found.insert(id, certificate);
            progress.advance();
        }
    }
    let mut failed = Vec::new();
    if dry_run {
        let mut outcomes = certificates.get_many(stream::iter(unlisted));
        while let Some(outcome) = outcomes.next().await {
            progress.advance();
            match outcome.result.map_err(Error::from) {
                Ok(certificate) => drop(found.insert(outcome.id, certificate)),
                Err(error) if is_about_one(&error) => failed.push((outcome.id, error)),
                Err(error) => return Err(error.into()),
            }
        }
    } else if !unlisted.is_empty() {
        let count = unlisted.len();
        let note = format!("{count} of these may be gone already: the list does not contain them");
        progress.suspend(|| output.note(note));
    }
    let is_target = |id: &CertificateId| !failed.iter().any(|(failed, _)| failed == id);
    let targets = ids.into_iter().filter(is_target).map(|id| {
        let certificate = found.remove(&id);
        Target::new(id, certificate)
    });
    Ok(Lookup {
        targets: targets.collect(),
        failed,
    })
}
