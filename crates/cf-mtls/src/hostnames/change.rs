//! What a change of a list of hostnames is, and how it ended.

use std::collections::HashSet;

use cf_mtls_api::Hostname;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How a list of hostnames was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct HostnameChange {
    /// The list after the change, as the service last showed or confirmed it.
    pub hostnames: Vec<String>,
    /// The hostnames that were added.
    pub added: Vec<String>,
    /// The hostnames that were removed, in the spelling of the list.
    pub removed: Vec<String>,
    /// The hostnames to remove that were not in the list. If another client added them
    /// moments ago, the service may not show them yet, and they may still appear.
    pub not_listed: Vec<String>,
    /// Whether a read showed the list above. Otherwise there was no time to wait for that,
    /// or another client changed the list since. What another client wrote in the last
    /// minute may show later all the same.
    pub visible: bool,
}

impl HostnameChange {
    /// Whether nothing was added or removed: the list was as wanted, as far as reads and
    /// this client's own changes show.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// Those of `hosts` that this change did not remove.
    pub(super) fn set_not_listed(&mut self, hosts: &[Hostname]) {
        let removed: Vec<_> = self.removed.iter().map(Hostname::unchecked).collect();
        self.not_listed = texts(&subtract(hosts, &removed));
    }

    /// Adds what `other` changed.
    pub(super) fn merge(&mut self, other: &Difference) {
        for (all, new) in [(&mut self.added, &other.added), (&mut self.removed, &other.removed)] {
            let known: HashSet<Hostname> = all.iter().map(Hostname::unchecked).collect();
            all.extend(texts(new.iter().filter(|host| !known.contains(host))));
        }
    }
}

/// What a list is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Add,
    Remove,
    Replace,
    /// Like `Replace`, but a list that is right already is not sent.
    Ensure,
}

impl Goal {
    /// The list that has to replace `list`.
    pub(super) fn apply(self, list: &[Hostname], names: &[Hostname]) -> Vec<Hostname> {
        match self {
            Self::Add => {
                let mut all = list.to_vec();
                all.extend(subtract(names, list));
                all
            }
            Self::Remove => subtract(list, names),
            Self::Replace | Self::Ensure => names.to_vec(),
        }
    }

    /// Whether a list is as it should be.
    pub(super) fn is_met(self, list: &[Hostname], names: &[Hostname]) -> bool {
        match self {
            Self::Add => subtract(names, list).is_empty(),
            Self::Remove => subtract(list, names).len() == list.len(),
            Self::Replace | Self::Ensure => Difference::between(list, names).is_empty(),
        }
    }

    /// Whether a change that another client undid is made again.
    pub(super) fn is_repeated(self) -> bool {
        matches!(self, Self::Add | Self::Remove)
    }

    /// The names to remove that `list` does not have.
    pub(super) fn not_listed(self, list: &[Hostname], names: &[Hostname]) -> Vec<Hostname> {
        match self {
            Self::Remove => subtract(names, list),
            _ => Vec::new(),
        }
    }
}

/// What differs between two lists.
#[derive(Clone, Debug, Default)]
pub(super) struct Difference {
    pub(super) added: Vec<Hostname>,
    pub(super) removed: Vec<Hostname>,
}

impl Difference {
    pub(super) fn between(before: &[Hostname], after: &[Hostname]) -> Self {
        Self { added: subtract(after, before), removed: subtract(before, after) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// The hostnames of `list` that are not in `other`, each once.
fn subtract(list: &[Hostname], other: &[Hostname]) -> Vec<Hostname> {
    let mut seen: HashSet<&Hostname> = other.iter().collect();
    let rest = list.iter().filter(|host| seen.insert(host));
    rest.cloned().collect()
}

/// Each hostname once, in the order given, and in the form that is sent.
pub(super) fn parse_all<H: AsRef<str>>(
    hosts: impl IntoIterator<Item = H>,
) -> Result<Vec<Hostname>, Error> {
    let hosts = hosts.into_iter().map(|host| Ok(host.as_ref().parse::<Hostname>()?.normalized()));
    Ok(subtract(&hosts.collect::<Result<Vec<_>, Error>>()?, &[]))
}

pub(super) fn unchecked(list: Vec<String>) -> Vec<Hostname> {
    list.into_iter().map(Hostname::unchecked).collect()
}

pub(super) fn texts<'a>(hosts: impl IntoIterator<Item = &'a Hostname>) -> Vec<String> {
    hosts.into_iter().map(ToString::to_string).collect()
}
