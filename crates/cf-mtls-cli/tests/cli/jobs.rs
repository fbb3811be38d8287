//! release, rotate, prune: what the issue asks for.

use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use cf_mtls_testkit::simulator::{Fault, Operation};
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};
use serde_json::{Value, json};

use crate::support::{HOSTS, Run, World, new_ca};

const PROPAGATION: Duration = Duration::from_millis(60);

/// Everything takes a moment to be noticed.
pub(crate) fn slow_world() -> World {
    World::with(Simulator::builder().propagation(PROPAGATION))
}

#[test]
fn a_new_user_uploads_attaches_is_refused_and_releases() {
    let slow = Simulator::builder().propagation(PROPAGATION);
    let world = World::with(slow.clock_stands_still());
    let ca = world.file("ca.pem", DOCUMENTED_CA);
    let stored = world.json(&["upload", "--ca", &ca, "--name", "devices"]);
    let id = stored["id"].as_str().unwrap();
    let target = ["--zone", "example.com", "--certificate", id];
    world.json(&[&["hostnames", "add"], &HOSTS[..], &target[..]].concat());
    let refused = world.run(&["delete", id, "--yes"]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.last_error().contains("API Shield"), "{refused:?}");

    let plan = world.json(&["release", id, "--dry-run"]);
    assert_eq!(plan["zones"][0]["hostnames"], json!(HOSTS));
    assert_eq!(plan["blockers"], json!([]));
    assert_eq!(world.ids().len(), 1);

    let mut child = world.spawn(&["release", id, "--yes", "--poll", "10ms"]);
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = Vec::new();
    for line in stderr.lines().map(Result::unwrap) {
        if line.starts_with("waiting until nothing uses") {
            world.simulator.advance(PROPAGATION);
        }
        told.push(line);
    }
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, 0, "{told:?}");
    let steps = [
        format!("detached a.example.com, b.example.com in zone example.com from {id}"),
        format!("waiting until nothing uses {id}: API Shield (pending_deletion)"),
        format!("no service shows a use of {id}"),
        format!("deleted {id}"),
    ];
    assert!(told.ends_with(&steps), "{told:?}");
    assert_eq!(run.stdout, format!("{id}  deleted\n"));
    assert_eq!(world.run(&["get", id]).code, 3);
    assert_eq!(world.run(&["release", id, "--yes"]).code, 3);
    assert_eq!(world.run(&["release", id, "--yes", "--if-exists"]).code, 0);
}

#[test]
fn release_tells_its_steps_in_json() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let json = world.json(&["release", &id, "--yes", "--poll", "10ms"]);
    assert_eq!(json["certificate"]["id"], id);
    assert_eq!(json["detached"][0]["hostnames"], json!(HOSTS));
    let names = |steps: &[Value]| -> Vec<String> {
        steps.iter().map(|step| step["step"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(json["steps"].as_array().unwrap()), ["detached", "unused", "deleted"]);
    let id = world.seed_in_use("devices");
    let run = world.run(&["release", &id, "--yes", "-o", "ndjson"]);
    assert_eq!(names(&run.lines()), ["detached", "unused", "deleted"]);
}

#[test]
fn a_release_that_is_stopped_changes_nothing() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    world.simulator.attach_service(&id, "gateway", "active").unwrap();
    for arguments in [&["--yes"][..], &["--dry-run"]] {
        let run = world.run(&[&["release", id.as_str()], arguments].concat());
        assert_eq!(run.code, 4, "{run:?}");
        assert!(run.last_error().contains("gateway (active)"), "{run:?}");
        assert!(run.last_error().contains("nothing was changed"), "{run:?}");
    }
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
fn release_in_one_zone_is_stopped_by_hostnames_in_another() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let other = world.simulator.add_zone("example.org");
    world.simulator.set_hostnames(&other, &id, ["a.example.org"]).unwrap();
    let run = world.run(&["release", &id, "--zone", "example.com", "--yes"]);
    assert_eq!((run.code, world.writes().len()), (4, 0), "{run:?}");
    let both = ["release", &id, "--zone", "example.com", "--zone", &other, "--yes"];
    assert_eq!(world.run(&both).code, 0);
    assert_eq!(world.ids(), [""; 0]);
}

