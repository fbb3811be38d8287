//! Ctrl-C, and worse, at every step.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::time::Duration;

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation};
use serde_json::Value;

use crate::jobs::slow_world;
use crate::support::{HOSTS, Run, World, new_ca, signal};

/// What no test waits for.
const LONG: Duration = Duration::from_secs(30);

/// Runs until so many steps were told, then sends the signal. `None` when it
/// had ended before.
fn stop_after(
    world: &World,
    arguments: &[&str],
    steps: usize,
    name: &str,
) -> Option<(i32, String)> {
    let mut child = world.spawn(&[arguments, &["-o", "ndjson"]].concat());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..steps {
        if lines.next().is_none() {
            assert_eq!(child.wait().unwrap().code(), Some(0));
            return None;
        }
    }
    signal(&child, name);
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Some((output.status.code().unwrap_or(-1), stderr))
}

#[test]
fn a_release_that_was_stopped_at_any_step_goes_on() {
    for name in ["-INT", "-KILL"] {
        for steps in 1.. {
            let world = slow_world();
            let id = world.seed_in_use("devices");
            let other = world.simulator.add_zone("example.org");
            world.simulator.set_hostnames(&other, &id, ["a.example.org"]).unwrap();
            let bystander = world.seed_in_use("bystander");
            let arguments = ["release", &id, "--yes", "--if-exists", "--poll", "5ms"];
            let stopped = stop_after(&world, &arguments, steps, name);
            if let Some((code, stderr)) = &stopped
                && name == "-INT"
            {
                assert!([0, 130].contains(code), "{steps}: {stderr}");
                if *code == 130 {
                    let error: Value =
                        serde_json::from_str(stderr.lines().last().unwrap()).unwrap();
                    assert_eq!(error["kind"], "interrupted");
                    let told = error["steps"].as_array().unwrap();
                    assert!(steps <= told.len());
                    assert_eq!(error["certificate_id"], id.as_str());
                    let detached = told.iter().filter(|step| step["step"] == "detached");
                    let detached = detached.map(|step| &step["hostnames"]);
                    let zones = error["detached"].as_array().unwrap().iter();
                    assert!(detached.eq(zones.map(|zone| &zone["hostnames"])), "{error}");
                    assert!(world.ids().contains(&id), "it says that it is there");
                }
            }
            let run = world.run(&arguments);
            assert_eq!(run.code, 0, "{steps}: {run:?}");
            assert_eq!(world.ids(), [bystander.as_str()]);
            assert_eq!(world.simulator.hostnames(&world.zone, &bystander), HOSTS);
            if stopped.is_none() {
                assert!(3 < steps);
                break;
            }
        }
    }
}

/// The signal comes while it looks whether anything uses the certificate.
#[test]
fn nothing_is_deleted_after_the_look_that_was_under_way() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let look = Fault::delay(Duration::from_secs(1)).on(Operation::Associations);
    world.simulator.inject(look);
    let arguments = ["release", &id, "--yes"];
    let (code, stderr) = stop_after(&world, &arguments, 1, "-INT").unwrap();
    assert_eq!(code, 130, "{stderr}");
    assert!(stderr.contains("is not deleted"), "{stderr}");
    assert_eq!(world.ids(), [id.as_str()]);
    assert_eq!(world.simulator.effects().deleted, 0);
}

#[test]
fn a_rotation_that_was_stopped_at_any_step_goes_on() {
    let pem = new_ca();
    for name in ["-INT", "-KILL"] {
        for steps in 1.. {
            let world = slow_world();
            let old = world.seed_in_use("devices");
            let new = world.file("new.pem", &pem);
            let arguments = ["rotate", &old, "--ca", &new, "--yes", "--if-exists", "--poll", "5ms"];
            let stopped = stop_after(&world, &arguments, steps, name);
            let run = world.run(&arguments);
            assert_eq!(run.code, 0, "{steps}: {run:?}");
            let ids = world.ids();
            assert_eq!((ids.len(), ids.contains(&old)), (1, false), "{steps}");
            assert_eq!(world.simulator.hostnames(&world.zone, &ids[0]), HOSTS);
            let effects = world.simulator.effects();
            assert_eq!((effects.gaps.len(), effects.stored_as(&pem)), (0, 1), "{steps}");
            if stopped.is_none() {
                assert!(4 < steps);
                break;
            }
        }
    }
}

