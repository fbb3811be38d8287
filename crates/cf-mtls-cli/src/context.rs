//! What every command works with: options, output, Ctrl-C and the client.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cf_mtls::{AccountId, Certificates, Client, Error};
use cf_mtls_lifecycle::{Outcome, Usage, UsageProgress, UsageWalk};
use tokio::sync::OnceCell;

use crate::credentials;
use crate::input::{self, Bytes};
use crate::options::{Consent, Global};
use crate::report::advice::Asked;
use crate::report::exit::Kind;
use crate::report::failure::Failure;
use crate::report::output::Output;
use crate::report::steps::{Ledger, StepReporter};
use crate::terminal::confirm;
use crate::terminal::interrupt::Interrupt;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::view::times;

/// The label while uses are looked for.
pub(crate) const READING_USES: &str = "reading the uses";

/// Where the API is, unless another base URL is given.
const CLOUDFLARE: &str = "https://api.cloudflare.com/";

pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) output: Output,
    pub(crate) interrupt: Interrupt,
    ledger: Ledger,
    client: OnceCell<Client>,
}

impl Context {
    pub(crate) fn new(global: Global) -> Result<Self, Failure> {
        let output = Output { format: global.format(), quiet: global.quiet };
        let ledger = Ledger::default();
        let (reporter, done) = (global.reporter(), ledger.clone());
        let interrupt = Interrupt::listen(move |is_change_in_progress| {
            let failure = done.interrupted_twice(is_change_in_progress);
            reporter.report(&failure);
            failure.exit() as u8
        });
        let interrupt = interrupt.map_err(|error| {
            Failure::new(Kind::Io, "cannot listen for signals").with_cause(error)
        })?;
        Ok(Self { global, output, interrupt, ledger, client: OnceCell::new() })
    }

    pub(crate) async fn client(&self) -> Result<&Client, Failure> {
        self.client.get_or_try_init(|| self.build_client()).await
    }

    async fn build_client(&self) -> Result<Client, Failure> {
        let stdin = self.global.token_stdin.then(|| PathBuf::from("-"));
        let path = stdin.or_else(|| self.global.token_file.clone());
        let Some(path) = path else { return credentials::client(&self.global, None) };
        if input::is_shared(&path) {
            let name = printable(&input::name(&path));
            let advice = "other users of this machine can read it; run `chmod 600` on it";
            self.output.warn(format!("{name}: {advice}"));
        }
        let bytes = self.read(&path).await?;
        credentials::client(&self.global, Some(input::text(&bytes, &path)?))
    }

    /// Reads a file or standard input, which may take long; Ctrl-C stops it.
    async fn read(&self, path: &Path) -> Result<Bytes, Failure> {
        let path = path.to_owned();
        let read = tokio::task::spawn_blocking(move || input::read(&path));
        let stopped = |error| Failure::new(Kind::Io, "cannot be read").with_cause(error);
        self.interrupt.reading(read).await?.map_err(stopped)?
    }

