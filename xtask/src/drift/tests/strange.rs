//! Documents that nobody can make sense of get an answer all the same.

use serde_json::{Value, json};

use super::small::{LID, LIDS, SCHEMAS, check, fragment, put, try_check, upstream};
use crate::drift::answer;

#[test]
fn what_touches_one_operation_costs_only_its_answer() {
    type Change = fn(&mut Value);
    let one = format!("{LIDS}/post/requestBody/content/application~1json/schema");
    let table: &[(&str, Change, &str)] = &[
        (
            "missing component",
            |u| {
                put(
                    u,
                    &format!("{LIDS}/post/requestBody/content/application~1json/schema"),
                    json!({"$ref": "#/components/schemas/none"}),
                )
            },
            "leads nowhere",
        ),
        (
            "limit in quotes",
            |u| {
                put(
                    u,
                    &format!(
                        "{LIDS}/post/requestBody/content/application~1json/schema/properties/label/maxLength"
                    ),
                    json!("80"),
                )
            },
            "there should be a number from 0 on here",
        ),
        (
            "limit below nothing",
            |u| {
                put(
                    u,
                    &format!(
                        "{LIDS}/post/requestBody/content/application~1json/schema/properties/label/maxLength"
                    ),
                    json!(-1),
                )
            },
            "there should be a number from 0 on here",
        ),
        (
            "limit that is a list",
            |u| {
                put(
                    u,
                    &format!(
                        "{LIDS}/post/requestBody/content/application~1json/schema/properties/label/exclusiveMinimum"
                    ),
                    json!([1]),
                )
            },
            "there should be a number here",
        ),
        (
            "missing kind of component",
            |u| {
                put(
                    u,
                    &format!("{LIDS}/post/requestBody"),
                    json!({"$ref": "#/components/requestBodies/none"}),
                )
            },
            "leads nowhere",
        ),
        (
            "reference to another file",
            |u| {
                put(
                    u,
                    &format!("{LIDS}/post/requestBody/content/application~1json/schema"),
                    json!({"$ref": "other.yaml#/x"}),
                )
            },
            "leads out of the document",
        ),
        (
            "reference to everything",
            |u| {
                put(
                    u,
                    &format!("{LIDS}/post/requestBody/content/application~1json/schema"),
                    json!({"$ref": "#/components"}),
                )
            },
            "more than one component",
        ),
        (
            "reference that is a number",
            |u| {
                put(
                    u,
                    &format!("{LIDS}/post/requestBody/content/application~1json/schema"),
                    json!({"$ref": 7}),
                )
            },
            "not text",
        ),
        (
            "reference to itself",
            |u| {
                put(
                    u,
                    &format!("{SCHEMAS}/a"),
                    json!({"$ref": "#/components/schemas/b"}),
                );
                put(
                    u,
                    &format!("{SCHEMAS}/b"),
                    json!({"allOf": [{"$ref": "#/components/schemas/a"}]}),
                );
                put(
                    u,
                    &format!("{LIDS}/post/requestBody/content/application~1json/schema"),
                    json!({"$ref": "#/components/schemas/a"}),
                );
            },
            "round to itself",
        ),
        (
            "body that refers to itself",
            |u| {
                put(
                    u,
                    "/components/requestBodies",
                    json!({"a": {"$ref": "#/components/requestBodies/a"}}),
                );
                put(
                    u,
                    &format!("{LIDS}/post/requestBody"),
                    json!({"$ref": "#/components/requestBodies/a"}),
                );
            },
            "round to itself",
        ),
        (
            "schema that is a number",
            |u| {
                put(
                    u,
                    &format!("{LIDS}/post/requestBody/content/application~1json/schema"),
                    json!(7),
                )
            },
            "should be a schema",
        ),
        (
            "type that is none",
            |u| {
                put(
                    u,
                    &format!("{LIDS}/post/requestBody/content/application~1json/schema/type"),
                    json!("text"),
                )
            },
            "no type",
        ),
        (
            "properties in a list",
            |u| {
                put(
                    u,
                    &format!("{LIDS}/post/requestBody/content/application~1json/schema/properties"),
                    json!([]),
                )
            },
            "should be an object",
        ),
        (
            "required that is no list",
            |u| {
                put(
                    u,
                    &format!("{LIDS}/post/requestBody/content/application~1json/schema/required"),
                    json!(true),
                )
            },
            "should be a list",
        ),
        (
            "parameters that are no list",
            |u| put(u, &format!("{LIDS}/post/parameters"), json!({})),
            "should be a list",
        ),
        (
            "parameter without a name",
            |u| {
                put(
                    u,
                    &format!("{LIDS}/post/parameters"),
                    json!([{"in": "query"}]),
                )
            },
            "needs `name` and `in`",
        ),
        (
            "answers in a list",
            |u| put(u, &format!("{LIDS}/post/responses"), json!([])),
            "should be an object",
        ),
        (
            "security scheme that is not there",
            |u| put(u, &format!("{LIDS}/post/security"), json!([{"none": []}])),
            "not defined",
        ),
        (
            "operation that is a text",
            |u| put(u, &format!("{LIDS}/post"), json!("here")),
            "should be an operation",
        ),
        (
            "references that fan out",
            |u| {
                for level in 0..40 {
                    let next = json!({"$ref": format!("#/components/schemas/l{}", level + 1)});
                    put(
                        u,
                        &format!("{SCHEMAS}/l{level}"),
                        json!({"type": "object", "properties": {"a": next, "b": next}}),
                    );
                }
                put(u, &format!("{SCHEMAS}/l40"), json!({}));
                put(
                    u,
                    &format!("{LIDS}/post/requestBody/content/application~1json/schema"),
                    json!({"$ref": "#/components/schemas/l0"}),
                );
            },
            "without end",
        ),
        (
            "references in a long row",
            |u| {
                for level in 0..5000 {
                    put(
                        u,
                        &format!("{SCHEMAS}/l{level}"),
                        json!({"allOf": [{"$ref": format!("#/components/schemas/l{}", level + 1)}]}),
                    );
                }
                put(
                    u,
                    &format!("{LIDS}/post/requestBody/content/application~1json/schema"),
                    json!({"$ref": "#/components/schemas/l0"}),
                );
            },
            "too deeply",
        ),
    ];
    for (name, change, want) in table {
        let mut strange = upstream();
        change(&mut strange);
        let report = check(&fragment(), &strange);
        assert_eq!(report.exit(), 2, "{name}");
        let [problem] = report.problems.as_slice() else {
            panic!("{name}: {:#?}", report.problems)
        };
        assert_eq!(report.operations, 3, "{name}");
        assert!(problem.message.contains(want), "{name}: {problem:?}");
        assert_eq!(
            problem.operation.as_deref(),
            Some("POST /boxes/{box_id}/lids"),
            "{name}"
        );
        assert!(report.findings.is_empty(), "{name}: {:?}", report.findings);
    }
    // All else is still compared.
    let mut both = upstream();
    put(
        &mut both,
        &one,
        json!({"$ref": "#/components/schemas/none"}),
    );
    put(
        &mut both,
        &format!("{LID}/delete/responses/404"),
        json!({"description": "d"}),
    );
    let report = check(&fragment(), &both);
    assert_eq!((report.exit(), report.findings.len()), (2, 1));
}

