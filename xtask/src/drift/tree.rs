//! What a document says, as a tree of facts.
//!
//! The path from the root is the meaning of a fact, whichever way it was
//! written; each node remembers where in its document it really stands.

use std::collections::BTreeMap;

use serde_json::Value;

/// The number of a record of departure in the fragment.
pub(super) type RecordId = usize;

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tree {
    /// Where it stands. Several places may say it together; of a schema, the
    /// first is where it is used, the last where it is spelled out.
    pub(super) at: Vec<String>,
    pub(super) leaf: Option<Value>,
    pub(super) kids: BTreeMap<String, Tree>,
    /// The record that put this here.
    pub(super) by: Option<RecordId>,
    /// What records took away from here.
    pub(super) gone: BTreeMap<String, RecordId>,
    /// The record that takes all of this away.
    pub(super) absent: Option<RecordId>,
    /// Of a schema: where it names a type without null. One such part keeps null
    /// out, whatever the others say.
    pub(super) not_null: Vec<String>,
    /// Of a schema: the objects that it is made of, without those that only join
    /// others. What is missing is missing from one of them.
    pub(super) parts: Vec<String>,
    /// From where a reference leads to where it stands.
    pub(super) references: BTreeMap<String, String>,
}

/// The part of a schema that says why nothing satisfies it.
pub(super) const CONTRADICTION: &str = "contradiction";

/// What kind of thing a node is; it decides what its parts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Root,
    Schemes,
    Scheme,
    Operation,
    Parameters,
    ParametersIn,
    Parameter,
    Body,
    Responses,
    Response,
    Content,
    Media,
    Encodings,
    Encoding,
    Headers,
    Schema,
    Properties,
    /// The names of required properties.
    Names,
    Leaf,
}

impl Kind {
    /// What the part `name` of such a thing is.
    pub(super) fn part(self, name: &str) -> Self {
        match (self, name) {
            (Self::Root, "components") => Self::Root,
            (Self::Root, "securitySchemes") => Self::Schemes,
            (Self::Schemes, _) => Self::Scheme,
            (Self::Operation, "parameters") => Self::Parameters,
            (Self::Parameters, _) => Self::ParametersIn,
            (Self::ParametersIn | Self::Headers, _) => Self::Parameter,
            (Self::Operation, "requestBody") => Self::Body,
            (Self::Operation, "responses") => Self::Responses,
            (Self::Responses, _) => Self::Response,
            (Self::Response | Self::Body | Self::Parameter, "content") => Self::Content,
            (Self::Response | Self::Encoding, "headers") => Self::Headers,
            (Self::Content, _) => Self::Media,
            (Self::Media, "encoding") => Self::Encodings,
            (Self::Encodings, _) => Self::Encoding,
            (Self::Media | Self::Parameter, "schema")
            | (Self::Properties, _)
            | (Self::Schema, "items" | "additionalProperties") => Self::Schema,
            (Self::Schema, "properties") => Self::Properties,
            (Self::Schema, "required") => Self::Names,
            _ => Self::Leaf,
        }
    }

    /// Whether it only holds things by name: an empty one says as much as none.
    pub(super) fn is_container(self) -> bool {
        matches!(
            self,
            Self::Root
                | Self::Schemes
                | Self::Parameters
                | Self::ParametersIn
                | Self::Responses
                | Self::Content
                | Self::Encodings
                | Self::Headers
                | Self::Properties
                | Self::Names
        )
    }

    /// Whether an empty part `name` of such a thing says as much as none.
    pub(super) fn is_optional(self, name: &str) -> bool {
        let any_value = matches!(
            (self, name),
            (Self::Schema, "items") | (Self::Media | Self::Parameter, "schema")
        );
        any_value || self.part(name).is_container()
    }

    /// Whether a document has its parts in a list, so that no pointer names one
    /// that is missing.
    pub(super) fn is_addressless(self) -> bool {
        matches!(self, Self::Parameters | Self::ParametersIn | Self::Names)
    }
}

