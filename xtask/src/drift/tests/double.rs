//! Writes a name twice in one object, at random.

use serde_json::{Value, json};

use super::mutant::Mutator;
use super::reach::{Kind, Site, escape};
use super::small::put;

/// Names that are not compared.
const IDLE: [&str; 7] = [
    "description",
    "example",
    "examples",
    "operationId",
    "summary",
    "tags",
    "title",
];

impl Mutator {
    /// The text of the document with a name twice that matters, or one that
    /// does not, and the place of the second.
    pub(super) fn double(
        &mut self,
        document: &Value,
        sites: &[Site],
        matters: bool,
    ) -> Option<(String, String)> {
        let (kind, at) = self.pick(sites)?.clone();
        let mut document = document.clone();
        if !matters {
            if kind == Kind::Reference {
                return None;
            }
            put(&mut document, &format!("{at}/description"), json!("one"));
        }
        let object = document.pointer(&at)?.as_object()?;
        let counts =
            |name: &&String| IDLE.contains(&name.as_str()) != matters && !name.starts_with("x-");
        let names: Vec<_> = object.keys().filter(counts).cloned().collect();
        let name = self.pick(&names)?.clone();
        let values = [json!({}), json!("mutant"), object[&name].clone()];
        let again = format!("{}:{}", json!(name), self.pick(&values)?);
        // Where the mark is sorted in decides which of the two comes first.
        let mark = ["!mutant", "zz-mutant"][self.below(2)];
        put(&mut document, &format!("{at}/{mark}"), json!(0));
        let text = document.to_string();
        let text = text.replace(&format!("{}:0", json!(mark)), &again);
        Some((text, format!("{at}/{}", escape(&name))))
    }
}
