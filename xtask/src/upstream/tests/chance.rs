//! Random changes: every one that matters is reported, and none that does not. What
//! matters is decided here, from the document alone.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use super::*;
use crate::upstream::resolve::escape;

/// What can be changed: all that our operations lead to.
#[derive(Default)]
struct Places {
    all: BTreeSet<String>,
    operations: Vec<String>,
    schemas: Vec<String>,
    /// How many schemas have a property of this name.
    properties: BTreeMap<String, usize>,
}

impl Places {
    fn of(document: &Value, wanted: &[locate::Wanted]) -> Self {
        let mut places = Self::default();
        for (path, item) in document["paths"].as_object().unwrap() {
            let one = json!({"paths": {path: item}});
            for found in locate::wanted(&one) {
                if wanted
                    .iter()
                    .any(|ours| (&ours.path, &ours.method) == (&found.path, &found.method))
                {
                    let at = format!("/paths/{}/{}", escape(path), found.method);
                    places.operations.push(at.clone());
                    places.walk(document, at, "operation");
                }
            }
        }
        places
    }

    /// Goes on from a node that stands in its parent under this key.
    fn walk(&mut self, document: &Value, at: String, key: &str) {
        if !self.all.insert(at.clone()) {
            return;
        }
        let node = document.pointer(&at).unwrap();
        let is_schema = ["schema", "items", "allOf", "anyOf", "oneOf", "property"].contains(&key);
        if is_schema && node.is_object() {
            self.schemas.push(at.clone());
        }
        if let Some(target) = node["$ref"].as_str() {
            // What the reference stands for is of the same kind.
            self.walk(document, target[1..].to_owned(), key);
        }
        for name in node.as_object().into_iter().flat_map(|map| map.keys()) {
            let below = format!("{at}/{}", escape(name));
            match (key, name.as_str()) {
                ("properties", _) => {
                    *self.properties.entry(name.clone()).or_default() += 1;
                    self.walk(document, below, "property");
                }
                (_, "example") => {}
                (_, name) => self.walk(document, below, name),
            }
        }
        for index in 0..node.as_array().map_or(0, Vec::len) {
            self.walk(document, format!("{at}/{index}"), key);
        }
    }
}

