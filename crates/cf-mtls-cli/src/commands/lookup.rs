//! Looks up certificates: by id or name, and what uses them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use cf_mtls::{Certificate, CertificateChain, CertificateFilter, CertificateId, ErrorKind};
use cf_mtls_lifecycle::{CertificatesExt as _, Error, Outcome, Usage};

use crate::context::Context;
use crate::input;
use crate::options::plain_text;
use crate::report::exit::Kind;
use crate::report::failure::Failure;
use crate::terminal::text::mention;
use crate::view::preview::Target;

/// Of more certificates, uses are not looked up.
pub(crate) const MAX_LOOKUPS: usize = 100;
/// Of more CAs in use, hostnames are not looked up: each costs a request for each zone.
pub(crate) const MAX_CAS_IN_ZONES: usize = 3;
/// A page of the list tells as much as this many requests for one certificate.
const PER_PAGE: usize = 50;

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

/// The certificate that an argument means: by its id unless it is a name, or else by its
/// exact name.
/// Those of the name that hold the chain `except` are passed over.
pub(crate) async fn one(
    context: &Context,
    (text, is_name): (&str, bool),
    except: Option<&CertificateChain>,
) -> Result<Target, Failure> {
    let id = if is_name { None } else { parse(text)? };
    let name = match id {
        Some(id) => return Ok(Target::new(id, None)),
        None => name(text)?,
    };
    let is_excepted = |one: &Certificate| one.chain().is_ok_and(|chain| Some(&chain) == except);
    let found = by_name(context, &[&name]).await?.into_iter();
    let (same, found): (Vec<_>, Vec<_>) = found.partition(is_excepted);
    match (&same[..], &found[..]) {
        ([same, ..], []) => {
            let message = format!("{} is the new CA already, {}", mention(&name), same.id());
            Err(Failure::new(ErrorKind::NotFound, message))
        }
        _ => only(&name, &found),
    }
}

/// The certificates that arguments mean, by id unless they are names, each once, with one
/// walk of the list for all names; without those that do not exist if that is no failure.
pub(crate) async fn all(
    context: &Context,
    texts: &[(String, String)],
    are_names: bool,
    if_exists: bool,
) -> Result<Vec<Target>, Failure> {
    let read = |(text, place): &(String, String)| {
        let id = if are_names { Ok(None) } else { parse(text) };
        let read = id.and_then(|id| Ok((id, name(text)?)));
        read.map_err(|failure| failure.at(place))
    };
    let wanted: Vec<_> = texts.iter().map(read).collect::<Result<_, _>>()?;
    let names = wanted.iter().filter(|(id, _)| id.is_none());
    let names: Vec<&str> = names.map(|(_, name)| name.as_str()).collect();
    let named = by_name(context, &names).await?;
    let mut targets: Vec<Target> = Vec::new();
    let mut seen = HashSet::new();
    for ((id, name), (_, place)) in wanted.iter().zip(texts) {
        let target = match id {
            Some(id) => Ok(Target::new(id.clone(), None)),
            None => only(name, &named),
        };
        match target {
            Ok(target) if seen.insert(target.id.clone()) => targets.push(target),
            Ok(_) => {}
            Err(failure) if if_exists && failure.kind() == ErrorKind::NotFound.into() => {
                context.output.warn(failure.message());
            }
            Err(failure) => return Err(failure.at(place)),
        }
    }
    Ok(targets)
}

fn name(text: &str) -> Result<String, Failure> {
    let bad = |why| Failure::invalid_input(format!("not the id or name of a certificate: {why}"));
    plain_text(input::trim(text)).map_err(bad)
}

/// The certificates with these names.
async fn by_name(context: &Context, names: &[&str]) -> Result<Vec<Certificate>, Failure> {
    let filter = match names {
        [] => return Ok(Vec::new()),
        [name] => CertificateFilter::all().name(*name),
        _ => CertificateFilter::all(),
    };
    let read = async {
        let mut found: Vec<Certificate> = Vec::new();
        let mut list = context.certificates().await?.list(filter);
        while let Some(one) = list.next().await.transpose()? {
            // Pages that shift while they are read show a certificate twice.
            let is_named = one.name().is_some_and(|name| names.contains(&name));
            if is_named && !found.iter().any(|other| other.id() == one.id()) {
                found.push(one);
            }
        }
        Ok::<_, Failure>(found)
    };
    context.reading("looking for the name", read).await?
}

