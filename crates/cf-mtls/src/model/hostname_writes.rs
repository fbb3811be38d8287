//! The lists of hostnames that this client wrote, while reads may show older ones.
//!
//! A read after a replacement may show the list before it for a while. What
//! successive reads show is taken to be in the order in which it was written.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cf_mtls_api::{CertificateId, ZoneId};
use tokio::time::Instant;

use super::hostname::Hostname;

/// How long a read may show an older list. More than a minute was seen.
const STALE_FOR: Duration = Duration::from_secs(120);
const MAX_EARLIER: usize = 1_000;

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

/// The lists of one CA in one zone.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    /// Fingerprints of the lists that were there before, oldest first.
    earlier: VecDeque<u64>,
    /// How many of them are older than the last one.
    older: usize,
    keys: RandomState,
    /// The one written last, unless another client's was seen since.
    last: Option<Vec<Hostname>>,
    /// One sent after that, whose outcome is not known.
    unclear: Option<Vec<Hostname>>,
    /// Whether any was sent since whose outcome is not known.
    is_unsettled: bool,
    at: Option<Instant>,
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
            *self = Self::default();
        }
        let list = self.fingerprint(list);
        let is_earlier = self.earlier.contains(&list);
        // It took effect, unless the same list was there before.
        let is_list = |unclear: &mut Vec<Hostname>| fingerprint(&self.keys, unclear) == list;
        if let Some(unclear) = self.unclear.take_if(|it| !is_earlier && is_list(it)) {
            self.is_unsettled = false;
            self.advance(unclear);
        }
        let Some(last) = &self.last else {
            return Shown::Other;
        };
        let last = self.fingerprint(last);
        match (list == last, is_earlier) {
            // A read may still show what was in between.
            (true, true) => Shown::Last,
            (true, false) => {
                self.earlier.drain(..self.older);
                self.older = 0;
                Shown::Last
            }
            (false, true) => Shown::Earlier,
            (false, false) => {
                self.last = None;
                self.supersede(last);
                Shown::Other
            }
        }
    }

    /// The list to build the next one on.
    pub(crate) fn base(&mut self, list: Vec<Hostname>) -> Vec<Hostname> {
        match (self.observe(&list), &self.last) {
            (Shown::Earlier, Some(last)) => last.clone(),
            _ => list,
        }
    }

    /// Remembers that `list` may be replaced from now on.
    pub(crate) fn begin(&mut self, list: &[Hostname], replacement: &[Hostname]) {
        let new = self.fingerprint(replacement);
        // A read of the same list again would prove nothing.
        let next = (self.fingerprint(list) != new).then(|| replacement.to_vec());
        if let Some(unclear) = std::mem::replace(&mut self.unclear, next) {
            let unclear = self.fingerprint(&unclear);
            if unclear != new {
                self.supersede(unclear);
            }
        }
        self.is_unsettled = true;
        self.at = Some(Instant::now());
    }

    /// Whether a list that was sent may replace what reads show.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.is_unsettled
    }

    /// Remembers that the list of [`begin`](Self::begin) was refused.
    pub(crate) fn refuse(&mut self) {
        self.unclear = None;
        self.is_unsettled = false;
    }

    /// Remembers that `list` was replaced.
    pub(crate) fn record(&mut self, list: &[Hostname], replacement: Vec<Hostname>) {
        self.unclear = None;
        self.is_unsettled = false;
        self.advance(list.to_vec());
        self.advance(replacement);
        self.at = Some(Instant::now());
    }

    fn advance(&mut self, list: Vec<Hostname>) {
        if let Some(last) = self.last.replace(list) {
            self.supersede(self.fingerprint(&last));
        }
        self.older = self.earlier.len();
    }

    fn supersede(&mut self, list: u64) {
        self.earlier.push_back(list);
        if MAX_EARLIER < self.earlier.len() {
            self.earlier.pop_front();
            self.older = self.older.saturating_sub(1);
        }
    }

    fn fingerprint(&self, list: &[Hostname]) -> u64 {
        fingerprint(&self.keys, list)
    }

    fn is_fresh(&self) -> bool {
        self.at.is_some_and(|at| at.elapsed() < STALE_FOR)
    }
}

/// The same for every order of a list.
fn fingerprint(keys: &RandomState, list: &[Hostname]) -> u64 {
    let set: HashSet<&Hostname> = list.iter().collect();
    let hashes = set.into_iter().map(|host| keys.hash_one(host));
    hashes.fold(0, u64::wrapping_add)
}
