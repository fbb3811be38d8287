//! `cf-mtls delete`

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead as _};

use cf_mtls::{Certificate, CertificateFilter, CertificateId, Certificates, Error, ErrorKind};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use futures_util::stream::{self, StreamExt as _};

use crate::commands::deletion::{self, Deletion};
use crate::context::{Context, certificate_id};
use crate::options::Consent;
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::view::preview::{Doomed, Uses};

/// Of more certificates than this, names come out of the list, and who uses
/// them is left to the service, which refuses to delete those.
pub(crate) const LOOKED_UP: usize = 100;
/// Looks at certificates that are under way at a time.
pub(crate) const LOOKS: usize = 8;

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
    /// Certificate ids; `-` reads ids from standard input, one per line, ignoring
    /// lines that start with `#`
    #[arg(
        value_name = "ID",
        required_unless_present = "name",
        conflicts_with = "name"
    )]
    ids: Vec<String>,
    /// Delete the one certificate with exactly this name
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// Succeed if the certificate does not exist
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let consent = arguments.consent;
    let ids = ids(context, &arguments)?;
    let certificates = context.certificates()?;
    let ids = match &arguments.name {
        None => ids,
        Some(name) => by_name(context, &certificates, name, arguments.if_exists).await?,
    };
    if ids.is_empty() {
        context.output.note("nothing to delete");
    }
    let mut missing = Vec::new();
    let mut doomed = Vec::new();
    if consent.yes && context.output.quiet && !consent.dry_run {
        // Nothing is looked up where nobody would see it.
        doomed.extend(ids.into_iter().map(Doomed::unseen));
    } else {
        let look = look_up(context, &certificates, ids, consent.dry_run);
        for found in context.interrupt.reading(look).await?? {
            match found {
                Found::There(one) => doomed.push(*one),
                Found::Unlisted(id) => doomed.push(Doomed::unseen(id)),
                Found::Missing(id, error) => missing.push((id, error)),
            }
        }
    }
    let deletion = Deletion {
        context,
        certificates,
        if_exists: arguments.if_exists,
        consent,
    };
    deletion.run(missing, doomed).await
}

async fn by_name(
    context: &Context,
    certificates: &Certificates,
    name: &str,
    if_exists: bool,
) -> Result<Vec<CertificateId>, Failure> {
    let found = context.interrupt.reading(certificates.find(name)).await??;
    match found.as_ref().and_then(Certificate::id) {
        Some(id) => Ok(vec![id.clone()]),
        None if if_exists => Ok(Vec::new()),
        None => {
            let name = printable(name);
            let message =
                format!("there is no certificate named {name:?}; check the name and the account");
            Err(Failure::new(
                Exit::NotFound,
                ErrorKind::NotFound.as_str(),
                message,
            ))
        }
    }
}

