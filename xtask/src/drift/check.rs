//! The check: the fragment on one side, a published document on the other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::available;
use super::class::Class;
use super::compare::{Difference, compare, effective};
use super::document::{Document, Problem, escape};
use super::left_out::{self, LeftOut};
use super::reader::Reader;
use super::records::Records;
use super::report::{Finding, Report, Seen, Status, Trouble};
use super::security::Schemes;
use super::side::{self, Operation, Ours};
use super::suggest::Suggestion;
use super::tree::{Kind, RecordId};

/// Why there is no report at all.
#[derive(Debug)]
pub(super) enum Failure {
    Fragment(Problem),
    Upstream(Problem),
}

/// Compares `upstream` with the fragment and its records.
pub(super) fn check(
    fragment: &Document<'_>,
    records: &Records,
    upstream: &Document<'_>,
) -> Result<Report, Failure> {
    let operations = side::operations(fragment).map_err(Failure::Fragment)?;
    let ours = Ours::read(fragment, &operations, None).map_err(Failure::Fragment)?;
    let known = Ours::read(fragment, &operations, Some(records)).map_err(Failure::Fragment)?;
    let schemes = Schemes::read(upstream, &known.schemes).map_err(Failure::Upstream)?;

    let mut drift = Drift {
        records,
        report: Report::default(),
        live: BTreeSet::new(),
    };
    let root = side::root(upstream, &schemes).map_err(Failure::Upstream)?;
    drift.differences(None, compare(Kind::Root, &known.root, &root, &ours.root));
    effective(&known.root, Some(&ours.root), &mut drift.live);

    let index = available::Index::new(upstream);
    let mut moved = BTreeSet::new();
    for operation in &operations {
        let title = operation.title();
        let (known, ours) = (&known.operations[&title], &ours.operations[&title]);
        effective(known, Some(ours), &mut drift.live);
        let at_home = index.find(operation);
        let path = match at_home {
            Some(path) => path.to_owned(),
            None => {
                let id = records.operation_id(&operation.pointer());
                let found = index.moved(operation, id, &operations);
                drift.missing(operation, found.as_deref(), upstream);
                let Some(path) = found else { continue };
                moved.insert((path.clone(), operation.method.clone()));
                path
            }
        };
        drift.report.operations += 1;
        let names = side::renamed(&path, &operation.path);
        let mut reader = Reader::new(upstream, None);
        match reader.operation(&path, &operation.method, &names, &schemes) {
            Ok(theirs) => {
                let mut found = compare(Kind::Operation, known, &theirs, ours);
                // Path parameters come and go with the path.
                found.retain(|difference| {
                    at_home.is_some() || difference.place.get(1).is_none_or(|part| part != "path")
                });
                drift.differences(Some(&title), found);
            }
            Err(problem) => drift.trouble(Some(&title), problem),
        }
        for place in reader.deprecated {
            let note = format!("upstream calls #{place} deprecated");
            if !drift.report.notes.contains(&note) {
                drift.report.notes.push(note);
            }
        }
    }
    if drift.report.operations == 0 {
        let message = "none of our operations is in it; is it Cloudflare's document, and whole?";
        return Err(Failure::Upstream(Problem::new("/paths", message)));
    }
    match index.available(&operations, &moved) {
        Ok(found) => drift.available(&found),
        Err(problem) => drift.trouble(None, problem),
    }
    drift.stale();
    drift.name_references();
    for finding in &mut drift.report.findings {
        if let Some(suggestion) = &finding.suggestion {
            let record = suggestion.text(&ours);
            finding.edit = format!("follow upstream at #{}, or {record}", finding.ours.pointer);
        }
    }
    drift.finish()
}

struct Drift<'r> {
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

    fn differences(&mut self, operation: Option<&str>, found: Vec<Difference>) {
        for difference in found {
            let of_a_name = difference.kind == Kind::Names;
            let finding = self.finding(operation, difference);
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
                    let uses = finding.suggestion.map(|suggestion| suggestion.uses);
                    if let (Some(all), Some(uses)) = (&mut other.suggestion, uses) {
                        all.uses.extend(uses);
                    }
                }
                None => self.report.findings.push(finding),
            }
        }
    }

    fn finding(&mut self, operation: Option<&str>, difference: Difference) -> Finding {
        let Difference {
            class,
            place,
            kind,
            upstream_at,
            references,
            ours_at,
            holder,
            ..
        } = difference;
        let (known, upstream, ours) = (difference.known, difference.upstream, difference.ours);
        let record = difference.record.and_then(|id| self.records.get(id));
        let status = match record {
            _ if upstream == ours && record.is_some() => Status::Adopted,
            Some(_) => Status::Changed,
            None => Status::Unrecorded,
        };
        let what = what(kind, &place, known.as_ref(), upstream.as_ref());
        let edit = match (status, record) {
            (Status::Adopted, Some(record)) => format!(
                "upstream now has what ours has: take the record at #{} away, or narrow it to \
                 what still differs (its `aspect`, its `upstream`, or `operations`)",
                record.at
            ),
            (_, Some(record)) => format!(
                "follow upstream at #{ours_at}, or correct `upstream` of the record at #{}",
                record.at
            ),
            // Which operations it takes is known in the end.
            (_, None) => String::new(),
        };
        let mut upstream_at = upstream_at.into_iter();
        Finding {
            status,
            class,
            what,
            operations: operation.into_iter().map(str::to_owned).collect(),
            place: place
                .iter()
                .map(|part| escape(part))
                .collect::<Vec<_>>()
                .join("/"),
            upstream: Seen {
                pointer: upstream_at.next().unwrap_or_default(),
                also: upstream_at.collect(),
                value: upstream,
            },
            ours: Seen {
                pointer: ours_at,
                also: Vec::new(),
                value: ours,
            },
            known,
            references,
            record: record.map(|record| record.at.clone()),
            edit,
            suggestion: record.is_none().then(|| Suggestion {
                uses: BTreeSet::from([(
                    operation.unwrap_or_default().to_owned(),
                    place[..holder.depth].to_vec(),
                )]),
                holder,
                upstream: difference.told,
                names: difference.names,
            }),
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
                format!("take #{at} away once the service refuses it"),
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
            suggestion: None,
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
                suggestion: None,
                edit: left_out::advice(self.records, &found),
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
                suggestion: None,
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
