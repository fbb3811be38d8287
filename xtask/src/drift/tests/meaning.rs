//! What joined schemas say together, worked out apart from the code under test.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::reach::{Kind, escape, is_contradiction, sites, target};

/// How deep to look; schemas that contain themselves have no end.
const DEEPEST: usize = 12;

/// Of all that our operations send and get: the key is the path of meaning, from
/// where a schema is used.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Meaning {
    /// Whether a value may be null.
    pub(super) nulls: BTreeMap<String, bool>,
    /// The fields that are sure to be there.
    pub(super) required: BTreeSet<String>,
}

pub(super) fn meaning(theirs: &Value, ours: &Value) -> Meaning {
    let mut finder = Finder {
        document: theirs,
        found: Meaning::default(),
    };
    for (kind, at) in sites(theirs, ours) {
        if matches!(kind, Kind::Parameter | Kind::Media) {
            let schema = format!("{at}/schema");
            if theirs.pointer(&schema).is_some() {
                finder.value(&schema, vec![schema.clone()], 0);
            }
        }
    }
    finder.found
}

struct Finder<'d> {
    document: &'d Value,
    found: Meaning,
}

impl<'d> Finder<'d> {
    fn get(&self, at: &str) -> &'d Value {
        self.document.pointer(at).unwrap_or(&Value::Null)
    }

    fn count(&self, at: &str) -> usize {
        self.get(at).as_array().map_or(0, Vec::len)
    }

    /// The value that all of `schemas` describe.
    fn value(&mut self, path: &str, schemas: Vec<String>, depth: usize) {
        let mut objects = Vec::new();
        for at in &schemas {
            self.objects(at, &mut objects);
        }
        let hopeless = |at: &String| is_contradiction(self.document, self.get(at));
        if DEEPEST < depth || objects.iter().any(hopeless) {
            return;
        }
        let said: Vec<_> = schemas.iter().map(|at| self.opinion(at)).collect();
        self.found
            .nulls
            .insert(path.to_owned(), all(&said) == Some(true));
        let mut inside: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for at in &objects {
            let required = self.get(&format!("{at}/required")).as_array();
            for name in required.into_iter().flatten().filter_map(Value::as_str) {
                let required = format!("{path}/{}", escape(name));
                self.found.required.insert(required);
            }
            let names = self.get(&format!("{at}/properties")).as_object();
            for name in names.into_iter().flat_map(|names| names.keys()) {
                let name = escape(name);
                let values = inside.entry(format!("{path}/{name}")).or_default();
                values.push(format!("{at}/properties/{name}"));
            }
            if self.get(&format!("{at}/items")).is_object() {
                let values = inside.entry(format!("{path}/[]")).or_default();
                values.push(format!("{at}/items"));
            }
            for list in ["anyOf", "oneOf"] {
                for index in 0..self.count(&format!("{at}/{list}")) {
                    let branch = format!("{at}/{list}/{index}");
                    // What it says of itself, the whole has said.
                    let mut parts = Vec::new();
                    self.objects(&branch, &mut parts);
                    for part in parts {
                        let names = self.get(&format!("{part}/properties")).as_object();
                        for name in names.into_iter().flat_map(|names| names.keys()) {
                            let name = escape(name);
                            inside
                                .entry(format!("{path}/{list}/{index}/{name}"))
                                .or_default()
                                .push(format!("{part}/properties/{name}"));
                        }
                    }
                }
            }
        }
        for (path, schemas) in inside {
            self.value(&path, schemas, depth + 1);
        }
    }

    /// The schemas that the one at `at` demands all of.
    fn objects(&self, at: &str, found: &mut Vec<String>) {
        let at = &target(self.document, at);
        found.push(at.clone());
        for index in 0..self.count(&format!("{at}/allOf")) {
            self.objects(&format!("{at}/allOf/{index}"), found);
        }
    }

    fn opinion(&self, at: &str) -> Option<bool> {
        let at = &target(self.document, at);
        let schema = self.get(at);
        let nullable = schema.get("nullable") == Some(&json!(true));
        let mut said = Vec::new();
        for index in 0..self.count(&format!("{at}/allOf")) {
            said.push(self.opinion(&format!("{at}/allOf/{index}")));
        }
        for list in ["anyOf", "oneOf"] {
            let branches = 0..self.count(&format!("{at}/{list}"));
            let branches: Vec<_> = branches
                .map(|index| self.opinion(&format!("{at}/{list}/{index}")))
                .collect();
            if branches.contains(&Some(true)) {
                said.push(Some(true));
            } else if !branches.is_empty() && !branches.contains(&None) {
                said.push(Some(false));
            }
        }
        match schema.get("type") {
            Some(Value::Array(types)) => {
                said.push(Some(nullable || types.contains(&json!("null"))))
            }
            Some(_) => said.push(Some(nullable)),
            None if nullable => return Some(true),
            None => {}
        }
        all(&said)
    }
}

fn all(said: &[Option<bool>]) -> Option<bool> {
    if said.contains(&Some(false)) {
        Some(false)
    } else {
        said.iter().copied().flatten().next()
    }
}
