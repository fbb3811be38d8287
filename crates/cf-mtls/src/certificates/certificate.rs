//! A certificate as the service describes it.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use cf_mtls_api::{CertificateId, types};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pem::CertificateChain;
use crate::error::Error;
use crate::model::open_enum::open_enum;

/// An mTLS certificate as the service describes it. It may leave out any field.
///
/// Serializes to the service's own JSON. Two certificates are equal when their
/// fields are; PEM texts of the same certificates count as equal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Certificate(types::Certificate);

open_enum! {
    /// Who manages a certificate.
    pub enum CertificateType {
        /// The account's owner, who uploaded it.
        Custom = "custom",
        /// Cloudflare Gateway.
        GatewayManaged = "gateway_managed",
        /// Cloudflare Access.
        AccessManaged = "access_managed",
    }
}

impl Certificate {
    /// The id, by which other calls name the certificate.
    pub fn id(&self) -> Option<&CertificateId> {
        self.0.id.as_ref()
    }

    /// The name given at the upload.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether this is a CA rather than a leaf.
    pub fn is_ca(&self) -> Option<bool> {
        self.0.ca
    }

    /// Who manages it.
    pub fn certificate_type(&self) -> Option<CertificateType> {
        self.0.type_.clone().map(Into::into)
    }

    /// The certificate, or chain, in PEM.
    pub fn pem(&self) -> Option<&str> {
        self.0.certificates.as_deref()
    }

    /// The certificate, or chain, read from its PEM.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when there
    /// is no PEM, or it cannot be read.
    pub fn chain(&self) -> Result<CertificateChain, Error> {
        CertificateChain::from_pem(self.pem().unwrap_or_default())
    }

    /// The issuer's distinguished name, most specific attribute first.
    pub fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// The serial number in decimal digits.
    pub fn serial_number(&self) -> Option<&str> {
        self.0.serial_number.as_deref()
    }

    /// The signature algorithm, such as `SHA256WithRSA`.
    pub fn signature(&self) -> Option<&str> {
        self.0.signature.as_deref()
    }

    /// When it expires. `None` if the time is missing or unreadable.
    pub fn expires_on(&self) -> Option<Timestamp> {
        parse(self.0.expires_on.as_ref())
    }

    /// When it was uploaded. `None` if the time is missing or unreadable.
    pub fn uploaded_on(&self) -> Option<Timestamp> {
        parse(self.0.uploaded_on.as_ref())
    }

    /// When it was last changed; in the response to an upload.
    pub fn updated_at(&self) -> Option<Timestamp> {
        parse(self.0.updated_at.as_ref())
    }

    /// Whether it has expired at `moment`; `None` if that is unknown.
    #[must_use]
    pub fn is_expired_at(&self, moment: Timestamp) -> Option<bool> {
        self.expires_on().map(|end| end <= moment)
    }

    /// Whether the response says nothing about it.
    pub(crate) fn is_blank(&self) -> bool {
        let (id, ca, texts, times) = fields(&self.0);
        id.is_none()
            && ca.is_none()
            && self.pem().is_none()
            && texts.iter().all(|text| text.is_none())
            && times.iter().all(|time| time.is_none())
    }
}

type Fields<'a> = (
    &'a Option<CertificateId>,
    Option<bool>,
    [&'a Option<String>; 5],
    [&'a Option<cf_mtls_api::Timestamp>; 3],
);

/// All fields but the PEM.
fn fields(c: &types::Certificate) -> Fields<'_> {
    let texts = [&c.issuer, &c.name, &c.serial_number, &c.signature, &c.type_];
    let times = [&c.expires_on, &c.uploaded_on, &c.updated_at];
    (&c.id, c.ca, texts, times)
}

/// Times are parsed when asked for, since most callers never ask.
fn parse(text: Option<&cf_mtls_api::Timestamp>) -> Option<Timestamp> {
    /// Go's time that was never set.
    const YEAR_ONE: &str = "0001-01-01T00:00:00Z";

    let text = text?.0.as_str();
    match text.parse() {
        Ok(moment) => Some(moment).filter(|_| text != YEAR_ONE),
        // RFC 5280's date for "never", which lies beyond the calendar of `jiff`.
        Err(_) => text.starts_with("9999-12-31T").then_some(Timestamp::MAX),
    }
}

impl From<types::Certificate> for Certificate {
    fn from(wire: types::Certificate) -> Self {
        Self(wire)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        let is_same_pem = || {
            self.pem() == other.pem()
                || matches!((self.chain(), other.chain()), (Ok(a), Ok(b)) if a == b)
        };
        fields(&self.0) == fields(&other.0) && is_same_pem()
    }
}

impl Eq for Certificate {}

impl fmt::Display for Certificate {
    /// One line: id, name, kind and expiry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id().map_or("(no id)", CertificateId::as_str))?;
        if let Some(name) = self.name() {
            write!(f, " {name:?}")?;
        }
        match self.is_ca() {
            Some(true) => f.write_str(", CA")?,
            Some(false) => f.write_str(", leaf")?,
            None => {}
        }
        if let Some(end) = self.expires_on() {
            write!(f, ", expires {end}")?;
        }
        Ok(())
    }
}