    /// The account from `--account` or the environment.
    pub(crate) fn account(&self) -> Result<AccountId, Failure> {
        let account: AccountId = match &self.global.account {
            Some(text) => input::trim(text).parse().map_err(|error| {
                Failure::invalid_input(format!("--account: not an account id: {error}"))
            })?,
            None => cf_mtls::account_id_from_env().map_err(|error: Error| {
                let usual = "pass --account ID, or set CLOUDFLARE_ACCOUNT_ID";
                Failure::from(error).with_hint(credentials::hint("ACCOUNT_ID", usual))
            })?,
        };
        // Anything else may be a token, and would be part of each URL.
        let text = account.as_str();
        match text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(account),
            false => Err(Failure::invalid_input(
                "this is no account id, which has 32 hexadecimal digits; nothing was sent",
            )),
        }
    }

    /// The account, unless none is given.
    pub(crate) fn optional_account(&self) -> Result<Option<AccountId>, Failure> {
        match (self.account(), &self.global.account) {
            (Err(_), None) => Ok(None),
            (account, _) => account.map(Some),
        }
    }

    pub(crate) async fn certificates(&self) -> Result<Certificates, Failure> {
        // A missing account is reported without reading the token.
        let account = self.account()?;
        Ok(self.client().await?.certificates(&account))
    }

    /// Many requests may wait for the rate limit for longer than the deadline, one may not.
    pub(crate) async fn certificates_for(&self, count: usize) -> Result<Certificates, Failure> {
        let certificates = self.certificates().await?;
        Ok(if count == 1 { certificates.with_patience(Duration::ZERO) } else { certificates })
    }

    /// Reads a file, or standard input for `-` unless that provides the token.
    pub(crate) async fn read_input(&self, path: &Path) -> Result<Bytes, Failure> {
        if input::is_stdin(path) && self.global.token_from_stdin() {
            return Err(Failure::usage("standard input already provides the token"));
        }
        self.read(path).await
    }

    /// The values of an argument, where `-` reads them from standard input, one per line,
    /// without empty lines and those that start with `#`, unless they are literal. Each has
    /// the place it comes from, for messages.
    pub(crate) async fn values(
        &self,
        arguments: &[String],
        are_literal: bool,
    ) -> Result<Vec<(String, String)>, Failure> {
        let mut values = Vec::new();
        for argument in arguments {
            if are_literal || argument != "-" {
                values.push((argument.clone(), String::new()));
                continue;
            }
            let bytes = self.read_input(Path::new(argument)).await?;
            let text = input::text(&bytes, Path::new(argument))?;
            for (number, line) in (1..).zip(text.lines()) {
                if !matches!(line.trim().bytes().next(), None | Some(b'#')) {
                    let place = format!("line {number} of standard input: ");
                    values.push((line.to_owned(), place));
                }
            }
        }
        Ok(values)
    }

    /// The base URL, unless it is Cloudflare's.
    pub(crate) fn server(&self) -> Option<String> {
        let url = self.global.base_url.clone();
        let url = url.or_else(|| std::env::var("CLOUDFLARE_BASE_URL").ok())?;
        let is_other = !url.is_empty() && !url.starts_with(CLOUDFLARE);
        is_other.then(|| printable(&url))
    }

    /// What was asked, and how, for errors.
    pub(crate) fn asked(&self, words: String, tokens: Vec<String>) -> Asked {
        let has_token = std::env::var_os("CLOUDFLARE_API_TOKEN").is_some_and(|it| !it.is_empty());
        let is_read = self.global.token_file.is_some() || self.global.token_stdin;
        Asked {
            words,
            tokens,
            server: self.server().unwrap_or_else(|| CLOUDFLARE.to_owned()),
            timeout: self.global.timeout.unwrap_or(Duration::from_secs(60)),
            has_key: !(has_token || is_read),
        }
    }

    /// Shows what will be done, and where: before a question, and otherwise for
    /// people. It costs nothing where nobody sees it.
    pub(crate) fn show_plan(&self, consent: Consent, plan: impl FnOnce() -> String) {
        if !self.shows_plan(consent) {
            return;
        }
        let mut text = plan().trim_end().to_owned();
        if let Ok(account) = self.account() {
            text.push_str(&format!("\nAccount {account}"));
            if let Some(server) = self.server() {
                text.push_str(&format!(" at {server}"));
            }
        }
        self.output.show(text);
    }

    pub(crate) fn shows_plan(&self, consent: Consent) -> bool {
        let asks = !(consent.yes || consent.dry_run) && self.can_ask();
        asks || (self.output.is_table() && !self.output.quiet)
    }

    /// Runs something that only reads, and may take long.
    pub(crate) async fn reading<T>(
        &self,
        label: &str,
        read: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let _progress = Progress::spinner(self.output.quiet, label);
        Ok(self.interrupt.reading(read).await?)
    }

    pub(crate) async fn walk(&self, walk: UsageWalk) -> Result<Vec<Outcome<Usage>>, Failure> {
        let progress = Progress::spinner(self.output.quiet, READING_USES);
        let walked = walk.run(|done: &UsageProgress| {
            let UsageProgress { zones, workers, workers_total, .. } = done;
            let zones = times::counted(*zones as u64, "zone");
            let workers = format!("{workers} of {workers_total} Workers");
            progress.set_label(&format!("{READING_USES}: {zones}, {workers}"));
        });
        Ok(self.interrupt.reading(walked).await??)
    }

    /// Runs something that changes something; Ctrl-C stops it between two requests.
    pub(crate) async fn changing<T>(
        &self,
        label: &str,
        client: &Client,
        change: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        let _progress = Progress::spinner(self.output.quiet, label);
        Ok(self.interrupt.changing(client, change).await??)
    }

    /// Asks for confirmation, unless `--yes` is given.
    pub(crate) async fn confirm(&self, consent: Consent, question: &str) -> Result<(), Failure> {
        if consent.yes {
            return Ok(());
        }
        if !self.can_ask() {
            return Err(Failure::usage(
                "cannot ask for confirmation without a terminal; nothing was changed; pass --yes",
            ));
        }
        match confirm::ask(&self.interrupt, question).await? {
            true => Ok(()),
            false => Err(Failure::new(Kind::Declined, "not confirmed; nothing was changed")),
        }
    }

    fn can_ask(&self) -> bool {
        !self.global.token_from_stdin() && confirm::is_possible()
    }

    pub(crate) fn steps(&self, label: &str) -> StepReporter<'_> {
        let progress = Progress::spinner(self.output.quiet, label);
        let (interrupt, ledger) = (&self.interrupt, &self.ledger);
        StepReporter { output: self.output, interrupt, ledger, progress }
    }
}
