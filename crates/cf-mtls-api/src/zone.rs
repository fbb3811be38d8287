//! Zones, and hostnames of one zone.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::printable;
use crate::{ZoneId, types};

/// A zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Zone {
    /// The id, by which other calls name the zone.
    pub id: ZoneId,
    /// The domain name.
    pub name: Option<String>,
    /// The state, such as `active`.
    pub status: Option<String>,
}

impl Zone {
    /// A zone of which only the id is known.
    pub fn new(id: ZoneId) -> Self {
        Self { id, name: None, status: None }
    }
}

impl types::Zone {
    /// The zone; `None` without an id.
    #[must_use]
    pub fn into_value(self) -> Option<Zone> {
        Some(Zone { id: self.id?, name: self.name, status: self.status })
    }
}

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
    /// Hostnames of a zone.
    pub fn new(zone_id: ZoneId, zone_name: Option<String>, hostnames: Vec<String>) -> Self {
        Self { zone_id, zone_name, hostnames }
    }

    /// Other hostnames of the same zone; `None` without any.
    pub fn with_hostnames(&self, hostnames: Vec<String>) -> Option<Self> {
        let new = || Self::new(self.zone_id.clone(), self.zone_name.clone(), hostnames.clone());
        (!hostnames.is_empty()).then(new)
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
