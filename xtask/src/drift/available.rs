//! Operations by path and method: ours, those that moved, and those under our
//! paths that we do not have.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{Document, METHODS, Problem, escape};
use super::reader::Reader;
use super::side::{Operation, shape};

/// The paths of a published document.
pub(super) struct Index<'d> {
    document: &'d Document<'d>,
}

/// An operation under one of our paths.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Further {
    pub(super) path: String,
    pub(super) method: String,
    /// The path of ours that it is under.
    pub(super) under: String,
    /// How its path goes on where ours ends, if it does.
    pub(super) below: Option<String>,
}

impl Further {
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }

    pub(super) fn pointer(&self) -> String {
        format!("/paths/{}/{}", escape(&self.path), self.method)
    }
}

impl<'d> Index<'d> {
    pub(super) fn new(document: &'d Document<'d>) -> Self {
        Self { document }
    }

    /// The published path of an operation, whatever its parameters are called.
    /// An upstream that writes one path in two ways may split its methods.
    pub(super) fn find(&self, operation: &Operation) -> Option<&str> {
        let has = |path: &&str| {
            let methods = self.document.at(&format!("/paths/{}", escape(path)));
            match methods {
                Ok(Some(item)) if item.is_object() => {
                    item.get(&operation.method).is_some() || item.get("$ref").is_some()
                }
                // Let the reader say what is wrong with it.
                _ => true,
            }
        };
        let same = |path: &&str| shape(path) == shape(&operation.path);
        let exact = self.document.paths().find(|path| *path == operation.path);
        exact
            .filter(has)
            .or_else(|| self.document.paths().filter(same).find(has))
    }

    /// Where an operation that is not at its place may have gone: to the path
    /// that has its name, or to one that ends alike.
    pub(super) fn moved(
        &self,
        operation: &Operation,
        id: Option<&str>,
        ours: &[Operation],
    ) -> Option<String> {
        if let Some(path) = self.named(operation, id, ours) {
            return Some(path);
        }
        let mut best: Option<(usize, String)> = None;
        for (path, _) in self.strangers(operation, ours) {
            let alike = alike(&shape(path), &shape(&operation.path));
            if best.as_ref().is_none_or(|(most, _)| *most < alike) && 0 < alike {
                best = Some((alike, path.to_owned()));
            }
        }
        best.map(|(_, path)| path)
    }

    /// The path where an operation of that name is.
    pub(super) fn named(
        &self,
        operation: &Operation,
        id: Option<&str>,
        ours: &[Operation],
    ) -> Option<String> {
        let id = id?;
        let mut strangers = self.strangers(operation, ours);
        let named = strangers.find(|(_, name)| name.as_deref() == Some(id));
        named.map(|(path, _)| path.to_owned())
    }

    /// The paths that have an operation of the same method, which is none of ours, and
    /// its operationId.
    fn strangers(
        &self,
        operation: &Operation,
        ours: &[Operation],
    ) -> impl Iterator<Item = (&str, Option<String>)> {
        self.document.paths().filter_map(move |path| {
            let at_home = |other: &Operation| {
                other.method == operation.method && shape(&other.path) == shape(path)
            };
            if ours.iter().any(at_home) {
                return None;
            }
            let mut methods = self.methods(path).ok()?.into_iter();
            let (_, name) = methods.find(|(method, _)| *method == operation.method)?;
            Some((path, name))
        })
    }

    /// The methods of a path and their operationIds.
    fn methods(&self, path: &str) -> Result<Vec<(String, Option<String>)>, Problem> {
        let Some(target) = self.document.path_reference(path)? else {
            return self.document.methods(path);
        };
        let reader = Reader::new(self.document, None);
        let (item, _) = reader.follow(&target, &format!("/paths/{}", escape(path)))?;
        let methods = METHODS.iter().filter_map(|method| {
            let id = item.get(method)?.get("operationId").and_then(Value::as_str);
            Some((method.to_string(), id.map(str::to_owned)))
        });
        Ok(methods.collect())
    }

    /// Operations under our paths that are not ours.
    pub(super) fn available(
        &self,
        ours: &[Operation],
        moved: &BTreeSet<(String, String)>,
    ) -> Result<Vec<Further>, Problem> {
        let shapes: Vec<_> = ours
            .iter()
            .map(|operation| shape(&operation.path))
            .collect();
        let mut found = Vec::new();
        for path in self.document.paths() {
            let here = shape(path);
            // Of our paths, the longest that it begins with.
            let under = (0..ours.len())
                .filter(|index| here.starts_with(&shapes[*index]))
                .max_by_key(|index| shapes[*index].len());
            let Some(under) = under else { continue };
            for (method, _) in self.methods(path)? {
                let mine = ours
                    .iter()
                    .zip(&shapes)
                    .any(|(operation, shape)| operation.method == method && *shape == here);
                if !mine && !moved.contains(&(path.to_owned(), method.clone())) {
                    found.push(Further {
                        path: path.to_owned(),
                        method,
                        under: ours[under].path.clone(),
                        below: (shapes[under] != here).then(|| {
                            let rest = path.split('/').skip(shapes[under].len());
                            rest.map(|part| format!("/{part}")).collect()
                        }),
                    });
                }
            }
        }
        Ok(found)
    }
}

/// How many parts two paths have in common at the end; 0 unless all that makes
/// ours what it is, is among them.
fn alike(path: &[&str], ours: &[&str]) -> usize {
    let common = path
        .iter()
        .rev()
        .zip(ours.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let words = |parts: &[&str]| {
        parts
            .iter()
            .filter(|part| **part != "{}" && !part.is_empty())
            .count()
    };
    let (tail, head) = (&ours[ours.len() - common..], &ours[..ours.len() - common]);
    // Only the beginning (`accounts`, say, or a version) may have changed.
    if 0 < words(tail) && words(head) <= 1 && 2 < ours.len() {
        common
    } else {
        0
    }
}
