//! Which CA a list of hostnames belongs to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{CertificateId, InvalidId};

const MANAGED: &str = "cloudflare_managed";

/// The CA that a list of hostnames belongs to.
///
/// A zone has one list for each uploaded CA, and one for the CA that Cloudflare
/// manages. The service takes a missing id for the latter, so one forgotten field
/// can switch off mTLS for a zone; here there is no default.
///
/// As text, and in JSON, it is the id, or `cloudflare_managed` (`cloudflare-managed` is read,
/// too). There is no third kind, so the enum can be matched without a wildcard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(with = "String"))]
#[serde(try_from = "String", into = "String")]
pub enum ClientCa {
    /// A CA certificate that was uploaded to the account.
    Uploaded(CertificateId),
    /// The CA that Cloudflare manages for the zone.
    CloudflareManaged,
}

impl ClientCa {
    /// The id of the certificate; `None` for the CA that Cloudflare manages.
    pub fn certificate_id(&self) -> Option<&CertificateId> {
        match self {
            Self::Uploaded(id) => Some(id),
            Self::CloudflareManaged => None,
        }
    }
}

impl fmt::Display for ClientCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.certificate_id().map_or(MANAGED, CertificateId::as_str))
    }
}

/// Reads an id, or `cloudflare_managed`.
impl FromStr for ClientCa {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text {
            // The hyphen is a likely slip, and would pass for an id.
            MANAGED | "cloudflare-managed" => Ok(Self::CloudflareManaged),
            id => id.parse().map(Self::Uploaded),
        }
    }
}

impl TryFrom<String> for ClientCa {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<ClientCa> for String {
    fn from(ca: ClientCa) -> Self {
        ca.to_string()
    }
}

impl From<CertificateId> for ClientCa {
    fn from(id: CertificateId) -> Self {
        Self::Uploaded(id)
    }
}

impl From<&CertificateId> for ClientCa {
    fn from(id: &CertificateId) -> Self {
        Self::Uploaded(id.clone())
    }
}
