//! What becomes of a record: it is adopted, narrowed, stale, or was never one.

use serde_json::{Value, json};

use super::records::{record, with};
use super::small::{LID, SCHEMAS, at, check, cut, follow, lines, put, try_check, upstream};
use crate::drift::records::Records;

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
            "relaxation adopted {SCHEMAS}/lid/properties/size | `maximum` of \"size\" changed"
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
    // Narrowed to the operations that still differ, it is silent.
    let edit = format!(
        "set #{holder}/x-departures/0/operations to [\"delete_lid\",\"get_lid\",\"make_lid\"]"
    );
    assert_eq!(finding.edit, edit);
    let mut narrow = ours.clone();
    follow(&mut narrow, finding);
    assert_eq!(lines(&check(&narrow, &theirs)), [""; 0]);
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
fn a_record_that_another_repeats_or_overrules_is_reported() {
    let lid = "/components/schemas/Lid";
    let size = "properties/size/maximum";
    let mut one = record(size, json!(50));
    one["operations"] = json!(["get_lid"]);
    let further = |names: &[&str]| {
        let text = |name: &&str| (name.to_string(), json!({"type": "string"}));
        Value::Object(names.iter().map(text).collect())
    };
    // Two records, and which of them explains nothing.
    for (records, stale) in [
        ([record(size, json!(50)), record(size, json!(50))], 1),
        ([record(size, json!(50)), one], 1),
        ([record(size, json!(7)), record(size, json!(50))], 0),
        ([record(size, Value::Null), record(size, json!(50))], 0),
    ] {
        let mut theirs = upstream();
        let bounded = json!({"type": "integer", "minimum": 1, "maximum": 50});
        put(
            &mut theirs,
            &format!("{SCHEMAS}/lid/properties/size"),
            bounded,
        );
        let report = check(&with(lid, json!(records)), &theirs);
        let found: Vec<_> = report.findings.iter().map(|found| &found.record).collect();
        let at = Some(format!("{lid}/x-departures/{stale}"));
        assert_eq!(found, [&at], "{records:?}");
    }
    let mut theirs = upstream();
    for name in ["a", "b"] {
        put(
            &mut theirs,
            &format!("{SCHEMAS}/lid/properties/{name}"),
            json!({"type": "string"}),
        );
    }
    let records = ["a b", "a"].map(|names| {
        let names: Vec<_> = names.split(' ').collect();
        record("properties/+", further(&names))
    });
    let report = check(&with(lid, json!(records)), &theirs);
    let at = format!("{lid}/x-departures/1");
    assert_eq!(report.findings[0].record, Some(at));
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

#[test]
fn each_record_of_the_real_fragment_has_its_reason() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap();
    let fragment = crate::fragment::read(root).unwrap();
    let records = Records::collect(&fragment).unwrap();
    let unfinished = records.iter().filter(|(_, record)| record.unfinished);
    let unfinished: Vec<_> = unfinished.map(|(_, record)| &record.at).collect();
    assert_eq!(unfinished, [""; 0]);
    assert!(records.iter().count() > 50);
}
