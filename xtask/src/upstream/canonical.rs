//! The canonical form of operations: the facts that can be seen on the wire.

use serde_json::{Map, Value, json};

use super::locate::{self, Found, Wanted};
use super::resolve::{Document, UNRESOLVED, entries};
use super::schema::{self, Direction};

/// The canonical form of a document.
pub(crate) struct Canonical {
    /// The operations that are wanted, by the fragment's names.
    pub(crate) operations: Value,
    /// Operations at our paths or directly below that the fragment does not have.
    pub(crate) nearby: Vec<String>,
    /// What could not be read.
    pub(crate) problems: Vec<String>,
}

/// Makes the canonical form of a document.
pub(crate) fn canonical(root: &Value, wanted: &[Wanted]) -> Canonical {
    let document = Document::new(root);
    let mut operations = json!({});
    let mut nearby = Vec::new();
    for found in locate::operations(&document) {
        let is_ours = |ours: &&Wanted| ours.path == found.path && ours.method == found.method;
        if let Some(ours) = wanted.iter().find(is_ours) {
            operations[&ours.name] = operation(&document, &found);
        } else if locate::is_nearby(&found.path, wanted) {
            nearby.push(format!("{} {}", found.method.to_uppercase(), found.path));
        }
    }
    nearby.sort();
    Canonical { operations, nearby, problems: document.problems() }
}

fn operation(document: &Document<'_>, found: &Found<'_>) -> Value {
    let Found { item, operation, .. } = found;
    let either = |key: &str| {
        let own = operation.get(key).or(item.get(key));
        own.unwrap_or(&document.root[key])
    };
    let mut facts = json!({
        "method": found.method,
        "path": found.path,
        "parameters": {},
        "responses": {},
        "security": security(document, either("security")),
        "servers": servers(either("servers")),
    });
    // Those of the operation come later and replace those of its path.
    for list in [&item["parameters"], &operation["parameters"]] {
        for node in list.as_array().into_iter().flatten() {
            let Some(node) = document.follow(node) else {
                facts["parameters"] = json!({UNRESOLVED: true});
                break;
            };
            if let Some(name) = node["name"].as_str()
                && let Some(location) = node["in"].as_str()
            {
                // The place in the path is on the wire, and the name is not.
                let position = found.names.iter().position(|known| *known == name);
                let name = match (location, position) {
                    ("path", Some(index)) => (index + 1).to_string(),
                    ("header", _) => name.to_lowercase(),
                    _ => name.to_owned(),
                };
                let parameter = parameter(document, node, Direction::Request);
                facts["parameters"][location][name] = parameter;
            }
        }
    }
    if let Some(body) = operation.get("requestBody") {
        facts["body"] = read(document, body, |body| {
            let mut facts = json!({"content": content(document, body, Direction::Request)});
            if body["required"] == true {
                facts["required"] = json!(true);
            }
            facts
        });
    }
    for (status, response) in entries(&operation["responses"]) {
        if !status.starts_with("x-") {
            facts["responses"][status.to_uppercase()] = read(document, response, |response| {
                let mut facts =
                    json!({"content": content(document, response, Direction::Response)});
                for (name, header) in entries(&response["headers"]) {
                    facts["headers"][name.to_lowercase()] = read(document, header, |header| {
                        parameter(document, header, Direction::Response)
                    });
                }
                facts
            });
        }
    }
    facts
}

/// Reads what stands behind references, and marks where they lead nowhere.
fn read<'a>(
    document: &Document<'a>,
    node: &'a Value,
    read: impl FnOnce(&'a Value) -> Value,
) -> Value {
    document.follow(node).map_or_else(|| json!({UNRESOLVED: true}), read)
}

fn parameter(document: &Document<'_>, node: &Value, direction: Direction) -> Value {
    let mut facts = match node.get("schema") {
        Some(schema) => json!({"schema": schema::canonical(document, schema, direction)}),
        None => json!({"content": content(document, node, direction)}),
    };
    if let Some(schema) = facts["schema"].as_object_mut() {
        // It means something in a body only.
        schema.remove("readOnly");
    }
    for key in ["required", "style", "explode", "allowReserved", "allowEmptyValue"] {
        if let Some(value) = node.get(key).filter(|value| **value != false) {
            facts[key] = value.clone();
        }
    }
    facts
}

/// The media types of a body, a response or a parameter, with the schema of each.
fn content(document: &Document<'_>, node: &Value, direction: Direction) -> Map<String, Value> {
    let media = entries(&node["content"]).map(|(name, media)| {
        let name = name.split(';').next().unwrap_or_default().trim();
        let schema = schema::canonical(document, &media["schema"], direction);
        (name.to_lowercase(), schema)
    });
    media.collect()
}

/// The ways to authenticate, each as text: what is sent, not what it is called.
fn security(document: &Document<'_>, ways: &Value) -> Value {
    let mut all = Vec::new();
    for way in ways.as_array().into_iter().flatten() {
        let mut sent = Vec::new();
        for (name, scopes) in entries(way) {
            let scheme = &document.root["components"]["securitySchemes"][name];
            let Some(scheme) = document.follow(scheme).filter(|scheme| scheme.is_object()) else {
                document
                    .report(format!("the security scheme `{name}` is required and not defined"));
                return json!({UNRESOLVED: true});
            };
            let text = |key: &str| scheme[key].as_str().unwrap_or_default();
            sent.push(match text("type") {
                "apiKey" => format!("{} {}", text("in"), text("name")),
                "http" => format!("http {}", text("scheme").to_lowercase()),
                kind => format!("{kind} {scopes}"),
            });
        }
        sent.sort();
        all.push(sent.join(" and "));
    }
    if all.is_empty() {
        all.push(String::new());
    }
    let mut all: Vec<_> = all.iter().map(|way| if way.is_empty() { "none" } else { way }).collect();
    all.sort_unstable();
    all.dedup();
    json!(all)
}

/// The addresses of the servers, with what their variables may be.
fn servers(servers: &Value) -> Value {
    let address = |server: &Value| {
        let mut address = server["url"].as_str().unwrap_or_default().to_owned();
        for (name, variable) in entries(&server["variables"]) {
            let listed = variable["enum"].as_array().into_iter().flatten();
            let values = listed.chain([&variable["default"]]).filter_map(Value::as_str);
            let values: std::collections::BTreeSet<_> = values.collect();
            let values: Vec<_> = values.into_iter().collect();
            address = address.replace(&format!("{{{name}}}"), &values.join("|"));
        }
        address.trim_end_matches('/').to_owned()
    };
    let mut all: Vec<_> = servers.as_array().into_iter().flatten().map(address).collect();
    all.sort();
    all.dedup();
    json!(all)
}
