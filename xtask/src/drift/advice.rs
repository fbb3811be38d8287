//! What to edit so that a finding is explained and nothing else changes. Each edit is
//! tried before it is shown.

use std::collections::{BTreeMap, BTreeSet};

use json_patch::{Patch, PatchOperation};
use serde_json::{Value, json};

use super::compare::{Difference, Holder};
use super::comparison::{Comparison, Outcome};
use super::document::{escape, unescape};
use super::edit;
use super::left_out;
use super::places;
use super::records::{FIELD, NO_REASON, Record, Records};
use super::side::{Fact, Uses, WHOLE};
use super::tree::{Kind, RecordId};

/// What a finding is about, as far as records go.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) facts: BTreeSet<Fact>,
    /// The object of ours around them, and the use of it that was looked at first.
    holder: Holder,
    first: Fact,
    record: Option<RecordId>,
    /// Whether ours could say what upstream says.
    pub(super) can_follow: bool,
}

impl Subject {
    pub(super) fn new(title: &str, difference: &Difference) -> Self {
        let places = difference.facts().into_iter();
        Self {
            facts: places.map(|place| (title.to_owned(), place)).collect(),
            holder: difference.holder.clone(),
            first: (
                title.to_owned(),
                difference.place[..difference.holder.depth].to_vec(),
            ),
            record: difference.record,
            can_follow: !difference.hopeless,
        }
    }

    /// Takes in what another, of the same place of ours, is about.
    pub(super) fn join(&mut self, other: Self) {
        let common = |at: &String| other.holder.at.contains(at);
        self.holder.at.retain(common);
        self.facts.extend(other.facts);
    }

    fn titles(&self) -> BTreeSet<&str> {
        self.facts.iter().map(|(title, _)| title.as_str()).collect()
    }
}

/// Finds edits of the records.
pub(super) struct Advisor<'d> {
    pub(super) comparison: &'d Comparison<'d>,
    pub(super) fragment: &'d Value,
    pub(super) records: &'d Records,
    /// What is reported as it stands.
    pub(super) before: &'d Outcome,
    /// Where each place of the fragment comes in.
    pub(super) uses: &'d Uses,
}

