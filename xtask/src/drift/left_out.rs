//! Operations under our paths that ours leaves out, each of them on record: a
//! record of whatever is below a path would hide what comes later.

use std::collections::{BTreeMap, BTreeSet};

use json_patch::Patch;
use serde_json::{Value, json};

use super::available::Further;
use super::document::{METHODS, escape, unescape};
use super::edit;
use super::records::{Record, Records};
use super::side::shape;
use super::tree::RecordId;

/// Aspects of a path that say of operations that ours leaves them out.
const BELOW: &str = "below";
const FURTHER: &str = "below/+";

/// The path that holds a record, the way on from there without the names of
/// parameters, and a method.
type Place = (String, String, String);

/// The operations that records leave out.
pub(super) struct LeftOut {
    by_place: BTreeMap<Place, RecordId>,
}

impl LeftOut {
    pub(super) fn new(records: &Records) -> Self {
        let mut by_place = BTreeMap::new();
        for (id, record) in records.iter().filter(|(_, record)| is_path(&record.holder)) {
            for (path, method) in named(record) {
                by_place.insert(place(&record.holder, &path, &method), id);
            }
        }
        Self { by_place }
    }

    /// The record that leaves it out.
    pub(super) fn record(&self, further: &Further) -> Option<RecordId> {
        self.by_place.get(&place_of(further)).copied()
    }

    /// All records that leave something out.
    pub(super) fn records(&self) -> impl Iterator<Item = RecordId> {
        self.by_place.values().copied()
    }

    /// What records leave out, and is not in `found`.
    pub(super) fn vanished(&self, found: &[Further]) -> BTreeMap<RecordId, Vec<String>> {
        let found: BTreeSet<_> = found.iter().map(place_of).collect();
        let mut vanished: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (place, id) in &self.by_place {
            if !found.contains(place) {
                let (_, path, method) = place;
                let title = format!("{} …{path}", method.to_uppercase());
                vanished.entry(*id).or_default().push(title);
            }
        }
        vanished
    }
}

fn place(holder: &str, below: &str, method: &str) -> Place {
    let nameless = shape(below).join("/");
    (holder.to_owned(), nameless, method.to_owned())
}

fn place_of(further: &Further) -> Place {
    let holder = format!("/paths/{}", escape(&further.under));
    let below = further.below.as_deref().unwrap_or_default();
    place(&holder, below, &further.method)
}

/// Whether `holder` is a path.
pub(super) fn is_path(holder: &str) -> bool {
    let path = holder.strip_prefix("/paths/");
    path.is_some_and(|path| !path.contains('/'))
}

/// The paths and methods that a record leaves out.
fn named(record: &Record) -> Vec<(String, String)> {
    let aspect: Vec<_> = record.aspect.split('/').map(unescape).collect();
    match aspect.as_slice() {
        [below, _] if below == BELOW => {
            let listed = record.upstream.as_object().into_iter().flatten();
            let methods = |(path, methods): (&String, &Value)| {
                let methods = methods.as_str().unwrap_or_default().split_whitespace();
                let named = methods.map(|method| (path.clone(), method.to_owned()));
                named.collect::<Vec<_>>()
            };
            listed.flat_map(methods).collect()
        }
        [below, path, method] if below == BELOW => vec![(path.clone(), method.clone())],
        [method] => vec![(String::new(), method.clone())],
        _ => Vec::new(),
    }
}

/// Whether a record at a path, which can only leave operations out, names them.
pub(super) fn check(holder: &str, aspect: &str, upstream: &Value) -> Result<(), &'static str> {
    if !is_path(holder) {
        return Ok(());
    }
    let is_method = |method: &str| METHODS.contains(&method);
    let parts: Vec<_> = aspect.split('/').map(unescape).collect();
    let good = match parts.as_slice() {
        [below, plus] if below == BELOW && plus == "+" => {
            upstream.as_object().is_some_and(|listed| {
                listed.iter().all(|(path, methods)| {
                    let methods = methods.as_str().unwrap_or_default();
                    let mut methods = methods.split_whitespace().peekable();
                    path.starts_with('/') && methods.peek().is_some() && methods.all(is_method)
                })
            })
        }
        [below, path, method] if below == BELOW => {
            path.starts_with('/') && is_method(method) && *upstream == json!("available")
        }
        [method] => is_method(method) && *upstream == json!("available"),
        _ => false,
    };
    if good {
        Ok(())
    } else {
        Err(
            "at a path, a departure leaves operations out: `<method>` or `below/<path>/<method>` \
             with \"available\", or `below/+` with an object of paths and their methods",
        )
    }
}

/// The edit that leaves these out, which are all under one path of ours.
pub(super) fn patch(fragment: &Value, records: &Records, found: &[&Further]) -> Option<Patch> {
    let first = found.first()?;
    let holder = format!("/paths/{}", escape(&first.under));
    let mut listed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for further in found {
        let path = further.below.as_deref().unwrap_or_default();
        listed.entry(path).or_default().push(&further.method);
    }
    if first.below.is_some()
        && let Some((id, said)) = records.said(&holder, FURTHER)
        && let Some(record) = records.get(id)
    {
        let steps = listed.iter().map(|(path, methods)| {
            // Some methods of the path may be left out already.
            let known = said.get(path).and_then(Value::as_str);
            let methods: Vec<_> = known.into_iter().chain(methods.iter().copied()).collect();
            let place = format!("{}/upstream/{}", record.at, escape(path));
            edit::set(fragment, &place, Some(json!(methods.join(" "))))
        });
        return steps.collect::<Option<Vec<_>>>().map(Patch);
    }
    let methods = |(path, methods): (&&str, &Vec<&str>)| (path.to_string(), methods.join(" "));
    let (aspect, upstream) = match (&first.below, found.len()) {
        (None, _) => (first.method.clone(), json!("available")),
        (Some(path), 1) => (
            format!("{BELOW}/{}/{}", escape(path), first.method),
            json!("available"),
        ),
        _ => {
            let listed: BTreeMap<_, _> = listed.iter().map(methods).collect();
            (FURTHER.to_owned(), json!(listed))
        }
    };
    let record = edit::record(&aspect, upstream, &[]);
    edit::add(fragment, vec![(holder, record)])
}
