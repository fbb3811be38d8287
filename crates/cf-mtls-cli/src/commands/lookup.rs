//! Looks up certificates: by id or name, and what uses those that will be deleted.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use cf_mtls::{
    Certificate, CertificateChain, CertificateFilter, CertificateId, Certificates, ErrorKind,
};
use cf_mtls_lifecycle::{CertificatesExt as _, Error};
use futures_util::stream::{self, StreamExt as _};

use crate::context::Context;
use crate::input;
use crate::options::plain_text;
use crate::report::failure::Failure;
use crate::report::output::Output;
use crate::terminal::progress::Progress;
use crate::terminal::text::mention;
use crate::view::preview::{Target, Uses};

/// Of more certificates, uses are not looked up.
pub(crate) const MAX_LOOKUPS: usize = 100;
const LOOKUP_CONCURRENCY: usize = 8;

/// The id, if a text has the form of all ids. More than an id is no name: with
/// `--if-exists`, it would pass for a certificate that is gone.
pub(crate) fn parse(text: &str) -> Result<Option<CertificateId>, Failure> {
    let text = input::trim(text);
    let is_other = |c: char| !c.is_ascii_hexdigit() && c != '-';
    match text.split(is_other).find(|part| matches!(part.len(), 32 | 36)) {
        None => Ok(None),
        Some(_) => match text.parse() {
            Ok(id) if !text.contains(is_other) => Ok(Some(id)),
            _ => Err(Failure::invalid_input(format!(
                "{} is not an id, but contains one; nothing was changed",
                mention(text)
            ))),
        },
    }
}

/// The certificate that an argument means: by its id, or else by its exact name.
/// Those of the name that hold the chain `except` are passed over.
pub(crate) async fn id(
    context: &Context,
    certificates: &Certificates,
    text: &str,
    except: Option<&CertificateChain>,
) -> Result<CertificateId, Failure> {
    if let Some(id) = parse(text)? {
        return Ok(id);
    }
    let bad = |why| Failure::invalid_input(format!("not the id or name of a certificate: {why}"));
    let name = plain_text(input::trim(text)).map_err(bad)?;
    let read = async {
        let mut found: Vec<CertificateId> = Vec::new();
        let mut list = certificates.list(CertificateFilter::all());
        while let Some(certificate) = list.next().await.transpose()? {
            let id = certificate.id();
            let is_meant = certificate.name() == Some(&name) || id.as_str() == name;
            let is_excepted =
                |chain: &CertificateChain| certificate.chain().is_ok_and(|own| own == *chain);
            if is_meant && !found.contains(id) && !except.is_some_and(is_excepted) {
                found.push(id.clone());
            }
        }
        Ok::<_, Failure>(found)
    };
    let found = context.reading("looking for the name", read).await??;
    let name = mention(&name);
    match &found[..] {
        [id] => Ok(id.clone()),
        [] => {
            let message = format!("no certificate has the name or id {name}; nothing was changed");
            let failure = Failure::new(ErrorKind::NotFound, message);
            Err(failure.with_hint("`cf-mtls list` shows the certificates of the account"))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(CertificateId::as_str).collect();
            let ids = ids.join(", ");
            let message = format!(
                "several certificates are named {name}: {ids}; nothing was changed; pass the id of \
                 one"
            );
            Err(Failure::new(ErrorKind::Ambiguous, message).with_candidates(several))
        }
    }
}

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
            if let Some(id) = missing.take(certificate.id()) {
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
    let lookup = Lookup { targets: targets.collect(), failed };
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
    let mut uses = Uses { services: certificates.associations(id).await?, zones: Vec::new() };
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
