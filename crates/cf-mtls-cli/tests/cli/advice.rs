//! What only the command line knows about an error: its settings, and what to do with it.

use std::io::{BufRead as _, BufReader};

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::{Entitlement, Fault, Seed};

use crate::support::{Run, World, bare};

const ACCOUNT: &str = "023e105f4ecef8ad9ca31a8372d0c353";

#[test]
fn a_variable_of_another_name_is_mentioned() {
    // (what is set, what is asked, the hint)
    let table: [(&str, &[&str], &str); 2] = [
        ("CF_API_TOKEN", &["list", "--account", ACCOUNT], "only CLOUDFLARE_API_TOKEN is read"),
        ("CF_ACCOUNT_ID", &["list"], "only CLOUDFLARE_ACCOUNT_ID is read"),
    ];
    for (name, arguments, hint) in table {
        let run: Run = bare(arguments).env(name, "x").output().unwrap().into();
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(&format!("hint: {name} is set, but {hint}")), "{run:?}");
    }
}

#[test]
fn a_token_file_holds_the_token_alone() {
    let world = World::new();
    for text in ["CLOUDFLARE_API_TOKEN=secret-secret\n", "export API_TOKEN='secret-secret'\n"] {
        let file = world.file("token", text);
        let run = world.run(&["list", "--token-file", &file]);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.last_error().contains("API_TOKEN=..., but only the token itself"), "{run:?}");
        assert!(!run.stderr.contains("secret"), "{run:?}");
    }
    let token = world.simulator.token().to_owned();
    let file = world.file("token", &token);
    assert_eq!(world.run(&["list", "--token-file", &file]).code, 0);
    assert_eq!(world.simulator.request_count(None), 1);
}

/// Of a refusal, the message blames what may be at fault.
#[test]
fn advice_is_about_what_was_refused() {
    let world = World::new();
    let id = world.seed("devices");
    let free = world.simulator.add_zone("free.example");
    let pending = world.simulator.add_zone("pending.example");
    world.simulator.set_entitlement(&free, Entitlement::Missing).unwrap();
    world.simulator.set_entitlement(&pending, Entitlement::NotRouted).unwrap();
    for zone in ["free.example", "pending.example"] {
        let run = world.run(&["hostnames", "list", "--zone", zone, "--certificate", &id]);
        assert!(run.last_error().contains("this zone cannot have hostnames"), "{run:?}");
        assert!(
            run.last_error().contains(&format!("of certificate {id} in zone {zone}")),
            "{run:?}"
        );
        assert!(!run.stderr.contains("token has the permission"), "{run:?}");
    }
    world.simulator.inject(Fault::error(403, 10_000, "Authentication error"));
    let list = ["list", "--retries", "0"];
    let by_token = world.run(&list);
    assert!(by_token.last_error().contains("the token has the permission"), "{by_token:?}");
    let mut command = world.command(&list);
    command.env_remove("CLOUDFLARE_API_TOKEN");
    command.env("CLOUDFLARE_EMAIL", "a@example.com").env("CLOUDFLARE_API_KEY", "key");
    let by_key: Run = command.output().unwrap().into();
    assert_eq!(by_key.code, 5, "{by_key:?}");
    assert!(by_key.last_error().contains("CLOUDFLARE_API_KEY belong together"), "{by_key:?}");
    assert!(!by_key.stderr.contains("token"), "{by_key:?}");
}

#[test]
fn a_timeout_says_where_and_after_how_long() {
    let world = World::new();
    world.simulator.inject(Fault::silence());
    let run = world.run(&["list", "--timeout", "50ms"]);
    let place = format!("; {} did not respond within 50ms", world.simulator.base_url());
    assert!(run.code == 7 && run.last_error().contains(&place), "{run:?}");
}

#[test]
fn a_proxy_that_refuses_is_named_without_its_password() {
    let mut command = bare(&["list", "--account", ACCOUNT, "--retries", "0"]);
    command.env("HTTPS_PROXY", "http://user:sekret@127.0.0.1:1/").env("NO_PROXY", "");
    command.env("CLOUDFLARE_API_TOKEN", "simulated-00000000000000000000000000000000");
    let run: Run = command.output().unwrap().into();
    assert_eq!(run.code, 7, "{run:?}");
    let place = "; proxy 127.0.0.1:1 (HTTPS_PROXY): Connection refused";
    assert!(run.last_error().contains(place), "{run:?}");
    assert!(!run.stderr.contains("sekret"), "{run:?}");
}

#[test]
fn control_characters_reach_no_terminal() {
    let bad = "x\u{1b}[31m\r\u{7}\u{202e}";
    let world = World::new();
    for arguments in [
        &["list", bad][..],
        &["list", "--name", bad],
        &["get", bad],
        &["upload", "--ca", bad],
        &["man", bad],
        &["hostnames", "list", "--zone", bad, "--managed-ca"],
        &["hostnames", "add", bad, "--zone", "example.com", "--managed-ca"],
    ] {
        for format in ["table", "json"] {
            let run = world.run(&[arguments, &["-o", format]].concat());
            assert_eq!(run.code, 2, "{run:?}");
            let is_bad = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
            assert!(!run.stderr.contains(is_bad), "{arguments:?}: {run:?}");
        }
    }
}

