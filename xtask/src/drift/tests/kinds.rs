//! Each kind of change: it is reported, once, at its place, and classed.

use serde_json::{Value, json};

use super::small::{
    LID, LIDS, SCHEMAS, at, check, cut, follow, followed, fragment, lines, put, upstream,
};

type Change = fn(&mut Value);

/// Each row: a change of the published document, and what shall be said.
fn table() -> Vec<(&'static str, Change, Vec<String>)> {
    vec![
        ("field added to an answer", |u| put(u, &format!("{SCHEMAS}/lid/properties/shape"), json!({"type": "string"})),
            vec![format!("addition unrecorded {SCHEMAS}/lid/properties/shape | the field \"shape\" is new")]),
        ("field removed from an answer", |u| drop(cut(u, &format!("{SCHEMAS}/lid/properties/made_on"))),
            vec![format!("breaking unrecorded {SCHEMAS}/lid/properties/made_on | the field \"made_on\" is gone")]),
        ("field of an answer retyped", |u| put(u, &format!("{SCHEMAS}/lid/properties/made_on/type"), json!("integer")),
            vec![format!("breaking unrecorded {SCHEMAS}/lid/properties/made_on/type | `type` of \"made_on\" changed")]),
        ("field of an answer reformatted", |u| put(u, &format!("{SCHEMAS}/lid/properties/made_on/format"), json!("date")),
            vec![format!("breaking unrecorded {SCHEMAS}/lid/properties/made_on/format | `format` of \"made_on\" changed")]),
        ("field of an answer now sure to come", |u| put(u, &format!("{SCHEMAS}/lid/required/-"), json!("label")),
            vec![format!("relaxation unrecorded {SCHEMAS}/lid/required | the field \"label\" is now required")]),
        ("field of an answer no longer sure", |u| put(u, &format!("{SCHEMAS}/lid/required"), json!([])),
            vec![format!("breaking unrecorded {SCHEMAS}/lid/required | the field \"id\" is now optional")]),
        ("field of an answer may be null", |u| put(u, &format!("{SCHEMAS}/lid/properties/made_on/nullable"), json!(true)),
            vec![format!("breaking unrecorded {SCHEMAS}/lid/properties/made_on/nullable | `nullable` of \"made_on\" is new")]),
        ("field of an answer that is one of few", |u| put(u, &format!("{SCHEMAS}/lid/properties/made_on/enum"), json!(["now"])),
            vec![format!("relaxation unrecorded {SCHEMAS}/lid/properties/made_on/enum | `enum` of \"made_on\" is new")]),
        ("field of an answer in contradiction", |u| put(u, &format!("{SCHEMAS}/lid/properties/made_on/enum"), json!([])),
            vec![format!("breaking unrecorded {SCHEMAS}/lid/properties/made_on/enum | the field \"made_on\" changed")]),
        ("security asks for more", |u| {
            put(u, "/components/securitySchemes/key", json!({"type": "apiKey", "in": "header", "name": "k"}));
            put(u, &format!("{LID}/get/security"), json!([{"bearer": [], "key": []}]));
        },
            vec![
                format!("breaking unrecorded {LID}/get/security | `security` changed"),
                "addition unrecorded /components/securitySchemes/key | the security scheme key is new".to_owned(),
            ]),
        ("field of an answer never null", |u| put(u, &format!("{SCHEMAS}/lid/properties/label/nullable"), json!(false)),
            vec![format!("relaxation unrecorded {SCHEMAS}/lid/properties/label/nullable | `nullable` of \"label\" is gone")]),
        ("field added to a request", |u| put(u, &format!("{LIDS}/post/requestBody/content/application~1json/schema/properties/note"), json!({"type": "string"})),
            vec![format!("addition unrecorded {LIDS}/post/requestBody/content/application~1json/schema/properties/note | the field \"note\" is new")]),
        ("required field added to a request", |u| {
            let schema = format!("{LIDS}/post/requestBody/content/application~1json/schema");
            put(u, &format!("{schema}/properties/note"), json!({"type": "string"}));
            put(u, &format!("{schema}/required/-"), json!("note"));
        },
            vec![format!("breaking unrecorded {LIDS}/post/requestBody/content/application~1json/schema/properties/note | the field \"note\" is new")]),
        ("field of a request made required", |u| put(u, &format!("{LIDS}/post/requestBody/content/application~1json/schema/required/-"), json!("label")),
            vec![format!("breaking unrecorded {LIDS}/post/requestBody/content/application~1json/schema/required | the field \"label\" is now required")]),
        ("field of a request made optional",
            |u| {
                let required = format!("{LIDS}/post/requestBody/content/application~1json/schema/required");
                at(u, &required).as_array_mut().unwrap().retain(|name| name != "colour");
            },
            vec![format!("relaxation unrecorded {LIDS}/post/requestBody/content/application~1json/schema/required | the field \"colour\" is now optional")]),
        ("limit of a request tightened", |u| put(u, &format!("{LIDS}/post/requestBody/content/application~1json/schema/properties/label/maxLength"), json!(40)),
            vec![format!("breaking unrecorded {LIDS}/post/requestBody/content/application~1json/schema/properties/label/maxLength | `maxLength` of \"label\" changed")]),
        ("limit of a request loosened", |u| put(u, &format!("{LIDS}/post/requestBody/content/application~1json/schema/properties/label/maxLength"), json!(800)),
            vec![format!("relaxation unrecorded {LIDS}/post/requestBody/content/application~1json/schema/properties/label/maxLength | `maxLength` of \"label\" changed")]),
        ("limit of a request lifted", |u| drop(cut(u, &format!("{LIDS}/post/requestBody/content/application~1json/schema/properties/label/maxLength"))),
            vec![format!("relaxation unrecorded {LIDS}/post/requestBody/content/application~1json/schema/properties/label/maxLength | `maxLength` of \"label\" is gone")]),
        ("default of a request", |u| put(u, &format!("{LIDS}/get/parameters/0/schema/default"), json!(3)),
            vec![format!("relaxation unrecorded {LIDS}/get/parameters/0/schema/default | `default` of \"page\" is new")]),
        ("request body no longer required", |u| put(u, &format!("{LIDS}/post/requestBody/required"), json!(false)),
            vec![format!("relaxation unrecorded {LIDS}/post/requestBody/required | `required` of \"requestBody\" is gone")]),
        ("request body where there was none", |u| put(u, &format!("{LID}/delete/requestBody"), json!({"required": true, "content": {"application/json": {}}})),
            vec![format!("breaking unrecorded {LID}/delete/requestBody | `requestBody` is new")]),
        ("media type of a request", |u| {
            let body = cut(u, &format!("{LIDS}/post/requestBody/content/application~1json"));
            put(u, &format!("{LIDS}/post/requestBody/content/text~1yaml"), body);
        },
            vec![
                format!("breaking unrecorded {LIDS}/post/requestBody/content/application~1json | the media type application/json is gone"),
                format!("addition unrecorded {LIDS}/post/requestBody/content/text~1yaml | the media type text/yaml is new"),
            ]),
        ("parameter added", |u| put(u, &format!("{LIDS}/get/parameters/-"), json!({"name": "sort", "in": "query", "schema": {"type": "string"}})),
            vec![format!("addition unrecorded {LIDS}/get/parameters/2 | the query parameter \"sort\" is new")]),
        ("required parameter added", |u| put(u, &format!("{LIDS}/get/parameters/-"), json!({"name": "sort", "in": "query", "required": true})),
            vec![format!("breaking unrecorded {LIDS}/get/parameters/2 | the query parameter \"sort\" is new")]),
        ("parameter removed", |u| drop(cut(u, &format!("{LIDS}/get/parameters/0"))),
            vec![format!("breaking unrecorded {LIDS}/get/parameters | the query parameter \"page\" is gone")]),
        ("parameter renamed", |u| put(u, &format!("{LIDS}/get/parameters/0/name"), json!("p")),
            vec![
                format!("breaking unrecorded {LIDS}/get/parameters | the query parameter \"page\" is gone"),
                format!("addition unrecorded {LIDS}/get/parameters/0 | the query parameter \"p\" is new"),
            ]),
        ("parameter moved to a header", |u| put(u, &format!("{LIDS}/get/parameters/0/in"), json!("header")),
            vec![
                format!("breaking unrecorded {LIDS}/get/parameters | the query parameter \"page\" is gone"),
                format!("addition unrecorded {LIDS}/get/parameters/0 | the header parameter \"page\" is new"),
            ]),
        ("parameter made required", |u| put(u, &format!("{LIDS}/get/parameters/0/required"), json!(true)),
            vec![format!("breaking unrecorded {LIDS}/get/parameters/0/required | `required` of \"page\" is new")]),
        ("parameter retyped", |u| put(u, &format!("{LIDS}/get/parameters/0/schema/type"), json!("number")),
            vec![format!("relaxation unrecorded {LIDS}/get/parameters/0/schema/type | `type` of \"page\" changed")]),
        ("operation overrides the parameter of its path", |u| put(u, &format!("{LIDS}/get/parameters/-"), json!({"name": "box", "in": "path", "required": true, "schema": {"type": "string", "maxLength": 8}})),
            vec![format!("breaking unrecorded {LIDS}/get/parameters/2/schema/maxLength | `maxLength` of \"box_id\" changed")]),
        ("answer added", |u| put(u, &format!("{LIDS}/get/responses/404"), json!({"description": "d"})),
            vec![format!("addition unrecorded {LIDS}/get/responses/404 | the answer 404 is new")]),
        ("success added", |u| put(u, &format!("{LIDS}/post/responses/202"), json!({"description": "d"})),
            vec![format!("breaking unrecorded {LIDS}/post/responses/202 | the answer 202 is new")]),
        ("answer removed", |u| drop(cut(u, &format!("{LIDS}/get/responses/4XX"))),
            vec![format!("relaxation unrecorded {LIDS}/get/responses/4XX | the answer 4XX is gone")]),
        ("header of an answer added", |u| put(u, &format!("{LIDS}/get/responses/200/headers"), json!({"X-Left": {"schema": {"type": "integer"}}})),
            vec![format!("addition unrecorded {LIDS}/get/responses/200/headers/X-Left | the header x-left is new")]),
        ("path moved", |u| {
            let item = cut(u, LID);
            put(u, "/paths/~1v2~1boxes~1{box}~1lids~1{lid}", item);
        },
            vec![
                "breaking unrecorded /paths/~1v2~1boxes~1{box}~1lids~1{lid}/delete | the path moved to /v2/boxes/{box}/lids/{lid}".to_owned(),
                "breaking unrecorded /paths/~1v2~1boxes~1{box}~1lids~1{lid}/get | the path moved to /v2/boxes/{box}/lids/{lid}".to_owned(),
            ]),
        ("operation removed", |u| drop(cut(u, &format!("{LID}/delete"))),
            vec![format!("breaking unrecorded {LID}/delete | the operation is gone")]),
        ("operation added to our path", |u| put(u, &format!("{LID}/patch"), json!({"responses": {}})),
            vec![format!("addition available {LID}/patch | an operation that ours does not have")]),
        ("operation added below our path", |u| put(u, "/paths/~1boxes~1{b}~1lids~1{l}~1screws", json!({"get": {"responses": {}}})),
            vec!["addition available /paths/~1boxes~1{b}~1lids~1{l}~1screws/get | an operation that ours does not have".to_owned()]),
        ("server moved", |u| put(u, "/servers/0/url", json!("https://other.example/v1")),
            vec!["breaking unrecorded /servers | `servers` changed".to_owned()]),
        ("server of one operation", |u| put(u, &format!("{LID}/delete/servers"), json!([{"url": "https://third.example/v1"}])),
            vec![format!("breaking unrecorded {LID}/delete/servers | `servers` is new")]),
        ("security scheme changed", |u| put(u, "/components/securitySchemes/bearer", json!({"type": "apiKey", "in": "header", "name": "X-Key"})),
            vec![
                "breaking unrecorded /components/securitySchemes/token | the security scheme token is gone".to_owned(),
                "breaking unrecorded /security | `security` changed".to_owned(),
                "addition unrecorded /components/securitySchemes/bearer | the security scheme bearer is new".to_owned(),
            ]),
        ("security of one operation", |u| put(u, &format!("{LID}/get/security"), json!([])),
            vec![format!("relaxation unrecorded {LID}/get/security | `security` changed")]),
        ("contradiction", |u| put(u, &format!("{SCHEMAS}/lid_response_collection/allOf/1/properties/success"), json!({"type": "string"})),
            vec![format!("breaking unrecorded {SCHEMAS}/lid_response_collection/allOf/1/properties/success/type | `schema` of \"200\" changed")]),
    ]
}

