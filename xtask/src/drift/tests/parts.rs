//! Where a schema of several parts has lost something: at the part that had it, or
//! where the document cannot tell, at each that may have had it.

use serde_json::{Value, json};

use super::small::{LID, LIDS, SCHEMAS, at, check, cut, fragment, lines, put, upstream};
use crate::drift::report::Finding;

const LIST: &str = "/components/schemas/lid_response_collection/allOf";
const ONE: &str = "/components/schemas/lid_response_single/allOf";

/// Upstream with a list in two layers, of which the outer says what the list holds,
/// and with more facts that only parts say.
fn layered() -> Value {
    let mut upstream = upstream();
    put(
        &mut upstream,
        &format!("{SCHEMAS}/list_envelope"),
        json!({"type": "object", "allOf": [
            {"$ref": "#/components/schemas/common_envelope"},
            {"$ref": "#/components/schemas/paged"}
        ]}),
    );
    put(
        &mut upstream,
        &format!("{SCHEMAS}/paged"),
        json!({"properties": {
            "result": {"type": "array", "nullable": true, "items": {}},
            "page": {"type": "object", "properties": {"number": {"type": "integer"}}}
        }}),
    );
    put(
        &mut upstream,
        LIST,
        json!([
            {"$ref": "#/components/schemas/list_envelope"},
            {"properties": {"result": {"type": "array", "items": {"$ref": "#/components/schemas/lid"}}}},
            {"properties": {"page": {"properties": {"of": {"type": "integer"}}}}}
        ]),
    );
    put(
        &mut upstream,
        &format!("{SCHEMAS}/texts"),
        json!({"type": "array", "items": {"type": "string"}}),
    );
    put(
        &mut upstream,
        &format!("{SCHEMAS}/common_failure/properties/notes"),
        json!({"allOf": [{"$ref": "#/components/schemas/texts"}], "minItems": 1}),
    );
    put(
        &mut upstream,
        &format!("{LID}/get/security"),
        json!([{"bearer": []}, {}]),
    );
    upstream
}

fn ours() -> Value {
    let mut ours = fragment();
    put(
        &mut ours,
        "/components/schemas/Lids/properties/page",
        json!({"type": "object", "properties": {"number": {"type": "integer"}, "of": {"type": "integer"}}}),
    );
    put(
        &mut ours,
        "/components/schemas/Failure/properties/notes",
        json!({"type": "array", "items": {"type": "string"}, "minItems": 1}),
    );
    let get = at(&mut ours, "/paths/~1boxes~1{box_id}~1lids~1{lid_id}/get");
    get["security"] = json!([{"token": []}, {}]);
    ours
}

fn findings(change: impl Fn(&mut Value)) -> Vec<Finding> {
    let mut theirs = layered();
    assert_eq!(lines(&check(&ours(), &theirs)), [""; 0]);
    change(&mut theirs);
    check(&ours(), &theirs).findings
}

fn rename(theirs: &mut Value, at: &str, name: &str) {
    let value = cut(theirs, at);
    let (container, _) = at.rsplit_once('/').unwrap();
    put(theirs, &format!("{container}/{name}"), value);
}

type Change = fn(&mut Value);

#[test]
fn the_part_that_lost_it_comes_first() {
    let table: &[(&str, Change, &str, String)] = &[
        (
            "field that another part has, too",
            |u| drop(cut(u, &format!("{LIST}/1/properties/result"))),
            "`items` of \"result\" is gone",
            format!("{LIST}/1/properties/result/items"),
        ),
        (
            "the same, renamed",
            |u| rename(u, &format!("{LIST}/1/properties/result"), "results"),
            "`items` of \"result\" is gone",
            format!("{LIST}/1/properties/result/items"),
        ),
        (
            "what the list holds",
            |u| drop(cut(u, &format!("{LIST}/1/properties/result/items"))),
            "`items` of \"result\" is gone",
            format!("{LIST}/1/properties/result/items"),
        ),
        (
            "all that what the list holds says",
            |u| put(u, &format!("{SCHEMAS}/lid"), json!({})),
            "`items` of \"result\" is gone",
            format!("{SCHEMAS}/lid"),
        ),
        (
            "all fields of a part, with braces left",
            |u| put(u, &format!("{LIST}/2/properties"), json!({})),
            "the field \"of\" is gone",
            format!("{LIST}/2/properties/page/properties/of"),
        ),
        (
            "a field around the only field of a part, renamed",
            |u| rename(u, &format!("{LIST}/2/properties/page"), "pages"),
            "the field \"of\" is gone",
            format!("{LIST}/2/properties/page/properties/of"),
        ),
        (
            "a field beside others, renamed",
            |u| {
                rename(
                    u,
                    &format!("{SCHEMAS}/paged/properties/page/properties/number"),
                    "no",
                )
            },
            "the field \"number\" is gone",
            format!("{SCHEMAS}/paged/properties/page/properties/number"),
        ),
        (
            "a field of the part that requires it",
            |u| {
                drop(cut(
                    u,
                    &format!("{SCHEMAS}/common_envelope/properties/success"),
                ))
            },
            "the field \"success\" is gone",
            format!("{SCHEMAS}/common_envelope/properties/success"),
        ),
        (
            "all of an answer",
            |u| put(u, &format!("{SCHEMAS}/lid_response_single"), json!({})),
            "`schema` of \"200\" is gone",
            format!("{SCHEMAS}/lid_response_single"),
        ),
        (
            "security of its own",
            |u| drop(cut(u, &format!("{LID}/get/security"))),
            "`security` changed",
            format!("{LID}/get/security"),
        ),
        (
            "a type that others do not agree with",
            |u| {
                put(
                    u,
                    &format!("{LIST}/1/properties/result/type"),
                    json!("object"),
                )
            },
            "the field \"result\" changed",
            format!("{LIST}/1/properties/result/type"),
        ),
    ];
    for (name, change, what, place) in table {
        let findings = findings(change);
        let told = findings.iter().find(|finding| finding.what == *what);
        let told = told.unwrap_or_else(|| panic!("{name}: {findings:#?}"));
        assert_eq!(told.upstream.pointer, *place, "{name}: {:?}", told.upstream);
    }
}

