//! Looks up certificates: by id or name, and what uses them.

use std::collections::{HashMap, HashSet};

use cf_mtls::text::is_harmful;
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

/// The certificate that an argument refers to, as [`all`] finds it.
pub(crate) async fn one(
    context: &Context,
    (text, is_name): (&str, bool),
    except: Option<&CertificateChain>,
) -> Result<Target, Failure> {
    let texts = context.values(&[text.to_owned()], is_name).await?;
    if texts.len() != 1 {
        return Err(Failure::invalid_input("standard input must hold one id or name"));
    }
    let (mut targets, _) = all(context, texts, is_name, false, except).await?;
    targets.pop().ok_or_else(|| Failure::new(ErrorKind::NotFound, "there is no such certificate"))
}

/// The certificates that arguments refer to, by id unless they are names, each once, with one
/// walk of the list for all names. The names that no certificate has are apart, if that is no
/// failure. Certificates that hold the chain `except` are passed over, see [`only`].
pub(crate) async fn all(
    context: &Context,
    texts: Vec<(String, String)>,
    are_names: bool,
    if_exists: bool,
    except: Option<&CertificateChain>,
) -> Result<(Vec<Target>, Vec<String>), Failure> {
    let read = |(text, place): &(String, String)| match are_names {
        true => Ok((None, vec![text.clone()])),
        false => parse(text).map_err(|failure| failure.at(place)),
    };
    let wanted: Vec<_> = texts.iter().map(read).collect::<Result<_, _>>()?;
    let names: Vec<String> = wanted.iter().flat_map(|(_, names)| names).cloned().collect();
    let named = by_name(context, &names).await?;
    let (mut targets, mut absent) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for ((id, names), (text, place)) in wanted.into_iter().zip(texts) {
        let target = match id {
            Some(id) => Ok(Target::new(id, None)),
            None => only(&names, &named, except),
        };
        match target {
            Ok(target) if seen.insert(target.id.clone()) => targets.push(target),
            Ok(_) => {}
            Err(failure) if if_exists && failure.kind() == ErrorKind::NotFound.into() => {
                context.output.warn(failure.message());
                absent.push(text);
            }
            Err(failure) => return Err(failure.at(&place)),
        }
    }
    Ok((targets, absent))
}

/// The id, or else the names that a text may stand for, since white space around it may have
/// been pasted along. What is nearly an id is refused: with `--if-exists`, it would pass for a
/// certificate that is gone.
fn parse(text: &str) -> Result<(Option<CertificateId>, Vec<String>), Failure> {
    let trimmed = input::trim(text);
    let hyphens: Vec<usize> = trimmed.match_indices('-').map(|(at, _)| at).collect();
    let is_id = matches!((trimmed.len(), &hyphens[..]), (32, []) | (36, [8, 13, 18, 23]));
    if let (true, Ok(id)) = (is_id && !trimmed.contains(is_no_digit), trimmed.parse()) {
        return Ok((Some(id), Vec::new()));
    }
    let is_near = |part: &str| (28..40).contains(&part.chars().count());
    if trimmed.split(is_no_digit).any(is_near) {
        return Err(Failure::invalid_input(format!(
            "{} is not an id, but looks like one or contains one; nothing was changed",
            mention(trimmed)
        )));
    }
    let bad = |why| Failure::invalid_input(format!("not the id or name of a certificate: {why}"));
    let name = plain_text(trimmed).map_err(bad)?;
    if trimmed.contains(is_harmful) {
        return Err(bad("it contains a character that cannot be seen".to_owned()));
    }
    let raw = plain_text(text).ok().filter(|raw| *raw != name);
    Ok((None, raw.into_iter().chain([name]).collect()))
}

/// Whether a character is neither a hexadecimal digit nor a hyphen or a dash.
fn is_no_digit(c: char) -> bool {
    let is_dash = matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}');
    !is_dash && !c.is_ascii_hexdigit()
}

/// The certificates with these names.
async fn by_name(context: &Context, names: &[String]) -> Result<Vec<Certificate>, Failure> {
    let filter = match names {
        [] => return Ok(Vec::new()),
        [name] => CertificateFilter::all().name(name),
        _ => CertificateFilter::all(),
    };
    let read = async {
        let mut found: Vec<Certificate> = Vec::new();
        let mut list = context.certificates().await?.list(filter);
        while let Some(one) = list.next().await.transpose()? {
            // Pages that shift while they are read show a certificate twice.
            let is_named = has_name(&one, names);
            if is_named && !found.iter().any(|other| other.id() == one.id()) {
                found.push(one);
            }
        }
        Ok::<_, Failure>(found)
    };
    context.reading("looking for the name", read).await?
}

fn has_name(certificate: &Certificate, names: &[String]) -> bool {
    names.iter().any(|name| certificate.name() == Some(name))
}

/// The only certificate that has one of these names. One that holds the chain `except` is
/// passed over, unless a newer one has the name: which of them replaces the other is not known.
fn only(
    names: &[String],
    found: &[Certificate],
    except: Option<&CertificateChain>,
) -> Result<Target, Failure> {
    let named = found.iter().filter(|one| has_name(one, names));
    let is_excepted = |one: &&Certificate| one.chain().is_ok_and(|it| Some(&it) == except);
    let (same, mut named): (Vec<_>, Vec<_>) = named.partition(is_excepted);
    let uploaded_on = same.iter().map(|one| one.uploaded_on()).max();
    let is_newer = |one: &&Certificate| uploaded_on.is_some_and(|on| on < one.uploaded_on());
    if named.iter().any(is_newer) {
        named.extend(&same);
    }
    let name = mention(names.last().map_or("", String::as_str));
    match named[..] {
        [one] => Ok(Target::new(one.id().clone(), Some(one.clone()))),
        [] if let [same, ..] = same[..] => {
            let id = same.id();
            let message = format!("{name} holds this certificate already, as {id}; nothing to do");
            let failure = Failure::new(ErrorKind::NotFound, message);
            Err(failure.with_hint("--if-exists takes that for success"))
        }
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
    let unknown = targets.iter_mut().filter(|target| target.certificate.is_none());
    let mut missing: HashMap<CertificateId, &mut Target> =
        unknown.map(|target| (target.id.clone(), target)).collect();
    let is_one = missing.len() == 1;
    let certificates = context.certificates_for(missing.len()).await?;
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
        let ids: Vec<CertificateId> = missing.keys().cloned().collect();
        let mut outcomes = certificates.get_many(ids);
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
    context.walk(if services_only { walk.with_services_only() } else { walk }).await
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
