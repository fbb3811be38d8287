//! A document that was cut off is not one that lost something.

use serde_json::{Value, json};

use super::small::{LID, SCHEMAS, cut, fragment, put, upstream};
use crate::drift::answer;
use crate::drift::report::Report;

fn check(text: &str) -> anyhow::Result<Report> {
    answer(&fragment().to_string(), text.into(), "document")
}

/// As YAML, with the members in this order.
fn in_order(document: &Value, members: &[&str]) -> String {
    let member = |name: &&str| yaml(&json!({*name: document[*name]}), 0);
    members.iter().map(member).collect()
}

/// How documents are ordered: as published, and as people write them.
const ORDERS: [[&str; 6]; 2] = [
    [
        "components",
        "info",
        "openapi",
        "paths",
        "security",
        "servers",
    ],
    [
        "openapi",
        "info",
        "servers",
        "security",
        "paths",
        "components",
    ],
];

#[test]
fn no_cut_of_json_is_a_document() {
    let whole = upstream().to_string();
    for length in (0..whole.len()).step_by(7) {
        assert!(check(&whole[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn no_cut_of_yaml_looks_like_drift() {
    for order in ORDERS {
        let whole = in_order(&upstream(), &order);
        assert_eq!(check(&whole).unwrap().exit(), 0);
        for length in 0..whole.len() - 1 {
            // Within lines, a few will do.
            if length % 7 != 0 && !whole[..length].ends_with('\n') {
                continue;
            }
            let code = check(&whole[..length]).map_or(2, |report| report.exit());
            // What comes after may be of no concern.
            assert_ne!(
                code,
                1,
                "{order:?} cut at {length}: …{}",
                &whole[length.saturating_sub(200)..length]
            );
        }
    }
}

#[test]
fn what_whole_yaml_lost_is_drift() {
    for order in ORDERS {
        for place in [
            format!("{SCHEMAS}/lid/properties/made_on"),
            format!("{LID}/get/responses/4XX"),
        ] {
            let mut document = upstream();
            cut(&mut document, &place);
            // Neither is the last thing in the text.
            put(
                &mut document,
                &format!("{SCHEMAS}/~~~~unused"),
                json!({"type": "string"}),
            );
            document["paths"]["/~~~~unused"] = json!({"get": {"responses": {}}});
            let report = check(&in_order(&document, &order)).unwrap();
            assert_eq!(report.exit(), 1, "{place}: {:?}", report.problems);
        }
    }
}

#[test]
fn the_sign_of_a_cut_is_told() {
    let [published, _] = ORDERS;
    let whole = in_order(&upstream(), &published);
    let (front, _) = whole.split_once("\"security\":\n").unwrap();
    let mut missing = upstream();
    cut(&mut missing, &format!("{LID}/get/responses/4XX"));
    let mut unrelated = missing.clone();
    unrelated["paths"]["/unrelated"]["get"]["responses"]["200"] =
        json!({"$ref": "#/components/responses/none"});
    let mut last = missing.clone();
    last["paths"].as_object_mut().unwrap().remove("/unrelated");
    let paths_last = [
        "components",
        "info",
        "openapi",
        "security",
        "servers",
        "paths",
    ];
    for (text, want) in [
        (front.to_owned(), "it has no `security`"),
        (
            in_order(&unrelated, &published),
            "#/components/responses/none is referred to, and not there",
        ),
        (
            in_order(&last, &paths_last),
            "something is missing there: the answer 4XX is gone",
        ),
        (
            in_order(&missing, &published).trim_end().to_owned(),
            "it does not end with a line end",
        ),
    ] {
        let report = check(&text).unwrap();
        assert_eq!(report.exit(), 2);
        // The findings are there all the same.
        assert!(!report.findings.is_empty(), "{want}");
        let said = &report.problems[0].message;
        assert!(
            said.starts_with("is the YAML cut off? ") && said.contains(want),
            "{said}"
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
