//! Each exit code, with the error in both forms.

use std::time::Duration;

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Fault, Operation};

use crate::support::World;

#[test]
fn each_kind_of_error_has_its_code() {
    // (what goes wrong, exit code, kind, status, code of the service)
    let table = [
        (Fault::error(401, 10000, "no"), 5, "authentication", 401, 10000),
        (Fault::error(403, 9109, "no"), 5, "permission", 403, 9109),
        (Fault::error(404, 1, "no"), 3, "not_found", 404, 1),
        (Fault::error(429, 971, "slow").retry_after("300"), 6, "rate_limited", 429, 971),
        (Fault::error(400, 1411, "no"), 2, "invalid_request", 400, 1411),
        (Fault::error(400, 1489, "full"), 11, "quota_exceeded", 400, 1489),
        (Fault::error(503, 1406, "down"), 7, "service_unavailable", 503, 1406),
    ];
    for (fault, exit, kind, status, code) in table {
        let world = World::new();
        world.simulator.inject(fault);
        let arguments = ["get", "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60", "--retries", "0"];
        let run = world.run(&arguments);
        assert_eq!((run.code, run.stdout.as_str()), (exit, ""), "{kind}: {run:?}");
        assert!(run.last_error().starts_with("error: "), "{run:?}");
        let ray = run.last_error().split("ray ").nth(1).unwrap_or_default();
        assert!(ray.contains("-SIM"), "the ray id is told: {run:?}");
        let run = world.run(&[&arguments[..], &["-o", "json"]].concat());
        let error = run.error_json();
        assert_eq!(run.code, exit, "{run:?}");
        assert_eq!(error["kind"], kind);
        assert_eq!(error["status"], status);
        assert_eq!(error["codes"][0], code);
        assert_eq!(error["exit_code"], exit);
        assert!(error["ray_id"].as_str().unwrap().ends_with("-SIM"), "{error}");
        assert!(error["message"].as_str().is_some());
        assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    }
}

#[test]
fn what_is_no_answer_of_the_service_is_7() {
    let table = [
        (Fault::html(502), "service_unavailable"),
        (Fault::malformed_json(), "invalid_response"),
        (Fault::reset(), "connection"),
    ];
    for (fault, kind) in table {
        let world = World::new();
        world.simulator.inject(fault);
        let run = world.run(&["list", "--retries", "0", "-o", "json"]);
        assert_eq!(run.code, 7, "{run:?}");
        assert_eq!(run.error_json()["kind"], kind);
    }
    let world = World::new();
    world.simulator.inject(Fault::silence());
    let run = world.run(&["list", "--timeout", "50ms", "-o", "json"]);
    assert_eq!((run.code, &run.error_json()["kind"]), (7, &"timeout".into()));
    let run = world.run(&["list", "--base-url", "http://127.0.0.1:1", "--retries", "0", "-v"]);
    assert_eq!(run.code, 7);
    assert!(run.last_error().contains("; because: "), "-v shows the chain: {run:?}");
}

#[test]
fn in_use_is_4_with_the_reasons() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let run = world.run(&["delete", "devices", "--yes"]);
    assert_eq!((run.code, run.stdout.as_str()), (4, ""), "{run:?}");
    assert!(run.last_error().starts_with("error: delete devices: "), "{run:?}");
    assert!(run.last_error().contains("in use by API Shield (active)"), "{run:?}");
    assert!(run.stderr.contains("a.example.com, b.example.com in zone example.com"), "{run:?}");
    assert!(run.stderr.contains("cf-mtls release"), "{run:?}");
    let error = world.run(&["delete", &id, "--yes", "-o", "json"]).error_json();
    assert_eq!(error["associations"][0]["service"], "API Shield");
}

#[test]
fn an_unknown_outcome_is_9() {
    let world = World::new();
    let id = world.seed("devices");
    world.simulator.inject(Fault::reset().on(Operation::Delete));
    world.simulator.inject(Fault::html(502).on(Operation::Get).nth(2));
    let run = world.run(&["delete", &id, "--yes", "--quiet", "--retries", "0", "-o", "json"]);
    assert_eq!(run.code, 9, "{run:?}");
    let error = run.error_json();
    assert_eq!(error["may_have_taken_effect"], true);
    let outcomes: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(outcomes[0]["outcome"], "unknown");
}

