//! The generated types say what the fragment says: the schema of each Rust type
//! is held against the component that it was generated from.

#![cfg(feature = "schemars")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail that way")]

use std::collections::{BTreeMap, BTreeSet};

use cf_mtls_api::{AccountId, CertificateId, ScriptName, ZoneId, types};
use serde_json::Value;

/// What matters of a schema on the wire.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shape {
    /// `string`, `integer`, ..., or the name of another schema.
    kind: String,
    format: Option<String>,
    nullable: bool,
    items: Option<Box<Shape>>,
    /// Limits and patterns, as they are written.
    limits: BTreeMap<String, Value>,
    properties: BTreeMap<String, Shape>,
    required: BTreeSet<String>,
}

impl Shape {
    /// Reads both dialects: OpenAPI 3.0 and JSON Schema.
    fn of(schema: &Value) -> Self {
        let mut shape = Self { nullable: schema["nullable"] == true, ..Self::default() };
        if let Some(target) = schema["$ref"].as_str() {
            shape.kind = target.rsplit('/').next().unwrap().to_owned();
            return shape;
        }
        for combined in ["allOf", "anyOf"] {
            if let Some(parts) = schema[combined].as_array() {
                let (null, rest): (Vec<_>, Vec<_>) =
                    parts.iter().partition(|part| part["type"] == "null");
                assert_eq!(rest.len(), 1, "a choice that no component has: {schema}");
                let inner = Self::of(rest[0]);
                let nullable = shape.nullable || inner.nullable || !null.is_empty();
                return Self { nullable, ..inner };
            }
        }
        match &schema["type"] {
            Value::String(kind) => shape.kind = kind.clone(),
            Value::Array(kinds) => {
                let (null, rest): (Vec<_>, Vec<_>) = kinds.iter().partition(|kind| *kind == "null");
                assert_eq!(rest.len(), 1, "a choice that no component has: {schema}");
                shape.kind = rest[0].as_str().unwrap().to_owned();
                shape.nullable = !null.is_empty();
            }
            _ => panic!("no type: {schema}"),
        }
        shape.format = schema["format"].as_str().map(str::to_owned);
        shape.items = schema.get("items").map(|items| Box::new(Self::of(items)));
        for limit in ["minLength", "maxLength", "minimum", "maximum", "pattern", "enum"] {
            if let Some(value) = schema.get(limit) {
                shape.limits.insert(limit.to_owned(), value.clone());
            }
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            shape.properties.insert(name.clone(), Self::of(property));
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            // A derived schema takes an `Option` for a field that may be absent.
            let name = name.as_str().unwrap();
            if !shape.properties.get(name).is_some_and(|property| property.nullable) {
                shape.required.insert(name.to_owned());
            }
        }
        shape
    }
}

/// A property that may be missing is an `Option`, which takes null too; so for
/// those, null need not be in the fragment. In every other place the two agree.
fn differences(
    place: &str,
    fragment: &Shape,
    derived: &Shape,
    optional: bool,
    found: &mut Vec<String>,
) {
    let mut differ = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            found.push(format!("{place}: {what}: the fragment has {ours}, the Rust type {theirs}"));
        }
    };
    differ("type", fragment.kind.clone(), derived.kind.clone());
    differ("format", format!("{:?}", fragment.format), format!("{:?}", derived.format));
    differ("limits", format!("{:?}", fragment.limits), format!("{:?}", derived.limits));
    differ("required", format!("{:?}", fragment.required), format!("{:?}", derived.required));
    if !optional || fragment.nullable {
        differ("nullable", fragment.nullable.to_string(), derived.nullable.to_string());
    }
    let names = |shape: &Shape| format!("{:?}", shape.properties.keys().collect::<Vec<_>>());
    differ("fields", names(fragment), names(derived));
    differ("items", fragment.items.is_some().to_string(), derived.items.is_some().to_string());
    if let (Some(ours), Some(theirs)) = (&fragment.items, &derived.items) {
        differences(&format!("{place}[]"), ours, theirs, false, found);
    }
    for (name, ours) in &fragment.properties {
        if let Some(theirs) = derived.properties.get(name) {
            let optional = !fragment.required.contains(name);
            differences(&format!("{place}.{name}"), ours, theirs, optional, found);
        }
    }
}

fn fragment() -> BTreeMap<String, Value> {
    let text = include_str!("../../../openapi/mtls.json");
    let document: Value = serde_json::from_str(text).unwrap();
    serde_json::from_value(document["components"]["schemas"].clone()).unwrap()
}

