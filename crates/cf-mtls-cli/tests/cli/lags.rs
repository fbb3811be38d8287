//! A service that shows changes late, as the real one does.

use std::time::Duration;

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation};
use serde_json::json;

use crate::support::{HOSTS, Run, World, new_ca};

const LAG: Duration = Duration::from_millis(1500);

#[test]
fn a_change_of_hostnames_waits_until_reads_show_it() {
    let world = World::with(Simulator::builder().hostname_lag(LAG));
    let id = world.seed("devices");
    let target = ["--zone", "example.com", "--certificate", &id];
    let run = |arguments: &[&str]| world.json(&[&["hostnames"], arguments, &target[..]].concat());
    assert_eq!(run(&["add", HOSTS[0]])["visible"], true);
    assert_eq!(run(&["list"])["hostnames"], json!([HOSTS[0]]));
    let dry = run(&["add", HOSTS[1], "--dry-run"]);
    assert_eq!((&dry["dry_run"], &dry["visible"]), (&json!(true), &json!(null)));
    assert_eq!(run(&["replace", HOSTS[1], "--yes"])["visible"], true);
    assert_eq!(run(&["add", HOSTS[0]])["hostnames"], json!([HOSTS[1], HOSTS[0]]));
    assert_eq!(world.writes().len(), 3, "each change is sent once");
}

#[test]
fn a_change_that_is_not_waited_for_says_that_it_does_not_show() {
    let world = World::with(Simulator::builder().hostname_lag(Duration::from_secs(600)));
    let id = world.seed("devices");
    let target = ["--zone", "example.com", "--certificate", &id];
    let run = |arguments: &[&str]| -> Run {
        world.run(&[&["hostnames"], arguments, &target[..]].concat())
    };
    let added = run(&["add", HOSTS[0], "--no-wait"]);
    assert_eq!(added.code, 0, "{added:?}");
    assert!(added.stderr.contains("no read has shown it yet"), "{added:?}");
    let added = run(&["add", HOSTS[0], "--no-wait", "-o", "json"]);
    assert!(added.stdout.contains("\"visible\": false"), "{added:?}");
    let removed = run(&["remove", HOSTS[0]]);
    assert!(removed.stderr.contains("the list may not show it yet"), "{removed:?}");
    assert_eq!(removed.code, 0, "{removed:?}");
}

/// It is not true that nothing was changed.
#[test]
#[cfg(unix)]
fn a_wait_that_is_interrupted_says_that_the_change_was_sent() {
    let world = World::with(Simulator::builder().hostname_lag(Duration::from_secs(600)));
    let id = world.seed("devices");
    let target = ["--zone", "example.com", "--certificate", &id];
    let add = ["hostnames", "add", HOSTS[0], "-o", "json"];
    let child = world.spawn(&[&add[..], &target].concat());
    // The read after the change.
    while world.simulator.request_count(Operation::Hostnames) < 3 {
        std::thread::yield_now();
    }
    crate::support::signal(&child, "-INT");
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, 130, "{run:?}");
    let error = run.error_json();
    assert!(error["message"].as_str().unwrap().contains("after a change was sent"), "{error}");
    assert_eq!(error["may_have_taken_effect"], true);
    assert_eq!(world.writes().len(), 1);
}

/// The list does not show it, but the refusal names it.
#[test]
fn an_upload_of_what_is_stored_takes_it_or_names_it() {
    let world = World::with(Simulator::builder().list_lag(Duration::from_millis(300)));
    let ca = world.file("ca.pem", &new_ca());
    let stored = world.json(&["upload", "--ca", &ca, "--name", "devices"]);
    let again = world.json(&["upload", "--ca", &ca, "--name", "other", "--if-not-exists"]);
    assert_eq!(again["id"], stored["id"]);
    let run = world.run(&["upload", "--ca", &ca, "-o", "json"]);
    let error = run.error_json();
    assert_eq!((run.code, &error["kind"]), (1, &json!("already_exists")), "{error}");
    assert_eq!(error["existing_certificate_id"], stored["id"]);
    assert!(error["hint"].as_str().unwrap().contains("--if-not-exists"), "{error}");
    assert_eq!(world.ids().len(), 1);
}

