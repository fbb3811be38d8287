//! `cf-mtls hostnames`

use cf_mtls::{CertificateId, ClientCa, Error, ErrorKind, Hostnames};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::context::{Context, certificate_id};
use crate::options::{Consent, Format};
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::json::ZoneForm;
use crate::terminal::confirm;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::difference::{Change, Difference, is_outside};
use crate::view::preview::{self, Doomed, Uses};
use crate::view::table::{Line, Sheet};
use crate::zone;

/// Manage the hostnames whose clients must present a certificate issued by a CA
///
/// There is no default CA: in the API, leaving the certificate out means the CA
/// that Cloudflare manages, so a single forgotten field could turn off mTLS for a
/// zone.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = false)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  cf-mtls hostnames list --zone example.com --certificate ID
  cf-mtls hostnames add api.example.com shop.example.com --zone example.com --certificate ID
  cf-mtls hostnames remove shop.example.com --zone example.com --certificate ID
  cf-mtls hostnames replace api.example.com --zone example.com --certificate ID --dry-run
  cf-mtls hostnames list --zone example.com --managed-ca";

#[derive(Debug, Subcommand)]
enum Action {
    /// List the hostnames associated with a CA
    #[command(after_help = EXAMPLES)]
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Associate more hostnames with a CA
    ///
    /// A hostname that is already in the list gives a warning, not an error.
    #[command(after_help = EXAMPLES)]
    Add {
        /// The hostnames
        #[arg(value_name = "HOST", required = true)]
        hosts: Vec<String>,
        #[command(flatten)]
        target: Target,
        /// Show what would be done, and send only reads
        #[arg(long, short = 'n')]
        dry_run: bool,
    },
    /// Remove hostnames from a CA
    ///
    /// A hostname that is not in the list gives a warning, not an error.
    #[command(after_help = EXAMPLES)]
    Remove {
        /// The hostnames
        #[arg(value_name = "HOST", required = true)]
        hosts: Vec<String>,
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        consent: Consent,
    },
    /// Replace all hostnames of a CA in the zone
    ///
    /// Without any HOST, all are removed, which turns off mTLS with this CA for the
    /// zone.
    #[command(after_help = EXAMPLES)]
    Replace {
        /// The hostnames
        #[arg(value_name = "HOST")]
        hosts: Vec<String>,
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        consent: Consent,
    },
}

#[derive(Args, Debug)]
struct Target {
    /// The zone, by name or id
    #[arg(long, value_name = "ZONE")]
    zone: String,
    #[command(flatten)]
    whose: Whose,
}

/// Which CA: one of the two has to be said.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Whose {
    /// An uploaded CA
    #[arg(long, value_name = "ID")]
    certificate: Option<String>,
    /// The CA that Cloudflare manages for the zone
    #[arg(long)]
    managed_ca: bool,
}

/// A list of hostnames.
#[derive(Serialize)]
struct ListForm<'a> {
    zone: &'a ZoneForm,
    certificate_id: Option<&'a CertificateId>,
    managed_ca: bool,
    hostnames: &'a [String],
}

/// A list of hostnames, and how it came about.
#[derive(Serialize)]
struct ChangeForm<'a> {
    #[serde(flatten)]
    list: ListForm<'a>,
    added: &'a [String],
    removed: &'a [String],
    unchanged: &'a [String],
    dry_run: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let (change, hosts, target, consent) = match arguments.action {
        Action::List { target } => {
            let place = Place::find(context, &target).await?;
            let look = place.hostnames.list(&place.ca);
            let hosts = context.interrupt.reading(look).await??;
            return place.list(context, &hosts);
        }
        Action::Add {
            hosts,
            target,
            dry_run,
        } => (Change::Add, hosts, target, Consent { yes: true, dry_run }),
        Action::Remove {
            hosts,
            target,
            consent,
        } => (Change::Remove, hosts, target, consent),
        Action::Replace {
            hosts,
            target,
            consent,
        } => (Change::Replace, hosts, target, consent),
    };
    // Checked before anything is sent or shown.
    let hosts = normalized(&hosts)?;
    let place = Place::find(context, &target).await?;
    place.change(context, change, hosts, consent).await
}

/// Each hostname once, in one spelling.
fn normalized(hosts: &[String]) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for host in hosts {
        let host = Hostnames::normalize(host)?;
        if !all.contains(&host) {
            all.push(host);
        }
    }
    Ok(all)
}

/// A CA in a zone.
struct Place {
    hostnames: Hostnames,
    zone: ZoneForm,
    ca: ClientCa,
    certificate: Option<CertificateId>,
}

