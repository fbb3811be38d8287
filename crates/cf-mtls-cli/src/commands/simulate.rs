//! `cf-mtls simulate`

use std::io;
use std::num::NonZeroU64;
use std::time::Duration;

use cf_mtls_testkit::simulator::{Fault, Operation, Seed};
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};
use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::report::exit::Kind;
use crate::report::failure::Failure;
use crate::terminal::text::printable;
use crate::view::times;
use crate::zone::ZoneForm;

/// Run a local simulator of the API, to try things without an account
///
/// It listens on 127.0.0.1 until Ctrl-C, keeps everything in memory, and works
/// with any client of the API. Its output can be pasted into another terminal.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls simulate --demo
  cf-mtls simulate --port 8787 --zone example.com --zone example.org
  cf-mtls simulate --propagation 20s      # associations take a while, as in production")]
pub(crate) struct Arguments {
    /// TCP port; 0 takes any free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// The API token of the simulated account [default: random]
    #[arg(long, value_name = "TEXT")]
    token: Option<String>,
    /// Print each request on standard error
    #[arg(long)]
    log: bool,
    /// How many CAs the account can hold [default: 5, with --demo 10]
    #[arg(long, value_name = "N")]
    quota: Option<usize>,
    /// Lose the response of the N-th upload, delete or replace, which takes effect;
    /// repeatable
    #[arg(long, value_name = "OPERATION:N", value_parser = lost_response)]
    lose: Vec<Fault>,
    /// A zone of the simulated account; repeatable
    #[arg(long = "zone", value_name = "NAME", default_value = "example.com", value_parser = zone_name)]
    zones: Vec<String>,
    /// How long associations take to become active and to disappear
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = times::duration)]
    propagation: Duration,
    /// Start with five CAs: one in use, one that expires soon, and three that have
    /// expired
    #[arg(long)]
    demo: bool,
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

/// A name that comes more than once.
fn twice(names: &[String]) -> Option<&String> {
    let mut rest = names;
    while let [name, others @ ..] = rest {
        if others.contains(name) {
            return Some(name);
        }
        rest = others;
    }
    None
}

/// Where the simulator is.
#[derive(Serialize)]
struct Where {
    base_url: String,
    api_token: String,
    account_id: String,
    zones: Vec<ZoneForm>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    if let Some(name) = twice(&arguments.zones) {
        return Err(Failure::usage(format!("--zone {name} is given twice")));
    }
    // The five CAs of the demo would leave no room to try an upload.
    let quota = if arguments.demo { 10 } else { 5 };
    let mut builder = Simulator::builder()
        .port(arguments.port)
        .ca_quota(arguments.quota.unwrap_or(quota))
        .propagation(arguments.propagation);
    if let Some(account) = &context.global.account {
        builder = builder.account_id(account);
    }
    if let Some(token) = arguments.token {
        builder = builder.token(token);
    }
    builder = if arguments.log {
        let output = context.output;
        builder.on_request(move |record| output.show(printable(&record.to_string())))
    } else {
        builder.recorded_requests(0)
    };
    let simulator = builder.start().await.map_err(|error| {
        if error.kind() == io::ErrorKind::InvalidInput {
            return Failure::usage(error.to_string());
        }
        let port = arguments.port;
        Failure::new(
            Kind::Io,
            format!("the simulator cannot listen on port {port}: {error}"),
        )
    })?;
    for fault in arguments.lose {
        simulator.inject(fault);
    }
    let zones = arguments.zones.iter().map(|name| ZoneForm {
        id: simulator.add_zone(name),
        name: Some(name.clone()),
    });
    let zones: Vec<ZoneForm> = zones.collect();
    if arguments.demo {
        seed_demo(&simulator, &zones).map_err(|error| {
            Failure::new(Kind::Io, "the simulator refuses the certificates").with_cause(error)
        })?;
    }
    let place = Where {
        zones,
        base_url: simulator.base_url().to_owned(),
        api_token: simulator.token().to_owned(),
        account_id: simulator.account_id().to_owned(),
    };
    context
        .output
        .write_value(&place, || exports(&simulator, &place))?;
    context.output.note("# The simulator runs until Ctrl-C.");
    context.interrupt.raised().await;
    Ok(())
}

/// Certificates to look at.
fn seed_demo(simulator: &Simulator, zones: &[ZoneForm]) -> Result<(), Box<dyn std::error::Error>> {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let now = simulator.now();
    let ca = |name: &str| Seed::ca(DOCUMENTED_CA).name(name);
    let devices = simulator.seed(ca("devices"))?;
    if let Some(ZoneForm {
        id,
        name: Some(name),
    }) = zones.first()
    {
        let hosts = [format!("api.{name}"), format!("shop.{name}")];
        simulator.set_hostnames(id, &devices, hosts)?;
    }
    // A little more than whole days, so that they are shown as such for a while.
    simulator.seed(ca("staging").expires_on(now + DAY * 12 + DAY / 24))?;
    for (name, days) in [("lab-1", 3), ("lab-2", 90), ("lab-3", 400)] {
        simulator.seed(ca(name).expires_on(now - DAY * days - DAY / 24))?;
    }
    Ok(())
}

/// Lines for a shell.
fn exports(simulator: &Simulator, place: &Where) -> String {
    let environment = simulator.environment();
    let mut text = String::from("# Point any client of the API at the simulator:\n");
    for (name, value) in environment {
        // Quoted, for a shell may expand what a token can hold, such as `~`.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
        let quote = if value.bytes().all(plain) { "" } else { "'" };
        text.push_str(&format!("export {name}={quote}{value}{quote}\n"));
    }
    let names = environment.map(|(name, _)| name).join(" ");
    text.push_str(&format!("# Afterwards: unset {names}\n"));
    for zone in &place.zones {
        let name = zone.name.as_deref().unwrap_or_default();
        text.push_str(&format!("# zone {name}: {}\n", zone.id));
    }
    text
}
