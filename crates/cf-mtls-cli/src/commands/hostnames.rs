//! `cf-mtls hostnames`

use cf_mtls::{CertificateId, ClientCa, Hostnames};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::{Consent, Format};
use crate::confirm;
use crate::context::{Context, certificate_id};
use crate::failure::Failure;
use crate::json::ZoneForm;
use crate::preview::{self, Doomed, Uses};
use crate::safe_text::printable;
use crate::table::{self, Line, Sheet};
use crate::zone;

/// Tie hostnames of a zone to a CA, whose certificates their clients must have
///
/// Which CA is meant is never a default: to the service, leaving the certificate
/// out means the CA that Cloudflare manages, and one forgotten field can switch
/// mTLS off for a zone.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
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
    /// List the hostnames that are tied to a CA
    #[command(after_help = EXAMPLES)]
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Add hostnames to those that are tied to a CA
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
    /// Remove hostnames from those that are tied to a CA
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
    /// Replace all hostnames that are tied to a CA; without a HOST all are removed
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
    dry_run: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::List { target } => {
            let place = Place::find(context, &target).await?;
            let hosts = context
                .interrupt
                .reading(place.hostnames.list(&place.ca))
                .await??;
            place.list(context, &hosts)
        }
        Action::Add {
            hosts,
            target,
            dry_run,
        } => {
            let place = Place::find(context, &target).await?;
            let consent = Consent { yes: true, dry_run };
            place.change(context, Change::Add, hosts, consent).await
        }
        Action::Remove {
            hosts,
            target,
            consent,
        } => {
            confirm::check(context, consent)?;
            let place = Place::find(context, &target).await?;
            place.change(context, Change::Remove, hosts, consent).await
        }
        Action::Replace {
            hosts,
            target,
            consent,
        } => {
            confirm::check(context, consent)?;
            let place = Place::find(context, &target).await?;
            place.change(context, Change::Replace, hosts, consent).await
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
    Replace,
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
        let nothing = plan.added.is_empty() && plan.removed.is_empty();
        if !nothing && consent.shows(context.output) {
            self.show(context, change, &before, &plan).await?;
        }
        if consent.dry_run {
            return self.tell(context, &plan, true);
        }
        if !nothing {
            confirm::ask(context, consent, "Change the hostnames?").await?;
        }
        // Sent even where nothing seems to change: the library looks again, and
        // sends only what has to be.
        let after = match change {
            Change::Add => {
                interrupt
                    .changing(self.hostnames.add(&self.ca, &hosts))
                    .await?
            }
            Change::Remove => {
                interrupt
                    .changing(self.hostnames.remove(&self.ca, &hosts))
                    .await?
            }
            Change::Replace if nothing => before.clone(),
            Change::Replace => {
                interrupt
                    .changing(self.hostnames.replace(&self.ca, &hosts))
                    .await?
            }
        };
        self.tell(context, &Difference::seen(&before, after), false)
    }

    /// What will be done, for a person to read before it is.
    async fn show(
        &self,
        context: &Context,
        change: Change,
        before: &[String],
        plan: &Difference,
    ) -> Result<(), Failure> {
        let zone = self.zone.name.as_deref().unwrap_or(&self.zone.id);
        let mut text = String::new();
        // What is only added takes nothing from anybody.
        if change != Change::Add
            && let Some(id) = &self.certificate
            && let Ok(account) = context.account()
        {
            let certificates = context.client()?.certificates(&account);
            let look = async {
                let certificate = certificates.get(id).await?;
                let services = certificates.associations(id).await?;
                Ok::<_, cf_mtls::Error>(Doomed {
                    uses: Some(Uses {
                        services,
                        zones: Vec::new(),
                    }),
                    ..Doomed::seen(id.clone(), certificate)
                })
            };
            let one = context.interrupt.reading(look).await??;
            text.push_str(&preview::doomed(&[one], table::stderr_width()));
        }
        let whose = match &self.certificate {
            Some(id) => format!("certificate {id}"),
            None => "the CA that Cloudflare manages".to_owned(),
        };
        text.push_str(&format!(
            "Hostnames of {whose} in zone {}:\n",
            printable(zone)
        ));
        for host in &plan.added {
            text.push_str(&format!("  + {}\n", printable(host)));
        }
        for host in &plan.removed {
            text.push_str(&format!("  - {}\n", printable(host)));
        }
        if plan.after.is_empty() && !before.is_empty() {
            text.push_str(
                "None is left: nothing in the zone asks for a certificate of this CA then.\n",
            );
        }
        context.output.tell(text.trim_end());
        Ok(())
    }

    fn tell(&self, context: &Context, change: &Difference, dry_run: bool) -> Result<(), Failure> {
        let form = ChangeForm {
            list: self.form(&change.after),
            added: &change.added,
            removed: &change.removed,
            dry_run,
        };
        context
            .output
            .one(&form, || match change.after.is_empty() {
                true => String::new(),
                false => hostnames_table(&change.after),
            })?;
        if context.output.is_table() {
            let zone = self.zone.name.as_deref().unwrap_or(&self.zone.id);
            let would = if dry_run { "dry run: would have " } else { "" };
            let (added, removed) = (change.added.len(), change.removed.len());
            let count = change.after.len();
            context.output.note(format!(
                "{would}{added} added, {removed} removed; {count} in zone {}",
                printable(zone)
            ));
        }
        Ok(())
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

/// How a list differs from what it was.
struct Difference {
    after: Vec<String>,
    added: Vec<String>,
    removed: Vec<String>,
}

impl Difference {
    fn planned(change: Change, before: &[String], hosts: &[String]) -> Self {
        let mut after: Vec<String> = match change {
            Change::Add => before.to_vec(),
            Change::Remove => before
                .iter()
                .filter(|host| !contains(hosts, host))
                .cloned()
                .collect(),
            Change::Replace => Vec::new(),
        };
        if change != Change::Remove {
            for host in hosts {
                if !contains(&after, host) {
                    after.push(host.clone());
                }
            }
        }
        Self::seen(before, after)
    }

    fn seen(before: &[String], after: Vec<String>) -> Self {
        let lacking = |list: &[String], from: &[String]| -> Vec<String> {
            list.iter()
                .filter(|host| !contains(from, host))
                .cloned()
                .collect()
        };
        Self {
            added: lacking(&after, before),
            removed: lacking(before, &after),
            after,
        }
    }
}

/// Hostnames are the same in whatever case they are written.
fn contains(list: &[String], host: &str) -> bool {
    list.iter().any(|other| other.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_tells_what_is_added_and_removed() {
        let names =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        // (change, before, hosts, after, added, removed)
        let table = [
            (Change::Add, "a b", "B c c", "a b c", "c", ""),
            (Change::Remove, "a b", "B c", "a", "", "b"),
            (Change::Replace, "a b", "b c", "b c", "c", "a"),
            (Change::Replace, "a b", "", "", "", "a b"),
            (Change::Replace, "a b", "B A", "B A", "", ""),
        ];
        for (change, before, hosts, after, added, removed) in table {
            let plan = Difference::planned(change, &names(before), &names(hosts));
            let got = (plan.after, plan.added, plan.removed);
            assert_eq!(
                got,
                (names(after), names(added), names(removed)),
                "{change:?} {hosts:?}"
            );
        }
    }
}
