//! The comparison as a whole: what must be silent, what must be reported, and chance.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use serde_json::{Value, json};

use super::*;

mod chance;

const DOCUMENT: &str = include_str!("tests/document.json");

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// A fragment that has all of the document but one operation.
fn fragment() -> Value {
    edited("/paths/~1other -")
}

/// The document after some edits: `s;old;new;` of its text, `pointer = value`, `pointer -`.
fn edited(edits: &str) -> Value {
    let mut text = DOCUMENT.to_owned();
    let (texts, values): (Vec<_>, Vec<_>) =
        edits.split(" && ").partition(|edit| edit.starts_with('s'));
    for edit in texts {
        let parts: Vec<_> = edit[2..].split(';').collect();
        assert!(text.contains(parts[0]), "{edit}");
        text = text.replace(parts[0], parts[1]);
    }
    let mut document: Value = serde_json::from_str(&text).unwrap();
    for edit in values {
        let removed = (edit.trim_end_matches(" -"), "");
        let (pointer, value) = edit.split_once(" = ").unwrap_or(removed);
        put(&mut document, pointer, serde_json::from_str(value).ok());
    }
    document
}

fn put(document: &mut Value, pointer: &str, value: Option<Value>) {
    let (around, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match (document.pointer_mut(around).expect(pointer), value) {
        (Value::Array(list), None) => drop(list.remove(key.parse().unwrap())),
        (Value::Array(list), Some(value)) => list[key.parse::<usize>().unwrap()] = value,
        (map, None) => drop(map.as_object_mut().unwrap().remove(&key).unwrap()),
        (map, Some(value)) => map[key] = value,
    }
}

/// The changes from the document to another one.
fn report(new: &Value) -> Report {
    let wanted = locate::wanted(&fragment());
    let old = canonical(&document(), &wanted);
    let new = canonical(new, &wanted);
    let snapshot = json!({"operations": old.operations, "nearby": old.nearby});
    Report {
        changes: compare(&snapshot, &new, &[]).unwrap(),
        problems: new.problems,
        document: json!({}),
        snapshot: json!({}),
    }
}

#[test]
fn what_says_the_same_is_silent() {
    for row in include_str!("tests/silent.txt").lines() {
        let (name, edits) = row.split_once(": ").unwrap();
        assert_eq!(report(&edited(edits)).text(), "", "{name}");
    }
}

#[test]
fn what_matters_is_reported_with_class_and_place() {
    for row in include_str!("tests/reported.txt").lines() {
        let [class, what, place, edits] = row.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{row}");
        };
        let report = report(&edited(edits));
        let [change] = &report.changes[..] else {
            panic!("{row}\n{}", report.text());
        };
        let says = |part| change.what.contains(part);
        let is_there = change.places.iter().any(|at| place == "-" || at == place);
        let is_right = change.class.as_str() == class && what.split('…').all(says) && is_there;
        assert!(is_right, "{row}\n{:#}", json!(change));
    }
}

#[test]
fn what_leads_nowhere_is_one_line_and_the_rest_is_compared() {
    let report = report(&edited(
        r##"/security = [{"lost": []}] && s;"#/components/schemas/id";"#/components/schemas/no"; && /paths/~1zones/get/responses/404 = {}"##,
    ));
    assert_eq!(
        report.text(),
        "addition    `zones`: 404 response is new: `{\"content\":{}}`  at zones/responses/404\n\
         could not tell: `#/components/schemas/no` is referred to and not defined\n\
         could not tell: the security scheme `lost` is required and not defined\n"
    );
}

#[test]
fn markdown_keeps_what_comes_from_the_document_in_code() {
    let edits = r#"/components/schemas/box/properties/a~1`<b>_c_ = {"type": "string"}"#;
    let mut report = report(&edited(edits));
    report.document = json!({"commit": "abc", "date": "2026-01-02"});
    let text = report.markdown();
    assert!(text.contains("document `abc` of 2026-01-02, compared with"), "{text}");
    let outside: Vec<_> = text.split("``").step_by(2).collect();
    assert!(!outside.concat().contains("<b>"), "{text}");
    assert_eq!(text.lines().count(), 4, "{text}");
}

