//! `cf-mtls rotate`

use std::path::PathBuf;

use cf_mtls::{
    Certificate, CertificateFilter, CertificateId, Certificates, ReleasePlan, RotatePlan, Upload,
};
use clap::Args;
use serde::Serialize;

use super::{release, upload};
use crate::cli::Consent;
use crate::confirm;
use crate::context::{Context, certificate_id};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::safe_text::printable;
use crate::steps::{Told, Waiting, is_absent};

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
    /// Where the old CA is gone and the new one is there, take that for success
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
    let old = certificate_id(&arguments.old)?;
    let new = upload::ca(context, &arguments.ca)?;
    let new = match &arguments.name {
        Some(name) => new.with_name(name),
        None => new,
    };
    let certificates = context.certificates()?;
    let job = arguments
        .waiting
        .rotate(certificates.rotate(&old, new.clone()));
    let progress = Progress::waiting(context.output, "asking the zones of the account");
    let plan = context.interrupt.reading(job.plan()).await;
    progress.end();
    let plan = match plan? {
        Ok(plan) => plan,
        Err(error) if arguments.if_exists && is_absent(&error) => {
            let look = successor(&certificates, &new);
            return match context.interrupt.reading(look).await?? {
                Some(id) => {
                    context
                        .output
                        .note(format!("{old} is gone, and {id} has taken over"));
                    Ok(())
                }
                None => Err(error.into()),
            };
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

/// The new CA, where it is in the account.
async fn successor(
    certificates: &Certificates,
    new: &Upload,
) -> Result<Option<CertificateId>, Failure> {
    let mut list = certificates.list(CertificateFilter::all().ca());
    while let Some(certificate) = list.next().await {
        let certificate = certificate?;
        if certificate.chain().is_ok_and(|chain| chain == *new.chain()) {
            return Ok(certificate.id().cloned());
        }
    }
    Ok(None)
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
