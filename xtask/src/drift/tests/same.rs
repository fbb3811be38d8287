//! The same meaning written another way is no difference.

use serde_json::{Value, json};

use super::small::{LID, LIDS, SCHEMAS, at, check, cut, followed, fragment, lines, put, upstream};

#[test]
fn another_way_of_writing_is_no_difference() {
    type Change = fn(&mut Value);
    let table: &[(&str, Change)] = &[
        ("as published", |_| {}),
        ("description", |u| {
            put(u, &format!("{SCHEMAS}/lid/description"), json!("new"))
        }),
        ("examples", |u| {
            put(u, &format!("{SCHEMAS}/size/example"), json!(77));
            put(
                u,
                &format!("{LIDS}/get/responses/200/content/application~1json/examples"),
                json!({"a": {"value": 1}}),
            );
        }),
        ("summary, tags, operationId, extension", |u| {
            let operation = at(u, &format!("{LIDS}/get"));
            operation["summary"] = json!("new");
            operation["tags"] = json!(["new"]);
            operation["operationId"] = json!("new");
            operation["x-new"] = json!({"type": "integer"});
        }),
        ("a switch of properties on a parameter", |u| {
            put(u, &format!("{SCHEMAS}/identifier/readOnly"), json!(true));
            put(
                u,
                &format!("{SCHEMAS}/lid/properties/id"),
                json!({"type": "string", "maxLength": 32}),
            );
        }),
        ("order", |u| {
            for list in [
                "colour/enum",
                "lid_response_single/allOf",
                "lid_response_collection/allOf",
            ] {
                at(u, &format!("{SCHEMAS}/{list}"))
                    .as_array_mut()
                    .unwrap()
                    .reverse();
            }
            at(u, &format!("{LIDS}/get/parameters"))
                .as_array_mut()
                .unwrap()
                .reverse();
        }),
        ("name of a schema", |u| {
            let lid = cut(u, &format!("{SCHEMAS}/lid"));
            put(u, &format!("{SCHEMAS}/cover"), lid);
            for place in [
                "lid_response_single/allOf/1/properties/result/allOf/0",
                "lid_response_collection/allOf/1/properties/result/items",
            ] {
                put(
                    u,
                    &format!("{SCHEMAS}/{place}/$ref"),
                    json!("#/components/schemas/cover"),
                );
            }
        }),
        ("name of a path parameter", |u| {
            let mut item = cut(u, LID);
            put(&mut item, "/parameters/0/name", json!("cover"));
            put(u, "/paths/~1boxes~1{box}~1lids~1{cover}", item);
        }),
        ("name of a security scheme", |u| {
            let scheme = cut(u, "/components/securitySchemes/bearer");
            put(u, "/components/securitySchemes/other", scheme);
            put(u, "/security", json!([{"other": []}]));
        }),
        ("inline instead of $ref", |u| {
            let size = at(u, &format!("{SCHEMAS}/size")).clone();
            put(u, &format!("{SCHEMAS}/lid/properties/size"), size);
        }),
        ("$ref into a part of a schema", |u| {
            put(
                u,
                &format!(
                    "{LIDS}/post/requestBody/content/application~1json/schema/properties/size"
                ),
                json!({"$ref": "#/components/schemas/lid/properties/size"}),
            );
        }),
        ("$ref with escapes of a URL", |u| {
            let lid = cut(u, &format!("{SCHEMAS}/size"));
            put(u, &format!("{SCHEMAS}/a size"), lid);
            for place in [
                format!("{SCHEMAS}/lid/properties/size"),
                format!("{LIDS}/post/requestBody/content/application~1json/schema/properties/size"),
            ] {
                put(u, &place, json!({"$ref": "#/components/schemas/a%20size"}));
            }
        }),
        ("allOf around one", |u| {
            put(
                u,
                &format!("{SCHEMAS}/lid/properties/id"),
                json!({"allOf": [{"$ref": "#/components/schemas/identifier"}]}),
            )
        }),
        ("anyOf around one", |u| {
            put(
                u,
                &format!("{SCHEMAS}/lid/properties/id"),
                json!({"anyOf": [{"$ref": "#/components/schemas/identifier"}]}),
            )
        }),
        ("allOf in parts", |u| {
            put(
                u,
                &format!("{SCHEMAS}/size"),
                json!({"allOf": [{"type": "integer", "minimum": 1}, {"maximum": 99}]}),
            )
        }),
        ("looser limit beside a tighter one", |u| {
            put(
                u,
                &format!("{SCHEMAS}/size"),
                json!({"type": "integer", "minimum": 1, "maximum": 99, "allOf": [{"maximum": 500}]}),
            )
        }),
        ("number joined with integer", |u| {
            put(
                u,
                &format!("{SCHEMAS}/size"),
                json!({"type": "integer", "minimum": 1, "maximum": 99, "allOf": [{"type": "number"}]}),
            )
        }),
        ("limits as 1.0", |u| {
            put(u, &format!("{SCHEMAS}/size/minimum"), json!(1.0))
        }),
        ("limits that limit nothing", |u| {
            put(u, &format!("{SCHEMAS}/identifier/minLength"), json!(0));
            put(u, &format!("{SCHEMAS}/size/exclusiveMinimum"), json!(false));
            put(
                u,
                &format!("{SCHEMAS}/lid/additionalProperties"),
                json!(true),
            );
            put(u, &format!("{SCHEMAS}/lid/nullable"), json!(false));
        }),
        ("type where all implies it", |u| {
            put(u, &format!("{SCHEMAS}/lid/type"), json!("object"));
            cut(u, &format!("{SCHEMAS}/colour/type"));
        }),
        ("enum as oneOf", |u| {
            put(
                u,
                &format!("{SCHEMAS}/colour"),
                json!({"oneOf": [{"type": "string", "enum": ["red"]}, {"type": "string", "enum": ["blue"]}]}),
            )
        }),
        ("null in the enum and out of it", |u| {
            put(
                u,
                &format!("{SCHEMAS}/lid/properties/label"),
                json!({"oneOf": [{"type": "string"}, {"type": "string", "nullable": true}]}),
            );
        }),
        ("readOnly in an answer, default in an answer", |u| {
            put(
                u,
                &format!("{SCHEMAS}/lid/properties/made_on/readOnly"),
                json!(true),
            );
            put(
                u,
                &format!("{SCHEMAS}/lid/properties/made_on/default"),
                json!("2000-01-01T00:00:00Z"),
            );
        }),
        ("parameter by reference", |u| {
            let page = at(u, &format!("{LIDS}/get/parameters/0")).clone();
            put(u, "/components/parameters", json!({"page": page}));
            put(
                u,
                &format!("{LIDS}/get/parameters/0"),
                json!({"$ref": "#/components/parameters/page"}),
            );
        }),
        ("parameters on the operation instead of the path", |u| {
            let shared = cut(u, &format!("{LIDS}/parameters/0"));
            for method in ["get", "post"] {
                let operation = at(u, &format!("{LIDS}/{method}"));
                if operation.get("parameters").is_none() {
                    operation["parameters"] = json!([]);
                }
                operation["parameters"]
                    .as_array_mut()
                    .unwrap()
                    .push(shared.clone());
            }
        }),
        ("body and answer by reference", |u| {
            let body = at(u, &format!("{LIDS}/post/requestBody")).clone();
            put(u, "/components/requestBodies", json!({"b": body}));
            put(
                u,
                &format!("{LIDS}/post/requestBody"),
                json!({"$ref": "#/components/requestBodies/b"}),
            );
            let answer = at(u, &format!("{LIDS}/get/responses/200")).clone();
            put(u, "/components/responses", json!({"a": answer}));
            put(
                u,
                &format!("{LIDS}/get/responses/200"),
                json!({"$ref": "#/components/responses/a"}),
            );
        }),
        ("path by reference", |u| {
            let item = cut(u, LID);
            put(u, "/components/pathItems", json!({"p": item}));
            put(u, LID, json!({"$ref": "#/components/pathItems/p"}));
        }),
        ("methods of one path under two templates", |u| {
            let delete = cut(u, &format!("{LID}/delete"));
            let mut parameters = at(u, &format!("{LID}/parameters")).clone();
            parameters[0]["name"] = json!("cover");
            put(
                u,
                "/paths/~1boxes~1{box}~1lids~1{cover}",
                json!({"delete": delete, "parameters": parameters}),
            );
        }),
        ("security said again", |u| {
            put(u, &format!("{LID}/get/security"), json!([{"bearer": []}]))
        }),
        ("servers said again", |u| {
            put(
                u,
                &format!("{LID}/get/servers"),
                json!([{"url": "https://boxes.example/v1/"}]),
            )
        }),
        ("case and charset of a media type", |u| {
            let content = cut(
                u,
                &format!("{LIDS}/get/responses/200/content/application~1json"),
            );
            put(
                u,
                &format!("{LIDS}/get/responses/200/content/Application~1JSON; charset=utf-8"),
                content,
            );
        }),
        ("case of a range", |u| {
            let answer = cut(u, &format!("{LIDS}/get/responses/4XX"));
            put(u, &format!("{LIDS}/get/responses/4xx"), answer);
        }),
        ("style of a single value", |u| {
            put(u, &format!("{LIDS}/get/parameters/0/explode"), json!(false))
        }),
        ("things that are not ours", |u| {
            put(u, "/paths/~1boxes", json!({"get": {"responses": {}}}));
            put(
                u,
                "/paths/~1boxes~1{box}",
                json!({"get": {"responses": {}}}),
            );
            put(
                u,
                &format!("{SCHEMAS}/unused"),
                json!({"$ref": "#/nowhere"}),
            );
            put(
                u,
                "/paths/~1unrelated/get/responses/200",
                json!({"$ref": "#/nowhere"}),
            );
        }),
        ("OpenAPI 3.1", |u| {
            put(u, "/openapi", json!("3.1.0"));
            put(
                u,
                &format!("{SCHEMAS}/lid/properties/label"),
                json!({"type": ["string", "null"]}),
            );
            put(
                u,
                &format!("{SCHEMAS}/lid_response_single/allOf/1/properties/result"),
                json!({"anyOf": [{"$ref": "#/components/schemas/lid"}, {"type": "null"}]}),
            );
            put(
                u,
                &format!("{SCHEMAS}/common_envelope/examples"),
                json!([{}]),
            );
            put(u, "/webhooks", json!({}));
        }),
    ];
    for (name, change) in table {
        let mut changed = upstream();
        change(&mut changed);
        let report = check(&fragment(), &changed);
        assert_eq!(lines(&report), [""; 0], "{name}");
        assert!(report.problems.is_empty(), "{name}: {:?}", report.problems);
        assert_eq!(report.operations, 4, "{name}");
    }
}

