//! What of a published document our operations reach, read from its text alone.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;

use serde_json::Value;

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Operation,
    Parameter,
    Body,
    Answer,
    Media,
    /// A schema that is spelled out here.
    Schema,
    /// A reference in the place of a schema.
    Reference,
    /// A schema of two envelopes that exclude each other: as nothing satisfies
    /// it, what is said in it in addition has no meaning.
    Contradiction,
}

pub(super) type Site = (Kind, String);

pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// All that the operations of `ours` reach in `theirs`.
pub(super) fn sites(theirs: &Value, ours: &Value) -> Vec<Site> {
    let shape = |path: &str| -> Vec<String> {
        path.split('/')
            .map(|part| if part.starts_with('{') { "{}" } else { part }.to_owned())
            .collect()
    };
    let mut finder = Finder {
        document: theirs,
        found: BTreeSet::new(),
    };
    for (path, item) in theirs["paths"].as_object().unwrap() {
        let mine = ours["paths"]
            .as_object()
            .unwrap()
            .iter()
            .find(|(mine, _)| shape(mine) == shape(path));
        let Some((_, mine)) = mine else { continue };
        let at = format!("/paths/{}", escape(path));
        for method in mine.as_object().unwrap().keys() {
            if item.get(method).is_some() {
                finder.operation(&format!("{at}/{method}"));
                finder.parameters(&format!("{at}/parameters"));
            }
        }
    }
    finder.found.into_iter().collect()
}

struct Finder<'d> {
    document: &'d Value,
    found: BTreeSet<Site>,
}

impl<'d> Finder<'d> {
    fn get(&self, at: &str) -> Option<&'d Value> {
        self.document.pointer(at)
    }

    fn names(&self, at: &str) -> Vec<String> {
        let members = self.get(at).and_then(Value::as_object);
        members.map_or_else(Vec::new, |members| {
            members.keys().map(|name| escape(name)).collect()
        })
    }

    fn count(&self, at: &str) -> usize {
        self.get(at).and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// Where a reference at `at` leads, or `at` itself.
    fn target(&self, at: &str) -> String {
        let target = self
            .get(at)
            .and_then(|value| value.get("$ref"))
            .and_then(Value::as_str);
        target.map_or_else(|| at.to_owned(), |target| target[1..].to_owned())
    }

    fn operation(&mut self, at: &str) {
        self.found.insert((Kind::Operation, at.to_owned()));
        self.parameters(&format!("{at}/parameters"));
        let body = self.target(&format!("{at}/requestBody"));
        if self.get(&body).is_some() {
            self.found.insert((Kind::Body, body.clone()));
            self.content(&body);
        }
        for status in self.names(&format!("{at}/responses")) {
            let answer = self.target(&format!("{at}/responses/{status}"));
            self.found.insert((Kind::Answer, answer.clone()));
            self.content(&answer);
        }
    }

    fn parameters(&mut self, at: &str) {
        for index in 0..self.count(at) {
            let parameter = self.target(&format!("{at}/{index}"));
            self.schema(&format!("{parameter}/schema"));
            self.found.insert((Kind::Parameter, parameter));
        }
    }

    fn content(&mut self, at: &str) {
        for media in self.names(&format!("{at}/content")) {
            let at = format!("{at}/content/{media}");
            self.schema(&format!("{at}/schema"));
            self.found.insert((Kind::Media, at));
        }
    }

    fn schema(&mut self, at: &str) {
        let Some(value) = self.get(at) else { return };
        let target = self.target(at);
        if target != at {
            if self.found.insert((Kind::Reference, at.to_owned())) {
                self.schema(&target);
            }
            return;
        }
        let kind = if is_contradiction(self.document, value) {
            Kind::Contradiction
        } else {
            Kind::Schema
        };
        if !self.found.insert((kind, at.to_owned())) {
            return;
        }
        for name in self.names(&format!("{at}/properties")) {
            self.schema(&format!("{at}/properties/{name}"));
        }
        self.schema(&format!("{at}/items"));
        for list in ["allOf", "anyOf", "oneOf"] {
            for index in 0..self.count(&format!("{at}/{list}")) {
                self.schema(&format!("{at}/{list}/{index}"));
            }
        }
    }
}

/// Where a reference at `at` leads in the end, or `at` itself.
pub(super) fn target(document: &Value, at: &str) -> String {
    let mut at = at.to_owned();
    while let Some(next) = document
        .pointer(&at)
        .and_then(|value| value["$ref"].as_str())
    {
        at = next[1..].to_owned();
    }
    at
}

/// Whether it joins two envelopes that exclude each other.
pub(super) fn is_contradiction(document: &Value, schema: &Value) -> bool {
    let parts = schema.get("allOf").and_then(Value::as_array);
    let mut said: Vec<Value> = Vec::new();
    for part in parts.into_iter().flatten() {
        let mut part = part;
        // The first of each envelope is the one that it builds on.
        loop {
            if let Some(target) = part.get("$ref").and_then(Value::as_str) {
                part = document.pointer(&target[1..]).unwrap();
            } else if let Some(base) = part.pointer("/allOf/0") {
                part = base;
            } else {
                break;
            }
        }
        said.extend(part.pointer("/properties/success/enum").cloned());
    }
    said.len() == 2 && said[0] != said[1]
}
