//! The hostnames of one CA in one zone.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::simulator::settings::Lags;

/// The hostnames which one CA (uploaded or managed) has in one zone, and those
/// on their way out.
#[derive(Debug, Default)]
pub(crate) struct Binding {
    current: Vec<Placed>,
    leaving: Vec<Placed>,
    /// Earlier lists and when they were replaced, for reads that lag.
    earlier: Vec<(Duration, Vec<String>)>,
}

/// A hostname and when it was attached or removed.
#[derive(Debug)]
struct Placed {
    hostname: String,
    since: Duration,
}

/// How far an attached or removed hostname has got.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stage {
    PendingDeployment,
    Active,
    PendingDeletion,
}

impl Stage {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PendingDeployment => "pending_deployment",
            Self::Active => "active",
            Self::PendingDeletion => "pending_deletion",
        }
    }
}

impl Binding {
    pub(crate) fn hostnames(&self) -> Vec<String> {
        self.current.iter().map(|placed| placed.hostname.clone()).collect()
    }

    /// The list as a read shows it, which is as it was `lag` ago.
    pub(crate) fn visible(&self, now: Duration, lag: Duration) -> Vec<String> {
        let mut stale = self.earlier.iter();
        let stale = stale.find(|(replaced, _)| now < replaced.saturating_add(lag));
        stale.map_or_else(|| self.hostnames(), |(_, list)| list.clone())
    }

    /// Makes the current list visible at once.
    pub(crate) fn show(&mut self) {
        self.earlier.clear();
    }

    /// Makes `wanted` the whole list and returns what is no longer in it.
    pub(crate) fn replace(&mut self, wanted: &[String], now: Duration) -> Vec<String> {
        self.earlier.push((now, self.hostnames()));
        let (kept, removed): (Vec<_>, Vec<_>) = std::mem::take(&mut self.current)
            .into_iter()
            .partition(|placed| wanted.contains(&placed.hostname));
        let names = removed.iter().map(|placed| placed.hostname.clone()).collect();
        self.leaving.extend(removed.into_iter().map(|placed| Placed { since: now, ..placed }));

        // In the order in which they were sent, as the response shows them.
        let mut kept: BTreeMap<String, Duration> =
            kept.into_iter().map(|placed| (placed.hostname, placed.since)).collect();
        for hostname in wanted {
            if self.current.iter().any(|placed| placed.hostname == *hostname) {
                continue;
            }
            let since = kept.remove(hostname).unwrap_or(now);
            self.current.push(Placed { hostname: hostname.clone(), since });
        }
        self.leaving.retain(|placed| !wanted.contains(&placed.hostname));
        names
    }

    /// The status of the association as a whole; `None` once nothing remains.
    pub(crate) fn stage(&self, now: Duration, delay: Duration) -> Option<Stage> {
        let pending = |placed: &Placed| now < placed.since.saturating_add(delay);
        if self.current.is_empty() {
            let leaving = self.leaving.iter().any(pending);
            return leaving.then_some(Stage::PendingDeletion);
        }
        let deploying = self.current.iter().any(pending);
        Some(if deploying { Stage::PendingDeployment } else { Stage::Active })
    }

    /// The stage of one hostname while it is in the list.
    pub(crate) fn stage_of(&self, hostname: &str, now: Duration, delay: Duration) -> Option<Stage> {
        let placed = self.current.iter().find(|placed| placed.hostname == hostname)?;
        let pending = now < placed.since.saturating_add(delay);
        Some(if pending { Stage::PendingDeployment } else { Stage::Active })
    }

    /// Whether a delete is refused for its sake: a hostname remains, or left less
    /// than `delay` ago.
    pub(crate) fn is_in_use(&self, now: Duration, delay: Duration) -> bool {
        self.stage(now, delay).is_some()
    }

    /// Forgets what no longer matters, so that long runs stay small.
    pub(crate) fn settle(&mut self, now: Duration, lags: &Lags) {
        let release = lags.release();
        self.leaving.retain(|placed| now < placed.since.saturating_add(release));
        self.earlier.retain(|(replaced, _)| now < replaced.saturating_add(lags.hostnames));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(10);

    fn names(list: &str) -> Vec<String> {
        list.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn passes_through_the_stages() {
        use Stage::*;
        let mut binding = Binding::default();
        // (second, the list sent then if any, status right after)
        let table = [
            (0, None, None),
            (0, Some("a"), Some(PendingDeployment)),
            (9, None, Some(PendingDeployment)),
            (10, None, Some(Active)),
            (11, Some("a b"), Some(PendingDeployment)),
            (21, Some("b"), Some(Active)),
            (22, Some(""), Some(PendingDeletion)),
            (31, None, Some(PendingDeletion)),
            (32, None, None),
            (33, Some("a"), Some(PendingDeployment)),
            (43, None, Some(Active)),
        ];
        for (second, list, want) in table {
            let now = Duration::from_secs(second);
            if let Some(list) = list {
                binding.replace(&names(list), now);
            }
            assert_eq!(binding.stage(now, DELAY), want, "at {second} s");
        }
    }

    #[test]
    fn reads_show_the_list_as_it_was() {
        let mut binding = Binding::default();
        let lags = Lags { hostnames: DELAY, ..Lags::default() };
        // (second, the list sent then if any, the list that a read shows after)
        let table = [
            (0, Some("a"), ""),
            (9, None, ""),
            (10, None, "a"),
            (20, Some("a b"), "a"),
            (25, Some("c"), "a"),
            (30, None, "a b"),
            (35, None, "c"),
        ];
        for (second, list, want) in table {
            let now = Duration::from_secs(second);
            if let Some(list) = list {
                binding.replace(&names(list), now);
            }
            binding.settle(now, &lags);
            assert_eq!(binding.visible(now, DELAY), names(want), "at {second} s");
        }
        binding.replace(&names("d"), Duration::from_secs(35));
        binding.show();
        assert_eq!(binding.visible(Duration::from_secs(35), DELAY), ["d"]);
        assert!(binding.earlier.is_empty());
    }

    #[test]
    fn replaces_the_whole_list_in_the_order_sent() {
        let mut binding = Binding::default();
        assert!(binding.replace(&names("a b a"), DELAY).is_empty());
        assert_eq!(binding.hostnames(), ["a", "b"]);
        assert_eq!(binding.replace(&names("c b"), DELAY), ["a"]);
        assert_eq!(binding.hostnames(), ["c", "b"]);
    }
}
