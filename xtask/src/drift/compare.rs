//! Finds where upstream is not what it was known to be.

use std::collections::BTreeSet;

use serde_json::Value;

use super::class::{Class, Step};
use super::document::escape;
use super::merge::is_null;
use super::places;
use super::recursion::same_unfolded;
use super::schema::Way;
use super::tree::{CONTRADICTION, Kind, RecordId, Tree};

/// One fact that is not what it was.
#[derive(Debug, Clone)]
pub(super) struct Difference {
    pub(super) class: Class,
    /// Its path of meaning, within the operation.
    pub(super) place: Vec<String>,
    pub(super) kind: Kind,
    /// Where upstream says it, or would; the first is the likeliest.
    pub(super) upstream_at: Vec<String>,
    /// References that lead to what upstream says.
    pub(super) references: BTreeSet<String>,
    pub(super) ours_at: String,
    /// The object of ours that a record would be about.
    pub(super) holder: Holder,
    /// The names that it is about, where several went at once.
    pub(super) names: Vec<String>,
    /// What upstream was known to say.
    pub(super) known: Option<Value>,
    pub(super) upstream: Option<Value>,
    pub(super) ours: Option<Value>,
    /// Whether nothing satisfies what upstream says now.
    pub(super) hopeless: bool,
    /// The record that told us.
    pub(super) record: Option<RecordId>,
}

impl Difference {
    /// The paths of meaning of all that it is about.
    pub(super) fn facts(&self) -> Vec<Vec<String>> {
        if self.names.is_empty() {
            return vec![self.place.clone()];
        }
        let names = self.names.iter();
        let path = |name: &String| [self.place.as_slice(), std::slice::from_ref(name)].concat();
        names.map(path).collect()
    }
}

/// The nearest object of ours around a fact.
#[derive(Debug, Clone, Default)]
pub(super) struct Holder {
    /// Where it stands, from where it is used to where it is spelled out.
    pub(super) at: Vec<String>,
    /// How much of the path of meaning leads to it.
    pub(super) depth: usize,
    /// The way on from there.
    pub(super) aspect: Vec<String>,
}

impl Holder {
    pub(super) fn pointer(&self) -> &str {
        self.at.last().map_or("", String::as_str)
    }
}

/// Compares `upstream` with what it was known to be. `ours` is what the
/// fragment says at the same places.
pub(super) fn compare(kind: Kind, known: &Tree, upstream: &Tree, ours: &Tree) -> Vec<Difference> {
    let mut walk = Walk::default();
    let there = |tree: &Tree| tree.at.last().cloned().unwrap_or_default();
    let spot = Spot {
        kind,
        known,
        upstream,
        ours: Some(ours),
        record: None,
        upstream_at: vec![there(upstream)],
        depth: 0,
        holder: Holder {
            at: ours.at.clone(),
            ..Holder::default()
        },
        above: None,
    };
    walk.visit(&spot);
    walk.found
}

/// A node on all three sides.
pub(super) struct Spot<'t> {
    pub(super) kind: Kind,
    pub(super) known: &'t Tree,
    pub(super) upstream: &'t Tree,
    pub(super) ours: Option<&'t Tree>,
    /// The record that took the whole away from `known`.
    pub(super) record: Option<RecordId>,
    pub(super) upstream_at: Vec<String>,
    /// How much of the path of meaning leads here.
    pub(super) depth: usize,
    pub(super) holder: Holder,
    pub(super) above: Option<&'t Spot<'t>>,
}

#[derive(Default)]
pub(super) struct Walk {
    pub(super) place: Vec<String>,
    pub(super) found: Vec<Difference>,
}

impl Walk {
    fn visit(&mut self, spot: &Spot<'_>) {
        let names: BTreeSet<_> = spot
            .known
            .kids
            .keys()
            .chain(spot.upstream.kids.keys())
            .collect();
        let together = self.gone_together(spot);
        for name in names.into_iter().filter(|name| !together.contains(*name)) {
            self.place.push(name.clone());
            self.part(spot, name);
            self.place.pop();
        }
    }

