//! What every command works with: options, output, Ctrl-C and the client.

use std::path::{Path, PathBuf};

use cf_mtls::{AccountId, Certificates, Client, Error};

use crate::credentials;
use crate::input::{self, Bytes};
use crate::options::{Consent, Global};
use crate::report::exit::Kind;
use crate::report::failure::Failure;
use crate::report::output::Output;
use crate::report::steps::{Ledger, StepReporter};
use crate::terminal::confirm;
use crate::terminal::interrupt::Interrupt;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;

/// The label while the hostnames of a CA are looked for.
pub(crate) const READING_ZONES: &str = "reading the zones of the account";

/// Where the API is, unless another base URL is given.
pub(crate) const CLOUDFLARE: &str = "https://api.cloudflare.com/";

pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) output: Output,
    pub(crate) interrupt: Interrupt,
    ledger: Ledger,
}

impl Context {
    pub(crate) fn new(global: Global) -> Result<Self, Failure> {
        let output = Output { format: global.format(), quiet: global.quiet };
        let ledger = Ledger::default();
        let (reporter, done) = (global.reporter(), ledger.clone());
        let interrupt = Interrupt::listen(move |is_change_in_progress| {
            let failure = done.interrupted_twice(is_change_in_progress);
            reporter.report(&failure);
            failure.exit().code()
        });
        let interrupt = interrupt.map_err(|error| {
            Failure::new(Kind::Io, "cannot listen for signals").with_cause(error)
        })?;
        Ok(Self { global, output, interrupt, ledger })
    }

    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        let path = match self.global.token_stdin {
            true => Some(PathBuf::from("-")),
            false => self.global.token_file.clone(),
        };
        let token = match path {
            Some(path) => {
                let bytes = self.read(&path).await?;
                Some(input::text(&bytes, &path)?.into())
            }
            None => None,
        };
        credentials::client(&self.global, token)
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
        match &self.global.account {
            Some(text) => input::trim(text).parse().map_err(|error| {
                Failure::invalid_input(format!("--account: not an account id: {error}"))
            }),
            None => cf_mtls::account_id_from_env().map_err(|error: Error| {
                Failure::from(error).with_hint("pass --account ID, or set CLOUDFLARE_ACCOUNT_ID")
            }),
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

    /// Reads a file, or standard input for `-` unless that provides the token.
    pub(crate) async fn read_input(&self, path: &Path) -> Result<Bytes, Failure> {
        if input::is_stdin(path) && self.global.token_from_stdin() {
            let message = "standard input already provides the token";
            return Err(Failure::usage(message));
        }
        self.read(path).await
    }

    /// The values of an argument, where `-` reads them from standard input, one per
    /// line, without empty lines and those that start with `#`. Each has the place
    /// it comes from, for messages.
    pub(crate) async fn values(
        &self,
        arguments: &[String],
    ) -> Result<Vec<(String, String)>, Failure> {
        let mut values = Vec::new();
        for argument in arguments {
            if argument != "-" {
                values.push((input::trim(argument).to_owned(), String::new()));
                continue;
            }
            let bytes = self.read_input(Path::new(argument)).await?;
            let text = input::text(&bytes, Path::new(argument))?;
            for (number, line) in (1..).zip(text.lines().map(str::trim)) {
                if !line.is_empty() && !line.starts_with('#') {
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
        let asks = !(consent.yes || consent.dry_run);
        asks || (self.output.is_table() && !self.output.quiet)
    }

    /// Runs something that only reads, and may take long.
    pub(crate) async fn reading<T, E>(
        &self,
        label: &str,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>, Failure> {
        let progress = Progress::spinner(self.output.quiet, label);
        let value = self.interrupt.reading(read).await;
        progress.finish();
        Ok(value?)
    }

    /// Asks for confirmation, unless `--yes` is given. The plan has been shown, so
    /// that it can be read even if there is no terminal to ask on.
    pub(crate) async fn confirm(&self, consent: Consent, question: &str) -> Result<(), Failure> {
        if consent.yes {
            return Ok(());
        }
        if self.global.token_from_stdin() || !confirm::is_possible() {
            return Err(Failure::usage(
                "cannot ask for confirmation without a terminal; nothing was changed; pass --yes \
                 to proceed",
            ));
        }
        match confirm::ask(&self.interrupt, question).await? {
            true => Ok(()),
            false => Err(Failure::new(Kind::Declined, "not confirmed; nothing was changed")),
        }
    }

    /// Reports the steps of a release or rotation.
    pub(crate) fn steps(&self, label: &str) -> StepReporter<'_> {
        StepReporter::new(self.output, &self.interrupt, &self.ledger, label)
    }
}
