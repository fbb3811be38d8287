//! rotate: what its plan tells, and what it claims of a CA that is not there.

use cf_mtls_testkit::simulator::Seed;
use serde_json::json;

use crate::support::{HOSTS, World, new_ca};

/// An id that no certificate has.
const NOBODY: &str = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60";

#[test]
fn an_old_ca_that_never_was_is_no_success_without_the_new_one() {
    let world = World::new();
    world.seed_in_use("devices");
    let new = world.file("new.pem", &new_ca());
    for more in [&["--yes"][..], &["--dry-run"]] {
        let arguments = [&["rotate", NOBODY, "--ca", &new, "--if-exists"], more].concat();
        let run = world.run(&arguments);
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{run:?}");
        assert!(run.stderr.contains("nothing was uploaded"), "{run:?}");
    }
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
fn what_is_not_known_of_an_old_ca_is_not_claimed() {
    let world = World::new();
    let pem = new_ca();
    let there = Seed::ca(pem.as_str()).name("there");
    let there = world.simulator.seed(there).unwrap();
    let new = world.file("new.pem", &pem);
    let arguments = ["rotate", NOBODY, "--ca", &new, "--if-exists", "--yes"];
    for uses in [&[][..], &HOSTS] {
        world
            .simulator
            .set_hostnames(&world.zone, &there, uses.iter().copied())
            .unwrap();
        let run = world.run(&arguments);
        assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:?}");
        assert!(!run.stderr.contains("taken over"), "{run:?}");
        assert!(!run.stderr.contains("is gone"), "{run:?}");
        assert!(run.stderr.contains("is not known"), "{run:?}");
        assert!(run.stderr.contains(&there), "{run:?}");
        let told = match uses {
            [] => "used by nothing",
            _ => "used by a.example.com, b.example.com in zone example.com",
        };
        assert!(run.stderr.contains(told), "{run:?}");
    }
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
fn a_rotation_with_nothing_left_to_do_has_the_documented_form() {
    let world = World::new();
    let pem = new_ca();
    let there = world.simulator.seed(Seed::ca(pem.as_str())).unwrap();
    let new = world.file("new.pem", &pem);
    let arguments = ["rotate", NOBODY, "--ca", &new, "--if-exists"];
    for form in ["json", "ndjson"] {
        let run = world.run(&[&arguments[..], &["--yes", "-o", form]].concat());
        assert_eq!(run.code, 0, "{run:?}");
        let mut told: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(told["successor"].take()["id"], there);
        let old = json!({ "certificate": null, "detached": [], "confirmed": false });
        let want = json!({ "successor": null, "attached": [], "old": old, "steps": [] });
        assert_eq!(told, want);

        let run = world.run(&[&arguments[..], &["--dry-run", "-o", form]].concat());
        assert_eq!(run.code, 0, "{run:?}");
        let told: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(told["successor"]["id"], there);
        let old = json!({ "certificate": null, "zones": [], "associations": [], "blockers": [] });
        assert_eq!(told["old"], old);
        assert_eq!(run.stdout.lines().count() == 1, form == "ndjson", "{run:?}");
    }
    assert_eq!(world.writes(), [""; 0]);
}