#[test]
fn limits_of_either_version_mean_the_same() {
    let mut ours = fragment();
    put(
        &mut ours,
        "/components/schemas/Lid/properties/size",
        json!({"type": "integer", "minimum": 0, "exclusiveMinimum": true, "maximum": 99}),
    );
    let mut theirs = upstream();
    put(&mut theirs, "/openapi", json!("3.1.0"));
    put(
        &mut theirs,
        &format!("{SCHEMAS}/lid/properties/size"),
        json!({"type": "integer", "exclusiveMinimum": 0, "maximum": 99}),
    );
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
    // Of whole numbers, the next one is the limit.
    put(
        &mut ours,
        "/components/schemas/Lid/properties/size",
        json!({"type": "integer", "minimum": 1, "maximum": 98}),
    );
    for (size, same) in [
        (json!({"exclusiveMinimum": 0, "exclusiveMaximum": 99}), true),
        (
            json!({"exclusiveMinimum": 0, "minimum": 1, "maximum": 98}),
            true,
        ),
        (
            json!({"exclusiveMinimum": 1, "minimum": 1, "maximum": 98}),
            false,
        ),
        (
            json!({"exclusiveMinimum": 0, "minimum": 1, "exclusiveMaximum": 98}),
            false,
        ),
    ] {
        let mut theirs = theirs.clone();
        let mut schema = size.clone();
        schema["type"] = json!("integer");
        put(
            &mut theirs,
            &format!("{SCHEMAS}/lid/properties/size"),
            schema,
        );
        assert_eq!(lines(&check(&ours, &theirs)).is_empty(), same, "{size}");
    }
    put(
        &mut theirs,
        &format!("{SCHEMAS}/lid/properties/size"),
        json!({"type": "integer", "minimum": 1, "maximum": 98, "unevaluatedProperties": true}),
    );
    // A constant is an enum of one, whatever else the enum has; several types are
    // alternatives.
    put(
        &mut ours,
        "/components/schemas/Lid/properties/colour",
        json!({"type": "string", "enum": ["red"]}),
    );
    put(
        &mut theirs,
        &format!("{SCHEMAS}/lid/properties/colour"),
        json!({"const": "red", "enum": ["blue", "red"]}),
    );
    put(
        &mut ours,
        "/components/schemas/Lid/properties/made_on",
        json!({"oneOf": [{"type": "integer"}, {"type": "string"}]}),
    );
    put(
        &mut theirs,
        &format!("{SCHEMAS}/lid/properties/made_on"),
        json!({"type": ["string", "integer"]}),
    );
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
    // One that the enum has not allows nothing.
    let constant = format!("{SCHEMAS}/lid/properties/colour/const");
    put(&mut theirs, &constant, json!("green"));
    assert_ne!(lines(&check(&ours, &theirs)), [""; 0]);
}

