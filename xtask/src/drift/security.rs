//! Who may call: security schemes, told apart by what they put on the wire.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::document::{Document, Problem, escape};
use super::reader::Reader;
use super::tree::Tree;

/// The schemes of a document.
pub(super) struct Schemes {
    /// By the name that both sides know.
    pub(super) tree: Tree,
    /// From the document's own name to the common one.
    names: BTreeMap<String, String>,
    /// What holds for operations that name nothing themselves.
    pub(super) default: Value,
}

impl Schemes {
    /// Reads the schemes of `document`. One that means the same as one in
    /// `known` gets its name: names are not seen on the wire.
    pub(super) fn read(document: &Document<'_>, known: &Tree) -> Result<Self, Problem> {
        let mut found = BTreeMap::new();
        for name in document.components("securitySchemes") {
            let at = format!("/components/securitySchemes/{}", escape(&name));
            let value = document.at(&at)?.unwrap_or_default();
            // It may stand behind a reference, as anything under components.
            let (value, at) = Reader::new(document, None).follow(&value, &at)?;
            document.sound_throughout(&format!("{at}/flows"))?;
            found.insert(name, scheme(&value, &at));
        }
        let mut names = BTreeMap::new();
        for (name, tree) in &found {
            let meant = |(_, other): &(&String, &Tree)| same(tree, other);
            if let Some((common, _)) = known.kids.iter().find(meant) {
                names.insert(name.clone(), common.clone());
            }
        }
        for name in found.keys() {
            if !names.contains_key(name) {
                let taken = names.values().any(|common| common == name);
                let common = if taken {
                    format!("{name} (another)")
                } else {
                    name.clone()
                };
                names.insert(name.clone(), common);
            }
        }
        let mut tree = Tree::node("/components/securitySchemes");
        for (name, scheme) in found {
            tree.kids.insert(names[&name].clone(), scheme);
        }
        let default = document.at("/security")?;
        document.sound_throughout("/security")?;
        Ok(Self {
            tree,
            names,
            default: default.map_or_else(|| json!([]), |value| (*value).clone()),
        })
    }

    /// A list of alternatives, in an order of its own, by common names.
    pub(super) fn requirement(&self, value: &Value, at: &str) -> Result<Value, Problem> {
        let wrong = || Problem::new(at, "there should be a list of security schemes here");
        let mut alternatives = Vec::new();
        for alternative in value.as_array().ok_or_else(wrong)? {
            let mut common = Map::new();
            for (name, scopes) in alternative.as_object().ok_or_else(wrong)? {
                let name = self.names.get(name).ok_or_else(|| {
                    Problem::new(at, format!("the security scheme {name:?} is not defined"))
                })?;
                common.insert(name.clone(), scopes.clone());
            }
            alternatives.push(Value::Object(common));
        }
        Ok(super::schema::set_of(&alternatives))
    }
}

/// What a scheme says on the wire.
pub(super) fn scheme(value: &Value, at: &str) -> Tree {
    let mut tree = Tree::node(at);
    for key in ["type", "in", "name", "scheme", "flows", "openIdConnectUrl"] {
        if let Some(value) = value.get(key) {
            let value = match value.as_str() {
                // Neither cares for case.
                Some(text)
                    if key == "scheme"
                        || (key == "name" && tree.value("in") == Some(&json!("header"))) =>
                {
                    json!(text.to_lowercase())
                }
                None if key == "flows" => flows(value),
                _ => value.clone(),
            };
            tree.set(key, format!("{at}/{key}"), value);
        }
    }
    tree
}

/// The flows of OAuth, without the words about each scope.
fn flows(value: &Value) -> Value {
    let mut flows = value.clone();
    let list = flows.as_object_mut().into_iter().flat_map(Map::values_mut);
    for flow in list.filter_map(Value::as_object_mut) {
        flow.retain(|key, _| !key.starts_with("x-"));
        if let Some(Value::Object(scopes)) = flow.get("scopes") {
            let names = scopes.keys().cloned().collect();
            flow.insert("scopes".to_owned(), names);
        }
    }
    flows
}

fn same(a: &Tree, b: &Tree) -> bool {
    let facts = |tree: &Tree| -> Vec<(String, Option<Value>)> {
        tree.kids
            .iter()
            .map(|(name, kid)| (name.clone(), kid.leaf.clone()))
            .collect()
    };
    facts(a) == facts(b)
}