impl Place {
    async fn find(context: &Context, target: &Target) -> Result<Self, Failure> {
        let certificate = target
            .whose
            .certificate
            .as_deref()
            .map(certificate_id)
            .transpose()?;
        let client = context.client()?;
        let look = zone::resolve(context, &client, &target.zone);
        let (id, zone) = context.interrupt.reading(look).await??;
        Ok(Self {
            hostnames: client.hostnames(&id),
            zone,
            ca: match &certificate {
                Some(id) => ClientCa::from(id),
                None => ClientCa::CloudflareManaged,
            },
            certificate,
        })
    }

    fn form<'a>(&'a self, hostnames: &'a [String]) -> ListForm<'a> {
        ListForm {
            zone: &self.zone,
            certificate_id: self.certificate.as_ref(),
            managed_ca: self.certificate.is_none(),
            hostnames,
        }
    }

    fn list(&self, context: &Context, hosts: &[String]) -> Result<(), Failure> {
        let output = context.output;
        match output.format {
            Format::Table if hosts.is_empty() => output.note("no hostnames"),
            Format::Table => output.one(&(), || hostnames_table(hosts))?,
            Format::Json | Format::Ndjson => output.one(&self.form(hosts), String::new)?,
        }
        Ok(())
    }

    async fn change(
        &self,
        context: &Context,
        change: Change,
        hosts: Vec<String>,
        consent: Consent,
    ) -> Result<(), Failure> {
        let interrupt = &context.interrupt;
        let before = interrupt.reading(self.hostnames.list(&self.ca)).await??;
        let plan = Difference::planned(change, &before, &hosts);
        // Where nothing changes, nobody is asked.
        let asks = !plan.is_none() && consent.shows_plan(context.output.quiet);
        let shows = asks || !context.output.quiet;
        if shows {
            self.warn(context, change, &plan);
        }
        if !plan.is_none() {
            let certificate = interrupt.reading(self.look(context, change)).await??;
            if shows {
                self.show(context, certificate, &plan);
            }
        }
        if consent.dry_run || plan.is_none() {
            return self.tell(context, &plan, consent.dry_run);
        }
        let question = match plan.after.is_empty() {
            true => "Remove all of its hostnames?",
            false => "Change the hostnames?",
        };
        confirm::ask(context, consent, question).await?;
        if change == Change::Replace && !consent.yes {
            self.check_unchanged(context, &before).await?;
        }
        let change = async {
            match change {
                Change::Add => self.hostnames.add(&self.ca, &hosts).await,
                Change::Remove => self.hostnames.remove(&self.ca, &hosts).await,
                Change::Replace => self.hostnames.replace(&self.ca, &hosts).await,
            }
        };
        let after = interrupt.changing(self.hostnames.client(), change).await;
        let after = after.ok_or_else(Failure::not_begun)??;
        let others = plan.beside(&Difference::seen(&before, after.clone()));
        if !others.is_none() && !context.output.quiet {
            self.warn_of_others(context, &others);
        }
        let done = Difference { after, ..plan };
        let told = self.tell(context, &done, false);
        told.map_err(|failure| {
            let zone = self.zone_name();
            failure.after(format!("{} in zone {zone}", done.summary()))
        })
    }

    /// Somebody may have taken their time to answer, and has agreed to take away
    /// what was shown, not what others have added since.
    async fn check_unchanged(&self, context: &Context, before: &[String]) -> Result<(), Failure> {
        let look = self.hostnames.list(&self.ca);
        let now = context.interrupt.reading(look).await??;
        if Difference::seen(before, now).is_none() {
            return Ok(());
        }
        Err(Failure::new(
            Exit::Other,
            ErrorKind::Conflict.as_str(),
            "somebody else has changed the list since it was shown; nothing was changed, so run it \
             again to see how it is now",
        ))
    }

    /// What somebody else did to the list meanwhile.
    fn warn_of_others(&self, context: &Context, others: &Difference) {
        let mut told = Vec::new();
        for (hosts, verb) in [(&others.added, "added"), (&others.removed, "removed")] {
            if !hosts.is_empty() {
                told.push(format!("{verb} {}", printable(&hosts.join(", "))));
            }
        }
        let told = told.join(" and ");
        let warning = format!(
            "somebody else {told} in zone {} meanwhile",
            self.zone_name()
        );
        context.output.warn(warning);
    }

