//! `cf-mtls release`

use cf_mtls::{CertificateId, Error, ReleasePlan};
use clap::Args;
use serde_json::{Value, json};

use crate::context::{Context, certificate_id};
use crate::options::Consent;
use crate::report::failure::Failure;
use crate::report::output::Output;
use crate::report::steps::{Told, Waiting, is_absent};
use crate::terminal::confirm;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::preview::{self, Doomed, Uses};
use crate::zone;

/// Detach a certificate's hostnames, wait until it is unused, and delete it
///
/// Detaches its hostnames in all zones, waits until nothing uses it any more, and
/// deletes it. Hostnames of other certificates are not touched. If anything other
/// than hostnames uses it, such as Gateway or Workers, nothing is changed. After an
/// interruption, run it again.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls release 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60 --dry-run
  cf-mtls release 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60
  cf-mtls release 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60 --zone example.com --yes --wait 5m")]
pub(crate) struct Arguments {
    /// The certificate
    #[arg(value_name = "ID")]
    id: String,
    /// Detach only the hostnames of this zone (repeatable); the release is refused
    /// if the certificate has hostnames in any other zone
    #[arg(long = "zone", value_name = "ZONE")]
    zones: Vec<String>,
    /// Succeed if the certificate does not exist
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    waiting: Waiting,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let consent = arguments.consent;
    let id = certificate_id(&arguments.id)?;
    let account = context.account()?;
    let client = context.client()?;
    let mut job = arguments
        .waiting
        .release(client.certificates(&account).release(&id));
    for text in &arguments.zones {
        let look = zone::resolve(context, &client, text);
        let (zone, _) = context.interrupt.reading(look).await??;
        job = job.in_zones([zone]);
    }
    let progress = Progress::waiting(context.output.quiet, "asking the zones of the account");
    let plan = context.interrupt.reading(job.plan()).await;
    progress.end();
    let plan = match plan? {
        Ok(plan) => plan,
        Err(error) if arguments.if_exists && is_absent(&error) => {
            context.output.note(format!("there is no certificate {id}"));
            return context.output.one(&absent(consent), String::new);
        }
        Err(error) => return Err(error.into()),
    };
    if consent.shows_plan(context.output.quiet) {
        show(context.output, &id, &plan);
    }
    if consent.dry_run {
        context.output.one(&plan, || rehearsal(&plan))?;
        return blocked(&plan).await;
    }
    blocked(&plan).await?;
    confirm::ask(context, consent, "Detach its hostnames and delete it?").await?;
    let told = Told::new(context, "releasing");
    let run = plan.run(told.listener(context));
    let released = told.run(context, &client, &id, run).await?;
    told.finish(context, &released, || format!("{id}  deleted\n"))
}

/// What stops it. A plan that is stopped sends nothing when it is run.
async fn blocked(plan: &ReleasePlan) -> Result<(), Failure> {
    if !plan.is_blocked() {
        return Ok(());
    }
    let stopped: Result<_, Error> = plan.run(|_| {}).await;
    Ok(stopped.map(drop)?)
}

/// The result, or in a dry run the plan, where there is nothing to release: a
/// script that parses the output gets the form that it knows.
fn absent(consent: Consent) -> Value {
    let mut form = nothing(consent);
    if let (Value::Object(fields), false) = (&mut form, consent.dry_run) {
        fields.insert("steps".to_owned(), json!([]));
    }
    form
}

/// What a release of nothing did, or would do.
pub(crate) fn nothing(consent: Consent) -> Value {
    match consent.dry_run {
        true => json!({ "certificate": null, "zones": [], "associations": [], "blockers": [] }),
        false => json!({ "certificate": null, "detached": [], "confirmed": false }),
    }
}

/// What will be done and what stops it, for a person to read.
pub(crate) fn show(output: Output, id: &CertificateId, plan: &ReleasePlan) {
    let doomed = Doomed {
        uses: Some(Uses {
            services: plan.associations().to_vec(),
            zones: plan.zones().to_vec(),
        }),
        ..Doomed::seen(id.clone(), plan.certificate().clone())
    };
    let mut text = preview::doomed(&[doomed], width::stderr());
    for blocker in plan.blockers() {
        text.push_str(&format!("  stopped: {}\n", printable(&blocker.to_string())));
    }
    output.tell(text.trim_end());
}

/// What a dry run tells on standard output.
fn rehearsal(plan: &ReleasePlan) -> String {
    let mut text = String::new();
    let id = plan.certificate().id().map_or("", CertificateId::as_str);
    for zone in plan.zones() {
        text.push_str(&format!("would detach {}\n", printable(&zone.to_string())));
    }
    match plan.is_blocked() {
        true => text.push_str("would stop before anything is changed\n"),
        false => text.push_str(&format!(
            "would wait until nothing uses it, and delete {id}\n"
        )),
    }
    text
}
