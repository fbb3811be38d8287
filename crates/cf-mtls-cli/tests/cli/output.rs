//! Standard output on a full disk.
#![cfg(target_os = "linux")]

use std::time::Duration;

use cf_mtls_testkit::simulator::{Fault, Operation};
use serde_json::Value;

use crate::support::{Run, World, new_ca};

fn run_on_a_full_disk(world: &World, arguments: &[&str]) -> Run {
    let full = std::fs::File::create("/dev/full").unwrap();
    let run: Run = world.command(arguments).stdout(full).output().unwrap().into();
    assert_eq!(run.code, 1, "{arguments:?}: {run:?}");
    assert!(run.last_error().contains("cannot be written"), "{arguments:?}: {run:?}");
    run
}

#[test]
fn what_only_reads_says_that_it_cannot_be_written() {
    let world = World::new();
    let id = world.seed("devices");
    let table: [&[&str]; 8] = [
        &["--help"],
        &["--version"],
        &["list"],
        &["list", "-o", "json"],
        &["get", &id],
        &["delete", &id, "--dry-run"],
        &["release", &id, "--dry-run", "-o", "ndjson"],
        &["prune", "--unused", "--dry-run"],
    ];
    for arguments in table {
        run_on_a_full_disk(&world, arguments);
    }
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
fn what_changes_something_says_what_it_did() {
    for form in ["table", "json", "ndjson"] {
        let world = World::new();
        let ca = world.file("ca.pem", &new_ca());
        let run = run_on_a_full_disk(&world, &["upload", "--ca", &ca, "-o", form]);
        let id = world.ids().remove(0);
        assert!(run.last_error().contains(&format!("{id} is stored")), "{run:?}");

        let target = ["--zone", "example.com", "--certificate", &id, "-o", form];
        let arguments = [&["hostnames", "add", "a.example.com"], &target[..]].concat();
        let run = run_on_a_full_disk(&world, &arguments);
        let told = "1 added, 0 removed in zone example.com";
        assert!(run.last_error().contains(told), "{run:?}");

        let next = world.file("next.pem", &new_ca());
        let arguments = ["rotate", &id, "--ca", &next, "--yes", "-o", form];
        let run = run_on_a_full_disk(&world, &arguments);
        let told = format!("deleted {id}");
        assert!(run.last_error().contains(&told), "{run:?}");
        let id = world.ids().remove(0);

        let run = run_on_a_full_disk(&world, &["release", &id, "--yes", "-o", form]);
        let told = format!("detached a.example.com in zone example.com from {id}");
        assert!(run.last_error().contains(&told), "{run:?}");
        if form != "table" {
            let error = run.error_json();
            assert_eq!(error["certificate_id"], id.as_str());
            assert_eq!(error["steps"].as_array().unwrap().last().unwrap()["step"], "deleted");
        }
        assert_eq!(world.ids(), [""; 0]);

        let id = world.seed("devices");
        let run = run_on_a_full_disk(&world, &["delete", &id, "--yes", "-o", form]);
        let told = "deleted 1 of 1 certificate; 0 failed, 0 not begun";
        assert!(run.last_error().contains(told), "{run:?}");
    }
}

/// Of many, none is begun whose outcome could not be told.
#[test]
fn many_deletions_stop_where_their_outcomes_get_lost() {
    let world = World::new();
    let ids: Vec<String> = (0..60).map(|number| world.seed(&format!("c{number}"))).collect();
    let slow = Fault::delay(Duration::from_millis(20)).on(Operation::Delete);
    world.simulator.inject(slow);
    let mut arguments = vec!["delete", "--yes", "-o", "json"];
    arguments.extend(ids.iter().map(String::as_str));
    let run = run_on_a_full_disk(&world, &arguments);
    let (gone, left) = (60 - world.ids().len(), world.ids().len());
    assert!(0 < gone && 0 < left, "{run:?}");
    let error: Value = run.error_json();
    let told = format!("deleted {gone} of 60 certificates; 0 failed, {left} not begun");
    assert!(error["message"].as_str().unwrap().contains(&told), "{run:?}");
}
