//! Everything that requests change: certificates, zones and who uses what.

mod binding;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::simulator::chain::Details;
use crate::simulator::rate_limit::RateLimit;
use crate::simulator::record::{Effects, Gap};
use crate::simulator::settings::{HostnameRule, Settings, random_hex_id};
use binding::{Binding, Stage};

/// Everything that requests change, behind one lock.
///
/// Methods are short and never wait; parsing happens before they are called.
#[derive(Debug)]
pub(crate) struct World {
    /// By order of upload, which is the order of the list.
    certificates: BTreeMap<u64, Arc<Stored>>,
    places: HashMap<String, u64>,
    next_place: u64,
    services: HashMap<String, Vec<Service>>,
    zones: Vec<Zone>,
    zone_places: HashMap<String, usize>,
    pub(crate) effects: Effects,
    pub(crate) rate_limit: Option<RateLimit>,
}

#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) ca: bool,
    pub(crate) pem: String,
    pub(crate) name: Option<String>,
    pub(crate) kind: String,
    pub(crate) details: Details,
    pub(crate) expires_on: Timestamp,
    pub(crate) uploaded_on: Timestamp,
}

/// A service attached by a test.
#[derive(Debug)]
struct Service {
    name: String,
    status: String,
    leaving_since: Option<Duration>,
}

#[derive(Debug)]
pub(crate) struct Zone {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `None` is the CA that the service manages.
    bindings: BTreeMap<Option<String>, Binding>,
}

/// The account holds no certificate or zone with this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownId;

impl std::fmt::Display for UnknownId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the simulator holds no certificate or zone with this id")
    }
}

impl std::error::Error for UnknownId {}

/// Why a certificate was not deleted.
#[derive(Debug, PartialEq)]
pub(crate) enum DeleteError {
    Unknown,
    InUse,
}

/// Why a hostname list was not replaced.
#[derive(Debug, PartialEq)]
pub(crate) enum ReplaceError {
    UnknownZone,
    UnknownCertificate,
    NotACa,
    Taken(String),
}

/// A row of a certificate's associations.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Association {
    pub(crate) service: String,
    pub(crate) status: String,
}

