//! The meaning of a schema, whichever way it is written.

use serde_json::{Map, Value, json};

use super::document::{Problem, escape};
use super::merge::{alternatives, impossible, merge};
use super::reader::{Reader, Target};
use super::recursion::RECURSION;
use super::tree::{Kind, Tree};

/// Which way a schema travels: some keywords count in one direction only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Request,
    Response,
}

/// What the value of a keyword has to be.
type Form = (&'static str, fn(&Value) -> bool);

const TEXT: Form = ("text", Value::is_string);
const NUMBER: Form = ("a number", Value::is_number);
const COUNT: Form = ("a number from 0 on", |value| canonical(value).is_u64());
const SWITCH: Form = ("true or false", Value::is_boolean);

/// Keywords whose value is the fact. Limits are taken as they are written, even
/// where they mean nothing, as on the wrong type: upstream did write them.
const PLAIN: [(&str, Form); 12] = [
    ("format", TEXT),
    ("pattern", TEXT),
    ("minimum", NUMBER),
    ("maximum", NUMBER),
    ("multipleOf", NUMBER),
    ("minLength", COUNT),
    ("maxLength", COUNT),
    ("minItems", COUNT),
    ("maxItems", COUNT),
    ("minProperties", COUNT),
    ("maxProperties", COUNT),
    ("uniqueItems", SWITCH),
];

/// Keywords of JSON Schema that are compared, but not looked into.
const OPAQUE: [&str; 16] = [
    "not",
    "if",
    "then",
    "else",
    "contains",
    "minContains",
    "maxContains",
    "prefixItems",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentEncoding",
    "contentMediaType",
];

/// Keywords that hold values, which may be objects.
const VALUES: [&str; 4] = ["enum", "const", "default", "discriminator"];

/// Keywords that bring other schemas in.
const JOINING: [&str; 4] = ["$ref", "allOf", "anyOf", "oneOf"];

impl Reader<'_> {
    /// Reads the schema `node`, which stands at `at`.
    pub(super) fn schema(&mut self, node: &Value, at: &str) -> Result<Tree, Problem> {
        self.down(at)?;
        self.document.sound(at)?;
        let tree = self.meaning(node, at);
        self.up();
        tree
    }

    fn meaning(&mut self, node: &Value, at: &str) -> Result<Tree, Problem> {
        let object = match node {
            Value::Bool(true) => return Ok(Tree::node(at)),
            Value::Bool(false) => return Ok(Tree::never(vec![at.to_owned()], json!({"not": {}}))),
            Value::Object(object) => object,
            _ => return Err(Problem::new(at, "there should be a schema here")),
        };
        let mut tree = self.own_keywords(object, at)?;
        // `nullable` belongs to the type beside it. Where there is none, but
        // other schemas are joined, it can only mean "or null".
        let joins = JOINING.iter().any(|keyword| object.contains_key(*keyword));
        let or_null = (joins && !object.contains_key("type"))
            .then(|| tree.kids.remove("nullable"))
            .flatten();
        if !joins || !tree.is_empty() {
            tree.parts.push(at.to_owned());
        }
        if let Some(target) = object.get("$ref") {
            let referred = match self.enter(target, at)? {
                // The way up to itself is all that a recursion means.
                Target::Around(levels) => {
                    let mut tree = Tree::node(at);
                    tree.set(RECURSION, at, json!(levels));
                    tree
                }
                Target::Found(value, pointer) => {
                    let mut referred = self.schema(&value, &pointer)?;
                    self.leave();
                    referred.references.insert(pointer, at.to_owned());
                    referred
                }
            };
            if tree.is_empty() {
                tree = referred;
            } else {
                tree = merge(referred, tree);
            }
        }
        if let Some(parts) = object.get("allOf") {
            let at = format!("{at}/allOf");
            for (index, part) in list(parts, &at)?.iter().enumerate() {
                let part = self.schema(part, &format!("{at}/{index}"))?;
                tree = merge(tree, part);
            }
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(parts) = object.get(keyword) {
                let at = format!("{at}/{keyword}");
                let mut branches = Vec::new();
                for (index, part) in list(parts, &at)?.iter().enumerate() {
                    branches.push(self.schema(part, &format!("{at}/{index}"))?);
                }
                tree = merge(tree, alternatives(branches, &at));
            }
        }
        if let Some(nullable) = or_null.filter(|_| !tree.is_never()) {
            tree.not_null.clear();
            tree.kids.insert("nullable".to_owned(), nullable);
        }
        tidy(&mut tree, at);
        tree = impossible(&tree).unwrap_or(tree);
        // First where it is used, last where it is spelled out.
        tree.at.retain(|place| place != at);
        tree.at.insert(0, at.to_owned());
        self.depart(&mut tree, Kind::Schema, at)?;
        Ok(tree)
    }

    fn own_keywords(&mut self, object: &Map<String, Value>, at: &str) -> Result<Tree, Problem> {
        let mut tree = Tree::node(at);
        let mut only = Tree::default();
        for (keyword, value) in object {
            let here = format!("{at}/{}", escape(keyword));
            if VALUES.contains(&keyword.as_str()) || OPAQUE.contains(&keyword.as_str()) {
                self.document.sound_throughout(&here)?;
            }
            match keyword.as_str() {
                "type" => self.types(&mut tree, value, &here)?,
                "nullable" if *value == true => tree.set("nullable", here, json!(true)),
                "nullable" if *value != false => {
                    return Err(Problem::new(here, "there should be true or false here"));
                }
                "enum" => {
                    let values = list(value, &here)?;
                    tree.set("enum", here, set_of(values));
                }
                "const" => {
                    only.set("enum", here, json!([canonical(value)]));
                }
                "exclusiveMinimum" | "exclusiveMaximum" => {
                    exclusive(&mut tree, object, keyword, &here)?;
                }
                "minimum" if object.get("exclusiveMinimum") == Some(&json!(true)) => {}
                "maximum" if object.get("exclusiveMaximum") == Some(&json!(true)) => {}
                "minLength" | "minItems" | "minProperties" if value.as_u64() == Some(0) => {}
                "uniqueItems" if *value == false => {}
                keyword if is_idle(keyword, value, object) => {}
                "properties" => {
                    tree.container("properties").at.push(here.clone());
                    for (name, part) in map(value, &here)? {
                        let here = format!("{here}/{}", escape(name));
                        let part = self.inside(|reader| reader.schema(part, &here))?;
                        tree.container("properties").adopt(name, part);
                    }
                }
                "required" => {
                    tree.container("required").at.push(here.clone());
                    for name in list(value, &here)? {
                        let Some(name) = name.as_str() else {
                            return Err(Problem::new(here, "there should be names here"));
                        };
                        tree.container("required")
                            .set(name, here.as_str(), json!(true));
                    }
                }
                "items" => {
                    let items = self.inside(|reader| reader.schema(value, &here))?;
                    // An empty one says no more than that this is a list.
                    tree.adopt("items", items);
                }
                "additionalProperties" => {
                    let rest = self.inside(|reader| reader.schema(value, &here))?;
                    if !rest.is_empty() {
                        tree.adopt("additionalProperties", rest);
                    }
                }
                "readOnly" if self.way == Way::Response => {}
                "writeOnly" if self.way == Way::Request => {}
                "readOnly" | "writeOnly" if *value == true => {
                    tree.set(keyword, here, json!(true));
                }
                // What the service assumes for a value that it was not sent.
                "default" if self.way == Way::Request => {
                    tree.set("default", here, canonical(value));
                }
                // No keyword of OpenAPI: a record needs a word for it.
                RECURSION if self.recording => tree.set(RECURSION, here, canonical(value)),
                "deprecated" if *value == true => self.deprecated(&here),
                "discriminator" => {
                    let names = value.get("mapping").and_then(Value::as_object);
                    let names: Vec<_> = names.into_iter().flat_map(Map::keys).collect();
                    let by = value.get("propertyName");
                    tree.set(
                        "discriminator",
                        here,
                        json!({"propertyName": by, "values": names}),
                    );
                }
                "not" if value.as_object().is_some_and(Map::is_empty) => {
                    return Ok(Tree::never(vec![here], json!({"not": {}})));
                }
                keyword if OPAQUE.contains(&keyword) => {
                    tree.set(keyword, here, canonical(value));
                }
                keyword => {
                    if let Some((_, (form, fits))) = PLAIN.iter().find(|(name, _)| *name == keyword)
                    {
                        if !fits(value) {
                            let message = format!("there should be {form} here");
                            return Err(Problem::new(here, message));
                        }
                        tree.set(keyword, here, canonical(value));
                    }
                }
            }
        }
        let typed = object.contains_key("type") && tree.value("type") != Some(&json!("null"));
        if typed && !tree.kids.contains_key("nullable") {
            tree.not_null.push(at.to_owned());
        }
        // A constant is one value, whatever `enum` beside it has.
        Ok(merge(tree, only))
    }

    fn types(&mut self, tree: &mut Tree, value: &Value, here: &str) -> Result<(), Problem> {
        let wrong = || Problem::new(here, format!("{value} is no type"));
        let words = match value {
            Value::String(word) => vec![word.as_str()],
            Value::Array(words) => words
                .iter()
                .map(|word| word.as_str().ok_or_else(wrong))
                .collect::<Result<_, _>>()?,
            _ => return Err(wrong()),
        };
        const KNOWN: [&str; 7] = [
            "string", "number", "integer", "boolean", "array", "object", "null",
        ];
        if words.is_empty() || !words.iter().all(|word| KNOWN.contains(word)) {
            return Err(wrong());
        }
        let (null, rest): (Vec<&str>, Vec<&str>) = words.into_iter().partition(|w| *w == "null");
        match rest.as_slice() {
            [] => tree.set("type", here, json!("null")),
            [one] => tree.set("type", here, json!(one)),
            several => {
                let branches = several
                    .iter()
                    .map(|word| {
                        let mut branch = Tree::node(here);
                        branch.set("type", here, json!(word));
                        branch
                    })
                    .collect();
                let several = alternatives(branches, here);
                tree.kids.extend(several.kids);
            }
        }
        if !null.is_empty() && !rest.is_empty() {
            tree.set("nullable", here, json!(true));
        }
        Ok(())
    }
}

