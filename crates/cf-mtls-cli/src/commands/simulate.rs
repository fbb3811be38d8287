//! `cf-mtls simulate`

use std::time::Duration;

use cf_mtls_testkit::simulator::Seed;
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};
use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::json::ZoneForm;
use crate::view::times;

/// Run a local simulator of the API, to try things without an account
///
/// It listens on 127.0.0.1 until Ctrl-C, keeps everything in memory, and answers
/// any client of the API. Its output can be pasted into another terminal.
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
    /// A zone of the simulated account; repeatable
    #[arg(long = "zone", value_name = "NAME", default_value = "example.com", value_parser = zone_name)]
    zones: Vec<String>,
    /// How long associations take to become active and to disappear
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = times::duration)]
    propagation: Duration,
    /// Start with five CAs: one in use, one that expires soon, and three that have
    /// expired. There is room for five more, unlike in most accounts
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
    let mut builder = Simulator::builder()
        .port(arguments.port)
        .propagation(arguments.propagation);
    if let Some(name) = twice(&arguments.zones) {
        return Err(Failure::usage(format!("--zone {name} is given twice")));
    }
    if arguments.demo {
        // The five of the demo would leave no room to try an upload.
        builder = builder.ca_quota(10);
    }
    let simulator = builder.start().await.map_err(|error| {
        let port = arguments.port;
        Failure::new(
            Exit::Other,
            "io",
            format!("the simulator cannot listen on port {port}: {error}"),
        )
    })?;
    let zones = arguments.zones.iter().map(|name| ZoneForm {
        id: simulator.add_zone(name),
        name: Some(name.clone()),
    });
    let zones: Vec<ZoneForm> = zones.collect();
    if arguments.demo {
        furnish(&simulator, &zones).map_err(|error| {
            Failure::new(Exit::Other, "io", "the simulator refuses the certificates")
                .with_cause(error)
        })?;
    }
    let place = Where {
        zones,
        base_url: simulator.base_url().to_owned(),
        api_token: simulator.token().to_owned(),
        account_id: simulator.account_id().to_owned(),
    };
    context.output.one(&place, || exports(&simulator, &place))?;
    context.output.note("# The simulator runs until Ctrl-C.");
    context.interrupt.raised().await;
    Ok(())
}

/// Something to look at.
fn furnish(simulator: &Simulator, zones: &[ZoneForm]) -> Result<(), Box<dyn std::error::Error>> {
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
    // A little more than whole days, so that they are told as such for a while.
    simulator.seed(ca("staging").expires_on(now + DAY * 12 + DAY / 24))?;
    for (name, days) in [("lab-1", 3), ("lab-2", 90), ("lab-3", 400)] {
        simulator.seed(ca(name).expires_on(now - DAY * days - DAY / 24))?;
    }
    Ok(())
}

/// Lines for a shell.
fn exports(simulator: &Simulator, place: &Where) -> String {
    let mut text = String::from("# Point any client of the API at the simulator:\n");
    for (name, value) in simulator.environment() {
        text.push_str(&format!("export {name}={value}\n"));
    }
    for zone in &place.zones {
        let name = zone.name.as_deref().unwrap_or_default();
        text.push_str(&format!("# zone {name}: {}\n", zone.id));
    }
    text
}
