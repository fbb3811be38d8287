//! `cargo xtask drift` as a maintainer and a workflow run it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::{fs, thread};

use serde_json::Value;
use tempfile::TempDir;

const FRAGMENT: &str = r##"{
  "openapi": "3.0.3",
  "info": {"title": "Boxes", "version": "1"},
  "servers": [{"url": "https://boxes.example"}],
  "paths": {"/boxes/{id}": {"delete": {
    "operationId": "delete_box",
    "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
    "responses": {"200": {"description": "Gone.", "content": {"application/json": {
      "schema": {"type": "object", "properties": {"id": {"type": "string"}}}}}}},
    "x-departures": [{"aspect": "responses/5XX", "upstream": {}, "reason": "Nobody decodes it."}]
  }}}
}"##;

/// The same with other words, in YAML.
const UPSTREAM: &str = "\
openapi: 3.1.0
info: {title: Everything, version: '7'}
servers:
- url: https://boxes.example/
paths:
  /boxes/{box_id}:
    delete:
      parameters:
      - {name: box_id, in: path, required: true, schema: &text {type: string}}
      responses:
        200:
          description: d
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/box'
        5XX: {description: d}
components:
  schemas:
    box: {properties: {id: *text}}
";

/// A workspace with the fragment, and documents beside it.
struct Workspace(TempDir);

