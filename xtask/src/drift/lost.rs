//! What a schema loses together is reported together: with a part of it, all
//! that the part said goes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::class::Class;
use super::compare::{Difference, Spot, Walk};
use super::document::escape;
use super::places;
use super::tree::{Kind, RecordId, Tree};

impl Walk {
    /// Fields that one schema has lost at once are one finding, and so are names
    /// that are required no more: a part of it has gone, or what the part said.
    pub(super) fn gone_together(&mut self, spot: &Spot<'_>) -> BTreeSet<String> {
        let (Kind::Properties | Kind::Names, Some(above)) = (spot.kind, spot.above) else {
            return BTreeSet::new();
        };
        let mut gone: BTreeMap<Option<RecordId>, BTreeSet<String>> = BTreeMap::new();
        for (name, known) in &spot.known.kids {
            if !spot.upstream.kids.contains_key(name) && !self.told_by_property(spot, name) {
                let record = spot.record.or(known.by);
                gone.entry(record).or_default().insert(name.clone());
            }
        }
        gone.retain(|_, names| 1 < names.len());
        for (record, names) in &gone {
            let difference = self.together(spot, above, *record, names);
            self.found.push(difference);
        }
        gone.into_values().flatten().collect()
    }

    fn together(
        &mut self,
        spot: &Spot<'_>,
        above: &Spot<'_>,
        record: Option<RecordId>,
        names: &BTreeSet<String>,
    ) -> Difference {
        let container = self.place.last().cloned().unwrap_or_default();
        let mut upstream_at = places_of(above.upstream, &container, &spot.upstream.at, names);
        upstream_at.extend(spot.mute.iter().cloned());
        let subset = |tree: &Tree| {
            let kids = tree.kids.iter().filter(|(name, _)| names.contains(*name));
            let kids: BTreeMap<_, _> = kids.map(|(n, kid)| (n.clone(), kid.clone())).collect();
            let subset = Tree {
                kids,
                ..Tree::default()
            };
            (!subset.is_empty()).then(|| subset.render(spot.kind))
        };
        let mut class = Class::Relaxation;
        for name in names {
            self.place.push(name.clone());
            let sides = [
                spot.known.kids.get(name),
                None,
                spot.ours.and_then(|ours| ours.kids.get(name)),
            ];
            let one = self.difference(spot, name, sides, record, Vec::new());
            class = class.min(one.class);
            self.place.pop();
        }
        let ours_at = spot.ours.and_then(|ours| ours.at.first()).cloned();
        let (told, names) = match spot.kind {
            Kind::Names => (spot.upstream.render(Kind::Names), Vec::new()),
            _ => (Value::Null, names.iter().cloned().collect()),
        };
        Difference {
            class,
            place: self.place.clone(),
            kind: above.kind,
            upstream_at,
            ours_at: ours_at.unwrap_or_else(|| format!("{}/{container}", spot.holder.pointer())),
            holder: spot.holder.clone(),
            told,
            names,
            known: subset(spot.known),
            upstream: None,
            ours: spot.ours.and_then(subset),
            record,
        }
    }
}

/// Where `names` may have stood that `container` has lost: in parts that say
/// nothing of the kind, in those that do, or in a part that has gone from a list.
pub(super) fn places_of(
    schema: &Tree,
    container: &str,
    held: &[String],
    names: &BTreeSet<String>,
) -> Vec<String> {
    // What a part says of the same names elsewhere gives it away.
    let speaks_of = |part: &str| {
        let said = |name: &&String| {
            let (other, place) = match container {
                "required" => ("properties", format!("{part}/properties/{}", escape(name))),
                _ => ("required", format!("{part}/required")),
            };
            let kid = schema.kids.get(other).and_then(|kid| kid.kids.get(*name));
            kid.is_some_and(|kid| kid.at.contains(&place))
        };
        names.iter().filter(said).count()
    };
    let mut bare: Vec<_> = match schema.parts.as_slice() {
        [] => places::objects(&schema.at),
        parts => parts.iter().rev().cloned().collect(),
    };
    bare.retain(|part| !held.contains(&format!("{part}/{container}")));
    bare.sort_by_key(|part| std::cmp::Reverse(speaks_of(part)));
    // One name goes by itself more often than with all else that was there.
    let several = 1 < names.len();
    let suspects = bare
        .iter()
        .take_while(|part| several || 0 < speaks_of(part))
        .count();
    let (suspects, others) = bare.split_at(suspects);
    let within = |parts: &[String]| -> Vec<String> {
        let places = parts.iter().map(|part| format!("{part}/{container}"));
        places.collect()
    };
    let mut places = within(suspects);
    // The last first, and before it one that is empty now.
    let mut held: Vec<_> = held.iter().rev().cloned().collect();
    held.sort_by_key(|place| {
        let kids = schema.kids.get(container).map(|tree| tree.kids.values());
        let within = |at: &String| at == place || at.starts_with(&format!("{place}/"));
        kids.into_iter()
            .flatten()
            .any(|kid| kid.at.iter().any(within))
    });
    places.extend(held);
    places.extend(within(others));
    places.extend(places::lists(schema));
    places
}

/// The same for the last name of `place`.
pub(super) fn places_of_one(schema: &Tree, spot: &Spot<'_>, place: &[String]) -> Vec<String> {
    let [.., container, name] = place else {
        return Vec::new();
    };
    let names = BTreeSet::from([name.clone()]);
    let mut places = places_of(schema, container, &spot.upstream.at, &names);
    // A list of names has no place for each.
    if spot.kind == Kind::Properties {
        for place in &mut places {
            if place.ends_with("/properties") {
                *place += &format!("/{}", escape(name));
            }
        }
    }
    places
}
