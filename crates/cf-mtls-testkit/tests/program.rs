//! The simulator as a program.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cf-mtls-simulator"))
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// A running program, which ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill(); // It may have ended by itself.
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn prints_how_to_reach_it_and_shows_requests() {
    let account = "023e105f4ecef8ad9ca31a8372d0c353";
    let child = program()
        .args(["--log", "--token", "a-token", "--account", account])
        .args(["--zone", "example.net"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut running = Running(child.unwrap());
    let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let printed: Vec<_> = lines
        .map(Result::unwrap)
        .take_while(|line| !line.starts_with("# zone"))
        .collect();
    let value = |name: &str| {
        let found = printed.iter().find_map(|line| line.strip_prefix(name));
        found.unwrap_or_else(|| panic!("{name} in {printed:?}"))
    };
    assert_eq!(value("export CLOUDFLARE_API_TOKEN="), "a-token");
    assert_eq!(value("export CLOUDFLARE_ACCOUNT_ID="), account);
    let base = value("export CLOUDFLARE_BASE_URL=");
    assert_eq!(value("export CLOUDFLARE_API_BASE_URL="), base);

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let zones = http.get(format!("{base}/zones?page=1"));
    let zones = zones.bearer_auth("a-token").send().await.unwrap();
    assert!(zones.text().await.unwrap().contains("example.net"));
    let mut seen = String::new();
    let mut log = BufReader::new(running.0.stderr.take().unwrap());
    log.read_line(&mut seen).unwrap();
    assert_eq!(
        seen,
        "GET /client/v4/zones?page=1 -> 200 (token; no body; no user agent)\n"
    );
}

#[test]
fn says_what_is_wrong_with_its_arguments() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    // (arguments, exit code, part of the message)
    let table: [(&[&str], i32, &str); 8] = [
        (&["--nope"], 2, "unknown argument --nope"),
        (&["--port"], 2, "--port needs a value"),
        (&["--port", "80000"], 2, "--port does not take \"80000\""),
        (&["--lose", "delete"], 2, "--lose does not take \"delete\""),
        (&["--lose", "get:1"], 2, "--lose does not know \"get\""),
        (&["--port", &port], 1, "cannot listen on 127.0.0.1:"),
        (&["--account", "mine"], 1, "32 hexadecimal digits"),
        (&["--token", "a b"], 1, "cannot be sent in a header"),
    ];
    for (arguments, code, message) in table {
        let output = run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(message), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let help = run(&["--log", "--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(help.stdout.starts_with(b"Simulates") && help.stderr.is_empty());
}
