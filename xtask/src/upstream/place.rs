//! Places in the canonical form: read for their meaning, and written as pointers.

use super::resolve::escape;
use super::schema::{Direction, HOLDERS, NAMED, is_in};

/// A place, from the operation's name down.
pub(crate) type Place = Vec<String>;

/// The pointer to a place, without the slash in front.
pub(crate) fn pointer(place: &[String]) -> String {
    let parts: Vec<_> = place.iter().map(|part| escape(part)).collect();
    parts.join("/")
}

/// What a place means.
pub(crate) struct Meaning<'a> {
    /// The part of the operation, as a reader calls it: "200 response".
    pub(crate) part: String,
    /// Whether the place is in the schema of some data.
    pub(crate) direction: Option<Direction>,
    /// The way through the data: `result[].id`.
    pub(crate) field: String,
    /// What is left: for data the keyword of its schema, else all of the place below the
    /// operation.
    pub(crate) aspect: Vec<&'a str>,
}

/// Reads a place.
pub(crate) fn read(place: &[String]) -> Meaning<'_> {
    let parts: Vec<&str> = place.iter().skip(1).map(String::as_str).collect();
    let parameter = |location, name| match location {
        "path" => format!("path parameter {name}"),
        _ => format!("{location} parameter `{name}`"),
    };
    // What part it is, how far down its schema begins, and which way the data goes.
    let (part, schema, direction) = match parts[..] {
        ["parameters", location, name, "content", ..] => {
            (parameter(location, name), 5, Direction::Request)
        }
        ["parameters", location, name, ..] => (parameter(location, name), 4, Direction::Request),
        ["body", ..] => ("request body".to_owned(), 3, Direction::Request),
        ["responses", status, "headers", name, ..] => {
            let part = format!("header `{name}` of the {status} response");
            (part, 5, Direction::Response)
        }
        ["responses", status, ..] => (format!("{status} response"), 4, Direction::Response),
        _ => (String::new(), usize::MAX, Direction::Request),
    };
    let is_data =
        schema <= parts.len() && (parts[schema - 1] == "schema" || parts[schema - 2] == "content");
    let (field, aspect) = if is_data { walk(&parts[schema..]) } else { (String::new(), parts) };
    let direction = is_data.then_some(direction);
    Meaning { part, direction, field, aspect }
}

/// Follows a schema to the data that it describes.
fn walk<'a>(mut rest: &[&'a str]) -> (String, Vec<&'a str>) {
    let mut field = String::new();
    loop {
        match rest {
            [key, name, below @ ..] if is_in(NAMED, key) => {
                if !field.is_empty() {
                    field.push('.');
                }
                field.push_str(name);
                rest = below;
            }
            [key, below @ ..] if is_in(HOLDERS, key) && (*key == "items" || !below.is_empty()) => {
                field.push_str(match *key {
                    "items" => "[]",
                    "additionalProperties" => ".*",
                    _ => "",
                });
                // The items themselves: what they are stands in the value.
                if below.is_empty() {
                    return (field, vec![key]);
                }
                rest = below;
            }
            ["anyOf" | "both", _, below @ ..] if !below.is_empty() => {
                rest = below;
            }
            _ => return (field, rest.to_vec()),
        }
    }
}
