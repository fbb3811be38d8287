//! How schemas join: `allOf` demands all of them, `anyOf` one of them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::{Value, json};

use super::schema::set_of;
use super::tree::{CONTRADICTION, Kind, Tree};

/// What satisfies both.
pub(super) fn merge(mut a: Tree, mut b: Tree) -> Tree {
    let mut at = a.at.clone();
    at.extend(b.at.iter().filter(|place| !a.at.contains(place)).cloned());
    let mut references = std::mem::take(&mut a.references);
    references.append(&mut b.references);
    if a.is_never() || b.is_never() {
        let never = if a.is_never() { a } else { b };
        return Tree {
            references,
            ..never
        };
    }
    let types = (a.kids.remove("type"), b.kids.remove("type"));
    let kind = match types {
        (Some(x), Some(y)) => {
            let pair = (text(&x), text(&y));
            match pair {
                (x_type, y_type) if x_type == y_type => Some(both(x, &y)),
                ("integer", "number") => Some(x),
                ("number", "integer") => Some(y),
                _ => {
                    return Tree {
                        references,
                        ..clash("type", &x, &y)
                    };
                }
            }
        }
        (x, y) => x.or(y),
    };
    for (name, theirs) in b.kids {
        match a.kids.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(theirs);
            }
            Entry::Occupied(mut entry) => {
                let name = entry.key().clone();
                let ours = std::mem::take(entry.get_mut());
                let clash = clash(&name, &ours, &theirs);
                let Some(joined) = join(&name, ours, theirs) else {
                    return Tree {
                        references,
                        ..clash
                    };
                };
                entry.insert(joined);
            }
        }
    }
    if let Some(kind) = kind {
        a.kids.insert("type".to_owned(), kind);
    }
    a.gone.extend(b.gone);
    a.not_null.extend(b.not_null);
    b.parts.retain(|part| !a.parts.contains(part));
    a.parts.extend(b.parts);
    if !a.not_null.is_empty() {
        a.kids.remove("nullable");
    }
    a.at = at;
    a.references = references;
    a
}

/// Two schemas that exclude each other by what they say under one keyword.
fn clash(keyword: &str, a: &Tree, b: &Tree) -> Tree {
    let mut sides = [a, b].map(|side| json!({ keyword: side.leaf }));
    sides.sort_by_key(Value::to_string);
    let mut never = Tree::never([a.at.as_slice(), &b.at].concat(), json!({ "allOf": sides }));
    // Whoever compares can tell which side is the new one.
    let why = never.container(CONTRADICTION).container(keyword);
    for (name, side) in [("0", a), ("1", b)] {
        why.kids.insert(name.to_owned(), side.clone());
    }
    never
}

/// A demand that cannot be met makes the whole one that nothing satisfies.
pub(super) fn impossible(tree: &Tree) -> Option<Tree> {
    let values = tree.kids.get("enum");
    let no_value = |kid: &&Tree| {
        kid.leaf
            .as_ref()
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty)
    };
    if let Some(none) = values.filter(no_value) {
        return Some(Tree::never(none.at.clone(), json!({"enum": []})));
    }
    let required = tree.kids.get("required")?;
    let properties = &tree.kids.get("properties")?.kids;
    let mut at = Vec::new();
    let mut references = tree.references.clone();
    let mut why = serde_json::Map::new();
    for name in required.kids.keys() {
        let Some(property) = properties.get(name) else {
            continue;
        };
        if let Some(clash) = property.contradiction() {
            at.extend(clash.at.iter().cloned());
            references.extend(property.references.clone());
            why.insert(name.clone(), clash.leaf.clone().unwrap_or_default());
        }
    }
    let names: Vec<_> = why.keys().cloned().collect();
    (!why.is_empty()).then(|| Tree {
        references,
        ..Tree::never(at, json!({"required": names, "properties": why}))
    })
}

/// Joins what two schemas say under one keyword; `None` if nothing is left.
fn join(name: &str, a: Tree, b: Tree) -> Option<Tree> {
    if a.leaf == b.leaf && a.kids.is_empty() && b.kids.is_empty() {
        return Some(both(a, &b));
    }
    Some(match name {
        "enum" => {
            let other = b.leaf.as_ref().and_then(Value::as_array)?;
            let mine = a.leaf.as_ref().and_then(Value::as_array)?;
            let common: Vec<_> = mine.iter().filter(|v| other.contains(v)).cloned().collect();
            if common.is_empty() {
                return None;
            }
            Tree {
                leaf: Some(set_of(&common)),
                ..both(a, &b)
            }
        }
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => {
            if number(&b) <= number(&a) { a } else { b }
        }
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => {
            if number(&a) <= number(&b) { a } else { b }
        }
        "properties" | "required" => {
            let mut joined = both(a, &b);
            for (name, theirs) in b.kids {
                match joined.kids.entry(name) {
                    Entry::Vacant(entry) => {
                        entry.insert(theirs);
                    }
                    Entry::Occupied(mut entry) => {
                        let ours = std::mem::take(entry.get_mut());
                        let both_say = ours.leaf.is_some();
                        entry.insert(if both_say {
                            both(ours, &theirs)
                        } else {
                            merge(ours, theirs)
                        });
                    }
                }
            }
            joined.gone.extend(b.gone);
            joined
        }
        "items" | "additionalProperties" => merge(a, b),
        // Nearest to the use wins.
        "default" | "discriminator" => a,
        // Both hold; there is no shorter way to say it.
        _ => {
            let parts = [&a, &b].map(|tree| match &tree.leaf {
                Some(Value::Array(values)) => values.clone(),
                leaf => leaf.clone().into_iter().collect(),
            });
            Tree {
                leaf: Some(set_of(&parts.concat())),
                ..both(a, &b)
            }
        }
    })
}

