//! The canonical form of a schema: one form for all ways to say the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::resolve::{Document, UNRESOLVED};

/// Which way the data of a schema goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
}

/// Keywords that are facts as they stand. What is neither named here nor read below is
/// left out: prose, examples, names of schemas, vendor fields.
const FACTS: &str = "contentEncoding contentMediaType exclusiveMaximum exclusiveMinimum \
    format maxContains maxItems maxLength maxProperties maximum minContains minItems minLength \
    minProperties minimum multipleOf pattern readOnly uniqueItems writeOnly";
/// Keywords that hold a schema.
pub(crate) const HOLDERS: &str =
    "additionalProperties contains else if items not propertyNames then";
/// Keywords that hold schemas by name.
pub(crate) const NAMED: &str = "dependentSchemas patternProperties properties";

/// The canonical form of a schema.
pub(crate) fn canonical(document: &Document<'_>, schema: &Value, direction: Direction) -> Value {
    let open = Vec::new();
    Walk { document, direction, level: 0, open }.whole(schema)
}

struct Walk<'d, 'a> {
    document: &'d Document<'a>,
    direction: Direction,
    /// How many properties and items lead here.
    level: usize,
    /// References that are being followed, and the level at which each was met.
    open: Vec<(String, usize)>,
}

impl Walk<'_, '_> {
    /// A schema that stands for itself.
    fn whole(&mut self, schema: &Value) -> Value {
        finish(self.part(schema))
    }

    fn below(&mut self, schema: &Value) -> Value {
        self.level += 1;
        let canonical = self.whole(schema);
        self.level -= 1;
        canonical
    }

    /// A schema as part of a larger one.
    fn part(&mut self, schema: &Value) -> Value {
        let Some(schema) = schema.as_object() else {
            let nothing = Some(schema).filter(|schema| **schema == false);
            return nothing.cloned().unwrap_or_else(|| json!({}));
        };
        let mut parts = Vec::new();
        let mut own = Map::new();
        for (key, value) in schema {
            let fact = match (key.as_str(), value) {
                ("$ref", Value::String(reference)) => {
                    parts.push(self.referred(reference));
                    continue;
                }
                ("allOf", Value::Array(schemas)) => {
                    parts.extend(schemas.iter().map(|schema| self.part(schema)));
                    continue;
                }
                ("anyOf" | "oneOf", Value::Array(schemas)) => {
                    parts.push(self.alternatives(schemas));
                    continue;
                }
                (key, Value::Object(schemas)) if is_in(NAMED, key) => {
                    let below = |(name, schema): (&String, _)| (name.clone(), self.below(schema));
                    schemas.iter().map(below).collect::<Map<_, _>>().into()
                }
                (key, Value::Object(_) | Value::Bool(_)) if is_in(HOLDERS, key) => {
                    self.below(value)
                }
                ("required", Value::Array(names)) => set(names.iter().cloned()),
                ("enum", Value::Array(values)) => set(values.iter().map(number)),
                ("const", value) => json!([number(value)]),
                // What only the other direction is about, and what says nothing.
                ("default", value) if self.direction == Direction::Request => number(value),
                ("readOnly", _) if self.direction == Direction::Response => continue,
                ("writeOnly", _) if self.direction == Direction::Request => continue,
                (_, Value::Bool(false)) => continue,
                (key, value) if key.starts_with("min") && key != "minimum" && value == 0 => {
                    continue;
                }
                (key, value) if is_in(FACTS, key) => number(value),
                _ => continue,
            };
            let key = if key == "const" { "enum" } else { key };
            own.insert(key.to_owned(), fact);
        }
        let or_null = types(&mut own, schema, &mut parts);
        let mut joined = parts.into_iter().fold(Value::Object(own), join);
        if or_null {
            allow_null(&mut joined);
        }
        joined
    }

    fn referred(&mut self, reference: &str) -> Value {
        if let Some((_, level)) = self.open.iter().find(|(open, _)| open == reference) {
            return json!({"recursion": self.level - level});
        }
        let Some(target) = self.document.target(reference) else {
            return json!({UNRESOLVED: true});
        };
        self.open.push((reference.to_owned(), self.level));
        let part = self.part(target);
        self.open.pop();
        part
    }

    /// `anyOf` and `oneOf` alike: which of them is meant makes no difference to us.
    fn alternatives(&mut self, schemas: &[Value]) -> Value {
        let mut schemas: Vec<_> = schemas.iter().map(|schema| self.whole(schema)).collect();
        let mut nullable = schemas.contains(&json!({"type": "null"}));
        schemas.retain(|schema| schema != &json!({"type": "null"}));
        for schema in schemas.iter_mut().filter_map(Value::as_object_mut) {
            nullable |= schema.remove("nullable").is_some();
        }
        let mut part = match set(schemas) {
            Value::Array(mut schemas) if schemas.len() == 1 => schemas.remove(0),
            Value::Array(schemas) if schemas.is_empty() => json!({"type": "null"}),
            schemas => json!({"anyOf": schemas}),
        };
        if nullable {
            allow_null(&mut part);
        }
        part
    }
}

