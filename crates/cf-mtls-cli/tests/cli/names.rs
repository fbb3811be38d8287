//! Names in place of ids, in each command.

use std::io::Write as _;
use std::process::Stdio;

use cf_mtls_testkit::simulator::Seed;
use serde_json::json;

use crate::support::{Run, World, new_ca};

#[test]
fn a_name_is_taken_wherever_an_id_is() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let ca = world.file("ca.pem", &new_ca());
    let target = ["--zone", "example.com", "--certificate", "devices"];
    let table: [Vec<&str>; 12] = [
        vec!["get", "devices"],
        vec!["get", "--name", "devices"],
        vec!["associations", "--name", "devices"],
        vec!["release", "--name", "devices", "--dry-run"],
        vec!["hostnames", "list", "--zone", "example.com", "--name", "devices"],
        vec!["show", " devices\n"],
        vec!["associations", "devices"],
        vec!["release", "devices", "--dry-run"],
        vec!["rotate", "devices", "--ca", &ca, "--dry-run"],
        [&["hostnames", "list"], &target[..]].concat(),
        [&["hostnames", "replace", "a.example.com", "--dry-run"], &target[..]].concat(),
        [&["hostnames", "remove", "a.example.com", "--dry-run"], &target[..]].concat(),
    ];
    for arguments in &table {
        let run = world.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
    }
    assert_eq!(world.run(&["delete", "devices", "--dry-run"]).code, 4);
    let upper = world.run(&["get", &id.to_uppercase()]);
    assert_eq!(upper.code, 0, "{upper:?}");

    // What nobody is called, and what several are.
    let missing = world.run(&["get", "device"]);
    assert_eq!(missing.code, 3, "{missing:?}");
    assert!(missing.stderr.contains("hint: `cf-mtls list`"), "{missing:?}");
    let named = world.simulator.seed(Seed::ca(new_ca()).name(&id)).unwrap();
    let found = world.json(&["get", "--name", &id]);
    assert_eq!(found["id"], named, "a name that looks like an id");
    let twin = world.seed("devices");
    for arguments in &table {
        let run = world.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(&id) && run.stderr.contains(&twin), "{run:?}");
    }
    let run = world.run(&["get", "devices", "-o", "json"]);
    assert_eq!(run.error_json()["candidates"].as_array().unwrap().len(), 2);
    assert_eq!(world.writes(), [""; 0]);
    let token = "v1_0123456789abcdefghijklmnopqrstuvwxyzABCDEF";
    let run = world.run(&["get", token]);
    assert!(run.code == 3 && !run.stderr.contains(token), "{run:?}");
}

