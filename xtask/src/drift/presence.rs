//! Operations that are gone, have moved, are back or are new.

use std::collections::{BTreeMap, BTreeSet};

use json_patch::Patch;
use serde_json::{Value, json};

use super::available::Further;
use super::check::Drift;
use super::class::Class;
use super::document::{Document, escape};
use super::edit;
use super::left_out::{self, LeftOut};
use super::report::{Finding, Seen, Status};
use super::side::{self, Operation};
use super::tree::RecordId;

impl Drift<'_> {
    /// One of ours that is not at its place.
    pub(super) fn missing(
        &mut self,
        operation: &Operation,
        moved: Option<&str>,
        upstream: &Document<'_>,
    ) {
        let at = operation.pointer();
        let upstream_at = |path: &str| format!("/paths/{}/{}", escape(path), operation.method);
        let alike = |path: &&str| side::shape(path) == side::shape(&operation.path);
        let home = upstream.paths().find(alike);
        let record = edit::record("", Value::Null, &[]);
        let patch = edit::add(self.text, vec![(at.clone(), record)]);
        let keep = patch.as_ref().map(edit::words).unwrap_or_default();
        let (what, pointer, follow) = match moved {
            Some(path) => (
                format!("the path moved to {path}"),
                upstream_at(path),
                match home {
                    // Its neighbours stay.
                    Some(_) => format!("move #{at} to the new path"),
                    None => format!(
                        "write the new path in the place of #/paths/{}",
                        escape(&operation.path)
                    ),
                },
            ),
            None => (
                "the operation is gone".to_owned(),
                home.map_or_else(|| "/paths".to_owned(), upstream_at),
                format!(
                    "take #{at} away once the service refuses it{}",
                    self.names(operation)
                ),
            ),
        };
        self.report.findings.push(Finding {
            operations: BTreeSet::from([operation.title()]),
            upstream: Seen::new(pointer, moved.map(Value::from)),
            ours: Seen::new(at, Some(json!(operation.path))),
            known: Some(json!(operation.path)),
            edit: format!("{follow}, or {keep}"),
            patch,
            ..Finding::new(Status::Unrecorded, Class::Breaking, what)
        });
    }

    /// The records that name an operation, for one who takes it away.
    fn names(&self, operation: &Operation) -> String {
        let records = self.records.iter().map(|(_, record)| record);
        let named = records.filter(|record| record.names(&operation.id));
        let named: Vec<_> = named.map(|record| format!("#{}", record.at)).collect();
        if named.is_empty() {
            return String::new();
        }
        format!(", and its name out of `operations` of {}", named.join(", "))
    }

    /// One of ours that is there, though a record says that it is gone.
    pub(super) fn is_back(&mut self, operation: &Operation, path: &str, record: RecordId) {
        let at = self.records.get(record).map(|record| record.at.clone());
        let patch = at.as_ref().and_then(|at| edit::remove(self.text, &[at]));
        let patch = patch.map(Patch);
        let there = format!("/paths/{}/{}", escape(path), operation.method);
        self.report.findings.push(Finding {
            operations: BTreeSet::from([operation.title()]),
            upstream: Seen::new(there, Some(json!(path))),
            ours: Seen::new(operation.pointer(), Some(json!(operation.path))),
            record: at,
            edit: patch.as_ref().map(edit::words).unwrap_or_default(),
            patch,
            ..Finding::new(Status::Adopted, Class::Addition, "the operation is back")
        });
    }

    /// Those under our paths that are not ours.
    pub(super) fn available(&mut self, found: &[Further]) {
        let recorded = LeftOut::new(self.records);
        let mut new: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for further in found {
            match recorded.record(further) {
                Some(id) => drop(self.live.insert(id)),
                // What is below a path is reported together: it may be much.
                None => {
                    let own = further.below.is_none().then_some(&further.method);
                    let together = (&further.under, own);
                    new.entry(together).or_default().push(further);
                }
            }
        }
        for ((under, _), found) in new {
            let mut pointers = found.iter().map(|further| further.pointer());
            let patch = left_out::patch(self.text, self.records, &found);
            let keep = patch.as_ref().map(edit::words).unwrap_or_default();
            let what = match found.len() {
                1 => "an operation that ours does not have".to_owned(),
                several => format!("{several} operations that ours does not have"),
            };
            self.report.findings.push(Finding {
                operations: found.iter().map(|further| further.title()).collect(),
                upstream: Seen {
                    pointer: pointers.next().unwrap_or_default(),
                    also: pointers.collect(),
                    value: Some(json!("available")),
                },
                ours: Seen::new(format!("/paths/{}", escape(under)), None),
                edit: format!("describe it under #/paths, or leave it out: {keep}"),
                patch,
                ..Finding::new(Status::Available, Class::Addition, what)
            });
        }
        for (id, gone) in recorded.vanished(found) {
            // One that leaves out nothing at all is stale.
            if let Some(record) = self.records.get(id).filter(|_| self.live.contains(&id)) {
                self.report.notes.push(format!(
                    "the record at #{} leaves out what upstream no longer has: {}",
                    record.at,
                    gone.join(", ")
                ));
            }
        }
    }
}
