//! Where null is allowed: what is joined must agree on it.

use serde_json::{Value, json};

use super::small::{SCHEMAS, check, fragment, lines, put, upstream};

/// What is said of a field that ours allows to be null, or not, when upstream
/// writes it as `theirs`.
fn found(ours: Value, theirs: Value) -> Vec<String> {
    let (mut fragment, mut upstream) = (fragment(), upstream());
    put(
        &mut fragment,
        "/components/schemas/Lid/properties/note",
        ours,
    );
    put(
        &mut upstream,
        &format!("{SCHEMAS}/lid/properties/note"),
        theirs,
    );
    lines(&check(&fragment, &upstream))
}

#[test]
fn null_is_allowed_where_all_that_name_a_type_allow_it() {
    let text = json!({"type": "string"});
    let or_null = json!({"type": "string", "nullable": true});
    let any = json!({});
    let table = [
        (text.clone(), false),
        (or_null.clone(), true),
        (json!({"allOf": [or_null, or_null]}), true),
        (json!({"allOf": [or_null, text]}), false),
        (json!({"allOf": [text, or_null]}), false),
        // Who names no type has no say.
        (json!({"allOf": [or_null, any]}), true),
        (json!({"allOf": [text, {"nullable": true}]}), false),
        (
            json!({"allOf": [or_null, {"maxLength": 900}], "maxLength": 900}),
            true,
        ),
        // Beside a type it belongs to that type, beside no type to the whole.
        (
            json!({"type": "string", "nullable": true, "allOf": [text]}),
            false,
        ),
        (json!({"nullable": true, "allOf": [text]}), true),
        (json!({"nullable": true, "oneOf": [text]}), true),
        (
            json!({"allOf": [{"nullable": true, "allOf": [text]}, text]}),
            false,
        ),
        // One alternative is enough.
        (json!({"anyOf": [text, or_null]}), true),
        (json!({"anyOf": [text, {"type": "null"}]}), true),
        (json!({"anyOf": [text, {"enum": [null]}]}), true),
        (json!({"oneOf": [{"const": null}, text]}), true),
        (
            json!({"oneOf": [{"type": "object", "nullable": true, "enum": [null]}, text]}),
            true,
        ),
        (json!({"allOf": [{"anyOf": [text, or_null]}, text]}), false),
        (json!({"allOf": [{"anyOf": [text, text]}, or_null]}), false),
        (
            json!({"allOf": [{"type": ["string", "null"]}, or_null]}),
            true,
        ),
        (
            json!({"allOf": [{"type": ["string", "null"]}, text]}),
            false,
        ),
    ];
    for (theirs, allowed) in table {
        // A bound that some rows have is none of the matter.
        let of_null = |lines: Vec<String>| lines.iter().any(|line| line.contains("`nullable`"));
        assert_eq!(
            of_null(found(or_null.clone(), theirs.clone())),
            !allowed,
            "{theirs}"
        );
        assert_eq!(
            of_null(found(text.clone(), theirs.clone())),
            allowed,
            "{theirs}"
        );
    }
}

#[test]
fn the_part_that_decides_is_named() {
    let part = |nullable: bool| json!({"type": "string", "nullable": nullable});
    let place = format!("{SCHEMAS}/lid/properties/note/allOf");
    assert_eq!(
        found(part(true), json!({"allOf": [part(true), part(false)]})),
        [format!(
            "relaxation unrecorded {place}/1/nullable | `nullable` of \"note\" is gone"
        )]
    );
    assert_eq!(
        found(part(false), json!({"allOf": [part(true), part(true)]})),
        [format!(
            "breaking unrecorded {place}/0/nullable | `nullable` of \"note\" is new"
        )]
    );
}

#[test]
fn a_record_speaks_for_its_part() {
    let part = |nullable: bool| json!({"type": "string", "nullable": nullable});
    let mut ours = json!({"allOf": [part(true), part(true)]});
    ours["allOf"][0]["x-departures"] =
        json!([{"aspect": "nullable", "upstream": false, "reason": "Because."}]);
    assert_eq!(found(ours.clone(), part(false)), [""; 0]);
    assert_eq!(found(ours, part(true)).len(), 1);
}

#[test]
fn null_alone_may_be_written_in_many_ways() {
    let only = json!({"type": "object", "nullable": true, "enum": [null]});
    for theirs in [
        json!({"type": "null"}),
        json!({"const": null}),
        json!({"enum": [null]}),
        json!({"enum": [null], "nullable": true}),
        json!({"type": ["object", "null"], "const": null}),
    ] {
        assert_eq!(found(only.clone(), theirs.clone()), [""; 0], "{theirs}");
        assert_eq!(found(theirs.clone(), only.clone()), [""; 0], "{theirs}");
    }
    let text = json!({"type": "string", "nullable": true, "enum": [null]});
    assert_eq!(found(only.clone(), text).len(), 1);
    assert_ne!(
        found(only, json!({"type": "object", "nullable": true})),
        [""; 0]
    );
}
