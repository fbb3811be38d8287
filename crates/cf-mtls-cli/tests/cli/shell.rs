//! Habits of a shell: help, aliases, exit codes, completion and manual pages.

use std::process::Command;

use crate::support::{Run, World, bare, new_ca};

/// Whether this machine has a program.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: there is no {program}");
    }
    found
}

/// The path of programs, with the binary.
pub(crate) fn with_binary() -> std::ffi::OsString {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_cf-mtls"));
    let all = std::env::var_os("PATH").unwrap();
    let folders = std::iter::once(binary.parent().unwrap().to_owned());
    std::env::join_paths(folders.chain(std::env::split_paths(&all))).unwrap()
}

#[test]
fn what_people_type_first_works() {
    let world = World::new();
    world.seed("devices");
    // (arguments, exit code, part of standard output, part of standard error)
    let table: [(&[&str], i32, &str, &str); 17] = [
        (&[], 2, "", "Usage: cf-mtls"),
        (&["hostnames"], 2, "", "Usage: cf-mtls hostnames"),
        (&["help"], 0, "Usage: cf-mtls", ""),
        (&["help", "rotate"], 0, "then delete the old one", ""),
        (&["version"], 0, "cf-mtls 0.", ""),
        (&["ls"], 0, "devices", ""),
        (&["list", "--type", "Custom"], 0, "devices", ""),
        (&["show", "devices", "--json"], 0, "\"name\": \"devices\"", ""),
        (&["list", "--timeout", "10", "-o", "json", "-o", "table"], 0, "NAME", ""),
        (&["list", "--columns", "name,type"], 0, "NAME     TYPE\ndevices  custom\n", ""),
        (&["list", "--expires-within", "100y", "--exit-code"], 12, "devices", ""),
        (&["list", "--expires-within", "1d", "--exit-code"], 0, "", "no certificates"),
        (&["man", "rotate"], 0, ".SH NAME\ncf\\-mtls\\-rotate", ""),
        (&["man", "rotate"], 0, ".TH cf-mtls-rotate 1  \"cf-mtls 0.", ""),
        (&["man", "hostnames", "add"], 0, ".SH EXAMPLES\n.nf\n  cf\\-mtls hostnames list", ""),
        (&["man"], 0, ".SH \"EXIT STATUS\"\n", ""),
        (&["rm", "devices", "--yes"], 0, "deleted", "Account "),
    ];
    for (arguments, code, stdout, stderr) in table {
        let run = world.run(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {run:?}");
        assert!(run.stdout.contains(stdout), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(stderr), "{arguments:?}: {run:?}");
    }
}

#[test]
fn json_has_the_pem_only_where_it_is_wanted() {
    let world = World::new();
    world.seed("devices");
    assert!(world.json(&["list"])[0].get("certificates").is_none());
    assert!(world.json(&["list", "--pem"])[0]["certificates"].is_string());
    assert!(world.json(&["get", "devices"])["certificates"].is_string());
}

#[test]
fn standard_error_beside_json_is_the_error_alone() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let ca = world.file("ca.pem", &new_ca());
    let table: [&[&str]; 5] = [
        &["delete", "devices", "--yes"],
        &["delete", "devices", "nobody", "--yes"],
        &["prune", "--name-prefix", "dev", "--dry-run"],
        &["release", "nobody", "--yes"],
        &["rotate", "nobody", "--ca", &ca, "--yes"],
    ];
    for arguments in table {
        let run = world.run(&[arguments, &["-o", "json"]].concat());
        assert_ne!(run.code, 0, "{run:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{arguments:?}: {run:?}");
        assert_eq!(run.error_json()["exit_code"], run.code);
    }
    let run = world.run(&["delete", &id, "--yes", "-q", "-o", "json"]);
    let outcome: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(outcome[0]["name"], "devices", "--quiet changes no data");
}

