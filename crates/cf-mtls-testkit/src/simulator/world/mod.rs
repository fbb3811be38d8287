//! Everything that requests change: certificates, zones and who uses what.

mod binding;
mod deleted;
mod holders;
mod stored;
mod zone;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::binding::{Binding, Stage};
use self::deleted::{Deleted, Tombstone};
pub(crate) use self::holders::Holders;
pub use self::holders::{Hyperdrive, Worker};
pub(crate) use self::stored::{CUSTOM, Stored};
pub use self::zone::Entitlement;
pub(crate) use self::zone::{HostnamesError, Zone};
use crate::simulator::auth::Keyring;
use crate::simulator::protocol::ids::random_hex_id;
use crate::simulator::rate_limit::RateLimit;
use crate::simulator::record::{Effects, Gap};
use crate::simulator::settings::{HostnameRule, Settings};

/// The state of the service, behind one lock.
///
/// Methods are short and never wait; parsing happens before they are called.
#[derive(Debug)]
pub(crate) struct World {
    /// The first is the simulator's own.
    accounts: Vec<String>,
    /// By order of upload, which is the order of the list.
    certificates: BTreeMap<u64, Arc<Stored>>,
    places: HashMap<String, u64>,
    next_place: u64,
    deleted: Deleted,
    services: HashMap<String, Vec<Service>>,
    pub(crate) holders: Holders,
    zones: Vec<Zone>,
    zone_places: HashMap<String, usize>,
    pub(crate) keyring: Keyring,
    pub(crate) effects: Effects,
    pub(crate) rate_limit: Option<RateLimit>,
}

/// A service attached by a test.
#[derive(Debug)]
struct Service {
    name: String,
    status: String,
    leaving_since: Option<Duration>,
}

/// The simulator holds nothing with this id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownId(String);

impl UnknownId {
    pub(crate) fn new(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// The id, or the name of the service that is not attached.
    pub fn id(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnknownId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the simulator holds nothing with the id {:?}", self.0)
    }
}

impl std::error::Error for UnknownId {}

/// Why a certificate was not deleted.
#[derive(Debug, PartialEq)]
pub(crate) enum DeleteError {
    Unknown,
    AlreadyDeleted,
    Managed,
    InUse,
}

/// Why a certificate was not stored.
#[derive(Debug, PartialEq)]
pub(crate) enum StoreError {
    Duplicate,
    QuotaExceeded,
}

/// A row of a certificate's associations.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Association {
    pub(crate) service: String,
    pub(crate) status: String,
}

impl World {
    pub(crate) fn new(settings: &Settings, keyring: Keyring) -> Self {
        Self {
            accounts: vec![settings.account_id.clone()],
            certificates: BTreeMap::new(),
            places: HashMap::new(),
            next_place: 0,
            deleted: Deleted::default(),
            services: HashMap::new(),
            holders: Holders::default(),
            zones: Vec::new(),
            zone_places: HashMap::new(),
            keyring,
            effects: Effects::default(),
            rate_limit: settings.rate_limit.map(RateLimit::new),
        }
    }

    pub(crate) fn accounts(&self) -> &[String] {
        &self.accounts
    }

    pub(crate) fn add_account(&mut self) -> String {
        let id = random_hex_id();
        self.accounts.push(id.clone());
        id
    }

    pub(crate) fn certificates(&self) -> impl Iterator<Item = &Arc<Stored>> {
        self.certificates.values()
    }

