//! The grammar of the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::{
    associations, completions, delete, get, hostnames, list, prune, release, rotate, upload,
};
use crate::failure::{Failure, Report};
use crate::output::Output;
use crate::times;

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

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Account id [env: CLOUDFLARE_ACCOUNT_ID]
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) account: Option<String>,
    /// API base URL [env: CLOUDFLARE_BASE_URL] [default:
    /// https://api.cloudflare.com/client/v4]
    #[arg(long, global = true, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) base_url: Option<String>,
    /// Output format
    #[arg(long, short, global = true, value_enum, value_name = "FORM", default_value_t = Format::Table)]
    pub(crate) output: Format,
    /// Time limit for each operation, including retries [default: 60s]
    #[arg(long, global = true, value_name = "DURATION", value_parser = times::positive_duration)]
    pub(crate) timeout: Option<Duration>,
    /// How many times to retry a request that failed and is safe to retry
    #[arg(long, global = true, value_name = "N", default_value_t = 3)]
    pub(crate) retries: u32,
    /// Read the API token from a file (`-` for standard input) instead of the
    /// environment; there is no option for the token itself, because arguments are
    /// visible in process lists
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        conflicts_with = "token_stdin"
    )]
    pub(crate) token_file: Option<PathBuf>,
    /// Read the API token from standard input
    #[arg(long, global = true)]
    pub(crate) token_stdin: bool,
    /// Print only errors, hints, warnings and prompts on standard error
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Show the causes of errors; -vv also logs every request
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Global {
    /// Whether standard input is spoken for.
    pub(crate) fn token_from_stdin(&self) -> bool {
        self.token_stdin
            || self
                .token_file
                .as_ref()
                .is_some_and(|path| path.as_os_str() == "-")
    }
}

/// The form of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Human-readable
    Table,
    /// One JSON document
    Json,
    /// One JSON value per line, as results arrive
    Ndjson,
}

/// What every command that takes something away asks for.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Consent {
    /// Skip the confirmation prompt; required when there is no terminal
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Show what would be done without changing anything
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
}

impl Consent {
    /// Whether what will be done is shown on standard error: always before a
    /// question, and otherwise unless quiet was asked for.
    pub(crate) fn shows(self, output: Output) -> bool {
        !output.quiet || !(self.yes || self.dry_run)
    }
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

/// Reads the arguments; `Err` when there is nothing to do any more.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    Cli::try_parse_from(&arguments).map_err(|error| {
        if matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        ) {
            let Err(error) = error.print() else {
                return ExitCode::SUCCESS;
            };
            return Report::with_format(Format::Table).finish(Err(Failure::output(&error)));
        }
        let report = Report::with_format(wanted_format(&arguments));
        report.finish(Err(misuse(&error)))
    })
}

/// The error as one line, and before it how it is done right.
fn misuse(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let message: Vec<&str> = first.split_whitespace().collect();
    let message = message.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let rest = paragraphs.filter_map(|part| {
        let part = part.trim();
        let known = part.starts_with("For more information");
        (!part.is_empty() && !known).then(|| part.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    let mut message = message.to_owned();
    for part in rest {
        message.push_str("; ");
        message.push_str(&part.replacen("Usage:", "usage:", 1));
    }
    message.push_str("; see --help");
    Failure::usage(message)
}

/// What `--output` asks for, where the arguments as a whole cannot be read.
fn wanted_format(arguments: &[OsString]) -> Format {
    let mut wanted = Format::Table;
    let mut arguments = arguments.iter().filter_map(|argument| argument.to_str());
    while let Some(argument) = arguments.next() {
        let value = match argument {
            "--" => break,
            "--output" | "-o" => arguments.next(),
            _ => argument
                .strip_prefix("--output=")
                .or_else(|| argument.strip_prefix("-o")),
        };
        let value = value.map(|value| value.trim_start_matches('='));
        if let Some(Ok(format)) = value.map(|value| Format::from_str(value, false)) {
            wanted = format;
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn the_form_of_errors_is_known_even_when_the_arguments_are_wrong() {
        let table = [
            ("list", Format::Table),
            ("list --output json --nope", Format::Json),
            ("--nope -o ndjson", Format::Ndjson),
            ("--output=json", Format::Json),
            ("-ojson", Format::Json),
            ("-o=json", Format::Json),
            ("-- --output json", Format::Table),
            ("--output yaml", Format::Table),
        ];
        for (line, want) in table {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(wanted_format(&arguments), want, "{line}");
        }
    }
}