fn derived() -> BTreeMap<String, Value> {
    macro_rules! schemas {
        ($($type:ty),+ $(,)?) => {
            [$(schemars::schema_for!($type).to_value()),+]
        };
    }
    let schemas = schemas![
        AccountId,
        CertificateId,
        ScriptName,
        ZoneId,
        types::ApiMessage,
        types::Association,
        types::AssociationListEnvelope,
        types::Certificate,
        types::CertificateEnvelope,
        types::CertificateListEnvelope,
        types::ErrorEnvelope,
        types::GatewayCertificate,
        types::GatewayCertificateListEnvelope,
        types::Hostnames,
        types::HostnamesEnvelope,
        types::HyperdriveConfig,
        types::HyperdriveConfigListEnvelope,
        types::HyperdriveMtls,
        types::MessageCause,
        types::MessageSource,
        types::ReplaceHostnamesRequest,
        types::ResultInfo,
        types::Token,
        types::TokenEnvelope,
        types::UploadRequest,
        types::WorkersBinding,
        types::WorkersScript,
        types::WorkersScriptListEnvelope,
        types::WorkersSettings,
        types::WorkersSettingsEnvelope,
        types::Zone,
        types::ZoneListEnvelope,
    ];
    schemas
        .into_iter()
        .map(|schema| (schema["title"].as_str().unwrap().to_owned(), schema))
        .collect()
}

fn all_differences(
    fragment: &BTreeMap<String, Value>,
    derived: &BTreeMap<String, Value>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (name, schema) in fragment {
        match derived.get(name) {
            Some(other) => {
                differences(name, &Shape::of(schema), &Shape::of(other), false, &mut found)
            }
            None => found.push(format!("{name}: there is no such Rust type")),
        }
    }
    found.extend(
        derived
            .keys()
            .filter(|name| !fragment.contains_key(*name))
            .map(|name| format!("{name}: not in the fragment")),
    );
    found
}

#[test]
fn rust_types_say_what_the_fragment_says() {
    let found = all_differences(&fragment(), &derived());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The comparison must see each kind of change, or it proves nothing.
#[test]
fn the_comparison_sees_every_kind_of_change() {
    type Change = fn(&mut Value);
    let changes: [(&str, &str, Change); 11] = [
        ("Certificate", "field renamed", |s| {
            let field = s["properties"].as_object_mut().unwrap().remove("name").unwrap();
            s["properties"]["label"] = field;
        }),
        ("Certificate", "field added", |s| {
            s["properties"]["more"] = serde_json::json!({"type": "string"})
        }),
        ("Certificate", "field retyped", |s| s["properties"]["ca"]["type"] = "string".into()),
        ("Certificate", "field made required", |s| s["required"] = serde_json::json!(["id"])),
        ("Certificate", "format dropped", |s| {
            s["properties"]["expires_on"].as_object_mut().unwrap().remove("format");
        }),
        ("UploadRequest", "field made optional", |s| s["required"] = serde_json::json!(["ca"])),
        ("ReplaceHostnamesRequest", "field made nullable", |s| {
            s["properties"]["hostnames"]["nullable"] = true.into()
        }),
        ("HostnamesEnvelope", "reference changed", |s| {
            s["properties"]["result"]["allOf"][0]["$ref"] = "#/components/schemas/Zone".into();
        }),
        ("ZoneListEnvelope", "items changed", |s| {
            s["properties"]["result"]["items"] = serde_json::json!({"type": "string"});
        }),
        ("AccountId", "limit changed", |s| s["maxLength"] = 32.into()),
        ("ResultInfo", "integer widened", |s| s["properties"]["count"]["format"] = "int32".into()),
    ];
    for (name, what, change) in changes {
        let mut changed = fragment();
        change(changed.get_mut(name).unwrap());
        let found = all_differences(&changed, &derived());
        assert!(found.iter().any(|text| text.starts_with(name)), "{name}, {what}: {found:?}");
    }
    let mut fewer = derived();
    fewer.remove("Zone");
    assert_eq!(all_differences(&fragment(), &fewer), ["Zone: there is no such Rust type"]);
}

#[test]
fn examples_of_the_fragment_decode() {
    let fragment = fragment();
    let certificate = &fragment["Certificate"]["properties"];
    let example: serde_json::Map<_, _> = certificate
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(name, schema)| Some((name.clone(), schema.get("example")?.clone())))
        .collect();
    let decoded: types::Certificate =
        serde_json::from_value(Value::Object(example.clone())).unwrap();
    assert_eq!(serde_json::to_value(&decoded).unwrap(), Value::Object(example));
    let serial = decoded.serial_number.as_deref();
    assert_eq!(serial, Some("235217144297995885180570755458463043449861756659"));
}
