//! Changes documents at random, so that it matters.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use serde_json::{Map, Value, json};

use super::reach::{Kind, Site, escape};
use super::small::{cut, put};

/// Chooses and makes changes.
pub(super) struct Mutator {
    state: u64,
    serial: u64,
}

impl Mutator {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            serial: 0,
        }
    }

    /// SplitMix64: good enough, and the same everywhere.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    pub(super) fn pick<'l, T>(&mut self, list: &'l [T]) -> Option<&'l T> {
        if list.is_empty() {
            None
        } else {
            list.get(self.below(list.len()))
        }
    }

    pub(super) fn fresh(&mut self, stem: &str) -> String {
        self.serial += 1;
        format!("{stem}{}", self.serial)
    }

    /// Makes one change that matters, and says of which kind it is and which
    /// places it touches. None if the place that came up is not fit for it.
    pub(super) fn change(
        &mut self,
        document: &mut Value,
        sites: &[Site],
    ) -> Option<(&'static str, Vec<String>)> {
        if self.below(12) == 0 {
            return self.change_whole(document, sites);
        }
        // Kinds that are rare in a document come up, too.
        let common = [
            Kind::Schema,
            Kind::Schema,
            Kind::Schema,
            Kind::Operation,
            Kind::Parameter,
        ];
        let rare = [
            Kind::Body,
            Kind::Answer,
            Kind::Media,
            Kind::Reference,
            Kind::Contradiction,
        ];
        let wanted = *self.pick(&[common, rare].concat())?;
        let fit: Vec<_> = sites.iter().filter(|(kind, _)| *kind == wanted).collect();
        let (kind, at) = (*self.pick(&fit)?).clone();
        let (name, places) = match kind {
            Kind::Operation => self.change_operation(document, &at)?,
            Kind::Parameter => self.change_parameter(document, &at)?,
            Kind::Body | Kind::Answer => self.change_content(document, &at, kind)?,
            Kind::Media => {
                cut(document, &at);
                ("media type removed", vec![at])
            }
            // Most of what can be done to a schema fits few of them.
            Kind::Schema => (0..50).find_map(|_| {
                let (_, at) = *self.pick(&fit)?;
                self.change_schema(document, at)
            })?,
            Kind::Reference => {
                put(document, &at, json!({"type": "number", "format": "mutant"}));
                ("reference replaced by another type", vec![at])
            }
            Kind::Contradiction => {
                let index = self.below(2);
                cut(document, &format!("{at}/allOf/{index}"));
                ("contradiction resolved", vec![at])
            }
        };
        Some((name, places))
    }

    fn change_operation(
        &mut self,
        document: &mut Value,
        at: &str,
    ) -> Option<(&'static str, Vec<String>)> {
        match self.below(6) {
            0 => {
                cut(document, at);
                Some(("operation removed", vec![at.to_owned()]))
            }
            1 => {
                let status = ["418", "202", "5XX", "default"][self.below(4)];
                let at = format!("{at}/responses/{status}");
                put(document, &at, json!({"description": "d"}));
                Some(("answer added", vec![at]))
            }
            2 => {
                let statuses: Vec<_> = document
                    .pointer(&format!("{at}/responses"))?
                    .as_object()?
                    .keys()
                    .cloned()
                    .collect();
                let at = format!("{at}/responses/{}", self.pick(&statuses)?);
                cut(document, &at);
                Some(("answer removed", vec![at]))
            }
            3 => {
                let name = self.fresh("mutant");
                let at = format!("{at}/parameters");
                let parameter = json!({"name": name, "in": "query", "schema": {"type": "string"}});
                if document.pointer(&at).is_none() {
                    put(document, &at, json!([]));
                }
                put(document, &format!("{at}/-"), parameter);
                let last = document.pointer(&at)?.as_array()?.len() - 1;
                Some(("parameter added", vec![format!("{at}/{last}")]))
            }
            4 => {
                let at = format!("{at}/security");
                put(document, &at, json!([]));
                Some(("security dropped", vec![at]))
            }
            _ => {
                let at = format!("{at}/requestBody");
                if document.pointer(&at).is_some() {
                    cut(document, &at);
                    Some(("body removed", vec![at]))
                } else {
                    put(
                        document,
                        &at,
                        json!({"content": {"application/json": {"schema": {"type": "object"}}}}),
                    );
                    Some(("body added", vec![at]))
                }
            }
        }
    }

    fn change_parameter(
        &mut self,
        document: &mut Value,
        at: &str,
    ) -> Option<(&'static str, Vec<String>)> {
        let value = document.pointer(at)?;
        if value["in"] == "path" {
            // It goes by its place; the schema is a site of its own.
            put(document, &format!("{at}/required"), json!(false));
            return Some((
                "path parameter made optional",
                vec![format!("{at}/required")],
            ));
        }
        let list = at.rsplit_once('/').unwrap().0.to_owned();
        match self.below(4) {
            0 => {
                let name = self.fresh("mutant");
                put(document, &format!("{at}/name"), json!(name));
                Some(("parameter renamed", vec![at.to_owned()]))
            }
            1 => {
                put(document, &format!("{at}/in"), json!("header"));
                Some(("parameter moved", vec![at.to_owned()]))
            }
            2 => {
                let required = value["required"] == true;
                put(document, &format!("{at}/required"), json!(!required));
                Some((
                    "parameter's required turned",
                    vec![format!("{at}/required")],
                ))
            }
            _ => {
                cut(document, at);
                Some(("parameter removed", vec![list]))
            }
        }
    }

    fn change_content(
        &mut self,
        document: &mut Value,
        at: &str,
        kind: Kind,
    ) -> Option<(&'static str, Vec<String>)> {
        if kind == Kind::Body && self.below(2) == 0 {
            let required = document.pointer(at)?["required"] == true;
            put(document, &format!("{at}/required"), json!(!required));
            return Some(("body's required turned", vec![format!("{at}/required")]));
        }
        if kind == Kind::Answer && self.below(2) == 0 {
            put(
                document,
                &format!("{at}/headers"),
                json!({"X-Mutant": {"schema": {"type": "string"}}}),
            );
            return Some(("header added", vec![format!("{at}/headers/X-Mutant")]));
        }
        let at = format!("{at}/content");
        let media = document.pointer(&at)?.as_object()?;
        let first = media
            .keys()
            .next()
            .map(|name| format!("{at}/{}", escape(name)));
        if let Some(first) = first.filter(|_| kind == Kind::Body && self.below(2) == 0) {
            let body = cut(document, &first);
            put(document, &format!("{at}/multipart~1form-data"), body);
            return Some(("body sent as a form", vec![first]));
        }
        put(
            document,
            &format!("{at}/text~1mutant"),
            json!({"schema": {"type": "string"}}),
        );
        Some(("media type added", vec![format!("{at}/text~1mutant")]))
    }

    fn change_schema(
        &mut self,
        document: &mut Value,
        at: &str,
    ) -> Option<(&'static str, Vec<String>)> {
        let schema = document.pointer(at)?.as_object()?.clone();
        let here = |name: &str| vec![format!("{at}/{name}")];
        let set = |document: &mut Value, name: &str, value: Value| {
            put(document, &format!("{at}/{name}"), value)
        };
        match self.below(12) {
            0 => {
                let old = schema.get("type")?.as_str()?;
                let types = ["string", "integer", "number", "boolean", "array", "object"];
                let types: Vec<_> = types.into_iter().filter(|new| *new != old).collect();
                set(document, "type", json!(self.pick(&types)?));
                Some(("retyped", here("type")))
            }
            1 => {
                let format = self.fresh("mutant");
                set(document, "format", json!(format));
                Some(("format set", here("format")))
            }
            2 => {
                let nullable = schema.get("nullable") == Some(&json!(true));
                set(document, "nullable", json!(!nullable));
                Some(("nullable turned", here("nullable")))
            }
            3 => {
                let limits = [
                    "minLength",
                    "maxLength",
                    "minimum",
                    "maximum",
                    "minItems",
                    "maxItems",
                    "maxProperties",
                    "multipleOf",
                ];
                let limit = *self.pick(&limits)?;
                let value = json!(300 + self.below(90));
                set(document, limit, value);
                Some(("limit set", here(limit)))
            }
            4 => {
                let limits: Vec<_> = schema
                    .keys()
                    .filter(|name| name.starts_with("m") || *name == "pattern")
                    .cloned()
                    .collect();
                let limit = self.pick(&limits)?.clone();
                cut(document, &format!("{at}/{limit}"));
                Some(("limit removed", here(&limit)))
            }
            5 => {
                let values = schema.get("enum")?.as_array()?.clone();
                if 1 < values.len() && self.below(2) == 0 {
                    let index = self.below(values.len());
                    cut(document, &format!("{at}/enum/{index}"));
                    return Some(("enum narrowed", here("enum")));
                }
                let value = match &values[0] {
                    Value::Bool(value) => json!(!value),
                    _ => json!(self.fresh("mutant")),
                };
                put(document, &format!("{at}/enum/-"), value);
                Some(("enum widened", here("enum")))
            }
            6 => {
                if schema.get("enum").is_some() || schema.get("type") != Some(&json!("string")) {
                    return None;
                }
                set(document, "enum", json!(["mutant"]));
                Some(("enum set", here("enum")))
            }
            7 => {
                schema.get("properties")?;
                let name = self.fresh("mutant");
                set(
                    document,
                    &format!("properties/{name}"),
                    json!({"type": "string"}),
                );
                Some(("property added", here(&format!("properties/{name}"))))
            }
            8 => {
                let (what, list) = [
                    ("fields removed from a schema", "properties"),
                    ("required removed from a schema", "required"),
                    ("part removed from a schema", "allOf/0"),
                    ("part removed from a schema", "allOf/1"),
                ][self.below(4)];
                document.pointer(&format!("{at}/{list}"))?;
                // A list of no parts is none.
                let only = list.starts_with("allOf")
                    && document.pointer(&format!("{at}/allOf/1")).is_none();
                let list = if only { "allOf" } else { list };
                cut(document, &format!("{at}/{list}"));
                Some((what, here(list)))
            }
            9 | 10 => {
                let properties = schema.get("properties")?.as_object()?;
                // One that says nothing may stand beside one that says all.
                let says = |value: &Value| {
                    let words = ["description", "example", "title"];
                    let mut keywords = value.as_object().into_iter().flat_map(Map::keys);
                    keywords.any(|keyword| {
                        !words.contains(&keyword.as_str()) && !keyword.starts_with("x-")
                    })
                };
                let names: Vec<_> = properties
                    .iter()
                    .filter(|(_, value)| says(value))
                    .map(|(name, _)| name.clone())
                    .collect();
                let name = self.pick(&names)?.clone();
                let value = cut(document, &format!("{at}/properties/{name}"));
                let places = vec![format!("{at}/properties/{name}"), format!("{at}/required")];
                if self.below(2) == 0 {
                    return Some(("property removed from a schema", places));
                }
                // It may be seen where it came only, if others have the old name too.
                let new = format!("properties/mutant_{name}");
                set(document, &new, value);
                Some(("property renamed", [places, here(&new)].concat()))
            }
            _ => {
                let properties: Vec<_> = schema
                    .get("properties")?
                    .as_object()?
                    .keys()
                    .cloned()
                    .collect();
                let name = self.pick(&properties)?.clone();
                let mut required: Vec<Value> = schema
                    .get("required")
                    .and_then(Value::as_array)
                    .cloned()
                    .unwrap_or_default();
                match required.iter().position(|other| *other == json!(name)) {
                    Some(index) => drop(required.remove(index)),
                    None => required.push(json!(name)),
                }
                set(document, "required", json!(required));
                Some(("required turned", here("required")))
            }
        }
    }
}