#[test]
fn each_change_is_reported_at_its_place() {
    for (name, change, want) in table() {
        let mut changed = upstream();
        change(&mut changed);
        let report = check(&fragment(), &changed);
        assert_eq!(lines(&report), want, "{name}");
        assert_eq!(report.exit(), 1, "{name}");
    }
}

#[test]
fn shared_pieces_count_for_each_use_and_direction() {
    // One enum serves a parameter, a request and answers.
    let mut wider = upstream();
    put(
        &mut wider,
        &format!("{SCHEMAS}/colour/enum/-"),
        json!("green"),
    );
    let report = check(&fragment(), &wider);
    let place = format!("{SCHEMAS}/colour/enum");
    let line = |class, what| format!("{class} unrecorded {place} | `enum` of {what} changed");
    assert_eq!(
        lines(&report),
        [
            line("breaking", "\"colour\""),
            line("addition", "\"colour\""),
            line("addition", "\"colour\"")
        ]
    );
    let answers = &report.findings[0];
    assert_eq!(answers.operations.len(), 4, "{:?}", answers.operations);
    assert_eq!(
        answers.ours.pointer,
        format!("{SCHEMAS}/Lid/properties/colour/enum")
    );
    assert_eq!(
        answers.upstream.value,
        Some(json!(["blue", "green", "red"]))
    );
    assert_eq!(answers.ours.value, Some(json!(["blue", "red"])));
    assert_eq!(
        answers.place,
        "responses/200/content/application~1json/schema/properties/result/items/properties/colour/enum"
    );

    let mut narrower = upstream();
    put(
        &mut narrower,
        &format!("{SCHEMAS}/colour/enum"),
        json!(["red"]),
    );
    let classes: Vec<_> = lines(&check(&fragment(), &narrower))
        .iter()
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(classes, ["breaking", "breaking", "relaxation"]);
}

