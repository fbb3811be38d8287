//! Runs the measurements in turns, and prints them as a table.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::canned::PER_PAGE;
use crate::program;
use crate::scenario::HEAP;

/// A scenario, how many operations in one run, and what it is called.
const ROWS: [(&str, usize, &str); 7] = [
    ("delete", 4_000, "4,000 deletes, one after the other"),
    ("delete-many", 10_000, "10,000 deletes, 64 at a time"),
    ("list", 2_000, "a list of 100,000 certificates"),
    ("table", 2_000, "`cf-mtls list` of 100,000 certificates, from start to end"),
    ("ndjson", 2_000, "`cf-mtls list -o ndjson` of 100,000 certificates"),
    ("json", 2_000, "`cf-mtls list -o json` of 100,000 certificates"),
    (SIMULATOR, 20_000, "the simulator on one core (bare: the canned server), 64 gets at a time"),
];
const SIMULATOR: &str = "simulator";

/// An operation that is counted, how often in the two runs whose difference gives what
/// one costs, what it is called, and the most that it should cost, as a ratio.
const COUNTED: [(&str, usize, usize, &str, f64); 5] = [
    ("delete", 50, 150, "delete", 0.97),
    ("get", 50, 150, "get", 0.97),
    ("upload", 50, 150, "upload", 1.01),
    ("list", 4, 14, "a page of 50", 1.02),
    ("refused", 50, 150, "a refused delete, with its look", 1.15),
];
/// What starts the command line, and what that is called.
const STARTS: [(&str, &str); 4] = [
    ("--version", "`--version`"),
    ("--help", "`--help`"),
    ("list --name 1", "`list` of 50 certificates, over plain HTTP"),
    ("list --retries 0 --base-url https://127.0.0.1:9", "`list`, over HTTPS to a closed port"),
];
/// Forms of a list.
const FORMS: [&str; 3] = ["table", "ndjson", "json"];
/// Heaps, disturbed in different ways: one layout may be lucky by a hundredth.
const HEAPS: usize = 5;

pub(crate) fn run(runs: usize, counts_only: bool) -> anyhow::Result<()> {
    ensure!(0 < runs, "at least one run is needed");
    let server = Server::start()?;
    if Command::new("valgrind").arg("--version").output().is_ok() {
        count(server.port)?;
        count_program(server.port)?;
    } else {
        println!("valgrind is not installed, so instructions and allocations are not counted.");
    }
    if counts_only {
        return Ok(());
    }
    println!("\n| what | measure | ours | bare | ratio |");
    println!("| --- | --- | ---: | ---: | ---: |");
    for (scenario, count, what) in ROWS {
        let mut measured = Vec::new();
        for _ in 0..runs {
            let side = |side| measure(scenario, side, count, server.port);
            measured.push([side("ours")?, side("bare")?]);
        }
        let row = |measure: &str, value: &dyn Fn(&(f64, f64)) -> f64| {
            let of = |side: usize| median(measured.iter().map(|pair| value(&pair[side])));
            let ratio = median(measured.iter().map(|[ours, bare]| value(ours) / value(bare)));
            let [ours, bare] = [of(0), of(1)].map(|value| match value {
                100.0.. => format!("{value:.0}"),
                _ => format!("{value:.3}"),
            });
            println!("| {what} | {measure} | {ours} | {bare} | {ratio:.3} |");
        };
        if scenario == SIMULATOR {
            row("requests a second", &|(seconds, _)| count as f64 / seconds);
            continue;
        }
        row("seconds", &|(seconds, _)| *seconds);
        row("peak memory, KiB", &|(_, memory)| *memory);
    }
    Ok(())
}

/// Prints instructions and allocations, and whether the aims are met.
fn count(port: u16) -> anyhow::Result<()> {
    println!("| operation | measure | ours | bare | ratio | aim | |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | --- |");
    for (scenario, few, many, what, aim) in COUNTED {
        let each = |side, tool, heap| {
            let counted = |count| counted(tool, heap, scenario, side, count, port);
            anyhow::Ok((counted(many)? - counted(few)?) / (many - few) as f64)
        };
        let instructions = |side| {
            let heaps = (0..HEAPS).map(|heap| each(side, &INSTRUCTIONS, heap));
            Ok::<_, anyhow::Error>(median(heaps.collect::<Result<Vec<_>, _>>()?))
        };
        let rows = [
            ("instructions", instructions("ours")?, instructions("bare")?, aim),
            ("allocations", each("ours", &BLOCKS, 0)?, each("bare", &BLOCKS, 0)?, 1.0),
        ];
        for (measure, ours, bare, aim) in rows {
            let ratio = ours / bare;
            let met = if ratio <= aim { "met" } else { "missed" };
            println!("| {what} | {measure} | {ours:.0} | {bare:.0} | {ratio:.3} | {aim} | {met} |");
        }
    }
    Ok(())
}

/// Prints how many instructions the command line needs to start, and for each row.
fn count_program(port: u16) -> anyhow::Result<()> {
    let instructions = |arguments: &str| {
        let mut command = tool(&INSTRUCTIONS);
        program::with_environment(&mut command, port)
            .arg(program::path()?)
            .args(arguments.split_whitespace());
        number_of(&INSTRUCTIONS, &mut command)
    };
    println!("\n| the command line | instructions |");
    println!("| --- | ---: |");
    for (arguments, what) in STARTS {
        println!("| {what} | {:.0} |", instructions(arguments)?);
    }
    for form in FORMS {
        let list = |pages| instructions(&format!("list -o {form} --name {pages}"));
        let each = (list(24)? - list(4)?) / (20 * PER_PAGE) as f64;
        println!("| a row more of `list -o {form}` | {each:.0} |");
    }
    Ok(())
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
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

/// A tool of valgrind, where it is told to leave its file, and the words before and
/// after the number that it prints.
type Tool = [&'static str; 4];
const INSTRUCTIONS: Tool =
    ["--tool=callgrind", "--callgrind-out-file=/dev/null", "Collected : ", "\n"];
const BLOCKS: Tool = ["--tool=dhat", "--dhat-out-file=/dev/null", " bytes in ", " blocks"];

/// What a tool counts in one process of a scenario.
fn counted(
    counter: &Tool,
    heap: usize,
    scenario: &str,
    side: &str,
    count: usize,
    port: u16,
) -> anyhow::Result<f64> {
    let mut command = tool(counter);
    command
        .arg(env::current_exe()?)
        .args(["run", scenario, side, &count.to_string(), &port.to_string()])
        .env(HEAP, heap.to_string());
    number_of(counter, &mut command)
}

fn tool([tool, file, ..]: &Tool) -> Command {
    let mut command = Command::new("valgrind");
    command.args([tool, file]);
    command
}

/// Runs a program below a tool, whatever becomes of it, and returns what the tool counted.
fn number_of([_, _, before, after]: &Tool, command: &mut Command) -> anyhow::Result<f64> {
    let text = String::from_utf8_lossy(&command.output()?.stderr).into_owned();
    let number = text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    let (number, _) = number.with_context(|| format!("valgrind did not print a count: {text}"))?;
    Ok(number.trim().replace(',', "").parse()?)
}
