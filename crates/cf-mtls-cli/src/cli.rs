//! The grammar of the command line, and which command runs.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{
    ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum as _,
};

use crate::commands::{
    associations, completions, delete, get, hostnames, list, man, prune, release, rotate, upload,
};
use crate::context::{CLOUDFLARE, Context};
use crate::options::{Format, Global};
use crate::report::exit::{Exit, Kind};
use crate::report::failure::{Failure, Reporter};
use crate::report::output;
use crate::terminal::text::mention;

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
  4 in use or blocked     9 outcome unknown
 10 --wait ended: run it again
 11 the account is full  12 `list --exit-code` found some
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
    subcommand_required = true,
    args_override_self = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    #[command(visible_alias = "show", alias = "describe")]
    Get(get::Arguments),
    #[command(alias = "create")]
    Upload(upload::Arguments),
    #[command(visible_alias = "rm")]
    Delete(delete::Arguments),
    Associations(associations::Arguments),
    Hostnames(hostnames::Arguments),
    Release(release::Arguments),
    Rotate(rotate::Arguments),
    Prune(prune::Arguments),
    #[cfg(feature = "simulate")]
    Simulate(crate::commands::simulate::Arguments),
    #[command(visible_alias = "completion")]
    Completions(completions::Arguments),
    Man(man::Arguments),
    /// Print the version
    Version,
}

/// Reads the arguments, and what they ask in words. `Err` if that ends the process:
/// help, version, or an error.
pub(crate) fn parse() -> Result<(Cli, String), ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let parsed = Cli::command()
        .try_get_matches_from(&arguments)
        .and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, asked(&matches))));
    parsed.map_err(|error| {
        let is_json = wanted_format(&arguments) != Format::Table;
        let reporter = Reporter { is_json, verbose: false };
        if error.use_stderr() && is_json {
            return reporter.finish(Err(usage_error(&error)));
        }
        // The help, the version, or an error with the usage.
        match error.print() {
            Ok(()) if error.use_stderr() => Exit::Invalid.into(),
            printed => reporter.finish(printed.map_err(|error| Failure::output(&error))),
        }
    })
}

/// The command and what it is about, for the beginning of an error.
fn asked(matches: &ArgMatches) -> String {
    let (mut words, mut matches) = (Vec::new(), matches);
    while let Some((name, inner)) = matches.subcommand() {
        words.push(name.to_owned());
        matches = inner;
    }
    for argument in ["id", "old", "ids", "name"] {
        let values = matches.try_get_many::<String>(argument).ok().flatten();
        if let [value] = &values.map_or(Vec::new(), Iterator::collect)[..]
            && *value != "-"
        {
            words.push(mention(value));
        }
    }
    let zones = matches.try_get_many::<String>("zone").ok().flatten();
    if let [zone] = &zones.map_or(Vec::new(), Iterator::collect)[..] {
        words.push(format!("in zone {}", mention(zone)));
    }
    words.join(" ")
}

/// Runs the command of the arguments.
pub(crate) fn run(cli: Cli, asked: &str) -> Result<(), Failure> {
    match &cli.command {
        Command::Completions(arguments) => return completions::run(arguments, Cli::command()),
        Command::Man(arguments) => return man::run(arguments, Cli::command()),
        Command::Version => {
            return output::write(concat!("cf-mtls ", env!("CARGO_PKG_VERSION"), "\n"));
        }
        _ => {}
    }
    let context = Context::new(cli.global)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
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
            // These need no runtime.
            Command::Completions(_) | Command::Man(_) | Command::Version => Ok(()),
        }
    });
    // An unanswered prompt must not keep the process alive.
    runtime.shutdown_background();
    let server = context.server().unwrap_or_else(|| CLOUDFLARE.to_owned());
    outcome.map_err(|failure| failure.during(asked, &server))
}

/// The error on one line, for JSON.
fn usage_error(error: &clap::Error) -> Failure {
    let text = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a subcommand is needed".to_owned(),
        _ => error.render().to_string(),
    };
    let words = text.split("\n\n").next().unwrap_or_default().split_whitespace();
    let message = words.collect::<Vec<_>>().join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    Failure::usage(format!("{message}; see --help"))
}

/// The value of `--output` in arguments that are wrong elsewhere.
fn wanted_format(arguments: &[OsString]) -> Format {
    let mut wanted = Format::Table;
    let mut previous = "";
    let arguments = arguments.iter().filter_map(|argument| argument.to_str());
    for argument in arguments.take_while(|argument| *argument != "--") {
        if argument == "--json" {
            wanted = Format::Json;
        }
        let value = match previous {
            "-o" | "--output" => Some(argument),
            _ => argument.strip_prefix("--output=").or_else(|| argument.strip_prefix("-o")),
        };
        let format = value.map(|value| Format::from_str(value.trim_start_matches('='), false));
        if let Some(Ok(format)) = format {
            wanted = format;
        }
        previous = argument;
    }
    wanted
}
