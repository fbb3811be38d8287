//! The departures that the fragment records, and what they say of upstream.
//!
//! Each record turns what the fragment says at one place into what upstream
//! said when the record was made. All of them together give upstream as it was
//! known, and that is what a published document is compared with: whatever
//! upstream changes shows, be it recorded, adopted or new.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::{METHODS, Problem, escape, unescape};
use super::left_out;
use super::reader::Reader;
use super::security;
use super::tree::{Kind, RecordId, Tree};

/// The extension field that holds the records.
pub(super) const FIELD: &str = "x-departures";

/// What stands in the place of a reason in a record that is advised.
pub(super) const NO_REASON: &str = "…";

/// One record.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// Pointer of the object that holds the list.
    pub(super) holder: String,
    /// Pointer of the record itself.
    pub(super) at: String,
    pub(super) aspect: String,
    pub(super) upstream: Value,
    /// Whether its reason is still to be written.
    pub(super) unfinished: bool,
    /// The operations that it is about; all of them when it names none.
    operations: Option<Vec<String>>,
}

/// All records of a fragment.
#[derive(Debug, Default)]
pub(super) struct Records {
    list: Vec<Record>,
    by_holder: BTreeMap<String, Vec<RecordId>>,
}

impl Records {
    /// Collects the records of a fragment, and checks their form.
    pub(super) fn collect(fragment: &Value) -> Result<Self, Problem> {
        let mut records = Self::default();
        let mut names = Vec::new();
        let paths = fragment.get("paths").and_then(Value::as_object);
        for item in paths.into_iter().flat_map(|paths| paths.values()) {
            for method in METHODS {
                let id = item
                    .get(method)
                    .and_then(|operation| operation.get("operationId"));
                names.extend(id.and_then(Value::as_str));
            }
        }
        records.gather(fragment, "", &names)?;
        Ok(records)
    }

    fn gather(&mut self, node: &Value, at: &str, names: &[&str]) -> Result<(), Problem> {
        match node {
            Value::Object(members) => {
                for (name, value) in members {
                    let here = format!("{at}/{}", escape(name));
                    match name.as_str() {
                        FIELD => self.read(value, at, &here, names)?,
                        "example" | "examples" => {}
                        _ => self.gather(value, &here, names)?,
                    }
                }
                Ok(())
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| self.gather(item, &format!("{at}/{index}"), names)),
            _ => Ok(()),
        }
    }

    fn read(
        &mut self,
        list: &Value,
        holder: &str,
        at: &str,
        names: &[&str],
    ) -> Result<(), Problem> {
        let wrong = |at: &str, message: &str| Err(Problem::new(at, message));
        let Some(list) = list.as_array() else {
            return wrong(at, "there should be a list of departures here");
        };
        for (index, value) in list.iter().enumerate() {
            let at = format!("{at}/{index}");
            let Some(fields) = value.as_object() else {
                return wrong(&at, "a departure is an object");
            };
            let stray = fields.keys().find(|key| {
                !["aspect", "upstream", "reason", "operations"].contains(&key.as_str())
            });
            if let Some(stray) = stray {
                return wrong(&at, &format!("a departure has no field {stray:?}"));
            }
            let Some(aspect) = fields.get("aspect").and_then(Value::as_str) else {
                return wrong(&at, "a departure needs an `aspect`, a text");
            };
            let Some(upstream) = fields.get("upstream") else {
                return wrong(
                    &at,
                    "a departure needs `upstream`, null where upstream has nothing",
                );
            };
            let reason = fields.get("reason").and_then(Value::as_str);
            if reason.is_none_or(|reason| reason.trim().is_empty()) {
                return wrong(&at, "a departure needs a `reason`");
            }
            if let Err(message) = left_out::check(holder, aspect, upstream) {
                return wrong(&at, message);
            }
            let operations = match fields.get("operations") {
                None => None,
                Some(value) => {
                    let listed: Option<Vec<_>> = value.as_array().and_then(|list| {
                        list.iter()
                            .map(|name| name.as_str().map(str::to_owned))
                            .collect()
                    });
                    let Some(listed) = listed.filter(|listed| !listed.is_empty()) else {
                        return wrong(
                            &at,
                            "`operations` is a list of operationIds of the fragment",
                        );
                    };
                    if let Some(stray) = listed.iter().find(|name| !names.contains(&name.as_str()))
                    {
                        return wrong(&at, &format!("the fragment has no operation {stray:?}"));
                    }
                    Some(listed)
                }
            };
            self.by_holder
                .entry(holder.to_owned())
                .or_default()
                .push(self.list.len());
            self.list.push(Record {
                holder: holder.to_owned(),
                at,
                aspect: aspect.to_owned(),
                upstream: upstream.clone(),
                unfinished: reason == Some(NO_REASON),
                operations,
            });
        }
        Ok(())
    }

