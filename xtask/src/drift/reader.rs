//! Walks a document from reference to reference, within bounds.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

use super::document::{Document, Problem, escape, unescape};
use super::records::Records;
use super::schema::Way;
use super::tree::{Kind, RecordId, Tree};

/// How deep schemas may stand in each other. Real ones need a fifth of this;
/// it keeps a strange document from the end of the stack.
const DEEPEST: usize = 96;
/// How many schemas one operation may hold. References that fan out at each
/// step would reach any number.
const MOST: usize = 100_000;

/// Where a reference leads.
pub(super) enum Target {
    Found(Rc<Value>, String),
    /// Back to a schema around it, so many levels up.
    Around(usize),
}

/// Reads one operation of a document.
pub(super) struct Reader<'d> {
    pub(super) document: &'d Document<'d>,
    pub(super) way: Way,
    /// Records to apply on the way, and the operation that this is.
    pub(super) departures: Option<(&'d Records, &'d str)>,
    /// Whether it is a record that is being read.
    pub(super) recording: bool,
    /// The records that have changed something, where they apply.
    pub(super) effects: BTreeSet<RecordId>,
    /// Where the parameter stands that a record is about: its styles depend on it.
    pub(super) place: String,
    /// Places that are called deprecated.
    pub(super) deprecated: Vec<String>,
    /// References that are being followed, and the level where each began.
    following: Vec<(String, usize)>,
    /// Levels of structure: properties and items.
    level: usize,
    depth: usize,
    spent: usize,
}

impl<'d> Reader<'d> {
    pub(super) fn new(
        document: &'d Document<'d>,
        departures: Option<(&'d Records, &'d str)>,
    ) -> Self {
        Self {
            document,
            way: Way::Request,
            departures,
            recording: false,
            effects: BTreeSet::new(),
            place: String::new(),
            deprecated: Vec::new(),
            following: Vec::new(),
            level: 0,
            depth: 0,
            spent: 0,
        }
    }

    pub(super) fn down(&mut self, at: &str) -> Result<(), Problem> {
        self.depth += 1;
        self.spent += 1;
        if DEEPEST < self.depth {
            return Err(Problem::new(at, "schemas are nested too deeply to compare"));
        }
        if MOST < self.spent {
            return Err(Problem::new(at, "references fan out without end"));
        }
        Ok(())
    }

    pub(super) fn up(&mut self) {
        self.depth -= 1;
    }

    /// Runs `read` a level of structure further in.
    pub(super) fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        self.level += 1;
        let outcome = read(self);
        self.level -= 1;
        outcome
    }

    pub(super) fn deprecated(&mut self, at: &str) {
        self.deprecated.push(at.to_owned());
    }

    /// Begins to follow the reference of a schema.
    pub(super) fn enter(&mut self, target: &Value, at: &str) -> Result<Target, Problem> {
        let pointer = local(target, at)?;
        if let Some((_, level)) = self.following.iter().find(|(place, _)| *place == pointer) {
            let levels = self.level - level;
            if levels == 0 {
                return Err(Problem::new(
                    at,
                    format!("$ref {target} leads round to itself"),
                ));
            }
            return Ok(Target::Around(levels));
        }
        let value = self.lookup(&pointer, target, at)?;
        self.following.push((pointer.clone(), self.level));
        Ok(Target::Found(value, pointer))
    }

    pub(super) fn leave(&mut self) {
        self.following.pop();
    }

    /// The thing itself, where `value` is a reference to it.
    pub(super) fn follow(&self, value: &Value, at: &str) -> Result<(Rc<Value>, String), Problem> {
        let mut here = (Rc::new(value.clone()), at.to_owned());
        let mut hops = 0;
        loop {
            self.document.sound(&here.1)?;
            let Some(target) = here.0.get("$ref") else {
                break;
            };
            hops += 1;
            if 16 < hops {
                return Err(Problem::new(
                    at,
                    format!("$ref {target} leads round to itself"),
                ));
            }
            let pointer = local(target, &here.1)?;
            here = (self.lookup(&pointer, target, &here.1)?, pointer);
        }
        if here.0.is_object() {
            Ok(here)
        } else {
            Err(Problem::new(here.1, "there should be an object here"))
        }
    }

    fn lookup(&self, pointer: &str, target: &Value, at: &str) -> Result<Rc<Value>, Problem> {
        self.document
            .at(pointer)?
            .ok_or_else(|| Problem::new(at, format!("$ref {target} leads nowhere")))
    }

    /// Applies the records that stand at `at`.
    pub(super) fn depart(&mut self, tree: &mut Tree, kind: Kind, at: &str) -> Result<(), Problem> {
        let Some((records, operation)) = self.departures else {
            return Ok(());
        };
        for id in records.at(at, operation) {
            self.apply(records, id, tree, kind)?;
        }
        Ok(())
    }
}

/// The pointer of a reference within the document.
fn local(target: &Value, at: &str) -> Result<String, Problem> {
    let Some(text) = target.as_str() else {
        return Err(Problem::new(at, format!("$ref is {target}, not text")));
    };
    match text.strip_prefix('#') {
        Some(pointer) if pointer.starts_with('/') => Ok(pointer
            .split('/')
            .skip(1)
            .map(|part| format!("/{}", escape(&unescape(part))))
            .collect()),
        Some(anchor) if !anchor.is_empty() => Err(Problem::new(
            at,
            format!("$ref {target} names an anchor, which this does not follow"),
        )),
        _ => Err(Problem::new(
            at,
            format!("$ref {target} leads out of the document"),
        )),
    }
}