/// Names are looked up in lists, so an upload waits until they show it.
#[test]
fn an_upload_waits_until_lists_show_it_or_says_that_they_do_not() {
    let world = World::with(Simulator::builder().list_lag(LAG));
    let ca = world.file("ca.pem", &new_ca());
    let upload = |more: &[&str]| world.run(&[&["upload", "--ca", &ca], more].concat());
    let stored = upload(&["--name", "devices", "-o", "json"]);
    assert_eq!((stored.code, stored.stderr.as_str()), (0, ""), "{stored:?}");
    assert!(stored.stdout.contains("\"visible\": true"), "{stored:?}");
    assert_eq!(world.run(&["get", "devices"]).code, 0);

    let world = World::with(Simulator::builder().list_lag(Duration::from_secs(600)));
    let ca = world.file("ca.pem", &new_ca());
    let upload = ["upload", "--ca", &ca, "--name", "devices", "--wait", "0s"];
    let stored = world.run(&upload);
    assert!(stored.stderr.contains("warning: no list shows it yet"), "{stored:?}");
    let ca = world.file("ca.pem", &new_ca());
    let upload = ["upload", "--ca", &ca, "--name", "devices", "--wait", "0s", "-o", "json"];
    let stored = world.run(&upload);
    let json: serde_json::Value = serde_json::from_str(&stored.stdout).unwrap();
    assert_eq!((stored.code, &json["visible"]), (0, &json!(false)), "{stored:?}");
    assert!(json["warnings"][0].as_str().unwrap().starts_with("no list shows it yet"), "{json}");
    let id = json["id"].as_str().unwrap();
    // Without a name there is nothing to look up, nor to wait for.
    let other = world.file("other.pem", &new_ca());
    world.simulator.clear_requests();
    assert_eq!(world.json(&["upload", "--ca", &other])["visible"], json!(null));
    assert_eq!(world.simulator.request_count(None), 1);
    // A name that no list shows yet is no proof that there is nothing.
    let missing = world.run(&["get", "--name", "devices"]);
    assert!(missing.stderr.contains("pass the id that `cf-mtls upload` printed"), "{missing:?}");
    let delete = world.run(&["delete", "--name", "devices", "--if-exists", "--yes"]);
    assert_eq!(delete.code, 0, "{delete:?}");
    assert!(delete.stderr.contains("warning: no certificate has the name"), "{delete:?}");
    assert!(delete.stderr.contains("uploaded moments ago"), "{delete:?}");
    let release = world.json(&["release", "devices", "--if-exists", "--yes"]);
    assert!(release["warnings"][0].as_str().unwrap().contains("uploaded moments ago"), "{release}");
    assert!(world.ids().contains(&id.to_owned()));
}

#[test]
#[cfg(unix)]
fn an_upload_that_is_interrupted_while_it_waits_is_stored() {
    let world = World::with(Simulator::builder().list_lag(Duration::from_secs(600)));
    let ca = world.file("ca.pem", &new_ca());
    let child = world.spawn(&["upload", "--ca", &ca, "--name", "devices", "-o", "json"]);
    while world.simulator.request_count(Operation::List) == 0 {
        std::thread::yield_now();
    }
    crate::support::signal(&child, "-INT");
    let run: Run = child.wait_with_output().unwrap().into();
    let error = run.error_json();
    assert_eq!((run.code, &error["may_have_taken_effect"]), (130, &json!(true)), "{error}");
    assert_eq!(error["certificate_id"], world.ids()[0]);
}

/// The associations are gone, and the delete is still refused.
#[test]
fn in_use_without_a_use_says_that_it_passes() {
    let world = World::with(Simulator::builder().in_use_lag(Duration::from_secs(600)));
    let id = world.seed_in_use("devices");
    world.simulator.set_hostnames(&world.zone, &id, [""; 0]).unwrap();
    let run = world.run(&["delete", &id, "--yes"]);
    assert_eq!(run.code, 4, "{run:?}");
    let hint = format!("about a minute after the last use has ended; `cf-mtls release {id}`");
    assert!(run.stderr.contains(&hint), "{run:?}");
    let wait = ["release", &id, "--yes", "--wait", "50ms", "--poll", "10ms"];
    assert_eq!(world.run(&wait).code, 10);
}

