//! Certificates that were deleted, for as long as the service remembers them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::stored::Stored;

/// How many are remembered, in all accounts.
const MAX_DELETED: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Deleted {
    by_id: HashMap<String, Tombstone>,
    order: VecDeque<String>,
}

#[derive(Debug)]
pub(crate) struct Tombstone {
    pub(crate) place: u64,
    pub(crate) stored: Arc<Stored>,
    pub(crate) at: Duration,
}

impl Tombstone {
    pub(crate) fn is_visible(&self, now: Duration, lag: Duration) -> bool {
        now < self.at.saturating_add(lag)
    }
}

impl Deleted {
    pub(crate) fn insert(&mut self, tombstone: Tombstone) {
        if self.order.len() == MAX_DELETED
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
        let id = tombstone.stored.id.clone();
        self.order.push_back(id.clone());
        self.by_id.insert(id, tombstone);
    }

    pub(crate) fn forget(&mut self, id: &str) {
        self.by_id.remove(id);
        self.order.retain(|other| other != id);
    }

    pub(crate) fn find(&self, account: &str, id: &str) -> Option<&Tombstone> {
        let tombstone = self.by_id.get(id);
        tombstone.filter(|tombstone| tombstone.stored.account == account)
    }

    /// Those that a list still shows.
    pub(crate) fn visible(&self, now: Duration, lag: Duration) -> impl Iterator<Item = &Tombstone> {
        // The youngest first, and none that is older than the first hidden one.
        self.order
            .iter()
            .rev()
            .filter_map(|id| self.by_id.get(id))
            .take_while(move |tombstone| tombstone.is_visible(now, lag))
    }
}
