//! Runs the simulator until Ctrl-C, and prints how to point a client at it.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Builder, Credentials, Fault, Operation, RequestRecord};
use serde_json::Value;

const USAGE: &str = "\
Simulates Cloudflare's mTLS certificate API on 127.0.0.1, until Ctrl-C.

Usage: cf-mtls-simulator [OPTIONS]

  --port N               TCP port (default: any free one)
  --account ID           the account, 32 hexadecimal digits (default: random)
  --token TEXT           the API token (default: random)
  --zone NAME            a zone of the account, may be repeated (default: example.com)
  --quota N              how many CAs the account may upload (default: 5)
  --propagation SECONDS  how long associations stay pending (default: 0)
  --lose OPERATION:N     the N-th upload, delete or replace takes effect, but its
                         answer is lost; may be repeated
  --log                  prints each request on stderr
  -h, --help             prints this
";

/// Longer values of a body, PEM texts most of all, are cut in the log.
const LONGEST_VALUE: usize = 60;

struct Options {
    builder: Builder,
    port: u16,
    zones: Vec<String>,
    faults: Vec<Fault>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        return finish(io::stdout().write_all(USAGE.as_bytes()));
    }
    match parse(arguments) {
        Ok(options) => finish(run(options)),
        Err(message) => {
            eprintln!("error: {message}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn finish(outcome: io::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: Vec<String>) -> Result<Options, String> {
    let mut builder = Simulator::builder();
    let mut port = 0;
    let mut zones = Vec::new();
    let mut faults = Vec::new();
    let mut arguments = arguments.into_iter();
    while let Some(name) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{name} needs a value"))
        };
        match name.as_str() {
            "--port" => port = number(&name, &value()?)?,
            "--account" => builder = builder.account_id(value()?),
            "--token" => builder = builder.token(value()?),
            "--quota" => builder = builder.ca_quota(number(&name, &value()?)?),
            "--zone" => zones.push(value()?),
            "--propagation" => {
                builder = builder.propagation(Duration::from_secs(number(&name, &value()?)?));
            }
            "--lose" => faults.push(lost(&value()?)?),
            "--log" => builder = builder.on_request(|record| eprintln!("{}", line(record))),
            _ => return Err(format!("unknown argument {name}")),
        }
    }
    if zones.is_empty() {
        zones.push("example.com".to_owned());
    }
    Ok(Options {
        builder: builder.port(port),
        port,
        zones,
        faults,
    })
}

fn lost(text: &str) -> Result<Fault, String> {
    let parts = text.split_once(':');
    let (operation, nth) = parts.ok_or_else(|| format!("--lose does not take {text:?}"))?;
    let operation = match operation {
        "upload" => Operation::Upload,
        "delete" => Operation::Delete,
        "replace" => Operation::ReplaceHostnames,
        _ => return Err(format!("--lose does not know {operation:?}")),
    };
    let nth = number::<std::num::NonZeroU64>("--lose", nth)?.get();
    Ok(Fault::reset().on(operation).nth(nth).after_effect())
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{name} does not take {text:?}"))
}

fn run(options: Options) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let started = options.builder.start().await;
        let simulator = started.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => io::Error::new(
                error.kind(),
                format!("cannot listen on 127.0.0.1:{}: {error}", options.port),
            ),
            _ => error,
        })?;
        for fault in options.faults {
            simulator.inject(fault);
        }
        introduce(&simulator, &options.zones)?;
        interrupted().await
    })
}

/// Shell text, so that a script may read it with `eval` or `source`.
fn introduce(simulator: &Simulator, zones: &[String]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "# The simulator runs until Ctrl-C. Point a client at it with:"
    )?;
    for (name, value) in simulator.environment() {
        writeln!(out, "export {name}={value}")?;
    }
    writeln!(
        out,
        "# wrangler reads CLOUDFLARE_API_BASE_URL, other clients CLOUDFLARE_BASE_URL."
    )?;
    for name in zones {
        writeln!(out, "# zone {name}: {}", simulator.add_zone(name))?;
    }
    out.flush()
}

/// Ctrl-C, or what a script sends to end a program.
async fn interrupted() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            outcome = tokio::signal::ctrl_c() => outcome,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// `GET /client/v4/zones?page=1 -> 200 (token; no body; the user agent)`
fn line(record: &RequestRecord) -> String {
    let mut line = format!("{} {}", record.method, record.path);
    if let Some(query) = &record.query {
        line = format!("{line}?{query}");
    }
    let status = record
        .status
        .map_or("no answer".to_owned(), |status| status.to_string());
    let credentials = match record.credentials {
        Credentials::Missing => "no credentials",
        Credentials::Token => "token",
        Credentials::EmailAndKey => "email and key",
        _ => "other credentials",
    };
    let body =
        record.body.as_deref().map_or("no body".to_owned(), |body| {
            match serde_json::from_str::<Value>(body) {
                Ok(mut value) => {
                    shorten(&mut value);
                    value.to_string()
                }
                Err(_) => shortened(&body.escape_debug().to_string()),
            }
        });
    let agent = record.user_agent.as_deref().unwrap_or("no user agent");
    format!("{line} -> {status} ({credentials}; {body}; {agent})")
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => *text = shortened(text),
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