impl World {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            certificates: BTreeMap::new(),
            places: HashMap::new(),
            next_place: 0,
            services: HashMap::new(),
            zones: Vec::new(),
            zone_places: HashMap::new(),
            effects: Effects::default(),
            rate_limit: settings.rate_limit.map(RateLimit::new),
        }
    }

    pub(crate) fn certificates(&self) -> impl Iterator<Item = &Arc<Stored>> {
        self.certificates.values()
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Stored>> {
        self.places
            .get(id)
            .and_then(|place| self.certificates.get(place))
            .cloned()
    }

    /// Uploaded CAs, which are what the quota counts.
    pub(crate) fn custom_cas(&self) -> usize {
        self.certificates()
            .filter(|stored| stored.ca && stored.kind == CUSTOM)
            .count()
    }

    /// Puts a certificate in, or in the place of the one with the same id.
    pub(crate) fn insert(&mut self, stored: Stored) -> Arc<Stored> {
        let place = self
            .places
            .get(&stored.id)
            .copied()
            .unwrap_or(self.next_place);
        self.next_place = self.next_place.max(place + 1);
        let stored = Arc::new(stored);
        self.places.insert(stored.id.clone(), place);
        self.certificates.insert(place, Arc::clone(&stored));
        stored
    }

    pub(crate) fn delete(
        &mut self,
        id: &str,
        now: Duration,
        settings: &Settings,
    ) -> Result<Arc<Stored>, DeleteError> {
        let stored = self.find(id).ok_or(DeleteError::Unknown)?;
        let remains = |row: &Association| row.status != "deleted";
        if self.associations(id, now, settings).iter().any(remains) {
            return Err(DeleteError::InUse);
        }
        if let Some(place) = self.places.remove(id) {
            self.certificates.remove(&place);
        }
        self.services.remove(id);
        for zone in &mut self.zones {
            zone.bindings.remove(&Some(id.to_owned()));
        }
        Ok(stored)
    }

    /// Who uses a certificate: services attached by the test, then one row for
    /// each zone in which the certificate has or just had hostnames.
    pub(crate) fn associations(
        &self,
        id: &str,
        now: Duration,
        settings: &Settings,
    ) -> Vec<Association> {
        let delay = settings.propagation;
        let key = Some(id.to_owned());
        let services = self.services.get(id).into_iter().flatten();
        let attached = services
            .filter(|service| service.remains(now, delay))
            .map(|service| Association {
                service: service.name.clone(),
                status: service.status.clone(),
            });
        let hostnames = self.zones.iter().filter_map(|zone| {
            let stage = zone.bindings.get(&key)?.stage(now, delay)?;
            let service = settings.hostname_service.clone();
            Some(Association {
                service,
                status: stage.as_str().to_owned(),
            })
        });
        attached.chain(hostnames).collect()
    }

    pub(crate) fn attach(&mut self, id: &str, name: &str, status: &str) -> Result<(), UnknownId> {
        self.find(id).ok_or(UnknownId)?;
        let services = self.services.entry(id.to_owned()).or_default();
        services.retain(|service| service.name != name);
        let (name, status) = (name.to_owned(), status.to_owned());
        services.push(Service {
            name,
            status,
            leaving_since: None,
        });
        Ok(())
    }

    pub(crate) fn detach(&mut self, id: &str, name: &str, now: Duration) -> Result<(), UnknownId> {
        let services = self.services.get_mut(id).ok_or(UnknownId)?;
        let service = services
            .iter_mut()
            .find(|service| service.name == name)
            .ok_or(UnknownId)?;
        service.status = Stage::PendingDeletion.as_str().to_owned();
        service.leaving_since = Some(now);
        Ok(())
    }

    pub(crate) fn zones(&self) -> &[Zone] {
        &self.zones
    }

    pub(crate) fn add_zone(&mut self, name: &str) -> String {
        let id = random_hex_id();
        self.zone_places.insert(id.clone(), self.zones.len());
        let (name, bindings) = (name.to_owned(), BTreeMap::new());
        self.zones.push(Zone {
            id: id.clone(),
            name,
            bindings,
        });
        id
    }

    fn zone(&self, id: &str) -> Option<&Zone> {
        self.zone_places
            .get(id)
            .and_then(|place| self.zones.get(*place))
    }

    pub(crate) fn knows_zone(&self, id: &str) -> bool {
        self.zone_places.contains_key(id)
    }

    pub(crate) fn hostnames(&self, zone: &str, owner: Option<&str>) -> Vec<String> {
        let binding = self
            .zone(zone)
            .and_then(|zone| zone.bindings.get(&owner.map(str::to_owned)));
        binding.map(Binding::hostnames).unwrap_or_default()
    }

    /// Replaces one list; `owner` is `None` for the managed CA. Returns the
    /// hostnames that were left without an active CA.
    pub(crate) fn replace_hostnames(
        &mut self,
        zone: &str,
        owner: Option<&str>,
        wanted: &[String],
        now: Duration,
        settings: &Settings,
    ) -> Result<Vec<Gap>, ReplaceError> {
        if let Some(id) = owner {
            let stored = self.find(id).ok_or(ReplaceError::UnknownCertificate)?;
            if !stored.ca {
                return Err(ReplaceError::NotACa);
            }
        }
        let place = self.zone_places.get(zone).copied();
        let zone = place
            .and_then(|place| self.zones.get_mut(place))
            .ok_or(ReplaceError::UnknownZone)?;
        let owner = owner.map(str::to_owned);
        let delay = settings.propagation;
        let others = zone
            .bindings
            .iter_mut()
            .filter(|(other, _)| **other != owner);
        match settings.hostname_rule {
            HostnameRule::Shared => {}
            HostnameRule::Moves => {
                for (_, binding) in others {
                    let mut left = binding.hostnames();
                    left.retain(|hostname| !wanted.contains(hostname));
                    binding.replace(&left, now);
                }
            }
            HostnameRule::Exclusive => {
                for (_, binding) in others {
                    let mut held = binding.hostnames().into_iter();
                    if let Some(taken) = held.find(|hostname| wanted.contains(hostname)) {
                        return Err(ReplaceError::Taken(taken));
                    }
                }
            }
        }
        let removed = zone.bindings.entry(owner).or_default().replace(wanted, now);
        for binding in zone.bindings.values_mut() {
            binding.settle(now, delay);
        }
        Ok(removed
            .into_iter()
            .filter_map(|hostname| zone.gap(hostname, now, delay))
            .collect())
    }
}

impl Service {
    fn remains(&self, now: Duration, delay: Duration) -> bool {
        self.leaving_since
            .is_none_or(|since| now < since.saturating_add(delay))
    }
}

impl Zone {
    /// Whether a removed hostname is without an active CA now.
    fn gap(&self, hostname: String, now: Duration, delay: Duration) -> Option<Gap> {
        let mut successor_pending = false;
        for binding in self.bindings.values() {
            match binding.stage_of(&hostname, now, delay) {
                Some(Stage::Active) => return None,
                Some(_) => successor_pending = true,
                None => {}
            }
        }
        Some(Gap {
            zone_id: self.id.clone(),
            hostname,
            successor_pending,
        })
    }
}

pub(crate) const CUSTOM: &str = "custom";
