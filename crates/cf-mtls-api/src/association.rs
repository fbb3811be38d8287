//! Which services use a certificate.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::printable;
use crate::{AssociationStatus, types};

/// A service that uses a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Association {
    /// The service's name, such as `gateway`; empty where none was given.
    #[serde(default)]
    pub service: String,
    /// How far the use has come.
    #[serde(default = "missing_status")]
    pub status: AssociationStatus,
}

/// A status that the service did not give.
fn missing_status() -> AssociationStatus {
    String::new().into()
}

impl types::Association {
    /// The use of a certificate; what is missing is empty.
    #[must_use]
    pub fn into_value(self) -> Association {
        let status = self.status.unwrap_or_default().into();
        Association::new(self.service.unwrap_or_default(), status)
    }
}

impl Association {
    /// The use of a certificate by a service.
    pub fn new(service: impl Into<String>, status: AssociationStatus) -> Self {
        Self { service: service.into(), status }
    }

    /// Whether the use has ended, so that it keeps nothing from being deleted.
    pub fn has_ended(&self) -> bool {
        self.status == AssociationStatus::Deleted
    }

    /// Whether the use lasts: it has not ended, and is not ending by itself.
    pub fn is_live(&self) -> bool {
        !self.has_ended() && self.status != AssociationStatus::PendingDeletion
    }
}

impl fmt::Display for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = match self.service.as_str() {
            "" => "a service without a name",
            service => service,
        };
        let status = self.status.to_string();
        write!(f, "{} ({})", printable(service), printable(&status))
    }
}
