//! Hostnames of one zone.

use std::fmt;

use cf_mtls::ZoneId;
use cf_mtls::text::printable;
use serde::{Deserialize, Serialize};

/// Hostnames of a zone that are tied to a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ZoneHostnames {
    /// The zone.
    pub zone_id: ZoneId,
    /// The zone's domain name, where the service reports it.
    pub zone_name: Option<String>,
    /// The hostnames, as the service writes them.
    pub hostnames: Vec<String>,
}

impl ZoneHostnames {
    /// Other hostnames of the same zone; `None` without any.
    pub(crate) fn with_hostnames(&self, hostnames: Vec<String>) -> Option<Self> {
        (!hostnames.is_empty()).then(|| Self {
            zone_id: self.zone_id.clone(),
            zone_name: self.zone_name.clone(),
            hostnames,
        })
    }
}

impl fmt::Display for ZoneHostnames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone_name.as_deref();
        let zone = printable(zone.unwrap_or(self.zone_id.as_str()));
        let hostnames = printable(&self.hostnames.join(", "));
        write!(f, "{hostnames} in zone {zone}")
    }
}
