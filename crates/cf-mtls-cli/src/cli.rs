//! The grammar of the command line, and which command runs.

use std::ffi::OsString;
use std::process::ExitCode;

use cf_mtls::text::is_harmful;
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::{
    associations, completions, delete, get, hostnames, list, man, prune, release, rotate, upload,
    verify,
};
use crate::context::Context;
use crate::options::Global;
use crate::report::exit::{Exit, Kind};
use crate::report::failure::{Failure, Reporter};
use crate::report::output;
use crate::terminal::text::{hide, may_be_token, mention, printable};

const AFTER_HELP: &str = "\
Environment:
  CLOUDFLARE_API_TOKEN   the API token, with the permission \"SSL and Certificates\"
  CLOUDFLARE_EMAIL, CLOUDFLARE_API_KEY
                         an account email and global API key, instead of a token
  CLOUDFLARE_ACCOUNT_ID  the account
  CLOUDFLARE_BASE_URL    API base URL, e.g. of `cf-mtls simulate`
  NO_COLOR               no colors

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
  cf-mtls simulate --demo               # try it without an account: paste what it prints
  cf-mtls upload --ca ca.pem --name devices
  cf-mtls list --expires-within 30d
  cf-mtls hostnames add api.example.com --zone example.com --certificate devices
  cf-mtls rotate devices --ca next.pem  # replace a CA while its hostnames are in use
  cf-mtls release devices               # detach its hostnames, wait, delete it";

/// Manage the mTLS certificates of a Cloudflare account
#[derive(Debug, Parser)]
#[command(
    name = "cf-mtls",
    version,
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
    #[command(alias = "whoami")]
    Verify(verify::Arguments),
    #[cfg(feature = "simulate")]
    Simulate(crate::commands::simulate::Arguments),
    #[command(visible_alias = "completion")]
    Completions(completions::Arguments),
    Man(man::Arguments),
    /// Print the version
    Version,
}

/// Reads the arguments, what they ask in words, and what may be a token in a wrong place.
/// `Err` if that ends the process: help, version, or an error.
pub(crate) fn parse() -> Result<(Cli, String, Vec<String>), ExitCode> {
    completions::reply(Cli::command);
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let tokens = tokens(&arguments);
    let parsed = Cli::command()
        .try_get_matches_from(&arguments)
        .and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, words(&matches))));
    let (cli, words) = parsed.map_err(|error| {
        let reporter = Reporter { is_json: wants_json(&arguments), verbose: false };
        let is_safe = |argument: &OsString| !argument.to_string_lossy().contains(is_harmful);
        let text = match arguments.iter().all(is_safe) {
            true => error.render().ansi().to_string(),
            false => {
                error.render().to_string().lines().map(|line| printable(line) + "\n").collect()
            }
        };
        let hidden = hide(&text, &tokens);
        if error.use_stderr() && reporter.is_json {
            return reporter.finish(Err(usage_error(&error, &hidden)));
        }
        // The help, the version, or an error with the usage.
        match error.use_stderr() {
            true => {
                anstream::eprint!("{hidden}");
                ExitCode::from(Exit::Invalid as u8)
            }
            false => reporter.finish(error.print().map_err(|error| Failure::output(&error))),
        }
    })?;
    Ok((cli, words, tokens))
}

/// The arguments, and values in them, that may be a token in a wrong place.
fn tokens(arguments: &[OsString]) -> Vec<String> {
    let texts = arguments.iter().filter_map(|argument| argument.to_str());
    let parts =
        texts.flat_map(|text| text.split(|c: char| c == '=' || c == ',' || c.is_whitespace()));
    parts.filter(|part| may_be_token(part)).map(str::to_owned).collect()
}

/// The command and what it is about, for the beginning of an error.
fn words(matches: &ArgMatches) -> String {
    let (mut words, mut matches) = (Vec::new(), matches);
    while let Some((name, inner)) = matches.subcommand() {
        words.push(name.to_owned());
        matches = inner;
    }
    let value = |name: &str| {
        let values = matches.try_get_many::<String>(name).ok().flatten();
        let mut values = values?.filter(|value| *value != "-");
        values.next().filter(|_| values.next().is_none()).map(|value| mention(value))
    };
    words.extend(["id", "old", "ids", "name"].into_iter().filter_map(value));
    words.extend(value("certificate").map(|id| format!("of certificate {id}")));
    words.extend(value("zone").map(|zone| format!("in zone {zone}")));
    words.join(" ")
}

pub(crate) fn run(cli: Cli, words: String, tokens: Vec<String>) -> Result<(), Failure> {
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
            Command::Verify(arguments) => verify::run(&context, arguments).await,
            #[cfg(feature = "simulate")]
            Command::Simulate(arguments) => {
                crate::commands::simulate::run(&context, arguments).await
            }
            Command::Completions(arguments) => completions::run(&arguments),
            Command::Man(arguments) => man::run(&arguments, Cli::command()),
            Command::Version => output::write(concat!("cf-mtls ", env!("CARGO_PKG_VERSION"), "\n")),
        }
    });
    // An unanswered prompt must not keep the process alive.
    runtime.shutdown_background();
    outcome.map_err(|failure| failure.during(&context.asked(words, tokens)))
}

/// The error on one line, for JSON.
fn usage_error(error: &clap::Error, text: &str) -> Failure {
    let text = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a subcommand is needed".to_owned(),
        _ => anstream::adapter::strip_str(text).to_string(),
    };
    let words = text.split("\n\n").next().unwrap_or_default().split_whitespace();
    let message = words.collect::<Vec<_>>().join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    Failure::usage(format!("{message}; see --help"))
}

/// Whether arguments that are wrong elsewhere ask for JSON.
fn wants_json(arguments: &[OsString]) -> bool {
    let arguments = arguments.iter().filter_map(|argument| argument.to_str());
    let words: Vec<&str> = arguments.take_while(|argument| *argument != "--").collect();
    // `-o json`, `-o=json` and `-ojson` are one.
    let text = words.join(" ").replace("--output", "-o").replace(['=', ' '], "");
    ["--json", "-ojson", "-ondjson"].iter().any(|option| text.contains(option))
}