/// A kind of change, and a word that the report of it must have.
type Made = Option<(&'static str, String)>;
type Kind = Option<&'static str>;

/// Makes one change that matters.
fn matter(random: &mut Rng, document: &mut Value, places: &Places, kind: usize) -> Made {
    let word = "MUTANT";
    let at = random.choice(&places.schemas)?;
    let schema = document.pointer(at)?.clone();
    let operation = random.choice(&places.operations)?;
    let parameters = &document.pointer(operation)?["parameters"];
    let is_plain = schema.get("enum").is_none() && schema["type"].is_string();
    let has_properties = schema["properties"].is_object();
    let with = |list: &Value, value: Value| {
        let list = list.as_array().into_iter().flatten().cloned();
        list.chain([value]).collect::<Value>()
    };
    let (kind, at, key, value) = match kind {
        0 if has_properties => {
            let name = random.choice(schema["properties"].as_object()?.keys())?;
            // Where several have it, they may be parts that say the same.
            if places.properties[name] == 1 {
                put(document, &format!("{at}/properties/{}", escape(name)), None);
                return Some(("property removed", name.clone()));
            }
            return None;
        }
        1 if has_properties => {
            put(document, &format!("{at}/properties/{word}"), Some(json!({})));
            return Some(("property", word.to_owned()));
        }
        2 if is_plain => ("type", at, "type", json!(word)),
        3 if is_plain => ("format", at, "format", json!(word)),
        4 if is_plain => ("pattern", at, "pattern", json!(word)),
        5 if schema["enum"][0].is_string() => {
            let values = with(&schema["enum"], json!(word));
            ("value", at, "enum", values)
        }
        6 => {
            let names = with(&schema["required"], json!(word));
            ("required", at, "required", names)
        }
        7 => {
            let parameter = json!({"name": word, "in": "query", "schema": {}});
            let parameters = with(parameters, parameter);
            ("parameter", operation, "parameters", parameters)
        }
        8 => {
            put(document, &format!("{operation}/responses/{word}"), Some(json!({})));
            return Some(("response", word.to_owned()));
        }
        9 => {
            put(document, &format!("{operation}/security"), Some(json!([])));
            return Some(("security", "none".to_owned()));
        }
        _ => return None,
    };
    put(document, &format!("{at}/{key}"), Some(value));
    Some((kind, word.to_owned()))
}

/// Says something in another way, or changes what does not matter.
fn idle(random: &mut Rng, document: &mut Value, places: &Places, word: &str) -> Kind {
    let at = random.choice(&places.schemas)?;
    let mut schema = document.pointer(at)?.clone();
    let kind = match (random.u8(..5), schema["$ref"].as_str()) {
        (0, None) => {
            schema["description"] = json!(word);
            schema["example"] = json!({"x-a": word});
            "prose"
        }
        (1, _) => {
            schema = json!({"allOf": [schema]});
            "allOf of one"
        }
        (2, Some(reference)) => {
            schema = document.pointer(&reference[1..])?.clone();
            "inlined"
        }
        (3, None) if !at.starts_with("/components/schemas/") => {
            let part = format!("/components/schemas/{word}");
            put(document, &part, Some(schema));
            schema = json!({"$ref": format!("#{part}")});
            "split off"
        }
        (4, _) => {
            for key in ["required", "enum", "allOf", "anyOf", "oneOf"] {
                if let Some(Value::Array(list)) = schema.get_mut(key) {
                    list.reverse();
                }
            }
            "order"
        }
        _ => return None,
    };
    put(document, at, Some(schema));
    Some(kind)
}

/// Makes random changes, and counts them by kind.
fn run(document: &Value, fragment: &Value, count: usize) -> BTreeMap<&'static str, usize> {
    let wanted = locate::wanted(fragment);
    let document = &mut document.clone();
    // A whole document has hundreds of other paths, which would only take time.
    document["paths"].as_object_mut().unwrap().retain(|path, item| {
        let found = locate::wanted(&json!({"paths": {path: item}}));
        found.iter().any(|found| wanted.iter().any(|ours| ours.path == found.path))
    });
    let old = canonical(document, &wanted).operations;
    let now = |changed: &Value| differences(&old, &canonical(changed, &wanted).operations);
    let random = &mut Rng::with_seed(2024);
    let mut tried = BTreeMap::new();
    for trial in 0..count {
        let changed = &mut document.clone();
        let mut kinds = Vec::new();
        for step in 0..3 {
            let places = Places::of(changed, &wanted);
            kinds.extend(idle(random, changed, &places, &format!("Idle{step}")));
        }
        assert_eq!(now(changed), [], "{trial}: {kinds:?}");
        let places = Places::of(changed, &wanted);
        // Each kind in turn, at the first place that comes up and is fit for it.
        let made = (0..).find_map(|n| matter(random, changed, &places, (trial + n / 500) % 10));
        let (kind, word) = made.unwrap();
        let found = json!(changes(&now(changed), &[]));
        let is_reported = found.to_string().contains(&word);
        assert!(is_reported, "{trial}: {kinds:?}, {kind} {word}: {found:#}");
        for kind in kinds.into_iter().chain([kind]) {
            *tried.entry(kind).or_default() += 1;
        }
    }
    tried
}

#[test]
fn every_change_that_matters_is_reported_and_no_other() {
    // A recursion that is written out is another document to us.
    let document = edited("/components/schemas/box/properties/inside -");
    let tried = run(&document, &fragment(), 200);
    assert_eq!(tried.len(), 15, "{tried:?}");
}

/// `DRIFT_DOCUMENT=<path> cargo test --release -p xtask -- --ignored --nocapture published`
#[test]
#[ignore = "needs a published document, named by DRIFT_DOCUMENT"]
fn every_change_of_a_published_document_is_reported() {
    let read = |path: &Path| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let document = std::env::var("DRIFT_DOCUMENT").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    println!("{:#?}", run(&read(document.as_ref()), &read(&root.join(FRAGMENT)), 500));
}
