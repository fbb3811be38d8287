//! `cf-mtls rotate`: replaces a CA with another, and deletes the old one.

use std::path::PathBuf;

use cf_mtls::{Certificate, CertificateId, Certificates, ErrorKind};
use cf_mtls_lifecycle::{CertificatesExt as _, Error, Rotate, RotatePlan};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::commands::{lookup, release, upload};
use crate::context::{Context, certificate_id};
use crate::options::{Consent, WaitOptions};
use crate::report::failure::Failure;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::preview::{self, Target};
use crate::view::x509::{self, Contents};

/// Replace one CA with another without downtime, then delete the old one
///
/// Uploads the new CA, adds the hostnames of the old one to it, waits until it
/// is active, detaches the hostnames from the old one, waits until nothing uses it,
/// and deletes it. After an interruption, run it again with the same file.
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
    wait: WaitOptions,
}

/// The plan in JSON.
#[derive(Serialize)]
struct PlanBody<'a, T> {
    old: T,
    /// The new CA, if it is stored already.
    successor: Option<&'a Certificate>,
    /// Other stored copies of the new CA; not looked up without an old CA.
    other_copies: Option<&'a [Certificate]>,
    /// Whether `--name` is ignored.
    name_unused: bool,
    /// The contents of the file.
    certificates: &'a [Contents],
}

impl Arguments {
    fn is_name_unused(&self, successor: Option<&Certificate>) -> bool {
        let stored = successor.map(Certificate::name);
        self.name.is_some() && stored.is_some_and(|stored| stored != self.name.as_deref())
    }
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let (consent, output) = (arguments.consent, context.output);
    let old = certificate_id(&arguments.old)?;
    let new = upload::ca(context, &arguments.ca)?;
    let contents = x509::read(new.chain());
    check_expiry(&arguments, &contents)?;
    let new = match &arguments.name {
        Some(name) => new.with_name(name),
        None => new,
    };
    let certificates = context.certificates()?;
    let rotation = certificates.rotate(&old, new);
    let rotation = rotation.with_options(arguments.wait.to_release_options());
    let progress = Progress::spinner(output.quiet, "reading the zones of the account");
    let plan = context.interrupt.reading(rotation.plan()).await;
    progress.finish();
    let plan = match plan? {
        Ok(plan) => plan,
        Err(error) if arguments.if_exists && error.kind() == ErrorKind::NotFound => {
            let successor = find_successor(context, &certificates, &rotation, &old, error).await?;
            let old = release::nothing(consent.dry_run);
            if !consent.dry_run {
                let body = json!({
                    "successor": successor, "attached": [], "old": old, "steps": [],
                });
                return output.write_value(&body, String::new);
            }
            let body = PlanBody {
                old,
                successor: Some(&successor),
                other_copies: None,
                name_unused: arguments.is_name_unused(Some(&successor)),
                certificates: &contents,
            };
            return output.write_value(&body, String::new);
        }
        Err(error) => return Err(error.into()),
    };
    if consent.shows_plan(output.quiet) {
        release::show(output, &old, plan.release());
        output.show(describe(&plan, &arguments, &contents).trim_end());
    }
    if consent.dry_run {
        let body = PlanBody {
            old: plan.release(),
            successor: plan.successor(),
            other_copies: Some(plan.other_copies()),
            name_unused: arguments.is_name_unused(plan.successor()),
            certificates: &contents,
        };
        output.write_value(&body, || dry_run(&plan))?;
        return Ok(plan.check()?);
    }
    plan.check()?;
    let question = "Replace this CA and delete it?";
    context.confirm(consent, question).await?;
    let steps = context.steps("rotating");
    let run = plan.run(steps.listener());
    let client = certificates.client();
    steps
        .run(client, &old, run, |rotated| {
            let new = rotated.successor.id().map_or("-", CertificateId::as_str);
            format!("{old}  deleted\n{new}  replaces it\n")
        })
        .await
}

/// Refuses a new CA that has expired.
fn check_expiry(arguments: &Arguments, contents: &[Contents]) -> Result<(), Failure> {
    let now = Timestamp::now();
    let expired = contents.iter().find(|one| one.has_expired(now));
    match expired.filter(|_| !arguments.allow_expired) {
        None => Ok(()),
        Some(expired) => Err(Failure::invalid_input(format!(
            "the new CA in {} has expired ({}), so clients may be rejected; nothing was changed; \
             pass --allow-expired to proceed anyway",
            upload::file_name(&arguments.ca),
            expired.summary(now)
        ))),
    }
}

/// Finds the new CA if the old one does not exist. Whether the old one ever
/// existed is unknown, so what uses the new one is shown.
async fn find_successor(
    context: &Context,
    certificates: &Certificates,
    rotation: &Rotate,
    old: &CertificateId,
    error: Error,
) -> Result<Certificate, Failure> {
    let output = context.output;
    let successor = context.interrupt.reading(rotation.successor()).await??;
    let Some((successor, id)) = successor.and_then(|one| Some((one.clone(), one.id()?.clone())))
    else {
        return Err(Failure::from(error).with_hint(
            "the account does not contain the new CA either, so --if-exists does not apply; \
             nothing was uploaded",
        ));
    };
    if !output.quiet {
        let uses = lookup::uses(certificates, &id, Some(&successor));
        // This is a remark, so nothing fails for it.
        let uses = context.interrupt.reading(uses).await?.ok();
        let target = Target {
            uses,
            ..Target::new(id).with_certificate(successor.clone())
        };
        let shown = preview::targets(&[target], width::stderr());
        output.note(format!(
            "there is no certificate {old}, and whether it ever existed is not known; the account \
             contains the new CA:\n{}",
            shown.trim_end()
        ));
    }
    Ok(successor)
}

/// The new CA of a plan, in words.
fn describe(plan: &RotatePlan, arguments: &Arguments, contents: &[Contents]) -> String {
    let file = printable(&upload::file_name(&arguments.ca));
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
        text.push_str(&format!("  {}\n", certificate.summary(now)));
    }
    if let (Some(name), true) = (&arguments.name, arguments.is_name_unused(plan.successor())) {
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
            "The same CA is stored more than once; these are left alone: {copies}\n"
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

/// The plan, as a dry run writes it to standard output.
fn dry_run(plan: &RotatePlan) -> String {
    if plan.is_blocked() {
        return "blocked: nothing would be changed\n".to_owned();
    }
    let mut text = match plan.successor().and_then(Certificate::id) {
        Some(id) => format!("would continue with {id}\n"),
        None => "would upload the new CA (needs one free CA slot)\n".to_owned(),
    };
    let release = plan.release();
    for zone in release.zones() {
        text.push_str(&format!("would move {}\n", printable(&zone.to_string())));
    }
    let old = release.certificate().id().map_or("", CertificateId::as_str);
    text.push_str(&format!(
        "would wait until nothing uses the old CA, and delete {old}\n"
    ));
    text
}
