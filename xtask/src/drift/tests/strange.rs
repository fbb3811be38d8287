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
fn what_is_no_document_gets_one_line() {
    let deep = "{\"a\":".repeat(100_000);
    let whole = upstream().to_string();
    let cut = &whole[..whole.len() * 2 / 3];
    let mut empty = upstream();
    empty["paths"] = json!({});
    let mut wrong = upstream();
    wrong["components"] = json!([]);
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
        ("components in a list", wrong.to_string(), "at #/components"),
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
    }
    let error = answer("{}", vec![b'{', 0xff], "document").unwrap_err();
    assert_eq!(
        error.to_string(),
        "document: not UTF-8 text: byte 1 belongs to no character"
    );
}

#[test]
fn no_cut_makes_it_panic_or_silent() {
    let ours = fragment().to_string();
    let whole = upstream().to_string();
    for length in (0..whole.len()).step_by(7) {
        let cut = whole.as_bytes()[..length].to_vec();
        assert!(answer(&ours, cut, "document").is_err(), "cut at {length}");
    }
    // Much of what is cut out of YAML is YAML, so here it takes a look at what
    // is missing.
    let whole = yaml(&upstream(), 0);
    let whole = whole.trim_end();
    assert_eq!(answer(&ours, whole.into(), "document").unwrap().exit(), 0);
    for length in (0..whole.len() - 1).step_by(7) {
        let outcome = answer(&ours, whole.as_bytes()[..length].to_vec(), "document");
        let code = outcome.map_or(2, |report| report.exit());
        let line_ends = whole.as_bytes()[..length].ends_with(b"\n");
        assert!(
            code == 2 || (line_ends && code == 1),
            "cut at {length}: {code}"
        );
    }
}

/// Block style, a line for each value.
fn yaml(value: &Value, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let below = |value: &Value| match value {
        Value::Object(members) if !members.is_empty() => format!("\n{}", yaml(value, indent + 1)),
        Value::Array(items) if !items.is_empty() => format!("\n{}", yaml(value, indent + 1)),
        value => format!(" {value}\n"),
    };
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| format!("{margin}{}:{}", json!(name), below(value)))
            .collect(),
        Value::Array(items) => items
            .iter()
            .map(|value| format!("{margin}-{}", below(value)))
            .collect(),
        value => format!("{margin}{value}\n"),
    }
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