#[test]
fn alternatives_that_become_one_are_reported_where_they_stood() {
    let either = json!({"anyOf": [{"type": "object"}, {"type": "string"}]});
    let mut ours = fragment();
    put(
        &mut ours,
        "/components/schemas/Failure/properties/cause",
        either.clone(),
    );
    let mut theirs = upstream();
    let place = format!("{SCHEMAS}/common_failure/properties/cause");
    put(&mut theirs, &place, either);
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
    put(
        &mut theirs,
        &format!("{place}/anyOf/1/type"),
        json!("object"),
    );
    let report = check(&ours, &theirs);
    let gone = report
        .findings
        .iter()
        .find(|finding| finding.place.ends_with("/anyOf"));
    let gone = &gone.unwrap().upstream;
    assert_eq!(gone.pointer, format!("{place}/anyOf"));
    assert_eq!(
        gone.also,
        [format!("{place}/anyOf/0"), format!("{place}/anyOf/1")]
    );
}

#[test]
fn changes_add_up() {
    let table = table();
    // Each with each that does not touch the same place.
    for (index, (name, change, want)) in table.iter().enumerate() {
        for (other_name, other, other_want) in &table[index + 1..] {
            let mut changed = upstream();
            let outcome = std::panic::catch_unwind(move || {
                change(&mut changed);
                other(&mut changed);
                changed
            });
            // One has taken away what the other would change.
            let Ok(changed) = outcome else { continue };
            let touch = |a: &String, b: &String| {
                let place = |line: &str| line.split(' ').nth(2).unwrap().to_owned();
                place(a).starts_with(&place(b)) || place(b).starts_with(&place(a))
            };
            if want.iter().any(|a| other_want.iter().any(|b| touch(a, b)))
                || name.contains("contradiction")
                || other_name.contains("contradiction")
            {
                continue;
            }
            let found = lines(&check(&fragment(), &changed));
            for line in want.iter().chain(other_want) {
                let moved = line.contains("~1boxes~1{box}~1lids~1{lid}/")
                    && (*name == "path moved" || *other_name == "path moved");
                assert!(
                    moved || found.contains(line),
                    "{name} and {other_name}: {line} is not in {found:#?}"
                );
            }
        }
    }
}

