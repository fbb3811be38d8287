//! What a finding advises is plain, explains the finding, and nothing else.

use serde_json::{Value, json};

use super::records::record;
use super::small::{
    LID, LIDS, SCHEMAS, at, check, cut, follow, followed, fragment, lines, put, upstream,
};

const GET: &str = "/paths/~1boxes~1{box_id}~1lids~1{lid_id}/get";

/// The fragment with a record at each of these places.
fn with(records: &[(&str, Value)]) -> Value {
    let mut fragment = fragment();
    for (holder, record) in records {
        let holder = at(&mut fragment, holder).as_object_mut().unwrap();
        let list = holder.entry("x-departures").or_insert_with(|| json!([]));
        list.as_array_mut().unwrap().push(record.clone());
    }
    fragment
}

/// The advice that keeps ours, without where upstream could be followed.
fn advice(ours: &Value, theirs: &Value) -> Vec<String> {
    let findings = check(ours, theirs).findings.into_iter();
    let edits = findings.map(|finding| match finding.edit.split_once(", or ") {
        Some((_, keep)) => keep.to_owned(),
        None => finding.edit,
    });
    edits.collect()
}

#[test]
fn the_plainest_edit_that_does_is_shown() {
    type Change = fn(&mut Value);
    let lid = "/components/schemas/Lid";
    let size = "properties/size/maximum";
    // Records of ours; how upstream differs from them; what to do.
    type Case<'c> = (&'c str, Vec<(&'c str, Value)>, Change, String);
    let table: Vec<Case<'_>> = vec![
        (
            "all that share it differ",
            vec![],
            |u| put(u, &format!("{SCHEMAS}/lid/properties/made_on"), json!({"type": "string"})),
            format!("record it in x-departures of #{lid}/properties/made_on: {{\"aspect\": \"format\", \"upstream\": null, \"reason\": \"…\"}}"),
        ),
        (
            "one of the uses differs, which no record near the definition can say",
            vec![],
            |u| put(u, &format!("{LID}/get/responses/200/content/application~1json/schema/properties"), json!({"result": {"properties": {"made_on": {"maxLength": 40}}}})),
            format!("record it in x-departures of #{lid}/properties/made_on: {{\"aspect\": \"maxLength\", \"upstream\": 40, \"operations\": [\"get_lid\"], \"reason\": \"…\"}}"),
        ),
        (
            "what a record says has changed",
            vec![(lid, record(size, json!(50)))],
            |u| put(u, &format!("{SCHEMAS}/lid/properties/size"), json!({"type": "integer", "minimum": 1, "maximum": 51})),
            format!("set #{lid}/x-departures/0/upstream to 51"),
        ),
        (
            "a part of what a record says has changed",
            vec![(lid, record("properties/+", json!({"a": {"type": "string"}, "b": {"type": "string"}})))],
            |u| {
                put(u, &format!("{SCHEMAS}/lid/properties/a"), json!({"type": "string"}));
                put(u, &format!("{SCHEMAS}/lid/properties/b"), json!({"type": "string", "maxLength": 9}));
            },
            format!("set #{lid}/x-departures/0/upstream/b/maxLength to 9"),
        ),
        (
            "what a record says has changed for one of the operations",
            vec![(lid, record("properties/note", json!({"type": "string"})))],
            |u| {
                put(u, &format!("{SCHEMAS}/lid/properties/note"), json!({"type": "string"}));
                put(u, &format!("{LID}/get/responses/200/content/application~1json/schema/properties"), json!({"result": {"properties": {"note": {"maxLength": 9}}}}));
            },
            format!("set #{lid}/x-departures/0/operations to [\"delete_lid\",\"list_lids\",\"make_lid\"]; and record it in x-departures of #{lid}: {{\"aspect\": \"properties/note\", \"upstream\": {{\"maxLength\":9,\"type\":\"string\"}}, \"operations\": [\"get_lid\"], \"reason\": \"…\"}}"),
        ),
        (
            "adopted",
            vec![("/components/schemas/Id", record("maxLength", json!(36)))],
            |_| {},
            "take #/components/schemas/Id/x-departures away".to_owned(),
        ),
        (
            "adopted by one of all names",
            vec![("/components/schemas/NewLid", record("properties/*/nullable", json!(true)))],
            |u| {
                let schema = format!("{LIDS}/post/requestBody/content/application~1json/schema");
                put(u, &format!("{schema}/properties/size"), json!({"type": "integer", "minimum": 1, "maximum": 99, "nullable": true}));
                put(u, &format!("{schema}/properties/colour"), json!({"type": "string", "enum": ["red", "blue"], "nullable": true}));
            },
            "record it in x-departures of #/components/schemas/NewLid: {\"aspect\": \"properties/label/nullable\", \"upstream\": null, \"reason\": \"…\"}".to_owned(),
        ),
        (
            "what is around recorded things has gone",
            vec![(lid, record(size, json!(50)))],
            |u| {
                put(u, &format!("{SCHEMAS}/lid/properties/size"), json!({"type": "integer", "minimum": 1, "maximum": 50}));
                cut(u, &format!("{SCHEMAS}/lid/properties/size"));
            },
            format!("record it in x-departures of #{lid}: {{\"aspect\": \"properties/size\", \"upstream\": null, \"reason\": \"…\"}}; and take the record at #{lid}/x-departures/0 away"),
        ),
        (
            "a new field is required, too",
            vec![],
            |u| {
                let schema = format!("{LIDS}/post/requestBody/content/application~1json/schema");
                put(u, &format!("{schema}/properties/shape"), json!({"type": "string"}));
                put(u, &format!("{schema}/required/-"), json!("shape"));
            },
            "record it in x-departures of #/components/schemas/NewLid: {\"aspect\": \"properties/shape\", \"upstream\": {\"type\":\"string\"}, \"reason\": \"…\"}, {\"aspect\": \"required\", \"upstream\": [\"colour\",\"shape\"], \"reason\": \"…\"}".to_owned(),
        ),
    ];
    for (name, records, change, want) in table {
        let ours = with(&records);
        let mut theirs = upstream();
        change(&mut theirs);
        let advice = advice(&ours, &theirs);
        assert_eq!(advice, [want], "{name}");
        followed(&ours, &theirs);
    }
}