/// In 3.0 a switch beside the limit, in 3.1 the limit itself.
fn exclusive(
    tree: &mut Tree,
    object: &Map<String, Value>,
    keyword: &str,
    here: &str,
) -> Result<(), Problem> {
    let limit = match object.get(keyword) {
        Some(Value::Bool(true)) if keyword == "exclusiveMinimum" => object.get("minimum"),
        Some(Value::Bool(true)) => object.get("maximum"),
        Some(Value::Bool(false)) | None => None,
        limit => limit,
    };
    match limit {
        Some(limit) if !limit.is_number() => {
            Err(Problem::new(here, "there should be a number here"))
        }
        Some(limit) => {
            tree.set(keyword, here, canonical(limit));
            Ok(())
        }
        None => Ok(()),
    }
}

/// Leaves one way to say a thing: the null of an enum is said by `nullable`,
/// and a type that all else implies is as good as written.
fn tidy(tree: &mut Tree, at: &str) {
    if tree.kids.contains_key("nullable") {
        let values = tree.kids.get_mut("enum").and_then(|kid| kid.leaf.as_mut());
        if let Some(values) = values.and_then(Value::as_array_mut)
            && values.iter().any(|value| !value.is_null())
        {
            values.retain(|value| !value.is_null());
        }
    }
    imply_type(tree, at);
    if tree.value("type") == Some(&json!("integer")) {
        whole_limits(tree);
    }
}

