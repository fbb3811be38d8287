//! The options that several commands share.

use std::path::PathBuf;
use std::time::Duration;

use cf_mtls_lifecycle::ReleaseOptions;
use clap::{Args, ValueEnum};

use crate::candidates;
use crate::input;
use crate::report::failure::Reporter;
use crate::view::times;

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Account id [env: CLOUDFLARE_ACCOUNT_ID]
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) account: Option<String>,
    /// API base URL [env: CLOUDFLARE_BASE_URL] [default:
    /// https://api.cloudflare.com/client/v4]
    #[arg(long, global = true, hide_short_help = true, value_name = "URL", value_parser = plain_text)]
    pub(crate) base_url: Option<String>,
    /// Output format
    #[arg(long, short, global = true, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    output: Format,
    /// The same as `--output json`
    #[arg(long, global = true, hide = true)]
    json: bool,
    /// Time limit for each operation, including retries; a number alone means
    /// seconds [default: 60s]
    #[arg(long, global = true, hide_short_help = true, value_name = "DURATION", value_parser = times::positive_duration)]
    pub(crate) timeout: Option<Duration>,
    /// How many times to retry a request that failed and is safe to retry
    #[arg(long, global = true, hide_short_help = true, value_name = "N", default_value_t = 3)]
    pub(crate) retries: u32,
    /// Read the API token from a file (`-` for standard input) instead of the
    /// environment; there is no option for the token itself, because arguments are
    /// visible in process lists
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Read the API token from standard input
    #[arg(long, global = true, hide_short_help = true, conflicts_with = "token_file")]
    pub(crate) token_stdin: bool,
    /// Print only errors and prompts on standard error
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Show the causes of errors; -vv also logs every request
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Global {
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output }
    }

    pub(crate) fn reporter(&self) -> Reporter {
        Reporter { is_json: self.format() != Format::Table, verbose: 0 < self.verbose }
    }

    /// Whether standard input provides the token.
    pub(crate) fn token_from_stdin(&self) -> bool {
        self.token_stdin || self.token_file.as_deref().is_some_and(input::is_stdin)
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

/// Selects one certificate, by its id or its name.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct Selector {
    /// Id or exact name
    #[arg(value_name = "ID", add = candidates::certificates())]
    id: Option<String>,
    /// Exact name, also of one that looks like an id
    #[arg(long, value_parser = plain_text, add = candidates::names())]
    name: Option<String>,
}

impl Selector {
    /// The text, and whether it is a name for certain.
    pub(crate) fn text(&self) -> (&str, bool) {
        let text = self.id.as_deref().or(self.name.as_deref());
        (text.unwrap_or_default(), self.name.is_some())
    }
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

/// How long a release or rotation waits, and what it ignores.
#[derive(Args, Clone, Debug)]
pub(crate) struct WaitOptions {
    /// Maximum total time to wait for the service to pick up a change; 0s looks once
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = times::duration)]
    pub(crate) wait: Duration,
    /// First pause between checks; later pauses grow to at most five times this
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = times::positive_duration)]
    poll: Duration,
    /// Another service whose associations come from hostnames, besides API Shield
    #[arg(long, value_name = "NAME")]
    hostname_service: Vec<String>,
    /// Proceed even if this zone, by name or id, cannot be read (repeatable)
    #[arg(long, value_name = "ZONE", add = candidates::zones())]
    ignore_zone: Vec<String>,
    /// Proceed even if any zones cannot be read
    #[arg(long)]
    ignore_unreadable_zones: bool,
    /// Wait also until Workers, Hyperdrive or Gateway no longer use it, while you change
    /// them; set --wait accordingly
    #[arg(long)]
    wait_for_holders: bool,
}

impl WaitOptions {
    pub(crate) fn to_release_options(&self) -> ReleaseOptions {
        let options = ReleaseOptions::default()
            .with_wait_timeout(self.wait)
            .with_poll_interval(self.poll, self.poll.saturating_mul(5));
        let services = self.hostname_service.iter();
        let options = services.fold(options, ReleaseOptions::with_hostname_service);
        let mut options = self.ignore_zone.iter().fold(options, ReleaseOptions::with_ignored_zone);
        if self.wait_for_holders {
            options = options.with_wait_for_holders();
        }
        if self.ignore_unreadable_zones {
            options = options.with_unreadable_zones_ignored();
        }
        options
    }
}

/// Reads a name or another text that has no control characters. One that has, such
/// as the carriage return of a file from Windows, would match nothing.
pub(crate) fn plain_text(text: &str) -> Result<String, String> {
    match text.chars().find(|c| c.is_control()) {
        _ if text.is_empty() => Err("it is empty".to_owned()),
        Some(c) => Err(format!("it contains the control character {c:?}")),
        None => Ok(text.to_owned()),
    }
}

/// Reads the name for a new certificate. White space around it is hardly meant.
pub(crate) fn new_name(text: &str) -> Result<String, String> {
    let is_trimmed = input::trim(text) == text;
    if is_trimmed { plain_text(text) } else { Err("it begins or ends with white space".to_owned()) }
}
