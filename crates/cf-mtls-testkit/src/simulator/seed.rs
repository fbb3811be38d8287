//! Certificates that a test stores without a request.

use std::time::{Duration, SystemTime};

use crate::simulator::chain::{self, Unreadable};
use crate::simulator::clock::{Clock, calendar, microseconds, seconds};
use crate::simulator::world::{CUSTOM, Stored, UnknownId};

/// A certificate to put into the simulator without a request; see
/// [`Simulator::seed`](super::Simulator::seed).
///
/// Neither the quota nor the rules of an upload apply, only the PEM has to
/// parse. Lists show it at once.
#[derive(Clone, Debug)]
#[must_use = "a seed does nothing until it is put into a simulator"]
pub struct Seed {
    pem: String,
    ca: bool,
    name: Option<String>,
    id: Option<String>,
    kind: String,
    account: Option<String>,
    uploaded_on: Option<SystemTime>,
    expires_on: Option<SystemTime>,
}

/// Why a seed was not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeedError {
    /// Its PEM text holds no certificate that can be read, or more than certificates.
    UnreadablePem,
    /// The simulator does not hold its account.
    UnknownAccount(UnknownId),
}

impl std::fmt::Display for SeedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnreadablePem => {
                f.write_str("the text holds no certificate in PEM, or more than certificates")
            }
            Self::UnknownAccount(unknown) => unknown.fmt(f),
        }
    }
}

impl std::error::Error for SeedError {}

impl Seed {
    /// A CA.
    pub fn ca(pem: impl Into<String>) -> Self {
        Self {
            pem: pem.into(),
            ca: true,
            name: None,
            id: None,
            kind: CUSTOM.to_owned(),
            account: None,
            uploaded_on: None,
            expires_on: None,
        }
    }

    /// A leaf certificate; its key is not needed.
    pub fn leaf(pem: impl Into<String>) -> Self {
        Self { ca: false, ..Self::ca(pem) }
    }

    /// The name; none by default.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The id, in place of a random UUID. A certificate which has it already
    /// is replaced. Requests reach only 32 hexadecimal digits and UUIDs.
    pub fn id(mut self, id: impl AsRef<str>) -> Self {
        self.id = Some(id.as_ref().to_owned());
        self
    }

    /// The account, in place of the simulator's own; see
    /// [`Simulator::add_account`](crate::simulator::Simulator::add_account).
    pub fn account(mut self, id: impl AsRef<str>) -> Self {
        self.account = Some(id.as_ref().to_owned());
        self
    }

    /// The `type`, such as `gateway_managed`; `custom` by default. Others than
    /// `custom` cannot be deleted.
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }

    /// The date of the upload; the simulator's now by default.
    pub fn uploaded_on(mut self, at: SystemTime) -> Self {
        self.uploaded_on = Some(at);
        self
    }

    /// The date of expiry, in place of the one in the certificate.
    pub fn expires_on(mut self, at: SystemTime) -> Self {
        self.expires_on = Some(at);
        self
    }

    pub(crate) fn into_stored(self, account: &str, clock: &Clock) -> Result<Stored, SeedError> {
        let chain =
            chain::read_chain(&self.pem).map_err(|_: Unreadable| SeedError::UnreadablePem)?;
        let details = chain.first().clone();
        Ok(Stored {
            account: self.account.unwrap_or_else(|| account.to_owned()),
            id: self.id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            ca: self.ca,
            pem: self.pem,
            name: self.name,
            kind: self.kind,
            expires_on: self.expires_on.map_or(details.expires_on, calendar),
            uploaded_on: self.uploaded_on.map_or_else(|| clock.now(), calendar),
            listed: Duration::ZERO,
            content: chain.content(),
            details,
        })
    }
}

/// A certificate as the simulator holds it, in the words of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredCertificate {
    /// The account.
    pub account_id: String,
    /// The id.
    pub id: String,
    /// Whether it was stored as a CA.
    pub ca: bool,
    /// The PEM chain as stored.
    pub certificates: String,
    /// The name, if it was given one.
    pub name: Option<String>,
    /// The `type`.
    pub kind: String,
    /// The issuer, most specific name first.
    pub issuer: String,
    /// The serial number, decimal.
    pub serial_number: String,
    /// The signature algorithm.
    pub signature: String,
    /// The date of expiry.
    pub expires_on: String,
    /// The date of the upload.
    pub uploaded_on: String,
    /// SHA-256 of the first certificate's DER, lower case hexadecimal digits.
    pub fingerprint: String,
}

impl From<&Stored> for StoredCertificate {
    fn from(stored: &Stored) -> Self {
        Self {
            account_id: stored.account.clone(),
            id: stored.id.clone(),
            ca: stored.ca,
            certificates: stored.pem.clone(),
            name: stored.name.clone(),
            kind: stored.kind.clone(),
            issuer: stored.details.issuer.clone(),
            serial_number: stored.details.serial_number.clone(),
            signature: stored.details.signature.clone(),
            expires_on: seconds(stored.expires_on),
            uploaded_on: microseconds(stored.uploaded_on),
            fingerprint: stored.details.fingerprint.clone(),
        }
    }
}
