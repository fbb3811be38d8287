//! What a difference means for callers, judged by the direction of the data.

use serde::Serialize;
use serde_json::Value;

use super::compare::Difference;
use super::place::{self, Meaning};
use super::schema::{Direction, is_lower, is_upper};

/// What matters most comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Class {
    /// Calls that work today may fail.
    Breaking,
    /// Something that callers may use.
    Addition,
    /// Less is asked of callers, or more is promised to them.
    Relaxation,
}
use Class::{Addition, Breaking, Relaxation};

impl Class {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Breaking => "breaking",
            Addition => "addition",
            Relaxation => "relaxation",
        }
    }
}

/// How the set of values that are allowed changes.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Narrower,
    Wider,
    Other,
}
use Change::{Narrower, Other, Wider};

/// Judges a difference between what Cloudflare published and what it publishes.
pub(crate) fn classify(difference: &Difference) -> Class {
    let meaning = place::read(&difference.place);
    match meaning.direction {
        Some(direction) => of_data(difference, &meaning, direction),
        None => of_operation(difference, &meaning.aspect),
    }
}

fn of_operation(difference: &Difference, aspect: &[&str]) -> Class {
    let Difference { old, new, .. } = difference;
    let is_required = new.as_ref().is_some_and(|new| new["required"] == true);
    let (if_new, if_gone) = match aspect {
        // One way more to authenticate, or one less.
        ["security", _] | ["responses", .., "required"] => (Relaxation, Breaking),
        ["parameters", _, _, "required"] | ["body", "required"] => (Breaking, Relaxation),
        ["parameters", _, _] | ["body"] if is_required => (Breaking, Breaking),
        ["parameters", _, _, key, ..] if *key != "content" => (Breaking, Breaking),
        ["responses", status] if status.starts_with(['4', '5']) => (Addition, Relaxation),
        _ => (Addition, Breaking),
    };
    match (old, new) {
        (None, _) => if_new,
        (_, None) => if_gone,
        _ => Breaking,
    }
}

fn of_data(difference: &Difference, meaning: &Meaning<'_>, direction: Direction) -> Class {
    let Difference { old, new, .. } = difference;
    let class = match (&meaning.aspect[..], old, new) {
        ([] | ["default"], None, _) => return Addition,
        (["readOnly" | "writeOnly"], _, None) => return Relaxation,
        ([] | ["default" | "readOnly" | "writeOnly"], ..) => return Breaking,
        (aspect, old, new) => change(aspect, old.as_ref(), new.as_ref()),
    };
    match (class, direction) {
        (Narrower, Direction::Response) | (Wider, Direction::Request) => Relaxation,
        _ => Breaking,
    }
}

/// What a keyword's change does to the values that are allowed.
fn change(aspect: &[&str], old: Option<&Value>, new: Option<&Value>) -> Change {
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    match (aspect, old, new) {
        (["not", ..], ..) => Other,
        (["nullable"] | ["enum", _], None, _) => Wider,
        (["nullable"] | ["enum", _], _, None) => Narrower,
        (_, None, _) => Narrower,
        (_, _, None) => Wider,
        (["anyOf"], Some(gone), _) if is_empty(gone) => Wider,
        (["anyOf"], _, Some(added)) if is_empty(added) => Narrower,
        (["type"], Some(old), Some(new)) if old == "integer" && new == "number" => Wider,
        (["type"], Some(old), Some(new)) if old == "number" && new == "integer" => Narrower,
        ([key], old, new) if is_lower(key) || is_upper(key) => match (number(old), number(new)) {
            (Some(old), Some(new)) if (old < new) == is_lower(key) => Narrower,
            (Some(_), Some(_)) => Wider,
            _ => Other,
        },
        _ => Other,
    }
}