impl Advisor<'_> {
    /// The edit of the records that explains the subject; one that explains more is
    /// the second choice.
    pub(super) fn patch(&self, subject: &Subject, adopted: bool) -> Option<Patch> {
        let close = self.candidates(subject, adopted);
        let along = close.iter().map(|patch| (patch, true));
        let close = close.iter().map(|patch| (patch, false));
        let wide = self.added_around(subject);
        let wide = wide.iter().map(|patch| (patch, false));
        let mut second = None;
        for (patch, along) in close.chain(along).chain(wide) {
            match self.tried(patch.clone(), subject, along) {
                Some((patch, true)) => return Some(patch),
                Some((patch, false)) => second = second.or(Some(patch)),
                None => {}
            }
        }
        second
    }

    /// The patch, if it explains the subject and brings nothing up, and whether it
    /// leaves all other findings as they are. What was hidden before, as that a field
    /// is required before the field is known, is explained `along` with it.
    fn tried(&self, patch: Patch, subject: &Subject, along: bool) -> Option<(Patch, bool)> {
        let mut fragment = self.fragment.clone();
        json_patch::patch(&mut fragment, &patch).ok()?;
        let records = Records::collect(&fragment).ok()?;
        let titles = self.touched(&patch);
        let after = self.comparison.with(&records, &titles).ok()?;
        let (before, now) = (facts(self.before, &titles), facts(&after, &titles));
        if !subject.facts.is_disjoint(&now) || !subject.facts.is_subset(&before) {
            return None;
        }
        let revealed = now.difference(&before).cloned().collect::<BTreeSet<_>>();
        if revealed.is_empty() {
            let idle = self.stale(&records, &after);
            let known = self.stale(self.records, self.before);
            let idle: Vec<_> = idle.difference(&known).collect();
            let explained = before.difference(&now).count();
            if idle.is_empty() {
                return Some((patch, explained == subject.facts.len()));
            }
            // Without them, others may explain nothing, too.
            let steps = self.without(&fragment, &records, &idle)?;
            return self.tried(Patch([patch.0, steps].concat()), subject, false);
        }
        if !along {
            return None;
        }
        let further = joined(&after, &revealed)?;
        let next = Advisor {
            fragment: &fragment,
            records: &records,
            before: &after,
            ..*self
        };
        next.candidates(&further, false)
            .into_iter()
            .find_map(|step| {
                let both = Patch([patch.0.as_slice(), &step.0].concat());
                self.tried(both, subject, false)
            })
    }

    /// The titles whose operations a patch may concern.
    fn touched(&self, patch: &Patch) -> BTreeSet<String> {
        let holder = |path: &str| {
            path.split_once(&format!("/{FIELD}"))
                .map(|(holder, _)| holder.to_owned())
        };
        let holders = patch.iter().filter_map(|step| holder(step.path().as_str()));
        let uses = holders.filter_map(|holder| self.uses.get(&holder));
        let titles: BTreeSet<_> = uses.flatten().map(|(title, _)| title.clone()).collect();
        if titles.contains(WHOLE) {
            return self.before.differences.keys().cloned().collect();
        }
        titles
    }

    /// The records that explain nothing, where `outcome` has looked at some of the
    /// operations anew.
    fn stale(&self, records: &Records, outcome: &Outcome) -> BTreeSet<String> {
        let keys = |records: &Records, live: &BTreeSet<RecordId>| -> Vec<String> {
            live.iter().filter_map(|id| records.key(*id)).collect()
        };
        let mut live = BTreeSet::new();
        for (title, ids) in &self.before.live {
            live.extend(match outcome.live.get(title) {
                Some(ids) => keys(records, ids),
                None => keys(self.records, ids),
            });
        }
        let compared = records
            .iter()
            .filter(|(_, record)| !record.is_of_a_name() && !left_out::is_path(&record.holder));
        let all = compared.filter_map(|(id, _)| records.key(id));
        all.filter(|key| !live.contains(key)).collect()
    }

    /// Steps that take away what explains nothing in the place of what it explained: None
    /// where that is not an old record.
    fn without(
        &self,
        fragment: &Value,
        records: &Records,
        idle: &[&String],
    ) -> Option<Vec<PatchOperation>> {
        let old = self.records.iter();
        let old: BTreeSet<_> = old.filter_map(|(id, _)| self.records.key(id)).collect();
        if !idle.iter().all(|key| old.contains(*key)) {
            return None;
        }
        let listed = records.iter();
        let listed =
            listed.filter(|(id, _)| records.key(*id).is_some_and(|key| idle.contains(&&key)));
        let mut at: Vec<_> = listed.map(|(_, record)| record.at.as_str()).collect();
        // From the end of each list, so that none moves before its turn.
        at.reverse();
        edit::remove(fragment, &at)
    }

    /// Edits that may do, the plainest first.
    fn candidates(&self, subject: &Subject, adopted: bool) -> Vec<Patch> {
        let mut patches = Vec::new();
        if let Some(record) = subject.record.and_then(|id| self.records.get(id)) {
            if adopted {
                patches.extend(edit::remove(self.fragment, &[&record.at]).map(Patch));
                patches.extend(self.without_followed(record, subject));
            }
            let corrected = self.corrected(record, subject);
            patches.extend(corrected.iter().cloned());
            if adopted {
                patches.extend(self.narrowed(record, subject));
            }
            patches.extend(self.beside(record, subject));
            let split = corrected.iter();
            patches.extend(split.filter_map(|patch| self.split(record, subject, patch)));
        }
        patches.extend(self.added_near(subject));
        patches.extend(self.added_at_operations(subject, 0));
        patches
    }

    /// The record with another `upstream`: at what the subject is about only, or on
    /// the whole.
    fn corrected(&self, record: &Record, subject: &Subject) -> Vec<Patch> {
        let upstream = format!("{}/upstream", record.at);
        let mut steps = BTreeMap::new();
        let mut whole = None;
        for (title, place) in &subject.facts {
            let place = self.recorded_at(title, place);
            let Some(base) = self.base(record, title, place) else {
                return Vec::new();
            };
            let value = self.value(title, place);
            let value = (!value.is_null() || place.len() == base).then_some(value);
            let pointer = format!("{upstream}{}", places::tail(&place[base..]));
            steps.insert(pointer, value);
            whole.get_or_insert_with(|| self.whole(record, title, &place[..base]));
        }
        let steps = steps.into_iter();
        let steps = steps.map(|(pointer, value)| edit::set(self.fragment, &pointer, value));
        let whole = edit::set(self.fragment, &upstream, whole).map(|step| vec![step]);
        let patches = [steps.collect::<Option<Vec<_>>>(), whole];
        patches.into_iter().flatten().map(Patch).collect()
    }

    /// A record of what is further upstream, without what ours has by now.
    fn without_followed(&self, record: &Record, subject: &Subject) -> Option<Patch> {
        let (title, place) = subject.facts.first()?;
        let way = record.way();
        let name = place.get(self.base(record, title, place)?)?;
        let entry = format!("{}/upstream/{}", record.at, escape(name));
        let step = edit::set(self.fragment, &entry, None)?;
        (way.last()? == "+").then(|| Patch(vec![step]))
    }

    /// How much of a path of meaning leads to what a record is about.
    fn base(&self, record: &Record, title: &str, place: &[String]) -> Option<usize> {
        let mut way = record.way();
        if way.last().is_some_and(|last| last == "+") {
            way.pop();
        }
        let uses = self.uses.get(&record.holder)?.iter();
        let mut uses = uses.filter(|(other, use_of)| other == title && place.starts_with(use_of));
        uses.find_map(|(_, use_of)| {
            let rest = place[use_of.len()..].get(..way.len())?;
            let mut pairs = way.iter().zip(rest);
            let fits = pairs.all(|(want, name)| want == name || want == "*");
            fits.then_some(use_of.len() + way.len())
        })
    }

    /// What upstream has where a record stands.
    fn whole(&self, record: &Record, title: &str, base: &[String]) -> Value {
        if record.way().last().is_none_or(|last| last != "+") {
            return self.value(title, base);
        }
        let (kind, theirs) = self.comparison.upstream_at(title, base);
        let ours = self.comparison.ours_at(title, base);
        let kids = theirs.into_iter().flat_map(|tree| &tree.kids);
        let further =
            kids.filter(|(name, _)| !ours.is_some_and(|ours| ours.kids.contains_key(*name)));
        let further = further.map(|(name, kid)| (name.clone(), kid.render(kind.part(name))));
        Value::Object(further.collect())
    }

    /// The record without the operations of the subject.
    fn narrowed(&self, record: &Record, subject: &Subject) -> Option<Patch> {
        let titles = subject.titles();
        let uses = self.uses.get(&record.holder)?.iter();
        let others = uses
            .map(|(title, _)| title)
            .filter(|title| !titles.contains(title.as_str()));
        let ids = self.ids(others).into_iter();
        let ids: Vec<_> = ids.filter(|id| record.is_about(id)).collect();
        let at = format!("{}/operations", record.at);
        let step = edit::set(self.fragment, &at, Some(json!(ids)))?;
        (!ids.is_empty()).then(|| Patch(vec![step]))
    }

    /// A record for the operations of the subject, beside the one for all others.
    fn split(&self, record: &Record, subject: &Subject, corrected: &Patch) -> Option<Patch> {
        let mut patch = self.narrowed(record, subject)?;
        let mut fragment = self.fragment.clone();
        json_patch::patch(&mut fragment, corrected).ok()?;
        let mut new = fragment.pointer(&record.at)?.clone();
        let titles: Vec<_> = subject.titles().into_iter().map(str::to_owned).collect();
        new["operations"] = json!(self.ids(titles.iter()));
        // The old one was given for another value.
        new["reason"] = json!(NO_REASON);
        let added = edit::add(self.fragment, vec![(record.holder.clone(), new)])?;
        patch.0.extend(added.0);
        Some(patch)
    }

    /// Records beside another, which count before it: where that one is for all names,
    /// they take some out.
    fn beside(&self, record: &Record, subject: &Subject) -> Vec<Patch> {
        if !record.way().iter().any(|part| part == "*") {
            return Vec::new();
        }
        let titles: Vec<_> = subject.titles().into_iter().map(str::to_owned).collect();
        let mut patches = Vec::new();
        for ids in [Vec::new(), self.ids(titles.iter())] {
            let mut records = BTreeMap::new();
            for (title, place) in &subject.facts {
                let place = self.recorded_at(title, place);
                let base = self.base(record, title, place);
                let Some(start) = base.and_then(|base| base.checked_sub(record.way().len())) else {
                    return patches;
                };
                let aspect = aspect_of(&place[start..]);
                records.insert(aspect, self.value(title, place));
            }
            let records = records.into_iter();
            let records = records
                .map(|(aspect, value)| (record.holder.clone(), edit::record(&aspect, value, &ids)));
            patches.extend(edit::add(self.fragment, records.collect()));
        }
        patches
    }

    /// New records at the object around it: where it is spelled out, or else nearer to
    /// where it is used; for all that reach it, or for the operations concerned.
    fn added_near(&self, subject: &Subject) -> Vec<Patch> {
        let holder = &subject.holder;
        let titles: Vec<_> = subject.titles().into_iter().map(str::to_owned).collect();
        let ids = self.ids(titles.iter());
        let (first, depth) = (&subject.first, subject.first.1.len());
        let here = |fact: &&Fact| fact.0 == first.0 && fact.1.starts_with(&first.1);
        let mut patches = Vec::new();
        for (index, at) in holder.at.iter().enumerate().rev() {
            let spelled_out = index + 1 == holder.at.len();
            let around = if spelled_out {
                Some((at.clone(), Vec::new()))
            } else {
                around(at)
            };
            let Some((owner, way)) = around else { continue };
            for ids in [&[][..], &ids] {
                let records = subject.facts.iter().filter(here);
                let records = records.map(|(title, place)| {
                    let place = self.recorded_at(title, place);
                    let rest = place.get(depth..).unwrap_or_default();
                    let aspect = aspect_of(&[&way, rest].concat());
                    (aspect, self.value(title, place))
                });
                let records: BTreeMap<_, _> = records.collect();
                let records = records.into_iter();
                let records = records
                    .map(|(aspect, value)| (owner.clone(), edit::record(&aspect, value, ids)));
                patches.extend(edit::add(self.fragment, records.collect()));
            }
        }
        patches
    }

    /// Records at the operations of more and more around the fact.
    fn added_around(&self, subject: &Subject) -> Vec<Patch> {
        let longest = subject.facts.iter().map(|(_, place)| place.len()).max();
        let steps = 1..longest.unwrap_or_default();
        let patches = steps.filter_map(|less| self.added_at_operations(subject, less));
        patches.collect()
    }

    /// Records at the operations themselves, which count before all others, of what is
    /// so many steps around the fact.
    fn added_at_operations(&self, subject: &Subject, less: usize) -> Option<Patch> {
        let mut records = BTreeMap::new();
        for (title, place) in &subject.facts {
            let place = self.recorded_at(title, place);
            let place = &place[..place.len().saturating_sub(less).max(1)];
            let holder = self.comparison.pointer(title);
            records.insert((holder, aspect_of(place)), self.value(title, place));
        }
        let records = records.into_iter();
        let records =
            records.map(|((holder, aspect), value)| (holder, edit::record(&aspect, value, &[])));
        edit::add(self.fragment, records.collect())
    }

    /// Where a record of a fact stands: of names in a list, the list.
    fn recorded_at<'p>(&self, title: &str, place: &'p [String]) -> &'p [String] {
        let Some((_, list)) = place.split_last() else {
            return place;
        };
        match self.comparison.upstream_at(title, list) {
            (Kind::Names, _) => list,
            _ => place,
        }
    }

    /// What a record says of upstream.
    fn value(&self, title: &str, place: &[String]) -> Value {
        let (kind, tree) = self.comparison.upstream_at(title, place);
        tree.map_or(Value::Null, |tree| tree.render(kind))
    }

    fn ids<'t>(&self, titles: impl Iterator<Item = &'t String>) -> Vec<String> {
        let ids = titles.filter_map(|title| self.comparison.ours.id(title));
        let ids: BTreeSet<_> = ids.map(str::to_owned).collect();
        ids.into_iter().collect()
    }
}

