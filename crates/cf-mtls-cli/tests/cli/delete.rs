//! upload and delete.

use std::io::Write as _;
use std::process::Stdio;

use cf_mtls_testkit::simulator::{Fault, Operation};
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};
use serde_json::{Value, json};

use crate::support::{Run, World, new_ca, new_leaf};

#[test]
fn upload_takes_a_ca_a_leaf_and_both_in_one_file() {
    let world = World::with(Simulator::builder().accept_duplicates(true));
    let ca = world.file("ca.pem", DOCUMENTED_CA);
    let (certificate, key) = new_leaf();
    let both = world.file("both.pem", &format!("{key}{certificate}"));
    let (certificate, key) = (world.file("leaf.pem", &certificate), world.file("leaf.key", &key));
    let stored = world.json(&["upload", "--ca", &ca, "--name", "devices"]);
    assert_eq!((&stored["name"], &stored["ca"]), (&json!("devices"), &json!(true)));
    assert_eq!(stored["serial_number"], "235217144297995885180570755458463043449861756659");
    let stored = world.json(&["upload", "--cert", &certificate, "--key", &key]);
    assert_eq!(stored["ca"], false);
    // The account stores the same content once.
    world.json(&["delete", stored["id"].as_str().unwrap(), "--yes"]);
    let stored = world.json(&["upload", "--cert", &both]);
    assert_eq!(stored["ca"], false);
    assert_eq!(world.ids().len(), 2);
    let mut child = world
        .command(&["upload", "--ca", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(new_ca().as_bytes()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(world.ids().len(), 3);
}

#[test]
fn delete_shows_what_goes_and_tells_what_went() {
    let world = World::new();
    let id = world.seed_expiring("devices", 12);
    let run = world.run(&["delete", &id, "--yes"]);
    assert_eq!(run.code, 0, "{run:?}");
    for part in [id.as_str(), "devices", "CA", "in 12 days"] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    assert!(run.stdout.contains("deleted"), "{run:?}");
    assert_eq!(world.ids(), [""; 0]);
}

#[test]
fn delete_by_name_wants_exactly_one() {
    let world = World::new();
    let ids = [world.seed("one"), world.seed("twin"), world.seed("twin")];
    let run = world.run(&["delete", "--name", "twin", "--yes", "-o", "json"]);
    assert_eq!(run.code, 2, "{run:?}");
    let error = run.error_json();
    assert_eq!((&error["kind"], &error["candidates"]), (&json!("ambiguous"), &json!(ids[1..])));
    assert_eq!(world.run(&["delete", "--name", "nobody", "--yes"]).code, 3);
    let run = world.run(&["delete", "--name", "nobody", "--yes", "--if-exists", "-o", "json"]);
    assert_eq!((run.code, run.stdout.matches("absent").count()), (0, 1), "{run:?}");
    assert_eq!(world.run(&["delete", "--name", "one", "--yes"]).code, 0);
    assert_eq!(world.ids(), ids[1..]);
}

#[test]
fn a_certificate_that_is_not_there_is_3_or_success() {
    let world = World::new();
    let id = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60";
    assert_eq!(world.run(&["delete", id, "--yes"]).code, 3);
    assert_eq!(world.run(&["delete", id, "--yes", "--quiet"]).code, 3);
    let json = world.json(&["delete", id, "--yes", "--if-exists"]);
    assert_eq!(json, json!([{"id": id, "name": null, "outcome": "absent", "error": null}]));
}

#[test]
fn one_failure_among_several_stops_nothing_and_is_8() {
    let world = World::new();
    let ids = [world.seed("a"), world.seed_in_use("b"), world.seed("c")];
    let arguments = ["delete", &ids[0], &ids[1], &ids[2], "--yes", "-o", "json"];
    let run = world.run(&arguments);
    assert_eq!(run.code, 8, "{run:?}");
    let outcomes: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    let outcome = |id: &str| {
        let one = outcomes.iter().find(|one| one["id"] == id).unwrap();
        (one["outcome"].clone(), one["error"]["kind"].clone())
    };
    assert_eq!(outcome(&ids[0]), (json!("deleted"), Value::Null));
    assert_eq!(outcome(&ids[1]), (json!("failed"), json!("in_use")));
    assert_eq!(outcome(&ids[2]), (json!("deleted"), Value::Null));
    assert_eq!(run.error_json()["kind"], "some_failed");
    assert_eq!(world.ids(), [ids[1].as_str()]);
    // All for one reason: the code of that reason.
    let other = world.seed_in_use("d");
    let run = world.run(&["delete", &ids[1], &other, "--yes"]);
    assert_eq!(run.code, 4, "{run:?}");
    let id = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60";
    assert_eq!(world.run(&["delete", id, &other, "--yes"]).code, 8);
    assert_eq!(world.run(&["delete", id, &world.seed("e"), "--yes", "--if-exists"]).code, 0);
}

/// A run that reads this.
fn run_with_input(world: &World, arguments: &[&str], input: &str) -> Run {
    let mut child = world
        .command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap().into()
}

#[test]
fn ids_come_from_standard_input_too() {
    let world = World::new();
    let (a, b) = (world.seed("a"), world.seed("b"));
    let ids = format!("# old ones\n{a}\n\n  {b}\n{a}\n  # {b}\n");
    let arguments = ["delete", "-", "--yes", "-o", "ndjson"];
    let run = run_with_input(&world, &arguments, &ids);
    assert_eq!((run.code, run.lines().len()), (0, 2), "{run:?}");
    let run = run_with_input(&world, &arguments, &format!("{a} # comment\n"));
    assert_eq!(run.code, 2, "{run:?}");
}

#[test]
fn nothing_to_delete_is_told_and_is_success() {
    let world = World::new();
    for input in ["", "\n# nothing\n"] {
        let run = run_with_input(&world, &["delete", "-"], input);
        assert_eq!(
            (run.code, run.stdout.as_str(), run.stderr.as_str()),
            (0, "", "nothing to delete\n")
        );
    }
    let run = run_with_input(&world, &["delete", "-", "-o", "json"], "");
    assert_eq!((run.code, run.stdout.as_str()), (0, "[]\n"));
    let run = world.run(&["delete", "--name", "nobody", "--if-exists"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.ends_with("nothing was changed\nnothing to delete\n"), "{run:?}");
    assert_eq!(world.writes(), [""; 0]);
}

/// What cannot be looked at is left alone, and stops no other.
#[test]
fn one_that_cannot_be_looked_up_stops_no_other() {
    let world = World::new();
    let ids = ["a", "b", "c"].map(|name| world.seed(name));
    let refusal = Fault::error(403, 9109, "no").on(Operation::Associations);
    world.simulator.inject(refusal.nth(2).times(1));
    let mut arguments = vec!["delete", "--dry-run", "-o", "json"];
    arguments.extend(ids.iter().map(String::as_str));
    let run = world.run(&arguments);
    assert_eq!(run.code, 8, "{run:?}");
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    let outcomes = told.as_array().unwrap().iter();
    let failed: Vec<&Value> = outcomes.filter(|one| one["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{told}");
    assert_eq!(failed[0]["error"]["kind"], "permission");
    // In a table, the plan is seen.
    (arguments[1], arguments[3]) = ("--yes", "table");
    world.simulator.clear_faults();
    let refusal = Fault::error(403, 9109, "no").on(Operation::Associations);
    world.simulator.inject(refusal.nth(2).times(1));
    assert_eq!(world.run(&arguments).code, 8);
    assert_eq!(world.ids().len(), 1);
}

#[test]
fn a_dry_run_ends_as_the_real_one_would() {
    let world = World::new();
    let (free, used) = (world.seed("free"), world.seed_in_use("used"));
    let run = world.run(&["delete", &free, &used, "--dry-run", "-o", "json"]);
    assert_eq!(run.code, 8, "{run:?}");
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(run.last_error().contains("1 of 2 certificates would not be deleted"), "{run:?}");
    assert_eq!(plan[0]["outcome"], "would_delete");
    assert_eq!(plan[1]["outcome"], "would_be_refused");
    assert_eq!(plan[1]["used_by"]["zones"][0]["zone_name"], "example.com");
    assert_eq!(plan[1]["certificate"]["id"], used);
    let run = world.run(&["delete", &used, "--dry-run", "-o", "json"]);
    let error = run.error_json();
    assert_eq!((run.code, &error["certificate_id"]), (4, &Value::from(used)));
    assert_eq!(error["associations"][0]["service"], "API Shield");
    let told = "in use by API Shield (active); a.example.com, b.example.com in zone example.com";
    assert!(error["message"].as_str().unwrap().contains(told), "{error}");
    assert_eq!(world.run(&["delete", &free, "--dry-run"]).code, 0);
    assert_eq!(world.writes(), [""; 0]);
    assert_eq!(world.ids().len(), 2);
}
