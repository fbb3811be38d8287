//! Which record would explain a finding that has none.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::compare::Holder;
use super::document::escape;
use super::side::Ours;

/// What is needed to write the record.
#[derive(Debug, Clone)]
pub(super) struct Suggestion {
    pub(super) holder: Holder,
    pub(super) upstream: Value,
    /// The parts of the holder's aspect that each need a record of their own.
    pub(super) names: Vec<String>,
    /// The uses of the holder that the finding is about: operation and path.
    pub(super) uses: BTreeSet<(String, Vec<String>)>,
}

impl Suggestion {
    /// Where the record goes, and the record, or the records.
    pub(super) fn text(&self, ours: &Ours) -> String {
        let (holder, aspect, operations) = self.fitting(ours);
        let record = |name: Option<&String>| {
            let aspect: Vec<_> = aspect.iter().chain(name).map(|part| escape(part)).collect();
            let mut record = format!(
                "\"aspect\": {}, \"upstream\": {}",
                json!(aspect.join("/")),
                self.upstream
            );
            if !operations.is_empty() {
                record += &format!(", \"operations\": {}", json!(operations));
            }
            format!("{{{record}, \"reason\": \"…\"}}")
        };
        let records: Vec<_> = match self.names.as_slice() {
            [] => vec![record(None)],
            names => names.iter().map(|name| record(Some(name))).collect(),
        };
        format!(
            "record it in x-departures of #{holder}: {}",
            records.join(", ")
        )
    }

    /// The place nearest to the definition whose uses all differ, and the
    /// operations to name if that takes some of them out.
    fn fitting<'o>(&self, ours: &'o Ours) -> (String, Vec<String>, Vec<&'o str>) {
        let aspect = &self.holder.aspect;
        let titles: BTreeSet<_> = self.uses.iter().map(|(title, _)| title.as_str()).collect();
        for (index, at) in self.holder.at.iter().enumerate().rev() {
            let spelled_out = index + 1 == self.holder.at.len();
            let (holder, aspect) = if spelled_out {
                (at.clone(), aspect.clone())
            } else {
                match around(at, aspect) {
                    Some(around) => around,
                    None => continue,
                }
            };
            let uses = ours.uses(at);
            if uses.is_subset(&self.uses) {
                return (holder, aspect, Vec::new());
            }
            let named = uses
                .iter()
                .filter(|(title, _)| titles.contains(title.as_str()));
            if named.clone().all(|spot| self.uses.contains(spot)) {
                let ids: BTreeSet<_> = named.filter_map(|(title, _)| ours.id(title)).collect();
                return (holder, aspect, ids.into_iter().collect());
            }
        }
        let at = self.holder.at.last().cloned().unwrap_or_default();
        (at, aspect.clone(), Vec::new())
    }
}

/// The object around a reference, which a record about it stands at.
fn around(at: &str, aspect: &[String]) -> Option<(String, Vec<String>)> {
    let (holder, last) = at.rsplit_once('/')?;
    let (holder, first) = match holder.strip_suffix("/properties") {
        Some(owner) => (owner, Some("properties")),
        None => (holder, None),
    };
    // No record reaches into a list.
    if last.parse::<usize>().is_ok() && first.is_none() {
        return None;
    }
    let parts = first
        .into_iter()
        .chain([last])
        .map(super::document::unescape);
    Some((
        holder.to_owned(),
        parts.chain(aspect.iter().cloned()).collect(),
    ))
}