impl Workspace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("openapi")).unwrap();
        fs::create_dir_all(folder.path().join("xtask")).unwrap();
        fs::write(folder.path().join("openapi/mtls.json"), FRAGMENT).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("CARGO_MANIFEST_DIR", self.0.path().join("xtask"))
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE");
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        told(self.command(arguments).output().unwrap())
    }

    fn pipe(&self, arguments: &[&str], input: &'static [u8]) -> (i32, String, String) {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // It may stop to read before the end.
        let writer = thread::spawn(move || drop(stdin.write_all(input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        told(output)
    }
}

fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn drifted() -> String {
    UPSTREAM.replace("{id: *text}", "{id: *text, 'a|b': {type: string}}")
}

#[test]
fn the_exit_code_answers_the_question() {
    let workspace = Workspace::new();
    workspace.write("same.yaml", UPSTREAM.as_bytes());
    workspace.write("drift.yml", drifted().as_bytes());
    workspace.write(
        "broken.yaml",
        UPSTREAM.replace("/box'", "/none'").as_bytes(),
    );

    let (code, stdout, stderr) = workspace.run(&["drift", "same.yaml"]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    assert_eq!(
        stdout,
        "no drift: 1 operation compared, 1 departure recorded, nothing else\n"
    );

    let (code, stdout, stderr) = workspace.run(&["drift", "drift.yml"]);
    assert_eq!((code, stderr.as_str()), (1, ""), "{stdout}");
    for part in [
        "Additions (1)",
        "the field \"a|b\" is new",
        "DELETE /boxes/{id}",
        "#/components/schemas/box/properties/a|b",
        "#/paths/~1boxes~1{id}/delete/responses/200/content/application~1json/schema",
        "drift: 1 finding",
    ] {
        assert!(stdout.contains(part), "{part} is not in {stdout}");
    }
    assert!(!stdout.contains('\u{1b}'), "colours in a pipe: {stdout}");

    let (code, stdout, _) = workspace.run(&["drift", "broken.yaml"]);
    assert_eq!(code, 2, "{stdout}");
    assert!(
        stdout.contains("could not tell: DELETE /boxes/{id}: broken.yaml at #"),
        "{stdout}"
    );
}

#[test]
fn standard_input_is_a_document_too() {
    let workspace = Workspace::new();
    assert_eq!(workspace.pipe(&["drift", "-"], UPSTREAM.as_bytes()).0, 0);
    let (code, _, stderr) = workspace.pipe(&["drift", "-"], b"{\"openapi\": \"3.0.3\", \"pa");
    assert_eq!(code, 2);
    assert!(
        stderr.starts_with("error: standard input: it ends in the middle"),
        "{stderr}"
    );
}

#[test]
fn colours_come_when_asked_for() {
    let workspace = Workspace::new();
    workspace.write("drift.yaml", drifted().as_bytes());
    let force = |workspace: &Workspace| {
        let mut command = workspace.command(&["drift", "drift.yaml"]);
        command.env("CLICOLOR_FORCE", "1");
        command
    };
    let (_, stdout, _) = told(force(&workspace).output().unwrap());
    assert!(
        stdout.contains("\u{1b}[1m\u{1b}[32mAdditions (1)"),
        "{stdout:?}"
    );
    let (_, stdout, _) = told(
        force(&workspace)
            .env_remove("CLICOLOR_FORCE")
            .env("NO_COLOR", "1")
            .output()
            .unwrap(),
    );
    assert!(!stdout.contains('\u{1b}'), "{stdout:?}");
}

#[test]
fn programs_get_json() {
    let workspace = Workspace::new();
    workspace.write("drift.yaml", drifted().as_bytes());
    let (code, stdout, _) = workspace.run(&["drift", "drift.yaml", "--format", "json"]);
    assert_eq!(code, 1);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["verdict"], "drift");
    assert_eq!(report["document"], "drift.yaml");
    assert_eq!(report["problems"], serde_json::json!([]));
    let finding = &report["findings"][0];
    for (pointer, want) in [
        ("/status", "unrecorded"),
        ("/class", "addition"),
        ("/operations/0", "DELETE /boxes/{id}"),
        (
            "/upstream/pointer",
            "/components/schemas/box/properties/a|b",
        ),
        ("/upstream/value/type", "string"),
    ] {
        assert_eq!(finding.pointer(pointer).unwrap(), want, "{pointer}");
    }
    assert_eq!(finding["ours"]["value"], Value::Null);
    assert!(finding["edit"].as_str().unwrap().contains("x-departures"));
    let step = &finding["patch"][0];
    assert_eq!(step["op"], "add");
    assert_eq!(
        step["value"][0]["upstream"],
        serde_json::json!({"type": "string"})
    );
}

#[test]
fn pull_requests_get_markdown() {
    let workspace = Workspace::new();
    workspace.write("drift.yaml", drifted().as_bytes());
    let (code, stdout, _) = workspace.run(&["drift", "drift.yaml", "--format", "markdown"]);
    assert_eq!(code, 1);
    assert!(stdout.starts_with("## Drift of `drift.yaml`\n"), "{stdout}");
    // A name from the document ends no cell.
    let rows: Vec<_> = stdout
        .lines()
        .filter(|line| line.starts_with("| the field"))
        .collect();
    assert_eq!(rows.len(), 1, "{stdout}");
    assert_eq!(
        rows[0].replace("\\|", "").matches('|').count(),
        6,
        "{rows:?}"
    );
}

#[test]
fn each_form_names_all_places() {
    let workspace = Workspace::new();
    let parts = "{allOf: [{type: object}, {properties: {}}]}";
    let lost = UPSTREAM.replace("{properties: {id: *text}}", parts);
    workspace.write(
        "lost.yaml",
        (lost + "info: {}\n")
            .replacen("info: {title: Everything, version: '7'}\n", "", 1)
            .as_bytes(),
    );
    let part = "/components/schemas/box/allOf/1/properties/id";
    let list = "/components/schemas/box/allOf";
    let (code, text, _) = workspace.run(&["drift", "lost.yaml"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains(&format!("(nothing)  #{part}\n")), "{text}");
    assert!(text.contains(&format!("and #{list}\n")), "{text}");
    let (_, markdown, _) = workspace.run(&["drift", "lost.yaml", "--format", "markdown"]);
    assert!(
        markdown.contains(&format!("`(nothing)`<br>`#{part}`<br>")),
        "{markdown}"
    );
    assert!(
        markdown.contains(&format!("<br>and `#{list}`")),
        "{markdown}"
    );
    let (_, json, _) = workspace.run(&["drift", "lost.yaml", "--format", "json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    let upstream = &report["findings"][0]["upstream"];
    assert_eq!(upstream["pointer"], part);
    assert!(
        upstream["also"].as_array().unwrap().contains(&list.into()),
        "{upstream}"
    );
}

#[test]
fn what_cannot_be_read_is_one_clear_line() {
    let workspace = Workspace::new();
    workspace.write("bytes.json", &[b'{', 0xff, 0xfe]);
    workspace.write("empty.json", b"");
    let table = [
        (".", "is a directory"),
        ("missing.json", "cannot open missing.json"),
        ("bytes.json", "not UTF-8"),
        ("empty.json", "empty"),
    ];
    for (name, want) in table {
        let (code, stdout, stderr) = workspace.run(&["drift", name]);
        assert_eq!((code, stdout.as_str()), (2, ""), "{name}");
        assert!(stderr.contains(want), "{name}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{name}: {stderr}");
        // Programs and pull requests get a report all the same.
        let (code, stdout, _) = workspace.run(&["drift", name, "--format", "json"]);
        let report: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((code, &report["verdict"]), (2, &"could not tell".into()));
        let message = report["problems"][0]["message"].as_str().unwrap();
        assert!(message.contains(want), "{name}: {message}");
        let (code, stdout, _) = workspace.run(&["drift", name, "--format", "markdown"]);
        assert_eq!(code, 2, "{stdout}");
        assert!(stdout.contains(want), "{name}: {stdout}");
    }
    workspace.write("same.yaml", UPSTREAM.as_bytes());
    workspace.write(
        "openapi/mtls.json",
        FRAGMENT.replace("\"reason\"", "\"raeson\"").as_bytes(),
    );
    let (code, _, stderr) = workspace.run(&["drift", "same.yaml"]);
    assert_eq!(code, 2);
    let place = "openapi/mtls.json: at #/paths/~1boxes~1{id}/delete/x-departures/0: ";
    assert!(stderr.contains(place), "{stderr}");
}

#[test]
fn without_a_task_the_tasks_are_listed() {
    let (code, stdout, stderr) = Workspace::new().run(&[]);
    assert_eq!(code, 2);
    for task in ["codegen", "drift"] {
        assert!(
            (stdout.clone() + &stderr).contains(&format!("\n  {task} ")),
            "{stdout}{stderr}"
        );
    }
}