/// A record says of a style what stands at its place, which has usual styles.
#[test]
fn how_a_list_is_written_can_be_recorded() {
    let list = json!({"type": "array", "items": {"type": "string"}});
    for (name, place, style) in [
        ("new", "query", json!({"explode": false})),
        ("new", "query", json!({"style": "form", "explode": false})),
        ("new", "query", json!({"style": "pipeDelimited"})),
        ("new", "header", json!({"explode": true})),
        ("page", "query", json!({"explode": false})),
    ] {
        let mut parameter = json!({"name": name, "in": place, "schema": list});
        parameter
            .as_object_mut()
            .unwrap()
            .extend(style.as_object().unwrap().clone());
        let mut theirs = upstream();
        let old = if name == "new" { "-" } else { "0" };
        put(
            &mut theirs,
            &format!("{LIDS}/get/parameters/{old}"),
            parameter,
        );
        followed(&fragment(), &theirs);
    }
}

#[test]
fn what_holds_for_the_whole_is_recorded_at_the_root() {
    let key = |name: &str| json!({"type": "apiKey", "in": "header", "name": name});
    let mut ours = fragment();
    put(
        &mut ours,
        "/components/securitySchemes/token",
        key("X-Token"),
    );
    let mut theirs = upstream();
    let schemes = json!({"token": key("X-Other")});
    put(&mut theirs, "/components/securitySchemes", schemes);
    put(&mut theirs, "/security", json!([{"token": []}]));
    let want = "record it in x-departures of #: {\"aspect\": \"components/securitySchemes/token/name\", \
                \"upstream\": \"x-other\", \"reason\": \"…\"}";
    assert_eq!(advice(&ours, &theirs), [want]);
    followed(&ours, &theirs);
}

#[test]
fn what_one_operation_asks_for_is_followed_at_that_operation() {
    let mut theirs = upstream();
    put(&mut theirs, &format!("{LID}/get/security"), json!([]));
    let report = check(&fragment(), &theirs);
    assert_eq!(report.findings.len(), 1, "{:#?}", lines(&report));
    let follow = format!("follow upstream at #{GET}/security, or ");
    let edit = &report.findings[0].edit;
    assert!(edit.starts_with(&follow), "{edit}");
    followed(&fragment(), &theirs);
}

