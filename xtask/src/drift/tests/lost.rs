//! What goes with a part of a schema is one finding, at the part that had it.

use serde_json::{Value, json};

use super::small::{SCHEMAS, check, cut, follow, fragment, lines, put, upstream};
use crate::drift::report::Finding;

/// Upstream with its lid made of three parts, of which one is a reference.
fn in_parts() -> Value {
    let mut upstream = upstream();
    let lid = cut(&mut upstream, &format!("{SCHEMAS}/lid"));
    let of = |names: &[&str]| -> Value {
        let names = names
            .iter()
            .map(|name| ((*name).to_owned(), lid["properties"][*name].clone()));
        Value::Object(names.collect())
    };
    put(
        &mut upstream,
        &format!("{SCHEMAS}/base"),
        json!({"type": "object", "required": ["id"], "properties": of(&["id", "made_on"])}),
    );
    put(
        &mut upstream,
        &format!("{SCHEMAS}/lid"),
        json!({"allOf": [
            {"$ref": "#/components/schemas/base"},
            {"properties": of(&["colour", "label"])},
            {"properties": of(&["size"])}
        ]}),
    );
    upstream
}

/// The one thing that is said of the lid after `change`.
fn found(change: impl Fn(&mut Value)) -> Finding {
    let mut theirs = in_parts();
    assert_eq!(lines(&check(&fragment(), &theirs)), [""; 0]);
    change(&mut theirs);
    let report = check(&fragment(), &theirs);
    let [finding] = report.findings.as_slice() else {
        panic!("{:#?}", lines(&report))
    };
    finding.clone()
}

#[test]
fn fields_that_go_with_a_part_are_one_finding_at_that_part() {
    let gone = found(|u| drop(cut(u, &format!("{SCHEMAS}/lid/allOf/1/properties"))));
    assert_eq!(gone.what, r#"the fields "colour", "label" are gone"#);
    assert_eq!(
        gone.upstream.pointer,
        format!("{SCHEMAS}/lid/allOf/1/properties")
    );
    assert_eq!(gone.ours.pointer, "/components/schemas/Lid/properties");
    assert_eq!(gone.operations.len(), 4, "{:?}", gone.operations);

    // What else a part says of them gives it away.
    let gone = found(|u| drop(cut(u, &format!("{SCHEMAS}/base/properties"))));
    assert_eq!(gone.what, r#"the fields "id", "made_on" are gone"#);
    assert_eq!(gone.upstream.pointer, format!("{SCHEMAS}/base/properties"));

    // One field is one finding, too.
    let gone = found(|u| drop(cut(u, &format!("{SCHEMAS}/lid/allOf/2/properties/size"))));
    assert_eq!(
        gone.upstream.pointer,
        format!("{SCHEMAS}/lid/allOf/2/properties/size")
    );
}

#[test]
fn a_part_that_still_requires_a_field_has_lost_it() {
    let gone = found(|u| drop(cut(u, &format!("{SCHEMAS}/base/properties/id"))));
    assert_eq!(
        gone.upstream.pointer,
        format!("{SCHEMAS}/base/properties/id")
    );
}

#[test]
fn a_part_that_has_no_field_left_has_lost_it() {
    let mut ours = fragment();
    put(&mut ours, "/components/schemas/Lid/maxProperties", json!(9));
    let mut theirs = in_parts();
    let part = format!("{SCHEMAS}/lid/allOf/1");
    put(&mut theirs, &format!("{part}/maxProperties"), json!(9));
    cut(&mut theirs, &format!("{part}/properties/label"));
    let field = "/components/schemas/Lid/properties/label";
    cut(&mut ours, field);
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
    put(&mut theirs, &format!("{part}/properties"), json!({}));
    let report = check(&ours, &theirs);
    let places: Vec<_> = report
        .findings
        .iter()
        .map(|finding| &finding.upstream.pointer)
        .collect();
    assert_eq!(places, [&format!("{part}/properties/colour")]);
}

#[test]
fn a_part_that_goes_is_missing_from_its_list() {
    let gone = found(|u| drop(cut(u, &format!("{SCHEMAS}/lid/allOf/1"))));
    let list = format!("{SCHEMAS}/lid/allOf");
    assert_eq!(gone.what, r#"the fields "colour", "label" are gone"#);
    assert!(gone.upstream.also.contains(&list), "{:?}", gone.upstream);
}

#[test]
fn names_that_are_required_no_more_are_one_finding() {
    let mut ours = fragment();
    let required = json!(["id", "size", "label"]);
    put(&mut ours, "/components/schemas/Lid/required", required);
    let mut theirs = in_parts();
    let names = json!(["label", "size"]);
    put(
        &mut theirs,
        &format!("{SCHEMAS}/lid/allOf/2/required"),
        names,
    );
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
    cut(&mut theirs, &format!("{SCHEMAS}/lid/allOf/2/required"));
    let place = format!("{SCHEMAS}/lid/allOf/2/required");
    let want =
        format!(r#"breaking unrecorded {place} | the fields "label", "size" are now optional"#);
    assert_eq!(lines(&check(&ours, &theirs)), [want]);
}

#[test]
fn no_name_hides_behind_another() {
    let mut theirs = upstream();
    for name in ["label", "size"] {
        put(
            &mut theirs,
            &format!("{SCHEMAS}/lid/required/-"),
            json!(name),
        );
    }
    let of = |name| {
        format!("relaxation unrecorded {SCHEMAS}/lid/required | the field {name:?} is now required")
    };
    assert_eq!(
        lines(&check(&fragment(), &theirs)),
        [of("label"), of("size")]
    );
}

#[test]
fn a_part_that_says_nothing_any_more_is_named() {
    let mut theirs = upstream();
    let envelope = json!({"type": "object", "properties": {"result": {}}});
    put(
        &mut theirs,
        &format!("{SCHEMAS}/common_envelope/properties/result"),
        json!({}),
    );
    put(
        &mut theirs,
        &format!("{SCHEMAS}/lid_response_single/allOf/-"),
        envelope,
    );
    assert_eq!(lines(&check(&fragment(), &theirs)), [""; 0]);
    let part = format!("{SCHEMAS}/lid_response_single/allOf/1");
    cut(&mut theirs, &format!("{part}/properties"));
    let report = check(&fragment(), &theirs);
    let lost = report
        .findings
        .iter()
        .find(|finding| finding.what.contains("are gone"));
    let also = &lost.unwrap().upstream.also;
    assert!(
        also.contains(&format!("{part}/properties/result/properties")),
        "{also:?}"
    );
}

#[test]
fn the_records_that_a_finding_shows_silence_it() {
    let mut theirs = in_parts();
    cut(&mut theirs, &format!("{SCHEMAS}/lid/allOf/1/properties"));
    let mut ours = fragment();
    follow(&mut ours, &check(&fragment(), &theirs).findings[0]);
    assert_eq!(lines(&check(&ours, &theirs)), [""; 0]);
}
