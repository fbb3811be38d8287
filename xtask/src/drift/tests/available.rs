//! Operations under our paths that ours does not have.

use serde_json::{Value, json};

use super::small::{LID, at, check, follow, followed, fragment, lines, put, try_check, upstream};

const OURS: &str = "/paths/~1boxes~1{box_id}~1lids~1{lid_id}";
const SCREWS: &str = "/paths/~1boxes~1{b}~1lids~1{l}~1screws";
const SCREW: &str = "/paths/~1boxes~1{b}~1lids~1{l}~1screws~1{screw}";

/// Upstream with three operations below a path of ours.
fn with_screws() -> Value {
    let mut theirs = upstream();
    let operation = json!({"responses": {}});
    put(
        &mut theirs,
        SCREWS,
        json!({"get": operation, "post": operation}),
    );
    put(&mut theirs, SCREW, json!({"get": operation}));
    theirs
}

fn recorded(aspect: &str, upstream: Value) -> Value {
    let mut ours = fragment();
    at(&mut ours, OURS)["x-departures"] =
        json!([{"aspect": aspect, "upstream": upstream, "reason": "Because."}]);
    ours
}

#[test]
fn what_is_below_a_path_is_reported_together() {
    let report = check(&fragment(), &with_screws());
    assert_eq!(
        lines(&report),
        [format!(
            "addition available {SCREWS}/get | 3 operations that ours does not have"
        )]
    );
    let finding = &report.findings[0];
    assert_eq!(finding.operations.len(), 3, "{:?}", finding.operations);
    assert_eq!(
        finding.upstream.also,
        [format!("{SCREWS}/post"), format!("{SCREW}/get")]
    );
}

#[test]
fn a_path_may_be_a_reference() {
    let behind = |mut theirs: Value, item: Value| {
        put(&mut theirs, "/components/pathItems", json!({"p": item}));
        put(
            &mut theirs,
            SCREWS,
            json!({"$ref": "#/components/pathItems/p"}),
        );
        theirs
    };
    let item = json!({"get": {"responses": {}}, "post": {"responses": {}}});
    let theirs = behind(upstream(), item);
    let report = check(&fragment(), &theirs);
    let line = format!("addition available {SCREWS}/get | 2 operations that ours does not have");
    assert_eq!(lines(&report), [line]);
    // What is recorded to be left out stays so.
    let mut ours = fragment();
    follow(&mut ours, &report.findings[0]);
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
    // And is not called stale where nobody can look.
    let report = check(&ours, &behind(upstream(), json!({"$ref": "#/nowhere"})));
    assert_eq!((report.exit(), lines(&report)), (2, Vec::new()));
}

#[test]
fn advice_that_is_followed_hides_nothing_that_comes_later() {
    // One operation, several, and one at our own path.
    for methods in [&["get"][..], &["get", "post", "delete"]] {
        let mut theirs = upstream();
        put(&mut theirs, SCREWS, json!({}));
        for method in methods {
            put(
                &mut theirs,
                &format!("{SCREWS}/{method}"),
                json!({"responses": {}}),
            );
        }
        put(
            &mut theirs,
            &format!("{LID}/patch"),
            json!({"responses": {}}),
        );
        let ours = followed(&fragment(), &theirs);
        for (path, method) in [(SCREWS, "put"), (SCREW, "get"), (LID, "put")] {
            let mut later = theirs.clone();
            if later.pointer(path).is_none() {
                put(&mut later, path, json!({}));
            }
            let place = format!("{path}/{method}");
            put(&mut later, &place, json!({"responses": {}}));
            assert_eq!(
                lines(&check(&ours, &later)),
                [format!(
                    "addition available {place} | an operation that ours does not have"
                )]
            );
        }
    }
}

#[test]
fn one_record_may_name_many() {
    let listed = json!({"/screws": "get post", "/screws/{id}": "get"});
    let ours = recorded("below/+", listed);
    assert_eq!(lines(&check(&ours, &with_screws())), [""; 0]);
    let mut more = with_screws();
    put(
        &mut more,
        &format!("{SCREW}/delete"),
        json!({"responses": {}}),
    );
    let report = check(&ours, &more);
    assert_eq!(
        lines(&report),
        [format!(
            "addition available {SCREW}/delete | an operation that ours does not have"
        )]
    );
    let edit = &report.findings[0].edit;
    let advice = format!("set #{OURS}/x-departures/0/upstream/~1screws~1{{screw}} to \"delete\"");
    assert!(edit.ends_with(&advice), "{edit}");
    let mut ours = ours;
    follow(&mut ours, &report.findings[0]);
    assert_eq!(lines(&check(&ours, &more)), [""; 0]);
}

#[test]
fn what_was_left_out_and_went_is_a_note() {
    let ours = recorded(
        "below/+",
        json!({"/screws": "get post patch", "/screws/{id}": "get"}),
    );
    let report = check(&ours, &with_screws());
    assert_eq!(report.exit(), 0, "{:#?}", lines(&report));
    assert!(
        report.notes[0].ends_with("no longer has: PATCH …/screws"),
        "{:?}",
        report.notes
    );
    // A record of which nothing is left is stale.
    let report = check(&ours, &upstream());
    assert_eq!(
        lines(&report),
        ["relaxation stale  | a record that explains nothing"]
    );
}

#[test]
fn a_record_that_would_hide_everything_is_refused() {
    for (aspect, upstream) in [
        ("below", json!("available")),
        ("below/~1screws", json!("available")),
        ("below/~1screws/*", json!("available")),
        ("below/screws/get", json!("available")),
        ("below/~1screws/get", json!(null)),
        ("below/+", json!("available")),
        ("below/+", json!({"/screws": ""})),
        ("below/+", json!({"/screws": "*"})),
        ("below/+", json!({"screws": "get"})),
        ("patch", json!({})),
        ("ptach", json!("available")),
    ] {
        let outcome = try_check(&recorded(aspect, upstream.clone()), &with_screws());
        let error = format!("{:#}", outcome.unwrap_err());
        assert!(
            error.contains(&format!(
                "at #{OURS}/x-departures/0: at a path, a departure leaves"
            )),
            "{aspect} {upstream}: {error}"
        );
    }
}
