//! Ten thousand certificates.

use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Operation, RequestRecord, Seed};
use serde_json::Value;

use crate::support::{World, new_ca};

const MANY: usize = 10_000;

fn full_world() -> World {
    let world = World::new();
    // A small one: what is measured is their number.
    let pem = new_ca();
    for number in 0..MANY {
        let seed = Seed::ca(&*pem).name(format!("certificate {number}"));
        world.simulator.seed(seed).unwrap();
    }
    world
}

#[test]
fn ten_thousand_are_listed_as_they_come_and_stay_within_the_limit() {
    let world = full_world();
    let marks = ["  certificate ", "\"name\":\"certificate "];
    for form in ["table", "ndjson"] {
        world.simulator.clear_requests();
        let mut child = world.spawn(&["list", "-o", form]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap();
        // Unread rows hold the rest back, so the first came before all were there.
        let pages = world.simulator.request_count(Operation::List);
        assert!(pages < 60, "{form}: the first row came after {pages} pages");
        #[cfg(target_os = "linux")]
        let early = peak_kib(child.id());
        #[cfg(target_os = "linux")]
        let mut late = early;
        let mut rows = 0;
        for line in std::iter::once(first).chain(lines).map(Result::unwrap) {
            rows += usize::from(marks.iter().any(|mark| line.contains(mark)));
            #[cfg(target_os = "linux")]
            if rows == MANY - 200 {
                late = peak_kib(child.id()).max(early);
            }
        }
        assert_eq!(rows, MANY, "{form}");
        assert!(child.wait().unwrap().success());
        #[cfg(target_os = "linux")]
        assert!(late < early + 4096, "{form}: {early} KiB grew to {late} KiB");
        assert_eq!(world.simulator.request_count(None), 200);
    }
    world.simulator.clear_requests();
    let run = world.run(&["prune", "--name-prefix", "certificate 99", "--dry-run", "-o", "ndjson"]);
    assert_eq!((run.code, run.lines().len()), (0, 111), "{:?}", run.stderr);
    let run = world.run(&["prune", "--expires-before", "9999-01-01", "--dry-run", "-q"]);
    assert_eq!((run.code, run.stdout.lines().count()), (0, MANY + 1));
    assert!(world.simulator.request_count(None) < 500);
    let refused = |request: &RequestRecord| request.status == Some(429);
    assert!(!world.simulator.requests().iter().any(refused));
}

/// Names of many come out of the list; what it does not show is asked for.
#[test]
fn a_dry_run_of_many_tells_which_are_not_there() {
    let world = World::new();
    let mut ids: Vec<String> = (0..110).map(|number| world.seed(&format!("c{number}"))).collect();
    ids[7] = "00000000-0000-4000-8000-000000000000".to_owned();
    ids[108] = "00000000-0000-4000-8000-000000000001".to_owned();
    let mut arguments = vec!["delete", "--dry-run", "-o", "json"];
    arguments.extend(ids.iter().map(String::as_str));
    for (flag, outcome, code) in [("--quiet", "failed", 8), ("--if-exists", "absent", 0)] {
        world.simulator.clear_requests();
        let run = world.run(&[&arguments[..], &[flag]].concat());
        assert_eq!(run.code, code, "{run:?}");
        let told: Value = serde_json::from_str(&run.stdout).unwrap();
        let told = told.as_array().unwrap();
        assert_eq!(told.len(), ids.len());
        for one in told {
            let id = one["id"].as_str().unwrap();
            let want = match id.starts_with("00000000") {
                true => outcome,
                false => "would_delete",
            };
            assert_eq!(one["outcome"], want, "{one}");
        }
        let count = |operation| world.simulator.request_count(operation);
        assert_eq!((count(Operation::List), count(Operation::Get)), (3, 2));
    }
    arguments[1] = "--yes";
    let run = world.run(&[&arguments[..], &["--if-exists", "-o", "table"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(world.ids().len(), 2, "those that were not named");
}

/// The most memory that a process has had.
#[cfg(target_os = "linux")]
fn peak_kib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}

#[test]
fn many_deletions_wait_for_the_rate_limit_and_never_meet_it() {
    let limited = Simulator::builder().rate_limit(150, Duration::from_secs(1));
    let world = World::with(limited);
    for number in 0..320 {
        world.seed(&format!("certificate {number}"));
    }
    let run = world.run(&["prune", "--name-prefix", "certificate", "--yes", "-o", "ndjson"]);
    assert_eq!((run.code, run.lines().len()), (0, 320), "{:?}", run.stderr);
    assert_eq!(world.ids(), [""; 0]);
    let statuses = world.simulator.requests().into_iter().map(|request| request.status);
    assert_eq!(statuses.filter(|status| *status == Some(429)).count(), 0);
}
