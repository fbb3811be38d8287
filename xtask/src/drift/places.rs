//! Where upstream would say what it does not say: a schema of several parts may
//! have lost it in any of them.

use serde_json::Value;

use super::tree::Tree;

/// The last of these places first, without lists of alternatives, of which
/// nothing is a member.
pub(super) fn objects(places: &[String]) -> Vec<String> {
    let is_list = |place: &&String| place.ends_with("/anyOf") || place.ends_with("/oneOf");
    let objects = places.iter().rev().filter(|place| !is_list(place));
    objects.cloned().collect()
}

/// The parts of a schema that say nothing but what its type is, if that.
pub(super) fn mute(schema: &Tree) -> impl Iterator<Item = &String> {
    fn stands_in(tree: &Tree, part: &str) -> bool {
        let within = |at: &String| {
            at.strip_prefix(part)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        tree.at.iter().any(within) || tree.kids.values().any(|kid| stands_in(kid, part))
    }
    let several = 1 < schema.parts.len();
    let parts = schema.parts.iter().filter(move |_| several);
    parts.filter(|part| {
        let mut kids = schema.kids.iter().filter(|(name, _)| *name != "type");
        !kids.any(|(_, kid)| stands_in(kid, part))
    })
}

/// Where alternatives stood that have become one, or else begins with one that
/// is new.
pub(super) fn of_alternatives(
    places: &mut Vec<String>,
    known: Option<&Tree>,
    upstream: Option<&Tree>,
    schema: &Tree,
) {
    let values = |tree: Option<&Tree>| match tree.and_then(|tree| tree.leaf.as_ref()) {
        Some(Value::Array(values)) => values.clone(),
        _ => Vec::new(),
    };
    let Some(upstream) = upstream else {
        let mut stood = schema.at.clone();
        stood.retain(|at| {
            let mut parts = at.rsplit('/').take(2);
            parts.any(|part| part == "anyOf" || part == "oneOf")
        });
        stood.sort();
        if !stood.is_empty() {
            *places = stood;
        }
        return;
    };
    let old = values(known);
    let new = values(Some(upstream));
    if let Some(index) = new.iter().position(|value| !old.contains(value))
        && !old.is_empty()
        && index < places.len()
    {
        places.swap(0, index);
    }
}

/// The lists whose parts make up a schema.
pub(super) fn lists(schema: &Tree) -> Vec<String> {
    let mut lists = Vec::new();
    for place in &schema.at {
        if let Some((list, _)) = place.rsplit_once('/')
            && list.ends_with("/allOf")
            && !lists.iter().any(|known| known == list)
        {
            lists.push(list.to_owned());
        }
    }
    lists
}