/// The only certificate of a name.
fn only(name: &str, found: &[Certificate]) -> Result<Target, Failure> {
    let named: Vec<&Certificate> = found.iter().filter(|one| one.name() == Some(name)).collect();
    let name = mention(name);
    match named[..] {
        [one] => Ok(Target::new(one.id().clone(), Some(one.clone()))),
        [] => {
            let message = format!(
                "no certificate has the name or id {name}, but one that was uploaded moments ago \
                 may not show yet; nothing was changed"
            );
            let failure = Failure::new(ErrorKind::NotFound, message);
            Err(failure.with_hint(
                "`cf-mtls list` shows the certificates of the account; right after an upload, pass \
                 the id that `cf-mtls upload` printed",
            ))
        }
        _ => {
            let ids: Vec<&str> = named.iter().map(|one| one.id().as_str()).collect();
            let listed = ids.join(", ");
            let message = format!(
                "several certificates are named {name}: {listed}; nothing was changed; pass the \
                 id of one; one that was deleted moments ago may still show"
            );
            Err(Failure::new(ErrorKind::Ambiguous, message).with("candidates", ids))
        }
    }
}

/// Reads the certificates that are not known yet: several from the list, and what it
/// does not show one by one.
pub(crate) async fn read(context: &Context, targets: &mut [Target]) -> Result<(), Failure> {
    let certificates = context.certificates().await?;
    let unknown = targets.iter_mut().filter(|target| target.certificate.is_none());
    let mut missing: HashMap<CertificateId, &mut Target> =
        unknown.map(|target| (target.id.clone(), target)).collect();
    let is_one = missing.len() == 1;
    let reads = async {
        let mut list = certificates.list(CertificateFilter::all());
        let mut others = 0;
        while !is_one
            && others < PER_PAGE * missing.len()
            && let Some(certificate) = list.next().await.transpose()?
        {
            others += 1;
            if let Some(target) = missing.remove(certificate.id()) {
                (target.certificate, others) = (Some(certificate), 0);
            }
        }
        // Many may wait for the rate limit for longer than the deadline.
        let reader = match is_one {
            true => certificates.clone().with_patience(Duration::ZERO),
            false => certificates.clone(),
        };
        let ids: Vec<CertificateId> = missing.keys().cloned().collect();
        let mut outcomes = reader.get_many(ids);
        while let Some(outcome) = outcomes.next().await {
            let Some(target) = missing.remove(&outcome.id) else { continue };
            match outcome.result.map_err(Error::from) {
                Ok(certificate) => target.certificate = Some(certificate),
                Err(error) if is_about_one(&error) => target.error = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    };
    context.reading("reading the certificates", reads).await?
}

/// Looks up the uses of certificates that are known: the services of each, and for
/// those in use also where, in one walk. One whose uses cannot be read does not stop the
/// others.
pub(crate) async fn add_uses(context: &Context, targets: &mut [Target]) -> Result<(), Failure> {
    let unknown = |target: &&mut Target| target.uses.is_none() && target.error.is_none();
    let mut targets: Vec<&mut Target> = targets.iter_mut().filter(unknown).collect();
    let outcomes = walk(context, &targets, true).await?;
    for (target, outcome) in targets.iter_mut().zip(outcomes) {
        match outcome.result.map_err(Error::from) {
            Ok(usage) => target.uses = Some(usage),
            Err(error) if is_about_one(&error) => target.error = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    targets.retain(|target| target.is_in_use());
    add_details(context, targets).await
}

/// Looks up where certificates are used. They are known to be in use, so nothing fails
/// for it.
pub(crate) async fn add_details(
    context: &Context,
    mut targets: Vec<&mut Target>,
) -> Result<(), Failure> {
    let cas = targets.iter().filter(|target| !target.is_leaf()).count();
    targets.retain(|target| target.is_leaf() || cas <= MAX_CAS_IN_ZONES);
    let outcomes = match walk(context, &targets, false).await {
        Err(failure) if failure.kind() == Kind::Interrupted => return Err(failure),
        outcomes => outcomes.unwrap_or_default(),
    };
    for (target, outcome) in targets.into_iter().zip(outcomes) {
        if let Ok(usage) = outcome.result {
            target.uses = Some(usage);
        }
    }
    Ok(())
}

/// The outcomes are in the order of the targets.
async fn walk(
    context: &Context,
    targets: &[&mut Target],
    services_only: bool,
) -> Result<Vec<Outcome<Usage>>, Failure> {
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let certificates = context.certificates().await?;
    let walk = certificates.usage_of(targets.iter().map(|target| target.id.clone()));
    let walk = walk.with_known(targets.iter().filter_map(|target| target.certificate.clone()));
    match services_only {
        true => context.walk(walk.with_services_only()).await,
        false => context.walk(walk).await,
    }
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