#[test]
fn what_says_nothing_makes_no_other_alternative() {
    let cause = json!({"anyOf": [{"type": "object"}, {"type": "array"}]});
    let place = "properties/cause";
    let mut ours = fragment();
    put(
        &mut ours,
        &format!("/components/schemas/Failure/{place}"),
        cause.clone(),
    );
    let mut theirs = upstream();
    put(
        &mut theirs,
        &format!("{SCHEMAS}/common_failure/{place}"),
        cause,
    );
    let branches = format!("{SCHEMAS}/common_failure/{place}/anyOf");
    put(&mut theirs, &format!("{branches}/0/required"), json!([]));
    put(&mut theirs, &format!("{branches}/0/properties"), json!({}));
    put(&mut theirs, &format!("{branches}/1/items"), json!({}));
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
}

#[test]
fn recursion_is_no_endless_loop() {
    let node = |name: &str| json!({"type": "object", "properties": {"under": {"$ref": format!("#/components/schemas/{name}")}}});
    let mut ours = fragment();
    put(&mut ours, "/components/schemas/Tower", node("Tower"));
    put(
        &mut ours,
        "/components/schemas/Lid/properties/tower",
        json!({"$ref": "#/components/schemas/Tower"}),
    );
    let mut theirs = upstream();
    put(&mut theirs, &format!("{SCHEMAS}/pile"), node("pile"));
    put(
        &mut theirs,
        &format!("{SCHEMAS}/lid/properties/tower"),
        json!({"$ref": "#/components/schemas/pile"}),
    );
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
    put(
        &mut theirs,
        &format!("{SCHEMAS}/pile/properties/under"),
        json!({"type": "object"}),
    );
    assert_ne!(lines(&check(&ours, &theirs)), [""; 0]);
}