#[test]
fn what_cannot_be_told_names_all_that_may_be() {
    let table: &[(&str, Change, &str, String)] = &[
        (
            "part removed, with what another has in general",
            |u| drop(cut(u, &format!("{LIST}/1"))),
            "`items` of \"result\" is gone",
            LIST.to_owned(),
        ),
        (
            "part removed, with a field inside of a field",
            |u| drop(cut(u, &format!("{LIST}/2"))),
            "the field \"of\" is gone",
            LIST.to_owned(),
        ),
        (
            "type that kept null out",
            |u| drop(cut(u, &format!("{LIST}/1/properties/result/type"))),
            "`nullable` of \"result\" is new",
            format!("{LIST}/1/properties/result/type"),
        ),
        (
            "limit beside the only part",
            |u| {
                drop(cut(
                    u,
                    &format!("{SCHEMAS}/common_failure/properties/notes/minItems"),
                ))
            },
            "`minItems` of \"notes\" is gone",
            format!("{SCHEMAS}/common_failure/properties/notes/minItems"),
        ),
        (
            "reference that leads elsewhere",
            |u| {
                let reference = json!({"$ref": "#/components/schemas/texts"});
                put(u, &format!("{SCHEMAS}/lid/properties/made_on"), reference);
            },
            "`type` of \"made_on\" changed",
            format!("{SCHEMAS}/lid/properties/made_on"),
        ),
        (
            "reference that makes a required field impossible",
            |u| {
                put(u, &format!("{SCHEMAS}/flag"), json!({"type": "boolean"}));
                let places = [
                    "common_envelope/properties/success",
                    "lid_response_single/allOf/1/properties/success",
                ];
                for (place, name) in places.iter().zip(["flag", "texts"]) {
                    let reference = json!({"$ref": format!("#/components/schemas/{name}")});
                    put(u, &format!("{SCHEMAS}/{place}"), reference);
                }
            },
            "`schema` of \"200\" changed",
            format!("{ONE}/1/properties/success"),
        ),
        (
            "reference to a whole answer that leads elsewhere",
            |u| {
                let media = format!("{LIDS}/post/responses/200/content/application~1json");
                let reference = json!({"$ref": "#/components/schemas/texts"});
                put(u, &format!("{media}/schema"), reference);
            },
            "`type` of \"200\" changed",
            format!("{LIDS}/post/responses/200/content/application~1json/schema"),
        ),
    ];
    for (name, change, what, place) in table {
        let findings = findings(change);
        let told = findings.iter().find(|finding| finding.what == *what);
        let told = told.unwrap_or_else(|| panic!("{name}: {findings:#?}"));
        assert!(
            told.upstream.places().any(|named| named == place),
            "{name}: {:?}",
            told.upstream
        );
    }
}

#[test]
fn a_reference_is_not_named_where_others_lead_there_too() {
    // Answers and a request have sizes.
    let findings = findings(|u| put(u, &format!("{SCHEMAS}/size/minimum"), json!(2)));
    assert_eq!(findings.len(), 2, "{findings:#?}");
    for told in findings {
        assert_eq!(told.upstream.pointer, format!("{SCHEMAS}/size/minimum"));
        assert_eq!(told.upstream.also, [""; 0]);
    }
    // Nor could a reference itself hold what is gone.
    let lost = self::findings(|u| drop(cut(u, &format!("{SCHEMAS}/size/maximum"))));
    let place = format!("{SCHEMAS}/size/maximum");
    for told in lost {
        assert_eq!(told.upstream.pointer, place);
        let mut also = told.upstream.also.iter();
        assert!(also.all(|at| at.ends_with("/allOf")), "{:?}", told.upstream);
    }
}