#[test]
fn a_wait_that_ends_is_10_and_what_blocks_is_4() {
    let slow = cf_mtls_testkit::Simulator::builder();
    let slow = slow.propagation(std::time::Duration::from_secs(600));
    let world = World::with(slow.clock_stands_still());
    let id = world.seed_in_use("devices");
    for wait in ["0s", "50ms"] {
        let release = ["release", &id, "--yes", "--wait", wait, "--poll", "10ms", "-o", "json"];
        let run = world.run(&release);
        assert_eq!(run.code, 10, "{run:?}");
        assert_eq!(run.error_json()["kind"], "wait_ended");
    }
    world.simulator.attach_service(&id, "gateway", "active").unwrap();
    let run = world.run(&["release", &id, "--yes", "-o", "json"]);
    assert_eq!((run.code, &run.error_json()["kind"]), (4, &"in_use".into()));
}

#[test]
fn a_failed_connection_says_where_and_why() {
    let run = bare(&["list", "--account", "023e105f4ecef8ad9ca31a8372d0c353", "--retries", "0"])
        .args(["--base-url", "http://127.0.0.1:1/client/v4"])
        .env("CLOUDFLARE_API_TOKEN", "simulated-00000000000000000000000000000000")
        .output();
    let run: Run = run.unwrap().into();
    assert_eq!(run.code, 7, "{run:?}");
    assert!(run.last_error().starts_with("error: list: "), "{run:?}");
    let cause = "; http://127.0.0.1:1/client/v4: Connection refused";
    assert!(run.last_error().contains(cause), "{run:?}");
}

#[test]
fn bash_completes_each_word() {
    if !has("bash") {
        return;
    }
    let world = World::new();
    let script: Run = bare(&["completions", "bash"]).output().unwrap().into();
    let offers_files = ["-o default", "-o bashdefault"].iter().any(|it| script.stdout.contains(it));
    assert!(!offers_files, "files are offered only for files");
    let script = world.file("completion", &script.stdout);
    world.file("a-file", "");
    let id = world.seed("devices");
    // A shell would split these, or run them.
    for name in ["two words", "$(touch ran)", "`touch ran`", "-x"] {
        world.seed(name);
    }
    // (the words, what is offered)
    let table = [
        ("cf-mtls get ", "devices"),
        ("cf-mtls delete devices ", id.as_str()),
        ("cf-mtls rotate d", "devices"),
        ("cf-mtls get --name ", "devices"),
        ("cf-mtls hostnames list --certificate ", "devices"),
        ("cf-mtls hostnames list --zone ", "example.com"),
        ("cf-mtls release devices --ignore-zone ", "example.com"),
        ("cf-mtls hos", "hostnames"),
        ("cf-mtls hostnames ", "add"),
        ("cf-mtls list --exp", "--expires-within"),
        ("cf-mtls list -o j", "json"),
        ("cf-mtls delete --dr", "--dry-run"),
        ("cf-mtls upload --ca ", "a-file"),
    ];
    for (line, want) in table {
        let words: Vec<&str> = line.split(' ').collect();
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let complete = format!(
            ". '{script}'; compopt() {{ :; }}; COMP_WORDS=({}); COMP_CWORD={}; \
             _clap_complete_cf_mtls cf-mtls '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            quoted.join(" "),
            words.len() - 1,
            words.last().unwrap(),
            words[words.len() - 2],
        );
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &complete]).current_dir(world.folder.path());
        bash.envs(world.simulator.environment()).env("PATH", with_binary());
        let offered: Run = bash.output().unwrap().into();
        for other in ["two", "words", "-x", "NAME"] {
            assert!(!offered.stdout.lines().any(|one| one == other), "{line}: {offered:?}");
        }
        assert!(offered.stdout.lines().any(|one| one == want), "{line}: {offered:?}");
        let is_file = line.contains("--ca ");
        assert_eq!(offered.stdout.contains("a-file"), is_file, "{line}: {offered:?}");
    }
    assert!(!world.folder.path().join("ran").exists(), "nothing is run");
}

