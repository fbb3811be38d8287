//! What a schema loses together is reported together: with a part of it, all
//! that the part said goes.

use std::collections::{BTreeMap, BTreeSet};

use super::class::Class;
use super::compare::{Difference, Spot, Walk};
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
        let gone: Vec<_> = names.iter().collect();
        let upstream_at = self.places_of(spot, &gone, &[]);
        let first = upstream_at.first();
        let references = first.and_then(|at| places::reference(at, None, spot));
        let references = references.into_iter().collect();
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
        Difference {
            class,
            place: self.place.clone(),
            kind: above.kind,
            upstream_at,
            references,
            ours_at: ours_at.unwrap_or_else(|| format!("{}/{container}", spot.holder.pointer())),
            holder: spot.holder.clone(),
            names: names.iter().cloned().collect(),
            known: subset(spot.known),
            upstream: None,
            ours: spot.ours.and_then(subset),
            hopeless: false,
            record,
        }
    }
}