#[test]
fn a_rotation_by_name_keeps_the_name_and_can_be_run_again() {
    let world = World::new();
    let old = world.seed_in_use("devices");
    let pem = new_ca();
    let ca = world.file("ca.pem", &pem);
    let rotate = ["rotate", "devices", "--ca", &ca, "--yes"];
    // The new CA has the name already, as after an interruption.
    let new = world.simulator.seed(Seed::ca(pem.as_str()).name("devices")).unwrap();
    let run = world.run(&rotate);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(world.ids(), [new.as_str()], "{old} is deleted");
    let again = world.run(&rotate);
    assert_eq!(again.code, 3, "{again:?}");
    let again = world.run(&[&rotate[..], &["--if-exists"]].concat());
    assert_eq!(again.code, 0, "{again:?}");

    let next = world.file("next.pem", &new_ca());
    assert_eq!(world.run(&["rotate", &new, "--ca", &next, "--yes"]).code, 0);
    let named = world.run(&["list", "--name", "devices", "-o", "ndjson"]);
    assert_eq!(named.lines().len(), 1, "{named:?}");
    let renamed = world.file("renamed.pem", &new_ca());
    let run = world.run(&["rotate", "devices", "--ca", &renamed, "--name", "x", "--yes"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(world.run(&["get", "x"]).code, 0);
}

#[test]
fn nothing_is_uploaded_twice_if_that_is_said() {
    let world = World::new();
    let ca = world.file("ca.pem", &new_ca());
    let upload = ["upload", "--ca", &ca, "--name", "devices", "--if-not-exists"];
    let first = world.json(&upload);
    let second = world.json(&upload);
    assert_eq!(first["id"], second["id"]);
    assert_eq!(world.ids().len(), 1);
}

/// Run with these lines on standard input.
fn with_input(world: &World, arguments: &[&str], input: &str) -> Run {
    let mut command = world.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// White space around a name is part of it, or was pasted along.
#[test]
fn a_name_is_taken_as_it_is_and_else_trimmed() {
    // (names in the account, what is run, what it reads, exit code, what is left)
    type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a str, i32, &'a [&'a str]);
    let table: [Case<'_>; 11] = [
        (&["prod", "prod "], &["delete", "--name", "prod "], "", 0, &["prod"]),
        (&["prod", "prod "], &["delete", "--name", "prod"], "", 0, &["prod "]),
        (&["prod "], &["delete", "--name", "prod", "--if-exists"], "", 0, &["prod "]),
        (&["prod"], &["delete", "--name", "prod ", "--if-exists"], "", 0, &["prod"]),
        (&["prod "], &["delete", "prod "], "", 0, &[]),
        (&["prod"], &["delete", " prod\n"], "", 0, &[]),
        (&["prod", "prod "], &["delete", "prod "], "", 2, &["prod", "prod "]),
        (&["prod", "prod "], &["delete", "prod"], "", 0, &["prod "]),
        (&["prod "], &["delete", "-"], "prod \n", 0, &[]),
        (&["prod"], &["delete", "-"], "  prod\r\n", 0, &[]),
        (&["prod", "prod "], &["release", "--name", "prod "], "", 0, &["prod"]),
    ];
    for (names, arguments, input, code, left) in table {
        let world = World::new();
        for name in names {
            world.seed(name);
        }
        let run = with_input(&world, &[arguments, &["--yes"]].concat(), input);
        assert_eq!(run.code, code, "{arguments:?}: {run:?}");
        let held = world.simulator.certificates().into_iter();
        let held: Vec<String> = held.filter_map(|one| one.name).collect();
        assert_eq!(held, left, "{arguments:?}: {run:?}");
    }
    let world = World::new();
    let ca = world.file("ca.pem", &new_ca());
    for name in [" prod", "prod ", "\u{feff}prod"] {
        let run = world.run(&["upload", "--ca", &ca, "--name", name]);
        assert!(run.code == 2 && run.stderr.contains("white space"), "{run:?}");
    }
    assert_eq!(world.simulator.request_count(None), 0);
}

/// It would pass for one that is gone.
#[test]
fn what_is_nearly_an_id_is_refused() {
    let world = World::new();
    let id = world.seed("devices");
    let digits: String = id.replace('-', "");
    let table = [
        id[..35].to_owned(),
        id.clone() + "0",
        id.replace('-', "\u{2010}"),
        id.replace('-', "\u{2014}"),
        digits[..28].to_owned(),
        digits[..31].to_owned(),
        format!("{}-{}", &digits[..20], &digits[20..]) + "000",
        format!("{id}\u{200b}"),
        "dev\u{200b}ices".to_owned(),
        "devices\u{2060}".to_owned(),
        "dev\u{1b}ices".to_owned(),
    ];
    for text in &table {
        for command in ["delete", "release"] {
            let run = world.run(&[command, text, "--if-exists", "--yes"]);
            assert_eq!(run.code, 2, "{text:?}: {run:?}");
        }
    }
    assert_eq!(world.simulator.request_count(None), 0);
    // A fingerprint is no id.
    let hash = digits + "01234567";
    world.seed(&hash);
    assert_eq!(world.run(&["delete", &hash, "--yes"]).code, 0);
}

#[test]
fn a_name_that_is_gone_has_an_entry_as_an_id_has() {
    let world = World::new();
    world.seed("devices");
    let gone = ["delete", "gone", "devices", "--if-exists"];
    for (consent, other) in [("--dry-run", "would_delete"), ("--yes", "deleted")] {
        let run = world.json(&[&gone[..], &[consent]].concat());
        let told = json!({ "id": null, "name": "gone", "outcome": "absent", "error": null });
        assert_eq!((&run[0], &run[1]["outcome"]), (&told, &other.into()), "{run}");
    }
    world.seed("devices");
    let run = world.run(&[&gone[..], &["--dry-run"]].concat());
    assert!(run.stderr.contains("dry run: 1 of 2 certificates would be deleted"), "{run:?}");
    assert!(run.stdout.contains("  gone     absent\n"), "{run:?}");
}

#[test]
fn a_hyphen_reads_one_id_wherever_an_id_is_taken() {
    let world = World::new();
    let id = world.seed("devices");
    let ca = world.file("ca.pem", &new_ca());
    let table: [&[&str]; 5] = [
        &["get", "-"],
        &["associations", "-"],
        &["release", "-", "--dry-run"],
        &["rotate", "-", "--ca", &ca, "--dry-run"],
        &["hostnames", "list", "--zone", "example.com", "--certificate", "-"],
    ];
    for arguments in table {
        for (input, code) in [("# it\ndevices\n", 0), (&id, 0), ("", 2), ("devices\nx", 2)] {
            let run = with_input(&world, arguments, input);
            assert_eq!(run.code, code, "{arguments:?} {input:?}: {run:?}");
        }
    }
}
