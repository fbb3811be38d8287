//! The grammar, and what is refused before anything is sent.

use crate::support::{Run, World, bare};

#[test]
fn every_command_has_help_with_examples() {
    let commands: [&[&str]; 17] = [
        &["verify"],
        &["list"],
        &["get"],
        &["upload"],
        &["delete"],
        &["associations"],
        &["hostnames"],
        &["hostnames", "list"],
        &["hostnames", "add"],
        &["hostnames", "remove"],
        &["hostnames", "replace"],
        &["release"],
        &["rotate"],
        &["prune"],
        &["completions"],
        &["man"],
        &[],
    ];
    for command in commands {
        let arguments = [command, &["--help"]].concat();
        let run: Run = bare(&arguments)
            .env("CLOUDFLARE_API_TOKEN", "sekret-token")
            .env("CLOUDFLARE_ACCOUNT_ID", "sekret-account")
            .output()
            .unwrap()
            .into();
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{command:?}");
        assert!(run.stdout.contains("Examples:\n  cf-mtls "), "{command:?}");
        assert!(!run.stdout.contains("sekret"), "{command:?}");
    }
}

#[test]
fn misuse_is_reported_before_anything_is_sent() {
    let world = World::new();
    let table: &[&[&str]] = &[
        &["lost"],
        &["list", "--nope"],
        &["list", "--ca", "--leaf"],
        &["list", "--output", "yaml"],
        &["list", "--name", "devices\r"],
        &["list", "--type", "custom\r"],
        &["prune", "--name-prefix", "dev\r", "--yes"],
        &["delete", "--name", "devices\r", "--if-exists", "--yes"],
        &["prune", "--expires-before", "2027-01-01T12:00[Europe/Berlin]"],
        &["list", "--timeout", "0s"],
        &["list", "--expires-within", "soon"],
        &["list", "--expires-within", "99999999999y"],
        &["list", "--name", ""],
        &["list", "--type", ""],
        &["list", "--type", "custom,"],
        &["delete", "--name", "", "--yes"],
        &["prune", "--name-prefix", "", "--yes"],
        &["get"],
        &["upload"],
        &["upload", "--ca", "a", "--cert", "b"],
        &["upload", "--ca", "a", "--name", ""],
        &["rotate", "abc", "--ca", "a", "--name", "", "--yes"],
        &["simulate", "--zone", "example.com\nexit 1"],
        &["simulate", "--zone", "example"],
        &["simulate", "--zone", "$(id).example.com"],
        &["simulate", "--zone", "a.example", "--zone", "A.example"],
        &["delete", "--yes"],
        &["delete", "abc", "--name", "x", "--yes"],
        &["hostnames", "list", "--zone", "example.com"],
        &["hostnames", "list", "--zone", "example.com", "--certificate", "a", "--managed-ca"],
        &["hostnames", "add", "--zone", "example.com", "--managed-ca"],
        &["hostnames", "remove", "--zone", "example.com", "--managed-ca", "--yes"],
        &["hostnames", "replace", "--zone", "example.com", "--managed-ca", "--yes"],
        &["hostnames", "remove", "--all", "a.example.com", "--zone", "example.com", "--yes"],
        &["release", "devices", "--name", "devices", "--yes"],
        &["upload", "--ca", "a", "--wait", "-1s"],
        &["prune", "--yes"],
        &["rotate", "abc", "--yes"],
        &["list", "--token", "sekret"],
    ];
    for arguments in table.iter().copied() {
        let run = world.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}: {run:?}");
        assert!(run.stderr.starts_with("error: "), "{run:?}");
        assert!(!run.stderr.contains("sekret"), "{run:?}");
        let json = world.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(json.code, 2);
        assert_eq!(json.error_json()["kind"], "usage", "{json:?}");
    }
    assert_eq!(world.simulator.request_count(None), 0);
}

#[test]
fn errors_have_the_wanted_format_even_if_the_arguments_are_wrong() {
    let table = [
        ("list --output json --nope", true),
        ("--nope -o ndjson", true),
        ("--nope --output=json", true),
        ("--nope -ojson", true),
        ("--nope -o=json", true),
        ("--nope -- --output json", false),
        ("--nope --output yaml", false),
    ];
    for (line, is_json) in table {
        let arguments: Vec<&str> = line.split(' ').collect();
        let run: Run = bare(&arguments).output().unwrap().into();
        assert_eq!(run.last_error().starts_with('{'), is_json, "{line}: {run:?}");
    }
}

#[test]
fn bad_input_is_told_before_anything_is_sent() {
    let world = World::new();
    let both = world.file("both.pem", &{
        let (certificate, key) = crate::support::new_leaf();
        certificate + &key
    });
    let empty = world.file("empty", "");
    let table: [(&[&str], &str); 10] = [
        (&["get", "a\tb"], "control character"),
        (&["delete", "", "--yes"], "it is empty"),
        (&["upload", "--ca", "/nonexistent/file"], "cannot be read"),
        (&["upload", "--ca", &empty], "invalid input"),
        (&["upload", "--ca", &both], "private key"),
        (&["list", "--account", "not an id"], "not an account id"),
        (
            &["hostnames", "list", "--zone", "example", "--managed-ca"],
            "neither a domain name nor a zone id",
        ),
        (&["list", "--base-url", "http://example.com"], "plain http"),
        (&["list", "--token-file", "/nonexistent/file"], "cannot be read"),
        (&["list", "--token-file", &empty], "is empty"),
    ];
    for (arguments, part) in table {
        let run = world.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}: {run:?}");
        assert!(run.last_error().contains(part), "{arguments:?}: {run:?}");
    }
    assert_eq!(world.simulator.request_count(None), 0);
}

#[test]
fn what_is_not_set_is_told_with_where_it_can_come_from() {
    let run: Run = bare(&["list"]).output().unwrap().into();
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("--account"), "{run:?}");
    let run: Run =
        bare(&["list", "--account", "023e105f4ecef8ad9ca31a8372d0c353"]).output().unwrap().into();
    assert_eq!(run.code, 2);
    assert!(run.last_error().contains("CLOUDFLARE_API_TOKEN is not set"), "{run:?}");
    assert!(run.stderr.contains("--token-file"), "{run:?}");
}

#[test]
fn what_takes_something_away_needs_yes_without_a_terminal() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let ca = world.file("ca.pem", &crate::support::new_ca());
    let zone = ["--zone", "example.com", "--certificate", &id];
    let table: [Vec<&str>; 7] = [
        vec!["delete", &id],
        vec!["release", &id],
        vec!["rotate", &id, "--ca", &ca],
        vec!["prune", "--name-prefix", "dev"],
        [&["hostnames", "remove", "a.example.com"], &zone[..]].concat(),
        [&["hostnames", "replace", "c.example.com"], &zone[..]].concat(),
        [&["hostnames", "remove", "--all"], &zone[..]].concat(),
    ];
    for arguments in table {
        let run = world.run(&arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}: {run:?}");
        assert!(run.last_error().contains("--yes"), "{run:?}");
        assert!(
            run.stderr.contains("devices") && run.stderr.contains("API Shield (active)"),
            "it shows what it would have asked about: {run:?}"
        );
        let run = world.run(&[&arguments[..], &["-o", "json"]].concat());
        assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
        assert_eq!(run.error_json()["exit_code"], 2, "{run:?}");
        let rehearsed = world.run(&[&arguments[..], &["--dry-run"]].concat());
        assert!([0, 4].contains(&rehearsed.code), "{rehearsed:?}");
        assert_eq!(world.writes(), [""; 0], "{arguments:?}");
    }
}