/// Failures that stop many deletions are no interruption.
#[test]
fn many_deletions_stop_at_a_rejected_token_and_say_what_was_not_tried() {
    let world = World::with(Simulator::builder().no_rate_limit());
    let ids: Vec<String> = (0..60).map(|number| world.seed(&format!("c{number}"))).collect();
    world.simulator.inject(Fault::error(401, 10000, "no").on(Operation::Delete));
    let mut arguments = vec!["delete", "--yes", "-o", "json"];
    arguments.extend(ids.iter().map(String::as_str));
    let run = world.run(&arguments);
    let error = run.error_json();
    assert_eq!((run.code, &error["kind"]), (5, &json!("authentication")), "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("stopped: ") && message.contains(" not begun; "), "{error}");
    assert!(world.writes().len() < 60, "{error}");
}

/// The whole life of a CA, each command interrupted at its first step and run again.
#[test]
#[cfg(all(unix, feature = "simulate"))]
fn a_slow_day_from_upload_to_prune() {
    let lags = ["--propagation", "200ms", "--hostname-lag", "300ms", "--list-lag", "300ms"];
    let more = ["--delete-lag", "400ms", "--in-use-lag", "700ms", "--zone", "example.com"];
    let day = crate::simulate::Simulated::start(&[&["--slow-day"], &lags[..], &more].concat());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let run = |arguments: &[&str], code: i32, words: &str| {
        let run = day.run(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(words) || run.stdout.contains(words), "{words}: {run:?}");
        run
    };
    // Stopped after its first step, and run to its end.
    let twice = |arguments: &[&str]| {
        let stopped = day.stop(arguments);
        assert!([0, 130].contains(&stopped.code), "{stopped:?}");
        let last = ["uploaded", "attached", "detached", "nothing was changed", "is not deleted"];
        let says = last.iter().any(|word| stopped.last_error().contains(word));
        assert!(stopped.code == 0 || says, "{stopped:?}");
        run(&[arguments, &["--if-exists"]].concat(), 0, "");
    };
    let (old, new) = (file("old.pem", &new_ca()), file("new.pem", &new_ca()));
    let stored = run(&["upload", "--ca", &old, "--name", "devices", "-o", "json"], 0, "devices");
    let stored: serde_json::Value = serde_json::from_str(&stored.stdout).unwrap();
    let id = stored["id"].as_str().unwrap();
    run(&["upload", "--ca", &old, "--if-not-exists"], 0, id);
    let target = ["--zone", "example.com", "--certificate", id];
    run(&[&["hostnames", "add"], &HOSTS[..], &target].concat(), 0, "2 added, 0 removed; 2 in");
    run(&[&["hostnames", "list"], &target[..]].concat(), 0, HOSTS[1]);
    run(&["delete", id, "--yes"], 4, "run `cf-mtls release");

    twice(&["rotate", id, "--ca", &new, "--yes", "--poll", "20ms"]);
    // Until then, the service shows what it has deleted.
    std::thread::sleep(Duration::from_millis(500));
    run(&["get", id], 3, "no such id");
    let listed = run(&["list", "--name", "devices", "-o", "ndjson"], 0, "devices").lines();
    let next =
        listed.iter().find(|one| one["id"] != id).unwrap()["id"].as_str().unwrap().to_owned();
    run(&["delete", &next, "--yes"], 4, "in use");
    twice(&["release", &next, "--yes", "--poll", "20ms"]);
    run(&["upload", "--ca", &old, "--name", "lab"], 0, "lab");
    std::thread::sleep(Duration::from_millis(400));
    run(&["prune", "--name-prefix", "lab", "--unused", "--yes"], 0, "  deleted");
    std::thread::sleep(Duration::from_millis(500));
    run(&["list"], 0, "no certificates");
}
