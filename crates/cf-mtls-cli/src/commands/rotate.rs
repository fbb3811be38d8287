//! `cf-mtls rotate`

use std::path::PathBuf;

use cf_mtls::{Certificate, CertificateId, Certificates, Error, Rotate, RotatePlan};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{release, upload};
use crate::context::{Context, certificate_id};
use crate::options::Consent;
use crate::report::failure::Failure;
use crate::report::steps::{Told, Waiting, is_absent};
use crate::terminal::confirm;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::preview::{self, Doomed, Uses};
use crate::view::x509::{self, Contents};

/// Replace one CA with another without downtime, then delete the old one
///
/// Uploads the new CA, adds the hostnames of the old one to it, waits until it
/// is active, detaches the hostnames from the old one, waits until nothing uses it, and deletes it. After an interruption, run it again with the same file.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls rotate 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60 --ca new-ca.pem --dry-run
  cf-mtls rotate 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60 --ca new-ca.pem --name devices-2027")]
pub(crate) struct Arguments {
    /// Id of the old CA, which is deleted in the end
    #[arg(value_name = "OLD-ID")]
    old: String,
    /// PEM file with the new CA (`-` for standard input)
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// Name for the new CA; ignored if that CA is already stored
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// Succeed if the old CA no longer exists and the new one does, so that a
    /// completed rotation can safely be run again
    #[arg(long)]
    if_exists: bool,
    /// Allow a new CA that has expired, although clients may then be rejected
    #[arg(long)]
    allow_expired: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    waiting: Waiting,
}

/// What a rotation would do.
#[derive(Serialize)]
struct Plan<'a, T> {
    old: T,
    /// The new CA, where it is in the account already.
    successor: Option<&'a Certificate>,
    /// Others in the account that are the same; not looked for where there is
    /// nothing to rotate.
    other_copies: Option<&'a [Certificate]>,
    /// Whether the name that was asked for is not given to the new CA.
    name_unused: bool,
    /// What is in the file.
    certificates: &'a [Contents],
}

impl Arguments {
    fn name_unused(&self, successor: Option<&Certificate>) -> bool {
        let stored = successor.map(Certificate::name);
        self.name.is_some() && stored.is_some_and(|stored| stored != self.name.as_deref())
    }
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let consent = arguments.consent;
    let old = certificate_id(&arguments.old)?;
    let new = upload::ca(context, &arguments.ca)?;
    let contents = x509::read(new.chain());
    let now = Timestamp::now();
    let expired = contents.iter().find(|one| one.has_expired(now));
    if let (Some(expired), false) = (expired, arguments.allow_expired) {
        return Err(Failure::input(format!(
            "the new CA in {} has expired ({}), and clients of its hostnames may be turned away; \
             nothing was changed; pass --allow-expired to go on all the same",
            upload::shown(&arguments.ca),
            expired.tell(now)
        )));
    }
    let new = match &arguments.name {
        Some(name) => new.with_name(name),
        None => new,
    };
    let certificates = context.certificates()?;
    let job = arguments.waiting.rotate(certificates.rotate(&old, new));
    let progress = Progress::waiting(context.output.quiet, "asking the zones of the account");
    let plan = context.interrupt.reading(job.plan()).await;
    progress.end();
    let plan = match plan? {
        Ok(plan) => plan,
        Err(error) if arguments.if_exists && is_absent(&error) => {
            let look = absent(context, &certificates, &job, &old, error);
            let successor = look.await?;
            let old = release::nothing(consent);
            if !consent.dry_run {
                let form = json!({
                    "successor": successor, "attached": [], "old": old, "steps": [],
                });
                return context.output.one(&form, String::new);
            }
            let form = Plan {
                old,
                successor: Some(&successor),
                other_copies: None,
                name_unused: arguments.name_unused(Some(&successor)),
                certificates: &contents,
            };
            return context.output.one(&form, String::new);
        }
        Err(error) => return Err(error.into()),
    };
    if consent.shows_plan(context.output.quiet) {
        release::show(context.output, &old, plan.release());
        context
            .output
            .tell(show(&plan, &arguments, &contents).trim_end());
    }
    if consent.dry_run {
        let form = Plan {
            old: plan.release(),
            successor: plan.successor(),
            other_copies: Some(plan.other_copies()),
            name_unused: arguments.name_unused(plan.successor()),
            certificates: &contents,
        };
        context.output.one(&form, || rehearsal(&plan))?;
        return blocked(&plan).await;
    }
    blocked(&plan).await?;
    confirm::ask(context, consent, "Replace this CA and delete it?").await?;
    let told = Told::new(context, "rotating");
    let run = plan.run(told.listener(context));
    let rotated = told.run(context, certificates.client(), &old, run).await?;
    told.finish(context, &rotated, || {
        let new = rotated.successor.id().map_or("-", CertificateId::as_str);
        format!("{old}  deleted\n{new}  replaces it\n")
    })
}

