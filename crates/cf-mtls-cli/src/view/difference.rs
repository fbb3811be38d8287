//! How a list of hostnames changes.

use std::collections::HashSet;

use cf_mtls::Hostname;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Remove,
    Replace,
}

/// How a list differs from an earlier one.
pub(crate) struct Difference {
    pub(crate) after: Vec<String>,
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    /// Hostnames that were to be added and are in the list already, or to be
    /// removed and are not.
    pub(crate) unchanged: Vec<String>,
}

impl Difference {
    /// What a change would do to a list.
    pub(crate) fn planned(change: Change, before: &[String], hosts: &[String]) -> Self {
        let after = match change {
            Change::Add => [before, &missing_from(before, hosts)].concat(),
            Change::Remove => missing_from(hosts, before),
            Change::Replace => hosts.to_vec(),
        };
        let mut plan = Self::between(before, after);
        let changing = [&plan.added[..], &plan.removed].concat();
        plan.unchanged = missing_from(&changing, hosts);
        if plan.is_empty() {
            plan.after = before.to_vec();
        }
        plan
    }

    pub(crate) fn between(before: &[String], after: Vec<String>) -> Self {
        Self {
            added: missing_from(before, &after),
            removed: missing_from(&after, before),
            after,
            unchanged: Vec::new(),
        }
    }

    /// The part of it that is not in a plan.
    pub(crate) fn beyond(self, plan: &Self) -> Self {
        Self {
            added: missing_from(&plan.added, &self.added),
            removed: missing_from(&plan.removed, &self.removed),
            ..self
        }
    }

    pub(crate) fn summary(&self) -> String {
        let (added, removed) = (self.added.len(), self.removed.len());
        format!("{added} added, {removed} removed")
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// The hostnames that a list lacks, whatever their spelling.
fn missing_from(list: &[String], hosts: &[String]) -> Vec<String> {
    let list: HashSet<Hostname> = list.iter().map(Hostname::unchecked).collect();
    let missing = |host: &&String| !list.contains(&Hostname::unchecked(*host));
    hosts.iter().filter(missing).cloned().collect()
}

pub(crate) fn is_outside(host: &str, zone: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let above = labels.len().saturating_sub(zone.split('.').count());
    let suffix = labels.get(above..).unwrap_or_default().join(".");
    Hostname::unchecked(suffix) != Hostname::unchecked(zone)
}
