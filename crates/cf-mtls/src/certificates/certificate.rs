//! A certificate as the service describes it.

use std::fmt;

use cf_mtls_api::{CertificateId, CertificateType, types};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::pem::CertificateChain;
use crate::error::Error;

/// An mTLS certificate as the service describes it. It may leave out any field but the
/// id.
///
/// Serializes to the service's own JSON. Two certificates are equal when their
/// fields are; PEM texts of the same certificates count as equal.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(with = "types::Certificate"))]
pub struct Certificate {
    id: CertificateId,
    /// All but the id.
    rest: types::Certificate,
}

impl Certificate {
    /// The id, by which other calls name the certificate.
    pub fn id(&self) -> &CertificateId {
        &self.id
    }

    /// The name given at the upload.
    pub fn name(&self) -> Option<&str> {
        self.rest.name.as_deref()
    }

    /// Whether this is a CA rather than a leaf.
    pub fn is_ca(&self) -> Option<bool> {
        self.rest.ca
    }

    /// Who manages it.
    pub fn certificate_type(&self) -> Option<CertificateType> {
        self.rest.type_.clone().map(Into::into)
    }

    /// The certificate, or chain, in PEM.
    pub fn pem(&self) -> Option<&str> {
        self.rest.certificates.as_deref()
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
        self.rest.issuer.as_deref()
    }

    /// The serial number in decimal digits.
    pub fn serial_number(&self) -> Option<&str> {
        self.rest.serial_number.as_deref()
    }

    /// The signature algorithm, such as `SHA256WithRSA`.
    pub fn signature(&self) -> Option<&str> {
        self.rest.signature.as_deref()
    }

    /// When it expires. `None` if the time is missing or unreadable.
    pub fn expires_on(&self) -> Option<Timestamp> {
        self.rest.expires_on.as_ref()?.parse()
    }

    /// When it was uploaded. `None` if the time is missing or unreadable.
    pub fn uploaded_on(&self) -> Option<Timestamp> {
        self.rest.uploaded_on.as_ref()?.parse()
    }

    /// When it was last changed; in the response to an upload.
    pub fn updated_at(&self) -> Option<Timestamp> {
        self.rest.updated_at.as_ref()?.parse()
    }

    /// Whether it has expired at `moment`; `None` if that is unknown.
    #[must_use]
    pub fn is_expired_at(&self, moment: Timestamp) -> Option<bool> {
        self.expires_on().map(|end| end <= moment)
    }

    /// `None` without a valid id.
    #[inline]
    pub(crate) fn from_wire(mut wire: types::Certificate) -> Option<Self> {
        Some(Self { id: wire.id.take()?, rest: wire })
    }

    /// What can be compared as it is.
    fn facts(&self) -> impl PartialEq + '_ {
        let Self { id, rest } = self;
        let texts = [&rest.issuer, &rest.name, &rest.serial_number, &rest.signature, &rest.type_];
        (id, rest.ca, texts, [&rest.expires_on, &rest.uploaded_on, &rest.updated_at])
    }
}

impl Serialize for Certificate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut wire = self.rest.clone();
        wire.id = Some(self.id.clone());
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Certificate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = types::Certificate::deserialize(deserializer)?;
        Self::from_wire(wire).ok_or_else(|| D::Error::missing_field("id"))
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        let has_same_pem = || {
            self.pem() == other.pem()
                || matches!((self.chain(), other.chain()), (Ok(a), Ok(b)) if a == b)
        };
        self.facts() == other.facts() && has_same_pem()
    }
}

impl Eq for Certificate {}

impl fmt::Display for Certificate {
    /// One line: id, name, kind and expiry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id.as_str())?;
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
