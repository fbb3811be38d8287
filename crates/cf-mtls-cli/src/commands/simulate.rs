//! `cf-mtls simulate`

use std::io;

use cf_mtls_testkit::simulator::Options;
use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::report::exit::Kind;
use crate::report::failure::Failure;
use crate::terminal::text::printable;

/// Run a local simulator of the API, to try things without an account
///
/// It listens on 127.0.0.1 until Ctrl-C, keeps everything in memory, and works
/// with any client of the API. Its output can be pasted into another terminal.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cf-mtls simulate --demo
  cf-mtls simulate --port 8787 --zone example.com --zone example.org
  cf-mtls simulate --slow-day --in-use-lag 5s   # changes show late, as in production
  cf-mtls simulate --lose delete:1 --log        # the first delete has no response")]
pub(crate) struct Arguments {
    /// Print each request on standard error
    #[arg(long)]
    log: bool,
    #[command(flatten)]
    options: Options,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let Arguments { log, options } = arguments;
    let mut builder = options.builder();
    if let Some(account) = &context.global.account {
        builder = builder.account_id(account);
    }
    builder = if log {
        let output = context.output;
        builder.on_request(move |record| output.show(printable(&record.to_string())))
    } else {
        builder.recorded_requests(0)
    };
    let simulator = builder.start().await.map_err(|error| {
        if error.kind() == io::ErrorKind::InvalidInput {
            return Failure::usage(error.to_string());
        }
        let port = options.port;
        Failure::new(Kind::Io, format!("the simulator cannot listen on port {port}: {error}"))
    })?;
    let zones = options.apply(&simulator);
    let zones = zones.map_err(|error| Failure::usage(error.to_string()))?;
    let place = json!({
        "base_url": simulator.base_url(),
        "api_token": simulator.token(),
        "account_id": simulator.account_id(),
        "zones": zones.iter().map(|(name, id)| json!({ "id": id, "name": name })).collect::<Vec<_>>(),
    });
    // Comments are for people: an interactive zsh takes them for commands.
    let note = |text: String| context.output.note(format!("# {text}"));
    note("Point any client of the API at the simulator:".to_owned());
    context.output.write_value(&place, || simulator.exports())?;
    let names = simulator.environment().map(|(name, _)| name).join(" ");
    note(format!("Afterwards: unset {names}"));
    zones.iter().for_each(|(name, id)| note(format!("zone {name}: {id}")));
    note("The simulator runs until Ctrl-C.".to_owned());
    context.interrupt.raised().await;
    Ok(())
}
