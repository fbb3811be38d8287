//! `cf-mtls rotate`: replaces a CA with another, and deletes the old one.

use std::path::PathBuf;

use cf_mtls::{Certificate, ErrorKind, Upload};
use cf_mtls_lifecycle::{CertificateContents, CertificatesExt as _, RotatePlan};
use clap::Args;
use serde_json::{Value, json};

use crate::candidates;
use crate::commands::{lookup, release, upload};
use crate::context::{Context, READING_USES};
use crate::input;
use crate::options::{Consent, WaitOptions, new_name};
use crate::report::failure::Failure;
use crate::terminal::text::{mention, printable};
use crate::terminal::width;
use crate::view::preview::{self, Target};
use crate::view::x509;

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
    /// The old CA, by id or exact name, which is deleted in the end
    #[arg(value_name = "OLD-ID", add = candidates::certificates())]
    old: String,
    /// File with the new CA (`-` for standard input)
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// Name for the new CA, instead of that of the old one; ignored if the new CA is
    /// already stored
    #[arg(long, value_parser = new_name)]
    name: Option<String>,
    /// Succeed if the old CA no longer exists and the new one does, so that a
    /// completed rotation can safely be run again
    #[arg(long)]
    if_exists: bool,
    /// Allow a new CA that has expired, is not valid yet, or has neither an RSA nor
    /// an ECDSA key, although clients may then be rejected
    #[arg(long, alias = "allow-expired")]
    allow_unusable: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    wait: WaitOptions,
}

impl Arguments {
    fn is_name_unused(&self, successor: Option<&Certificate>) -> bool {
        let stored = successor.map(Certificate::name);
        self.name.is_some() && stored.is_some_and(|stored| stored != self.name.as_deref())
    }

    /// The plan in JSON.
    fn to_json(
        &self,
        old: Value,
        successor: Option<&Certificate>,
        contents: &[CertificateContents],
    ) -> Value {
        // The account stores the same certificate once.
        let copies = (!old["certificate"].is_null()).then(Vec::<Value>::new);
        json!({
            "old": old, "successor": successor, "other_copies": copies,
            "name_unused": self.is_name_unused(successor),
            "certificates": x509::to_json(contents),
        })
    }
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let (consent, output) = (arguments.consent, context.output);
    let (new, contents) = upload::ca(context, &arguments.ca).await?;
    check_usable(&arguments, &contents)?;
    let certificates = context.certificates().await?;
    let planned = async {
        // After an interruption, the new CA may have the name of the old one.
        let old = lookup::one(context, (&arguments.old, false), Some(new.chain())).await?.id;
        let named = arguments.name.iter().fold(new.clone(), Upload::with_name);
        named.check()?;
        // The file was checked above, with the name of the option.
        let options = arguments.wait.to_release_options().with_any_ca_allowed();
        let rotation = certificates.rotate(&old, named).with_options(options);
        let plan = context.reading(READING_USES, rotation.plan()).await??;
        Ok::<_, Failure>((old, plan))
    };
    let (old, plan) = match planned.await {
        Err(failure) if arguments.if_exists && failure.kind() == ErrorKind::NotFound.into() => {
            return report_gone(context, &arguments, &new, &contents, failure).await;
        }
        planned => planned?,
    };
    context.show_plan(consent, || {
        release::describe(&old, plan.release()) + &describe(&plan, &arguments, &contents)
    });
    if consent.dry_run {
        let old = release::to_json(plan.release());
        let body = arguments.to_json(old, plan.successor(), &contents);
        output.write_value(&body, || dry_run(&plan))?;
        return release::check(plan.release());
    }
    release::check(plan.release())?;
    let question = "Replace this CA and delete it?";
    context.confirm(consent, question).await?;
    let steps = context.steps("rotating");
    let run = plan.run(steps.listener());
    let client = certificates.client();
    steps
        .run(client, &old, run, arguments.wait.wait, |rotated| {
            let new = rotated.successor.id();
            format!("{old}  deleted\n{new}  replaces it\n")
        })
        .await
}