#[test]
fn a_path_that_is_none_is_not_taken_for_gone() {
    for strange in [json!(7), json!(null), json!([]), json!("here")] {
        let mut theirs = upstream();
        put(&mut theirs, LID, strange.clone());
        let report = check(&fragment(), &theirs);
        assert_eq!(report.exit(), 2, "{strange}");
        assert!(
            report.findings.is_empty(),
            "{strange}: {:?}",
            report.findings
        );
        for problem in &report.problems {
            assert_eq!(problem.pointer, LID, "{strange}");
        }
    }
}

#[test]
fn what_is_nested_too_deeply_is_not_taken_for_gone() {
    let mut strange = upstream();
    put(&mut strange, &format!("{LIDS}/x-deep"), json!("DEEP"));
    let deep = "[".repeat(500) + &"]".repeat(500);
    let text = strange.to_string().replace("\"DEEP\"", &deep);
    let report = answer(&fragment().to_string(), text.into_bytes(), "document").unwrap();
    assert_eq!(
        (report.exit(), report.problems.len()),
        (2, 2),
        "{:?}",
        report.problems
    );
    assert!(
        report.problems[0].message.contains("nested too deeply"),
        "{:?}",
        report.problems
    );
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn no_value_in_a_strange_place_makes_it_panic() {
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{at}/{name}"), found);
            }),
            Value::Array(items) => items.iter().enumerate().for_each(|(index, value)| {
                places(value, &format!("{at}/{index}"), found);
            }),
            _ => {}
        }
    }
    let mut found = Vec::new();
    places(&upstream(), "", &mut found);
    let strange = [json!(null), json!(7), json!([]), json!({"$ref": "#/paths"})];
    for place in &found[1..] {
        for value in &strange {
            let mut document = upstream();
            put(&mut document, place, value.clone());
            // Any answer will do.
            let _ = try_check(&fragment(), &document);
            let mut ours = fragment();
            if ours.pointer(place).is_some() {
                put(&mut ours, place, value.clone());
                let _ = try_check(&ours, &upstream());
            }
        }
    }
}