#[test]
fn prune_deletes_the_three_of_five_that_expired() {
    let world = World::new();
    let mut keep = Vec::new();
    for (name, days) in [("a", -1), ("b", 40), ("c", -300), ("d", 5), ("e", -30)] {
        let id = world.seed_expiring(name, days);
        if 0 < days {
            keep.push(id);
        }
    }
    let plan = world.json(&["prune", "--expired", "--dry-run"]);
    assert_eq!(plan.as_array().unwrap().len(), 3);
    assert_eq!(plan[0]["outcome"], "would_delete");
    assert_eq!(plan[0]["reasons"][0]["reason"], "expired");
    assert_eq!(world.writes(), [""; 0]);
    let run = world.run(&["prune", "--expired", "--yes"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("expired 30 days ago"), "it shows what goes: {run:?}");
    assert_eq!(run.stdout.matches("  deleted\n").count(), 3, "{run:?}");
    assert_eq!(world.ids(), keep);
    let run = world.run(&["prune", "--expired", "--yes"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:?}");
}

/// What cannot be looked at may be in use: it is left alone, and stops no other.
#[test]
fn prune_leaves_alone_what_it_cannot_look_at() {
    let world = World::new();
    for name in ["old-a", "old-b", "old-c"] {
        world.seed(name);
    }
    for consent in ["--dry-run", "--yes"] {
        world.simulator.clear_faults();
        let refusal = Fault::error(403, 9109, "no").on(Operation::Associations);
        world.simulator.inject(refusal.nth(2).times(1));
        let run = world.run(&["prune", "--unused", "--name-prefix", "old-", consent, "-o", "json"]);
        assert_eq!(run.code, 8, "{run:?}");
        let told: Value = serde_json::from_str(&run.stdout).unwrap();
        let told = told.as_array().unwrap();
        let failed: Vec<&Value> = told.iter().filter(|one| one["outcome"] == "failed").collect();
        assert_eq!((told.len(), failed.len()), (3, 1), "{told:?}");
        assert_eq!(failed[0]["error"]["kind"], "permission");
        let left = match consent {
            "--yes" => vec![failed[0]["id"].as_str().unwrap().to_owned()],
            _ => world.ids(),
        };
        assert_eq!(world.ids(), left);
    }
    assert_eq!(world.ids().len(), 1);
}

#[test]
fn prune_takes_criteria_together() {
    let world = World::new();
    let used = world.seed_in_use("test-used");
    let free = world.seed("test-free");
    let other = world.seed("other");
    let ids = |arguments: &[&str]| -> Vec<String> {
        let all = [&["prune", "--dry-run", "-o", "ndjson"], arguments].concat();
        let lines = world.run(&all).lines();
        lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&["--name-prefix", "test-"]), [used.clone(), free.clone()]);
    assert_eq!(ids(&["--name-prefix", "test-", "--unused"]), [free.as_str()]);
    assert_eq!(ids(&["--unused"]), [free, other]);
    assert_eq!(ids(&["--unused", "--leaf"]), [""; 0]);
    assert_eq!(ids(&["--unused", "--expires-before", "2030-01-01"]), [""; 0]);
    assert_eq!(ids(&["--unused", "--older-than", "1d"]), [""; 0]);
    let run = world.run(&["prune", "--name-prefix", "test-", "--yes"]);
    assert_eq!(run.code, 8, "one is in use: {run:?}");
    assert!(world.ids().contains(&used));
}

#[test]
fn a_dry_run_of_prune_ends_as_the_real_one_does() {
    // (what is in use, what is free, exit code, the note)
    let table = [
        (0, 0, 0, "no certificate meets the criteria"),
        (0, 1, 0, "dry run: 1 of 1 certificate would be deleted"),
        (1, 0, 4, "dry run: 0 of 1 certificate would be deleted"),
        (2, 0, 4, "dry run: 0 of 2 certificates would be deleted"),
        (2, 1, 8, "dry run: 1 of 3 certificates would be deleted"),
    ];
    for (used, free, code, note) in table {
        let world = World::new();
        for number in 0..used {
            world.seed_in_use(&format!("used {number}"));
        }
        for number in 0..free {
            world.seed(&format!("used, no more {number}"));
        }
        let prune = ["prune", "--name-prefix", "used"];
        let dry = world.run(&[&prune[..], &["--dry-run"]].concat());
        assert_eq!(dry.code, code, "{dry:?}");
        assert!(dry.stderr.contains(&format!("{note}\n")), "{dry:?}");
        let json = world.run(&[&prune[..], &["--dry-run", "-o", "json"]].concat());
        let plan: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(plan.as_array().unwrap().len(), used + free);
        assert_eq!(world.writes(), [""; 0]);
        let real = world.run(&[&prune[..], &["--yes", "-o", "json"]].concat());
        assert_eq!((json.code, real.code), (code, code), "{real:?}");
        if code != 0 {
            let kind = |run: &crate::support::Run| run.error_json()["kind"].clone();
            assert_eq!(kind(&json), kind(&real));
        }
    }
}

#[test]
fn rotate_leaves_no_hostname_without_a_ca() {
    let world = slow_world();
    let old = world.seed_in_use("devices");
    let new = world.file("new.pem", &new_ca());
    let arguments = ["rotate", &old, "--ca", &new, "--name", "devices-2", "--poll", "10ms"];
    let plan = world.json(&[&arguments[..], &["--dry-run"]].concat());
    assert_eq!(plan["old"]["zones"][0]["hostnames"], json!(HOSTS));
    assert_eq!(world.writes(), [""; 0]);

    std::thread::scope(|scope| {
        let rotation = scope.spawn(|| world.json(&[&arguments[..], &["--yes"]].concat()));
        // A second process: the hostnames are in one list or the other.
        let read = |id: &String| {
            let list = ["hostnames", "list", "--zone", &world.zone, "-o", "json"];
            let run = world.run(&[&list[..], &["--certificate", id]].concat());
            serde_json::from_str::<Value>(&run.stdout)
                .map_or(Vec::new(), |list| list["hostnames"].as_array().unwrap().clone())
        };
        while !rotation.is_finished() {
            // The old one is read first: what it has lost by then, the others,
            // which are listed later, must have.
            let mut hosts = read(&old);
            hosts.extend(world.ids().iter().flat_map(read));
            for host in HOSTS {
                assert!(hosts.contains(&json!(host)), "{host} has no CA: {hosts:?}");
            }
        }
        let rotated = rotation.join().unwrap();
        assert_eq!(rotated["successor"]["name"], "devices-2");
        assert_eq!(rotated["old"]["certificate"]["id"], old);
        let steps = rotated["steps"].as_array().unwrap();
        assert_eq!(steps.first().unwrap()["step"], "uploaded");
        assert_eq!(steps.last().unwrap()["step"], "deleted");
    });
    assert_eq!(world.simulator.effects().gaps, []);
    let ids = world.ids();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.simulator.hostnames(&world.zone, &ids[0]), HOSTS);
    let again = world.run(&[&arguments[..], &["--yes"]].concat());
    assert_eq!(again.code, 3, "{again:?}");
    assert_eq!(world.run(&[&arguments[..], &["--yes", "--if-exists"]].concat()).code, 0);
}
