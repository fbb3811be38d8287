//! Writes documents in another way, at random.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use serde_json::{Map, Value, json};

use super::mutant::Mutator;
use super::reach::{Kind, Site, escape};
use super::small::{cut, put};
use super::whole::choice_of_server;

impl Mutator {
    /// Writes something in another way that means the same.
    pub(super) fn rewrite(
        &mut self,
        document: &mut Value,
        sites: &[Site],
    ) -> Option<(&'static str, String)> {
        let (kind, at) = self.pick(sites)?.clone();
        let name = self.fresh("mutant");
        let is_schema = matches!(kind, Kind::Schema | Kind::Contradiction);
        let what = match self.below(18) {
            0 if kind != Kind::Reference => {
                put(document, &format!("{at}/description"), json!(name));
                "description"
            }
            1 if is_schema => {
                put(document, &format!("{at}/title"), json!(name));
                put(
                    document,
                    &format!("{at}/externalDocs"),
                    json!({"url": name}),
                );
                "title and documentation"
            }
            2 if is_schema || kind == Kind::Parameter || kind == Kind::Media => {
                put(document, &format!("{at}/example"), json!({"type": name}));
                "example"
            }
            3 if kind != Kind::Reference => {
                put(
                    document,
                    &format!("{at}/x-{name}"),
                    json!({"type": "string", "$ref": "#/nowhere"}),
                );
                "vendor extension"
            }
            4 if kind == Kind::Operation => {
                for field in ["operationId", "summary"] {
                    put(document, &format!("{at}/{field}"), json!(name));
                }
                put(document, &format!("{at}/tags"), json!([name]));
                "names of an operation"
            }
            5 => {
                let object = document.pointer(&at)?.as_object()?;
                let lists = ["enum", "required", "allOf", "anyOf", "oneOf", "parameters"];
                let lists: Vec<_> = lists
                    .into_iter()
                    .filter(|list| object.contains_key(*list))
                    .collect();
                let list = format!("{at}/{}", self.pick(&lists)?);
                document.pointer_mut(&list)?.as_array_mut()?.reverse();
                "order of a list"
            }
            6 if kind == Kind::Reference => {
                let target = document.pointer(&at)?["$ref"].as_str()?[1..].to_owned();
                let value = document.pointer(&target)?.clone();
                put(document, &at, value);
                "reference written out"
            }
            7 if is_schema => {
                let schema = cut(document, &at);
                // A list must not lose its order.
                reinsert(
                    document,
                    &at,
                    json!({"$ref": format!("#/components/schemas/{name}")}),
                );
                put(document, &format!("/components/schemas/{name}"), schema);
                "schema behind a reference"
            }
            8 if kind == Kind::Reference => {
                let target = document.pointer(&at)?["$ref"].as_str()?.to_owned();
                let old = target.strip_prefix("#/components/schemas/")?.to_owned();
                if old.contains('/') {
                    return None;
                }
                let schema = document["components"]["schemas"]
                    .as_object_mut()?
                    .remove(&old)?;
                put(document, &format!("/components/schemas/{name}"), schema);
                redirect(document, &target, &format!("#/components/schemas/{name}"));
                "name of a schema"
            }
            9 if is_schema || kind == Kind::Reference => {
                let schema = document.pointer(&at)?.clone();
                put(document, &at, json!({"allOf": [schema]}));
                "allOf around one"
            }
            10 if is_schema => {
                let schema = document.pointer(&at)?.as_object()?;
                let (kind, nullable) = (
                    schema.get("type")?.as_str()?.to_owned(),
                    schema.get("nullable").cloned(),
                );
                if nullable == Some(json!(true)) {
                    cut(document, &format!("{at}/nullable"));
                    put(document, &format!("{at}/type"), json!(["null", kind]));
                    "null as of 3.1"
                } else {
                    put(document, &format!("{at}/type"), json!([kind]));
                    "type as of 3.1"
                }
            }
            11 if is_schema => {
                let schema = document.pointer_mut(&at)?.as_object_mut()?;
                let empty = [
                    ("minLength", json!(0)),
                    ("uniqueItems", json!(false)),
                    ("additionalProperties", json!(true)),
                    ("exclusiveMinimum", json!(false)),
                ];
                for (name, value) in empty {
                    schema.entry(name).or_insert(value);
                }
                "keywords that say nothing"
            }
            12 => {
                put(
                    document,
                    &format!("/components/schemas/{name}"),
                    json!({"type": "string"}),
                );
                put(
                    document,
                    &format!("/paths/~1{name}"),
                    json!({"get": {"responses": {}}}),
                );
                "things that are not ours"
            }
            13 if kind == Kind::Operation => {
                rename_path_parameter(document, &at, &name)?;
                "name of a path parameter"
            }
            14 => {
                let names: Vec<_> = document["components"]["securitySchemes"]
                    .as_object()?
                    .keys()
                    .cloned()
                    .collect();
                let old = self.pick(&names)?.clone();
                let scheme = document["components"]["securitySchemes"]
                    .as_object_mut()?
                    .remove(&old)?;
                document["components"]["securitySchemes"][&name] = scheme;
                rename_requirement(document, &old, &name);
                "name of a security scheme"
            }
            15 => {
                let names = document["components"]["securitySchemes"].as_object()?;
                let names: Vec<_> = names.keys().cloned().collect();
                let at = format!("/components/securitySchemes/{}", escape(self.pick(&names)?));
                let scheme = document.pointer(&at)?.clone();
                let target = format!("/components/x-moved/{name}");
                if document.pointer("/components/x-moved").is_none() {
                    put(document, "/components/x-moved", json!({}));
                }
                put(document, &target, scheme);
                put(document, &at, json!({"$ref": format!("#{target}")}));
                "security scheme behind a reference"
            }
            16 => {
                let values = [None, Some(json!([]))];
                choice_of_server(document, self.pick(&values)?.clone())?;
                "address with a variable"
            }
            17 if is_schema => {
                // In parts, which together say the same.
                let schema = document.pointer(&at)?.as_object()?.clone();
                if schema.contains_key("allOf") || schema.len() < 2 {
                    return None;
                }
                let (mut first, mut second) = (Map::new(), Map::new());
                for (index, (name, value)) in schema.into_iter().enumerate() {
                    // Null belongs to the type beside it.
                    let with_type = matches!(name.as_str(), "type" | "nullable");
                    let half = if with_type || index % 2 == 0 {
                        &mut first
                    } else {
                        &mut second
                    };
                    half.insert(name, value);
                }
                put(document, &at, json!({"allOf": [first, second]}));
                "in parts"
            }
            _ => return None,
        };
        Some((what, at))
    }
}

