//! Warns of what the generator writes without complaint and callers stumble over later.

use serde_json::Value;

use crate::upstream;
use crate::upstream::resolve::entries;

/// A line for each closed enum in a response and each optional array in a request.
pub(super) fn find(fragment: &Value) -> Vec<String> {
    let mut traps = Vec::new();
    for (name, operation) in entries(&upstream::canonical_operations(fragment)) {
        for (status, response) in entries(&operation["responses"]) {
            for (_, schema) in entries(&response["content"]) {
                visit(
                    schema,
                    &format!("{name}: {status} response"),
                    &mut |place, schema| {
                        if schema.get("enum").is_some() {
                            traps.push(format!(
                            "{place} is a closed enum, so a new value fails the whole response; \
                             take `type: string` and name the values in the description"
                        ));
                        }
                    },
                );
            }
        }
        for (_, schema) in entries(&operation["body"]["content"]) {
            visit(
                schema,
                &format!("{name}: request body"),
                &mut |place, schema| {
                    let required = schema["required"].as_array();
                    for (name, property) in entries(&schema["properties"]) {
                        let is_required =
                            required.is_some_and(|all| all.iter().any(|one| one == name));
                        if property["type"] == "array" && !is_required {
                            traps.push(format!(
                                "{place}/{name} is an optional array, which is left out of the \
                             request when it is empty; put it into `required`"
                            ));
                        }
                    }
                },
            );
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
    for schema in alternatives
        .chain(schema.get("items"))
        .chain(schema.get("additionalProperties"))
    {
        visit(schema, &format!("{place}[]"), check);
    }
}
