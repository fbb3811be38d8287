//! The check: the fragment on one side, a published document on the other.

use std::collections::{BTreeMap, BTreeSet};

use json_patch::Patch;
use serde_json::Value;

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
use super::side::{self, Operation, Ours, Uses, WHOLE};
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
                let id = records.operation_id(&operation.pointer());
                if let Some(record) = gone {
                    drift.live.insert(record);
                    // Where it went is as known as that it went.
                    let path = index.named(operation, id, &operations);
                    moved.extend(path.map(|path| (path, operation.method.clone())));
                    continue;
                }
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
    for (_, record) in records.iter().filter(|(_, record)| record.unfinished) {
        let note = format!("the record at #{} has no reason yet", record.at);
        drift.report.notes.push(note);
    }
    match index.available(&operations, &moved) {
        Ok(found) => drift.available(&found),
        Err(problem) => {
            // What is left out could not be looked for.
            drift.live.extend(LeftOut::new(records).records());
            drift.trouble(None, problem);
        }
    }
    let uses = comparison.ours.uses();
    drift.stale(&uses);
    drift.name_references();
    drift.doubt_places(&comparison.theirs.uses());
    drift.advise(&comparison, &outcome, &uses);
    drift.finish()
}

/// What was found so far.
pub(super) struct Drift<'r> {
    /// The fragment.
    pub(super) text: &'r Value,
    pub(super) records: &'r Records,
    pub(super) report: Report,
    /// Records that make ours and upstream differ.
    pub(super) live: BTreeSet<RecordId>,
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
        let what = what(difference.kind, place, known.as_ref(), upstream.as_ref());
        let operation = (title != WHOLE).then(|| title.to_owned());
        let place: Vec<_> = place.iter().map(|part| escape(part)).collect();
        Finding {
            operations: operation.into_iter().collect(),
            place: place.join("/"),
            upstream: Seen {
                pointer: upstream_at.next().unwrap_or_default(),
                also: upstream_at.collect(),
                value: upstream.clone(),
            },
            ours: Seen::new(difference.ours_at.clone(), ours.clone()),
            known: known.clone(),
            references: difference.references.clone(),
            record: record.map(|record| record.at.clone()),
            // What to edit is known once all findings are.
            subject: Some(Subject::new(title, difference)),
            ..Finding::new(status, difference.class, what)
        }
    }

    /// Puts places last that come in at operations of which nothing is reported: had
    /// they changed, something would be.
    fn doubt_places(&mut self, uses: &BTreeMap<String, BTreeSet<String>>) {
        let findings = self.report.findings.iter();
        let touched: BTreeSet<_> = findings.flat_map(|found| &found.operations).collect();
        let touched: BTreeSet<_> = touched.into_iter().cloned().collect();
        let doubtful = |place: &String| {
            let mut uses = outwards(place).filter_map(|place| uses.get(place));
            uses.next()
                .is_some_and(|titles| !titles.is_subset(&touched))
        };
        for finding in &mut self.report.findings {
            if finding.subject.is_some() && !finding.operations.is_empty() {
                finding.upstream.sort_by_key(doubtful);
            }
        }
    }

    /// Says what to edit.
    fn advise(&mut self, comparison: &Comparison<'_>, outcome: &Outcome, uses: &Uses) {
        let advisor = Advisor {
            comparison,
            fragment: self.text,
            records: self.records,
            before: outcome,
            uses,
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
            let ours = format!("#{}{}", finding.ours.pointer, shared(finding, uses));
            finding.edit = match (keep, &finding.record) {
                (Some(keep), _) if adopted => keep,
                (Some(keep), _) if !subject.can_follow => {
                    format!("{keep}; nothing satisfies what upstream says, so ours cannot follow")
                }
                (Some(keep), _) => format!("follow upstream at {ours}, or {keep}"),
                (None, Some(record)) if adopted => format!(
                    "narrow the record at #{record} to what still differs: its `aspect`, its \
                     `upstream` or its `operations`"
                ),
                (None, _) => {
                    format!("follow upstream at {ours}; no record can say what upstream has")
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

    fn stale(&mut self, uses: &Uses) {
        for (id, record) in self.records.iter() {
            if self.live.contains(&id) || record.is_of_a_name() {
                continue;
            }
            let what = "a record that explains nothing";
            let at = &record.at;
            let reached = left_out::is_path(&record.holder) || uses.contains_key(&record.holder);
            self.report.findings.push(Finding {
                place: record.aspect.clone(),
                ours: Seen::new(record.holder.clone(), None),
                known: Some(record.upstream.clone()),
                record: Some(at.clone()),
                edit: if reached {
                    format!("take the record at #{at} away, or correct its `aspect`")
                } else {
                    format!(
                        "take the record at #{at} away: no operation reaches #{}, which may go \
                         with it",
                        record.holder
                    )
                },
                patch: edit::remove(self.text, &[at]).map(Patch),
                ..Finding::new(Status::Stale, Class::Relaxation, what)
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

/// A place, and those around it.
fn outwards(place: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(place), |place| Some(place.rsplit_once('/')?.0))
}

/// Whether others than a finding is about share the place of ours, in words.
fn shared(finding: &Finding, uses: &Uses) -> String {
    let mut uses = outwards(&finding.ours.pointer).filter_map(|place| uses.get(place));
    let titles = uses.next().into_iter().flatten().map(|(title, _)| title);
    let others = titles.filter(|title| *title != WHOLE && !finding.operations.contains(*title));
    let others: BTreeSet<_> = others.collect();
    match others.len() {
        0 => String::new(),
        // What holds for the whole holds for all.
        _ if finding.operations.is_empty() => String::new(),
        1 => " (shared with 1 other operation)".to_owned(),
        count => format!(" (shared with {count} other operations)"),
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