    /// What may be a slip of whoever wrote the arguments.
    fn warn(&self, context: &Context, change: Change, plan: &Difference) {
        let already = match change {
            Change::Add => "is in the list already",
            Change::Remove => "is not in the list",
            Change::Replace => "",
        };
        if !already.is_empty() {
            for host in &plan.unchanged {
                context
                    .output
                    .warn(format!("{} {already}", printable(host)));
            }
        }
        // Not refused: whether the service takes custom hostnames is its affair.
        let Some(zone) = &self.zone.name else { return };
        for host in plan.added.iter().filter(|host| is_outside(host, zone)) {
            context.output.warn(format!(
                "{} is not in zone {}; the service may refuse it, or make no use of it",
                printable(host),
                printable(zone)
            ));
        }
    }

    /// The certificate whose hostnames change, as far as the credentials can
    /// see it. A leaf is refused here as by the service, so that a dry run ends
    /// alike.
    async fn look(&self, context: &Context, change: Change) -> Result<Option<Doomed>, Failure> {
        let Some(id) = &self.certificate else {
            return Ok(None);
        };
        let account = match context.account() {
            Ok(account) => account,
            Err(failure) if context.global.account.is_some() => return Err(failure),
            // A zone is found without.
            Err(_) => return Ok(None),
        };
        let certificates = context.client()?.certificates(&account);
        let look = async {
            let certificate = certificates.get(id).await?;
            let services = match change {
                // What is only added takes nothing from anybody.
                Change::Add => Vec::new(),
                Change::Remove | Change::Replace => certificates.associations(id).await?,
            };
            Ok::<_, Error>((certificate, services))
        };
        let (certificate, services) = match look.await {
            Ok(seen) => seen,
            // Who may change a zone need not see the account.
            Err(error) if error.kind() == ErrorKind::Permission => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if certificate.is_ca() == Some(false) {
            return Err(Failure::input(format!(
                "certificate {id} is a leaf, and only a CA can have hostnames; nothing was changed"
            )));
        }
        if change == Change::Add {
            return Ok(None);
        }
        Ok(Some(Doomed {
            uses: Some(Uses {
                services,
                zones: Vec::new(),
            }),
            ..Doomed::seen(id.clone(), certificate)
        }))
    }

    /// What will be done, for a person to read before it is.
    fn show(&self, context: &Context, certificate: Option<Doomed>, plan: &Difference) {
        let mut text = match certificate {
            Some(one) => preview::doomed(&[one], width::stderr()),
            None => String::new(),
        };
        let (whose, zone) = (self.whose(), self.zone_name());
        text.push_str(&format!("Hostnames of {whose} in zone {zone}:\n"));
        for host in &plan.added {
            text.push_str(&format!("  + {}\n", printable(host)));
        }
        for host in &plan.removed {
            text.push_str(&format!("  - {}\n", printable(host)));
        }
        if plan.after.is_empty() {
            text.push_str(&format!(
                "None is left: mTLS with {whose} is switched off for zone {zone}.\n"
            ));
        }
        context.output.tell(text.trim_end());
    }

    fn tell(&self, context: &Context, change: &Difference, dry_run: bool) -> Result<(), Failure> {
        let form = ChangeForm {
            list: self.form(&change.after),
            added: &change.added,
            removed: &change.removed,
            unchanged: &change.unchanged,
            dry_run,
        };
        context
            .output
            .one(&form, || match change.after.is_empty() {
                true => String::new(),
                false => hostnames_table(&change.after),
            })?;
        if context.output.is_table() {
            let (added, removed) = (change.added.len(), change.removed.len());
            let done = match (change.is_none(), dry_run) {
                (true, false) => "nothing changed".to_owned(),
                (true, true) => "dry run: nothing would change".to_owned(),
                (false, false) => change.summary(),
                (false, true) => format!("dry run: would add {added} and remove {removed}"),
            };
            let count = change.after.len();
            let zone = self.zone_name();
            context
                .output
                .note(format!("{done}; {count} in zone {zone}"));
        }
        Ok(())
    }

    fn whose(&self) -> String {
        match &self.certificate {
            Some(id) => format!("certificate {id}"),
            None => "the CA that Cloudflare manages".to_owned(),
        }
    }

    fn zone_name(&self) -> String {
        printable(self.zone.name.as_deref().unwrap_or(&self.zone.id))
    }
}

fn hostnames_table(hosts: &[String]) -> String {
    let lines = hosts.iter().map(|host| Line {
        cells: vec![printable(host)],
        ..Line::default()
    });
    let lines: Vec<Line> = lines.collect();
    // A hostname that is cut is another one.
    Sheet::new(&["HOSTNAME"], 0, None).write(&lines)
}