impl Tree {
    pub(super) fn node(at: &str) -> Self {
        Self {
            at: vec![at.to_owned()],
            ..Self::default()
        }
    }

    pub(super) fn leaf(at: impl Into<String>, value: Value) -> Self {
        Self {
            at: vec![at.into()],
            leaf: Some(value),
            ..Self::default()
        }
    }

    /// A schema that nothing satisfies: the shortest one that contradicts
    /// itself in the same way, and the places that disagree.
    pub(super) fn never(at: Vec<String>, why: Value) -> Self {
        let why = Self {
            at: at.clone(),
            leaf: Some(why),
            ..Self::default()
        };
        Self {
            at,
            kids: BTreeMap::from([(CONTRADICTION.to_owned(), why)]),
            ..Self::default()
        }
    }

    /// Why nothing satisfies it, if nothing does.
    pub(super) fn contradiction(&self) -> Option<&Self> {
        self.kids.get(CONTRADICTION)
    }

    pub(super) fn is_never(&self) -> bool {
        self.contradiction().is_some()
    }

    /// The places of a contradiction, those first that say what was not known.
    pub(super) fn disagreeing(&self, known: Option<&Self>) -> Vec<String> {
        let Some(why) = self.contradiction() else {
            return Vec::new();
        };
        let is_known = |place: &&String| {
            why.kids.iter().any(|(keyword, sides)| {
                let known = known.and_then(|known| known.value(keyword));
                let mut sides = sides.kids.values();
                sides.any(|side| side.at.contains(place) && side.leaf.as_ref() == known)
            })
        };
        let (known, new): (Vec<_>, Vec<_>) = why.at.iter().partition(is_known);
        new.into_iter().chain(known).cloned().collect()
    }

    /// Whether it says nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        self.leaf.is_none() && self.kids.is_empty()
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.kids.get(name)?.leaf.as_ref()
    }

    pub(super) fn set(&mut self, name: &str, at: impl Into<String>, value: Value) {
        self.kids.insert(name.to_owned(), Self::leaf(at, value));
    }

    /// Hangs `kid` in, or notes that a record takes it away.
    pub(super) fn adopt(&mut self, name: &str, kid: Self) {
        match kid.absent {
            Some(id) => {
                self.kids.remove(name);
                self.gone.insert(name.to_owned(), id);
            }
            None => {
                self.kids.insert(name.to_owned(), kid);
            }
        }
    }

    /// The container `name`, made when it is not there yet.
    pub(super) fn container(&mut self, name: &str) -> &mut Self {
        self.kids.entry(name.to_owned()).or_default()
    }

    /// Whether another says the same, wherever it stands.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let mut kids = self.kids.iter();
        self.leaf == other.leaf
            && self.kids.len() == other.kids.len()
            && kids.all(|(name, kid)| {
                let twin = other.kids.get(name);
                twin.is_some_and(|twin| kid.says_the_same(twin))
            })
    }

    /// Ascribes the whole to a record.
    pub(super) fn mark(&mut self, id: RecordId) {
        self.by = Some(id);
        self.kids.values_mut().for_each(|kid| kid.mark(id));
    }

    /// The way OpenAPI would write it.
    pub(super) fn render(&self, kind: Kind) -> Value {
        if let Some(value) = &self.leaf {
            return value.clone();
        }
        if let Some(why) = self.value(CONTRADICTION) {
            return why.clone();
        }
        if kind == Kind::Names {
            return self
                .kids
                .keys()
                .map(|name| Value::from(name.as_str()))
                .collect();
        }
        // Whoever joins alternatives compares them by this.
        let says = |(name, kid): &(&String, &Self)| !kind.is_optional(name) || !kid.is_empty();
        let part = |(name, kid): (&String, &Self)| (name.clone(), kid.render(kind.part(name)));
        Value::Object(self.kids.iter().filter(says).map(part).collect())
    }
}
