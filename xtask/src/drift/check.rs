//! The check: the fragment on one side, a published document on the other.

use std::collections::{BTreeMap, BTreeSet};

use json_patch::Patch;
use serde_json::{Value, json};

use super::advice::{Advisor, Subject};
use super::available;
use super::class::Class;
use super::compare::Difference;
use super::comparison::{Comparison, Located, Outcome};
use super::document::{Document, Problem, escape};
use super::edit;
use super::left_out::{self, LeftOut};
use super::records::Records;
use super::report::{Finding, Report, Seen, Status, Trouble};
use super::side::{self, Operation, Ours, WHOLE};
use super::tree::{Kind, RecordId};

/// Why there is no report at all.
#[derive(Debug)]
pub(super) enum Failure {
    Fragment(Problem),
    Upstream(Problem),
}

/// Compares `upstream` with the fragment and its records. `text` is the fragment with
/// all that it says, records included.
pub(super) fn check(
    fragment: &Document<'_>,
    text: &Value,
    records: &Records,
    upstream: &Document<'_>,
) -> Result<Report, Failure> {
    let operations = side::operations(fragment).map_err(Failure::Fragment)?;
    let ours = Ours::read(fragment, &operations, None).map_err(Failure::Fragment)?;
    let known = Ours::read(fragment, &operations, Some(records)).map_err(Failure::Fragment)?;

    let mut drift = Drift {
        text,
        records,
        report: Report::default(),
        live: BTreeSet::new(),
    };
    let index = available::Index::new(upstream);
    let mut moved = BTreeSet::new();
    let mut located = Vec::new();
    for operation in &operations {
        let title = operation.title();
        let gone = known.operations.get(&title).and_then(|known| known.absent);
        let at_home = index.find(operation);
        let path = match at_home {
            Some(path) => {
                if let Some(id) = gone {
                    drift.live.insert(id);
                    drift.is_back(operation, path, id);
                }
                path.to_owned()
            }
            None => {
                if let Some(id) = gone {
                    drift.live.insert(id);
                    continue;
                }
                let id = records.operation_id(&operation.pointer());
                let found = index.moved(operation, id, &operations);
                drift.missing(operation, found.as_deref(), upstream);
                let Some(path) = found else { continue };
                moved.insert((path.clone(), operation.method.clone()));
                path
            }
        };
        located.push(Located {
            operation: operation.clone(),
            path,
            at_home: at_home.is_some(),
        });
    }
    if located.is_empty() {
        let message = "none of our operations is in it; is it Cloudflare's document, and whole?";
        return Err(Failure::Upstream(Problem::new("/paths", message)));
    }

    let comparison = Comparison::new(fragment, upstream, located, ours, &known);
    let comparison = comparison.map_err(Failure::Upstream)?;
    let outcome = comparison.outcome(&known);
    drift.live.extend(outcome.live.values().flatten().copied());
    let titles = operations.iter().map(Operation::title);
    for title in std::iter::once(WHOLE.to_owned()).chain(titles) {
        if let Some(found) = outcome.differences.get(&title) {
            drift.differences(&title, found);
        }
    }
    for (title, tree) in &comparison.theirs.operations {
        match tree {
            Ok(_) => drift.report.operations += 1,
            Err(problem) => drift.trouble(Some(title), problem.clone()),
        }
    }
    for place in &comparison.theirs.deprecated {
        let note = format!("upstream calls #{place} deprecated");
        if !drift.report.notes.contains(&note) {
            drift.report.notes.push(note);
        }
    }
    match index.available(&operations, &moved) {
        Ok(found) => drift.available(&found),
        Err(problem) => {
            // What is left out could not be looked for.
            drift.live.extend(LeftOut::new(records).records());
            drift.trouble(None, problem);
        }
    }
    drift.stale();
    drift.name_references();
    drift.advise(&comparison, &outcome);
    drift.finish()
}

struct Drift<'r> {
    /// The fragment.
    text: &'r Value,
    records: &'r Records,
    report: Report,
    /// Records that make ours and upstream differ.
    live: BTreeSet<RecordId>,
}

