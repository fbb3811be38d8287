//! `cf-mtls rotate`

use std::path::PathBuf;

use cf_mtls::{Certificate, CertificateId, Certificates, Error, ReleasePlan, Rotate, RotatePlan};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::{release, upload};
use crate::cli::Consent;
use crate::confirm;
use crate::context::{Context, certificate_id};
use crate::failure::Failure;
use crate::preview::{self, Doomed, Uses};
use crate::progress::Progress;
use crate::safe_text::printable;
use crate::steps::{Told, Waiting, is_absent};
use crate::table;

/// Replace a CA by another, with no moment in which a hostname has neither
///
/// Uploads the new CA, adds the hostnames of the old one to it, waits until it
/// is active, takes the hostnames from the old one, waits until nothing uses
/// that, and deletes it. After an interruption, run it again with the same file.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls rotate 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60 --ca new-ca.pem --dry-run
  cf-mtls rotate 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60 --ca new-ca.pem --name devices-2027")]
pub(crate) struct Arguments {
    /// The CA that goes
    #[arg(value_name = "OLD-ID")]
    old: String,
    /// The CA that comes, in PEM (`-`: standard input)
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// A name for the CA that comes
    #[arg(long)]
    name: Option<String>,
    /// Where the old CA is not there and the new one is, take that for success,
    /// so that a rotation that came to its end can be run again
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    waiting: Waiting,
}

/// What a rotation would do.
#[derive(Serialize)]
struct Plan<'a> {
    old: &'a ReleasePlan,
    /// The new CA, where it is in the account already.
    successor: Option<&'a Certificate>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let consent = arguments.consent;
    confirm::check(context, consent)?;
    let old = certificate_id(&arguments.old)?;
    let new = upload::ca(context, &arguments.ca)?;
    let new = match &arguments.name {
        Some(name) => new.with_name(name),
        None => new,
    };
    let certificates = context.certificates()?;
    let job = arguments.waiting.rotate(certificates.rotate(&old, new));
    let progress = Progress::waiting(context.output, "asking the zones of the account");
    let plan = context.interrupt.reading(job.plan()).await;
    progress.end();
    let plan = match plan? {
        Ok(plan) => plan,
        Err(error) if arguments.if_exists && is_absent(&error) => {
            return absent(context, &certificates, &job, &old, consent, error).await;
        }
        Err(error) => return Err(error.into()),
    };
    if consent.shows(context.output) {
        release::show(context.output, &old, plan.release());
        context
            .output
            .note(match plan.successor().and_then(Certificate::id) {
                Some(id) => format!("Its hostnames move to {id}, which was uploaded before."),
                None => {
                    let file = printable(&arguments.ca.display().to_string());
                    format!("Its hostnames move to the CA in {file}.")
                }
            });
    }
    if consent.dry_run {
        let form = Plan {
            old: plan.release(),
            successor: plan.successor(),
        };
        context.output.one(&form, || rehearsal(&plan))?;
        return blocked(&plan).await;
    }
    blocked(&plan).await?;
    confirm::ask(context, consent, "Replace this CA and delete it?").await?;
    let told = Told::new(context, "rotating");
    let run = plan.run(told.listener(context));
    let rotated = told.run(context, &old, run).await?;
    told.finish(context, &rotated, || {
        let new = rotated.successor.id().map_or("-", CertificateId::as_str);
        format!("{old}  deleted\n{new}  has taken over\n")
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
    consent: Consent,
    error: Error,
) -> Result<(), Failure> {
    let output = context.output;
    let successor = context.interrupt.reading(job.successor()).await??;
    let Some((successor, id)) = successor.as_ref().and_then(|one| Some((one, one.id()?))) else {
        return Err(Failure::from(error).with_hint(
            "the new CA is not in the account either, so --if-exists is no success; nothing was \
             uploaded",
        ));
    };
    if !output.quiet {
        // A remark, for which nothing fails.
        let look = Uses::of(certificates, successor, id);
        let one = Doomed {
            uses: context.interrupt.reading(look).await?.ok(),
            ..Doomed::seen(id.clone(), successor.clone())
        };
        let shown = preview::doomed(&[one], table::stderr_width());
        output.note(format!(
            "there is no certificate {old}, and whether there was one is not known; the new CA is \
             in the account:\n{}",
            shown.trim_end()
        ));
    }
    let old = release::nothing(consent);
    let form = match consent.dry_run {
        true => json!({ "old": old, "successor": successor }),
        false => json!({ "successor": successor, "attached": [], "old": old, "steps": [] }),
    };
    output.one(&form, String::new)
}

/// What a dry run tells on standard output.
fn rehearsal(plan: &RotatePlan) -> String {
    if plan.is_blocked() {
        return "would stop before anything is changed\n".to_owned();
    }
    let mut text = match plan.successor().and_then(Certificate::id) {
        Some(id) => format!("would go on with {id}\n"),
        None => "would upload the new CA\n".to_owned(),
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
