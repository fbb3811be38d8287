//! release: what its output and its errors tell.

use cf_mtls_testkit::simulator::{Fault, Operation};
use serde_json::{Value, json};

use crate::support::World;

/// An id that no certificate has.
const NOBODY: &str = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60";

#[test]
fn a_release_of_nothing_has_the_documented_form() {
    let world = World::new();
    let done = json!({ "certificate": null, "detached": [], "confirmed": false, "steps": [] });
    let planned = json!({
        "certificate": null, "zones": [], "associations": [], "holders": [],
        "unreadable_products": [], "unreadable_zones": [], "unentitled": [],
            "products_not_read": [], "zones_not_read": false, "blockers": [],
    });
    for (consent, want) in [("--yes", done), ("--dry-run", planned)] {
        for form in ["json", "ndjson"] {
            let run = world.run(&["release", NOBODY, "--if-exists", consent, "-o", form]);
            assert_eq!(run.code, 0, "{run:?}");
            let told: Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!(told, want);
            assert_eq!(run.stdout.lines().count() == 1, form == "ndjson", "{run:?}");
        }
    }
}

/// Reads still show a certificate, and the service says that it is deleted already.
#[test]
fn what_only_reads_still_show_is_nothing_to_release() {
    let deleted = || Fault::error(400, 1407, "Certificate is already deleted.");
    for (flag, code) in [("--if-exists", 0), ("--all-zones", 3)] {
        let world = World::new();
        let id = world.seed("devices");
        world.simulator.inject(deleted().on(Operation::Delete).times(100));
        let run = world.run(&["release", &id, "--yes", flag, "-o", "json"]);
        assert_eq!(run.code, code, "{run:?}");
        if code == 0 {
            let told: Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!(told["certificate"], Value::Null, "{run:?}");
        }
    }
}
