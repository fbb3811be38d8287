//! The settings as options of a command line, for the crate clap.

use std::num::NonZeroU64;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::simulator::auth::{Permission, Token};
use crate::simulator::builder::Builder;
use crate::simulator::fault::Fault;
use crate::simulator::handle::Simulator;
use crate::simulator::protocol::route::Operation;
use crate::simulator::refusal::Refusal;
use crate::simulator::seed::Seed;
use crate::simulator::settings::{DeleteResult, HostnameRule, PemForm};
use crate::simulator::world::{Entitlement, Hyperdrive, Worker};
use crate::{CAS, DOCUMENTED_CA, LEAF};

/// Options for a program that runs a simulator; add them with
/// `#[command(flatten)]`.
#[derive(Args, Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// TCP port; 0 takes any free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    #[command(flatten)]
    account: Account,
    #[command(flatten)]
    delays: Delays,
    #[command(flatten)]
    responses: Responses,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Account")]
struct Account {
    /// The API token [default: random]
    #[arg(long, value_name = "TEXT")]
    token: Option<String>,
    /// Another API token, which may only read
    #[arg(long, value_name = "TEXT")]
    read_only_token: Option<String>,
    /// Another API token, which lacks a permission; repeatable. PERMISSION is
    /// certificates, hostnames, zones, workers, hyperdrive or gateway
    #[arg(long = "token-without", value_name = "PERMISSION=TEXT", value_parser = token_without)]
    narrow_tokens: Vec<Token>,
    /// A zone; repeatable
    #[arg(long = "zone", value_name = "NAME", default_value = "example.com", value_parser = zone_name)]
    zones: Vec<String>,
    /// A zone that cannot hold hostnames (HTTP 403); repeatable
    #[arg(long = "unentitled-zone", value_name = "NAME", value_parser = zone_name)]
    unentitled: Vec<String>,
    /// A zone that cannot hold hostnames yet (code 7003); repeatable
    #[arg(long = "pending-zone", value_name = "NAME", value_parser = zone_name)]
    pending: Vec<String>,
    /// How many CAs the account can hold [default: 5, with --demo 10]
    #[arg(long, value_name = "N")]
    quota: Option<usize>,
    /// How many requests a window of 300 s allows
    #[arg(long, value_name = "N", default_value_t = 1200)]
    rate_limit: u64,
    /// Start with five CAs: one in use, one that expires soon, and three that have
    /// expired
    #[arg(long)]
    demo: bool,
    /// Start with a leaf certificate that two Workers and a Hyperdrive configuration
    /// use, and a CA that Gateway manages
    #[arg(long)]
    demo_products: bool,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Delays (none by default)")]
struct Delays {
    /// All delays at once, as they were seen under load
    #[arg(long)]
    slow_day: bool,
    /// How long associations take to become active and to disappear
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    propagation: Option<Duration>,
    /// How long a read of hostnames shows the list before a change
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    hostname_lag: Option<Duration>,
    /// How long the list of certificates shows neither an upload nor a delete
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    list_lag: Option<Duration>,
    /// How long a deleted certificate can still be read
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    delete_lag: Option<Duration>,
    /// How long a delete is refused after the last association is gone
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    in_use_lag: Option<Duration>,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Responses and faults")]
struct Responses {
    /// Another status for a refusal, and another code or none; repeatable. KIND is
    /// in-use, already-deleted, not-found, already-exists, managed or not-entitled
    #[arg(long = "refusal", value_name = "KIND=STATUS[:CODE]", value_parser = refusal)]
    refusals: Vec<(Refusal, u16, Option<u32>)>,
    /// Something that the service may do, too; repeatable
    #[arg(long = "quirk", value_name = "NAME", value_parser = PossibleValuesParser::new(QUIRKS.map(|(name, _)| name)))]
    quirks: Vec<String>,
    /// Lose the response of the N-th upload, delete or replace, which takes effect;
    /// repeatable
    #[arg(long, value_name = "OPERATION:N", value_parser = lost_response)]
    lose: Vec<Fault>,
    /// Refuse the first N reads as if the credentials were not valid
    #[arg(long, value_name = "N", default_value_t = 0)]
    flaky_reads: u64,
}

type Quirk = (&'static str, fn(Builder) -> Builder);
type Delay = (Option<Duration>, fn(Builder, Duration) -> Builder);

const QUIRKS: [Quirk; 13] = [
    ("accept-duplicates", |builder| builder.accept_duplicates(true)),
    ("no-made-up-codes", |builder| builder.without_made_up_codes(true)),
    ("null-lists", |builder| builder.null_lists(true)),
    ("null-results", |builder| builder.null_empty_results(true)),
    ("hide-products", |builder| builder.hide_products(true)),
    ("pem-reversed", |builder| builder.pem_form(PemForm::Reversed)),
    ("pem-as-sent", |builder| builder.pem_form(PemForm::AsSent)),
    ("delete-null", |builder| builder.delete_result(DeleteResult::Null)),
    ("delete-only-id", |builder| builder.delete_result(DeleteResult::OnlyId)),
    ("delete-empty-body", |builder| builder.delete_result(DeleteResult::EmptyBody)),
    ("delete-no-content", |builder| builder.delete_result(DeleteResult::NoContent)),
    ("hostnames-move", |builder| builder.hostname_rule(HostnameRule::Moves)),
    ("hostnames-exclusive", |builder| builder.hostname_rule(HostnameRule::Exclusive)),
];

/// `in-use=409:1234`, or `in-use=409` for no code.
fn refusal(text: &str) -> Result<(Refusal, u16, Option<u32>), String> {
    let expected =
        || "expected KIND=STATUS or KIND=STATUS:CODE, such as in-use=409:1234".to_owned();
    let (kind, response) = text.split_once('=').ok_or_else(expected)?;
    let (status, code) = match response.split_once(':') {
        Some((status, code)) => (status, Some(code.parse().map_err(|_| expected())?)),
        None => (response, None),
    };
    let kind = match kind {
        "in-use" => Refusal::InUse,
        "already-deleted" => Refusal::AlreadyDeleted,
        "not-found" => Refusal::NotFound,
        "already-exists" => Refusal::AlreadyExists,
        "managed" => Refusal::Managed,
        "not-entitled" => Refusal::NotEntitled,
        _ => return Err(expected()),
    };
    let status = status.parse().ok().filter(|status| (400..600).contains(status));
    Ok((kind, status.ok_or("the status is between 400 and 599")?, code))
}

/// A domain name, in lower case. What is printed of it may be evaluated by a
/// shell, so nothing else passes.
fn zone_name(text: &str) -> Result<String, String> {
    let name = text.to_ascii_lowercase();
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(known)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    match name.len() <= 253 && name.contains('.') && name.split('.').all(label) {
        true => Ok(name),
        false => Err("expected a domain name such as example.com".to_owned()),
    }
}

/// `hostnames=TEXT`
fn token_without(text: &str) -> Result<Token, String> {
    let expected = || "expected PERMISSION=TEXT, such as hostnames=a-token".to_owned();
    let (permission, token) = text.split_once('=').ok_or_else(expected)?;
    let permission = match permission {
        "certificates" => Permission::Certificates,
        "hostnames" => Permission::Hostnames,
        "zones" => Permission::Zones,
        "workers" => Permission::Workers,
        "hyperdrive" => Permission::Hyperdrive,
        "gateway" => Permission::Gateway,
        _ => return Err(expected()),
    };
    Ok(Token::new(token).without(permission))
}

/// `delete:2`
fn lost_response(text: &str) -> Result<Fault, String> {
    let (operation, n) = text.split_once(':').unwrap_or_default();
    let operation = match operation {
        "upload" => Operation::Upload,
        "delete" => Operation::Delete,
        "replace" => Operation::ReplaceHostnames,
        _ => return Err("expected upload:N, delete:N or replace:N".to_owned()),
    };
    let n: NonZeroU64 = n.parse().map_err(|_| "N is a number from 1 on")?;
    Ok(Fault::reset().on(operation).nth(n.get()).after_effect())
}

impl Options {
    /// The settings for a simulator.
    pub fn builder(&self) -> Builder {
        let (account, delays) = (&self.account, &self.delays);
        // The five CAs of the demo would leave no room to try an upload.
        let quota = if account.demo { 10 } else { 5 };
        let mut builder = Simulator::builder()
            .port(self.port)
            .ca_quota(account.quota.unwrap_or(quota))
            .rate_limit(account.rate_limit, Duration::from_secs(300));
        if let Some(token) = &account.token {
            builder = builder.token(token.as_str());
        }
        if delays.slow_day {
            builder = builder.slow_day();
        }
        let delays: [Delay; 5] = [
            (delays.propagation, Builder::propagation),
            (delays.hostname_lag, Builder::hostname_lag),
            (delays.list_lag, Builder::list_lag),
            (delays.delete_lag, Builder::delete_lag),
            (delays.in_use_lag, Builder::in_use_lag),
        ];
        for (delay, set) in delays {
            builder = delay.into_iter().fold(builder, set);
        }
        for (kind, status, code) in &self.responses.refusals {
            builder = builder.refusal(*kind, *status, *code, kind.message());
        }
        let quirks = QUIRKS
            .iter()
            .filter(|(name, _)| self.responses.quirks.iter().any(|quirk| quirk == name));
        quirks.fold(builder, |builder, (_, set)| set(builder))
    }

    /// Puts into a simulator what the options ask for, and returns the names and ids
    /// of its zones.
    ///
    /// # Errors
    ///
    /// If a zone is named twice.
    pub fn apply(&self, simulator: &Simulator) -> Result<Vec<(String, String)>, RepeatedZone> {
        let account = &self.account;
        let lists = [
            (&account.zones, Entitlement::Granted),
            (&account.unentitled, Entitlement::Missing),
            (&account.pending, Entitlement::NotRouted),
        ];
        let mut zones: Vec<(String, String)> = Vec::new();
        for (names, entitlement) in lists {
            for name in names {
                if zones.iter().any(|(other, _)| other == name) {
                    return Err(RepeatedZone(name.clone()));
                }
                let id = simulator.add_zone(name);
                // Fails for unknown zones only.
                let _ = simulator.set_entitlement(&id, entitlement);
                zones.push((name.clone(), id));
            }
        }
        if let Some(token) = &account.read_only_token {
            simulator.add_token(Token::new(token).read_only());
        }
        for token in &account.narrow_tokens {
            simulator.add_token(token.clone());
        }
        for fault in &self.responses.lose {
            simulator.inject(fault.clone());
        }
        let flaky = Fault::flaky_credentials();
        simulator.inject(flaky.times(self.responses.flaky_reads));
        if account.demo {
            seed_demo(simulator, zones.first());
        }
        if account.demo_products {
            seed_products(simulator);
        }
        Ok(zones)
    }
}

/// A zone is named twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedZone(String);

impl std::fmt::Display for RepeatedZone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the zone {} is given twice", self.0)
    }
}

impl std::error::Error for RepeatedZone {}

/// `30s`, `5m` or `1h 30m`
fn duration(text: &str) -> Result<Duration, String> {
    let duration = text.trim().parse::<jiff::SignedDuration>();
    let duration = duration.ok().and_then(|duration| duration.try_into().ok());
    duration.ok_or_else(|| "expected a duration such as 30s or 5m".to_owned())
}

/// CAs to look at: one in use, one that expires soon, three that have expired.
fn seed_demo(simulator: &Simulator, zone: Option<&(String, String)>) {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let now = simulator.now();
    // A little more than whole days, so that they are shown as such for a while.
    let distance = |days: u32| DAY * days + DAY / 24;
    let cas = [
        ("devices", DOCUMENTED_CA, None),
        ("staging", CAS[0], Some(now + distance(12))),
        ("lab-1", CAS[1], Some(now - distance(3))),
        ("lab-2", CAS[2], Some(now - distance(90))),
        ("lab-3", CAS[3], Some(now - distance(400))),
    ];
    let ids = cas.map(|(name, pem, expires_on)| {
        let seed = Seed::ca(pem).name(name);
        let seed = expires_on.into_iter().fold(seed, Seed::expires_on);
        // These CAs can be read.
        simulator.seed(seed).unwrap_or_default()
    });
    if let ([devices, ..], Some((name, zone))) = (&ids, zone) {
        let hosts = [format!("api.{name}"), format!("shop.{name}")];
        // Zone and CA are there.
        let _ = simulator.set_hostnames(zone, devices, hosts);
    }
}

/// A leaf, what uses it, and a CA of Gateway.
fn seed_products(simulator: &Simulator) {
    // The leaf can be read, and is there for the others.
    let leaf = simulator.seed(Seed::leaf(LEAF).name("api-client"));
    let leaf = leaf.unwrap_or_default();
    for name in ["billing", "checkout"] {
        let worker = Worker::new(name).binding("SESSIONS", "kv_namespace");
        let _ = simulator.put_worker(worker.certificate("CLIENT_CERT", &leaf));
    }
    let orders = Hyperdrive::new("orders").client_certificate(&leaf);
    let _ = simulator.put_hyperdrive(orders);
    let gateway = Seed::ca(CAS[4]).name("gateway").kind("gateway_managed");
    let _ = simulator.seed(gateway);
}
