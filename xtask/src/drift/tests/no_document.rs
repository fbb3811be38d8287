//! What is no document at all gets one line.

use serde_json::json;

use super::small::{fragment, upstream};
use crate::drift::answer;

#[test]
fn what_is_no_document_gets_one_line() {
    let deep = "{\"a\":".repeat(100_000);
    let whole = upstream().to_string();
    let cut = &whole[..whole.len() * 2 / 3];
    let mut empty = upstream();
    empty["paths"] = json!({});
    let mut wrong = upstream();
    wrong["components"] = json!([]);
    let mut kind = upstream();
    kind["components"]["schemas"] = json!([]);
    let twice = whole.replace("\"/unrelated\":", "\"/x\":{},\"/x\":");
    let mut servers = upstream();
    servers["servers"] = json!({"url": "x"});
    let table: Vec<(&str, String, &str)> = vec![
        ("nothing", String::new(), "empty"),
        ("white space", " \n".to_owned(), "empty"),
        ("a list", "[]".to_owned(), "not an OpenAPI document"),
        ("a text", "\"x\"".to_owned(), "not an OpenAPI document"),
        ("a number", "7".to_owned(), "not an OpenAPI document"),
        ("an object", "{}".to_owned(), "no `openapi` version"),
        (
            "Swagger",
            "{\"swagger\": \"2.0\"}".to_owned(),
            "Swagger 2.0",
        ),
        ("version", "{\"openapi\": \"4.0.0\"}".to_owned(), "4.0.0"),
        (
            "version that is none",
            "{\"openapi\": {}}".to_owned(),
            "version",
        ),
        (
            "no paths",
            "{\"openapi\": \"3.0.3\"}".to_owned(),
            "no `paths`",
        ),
        (
            "paths in a list",
            "{\"openapi\": \"3.0.3\", \"paths\": []}".to_owned(),
            "at #/paths",
        ),
        (
            "no operation of ours",
            empty.to_string(),
            "none of our operations",
        ),
        (
            "components in a list",
            wrong.to_string(),
            "at #/components: invalid type: sequence, expected an object",
        ),
        (
            "a kind of components in a list",
            kind.to_string(),
            "at #/components/schemas: invalid type",
        ),
        (
            "a path twice",
            twice,
            "at #/paths/~1x: the name stands here twice",
        ),
        (
            "servers that are no list",
            servers.to_string(),
            "list of servers",
        ),
        ("cut off", cut.to_owned(), "cut off"),
        ("nested without end", deep, "cut off"),
        (
            "HTML",
            "<html>no</html>".to_owned(),
            "not an OpenAPI document",
        ),
        (
            "two names",
            "{\"openapi\": \"3.0.3\", \"openapi\": \"3.0.3\"}".to_owned(),
            "twice",
        ),
        ("more after the end", whole.clone() + "}", "not JSON"),
        ("a comma too many", "{\"a\": 1,}".to_owned(), "not JSON"),
        ("broken YAML", "a: [".to_owned(), "not YAML"),
    ];
    for (name, text, want) in table {
        let outcome = answer(&fragment().to_string(), text.into_bytes(), "document");
        let error = format!("{:#}", outcome.unwrap_err());
        assert!(error.starts_with("document: "), "{name}: {error}");
        assert!(error.contains(want), "{name}: {error}");
        assert_eq!(error.lines().count(), 1, "{name}: {error}");
        // A place is a pointer; lines of a part of the text mislead.
        let places = error.contains("at #") && error.contains(" line ");
        assert!(!places, "{name}: {error}");
    }
    let error = answer("{}", vec![b'{', 0xff], "document").unwrap_err();
    assert_eq!(
        error.to_string(),
        "document: not UTF-8 text: byte 1 belongs to no character"
    );
}
