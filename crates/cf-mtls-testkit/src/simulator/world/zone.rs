//! A zone, its entitlement, and its hostnames by CA.

use std::collections::BTreeMap;
use std::time::Duration;

use super::binding::{Binding, Stage};
use crate::simulator::record::Gap;

#[derive(Debug)]
pub(crate) struct Zone {
    pub(crate) account: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) entitlement: Entitlement,
    /// `None` is the CA that the service manages.
    pub(crate) bindings: BTreeMap<Option<String>, Binding>,
}

/// Whether a zone can hold hostnames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entitlement {
    /// It can.
    #[default]
    Granted,
    /// It has no entitlement: reads and changes are refused with HTTP 403,
    /// see [`Refusal::NotEntitled`](crate::simulator::Refusal::NotEntitled).
    Missing,
    /// The zone is pending, or has nothing of the kind: HTTP 404, code 7003.
    NotRouted,
}

/// Why a hostname list was not read or replaced.
#[derive(Debug, PartialEq)]
pub(crate) enum HostnamesError {
    NotEntitled(Entitlement),
    UnknownZone,
    UnknownCertificate,
    NotACa,
    Taken(String),
}

impl Zone {
    pub(crate) fn check_entitlement(&self) -> Result<(), HostnamesError> {
        match self.entitlement {
            Entitlement::Granted => Ok(()),
            other => Err(HostnamesError::NotEntitled(other)),
        }
    }

    /// Whether a removed hostname is without an active CA now.
    pub(crate) fn gap(&self, hostname: String, now: Duration, delay: Duration) -> Option<Gap> {
        let mut successor_pending = false;
        for binding in self.bindings.values() {
            match binding.stage_of(&hostname, now, delay) {
                Some(Stage::Active) => return None,
                Some(_) => successor_pending = true,
                None => {}
            }
        }
        Some(Gap { zone_id: self.id.clone(), hostname, successor_pending })
    }
}
