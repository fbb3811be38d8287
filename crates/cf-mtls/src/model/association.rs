//! Which services use a certificate.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use cf_mtls_api::types;
use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use crate::text::printable;

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

open_enum! {
    /// How far a service's use of a certificate has come.
    pub enum AssociationStatus {
        /// The use is being prepared.
        Initializing = "initializing",
        /// The use is on its way to the edge.
        PendingDeployment = "pending_deployment",
        /// The certificate is in use.
        Active = "active",
        /// The end of the use is on its way to the edge.
        PendingDeletion = "pending_deletion",
        /// The use has ended.
        Deleted = "deleted",
        /// The use did not reach the edge in time.
        DeploymentTimedOut = "deployment_timed_out",
        /// The end of the use did not reach the edge in time.
        DeletionTimedOut = "deletion_timed_out",
    }
}

/// A status that the service did not give.
fn missing_status() -> AssociationStatus {
    String::new().into()
}

impl Association {
    /// The use of a certificate by a service.
    pub fn new(service: impl Into<String>, status: AssociationStatus) -> Self {
        Self { service: service.into(), status }
    }

    pub(crate) fn from_wire(wire: types::Association) -> Self {
        Self::new(wire.service.unwrap_or_default(), wire.status.unwrap_or_default().into())
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
