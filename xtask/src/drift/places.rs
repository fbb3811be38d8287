//! Where upstream would say what it does not say: a schema of several parts may
//! have lost it in any of them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::compare::{Spot, Walk};
use super::document::escape;
use super::tree::{Kind, Tree};

impl Walk {
    /// Where `names`, which are gone from the spot, may have stood: the likeliest
    /// first. `emptied` are the places of what is still there, and says nothing.
    pub(super) fn places_of(
        &self,
        spot: &Spot<'_>,
        names: &[&String],
        emptied: &[String],
    ) -> Vec<String> {
        let levels = levels(spot, &self.place, names);
        let Some((nearest, around)) = levels.split_first() else {
            return Vec::new();
        };
        let mut ranked = nearest.ranked(names, !emptied.is_empty());
        ranked.sort_by_key(|(rank, _)| *rank);
        let likely = ranked.partition_point(|(rank, _)| *rank < Rank::Held);
        let (likely, others) = ranked.split_at(likely);
        let mut found: Vec<String> = Vec::new();
        found.extend(likely.iter().map(|(_, place)| place.clone()));
        found.extend(around.iter().flat_map(Level::suspects));
        found.extend(emptied.iter().cloned());
        found.extend(others.iter().map(|(_, place)| place.clone()));
        found.extend(levels.iter().flat_map(|level| lists(level.upstream)));
        let mut seen = BTreeSet::new();
        found.retain(|place| seen.insert(place.clone()));
        found
    }
}

/// How likely a part has lost something; the first is the likeliest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// It has something that nobody knows: a new name for what is gone.
    Renamed,
    /// What it says of the same names elsewhere gives it away.
    Speaks,
    /// It says nothing, or nothing of this kind.
    Silent,
    /// It has others of this kind.
    Held,
    Other,
}

/// A schema around what is gone, and the way from it to that.
struct Level<'t> {
    known: &'t Tree,
    upstream: &'t Tree,
    way: Vec<String>,
}

/// The schemas from the spot up to where none is around.
fn levels<'t>(spot: &'t Spot<'t>, place: &[String], names: &[&String]) -> Vec<Level<'t>> {
    // A list of names has no place for each, and of several the list is the place.
    let mut way: Vec<String> = match names {
        [name] if spot.kind != Kind::Names => vec![(*name).clone()],
        _ => Vec::new(),
    };
    // While it looks at a part, the walk has its name in the place.
    let mut above = &place[..spot.depth];
    let mut found = Vec::new();
    let mut here = Some(spot);
    while let Some(spot) = here {
        if spot.kind == Kind::Schema {
            found.push(Level {
                known: spot.known,
                upstream: spot.upstream,
                way: way.clone(),
            });
        } else if !matches!(spot.kind, Kind::Properties | Kind::Names) {
            break;
        }
        let Some((name, rest)) = above.split_last() else {
            break;
        };
        way.insert(0, name.clone());
        above = rest;
        here = spot.above;
    }
    found
}

