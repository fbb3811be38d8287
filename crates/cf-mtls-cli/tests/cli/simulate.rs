//! simulate: the server that is built in.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::{Run, bare, new_ca};

/// A simulator that ends with the test.
struct Demo {
    child: Child,
    place: Value,
}

impl Demo {
    fn start() -> Self {
        let mut command = bare(&["simulate", "--demo", "-o", "ndjson"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let place = serde_json::from_str(&line).unwrap();
        Self { child, place }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let place = |name: &str| self.place[name].as_str().unwrap();
        bare(arguments)
            .env("CLOUDFLARE_BASE_URL", place("base_url"))
            .env("CLOUDFLARE_API_TOKEN", place("api_token"))
            .env("CLOUDFLARE_ACCOUNT_ID", place("account_id"))
            .output()
            .unwrap()
            .into()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_demo_has_room_for_what_the_documentation_does() {
    let demo = Demo::start();
    let listed = demo.run(&["list", "-o", "ndjson"]).lines();
    assert_eq!(listed.len(), 5);
    let devices = listed.iter().find(|one| one["name"] == "devices").unwrap();
    let devices = devices["id"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, new_ca()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let run = demo.run(&["upload", "--ca", &file("one.pem"), "--name", "one"]);
    assert_eq!(run.code, 0, "{run:?}");
    let two = file("two.pem");
    let rotate = ["rotate", devices, "--ca", &two, "--yes", "--poll", "10ms"];
    let run = demo.run(&rotate);
    assert_eq!(run.code, 0, "{run:?}");
}