fn reinsert(document: &mut Value, at: &str, value: Value) {
    let (parent, name) = at.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Array(items) => items.insert(name.parse().unwrap(), value),
        _ => put(document, at, value),
    }
}

fn redirect(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::Object(members) => {
            if members.get("$ref").and_then(Value::as_str) == Some(old) {
                members.insert("$ref".to_owned(), json!(new));
            }
            members
                .values_mut()
                .for_each(|value| redirect(value, old, new));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| redirect(value, old, new)),
        _ => {}
    }
}

fn rename_path_parameter(document: &mut Value, operation: &str, name: &str) -> Option<()> {
    let (item_at, _) = operation.rsplit_once('/')?;
    let path = item_at.strip_prefix("/paths/")?.replace("~1", "/");
    let old = path
        .split('/')
        .find(|part| part.starts_with('{'))?
        .trim_matches(['{', '}'])
        .to_owned();
    let mut item = document["paths"].as_object_mut()?.remove(&path)?;
    let mut lists: Vec<&mut Value> = Vec::new();
    for (key, value) in item.as_object_mut()? {
        if key == "parameters" {
            lists.push(value);
        } else if let Some(list) = value.get_mut("parameters") {
            lists.push(list);
        }
    }
    for parameter in lists.into_iter().filter_map(Value::as_array_mut).flatten() {
        if parameter["in"] == "path" && parameter["name"] == *old {
            parameter["name"] = json!(name);
        }
    }
    document["paths"][path.replace(&format!("{{{old}}}"), &format!("{{{name}}}"))] = item;
    Some(())
}

fn rename_requirement(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::Object(members) => {
            for (key, value) in members.iter_mut() {
                if key == "security" {
                    for alternative in value.as_array_mut().into_iter().flatten() {
                        if let Some(alternative) = alternative.as_object_mut()
                            && let Some(scopes) = alternative.remove(old)
                        {
                            alternative.insert(new.to_owned(), scopes);
                        }
                    }
                } else {
                    rename_requirement(value, old, new);
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|value| rename_requirement(value, old, new)),
        _ => {}
    }
}
