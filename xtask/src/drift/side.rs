//! One of the two sides of a comparison.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{Document, METHODS, Problem, escape};
use super::reader::Reader;
use super::records::Records;
use super::security::Schemes;
use super::tree::{Kind, RecordId, Tree};

/// One of our operations.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) path: String,
    pub(super) method: String,
    /// Our operationId.
    pub(super) id: String,
}

impl Operation {
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }

    pub(super) fn pointer(&self) -> String {
        format!("/paths/{}/{}", escape(&self.path), self.method)
    }
}

/// A path without the names of its parameters, which nobody sees on the wire.
pub(super) fn shape(path: &str) -> Vec<&str> {
    let nameless = |part| match part {
        part if is_parameter(part) => "{}",
        part => part,
    };
    path.split('/').map(nameless).collect()
}

fn is_parameter(part: &str) -> bool {
    part.starts_with('{') && part.ends_with('}')
}

fn parameter_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|part| is_parameter(part))
        .map(|part| part.trim_matches(['{', '}']))
}

/// What each path parameter of `path` is called in `ours`, counted from the
/// end: a path that has moved may have more or less at its beginning.
pub(super) fn renamed(path: &str, ours: &str) -> BTreeMap<String, String> {
    let [theirs, ours] = [path, ours].map(|path| {
        let mut names: Vec<_> = parameter_names(path).map(str::to_owned).collect();
        names.reverse();
        names
    });
    theirs.into_iter().zip(ours).collect()
}

/// The operations of the fragment, in order.
pub(super) fn operations(fragment: &Document<'_>) -> Result<Vec<Operation>, Problem> {
    let mut found = Vec::new();
    for path in fragment.paths() {
        let at = format!("/paths/{}", escape(path));
        let item = fragment.at(&at)?.unwrap_or_default();
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let id = operation.get("operationId").and_then(Value::as_str);
                found.push(Operation {
                    path: path.to_owned(),
                    method: method.to_owned(),
                    id: id.unwrap_or_default().to_owned(),
                });
            }
        }
    }
    Ok(found)
}

/// What is said in the place of a title where no operation is meant.
pub(super) const WHOLE: &str = "";

/// A fact: the title of its operation, and its path of meaning.
pub(super) type Fact = (String, Vec<String>);

/// Where each place of the fragment comes in.
pub(super) type Uses = BTreeMap<String, BTreeSet<Fact>>;

/// What the fragment says: as it stands, or with the records applied, which is
/// what upstream said when they were written.
pub(super) struct Ours {
    pub(super) root: Tree,
    /// By title.
    pub(super) operations: BTreeMap<String, Tree>,
    pub(super) schemes: Tree,
    /// The records that change something, by title.
    pub(super) effects: BTreeMap<String, BTreeSet<RecordId>>,
    /// From title to operationId.
    ids: BTreeMap<String, String>,
}

impl Ours {
    pub(super) fn read(
        fragment: &Document<'_>,
        operations: &[Operation],
        records: Option<&Records>,
    ) -> Result<Self, Problem> {
        let schemes = Schemes::read(fragment, &Tree::default())?;
        let mut root = root(fragment, &schemes)?;
        let mut reader = Reader::new(fragment, records.map(|records| (records, "")));
        reader.depart(&mut root, Kind::Root, "")?;
        let mut effects = BTreeMap::from([(WHOLE.to_owned(), reader.effects)]);
        let mut read = BTreeMap::new();
        for operation in operations {
            let departures = records.map(|records| (records, operation.id.as_str()));
            let mut reader = Reader::new(fragment, departures);
            let names = renamed(&operation.path, &operation.path);
            let tree = reader.operation(&operation.path, &operation.method, &names, &schemes)?;
            effects.insert(operation.title(), reader.effects);
            read.insert(operation.title(), tree);
        }
        let schemes = root
            .kids
            .get("components")
            .and_then(|components| components.kids.get("securitySchemes"))
            .cloned()
            .unwrap_or_default();
        Ok(Self {
            root,
            operations: read,
            schemes,
            effects,
            ids: operations
                .iter()
                .map(|operation| (operation.title(), operation.id.clone()))
                .collect(),
        })
    }

    /// Where all that stands at a place comes in.
    pub(super) fn uses(&self) -> Uses {
        fn collect(tree: &Tree, title: &str, path: &mut Vec<String>, uses: &mut Uses) {
            if tree.leaf.is_none() {
                for at in &tree.at {
                    let here = uses.entry(at.clone()).or_default();
                    here.insert((title.to_owned(), path.clone()));
                }
            }
            for (name, kid) in &tree.kids {
                path.push(name.clone());
                collect(kid, title, path, uses);
                path.pop();
            }
        }
        let mut uses = BTreeMap::new();
        collect(&self.root, WHOLE, &mut Vec::new(), &mut uses);
        for (title, tree) in &self.operations {
            collect(tree, title, &mut Vec::new(), &mut uses);
        }
        uses
    }

    /// The operationId of ours for a title.
    pub(super) fn id(&self, title: &str) -> Option<&str> {
        self.ids.get(title).map(String::as_str)
    }
}

/// What holds for the document as a whole.
pub(super) fn root(document: &Document<'_>, schemes: &Schemes) -> Result<Tree, Problem> {
    let mut root = Tree::node("");
    if let Some(value) = document.at("/servers")? {
        document.sound_throughout("/servers")?;
        let servers = super::servers::servers(&value, "/servers")?;
        root.set("servers", "/servers", servers);
        let each = 0..value.as_array().map_or(0, Vec::len);
        let each = each.map(|index| format!("/servers/{index}"));
        root.container("servers").at.extend(each);
    }
    let security = schemes.requirement(&schemes.default, "/security")?;
    root.set("security", "/security", security);
    let components = root.container("components");
    components
        .kids
        .insert("securitySchemes".to_owned(), schemes.tree.clone());
    Ok(root)
}
