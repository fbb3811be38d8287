//! rotate: what its plan tells, and what it claims of a CA that is not there.

use std::time::{Duration, SystemTime};

use cf_mtls_testkit::simulator::Seed;
use serde_json::json;

use crate::support::{HOSTS, World, new_ca};
#[cfg(feature = "x509")]
use crate::support::{new_ca_named, new_leaf};

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
    let run = world.run(&["rotate", "there", "--ca", &new, "--yes"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stderr.contains("there holds this certificate already"), "{run:?}");
    assert!(run.stderr.contains("hint: --if-exists takes that for success"), "{run:?}");
    let run = world.run(&["rotate", "there", "--ca", &new, "--yes", "--if-exists"]);
    assert_eq!(run.code, 0, "{run:?}");
    let told = "there holds this certificate already; nothing to do:\n";
    assert!(run.stderr.contains(told) && !run.stderr.contains("is not known"), "{run:?}");
    let arguments = ["rotate", NOBODY, "--ca", &new, "--if-exists", "--yes"];
    for uses in [&[][..], &HOSTS] {
        world.simulator.set_hostnames(&world.zone, &there, uses.iter().copied()).unwrap();
        let run = world.run(&arguments);
        assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:?}");
        assert!(!run.stderr.contains("taken over"), "{run:?}");
        assert!(!run.stderr.contains("is gone"), "{run:?}");
        assert!(run.stderr.contains("is not known"), "{run:?}");
        assert!(run.stderr.contains(&there), "{run:?}");
        let told = match uses {
            [] => "no service shows a use of it",
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
        let old = json!({
            "certificate": null, "zones": [], "associations": [], "holders": [],
            "unreadable_products": [], "unreadable_zones": [], "unentitled": [],
            "products_not_read": [], "zones_not_read": false, "blockers": [],
        });
        assert_eq!(told["old"], old);
        assert_eq!(told.get("other_copies"), Some(&json!(null)));
        assert_eq!(run.stdout.lines().count() == 1, form == "ndjson", "{run:?}");
    }
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
#[cfg(feature = "x509")]
fn the_plan_tells_what_is_in_the_file_and_what_room_it_needs() {
    let world = World::new();
    let old = world.seed_in_use("devices");
    let both = new_ca_named("first") + &new_ca_named("second");
    let new = world.file("both.pem", &both);
    let arguments = ["rotate", &old, "--ca", &new, "--dry-run"];
    let run = world.run(&arguments);
    assert_eq!(run.code, 0, "{run:?}");
    for part in [
        "all 2 certificates in ",
        "  CN=first, expires in ",
        "  CN=second, expires in ",
        "needs a free place for a CA",
    ] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    assert!(run.stdout.contains("would upload the new CA (needs one free CA slot)"), "{run:?}");
    let plan = world.json(&arguments);
    assert_eq!(plan["certificates"][0]["subject"], "CN=first");
    assert_eq!(plan["certificates"][1]["subject"], "CN=second");
    assert!(plan["certificates"][0]["expires_on"].as_str().unwrap().ends_with('Z'));
    assert_eq!(plan["certificates"].as_array().unwrap().len(), 2);
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
#[cfg(feature = "x509")]
fn a_leaf_is_no_ca_and_that_is_found_before_anything_is_sent() {
    let world = World::new();
    let old = world.seed_in_use("devices");
    let (leaf, _) = new_leaf();
    let table = [(leaf.clone(), "certificate 1 in "), (new_ca() + &leaf, "certificate 2 in ")];
    for (pem, told) in table {
        let file = world.file("new.pem", &pem);
        for arguments in [
            &["upload", "--ca", &file][..],
            &["rotate", &old, "--ca", &file, "--dry-run"],
            &["rotate", &old, "--ca", &file, "--yes"],
        ] {
            let run = world.run(arguments);
            assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
            assert!(run.last_error().contains(told), "{run:?}");
            assert!(run.last_error().contains("is not a CA"), "{run:?}");
        }
    }
    assert_eq!(world.simulator.request_count(None), 0);
}

#[test]
fn a_ca_that_has_expired_takes_over_only_where_that_is_said() {
    let world = World::new();
    let old = world.seed_in_use("devices");
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let pem = parameters.self_signed(&key).unwrap().pem();
    let ca = world.file("expired.pem", &pem);
    for consent in ["--yes", "--dry-run"] {
        let run = world.run(&["rotate", &old, "--ca", &ca, consent]);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.last_error().contains("--allow-unusable"), "{run:?}");
    }
    assert_eq!(world.simulator.request_count(None), 0);
    let run = world.run(&["rotate", &old, "--ca", &ca, "--yes", "--allow-expired"]);
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn the_plan_tells_which_stored_certificate_is_taken_and_that_a_name_is_not_used() {
    let world = World::new();
    let old = world.seed_in_use("devices");
    let pem = new_ca();
    let new = world.file("new.pem", &pem);
    let seed = |name| {
        let seed = Seed::ca(pem.as_str()).name(name);
        world.simulator.seed(seed).unwrap()
    };
    let arguments = |name| ["rotate", &old, "--ca", &new, "--name", name, "--dry-run"];

    let first = seed("first");
    let run = world.run(&arguments("another"));
    let told = format!("move to {first} (named \"first\"), which was uploaded before");
    assert!(run.stderr.contains(&told), "{run:?}");
    let told = "The name \"another\" is ignored";
    assert!(run.stderr.contains(told), "{run:?}");
    let plan = world.json(&arguments("another"));
    assert_eq!(plan["successor"]["id"], first);
    assert_eq!(plan["name_unused"], true);
    assert_eq!(plan["other_copies"], json!([]));

    let run = world.run(&arguments("first"));
    assert!(!run.stderr.contains("is ignored"), "{run:?}");
    assert_eq!(world.json(&arguments("first"))["name_unused"], false);
    assert_eq!(world.writes(), [""; 0]);
}

/// Which of two replaces the other is told by their age alone.
#[test]
fn a_name_with_a_newer_ca_than_the_new_one_is_ambiguous() {
    let day = Duration::from_secs(24 * 3600);
    // (days since the other upload and since that of the new CA, exit code)
    for (other, new, code) in [(9, 2, 0), (2, 9, 2)] {
        let world = World::new();
        let seed = |pem: &str, days: u32| {
            let seed = Seed::ca(pem).name("devices").uploaded_on(SystemTime::now() - day * days);
            world.simulator.seed(seed).unwrap()
        };
        let pem = new_ca();
        let (other, new) = (seed(&new_ca(), other), seed(&pem, new));
        let ca = world.file("next.pem", &pem);
        let rotate = ["rotate", "devices", "--ca", &ca, "--yes"];
        for more in [&["--if-exists", "-o", "json"][..], &["-o", "json"]] {
            let run = world.run(&[&rotate[..], more].concat());
            assert_eq!(run.code, code, "{run:?}");
            if code == 0 {
                assert_eq!(world.ids(), [new.as_str()]);
                break;
            }
            let candidates = &run.error_json()["candidates"];
            assert_eq!(*candidates, json!([other, new]));
            assert_eq!(world.writes(), [""; 0]);
        }
    }
}
