//! What a change means for those who call our client.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::schema::Way;
use super::tree::{CONTRADICTION, Kind, Tree};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Class {
    /// What worked may fail from now on.
    Breaking,
    /// There is more than there was, and nobody has to use it.
    Addition,
    /// Upstream asks for less, or promises more.
    Relaxation,
}

/// One fact before and after.
#[derive(Clone, Copy)]
pub(super) struct Step<'t> {
    pub(super) way: Way,
    /// What kind of thing the fact is, and its name.
    pub(super) part: Kind,
    pub(super) name: &'t str,
    /// The kind of thing that it is a part of.
    pub(super) owner: Kind,
    /// Whether upstream demands it, now.
    pub(super) demanded: bool,
}

impl Step<'_> {
    /// Callers are built on ours, so what upstream takes away only hurts when
    /// ours has it: ours may have been more careful than upstream was.
    pub(super) fn class(
        &self,
        known: Option<&Tree>,
        upstream: Option<&Tree>,
        ours: Option<&Tree>,
    ) -> Class {
        // A default holds for callers who leave a thing out, whether or not ours tells it.
        let ours = match self.name {
            "default" if upstream.is_some() => ours.or(known),
            _ => ours,
        };
        if self.harms(known, upstream) && self.harms(ours, upstream) {
            Class::Breaking
        } else if self.adds(known, upstream) {
            Class::Addition
        } else {
            Class::Relaxation
        }
    }

    fn harms(&self, old: Option<&Tree>, new: Option<&Tree>) -> bool {
        let appears = old.is_none() && new.is_some();
        let vanishes = old.is_some() && new.is_none();
        match (self.owner, self.part) {
            (Kind::Responses, _) => {
                // A success that we do not know is a failure to our client.
                let success = self.name.starts_with(['2', '3']);
                success && (appears || vanishes)
            }
            (Kind::ParametersIn | Kind::Properties, _) | (_, Kind::Body) if appears || vanishes => {
                let needed = appears && self.demanded && self.way == Way::Request;
                needed || vanishes
            }
            (Kind::Content | Kind::Headers | Kind::Schemes, _) if appears || vanishes => vanishes,
            // For one operation it takes the place of what holds for all.
            (Kind::Operation, _) if self.name == "servers" && appears => true,
            // Nothing satisfied it, and nothing does.
            _ if self.name == CONTRADICTION => false,
            _ if self.name == "security" => {
                let (new, mut old) = (alternatives(new), alternatives(old).into_iter());
                // What satisfied the old ones is not enough any more.
                old.any(|had| !new.iter().any(|asked| asked.is_subset(&had)))
            }
            _ if self.name == "servers" => !items(old).is_subset(&items(new)),
            // Where nothing fits, nothing can be sent, and nothing comes.
            _ if is_never(new) && !is_never(old) => true,
            // What the service assumes; to say so for the first time changes nothing.
            _ if self.name == "default" => old.is_some() && turn(self.name, old, new) != Turn::None,
            _ => match (self.way, turn(self.name, old, new)) {
                (_, Turn::None) => false,
                (Way::Request, turn) => turn != Turn::Wider,
                (Way::Response, turn) => turn != Turn::Narrower,
            },
        }
    }

    fn adds(&self, old: Option<&Tree>, new: Option<&Tree>) -> bool {
        match self.owner {
            Kind::ParametersIn
            | Kind::Properties
            | Kind::Responses
            | Kind::Content
            | Kind::Headers
            | Kind::Schemes => old.is_none(),
            _ if self.part == Kind::Body => old.is_none(),
            _ if self.name == "security" => {
                let (mut new, old) = (alternatives(new).into_iter(), alternatives(old));
                new.any(|asked| !old.iter().any(|had| asked.is_subset(had)))
            }
            _ if matches!(self.name, "enum" | "anyOf") && old.is_none() => false,
            _ => {
                matches!(self.name, "enum" | "anyOf" | "servers")
                    && !items(new).is_subset(&items(old))
            }
        }
    }
}

/// What a change does to the values that are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    None,
    Narrower,
    Wider,
    Other,
}

fn turn(name: &str, old: Option<&Tree>, new: Option<&Tree>) -> Turn {
    let (old, new) = match (old, new) {
        (None, None) => return Turn::None,
        // Null is one value more; all other keywords take values away.
        (None, Some(_)) if name == "nullable" => return Turn::Wider,
        (Some(_), None) if name == "nullable" => return Turn::Narrower,
        (None, Some(_)) => return Turn::Narrower,
        (Some(_), None) => return Turn::Wider,
        (Some(old), Some(new)) => (old, new),
    };
    if old.leaf == new.leaf && old.kids == new.kids {
        return Turn::None;
    }
    let number = |tree: &Tree| tree.leaf.as_ref().and_then(Value::as_f64);
    let order = number(new).partial_cmp(&number(old));
    match name {
        "enum" | "anyOf" => {
            let (old, new) = (items(Some(old)), items(Some(new)));
            if new.is_subset(&old) {
                Turn::Narrower
            } else if old.is_subset(&new) {
                Turn::Wider
            } else {
                Turn::Other
            }
        }
        "type" => {
            let text = |tree: &Tree| {
                tree.leaf
                    .as_ref()
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            };
            match (text(old).as_deref(), text(new).as_deref()) {
                (Some("integer"), Some("number")) => Turn::Wider,
                (Some("number"), Some("integer")) => Turn::Narrower,
                _ => Turn::Other,
            }
        }
        name if name.starts_with("max") || name == "exclusiveMaximum" => match order {
            Some(std::cmp::Ordering::Less) => Turn::Narrower,
            Some(std::cmp::Ordering::Greater) => Turn::Wider,
            _ => Turn::Other,
        },
        name if name.starts_with("min") || name == "exclusiveMinimum" => match order {
            Some(std::cmp::Ordering::Less) => Turn::Wider,
            Some(std::cmp::Ordering::Greater) => Turn::Narrower,
            _ => Turn::Other,
        },
        _ if new.is_never() => Turn::Narrower,
        _ if old.is_never() => Turn::Wider,
        _ => Turn::Other,
    }
}

fn items(tree: Option<&Tree>) -> BTreeSet<String> {
    let list = tree
        .and_then(|tree| tree.leaf.as_ref())
        .and_then(Value::as_array);
    list.into_iter().flatten().map(Value::to_string).collect()
}

fn is_never(tree: Option<&Tree>) -> bool {
    tree.is_some_and(Tree::is_never)
}

/// What a requirement of security asks for: one of these sets of schemes and scopes. An
/// empty list asks for nothing.
fn alternatives(security: Option<&Tree>) -> Vec<BTreeSet<String>> {
    let list = security.and_then(|tree| tree.leaf.as_ref()?.as_array());
    let schemes = list.into_iter().flatten().map(|alternative| {
        let schemes = alternative.as_object().into_iter().flatten();
        let asked = schemes.flat_map(|(scheme, scopes)| {
            let scopes = scopes.as_array().into_iter().flatten();
            let scoped = scopes.map(move |scope| format!("{scheme} {scope}"));
            scoped.chain([scheme.clone()])
        });
        asked.collect()
    });
    let schemes: Vec<_> = schemes.collect();
    if schemes.is_empty() {
        vec![BTreeSet::new()]
    } else {
        schemes
    }
}
