//! An OpenAPI document, of which only what is asked for gets parsed.
//!
//! Published documents are large and our part of them is small: a whole tree
//! of a 20 MB document would take ten times as much memory.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::rc::Rc;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::json;

/// A place in a document, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    pub(super) pointer: String,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at #{}: {}", self.pointer, self.message)
    }
}

type Members<'t> = BTreeMap<String, &'t RawValue>;

/// A document over its JSON text.
pub(super) struct Document<'t> {
    root: Members<'t>,
    paths: Members<'t>,
    components: BTreeMap<String, Members<'t>>,
    /// What has been parsed, by pointer.
    parsed: RefCell<HashMap<String, Rc<Value>>>,
    /// Pointers of what stands twice, in what has been parsed.
    doubled: RefCell<BTreeSet<String>>,
}

impl<'t> Document<'t> {
    /// Checks the syntax of the whole, and that it is an OpenAPI document.
    pub(super) fn new(text: &'t str) -> Result<Self, String> {
        let root = members(text).map_err(|fault| match fault {
            Fault::Json(error) => syntax(&error),
            twice => twice.at("").to_string(),
        })?;
        let version = root.get("openapi").map(|raw| raw.get()).unwrap_or_default();
        match version.trim_matches('"') {
            "" if root.contains_key("swagger") => {
                return Err("it is a Swagger 2.0 document; OpenAPI 3 is needed".to_owned());
            }
            "" => return Err("it is not an OpenAPI document: no `openapi` version".to_owned()),
            version if version.starts_with("3.") => {}
            version => return Err(format!("OpenAPI version {version} is none that this knows")),
        }
        let Some(paths) = root.get("paths") else {
            return Err("it has no `paths`; is it cut off, or only a part?".to_owned());
        };
        let part = |raw: &'t RawValue, at: &str| {
            members(raw.get()).map_err(|fault| fault.at(at).to_string())
        };
        let paths = part(paths, "/paths")?;
        let mut components = BTreeMap::new();
        if let Some(raw) = root.get("components") {
            for (kind, raw) in part(raw, "/components")? {
                let named = part(raw, &format!("/components/{kind}"))?;
                components.insert(kind, named);
            }
        }
        Ok(Self {
            root,
            paths,
            components,
            parsed: RefCell::default(),
            doubled: RefCell::default(),
        })
    }

    /// Whether the document has this member.
    pub(super) fn has(&self, name: &str) -> bool {
        self.root.contains_key(name)
    }

    /// The path, component or other member that the text ends with.
    pub(super) fn last(&self) -> Option<String> {
        let others = self
            .root
            .iter()
            .filter(|(name, _)| !["paths", "components"].contains(&name.as_str()))
            .map(|(name, raw)| (format!("/{}", escape(name)), raw));
        let paths = self.paths.iter();
        let paths = paths.map(|(path, raw)| (format!("/paths/{}", escape(path)), raw));
        let components = self.components.iter().flat_map(|(kind, named)| {
            let pointer = move |name| format!("/components/{kind}/{}", escape(name));
            named.iter().map(move |(name, raw)| (pointer(name), raw))
        });
        let all = others.chain(paths).chain(components);
        // They are slices of one text.
        all.max_by_key(|(_, raw)| raw.get().as_ptr().addr())
            .map(|(pointer, _)| pointer)
    }

    /// Whether a component of this kind and name is there.
    pub(super) fn has_component(&self, kind: &str, name: &str) -> bool {
        let named = self.components.get(kind);
        named.is_some_and(|named| named.contains_key(name))
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.keys().map(String::as_str)
    }

    /// The names under `#/components/<kind>`.
    pub(super) fn components(&self, kind: &str) -> Vec<String> {
        let named = self.components.get(kind);
        named.map_or_else(Vec::new, |named| named.keys().cloned().collect())
    }

    /// What stands at a JSON pointer, or `None` where nothing does.
    pub(super) fn at(&self, pointer: &str) -> Result<Option<Rc<Value>>, Problem> {
        if let Some(known) = self.parsed.borrow().get(pointer) {
            return Ok(Some(Rc::clone(known)));
        }
        let mut parts = pointer.split('/').skip(1).map(unescape);
        let Some(first) = parts.next() else {
            return Err(Problem::new(pointer, "refers to the document itself"));
        };
        let (raw, held, rest) = match first.as_str() {
            "paths" => {
                let Some(path) = parts.next() else {
                    return Err(Problem::new(pointer, "refers to all paths"));
                };
                let held = format!("/paths/{}", escape(&path));
                (self.paths.get(&path), held, parts.collect::<Vec<_>>())
            }
            "components" => {
                let (Some(kind), Some(name)) = (parts.next(), parts.next()) else {
                    return Err(Problem::new(pointer, "refers to more than one component"));
                };
                let held = format!("/components/{kind}/{}", escape(&name));
                let named = self.components.get(&kind);
                let raw = named.and_then(|named| named.get(&name));
                (raw, held, parts.collect())
            }
            other => {
                let held = format!("/{}", escape(other));
                (self.root.get(other), held, parts.collect())
            }
        };
        let Some(raw) = raw else { return Ok(None) };
        let known = self.parsed.borrow().get(&held).cloned();
        let whole = match known {
            Some(whole) => whole,
            None => {
                let whole = json::parse(raw.get(), &held, &mut self.doubled.borrow_mut())
                    .map_err(|error| Problem::new(&held, plain(&error)))?;
                let whole = Rc::new(whole);
                self.parsed.borrow_mut().insert(held, Rc::clone(&whole));
                whole
            }
        };
        if rest.is_empty() {
            return Ok(Some(whole));
        }
        let tail: String = rest
            .iter()
            .map(|part| format!("/{}", escape(part)))
            .collect();
        Ok(whole.pointer(&tail).map(|part| {
            let part = Rc::new(part.clone());
            self.parsed
                .borrow_mut()
                .insert(pointer.to_owned(), Rc::clone(&part));
            part
        }))
    }

    /// Refuses the object at `at` if one of its members stands twice and counts,
    /// or a name on the way to it does.
    pub(super) fn sound(&self, at: &str) -> Result<(), Problem> {
        let counts = |pointer: &str| {
            let rest = pointer.strip_prefix(at).unwrap_or_default();
            match rest.strip_prefix('/') {
                Some(name) => {
                    !name.contains('/') && !name.starts_with("x-") && !IDLE.contains(&name)
                }
                None => rest.is_empty() && pointer == at,
            }
        };
        self.refuse(at, counts)
    }

    /// The same for a value that is compared as a whole.
    pub(super) fn sound_throughout(&self, at: &str) -> Result<(), Problem> {
        self.refuse(at, |pointer| {
            let rest = pointer.strip_prefix(at);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn refuse(&self, at: &str, counts: impl Fn(&str) -> bool) -> Result<(), Problem> {
        let leads_to = |pointer: &str| {
            let rest = at.strip_prefix(pointer);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let doubled = self.doubled.borrow();
        let mut found = doubled.iter().map(String::as_str);
        match found.find(|pointer| leads_to(pointer) || counts(pointer)) {
            Some(pointer) => Err(Problem::new(pointer, TWICE)),
            None => Ok(()),
        }
    }

    /// A path as a reference, if it is one.
    pub(super) fn path_reference(&self, path: &str) -> Result<Option<Value>, Problem> {
        let Some(raw) = self.paths.get(path) else {
            return Ok(None);
        };
        let here = format!("/paths/{}", escape(path));
        let item = members(raw.get()).map_err(|fault| fault.at(&here))?;
        let target = item.get("$ref");
        let target = target.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        Ok(target.map(|target| json!({"$ref": target})))
    }

    /// The methods of a path and their operationIds, with no more parsing than
    /// that takes.
    pub(super) fn methods(&self, path: &str) -> Result<Vec<(String, Option<String>)>, Problem> {
        let Some(raw) = self.paths.get(path) else {
            return Ok(Vec::new());
        };
        let here = format!("/paths/{}", escape(path));
        let item = members(raw.get()).map_err(|fault| fault.at(&here))?;
        let mut found = Vec::new();
        for (method, raw) in item {
            if METHODS.contains(&method.as_str()) {
                // Whether it is one at all, its reader will see.
                let operation = members(raw.get()).unwrap_or_default();
                let id = operation
                    .get("operationId")
                    .and_then(|raw| serde_json::from_str(raw.get()).ok());
                found.push((method, id));
            }
        }
        Ok(found)
    }
}

const TWICE: &str = "the name stands here twice, and programs differ in which they believe";

/// Members of objects that are not compared, whatever they say.
const IDLE: [&str; 12] = [
    "callbacks",
    "deprecated",
    "description",
    "example",
    "examples",
    "externalDocs",
    "links",
    "operationId",
    "summary",
    "tags",
    "title",
    "xml",
];

/// The keys of a path item that are operations.
pub(super) const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Escapes a name for use in a JSON pointer.
pub(super) fn escape(name: &str) -> String {
    crate::fragment::escape(name)
}

/// What a part of a JSON pointer stands for; `%7B` and the like are undone, as
/// a `$ref` is a URL.
pub(super) fn unescape(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) if byte == b'%' => {
                bytes.push(code);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes)
        .replace("~1", "/")
        .replace("~0", "~")
}

fn syntax(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return format!(
            "it ends in the middle, at line {} column {}; is it cut off?",
            error.line(),
            error.column()
        );
    }
    if error.is_data() {
        return format!("it is not an OpenAPI document: {}", plain(error));
    }
    format!("not JSON: {error}")
}

/// The error without the place, which would count from the wrong start.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line ") {
        Some(("recursion limit exceeded", _)) => "it is nested too deeply".to_owned(),
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}

/// Why the members of an object cannot be had.
enum Fault {
    Json(serde_json::Error),
    Twice(String),
}

impl Fault {
    fn at(self, place: &str) -> Problem {
        match self {
            Self::Json(error) => Problem::new(place, plain(&error)),
            Self::Twice(name) => Problem::new(format!("{place}/{}", escape(&name)), TWICE),
        }
    }
}

/// The members of an object, unparsed.
fn members(text: &str) -> Result<Members<'_>, Fault> {
    struct Object<'n>(&'n mut Option<String>);

    impl<'t> Visitor<'t> for Object<'_> {
        type Value = Members<'t>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = BTreeMap::new();
            while let Some((name, raw)) = map.next_entry::<String, &'t RawValue>()? {
                if members.insert(name.clone(), raw).is_some() {
                    self.0.get_or_insert(name);
                }
            }
            Ok(members)
        }
    }

    let mut twice = None;
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = (&mut reader).deserialize_map(Object(&mut twice));
    let members = members.map_err(Fault::Json)?;
    reader.end().map_err(Fault::Json)?;
    match twice {
        Some(name) => Err(Fault::Twice(name)),
        None => Ok(members),
    }
}
