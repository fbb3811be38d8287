//! What the check found, in a form that serves people and programs.

use std::collections::BTreeSet;

use json_patch::Patch;
use serde::Serialize;
use serde_json::Value;

use super::advice::Subject;
use super::class::Class;

/// The outcome of a check.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// Operations that were compared.
    pub(super) operations: usize,
    /// Records in the fragment that explain a difference.
    pub(super) departures: usize,
    pub(super) findings: Vec<Finding>,
    /// What could not be told.
    pub(super) problems: Vec<Trouble>,
    /// Worth to know, but nothing that is seen on the wire.
    pub(super) notes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// No record is about it.
    Unrecorded,
    /// A record is about it, and upstream has changed since.
    Changed,
    /// A record is about it, and upstream now says what ours says.
    Adopted,
    /// An operation that ours does not have.
    Available,
    /// A record that explains nothing.
    Stale,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    pub(super) status: Status,
    pub(super) class: Class,
    /// In a few words.
    pub(super) what: String,
    /// The operations that it touches.
    pub(super) operations: BTreeSet<String>,
    /// Where in the first of them, by meaning.
    pub(super) place: String,
    pub(super) upstream: Seen,
    pub(super) ours: Seen,
    /// What upstream said when it was last looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) known: Option<Value>,
    /// References that all lead to what upstream says: one may lead elsewhere now.
    #[serde(skip)]
    pub(super) references: BTreeSet<String>,
    /// The record that is about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) record: Option<String>,
    /// What to edit.
    pub(super) edit: String,
    /// The edit that keeps ours, as a JSON Patch of the fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) patch: Option<Patch>,
    /// What that patch is to explain.
    #[serde(skip)]
    pub(super) subject: Option<Subject>,
}

impl Finding {
    /// One that names no places yet.
    pub(super) fn new(status: Status, class: Class, what: impl Into<String>) -> Self {
        Self {
            status,
            class,
            what: what.into(),
            operations: BTreeSet::new(),
            place: String::new(),
            upstream: Seen::default(),
            ours: Seen::default(),
            known: None,
            references: BTreeSet::new(),
            record: None,
            edit: String::new(),
            patch: None,
            subject: None,
        }
    }
}

/// What one side says, and where.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Seen {
    pub(super) pointer: String,
    /// Further places that have a say in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) also: Vec<String>,
    /// Null where it says nothing.
    pub(super) value: Option<Value>,
}

impl Seen {
    pub(super) fn new(pointer: String, value: Option<Value>) -> Self {
        Self {
            pointer,
            value,
            also: Vec::new(),
        }
    }

    /// All places, the likeliest first.
    pub(super) fn places(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.pointer).chain(&self.also)
    }

    /// Puts the places into another order.
    pub(super) fn sort_by_key<K: Ord>(&mut self, key: impl FnMut(&String) -> K) {
        let mut places: Vec<_> = self.places().cloned().collect();
        places.sort_by_cached_key(key);
        let mut places = places.into_iter();
        self.pointer = places.next().unwrap_or_default();
        self.also = places.collect();
    }

    /// Adds the references that lead there.
    pub(super) fn refer(&mut self, references: &BTreeSet<String>) {
        for at in references {
            if *at != self.pointer && !self.also.contains(at) {
                self.also.push(at.clone());
            }
        }
        // What holds for all has not changed when one operation comes to follow it.
        if self.pointer == "/security" && !self.also.is_empty() {
            std::mem::swap(&mut self.pointer, &mut self.also[0]);
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Trouble {
    /// None where it touches all of them.
    pub(super) operation: Option<String>,
    pub(super) pointer: String,
    pub(super) message: String,
}

impl Report {
    /// The report of a document, or a fragment, that could not be read at all.
    pub(super) fn failed(message: String) -> Self {
        let problem = Trouble {
            operation: None,
            pointer: String::new(),
            message,
        };
        Self {
            problems: vec![problem],
            ..Self::default()
        }
    }

    /// 0 no drift, 1 drift, 2 could not tell.
    pub(super) fn exit(&self) -> u8 {
        if !self.problems.is_empty() {
            2
        } else if !self.findings.is_empty() {
            1
        } else {
            0
        }
    }
}
