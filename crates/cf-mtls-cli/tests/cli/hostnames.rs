//! hostnames list, add, remove, replace.

use std::time::Duration;

use cf_mtls_testkit::DOCUMENTED_CA;
use cf_mtls_testkit::simulator::{Fault, Operation, Seed};
use serde_json::json;

use crate::support::{HOSTS, Run, World};

#[test]
fn a_list_is_edited_and_nothing_else_is_touched() {
    let world = World::new();
    let (id, other) = (world.seed("devices"), world.seed_in_use("other"));
    world.simulator.set_managed_hostnames(&world.zone, ["m.example.com"]).unwrap();
    let target = ["--zone", "example.com", "--certificate", &id];
    let run = |arguments: &[&str]| world.json(&[&["hostnames"], arguments, &target[..]].concat());
    let zone = json!({"id": world.zone, "name": "example.com"});
    assert_eq!(
        run(&["add", "a.example.com", "b.example.com", "c.example.com"]),
        json!({
            "zone": zone,
            "certificate_id": id,
            "managed_ca": false,
            "hostnames": ["a.example.com", "b.example.com", "c.example.com"],
            "added": ["a.example.com", "b.example.com", "c.example.com"],
            "removed": [],
            "unchanged": [],
            "dry_run": false,
            "visible": true,
        })
    );
    assert_eq!(run(&["remove", "B.example.com.", "--yes"])["removed"], json!(["b.example.com"]));
    let dry = run(&["replace", "c.example.com", "d.example.com", "--dry-run"]);
    assert_eq!(
        (&dry["added"], &dry["removed"]),
        (&json!(["d.example.com"]), &json!(["a.example.com"]))
    );
    assert_eq!(dry["dry_run"], true);
    assert_eq!(run(&["list"])["hostnames"], json!(["a.example.com", "c.example.com"]));
    run(&["replace", "c.example.com", "d.example.com", "--yes"]);
    assert_eq!(world.simulator.hostnames(&world.zone, &id), ["c.example.com", "d.example.com"]);
    assert_eq!(run(&["remove", "--all", "--yes"])["hostnames"], json!([]));
    assert_eq!(world.simulator.hostnames(&world.zone, &other).len(), 2);
    assert_eq!(world.simulator.managed_hostnames(&world.zone), ["m.example.com"]);
}

/// Each process tells what it did itself, and warns of what others did.
#[test]
fn what_somebody_else_adds_meanwhile_is_not_told_as_its_own() {
    let world = World::new();
    let id = world.seed("devices");
    // The second look waits for twice as long as this takes.
    let slow = Fault::delay(Duration::from_millis(400)).on(Operation::ReplaceHostnames);
    world.simulator.inject(slow);
    let target = ["--zone", "example.com", "--certificate", &id];
    let child = world.spawn(&[&["hostnames", "add", HOSTS[0]], &target[..]].concat());
    while world.simulator.hostnames(&world.zone, &id).is_empty() {
        std::thread::yield_now();
    }
    world.simulator.set_hostnames(&world.zone, &id, HOSTS).unwrap();
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.stdout, "HOSTNAME\na.example.com\nb.example.com\n");
    assert!(run.stderr.contains("\n1 added, 0 removed; 2 in "), "{run:?}");
    let warning = "another client added b.example.com in zone example.com at the same time";
    assert!(run.stderr.contains(warning), "{run:?}");
}

#[test]
fn the_managed_ca_is_meant_only_when_it_is_said() {
    let world = World::new();
    let target = ["--zone", world.zone.as_str(), "--managed-ca"];
    let add = [&["hostnames", "add", "m.example.com"], &target[..]].concat();
    let json = world.json(&add);
    assert_eq!((&json["managed_ca"], &json["certificate_id"]), (&json!(true), &json!(null)));
    assert_eq!(json["zone"], json!({"id": world.zone, "name": null}));
    let table = world.run(&[&["hostnames", "list"], &target[..]].concat());
    assert_eq!(table.stdout, "HOSTNAME\nm.example.com\n");
    let empty = world.run(&[&["hostnames", "remove", "--all", "--yes"], &target[..]].concat());
    assert_eq!(empty.stdout, "");
    assert!(empty.stderr.contains("- m.example.com"), "{empty:?}");
}

