//! Security schemes go by what they put on the wire.

use serde_json::{Value, json};

use super::small::{check, cut, fragment, lines, put, try_check, upstream};

const SCHEME: &str = "/components/securitySchemes/bearer";

/// Upstream with its scheme behind a reference.
fn referred() -> Value {
    let mut upstream = upstream();
    let scheme = cut(&mut upstream, SCHEME);
    put(
        &mut upstream,
        "/components/x-schemes",
        json!({"all": scheme}),
    );
    put(
        &mut upstream,
        SCHEME,
        json!({"$ref": "#/components/x-schemes/all"}),
    );
    upstream
}

#[test]
fn a_scheme_behind_a_reference_is_followed() {
    assert_eq!(lines(&check(&fragment(), &referred())), [""; 0]);
    let mut changed = referred();
    put(
        &mut changed,
        "/components/x-schemes/all/scheme",
        json!("basic"),
    );
    let found = lines(&check(&fragment(), &changed));
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(
        found[2].contains("/components/x-schemes/all | the security scheme bearer is new"),
        "{found:#?}"
    );
}

#[test]
fn a_scheme_behind_a_broken_reference_cannot_be_told() {
    for (target, want) in [
        ("#/components/x-schemes/none", "leads nowhere"),
        ("#/components/securitySchemes/bearer", "round to itself"),
        ("other.yaml#/x", "leads out of the document"),
    ] {
        let mut theirs = referred();
        put(&mut theirs, &format!("{SCHEME}/$ref"), json!(target));
        let error = format!("{:#}", try_check(&fragment(), &theirs).unwrap_err());
        assert!(error.contains(want), "{target}: {error}");
    }
}

#[test]
fn of_a_flow_the_names_of_its_scopes_count() {
    let scheme = |scopes: Value| {
        let flow = json!({"tokenUrl": "https://boxes.example/token", "scopes": scopes});
        json!({"type": "oauth2", "flows": {"clientCredentials": flow}})
    };
    let check = |theirs: Value| {
        let (mut ours, mut upstream) = (fragment(), upstream());
        put(
            &mut ours,
            "/components/securitySchemes/token",
            scheme(json!({"read": "May read.", "write": "May write."})),
        );
        put(&mut upstream, SCHEME, theirs);
        lines(&check(&ours, &upstream))
    };
    let other_words = json!({"write": "w", "read": "r"});
    assert_eq!(check(scheme(other_words)), [""; 0]);
    assert_ne!(check(scheme(json!({"read": "May read."}))), [""; 0]);
}
