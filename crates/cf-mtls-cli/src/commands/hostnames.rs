//! `cf-mtls hostnames`: lists and changes the hostnames of a CA in a zone.

use std::collections::HashSet;
use std::time::Duration;

use anstyle::Style;
use cf_mtls::{CertificateId, ClientCa, Error, ErrorKind, Hostname, HostnameChange, Hostnames};
use cf_mtls_lifecycle::{CertificateContents, Usage};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::candidates;
use crate::commands::lookup;
use crate::context::Context;
use crate::input;
use crate::options::Consent;
use crate::report::failure::Failure;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::difference::{self, Change, is_outside, missing_from};
use crate::view::preview::{self, Target};
use crate::view::table::{Row, Table};
use crate::view::{times, x509};
use crate::zone::{self, ZoneForm};

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
  cf-mtls hostnames list --zone example.com --certificate devices
  cf-mtls hostnames add api.example.com shop.example.com --zone example.com --certificate devices
  cf-mtls hostnames remove shop.example.com --zone example.com --certificate devices
  cf-mtls hostnames replace - --zone example.com --certificate devices --dry-run < hostnames.txt";

#[derive(Debug, Subcommand)]
enum Action {
    /// List the hostnames associated with a CA
    #[command(after_help = EXAMPLES)]
    List(ListArgs),
    /// Associate more hostnames with a CA
    ///
    /// A hostname that is already in the list gives a warning, not an error.
    #[command(after_help = EXAMPLES, mut_arg("yes", |yes| yes.hide(true)))]
    Add(ChangeArgs),
    /// Remove hostnames from a CA
    ///
    /// A hostname that is not in the list gives a warning, not an error.
    #[command(after_help = EXAMPLES)]
    #[command(mut_arg("hosts", |hosts| hosts.required(false).required_unless_present("all")))]
    Remove {
        /// Remove all of them, which turns off mTLS with this CA for the zone
        #[arg(long, conflicts_with = "hosts")]
        all: bool,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Replace all hostnames of a CA in the zone
    ///
    /// To have none, use `remove --all`.
    #[command(after_help = EXAMPLES)]
    Replace(ChangeArgs),
}

#[derive(Args, Debug)]
struct ChangeArgs {
    /// The hostnames; `-` reads them from standard input, one per line
    #[arg(value_name = "HOST", required = true)]
    hosts: Vec<String>,
    #[command(flatten)]
    list: ListArgs,
    /// Do not wait until reads show the change, which can take more than a minute; until
    /// then, another change may undo it
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    consent: Consent,
}

/// Selects a list: a zone and a CA.
#[derive(Args, Debug)]
struct ListArgs {
    /// The zone, by name or id
    #[arg(long, value_name = "ZONE", add = candidates::zones())]
    zone: String,
    #[command(flatten)]
    ca: CaArgs,
}

/// Selects the CA; one of the two is required.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct CaArgs {
    /// An uploaded CA, by id or exact name
    #[arg(long, alias = "name", value_name = "ID", add = candidates::certificates())]
    certificate: Option<String>,
    /// The CA that Cloudflare manages for the zone
    #[arg(long)]
    managed_ca: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let (change, arguments) = match arguments.action {
        Action::List(list) => {
            let list = HostnameList::find(context, &list).await?;
            let hosts = context.interrupt.reading(list.read()).await??;
            if hosts.is_empty() {
                context.output.note("no hostnames");
            }
            return context.output.write_value(&list.to_json(&hosts), || hostnames_table(&hosts));
        }
        Action::Add(arguments) => (Change::Add, arguments),
        Action::Remove { all: true, change } => (Change::Replace, change),
        Action::Remove { all: false, change } => (Change::Remove, change),
        Action::Replace(arguments) => (Change::Replace, arguments),
    };
    let mut consent = arguments.consent;
    // Adding takes nothing away, so it needs no confirmation.
    consent.yes |= change == Change::Add;
    // Wrong hostnames are reported before anything is sent or shown.
    let hosts = normalized(context.values(&arguments.hosts, false).await?)?;
    if hosts.is_empty() && !arguments.hosts.is_empty() {
        return Err(Failure::invalid_input("standard input has no hostname; nothing was changed"));
    }
    let mut list = HostnameList::find(context, &arguments.list).await?;
    if arguments.no_wait {
        list.hostnames = list.hostnames.with_visibility_timeout(Duration::ZERO);
    }
    list.change(change, hosts, consent).await
}

/// The hostnames as they are sent, each once.
fn normalized(hosts: Vec<(String, String)>) -> Result<Vec<String>, Failure> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for (text, place) in hosts {
        let host: Hostname = input::trim(&text)
            .parse()
            .map_err(|error| Failure::from(Error::from(error)).at(&place))?;
        if seen.insert(host.clone()) {
            all.push(host.normalized().into());
        }
    }
    Ok(all)
}

/// The hostnames of a CA in a zone.
struct HostnameList<'a> {
    context: &'a Context,
    hostnames: Hostnames,
    zone: ZoneForm,
    ca: ClientCa,
    certificate: Option<CertificateId>,
}

