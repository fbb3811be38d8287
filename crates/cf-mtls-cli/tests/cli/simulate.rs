//! simulate: the server that is built in.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use cf_mtls_testkit::DOCUMENTED_CA;
use serde_json::Value;

use crate::support::{Run, bare, new_ca};

/// A simulator that ends with the test.
pub(crate) struct Simulated {
    child: Child,
    place: Value,
}

impl Simulated {
    pub(crate) fn start(options: &[&str]) -> Self {
        let arguments = [&["simulate", "-o", "ndjson"], options].concat();
        let mut command = bare(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let place = serde_json::from_str(&line).unwrap();
        Self { child, place }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let place = |name: &str| self.place[name].as_str().unwrap();
        let mut command = bare(arguments);
        command
            .env("CLOUDFLARE_BASE_URL", place("base_url"))
            .env("CLOUDFLARE_API_TOKEN", place("api_token"))
            .env("CLOUDFLARE_ACCOUNT_ID", place("account_id"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// Interrupts a run after the first step that it reports.
    #[cfg(unix)]
    pub(crate) fn stop(&self, arguments: &[&str]) -> Run {
        let mut command = self.command(&[arguments, &["-o", "ndjson"]].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        lines.next().unwrap().unwrap();
        crate::support::signal(&child, "-INT");
        lines.for_each(drop);
        child.wait_with_output().unwrap().into()
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_demo_has_room_for_what_the_documentation_does() {
    let simulated = Simulated::start(&["--demo"]);
    let listed = simulated.run(&["list", "-o", "ndjson"]).lines();
    assert_eq!(listed.len(), 5);
    let devices = listed.iter().find(|one| one["name"] == "devices").unwrap();
    let devices = devices["id"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, new_ca()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let run = simulated.run(&["upload", "--ca", &file("one.pem"), "--name", "one"]);
    assert_eq!(run.code, 0, "{run:?}");
    let two = file("two.pem");
    let rotate = ["rotate", devices, "--ca", &two, "--yes", "--poll", "10ms"];
    let run = simulated.run(&rotate);
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn options_shape_the_account_and_the_responses() {
    let account = "023e105f4ecef8ad9ca31a8372d0c353";
    let options = ["--token", "a-token", "--account", account, "--quota", "1"];
    let rest = ["--lose", "upload:1", "--log", "--quiet", "--zone", "example.net"];
    let mut simulated = Simulated::start(&[&options[..], &rest[..]].concat());
    assert_eq!(simulated.place["api_token"], "a-token");
    assert_eq!(simulated.place["account_id"], account);
    assert_eq!(simulated.place["zones"][0]["name"], "example.net");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, DOCUMENTED_CA).unwrap();
    let upload = ["upload", "--ca", path.to_str().unwrap(), "--name", "one"];
    let run = simulated.run(&upload);
    assert_eq!(run.code, 0, "the upload took effect: {run:?}");
    std::fs::write(&path, new_ca()).unwrap();
    let run = simulated.run(&upload);
    assert!(run.code == 11 && run.stderr.contains("1489"), "{run:?}");

    let log = BufReader::new(simulated.child.stderr.take().unwrap());
    let first = log.lines().next().unwrap().unwrap();
    let path =
        format!("POST /client/v4/accounts/{account}/mtls_certificates -> no response (token; ");
    assert!(first.starts_with(&path), "{first}");
}

#[test]
fn options_make_it_as_slow_and_odd_as_the_service() {
    let delays = ["--slow-day", "--list-lag", "0s", "--delete-lag", "1h 30m"];
    let refusals = ["--refusal", "not-found=410", "--refusal", "in-use=409:1234"];
    let zones = ["--unentitled-zone", "free.example"];
    let rest = ["--quirk", "null-lists", "--quirk", "delete-null"];
    let reader = ["--read-only-token", "reader", "--demo", "--demo-products"];
    let narrow = ["--token-without", "certificates=narrow"];
    let options = [&delays[..], &refusals, &zones, &rest, &reader, &narrow].concat();
    let simulated = Simulated::start(&options);
    let run = |arguments: &[&str]| simulated.run(&[arguments, &["-o", "ndjson"]].concat());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, new_ca()).unwrap();
    let upload = ["upload", "--ca", path.to_str().unwrap(), "--name", "one"];
    let stored = run(&upload).lines().remove(0);
    assert_eq!(run(&["list"]).lines().len(), 8, "the list is not late");
    let client = run(&["list", "--leaf"]).lines().remove(0);
    let client = client["id"].as_str().unwrap();
    let uses = run(&["associations", client]);
    assert!(uses.stdout.contains("Workers") && uses.stdout.contains("Hyperdrive"), "{uses:?}");
    let again = run(&upload);
    assert!(again.code != 0 && again.stderr.contains("1471"), "{again:?}");
    let unknown = run(&["get", "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60"]);
    assert!(unknown.stderr.contains("410"), "{unknown:?}");
    let devices = run(&["list", "--name", "devices"]).lines().remove(0);
    let in_use = run(&["delete", devices["id"].as_str().unwrap(), "--yes", "--quiet"]);
    assert!(in_use.code == 4 && in_use.stderr.contains("1234"), "{in_use:?}");

    let token = folder.path().join("token");
    std::fs::write(&token, "reader").unwrap();
    let id = stored["id"].as_str().unwrap();
    let narrow = folder.path().join("narrow");
    std::fs::write(&narrow, "narrow").unwrap();
    let narrow = ["--token-file", narrow.to_str().unwrap()];
    assert_eq!(run(&[&["get", id], &narrow[..]].concat()).code, 5);
    let token = ["--token-file", token.to_str().unwrap()];
    assert_eq!(run(&[&["get", id], &token[..]].concat()).code, 0);
    assert_eq!(run(&[&["delete", id, "--yes"], &token[..]].concat()).code, 5);
    let zones = simulated.place["zones"].as_array().unwrap();
    assert_eq!(zones[1]["name"], "free.example");
    let zone = zones[1]["id"].as_str().unwrap();
    let list = run(&["hostnames", "list", "--zone", zone, "--certificate", id]);
    assert_eq!(list.code, 5, "{list:?}");

    assert_eq!(run(&["delete", id, "--yes"]).code, 0);
    assert_eq!(run(&["get", id]).code, 0, "a deleted one can still be read");
}

#[test]
fn reads_can_flake() {
    let simulated = Simulated::start(&["--flaky-reads", "1"]);
    let codes = [(); 2].map(|()| simulated.run(&["list", "--retries", "0"]).code);
    assert!(codes.contains(&0), "{codes:?}");
    let simulated = Simulated::start(&["--flaky-reads", "9"]);
    assert_eq!(simulated.run(&["list", "--retries", "0"]).code, 5);
}

/// What a shell makes of the output: variables, comments, and a command that
/// unsets the variables.
#[test]
fn the_output_can_be_pasted_into_a_shell() {
    let mut command = bare(&["simulate", "--token", "~x"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(4);
    let printed: String = lines.map(|line| line.unwrap() + "\n").collect();
    let notes = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let notes: Vec<String> = notes.take_while(|note| !note.contains("Ctrl-C")).collect();
    let _ = child.kill();
    let _ = child.wait();
    assert!(printed.lines().all(|line| line.starts_with("export ")), "{printed}");
    assert!(notes.iter().any(|note| note.starts_with("# zone example.com: ")), "{notes:?}");
    let unset = notes.iter().find_map(|note| note.strip_prefix("# Afterwards: ")).unwrap();
    let script = format!("{printed}echo \"$CLOUDFLARE_API_TOKEN\"\n{unset}\nenv");
    let shell = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let shown = String::from_utf8(shell.stdout).unwrap();
    assert_eq!(shown.lines().next(), Some("~x"));
    assert!(!shown.contains("CLOUDFLARE_"), "{shown}");
}

#[test]
fn says_what_is_wrong_with_its_options() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    // (options, exit code, part of the message)
    let table: [(&[&str], i32, &str); 13] = [
        (&["--port", "80000"], 2, "80000"),
        (&["--lose", "delete"], 2, "expected upload:N"),
        (&["--lose", "delete:0"], 2, "a number from 1 on"),
        (&["--refusal", "busy=400"], 2, "expected KIND=STATUS"),
        (&["--refusal", "in-use=200"], 2, "between 400 and 599"),
        (&["--refusal", "in-use=400:x"], 2, "expected KIND=STATUS"),
        (&["--quirk", "odd"], 2, "accept-duplicates"),
        (&["--token-without", "x=y"], 2, "expected PERMISSION=TEXT"),
        (&["--list-lag", "soon"], 2, "expected a duration"),
        (&["--port", &port], 1, "cannot listen on port"),
        (&["--account", "mine"], 2, "32 hexadecimal digits"),
        (&["--token", "a b"], 2, "cannot be sent in a header"),
        (&["--zone", "a.example", "--pending-zone", "A.example"], 2, "given twice"),
    ];
    for (options, code, message) in table {
        let run: Run = bare(&[&["simulate"], options].concat()).output().unwrap().into();
        assert_eq!(run.code, code, "{run:?}");
        assert!(run.stderr.contains(message) && run.stdout.is_empty(), "{run:?}");
    }
}
