//! Addresses, and what may be chosen in them.

use serde_json::{Value, json};

use super::small::{LID, check, fragment, lines, put, try_check, upstream};

/// What is said of upstream's `theirs` where ours has `ours`.
fn found(ours: Value, theirs: Value) -> Vec<String> {
    let (mut fragment, mut upstream) = (fragment(), upstream());
    put(&mut fragment, "/servers", json!([ours]));
    put(&mut upstream, "/servers", json!([theirs]));
    lines(&check(&fragment, &upstream))
}

/// A server of which one part is a variable.
fn regional(name: &str, default: &str, regions: &[&str]) -> Value {
    let variable = json!({"default": default, "enum": regions, "description": "d"});
    json!({"url": format!("https://{{{name}}}.example/v1/"), "variables": {name: variable}})
}

#[test]
fn a_choice_is_part_of_the_address() {
    let ours = regional("region", "eu", &["eu", "us"]);
    let same = regional("place", "eu", &["us", "eu"]);
    assert_eq!(found(ours.clone(), same), [""; 0]);
    for theirs in [
        regional("region", "us", &["eu", "us"]),
        regional("region", "eu", &["eu"]),
        regional("region", "eu", &["eu", "us", "asia"]),
        json!({"url": "https://eu.example/v1"}),
    ] {
        let found = found(ours.clone(), theirs.clone());
        let line = "breaking unrecorded /servers | `servers` changed";
        assert_eq!(found, [line], "{theirs}");
    }
}

#[test]
fn no_choice_is_no_difference() {
    let ours = json!({"url": "https://eu.example/v1"});
    let number =
        json!({"url": "https://eu.example/v{number}", "variables": {"number": {"default": 1}}});
    assert_eq!(found(ours.clone(), regional("r", "eu", &["eu"])), [""; 0]);
    assert_eq!(found(ours.clone(), number), [""; 0]);
    assert_eq!(found(ours.clone(), regional("r", "us", &["us"])).len(), 1);
    // A host cares for no case, and a path does.
    let capitals = |path: &str| json!({"url": format!("HTTPS://EU.Example/{path}")});
    assert_eq!(found(ours.clone(), capitals("v1")), [""; 0]);
    assert_eq!(found(ours.clone(), capitals("V1")).len(), 1);
    // Nor does it matter whether the usual port is written.
    let port = |port: u16| json!({"url": format!("https://eu.example:{port}/v1")});
    assert_eq!(found(ours.clone(), port(443)), [""; 0]);
    assert_eq!(found(ours, port(444)).len(), 1);
}

#[test]
fn a_server_of_one_operation_may_leave_a_choice_too() {
    let mut theirs = upstream();
    put(
        &mut theirs,
        &format!("{LID}/get/servers"),
        json!([regional("r", "eu", &["eu", "us"])]),
    );
    let report = check(&fragment(), &theirs);
    assert_eq!(
        lines(&report),
        [format!(
            "breaking unrecorded {LID}/get/servers | `servers` is new"
        )]
    );
}

#[test]
fn a_variable_without_a_value_cannot_be_told() {
    let variable = json!({"url": "https://{r}.example"});
    let table = [
        (json!({}), "not defined"),
        (json!({"r": {"enum": ["eu"]}}), "needs a `default`"),
        (
            json!({"r": {"default": "eu", "enum": "eu"}}),
            "list of texts",
        ),
    ];
    for (variables, want) in table {
        let mut theirs = upstream();
        put(&mut theirs, "/servers", json!([variable]));
        put(&mut theirs, "/servers/0/variables", variables);
        let error = format!("{:#}", try_check(&fragment(), &theirs).unwrap_err());
        assert!(error.contains("at #/servers/0/variables/r: "), "{error}");
        assert!(error.contains(want), "{error}");
    }
}

#[test]
fn a_record_holds_what_a_finding_shows() {
    let mut theirs = upstream();
    put(
        &mut theirs,
        "/servers",
        json!([regional("r", "eu", &["eu", "us"])]),
    );
    let told = check(&fragment(), &theirs).findings[0]
        .upstream
        .value
        .clone();
    let mut ours = fragment();
    ours["x-departures"] = json!([{"aspect": "servers", "upstream": told, "reason": "Because."}]);
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
}
