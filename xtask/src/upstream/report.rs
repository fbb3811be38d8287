//! Reports changes in as few lines as they have causes: as text, Markdown or JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::class::{Class, classify};
use super::compare::Difference;
use super::departures::Departure;
use super::place::{Place, pointer, read};
use super::resolve::{entries, escape};
use super::schema::is_in;

/// How many characters of a value a line shows.
const MAX_VALUE: usize = 120;
/// How many places, fields or parts a line names.
const MAX_NAMES: usize = 3;
/// Maps and lists whose entries are reported by name.
const NAMED: &str = "content cookie enum header headers path properties query required responses \
    security servers";

/// One edit upstream, with all the places at which it shows.
#[derive(Serialize)]
pub(crate) struct Change {
    pub(crate) class: Class,
    /// The operations concerned, by our names.
    operations: Vec<String>,
    /// What happened, in words.
    pub(crate) what: String,
    old: Option<Value>,
    new: Option<Value>,
    /// Where it shows in the canonical form, with `*` where several operations share it.
    pub(crate) places: Vec<String>,
    /// Why the fragment departs from Cloudflare there, where it does.
    departures: Vec<String>,
}

/// Differences of the same kind, name and values.
struct Group<'d> {
    class: Class,
    differences: Vec<&'d Difference>,
    is_required: bool,
}

impl<'d> Group<'d> {
    fn places(&self) -> impl Iterator<Item = &'d Place> {
        self.differences.iter().map(|difference| &difference.place)
    }

    /// The schema of each place, and the name, if all are entries of this map or list.
    fn entries_of(&self, map: &str) -> Option<Vec<(&'d [String], &'d String)>> {
        let entry = |place: &'d Place| match &place[..] {
            [schema @ .., key, name] if key == map => Some((schema, name)),
            _ => None,
        };
        self.places().map(entry).collect()
    }
}

/// Groups differences into changes, what matters most first.
pub(crate) fn changes(differences: &[Difference], departures: &[Departure]) -> Vec<Change> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for difference in differences {
        let class = classify(difference);
        let key = |of: &Difference| (kind(of).to_vec(), of.old.clone(), of.new.clone());
        let same = |group: &&mut Group<'_>| key(group.differences[0]) == key(difference);
        if let Some(group) = groups.iter_mut().find(same) {
            group.differences.push(difference);
            group.class = group.class.min(class);
        } else {
            let (differences, is_required) = (vec![difference], false);
            groups.push(Group { class, differences, is_required });
        }
    }
    fold_required(&mut groups);
    let mut changes: Vec<_> = groups.iter().map(|group| change(group, departures)).collect();
    changes.sort_by_key(|change| (change.class, std::cmp::Reverse(change.operations.len())));
    changes
}

/// The end of a place, which says what kind of difference it is.
fn kind(difference: &Difference) -> &[String] {
    match (&difference.place[..], &difference.old, &difference.new) {
        // The same schema is replaced, wherever it is used.
        (_, Some(Value::Object(_)), Some(Value::Object(_))) => &[],
        (place @ [.., map, _], ..) if is_in(NAMED, map) => &place[place.len() - 2..],
        (place, ..) => &place[place.len().saturating_sub(1)..],
    }
}

/// A property that comes or goes together with its name in `required` is one change.
fn fold_required(groups: &mut Vec<Group<'_>>) {
    for index in (0..groups.len()).rev() {
        let Group { class, differences, .. } = &groups[index];
        let (class, is_new) = (*class, differences[0].new.is_some());
        let Some(required) = groups[index].entries_of("required") else {
            continue;
        };
        let property = groups.iter().position(|group| {
            group.differences[0].new.is_some() == is_new
                && group.differences[0].old.is_some() != is_new
                && group.entries_of("properties").as_ref() == Some(&required)
        });
        if let Some(property) = property {
            groups[property].class = groups[property].class.min(class);
            groups[property].is_required = true;
            groups.remove(index);
        }
    }
}

fn change(group: &Group<'_>, departures: &[Departure]) -> Change {
    let operations: BTreeSet<_> = group.places().filter_map(|place| place.first()).collect();
    let operations: Vec<_> = operations.into_iter().cloned().collect();
    // `*` for the operation where several share the rest of the place.
    let mut sharing: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for (operation, rest) in group.places().filter_map(|place| place.split_first()) {
        sharing.entry(pointer(rest)).or_default().push(operation);
    }
    let places = sharing.iter().map(|(rest, operations)| match operations[..] {
        [operation] if rest.is_empty() => escape(operation),
        [operation] => format!("{}/{rest}", escape(operation)),
        _ => format!("*/{rest}"),
    });
    let covers = |departure: &&Departure| group.places().any(|place| departure.covers(place));
    let covering = departures.iter().filter(covers);
    Change {
        class: group.class,
        what: what(group, &operations),
        operations,
        old: group.differences[0].old.clone(),
        new: group.differences[0].new.clone(),
        places: places.collect(),
        departures: covering.map(|departure| departure.reason.clone()).collect(),
    }
}

