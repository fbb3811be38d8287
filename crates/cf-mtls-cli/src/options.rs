//! The options that several commands share.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

use crate::view::times;

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
    /// Whether standard input provides the token.
    pub(crate) fn token_from_stdin(&self) -> bool {
        self.token_stdin
            || self
                .token_file
                .as_ref()
                .is_some_and(|path| path.as_os_str() == "-")
    }
}

/// The format of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Human-readable
    Table,
    /// One JSON document
    Json,
    /// One JSON value per line, as results arrive
    Ndjson,
}

/// The options of every command that deletes or detaches something.
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
    /// Whether the plan is shown on standard error: always before a question, and
    /// otherwise unless `--quiet` is given.
    pub(crate) fn shows_plan(self, quiet: bool) -> bool {
        !quiet || !(self.yes || self.dry_run)
    }
}
