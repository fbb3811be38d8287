//! The lists of hostnames that this client wrote, while reads may show older ones.
//!
//! A read after a replacement may show the list before it for a while. What
//! successive reads show is taken to be in the order in which it was written.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cf_mtls_api::{CertificateId, Hostname, ZoneId};
use tokio::time::Instant;

/// How long a read may show an older list. More than a minute was seen.
const STALE_FOR: Duration = Duration::from_secs(120);
const MAX_LISTS: usize = 1_000;

type Key = (ZoneId, Option<CertificateId>);
type Shared = Arc<tokio::sync::Mutex<Writes>>;

/// What all clones of a client wrote, by zone and CA.
#[derive(Debug, Default)]
pub(crate) struct HostnameWrites(Mutex<HashMap<Key, Shared>>);

impl HostnameWrites {
    /// Locked from the read of a list to its replacement, so that edits by one client
    /// follow each other.
    pub(crate) fn of(&self, zone: &ZoneId, ca: Option<&CertificateId>) -> Shared {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_needed = |writes: &mut Shared| {
            1 < Arc::strong_count(writes) || writes.try_lock().is_ok_and(|writes| writes.is_fresh())
        };
        all.retain(|_, writes| is_needed(writes));
        all.entry((zone.clone(), ca.cloned())).or_default().clone()
    }
}

/// The lists of one CA in one zone that were sent or replaced, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    lists: VecDeque<Sent>,
    keys: RandomState,
    at: Option<Instant>,
}

#[derive(Debug)]
struct Sent {
    fingerprint: u64,
    /// Empty if it is past.
    list: Vec<Hostname>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It was replaced, or another client's list was seen since.
    Past,
    /// It took effect, and is the last one that did, for all that is known.
    Last,
    /// It was sent after that, and its outcome is not known.
    Unclear,
}

impl Sent {
    fn pass(&mut self) {
        self.state = State::Past;
        self.list = Vec::new();
    }
}

/// What a read shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The list that this client wrote last.
    Last,
    /// An older one.
    Earlier,
    /// Another client's, or this client wrote none of late.
    Other,
}

impl Writes {
    /// Which list a read shows.
    pub(crate) fn observe(&mut self, list: &[Hostname]) -> Shown {
        if !self.is_fresh() {
            self.lists.clear();
        }
        let fingerprint = self.fingerprint(list);
        let is_it = |sent: &Sent| sent.fingerprint == fingerprint;
        let Some(shown) = self.lists.iter().rposition(is_it) else {
            self.lists.iter_mut().filter(|sent| sent.state == State::Last).for_each(Sent::pass);
            return Shown::Other;
        };
        // Of a list that was there before, a read does not say which one it shows.
        let is_unique = self.lists.iter().filter(|sent| is_it(sent)).count() == 1;
        if is_unique && self.lists[shown].state == State::Unclear {
            self.lists.iter_mut().take(shown).for_each(Sent::pass);
            self.lists[shown].state = State::Last;
        }
        match (self.last(), self.lists[shown].state) {
            (_, State::Last) => {
                if is_unique {
                    self.lists.drain(..shown);
                }
                Shown::Last
            }
            (Some(_), _) => Shown::Earlier,
            (None, _) => Shown::Other,
        }
    }

    /// The list to build the next one on, and whether it is the one that was read.
    pub(crate) fn base(&mut self, list: Vec<Hostname>) -> (Vec<Hostname>, bool) {
        match (self.observe(&list), self.last()) {
            (Shown::Earlier, Some(last)) => (last.list.clone(), false),
            _ => (list, true),
        }
    }

    /// Remembers that `replacement` is sent, and may take effect from now on.
    pub(crate) fn begin(&mut self, replacement: &[Hostname]) {
        let fingerprint = self.fingerprint(replacement);
        let is_it = |sent: &&Sent| sent.fingerprint == fingerprint && sent.state == State::Unclear;
        if self.lists.back().filter(is_it).is_none() {
            self.push(replacement.to_vec(), State::Unclear);
        }
    }

    /// Whether a list that was sent may replace what reads show.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.lists.iter().any(|sent| sent.state == State::Unclear)
    }

    /// Remembers that the list of [`begin`](Self::begin) was refused.
    pub(crate) fn refuse(&mut self) {
        self.lists.pop_back();
    }

    /// Remembers that the list of [`begin`](Self::begin) replaced `list`, perhaps in another form.
    pub(crate) fn record(&mut self, list: Vec<Hostname>, replacement: Vec<Hostname>) {
        self.lists.pop_back();
        self.push(list, State::Last);
        self.lists.iter_mut().for_each(Sent::pass);
        self.push(replacement, State::Last);
    }

    fn push(&mut self, list: Vec<Hostname>, state: State) {
        self.at = Some(Instant::now());
        let fingerprint = self.fingerprint(&list);
        self.lists.push_back(Sent { fingerprint, list, state });
        if MAX_LISTS < self.lists.len() {
            self.lists.pop_front();
        }
    }

    fn last(&self) -> Option<&Sent> {
        self.lists.iter().find(|sent| sent.state == State::Last)
    }

    fn is_fresh(&self) -> bool {
        self.at.is_some_and(|at| at.elapsed() < STALE_FOR)
    }

    /// The same for every order of a list.
    fn fingerprint(&self, list: &[Hostname]) -> u64 {
        let set: HashSet<&Hostname> = list.iter().collect();
        let hashes = set.into_iter().map(|host| self.keys.hash_one(host));
        hashes.fold(0, u64::wrapping_add)
    }
}