#[test]
fn many_deletions_stop_between_two_and_all_are_told() {
    let world = World::with(Simulator::builder().no_rate_limit());
    let ids: Vec<String> = (0..60).map(|number| world.seed(&format!("c{number}"))).collect();
    let slow = Fault::delay(Duration::from_millis(20)).on(Operation::Delete);
    world.simulator.inject(slow);
    let mut arguments = vec!["delete", "--yes", "-o", "ndjson"];
    arguments.extend(ids.iter().map(String::as_str));
    let mut child = world.spawn(&arguments);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut told = vec![lines.next().unwrap()];
    signal(&child, "-INT");
    told.extend(lines);
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, 130, "{run:?}");
    let told: Vec<Value> = told.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), ids.len(), "each has an outcome");
    let left = world.ids();
    assert!(!left.is_empty() && left.len() < ids.len());
    for one in &told {
        let there = left.iter().any(|id| one["id"] == id.as_str());
        let want = if there { "not_begun" } else { "deleted" };
        assert_eq!(one["outcome"], want, "what is told is true: {one}");
    }
    assert!(run.error_json()["message"].as_str().unwrap().contains(" not begun"));
}

/// What waits for the rate limit was not sent, and is not sent any more.
#[test]
fn what_waits_for_the_rate_limit_stops_at_once() {
    let limited = |quota| World::with(Simulator::builder().rate_limit(quota, LONG));
    // Ten requests lead up to the deletion.
    let world = limited(10);
    let id = world.seed_in_use("devices");
    let arguments = ["release", &id, "--yes"];
    let (code, stderr) = stop_after(&world, &arguments, 2, "-INT").unwrap();
    assert_eq!(code, 130, "{stderr}");
    let error: Value = serde_json::from_str(stderr.lines().last().unwrap()).unwrap();
    let steps = error["steps"].as_array().unwrap();
    assert_eq!(steps.last().unwrap()["step"], "unused", "{stderr}");
    assert_eq!(world.simulator.request_count(Operation::Delete), 0);
    assert_eq!(world.ids(), [id.as_str()]);

    // Certificates are read for their names first.
    let world = limited(70);
    let ids: Vec<String> = (0..50).map(|number| world.seed(&format!("c{number}"))).collect();
    let mut arguments = vec!["delete", "--yes", "--quiet"];
    arguments.extend(ids.iter().map(String::as_str));
    let (code, stderr) = stop_after(&world, &arguments, 20, "-INT").unwrap();
    let left = world.ids().len();
    let told = format!(
        "interrupted: deleted {} of 50 certificates; 0 failed, {left} not begun",
        50 - left
    );
    assert!(stderr.contains(&told), "{stderr}");
    assert!((1..=30).contains(&left), "{stderr}");
    assert_eq!(code, 130);
}

/// Interrupts what waits for an answer, and again when that is told; returns the
/// last line.
fn interrupt_twice(mut child: Child) -> String {
    signal(&child, "-INT");
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("finishing the request in progress") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0);
    }
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(9));
    stderr.lines().map(Result::unwrap).last().unwrap()
}

#[test]
fn a_single_deletion_is_awaited_and_a_second_interrupt_is_not() {
    let world = World::new();
    let id = world.seed("devices");
    world.simulator.inject(Fault::delay(Duration::from_millis(150)).on(Operation::Delete));
    let child = world.spawn(&["delete", &id, "--yes"]);
    while world.simulator.request_count(Operation::Delete) == 0 {
        std::thread::yield_now();
    }
    signal(&child, "-INT");
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, 0, "nothing was left to stop: {run:?}");
    assert!(run.stdout.contains("deleted"), "{run:?}");

    let id = world.seed("devices");
    world.simulator.clear_faults();
    world.simulator.clear_requests();
    world.simulator.inject(Fault::silence().on(Operation::Delete));
    let child = world.spawn(&["delete", &id, "--yes"]);
    while world.simulator.request_count(Operation::Delete) == 0 {
        std::thread::yield_now();
    }
    let last = interrupt_twice(child);
    assert!(last.starts_with("error: ") && last.contains("unknown"), "{last}");
}

/// The second Ctrl-C does not wait, and knows what had been done.
#[test]
fn a_second_interrupt_tells_the_steps_that_were_done() {
    for form in ["table", "json"] {
        let world = World::new();
        let id = world.seed_in_use("devices");
        world.simulator.inject(Fault::silence().on(Operation::Delete));
        let child = world.spawn(&["release", &id, "--yes", "-o", form]);
        while world.simulator.request_count(Operation::Delete) == 0 {
            std::thread::yield_now();
        }
        let last = interrupt_twice(child);
        let done = "done before: detached a.example.com, b.example.com in zone example.com";
        assert!(last.contains(done), "{last}");
        if form == "json" {
            let error: Value = serde_json::from_str(&last).unwrap();
            assert_eq!(error["steps"][0]["step"], "detached");
            assert_eq!(error["detached"][0]["hostnames"][1], HOSTS[1]);
            assert_eq!(error["certificate_id"], id.as_str());
        }
    }
}

#[test]
fn reading_stops_at_once() {
    let world = World::new();
    world.simulator.inject(Fault::silence());
    let child = world.spawn(&["list"]);
    while world.simulator.request_count(None) == 0 {
        std::thread::yield_now();
    }
    signal(&child, "-INT");
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!((run.code, run.last_error()), (130, "error: interrupted; nothing was changed"));
}
