//! list, get, associations, simulate, completions.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use cf_mtls_testkit::DOCUMENTED_CA;
use cf_mtls_testkit::simulator::{Fault, Operation, Seed};
use serde_json::json;

use crate::support::{HOSTS, Run, World, bare};

#[test]
fn list_is_a_table_with_data_on_standard_output_only() {
    let world = World::new();
    let id = world.seed_expiring("devices", 12);
    world.seed_expiring("old", -3);
    let run = world.run(&["list"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{run:?}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(lines[0]), ["ID", "NAME", "KIND", "TYPE", "EXPIRES"]);
    assert_eq!(words(lines[1]), [&id, "devices", "CA", "custom", "in", "12", "days"]);
    assert!(lines[2].ends_with("expired 3 days ago"), "{run:?}");
    assert!(!run.stdout.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn list_has_three_forms() {
    let world = World::new();
    let ids = [world.seed("one"), world.seed("two")];
    let json = world.json(&["list"]);
    assert_eq!(json[0]["id"], ids[0]);
    assert_eq!(json[1]["name"], "two");
    assert_eq!(json[0]["expires_on"], "2122-10-29T16:59:47Z");
    assert_eq!(json[0]["ca"], true);
    let lines = world.run(&["list", "-o", "ndjson"]).lines();
    assert_eq!(json, json!(lines));
    let empty = World::new();
    assert_eq!(empty.json(&["list"]), json!([]));
    assert_eq!(empty.run(&["list", "-o", "ndjson"]).stdout, "");
    let run = empty.run(&["list"]);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", "no certificates\n"));
}

#[test]
fn list_filters() {
    let world = World::new();
    let soon = world.seed_expiring("soon", 12);
    let gone = world.seed_expiring("gone", -3);
    let late = world.seed_expiring("late", 100);
    let leaf = Seed::leaf(DOCUMENTED_CA).name("leaf").kind("gateway_managed");
    let leaf = world.simulator.seed(leaf).unwrap();
    let table: [(&[&str], &[&str]); 9] = [
        (&[], &[&soon, &gone, &late, &leaf]),
        (&["--ca"], &[&soon, &gone, &late]),
        (&["--leaf"], &[&leaf]),
        (&["--name", "late"], &[&late]),
        (&["--type", "gateway_managed"], &[&leaf]),
        (&["--type", "gateway_managed", "--type", "custom"], &[&soon, &gone, &late, &leaf]),
        (&["--expires-within", "30d"], &[&soon, &gone]),
        (&["--expires-within", "1y", "--ca"], &[&soon, &gone, &late]),
        (&["--name", "nobody"], &[]),
    ];
    for (arguments, want) in table {
        let all = [&["list", "-o", "ndjson"], arguments].concat();
        let lines = world.run(&all).lines();
        let got: Vec<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
        assert_eq!(got, want, "{arguments:?}");
    }
}

#[test]
fn get_shows_one_in_all_forms() {
    let world = World::new();
    let id = world.seed("devices");
    let run = world.run(&["get", &id]);
    assert_eq!(run.code, 0);
    for part in [id.as_str(), "devices", "custom", "SHA256WithRSA", "2122-10-29T16:59:47Z (in "] {
        assert!(run.stdout.contains(part), "{part}: {run:?}");
    }
    let json = world.json(&["get", &id]);
    assert_eq!(json["id"], id);
    assert_eq!(json["issuer"], "O=Example Inc.,L=California,ST=San Francisco,C=US");
    let pem = world.run(&["get", &id, "--pem"]);
    assert_eq!(pem.stdout.trim(), DOCUMENTED_CA.trim());
}

#[test]
fn pem_is_checked_and_escaped_before_it_is_printed() {
    let escaped = DOCUMENTED_CA.replacen('\n', "\u{1b}]0;title\u{7}\n", 1);
    let beside = format!("\u{1b}]0;title\u{7}\n{DOCUMENTED_CA}");
    for (pem, code) in [("MIIB\u{1b}]0;x\u{7}", 7), (&*escaped, 7), (&*beside, 0)] {
        let world = World::new();
        let id = world.seed("devices");
        let body = json!({"success": true, "result": {"id": id, "certificates": pem}});
        let fault = Fault::raw(200, "application/json", body.to_string());
        world.simulator.inject(fault.on(Operation::Get));
        let run = world.run(&["get", &id, "--pem"]);
        assert_eq!(run.code, code, "{run:?}");
        assert!(!run.stdout.contains('\u{1b}'), "{run:?}");
    }
}

#[test]
fn nothing_is_missing_by_a_list_that_ends_early() {
    let world = World::new();
    let id = world.seed("devices");
    let info = json!({"page": 1, "per_page": 50, "count": 0, "total_count": 1});
    let body = json!({"success": true, "result": [], "result_info": info}).to_string();
    let short = || Fault::raw(200, "application/json", body.clone()).on(Operation::List);
    let by_name = ["delete", "--name", "devices"].as_slice();
    for command in [by_name, &["delete", "devices"], &["release", "devices"]] {
        world.simulator.inject(short().times(2));
        let run = world.run(&[command, &["--if-exists", "--yes"]].concat());
        assert_eq!(run.code, 7, "{command:?}: {run:?}");
        assert_eq!(world.run(&["get", &id]).code, 0, "{command:?}");
    }
}

#[test]
fn a_name_of_any_length_is_shown() {
    let world = World::new();
    let (id, name) = (world.seed("devices"), "n".repeat(1 << 17));
    let body = json!({"success": true, "result": [{"id": id, "name": name}, {"id": "b"}]});
    world.simulator.inject(Fault::raw(200, "application/json", body.to_string()));
    let run = world.run(&["list"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains(&name) && run.stdout.len() < 2 * name.len());
}

#[test]
fn what_a_name_would_do_to_a_terminal_is_written_out() {
    let world = World::new();
    let name = "a\u{1b}[2Jb\nc\u{202e}d\u{9b}e";
    let id = world.seed(name);
    for arguments in [&["list"][..], &["get", &id], &["delete", &id, "--dry-run"]] {
        let run = world.run(arguments);
        for text in [&run.stdout, &run.stderr] {
            let harmful = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
            assert!(!text.contains(harmful), "{arguments:?}: {text:?}");
        }
    }
    let run = world.run(&["list", "-o", "json"]);
    assert!(!run.stdout.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{run:?}");
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json[0]["name"], name, "and nothing of it is lost");
}

#[test]
fn associations_tell_services_zones_and_hostnames() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    world.simulator.attach_service(&id, "gateway", "active").unwrap();
    let json = world.json(&["associations", &id]);
    let mut services = json["services"].as_array().unwrap().clone();
    services.sort_by_key(|service| service["service"].to_string());
    assert_eq!(
        services,
        [
            json!({"service": "API Shield", "status": "active"}),
            json!({"service": "gateway", "status": "active"})
        ]
    );
    let zone = json!({"zone_id": world.zone, "zone_name": "example.com", "hostnames": HOSTS});
    assert_eq!(json["zones"], json!([zone]));
    assert_eq!((&json["unused"], &json["unreadable_zones"]), (&json!(false), &json!([])));
    let lines = world.run(&["associations", &id, "-o", "ndjson"]).lines();
    let uses: Vec<&str> = lines.iter().map(|line| line["use"].as_str().unwrap()).collect();
    assert_eq!(uses, ["service", "service", "zone"]);
    let table = world.run(&["associations", &id]).stdout;
    assert!(table.contains("gateway") && table.contains(HOSTS[0]), "{table}");
    let unused = world.run(&["associations", &world.seed("unused")]);
    assert_eq!(
        (unused.stdout.as_str(), unused.stderr.as_str()),
        ("", "no use was found; Pages, Access and the block page cannot be read\n")
    );
}

#[test]
fn a_zone_that_cannot_be_asked_is_told_and_is_8() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    world.simulator.add_zone("example.org");
    world.simulator.inject(Fault::error(403, 9109, "no").on(Operation::Hostnames).nth(1));
    let run = world.run(&["associations", &id]);
    assert_eq!(run.code, 8, "{run:?}");
    assert!(
        run.last_error()
            .starts_with("error: 1 zone may have hostnames of it, but could not be read: zone "),
        "{run:?}"
    );
}

#[test]
fn a_list_that_breaks_off_says_so_last_and_keeps_what_came_before() {
    let world = World::new();
    for number in 0..120 {
        world.seed(&format!("certificate {number}"));
    }
    for (form, fault, code) in [
        ("table", Fault::error(403, 9109, "no"), 5),
        ("json", Fault::error(429, 971, "slow").retry_after("300"), 6),
        ("ndjson", Fault::html(502), 7),
    ] {
        let fault = world.simulator.inject(fault.on(Operation::List).nth(2));
        let run = world.run(&["list", "-o", form, "--retries", "0"]);
        world.simulator.remove_fault(fault);
        assert_eq!(run.code, code, "{form}: {run:?}");
        // A page has fifty.
        for (name, shown) in
            [("certificate 0", true), ("certificate 49", true), ("certificate 50", false)]
        {
            assert_eq!(run.stdout.contains(name), shown, "{form}: {name}");
        }
        assert_eq!(run.stderr.lines().count(), 1, "{form}: {run:?}");
        if form == "table" {
            assert!(run.last_error().starts_with("error: "), "{run:?}");
        } else {
            assert_eq!(run.error_json()["exit_code"], code);
        }
        if form == "json" {
            let whole = serde_json::from_str::<serde_json::Value>(&run.stdout);
            assert!(whole.is_err(), "nobody takes it for whole");
        }
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let world = World::with(cf_mtls_testkit::Simulator::builder().no_rate_limit());
    for number in 0..120 {
        world.seed(&format!("certificate {number}"));
    }
    for form in ["table", "json", "ndjson"] {
        let mut child = world.spawn(&["list", "-o", form]);
        let mut first = [0; 10];
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut first).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{form}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{form}");
    }
}

#[test]
#[cfg(all(unix, feature = "simulate"))]
fn simulate_serves_any_client_until_it_is_interrupted() {
    let help = bare(&["simulate", "--help"]).output().unwrap();
    assert!(String::from_utf8_lossy(&help.stdout).contains("Examples:"));
    let mut child = bare(&["simulate", "--zone", "example.com", "--zone", "example.org", "--demo"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let exports = lines.take(4).map(|line| {
        let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    let exports: Vec<(String, String)> = exports.collect();
    let notes = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let zones: Vec<String> = notes.filter(|line| line.starts_with("# zone ")).take(2).collect();
    let lines = |arguments: &[&str]| {
        let run: Run = bare(arguments).envs(exports.clone()).output().unwrap().into();
        assert_eq!(run.code, 0, "{run:?}");
        run.lines().len()
    };
    assert_eq!(lines(&["list", "-o", "ndjson"]), 5);
    assert_eq!(lines(&["prune", "--expired", "--dry-run", "-o", "ndjson"]), 3);
    let by_name = ["hostnames", "list", "--zone", "example.org", "--managed-ca", "-o", "json"];
    let hostnames = bare(&by_name).envs(exports.clone()).output().unwrap();
    let hostnames: serde_json::Value = serde_json::from_slice(&hostnames.stdout).unwrap();
    let id = hostnames["zone"]["id"].as_str().unwrap();
    assert!(zones[1].ends_with(id), "{zones:?}");
    crate::support::signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn completions_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run: Run = bare(&["completions", shell]).output().unwrap().into();
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        assert!(run.stdout.contains("cf-mtls"), "{shell}");
    }
}

/// As with `| head -1`, whether the rest of the list is read or not.
#[test]
fn what_was_found_does_not_depend_on_the_reader() {
    // (names in the account, options, exit code)
    let table: [(&[&str], &[&str], i32); 5] = [
        (&["a", "b"], &["--exit-code"], 12),
        (&["a", "b"], &["--exit-code", "--sort", "name"], 12),
        (&["a", "b"], &["--exit-code", "-o", "json"], 12),
        (&["a", "b"], &[], 0),
        (&[], &["--exit-code"], 0),
    ];
    for (names, options, code) in table {
        let world = World::new();
        for name in names {
            world.seed(name);
        }
        let mut child = world.spawn(&[&["list"], options].concat());
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{names:?} {options:?}");
    }
}