#[test]
fn one_hostname_is_one_in_whatever_spelling() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let target = ["--zone", "example.com", "--certificate", &id];
    let run = |arguments: &[&str]| world.run(&[&["hostnames"], arguments, &target[..]].concat());
    let added = run(&["add", "A.example.com.", "C.Example.com", "c.example.com."]);
    assert_eq!(added.stdout, "HOSTNAME\na.example.com\nb.example.com\nc.example.com\n");
    assert_eq!(added.stderr.matches("  + ").count(), 1, "{added:?}");
    assert!(added.stderr.contains("warning: a.example.com is in the list already\n"), "{added:?}");
    let hosts = ["a.example.com", "b.example.com", "c.example.com"];
    assert_eq!(world.simulator.hostnames(&world.zone, &id), hosts);
    let twice = run(&["add", "bücher.example.com", "xn--bcher-kva.example.com", "--dry-run"]);
    assert!(twice.stderr.contains("dry run: 1 added, 0 removed"), "{twice:?}");
    assert!(!twice.stderr.contains("warning:"), "{twice:?}");
    let before = world.writes().len();
    let same = run(&["replace", "C.example.com", "b.example.com.", "a.example.com"]);
    assert_eq!(
        (same.code, same.stderr.as_str()),
        (0, "nothing changed; 3 in zone example.com\n"),
        "and nobody is asked: {same:?}"
    );
    assert_eq!(world.writes().len(), before);
}

