//! Recorded departures: they explain, and nothing else does.

use serde_json::{Value, json};

use super::small::{LID, LIDS, SCHEMAS, at, check, cut, fragment, lines, put, try_check, upstream};

/// The fragment with a record at `holder`.
fn with(holder: &str, records: Value) -> Value {
    let mut fragment = fragment();
    at(&mut fragment, holder)["x-departures"] = records;
    fragment
}

fn record(aspect: &str, upstream: Value) -> Value {
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

#[test]
fn adoption_is_reported_even_where_it_is_partial() {
    let holder = "/components/schemas/Lid";
    let ours = with(
        holder,
        json!([record("properties/size/maximum", json!(50))]),
    );
    // Upstream has it in one of the two places where ours uses the schema.
    let mut theirs = upstream();
    put(
        &mut theirs,
        &format!("{SCHEMAS}/old_lid"),
        at(&mut upstream(), &format!("{SCHEMAS}/lid")).clone(),
    );
    put(
        &mut theirs,
        &format!("{SCHEMAS}/old_lid/properties/size"),
        json!({"type": "integer", "minimum": 1, "maximum": 50}),
    );
    put(
        &mut theirs,
        &format!("{SCHEMAS}/lid_response_single/allOf/1/properties/result/allOf/0/$ref"),
        json!("#/components/schemas/old_lid"),
    );
    let report = check(&ours, &theirs);
    let [finding] = report.findings.as_slice() else {
        panic!("{:#?}", lines(&report))
    };
    assert_eq!(
        lines(&report),
        [format!(
            "relaxation adopted {SCHEMAS}/size/maximum | `maximum` of \"size\" changed"
        )]
    );
    assert_eq!(
        finding.operations.iter().collect::<Vec<_>>(),
        ["GET /boxes/{box_id}/lids"]
    );
    assert_eq!(
        finding.record.as_deref(),
        Some("/components/schemas/Lid/x-departures/0")
    );
    assert!(finding.edit.contains("narrow it"), "{}", finding.edit);
    // Narrowed to the operations that still differ, it is silent.
    let mut narrow = record("properties/size/maximum", json!(50));
    narrow["operations"] = json!(["make_lid", "get_lid", "delete_lid"]);
    assert_eq!(
        lines(&check(&with(holder, json!([narrow])), &theirs)),
        [""; 0]
    );
}

#[test]
fn the_record_nearest_to_the_use_counts() {
    let mut ours = with(
        "/components/schemas/Id",
        json!([record("maxLength", json!(36))]),
    );
    at(&mut ours, "/components/schemas/Lid")["x-departures"] =
        json!([record("properties/id/maxLength", json!(64))]);
    let mut theirs = upstream();
    put(
        &mut theirs,
        &format!("{SCHEMAS}/identifier/maxLength"),
        json!(36),
    );
    put(
        &mut theirs,
        &format!("{SCHEMAS}/lid/properties/id"),
        json!({"type": "string", "maxLength": 64}),
    );
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
}

#[test]
fn a_record_that_explains_nothing_is_reported() {
    let table = [
        (
            "/components/schemas/Lid",
            "properties/none/type",
            json!("string"),
        ),
        (
            "/components/schemas/Lid",
            "properties/size/maximum",
            json!(99),
        ),
        ("/components/schemas/Lid", "description", json!("d")),
        (
            "/paths/~1boxes~1{box_id}~1lids~1{lid_id}",
            "patch",
            json!("available"),
        ),
        (
            "/paths/~1boxes~1{box_id}~1lids/get",
            "responses/204/content",
            Value::Null,
        ),
    ];
    for (holder, aspect, value) in table {
        let report = check(&with(holder, json!([record(aspect, value)])), &upstream());
        let found = lines(&report);
        assert_eq!(
            found,
            ["relaxation stale  | a record that explains nothing"],
            "{aspect}"
        );
        assert_eq!(
            report.findings[0].record,
            Some(format!("{holder}/x-departures/0"))
        );
    }
}

#[test]
fn a_record_of_a_name_is_never_asked_for() {
    let ours = with(
        "/paths/~1boxes~1{box_id}~1lids~1{lid_id}/get",
        json!([record("operationId", json!("lids-get"))]),
    );
    assert_eq!(lines(&check(&ours, &upstream())), [""; 0]);
    // But it finds what moved to where nobody would look.
    let mut theirs = upstream();
    let get = cut(&mut theirs, &format!("{LID}/get"));
    put(&mut theirs, "/paths/~1covers~1{lid}", json!({"get": get}));
    let found = lines(&check(&ours, &theirs));
    assert!(
        found[0].ends_with("the path moved to /covers/{lid}"),
        "{found:#?}"
    );
}

#[test]
fn a_malformed_record_is_named() {
    let table = [
        (json!({}), "list of departures"),
        (json!([]), "list of departures"),
        (json!(["x"]), "a departure is an object"),
        (json!([{"upstream": 1, "reason": "r"}]), "`aspect`"),
        (json!([{"aspect": "type", "reason": "r"}]), "`upstream`"),
        (json!([{"aspect": "type", "upstream": 1}]), "`reason`"),
        (
            json!([{"aspect": "type", "upstream": 1, "reason": " "}]),
            "`reason`",
        ),
        (
            json!([{"aspect": "type", "upstream": 1, "reason": "r", "resaon": 1}]),
            "no field \"resaon\"",
        ),
        (
            json!([{"aspect": "type", "upstream": "string", "reason": "r", "operations": ["none"]}]),
            "no operation \"none\"",
        ),
        (
            json!([{"aspect": "type", "upstream": "string", "reason": "r", "operations": "get_lid"}]),
            "list of operationIds",
        ),
        (
            json!([{"aspect": "properties/+", "upstream": {"size": {}}, "reason": "r"}]),
            "it has \"size\"",
        ),
        (
            json!([{"aspect": "properties/+/type", "upstream": "string", "reason": "r"}]),
            "`+` ends an aspect",
        ),
        (
            json!([{"aspect": "properties/size", "upstream": "text", "reason": "r"}]),
            "should be a schema here",
        ),
        (
            json!([{"aspect": "type", "upstream": "text", "reason": "r"}]),
            "no type",
        ),
    ];
    for (records, want) in table {
        let error = try_check(
            &with("/components/schemas/Lid", records.clone()),
            &upstream(),
        )
        .unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.starts_with("openapi/mtls.json: at #/components/schemas/Lid/x-departures"),
            "{records}: {error}"
        );
        assert!(error.contains(want), "{records}: {error}");
    }
}
