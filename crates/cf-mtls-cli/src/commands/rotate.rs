//! `cf-mtls rotate`: replaces a CA with another, and deletes the old one.

use std::path::PathBuf;

use cf_mtls::{Certificate, CertificateId, Certificates, ErrorKind};
use cf_mtls_lifecycle::{CertificatesExt as _, Error, ReleasePlan, Rotate, RotatePlan};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::commands::{lookup, release, upload};
use crate::context::{Context, READING_ZONES, certificate_id};
use crate::input;
use crate::options::{Consent, WaitOptions};
use crate::report::failure::Failure;
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
struct PlanBody<'a> {
    old: &'a ReleasePlan,
    /// The new CA, if it is stored already.
    successor: Option<&'a Certificate>,
    /// Other stored copies of the new CA.
    other_copies: &'a [Certificate],
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
    let plan = context.reading(READING_ZONES, rotation.plan()).await?;
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) if arguments.if_exists && error.kind() == ErrorKind::NotFound => {
            let successor = find_successor(context, &certificates, &rotation, &old, error).await?;
            let old = release::nothing(consent.dry_run);
            let body = match consent.dry_run {
                true => json!({
                    "old": old,
                    "successor": successor,
                    "other_copies": null,
                    "name_unused": arguments.is_name_unused(Some(&successor)),
                    "certificates": contents,
                }),
                false => json!({
                    "successor": successor, "attached": [], "old": old, "steps": [],
                }),
            };
            return output.write_value(&body, String::new);
        }
        Err(error) => return Err(error.into()),
    };
    if consent.shows_plan(output.quiet) {
        release::show(output, &old, plan.release());
        output.show(describe(&plan, &arguments, &contents));
    }
    if consent.dry_run {
        let body = PlanBody {
            old: plan.release(),
            successor: plan.successor(),
            other_copies: plan.other_copies(),
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
            input::name(&arguments.ca),
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
    let id = successor.as_ref().and_then(Certificate::id).cloned();
    let (Some(successor), Some(id)) = (successor, id) else {
        return Err(Failure::from(error).with_hint(
            "the account does not contain the new CA either, so --if-exists does not apply; \
             nothing was uploaded",
        ));
    };
    if !output.quiet {
        let uses = lookup::uses(certificates, &id);
        let target = Target {
            // This is a remark, so nothing fails for it.
            uses: context.interrupt.reading(uses).await?.ok(),
            ..Target::new(id, Some(successor.clone()))
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
    let file = printable(&input::name(&arguments.ca));
    let mut lines = Vec::new();
    lines.push(match plan.successor().map(named) {
        Some(stored) => format!("Its hostnames move to {stored}, which was uploaded before."),
        None => "Its hostnames move to a new CA, which needs a free place for a CA in the account \
                 until the old one is deleted."
            .to_owned(),
    });
    lines.push(match contents.len() {
        1 => format!("It is the certificate in {file}:"),
        count => format!("It is all {count} certificates in {file}, uploaded as one CA:"),
    });
    let now = Timestamp::now();
    lines.extend(contents.iter().map(|one| format!("  {}", one.summary(now))));
    if let (Some(name), true) = (&arguments.name, arguments.is_name_unused(plan.successor())) {
        let name = printable(name);
        lines.push(format!(
            "The name {name:?} is ignored: a stored certificate keeps its name."
        ));
    }
    if !plan.other_copies().is_empty() {
        let copies: Vec<String> = plan.other_copies().iter().map(named).collect();
        let copies = copies.join(", ");
        lines.push(format!(
            "The same CA is stored more than once; these are left alone: {copies}"
        ));
    }
    lines.join("\n")
}

/// The id and the name of a certificate.
fn named(certificate: &Certificate) -> String {
    let id = certificate.id().map_or("-", CertificateId::as_str);
    match certificate.name() {
        None | Some("") => format!("{id} (without a name)"),
        Some(name) => format!("{id} (named {:?})", printable(name)),
    }
}

/// The plan, as a dry run writes it to standard output.
fn dry_run(plan: &RotatePlan) -> String {
    if plan.is_blocked() {
        return "blocked: nothing would be changed\n".to_owned();
    }
    let release = plan.release();
    let id = |certificate: &Certificate| certificate.id().map(ToString::to_string);
    let mut lines = vec![match plan.successor().and_then(id) {
        Some(id) => format!("would continue with {id}"),
        None => "would upload the new CA (needs one free CA slot)".to_owned(),
    }];
    let zones = release.zones().iter();
    lines.extend(zones.map(|zone| format!("would move {}", printable(&zone.to_string()))));
    let old = id(release.certificate()).unwrap_or_default();
    lines.push(format!(
        "would wait until nothing uses the old CA, and delete {old}\n"
    ));
    lines.join("\n")
}