/// Whether a keyword of JSON Schema lets all through.
fn is_idle(keyword: &str, value: &Value, beside: &Map<String, Value>) -> bool {
    let any = |value: &Value| *value == true || *value == json!({});
    match keyword {
        "patternProperties" | "dependentRequired" | "dependentSchemas" => *value == json!({}),
        "propertyNames" | "unevaluatedProperties" | "unevaluatedItems" => any(value),
        "then" | "else" => any(value) || !beside.contains_key("if"),
        "if" => ["then", "else"]
            .iter()
            .all(|keyword| beside.get(*keyword).is_none_or(any)),
        "minContains" | "maxContains" => !beside.contains_key("contains"),
        _ => false,
    }
}

/// Of whole numbers, a limit that is left out is the next one that is let in.
fn whole_limits(tree: &mut Tree) {
    for (limit, round) in [
        ("minimum", f64::ceil as fn(f64) -> f64),
        ("maximum", f64::floor),
    ] {
        let leaf = tree.kids.get_mut(limit).and_then(|kid| kid.leaf.as_mut());
        if let Some(leaf) = leaf
            && let Some(value) = leaf.as_f64().filter(|value| value.fract() != 0.0)
        {
            *leaf = canonical(&json!(round(value)));
        }
    }
    let limits = [
        ("exclusiveMinimum", "minimum", 1),
        ("exclusiveMaximum", "maximum", -1),
    ];
    for (exclusive, inclusive, step) in limits {
        let limit = tree.value(exclusive).and_then(Value::as_i64);
        let Some(limit) = limit.and_then(|limit| limit.checked_add(step)) else {
            continue;
        };
        let stricter = match tree.value(inclusive).and_then(Value::as_f64) {
            Some(other) => (other - limit as f64) * (step as f64) < 0.0,
            None => true,
        };
        if let Some(mut kid) = tree.kids.remove(exclusive).filter(|_| stricter) {
            kid.leaf = Some(json!(limit));
            tree.kids.insert(inclusive.to_owned(), kid);
        }
    }
}

