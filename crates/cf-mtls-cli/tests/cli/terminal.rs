//! What differs where a person sits at it: a real pseudo-terminal.

use std::io::{Read as _, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cf_mtls_testkit::simulator::{Fault, Operation};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::shell::{has, with_binary};
use crate::support::{Run, World, bare};

/// The binary in a terminal.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Terminal {
    fn start(world: &World, columns: u16, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::sized(world, (24, columns), arguments, variables)
    }

    fn sized(
        world: &World,
        size: (u16, u16),
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        Self::of(env!("CARGO_BIN_EXE_cf-mtls"), world, size, arguments, variables)
    }

    fn of(
        program: &str,
        world: &World,
        (rows, columns): (u16, u16),
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        for (name, value) in world.simulator.environment().iter().chain(variables) {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(Vec::new()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let sink = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            child,
            keys: pair.master.take_writer().unwrap(),
            _master: pair.master,
            screen,
            reader: Some(reader),
        }
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    fn expect(&self, text: &str) {
        let begun = Instant::now();
        while !self.seen().contains(text) {
            assert!(begun.elapsed() < Duration::from_secs(20), "no {text:?}: {}", self.seen());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn end(mut self) -> (u32, String) {
        let code = self.child.wait().unwrap().exit_code();
        drop(self._master);
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let seen = String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned();
        (code, seen)
    }
}

/// What is left of a text when a terminal has obeyed it.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_person_is_asked() {
    let world = World::new();
    let id = world.seed("devices");
    for (keys, code) in [("n\r", 1), ("\r", 1), ("\u{3}", 130), ("yes\r", 0)] {
        let mut terminal = Terminal::start(&world, 100, &["delete", &id], &[]);
        terminal.expect("Delete this certificate? [y/N] ");
        assert_eq!(world.ids(), [id.as_str()], "nothing is done before the answer");
        terminal.press(keys);
        let (got, seen) = terminal.end();
        assert_eq!(got, code, "{keys:?}: {seen}");
        assert_eq!(seen.contains("nothing was changed"), code != 0, "{seen}");
    }
    assert_eq!(world.ids(), [""; 0]);
}

#[test]
fn an_end_of_input_at_a_question_leaves_the_error_its_own_line() {
    let world = World::new();
    let id = world.seed("devices");
    let mut terminal = Terminal::start(&world, 100, &["delete", &id], &[]);
    terminal.expect("[y/N] ");
    terminal.press("\u{4}");
    let (code, seen) = terminal.end();
    assert_eq!(code, 1, "{seen}");
    let last = plain(seen.trim_end());
    let last = last.lines().last().unwrap_or_default().trim_end();
    assert_eq!(last, "error: not confirmed; nothing was changed", "{seen}");
}

#[test]
fn a_question_is_never_without_what_it_is_about() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let target = ["--zone", "example.com", "--certificate", &id];
    let ca = world.file("ca.pem", &crate::support::new_ca());
    let table = [
        vec!["delete", &id],
        vec!["release", &id],
        vec!["prune", "--name-prefix", "dev"],
        vec!["rotate", &id, "--ca", &ca],
        [&["hostnames", "remove", "--all"], &target[..]].concat(),
    ];
    for mut arguments in table {
        arguments.push("--quiet");
        let mut terminal = Terminal::start(&world, 100, &arguments, &[]);
        terminal.expect("[y/N] ");
        assert!(terminal.seen().contains("devices"), "{}", terminal.seen());
        terminal.press("n\r");
        assert_eq!(terminal.end().0, 1);
    }
    assert_eq!(world.writes(), [""; 0]);
}

/// Whoever agrees has agreed to what was shown.
#[test]
fn a_list_that_changed_while_somebody_was_asked_is_not_replaced() {
    for changed in [false, true] {
        let world = World::new();
        let id = world.seed_in_use("devices");
        let target = ["--zone", "example.com", "--certificate", &id];
        let arguments = [&["hostnames", "replace", "c.example.com"], &target[..]].concat();
        let mut terminal = Terminal::start(&world, 100, &arguments, &[]);
        terminal.expect("Change the hostnames? [y/N] ");
        let late = ["a.example.com", "late.example.com"];
        if changed {
            world.simulator.set_hostnames(&world.zone, &id, late).unwrap();
        }
        terminal.press("y\r");
        let (code, seen) = terminal.end();
        assert_eq!(code, u32::from(changed), "{seen}");
        let held = world.simulator.hostnames(&world.zone, &id);
        match changed {
            true => assert_eq!(held, late, "{seen}"),
            false => assert_eq!(held, ["c.example.com"], "{seen}"),
        }
        assert_eq!(seen.contains("nothing was changed"), changed, "{seen}");
    }
}

#[test]
fn release_asks_with_everything_on_the_table() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let mut terminal = Terminal::start(&world, 100, &["release", &id], &[]);
    terminal.expect("[y/N] ");
    let seen = plain(&terminal.seen());
    for part in
        ["devices", "CA", "in 9", "used by a.example.com, b.example.com in zone example.com"]
    {
        assert!(seen.contains(part), "{part}: {seen}");
    }
    terminal.press("y\r");
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert_eq!(world.ids(), [""; 0]);
}

#[test]
fn colours_tell_an_expiry_unless_they_are_not_wanted() {
    let world = World::new();
    world.seed_expiring("gone", -3);
    world.seed_expiring("soon", 12);
    world.seed_expiring("late", 100);
    let (code, seen) = Terminal::start(&world, 120, &["list"], &[]).end();
    assert_eq!(code, 0);
    let line = |name: &str| seen.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(line("gone").contains("\u{1b}[31m"), "red: {seen:?}");
    assert!(line("soon").contains("\u{1b}[33m"), "yellow: {seen:?}");
    assert!(!line("late").contains('\u{1b}'), "{seen:?}");
    let (_, seen) = Terminal::start(&world, 120, &["list"], &[("NO_COLOR", "1")]).end();
    assert!(!seen.contains('\u{1b}'), "{seen:?}");
}

#[test]
fn tables_fit_the_terminal_and_keep_ids_whole() {
    let world = World::new();
    let long = "a rather long name of a certificate, wider than the rest";
    let (id, gone) = (world.seed_in_use(long), world.seed_expiring(long, -399));
    let commands: [&[&str]; 6] = [
        &["list"],
        &["list", "--wide"],
        &["associations", &id],
        &["delete", &id, &gone, "--dry-run"],
        &["prune", "--name-prefix", "a", "--dry-run"],
        &["hostnames", "list", "--zone", "example.com", "--certificate", &id],
    ];
    for size in [(24, 40), (24, 60), (0, 60), (24, 75), (24, 80), (24, 120), (24, 300)] {
        for arguments in commands {
            let (_, seen) = Terminal::sized(&world, size, arguments, &[]).end();
            let seen = plain(&seen);
            let row = format!("{arguments:?} in {size:?}: {seen}");
            // A frame of a spinner goes back to the beginning of its line.
            let tables = seen.split(['\n', '\r']).map(str::trim_end);
            // Remarks and errors are prose, which the terminal breaks; a spinner
            // takes a terminal without rows for one of 80 columns.
            let prose = ["error:", "hint:", "dry run:", "Account "];
            let spinner = |line: &str| size.0 == 0 && line.contains("reading the ");
            for line in tables {
                let is_prose = prose.iter().any(|word| line.starts_with(word)) || spinner(line);
                let fits = line.chars().count() <= size.1.into();
                assert!(is_prose || fits, "{line:?} of {row}");
            }
            let whole: &[&str] = match arguments[0] {
                "associations" => &[&world.zone, "a.example.com", "b.example.com"],
                "hostnames" => &["a.example.com", "b.example.com"],
                "list" => &[&id, &gone, "expired 399 days ago"],
                _ => &[&id, "399 days ago"],
            };
            for part in whole {
                assert!(seen.contains(part), "{part} of {row}");
            }
        }
    }
    // In a pipe nothing is cut, whatever the terminal on standard error.
    for arguments in [&["list"][..], &["list", "--wide"]] {
        let run = world.run(arguments);
        assert!(run.stdout.contains(long), "{run:?}");
        assert!(!run.stdout.contains('…'), "{run:?}");
        assert_eq!(run.stdout.lines().count(), 3, "{run:?}");
    }
}

#[test]
fn what_takes_long_has_a_bar_on_a_terminal() {
    let world = World::new();
    let slow = Fault::delay(Duration::from_millis(15)).on(Operation::Delete);
    world.simulator.inject(slow);
    for (quiet, shown) in [(&[][..], true), (&["--quiet"], false)] {
        let ids: Vec<String> = (0..30).map(|number| world.seed(&format!("c{number}"))).collect();
        let mut arguments = vec!["delete", "--yes"];
        arguments.extend(ids.iter().map(String::as_str));
        arguments.extend(quiet);
        let (code, seen) = Terminal::start(&world, 100, &arguments, &[]).end();
        assert_eq!(code, 0, "{seen}");
        for verb in ["reading the certificates", "deleting"] {
            assert_eq!(seen.contains(verb), shown, "{seen}");
        }
        assert_eq!(seen.contains(" of 30, "), shown, "{seen}");
        let frames = plain(&seen);
        let mut frames = frames.split(['\n', '\r']).filter(|frame| frame.contains('░'));
        // Each says what goes on, the first ones too.
        assert!(frames.all(|frame| frame.contains("deleting")), "{seen}");
        assert_eq!(plain(&seen).matches("  deleted").count(), 30, "{seen}");
    }
}

#[test]
fn a_refusal_that_is_expected_is_told_before_the_question() {
    let world = World::new();
    let id = world.seed_in_use("devices");
    let mut terminal = Terminal::start(&world, 100, &["delete", "devices"], &[]);
    terminal.expect("Delete this certificate? [y/N] ");
    let seen = terminal.seen();
    assert!(seen.contains("the service will refuse this"), "{seen}");
    assert!(seen.contains(&format!("cf-mtls release {id}")), "{seen}");
    let account = format!("Account {} at http://", world.simulator.account_id());
    assert!(seen.contains(&account), "{seen}");
    terminal.press("n\r");
    assert_eq!(terminal.end().0, 1);
}

#[test]
fn an_error_is_broken_at_words_and_its_hint_comes_last() {
    let world = World::new();
    world.seed_in_use("devices");
    let (code, seen) = Terminal::start(&world, 60, &["delete", "devices", "--yes"], &[]).end();
    assert_eq!(code, 4, "{seen}");
    let text = plain(&seen);
    let error = text.split("error: ").nth(1).unwrap();
    let lines: Vec<&str> = error.lines().map(str::trim_end).collect();
    let fits = |line: &&str| line.len() <= 60 || line.trim().starts_with('`');
    assert!(lines.iter().all(fits), "{error}");
    assert!(lines[1..].iter().any(|line| line.starts_with("  Cloudflare says ")), "{error}");
    assert!(lines.iter().any(|line| line.starts_with("hint: ")), "{error}");
    // A command stays on a line, so that it can be copied.
    for line in &lines {
        assert_eq!(line.matches('`').count() % 2, 0, "{line}: {error}");
    }
}

#[test]
fn a_wait_for_the_rate_limit_is_shown() {
    let limited = cf_mtls_testkit::Simulator::builder();
    let world = World::with(limited.rate_limit(2, Duration::from_secs(1)));
    let ids: Vec<String> = (0..4).map(|number| world.seed(&format!("c{number}"))).collect();
    let mut arguments = vec!["delete", "--yes"];
    arguments.extend(ids.iter().map(String::as_str));
    let (code, seen) = Terminal::start(&world, 100, &arguments, &[]).end();
    assert_eq!(code, 0, "{seen}");
    let seen = plain(&seen);
    let (before, _) = seen.split_once(" s for the rate limit").expect("it says so");
    assert!(before.ends_with("waiting 1") || before.ends_with("waiting 2"), "{seen}");
    let mut command = world.command(&["list"]);
    let run: crate::support::Run = command.output().unwrap().into();
    assert!(!run.stderr.contains("rate limit"), "not in a pipe: {run:?}");
}

#[test]
fn a_card_is_indented_on_a_narrow_terminal() {
    let world = World::new();
    let id = world.seed("devices");
    let (_, seen) = Terminal::start(&world, 50, &["get", &id], &[]).end();
    let seen = plain(&seen);
    let lines: Vec<&str> = seen.lines().map(str::trim_end).collect();
    assert!(lines.iter().all(|line| line.len() <= 50), "{seen}");
    let serial = lines.iter().position(|line| line.starts_with("Serial")).unwrap();
    assert!(lines[serial + 1].starts_with("            "), "{seen}");
}

/// The script is in a folder of functions, so the first use is what loads it.
#[test]
fn zsh_completes_at_the_first_tab() {
    if !has("zsh") {
        return;
    }
    let world = World::new();
    let script: Run = bare(&["completions", "zsh"]).output().unwrap().into();
    world.file("_cf-mtls", &script.stdout);
    let (path, folder) = (with_binary(), world.folder.path().to_str().unwrap());
    let variables = [("PATH", path.to_str().unwrap()), ("PS1", "ready> "), ("TERM", "dumb")];
    let mut zsh = Terminal::of("zsh", &world, (24, 100), &["-f", "-i"], &variables);
    zsh.expect("ready> ");
    zsh.press(&format!("fpath=({folder} $fpath); autoload -U compinit; compinit -u -D\r"));
    zsh.press("cf-mtls hostn\t");
    zsh.expect("cf-mtls hostnames ");
    zsh.press("\u{15}exit\r");
    assert_eq!(zsh.end().0, 0);
}
