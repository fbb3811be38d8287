//! Follows `$ref` inside a document, and remembers the ones that lead nowhere.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

/// Stands in the canonical form where a reference could not be followed; such a place
/// is reported once and never compared.
pub(crate) const UNRESOLVED: &str = "unresolved";

/// An OpenAPI document.
pub(crate) struct Document<'a> {
    pub(crate) root: &'a Value,
    problems: RefCell<BTreeSet<String>>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(root: &'a Value) -> Self {
        let problems = RefCell::default();
        Self { root, problems }
    }

    /// What a reference names, or `None`, which is remembered as a problem.
    pub(crate) fn target(&self, reference: &str) -> Option<&'a Value> {
        let pointer = reference.strip_prefix('#');
        let target = pointer.and_then(|pointer| self.root.pointer(pointer));
        if target.is_none() {
            self.report(format!("`{reference}` is referred to and not defined"));
        }
        target
    }

    /// The object behind any number of references, or `None` where they lead nowhere.
    pub(crate) fn follow(&self, mut node: &'a Value) -> Option<&'a Value> {
        let mut seen = Vec::new();
        while let Some(reference) = node["$ref"].as_str() {
            if seen.contains(&reference) {
                self.report(format!("`{reference}` refers to itself"));
                return None;
            }
            seen.push(reference);
            node = self.target(reference)?;
        }
        Some(node)
    }

    pub(crate) fn report(&self, problem: String) {
        self.problems.borrow_mut().insert(problem);
    }

    /// What could not be followed, a line each.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.problems.borrow().iter().cloned().collect()
    }
}

/// Escapes a key for use in a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The entries of a map, if it is one.
pub(crate) fn entries(map: &Value) -> impl Iterator<Item = (&String, &Value)> {
    map.as_object().into_iter().flatten()
}