/// Ours has followed upstream where a record for all names stands.
#[test]
fn a_record_that_keeps_another_from_its_place_explains_something() {
    let star = record("properties/*/nullable", json!(true));
    let mut ours = with(&[("/components/schemas/NewLid", star)]);
    let mut theirs = upstream();
    let schema = format!("{LIDS}/post/requestBody/content/application~1json/schema");
    let size = json!({"type": "integer", "minimum": 1, "maximum": 99, "nullable": true});
    let text = json!({"type": "string", "nullable": true});
    let properties = json!({"size": size, "label": text, "shape": {"type": "string"}});
    put(&mut theirs, &format!("{schema}/properties"), properties);
    put(&mut theirs, &format!("{schema}/required"), json!([]));
    let properties = json!({"size": {"type": "integer", "minimum": 1, "maximum": 99}, "label": {"type": "string"}});
    put(
        &mut ours,
        "/components/schemas/NewLid/properties",
        properties,
    );
    put(&mut ours, "/components/schemas/NewLid/required", json!([]));
    put(
        &mut ours,
        "/components/schemas/NewLid/properties/shape",
        json!({"type": "string"}),
    );
    let want = "record it in x-departures of #/components/schemas/NewLid: {\"aspect\": \
                \"properties/shape/nullable\", \"upstream\": null, \"reason\": \"…\"}";
    assert_eq!(advice(&ours, &theirs), [want]);
    let ours = followed(&ours, &theirs);
    // Once the other is gone, it explains nothing.
    let mut alone = ours.clone();
    cut(&mut alone, "/components/schemas/NewLid/x-departures/0");
    let stale = "relaxation stale  | a record that explains nothing".to_owned();
    assert!(lines(&check(&alone, &theirs)).contains(&stale));
}

#[test]
fn what_ours_has_by_now_goes_from_a_record_of_more() {
    let lid = "/components/schemas/Lid";
    let text = json!({"type": "string"});
    let mut ours = with(&[(lid, record("properties/+", json!({"a": text, "b": text})))]);
    let mut theirs = upstream();
    for (name, schema) in [("a", json!({"type": "integer"})), ("b", text)] {
        put(
            &mut theirs,
            &format!("{SCHEMAS}/lid/properties/{name}"),
            schema,
        );
    }
    put(
        &mut ours,
        &format!("{lid}/properties/a"),
        json!({"type": "integer"}),
    );
    let want = format!("take #{lid}/x-departures/0/upstream/a away");
    assert_eq!(advice(&ours, &theirs), [want]);
    followed(&ours, &theirs);
}

#[test]
fn an_operation_that_is_gone_can_be_kept_on_record() {
    let mut theirs = upstream();
    cut(&mut theirs, &format!("{LID}/get"));
    let report = check(&fragment(), &theirs);
    let keep = format!(
        "or record it in x-departures of #{GET}: {{\"aspect\": \"\", \"upstream\": null, \"reason\": \"…\"}}"
    );
    let edit = &report.findings[0].edit;
    assert!(edit.ends_with(&keep), "{edit}");
    let ours = followed(&fragment(), &theirs);
    // One day it is back.
    let report = check(&ours, &upstream());
    let line = format!("addition adopted {LID}/get | the operation is back");
    assert_eq!(lines(&report), [line]);
    let mut ours = ours;
    follow(&mut ours, &report.findings[0]);
    assert_eq!(ours, fragment());
}

#[test]
fn what_is_satisfied_at_last_breaks_nobody() {
    let never = json!({"allOf": [{"type": "object"}, {"type": "string"}]});
    let answer = format!("{GET}/responses/200/content/application~1json");
    let ours = with(&[(&answer, record("schema", never))]);
    let report = check(&ours, &upstream());
    assert_eq!(lines(&report).len(), 1);
    assert!(
        lines(&report)[0].starts_with("relaxation adopted "),
        "{:?}",
        lines(&report)
    );
    assert_eq!(followed(&ours, &upstream()), fragment());
    // Ours is the schema, and no contradiction in it.
    let mut theirs = upstream();
    let schema = json!({"allOf": [{"type": "object"}, {"type": "array"}]});
    put(
        &mut theirs,
        &format!("{LID}/get/responses/200/content/application~1json/schema"),
        schema,
    );
    let report = check(&ours, &theirs);
    let at = &report.findings[0].ours.pointer;
    assert_eq!(at, "/components/schemas/OneLid");
    let edit = &report.findings[0].edit;
    assert!(edit.ends_with("ours cannot follow"), "{edit}");
    followed(&ours, &theirs);
}