impl<'a> HostnameList<'a> {
    async fn find(context: &'a Context, list: &ListArgs) -> Result<Self, Failure> {
        let certificate = match &list.ca.certificate {
            None => None,
            Some(text) => Some(lookup::one(context, (text, false), None).await?.id),
        };
        let zone = zone::resolve(context, &list.zone).await?;
        Ok(Self {
            context,
            hostnames: context.client().await?.hostnames(&zone.id),
            zone,
            ca: certificate.as_ref().map_or(ClientCa::CloudflareManaged, ClientCa::from),
            certificate,
        })
    }

    async fn read(&self) -> Result<Vec<String>, Error> {
        self.hostnames.list(&self.ca).await
    }

    async fn change(
        &self,
        change: Change,
        hosts: Vec<String>,
        consent: Consent,
    ) -> Result<(), Failure> {
        let interrupt = &self.context.interrupt;
        let before = interrupt.reading(self.read()).await??;
        let plan = difference::planned(change, &before, &hosts);
        // Those that were to be added and are there, or to be removed and are not.
        let unchanged = missing_from(&[&plan.added[..], &plan.removed].concat(), &hosts);
        self.warn(change, &plan, &unchanged);
        if !plan.is_unchanged() {
            if change == Change::Replace && (consent.yes || consent.dry_run) {
                self.check_zone(&before, &hosts)?;
            }
            let certificate = interrupt.reading(self.look_up(change)).await??;
            self.context.show_plan(consent, || self.describe(certificate, &plan));
        }
        if consent.dry_run || plan.is_unchanged() {
            let visible = (!consent.dry_run).then_some(true);
            return self.report(&plan, &unchanged, visible);
        }
        let all = plan.hostnames.is_empty();
        let question = if all { "Remove all of its hostnames?" } else { "Change the hostnames?" };
        self.context.confirm(consent, question).await?;
        if change == Change::Replace && !consent.yes {
            self.check_unchanged(&before).await?;
        }
        let change = async {
            match change {
                Change::Add => self.hostnames.add(&self.ca, &hosts).await,
                Change::Remove => self.hostnames.remove(&self.ca, &hosts).await,
                Change::Replace => self.hostnames.replace(&self.ca, &hosts).await,
            }
        };
        let label = "changing the hostnames, and waiting until reads show it";
        let changed = self.context.changing(label, self.hostnames.client(), change).await?;
        let zone = self.zone_name();
        let before_and_added = [&before[..], &changed.added].concat();
        let after_and_removed = [&changed.hostnames[..], &changed.removed].concat();
        let others = [
            ("added", missing_from(&before_and_added, &changed.hostnames)),
            ("removed", missing_from(&after_and_removed, &before)),
        ];
        for (verb, hosts) in others.iter().filter(|(_, hosts)| !hosts.is_empty()) {
            let hosts = hosts.join(", ");
            let what = format!("another client {verb} {hosts} in zone {zone} at the same time");
            self.context.output.warn(what);
        }
        self.report(&changed, &unchanged, Some(changed.visible))
            .map_err(|failure| failure.with_done(format!("{} in zone {zone}", summary(&changed))))
    }

    /// Fails if no hostname of a new list is in the zone, which is likely the wrong one then.
    /// What a zone holds tells the domain of one that was given by its id.
    fn check_zone(&self, before: &[String], hosts: &[String]) -> Result<(), Failure> {
        let domains = match &self.zone.name {
            Some(name) => vec![name.as_str()],
            None => before.iter().map(|host| difference::domain(host)).collect(),
        };
        let is_inside = |host: &String| domains.iter().any(|domain| !is_outside(host, domain));
        match domains.is_empty() || hosts.is_empty() || hosts.iter().any(is_inside) {
            true => Ok(()),
            false => Err(Failure::invalid_input(format!(
                "none of the hostnames is in zone {}; nothing was changed; leave out --yes if they \
                 are right",
                self.zone_name()
            ))),
        }
    }

    /// Fails if the list changed during the prompt: only what was shown has been
    /// confirmed.
    async fn check_unchanged(&self, before: &[String]) -> Result<(), Failure> {
        let now = self.context.interrupt.reading(self.read()).await??;
        if difference::planned(Change::Replace, before, &now).is_unchanged() {
            return Ok(());
        }
        Err(Failure::new(
            ErrorKind::Conflict,
            "another client has changed the list since it was shown; nothing was changed; run the \
             command again to see the current list",
        ))
    }

    /// Warns of hostnames that may be mistakes.
    fn warn(&self, change: Change, plan: &HostnameChange, unchanged: &[String]) {
        let output = self.context.output;
        let already = match change {
            Change::Add => "is in the list already",
            _ => "is not in the list; if it was added moments ago, the list may not show it yet",
        };
        for host in unchanged.iter().filter(|_| change != Change::Replace) {
            output.warn(format!("{host} {already}"));
        }
        if change == Change::Replace && plan.hostnames.is_empty() && plan.is_unchanged() {
            output.warn("the list is empty, but may not show what was added moments ago");
        }
        // Not refused: the service may accept custom hostnames.
        let Some(zone) = &self.zone.name else { return };
        for host in plan.added.iter().filter(|host| is_outside(host, zone)) {
            let what = format!("{host} is not in zone {zone}; the service may refuse or ignore it");
            output.warn(what);
        }
    }