#[test]
fn a_moved_operation_is_compared_at_its_new_place() {
    let mut changed = upstream();
    let item = cut(&mut changed, LID);
    put(&mut changed, "/paths/~1v2~1boxes~1{box}~1lids~1{lid}", item);
    put(
        &mut changed,
        &format!("{SCHEMAS}/lid_response_single/allOf/1/properties/note"),
        json!({"type": "string"}),
    );
    let found = lines(&check(&fragment(), &changed));
    let note = format!(
        "addition unrecorded {SCHEMAS}/lid_response_single/allOf/1/properties/note | the field \"note\" is new"
    );
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found.contains(&note), "{found:#?}");
}

#[test]
fn deprecation_is_a_note_and_no_drift() {
    let mut changed = upstream();
    put(
        &mut changed,
        &format!("{LID}/delete/deprecated"),
        json!(true),
    );
    put(
        &mut changed,
        &format!("{SCHEMAS}/lid/properties/size"),
        json!({"type": "integer", "minimum": 1, "maximum": 99, "deprecated": true}),
    );
    let report = check(&fragment(), &changed);
    assert_eq!(report.exit(), 0);
    let want = [
        format!("{SCHEMAS}/lid/properties/size/deprecated"),
        format!("{LID}/delete/deprecated"),
    ];
    for place in want {
        assert!(
            report.notes.iter().any(|note| note.contains(&place)),
            "{:?}",
            report.notes
        );
    }
}

