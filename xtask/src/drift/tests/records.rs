//! Recorded departures: they explain, and nothing else does.

use serde_json::{Value, json};

use super::small::{LID, LIDS, SCHEMAS, at, check, cut, fragment, lines, put, upstream};

/// The fragment with a record at `holder`.
pub(super) fn with(holder: &str, records: Value) -> Value {
    let mut fragment = fragment();
    at(&mut fragment, holder)["x-departures"] = records;
    fragment
}

pub(super) fn record(aspect: &str, upstream: Value) -> Value {
    json!({"aspect": aspect, "upstream": upstream, "reason": "Because."})
}

#[test]
fn a_record_explains_what_it_says_and_no_more() {
    type Change = fn(&mut Value);
    // Where the record stands, its aspect, what upstream has; the change of
    // upstream that it explains, and one further that it does not.
    let table: Vec<(&str, &str, Value, Change, Change)> = vec![
        (
            "/components/schemas/Lid",
            "properties/size/maximum",
            json!(50),
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/lid/properties/size"),
                    json!({"type": "integer", "minimum": 1, "maximum": 50}),
                )
            },
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/lid/properties/size/maximum"),
                    json!(51),
                )
            },
        ),
        (
            "/components/schemas/Lid/properties/size",
            "maximum",
            Value::Null,
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/lid/properties/size"),
                    json!({"type": "integer", "minimum": 1}),
                )
            },
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/lid/properties/size/maximum"),
                    json!(100),
                )
            },
        ),
        (
            "/components/schemas/Lid",
            "properties/label",
            Value::Null,
            |u| drop(cut(u, &format!("{SCHEMAS}/lid/properties/label"))),
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/lid/properties/label"),
                    json!({"type": "integer"}),
                )
            },
        ),
        (
            "/components/schemas/Lid",
            "properties/label/nullable",
            json!(false),
            |u| drop(cut(u, &format!("{SCHEMAS}/lid/properties/label/nullable"))),
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/lid/properties/label/format"),
                    json!("uuid"),
                )
            },
        ),
        (
            "/components/schemas/Lid",
            "properties/+",
            json!({"shape": {"type": "object", "properties": {"sides": {"type": "integer"}}}}),
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/lid/properties/shape"),
                    json!({"properties": {"sides": {"type": "integer"}}}),
                )
            },
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/lid/properties/shape/properties/sides/type"),
                    json!("number"),
                )
            },
        ),
        (
            "/components/schemas/Lid",
            "required",
            json!(["id", "label"]),
            |u| put(u, &format!("{SCHEMAS}/lid/required/-"), json!("label")),
            |u| put(u, &format!("{SCHEMAS}/lid/required/-"), json!("size")),
        ),
        (
            "/components/schemas/Lid",
            "properties/*/description",
            Value::Null,
            |_| {},
            |u| drop(cut(u, &format!("{SCHEMAS}/lid/properties/label"))),
        ),
        (
            "/components/schemas/OneLid",
            "properties/result/properties/size",
            json!({"type": "string"}),
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/lid_response_single/allOf/1/properties/result"),
                    json!({
                "nullable": true, "type": "object", "required": ["id"], "properties": {
                    "id": {"type": "string", "maxLength": 32}, "colour": {"$ref": "#/components/schemas/colour"},
                    "label": {"type": "string", "nullable": true}, "made_on": {"type": "string", "format": "date-time"},
                    "size": {"type": "string"}}}),
                )
            },
            |u| put(u, &format!("{SCHEMAS}/size/minimum"), json!(2)),
        ),
        (
            "/components/schemas/Id",
            "",
            json!({"type": "string", "format": "uuid"}),
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/identifier"),
                    json!({"type": "string", "format": "uuid"}),
                )
            },
            |u| put(u, &format!("{SCHEMAS}/identifier/maxLength"), json!(36)),
        ),
        (
            "/paths/~1boxes~1{box_id}~1lids/get/parameters/2",
            "",
            Value::Null,
            |u| drop(cut(u, &format!("{LIDS}/get/parameters/0"))),
            |u| {
                put(
                    u,
                    &format!("{LIDS}/get/parameters/-"),
                    json!({"name": "page", "in": "query"}),
                )
            },
        ),
        (
            "/paths/~1boxes~1{box_id}~1lids/get/parameters/2",
            "schema",
            json!({"type": "number"}),
            |u| {
                put(
                    u,
                    &format!("{LIDS}/get/parameters/0/schema"),
                    json!({"type": "number"}),
                )
            },
            |u| {
                put(
                    u,
                    &format!("{LIDS}/get/parameters/0/schema/minimum"),
                    json!(1),
                )
            },
        ),
        (
            "/paths/~1boxes~1{box_id}~1lids/get",
            "parameters/query/+",
            json!({"sort": {"schema": {"type": "string"}}}),
            |u| {
                put(
                    u,
                    &format!("{LIDS}/get/parameters/-"),
                    json!({"name": "sort", "in": "query", "schema": {"type": "string"}}),
                )
            },
            |u| put(u, &format!("{LIDS}/get/parameters/2/required"), json!(true)),
        ),
        (
            "/paths/~1boxes~1{box_id}~1lids~1{lid_id}/delete",
            "requestBody",
            json!({"required": true, "content": {"application/json": {}}}),
            |u| {
                put(
                    u,
                    &format!("{LID}/delete/requestBody"),
                    json!({"required": true, "content": {"application/json": {}}}),
                )
            },
            |u| drop(cut(u, &format!("{LID}/delete/requestBody/required"))),
        ),
        (
            "/paths/~1boxes~1{box_id}~1lids~1{lid_id}/delete",
            "responses/5XX",
            json!({"description": "d"}),
            |u| {
                put(
                    u,
                    &format!("{LID}/delete/responses/5XX"),
                    json!({"description": "e"}),
                )
            },
            |u| {
                put(
                    u,
                    &format!("{LID}/delete/responses/5XX/content"),
                    json!({"text/html": {}}),
                )
            },
        ),
        (
            "/components/responses/Failure",
            "content/application~1json/schema",
            json!({"required": ["success"], "properties": {"success": {"enum": []}}}),
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/common_failure/properties/success/enum"),
                    json!([]),
                )
            },
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/common_failure/properties/success/enum"),
                    json!([true]),
                )
            },
        ),
        (
            "/paths/~1boxes~1{box_id}~1lids~1{lid_id}/delete",
            "security",
            json!([]),
            |u| put(u, &format!("{LID}/delete/security"), json!([])),
            |u| {
                put(
                    u,
                    &format!("{LID}/delete/security"),
                    json!([{"bearer": []}, {}]),
                )
            },
        ),
        (
            "",
            "servers",
            json!(["https://other.example"]),
            |u| put(u, "/servers/0/url", json!("https://other.example")),
            |u| put(u, "/servers/0/url", json!("https://third.example")),
        ),
        (
            "",
            "components/securitySchemes/+",
            json!({"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}),
            |u| {
                put(
                    u,
                    "/components/securitySchemes/other",
                    json!({"type": "apiKey", "in": "header", "name": "x-key"}),
                )
            },
            |u| put(u, "/components/securitySchemes/other/in", json!("query")),
        ),
        (
            "/paths/~1boxes~1{box_id}~1lids~1{lid_id}",
            "patch",
            json!("available"),
            |u| put(u, &format!("{LID}/patch"), json!({"responses": {}})),
            |u| put(u, &format!("{LID}/put"), json!({"responses": {}})),
        ),
        (
            "/paths/~1boxes~1{box_id}~1lids~1{lid_id}",
            "below/~1screws/get",
            json!("available"),
            |u| {
                put(
                    u,
                    "/paths/~1boxes~1{b}~1lids~1{l}~1screws",
                    json!({"get": {"responses": {}}}),
                )
            },
            |u| {
                put(
                    u,
                    "/paths/~1boxes~1{b}~1lids~1{l}~1screws/post",
                    json!({"responses": {}}),
                )
            },
        ),
    ];
    for (holder, aspect, value, explained, further) in table {
        let name = format!("{aspect} at {holder}");
        let ours = with(holder, json!([record(aspect, value)]));
        let mut theirs = upstream();
        explained(&mut theirs);
        if aspect.ends_with("description") {
            // A record of what does not count explains nothing.
            assert_eq!(lines(&check(&ours, &theirs)).len(), 1, "{name}");
            continue;
        }
        assert_eq!(lines(&check(&ours, &theirs)), [""; 0], "{name}");
        further(&mut theirs);
        let report = check(&ours, &theirs);
        assert_ne!(
            report.exit(),
            0,
            "{name}: the further change is not reported"
        );
        // Without upstream's difference, the record is one too many.
        let report = check(&ours, &upstream());
        assert!(
            !report.findings.is_empty(),
            "{name}: adopted, and not reported"
        );
    }
}
