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
