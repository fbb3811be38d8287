//! A name that stands twice in one object: nobody can tell which one counts.

use serde_json::{Value, json};

use super::small::{LID, LIDS, SCHEMAS, at, fragment, put, upstream};
use crate::drift::answer;
use crate::drift::report::Report;

/// The check of `document` with the member `name` of the object at `place`
/// written a second time, as `value`.
fn check(document: &Value, place: &str, name: &str, value: &Value) -> anyhow::Result<Report> {
    let mut marked = document.clone();
    put(&mut marked, &format!("{place}/MARK"), json!(0));
    let again = format!("{}:{value}", json!(name));
    let text = marked.to_string().replace("\"MARK\":0", &again);
    answer(&fragment().to_string(), text.into_bytes(), "document")
}

fn whole() -> Value {
    let mut whole = upstream();
    put(
        &mut whole,
        &format!("{LID}/get/security"),
        json!([{"bearer": []}]),
    );
    put(
        &mut whole,
        &format!("{SCHEMAS}/lid/not"),
        json!({"required": ["x"]}),
    );
    put(
        &mut whole,
        "/components/securitySchemes/bearer/flows",
        json!({"implicit": {"scopes": {}}}),
    );
    whole
}

#[test]
fn what_is_compared_must_not_stand_twice() {
    let body = format!("{LIDS}/post/requestBody");
    let table = [
        (format!("{SCHEMAS}/lid"), "required", json!(["label"])),
        (format!("{SCHEMAS}/lid"), "properties", json!({})),
        (format!("{SCHEMAS}/lid/properties"), "size", json!({})),
        (
            format!("{SCHEMAS}/lid/properties/label"),
            "nullable",
            json!(false),
        ),
        (
            format!("{SCHEMAS}/lid/properties/label"),
            "type",
            json!("string"),
        ),
        (format!("{SCHEMAS}/lid/not"), "required", json!(["y"])),
        (format!("{SCHEMAS}/lid_response_single"), "allOf", json!([])),
        (
            format!("{SCHEMAS}/lid_response_collection/allOf/0"),
            "$ref",
            json!("#/components/schemas/size"),
        ),
        (LID.to_owned(), "parameters", json!([])),
        (format!("{LIDS}/get"), "parameters", json!([])),
        (format!("{LIDS}/get/parameters/0"), "name", json!("p")),
        (format!("{LIDS}/get/responses"), "200", json!({})),
        (
            format!("{LIDS}/get/responses/200/content"),
            "application/json",
            json!({}),
        ),
        (
            format!("{body}/content/application~1json"),
            "schema",
            json!({}),
        ),
        (body, "required", json!(false)),
        (format!("{LID}/get/security/0"), "bearer", json!(["x"])),
    ];
    for (place, name, value) in table {
        let report = check(&whole(), &place, name, &value).unwrap();
        assert_eq!(report.exit(), 2, "{name} of {place}");
        let pointer = format!("{place}/{}", name.replace('/', "~1"));
        for problem in &report.problems {
            assert_eq!(problem.pointer, pointer);
            assert!(problem.message.contains("twice"), "{problem:?}");
        }
    }
}

#[test]
fn what_touches_all_operations_is_one_line() {
    let scheme = "/components/securitySchemes/bearer";
    let table = [
        ("/servers/0", "url", json!("https://other.example")),
        ("/security/0", "bearer", json!(["x"])),
        (scheme, "scheme", json!("basic")),
        (
            &format!("{scheme}/flows/implicit"),
            "scopes",
            json!({"a": "b"}),
        ),
    ];
    for (place, name, value) in table {
        let error = check(&whole(), place, name, &value).unwrap_err();
        let error = format!("{error:#}");
        let line = format!("document: at #{place}/{name}: the name stands here twice");
        assert!(error.starts_with(&line), "{error}");
    }
}

#[test]
fn what_is_not_compared_may_stand_twice() {
    let mut document = whole();
    put(
        &mut document,
        &format!("{SCHEMAS}/unused"),
        json!({"type": "object"}),
    );
    at(&mut document, "/paths/~1unrelated/get")["security"] = json!([]);
    for (place, name) in [
        (format!("{SCHEMAS}/lid"), "description"),
        (format!("{SCHEMAS}/lid"), "x-order"),
        (format!("{LID}/get"), "tags"),
        (format!("{LID}/get/responses/200"), "description"),
        (format!("{SCHEMAS}/unused"), "type"),
        ("/paths/~1unrelated/get".to_owned(), "security"),
        ("/info".to_owned(), "title"),
    ] {
        put(&mut document, &format!("{place}/{name}"), json!("one"));
        let clean = answer(
            &fragment().to_string(),
            document.to_string().into_bytes(),
            "d",
        );
        let report = check(&document, &place, name, &json!("two")).unwrap();
        assert_eq!(report.problems, [], "{name} of {place}");
        assert_eq!(report.exit(), clean.unwrap().exit(), "{name} of {place}");
    }
}

#[test]
fn a_field_may_be_called_description() {
    let mut document = upstream();
    let field = format!("{SCHEMAS}/lid/properties/description");
    put(&mut document, &field, json!({"type": "string"}));
    let fields = format!("{SCHEMAS}/lid/properties");
    let report = check(&document, &fields, "description", &json!({})).unwrap();
    assert_eq!(report.exit(), 2);
}