/// Refuses a new CA with which clients would be rejected.
fn check_usable(arguments: &Arguments, contents: &[CertificateContents]) -> Result<(), Failure> {
    match x509::problem(contents).filter(|_| !arguments.allow_unusable) {
        None => Ok(()),
        Some(problem) => Err(Failure::invalid_input(format!(
            "the new CA in {} would reject all clients: {problem}; nothing was changed; pass \
             --allow-unusable to proceed anyway",
            printable(&input::name(&arguments.ca)),
        ))),
    }
}

/// Reports that the old CA does not exist, if the new one does. Whether the old one
/// ever existed is unknown, so what uses the new one is shown.
async fn report_gone(
    context: &Context,
    arguments: &Arguments,
    new: &Upload,
    contents: &[CertificateContents],
    failure: Failure,
) -> Result<(), Failure> {
    let (output, dry_run) = (context.output, arguments.consent.dry_run);
    let certificates = context.certificates().await?;
    let find = certificates.find_same(new);
    let Some(successor) = context.interrupt.reading(find).await?? else {
        return Err(failure.with_hint(
            "no list shows the new CA either, or not yet, so --if-exists does not apply; nothing was \
             uploaded",
        ));
    };
    if output.is_table() && !output.quiet {
        let mut target = Target::new(successor.id().clone(), Some(successor.clone()));
        lookup::add_details(context, vec![&mut target]).await?;
        let shown = preview::targets(&[target], width::stderr());
        let old = mention(&arguments.old);
        let what = match successor.name() == Some(input::trim(&arguments.old)) {
            true => format!("{old} holds this certificate already; nothing to do"),
            false => format!(
                "there is no certificate {old}, and whether it ever existed is not known; the \
                 account contains the new CA"
            ),
        };
        output.note(format!("{what}:\n{}", shown.trim_end()));
    }
    let old = release::nothing(dry_run);
    let body = match dry_run {
        true => arguments.to_json(old, Some(&successor), contents),
        false => json!({ "successor": successor, "attached": [], "old": old, "steps": [] }),
    };
    output.write_value(&body, String::new)
}

/// The new CA of a plan, in words.
fn describe(plan: &RotatePlan, arguments: &Arguments, contents: &[CertificateContents]) -> String {
    let file = printable(&input::name(&arguments.ca));
    let mut lines = Vec::new();
    lines.push(match plan.successor() {
        Some(stored) => format!(
            "Its hostnames move to {} (named {:?}), which was uploaded before.",
            stored.id(),
            preview::text(stored.name())
        ),
        None => "Its hostnames move to a new CA, which needs a free place for a CA in the account \
                 until the old one is deleted."
            .to_owned(),
    });
    lines.push(match contents.len() {
        1 => format!("It is the certificate in {file}:"),
        count => format!("It is all {count} certificates in {file}, uploaded as one CA:"),
    });
    lines.extend(contents.iter().map(|one| format!("  {}", x509::summary(one))));
    if let (Some(name), true) = (&arguments.name, arguments.is_name_unused(plan.successor())) {
        let name = printable(name);
        lines.push(format!("The name {name:?} is ignored: a stored certificate keeps its name."));
    }
    lines.join("\n")
}

/// The plan, as a dry run writes it to standard output.
fn dry_run(plan: &RotatePlan) -> String {
    if !plan.release().blockers().is_empty() {
        return "blocked: nothing would be changed\n".to_owned();
    }
    let release = plan.release();
    let mut lines = vec![match plan.successor().map(Certificate::id) {
        Some(id) => format!("would continue with {id}"),
        None => "would upload the new CA (needs one free CA slot)".to_owned(),
    }];
    let zones = release.usage().zones.iter();
    lines.extend(zones.map(|zone| format!("would move {}", printable(&zone.to_string()))));
    let old = release.usage().certificate.id();
    lines.push(format!("would wait until nothing uses the old CA, and delete {old}\n"));
    lines.join("\n")
}