/// Somebody may rely on what no service has.
#[test]
fn codes_that_the_simulator_makes_up_are_marked() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let delete = ["delete", &id, "--yes"];
    let run = world.run(&delete);
    assert!(run.last_error().contains("(code 99001, made up by the simulator)"), "{run:?}");
    let error = world.run(&[&delete[..], &["-o", "json"]].concat()).error_json();
    assert_eq!(error["codes"], serde_json::json!([99001]));
    assert!(error["message"].as_str().unwrap().contains("made up by the simulator"), "{error}");
}

#[test]
fn verify_tells_what_the_credentials_can_read() {
    let world = World::new();
    let run = world.run(&["verify", "--zone", "example.com"]);
    assert_eq!(run.code, 0, "{run:?}");
    let account = world.simulator.account_id();
    for line in [
        "Credentials   API token ",
        &format!("\nAccount       {account}\n"),
        "\nCertificates  can be read\n",
        "\nHostnames     can be read in zone example.com\n",
    ] {
        assert!(run.stdout.contains(line), "{line}: {run:?}");
    }
    let json = world.json(&["whoami", "--zone", "example.com"]);
    assert_eq!(json["account_id"], account);
    assert_eq!(
        (&json["token"]["status"], &json["zones"][0]["name"]),
        (&"active".into(), &"example.com".into())
    );

    // Each failure says what cannot be read.
    let free = world.simulator.add_zone("free.example");
    world.simulator.set_entitlement(&free, Entitlement::Missing).unwrap();
    let table: [(&[&str], &str); 2] = [
        (
            &["verify", "--zone", "free.example"],
            "error: the hostnames of zone free.example cannot be read: access denied; ",
        ),
        (
            &["verify", "--account", ACCOUNT, "--retries", "0"],
            "error: the certificates cannot be read: access denied; ",
        ),
    ];
    for (arguments, message) in table {
        let run = world.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (5, ""), "{run:?}");
        assert!(run.stderr.starts_with(message), "{run:?}");
    }
    let mut command = world.command(&["verify", "-o", "json"]);
    let run: Run = command.env("CLOUDFLARE_API_TOKEN", "wrong").output().unwrap().into();
    assert_eq!((run.code, &run.error_json()["kind"]), (5, &"authentication".into()), "{run:?}");
    assert_eq!(world.writes(), [""; 0]);
}

/// The wait goes on for a moment after all is active, and says so no more.
#[test]
fn a_rotation_does_not_wait_for_what_is_active() {
    let world = World::with(Simulator::builder());
    let old = world.seed_in_use("devices");
    let ca = world.file("ca.pem", &crate::support::new_ca());
    let rotate = ["rotate", &old, "--ca", &ca, "--yes", "--poll", "10ms"];
    let mut child = world.spawn(&rotate);
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let lines: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("is active: API Shield (active)")), "{lines:?}");
    assert!(lines.iter().any(|line| line.ends_with(" is active")), "{lines:?}");
}

/// The advice is for a command line, and about what is set.
#[test]
fn settings_that_cannot_work_are_named() {
    let world = World::new();
    let (short, token) = (&ACCOUNT[..31], "v1_0123456789abcdefghijklmnopqrstuvwxyzABCDEF");
    let elsewhere = ["--base-url", "https://cf.example/client/v4"];
    // (a variable, its value, options, part of the message)
    let table: [(&str, &str, &[&str], &str); 4] = [
        (
            "ALL_PROXY",
            "socks5://127.0.0.1:1",
            &elsewhere,
            "other kinds of proxies are not supported",
        ),
        ("CLOUDFLARE_ACCOUNT_ID", short, &[], "this is no account id, which has 32"),
        ("X", "", &["--account", short], "this is no account id, which has 32"),
        ("X", "", &["--account", token], "not an account id"),
    ];
    for (name, value, options, message) in table {
        let mut command = world.command(&[&["list"], options].concat());
        command.env_remove("HTTPS_PROXY").env_remove("https_proxy").env("NO_PROXY", "");
        command.env(name, value);
        let run: Run = command.output().unwrap().into();
        assert_eq!(run.code, 2, "{name}: {run:?}");
        assert!(run.last_error().contains(message), "{name}: {run:?}");
        assert!(!run.stderr.contains(token) && !run.stderr.contains("HTTP client"), "{run:?}");
    }
    assert_eq!(world.simulator.request_count(None), 0);
}

#[test]
fn what_cannot_be_rotated_or_uploaded_says_what_to_do() {
    let world = World::new();
    let (leaf, _) = crate::support::new_leaf();
    world.simulator.seed(Seed::leaf(leaf.as_str()).name("api-client")).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = parameters.self_signed(&key).unwrap().pem();
    let both = world.file("both.pem", &(ca.clone() + &key.serialize_pem()));
    let ca = world.file("ca.pem", &ca);
    // (what is run, part of what it says)
    let table: [(&[&str], &str); 2] = [
        (&["rotate", "api-client", "--ca", &ca, "--yes"], "change what uses it, release it"),
        (&["upload", "--ca", &both, "--key", &both], "hint: `openssl x509 -in FILE` prints"),
    ];
    for (arguments, says) in table {
        let run = world.run(arguments);
        assert!(run.code == 2 && run.stderr.contains(says), "{arguments:?}: {run:?}");
    }
    assert_eq!(world.writes(), [""; 0]);
    assert_eq!(world.run(&["upload", "--ca", &ca, "--key", &both]).code, 0, "it ends");
}
