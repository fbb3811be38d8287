//! `cf-mtls release`: detaches a certificate from its hostnames and deletes it.

use cf_mtls::{CertificateId, ErrorKind};
use cf_mtls_lifecycle::{CertificatesExt as _, ReleasePlan};
use clap::Args;
use serde_json::{Value, json};

use crate::candidates;
use crate::commands::lookup;
use crate::context::{Context, READING_USES};
use crate::options::{Consent, Selector, WaitOptions};
use crate::report::failure::Failure;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::preview::{self, Target};
use crate::view::uses::holders_to_json;
use crate::zone;

/// Detach a certificate's hostnames, wait until it is unused, and delete it
///
/// Detaches its hostnames in all zones, waits until nothing uses it any more, and
/// deletes it. Hostnames of other certificates are not touched. If a Worker, a Hyperdrive
/// configuration or Gateway uses it, nothing is changed, and they are shown with what to
/// do; --wait-for-holders waits until that is done. After an interruption, run it again.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls release 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60 --dry-run
  cf-mtls release 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60
  cf-mtls release 2458ce5a-0c35-4c7f-82c7-8e9487d3ff60 --zone example.com --yes --wait 5m
  cf-mtls release api-client --wait-for-holders --wait 2h   # while Workers are redeployed")]
pub(crate) struct Arguments {
    #[command(flatten)]
    certificate: Selector,
    /// Detach only the hostnames of this zone (repeatable); the release is refused
    /// if the certificate has hostnames in any other zone
    #[arg(long = "zone", value_name = "ZONE", add = candidates::zones())]
    zones: Vec<String>,
    /// Look for hostnames in all zones, even if no service shows any
    #[arg(long)]
    all_zones: bool,
    /// Succeed if the certificate does not exist
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    wait: WaitOptions,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let (consent, output) = (arguments.consent, context.output);
    let certificates = context.certificates().await?;
    let mut zones = Vec::new();
    for text in &arguments.zones {
        zones.push(zone::resolve(context, text).await?.id);
    }
    let is_gone = |one: &Failure| arguments.if_exists && one.kind() == ErrorKind::NotFound.into();
    let report_nothing = || {
        output.note("nothing to release");
        let mut body = nothing(consent.dry_run);
        if !consent.dry_run {
            body["steps"] = json!([]);
        }
        output.write_value(&body, String::new)
    };
    let planned = async {
        let found = lookup::one(context, arguments.certificate.text(), None).await;
        // The list may show it late.
        let missing = found.as_ref().err().filter(|failure| is_gone(failure));
        missing.into_iter().for_each(|failure| output.warn(failure.message()));
        let id = found?.id;
        let mut options = arguments.wait.to_release_options();
        if arguments.all_zones {
            options = options.with_all_zones();
        }
        let release = certificates.release(&id).with_options(options);
        let release = zones.into_iter().fold(release, |release, zone| release.in_zones([zone]));
        let plan = context.reading(READING_USES, release.plan()).await??;
        Ok::<_, Failure>((id, plan))
    };
    let (id, plan) = match planned.await {
        Err(failure) if is_gone(&failure) => return report_nothing(),
        planned => planned?,
    };
    context.show_plan(consent, || describe(&id, &plan));
    if consent.dry_run {
        output.write_value(&to_json(&plan), || dry_run(&plan))?;
        return check(&plan);
    }
    check(&plan)?;
    context.confirm(consent, "Detach its hostnames and delete it?").await?;
    let (steps, client) = (context.steps("releasing"), certificates.client());
    let run = plan.run(steps.listener());
    match steps.run(client, &id, run, arguments.wait.wait, |_| format!("{id}  deleted\n")).await {
        Err(failure) if is_gone(&failure) => report_nothing(),
        outcome => outcome,
    }
}

/// The result of a release without a certificate, or in a dry run the plan: it has
/// the fields of any other.
pub(crate) fn nothing(dry_run: bool) -> Value {
    match dry_run {
        true => json!({
            "certificate": null, "zones": [], "associations": [], "holders": [],
            "unreadable_products": [], "unreadable_zones": [], "unentitled": [],
            "products_not_read": [], "zones_not_read": false, "blockers": [],
        }),
        false => json!({ "certificate": null, "detached": [], "confirmed": false }),
    }
}

/// The certificate, what uses it, and what blocks the release.
pub(crate) fn describe(id: &CertificateId, plan: &ReleasePlan) -> String {
    let target = Target {
        uses: Some(plan.usage().clone()),
        ..Target::new(id.clone(), Some(plan.usage().certificate.clone()))
    };
    let mut text = preview::targets(&[target], width::stderr());
    for blocker in plan.blockers() {
        text.push_str(&format!("  blocked: {}\n", printable(&blocker.to_string())));
    }
    text
}

/// Fails if something blocks the plan.
pub(crate) fn check(plan: &ReleasePlan) -> Result<(), Failure> {
    plan.check().map_err(|error| match &plan.usage().holders[..] {
        [] => error.into(),
        _ => Failure::from(error)
            .with_hint("--wait-for-holders waits until they are changed; --wait sets for how long"),
    })
}

/// The plan in JSON, with what to do about holders.
pub(crate) fn to_json(plan: &ReleasePlan) -> Value {
    let mut json = serde_json::to_value(plan.planned()).unwrap_or_default();
    json["holders"] = json!(holders_to_json(&plan.usage().holders));
    json
}

/// The plan, as a dry run writes it to standard output.
fn dry_run(plan: &ReleasePlan) -> String {
    let mut text = String::new();
    for zone in &plan.usage().zones {
        text.push_str(&format!("would detach {}\n", printable(&zone.to_string())));
    }
    let id = plan.usage().certificate.id();
    text.push_str(&match plan.blockers() {
        [] => format!("would wait until nothing uses it, and delete {id}\n"),
        _ => "blocked: nothing would be changed\n".to_owned(),
    });
    text
}
