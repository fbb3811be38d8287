//! A certificate as the service describes it.

use std::fmt;

use cf_mtls_api::{CertificateId, CertificateType, types};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::pem::CertificateChain;
use crate::error::Error;

/// An mTLS certificate as the service describes it. It may leave out any field but the id.
///
/// Two certificates are equal when their fields are; PEM texts of the same certificates
/// count as equal. Serializes to the service's own JSON, which makes one for a test, too:
///
/// ```
/// let json = serde_json::json!({ "id": "ca-1", "name": "devices", "ca": true });
/// let ca: cf_mtls::Certificate = serde_json::from_value(json).unwrap();
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(with = "types::Certificate", transform = complete))]
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

    /// The certificate, or chain, read from its PEM.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when there
    /// is no PEM, or it cannot be read.
    pub fn chain(&self) -> Result<CertificateChain, Error> {
        CertificateChain::from_pem(self.pem().unwrap_or_default())
    }

    /// Whether it has expired at `moment`; `None` if that is unknown.
    #[must_use]
    pub fn is_expired_at(&self, moment: Timestamp) -> Option<bool> {
        self.expires_on().map(|end| end <= moment)
    }

    /// Whether it has this name; `None` if the service does not say.
    pub(super) fn has_name(&self, name: &str) -> Option<bool> {
        Some(self.rest.name.as_deref()? == name)
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

/// Declares what the service may say of a certificate.
macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $type:ty = |$wire:ident| $get:expr;)*) => {
        impl Certificate {$(
            $(#[$doc])*
            pub fn $name(&self) -> $type {
                let $wire = &self.rest;
                $get
            }
        )*}
    };
}

fields! {
    /// The name given at the upload; `None` without one, also where the service sends `""`.
    name: Option<&str> = |it| it.name.as_deref().filter(|name| !name.is_empty());
    /// Whether this is a CA rather than a leaf.
    is_ca: Option<bool> = |it| it.ca;
    /// Who manages it.
    certificate_type: Option<CertificateType> = |it| it.type_.clone().map(Into::into);
    /// The certificate, or chain, in PEM.
    pem: Option<&str> = |it| it.certificates.as_deref();
    /// The issuer's distinguished name, most specific attribute first.
    issuer: Option<&str> = |it| it.issuer.as_deref();
    /// The serial number in decimal digits.
    serial_number: Option<&str> = |it| it.serial_number.as_deref();
    /// The signature algorithm, such as `SHA256WithRSA`.
    signature: Option<&str> = |it| it.signature.as_deref();
    /// When it expires. `None` if the time is missing or unreadable.
    expires_on: Option<Timestamp> = |it| it.expires_on.as_ref()?.parse();
    /// When it was uploaded. `None` if the time is missing or unreadable.
    uploaded_on: Option<Timestamp> = |it| it.uploaded_on.as_ref()?.parse();
    /// When it was last changed; in the response to an upload.
    updated_at: Option<Timestamp> = |it| it.updated_at.as_ref()?.parse();
}

/// The wire's schema, with the id that a certificate has, and the known types.
#[cfg(feature = "schemars")]
fn complete(schema: &mut schemars::Schema) {
    schema.insert("required".to_owned(), serde_json::json!(["id"]));
    let known = schemars::schema_for!(CertificateType).remove("examples").unwrap_or_default();
    if let Some(kind) = schema.pointer_mut("/properties/type") {
        kind["examples"] = known;
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