/// What stops it. A plan that is stopped sends nothing when it is run.
async fn blocked(plan: &RotatePlan) -> Result<(), Failure> {
    match plan.is_blocked() {
        true => Ok(plan.run(|_| {}).await.map(drop)?),
        false => Ok(()),
    }
}

/// The old CA is not there. Nothing tells whether it ever was, so that is not
/// claimed; the new CA has to be there, and what uses it is shown.
async fn absent(
    context: &Context,
    certificates: &Certificates,
    job: &Rotate,
    old: &CertificateId,
    error: Error,
) -> Result<Certificate, Failure> {
    let output = context.output;
    let successor = context.interrupt.reading(job.successor()).await??;
    let Some((successor, id)) = successor.and_then(|one| Some((one.clone(), one.id()?.clone())))
    else {
        return Err(Failure::from(error).with_hint(
            "the new CA is not in the account either, so --if-exists is no success; nothing was \
             uploaded",
        ));
    };
    if !output.quiet {
        // A remark, for which nothing fails.
        let look = Uses::of(certificates, &successor, &id);
        let one = Doomed {
            uses: context.interrupt.reading(look).await?.ok(),
            ..Doomed::seen(id, successor.clone())
        };
        let shown = preview::doomed(&[one], width::stderr());
        output.note(format!(
            "there is no certificate {old}, and whether there was one is not known; the new CA is \
             in the account:\n{}",
            shown.trim_end()
        ));
    }
    Ok(successor)
}

/// Where the hostnames go, for a person to read.
fn show(plan: &RotatePlan, arguments: &Arguments, contents: &[Contents]) -> String {
    let file = printable(&upload::shown(&arguments.ca));
    let stored = plan.successor().and_then(|one| Some((one, one.id()?)));
    let mut text = match stored {
        Some((one, id)) => format!(
            "Its hostnames move to {id} ({}), which was uploaded before.\nIt is",
            named(one)
        ),
        None => "Its hostnames move to a new CA, which needs a free place for a CA in the account \
                 until the old one is deleted.\nIt is"
            .to_owned(),
    };
    text.push_str(&match contents.len() {
        1 => format!(" the certificate in {file}:\n"),
        count => format!(" all {count} certificates in {file}, uploaded as one CA:\n"),
    });
    let now = Timestamp::now();
    for certificate in contents {
        text.push_str(&format!("  {}\n", certificate.tell(now)));
    }
    if let (Some(name), true) = (&arguments.name, arguments.name_unused(plan.successor())) {
        let name = printable(name);
        text.push_str(&format!(
            "The name {name:?} is ignored: a stored certificate keeps its name.\n"
        ));
    }
    let copies = plan.other_copies().iter();
    let copies: Vec<String> = copies
        .filter_map(|one| Some(format!("{} ({})", one.id()?, named(one))))
        .collect();
    if !copies.is_empty() {
        let copies = copies.join(", ");
        text.push_str(&format!(
            "The same is stored more than once; these are left alone: {copies}\n"
        ));
    }
    text
}

fn named(certificate: &Certificate) -> String {
    match certificate.name() {
        None | Some("") => "without a name".to_owned(),
        Some(name) => format!("named {:?}", printable(name)),
    }
}

/// What a dry run tells on standard output.
fn rehearsal(plan: &RotatePlan) -> String {
    if plan.is_blocked() {
        return "blocked: nothing would be changed\n".to_owned();
    }
    let mut text = match plan.successor().and_then(Certificate::id) {
        Some(id) => format!("would go on with {id}\n"),
        None => "would upload the new CA (needs one free CA slot)\n".to_owned(),
    };
    for zone in plan.release().zones() {
        text.push_str(&format!("would move {}\n", printable(&zone.to_string())));
    }
    let old = plan
        .release()
        .certificate()
        .id()
        .map_or("", CertificateId::as_str);
    text.push_str(&format!(
        "would wait until nothing uses the old CA, and delete {old}\n"
    ));
    text
}
