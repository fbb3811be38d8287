//! Names in place of ids, in each command.

use cf_mtls_testkit::simulator::Seed;

use crate::support::{World, new_ca};

#[test]
fn a_name_is_taken_wherever_an_id_is() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let ca = world.file("ca.pem", &new_ca());
    let target = ["--zone", "example.com", "--certificate", "devices"];
    let table: [Vec<&str>; 12] = [
        vec!["get", "devices"],
        vec!["get", "--name", "devices"],
        vec!["associations", "--name", "devices"],
        vec!["release", "--name", "devices", "--dry-run"],
        vec!["hostnames", "list", "--zone", "example.com", "--name", "devices"],
        vec!["show", " devices\n"],
        vec!["associations", "devices"],
        vec!["release", "devices", "--dry-run"],
        vec!["rotate", "devices", "--ca", &ca, "--dry-run"],
        [&["hostnames", "list"], &target[..]].concat(),
        [&["hostnames", "replace", "a.example.com", "--dry-run"], &target[..]].concat(),
        [&["hostnames", "remove", "a.example.com", "--dry-run"], &target[..]].concat(),
    ];
    for arguments in &table {
        let run = world.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
    }
    assert_eq!(world.run(&["delete", "devices", "--dry-run"]).code, 4);
    let upper = world.run(&["get", &id.to_uppercase()]);
    assert_eq!(upper.code, 0, "{upper:?}");

    // What nobody is called, and what several are.
    let missing = world.run(&["get", "device"]);
    assert_eq!(missing.code, 3, "{missing:?}");
    assert!(missing.stderr.contains("hint: `cf-mtls list`"), "{missing:?}");
    let named = world.simulator.seed(Seed::ca(new_ca()).name(&id)).unwrap();
    let found = world.json(&["get", "--name", &id]);
    assert_eq!(found["id"], named, "a name that looks like an id");
    let twin = world.seed("devices");
    for arguments in &table {
        let run = world.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(&id) && run.stderr.contains(&twin), "{run:?}");
    }
    let run = world.run(&["get", "devices", "-o", "json"]);
    assert_eq!(run.error_json()["candidates"].as_array().unwrap().len(), 2);
    assert_eq!(world.writes(), [""; 0]);
    let token = "v1_0123456789abcdefghijklmnopqrstuvwxyzABCDEF";
    let run = world.run(&["get", token]);
    assert!(run.code == 3 && !run.stderr.contains(token), "{run:?}");
}

#[test]
fn a_rotation_by_name_keeps_the_name_and_can_be_run_again() {
    let world = World::new();
    let old = world.seed_in_use("devices");
    let pem = new_ca();
    let ca = world.file("ca.pem", &pem);
    let rotate = ["rotate", "devices", "--ca", &ca, "--yes"];
    // The new CA has the name already, as after an interruption.
    let new = world.simulator.seed(Seed::ca(pem.as_str()).name("devices")).unwrap();
    let run = world.run(&rotate);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(world.ids(), [new.as_str()], "{old} is deleted");
    let again = world.run(&rotate);
    assert_eq!(again.code, 3, "{again:?}");
    let again = world.run(&[&rotate[..], &["--if-exists"]].concat());
    assert_eq!(again.code, 0, "{again:?}");

    let next = world.file("next.pem", &new_ca());
    assert_eq!(world.run(&["rotate", &new, "--ca", &next, "--yes"]).code, 0);
    let named = world.run(&["list", "--name", "devices", "-o", "ndjson"]);
    assert_eq!(named.lines().len(), 1, "{named:?}");
    let renamed = world.file("renamed.pem", &new_ca());
    let run = world.run(&["rotate", "devices", "--ca", &renamed, "--name", "x", "--yes"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(world.run(&["get", "x"]).code, 0);
}

#[test]
fn nothing_is_uploaded_twice_if_that_is_said() {
    let world = World::new();
    let ca = world.file("ca.pem", &new_ca());
    let upload = ["upload", "--ca", &ca, "--name", "devices", "--if-not-exists"];
    let first = world.json(&upload);
    let second = world.json(&upload);
    assert_eq!(first["id"], second["id"]);
    assert_eq!(world.ids().len(), 1);
}
