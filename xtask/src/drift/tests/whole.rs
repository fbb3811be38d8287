//! Changes what holds for a document as a whole, at random.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use serde_json::{Value, json};

use super::mutant::Mutator;
use super::reach::{Kind, Site, escape};
use super::small::{cut, put};

impl Mutator {
    /// Changes what holds for all operations, or which there are.
    pub(super) fn change_whole(
        &mut self,
        document: &mut Value,
        sites: &[Site],
    ) -> Option<(&'static str, Vec<String>)> {
        let operations: Vec<_> = sites
            .iter()
            .filter(|(kind, _)| *kind == Kind::Operation)
            .collect();
        let (_, operation) = (*self.pick(&operations)?).clone();
        let (item, _) = operation.rsplit_once('/').unwrap();
        match self.below(6) {
            0 => {
                put(document, "/servers/0/url", json!("https://mutant.example"));
                Some(("server changed", vec!["/servers".to_owned()]))
            }
            1 => {
                let values = [json!(["mutant"]), json!(["mutant", "other"])];
                let values = self.pick(&values)?.clone();
                choice_of_server(document, Some(values))?;
                Some(("server given a choice", vec!["/servers".to_owned()]))
            }
            2 => {
                let names: Vec<_> = document["components"]["securitySchemes"]
                    .as_object()?
                    .keys()
                    .cloned()
                    .collect();
                let at = format!("/components/securitySchemes/{}", escape(self.pick(&names)?));
                let facts: Vec<_> = document
                    .pointer(&at)?
                    .as_object()?
                    .keys()
                    .cloned()
                    .collect();
                let facts: Vec<_> = facts
                    .iter()
                    .filter(|name| ["name", "scheme"].contains(&name.as_str()))
                    .collect();
                let at_fact = format!("{at}/{}", self.pick(&facts)?);
                put(document, &at_fact, json!("mutant"));
                Some((
                    "security scheme changed",
                    vec![at_fact, at, "/components/securitySchemes".to_owned()],
                ))
            }
            3 => {
                let whole = cut(document, item);
                let moved = item.replacen("/paths/~1", "/paths/~1mutant~1", 1);
                put(document, &moved, whole);
                Some((
                    "path moved",
                    vec![
                        format!("{moved}/get"),
                        format!("{moved}/put"),
                        format!("{moved}/post"),
                        format!("{moved}/delete"),
                        operation,
                    ],
                ))
            }
            4 => {
                let method = ["patch", "head", "options"][self.below(3)];
                put(
                    document,
                    &format!("{item}/{method}"),
                    json!({"responses": {}}),
                );
                Some((
                    "operation added to a path",
                    vec![format!("{item}/{method}")],
                ))
            }
            _ => {
                let below = format!("{item}~1mutant");
                put(document, &below, json!({"get": {"responses": {}}}));
                Some(("operation added below a path", vec![format!("{below}/get")]))
            }
        }
    }
}

/// Makes a variable of the last part of the first address, with that part as its
/// default, and `values` as the choice.
pub(super) fn choice_of_server(document: &mut Value, values: Option<Value>) -> Option<()> {
    let url = document.pointer("/servers/0/url")?.as_str()?.to_owned();
    let (front, last) = url.rsplit_once('/')?;
    if last.contains('{') {
        return None;
    }
    let mut variable = json!({"default": last});
    if let Some(values) = values {
        variable["enum"] = values;
        variable["enum"].as_array_mut()?.push(json!(last));
    }
    put(
        document,
        "/servers/0/url",
        json!(format!("{front}/{{mutant}}")),
    );
    put(
        document,
        "/servers/0/variables",
        json!({"mutant": variable}),
    );
    Some(())
}
