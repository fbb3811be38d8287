//! Products that use certificates: Workers, Hyperdrive and Gateway.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::binding::Stage;
use crate::simulator::protocol::ids::random_hex_id;

/// A Worker and its bindings; see
/// [`Simulator::put_worker`](crate::simulator::Simulator::put_worker).
#[derive(Clone, Debug)]
#[must_use = "a Worker does nothing until it is put into a simulator"]
pub struct Worker {
    pub(crate) name: String,
    pub(crate) account: Option<String>,
    /// Name, type, and the certificate of those that have one.
    pub(crate) bindings: Vec<(String, String, Option<String>)>,
}

impl Worker {
    /// A Worker with this name and no bindings.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), account: None, bindings: Vec::new() }
    }

    /// The account, in place of the simulator's own.
    pub fn account(mut self, id: impl AsRef<str>) -> Self {
        self.account = Some(id.as_ref().to_owned());
        self
    }

    /// Adds a binding of type `mtls_certificate`.
    pub fn certificate(mut self, binding: &str, certificate_id: impl AsRef<str>) -> Self {
        let id = certificate_id.as_ref().to_owned();
        let kind = "mtls_certificate".to_owned();
        self.bindings.push((binding.to_owned(), kind, Some(id)));
        self
    }

    pub(crate) fn certificates(&self) -> Vec<String> {
        let bindings = self.bindings.iter();
        bindings.filter_map(|(.., id)| id.clone()).collect()
    }

    /// Adds a binding of another type, such as `kv_namespace`.
    pub fn binding(mut self, binding: &str, kind: &str) -> Self {
        self.bindings.push((binding.to_owned(), kind.to_owned(), None));
        self
    }
}

/// A Hyperdrive configuration; see
/// [`Simulator::put_hyperdrive`](crate::simulator::Simulator::put_hyperdrive).
#[derive(Clone, Debug)]
#[must_use = "a configuration does nothing until it is put into a simulator"]
pub struct Hyperdrive {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) account: Option<String>,
    pub(crate) client_certificate: Option<String>,
    pub(crate) ca_certificate: Option<String>,
}

impl Hyperdrive {
    /// A configuration with this name, a random id and no certificates.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            id: random_hex_id(),
            name: name.into(),
            account: None,
            client_certificate: None,
            ca_certificate: None,
        }
    }

    /// The account, in place of the simulator's own.
    pub fn account(mut self, id: impl AsRef<str>) -> Self {
        self.account = Some(id.as_ref().to_owned());
        self
    }

    /// The id; one that exists is replaced.
    pub fn id(mut self, id: impl AsRef<str>) -> Self {
        id.as_ref().clone_into(&mut self.id);
        self
    }

    pub(crate) fn certificates(&self) -> Vec<String> {
        let both = [&self.client_certificate, &self.ca_certificate];
        both.into_iter().flatten().cloned().collect()
    }

    /// The client certificate, `mtls.mtls_certificate_id`.
    pub fn client_certificate(mut self, id: impl AsRef<str>) -> Self {
        self.client_certificate = Some(id.as_ref().to_owned());
        self
    }

    /// The CA of the database, `mtls.ca_certificate_id`.
    pub fn ca_certificate(mut self, id: impl AsRef<str>) -> Self {
        self.ca_certificate = Some(id.as_ref().to_owned());
        self
    }
}

/// A product, by the name under which it appears among associations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Product {
    Workers,
    Hyperdrive,
    Gateway,
}

impl Product {
    const ALL: [Self; 3] = [Self::Workers, Self::Hyperdrive, Self::Gateway];

    fn as_str(self) -> &'static str {
        match self {
            Self::Workers => "Workers",
            Self::Hyperdrive => "Hyperdrive",
            Self::Gateway => "Gateway",
        }
    }
}

/// A certificate that a product uses.
type Use = (Product, String);

/// All of them, by account and name or id.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    workers: Vec<(String, Timestamp, Worker)>,
    hyperdrives: Vec<(String, Hyperdrive)>,
    gateway: BTreeSet<String>,
    /// Uses that have ended, and when.
    ended: Vec<(Use, Duration)>,
}