/// Reads `type`, `nullable` and null among the values; says whether null is allowed over
/// and above what the other parts say: `nullable` beside them, and without a type.
fn types(
    own: &mut Map<String, Value>,
    schema: &Map<String, Value>,
    parts: &mut Vec<Value>,
) -> bool {
    let mut names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_typed = !names.is_empty();
    let mut nullable = schema.get("nullable") == Some(&json!(true));
    if 1 < names.len() && names.contains(&"null") {
        names.retain(|name| *name != "null");
        nullable = true;
    }
    if let Some(Value::Array(values)) = own.get_mut("enum")
        && values.contains(&Value::Null)
    {
        nullable |= !is_typed;
        values.retain(|value| !value.is_null());
        if values.is_empty() && nullable {
            own.clear();
            own.insert("type".to_owned(), json!("null"));
            return false;
        }
    }
    if let [name] = names[..] {
        own.insert("type".to_owned(), json!(name));
    } else if is_typed {
        let types = names.iter().map(|name| json!({"type": name}));
        parts.push(json!({"anyOf": set(types)}));
    }
    if nullable && (is_typed || parts.is_empty()) {
        own.insert("nullable".to_owned(), json!(true));
    }
    nullable && !is_typed
}

fn allow_null(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("nullable".to_owned(), json!(true));
    }
}

/// Puts in what is implied, and takes out what says nothing.
fn finish(mut schema: Value) -> Value {
    let null_says_nothing = !is_typed(&schema);
    let Some(map) = schema.as_object_mut() else {
        return schema;
    };
    for (key, implied) in [("properties", "object"), ("items", "array")] {
        if map.contains_key(key) && !map.contains_key("type") {
            map.insert("type".to_owned(), json!(implied));
        }
    }
    if null_says_nothing && !map.contains_key("type") {
        map.remove("nullable");
    }
    for key in ["properties", "required", "items", "additionalProperties"] {
        if map.get(key).is_some_and(|value| value == &json!({}) || value == &json!([])) {
            map.remove(key);
        }
    }
    schema
}

/// What satisfies both. Of what cannot be joined, each stands in a list under `both`.
fn join(left: Value, right: Value) -> Value {
    let typed = [is_typed(&left), is_typed(&right)];
    let (Value::Object(mut left), Value::Object(right)) = (left, right) else {
        return json!(false);
    };
    // A part without a type has no say in it.
    let nullable = match (typed, left.contains_key("nullable"), right.contains_key("nullable")) {
        ([true, true], left, right) => left && right,
        ([true, false], left, _) => left,
        ([false, true], _, right) => right,
        ([false, false], left, right) => left || right,
    };
    for (key, theirs) in right {
        let joined = match left.remove(&key) {
            Some(ours) if ours != theirs => join_values(&key, ours, theirs),
            _ => theirs,
        };
        left.insert(key, joined);
    }
    left.remove("nullable");
    if nullable {
        left.insert("nullable".to_owned(), json!(true));
    }
    Value::Object(left)
}

fn join_values(key: &str, left: Value, right: Value) -> Value {
    match (key, left, right) {
        (key, Value::Object(mut left), Value::Object(right)) if is_in(NAMED, key) => {
            for (name, theirs) in right {
                let joined = match left.remove(&name) {
                    Some(ours) => finish(join(ours, theirs)),
                    None => theirs,
                };
                left.insert(name, joined);
            }
            Value::Object(left)
        }
        ("items" | "additionalProperties", left, right) => finish(join(left, right)),
        ("required", Value::Array(left), Value::Array(right)) => set(left.into_iter().chain(right)),
        ("enum", Value::Array(mut left), Value::Array(right))
            if left.iter().any(|value| right.contains(value)) =>
        {
            left.retain(|value| right.contains(value));
            Value::Array(left)
        }
        (_, Value::Number(left), Value::Number(right)) if is_lower(key) || is_upper(key) => {
            let is_narrower = is_lower(key) == (left.as_f64() < right.as_f64());
            Value::Number(if is_narrower { right } else { left })
        }
        (_, left, right) => {
            let all = |side: Value| match &side["both"] {
                Value::Array(all) => all.clone(),
                _ => vec![side],
            };
            json!({"both": set(all(left).into_iter().chain(all(right)))})
        }
    }
}

/// Whether a keyword is a lower limit.
pub(crate) fn is_lower(key: &str) -> bool {
    key.starts_with("min") || key == "exclusiveMinimum"
}

/// Whether a keyword is an upper limit.
pub(crate) fn is_upper(key: &str) -> bool {
    key.starts_with("max") || key == "exclusiveMaximum"
}

/// Whether a list of words, separated by spaces, has this one.
pub(crate) fn is_in(keywords: &str, key: &str) -> bool {
    keywords.split_whitespace().any(|keyword| keyword == key)
}

fn is_typed(schema: &Value) -> bool {
    let alternatives = schema["anyOf"].as_array();
    schema.get("type").is_some()
        || schema.get("enum").is_some()
        || schema["anyOf"].is_object()
        || alternatives.is_some_and(|schemas| schemas.iter().all(is_typed))
}

/// 1.0 is 1.
fn number(value: &Value) -> Value {
    let text = value.to_string();
    let whole = text.strip_suffix(".0").and_then(|whole| whole.parse::<i64>().ok());
    whole.map_or_else(|| value.clone(), Value::from)
}

/// A list whose order does not count.
fn set(values: impl IntoIterator<Item = Value>) -> Value {
    let values = values.into_iter().map(|value| (value.to_string(), value));
    values.collect::<BTreeMap<_, _>>().into_values().collect()
}