/// Each shell asks in its own way, and gets the same.
#[test]
fn each_shell_completes_ids_names_and_zones() {
    let world = World::new();
    let id = world.seed("devices");
    // (shell, the words, what is offered)
    let lines: [(&[&str], &str); 3] = [
        (&["get", ""], &id),
        (&["delete", "dev"], "devices"),
        (&["hostnames", "add", "--zone", "exa"], "example.com"),
    ];
    for shell in ["bash", "zsh", "fish", "elvish"] {
        for (words, want) in &lines {
            let mut command = world.command(&[&["--", "cf-mtls"], *words].concat());
            command.env("CF_MTLS_COMPLETE", shell).env("_CLAP_IFS", "\n");
            command.env("_CLAP_COMPLETE_INDEX", words.len().to_string());
            let run: Run = command.output().unwrap().into();
            assert!(run.stdout.contains(want), "{shell} {words:?}: {run:?}");
        }
    }
    if has("fish") {
        let script = "cf-mtls completions fish | source; complete -C 'cf-mtls get '";
        let mut fish = Command::new("fish");
        fish.args(["-c", script]).current_dir(world.folder.path()).env("PATH", with_binary());
        world.file("a-file", "");
        let run: Run = fish.envs(world.simulator.environment()).output().unwrap().into();
        assert!(run.stdout.lines().any(|line| line == "devices"), "{run:?}");
        assert!(!run.stdout.contains("a-file"), "{run:?}");
    }
    // Without an account it offers the rest, and says nothing.
    let mut command = bare(&["--", "cf-mtls", "get", "--n"]);
    command.env("CF_MTLS_COMPLETE", "fish").env_remove("CLOUDFLARE_API_TOKEN");
    let run: Run = command.output().unwrap().into();
    assert!(run.code == 0 && run.stdout.contains("--name") && run.stderr.is_empty(), "{run:?}");
}

#[test]
fn other_shells_accept_their_scripts() {
    let world = World::new();
    for (shell, check) in [("zsh", "-n"), ("fish", "--no-execute")] {
        if has(shell) {
            let script: Run = bare(&["completions", shell]).output().unwrap().into();
            let script = world.file(shell, &script.stdout);
            let run: Run = Command::new(shell).args([check, &script]).output().unwrap().into();
            assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{shell}");
        }
    }
}

/// The script of the documentation: it alerts, prunes and rotates, and its exit code
/// tells whether a person is needed.
#[test]
fn the_nightly_script_of_the_documentation_works() {
    if !has("bash") || !has("jq") {
        return;
    }
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md"));
    let text = text.unwrap();
    let script = text.split("```bash\n#!").nth(1).unwrap().split("```").next().unwrap();
    let world = World::new();
    let script = world.file("nightly.sh", &format!("#!{script}"));
    let next = world.file("next.pem", &new_ca());
    let path = with_binary();
    let nightly = |name: &str| -> Run {
        let mut bash = Command::new("bash");
        bash.args([&script, name, &next]).envs(world.simulator.environment());
        bash.env("PATH", &path).output().unwrap().into()
    };
    let old = world.seed_in_use("devices");
    let (gone, soon) = (world.seed_expiring("gone", -3), world.seed_expiring("soon", 12));
    let run = nightly("devices");
    assert_eq!(run.code, 1, "a person has to look at what expires soon: {run:?}");
    assert!(run.stdout.contains("expires soon: soon"), "{run:?}");
    assert!(run.stdout.contains(&format!("pruned {gone}")), "{run:?}");
    assert!(run.stdout.contains("rotated devices"), "{run:?}");
    let left = world.ids();
    assert!(left.contains(&soon) && !left.contains(&old) && left.len() == 2, "{left:?}");
    world.run(&["delete", "soon", "--yes"]);
    let again = nightly("devices");
    assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{again:?}");
    assert_eq!(world.ids().len(), 1);
    let mistyped = nightly("device");
    assert_eq!(mistyped.code, 1, "{mistyped:?}");
    assert!(mistyped.stdout.contains("no certificate has the name or id device"), "{mistyped:?}");
}
