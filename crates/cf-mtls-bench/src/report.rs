//! Runs the measurements in turns, and prints them as a table.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};

/// A scenario, how many operations in one run, and what it is called.
const ROWS: [(&str, usize, &str); 5] = [
    ("delete", 4_000, "4,000 deletes, one after the other"),
    ("delete-many", 10_000, "10,000 deletes, 64 at a time"),
    ("list", 2_000, "a list of 100,000 certificates"),
    ("program", 200, "`cf-mtls list` of 10,000 certificates, from start to end"),
    (SIMULATOR, 20_000, "the simulator on one core (bare: the canned server), 64 gets at a time"),
];
const SIMULATOR: &str = "simulator";

/// Operations in the two runs whose difference gives instructions for one.
const COUNTED: [(&str, usize, usize, &str); 2] =
    [("delete", 200, 1_200, "one delete"), ("list", 5, 55, "one page of 50 certificates")];

pub(crate) fn run(runs: usize) -> anyhow::Result<()> {
    ensure!(0 < runs, "at least one run is needed");
    let server = Server::start()?;
    println!("| what | measure | ours | bare reqwest | ratio |");
    println!("| --- | --- | ---: | ---: | ---: |");
    for (scenario, count, what) in ROWS {
        let mut measured = [Vec::new(), Vec::new()];
        for _ in 0..runs {
            for (side, taken) in ["ours", "bare"].into_iter().zip(&mut measured) {
                taken.push(measure(scenario, side, count, server.port)?);
            }
        }
        let median = |side: usize, part: fn(&(f64, f64)) -> f64| {
            let mut values: Vec<_> = measured[side].iter().map(part).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let (ours, bare) = (median(0, |m| m.0), median(1, |m| m.0));
        if scenario == SIMULATOR {
            let count = count as f64;
            row(what, "requests a second", count / ours, count / bare);
            continue;
        }
        row(what, "seconds", ours, bare);
        row(what, "peak memory, KiB", median(0, |m| m.1), median(1, |m| m.1));
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("\nvalgrind is not installed, so instructions are not counted.");
        return Ok(());
    }
    for (scenario, few, many, what) in COUNTED {
        let each = |side| {
            let instructions = |count| instructions(scenario, side, count, server.port);
            anyhow::Ok((instructions(many)? - instructions(few)?) / (many - few) as f64)
        };
        row(what, "instructions", each("ours")?, each("bare")?);
    }
    Ok(())
}

fn row(what: &str, measure: &str, ours: f64, bare: f64) {
    let number = |value: f64| {
        if value < 100.0 { format!("{value:.3}") } else { format!("{value:.0}") }
    };
    println!("| {what} | {measure} | {} | {} | {:.3} |", number(ours), number(bare), ours / bare);
}

/// The server with the canned answers, which ends with this value.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start() -> anyhow::Result<Self> {
        let mut process =
            Command::new(env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().context("the server has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim().parse().context("the server told no port")?;
        Ok(Self { process, port })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, then.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn measure(scenario: &str, side: &str, count: usize, port: u16) -> anyhow::Result<(f64, f64)> {
    let mut command = Command::new(env::current_exe()?);
    let output =
        command.args(["run", scenario, side, &count.to_string(), &port.to_string()]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{scenario} {side}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let (seconds, memory) = text.trim().split_once(' ').context("no two numbers were told")?;
    Ok((seconds.parse()?, memory.parse()?))
}

fn instructions(scenario: &str, side: &str, count: usize, port: u16) -> anyhow::Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["run", scenario, side, &count.to_string(), &port.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "valgrind: {text}");
    let collected = text.lines().find_map(|line| line.split_once("Collected :"));
    let (_, number) = collected.context("valgrind told no count")?;
    Ok(number.trim().parse()?)
}