fn imply_type(tree: &mut Tree, at: &str) {
    let has = |name: &str| tree.kids.contains_key(name);
    if has("type") || has("anyOf") || has(RECURSION) || tree.is_never() {
        return;
    }
    let filled = |name: &str| tree.kids.get(name).is_some_and(|kid| !kid.is_empty());
    let implied = if filled("properties") || filled("required") || has("additionalProperties") {
        Some("object")
    } else if has("items") {
        Some("array")
    } else {
        let values = tree.value("enum").and_then(Value::as_array);
        values
            .filter(|values| !values.is_empty())
            .and_then(|values| {
                let all = |test: fn(&Value) -> bool| values.iter().all(test);
                if all(Value::is_string) {
                    Some("string")
                } else if all(|value| value.is_i64() || value.is_u64()) {
                    Some("integer")
                } else if all(Value::is_boolean) {
                    Some("boolean")
                } else {
                    None
                }
            })
    };
    if let Some(implied) = implied {
        tree.set("type", at, json!(implied));
    }
}

fn list<'v>(value: &'v Value, at: &str) -> Result<&'v Vec<Value>, Problem> {
    let wrong = || Problem::new(at, "there should be a list here");
    value.as_array().ok_or_else(wrong)
}

fn map<'v>(value: &'v Value, at: &str) -> Result<&'v Map<String, Value>, Problem> {
    let wrong = || Problem::new(at, "there should be an object here");
    value.as_object().ok_or_else(wrong)
}

/// Values of which the order says nothing.
pub(super) fn set_of(values: &[Value]) -> Value {
    let mut values: Vec<_> = values.iter().map(canonical).collect();
    values.sort_by_key(Value::to_string);
    values.dedup();
    Value::Array(values)
}

/// One form for equal values: 1.0 is 1.
pub(super) fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            // Beyond this, neighbouring numbers would fall together.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                json!(float as i64)
            }
            _ => value.clone(),
        },
        Value::Array(values) => values.iter().map(canonical).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), canonical(value)))
            .collect(),
        _ => value.clone(),
    }
}