/// The change in words: "7 operations: `result` is no longer required (200 response)".
fn what(group: &Group<'_>, operations: &[String]) -> String {
    let Difference { place, old, new } = group.differences[0];
    let meanings: Vec<_> = group.places().map(|place| read(place)).collect();
    let who = match operations {
        [one] => code(one),
        _ => format!("{} operations", operations.len()),
    };
    let parts = few(meanings.iter().map(|meaning| meaning.part.clone()));
    let named = meanings.iter().filter(|meaning| !meaning.field.is_empty());
    let fields = few(named.map(|meaning| code(&meaning.field)));
    let last = place.last().map_or("", String::as_str);
    let is_data = meanings[0].direction.is_some();
    let of_fields = |what: String| match &fields[..] {
        "" => what,
        fields => format!("{what} of {fields}"),
    };
    let aspect = &meanings[0].aspect[..];
    let subject = match aspect {
        [] | ["items" | "nullable"] if !fields.is_empty() => fields,
        ["enum", _] if is_data => of_fields("a value".to_owned()),
        [] if !is_data => "the operation".to_owned(),
        [list @ ("security" | "servers"), _] => (*list).to_owned(),
        ["parameters", _, _] | ["body"] | ["responses", _] | [.., "required"] => parts.clone(),
        _ => of_fields(code(last)),
    };
    let flag = match aspect {
        [.., "required"] => "required",
        ["required", _] if is_data => "required",
        ["nullable"] => "nullable",
        _ => "",
    };
    let event = match (old, new) {
        (_, Some(_)) if !flag.is_empty() => format!("is now {flag}"),
        (_, None) if !flag.is_empty() => format!("is no longer {flag}"),
        (Some(old), Some(new)) if new.is_object() => another(old, new),
        (Some(old), Some(new)) => format!("changes from {} to {}", value(old), value(new)),
        (None, Some(new)) if group.is_required || new["required"] == true => {
            format!("is new and required: {}", value(new))
        }
        (old, new) => {
            let event = if new.is_some() { "new" } else { "gone" };
            let shown = new.as_ref().or(old.as_ref()).map(value);
            format!("is {event}: {}", shown.unwrap_or_default())
        }
    };
    match &parts[..] {
        "" => format!("{who}: {subject} {event}"),
        parts if parts == subject => format!("{who}: {subject} {event}"),
        parts => format!("{who}: {subject} {event} ({parts})"),
    }
}

/// A schema that describes other data now, by its properties.
fn another(old: &Value, new: &Value) -> String {
    let only = |this: &Value, other: &Value| {
        let names = entries(&this["properties"])
            .filter(|(name, _)| other["properties"].get(name).is_none());
        few(names.map(|(name, _)| code(name)))
    };
    let (gone, added) = (only(old, new), only(new, old));
    format!("becomes another schema, without {gone}, with {added}")
}

/// Distinct texts, as far as they fit into a line.
fn few(texts: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for text in texts {
        if !text.is_empty() && !all.contains(&text) {
            all.push(text);
        }
    }
    match all.len().saturating_sub(MAX_NAMES) {
        0 => all.join(", "),
        more => format!("{} and {more} more", all[..MAX_NAMES].join(", ")),
    }
}

/// A code span, which Markdown leaves as it is.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn value(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => code(&format!("{}…", &text[..end])),
        None => code(&text),
    }
}

/// A comparison of a published document with the snapshot.
#[derive(Serialize)]
pub(crate) struct Report {
    /// Commit and date of the published document.
    pub(crate) document: Value,
    /// Commit and date of the snapshot's document.
    pub(crate) snapshot: Value,
    pub(crate) changes: Vec<Change>,
    /// What could not be compared.
    pub(crate) problems: Vec<String>,
}

impl Report {
    /// A line for each change.
    pub(crate) fn text(&self) -> String {
        let lines = self.changes.iter().map(|change| {
            let places = few(change.places.iter().cloned());
            format!("{:<10}  {}  at {places}\n", change.class.as_str(), change.what)
        });
        let problems = self.problems.iter().map(|problem| format!("could not tell: {problem}\n"));
        lines.chain(problems).collect()
    }

    /// A list. Whatever comes from the document stands in code, which GitHub leaves alone.
    pub(crate) fn markdown(&self) -> String {
        let (new, old) = (version(&self.document), version(&self.snapshot));
        let mut text = format!("Cloudflare's document {new}, compared with {old}:\n\n");
        if self.changes.is_empty() {
            text.push_str("No changes.\n");
        }
        for Change { class, what, places, departures, .. } in &self.changes {
            let places = few(places.iter().map(|place| code(place)));
            text += &format!("- **{}** {what}\n  - at {places}", class.as_str());
            for reason in departures {
                text += &format!("\n  - our fragment departs there: {reason}");
            }
            text.push('\n');
        }
        for problem in &self.problems {
            text += &format!("- **could not tell** {problem}\n");
        }
        text
    }
}

/// The commit and the date of a document, as far as they are known.
pub(crate) fn version(head: &Value) -> String {
    let part = |key: &str| head[key].as_str().unwrap_or("unknown").to_owned();
    format!("{} of {}", code(&part("commit")), part("date"))
}