    fn part(&mut self, spot: &Spot<'_>, name: &str) {
        let kind = spot.kind.part(name);
        let says = |tree: &&Tree| {
            !spot.kind.is_optional(name) || !tree.is_empty() || !tree.gone.is_empty()
        };
        let known = spot.known.kids.get(name).filter(says);
        let upstream = spot.upstream.kids.get(name).filter(says);
        let ours = spot.ours.and_then(|ours| ours.kids.get(name)).filter(says);
        let record = spot
            .known
            .gone
            .get(name)
            .copied()
            .or(spot.record)
            .or(known.and_then(|known| known.by));
        let upstream_at = match spot.upstream.kids.get(name) {
            Some(tree) if !tree.at.is_empty() => tree.at.clone(),
            None if name == "nullable" && !spot.upstream.not_null.is_empty() => spot
                .upstream
                .not_null
                .iter()
                .map(|at| format!("{at}/nullable"))
                .collect(),
            _ if spot.kind.is_addressless() => spot.upstream_at.clone(),
            _ => spot
                .upstream_at
                .iter()
                .map(|at| format!("{at}/{}", escape(name)))
                .collect(),
        };
        let nothing = Tree::default();
        let deeper = kind.is_container()
            || match (known, upstream) {
                (Some(known), Some(upstream)) => {
                    known.leaf.is_none()
                        && upstream.leaf.is_none()
                        && known.is_never() == upstream.is_never()
                }
                (None, None) => return,
                _ => false,
            };
        // Null alone says no more with a type beside it; two types are told apart.
        if kind == Kind::Schema
            && let (Some(known), Some(upstream)) = (known, upstream)
            && is_null(known)
            && is_null(upstream)
            && [known, upstream].into_iter().any(has_no_type)
        {
            return;
        }
        if kind == Kind::Schema
            && let (Some(known), Some(upstream)) = (known, upstream)
            && same_unfolded(spot, known, upstream)
        {
            return;
        }
        if deeper {
            let (known, upstream) = (known.unwrap_or(&nothing), upstream.unwrap_or(&nothing));
            let mut holder = spot.holder.clone();
            match ours {
                Some(ours) if !kind.is_container() && !ours.at.is_empty() => {
                    holder = Holder {
                        at: ours.at.clone(),
                        depth: self.place.len(),
                        aspect: Vec::new(),
                    };
                }
                _ => holder.aspect.push(name.to_owned()),
            }
            // The likeliest place for what is missing is where the schema is
            // spelled out, not where it is used.
            let upstream_at = match upstream.parts.as_slice() {
                [] => places::objects(&upstream_at),
                parts => parts.iter().rev().cloned().collect(),
            };
            self.visit(&Spot {
                kind,
                known,
                upstream,
                ours,
                record,
                upstream_at,
                depth: self.place.len(),
                holder,
                above: Some(spot),
            });
            return;
        }
        let same = known.is_some_and(|known| {
            upstream.is_some_and(|upstream| {
                (known.leaf.is_some() || upstream.leaf.is_some()) && known.leaf == upstream.leaf
            })
        });
        if same || self.told_by_property(spot, name) {
            return;
        }
        let mut upstream_at = upstream_at;
        if upstream.is_none() {
            // It may not be there, or be there and say nothing.
            let emptied = spot.upstream.kids.get(name);
            let emptied = emptied.map_or_else(Vec::new, |tree| places::objects(&tree.at));
            match spot.kind {
                Kind::Schema | Kind::Properties | Kind::Names => {
                    upstream_at = self.places_of(spot, &[&name.to_owned()], &emptied);
                }
                _ if !emptied.is_empty() => upstream_at = emptied,
                _ => {}
            }
        } else if name == "nullable" && known.is_none() {
            upstream_at.extend(places::untyped(spot.upstream));
        }
        self.found
            .push(self.difference(spot, name, [known, upstream, ours], record, upstream_at));
    }

    /// Of a property that comes or goes, it need not be said that it is
    /// required, too.
    pub(super) fn told_by_property(&self, spot: &Spot<'_>, name: &str) -> bool {
        let has = |tree: &Tree| {
            tree.kids
                .get("properties")
                .is_some_and(|p| p.kids.contains_key(name))
        };
        spot.kind == Kind::Names
            && spot
                .above
                .is_some_and(|above| has(above.known) != has(above.upstream))
    }