/// A list of entries that each hold such a list: one side names the entry, the other the
/// list.
fn chained() -> (Value, Value) {
    let entry = |chain: Value| json!({"type": "object", "properties": {"chain": chain}});
    let list = |items: Value| json!({"type": "array", "items": items});
    let to = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let (mut ours, mut theirs) = (fragment(), upstream());
    put(
        &mut ours,
        "/components/schemas/Entry",
        entry(list(to("Entry"))),
    );
    put(
        &mut ours,
        "/components/schemas/Lid/properties/notes",
        list(to("Entry")),
    );
    put(
        &mut theirs,
        &format!("{SCHEMAS}/notes"),
        list(entry(to("notes"))),
    );
    put(
        &mut theirs,
        &format!("{SCHEMAS}/lid/properties/notes"),
        to("notes"),
    );
    (ours, theirs)
}

#[test]
fn where_a_circle_is_cut_does_not_matter() {
    let (ours, mut theirs) = chained();
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
    put(&mut theirs, &format!("{SCHEMAS}/notes/minItems"), json!(1));
    let found = lines(&check(&ours, &theirs));
    let told = |line: &String| line.contains("/notes/minItems | ");
    assert!(found.iter().any(told), "{found:#?}");
    followed(&ours, &theirs);
    // The same circle, but one turn of it is another.
    let (ours, mut theirs) = chained();
    let turn = json!({"type": "array", "items": {"type": "object", "properties": {"chain": {"type": "string"}}}});
    put(
        &mut theirs,
        &format!("{SCHEMAS}/notes/items/properties/chain"),
        turn,
    );
    assert_ne!(lines(&check(&ours, &theirs)), [""; 0]);
    followed(&ours, &theirs);
}

#[test]
fn what_stands_beside_the_way_back_counts() {
    let node = |name: &str, under: Value| {
        let back = json!({"$ref": format!("#/components/schemas/{name}")});
        let mut parts = vec![back];
        parts.extend((under != json!({})).then_some(under));
        json!({"type": "object", "properties": {"under": {"allOf": parts}}})
    };
    let sides = |under: Value, theirs: Value| {
        let (mut ours, mut upstream) = (fragment(), upstream());
        put(&mut ours, "/components/schemas/Tower", node("Tower", under));
        let to = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        put(
            &mut ours,
            "/components/schemas/Lid/properties/tower",
            to("Tower"),
        );
        put(
            &mut upstream,
            &format!("{SCHEMAS}/pile"),
            node("pile", theirs),
        );
        put(
            &mut upstream,
            &format!("{SCHEMAS}/lid/properties/tower"),
            to("pile"),
        );
        lines(&check(&ours, &upstream))
    };
    for beside in [
        json!({"minProperties": 1}),
        json!({"required": ["under"]}),
        json!({"properties": {"z": {"type": "string"}}}),
    ] {
        assert_eq!(sides(beside.clone(), beside.clone()), [""; 0], "{beside}");
        assert_ne!(sides(json!({}), beside.clone()), [""; 0], "{beside}");
        assert_ne!(sides(beside.clone(), json!({})), [""; 0], "{beside}");
    }
}

#[test]
fn a_record_can_tell_of_a_circle() {
    let (mut ours, theirs) = chained();
    cut(&mut ours, "/components/schemas/Entry/properties/chain");
    let report = check(&ours, &theirs);
    let record = "{\"aspect\": \"properties/chain\", \"upstream\": {\"recursion\":2}, ";
    let edit = &report.findings[0].edit;
    assert!(edit.contains(record), "{edit}");
    followed(&ours, &theirs);
}