fn facts(outcome: &Outcome, titles: &BTreeSet<String>) -> BTreeSet<Fact> {
    let found = titles
        .iter()
        .filter_map(|title| Some((title, outcome.differences.get(title)?)));
    let facts = found.flat_map(|(title, found)| {
        let places = found.iter().flat_map(Difference::facts);
        places.map(|place| (title.clone(), place))
    });
    facts.collect()
}

/// What these facts are about, if it is one thing.
fn joined(outcome: &Outcome, facts: &BTreeSet<Fact>) -> Option<Subject> {
    let found = outcome.differences.iter().flat_map(|(title, found)| {
        found
            .iter()
            .map(|difference| Subject::new(title, difference))
    });
    let mut found = found.filter(|subject| !subject.facts.is_disjoint(facts));
    let mut all = found.next()?;
    for other in found {
        let same = other.holder.pointer() == all.holder.pointer()
            && other.holder.aspect == all.holder.aspect
            && other.record == all.record;
        if !same {
            return None;
        }
        all.join(other);
    }
    Some(all)
}

/// The object around a reference, which a record about it stands at, and the way from
/// there.
fn around(at: &str) -> Option<(String, Vec<String>)> {
    let (holder, last) = at.rsplit_once('/')?;
    let (holder, first) = match holder.strip_suffix("/properties") {
        Some(owner) => (owner, Some("properties")),
        None => (holder, None),
    };
    // No record reaches into a list.
    if last.parse::<usize>().is_ok() && first.is_none() {
        return None;
    }
    let parts = first.into_iter().chain([last]).map(unescape);
    Some((holder.to_owned(), parts.collect()))
}

fn aspect_of(way: &[String]) -> String {
    let parts: Vec<_> = way.iter().map(|part| escape(part)).collect();
    parts.join("/")
}