impl Holders {
    /// The Workers of an account, and when they were put there.
    pub(crate) fn workers(&self, account: &str) -> impl Iterator<Item = (&Worker, Timestamp)> {
        let workers = self.workers.iter();
        let workers = workers.filter(move |(owner, ..)| owner == account);
        workers.map(|(_, at, worker)| (worker, *at))
    }

    pub(crate) fn hyperdrives(&self, account: &str) -> impl Iterator<Item = &Hyperdrive> {
        let hyperdrives = self.hyperdrives.iter();
        let hyperdrives = hyperdrives.filter(move |(owner, _)| owner == account);
        hyperdrives.map(|(_, hyperdrive)| hyperdrive)
    }

    pub(crate) fn is_in_gateway(&self, certificate: &str) -> bool {
        self.gateway.contains(certificate)
    }

    pub(crate) fn put_worker(&mut self, account: String, at: Timestamp, worker: Worker) {
        let same = |(owner, _, other): &(String, Timestamp, Worker)| {
            *owner == account && other.name == worker.name
        };
        match self.workers.iter().position(same) {
            Some(place) => self.workers[place].2 = worker,
            None => self.workers.push((account, at, worker)),
        }
    }

    /// Whether there was one with this name.
    pub(crate) fn remove_worker(&mut self, name: &str) -> bool {
        let before = self.workers.len();
        self.workers.retain(|(_, _, worker)| worker.name != name);
        self.workers.len() < before
    }

    pub(crate) fn put_hyperdrive(&mut self, account: String, hyperdrive: Hyperdrive) {
        let mut held = self.hyperdrives.iter();
        match held.position(|(_, other)| other.id == hyperdrive.id) {
            Some(place) => self.hyperdrives[place] = (account, hyperdrive),
            None => self.hyperdrives.push((account, hyperdrive)),
        }
    }

    /// Whether there was one with this id.
    pub(crate) fn remove_hyperdrive(&mut self, id: &str) -> bool {
        let before = self.hyperdrives.len();
        self.hyperdrives.retain(|(_, hyperdrive)| hyperdrive.id != id);
        self.hyperdrives.len() < before
    }

    pub(crate) fn set_gateway_use(&mut self, certificate: &str, on: bool) {
        if on {
            self.gateway.insert(certificate.to_owned());
        } else {
            self.gateway.remove(certificate);
        }
    }

    /// Makes a change, and remembers the uses that it ended.
    pub(crate) fn change<T>(
        &mut self,
        now: Duration,
        release: Duration,
        change: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.uses();
        let result = change(self);
        let after = self.uses();
        self.ended.retain(|(_, at)| now < at.saturating_add(release));
        let ended = before.difference(&after);
        self.ended.extend(ended.map(|ended| (ended.clone(), now)));
        result
    }

    fn uses(&self) -> BTreeSet<Use> {
        let workers = self.workers.iter();
        let workers = workers.flat_map(|(_, _, worker)| worker.certificates());
        let hyperdrives = self.hyperdrives.iter();
        let hyperdrives = hyperdrives.flat_map(|(_, hyperdrive)| hyperdrive.certificates());
        let gateway = self.gateway.iter().cloned();
        let workers = workers.map(|id| (Product::Workers, id));
        let hyperdrives = hyperdrives.map(|id| (Product::Hyperdrive, id));
        let gateway = gateway.map(|id| (Product::Gateway, id));
        workers.chain(hyperdrives).chain(gateway).collect()
    }

    /// The products that use a certificate, or did less than `delay` ago.
    pub(crate) fn stages(
        &self,
        certificate: &str,
        now: Duration,
        delay: Duration,
    ) -> Vec<(&'static str, Stage)> {
        let uses = self.uses();
        let mut stages = Vec::new();
        for product in Product::ALL {
            let this = (product, certificate.to_owned());
            let mut ended = self.ended.iter();
            if uses.contains(&this) {
                stages.push((product.as_str(), Stage::Active));
            } else if ended.any(|(other, at)| *other == this && now < at.saturating_add(delay)) {
                stages.push((product.as_str(), Stage::PendingDeletion));
            }
        }
        stages
    }
}
