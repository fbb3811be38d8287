//! Edits of the fragment: a JSON Patch (RFC 6902) for programs, and the same in words.

use std::collections::BTreeMap;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::{Value, json};

use super::records::{FIELD, NO_REASON};

/// The record of an aspect, still without its reason.
pub(super) fn record(aspect: &str, upstream: Value, operations: &[String]) -> Value {
    let mut record = json!({"aspect": aspect, "upstream": upstream, "reason": NO_REASON});
    if !operations.is_empty() {
        record["operations"] = json!(operations);
    }
    record
}

/// Adds records: each with the pointer of the object that is to hold it. None where
/// there is no such object.
pub(super) fn add(fragment: &Value, records: Vec<(String, Value)>) -> Option<Patch> {
    let mut operations: Vec<PatchOperation> = Vec::new();
    let mut begun: Vec<String> = Vec::new();
    for (holder, record) in records {
        let object = fragment.pointer(&holder)?.as_object()?;
        let list = format!("{holder}/{FIELD}");
        if object.contains_key(FIELD) || begun.contains(&list) {
            operations.push(put(&format!("{list}/-"), record, false)?);
        } else {
            operations.push(put(&list, json!([record]), false)?);
            begun.push(list);
        }
    }
    Some(Patch(operations))
}

/// Takes away records, and with the last one of a list the list. Those of one list come
/// last first.
pub(super) fn remove(fragment: &Value, records: &[&str]) -> Option<Vec<PatchOperation>> {
    let mut steps = Vec::new();
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        let (list, _) = record.rsplit_once('/')?;
        let length = fragment.pointer(list)?.as_array()?.len();
        let left = left.entry(list).or_insert(length);
        *left = left.checked_sub(1)?;
        steps.push(take(if 0 < *left { record } else { list })?);
    }
    Some(steps)
}

/// Sets the value at a pointer, or takes it away with `None`. None where that cannot
/// be done.
pub(super) fn set(fragment: &Value, pointer: &str, value: Option<Value>) -> Option<PatchOperation> {
    let there = fragment.pointer(pointer).is_some();
    let Some(value) = value else {
        return take(pointer).filter(|_| there);
    };
    let (parent, _) = pointer.rsplit_once('/')?;
    let fits = there || fragment.pointer(parent)?.is_object();
    put(pointer, value, there).filter(|_| fits)
}

fn put(pointer: &str, value: Value, replaces: bool) -> Option<PatchOperation> {
    let path = PointerBuf::parse(pointer).ok()?;
    Some(if replaces {
        PatchOperation::Replace(ReplaceOperation { path, value })
    } else {
        PatchOperation::Add(AddOperation { path, value })
    })
}

fn take(pointer: &str) -> Option<PatchOperation> {
    let path = PointerBuf::parse(pointer).ok()?;
    Some(PatchOperation::Remove(RemoveOperation { path }))
}

/// The patch in words.
pub(super) fn words(patch: &Patch) -> String {
    let mut parts: Vec<String> = Vec::new();
    // Records at one place are one step.
    let mut holder_before = None;
    for operation in patch.iter() {
        let path = operation.path().as_str();
        let added = match operation {
            PatchOperation::Add(add) => records(path, &add.value),
            _ => None,
        };
        let holder = added.as_ref().map(|(holder, _)| (*holder).to_owned());
        match (added, parts.last_mut()) {
            (Some((_, records)), Some(last)) if holder == holder_before => {
                last.push_str(&format!(", {records}"));
            }
            (Some((holder, records)), _) => {
                parts.push(format!("record it in {FIELD} of #{holder}: {records}"));
            }
            (None, _) => parts.push(match operation {
                PatchOperation::Add(AddOperation { value, .. })
                | PatchOperation::Replace(ReplaceOperation { value, .. }) => {
                    let record = is_record(path).then(|| text(value));
                    format!(
                        "set #{path} to {}",
                        record.unwrap_or_else(|| value.to_string())
                    )
                }
                _ if is_record(path) => format!("take the record at #{path} away"),
                _ => format!("take #{path} away"),
            }),
        }
        holder_before = holder;
    }
    parts.join("; and ")
}

/// The holder of the records that are added at `path`, and the records.
fn records<'p>(path: &'p str, value: &Value) -> Option<(&'p str, String)> {
    let list = path.strip_suffix("/-").unwrap_or(path);
    let holder = list.strip_suffix(&format!("/{FIELD}"))?;
    let records = match value {
        Value::Array(records) => records.iter().map(text).collect(),
        record => vec![text(record)],
    };
    Some((holder, records.join(", ")))
}

fn is_record(path: &str) -> bool {
    let list = path.rsplit_once('/').map(|(list, _)| list);
    list.is_some_and(|list| list.ends_with(&format!("/{FIELD}")))
}

/// A record with its fields in the order of the others.
fn text(record: &Value) -> String {
    let fields = ["aspect", "upstream", "operations", "reason"];
    let fields = fields.iter().filter_map(|name| {
        let value = record.get(name)?;
        Some(format!("\"{name}\": {value}"))
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
}