#[test]
fn a_removal_of_what_is_not_there_is_told_and_is_no_error() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let target = ["--zone", "example.com", "--certificate", &id];
    let run = |arguments: &[&str]| world.run(&[&["hostnames"], arguments, &target[..]].concat());
    let none = run(&["remove", "nope.example.com"]);
    assert_eq!(none.code, 0, "{none:?}");
    assert_eq!(
        none.stderr,
        "warning: nope.example.com is not in the list; if it was added moments ago, the list may \
         not show it yet\nnothing changed; 2 in zone example.com\n"
    );
    assert_eq!(world.writes(), [""; 0]);
    let quiet = run(&["remove", "nope.example.com", "--quiet"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
    let some = ["remove", "nope.example.com", "b.example.com", "--yes", "-o", "json"];
    let some = run(&some);
    let json: serde_json::Value = serde_json::from_str(&some.stdout).unwrap();
    assert_eq!(json["removed"], json!(["b.example.com"]));
    assert_eq!(json["unchanged"], json!(["nope.example.com"]));
    assert_eq!(some.stderr, "", "JSON has it all");
    let warning = json["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("nope.example.com is not in the list"), "{json}");
}

#[test]
fn a_hostname_outside_the_zone_is_told_before_anything_is_changed() {
    let world = World::new();
    let id = world.seed("devices");
    let target = ["--zone", "example.com", "--certificate", &id];
    let hosts = ["a.example.com", "notexample.com"];
    for arguments in [&["add", "--dry-run"][..], &["replace", "--dry-run"], &["replace"]] {
        let run = world.run(&[&["hostnames"], arguments, &hosts, &target[..]].concat());
        assert!(
            run.stderr.starts_with("warning: notexample.com is not in zone example.com; "),
            "{run:?}"
        );
        assert_eq!(run.stderr.matches("warning:").count(), 1, "{run:?}");
        assert_eq!(world.writes(), [""; 0]);
    }
    let added = world.run(&[&["hostnames", "add"], &hosts[..], &target[..]].concat());
    assert_eq!(added.code, 0, "the service decides: {added:?}");
}

#[test]
fn what_is_no_hostname_is_refused_before_anything_is_sent_or_shown() {
    let world = World::new();
    let id = world.seed("devices");
    let target = ["--zone", "example.com", "--certificate", &id];
    for action in ["add", "remove", "replace"] {
        let run = world.run(&[&["hostnames", action, "bad host"], &target[..]].concat());
        assert_eq!((run.code, run.stderr.lines().count()), (2, 1), "{run:?}");
        assert!(run.last_error().contains("\"bad host\""), "{run:?}");
    }
    assert_eq!(world.simulator.request_count(None), 0);
}

#[test]
fn a_certificate_that_can_have_no_hostnames_is_told_by_a_dry_run_too() {
    let world = World::new();
    let leaf = world.simulator.seed(Seed::leaf(DOCUMENTED_CA)).unwrap();
    let nobody = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60";
    for (id, code) in [(leaf.as_str(), 2), (nobody, 3)] {
        let target = ["--zone", "example.com", "--certificate", id];
        for arguments in [&["add", "--dry-run"][..], &["add"], &["replace", "--dry-run"]] {
            let run = world.run(&[&["hostnames"], arguments, &["a.example.com"], &target].concat());
            assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{run:?}");
            assert!(!run.stderr.contains("  + "), "{run:?}");
        }
    }
    assert_eq!(world.writes(), [""; 0]);
    // Who may not see the account's certificates may still change the zone.
    let ca = world.seed("devices");
    let denied = Fault::error(403, 9109, "no").on(Operation::Get);
    world.simulator.inject(denied);
    let target = ["--zone", "example.com", "--certificate", &ca];
    let run = world.run(&[&["hostnames", "add", "a.example.com"], &target[..]].concat());
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn an_empty_list_is_told_as_what_it_means() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    world.simulator.set_managed_hostnames(&world.zone, ["m.example.com"]).unwrap();
    let table: [(&[&str], String); 2] = [
        (&["--managed-ca"], "the CA that Cloudflare manages".to_owned()),
        (&["--certificate", &id], format!("certificate {id}")),
    ];
    for (whose, told) in table {
        let remove = ["hostnames", "remove", "--all", "--zone", "example.com", "--dry-run"];
        let run = world.run(&[&remove[..], whose].concat());
        let want =
            format!("No hostname is left: mTLS with {told} is turned off for zone example.com.");
        assert!(run.stderr.contains(&want), "{run:?}");
    }
    world.simulator.set_managed_hostnames(&world.zone, [""; 0]).unwrap();
    let remove = ["hostnames", "remove", "--all", "--zone", "example.com", "--managed-ca"];
    let run = world.run(&remove);
    let warning = "warning: the list is empty, but may not show what was added moments ago\n";
    let all = format!("{warning}nothing changed; 0 in zone example.com\n");
    assert_eq!((run.code, run.stderr), (0, all));
}

#[test]
fn a_zone_name_that_several_have_is_refused() {
    let world = World::new();
    let twin = world.simulator.add_zone("example.com");
    let run = world.run(&["hostnames", "list", "--zone", "example.com", "--managed-ca"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.last_error().contains(&twin), "{run:?}");
}

/// A list is not wiped by hostnames of another zone, however the zone is named.
#[test]
fn a_replacement_with_nothing_of_the_zone_needs_a_person() {
    // (the list before, the hostnames, by name, by id)
    let table: [(&[&str], &[&str], i32, i32); 7] = [
        (&HOSTS, &["x.other.org"], 2, 2),
        (&HOSTS, &["x.notexample.com"], 2, 2),
        (&["example.com"], &["x.other.com"], 2, 2),
        (&HOSTS, &["x.other.org", "c.example.com"], 0, 0),
        (&["a.v1.example.com"], &["b.v1.example.com"], 0, 0),
        (&HOSTS, &["b.example.com"], 0, 0),
        // Nothing is lost.
        (&[], &["x.other.org"], 2, 0),
    ];
    for (before, hosts, by_name, by_id) in table {
        for is_id in [false, true] {
            let world = World::new();
            let id = world.seed("devices");
            world.simulator.set_hostnames(&world.zone, &id, before.iter().copied()).unwrap();
            let zone = if is_id { world.zone.as_str() } else { "example.com" };
            let target = ["--zone", zone, "--certificate", "devices", "--yes"];
            let run = world.run(&[&["hostnames", "replace"], hosts, &target[..]].concat());
            let code = if is_id { by_id } else { by_name };
            assert_eq!(run.code, code, "{before:?} {hosts:?} {zone}: {run:?}");
            assert_eq!(world.writes().is_empty(), code == 2, "{run:?}");
        }
    }
}

/// The list knows it, even if the PEM does not.
#[test]
fn an_expired_ca_is_warned_of_by_what_the_list_says() {
    let world = World::new();
    let id = world.seed_expiring("devices", -3);
    for arguments in [&["add"][..], &["replace", "--yes"]] {
        let target = ["a.example.com", "--zone", "example.com", "--certificate", &id];
        let run = world.run(&[&["hostnames"], arguments, &target[..]].concat());
        assert_eq!(run.code, 0, "{run:?}");
        let warning = "warning: clients may be rejected by this CA: expired 3 days ago\n";
        assert_eq!(run.stderr.contains(warning), arguments[0] == "add", "{run:?}");
    }
}

#[test]
fn a_zone_with_control_characters_is_refused() {
    let world = World::new();
    for zone in ["example.com\r", "exa\u{1b}mple.com", "example.com\n"] {
        let run = world.run(&["hostnames", "list", "--zone", zone, "--managed-ca"]);
        assert_eq!(run.code, 2, "{run:?}");
    }
    assert_eq!(world.simulator.request_count(None), 0);
}
