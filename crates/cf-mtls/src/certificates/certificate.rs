//! A certificate as the service describes it.

use std::fmt;

use cf_mtls_api::{CertificateId, types};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::str::FromStr;

use super::pem::CertificateChain;
use crate::error::Error;
use crate::model::open_enum::open_enum;

/// An mTLS certificate as the service describes it. It may leave out any field.
///
/// Serializes to the service's own JSON. Two certificates are equal when their
/// fields are; PEM texts of the same certificates count as equal.
#[derive(Clone, Serialize, Deserialize)]
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
    /// The id, to name the certificate by in other calls.
    #[must_use]
    pub fn id(&self) -> Option<&CertificateId> {
        self.0.id.as_ref()
    }

    /// The name given at the upload.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether this is a CA rather than a leaf.
    #[must_use]
    pub fn is_ca(&self) -> Option<bool> {
        self.0.ca
    }

    /// Who manages it.
    #[must_use]
    pub fn certificate_type(&self) -> Option<CertificateType> {
        self.0.type_.clone().map(Into::into)
    }

    /// The certificate, or chain, in PEM.
    #[must_use]
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
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// The serial number in decimal digits.
    #[must_use]
    pub fn serial_number(&self) -> Option<&str> {
        self.0.serial_number.as_deref()
    }

    /// The signature algorithm, such as `SHA256WithRSA`.
    #[must_use]
    pub fn signature(&self) -> Option<&str> {
        self.0.signature.as_deref()
    }

    /// When it stops being valid. `None` where the time is missing or unreadable.
    #[must_use]
    pub fn expires_on(&self) -> Option<Timestamp> {
        parse(self.0.expires_on.as_ref())
    }

    /// When it was uploaded. `None` where the time is missing or unreadable.
    #[must_use]
    pub fn uploaded_on(&self) -> Option<Timestamp> {
        parse(self.0.uploaded_on.as_ref())
    }

    /// When it was last changed; comes with the answer to an upload.
    #[must_use]
    pub fn updated_at(&self) -> Option<Timestamp> {
        parse(self.0.updated_at.as_ref())
    }

    /// Whether it has stopped being valid at `moment`. `None` where that is
    /// not known.
    #[must_use]
    pub fn is_expired_at(&self, moment: Timestamp) -> Option<bool> {
        self.expires_on().map(|end| end <= moment)
    }

    /// A certificate of which nothing is known.
    pub(crate) fn blank() -> Self {
        Self(types::Certificate::default())
    }

    /// Whether nothing at all is known of it.
    pub(crate) fn is_blank(&self) -> bool {
        let types::Certificate {
            ca,
            certificates,
            expires_on,
            id,
            issuer,
            name,
            serial_number,
            signature,
            type_,
            updated_at,
            uploaded_on,
            ..
        } = &self.0;
        let texts = [certificates, issuer, name, serial_number, signature, type_];
        let times = [expires_on, updated_at, uploaded_on];
        ca.is_none()
            && id.is_none()
            && texts.iter().all(|text| text.is_none())
            && times.iter().all(|time| time.is_none())
    }
}

/// Times are parsed when asked for: most callers never ask.
fn parse(text: Option<&cf_mtls_api::Timestamp>) -> Option<Timestamp> {
    text?.0.parse().ok()
}

impl From<types::Certificate> for Certificate {
    fn from(wire: types::Certificate) -> Self {
        Self(wire)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        let times = |c: &types::Certificate| {
            (
                c.expires_on.clone(),
                c.uploaded_on.clone(),
                c.updated_at.clone(),
            )
        };
        (
            &a.id,
            a.ca,
            &a.issuer,
            &a.name,
            &a.serial_number,
            &a.signature,
            &a.type_,
        ) == (
            &b.id,
            b.ca,
            &b.issuer,
            &b.name,
            &b.serial_number,
            &b.signature,
            &b.type_,
        ) && times(a) == times(b)
            && same_pem(self, other)
    }
}

impl Eq for Certificate {}

fn same_pem(a: &Certificate, b: &Certificate) -> bool {
    a.pem() == b.pem() || matches!((a.chain(), b.chain()), (Ok(a), Ok(b)) if a == b)
}

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

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Certificate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        types::Certificate::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        types::Certificate::json_schema(generator)
    }
}