impl Drift<'_> {
    fn trouble(&mut self, operation: Option<&str>, problem: Problem) {
        self.report.problems.push(Trouble {
            operation: operation.map(str::to_owned),
            pointer: problem.pointer,
            message: problem.message,
        });
    }

    fn differences(&mut self, title: &str, found: &[Difference]) {
        for difference in found {
            let of_a_name = difference.kind == Kind::Names;
            let finding = self.finding(title, difference);
            let same = |other: &&mut Finding| {
                other.upstream.pointer == finding.upstream.pointer
                    && other.upstream.value == finding.upstream.value
                    && other.ours == finding.ours
                    && other.known == finding.known
                    && other.record == finding.record
                    // Of a list, all names have one place.
                    && (!of_a_name || other.what == finding.what)
            };
            match self.report.findings.iter_mut().find(same) {
                Some(other) => {
                    other.operations.extend(finding.operations);
                    other
                        .references
                        .retain(|at| finding.references.contains(at));
                    // The likeliest are those that all have.
                    let (also, new) = (&mut other.upstream.also, finding.upstream.also);
                    also.sort_by_key(|place| !new.contains(place));
                    let known: BTreeSet<_> = also.iter().cloned().collect();
                    also.extend(new.into_iter().filter(|place| !known.contains(place)));
                    if let (Some(all), Some(more)) = (&mut other.subject, finding.subject) {
                        all.join(more);
                    }
                }
                None => self.report.findings.push(finding),
            }
        }
    }

    fn finding(&self, title: &str, difference: &Difference) -> Finding {
        let Difference {
            place,
            known,
            upstream,
            ours,
            ..
        } = difference;
        let record = difference.record.and_then(|id| self.records.get(id));
        let status = match record {
            _ if upstream == ours && record.is_some() => Status::Adopted,
            Some(_) => Status::Changed,
            None => Status::Unrecorded,
        };
        let mut upstream_at = difference.upstream_at.iter().cloned();
        Finding {
            status,
            class: difference.class,
            what: what(difference.kind, place, known.as_ref(), upstream.as_ref()),
            operations: Some(title.to_owned())
                .into_iter()
                .filter(|title| title != WHOLE)
                .collect(),
            place: place
                .iter()
                .map(|part| escape(part))
                .collect::<Vec<_>>()
                .join("/"),
            upstream: Seen {
                pointer: upstream_at.next().unwrap_or_default(),
                also: upstream_at.collect(),
                value: upstream.clone(),
            },
            ours: Seen {
                pointer: difference.ours_at.clone(),
                also: Vec::new(),
                value: ours.clone(),
            },
            known: known.clone(),
            references: difference.references.clone(),
            record: record.map(|record| record.at.clone()),
            // Known once all findings are.
            edit: String::new(),
            patch: None,
            subject: Some(Subject::new(title, difference)),
        }
    }

    /// Says what to edit.
    fn advise(&mut self, comparison: &Comparison<'_>, outcome: &Outcome) {
        let uses = comparison.ours.uses();
        let advisor = Advisor {
            comparison,
            fragment: self.text,
            records: self.records,
            before: outcome,
            uses: &uses,
        };
        for finding in &mut self.report.findings {
            let Some(subject) = &finding.subject else {
                continue;
            };
            let adopted = finding.status == Status::Adopted;
            // An operation that follows what holds for all would get its own.
            if finding.ours.pointer == "/security" && finding.upstream.pointer != "/security" {
                let titles = finding.operations.iter();
                let mut own = titles.map(|title| format!("{}/security", comparison.pointer(title)));
                finding.ours.pointer = own.next().unwrap_or_default();
                finding.ours.also = own.collect();
            }
            finding.patch = advisor.patch(subject, adopted);
            let keep = finding.patch.as_ref().map(edit::words);
            let ours = &finding.ours.pointer;
            finding.edit = match (keep, &finding.record) {
                (Some(keep), _) if adopted => keep,
                (Some(keep), _) if !subject.can_follow => {
                    format!("{keep}; nothing satisfies what upstream says, so ours cannot follow")
                }
                (Some(keep), _) => format!("follow upstream at #{ours}, or {keep}"),
                (None, Some(record)) if adopted => format!(
                    "narrow the record at #{record} to what still differs: its `aspect`, its \
                     `upstream` or its `operations`"
                ),
                (None, _) => {
                    format!("follow upstream at #{ours}; no record can say what upstream has")
                }
            };
        }
    }

    /// Names references among the places. Where one leads to a change and others do
    /// as well, it is what they lead to that has changed.
    fn name_references(&mut self) {
        let mut common: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for finding in &self.report.findings {
            let place = finding.upstream.pointer.clone();
            common
                .entry(place)
                .and_modify(|common| common.retain(|at| finding.references.contains(at)))
                .or_insert_with(|| finding.references.clone());
        }
        for finding in &mut self.report.findings {
            if let Some(references) = common.get(&finding.upstream.pointer) {
                finding.upstream.refer(references);
            }
        }
    }

    fn missing(&mut self, operation: &Operation, moved: Option<&str>, upstream: &Document<'_>) {
        let at = operation.pointer();
        let mut patch = None;
        let item = format!("/paths/{}", escape(&operation.path));
        let alike = |path: &&str| side::shape(path) == side::shape(&operation.path);
        let (what, pointer, edit) = match moved {
            Some(path) => (
                format!("the path moved to {path}"),
                format!("/paths/{}/{}", escape(path), operation.method),
                format!("write the new path in the place of #{item}"),
            ),
            None => (
                "the operation is gone".to_owned(),
                match upstream.paths().find(alike) {
                    Some(path) => format!("/paths/{}/{}", escape(path), operation.method),
                    None => "/paths".to_owned(),
                },
                {
                    let record = edit::record("", Value::Null, &[]);
                    patch = edit::add(self.text, vec![(at.clone(), record)]);
                    let keep = patch.as_ref().map(edit::words).unwrap_or_default();
                    format!("take #{at} away once the service refuses it, or {keep}")
                },
            ),
        };
        self.report.findings.push(Finding {
            status: Status::Unrecorded,
            class: Class::Breaking,
            what,
            operations: BTreeSet::from([operation.title()]),
            place: String::new(),
            upstream: Seen {
                pointer,
                also: Vec::new(),
                value: moved.map(Value::from),
            },
            ours: Seen {
                pointer: at,
                also: Vec::new(),
                value: Some(json!(operation.path)),
            },
            known: Some(json!(operation.path)),
            references: BTreeSet::new(),
            record: None,
            edit,
            patch,
            subject: None,
        });
    }

    /// An operation that is there, though a record says that it is gone.
    fn is_back(&mut self, operation: &Operation, path: &str, record: RecordId) {
        let record = self.records.get(record).map(|record| record.at.clone());
        let patch = record
            .as_ref()
            .and_then(|at| edit::remove(self.text, &[at]).map(Patch));
        self.report.findings.push(Finding {
            status: Status::Adopted,
            class: Class::Addition,
            what: "the operation is back".to_owned(),
            operations: BTreeSet::from([operation.title()]),
            place: String::new(),
            upstream: Seen {
                pointer: format!("/paths/{}/{}", escape(path), operation.method),
                also: Vec::new(),
                value: Some(json!(path)),
            },
            ours: Seen {
                pointer: operation.pointer(),
                also: Vec::new(),
                value: Some(json!(operation.path)),
            },
            known: None,
            references: BTreeSet::new(),
            record,
            edit: patch.as_ref().map(edit::words).unwrap_or_default(),
            patch,
            subject: None,
        });
    }

    fn available(&mut self, found: &[available::Further]) {
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
            self.report.findings.push(Finding {
                status: Status::Available,
                class: Class::Addition,
                what: match found.len() {
                    1 => "an operation that ours does not have".to_owned(),
                    several => format!("{several} operations that ours does not have"),
                },
                operations: found.iter().map(|further| further.title()).collect(),
                place: String::new(),
                upstream: Seen {
                    pointer: pointers.next().unwrap_or_default(),
                    also: pointers.collect(),
                    value: Some(json!("available")),
                },
                ours: Seen {
                    pointer: format!("/paths/{}", escape(under)),
                    also: Vec::new(),
                    value: None,
                },
                known: None,
                references: BTreeSet::new(),
                record: None,
                edit: format!("describe it under #/paths, or leave it out: {keep}"),
                patch,
                subject: None,
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

    fn stale(&mut self) {
        for (id, record) in self.records.iter() {
            if self.live.contains(&id) || record.is_of_a_name() {
                continue;
            }
            self.report.findings.push(Finding {
                status: Status::Stale,
                class: Class::Relaxation,
                what: "a record that explains nothing".to_owned(),
                operations: BTreeSet::new(),
                place: record.aspect.clone(),
                upstream: Seen {
                    pointer: String::new(),
                    also: Vec::new(),
                    value: None,
                },
                ours: Seen {
                    pointer: record.holder.clone(),
                    also: Vec::new(),
                    value: None,
                },
                known: Some(record.upstream.clone()),
                references: BTreeSet::new(),
                record: Some(record.at.clone()),
                edit: format!(
                    "take the record at #{} away, or correct its `aspect`",
                    record.at
                ),
                patch: edit::remove(self.text, &[&record.at]).map(Patch),
                subject: None,
            });
        }
    }

    fn finish(mut self) -> Result<Report, Failure> {
        let records = self.records.iter();
        self.report.departures = records.filter(|(id, _)| self.live.contains(id)).count();
        self.report.findings.sort_by(|a, b| {
            let key = |f: &Finding| (f.class, f.status, f.operations.clone(), f.place.clone());
            key(a).cmp(&key(b))
        });
        self.report.problems.sort();
        self.report.problems.dedup();
        Ok(self.report)
    }
}

/// The change in a few words.
fn what(kind: Kind, place: &[String], known: Option<&Value>, upstream: Option<&Value>) -> String {
    let name = place.last().map(String::as_str).unwrap_or_default();
    if kind == Kind::Schema
        && let Some(known) = known
        && let ("properties" | "required", None) = (name, upstream)
    {
        let names: Vec<_> = match known {
            Value::Object(fields) => fields.keys().map(|name| format!("{name:?}")).collect(),
            Value::Array(names) => names.iter().map(Value::to_string).collect(),
            _ => Vec::new(),
        };
        let now = if name == "required" {
            "now optional"
        } else {
            "gone"
        };
        return format!("the fields {} are {now}", names.join(", "));
    }
    let thing = match kind {
        Kind::Properties => format!("the field {name:?}"),
        Kind::ParametersIn => {
            let place = place
                .iter()
                .rev()
                .nth(1)
                .map(String::as_str)
                .unwrap_or_default();
            format!("the {place} parameter {name:?}")
        }
        Kind::Responses => format!("the answer {name}"),
        Kind::Content => format!("the media type {name}"),
        Kind::Encodings => format!("the encoding of {name:?}"),
        Kind::Headers => format!("the header {name}"),
        Kind::Schemes => format!("the security scheme {name}"),
        Kind::Names => {
            let now = if upstream.is_some() {
                "is now required"
            } else {
                "is now optional"
            };
            return format!("the field {name:?} {now}");
        }
        _ => {
            // A keyword means little without the field that it is about.
            let owner = place.iter().rev().skip(1).find(|part| {
                !matches!(part.as_str(), "schema" | "items" | "properties" | "content")
                    && !part.contains('/')
            });
            match owner {
                Some(owner) => format!("`{name}` of {owner:?}"),
                None => format!("`{name}`"),
            }
        }
    };
    match (known, upstream) {
        (None, _) => format!("{thing} is new"),
        (_, None) => format!("{thing} is gone"),
        _ => format!("{thing} changed"),
    }
}
