//! How the fields of a form are written.

use serde_json::{Value, json};

use super::small::{LIDS, at, check, fragment, lines, put, upstream};

const OURS: &str = "/components/requestBodies/Form";

/// Both sides with a form that is written as `encoding` says.
fn form(encoding: &Value) -> Value {
    json!({"content": {"multipart/form-data": {
        "schema": {"type": "object", "properties": {"file": {"type": "string"}}},
        "encoding": encoding
    }}})
}

fn found(ours: &Value, theirs: &Value) -> Vec<String> {
    let (mut fragment, mut upstream) = (fragment(), upstream());
    put(
        &mut fragment,
        "/components/requestBodies",
        json!({"Form": form(ours)}),
    );
    let post = "/paths/~1boxes~1{box_id}~1lids/post/requestBody";
    put(&mut fragment, post, json!({"$ref": format!("#{OURS}")}));
    put(
        &mut upstream,
        &format!("{LIDS}/post/requestBody"),
        form(theirs),
    );
    lines(&check(&fragment, &upstream))
}

#[test]
fn each_part_of_an_encoding_counts() {
    let place = format!("{LIDS}/post/requestBody/content/multipart~1form-data/encoding/file");
    let said = |place: &str, what: &str| format!("breaking unrecorded {place} | {what}");
    let pem = json!({"file": {"contentType": "application/x-pem-file"}});
    assert_eq!(
        found(&json!({}), &pem),
        [said(&place, "the encoding of \"file\" is new")]
    );
    assert_eq!(
        found(&pem, &json!({"file": {"contentType": "text/plain"}})),
        [said(
            &format!("{place}/contentType"),
            "`contentType` of \"file\" changed"
        )]
    );
    let strict = json!({"file": {
        "contentType": "application/x-pem-file",
        "headers": {"X-Kind": {"required": true, "schema": {"type": "string"}}}
    }});
    assert_eq!(
        found(&pem, &strict),
        [format!(
            "addition unrecorded {place}/headers/X-Kind | the header x-kind is new"
        )]
    );
    for (name, value) in [
        ("style", json!("pipeDelimited")),
        ("explode", json!(false)),
        ("allowReserved", json!(true)),
    ] {
        let mut other = pem.clone();
        other["file"][name] = value;
        assert_eq!(found(&pem, &other).len(), 1, "{name}");
    }
}

#[test]
fn what_is_usual_need_not_be_written() {
    let usual =
        json!({"file": {"style": "form", "explode": true, "allowReserved": false, "x-a": 1}});
    assert_eq!(found(&json!({}), &usual), [""; 0]);
    assert_eq!(found(&json!({}), &json!({"file": {}})), [""; 0]);
    // OpenAPI knows no encoding of answers, nor of what is no form.
    for place in ["get/responses/200", "post/requestBody"] {
        let mut theirs = upstream();
        put(
            &mut theirs,
            &format!("{LIDS}/{place}/content/application~1json/encoding"),
            json!({"result": {"contentType": "text/plain"}}),
        );
        assert_eq!(lines(&check(&fragment(), &theirs)), [""; 0], "{place}");
    }
}

#[test]
fn a_record_explains_an_encoding() {
    let pem = json!({"file": {"contentType": "application/x-pem-file"}});
    assert_eq!(found(&json!({}), &pem).len(), 1);
    let (mut ours, mut theirs) = (fragment(), upstream());
    let post = "/paths/~1boxes~1{box_id}~1lids/post/requestBody";
    put(&mut ours, post, form(&json!({})));
    put(&mut theirs, &format!("{LIDS}/post/requestBody"), form(&pem));
    at(&mut ours, post)["x-departures"] = json!([{
        "aspect": "content/multipart~1form-data/encoding/file",
        "upstream": pem["file"],
        "reason": "Because."
    }]);
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
}
