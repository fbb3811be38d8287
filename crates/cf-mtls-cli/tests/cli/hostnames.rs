//! hostnames list, add, remove, replace.

use serde_json::json;

use crate::support::World;

#[test]
fn a_list_is_edited_and_nothing_else_is_touched() {
    let world = World::new();
    let (id, other) = (world.seed("devices"), world.seed_in_use("other"));
    world
        .simulator
        .set_managed_hostnames(&world.zone, ["m.example.com"])
        .unwrap();
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
            "dry_run": false,
        })
    );
    assert_eq!(
        run(&["remove", "B.example.com", "--yes"])["removed"],
        json!(["b.example.com"])
    );
    let dry = run(&["replace", "c.example.com", "d.example.com", "--dry-run"]);
    assert_eq!(
        (&dry["added"], &dry["removed"]),
        (&json!(["d.example.com"]), &json!(["a.example.com"]))
    );
    assert_eq!(dry["dry_run"], true);
    assert_eq!(
        run(&["list"])["hostnames"],
        json!(["a.example.com", "c.example.com"])
    );
    run(&["replace", "c.example.com", "d.example.com", "--yes"]);
    assert_eq!(
        world.simulator.hostnames(&world.zone, &id),
        ["c.example.com", "d.example.com"]
    );
    assert_eq!(run(&["replace", "--yes"])["hostnames"], json!([]));
    assert_eq!(world.simulator.hostnames(&world.zone, &other).len(), 2);
    assert_eq!(
        world.simulator.managed_hostnames(&world.zone),
        ["m.example.com"]
    );
}

#[test]
fn the_managed_ca_is_meant_only_when_it_is_said() {
    let world = World::new();
    let target = ["--zone", world.zone.as_str(), "--managed-ca"];
    let add = [&["hostnames", "add", "m.example.com"], &target[..]].concat();
    let json = world.json(&add);
    assert_eq!(
        (&json["managed_ca"], &json["certificate_id"]),
        (&json!(true), &json!(null))
    );
    assert_eq!(json["zone"], json!({"id": world.zone, "name": null}));
    let table = world.run(&[&["hostnames", "list"], &target[..]].concat());
    assert_eq!(table.stdout, "HOSTNAME\nm.example.com\n");
    let empty = world.run(&[&["hostnames", "replace", "--yes"], &target[..]].concat());
    assert_eq!(empty.stdout, "");
    assert!(empty.stderr.contains("- m.example.com"), "{empty:?}");
}

#[test]
fn a_zone_name_that_several_have_is_refused() {
    let world = World::new();
    let twin = world.simulator.add_zone("example.com");
    let run = world.run(&["hostnames", "list", "--zone", "example.com", "--managed-ca"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.last_error().contains(&twin), "{run:?}");
}