#[test]
fn each_finding_says_what_to_edit() {
    let mut changed = upstream();
    put(
        &mut changed,
        &format!("{SCHEMAS}/lid/properties/shape"),
        json!({"type": "string"}),
    );
    let report = check(&fragment(), &changed);
    let edit = &report.findings[0].edit;
    for part in [
        "#/components/schemas/Lid/properties/shape",
        "x-departures of #/components/schemas/Lid:",
        r#"{"aspect": "properties/shape", "upstream": {"type":"string"}"#,
    ] {
        assert!(edit.contains(part), "{part} is not in {edit}");
    }
}

#[test]
fn what_a_finding_suggests_is_what_silences_it() {
    for (_, change, _) in table() {
        let mut changed = upstream();
        change(&mut changed);
        followed(&fragment(), &changed);
    }
    // Upstream changes one of the uses of what ours shares.
    let mut changed = upstream();
    put(
        &mut changed,
        &format!("{SCHEMAS}/lid_response_single/allOf/1/properties/result/properties"),
        json!({"size": {"minimum": 5}}),
    );
    let mut recorded = fragment();
    let report = check(&recorded, &changed);
    assert_eq!(report.findings.len(), 1, "{:#?}", lines(&report));
    let edit = &report.findings[0].edit;
    assert!(
        edit.contains(r#""operations": ["delete_lid","get_lid","make_lid"]"#),
        "{edit}"
    );
    follow(&mut recorded, &report.findings[0]);
    assert_eq!(lines(&check(&recorded, &changed)), [""; 0]);
}