#[test]
fn a_change_whose_outcome_is_unknown_is_9() {
    let world = World::new();
    let ca = world.file("ca.pem", &crate::support::new_ca());
    let id = world.seed("devices");
    // The change arrives, and neither its answer nor any later read does.
    world.simulator.inject(Fault::reset().on(Operation::Upload).after_effect());
    world.simulator.inject(Fault::html(502).on(Operation::List));
    let reset = Fault::reset().on(Operation::ReplaceHostnames);
    world.simulator.inject(reset.after_effect());
    world.simulator.inject(Fault::html(502).on(Operation::Hostnames).nth(3));
    let target = ["--zone", "example.com", "--certificate", &id];
    let table = [
        vec!["upload", "--ca", &ca],
        [&["hostnames", "replace", "a.example.com", "--yes"], &target[..]].concat(),
    ];
    for mut arguments in table {
        arguments.extend(["--retries", "0", "-o", "json"]);
        // The list is read before, by the preview and by the change.
        let run = world.run(&arguments);
        assert_eq!((run.code, run.stdout.as_str()), (9, ""), "{run:?}");
        let error = run.error_json();
        assert_eq!(error["may_have_taken_effect"], true, "{error}");
        assert_eq!(error["exit_code"], 9);
    }
    assert_eq!(world.ids().len(), 2);
    assert_eq!(world.simulator.hostnames(&world.zone, &id), ["a.example.com"]);
}

#[test]
fn a_rate_that_is_used_up_is_6() {
    let limited = Simulator::builder().rate_limit(1, Duration::from_secs(300));
    let world = World::with(limited);
    assert_eq!(world.run(&["list"]).code, 0);
    let run = world.run(&["list", "-o", "json"]);
    assert_eq!(run.code, 6, "{run:?}");
    let error = run.error_json();
    assert_eq!(error["kind"], "rate_limited");
    let wait = error["retry_after_seconds"].as_u64().unwrap();
    assert!((1..=300).contains(&wait), "{error}");
}

#[test]
fn a_zone_that_is_not_there_is_3() {
    let world = World::new();
    let run =
        world.run(&["hostnames", "list", "--zone", "example.net", "--managed-ca", "-o", "json"]);
    assert_eq!((run.code, &run.error_json()["kind"]), (3, &"not_found".into()), "{run:?}");
}

#[test]
fn a_proxy_that_wants_a_password_is_named() {
    use std::io::{Read as _, Write as _};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 1024]);
            let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\n\
                           Proxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n";
            let _ = stream.write_all(refusal.as_bytes());
        }
    });
    let account = "023e105f4ecef8ad9ca31a8372d0c353";
    let mut command = crate::support::bare(&["list", "--account", account, "--retries", "0"]);
    command.env("HTTPS_PROXY", &proxy).env("NO_PROXY", "");
    command.env("CLOUDFLARE_API_TOKEN", "simulated-00000000000000000000000000000000");
    let run: crate::support::Run = command.output().unwrap().into();
    assert_eq!(run.code, 7, "{run:?}");
    assert!(run.stderr.contains("hint: the proxy wants a user and a password"), "{run:?}");
}

#[test]
fn verbose_shows_the_request_that_failed() {
    let world = World::new();
    let run = world.run(&["get", "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60", "-v"]);
    let request = "; request: GET /accounts/{account_id}/mtls_certificates/{mtls_certificate_id}";
    assert!(run.last_error().contains(request), "{run:?}");
    let mut command = world.command(&["list"]);
    let run: crate::support::Run =
        command.env("RUST_LOG", "cf_mtls=debug").output().unwrap().into();
    assert!(run.code == 0 && run.stderr.contains("cf_mtls"), "{run:?}");
}

#[test]
fn a_timeout_bounds_waits_for_the_rate_limit_too() {
    let world = World::with(Simulator::builder().rate_limit(2, Duration::from_secs(20)));
    let id = world.seed("devices");
    world.run(&["get", &id]);
    let run = world.run(&["release", &id, "--yes", "-o", "json", "--timeout", "3s"]);
    assert_eq!(run.code, 6, "{run:?}");
    assert_eq!(run.error_json()["kind"], "rate_limited", "{run:?}");
}

#[test]
fn the_error_of_a_job_is_that_of_the_library() {
    let world = World::new();
    let id = world.seed("devices");
    world.simulator.attach_service(&id, "Gateway", "active").unwrap();
    let run = world.run(&["release", &id, "--yes", "-o", "json"]);
    assert_eq!(run.code, 4, "{run:?}");
    let json = run.error_json();
    let error: cf_mtls_lifecycle::Error = serde_json::from_value(json.clone()).unwrap();
    let wanted = format!("release {id}: ");
    assert!(error.to_string().starts_with(&wanted), "{error}");
    assert!(error.to_string().contains(json["job_detail"].as_str().unwrap()), "{error}");
    assert_eq!(json["detail"], json["job_detail"], "{json}");
}
