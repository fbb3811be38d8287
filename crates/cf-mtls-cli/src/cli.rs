//! The grammar of the command line, and which command runs.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum as _};

use crate::commands::{
    associations, completions, delete, get, hostnames, list, prune, release, rotate, upload,
};
use crate::context::Context;
use crate::options::{Format, Global};
use crate::report::exit::Kind;
use crate::report::failure::{Failure, Reporter};

const AFTER_HELP: &str = "\
Environment:
  CLOUDFLARE_API_TOKEN   the API token, with the permission \"SSL and Certificates\"
  CLOUDFLARE_EMAIL, CLOUDFLARE_API_KEY
                         an account email and global API key, instead of a token
  CLOUDFLARE_ACCOUNT_ID  the account
  CLOUDFLARE_BASE_URL    API base URL, e.g. of `cf-mtls simulate`
  NO_COLOR               disable colours

Exit codes:
  0 success               5 authentication or permission
  1 any other failure     6 rate limited
  2 usage, invalid input  7 network or service
  3 not found             8 some of several failed
  4 in use                9 outcome unknown
                        130 interrupted

Examples:
  cf-mtls simulate --demo               # local server for trying things out, no account needed
  cf-mtls upload --ca ca.pem --name devices
  cf-mtls list --expires-within 30d
  cf-mtls hostnames add api.example.com --zone example.com --certificate ID
  cf-mtls release ID                    # detach its hostnames, wait, delete it";

/// Manage the mTLS certificates of a Cloudflare account
#[derive(Debug, Parser)]
#[command(
    name = "cf-mtls",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = AFTER_HELP,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = false
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::Arguments),
    Get(get::Arguments),
    Upload(upload::Arguments),
    Delete(delete::Arguments),
    Associations(associations::Arguments),
    Hostnames(hostnames::Arguments),
    Release(release::Arguments),
    Rotate(rotate::Arguments),
    Prune(prune::Arguments),
    #[cfg(feature = "simulate")]
    Simulate(crate::commands::simulate::Arguments),
    Completions(completions::Arguments),
}

/// Reads the arguments. `Err` if that ends the process: help, version, or an error.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    Cli::try_parse_from(&arguments).map_err(|error| {
        let (is_json, outcome) = if error.use_stderr() {
            let is_json = wanted_format(&arguments) != Format::Table;
            (is_json, Err(usage_error(&error)))
        } else {
            // The help, or the version.
            (
                false,
                error.print().map_err(|error| Failure::output(&error)),
            )
        };
        let verbose = false;
        Reporter { is_json, verbose }.finish(outcome)
    })
}

/// Runs the command of the arguments.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    if let Command::Completions(arguments) = &cli.command {
        return completions::run(arguments, Cli::command());
    }
    let context = Context::new(cli.global)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Failure::new(Kind::Io, "the runtime cannot be started").with_cause(error)
    })?;
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::List(arguments) => list::run(&context, arguments).await,
            Command::Get(arguments) => get::run(&context, arguments).await,
            Command::Upload(arguments) => upload::run(&context, arguments).await,
            Command::Delete(arguments) => delete::run(&context, arguments).await,
            Command::Associations(arguments) => associations::run(&context, arguments).await,
            Command::Hostnames(arguments) => hostnames::run(&context, arguments).await,
            Command::Release(arguments) => release::run(&context, arguments).await,
            Command::Rotate(arguments) => rotate::run(&context, arguments).await,
            Command::Prune(arguments) => prune::run(&context, arguments).await,
            #[cfg(feature = "simulate")]
            Command::Simulate(arguments) => {
                crate::commands::simulate::run(&context, arguments).await
            }
            Command::Completions(arguments) => completions::run(&arguments, Cli::command()),
        }
    });
    // An unanswered prompt must not keep the process alive.
    runtime.shutdown_background();
    outcome
}

/// The error on one line.
fn usage_error(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let parts = text
        .split("\n\n")
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|part| !part.is_empty() && !part.starts_with("For more information"));
    let message = parts.collect::<Vec<_>>().join("; ");
    let message = message.replacen("Usage:", "usage:", 1);
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    Failure::usage(format!("{message}; see --help"))
}

/// The value of `--output` in arguments that are wrong elsewhere.
fn wanted_format(arguments: &[OsString]) -> Format {
    let mut wanted = Format::Table;
    let mut previous = "";
    let arguments = arguments.iter().filter_map(|argument| argument.to_str());
    for argument in arguments.take_while(|argument| *argument != "--") {
        let value = match previous {
            "-o" | "--output" => Some(argument),
            _ => argument
                .strip_prefix("--output=")
                .or_else(|| argument.strip_prefix("-o")),
        };
        let format = value.map(|value| Format::from_str(value.trim_start_matches('='), false));
        if let Some(Ok(format)) = format {
            wanted = format;
        }
        previous = argument;
    }
    wanted
}
