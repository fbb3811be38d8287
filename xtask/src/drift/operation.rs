//! The meaning of an operation: parameters, bodies, answers, who may call it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::document::{Problem, escape};
use super::reader::Reader;
use super::schema::Way;
use super::security::Schemes;
use super::servers::servers;
use super::tree::{Kind, Tree};

/// Headers of which OpenAPI says that other fields describe them.
const NOT_PARAMETERS: [&str; 3] = ["accept", "authorization", "content-type"];

impl Reader<'_> {
    /// Reads `method` of `path`. `names` gives each path parameter the name
    /// that the other side has for it: only its position is seen on the wire.
    pub(super) fn operation(
        &mut self,
        path: &str,
        method: &str,
        names: &BTreeMap<String, String>,
        schemes: &Schemes,
    ) -> Result<Tree, Problem> {
        let at = format!("/paths/{}", escape(path));
        let found = self.document.at(&at)?.unwrap_or_default();
        let (item, item_at) = self.follow(&found, &at)?;
        let at = format!("{item_at}/{method}");
        let Some(Value::Object(operation)) = item.get(method) else {
            return Err(Problem::new(at, "there should be an operation here"));
        };
        self.document.sound(&at)?;
        let mut tree = Tree::node(&at);
        if operation.get("deprecated") == Some(&json!(true)) {
            self.deprecated(&format!("{at}/deprecated"));
        }

        self.way = Way::Request;
        // What the operation says of a parameter goes before what its path says.
        for (owner, at) in [(item.as_object(), &item_at), (Some(operation), &at)] {
            if let Some(listed) = owner.and_then(|owner| owner.get("parameters")) {
                self.parameters(&mut tree, listed, &format!("{at}/parameters"), names)?;
            }
        }
        if let Some(body) = operation.get("requestBody") {
            let body = self.body(body, &format!("{at}/requestBody"))?;
            tree.adopt("requestBody", body);
        }

        self.way = Way::Response;
        let here = format!("{at}/responses");
        tree.container("responses").at.push(here.clone());
        for (status, response) in members(operation.get("responses"), &here)? {
            if status.starts_with("x-") {
                continue;
            }
            let response = self.response(response, &format!("{here}/{status}"))?;
            tree.container("responses").adopt(
                &status.to_uppercase().replace("DEFAULT", "default"),
                response,
            );
        }

        match operation.get("security") {
            Some(value) => {
                let here = format!("{at}/security");
                self.document.sound_throughout(&here)?;
                let value = schemes.requirement(value, &here)?;
                tree.set("security", here, value);
            }
            None => {
                let value = schemes.requirement(&schemes.default, "/security")?;
                tree.set("security", "/security", value);
                // To say nothing refers to what holds for all.
                let refers = ("/security".to_owned(), format!("{at}/security"));
                tree.container("security").references.extend([refers]);
            }
        }
        for (owner, at) in [(Some(operation), &at), (item.as_object(), &item_at)] {
            if let Some(value) = owner.and_then(|owner| owner.get("servers")) {
                let here = format!("{at}/servers");
                self.document.sound_throughout(&here)?;
                let mine = servers(value, &here)?;
                let of_all = self.document.at("/servers")?;
                let of_all = of_all.map(|value| servers(&value, "/servers"));
                if of_all.transpose()? != Some(mine.clone()) {
                    let each = 0..value.as_array().map_or(0, Vec::len);
                    let each = each.map(|index| format!("{here}/{index}"));
                    tree.set("servers", here.as_str(), mine);
                    tree.container("servers").at.extend(each);
                }
                break;
            }
        }
        self.way = Way::Request;
        self.depart(&mut tree, Kind::Operation, &at)?;
        Ok(tree)
    }

    fn parameters(
        &mut self,
        tree: &mut Tree,
        listed: &Value,
        at: &str,
        names: &BTreeMap<String, String>,
    ) -> Result<(), Problem> {
        let Some(listed) = listed.as_array() else {
            return Err(Problem::new(at, "there should be a list here"));
        };
        for (index, value) in listed.iter().enumerate() {
            let (value, at) = self.follow(value, &format!("{at}/{index}"))?;
            let text = |key: &str| value.get(key).and_then(Value::as_str);
            let (Some(name), Some(place)) = (text("name"), text("in")) else {
                return Err(Problem::new(at, "a parameter needs `name` and `in`"));
            };
            let name = match place {
                "path" => names
                    .get(name)
                    .cloned()
                    .unwrap_or_else(|| format!("{name} (not in the path)")),
                "header" => name.to_lowercase(),
                _ => name.to_owned(),
            };
            if place == "header" && NOT_PARAMETERS.contains(&name.as_str()) {
                continue;
            }
            let parameter = self.parameter(&value, &at, place)?;
            tree.container("parameters")
                .container(place)
                .adopt(&name, parameter);
        }
        Ok(())
    }

    /// Reads a parameter, or a header of an answer, which is much the same.
    pub(super) fn parameter(
        &mut self,
        value: &Value,
        at: &str,
        place: &str,
    ) -> Result<Tree, Problem> {
        let mut tree = Tree::node(at);
        for flag in ["required", "allowEmptyValue", "allowReserved"] {
            if value.get(flag) == Some(&json!(true)) {
                tree.set(flag, format!("{at}/{flag}"), json!(true));
            }
        }
        if value.get("deprecated") == Some(&json!(true)) {
            self.deprecated(&format!("{at}/deprecated"));
        }
        if let Some(schema) = value.get("schema") {
            let mut schema = self.schema(schema, &format!("{at}/schema"))?;
            // They say something of properties only.
            for idle in ["readOnly", "writeOnly"] {
                schema.kids.remove(idle);
            }
            tree.adopt("schema", schema);
        }
        self.content(&mut tree, value, at)?;
        // How lists and objects are written. Of a single value, only two of the styles
        // are seen.
        let kind = tree
            .kids
            .get("schema")
            .and_then(|schema| schema.value("type"));
        let is_single = matches!(
            kind.and_then(Value::as_str),
            Some("string" | "number" | "integer" | "boolean")
        );
        let usual = if matches!(place, "query" | "cookie") {
            "form"
        } else {
            "simple"
        };
        let style = value.get("style").and_then(Value::as_str).unwrap_or(usual);
        if style != usual && (!is_single || matches!(style, "label" | "matrix")) {
            tree.set("style", format!("{at}/style"), json!(style));
        }
        if !is_single {
            let explode = value.get("explode").and_then(Value::as_bool);
            if explode.is_some_and(|explode| explode != (style == "form")) {
                tree.set("explode", format!("{at}/explode"), json!(explode));
            }
        }
        self.place = place.to_owned();
        self.depart(&mut tree, Kind::Parameter, at)?;
        Ok(tree)
    }

    pub(super) fn body(&mut self, value: &Value, at: &str) -> Result<Tree, Problem> {
        let (value, at) = self.follow(value, at)?;
        let mut tree = Tree::node(&at);
        if value.get("required") == Some(&json!(true)) {
            tree.set("required", format!("{at}/required"), json!(true));
        }
        self.content(&mut tree, &value, &at)?;
        self.depart(&mut tree, Kind::Body, &at)?;
        Ok(tree)
    }

    pub(super) fn response(&mut self, value: &Value, at: &str) -> Result<Tree, Problem> {
        let (value, at) = self.follow(value, at)?;
        let mut tree = Tree::node(&at);
        self.content(&mut tree, &value, &at)?;
        self.headers(&mut tree, &value, &at)?;
        self.depart(&mut tree, Kind::Response, &at)?;
        Ok(tree)
    }

    fn headers(&mut self, tree: &mut Tree, owner: &Value, at: &str) -> Result<(), Problem> {
        let here = format!("{at}/headers");
        for (name, header) in members(owner.get("headers"), &here)? {
            let (header, at) = self.follow(header, &format!("{here}/{}", escape(name)))?;
            let header = self.parameter(&header, &at, "header")?;
            let name = name.to_lowercase();
            if name != "content-type" {
                tree.container("headers").adopt(&name, header);
            }
        }
        Ok(())
    }

    fn content(&mut self, tree: &mut Tree, owner: &Value, at: &str) -> Result<(), Problem> {
        let here = format!("{at}/content");
        for (media, value) in members(owner.get("content"), &here)? {
            let here = format!("{here}/{}", escape(media));
            let mut value = self.media(value, &here)?;
            // JSON is always UTF-8; a charset beside it says nothing.
            let name = media
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_lowercase();
            // Only forms have parts that are written in ways of their own.
            if !name.starts_with("multipart/") && name != "application/x-www-form-urlencoded" {
                value.kids.remove("encoding");
            }
            tree.container("content").adopt(&name, value);
        }
        Ok(())
    }

    pub(super) fn media(&mut self, value: &Value, at: &str) -> Result<Tree, Problem> {
        self.document.sound(at)?;
        let mut tree = Tree::node(at);
        if let Some(schema) = value.get("schema") {
            let schema = self.schema(schema, &format!("{at}/schema"))?;
            tree.adopt("schema", schema);
        }
        // Answers have none, whatever is written there.
        let here = format!("{at}/encoding");
        for (name, value) in members(value.get("encoding"), &here)? {
            if self.way == Way::Response {
                break;
            }
            let value = self.encoding(value, &format!("{here}/{}", escape(name)))?;
            if !value.is_empty() || value.absent.is_some() {
                tree.container("encoding").adopt(name, value);
            }
        }
        self.depart(&mut tree, Kind::Media, at)?;
        Ok(tree)
    }

    /// How one field of a form is written.
    pub(super) fn encoding(&mut self, value: &Value, at: &str) -> Result<Tree, Problem> {
        self.document.sound(at)?;
        if !value.is_object() {
            return Err(Problem::new(at, "there should be an object here"));
        }
        let mut tree = Tree::node(at);
        let style = value.get("style").and_then(Value::as_str).unwrap_or("form");
        for (name, usual) in [
            ("contentType", Value::Null),
            ("style", json!("form")),
            ("explode", json!(style == "form")),
            ("allowReserved", json!(false)),
        ] {
            if let Some(value) = value.get(name).filter(|value| **value != usual) {
                tree.set(name, format!("{at}/{name}"), value.clone());
            }
        }
        self.headers(&mut tree, value, at)?;
        self.depart(&mut tree, Kind::Encoding, at)?;
        Ok(tree)
    }
}

/// The members of an object that may be missing, without extensions.
fn members<'v>(
    value: Option<&'v Value>,
    at: &str,
) -> Result<impl Iterator<Item = (&'v String, &'v Value)>, Problem> {
    let members = match value {
        None => None,
        Some(Value::Object(members)) => Some(members),
        Some(_) => return Err(Problem::new(at, "there should be an object here")),
    };
    Ok(members.into_iter().flat_map(Map::iter))
}