    /// Looks up the certificate, if the credentials can read it. A leaf is refused
    /// as the service would refuse it, in a dry run too.
    async fn look_up(&self, change: Change) -> Result<Option<Target>, Failure> {
        // Hostnames can be changed without an account.
        let account = self.context.optional_account()?;
        let (Some(id), Some(account)) = (&self.certificate, account) else { return Ok(None) };
        let certificates = self.hostnames.client().certificates(&account);
        let certificate = match certificates.get(id).await {
            Ok(certificate) => certificate,
            // A token for the zone may have no access to the account.
            Err(error) if error.kind() == ErrorKind::Permission => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if certificate.is_ca() == Some(false) {
            return Err(Failure::invalid_input(format!(
                "certificate {id} is a leaf, and only a CA can have hostnames; nothing was changed"
            )));
        }
        let contents = certificate.chain().map(|chain| CertificateContents::read(&chain));
        let now = Timestamp::now();
        let expired = certificate.expires_on().filter(|end| *end <= now);
        let problem = x509::problem(&contents.unwrap_or_default())
            .or_else(|| expired.map(|end| times::expiry(end, now)));
        if let Some(problem) = problem.filter(|_| change != Change::Remove) {
            self.context.output.warn(format!("clients may be rejected by this CA: {problem}"));
        }
        if change == Change::Add {
            return Ok(None);
        }
        // Only shown, so nothing fails for it.
        let services = certificates.associations(id).await.ok();
        let uses = services.map(|associations| {
            let mut usage = Usage::new(certificate.clone());
            (usage.associations, usage.zones_not_read) = (associations, true);
            usage
        });
        Ok(Some(Target { uses, ..Target::new(id.clone(), Some(certificate)) }))
    }

    fn describe(&self, certificate: Option<Target>, plan: &HostnameChange) -> String {
        let mut text = match certificate {
            Some(target) => preview::targets(&[target], width::stderr()),
            None => String::new(),
        };
        let (ca, zone) = (self.ca_name(), self.zone_name());
        text.push_str(&format!("Hostnames of {ca} in zone {zone}:\n"));
        for (sign, hosts) in [('+', &plan.added), ('-', &plan.removed)] {
            text.extend(hosts.iter().map(|host| format!("  {sign} {}\n", printable(host))));
        }
        if plan.hostnames.is_empty() {
            text.push_str(&format!(
                "No hostname is left: mTLS with {ca} is turned off for zone {zone}.\n"
            ));
        }
        text
    }

    /// Writes the changed list. `visible` is `None` in a dry run.
    fn report(
        &self,
        change: &HostnameChange,
        unchanged: &[String],
        visible: Option<bool>,
    ) -> Result<(), Failure> {
        let output = self.context.output;
        let dry_run = visible.is_none();
        let mut body = self.to_json(&change.hostnames);
        (body["added"], body["removed"]) = (json!(change.added), json!(change.removed));
        body["unchanged"] = json!(unchanged);
        (body["dry_run"], body["visible"]) = (json!(dry_run), json!(visible));
        output.write_value(&body, || hostnames_table(&change.hostnames))?;
        let mode = if dry_run { "dry run: " } else { "" };
        let same = change.is_unchanged();
        let done = if same { "nothing changed".to_owned() } else { summary(change) };
        let (count, zone) = (change.hostnames.len(), self.zone_name());
        output.note(format!("{mode}{done}; {count} in zone {zone}"));
        if visible == Some(false) {
            output.warn(
                "the service has taken the change, but no read has shown it yet; wait until \
                 `cf-mtls hostnames list` does before you change the list again",
            );
        }
        Ok(())
    }

    fn to_json(&self, hostnames: &[String]) -> Value {
        json!({
            "zone": self.zone,
            "certificate_id": self.certificate,
            "managed_ca": self.certificate.is_none(),
            "hostnames": hostnames,
        })
    }

    fn ca_name(&self) -> String {
        match &self.certificate {
            Some(id) => format!("certificate {id}"),
            None => "the CA that Cloudflare manages".to_owned(),
        }
    }

    fn zone_name(&self) -> String {
        printable(self.zone.name.as_deref().unwrap_or(self.zone.id.as_str()))
    }
}

fn summary(change: &HostnameChange) -> String {
    format!("{} added, {} removed", change.added.len(), change.removed.len())
}

fn hostnames_table(hosts: &[String]) -> String {
    if hosts.is_empty() {
        return String::new();
    }
    let rows = hosts.iter().map(|host| Row::new(vec![printable(host)], Style::new()));
    let rows: Vec<Row> = rows.collect();
    // Never cut: a hostname that is cut is another one.
    Table::new(&["HOSTNAME"], 0, None).write(&rows)
}
