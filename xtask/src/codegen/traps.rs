//! Warns of what the generator writes without complaint and callers stumble over later.

use serde_json::Value;

use crate::upstream;
use crate::upstream::resolve::entries;

/// A line for each closed enum in a response and each optional array in a request.
pub(super) fn find(fragment: &Value) -> Vec<String> {
    let mut traps = Vec::new();
    for (name, operation) in entries(&upstream::canonical_operations(fragment)) {
        let mut closed_enums = |place: &str, schema: &Value| {
            if schema.get("enum").is_some() {
                traps.push(format!(
                    "{place} is a closed enum, so a new value fails the whole response; take \
                     `type: string` and name the values in the description"
                ));
            }
        };
        for (status, response) in entries(&operation["responses"]) {
            for (_, schema) in entries(&response["content"]) {
                visit(schema, &format!("{name}: {status} response"), &mut closed_enums);
            }
        }
        let mut optional_arrays = |place: &str, schema: &Value| {
            for (name, property) in entries(&schema["properties"]) {
                let mut required = schema["required"].as_array().into_iter().flatten();
                if property["type"] == "array" && !required.any(|one| one == name) {
                    traps.push(format!(
                        "{place}/{name} is an optional array, which is left out of the request \
                         when it is empty; put it into `required`"
                    ));
                }
            }
        };
        for (_, schema) in entries(&operation["body"]["content"]) {
            visit(schema, &format!("{name}: request body"), &mut optional_arrays);
        }
    }
    traps
}

/// Visits a schema and all schemas in it.
fn visit(schema: &Value, place: &str, check: &mut impl FnMut(&str, &Value)) {
    check(place, schema);
    for (name, property) in entries(&schema["properties"]) {
        visit(property, &format!("{place}/{name}"), check);
    }
    let alternatives = schema["anyOf"].as_array().into_iter().flatten();
    let others = [schema.get("items"), schema.get("additionalProperties")];
    for schema in alternatives.chain(others.into_iter().flatten()) {
        visit(schema, &format!("{place}[]"), check);
    }
}