    /// The certificates of an account as its list shows them.
    pub(crate) fn listed(&self, account: &str, now: Duration, lag: Duration) -> Vec<&Arc<Stored>> {
        let mut listed: Vec<_> =
            self.certificates.iter().map(|(place, stored)| (*place, stored)).collect();
        let held = listed.len();
        let deleted = self.deleted.visible(now, lag);
        listed.extend(deleted.map(|tombstone| (tombstone.place, &tombstone.stored)));
        if held < listed.len() {
            listed.sort_by_key(|(place, _)| *place);
        }
        let listed = listed.into_iter().map(|(_, stored)| stored);
        listed.filter(|stored| stored.account == account && stored.listed <= now).collect()
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Stored>> {
        self.places.get(id).and_then(|place| self.certificates.get(place)).cloned()
    }

    pub(crate) fn find_in(&self, account: &str, id: &str) -> Option<Arc<Stored>> {
        self.find(id).filter(|stored| stored.account == account)
    }

    /// A certificate as a read shows it: also one deleted less than `lag` ago.
    pub(crate) fn visible(
        &self,
        account: &str,
        id: &str,
        now: Duration,
        lag: Duration,
    ) -> Option<Arc<Stored>> {
        self.find_in(account, id).or_else(|| {
            let tombstone = self.deleted.find(account, id)?;
            tombstone.is_visible(now, lag).then(|| Arc::clone(&tombstone.stored))
        })
    }

    /// Stores an upload.
    pub(crate) fn store(
        &mut self,
        stored: Stored,
        settings: &Settings,
    ) -> Result<Arc<Stored>, StoreError> {
        self.check_upload(&stored, settings)?;
        self.effects.stored += 1;
        let fingerprint = stored.details.fingerprint.clone();
        *self.effects.stored_by_fingerprint.entry(fingerprint).or_default() += 1;
        Ok(self.insert(stored))
    }

    fn check_upload(&self, stored: &Stored, settings: &Settings) -> Result<(), StoreError> {
        let others = self.certificates();
        let others: Vec<_> = others.filter(|other| other.account == stored.account).collect();
        let mut contents = others.iter().map(|other| &other.content);
        if !settings.accept_duplicates && contents.any(|content| *content == stored.content) {
            return Err(StoreError::Duplicate);
        }
        // Uploaded CAs are what the quota counts.
        let cas = others.iter().filter(|other| other.ca && other.kind == CUSTOM);
        if stored.ca && settings.ca_quota <= cas.count() {
            return Err(StoreError::QuotaExceeded);
        }
        Ok(())
    }

    /// Puts a certificate in, or in the place of the one with the same id.
    pub(crate) fn insert(&mut self, stored: Stored) -> Arc<Stored> {
        let place = self.places.get(&stored.id).copied().unwrap_or(self.next_place);
        self.next_place = self.next_place.max(place + 1);
        self.deleted.forget(&stored.id);
        let stored = Arc::new(stored);
        self.places.insert(stored.id.clone(), place);
        self.certificates.insert(place, Arc::clone(&stored));
        stored
    }

    pub(crate) fn delete(
        &mut self,
        account: &str,
        id: &str,
        now: Duration,
        settings: &Settings,
    ) -> Result<Arc<Stored>, DeleteError> {
        let Some(stored) = self.find_in(account, id) else {
            return Err(match self.deleted.find(account, id) {
                Some(_) => DeleteError::AlreadyDeleted,
                None => DeleteError::Unknown,
            });
        };
        if stored.kind != CUSTOM {
            return Err(DeleteError::Managed);
        }
        if self.is_in_use(id, now, settings) {
            return Err(DeleteError::InUse);
        }
        if let Some(place) = self.places.remove(id) {
            self.certificates.remove(&place);
            let stored = Arc::clone(&stored);
            self.deleted.insert(Tombstone { place, stored, at: now });
        }
        self.services.remove(id);
        for zone in &mut self.zones {
            zone.bindings.remove(&Some(id.to_owned()));
        }
        self.effects.deleted += 1;
        *self.effects.deleted_by_id.entry(id.to_owned()).or_default() += 1;
        Ok(stored)
    }

    /// Whether a delete is refused: something uses it, or did until a while ago.
    fn is_in_use(&self, id: &str, now: Duration, settings: &Settings) -> bool {
        let delay = settings.lags.release();
        let key = Some(id.to_owned());
        let mut services = self.services.get(id).into_iter().flatten();
        let mut bindings = self.zones.iter().filter_map(|zone| zone.bindings.get(&key));
        !self.holders.stages(id, now, delay).is_empty()
            || services.any(|service| service.status != "deleted" && service.remains(now, delay))
            || bindings.any(|binding| binding.is_in_use(now, delay))
    }

    /// Who uses a certificate: services attached by the test, products, then one
    /// row for each zone in which the certificate has or just had hostnames.
    pub(crate) fn associations(
        &self,
        id: &str,
        now: Duration,
        settings: &Settings,
    ) -> Vec<Association> {
        let delay = settings.lags.propagation;
        let key = Some(id.to_owned());
        let services = self.services.get(id).into_iter().flatten();
        let attached = services.filter(|service| service.remains(now, delay)).map(|service| {
            Association { service: service.name.clone(), status: service.status.clone() }
        });
        let products = match settings.products_hidden {
            true => Vec::new(),
            false => self.holders.stages(id, now, delay),
        };
        let products = products.into_iter().map(|(service, stage)| Association {
            service: service.to_owned(),
            status: stage.as_str().to_owned(),
        });
        let hostnames = self.zones.iter().filter_map(|zone| {
            let stage = zone.bindings.get(&key)?.stage(now, delay)?;
            let service = settings.hostname_service.clone();
            Some(Association { service, status: stage.as_str().to_owned() })
        });
        attached.chain(products).chain(hostnames).collect()
    }

    pub(crate) fn attach(&mut self, id: &str, name: &str, status: &str) -> Result<(), UnknownId> {
        self.find(id).ok_or_else(|| UnknownId::new(id))?;
        let services = self.services.entry(id.to_owned()).or_default();
        services.retain(|service| service.name != name);
        let (name, status) = (name.to_owned(), status.to_owned());
        services.push(Service { name, status, leaving_since: None });
        Ok(())
    }

    pub(crate) fn detach(&mut self, id: &str, name: &str, now: Duration) -> Result<(), UnknownId> {
        let services = self.services.get_mut(id);
        let services = services.ok_or_else(|| UnknownId::new(id))?;
        let mut services = services.iter_mut();
        let service = services.find(|service| service.name == name);
        let service = service.ok_or_else(|| UnknownId::new(name))?;
        service.status = Stage::PendingDeletion.as_str().to_owned();
        service.leaving_since = Some(now);
        Ok(())
    }

    pub(crate) fn zones(&self) -> &[Zone] {
        &self.zones
    }

    pub(crate) fn add_zone(&mut self, account: &str, name: &str) -> Result<String, UnknownId> {
        if !self.accounts.iter().any(|known| known == account) {
            return Err(UnknownId::new(account));
        }
        let id = random_hex_id();
        self.zone_places.insert(id.clone(), self.zones.len());
        self.zones.push(Zone {
            account: account.to_owned(),
            id: id.clone(),
            name: name.to_owned(),
            entitlement: Entitlement::default(),
            bindings: BTreeMap::new(),
        });
        Ok(id)
    }

    pub(crate) fn set_entitlement(
        &mut self,
        zone: &str,
        entitlement: Entitlement,
    ) -> Result<(), UnknownId> {
        let place = self.zone_places.get(zone);
        let zone_state = place.and_then(|place| self.zones.get_mut(*place));
        zone_state.ok_or_else(|| UnknownId::new(zone))?.entitlement = entitlement;
        Ok(())
    }

    pub(crate) fn zone(&self, id: &str) -> Option<&Zone> {
        self.zone_places.get(id).and_then(|place| self.zones.get(*place))
    }

    /// The list of one CA, or of the managed CA, as it really is.
    pub(crate) fn hostnames(&self, zone: &str, owner: Option<&str>) -> Vec<String> {
        let binding = self.zone(zone).and_then(|zone| zone.bindings.get(&owner.map(str::to_owned)));
        binding.map(Binding::hostnames).unwrap_or_default()
    }

    /// The list as a read shows it.
    pub(crate) fn visible_hostnames(
        &self,
        zone: &str,
        owner: Option<&str>,
        now: Duration,
        lag: Duration,
    ) -> Result<Vec<String>, HostnamesError> {
        let zone = self.zone(zone).ok_or(HostnamesError::UnknownZone)?;
        zone.check_entitlement()?;
        if let Some(id) = owner {
            self.find_in(&zone.account, id).ok_or(HostnamesError::UnknownCertificate)?;
        }
        let binding = zone.bindings.get(&owner.map(str::to_owned));
        Ok(binding.map_or_else(Vec::new, |binding| binding.visible(now, lag)))
    }

    /// Makes a list visible at once.
    pub(crate) fn show_hostnames(&mut self, zone: &str, owner: Option<&str>) {
        let place = self.zone_places.get(zone);
        let zone = place.and_then(|place| self.zones.get_mut(*place));
        let owner = owner.map(str::to_owned);
        if let Some(binding) = zone.and_then(|zone| zone.bindings.get_mut(&owner)) {
            binding.show();
        }
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
    ) -> Result<Vec<Gap>, HostnamesError> {
        let account = &self.zone(zone).ok_or(HostnamesError::UnknownZone)?.account;
        if let Some(id) = owner {
            let stored = self.find_in(account, id);
            if !stored.ok_or(HostnamesError::UnknownCertificate)?.ca {
                return Err(HostnamesError::NotACa);
            }
        }
        let place = self.zone_places.get(zone).copied();
        let zone =
            place.and_then(|place| self.zones.get_mut(place)).ok_or(HostnamesError::UnknownZone)?;
        zone.check_entitlement()?;
        let owner = owner.map(str::to_owned);
        let others = zone.bindings.iter_mut().filter(|(other, _)| **other != owner);
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
                        return Err(HostnamesError::Taken(taken));
                    }
                }
            }
        }
        let removed = zone.bindings.entry(owner).or_default().replace(wanted, now);
        for binding in zone.bindings.values_mut() {
            binding.settle(now, &settings.lags);
        }
        let delay = settings.lags.propagation;
        Ok(removed.into_iter().filter_map(|hostname| zone.gap(hostname, now, delay)).collect())
    }
}

impl Service {
    fn remains(&self, now: Duration, delay: Duration) -> bool {
        self.leaving_since.is_none_or(|since| now < since.saturating_add(delay))
    }
}
