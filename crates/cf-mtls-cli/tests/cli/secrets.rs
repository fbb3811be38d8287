//! The token comes in by three ways, and goes out by none.

use std::io::Write as _;
use std::process::{Command, Stdio};

use cf_mtls_testkit::simulator::Fault;

use crate::support::{Run, World};

fn without_token(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.command(arguments);
    command.env_remove("CLOUDFLARE_API_TOKEN");
    command
}

#[test]
fn a_token_comes_from_a_file_or_standard_input() {
    let world = World::new();
    world.seed("devices");
    let token = world.simulator.token().to_owned();
    let file = world.file("token", &format!("\n{token}\n"));
    let run: Run = without_token(&world, &["list", "--token-file", &file]).output().unwrap().into();
    assert_eq!(run.code, 0, "{run:?}");
    for arguments in [&["list", "--token-stdin"][..], &["list", "--token-file", "-"]] {
        let mut child = without_token(&world, arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
        let run: Run = child.wait_with_output().unwrap().into();
        assert_eq!(run.code, 0, "{run:?}");
    }
    // The file is meant, whatever the environment says.
    let wrong = world.file("wrong", "simulated-00000000000000000000000000000000");
    assert_eq!(world.run(&["list", "--token-file", &wrong]).code, 5);
}

#[test]
fn the_token_is_in_no_output() {
    let world = World::new();
    let token = world.simulator.token().to_owned();
    let id = world.seed("devices");
    world.simulator.inject(Fault::error(400, 1, format!("bad {token}")).times(1));
    let table: [&[&str]; 4] = [
        &["list", "-vvv", "--retries", "0"],
        &["list", "-vvv"],
        &["get", &id, "-vvv", "-o", "json"],
        &["list", "-v", "--base-url", "http://127.0.0.1:1", "--retries", "0"],
    ];
    for arguments in table {
        let run = world.run(arguments);
        assert!(!run.stdout.contains(&token) && !run.stderr.contains(&token), "{run:?}");
    }
    let run = world.run(&["list", "-vv"]);
    assert!(run.stderr.contains("cf_mtls"), "-vv shows what is done: {run:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_token_is_not_among_the_arguments() {
    let world = World::new();
    world.simulator.inject(Fault::silence());
    let file = world.file("token", world.simulator.token());
    let mut command = without_token(&world, &["list", "--token-file", &file]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while world.simulator.request_count(None) == 0 {
        std::thread::yield_now();
    }
    let arguments = std::fs::read_to_string(format!("/proc/{}/cmdline", child.id())).unwrap();
    assert!(arguments.contains("list") && !arguments.contains(world.simulator.token()));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// People put it after the wrong option.
#[test]
fn a_token_in_a_wrong_place_is_not_repeated() {
    let world = World::new();
    let account = world.simulator.account_id().to_owned();
    for token in [
        "v1-0123456789abcdefghijklmnopqrstuvwxyzABCD",
        "cfut_0123456789abcdefghijklmnopqrstuvwxyzABCD",
        "0123456789abcdef0123456789abcdef01234",
    ] {
        let option = format!("--account={token}");
        let target = ["--zone", "example.com", "--managed-ca"];
        let table: [Vec<&str>; 11] = [
            vec!["get", token],
            vec!["list", token],
            vec!["list", "--token", token],
            vec!["list", &option],
            vec!["list", "--token-file", token],
            vec!["list", "--base-url", token],
            vec!["upload", "--ca", token],
            vec!["delete", "--name", token, "--yes"],
            vec!["rotate", "devices", "--ca", token],
            vec!["hostnames", "list", "--zone", token, "--managed-ca"],
            [&["hostnames", "add", token], &target[..]].concat(),
        ];
        for arguments in &table {
            for form in ["table", "json"] {
                let run = world.run(&[&arguments[..], &["-o", form]].concat());
                assert_ne!(run.code, 0, "{run:?}");
                let is_shown = run.stdout.contains(token) || run.stderr.contains(token);
                assert!(!is_shown, "{arguments:?}: {run:?}");
            }
        }
        let mut command = world.command(&["list"]);
        let run: Run = command.env("CLOUDFLARE_ACCOUNT_ID", token).output().unwrap().into();
        assert!(run.code != 0 && !run.stderr.contains(token), "{run:?}");
    }
    assert!(world.run(&["list", "--account", &account]).code == 0);
}

#[test]
#[cfg(unix)]
fn a_token_file_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::new();
    let file = world.file("token", world.simulator.token());
    for (mode, warns) in [(0o644, true), (0o640, false), (0o600, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let mut command = without_token(&world, &["list", "--token-file", &file]);
        let run: Run = command.output().unwrap().into();
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(run.stderr.contains("chmod 600"), warns, "{mode:o}: {run:?}");
    }
}
