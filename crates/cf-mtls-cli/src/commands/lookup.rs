//! Looks up certificates that are about to be deleted, and what uses them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use cf_mtls::{Certificate, CertificateFilter, CertificateId, Certificates, ErrorKind};
use cf_mtls_lifecycle::{CertificatesExt as _, Error};
use futures_util::stream::{self, StreamExt as _};

use crate::report::failure::Failure;
use crate::report::output::Output;
use crate::terminal::progress::Progress;
use crate::view::preview::{Target, Uses};

/// Of more certificates, uses are not looked up.
pub(crate) const MAX_LOOKUPS: usize = 100;
const LOOKUP_CONCURRENCY: usize = 8;

/// Certificates that are about to be deleted.
#[derive(Default)]
pub(crate) struct Lookup {
    pub(crate) targets: Vec<Target>,
    /// Those that could not be read, and are left alone.
    pub(crate) failed: Vec<(CertificateId, Error)>,
}

/// Looks up certificates. Of few, each is read with its uses. Of many, names come
/// from the list, which has fifty to a page. One that it lacks may still exist,
/// since pages shift while they are read: a dry run reads it, and otherwise its
/// deletion tells.
pub(crate) async fn by_id(
    certificates: &Certificates,
    ids: Vec<CertificateId>,
    dry_run: bool,
    output: Output,
    progress: &Progress,
) -> Result<Lookup, Failure> {
    let are_few = ids.len() <= MAX_LOOKUPS;
    let mut found: HashMap<CertificateId, Certificate> = HashMap::new();
    let mut missing: HashSet<CertificateId> = ids.iter().cloned().collect();
    if !are_few {
        let mut list = certificates.list(CertificateFilter::all());
        while !missing.is_empty()
            && let Some(certificate) = list.next().await.transpose()?
        {
            if let Some(id) = certificate.id().and_then(|id| missing.take(id)) {
                found.insert(id, certificate);
                progress.advance();
            }
        }
    }
    let mut failed = Vec::new();
    if are_few || dry_run {
        // Many may wait for the rate limit for longer than the deadline.
        let reader = match are_few {
            true => certificates.clone().with_patience(Duration::ZERO),
            false => certificates.clone(),
        };
        let mut outcomes = reader.get_many(stream::iter(missing));
        while let Some(outcome) = outcomes.next().await {
            progress.advance();
            match outcome.result.map_err(Error::from) {
                Ok(certificate) => drop(found.insert(outcome.id, certificate)),
                Err(error) if is_about_one(&error) => failed.push((outcome.id, error)),
                Err(error) => return Err(error.into()),
            }
        }
    } else if !missing.is_empty() {
        let count = missing.len();
        let note = format!("{count} of these may be gone already: the list does not contain them");
        progress.suspend(|| output.note(note));
    }
    let is_target = |id: &CertificateId| !failed.iter().any(|(failed, _)| failed == id);
    let targets = ids.into_iter().filter(is_target);
    let targets = targets.map(|id| (found.remove(&id), id));
    let targets = targets.map(|(certificate, id)| Target::new(id, certificate));
    let lookup = Lookup {
        targets: targets.collect(),
        failed,
    };
    match are_few {
        true => add_uses(certificates, lookup).await,
        false => Ok(lookup),
    }
}

/// Looks up the uses of certificates that are known. One whose uses cannot be read
/// does not stop the others.
pub(crate) async fn add_uses(
    certificates: &Certificates,
    lookup: Lookup,
) -> Result<Lookup, Failure> {
    let lookups = stream::iter(lookup.targets).map(|target| async {
        let uses = uses(certificates, &target.id).await;
        (target, uses)
    });
    let mut lookups = lookups.buffered(LOOKUP_CONCURRENCY);
    let (mut targets, mut failed) = (Vec::new(), lookup.failed);
    while let Some((mut target, uses)) = lookups.next().await {
        match uses {
            Ok(uses) => {
                target.uses = Some(uses);
                targets.push(target);
            }
            Err(error) if is_about_one(&error) => failed.push((target.id, error)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Lookup { targets, failed })
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

/// What uses a certificate. Its zones are read only if something uses it, since
/// each is a request.
pub(crate) async fn uses(certificates: &Certificates, id: &CertificateId) -> Result<Uses, Error> {
    let mut uses = Uses {
        services: certificates.associations(id).await?,
        zones: Vec::new(),
    };
    if !uses.is_empty() {
        uses.zones = match certificates.usage(id).await {
            Ok(usage) => usage.zones,
            // The services suffice to see that it is in use.
            Err(error) if is_about_one(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
    }
    Ok(uses)
}