/// One of these schemas.
pub(super) fn alternatives(branches: Vec<Tree>, at: &str) -> Tree {
    let mut tree = Tree::node(at);
    let count = branches.len();
    let (null, mut rest): (Vec<_>, Vec<_>) = branches.into_iter().partition(is_null);
    if rest.is_empty() {
        return null
            .into_iter()
            .next()
            .unwrap_or_else(|| Tree::never(vec![at.to_owned()], json!({"anyOf": []})));
    }
    if rest.len() < count {
        tree.set("nullable", at, json!(true));
    }
    // Null in a branch is null in all, and what keeps it out must stand in all.
    let closed = rest.iter().all(|branch| !branch.not_null.is_empty());
    for branch in &mut rest {
        if let Some(nullable) = branch.kids.remove("nullable") {
            let nullable = match tree.kids.remove("nullable") {
                Some(said) => both(said, &nullable),
                None => nullable,
            };
            tree.kids.insert("nullable".to_owned(), nullable);
        }
        tree.not_null.append(&mut branch.not_null);
        tree.references.append(&mut branch.references);
    }
    if !closed || tree.kids.contains_key("nullable") {
        tree.not_null.clear();
    }
    let mut sorted: BTreeMap<String, (Value, Tree)> = BTreeMap::new();
    for branch in rest {
        let value = branch.render(Kind::Schema);
        match sorted.entry(value.to_string()) {
            Entry::Vacant(entry) => {
                entry.insert((value, branch));
            }
            Entry::Occupied(mut entry) => entry.get_mut().1.at.extend(branch.at),
        }
    }
    if let Some(joined) = one_enum(sorted.values().map(|(_, branch)| branch)) {
        return merge(joined, tree);
    }
    let mut sorted: Vec<_> = sorted.into_values().collect();
    if sorted.len() == 1
        && let Some((_, only)) = sorted.pop()
    {
        return merge(only, tree);
    }
    // The places run along with the values, for whoever compares.
    let (values, places): (Vec<_>, Vec<_>) = sorted
        .into_iter()
        .map(|(value, branch)| (value, branch.at.into_iter().next().unwrap_or_default()))
        .unzip();
    let list = Tree {
        at: places,
        leaf: Some(Value::Array(values)),
        ..Tree::default()
    };
    tree.kids.insert("anyOf".to_owned(), list);
    tree
}

/// Whether null is all that satisfies a schema, whichever way it says so.
pub(super) fn is_null(schema: &Tree) -> bool {
    let kind = schema.value("type");
    let only = schema.value("enum") == Some(&json!([null]));
    kind == Some(&json!("null"))
        || (only && (kind.is_none() || schema.kids.contains_key("nullable")))
}

/// Alternatives that only name values are one list of values.
fn one_enum<'t>(branches: impl Iterator<Item = &'t Tree>) -> Option<Tree> {
    let mut joined: Option<Tree> = None;
    let mut values = Vec::new();
    for branch in branches {
        let only = branch
            .kids
            .keys()
            .all(|name| name == "type" || name == "enum");
        values.extend(branch.value("enum")?.as_array()?.iter().cloned());
        match &mut joined {
            _ if !only => return None,
            None => joined = Some(branch.clone()),
            Some(joined) if joined.value("type") != branch.value("type") => return None,
            Some(joined) => {
                let places = branch.kids.get("enum").map(|kid| kid.at.clone());
                joined
                    .container("enum")
                    .at
                    .extend(places.unwrap_or_default());
            }
        }
    }
    let mut joined = joined?;
    joined.container("enum").leaf = Some(set_of(&values));
    Some(joined)
}

fn both(a: Tree, b: &Tree) -> Tree {
    let mut joined = a;
    for place in &b.at {
        if !joined.at.contains(place) {
            joined.at.push(place.clone());
        }
    }
    joined
}

fn text(tree: &Tree) -> &str {
    tree.leaf
        .as_ref()
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn number(tree: &Tree) -> f64 {
    tree.leaf
        .as_ref()
        .and_then(Value::as_f64)
        .unwrap_or_default()
}
