//! Finds the fragment's operations in a document, by method and shape of the path.

use serde_json::Value;

use super::resolve::{Document, entries};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "patch", "head", "options", "trace"];

/// Under these, a new operation concerns us even if the fragment does not have it.
const WATCHED: [&str; 2] =
    ["/accounts/{}/mtls_certificates", "/zones/{}/certificate_authorities/hostname_associations"];

/// An operation to look for.
pub(crate) struct Wanted {
    /// The fragment's operationId: the name of the operation in the canonical form.
    pub(crate) name: String,
    pub(crate) method: String,
    /// The path with `{}` for each parameter, as names of parameters are not sent.
    pub(crate) path: String,
}

/// An operation of a document.
pub(crate) struct Found<'a> {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    /// Names of the path's parameters, in order.
    pub(crate) names: Vec<&'a str>,
    pub(crate) item: &'a Value,
    pub(crate) operation: &'a Value,
}

/// Every operation of the fragment.
pub(crate) fn wanted(fragment: &Value) -> Vec<Wanted> {
    let document = Document::new(fragment);
    let name = |found: &Found<'_>| match found.operation["operationId"].as_str() {
        Some(name) => name.to_owned(),
        None => format!("{} {}", found.method, found.path),
    };
    operations(&document)
        .map(|found| Wanted {
            name: name(&found),
            method: found.method.to_owned(),
            path: found.path,
        })
        .collect()
}

/// Every operation of a document.
pub(crate) fn operations<'a>(document: &Document<'a>) -> impl Iterator<Item = Found<'a>> {
    entries(&document.root["paths"]).flat_map(|(path, item)| {
        let item = document.follow(item).unwrap_or(&Value::Null);
        let (path, names) = shape(path);
        let found = |method: &&'static str| {
            Some(Found {
                method,
                path: path.clone(),
                names: names.clone(),
                item,
                operation: item.get(method)?,
            })
        };
        METHODS.iter().filter_map(found).collect::<Vec<_>>()
    })
}

/// Whether an operation that the fragment does not have stands at one of its watched
/// paths, or directly below.
pub(crate) fn is_nearby(path: &str, wanted: &[Wanted]) -> bool {
    let above = path.rsplit_once('/').map_or("", |(above, _)| above);
    wanted.iter().any(|ours| {
        let is_watched = WATCHED.iter().any(|root| ours.path.starts_with(root));
        is_watched && (ours.path == path || ours.path == above)
    })
}

/// The path with its parameters' names taken out, and those names.
fn shape(path: &str) -> (String, Vec<&str>) {
    let mut parts = path.split('{');
    let mut shape = parts.next().unwrap_or_default().to_owned();
    let mut names = Vec::new();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        names.push(name);
        shape.push_str("{}");
        shape.push_str(rest);
    }
    (shape, names)
}
