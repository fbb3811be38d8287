//! Reads the vendored OpenAPI fragment, and says where it is broken.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use openapiv3::OpenAPI;
use serde_json::Value;

use crate::upstream::resolve::Document;
pub(crate) use crate::upstream::resolve::escape;
use crate::upstream::schema::{self, Direction};

/// The fragment's place in the workspace.
pub(crate) const FRAGMENT: &str = "openapi/mtls.json";

/// Reads and checks the fragment below `root`.
pub(crate) fn read(root: &Path) -> anyhow::Result<Value> {
    let text = fs::read_to_string(root.join(FRAGMENT))
        .with_context(|| format!("cannot read {FRAGMENT}; restore it from git, as UTF-8"))?;
    parse(&text)
}

/// Parses the fragment's text, and checks that its references lead somewhere.
pub(crate) fn parse(text: &str) -> anyhow::Result<Value> {
    let document: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        anyhow!("{FRAGMENT}:{line}:{column}: not JSON: {error}; mend the syntax there")
    })?;
    let references = Document::new(&document);
    check_references(&references, &document, "")?;
    check_cycles(&references)?;
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

/// Every reference leads to something in the document.
fn check_references(document: &Document<'_>, node: &Value, place: &str) -> anyhow::Result<()> {
    match node {
        Value::Object(map) => {
            if map.get("$ref").is_some_and(|target| !target.is_string()) {
                bail!("{FRAGMENT}: at #{place}: $ref is not a text; write what it refers to");
            }
            if document.follow(node).is_none() {
                let problem = document.problems().join(", ");
                bail!(
                    "{FRAGMENT}: at #{place}: {problem}; define it under #/components, or \
                     correct the name"
                );
            }
            // Examples are data, not description.
            let parts =
                map.iter().filter(|(key, _)| !matches!(key.as_str(), "example" | "examples"));
            for (key, value) in parts {
                check_references(document, value, &format!("{place}/{}", escape(key)))?;
            }
            Ok(())
        }
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            check_references(document, item, &format!("{place}/{index}"))
        }),
        _ => Ok(()),
    }
}

/// Refuses schemas that are defined by nothing but themselves, of which the generator
/// makes nonsense without complaint.
fn check_cycles(document: &Document<'_>) -> anyhow::Result<()> {
    let schemas = document.root["components"]["schemas"].as_object();
    for (name, schema) in schemas.into_iter().flatten() {
        let canonical = schema::canonical(document, schema, Direction::Request);
        if canonical.get("recursion").is_some() {
            bail!(
                "{FRAGMENT}: at #/components/schemas/{}: the schema is made of itself; refer to \
                 it from a property or an item instead",
                escape(name)
            );
        }
    }
    Ok(())
}