/// A workspace whose fragment is the document.
fn workspace(departures: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("openapi")).unwrap();
    write(root.path(), FRAGMENT, &fragment().to_string());
    write(root.path(), DEPARTURES, departures);
    root
}

fn write(root: &Path, name: &str, text: &str) {
    std::fs::write(root.join(name), text).unwrap();
}

/// The exit code.
fn drift(root: &Path, document: Option<&str>, accept: bool) -> Result<u8, String> {
    let arguments = Arguments {
        document: document.map(|text| {
            write(root, "document.json", text);
            root.join("document.json").display().to_string()
        }),
        format: Format::Json,
        accept,
        commit: Some("abc".to_owned()),
        date: None,
    };
    run(root, &arguments).map_err(|error| format!("{error:#}"))
}

#[test]
fn the_exit_code_says_whether_something_changed() {
    let root = workspace("[]");
    let root = root.path();
    let error = drift(root, Some(DOCUMENT), false).unwrap_err();
    assert!(error.contains("--accept"), "{error}");
    let changed = edited("/paths/~1other - && /components/schemas/id/maxLength = 36").to_string();
    let broken = edited(r##"s;"#/components/schemas/id";"#/components/schemas/no";"##).to_string();
    assert_eq!(drift(root, Some(&broken), true), Ok(2), "not accepted");
    assert_eq!(drift(root, Some(DOCUMENT), true), Ok(0));
    assert_eq!(drift(root, Some(DOCUMENT), false), Ok(0));
    assert_eq!(drift(root, Some(&changed), false), Ok(1));
    assert_eq!(drift(root, Some(&broken), false), Ok(2));
    let other = r#"{"paths": {"/other": {"get": {}}}}"#;
    for (text, message) in
        [("paths: {}", "not JSON"), ("[]", "none of our"), (other, "none of our")]
    {
        let error = drift(root, Some(text), false).unwrap_err();
        assert!(error.contains(message), "{text}: {error}");
    }
    // The fragment follows.
    assert_eq!(drift(root, None, false), Ok(0));
    assert_eq!(drift(root, Some(&changed), true), Ok(0));
    assert_eq!(drift(root, None, false), Ok(1));
    write(root, FRAGMENT, &changed);
    assert_eq!(drift(root, None, false), Ok(0));
}

#[test]
fn every_difference_has_one_departure_and_every_departure_a_difference() {
    let published = edited("/components/schemas/id/maxLength = 36").to_string();
    let all = r#"{"where": "**/maxLength", "reason": "Longer ids occur."}"#;
    let one = r#"{"where": "store/body/*/*/properties/id/maxLength", "reason": "Twice."}"#;
    let none = r#"{"where": "zones/**", "reason": "No such difference."}"#;
    let blank = r#"{"where": "**/maxLength", "reason": "…"}"#;
    for (departures, code) in [
        (format!("[{all}]"), 0),
        ("[]".to_owned(), 1),
        (format!("[{one}]"), 1),
        (format!("[{all}, {one}]"), 1),
        (format!("[{all}, {none}]"), 1),
        (format!("[{blank}]"), 1),
    ] {
        let root = workspace(&departures);
        assert_eq!(drift(root.path(), Some(&published), true), Ok(0));
        assert_eq!(drift(root.path(), None, false), Ok(code), "{departures}");
    }
}

#[test]
fn one_star_stays_in_a_name_and_two_do_not() {
    for (pattern, is_like) in
        [("a/*/c", false), ("a/**/c", true), ("*/b~1?/d/c", false), ("a/b*/*/c", true)]
    {
        let (place, reason) = (pattern.to_owned(), String::new());
        let place_of_four = ["a", "b/x", "d", "c"].map(str::to_owned);
        assert_eq!(Departure { place, reason }.explains(&place_of_four), is_like, "{pattern}");
    }
}