fn ids(context: &Context, arguments: &Arguments) -> Result<Vec<CertificateId>, Failure> {
    let mut texts = Vec::new();
    for text in &arguments.ids {
        if text != "-" {
            texts.push(text.clone());
            continue;
        }
        if context.global.token_from_stdin() {
            return Err(Failure::usage(
                "standard input cannot provide both the token and the ids",
            ));
        }
        for line in io::stdin().lock().lines() {
            let line = line.map_err(|error| {
                Failure::input(format!("standard input cannot be read: {error}"))
            })?;
            let line = line.trim();
            if !(line.is_empty() || line.starts_with('#')) {
                texts.push(line.to_owned());
            }
        }
    }
    let mut seen = HashSet::new();
    let mut ids = Vec::new();
    for text in &texts {
        let id = certificate_id(text)?;
        // Twice the same would fail the second time.
        if seen.insert(id.clone()) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// What was found out about an id.
enum Found {
    There(Box<Doomed>),
    Missing(CertificateId, Error),
    /// The list does not have it, and it was not asked for.
    Unlisted(CertificateId),
}

async fn look_up(
    context: &Context,
    certificates: &Certificates,
    ids: Vec<CertificateId>,
    dry_run: bool,
) -> Result<Vec<Found>, Failure> {
    let progress = Progress::of(context.output.quiet, ids.len(), "looking up");
    let found = if LOOKED_UP < ids.len() {
        let found = names_of(&progress, certificates, ids).await?;
        match dry_run {
            true => ask_for_unlisted(&progress, certificates, found).await,
            false => {
                tell_unlisted(context, &progress, &found);
                Ok(found)
            }
        }
    } else {
        let looks = stream::iter(ids).map(|id| look(certificates, id));
        let mut looks = looks.buffered(LOOKS);
        let mut found = Vec::new();
        while let Some(one) = looks.next().await {
            found.push(one?);
            progress.step();
        }
        Ok(found)
    };
    progress.end();
    found
}

/// A certificate with its uses.
async fn look(certificates: &Certificates, id: CertificateId) -> Result<Found, Failure> {
    let look = async {
        let certificate = certificates.get(&id).await?;
        let uses = Uses::of(certificates, &certificate, &id).await?;
        Ok::<_, Error>((certificate, uses))
    };
    match look.await {
        Ok((certificate, uses)) => Ok(Found::There(Box::new(Doomed {
            uses: Some(uses),
            ..Doomed::seen(id, certificate)
        }))),
        // What is wrong with one id is no reason to stop for the others.
        Err(error) if is_about_one(&error) => Ok(Found::Missing(id, error)),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn is_about_one(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::InvalidRequest
            | ErrorKind::Permission
            | ErrorKind::InvalidResponse
    )
}

/// Many certificates cost a request each, but a list has fifty to a page. What
/// it lacks has neither name nor certificate then, and may be there all the same:
/// pages move while they are read.
async fn names_of(
    progress: &Progress,
    certificates: &Certificates,
    ids: Vec<CertificateId>,
) -> Result<Vec<Found>, Failure> {
    let mut doomed: Vec<Doomed> = ids.into_iter().map(Doomed::unseen).collect();
    let mut wanted: HashMap<CertificateId, usize> = doomed
        .iter()
        .enumerate()
        .map(|(at, one)| (one.id.clone(), at))
        .collect();
    let mut list = certificates.list(CertificateFilter::all());
    while !wanted.is_empty()
        && let Some(certificate) = list.next().await
    {
        let certificate = certificate?;
        let Some((id, at)) = certificate.id().and_then(|id| wanted.remove_entry(id)) else {
            continue;
        };
        progress.step();
        if let Some(one) = doomed.get_mut(at) {
            *one = Doomed::seen(id, certificate);
            // Only the first ones are shown in full.
            if deletion::SHOWN <= at {
                one.certificate = None;
            }
        }
    }
    let found = doomed
        .into_iter()
        .map(|one| match wanted.contains_key(&one.id) {
            true => Found::Unlisted(one.id),
            false => Found::There(Box::new(one)),
        });
    Ok(found.collect())
}

/// The real run is told by the service; a dry run has to ask for it.
async fn ask_for_unlisted(
    progress: &Progress,
    certificates: &Certificates,
    found: Vec<Found>,
) -> Result<Vec<Found>, Failure> {
    let unlisted = found.iter().filter_map(|one| match one {
        Found::Unlisted(id) => Some(id.clone()),
        _ => None,
    });
    let unlisted: Vec<CertificateId> = unlisted.collect();
    let mut answers = HashMap::new();
    let mut outcomes = certificates.get_many(stream::iter(unlisted));
    while let Some(outcome) = outcomes.next().await {
        progress.step();
        let answer = match outcome.result {
            Ok(certificate) => {
                let one = Doomed::seen(outcome.id.clone(), certificate);
                Found::There(Box::new(one))
            }
            Err(error) if is_about_one(&error) => Found::Missing(outcome.id.clone(), error),
            Err(error) => return Err(error.into()),
        };
        answers.insert(outcome.id, answer);
    }
    let found = found.into_iter().map(|one| match one {
        Found::Unlisted(id) => answers.remove(&id).unwrap_or(Found::Unlisted(id)),
        other => other,
    });
    Ok(found.collect())
}

fn tell_unlisted(context: &Context, progress: &Progress, found: &[Found]) {
    let unlisted = |one: &&Found| matches!(one, Found::Unlisted(_));
    let count = found.iter().filter(unlisted).count();
    if 0 < count {
        let note = format!("{count} of these may be gone already: the list does not show them");
        progress.suspend(|| context.output.note(note));
    }
}
