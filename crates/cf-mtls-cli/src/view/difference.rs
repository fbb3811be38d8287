//! How a list of hostnames will change.

use std::collections::HashSet;

use cf_mtls::{Hostname, HostnameChange};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Remove,
    Replace,
}

/// What a change would do to a list.
pub(crate) fn planned(change: Change, before: &[String], hosts: &[String]) -> HostnameChange {
    let after = match change {
        Change::Add => [before, &missing_from(before, hosts)].concat(),
        Change::Remove => missing_from(hosts, before),
        Change::Replace => hosts.to_vec(),
    };
    let mut plan = HostnameChange::default();
    plan.added = missing_from(before, &after);
    plan.removed = missing_from(&after, before);
    plan.hostnames = if plan.is_unchanged() { before.to_vec() } else { after };
    plan
}

/// The hostnames that a list lacks, whatever their spelling.
pub(crate) fn missing_from(list: &[String], hosts: &[String]) -> Vec<String> {
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

/// The domain of a hostname, as far as it shows: without its first label.
pub(crate) fn domain(host: &str) -> &str {
    let above = host.split_once('.').map(|(_, above)| above);
    above.filter(|above| above.contains('.')).unwrap_or(host)
}
