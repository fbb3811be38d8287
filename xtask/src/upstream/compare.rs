//! Compares two canonical forms.

use serde_json::{Map, Value, json};

use super::place::Place;
use super::resolve::UNRESOLVED;
use super::schema::{NAMED, is_in};

/// A place at which two canonical forms differ.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) place: Place,
    /// `None` where the place was not there.
    pub(crate) old: Option<Value>,
    /// `None` where it is not there any more.
    pub(crate) new: Option<Value>,
}

/// Lists and maps that say nothing when they are empty or missing.
const LISTS: &str = "required security servers";
const MAPS: &str = "content cookie header headers parameters path properties query responses";
/// How many properties two schemas have at least, if one is to count as another schema
/// rather than a change of it.
const MIN_PROPERTIES: usize = 3;

/// All differences between operations, each as far down as it goes.
pub(crate) fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let mut comparison = Comparison::default();
    comparison.values(old, new, true);
    comparison.found
}

#[derive(Default)]
struct Comparison {
    place: Place,
    found: Vec<Difference>,
}

impl Comparison {
    /// The keys of a map are names, or else keywords.
    fn maps(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, are_names: bool) {
        let added = new.keys().filter(|key| !old.contains_key(*key));
        for key in old.keys().chain(added) {
            let empty = match old.get(key).or(new.get(key)) {
                Some(Value::Array(_)) if !are_names && is_in(LISTS, key) => Some(json!([])),
                Some(Value::Object(_)) if !are_names && is_in(MAPS, key) => Some(json!({})),
                _ => None,
            };
            let empty = empty.as_ref();
            self.place.push(key.clone());
            match (old.get(key).or(empty), new.get(key).or(empty)) {
                (Some(old), Some(new)) => {
                    let has_names = is_in(MAPS, key) && key != "parameters" || is_in(NAMED, key);
                    self.values(old, new, !are_names && has_names);
                }
                (old, new) => self.push(old.cloned(), new.cloned()),
            }
            self.place.pop();
        }
    }

    fn values(&mut self, old: &Value, new: &Value, are_names: bool) {
        let has = |key: &str| old.get(key).is_some() || new.get(key).is_some();
        match (old, new) {
            _ if old == new => {}
            _ if !are_names && has(UNRESOLVED) => {}
            _ if !are_names && has("both") => self.constraints(old, new),
            (Value::Object(old), Value::Object(new)) => {
                if !are_names && is_replaced(old, new) {
                    self.push(Some(json!(old)), Some(json!(new)));
                } else {
                    self.maps(old, new, are_names);
                }
            }
            (Value::Array(old), Value::Array(new)) => self.lists(old, new),
            _ => self.push(Some(old.clone()), Some(new.clone())),
        }
    }

    /// Values of one keyword that hold together: one, or a list of them under `both`.
    fn constraints(&mut self, old: &Value, new: &Value) {
        let all = |value: &Value| match &value["both"] {
            Value::Array(all) => all.clone(),
            _ => vec![value.clone()],
        };
        let one = |mut all: Vec<Value>| match all.len() {
            0 => None,
            1 => all.pop(),
            _ => Some(json!({"both": all})),
        };
        let (gone, added) = apart(&all(old), &all(new));
        self.push(one(gone), one(added));
    }

    /// Lists whose order does not count.
    fn lists(&mut self, old: &[Value], new: &[Value]) {
        let (gone, added) = apart(old, new);
        if !old.iter().chain(new).any(|value| value.is_object() || value.is_array()) {
            let gone = gone.into_iter().map(|value| (Some(value), None));
            for (old, new) in gone.chain(added.into_iter().map(|value| (None, Some(value)))) {
                let text = old.as_ref().or(new.as_ref()).map(|value| match value {
                    Value::String(text) => text.clone(),
                    value => value.to_string(),
                });
                self.place.extend(text);
                self.push(old, new);
                self.place.pop();
            }
            return;
        }
        if let ([gone], [added]) = (&gone[..], &added[..]) {
            let index = new.iter().position(|value| value == added);
            self.place.push(index.unwrap_or_default().to_string());
            self.values(gone, added, false);
            self.place.pop();
            return;
        }
        self.push(Some(json!(gone)), Some(json!(added)));
    }

    fn push(&mut self, old: Option<Value>, new: Option<Value>) {
        let place = self.place.clone();
        self.found.push(Difference { place, old, new });
    }
}

/// What only the one list has, and what only the other has.
fn apart(old: &[Value], new: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let without = |all: &[Value], other: &[Value]| {
        let all = all.iter().filter(|value| !other.contains(value));
        all.cloned().collect()
    };
    (without(old, new), without(new, old))
}

/// Whether a schema describes other data than before, so that a list of all that changed
/// would not help.
fn is_replaced(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let (Some(Value::Object(old)), Some(Value::Object(new))) =
        (old.get("properties"), new.get("properties"))
    else {
        return false;
    };
    let common = old.keys().filter(|name| new.contains_key(*name)).count();
    let fewer = old.len().min(new.len());
    MIN_PROPERTIES <= fewer && 2 * common < fewer
}
