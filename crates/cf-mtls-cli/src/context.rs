//! What every command works with.

use cf_mtls::{AccountId, CertificateId, Certificates, Client, Error};

use crate::credentials;
use crate::options::Global;
use crate::report::failure::{Failure, Report};
use crate::report::output::Output;
use crate::terminal::interrupt::Interrupt;

pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) output: Output,
    pub(crate) interrupt: Interrupt,
}

impl Context {
    pub(crate) fn new(global: Global) -> Result<Self, Failure> {
        let output = Output {
            format: global.output,
            quiet: global.quiet,
        };
        let interrupt = Interrupt::listen(Report::new(&global))?;
        Ok(Self {
            global,
            output,
            interrupt,
        })
    }

    pub(crate) fn client(&self) -> Result<Client, Failure> {
        credentials::client(&self.global)
    }

    /// The account of `--account`, or that of the environment.
    pub(crate) fn account(&self) -> Result<AccountId, Failure> {
        match &self.global.account {
            Some(text) => text
                .trim()
                .parse()
                .map_err(|error| Failure::input(format!("--account: not an account id: {error}"))),
            None => cf_mtls::account_id_from_env().map_err(|error: Error| {
                Failure::from(error).with_hint("pass --account ID, or set CLOUDFLARE_ACCOUNT_ID")
            }),
        }
    }

    pub(crate) fn certificates(&self) -> Result<Certificates, Failure> {
        // The cheap check first: a missing account needs no token.
        let account = self.account()?;
        Ok(self.client()?.certificates(&account))
    }
}

/// An id out of the arguments. The text is not repeated: it may be a secret
/// that was pasted by mistake.
pub(crate) fn certificate_id(text: &str) -> Result<CertificateId, Failure> {
    let id = text.trim().parse();
    id.map_err(|error| Failure::input(format!("not a certificate id: {error}")))
}