    /// What tells this record from all others, wherever it stands in its list.
    pub(super) fn key(&self, id: RecordId) -> Option<String> {
        let record = self.get(id)?;
        let said = (&record.holder, &record.aspect, &record.operations);
        Some(format!("{said:?} {}", record.upstream))
    }

    pub(super) fn get(&self, id: RecordId) -> Option<&Record> {
        self.list.get(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (RecordId, &Record)> {
        self.list.iter().enumerate()
    }

    /// The records of the object at `holder` that are about `operation`.
    pub(super) fn at(&self, holder: &str, operation: &str) -> Vec<RecordId> {
        let here = self.by_holder.get(holder).map_or(&[][..], Vec::as_slice);
        here.iter()
            .copied()
            .filter(|id| {
                self.get(*id)
                    .is_some_and(|record| record.is_about(operation))
            })
            .collect()
    }

    /// What upstream is recorded to call an operation. Names are not compared;
    /// this one helps to find an operation that has moved.
    pub(super) fn operation_id(&self, holder: &str) -> Option<&str> {
        self.said(holder, "operationId")
            .and_then(|(_, value)| value.as_str())
    }

    /// The record at `holder` about `aspect`.
    pub(super) fn said(&self, holder: &str, aspect: &str) -> Option<(RecordId, &Value)> {
        let here = self.by_holder.get(holder)?;
        let mut here = here.iter().filter_map(|id| Some((*id, self.get(*id)?)));
        here.find(|(_, record)| record.aspect == aspect)
            .map(|(id, record)| (id, &record.upstream))
    }
}

impl Record {
    /// Whether it is about the operation of this operationId.
    pub(super) fn is_about(&self, operation: &str) -> bool {
        let listed = self.operations.as_ref();
        listed.is_none_or(|listed| listed.iter().any(|name| name == operation))
    }

    /// Whether it names that operation.
    pub(super) fn names(&self, operation: &str) -> bool {
        self.operations.is_some() && self.is_about(operation)
    }

    /// The way from its holder to what it is about.
    pub(super) fn way(&self) -> Vec<String> {
        match self.aspect.as_str() {
            "" => Vec::new(),
            aspect => aspect.split('/').map(unescape).collect(),
        }
    }

    /// Whether it is about a name, which no comparison looks at.
    pub(super) fn is_of_a_name(&self) -> bool {
        self.aspect == "operationId"
    }
}

impl Reader<'_> {
    /// Turns ours into upstream's, as record `id` has it.
    pub(super) fn apply(
        &mut self,
        records: &Records,
        id: RecordId,
        tree: &mut Tree,
        kind: Kind,
    ) -> Result<(), Problem> {
        let Some(record) = records.get(id) else {
            return Ok(());
        };
        if record.is_of_a_name() {
            return Ok(());
        }
        let aspect = record.way();
        let values = format!("{}/upstream", record.at);
        let change = Change {
            id,
            upstream: &record.upstream,
            at: &values,
            aspect: &record.at,
        };
        self.recording = true;
        let outcome = self.change(tree, kind, &aspect, &change);
        self.recording = false;
        outcome
    }

    fn change(
        &mut self,
        tree: &mut Tree,
        kind: Kind,
        aspect: &[String],
        change: &Change<'_>,
    ) -> Result<(), Problem> {
        let Some((first, rest)) = aspect.split_first() else {
            if change.upstream.is_null() {
                tree.absent = Some(change.id);
            } else {
                let mut upstream = self.value(kind, change.upstream, change.at)?;
                upstream.mark(change.id);
                // A record that repeats another explains nothing itself.
                if !upstream.says_the_same(tree) {
                    self.effects.insert(change.id);
                    *tree = upstream;
                }
            }
            return Ok(());
        };
        if first == "+" {
            let Some(further) = change.upstream.as_object().filter(|_| rest.is_empty()) else {
                let message =
                    "`+` ends an aspect, and `upstream` is an object of what is further there";
                return Err(Problem::new(change.aspect, message));
            };
            for (name, value) in further {
                let at = format!("{}/{}", change.at, escape(name));
                let mut upstream = self.value(kind.part(name), value, &at)?;
                let before = tree.kids.get(name);
                if before.is_some_and(|before| before.says_the_same(&upstream)) {
                    continue;
                }
                self.effects.insert(change.id);
                upstream.mark(change.id);
                tree.gone.remove(name);
                tree.kids.insert(name.clone(), upstream);
            }
            return Ok(());
        }
        if first == "*" {
            let names: Vec<_> = tree.kids.keys().cloned().collect();
            for name in names {
                let named = [std::slice::from_ref(&name), rest].concat();
                self.change(tree, kind, &named, change)?;
            }
            return Ok(());
        }
        self.enter_place(kind, first);
        let part = kind.part(first);
        if !rest.is_empty() {
            if part.is_container() {
                tree.container(first);
            }
            if let Some(kid) = tree.kids.get_mut(first) {
                self.change(kid, part, rest, change)?;
                if kid.absent.is_some()
                    || (part.is_container() && kid.is_empty() && kid.gone.is_empty())
                {
                    let kid = tree.kids.remove(first).unwrap_or_default();
                    if kid.absent.is_some() {
                        tree.adopt(first, kid);
                    }
                }
            }
            return Ok(());
        }
        let before = tree.kids.remove(first);
        let mut upstream = None;
        if !change.upstream.is_null() {
            upstream = self.part(kind, first, change.upstream, change.at)?;
        }
        if kind == Kind::Schema && first == "nullable" {
            tree.not_null = match upstream {
                Some(_) => Vec::new(),
                None => vec![change.at.to_owned()],
            };
        }
        let same = match (&before, &upstream) {
            (Some(before), Some(upstream)) => before.says_the_same(upstream),
            (None, None) => true,
            _ => false,
        };
        if same {
            tree.kids
                .extend(before.map(|before| (first.clone(), before)));
            return Ok(());
        }
        self.effects.insert(change.id);
        tree.gone.remove(first);
        match upstream {
            Some(mut upstream) => {
                upstream.mark(change.id);
                // What stood in a container and is not there now was taken away.
                if part.is_container() {
                    for name in before.iter().flat_map(|before| before.kids.keys()) {
                        if !upstream.kids.contains_key(name) {
                            upstream.gone.insert(name.clone(), change.id);
                        }
                    }
                }
                tree.kids.insert(first.clone(), upstream);
            }
            None if before.is_some() => {
                tree.gone.insert(first.clone(), change.id);
            }
            None => {}
        }
        Ok(())
    }

    /// Notes where the parameters stand that are in the part `name` of a thing.
    fn enter_place(&mut self, kind: Kind, name: &str) {
        match (kind, kind.part(name)) {
            (Kind::Parameters, _) => self.place = name.to_owned(),
            (_, Kind::Headers) => self.place = "header".to_owned(),
            _ => {}
        }
    }

    /// The part `name` of a thing, as `value` describes it.
    fn part(
        &mut self,
        kind: Kind,
        name: &str,
        value: &Value,
        at: &str,
    ) -> Result<Option<Tree>, Problem> {
        let part = kind.part(name);
        // Keywords of a schema mean what they mean in one.
        if kind == Kind::Schema && matches!(part, Kind::Leaf | Kind::Names | Kind::Properties) {
            let mut schema = self.schema(&json!({ name: value }), at)?;
            return Ok(schema.kids.remove(name));
        }
        if part == Kind::Leaf && matches!(value, Value::Bool(false)) {
            return Ok(None);
        }
        self.value(part, value, at).map(Some)
    }

    /// A thing of this kind, as `value` describes it.
    fn value(&mut self, kind: Kind, value: &Value, at: &str) -> Result<Tree, Problem> {
        let by_name = |reader: &mut Self| {
            let mut tree = Tree::node(at);
            for (name, value) in value.as_object().into_iter().flatten() {
                reader.enter_place(kind, name);
                let value = reader.value(kind.part(name), value, at)?;
                tree.kids.insert(name.clone(), value);
            }
            Ok(tree)
        };
        match kind {
            Kind::Schema => self.schema(value, at),
            Kind::Parameter => {
                let place = self.place.clone();
                self.parameter(value, at, &place)
            }
            Kind::Body => self.body(value, at),
            Kind::Response => self.response(value, at),
            Kind::Media => self.media(value, at),
            Kind::Encoding => self.encoding(value, at),
            Kind::Scheme => Ok(security::scheme(value, at)),
            Kind::Leaf => Ok(Tree::leaf(
                at,
                match value.as_array() {
                    Some(list) => super::schema::set_of(list),
                    None => super::schema::canonical(value),
                },
            )),
            _ => by_name(self),
        }
    }
}

/// What a record does, while it makes its way to the place.
struct Change<'r> {
    id: RecordId,
    upstream: &'r Value,
    /// Where `upstream` stands in the fragment.
    at: &'r str,
    /// Where the record stands.
    aspect: &'r str,
}