impl Level<'_> {
    /// Each object that the schema is made of, as the place of what is gone.
    fn ranked(&self, names: &[&String], emptied: bool) -> Vec<(Rank, String)> {
        let mut holders: Vec<_> = self.upstream.parts.iter().rev().cloned().collect();
        let refers = |place: &String| self.upstream.references.values().any(|at| at == place);
        for place in objects(&self.upstream.at) {
            if !holders.contains(&place) && !refers(&place) {
                holders.push(place);
            }
        }
        let way = tail(&self.way);
        let holders = holders.iter();
        let ranked = holders.filter_map(|part| Some((self.rank(part, names, emptied)?, part)));
        ranked
            .map(|(rank, part)| (rank, format!("{part}{way}")))
            .collect()
    }

    /// How likely `part` has lost `names`; none if it has them.
    fn rank(&self, part: &str, names: &[&String], emptied: bool) -> Option<Rank> {
        let keyword = self.way.first().map(String::as_str).unwrap_or_default();
        let here = format!("{part}/{keyword}");
        let said = self.upstream.kids.get(keyword);
        let is_part = self.upstream.parts.iter().any(|other| other == part);
        let alone = self.upstream.parts.len() == 1 && is_mute(self.upstream, part);
        let silent = is_part && (alone || self.is_idle(part));
        if !matches!(keyword, "properties" | "required") {
            let has = said.is_some_and(|tree| stands_in(tree, &here));
            return (!has).then_some(match () {
                // What others have emptied is as good as missing here.
                () if silent || (is_part && emptied) => Rank::Silent,
                () if is_part => Rank::Held,
                () => Rank::Other,
            });
        }
        let mut kids = said.into_iter().flat_map(|tree| tree.kids.values());
        let holds = kids.any(|kid| stands_in(kid, &here));
        let emptied = !holds && said.is_some_and(|tree| tree.at.contains(&here));
        Some(match () {
            () if keyword == "properties" && holds && self.has_stranger(part) => Rank::Renamed,
            () if names.iter().any(|name| self.speaks(part, keyword, name)) => Rank::Speaks,
            () if silent || emptied || (is_part && !holds && 1 < names.len()) => Rank::Silent,
            () if holds => Rank::Held,
            () => Rank::Other,
        })
    }

    /// The parts that may have lost all that leads to what is gone: such as say
    /// nothing of it, and nothing else or what nobody knows.
    fn suspects(&self) -> Vec<String> {
        let length = match self.way.first().map(String::as_str) {
            Some("properties") => 2,
            _ => 1,
        };
        let first = self.way.get(..length).unwrap_or_default();
        let said = first
            .iter()
            .try_fold(self.upstream, |tree, name| tree.kids.get(name));
        let (first, way) = (tail(first), tail(&self.way));
        let parts = self.upstream.parts.iter().rev().filter(|part| {
            let here = format!("{part}{first}");
            !said.is_some_and(|tree| stands_in(tree, &here))
                && (self.has_stranger(part) || self.is_idle(part))
        });
        parts.map(|part| format!("{part}{way}")).collect()
    }

    /// Whether the part is there to join, and says nothing: a schema for any value is
    /// usual elsewhere, as what a list holds.
    fn is_idle(&self, part: &str) -> bool {
        let used = self
            .upstream
            .references
            .get(part)
            .map_or(part, String::as_str);
        let list = used.rsplit_once('/').map_or("", |(list, _)| list);
        list.ends_with("/allOf") && is_mute(self.upstream, part)
    }

    /// Whether the part has a property that upstream was not known to have.
    fn has_stranger(&self, part: &str) -> bool {
        let here = format!("{part}/properties");
        let known = self.known.kids.get("properties");
        let is_new = |name: &String| !known.is_some_and(|known| known.kids.contains_key(name));
        let properties = self.upstream.kids.get("properties");
        let mut properties = properties.into_iter().flat_map(|tree| &tree.kids);
        properties.any(|(name, kid)| is_new(name) && stands_in(kid, &here))
    }

    /// Whether the part says something of the same name in another place.
    fn speaks(&self, part: &str, container: &str, name: &str) -> bool {
        let (other, place) = match container {
            "required" => ("properties", format!("{part}/properties/{}", escape(name))),
            _ => ("required", format!("{part}/required")),
        };
        let kid = self.upstream.kids.get(other);
        kid.and_then(|kid| kid.kids.get(name))
            .is_some_and(|kid| kid.at.contains(&place))
    }
}

/// The way as the end of a JSON pointer.
pub(super) fn tail(way: &[String]) -> String {
    way.iter()
        .map(|name| format!("/{}", escape(name)))
        .collect()
}

/// Whether it stands at a place, or in it.
fn stands_in(tree: &Tree, place: &str) -> bool {
    let within = |at: &String| {
        let rest = at.strip_prefix(place);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    tree.at.iter().any(within)
}

/// Where a part of a schema that null has come to may have had a type, which kept it
/// out.
pub(super) fn untyped(schema: &Tree) -> Vec<String> {
    let typed = schema.kids.get("type");
    let of_type = |part: &String| format!("{part}/type");
    let places = schema.parts.iter().rev().map(of_type);
    places
        .filter(|place| !typed.is_some_and(|tree| tree.at.contains(place)))
        .collect()
}

/// The reference that leads to `place`, if all that is known of it stands behind one.
pub(super) fn reference(place: &str, tree: Option<&Tree>, spot: &Spot<'_>) -> Option<String> {
    let around = std::iter::successors(Some(spot), |spot| spot.above);
    let trees = tree.into_iter().chain(around.map(|spot| spot.upstream));
    let references = trees.flat_map(|tree| &tree.references);
    let leads = references.filter(|(target, _)| {
        let rest = place.strip_prefix(target.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    leads
        .max_by_key(|(target, _)| target.len())
        .map(|(_, at)| at.clone())
}

/// The last of these places first, without lists of alternatives, of which
/// nothing is a member.
pub(super) fn objects(places: &[String]) -> Vec<String> {
    let is_list = |place: &&String| place.ends_with("/anyOf") || place.ends_with("/oneOf");
    let objects = places.iter().rev().filter(|place| !is_list(place));
    objects.cloned().collect()
}

/// Whether a part of a schema says nothing but what its type is, if that, and joins
/// no others.
fn is_mute(schema: &Tree, part: &str) -> bool {
    fn speaks(tree: &Tree, part: &str) -> bool {
        stands_in(tree, part) || tree.kids.values().any(|kid| speaks(kid, part))
    }
    let mut kids = schema.kids.iter().filter(|(name, _)| *name != "type");
    let joins = |at: &String| at.starts_with(&format!("{part}/allOf/"));
    let says = kids.any(|(name, kid)| match name.as_str() {
        // An empty one of these says nothing.
        "properties" | "required" => kid.kids.values().any(|kid| speaks(kid, part)),
        _ => speaks(kid, part),
    });
    !says && !schema.at.iter().any(joins)
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