    pub(super) fn difference(
        &self,
        spot: &Spot<'_>,
        name: &str,
        [known, upstream, ours]: [Option<&Tree>; 3],
        record: Option<RecordId>,
        upstream_at: Vec<String>,
    ) -> Difference {
        let kind = spot.kind.part(name);
        let first = self.place.first().map(String::as_str);
        let demanded = match spot.kind {
            Kind::Properties => spot.above.is_some_and(|above| {
                let required = above.upstream.kids.get("required");
                required.is_some_and(|required| required.kids.contains_key(name))
            }),
            _ => upstream.is_some_and(|upstream| upstream.value("required").is_some()),
        };
        let step = Step {
            way: if first == Some("responses") {
                Way::Response
            } else {
                Way::Request
            },
            part: kind,
            name,
            owner: spot.kind,
            demanded,
        };
        let mut upstream_at = upstream_at;
        match upstream {
            Some(new) if new.is_never() => upstream_at = new.disagreeing(known),
            // Where a contradiction has lost a side, its list has what is left.
            Some(new) if known.is_some_and(Tree::is_never) => {
                upstream_at.truncate(1);
                upstream_at.extend(places::lists(new));
            }
            // A thing stands where it is used; what it is made of has no say in that.
            Some(new) if new.leaf.is_none() => upstream_at.truncate(1),
            _ => {}
        }
        if name == "anyOf" {
            places::of_alternatives(&mut upstream_at, known, upstream, spot.upstream);
        }
        let told_at = match upstream {
            Some(_) => &upstream_at[..],
            None => upstream_at.get(..1).unwrap_or_default(),
        };
        let references = told_at.iter();
        let references = references.filter_map(|at| places::reference(at, upstream, spot));
        let references = references.collect();
        let mut holder = spot.holder.clone();
        if spot.kind != Kind::Names {
            holder.aspect.push(name.to_owned());
        }
        let missing_at = match spot.kind {
            // Ours is the schema that something satisfies.
            _ if name == CONTRADICTION => holder.pointer().to_owned(),
            // They stand in a list, which has no place for one that is missing.
            _ if holder
                .aspect
                .first()
                .is_some_and(|first| first == "parameters") =>
            {
                format!("{}/parameters", holder.pointer())
            }
            _ => {
                let escaped: Vec<_> = holder.aspect.iter().map(|part| escape(part)).collect();
                format!("{}/{}", holder.pointer(), escaped.join("/"))
            }
        };
        let ours_at = ours
            .and_then(|ours| ours.at.first())
            .cloned()
            .unwrap_or(missing_at);
        let render = |tree: Option<&Tree>| tree.map(|tree| tree.render(kind));
        let class = match (known, upstream, ours) {
            // It said nothing that could be, so it breaks no more than what it says
            // of the same things in another way than ours.
            (Some(known), Some(upstream), Some(ours)) if known.is_never() => {
                let mut walk = Self {
                    place: self.place.clone(),
                    found: Vec::new(),
                };
                walk.visit(&Spot {
                    kind,
                    known: ours,
                    upstream,
                    ours: Some(ours),
                    record: None,
                    upstream_at: Vec::new(),
                    depth: 0,
                    holder: spot.holder.clone(),
                    above: None,
                });
                let both = |found: &Difference| found.known.is_some() && found.upstream.is_some();
                let classes = walk.found.iter().filter(|found| both(found));
                classes
                    .map(|found| found.class)
                    .min()
                    .unwrap_or(Class::Relaxation)
            }
            _ => step.class(known, upstream, ours),
        };
        Difference {
            class,
            place: self.place.clone(),
            kind: spot.kind,
            upstream_at,
            references,
            ours_at,
            holder,
            names: Vec::new(),
            known: render(known),
            upstream: render(upstream),
            ours: render(ours),
            hopeless: name == CONTRADICTION || upstream.is_some_and(Tree::is_never),
            record,
        }
    }
}

/// Whether the type says nothing, or null.
fn has_no_type(schema: &Tree) -> bool {
    let kind = schema.value("type");
    kind.is_none_or(|kind| kind == "null")
}

/// Which records make a difference between ours and upstream as it was known, or keep
/// another record, whose `effects` are farther, from making one.
pub(super) fn effective(
    known: &Tree,
    ours: Option<&Tree>,
    effects: &BTreeSet<RecordId>,
    records: &mut BTreeSet<RecordId>,
) {
    for (name, id) in &known.gone {
        if effects.contains(id) || ours.is_some_and(|ours| ours.kids.contains_key(name)) {
            records.insert(*id);
        }
    }
    for (name, kid) in &known.kids {
        let theirs = ours.and_then(|ours| ours.kids.get(name));
        if let Some(id) = kid.by {
            let same = theirs.is_some_and(|theirs| {
                theirs.leaf == kid.leaf
                    && theirs.kids.keys().all(|name| kid.kids.contains_key(name))
            });
            if !same || effects.contains(&id) {
                records.insert(id);
            }
        }
        effective(kid, theirs, effects, records);
    }
}
