//! What every command works with: options, output, Ctrl-C and the client.

use std::path::Path;

use cf_mtls::{AccountId, CertificateId, Certificates, Client, Error, Secret};

use crate::credentials;
use crate::input;
use crate::options::{Consent, Global};
use crate::report::exit::Kind;
use crate::report::failure::Failure;
use crate::report::output::Output;
use crate::report::steps::{Ledger, StepReporter};
use crate::terminal::confirm;
use crate::terminal::interrupt::Interrupt;
use crate::terminal::progress::Progress;

/// The label while the hostnames of a CA are looked for.
pub(crate) const READING_ZONES: &str = "reading the zones of the account";

pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) output: Output,
    pub(crate) interrupt: Interrupt,
    ledger: Ledger,
}

impl Context {
    pub(crate) fn new(global: Global) -> Result<Self, Failure> {
        let output = Output {
            format: global.output,
            quiet: global.quiet,
        };
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
        Ok(Self {
            global,
            output,
            interrupt,
            ledger,
        })
    }

    pub(crate) fn client(&self) -> Result<Client, Failure> {
        credentials::client(&self.global)
    }

    /// The account from `--account` or the environment.
    pub(crate) fn account(&self) -> Result<AccountId, Failure> {
        match &self.global.account {
            Some(text) => text.trim().parse().map_err(|error| {
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

    pub(crate) fn certificates(&self) -> Result<Certificates, Failure> {
        // A missing account is reported without reading the token.
        let account = self.account()?;
        Ok(self.client()?.certificates(&account))
    }

    /// Reads a file, or standard input for `-` unless that provides the token.
    pub(crate) fn read_input(&self, path: &Path) -> Result<Secret, Failure> {
        if input::is_stdin(path) && self.global.token_from_stdin() {
            let message = "standard input already provides the token";
            return Err(Failure::usage(message));
        }
        input::read(path)
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
            false => Err(Failure::new(
                Kind::Declined,
                "not confirmed; nothing was changed",
            )),
        }
    }

    /// Reports the steps of a release or rotation.
    pub(crate) fn steps(&self, label: &str) -> StepReporter<'_> {
        StepReporter::new(self.output, &self.interrupt, &self.ledger, label)
    }
}

/// Reads a certificate id. The message does not contain the text: it may be a
/// secret that was pasted by mistake.
pub(crate) fn certificate_id(text: &str) -> Result<CertificateId, Failure> {
    let id = text.trim().parse();
    id.map_err(|error| Failure::invalid_input(format!("not a certificate id: {error}")))
}