#[test]
fn a_schema_that_only_joins_others_is_no_suspect() {
    let mut theirs = layered();
    let mut ours = ours();
    let page = format!("{SCHEMAS}/paged/properties/page/properties");
    let size = json!({"type": "integer"});
    put(&mut theirs, &format!("{page}/size"), size.clone());
    let our_size = "/components/schemas/Lids/properties/page/properties/size";
    put(&mut ours, our_size, size);
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
    cut(&mut theirs, &format!("{page}/size"));
    let report = check(&ours, &theirs);
    let [told] = report.findings.as_slice() else {
        panic!("{:#?}", lines(&report))
    };
    let outer = format!("{LIST}/2/properties/page/properties/size");
    assert_eq!(told.upstream.pointer, outer);
    assert_eq!(told.upstream.also[0], format!("{page}/size"));
}

#[test]
fn what_all_uses_have_in_common_is_likelier() {
    // Two answers that ours has one schema for, with an envelope in two layers.
    let mut theirs = layered();
    let result = json!({"nullable": true, "allOf": [{"$ref": "#/components/schemas/lid"}]});
    let middle = format!("{SCHEMAS}/middle");
    put(
        &mut theirs,
        &middle,
        json!({"allOf": [
            {"$ref": "#/components/schemas/common_envelope"},
            {"properties": {"result": {"nullable": true}}}
        ]}),
    );
    for (name, media) in [
        ("one", format!("{LID}/get")),
        ("other", format!("{LIDS}/post")),
    ] {
        put(
            &mut theirs,
            &format!("{SCHEMAS}/{name}"),
            json!({"allOf": [
                {"$ref": "#/components/schemas/middle"},
                {"properties": {"result": result}}
            ]}),
        );
        put(
            &mut theirs,
            &format!("{media}/responses/200/content/application~1json/schema"),
            json!({"$ref": format!("#/components/schemas/{name}")}),
        );
    }
    assert_eq!(lines(&check(&ours(), &theirs)), [""; 0]);
    cut(
        &mut theirs,
        &format!("{SCHEMAS}/common_envelope/properties/success"),
    );
    let report = check(&ours(), &theirs);
    let of_both = |finding: &&Finding| finding.operations.len() == 3;
    let told = report.findings.iter().find(of_both).unwrap();
    assert_eq!(
        told.upstream.pointer,
        format!("{SCHEMAS}/common_envelope/properties/success")
    );
    let also = &told.upstream.also;
    assert!(also[0].starts_with(&middle), "{also:?}");
}

#[test]
fn a_contradiction_that_lost_a_side_names_its_list() {
    let mut theirs = layered();
    let clash = json!({"properties": {"success": {"type": "string"}}});
    put(&mut theirs, &format!("{ONE}/-"), clash);
    let mut ours = ours();
    let one = at(&mut ours, "/components/schemas/OneLid");
    one["x-departures"] = json!([{
        "aspect": "",
        "upstream": {"allOf": [
            {"required": ["success"], "properties": {"success": {"type": "boolean"}}},
            {"properties": {"success": {"type": "string"}}}
        ]},
        "reason": "Nothing is like that."
    }]);
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
    cut(&mut theirs, &format!("{ONE}/2"));
    let report = check(&ours, &theirs);
    assert!(!report.findings.is_empty());
    for finding in &report.findings {
        let upstream = &finding.upstream;
        assert!(upstream.also.contains(&ONE.to_owned()), "{upstream:?}");
    }
}

#[test]
fn a_place_that_would_have_changed_more_is_not_the_first() {
    let mut ours = fragment();
    put(
        &mut ours,
        &format!("{SCHEMAS}/Lids/properties/success/nullable"),
        json!(true),
    );
    // Null may come where all parts let it in.
    let mut theirs = upstream();
    put(
        &mut theirs,
        &format!("{SCHEMAS}/common_envelope/properties/success/nullable"),
        json!(true),
    );
    let part = format!("{SCHEMAS}/lid_response_single/allOf/1/properties/success");
    put(&mut theirs, &part, json!({"type": "boolean"}));
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
    put(&mut theirs, &format!("{part}/nullable"), json!(true));
    let found = lines(&check(&ours, &theirs));
    let line = format!("breaking unrecorded {part}/nullable | `nullable` of \"success\" is new");
    assert_eq!(found, [line]);
}
