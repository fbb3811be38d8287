//! Reads the vendored OpenAPI fragment, and says where it is broken.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{anyhow, bail};
use openapiv3::OpenAPI;
use serde_json::Value;

/// The fragment's place in the workspace.
pub(crate) const FRAGMENT: &str = "openapi/mtls.json";

/// Reads and checks the fragment below `root`.
pub(crate) fn read(root: &Path) -> anyhow::Result<Value> {
    let text = fs::read_to_string(root.join(FRAGMENT)).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            anyhow!("cannot read {FRAGMENT}: {error}; restore it with `git checkout -- {FRAGMENT}`")
        }
        ErrorKind::InvalidData => {
            anyhow!("cannot read {FRAGMENT}: it is not UTF-8; save it as UTF-8")
        }
        _ => anyhow!("cannot read {FRAGMENT}: {error}"),
    })?;
    parse(&text)
}

/// Parses the fragment's text, and checks that its references lead somewhere.
pub(crate) fn parse(text: &str) -> anyhow::Result<Value> {
    let document: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        anyhow!("{FRAGMENT}:{line}:{column}: not JSON: {error}; mend the syntax there")
    })?;
    check_references(&document, &document, "")?;
    check_cycles(&document)?;
    Ok(document)
}

/// Gives the document the types that the generator works on.
pub(crate) fn typed(document: &Value) -> anyhow::Result<OpenAPI> {
    serde_path_to_error::deserialize(document).map_err(|error| {
        let place = error.path().to_string();
        anyhow!(
            "{FRAGMENT}: at {place}: not OpenAPI 3.0: {}; compare with the neighbouring entries",
            error.into_inner()
        )
    })
}

/// Escapes a key for use in a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn check_references(document: &Value, node: &Value, place: &str) -> anyhow::Result<()> {
    match node {
        Value::Object(map) => {
            if let Some(target) = map.get("$ref") {
                let Some(target) = target.as_str() else {
                    bail!("{FRAGMENT}: at #{place}: $ref is not a text; write what it refers to");
                };
                let Some(pointer) = target.strip_prefix('#') else {
                    bail!(
                        "{FRAGMENT}: at #{place}: $ref {target:?} leads out of the document; \
                         describe the thing under #/components and refer to it there"
                    );
                };
                if leads_round(document, target) {
                    bail!(
                        "{FRAGMENT}: at #{place}: $ref {target:?} leads round in a circle; let the \
                         last one say what is meant"
                    );
                }
                if document.pointer(pointer).is_none() {
                    bail!(
                        "{FRAGMENT}: at #{place}: $ref {target:?} leads nowhere; add what it \
                         names, or correct the name"
                    );
                }
            }
            for (key, value) in map {
                // Examples and records of upstream are data, not description.
                if !matches!(key.as_str(), "example" | "examples" | "x-departures") {
                    check_references(document, value, &format!("{place}/{}", escape(key)))?;
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            check_references(document, item, &format!("{place}/{index}"))
        }),
        _ => Ok(()),
    }
}

/// Whether references that lead to nothing but references come round.
fn leads_round(document: &Value, target: &str) -> bool {
    let mut seen = vec![target];
    let mut place = target;
    while let Some(next) = place
        .strip_prefix('#')
        .and_then(|pointer| document.pointer(pointer)?["$ref"].as_str())
    {
        if seen.contains(&next) {
            return true;
        }
        seen.push(next);
        place = next;
    }
    false
}

/// Refuses schemas that are defined by nothing but themselves, of which the
/// generator makes nonsense without a word.
fn check_cycles(document: &Value) -> anyhow::Result<()> {
    let schemas = document
        .pointer("/components/schemas")
        .and_then(Value::as_object);
    for name in schemas.into_iter().flat_map(|schemas| schemas.keys()) {
        let start = format!("#/components/schemas/{}", escape(name));
        let mut seen = vec![start.clone()];
        let mut open = seen.clone();
        while let Some(place) = open.pop() {
            for next in made_of(document, &place) {
                if next == start {
                    bail!(
                        "{FRAGMENT}: at {start}: the schema is made of itself; refer to it from a \
                         property or an item instead"
                    );
                }
                if !seen.contains(&next) {
                    seen.push(next.clone());
                    open.push(next);
                }
            }
        }
    }
    Ok(())
}

/// The schemas that one consists of, as opposed to those that it contains.
fn made_of(document: &Value, place: &str) -> Vec<String> {
    let schema = place
        .strip_prefix('#')
        .and_then(|pointer| document.pointer(pointer));
    let Some(schema) = schema else {
        return Vec::new();
    };
    let parts = ["allOf", "anyOf", "oneOf"]
        .into_iter()
        .filter_map(|key| schema[key].as_array());
    let parts = parts.flatten().chain([schema]);
    parts
        .filter_map(|part| part["$ref"].as_str())
        .map(str::to_owned)
        .collect()
}