#[test]
fn a_path_that_moved_can_be_followed_or_not() {
    let mut theirs = upstream();
    let item = cut(&mut theirs, &format!("{LID}/get"));
    put(
        &mut theirs,
        "/paths/~1v2~1boxes~1{box}~1lids~1{lid}",
        json!({"get": item}),
    );
    let advice = |theirs: &Value| check(&fragment(), theirs).findings[0].edit.clone();
    let edit = advice(&theirs);
    assert!(
        edit.starts_with(&format!("move #{GET} to the new path, or record it")),
        "{edit}"
    );
    followed(&fragment(), &theirs);
    let item = cut(&mut theirs, LID);
    put(
        &mut theirs,
        "/paths/~1v2~1boxes~1{box}~1lids~1{lid}/delete",
        item["delete"].clone(),
    );
    let edit = advice(&theirs);
    assert!(
        edit.starts_with("write the new path in the place of #/paths/~1boxes"),
        "{edit}"
    );
}

/// Not even where its new path is below one of ours.
#[test]
fn what_moved_and_is_kept_on_record_is_not_new() {
    let ours = with(&[(GET, record("operationId", json!("lids-get")))]);
    let mut theirs = upstream();
    let get = cut(&mut theirs, &format!("{LID}/get"));
    put(
        &mut theirs,
        "/paths/~1boxes~1{box}~1lids~1{lid}~1whole",
        json!({"get": get}),
    );
    let mut recorded = ours.clone();
    follow(&mut recorded, &check(&ours, &theirs).findings[0]);
    assert_eq!(lines(&check(&recorded, &theirs)), [""; 0]);
}

#[test]
fn whoever_takes_an_operation_away_is_told_which_records_name_it() {
    let mut one = record("maxLength", json!(36));
    one["operations"] = json!(["get_lid", "delete_lid"]);
    let ours = with(&[("/components/schemas/Id", one)]);
    let mut theirs = upstream();
    cut(&mut theirs, &format!("{LID}/get"));
    let report = check(&ours, &theirs);
    let gone = report
        .findings
        .iter()
        .find(|finding| finding.what == "the operation is gone");
    let edit = &gone.unwrap().edit;
    let named = "its name out of `operations` of #/components/schemas/Id/x-departures/0, or ";
    assert!(edit.contains(named), "{edit}");
}

#[test]
fn a_place_that_others_share_is_told_as_that() {
    let mut theirs = upstream();
    let answer = format!("{LID}/get/responses/200/content/application~1json/schema");
    put(
        &mut theirs,
        &format!("{answer}/properties"),
        json!({"result": {"minProperties": 1}}),
    );
    let edit = &check(&fragment(), &theirs).findings[0].edit;
    assert!(
        edit.contains("/minProperties (shared with 3 other operations), or "),
        "{edit}"
    );
}

#[test]
fn a_record_still_lacks_its_reason_where_nobody_wrote_it() {
    let mut theirs = upstream();
    put(
        &mut theirs,
        &format!("{SCHEMAS}/identifier/maxLength"),
        json!(36),
    );
    let ours = followed(&fragment(), &theirs);
    let report = check(&ours, &theirs);
    let note = "the record at #/components/schemas/Id/x-departures/0 has no reason yet";
    assert_eq!(
        (report.exit(), report.notes.as_slice()),
        (0, &[note.to_owned()][..])
    );
}

#[test]
fn what_no_operation_reaches_may_go_with_its_records() {
    let mut ours = with(&[(
        "/components/schemas/Lid",
        record("properties/size/maximum", json!(50)),
    )]);
    let schemas = at(&mut ours, "/components/schemas");
    schemas["Old"] = json!({"type": "string", "x-departures": [record("maxLength", json!(9))]});
    let mut theirs = upstream();
    put(
        &mut theirs,
        &format!("{SCHEMAS}/lid/properties/size"),
        json!({"type": "integer", "minimum": 1, "maximum": 50}),
    );
    let want = "take the record at #/components/schemas/Old/x-departures/0 away: no operation \
                reaches #/components/schemas/Old, which may go with it";
    assert_eq!(advice(&ours, &theirs), [want]);
}

/// Callers who leave it out get what the service assumes, whether ours tells or not.
#[test]
fn another_default_breaks_callers() {
    let page = "/paths/~1boxes~1{box_id}~1lids/get/parameters/2";
    let ours = with(&[(page, record("schema/default", json!(1)))]);
    let mut theirs = upstream();
    let place = format!("{LIDS}/get/parameters/0/schema/default");
    put(&mut theirs, &place, json!(1));
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
    put(&mut theirs, &place, json!(2));
    let found = lines(&check(&ours, &theirs));
    assert_eq!(
        found,
        [format!(
            "breaking changed {place} | `default` of \"page\" changed"
        )]
    );
}
